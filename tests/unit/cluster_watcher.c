/* That a watch lives on a state folder shows as long as it does. */
#include "cluster_support.h"

#include "cluster/watcher.h"

#include <unistd.h>

static void a_watch_is_known_by_its_pid_until_it_lets_go(void **state)
{
	char folder[128], path[256];
	struct state s = { folder, -1 };
	int first = -1, second = -1, known;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/watch", folder);
	assert_int_equal(watcher_pid(&s), 0);
	watcher_hold(&s, &first);
	assert_true(first >= 0);
	assert_int_equal(watcher_pid(&s), getpid());
	/* What is held is kept, and another watch is told nothing of its own. */
	known = first;
	watcher_hold(&s, &first);
	assert_int_equal(first, known);
	watcher_hold(&s, &second);
	assert_int_equal(second, -1);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(watcher_pid(&s), -1);
	/* The file alone, of one that was killed, is no watch. */
	close(first);
	assert_int_equal(watcher_pid(&s), 0);
	watcher_hold(&s, &second);
	assert_true(second >= 0);
	assert_int_equal(watcher_pid(&s), getpid());
	close(second);
	folder_clear(folder);
}

static void a_folder_that_is_not_there_is_not_made(void **state)
{
	char folder[] = "/nowhere/at/all";
	struct state s = { folder, -1 };
	int fd = -1;

	(void)state;
	watcher_hold(&s, &fd);
	assert_int_equal(fd, -1);
	assert_int_equal(watcher_pid(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watch_is_known_by_its_pid_until_it_lets_go),
		cmocka_unit_test(a_folder_that_is_not_there_is_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
