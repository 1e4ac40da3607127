#include "support.h"

#include "attest/measure.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/bin/true" /* needs the C library and nothing else */
#define NOBODY  65534

static struct buf program(void)
{
	struct buf b = BUF_INIT(IMAGE_MAX);
	struct err e;

	assert_ok(file_read(PROGRAM, &b, &e));
	return b;
}

/* Measures bytes as an image; the path is gone afterwards. */
static int measure_bytes(struct view bytes, int *ret_fd, struct pcr *ret, struct err *e)
{
	char folder[256], path[300];
	int outcome;

	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/image", folder);
	assert_int_equal(file_write(path, bytes, 0755, e), 0);
	outcome = measure_image(path, ret_fd, ret, e);
	unlink(path);
	rmdir(folder);
	return outcome;
}

static int runtime_of_bytes(struct view bytes, struct pcr *ret, struct err *e)
{
	AUTO(fd) int fd = -1;
	struct pcr image;

	TRY(measure_bytes(bytes, &fd, &image, e));
	return measure_runtime(fd, ret, e);
}

static void an_image_is_measured_as_its_bytes(void **state)
{
	AUTO(buf) struct buf bytes = program();
	AUTO(fd) int fd = -1;
	struct pcr expected, found;
	struct err e;

	(void)state;
	assert_ok(pcr_measure(buf_view(&bytes), &expected, &e));
	assert_ok(measure_image(PROGRAM, &fd, &found, &e));
	assert_true(pcr_equal(&found, &expected));
}

static void one_bit_makes_another_image(void **state)
{
	AUTO(buf) struct buf bytes = program();
	AUTO(fd) int first = -1;
	AUTO(fd) int second = -1;
	struct pcr before, after;
	struct err e;

	(void)state;
	assert_ok(measure_bytes(buf_view(&bytes), &first, &before, &e));
	bytes.data[bytes.len - 1] ^= 1;
	assert_ok(measure_bytes(buf_view(&bytes), &second, &after, &e));
	assert_false(pcr_equal(&before, &after));
}

static void an_image_in_memory_does_not_change(void **state)
{
	AUTO(fd) int fd = -1;
	struct pcr pcr;
	struct stat st;
	struct err e;

	(void)state;
	assert_ok(measure_image(PROGRAM, &fd, &pcr, &e));
	assert_int_equal(fcntl(fd, F_GET_SEALS),
	                 F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_ptr_equal(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0111);
	assert_ok(measure_runtime(fd, &pcr, &e));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0111);
}

static void an_image_must_be_a_file(void **state)
{
	struct pcr pcr;
	struct err e;
	int fd = -1;

	(void)state;
	assert_refused(measure_image("/nonexistent", &fd, &pcr, &e), ERR_NO_INPUT, "/nonexistent");
	assert_refused(measure_image("/", &fd, &pcr, &e), ERR_NO_INPUT, "Is a directory");
	assert_refused(measure_bytes((struct view){ 0 }, &fd, &pcr, &e), ERR_DATA, "1 to");
	assert_int_equal(fd, -1);
}

/* above/folder/image, and links to it in above */
struct place {
	char above[256], folder[300], image[300], link[300];
};

static void place_make(struct place *p)
{
	AUTO(buf) struct buf bytes = program();
	struct err e;

	folder_new(p->above, sizeof(p->above));
	snprintf(p->folder, sizeof(p->folder), "%s/folder", p->above);
	snprintf(p->image, sizeof(p->image), "%s/folder/image", p->above);
	snprintf(p->link, sizeof(p->link), "%s/link", p->above);
	assert_int_equal(mkdir(p->folder, 0755), 0);
	assert_ok(file_write(p->image, buf_view(&bytes), 0755, &e));
}

static void place_remove(const struct place *p)
{
	struct err e;

	assert_ok(folder_remove_all(p->above, &e));
}

