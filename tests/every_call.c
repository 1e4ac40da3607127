/* Every function of teectl.h, on a cluster file of three nodes, of which none runs yet.
 *
 *   every_call CLUSTER.yaml    status 0, or the line of what was not as expected */
#include "teectl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct teectl_error e;

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("line %d: %s\n  last error: %d %s %s: %s\n", __LINE__, #condition,  \
			       e.status, e.name, e.reason, e.text);                                \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

struct tally {
	int started, done, failed;
	char forwarded_to[64];
	long long forward_us;
};

static void on_event(void *context, const struct teectl_event *event)
{
	struct tally *t = context;

	t->started += event->kind == TEECTL_STARTED;
	t->done += event->kind == TEECTL_DONE;
	t->failed += event->kind == TEECTL_FAILED;
	if (event->kind == TEECTL_DONE && strcmp(event->step, "forward") == 0) {
		snprintf(t->forwarded_to, sizeof(t->forwarded_to), "%s", event->node);
		t->forward_us = event->elapsed_us;
	}
}

static void expect_error(int status, const char *name, const char *words)
{
	EXPECT(e.status == status);
	EXPECT(strcmp(e.name, name) == 0);
	EXPECT(strstr(e.text, words));
}

/* How often it is in the status's JSON. */
static int count_in_status(struct teectl *cluster, const char *words)
{
	char *status = teectl_status(cluster, &e);
	int count = 0;

	EXPECT(status);
	for (const char *at = status; (at = strstr(at, words)); at += strlen(words))
		count++;
	free(status);
	return count;
}

static void refuse_what_is_out_of_order(struct teectl *cluster)
{
	EXPECT(teectl_share_quorum_key(cluster, "tee1", "tee2", &e) < 0);
	expect_error(2, "not-desired", "there has been no genesis");
	EXPECT(teectl_inject(cluster, &e) < 0);
	expect_error(2, "not-desired", "teectl genesis");
	EXPECT(teectl_recover(cluster, &e) < 0);
	expect_error(2, "not-desired", "genesis");
	EXPECT(teectl_share_quorum_key(cluster, "tee1", "nobody", &e) < 0);
	expect_error(64, "usage", "there is no node 'nobody'");
	EXPECT(teectl_share_quorum_key(cluster, "somebody", "tee2", &e) < 0);
	expect_error(64, "usage", "there is no node 'somebody'");
}

/* One node alone has it then; told once, from begin to end. */
static void forward_once(struct teectl *cluster)
{
	struct tally t = { 0 };

	teectl_set_observer(cluster, on_event, &t);
	EXPECT(teectl_share_quorum_key(cluster, "tee1", "tee3", &e) == 0);
	EXPECT(t.started == t.done && t.failed == 0);
	EXPECT(strcmp(t.forwarded_to, "tee3") == 0);
	EXPECT(t.forward_us > 0);
	EXPECT(count_in_status(cluster, "ApplicationReady") == 2);
	/* Nothing is missing there: nothing is forwarded. */
	t = (struct tally){ 0 };
	EXPECT(teectl_share_quorum_key(cluster, "tee1", "tee3", &e) == 0);
	EXPECT(!*t.forwarded_to);
	/* Nobody is told any more. */
	t = (struct tally){ 0 };
	teectl_set_observer(cluster, NULL, NULL);
	EXPECT(teectl_verify(cluster, &e) < 0);
	EXPECT(t.started == 0);
}

static void run_out_of_time(struct teectl *cluster)
{
	teectl_set_timeout(cluster, 1);
	EXPECT(teectl_verify(cluster, &e) < 0);
	EXPECT(e.status == 75 || e.status == 69);
	teectl_set_timeout(cluster, 120000);
	EXPECT(teectl_verify(cluster, &e) == 0);
}

int main(int argc, char **argv)
{
	struct teectl *cluster;

	EXPECT(argc == 2);
	EXPECT(*teectl_version() && strspn(teectl_version(), "0123456789.") > 2);
	EXPECT(!teectl_open("nowhere.yaml", &e));
	expect_error(66, "no-input", "nowhere.yaml");
	cluster = teectl_open(argv[1], &e);
	EXPECT(cluster);
	EXPECT(teectl_verify(cluster, &e) < 0);
	EXPECT(teectl_up(cluster, &e) == 0);
	EXPECT(count_in_status(cluster, "WaitingForBootInstruction") == 3);
	refuse_what_is_out_of_order(cluster);
	EXPECT(teectl_genesis(cluster, &e) == 0);
	EXPECT(teectl_inject(cluster, &e) == 0);
	EXPECT(teectl_recover(cluster, &e) == 0); /* nothing is lost */
	forward_once(cluster);
	EXPECT(teectl_propagate(cluster, &e) == 0);
	EXPECT(teectl_verify(cluster, &e) == 0);
	run_out_of_time(cluster);
	EXPECT(teectl_down(cluster, &e) == 0);
	EXPECT(teectl_down(cluster, &e) == 0);
	EXPECT(teectl_verify(cluster, &e) < 0);
	teectl_close(cluster);
	teectl_close(NULL);
	puts("every call did what it says");
	return 0;
}
