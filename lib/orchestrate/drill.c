#include "orchestrate/drill.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "orchestrate/drive.h"
#include "orchestrate/share.h"
#include "proto/row.h"

#include <stdlib.h>
#include <string.h>

#define DRILL_NODES    2
#define NAME_LEN_MAX   (CLUSTER_NAME_MAX + 16)
#define DRILL_TEXT_MAX 4096
#define STOP_MS        15000 /* clearing away has its own time: it happens after any deadline */

const char *const drill_words[] = { "done", "waiting for people", "failed", NULL };

/* clang-format off */

#define THIS drill_row
INNER(drill_row,
	TEXT("step", step, 0, DRILL_TEXT_MAX, "what was done", REQUIRED),
	TEXT("subject", subject, 0, DRILL_TEXT_MAX, "a member; empty: all", REQUIRED),
	WORD("state", state, drill_words, "what it came to", REQUIRED),
	TEXT("note", note, 0, DRILL_TEXT_MAX, "for people", REQUIRED));
#undef THIS

#define THIS drill_report
SCHEMA(drill_report,
	TEXT("cluster", cluster, 0, DRILL_TEXT_MAX, "whose recovery is practised", REQUIRED),
	TEXT("outcome", outcome, 0, DRILL_TEXT_MAX, "done, waiting or failed", REQUIRED),
	LIST("steps", steps, 0, UINT16_MAX, drill_row, "in their order", REQUIRED),
	LIST("waiting_for", waiting_for, 0, MEMBERS_MAX, alias_item, "members whose keys are not here", REQUIRED));
#undef THIS

/* clang-format on */

struct drill {
	const struct cluster *real;
	const struct run_options *options;
	int64_t deadline_ms;
	struct state state; /* the cluster's, to look */
	char *folder;       /* of the throw-away one */
	struct cluster cluster;
	struct drill_report report;
};

static void drill_drop(struct drill *d)
{
	state_drop(&d->state);
	text_drop(&d->folder);
	cluster_drop(&d->cluster);
	drill_report_drop(&d->report);
}

static int add_row(struct drill *d, const char *step, const char *subject, enum drill_state state,
                   const char *note, struct err *e)
{
	struct drill_row *row;

	TRY(wire_list_add(&d->report.steps, &drill_row_schema, &row, e));
	row->state = (int)state;
	TRY(wire_set_text(&row->step, step, e));
	TRY(wire_set_text(&row->subject, subject, e));
	return wire_set_text(&row->note, note, e);
}

/* --- the throw-away cluster */

static int rename_to(char **text, const char *name, struct err *e)
{
	text_drop(text);
	return text_dup(name, text, e);
}

static int make_nodes(struct cluster *c, struct err *e)
{
	static const char *const names[DRILL_NODES] = { "drill1", "drill2" };

	for (size_t i = 0; i < c->node_count; i++) {
		text_drop(&c->nodes[i].name);
		text_drop(&c->nodes[i].listen);
		text_drop(&c->nodes[i].url);
	}
	free(c->nodes);
	c->node_count = 0;
	c->nodes = calloc(DRILL_NODES, sizeof(*c->nodes));
	if (!c->nodes)
		return err_set(e, ERR_INTERNAL, "no memory for nodes");
	c->node_count = DRILL_NODES;
	for (size_t i = 0; i < DRILL_NODES; i++) {
		TRY(text_dup(names[i], &c->nodes[i].name, e));
		TRY(text_dup("127.0.0.1:0", &c->nodes[i].listen, e));
	}
	c->propagate.source = 0;
	text_drop(&c->propagate.source_name);
	return 0;
}

/* The same file with the same image, options and members; another name and namespace, simulated
 * enclaves here, and no key for disaster recovery. */
static int make_cluster(struct drill *d, struct err *e)
{
	struct cluster *c = &d->cluster;
	AUTO(buf) struct buf name = BUF_INIT(NAME_LEN_MAX);

	if (!d->real->enclave.image)
		return err_set(e, ERR_CONFIG,
		               "a drill launches enclaves here: the file names no enclave.image");
	TRY(cluster_read(d->real->path, c, e));
	TRY(buf_add_format(&name, e, "%s-drill", d->real->name));
	TRY(rename_to(&c->name, buf_text(&name), e));
	TRY(rename_to(&c->manifest.namespace_name, "drill", e));
	TRY(make_nodes(c, e));
	/* Pins of real enclaves are of another kind of image. */
	if (c->attestation.root != ROOT_SIMULATED)
		c->enclave.pcrs = (struct pcr_set){ 0 };
	c->attestation.root = ROOT_SIMULATED;
	text_drop(&c->quorum.dr_key);
	text_drop(&c->quorum.public_key);
	text_drop(&c->tls.ca);
	text_drop(&c->tls.server_cert);
	text_drop(&c->tls.server_key);
	return 0;
}