/* NULL: it is measured. */
static void assert_measured(const char *path, const char *why)
{
	AUTO(fd) int fd = -1;
	struct pcr pcr;
	struct err e;

	if (why)
		assert_refused(measure_image(path, &fd, &pcr, &e), ERR_DATA, why);
	else
		assert_ok(measure_image(path, &fd, &pcr, &e));
}

/* Whoever may write to it would run what he likes as whoever measures. */
static void an_image_is_not_everybodys(void **state)
{
	static const char another[] = "whoever is on this machine may put another in its place";
	static const struct {
		mode_t above, folder, image;
		const char *why; /* NULL: measured */
	} rows[] = {
		{ 0755, 0755, 0755, NULL },
		{ 0775, 0775, 0775, NULL },
		{ 01777, 01777, 0755, NULL },
		{ 0755, 0755, 0757, "has mode 0757: whoever is on this machine may write to it" },
		{ 0755, 0777, 0755, another },
		{ 0777, 0755, 0755, another },
	};
	struct place p;

	(void)state;
	place_make(&p);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(chmod(p.image, rows[i].image), 0);
		assert_int_equal(chmod(p.folder, rows[i].folder), 0);
		assert_int_equal(chmod(p.above, rows[i].above), 0);
		assert_measured(p.image, rows[i].why);
	}
	place_remove(&p);
}

/* Each that the path goes by counts, and the folder that it leads to. */
static void a_link_to_an_image_is_not_everybodys(void **state)
{
	static const char another[] = "whoever is on this machine may put another in its place";
	static const char *const targets[] = { "folder/image", "./folder/../folder//image",
		                               "folder/second", "folder/whole" };
	char second[320], whole[320];
	struct place p;

	(void)state;
	place_make(&p);
	snprintf(second, sizeof(second), "%s/second", p.folder);
	snprintf(whole, sizeof(whole), "%s/whole", p.folder);
	assert_int_equal(symlink("../folder/image", second), 0);
	assert_int_equal(symlink(p.image, whole), 0);
	for (size_t i = 0; i < COUNT(targets); i++) {
		assert_int_equal(symlink(targets[i], p.link), 0);
		assert_measured(p.link, NULL);
		assert_int_equal(chmod(p.folder, 0777), 0);
		assert_measured(p.link, another);
		assert_int_equal(chmod(p.folder, 0755), 0);
		assert_int_equal(chmod(p.above, 0777), 0);
		assert_measured(p.link, another);
		assert_int_equal(chmod(p.above, 0755), 0);
		assert_int_equal(unlink(p.link), 0);
	}
	place_remove(&p);
}

/* As the kernel walks it. */
static void a_path_that_leads_to_no_image_is_refused(void **state)
{
	char slash[320], name[700];
	const struct {
		const char *path, *why;
	} rows[] = {
		{ slash, "Not a directory" },
		{ name, "File name too long" },
		{ "", "No such file or directory" },
	};
	AUTO(fd) int fd = -1;
	struct place p;
	struct pcr pcr;
	struct err e;

	(void)state;
	place_make(&p);
	snprintf(slash, sizeof(slash), "%s/", p.image);
	/* One of the length that there can be is there. */
	snprintf(name, sizeof(name), "%s/%0*d", p.folder, NAME_MAX, 0);
	assert_int_equal(symlink("image", name), 0);
	assert_measured(name, NULL);
	strcat(name, "0");
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_refused(measure_image(rows[i].path, &fd, &pcr, &e), ERR_NO_INPUT,
		               rows[i].why);
	assert_int_equal(symlink("link", p.link), 0);
	assert_refused(measure_image(p.link, &fd, &pcr, &e), ERR_NO_INPUT,
	               "Too many levels of symbolic links");
	place_remove(&p);
}

