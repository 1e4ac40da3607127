#include "cmd.h"
#include "manifests.h"
#include "print.h"

#include "base/file.h"
#include "base/text.h"
#include "cluster/expect.h"
#include "orchestrate/living.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

struct new_args {
	const char *from, *node, *image, *out;
	int64_t nonce;
};

static const struct opt opts[] = {
	{ .name = "from",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct new_args, from),
	  .doc = "the manifest to follow, QuorumOS's too; the state's current one unless given" },
	{ .name = "node",
	  .kind = OPT_NODE,
	  .metavar = "NODE",
	  .offset = offsetof(struct new_args, node),
	  .doc = "follow the one that this living TEE holds and proves" },
	{ .name = "nonce",
	  .kind = OPT_NUMBER,
	  .metavar = "N",
	  .offset = offsetof(struct new_args, nonce),
	  .max = UINT32_MAX - 1,
	  .doc = "of the new one; one more than the old one's unless given" },
	{ .name = "image",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct new_args, image),
	  .doc = "the image to measure; the cluster file's pins or image unless given" },
	{ .name = "out",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct new_args, out),
	  .doc = "where the draft goes; a file that is there is not overwritten" },
};

struct new_reply {
	struct buf file;
	bool has_node; /* it follows that of a living TEE */
	struct buf node;
	int basis; /* enum living_basis */
	struct diff_report diff;
	struct wire_list dropped; /* struct text_item */
};
static const struct wire_field new_reply_fields[] = {
	JSON_TEXT(new_reply, file),
	JSON_MAYBE(new_reply, node, struct buf, has_node, .kind = WIRE_TEXT, .max = WIRE_TEXT_MAX),
	JSON_MAYBE(new_reply, basis, int, has_node, .kind = WIRE_WORD, .words = living_basis_names),
	JSON_LIST(new_reply, dropped, text_item_schema),
	JSON_OBJECT(new_reply, diff, struct diff_report, diff_report_schema),
};
static const struct wire_schema new_reply_schema = JSON_SCHEMA(new_reply, new_reply_fields);
WIRE_DROP(new_reply);

static int drop_one(struct context *c, struct wire_list *dropped, const char *what, struct err *e)
{
	struct text_item *item;

	progress_say(&c->progress, "not carried over: %s", what);
	TRY(wire_list_add(dropped, &text_item_schema, &item, e));
	return wire_set_text(&item->text, what, e);
}

/* What version 1 has no place for, or our enclaves take none of. It is named, not lost in silence;
 * the members see what they approve. */
static int name_dropped(struct context *c, const struct manifest_file *f, struct wire_list *dropped,
                        struct err *e)
{
	const struct manifest *m = &f->envelope.manifest;

	if (f->env_count)
		TRY(drop_one(c, dropped, "pivot.env", e));
	if (f->has_dns)
		TRY(drop_one(c, dropped, "dns", e));
	if (m->patch_set.threshold || m->patch_set.members.count)
		TRY(drop_one(c, dropped, "patchSet", e));
	if (m->enclave.qos_commit.len)
		TRY(drop_one(c, dropped, "enclave.qosCommit", e));
	return 0;
}

/* Whoever drafts compares the key, as its members do. */
static int tell_living(struct context *c, const struct living *l, struct err *e)
{
	static const char *const words[] = {
		[LIVING_BY_STATE] = "the one that the state keeps",
		[LIVING_BY_KEY] = "the one that the cluster file names",
		[LIVING_BY_IMAGE] = "of a TEE that runs what the cluster file says; compare it",
		[LIVING_BY_APPROVALS] = "of a manifest that its members have approved; compare it",
	};
	struct public_key key;
	char hex[2 * PUBLIC_KEY_LEN + 1];

	TRY(manifest_quorum_key(&l->envelope.manifest, &key, e));
	hex_write(public_key_view(&key), hex);
	context_say(c, "%s: holds the manifest of nonce %lld and has proved its quorum key",
	            c->cluster.nodes[l->node].name,
	            (long long)l->envelope.manifest.namespace.nonce);
	context_say(c, "quorum key %s: %s", hex, words[l->basis]);
	return 0;
}

/* node: NULL, or who is asked; else all that answer. */
static int load_living(struct context *c, const char *name, struct manifest_file *ret,
                       struct new_reply *reply, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;
	AUTO(living) struct living l = { 0 };
	size_t node;

	if (name)
		TRY(context_node(c, name, &node, e));
	TRY(session_open(c, /* to_change= */ false, name ? &node : NULL, &r, e));
	TRY(name ? living_ask(&r, node, &l, e) : living_find(&r, &l, e));
	TRY(tell_living(c, &l, e));
	reply->has_node = true;
	reply->basis = l.basis;
	TRY(wire_set_text(&reply->node, c->cluster.nodes[l.node].name, e));
	ret->version = 1;
	ret->is_envelope = true;
	ret->hash = l.hash;
	ret->envelope = MOVE(l.envelope);
	return 0;
}