static int stop_nodes(const struct drill *d, const struct state *s, struct err *e)
{
	for (size_t i = 0; i < d->cluster.node_count; i++) {
		bool is_stopped;

		TRY(launcher_stop(s, &d->cluster.nodes[i], clock_monotonic_ms() + STOP_MS,
		                  &is_stopped, e));
	}
	return 0;
}

/* Also of a drill before that was killed: what it left is in the same folder. */
static int clear_away(const struct drill *d, struct err *e)
{
	AUTO(state) struct state s = { .lock = -1 };

	if (!file_is_there(d->folder))
		return 0;
	TRY(state_open(&d->cluster, d->folder, /* to_change= */ true, d->options->verb, &s, e));
	TRY(stop_nodes(d, &s, e));
	return folder_remove_all(d->folder, e);
}

static int lose(const struct drill *d, struct err *e)
{
	AUTO(state) struct state s = { .lock = -1 };

	TRY(state_open(&d->cluster, d->folder, /* to_change= */ true, d->options->verb, &s, e));
	return stop_nodes(d, &s, e);
}

/* --- the members' real shares */

/* attested: NULL where no genesis here attests the share. */
static int judge_member(struct drill *d, const struct cluster_member *m,
                        const struct member *holder, const struct encrypted_share *attested,
                        struct err *e)
{
	const char *shown = attested
	                        ? "the share opens, and is the one that the genesis attested"
	                        : "the share opens; no genesis here says whether it is the one";
	AUTO(key_set) struct key_set *key = NULL;
	AUTO(secret) struct secret share = { 0 };
	AUTO(text) char *path = NULL;
	struct alias_item *item;
	struct err why;

	if (!m->key || !file_is_there(m->key)) {
		TRY(wire_list_add(&d->report.waiting_for, &alias_item_schema, &item, e));
		TRY(wire_set_text(&item->alias, m->name, e));
		return add_row(d, "check", m->name, DRILL_WAITING, "the key is not here", e);
	}
	TRY(share_path(&d->state, m, &path, e));
	if (key_set_read_own(m->key, d->options->passphrases, &key, &why) == 0 &&
	    share_open(holder, attested, m->key, key, path, &share, &why) == 0)
		return add_row(d, "check", m->name, DRILL_DONE, shown, e);
	if (key_is_unasked(&why)) {
		*e = why;
		return -1;
	}
	if (!d->report.failure.text[0])
		(void)err_set(&d->report.failure, why.code, "the share of %s: %s", m->name,
		              why.text);
	return add_row(d, "check", m->name, DRILL_FAILED, why.text, e);
}

static const struct encrypted_share *find_attested(const struct genesis_output *output,
                                                   const char *name)
{
	const struct encrypted_share *items = output->member_outputs.items;

	for (size_t i = 0; i < output->member_outputs.count; i++)
		if (view_equal(buf_view(&items[i].share_set_member.alias), view_text(name)))
			return &items[i];
	return NULL;
}

static int check_members(struct drill *d, struct err *e)
{
	const struct cluster_member_list *members = &d->real->quorum.members;
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	AUTO(genesis_output) struct genesis_output output = { 0 };
	bool is_found;

	TRY(state_load_genesis(&d->state, &is_found, &kept, e));
	if (!is_found)
		return err_set(
		    e, ERR_NOT_DESIRED,
		    "there has been no genesis, so there is nothing to drill for: teectl "
		    "genesis");
	if (!kept.is_foreign)
		TRY(genesis_output_decode(buf_view(&kept.output), &output, e));
	for (size_t i = 0; i < members->count; i++) {
		const struct cluster_member *m = &members->items[i];
		const struct encrypted_share *attested = find_attested(&output, m->name);
		const struct member *holder =
		    member_set_find(&kept.envelope.manifest.share_set, view_text(m->name));

		if (!holder || (!attested && !kept.is_foreign))
			return err_set(e, ERR_CONFIG, "the genesis was for no member '%s'",
			               m->name);
		TRY(judge_member(d, m, holder, attested, e));
	}
	return 0;
}

static int64_t keys_here(const struct cluster_member_list *members)
{
	int64_t count = 0;

	for (size_t i = 0; i < members->count; i++)
		count += members->items[i].key && file_is_there(members->items[i].key);
	return count;
}

/* Enough to approve and to give shares? ERR_WAITING. */
static int check_keys(const struct drill *d, struct err *e)
{
	AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX / 2);
	const struct alias_item *missing = d->report.waiting_for.items;
	int64_t shares = keys_here(&d->real->quorum.members);
	int64_t approvals = keys_here(&d->real->manifest_set);
	struct err full;

	if (shares >= d->real->quorum.members.threshold &&
	    approvals >= d->real->manifest_set.threshold)
		return 0;
	for (size_t i = 0; i < d->report.waiting_for.count; i++)
		if (buf_add_format(&names, &full, "%s%s", names.len ? ", " : "",
		                   buf_text(&missing[i].alias)) < 0)
			break;
	return err_reason(e, ERR_WAITING, DRILL_KEYS,
	                  "%lld of %lld members' keys for shares are here, and %lld of %lld for "
	                  "approvals: a drill needs as many as a recovery; waiting for: %s",
	                  (long long)shares, (long long)d->real->quorum.members.threshold,
	                  (long long)approvals, (long long)d->real->manifest_set.threshold,
	                  buf_text(&names));
}