/* In /tmp whoever was first has made it. Who is not root can give it to nobody. */
static void an_image_where_all_make_files_is_ones_own(void **state)
{
	static const char words[] = "what is there is another user's";
	struct place p;

	(void)state;
	if (geteuid() != 0)
		skip();
	place_make(&p);
	assert_int_equal(symlink("folder/image", p.link), 0);
	assert_int_equal(chmod(p.above, 01777), 0);
	assert_int_equal(lchown(p.link, NOBODY, NOBODY), 0);
	assert_measured(p.link, words);
	assert_measured(p.image, NULL);
	assert_int_equal(chown(p.folder, NOBODY, NOBODY), 0);
	assert_measured(p.image, words);
	assert_int_equal(chmod(p.above, 0755), 0);
	assert_measured(p.image, NULL);
	assert_int_equal(chown(p.image, NOBODY, NOBODY), 0);
	assert_int_equal(chown(p.folder, 0, 0), 0);
	assert_int_equal(chmod(p.folder, 01777), 0);
	assert_measured(p.image, words);
	place_remove(&p);
}

struct found {
	const char *part; /* of the path */
	char path[512];
};

static int find_object(struct dl_phdr_info *info, size_t size, void *context)
{
	struct found *f = context;

	(void)size;
	if (!strstr(info->dlpi_name, f->part))
		return 0;
	snprintf(f->path, sizeof(f->path), "%s", info->dlpi_name);
	return 1;
}

/* What this process itself runs with, which is what PROGRAM would. */
static void add_object(struct buf *content, const char *part)
{
	AUTO(buf) struct buf bytes = BUF_INIT(IMAGE_MAX);
	struct found f = { .part = part };
	struct hash384 hash;
	struct err e;

	assert_int_equal(dl_iterate_phdr(find_object, &f), 1);
	assert_ok(file_read(f.path, &bytes, &e));
	assert_ok(sha384(buf_view(&bytes), &hash, &e));
	assert_ok(buf_add_vec(content, view_text(strrchr(f.path, '/') + 1), &e));
	assert_ok(buf_add(content, VIEW_OF(hash.bytes), &e));
}

static struct pcr expected_runtime(void)
{
	AUTO(buf) struct buf content = BUF_INIT(4096);
	struct pcr pcr;
	struct err e;

	assert_ok(buf_add_le32(&content, 2, &e));
	add_object(&content, "/ld-linux"); /* before libc in the order of names */
	add_object(&content, "/libc.so");
	assert_ok(pcr_measure(buf_view(&content), &pcr, &e));
	return pcr;
}

static void the_runtime_is_loader_and_libraries(void **state)
{
	struct pcr expected = expected_runtime(), found;
	AUTO(fd) int fd = -1;
	struct err e;

	(void)state;
	assert_ok(measure_image(PROGRAM, &fd, &found, &e));
	assert_ok(measure_runtime(fd, &found, &e));
	assert_true(pcr_equal(&found, &expected));
}

static void the_environment_of_the_caller_does_not_count(void **state)
{
	struct pcr expected = expected_runtime(), found;
	AUTO(fd) int fd = -1;
	struct err e;

	(void)state;
	setenv("LD_PRELOAD", "/nonexistent.so", 1);
	setenv("LD_LIBRARY_PATH", "/nonexistent", 1);
	setenv("LD_DEBUG", "all", 1);
	assert_ok(measure_image(PROGRAM, &fd, &found, &e));
	assert_ok(measure_runtime(fd, &found, &e));
	unsetenv("LD_PRELOAD");
	unsetenv("LD_LIBRARY_PATH");
	unsetenv("LD_DEBUG");
	assert_true(pcr_equal(&found, &expected));
}

