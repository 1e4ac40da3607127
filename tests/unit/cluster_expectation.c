/* What is measured in a process of its own is what would be measured here, or its refusal; and
 * where that process is gone, it is measured here. */
#include "cluster_support.h"

#include "base/file.h"
#include "cluster/expectation.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char image[] = "/bin/true", no_image[] = "/nonexistent/image", role[] = "ops";
static char text[] = "README.md", path[] = "c.yaml";

static void stage_fill(char *file, struct cluster *ret)
{
	*ret = (struct cluster){ .path = path };
	ret->enclave.image = file;
	ret->enclave.role = role;
}

static void assert_same(const struct pcr_set *a, const struct pcr_set *b)
{
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		assert_int_equal(a->values[i].len, b->values[i].len);
		assert_true(pcr_equal(&a->values[i], &b->values[i]));
	}
}

/* What is taken after one was begun, and its process ended at once if it is to be. */
static void assert_taken(struct expectation *x, bool is_killed)
{
	struct pcr_set here, ahead;
	struct cluster c;
	struct err e;

	stage_fill(image, &c);
	assert_ok(cluster_measure_here(&c, &here, &e));
	expectation_begin(&c, x);
	assert_true(x->pid > 0);
	if (is_killed)
		kill(x->pid, SIGKILL);
	assert_ok(expectation_take(x, &c, &ahead, &e));
	assert_same(&here, &ahead);
	assert_int_equal(x->pid, 0);
	/* Once: then it is asked here. */
	assert_ok(expectation_take(x, &c, &ahead, &e));
	assert_same(&here, &ahead);
}

static void it_is_what_is_measured_here(void **state)
{
	struct expectation x = { 0 };

	(void)state;
	assert_taken(&x, /* is_killed= */ false);
}

static void a_refusal_comes_back_with_its_words(void **state)
{
	struct expectation x = { 0 };
	struct pcr_set set;
	struct err here, ahead;
	struct cluster c;

	(void)state;
	stage_fill(text, &c);
	assert_int_equal(cluster_measure_here(&c, &set, &here), -1);
	expectation_begin(&c, &x);
	assert_true(x.pid > 0);
	assert_int_equal(expectation_take(&x, &c, &set, &ahead), -1);
	assert_int_equal(ahead.code, here.code);
	assert_string_equal(ahead.text, here.text);
}

static void where_its_process_is_gone_it_is_measured_here(void **state)
{
	struct expectation x = { 0 };

	(void)state;
	assert_taken(&x, /* is_killed= */ true);
}

static void nothing_is_begun_where_there_is_nothing_to_learn(void **state)
{
	struct expectation x = { 0 };
	struct cluster c;

	(void)state;
	stage_fill(no_image, &c);
	expectation_begin(&c, &x);
	assert_int_equal(x.pid, 0);
	expectation_drop(&x);
}

/* Nobody waits for it, and no zombie is left. */
static void who_no_longer_wants_it_ends_it(void **state)
{
	struct expectation x = { 0 };
	struct cluster c;
	pid_t pid;

	(void)state;
	stage_fill(image, &c);
	expectation_begin(&c, &x);
	pid = x.pid;
	assert_true(pid > 0);
	expectation_drop(&x);
	assert_int_equal(waitpid(pid, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_what_is_measured_here),
		cmocka_unit_test(a_refusal_comes_back_with_its_words),
		cmocka_unit_test(where_its_process_is_gone_it_is_measured_here),
		cmocka_unit_test(nothing_is_begun_where_there_is_nothing_to_learn),
		cmocka_unit_test(who_no_longer_wants_it_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