static int load_own(struct context *c, const struct new_args *args, struct manifest_file *ret,
                    struct new_reply *reply, struct err *e)
{
	if (args->from && args->node)
		return err_set(e, ERR_USAGE, "--from and --node: one manifest is followed");
	if (args->from)
		return manifest_read(args->from, ret, e);
	if (args->node)
		return load_living(c, args->node, ret, reply, e);
	if (manifest_read_current(c, &c->state, ret, e) == 0)
		return 0;
	return e->code == ERR_NOT_DESIRED ? load_living(c, /* name= */ NULL, ret, reply, e) : -1;
}

static bool cluster_launches(const struct cluster *cluster)
{
	for (size_t i = 0; i < cluster->node_count; i++)
		if (cluster->nodes[i].listen)
			return true;
	return false;
}

/* Pins that are of another image than the file names would draft the old one anew. What can't be
 * measured here, and is pinned, is launched elsewhere. */
static int check_pins(struct context *c, const struct pcr_set *expected, struct err *e)
{
	const struct cluster *cluster = &c->cluster;
	char want[2 * PCR_MAX_LEN + 1], have[2 * PCR_MAX_LEN + 1];
	struct pcr_set found;
	struct err why;

	if (!cluster->enclave.image)
		return 0;
	if (cluster_measure(cluster, &found, &why) < 0) {
		progress_say(&c->progress, "the image was not measured, the pins are taken: %s",
		             why.text);
		return 0;
	}
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		if (pcr_equal(&expected->values[i], &found.values[i]))
			continue;
		hex_write(pcr_view(&expected->values[i]), want);
		hex_write(pcr_view(&found.values[i]), have);
		context_hint(c,
		             "for what '%s' measures: teectl measure --write --next, then this "
		             "again; for the pins: %s",
		             cluster->enclave.image,
		             cluster_launches(cluster)
		                 ? "have enclave.image name the image that they are of, since "
		                   "nodes with `listen:` need one"
		                 : "take enclave.image out of the file");
		return err_set(e, ERR_NOT_DESIRED,
		               "nothing was drafted: PCR%u (%s): '%s' pins %s, and what it names "
		               "measures %s",
		               i, pcr_name(i), cluster->path, want, have);
	}
	return 0;
}

/* A named image is measured whatever the file pins: its PCRs are what the draft is for. */
static int load_expect(struct context *c, const char *image, struct match_expect *ret,
                       struct err *e)
{
	struct cluster *cluster = &c->cluster;

	if (image) {
		text_drop(&cluster->enclave.image);
		TRY(text_dup(image, &cluster->enclave.image, e));
		cluster->enclave.pcrs = (struct pcr_set){ 0 };
	}
	TRY(match_expect_load(cluster, &c->state, ret, e));
	return image ? 0 : check_pins(c, &ret->pcrs, e);
}

static int check_sets(const struct match_expect *x, const struct manifest *own, struct err *e)
{
	AUTO(match_rows) struct wire_list rows = { 0 };

	TRY(match_sets(x, own, &rows, e));
	return match_judge(&rows, "the old manifest's sets are not the cluster file's", e);
}

static int check_namespace(const struct cluster *c, const struct manifest *own, struct err *e)
{
	if (view_equal(buf_view(&own->namespace.name), view_text(c->manifest.namespace_name)))
		return 0;
	return err_reason(e, ERR_REFUSED, "namespace",
	                  "the old manifest is of namespace '%s', the cluster file of '%s'",
	                  buf_text(&own->namespace.name), c->manifest.namespace_name);
}

static int settle_nonce(const struct manifest *own, int64_t wanted, int64_t *ret, struct err *e)
{
	int64_t old = own->namespace.nonce, nonce = wanted < 0 ? old + 1 : wanted;

	if (nonce <= old)
		return err_set(e, ERR_USAGE, "--nonce must be above %lld, the old manifest's",
		               (long long)old);
	if (nonce >= UINT32_MAX)
		return err_set(e, ERR_DATA, "no nonce is left above %lld", (long long)old);
	*ret = nonce;
	return 0;
}

static int set_enclave(const struct match_expect *x, struct nitro_config *n, struct err *e)
{
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		TRY(wire_set(&n->pcrs[i], pcr_view(&x->pcrs.values[i]), e));
	TRY(wire_set(&n->aws_root_certificate, buf_view(&x->root), e));
	return wire_set_text(&n->qos_commit, MANIFEST_QOS_COMMIT, e);
}

/* The pivot of our own clusters is what the cluster file says; another's is kept. */
static int set_pivot(const struct cluster *c, struct pivot *p, struct err *e)
{
	memcpy(p->hash, c->manifest.pivot_hash.bytes, sizeof(p->hash));
	wire_list_release(&text_item_schema, &p->args);
	for (size_t i = 0; i < c->manifest.pivot_arg_count; i++) {
		struct text_item *item;

		TRY(wire_list_add(&p->args, &text_item_schema, &item, e));
		TRY(wire_set_text(&item->text, c->manifest.pivot_args[i], e));
	}
	return 0;
}