/* Runs in a child: 0 if an ordinary user gets this runtime and can start the image. */
static int measure_and_start(const struct pcr *expected)
{
	char *const arguments[] = { PROGRAM, NULL }, *const environment[] = { NULL };
	struct pcr found;
	struct err e;
	int fd;

	if (getuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		return 10;
	if (measure_image(PROGRAM, &fd, &found, &e) < 0 || measure_runtime(fd, &found, &e) < 0)
		return 11;
	if (!pcr_equal(&found, expected))
		return 12;
#ifdef UNDER_VALGRIND /* which opens what it runs, and so can't run what is not readable */
	(void)arguments;
	(void)environment;
	return 0;
#endif
	fexecve(fd, arguments, environment);
	return 13;
}

static void an_ordinary_user_measures_and_starts_the_same(void **state)
{
	struct pcr expected = expected_runtime();
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(measure_and_start(&expected));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The first program header of this type. */
static Elf64_Phdr *find_segment(struct buf *image, uint32_t type)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)image->data;
	Elf64_Phdr *segments = (Elf64_Phdr *)(image->data + header->e_phoff);

	for (unsigned i = 0; i < header->e_phnum; i++)
		if (segments[i].p_type == type)
			return &segments[i];
	return NULL;
}

static void a_static_image_has_an_empty_runtime(void **state)
{
	AUTO(buf) struct buf image = program();
	struct pcr expected, found;
	struct err e;

	(void)state;
	find_segment(&image, PT_INTERP)->p_type = PT_NULL;
	assert_ok(pcr_measure((struct view){ 0 }, &expected, &e));
	assert_ok(runtime_of_bytes(buf_view(&image), &found, &e));
	assert_true(pcr_equal(&found, &expected));
}

static void a_library_that_is_not_found_is_named(void **state)
{
	AUTO(buf) struct buf image = program();
	uint8_t *name = memmem(image.data, image.len, "libc.so.6", 9);
	struct pcr pcr;
	struct err e;

	(void)state;
	assert_non_null(name);
	name[3] = '~';
	assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA, "lib~.so.6");
}

static void a_loader_that_is_not_there_is_named(void **state)
{
	AUTO(buf) struct buf image = program();
	struct pcr pcr;
	struct err e;

	(void)state;
	image.data[find_segment(&image, PT_INTERP)->p_offset + 1] = '~';
	assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA, "'/~ib");
}

/* PT_INTERP of PROGRAM has room for 28 bytes at least. */
static void an_image_does_not_bring_its_loader(void **state)
{
	static const char *const loaders[] = { "/tmp/ld-linux.so.2", "/bin/sh", "/lib/../tmp/ld.so",
		                               "/usr/lib/x/evil.so" };
	struct pcr pcr;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(loaders); i++) {
		AUTO(buf) struct buf image = program();
		Elf64_Phdr *interp = find_segment(&image, PT_INTERP);

		assert_true(interp->p_filesz > strlen(loaders[i]));
		memcpy(image.data + interp->p_offset, loaders[i], strlen(loaders[i]) + 1);
		interp->p_filesz = strlen(loaders[i]) + 1;
		assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA,
		               "none of the system's");
	}
}

static void what_is_no_image_has_no_runtime(void **state)
{
	AUTO(buf) struct buf image = program();
	Elf64_Ehdr *header = (Elf64_Ehdr *)image.data;
	Elf64_Phdr *interp = find_segment(&image, PT_INTERP);
	struct pcr pcr;
	struct err e;

	(void)state;
	assert_refused(runtime_of_bytes(view_text("#!/bin/sh\n"), &pcr, &e), ERR_DATA,
	               "not an ELF");
	assert_refused(runtime_of_bytes(view_new(image.data, 63), &pcr, &e), ERR_DATA,
	               "not an ELF");
	assert_refused(runtime_of_bytes(view_new(image.data, 64), &pcr, &e), ERR_DATA, "cut short");
	interp->p_filesz--;
	assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA, "interpreter");
	interp->p_filesz = UINT64_MAX;
	assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA, "interpreter");
	header->e_phoff = UINT64_MAX - 8;
	assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA, "cut short");
	header->e_phentsize = 1;
	assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA, "unknown size");
	header->e_ident[EI_CLASS] = ELFCLASS32;
	assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA, "64-bit");
}

