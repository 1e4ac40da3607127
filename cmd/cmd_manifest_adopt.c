#include "cmd.h"
#include "manifests.h"
#include "cluster/launcher.h"
#include "orchestrate/evidence.h"
#include "print.h"
#include "session.h"

#include <string.h>

struct adopt_args {
	const char *file;
};

static const struct opt opts[] = {
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct adopt_args, file),
	  .doc = "the approved envelope" },
};

/* What says that the quorum key and the members are who they are. */
enum basis { BASIS_GENESIS, BASIS_CLUSTER_FILE };
static const char *const basis_words[] = { "genesis", "cluster-file", NULL };

struct adopted {
	uint8_t manifest_hash[32], before[32];
	bool has_before;
	int64_t nonce;
	bool changed;
	int basis;
	struct wire_list approved; /* struct alias_item */
	struct wire_list checks;
	bool has_not_shared;
	struct buf not_shared; /* why etcd was not given it */
};
static const struct wire_field adopted_fields[] = {
	JSON_HEX_FIXED(adopted, manifest_hash),
	JSON_MAYBE(adopted, before, uint8_t[32], has_before, .kind = WIRE_FIXED_HEX, .max = 32),
	JSON_NUMBER(adopted, nonce),
	JSON_BOOL(adopted, changed),
	JSON_WORD(adopted, basis, basis_words),
	JSON_LIST(adopted, approved, alias_item_schema),
	JSON_LIST(adopted, checks, match_row_schema),
	JSON_MAYBE(adopted, not_shared, struct buf, has_not_shared, .kind = WIRE_TEXT,
	           .max = WIRE_TEXT_MAX),
};
static const struct wire_schema adopted_schema = JSON_SCHEMA(adopted, adopted_fields);
WIRE_DROP(adopted);

/* Enough approvals, each of them good; those who are missing are people who are waited for. */
static int check_approved(struct context *c, const struct manifest_file *f,
                          struct wire_list *approved, struct err *e)
{
	AUTO(alias_list) struct wire_list missing = { 0 };

	TRY(approvals_count(f, approved, &missing, e));
	return approvals_wait(c, f, approved, &missing, e);
}

static int check_cluster(struct context *c, const struct manifest *m, struct wire_list *rows,
                         struct err *e)
{
	AUTO(match_expect) struct match_expect x = { 0 };

	TRY(match_expect_load(&c->cluster, &c->state, &x, e));
	TRY(match_manifest(&c->cluster, &x, m, rows, e));
	return match_judge(rows, "not the cluster file's", e);
}

/* With nothing before it there is no genesis either, and somebody must say which quorum key is
 * meant.
 */
static int check_basis(struct context *c, const struct kept_genesis *own, struct adopted *r,
                       struct err *e)
{
	r->basis = r->has_before && !own->is_foreign ? BASIS_GENESIS : BASIS_CLUSTER_FILE;
	if (r->basis == BASIS_GENESIS || c->cluster.quorum.public_key)
		return 0;
	context_hint(c, "for a quorum that was born elsewhere the cluster file names its key: "
	                "quorum: publicKey: quorum_key.pub");
	return err_set(e, ERR_NOT_DESIRED,
	               "there has been no genesis of '%s', and the cluster file names no quorum "
	               "key: nothing says that the manifest's is the right one",
	               c->cluster.name);
}

static int check(struct context *c, const struct kept_genesis *own,
                 const struct manifest_file *next, struct adopted *r, struct err *e)
{
	const struct manifest *m = &next->envelope.manifest;

	TRY(check_basis(c, own, r, e));
	TRY(manifest_check(&next->envelope, /* allow_keyless= */ false, e));
	if (r->has_before && r->changed)
		TRY(manifest_check_lawful(&own->envelope.manifest, m, e));
	TRY(check_approved(c, next, &r->approved, e));
	return check_cluster(c, m, &r->checks, e);
}

/* In the journal first: what is built on it must find it there. */
static int keep(struct context *c, const struct manifest_envelope *next, bool has_before,
                struct err *e)
{
	TRY(evidence_adopted(&c->state, next, e));
	return has_before ? state_adopt(&c->state, next, e) : state_import(&c->state, next, e);
}