static int draft(struct context *c, const struct new_args *args, const struct manifest_file *own,
                 struct manifest_file *ret, struct err *e)
{
	AUTO(match_expect) struct match_expect x = { 0 };
	AUTO(manifest_file) struct manifest_file next = { .version = 1, .is_envelope = true };
	struct manifest *m = &next.envelope.manifest;

	TRY(load_expect(c, args->image, &x, e));
	TRY(check_namespace(&c->cluster, &own->envelope.manifest, e));
	TRY(check_sets(&x, &own->envelope.manifest, e));
	TRY(manifest_copy(&own->envelope, &next.envelope, e));
	wire_list_release(&approval_schema, &next.envelope.manifest_set_approvals);
	wire_list_release(&approval_schema, &next.envelope.share_set_approvals);
	wire_list_release(&patch_member_schema, &m->patch_set.members);
	m->patch_set.threshold = 0;
	TRY(settle_nonce(&own->envelope.manifest, args->nonce, &m->namespace.nonce, e));
	TRY(set_enclave(&x, &m->enclave, e));
	if (!args->from)
		TRY(set_pivot(&c->cluster, &m->pivot, e));
	TRY(manifest_check(&next.envelope, /* allow_keyless= */ false, e));
	TRY(manifest_hash(m, &next.hash, e));
	*ret = MOVE(next);
	return 0;
}

static int say_next(struct context *c, const char *out, const struct manifest_file *next,
                    struct err *e)
{
	const struct member_set *set = &next->envelope.manifest.manifest_set;
	char who[128];

	snprintf(who, sizeof(who), " --key KEY, by %lld of the %zu members, each with a copy of it",
	         (long long)set->threshold, set->members.count);
	return print_next_file(c, "manifest approve", out, who, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(manifest_file) struct manifest_file own = { 0 };
	AUTO(manifest_file) struct manifest_file next = { 0 };
	AUTO(new_reply) struct new_reply reply = { 0 };
	const struct new_args *args = arguments;

	TRY(context_check_new(c, "--out ", args->out, e));
	TRY(load_own(c, args, &own, &reply, e));
	TRY(draft(c, args, &own, &next, e));
	TRY(diff_make(&own, &next, &reply.diff, e));
	TRY(name_dropped(c, &own, &reply.dropped, e));
	TRY(manifest_write(args->out, &next.envelope, /* may_replace= */ false, e));
	TRY(wire_set_text(&reply.file, args->out, e));
	TRY(diff_print(c, &reply.diff, e));
	print_line(c, "%s: a draft with nonce %lld; its members approve it", args->out,
	           (long long)next.envelope.manifest.namespace.nonce);
	TRY(say_next(c, args->out, &next, e));
	return print_json(c, &new_reply_schema, &reply, e);
}

const struct cmd cmd_manifest_new = {
	.name = "manifest new",
	.summary = "draft the manifest that is to follow",
	.details =
	    "Drafts a successor of the state's current manifest: the same namespace, quorum key "
	    "and sets, a higher nonce, and of the cluster file the PCRs, the trust anchor and the "
	    "pivot. The PCRs are those that the file pins, and what it leaves open as measured "
	    "now; with --image that image is measured whatever is pinned. Where the file names an "
	    "image, pins that are not what it measures are refused (2): teectl measure --write "
	    "--next replaces them. The sets must be those "
	    "of the cluster file, or what differs is named (5). Approvals start empty, and what "
	    "changes is shown as by manifest diff.\n\n"
	    "Where the state has no manifest, a lost one say, the living TEEs are asked for theirs: "
	    "the one of the highest nonce counts whose TEE proves, in a fresh document under the "
	    "cluster's root, that it holds it and its quorum key. It must be of the quorum key that "
	    "the cluster file names (quorum.publicKey); where it names none, of a TEE that runs "
	    "what the file says, or approved by its members: its quorum key is then printed, to be "
	    "compared. TEEs of another namespace or other members are named and left out; of two "
	    "quorum keys the one counts whose manifest alone the members have approved, else "
	    "nothing is drafted (5). --node asks one TEE, whatever the state has.\n\n"
	    "With --from it follows that manifest. It may be one of QuorumOS in any form: the "
	    "namespace, the quorum key, both sets and the pivot with its bridges are kept, the "
	    "patch set goes, and PCRs and anchor are ours. What version 1 has no place for, env "
	    "and dns, is named and not carried over. Its members approve the draft with the keys "
	    "they have.",
	.examples = { { "teectl manifest new --out next.json",
	                "after a new image was built, and pinned by measure --write --next" },
	              { "teectl manifest new --image build/teectl-enclave --out next.json",
	                "of an image that is not the cluster file's yet" },
	              { "teectl manifest new --node tee1 --out next.json",
	                "after the state was lost, of what tee1 holds" },
	              { "teectl manifest new --from manifest_envelope --out ours.json",
	                "a quorum of QuorumOS becomes ours" } },
	.exits = { 2, 5, 65, 66, 69, 75, 77 },
	.needs = NEEDS_CLUSTER | NEEDS_STATE | NEEDS_RUN,
	.timeout_ms = 30000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct new_args),
	.run = run,
};