/* The first entry of this tag in the dynamic section. */
static Elf64_Dyn *find_entry(struct buf *image, int64_t tag)
{
	Elf64_Dyn *entry = (Elf64_Dyn *)(image->data + find_segment(image, PT_DYNAMIC)->p_offset);

	while (entry->d_tag != tag) {
		assert_int_not_equal(entry->d_tag, DT_NULL);
		entry++;
	}
	return entry;
}

/* In PROGRAM and in libraries the table of names is in the first segment, at its own address. */
static char *names_of(struct buf *image)
{
	return (char *)image->data + find_entry(image, DT_STRTAB)->d_un.d_ptr;
}

static void a_name_that_leads_elsewhere_holds_no_white_space(void **state)
{
	static const struct {
		int64_t tag;
		const char *words;
	} tags[] = {
		{ DT_NEEDED, "DT_NEEDED" },
		{ DT_RPATH, "DT_RPATH" },
		{ DT_RUNPATH, "DT_RUNPATH" },
		{ DT_SONAME, "DT_SONAME" },
	};
	static const char bad[] = " \t\n\r\x01\x1f\x7f";
	struct pcr pcr;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(tags); i++)
		for (const char *c = bad; *c; c++) {
			AUTO(buf) struct buf image = program();
			Elf64_Dyn *needed = find_entry(&image, DT_NEEDED);

			names_of(&image)[needed->d_un.d_val + 4] = *c;
			needed->d_tag = tags[i].tag;
			assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA,
			               tags[i].words);
			assert_non_null(strstr(e.text, "image: its DT_"));
			assert_non_null(strstr(e.text, "white space or a control character"));
		}
}

/* What these name is loaded, and not in the list. */
static void a_name_that_is_not_listed_is_refused(void **state)
{
	static const struct {
		int64_t tag;
		const char *words;
	} tags[] = {
		{ DT_AUXILIARY, "image: its DT_AUXILIARY names what the loader's list does not" },
		{ DT_FILTER, "image: its DT_FILTER names what the loader's list does not" },
		{ DT_AUDIT, "image: its DT_AUDIT names what the loader's list does not" },
		{ DT_DEPAUDIT, "image: its DT_DEPAUDIT names what the loader's list does not" },
	};
	struct pcr pcr;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(tags); i++) {
		AUTO(buf) struct buf image = program();

		find_entry(&image, DT_NEEDED)->d_tag = tags[i].tag;
		assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA,
		               tags[i].words);
	}
}

static void put_text(char *to, const char *text)
{
	memcpy(to, text, strlen(text) + 1);
}

/* Were it believed, the loader's list would name another library where none is. */
static void a_needed_name_writes_no_line_of_the_list(void **state)
{
	static const char arrow[] = "x => /etc/passwd (0x1)", line[] = "x\n\t/etc/passwd (0x1)";
	struct pcr pcr;
	struct err e;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		AUTO(buf) struct buf image = program();

		/* Over other names, which nobody looks up here. */
		put_text(names_of(&image) + 1, i ? line : arrow);
		find_entry(&image, DT_NEEDED)->d_un.d_val = 1;
		assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA,
		               "image: its DT_NEEDED holds white space");
	}
}

/* A copy of an object that this process runs with. */
static struct buf object(const char *part)
{
	struct buf b = BUF_INIT(IMAGE_MAX);
	struct found f = { .part = part };
	struct err e;

	assert_int_equal(dl_iterate_phdr(find_object, &f), 1);
	assert_ok(file_read(f.path, &b, &e));
	return b;
}

static void write_object(const char *folder, const char *name, const struct buf *b)
{
	char path[300];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_ok(file_write(path, buf_view(b), 0755, &e));
}