static void print_outcome(struct context *c, const char *file, const struct adopted *r,
                          const struct manifest *m)
{
	print_line(c, "%s: %s, nonce %lld", file,
	           r->changed ? "the current manifest from now on"
	                      : "the current manifest already; its approvals are kept",
	           (long long)r->nonce);
	if (r->basis == BASIS_GENESIS)
		return;
	print_line(
	    c, "The quorum was born elsewhere: no genesis here attests its key. That it is this "
	       "quorum key, and that these are its members, the cluster file says "
	       "(quorum.publicKey, quorum.members).");
	print_line(c,
	           "That it is this manifest, %zu of the %zu members of the manifest set that it "
	           "names have signed; %lld are needed.",
	           r->approved.count, m->manifest_set.members.count,
	           (long long)m->manifest_set.threshold);
}

/* Every node is launched here, and none runs: the key went with them. */
static bool is_all_gone(const struct context *c)
{
	for (size_t i = 0; i < c->cluster.node_count; i++)
		if (!launcher_is_stopped(&c->state, &c->cluster.nodes[i]))
			return false;
	return true;
}

/* The current one again is adopted for its approvals, which a restart of the quorum needs. */
static const char *next_of(const struct context *c, const struct adopted *r)
{
	if (!r->has_before || is_all_gone(c))
		return "teectl up, then teectl recover";
	return r->changed ? "teectl upgrade"
	                  : "teectl status; where it says that the key is lost: teectl recover";
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(kept_genesis) struct kept_genesis own = { 0 };
	AUTO(manifest_file) struct manifest_file next = { 0 };
	AUTO(adopted) struct adopted r = { 0 };
	const struct adopt_args *args = arguments;

	TRY(manifest_read_v1(args->file, &next, e));
	TRY(state_load_genesis(&c->state, &r.has_before, &own, e));
	r.changed = !view_equal(VIEW_OF(own.manifest_hash.bytes), VIEW_OF(next.hash.bytes));
	memcpy(r.manifest_hash, next.hash.bytes, sizeof(r.manifest_hash));
	memcpy(r.before, own.manifest_hash.bytes, sizeof(r.before));
	r.nonce = next.envelope.manifest.namespace.nonce;
	TRY(check(c, &own, &next, &r, e));
	TRY(keep(c, &next.envelope, r.has_before, e));
	TRY(session_share(c, &c->state, &r.has_not_shared, &r.not_shared, e));
	print_outcome(c, args->file, &r, &next.envelope.manifest);
	/* No enclave was asked: what runs is as it was before, and after a loss nothing does. */
	print_next(c, next_of(c, &r));
	return print_json(c, &adopted_schema, &r, e);
}

const struct cmd cmd_manifest_adopt = {
	.name = "manifest adopt",
	.summary = "make an approved manifest the cluster's current one",
	.details =
	    "From now on nodes that are started get this manifest: it must be well formed, a "
	    "lawful successor of the state's current manifest (manifest diff), approved by the "
	    "threshold of the manifest set, and what the cluster file says. No enclave is asked, "
	    "and the state keeps the one before it.\n\n"
	    "teectl upgrade comes next. TEEs that hold an older manifest go on: each is verified against its own, and status "
	    "calls it `old manifest`. propagate forwards the key from them to those that are "
	    "started on the current image; an old one that has no key gets none.\n\n"
	    "A quorum that was born elsewhere, QuorumOS's say, has no genesis here. Where the state "
	    "is empty its first manifest (manifest new --from) is believed for the cluster file, "
	    "which must name the quorum key (quorum.publicKey) and has every member's public key, "
	    "and for the approvals of that manifest set; both are said. recover then brings the key "
	    "back from the members' shares.\n\n"
	    "Adopting the current manifest again keeps the approvals that it has now: a restart "
	    "from the members' shares needs them.",
	.examples = { { "teectl manifest adopt next.json", "after collect ended with 0" },
	              { "teectl manifest adopt ours.json",
	                "of QuorumOS, drafted by manifest new --from; recover comes next" } },
	.exits = { 2, 3, 5, 65, 66 },
	.needs = NEEDS_CLUSTER | NEEDS_CHANGE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct adopt_args),
	.run = run,
};