/* --- the steps */

/* The same loop as the verbs'. */
static int reach(struct drill *d, enum goal_kind kind, size_t node, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;
	const struct goal goal = { .kind = kind, .has_source = true, .source = node };
	struct run_options options = *d->options;
	char nothing[NOTHING_MAX];

	options.state_folder = d->folder;
	options.to_change = true;
	options.is_drill = true;
	options.only = NULL;
	options.timeout_ms = d->deadline_ms - clock_monotonic_ms();
	if (options.timeout_ms <= 0)
		return err_set(e, ERR_TRY_AGAIN, "the time is up");
	TRY(run_open(&d->cluster, &options, &r, e));
	TRY(drive(&r, &goal, nothing, e));
	/* While the last thing was under way: what it did is done, and the next is not begun. */
	if (r.is_interrupted)
		return err_set(e, ERR_INTERRUPTED, "interrupted");
	return 0;
}

static int do_up(struct drill *d, struct err *e)
{
	return reach(d, GOAL_UP, 0, e);
}

static int do_genesis(struct drill *d, struct err *e)
{
	return reach(d, GOAL_GENESIS, 0, e);
}

static int do_inject(struct drill *d, struct err *e)
{
	return reach(d, GOAL_INJECT, 0, e);
}

static int do_lose(struct drill *d, struct err *e)
{
	return lose(d, e);
}

/* Its last step is the proof, by the key that the drill's genesis attested. */
static int do_recover(struct drill *d, struct err *e)
{
	return reach(d, GOAL_RECOVER, 1, e);
}

static const struct {
	const char *name;
	int (*run)(struct drill *d, struct err *e);
	const char *note;
} steps[] = {
	{ "launch", do_up, "two throw-away enclaves run and are verified" },
	{ "genesis", do_genesis,
	  "a quorum key for the drill alone, its shares sealed to the members" },
	{ "inject", do_inject, "the members' keys open them: a TEE has the key, and proves it" },
	{ "lose", do_lose, "every TEE that had it is stopped" },
	{ "launch", do_up, "fresh ones run and are verified" },
	{ "recover", do_recover, "approved, restarted, and proved: the same key as before" },
};

static int run_steps(struct drill *d, struct err *e)
{
	struct err why;

	for (size_t i = 0; i < COUNT(steps); i++) {
		if (steps[i].run(d, &why) == 0) {
			TRY(add_row(d, steps[i].name, "", DRILL_DONE, steps[i].note, e));
			continue;
		}
		/* A share that is wrong is what the drill was for, whatever fails behind it. */
		if (!d->report.failure.text[0] || why.code == ERR_INTERRUPTED)
			d->report.failure = why;
		return add_row(d, steps[i].name, "",
		               why.code == ERR_WAITING ? DRILL_WAITING : DRILL_FAILED, why.text, e);
	}
	return 0;
}

static int practise(struct drill *d, struct err *e)
{
	struct err why, broken;
	int result;

	TRY(check_members(d, e));
	if (check_keys(d, &why) < 0) {
		d->report.failure = why;
		return 0;
	}
	TRY(make_cluster(d, e));
	TRY(clear_away(d, e));
	result = run_steps(d, e);
	if (clear_away(d, &broken) < 0) {
		*e = broken;
		return err_wrap(e, "clearing the drill away");
	}
	TRY(result);
	return add_row(d, "clear", "", DRILL_DONE, "nothing of the drill is left", e);
}

int drill(const struct cluster *cluster, const struct run_options *options,
          struct drill_report *ret, struct err *e)
{
	AUTO(drill)
	struct drill d = { .real = cluster, .options = options, .state = { .lock = -1 } };
	const char *outcome;

	d.deadline_ms = clock_monotonic_ms() + options->timeout_ms;
	TRY(state_open(cluster, options->state_folder, /* to_change= */ false, options->verb,
	               &d.state, e));
	TRY(state_path(&d.state, "drill", &d.folder, e));
	TRY(practise(&d, e));
	outcome = !d.report.failure.text[0]              ? "done"
	          : d.report.failure.code == ERR_WAITING ? "waiting"
	                                                 : "failed";
	TRY(wire_set_text(&d.report.cluster, cluster->name, e));
	TRY(wire_set_text(&d.report.outcome, outcome, e));
	*ret = MOVE(d.report);
	return 0;
}