static void remove_object(const char *folder, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

/* A library of the image's own folder, needed in place of the system's, is looked at as well. */
static void a_library_s_names_hold_no_white_space_either(void **state)
{
	AUTO(buf) struct buf image = program();
	AUTO(buf) struct buf library = object("/libc.so");
	AUTO(buf) struct buf loader = object("/ld-linux");
	char *needed = names_of(&library) + find_entry(&library, DT_NEEDED)->d_un.d_val;
	char folder[256];
	struct pcr pcr;
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	needed[2] = ' ';
	write_object(folder, "libc.so.6", &library);
	write_object(folder, needed, &loader);
	put_text(names_of(&image) + 1, folder);
	/* DT_RPATH holds for the libraries' needs too. */
	*find_entry(&image, DT_DEBUG) = (Elf64_Dyn){ .d_tag = DT_RPATH, .d_un.d_val = 1 };
	assert_refused(runtime_of_bytes(buf_view(&image), &pcr, &e), ERR_DATA,
	               "/libc.so.6': its DT_NEEDED holds white space");
	assert_non_null(strstr(e.text, folder));
	remove_object(folder, "libc.so.6");
	remove_object(folder, needed);
	rmdir(folder);
}

static void options_are_measured_by_name_in_any_order(void **state)
{
	const struct measured_option options[] = { { "max-body", "1048576" },
		                                   { "client-ca", "b" },
		                                   { "client-ca", "a" } };
	const struct measured_option again[] = { options[2], options[0], options[1] };
	static const char content[] = "\3\0\0\0"
	                              "\x9\0\0\0client-ca\1\0\0\0a"
	                              "\x9\0\0\0client-ca\1\0\0\0b"
	                              "\x8\0\0\0max-body\7\0\0\0"
	                              "1048576";
	struct pcr expected, found;
	struct err e;

	(void)state;
	assert_ok(pcr_measure(view_new(content, sizeof(content) - 1), &expected, &e));
	assert_ok(measure_options(options, COUNT(options), &found, &e));
	assert_true(pcr_equal(&found, &expected));
	assert_ok(measure_options(again, COUNT(again), &found, &e));
	assert_true(pcr_equal(&found, &expected));
}

static void no_options_are_an_empty_list(void **state)
{
	struct pcr expected, found;
	struct err e;

	(void)state;
	assert_ok(pcr_measure(view_new("\0\0\0\0", 4), &expected, &e));
	assert_ok(measure_options(NULL, 0, &found, &e));
	assert_true(pcr_equal(&found, &expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_is_measured_as_its_bytes),
		cmocka_unit_test(one_bit_makes_another_image),
		cmocka_unit_test(an_image_in_memory_does_not_change),
		cmocka_unit_test(an_image_must_be_a_file),
		cmocka_unit_test(an_image_is_not_everybodys),
		cmocka_unit_test(a_link_to_an_image_is_not_everybodys),
		cmocka_unit_test(a_path_that_leads_to_no_image_is_refused),
		cmocka_unit_test(an_image_where_all_make_files_is_ones_own),
		cmocka_unit_test(the_runtime_is_loader_and_libraries),
		cmocka_unit_test(the_environment_of_the_caller_does_not_count),
		cmocka_unit_test(an_ordinary_user_measures_and_starts_the_same),
		cmocka_unit_test(a_static_image_has_an_empty_runtime),
		cmocka_unit_test(a_library_that_is_not_found_is_named),
		cmocka_unit_test(a_loader_that_is_not_there_is_named),
		cmocka_unit_test(an_image_does_not_bring_its_loader),
		cmocka_unit_test(what_is_no_image_has_no_runtime),
		cmocka_unit_test(a_name_that_leads_elsewhere_holds_no_white_space),
		cmocka_unit_test(a_name_that_is_not_listed_is_refused),
		cmocka_unit_test(a_needed_name_writes_no_line_of_the_list),
		cmocka_unit_test(a_library_s_names_hold_no_white_space_either),
		cmocka_unit_test(options_are_measured_by_name_in_any_order),
		cmocka_unit_test(no_options_are_an_empty_list),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}
