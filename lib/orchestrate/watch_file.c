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

/* A pipe in its place could keep the watch waiting for ever. hash: of what it says; or of why it
 * can't be read, so that this is as good as a text. */
static int read_file(const struct watch *w, struct buf *text, struct hash256 *hash, struct err *why)
{
	struct err ignored;

	if (file_read_guarded(w->cluster->path, /* may_be_pipe= */ false, text, why) < 0) {
		(void)!sha256(view_text(why->text), hash, &ignored);
		return -1;
	}
	return sha256(buf_view(text), hash, why);
}

/* The same at two looks: what somebody is writing just now is half a file, and may read as a whole
 * one with fewer nodes. A round has two looks where it heals, which count as one. */
static bool is_settled(struct watch *w, const struct hash256 *hash)
{
	if (view_equal(VIEW_OF(hash->bytes), VIEW_OF(w->file_seen.bytes)))
		return w->looks != w->file_look;
	w->file_seen = *hash;
	w->file_look = w->looks;
	return false;
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

#define NAMES_TOLD 8 /* of three hundred nobody reads more */

/* Those of `in` that `other` has not, behind the words; *ret_count of them. What is too long for
 * the text is left away. */
static void list_others(const struct cluster *in, const struct cluster *other, const char *words,
                        struct buf *to, size_t *ret_count)
{
	struct err full;
	size_t count = 0;
	int result = 0;

	for (size_t i = 0; i < in->node_count && result == 0; i++)
		if (!cluster_find_node(other, in->nodes[i].name) && count++ < NAMES_TOLD)
			result = buf_add_format(to, &full, "%s%s", count == 1 ? words : ", ",
			                        in->nodes[i].name);
	if (result == 0 && count > NAMES_TOLD)
		(void)!buf_add_format(to, &full, " and %zu more", count - NAMES_TOLD);
	*ret_count = count;
}

/* Nothing of a cluster file stops what runs. */
static int describe(const struct cluster *now, const struct cluster *next, struct buf *to,
                    struct err *e)
{
	size_t added, left;
	struct err full;

	TRY(buf_add_text(to, "the cluster file has changed: it goes by the new one from now on",
	                 e));
	list_others(next, now, "; new: ", to, &added);
	list_others(now, next, "; no longer in it: ", to, &left);
	for (size_t i = 0; i < now->node_count && left; i++)
		if (now->nodes[i].listen && !cluster_find_node(next, now->nodes[i].name)) {
			(void)!buf_add_text(
			    to, " (what runs here goes on: teectl down --orphans stops it)", &full);
			break;
		}
	return 0;
}

/* next is the caller's still where it fails. */
static int take_text(struct watch *w, struct view text, struct cluster *next, struct err *e)
{
	AUTO(buf) struct buf words = BUF_INIT(ERR_TEXT_MAX);

	TRY(cluster_read_text(w->cluster->path, text, next, e));
	TRY(describe(w->cluster, next, &words, e));
	TRY(take_over(w, next, e));
	w->told_file[0] = 0;
	tell(w, buf_text(&words));
	return 0;
}

static int take_changed(struct watch *w, struct view text, struct err *e)
{
	struct cluster *next = calloc(1, sizeof(*next));
	struct err why;

	if (!next)
		return err_set(e, ERR_INTERNAL, "no memory for the cluster file");
	if (take_text(w, text, next, &why) == 0)
		return 0;
	cluster_drop(next);
	free(next);
	if (why.code == ERR_INTERRUPTED)
		w->is_stopping = true;
	else
		tell_kept(w, w->told_file,
		          "the cluster file has changed, and the one before stays in force", &why);
	return 0;
}

int watch_file_check(struct watch *w, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(CLUSTER_FILE_MAX);
	struct hash256 hash = { 0 };
	struct err why;
	bool is_read = read_file(w, &text, &hash, &why) == 0;

	if (is_read && view_equal(VIEW_OF(hash.bytes), VIEW_OF(w->cluster->file_hash.bytes))) {
		w->told_file[0] = 0;
		w->file_seen = (struct hash256){ 0 };
		return 0;
	}
	if (!is_settled(w, &hash))
		return 0;
	if (is_read)
		return take_changed(w, buf_view(&text), e);
	tell_kept(w, w->told_file,
	          "the cluster file can't be read now, and what it said stays in force", &why);
	return 0;
}

bool watch_file_fits(struct watch *w)
{
	const struct observation *seen = &w->run.seen;
	struct pcr_set pcrs;
	char told[ERR_TEXT_MAX];

	memcpy(told, w->unfit.text, sizeof(told));
	w->unfit = (struct err){ 0 };
	if (!seen->has_genesis ||
	    (manifest_pcrs(&seen->genesis.envelope.manifest, &pcrs, &w->unfit) == 0 &&
	     policy_check_pins(w->cluster, &pcrs, &w->unfit) == 0))
		return true;
	tell_kept(w, told, "no TEE can be judged, and nothing is healed", &w->unfit);
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
