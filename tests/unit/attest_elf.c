/* elf_check_names: where a loader finds names, and where it would be in doubt. */
#include "support.h"

#include "attest/elf.h"

#include <elf.h>

/* A library of one segment, with headers, dynamic section and names. */
struct tiny {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3];
	Elf64_Dyn dynamic[4];
	char names[32];
};

#define NAME_AT 1 /* in names */

static struct tiny tiny(void)
{
	struct tiny t = {
		.header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
		                         ELFDATA2LSB, EV_CURRENT },
		            .e_type = ET_DYN,
		            .e_phoff = offsetof(struct tiny, segments),
		            .e_phentsize = sizeof(Elf64_Phdr),
		            .e_phnum = 2 },
		.segments = { { .p_type = PT_LOAD,
		                .p_vaddr = 0x10000,
		                .p_filesz = sizeof(t),
		                .p_memsz = sizeof(t) },
		              { .p_type = PT_DYNAMIC,
		                .p_vaddr = 0x10000 + offsetof(struct tiny, dynamic) } },
		.dynamic = { { DT_NEEDED, { NAME_AT } },
		             { DT_STRTAB, { 0x10000 + offsetof(struct tiny, names) } },
		             { DT_RUNPATH, { NAME_AT + 9 } },
		             { DT_NULL, { 0 } } },
		.names = "\0libx.so.1\0/opt/lib",
	};

	t.dynamic[2].d_un.d_val = NAME_AT + sizeof("libx.so.1");
	return t;
}

static void assert_tiny(const struct tiny *t, const char *words)
{
	struct err e;

	assert_refused(elf_check_names(view_new((const uint8_t *)t, sizeof(*t)), &e), ERR_DATA,
	               words);
}

static void good_names_are_good(void **state)
{
	struct tiny t = tiny();
	struct err e;

	(void)state;
	assert_ok(elf_check_names(view_new((const uint8_t *)&t, sizeof(t)), &e));
	t.header.e_phnum = 1; /* no dynamic section */
	assert_ok(elf_check_names(view_new((const uint8_t *)&t, sizeof(t)), &e));
}

static void both_names_are_read(void **state)
{
	struct tiny t = tiny();

	(void)state;
	t.names[NAME_AT + 3] = ' ';
	assert_tiny(&t, "its DT_NEEDED holds white space");
	t = tiny();
	t.names[NAME_AT + 12] = '\n';
	assert_tiny(&t, "its DT_RUNPATH holds white space");
	/* Beyond ASCII it is a letter as any. */
	t.names[NAME_AT + 12] = (char)0xe9;
	assert_true(elf_check_names(view_new((const uint8_t *)&t, sizeof(t)), &(struct err){ 0 }) ==
	            0);
}

static void a_name_is_in_the_table_and_ends_there(void **state)
{
	struct tiny t = tiny();

	(void)state;
	t.dynamic[0].d_un.d_val = sizeof(t.names);
	assert_tiny(&t, "its DT_NEEDED is not in its table of names");
	t.dynamic[0].d_un.d_val = UINT64_MAX;
	assert_tiny(&t, "its DT_NEEDED is not in its table of names");
	t = tiny();
	memset(t.names + 12, 'x', sizeof(t.names) - 12);
	assert_tiny(&t, "its DT_RUNPATH has no end");
}

/* What the file says at an offset is nothing when a loader reads at an address. */
static void the_section_is_found_by_its_address(void **state)
{
	struct tiny t = tiny();

	(void)state;
	t.segments[1].p_offset = offsetof(struct tiny, header);
	t.names[NAME_AT + 3] = ' ';
	assert_tiny(&t, "its DT_NEEDED holds white space");
	t.segments[1].p_vaddr = 0x30000;
	assert_tiny(&t, "not in one segment");
	t.segments[1].p_vaddr = UINT64_MAX;
	assert_tiny(&t, "not in one segment");
	t = tiny();
	t.segments[0].p_filesz = UINT64_MAX;
	assert_tiny(&t, "not in one segment");
	t.segments[0].p_memsz = UINT64_MAX;
	assert_tiny(&t, "not in one segment");
}

/* The later segment would be mapped over the earlier, also by the rest of its first page. */
static void segments_on_one_page_are_in_doubt(void **state)
{
	struct tiny t = tiny();
	struct err e;

	(void)state;
	t.header.e_phnum = 3;
	t.segments[2] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = 0x10f00, .p_memsz = 1 };
	assert_tiny(&t, "not in one segment");
	t.segments[2].p_vaddr = 0x11000;
	assert_ok(elf_check_names(view_new((const uint8_t *)&t, sizeof(t)), &e));
}

static void there_is_one_section_and_one_table(void **state)
{
	struct tiny t = tiny();

	(void)state;
	t.header.e_phnum = 3;
	t.segments[2] = t.segments[1];
	assert_tiny(&t, "two dynamic sections");
	t = tiny();
	t.dynamic[2] = t.dynamic[1];
	assert_tiny(&t, "not one table of names");
	t.dynamic[1].d_tag = t.dynamic[2].d_tag = DT_DEBUG;
	assert_tiny(&t, "not one table of names");
	t = tiny();
	t.dynamic[3].d_tag = DT_DEBUG;
	t.segments[0].p_filesz = offsetof(struct tiny, names);
	t.dynamic[1].d_tag = DT_DEBUG;
	assert_tiny(&t, "no end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_names_are_good),
		cmocka_unit_test(both_names_are_read),
		cmocka_unit_test(a_name_is_in_the_table_and_ends_there),
		cmocka_unit_test(the_section_is_found_by_its_address),
		cmocka_unit_test(segments_on_one_page_are_in_doubt),
		cmocka_unit_test(there_is_one_section_and_one_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
