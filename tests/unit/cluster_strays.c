/* Whose hypervisor a process is, by its command line. What is found of them: tests/cmd_up.bats. */
#include "support.h"

#include "cluster/strays.h"

static void a_hypervisor_names_its_pki(void **state)
{
	static const struct {
		const char *words;
		size_t len;
		const char *pki; /* NULL: none */
	} rows[] = {
#define ROW(words, pki) { words, sizeof(words) - 1, pki }
		ROW("/usr/bin/teectl-hv\0--listen=127.0.0.1:0\0--pki=.teectl/a/pki\0--debug\0",
		    ".teectl/a/pki"),
		ROW("teectl-hv\0--pki=\0", ""),
		/* another program, one whose name only begins so, and one that says it elsewhere */
		ROW("/usr/bin/less\0--pki=.teectl/a/pki\0", NULL),
		ROW("teectl-hv2\0--pki=x\0", NULL),
		ROW("grep\0teectl-hv\0--pki=x\0", NULL),
		ROW("teectl-hv\0--listen=127.0.0.1:0\0", NULL),
		ROW("teectl-hv\0--pkis=x\0--pki\0-pki=x\0pki=x\0", NULL),
		/* of the kernel, or cut */
		ROW("", NULL),
		ROW("teectl-hv\0--pki=x", NULL),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *found = stray_pki(view_new(rows[i].words, rows[i].len));

		if (!rows[i].pki)
			assert_null(found);
		else
			assert_string_equal(found, rows[i].pki);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_hypervisor_names_its_pki) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
