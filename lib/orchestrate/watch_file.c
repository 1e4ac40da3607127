/* The cluster file of a watch that runs: people change it, and each round goes by what it says now,
 * as far as that can be. */
#include "base/file.h"
#include "base/text.h"
#include "orchestrate/policy.h"
#include "orchestrate/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void tell(struct watch *w, const char *text)
{
	watch_tell_event(w, &(struct watch_event){ .kind = WATCH_FILE, .text = text });
}

/* What fails again in the same way is no news. */
static void tell_kept(struct watch *w, char told[static ERR_TEXT_MAX], const char *words,
                      const struct err *why)
{
	char text[2 * ERR_TEXT_MAX];

	if (strcmp(told, why->text) == 0)
		return;
	memcpy(told, why->text, ERR_TEXT_MAX);
	snprintf(text, sizeof(text), "%s: %s", words, why->text);
	tell(w, text);
}

/* Is the file what is in force? Where it can't be read that shows when it is parsed. */
static bool is_in_force(const struct watch *w)
{
	AUTO(buf) struct buf text = BUF_INIT(CLUSTER_FILE_MAX);
	struct hash256 hash;
	struct err ignored;

	return file_read_regular(w->cluster->path, &text, &ignored) == 0 &&
	       sha256(buf_view(&text), &hash, &ignored) == 0 &&
	       view_equal(VIEW_OF(hash.bytes), VIEW_OF(w->cluster->file_hash.bytes));
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What the lease and the state's folder hang on. */
static int check_same(const struct cluster *now, const struct cluster *next, struct err *e)
{
	bool is_same = now->shared.etcd_count == next->shared.etcd_count &&
	               now->shared.lease_ms == next->shared.lease_ms &&
	               is_same_text(now->shared.ca, next->shared.ca) &&
	               is_same_text(now->shared.cert, next->shared.cert) &&
	               is_same_text(now->shared.key, next->shared.key);

	if (strcmp(now->name, next->name) != 0)
		return err_set(e, ERR_CONFIG,
		               "it is of cluster '%s', and this watch is of '%s': start another",
		               next->name, now->name);
	for (size_t i = 0; is_same && i < now->shared.etcd_count; i++)
		is_same = strcmp(now->shared.etcd[i], next->shared.etcd[i]) == 0;
	if (!is_same)
		return err_set(e, ERR_CONFIG,
		               "it names etcd in another way (state.etcd), which "
		               "takes a new start of this watch");
	return 0;
}

static bool is_any_launched_here(const struct cluster *c)
{
	for (size_t i = 0; i < c->node_count; i++)
		if (c->nodes[i].listen)
			return true;
	return false;
}

/* Pins that are still those of the manifest say nothing of the image beside them. */
static int check_launch(const struct watch *w, const struct cluster *next, struct err *e)
{
	if (!is_any_launched_here(next))
		return 0;
	return policy_check_launch(next, &w->run.seen.genesis.envelope.manifest,
	                           "; the new file is taken over once its image's manifest is "
	                           "adopted (teectl manifest new, approve, collect, adopt)",
	                           e);
}

/* As a run would judge before it seals: pins, members and root against the manifest that the state
 * keeps; and the image, as a run would before it launches. No node is asked. */
static int check_manifest(const struct watch *w, const struct cluster *next, struct err *e)
{
	struct run judging = { .cluster = next,
		               .options = { .to_change = true },
		               .state = w->run.state,
		               .seen = w->run.seen,
		               .root = BUF_INIT(ROOT_CERTIFICATE_MAX) };
	int result;

	if (!w->run.seen.has_genesis)
		return 0;
	result = policy_may_seal(&judging, e);
	buf_drop(&judging.root); /* all else is borrowed */
	return result < 0 ? -1 : check_launch(w, next, e);
}

struct arrays {
	struct watch_node *nodes;
	bool *targets, *barred, *resting;
};

static void arrays_drop(struct arrays *a)
{
	free(a->nodes);
	free(a->targets);
	free(a->barred);
	free(a->resting);
}

static int arrays_new(size_t count, struct arrays *ret, struct err *e)
{
	ret->nodes = calloc(count, sizeof(*ret->nodes));
	ret->targets = calloc(count, sizeof(*ret->targets));
	ret->barred = calloc(count, sizeof(*ret->barred));
	ret->resting = calloc(count, sizeof(*ret->resting));
	if (!ret->nodes || !ret->targets || !ret->barred || !ret->resting)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", count);
	for (size_t i = 0; i < count; i++)
		ret->nodes[i].process = -1;
	return 0;
}

/* A node of that name at that address is the one that is known; it is attested anew. */
static void carry_over(struct watch *w, const struct cluster *next, struct watch_node *nodes)
{
	for (size_t i = 0; i < next->node_count; i++) {
		const struct cluster_node *now, *then = &next->nodes[i];

		now = cluster_find_node(w->cluster, then->name);
		if (!now || !is_same_text(now->listen, then->listen) ||
		    !is_same_text(now->url, then->url))
			continue;
		nodes[i] = w->nodes[now - w->cluster->nodes];
		nodes[i].is_attested = false;
		w->nodes[now - w->cluster->nodes].process = -1;
	}
	for (size_t i = 0; i < w->cluster->node_count; i++)
		if (w->nodes[i].process >= 0)
			close(w->nodes[i].process);
}

/* The run goes before the cluster that it is of. */
static void replace(struct watch *w, struct cluster *next, struct run *run, struct arrays *arrays)
{
	const struct arrays old = { w->nodes, w->targets, w->barred, w->resting };
	const struct arrays new = MOVE(*arrays);

	carry_over(w, next, new.nodes);
	run_drop(&w->run);
	run_move(run, &w->run);
	arrays_drop(&(struct arrays){ old.nodes, old.targets, old.barred, old.resting });
	w->nodes = new.nodes;
	w->targets = new.targets;
	w->barred = new.barred;
	w->resting = new.resting;
	w->cause_node = NULL;
	if (w->options.is_file_topology)
		w->options.topology = next->propagate.topology;
	watch_file_drop(w);
	w->cluster = w->taken = next;
	w->attest_due_ms = 0; /* all of them, by the new policy */
	w->unopened = (struct err){ 0 };
}

/* What can be refused is refused before anything is replaced. */
static int take_over(struct watch *w, struct cluster *next, struct err *e)
{
	AUTO(arrays) struct arrays arrays = { 0 };
	AUTO(run) struct run run = RUN_INIT;
	const struct run_options options = w->run.options;

	TRY(check_same(w->cluster, next, e));
	TRY(check_manifest(w, next, e));
	TRY(arrays_new(next->node_count, &arrays, e));
	TRY(run_open(next, &options, &run, e));
	replace(w, next, &run, &arrays);
	return 0;
}

int watch_file_check(struct watch *w, struct err *e)
{
	struct cluster *next;
	struct err why;

	if (is_in_force(w)) {
		w->told_file[0] = 0;
		return 0;
	}
	next = calloc(1, sizeof(*next));
	if (!next)
		return err_set(e, ERR_INTERNAL, "no memory for the cluster file");
	if (cluster_read(w->cluster->path, next, &why) == 0 && take_over(w, next, &why) == 0) {
		w->told_file[0] = 0;
		tell(w, "the cluster file has changed: it goes by the new one from now on");
		return 0;
	}
	cluster_drop(next);
	free(next);
	if (why.code == ERR_INTERRUPTED)
		w->is_stopping = true;
	else
		tell_kept(w, w->told_file,
		          "the cluster file has changed, and the one before stays in force", &why);
	return 0;
}

bool watch_file_fits(struct watch *w)
{
	const struct observation *seen = &w->run.seen;
	struct pcr_set pcrs;
	struct err why;

	if (!seen->has_genesis || w->options.is_once)
		return true;
	if (manifest_pcrs(&seen->genesis.envelope.manifest, &pcrs, &why) == 0 &&
	    policy_check_pins(w->cluster, &pcrs, &why) == 0) {
		w->told_unfit[0] = 0;
		return true;
	}
	tell_kept(w, w->told_unfit, "no TEE can be judged, and nothing is healed", &why);
	return false;
}

void watch_file_drop(struct watch *w)
{
	if (!w->taken)
		return;
	cluster_drop(w->taken);
	free(w->taken);
	w->taken = NULL;
}
