#include "cmd.h"
#include "manifests.h"
#include "print.h"

#include <string.h>

struct verify_args {
	bool alone;
	const char *file;
};

static const struct opt opts[] = {
	{ .name = "alone",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct verify_args, alone),
	  .doc = "the approvals alone, of any QuorumOS envelope, without a cluster file" },
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct verify_args, file),
	  .doc = "the manifest envelope" },
};

struct verified_manifest {
	uint8_t manifest_hash[32];
	int64_t nonce, threshold;
	bool valid;
	struct wire_list approved, waiting_for, share_approved, checks;
};
static const struct wire_field verified_manifest_fields[] = {
	JSON_HEX_FIXED(verified_manifest, manifest_hash),
	JSON_NUMBER(verified_manifest, nonce),
	JSON_BOOL(verified_manifest, valid),
	JSON_NUMBER(verified_manifest, threshold),
	JSON_LIST(verified_manifest, approved, alias_item_schema),
	JSON_LIST(verified_manifest, waiting_for, alias_item_schema),
	JSON_LIST(verified_manifest, share_approved, alias_item_schema),
	JSON_LIST(verified_manifest, checks, match_row_schema),
};
static const struct wire_schema verified_manifest_schema =
    JSON_SCHEMA(verified_manifest, verified_manifest_fields);
WIRE_DROP(verified_manifest);

static int match_cluster(struct context *c, const struct manifest *m, struct wire_list *rows,
                         struct err *e)
{
	AUTO(match_expect) struct match_expect x = { 0 };
	AUTO(state) struct state state = { .lock = -1 };

	TRY(cluster_read(c->global.file, &c->cluster, e));
	TRY(state_open(&c->cluster, c->global.state, /* to_change= */ false, c->cmd->name, &state,
	               e));
	TRY(match_expect_load(&c->cluster, &state, &x, e));
	return match_manifest(&c->cluster, &x, m, rows, e);
}

/* QuorumOS's own rule, for envelopes that need not be ours: members unique, a threshold that can be
 * met and is not 0. */
static int check_form(const struct manifest_file *f, bool alone, struct err *e)
{
	if (alone)
		return member_set_check(&f->envelope.manifest.manifest_set, "manifest_set", 1,
		                        /* allow_keyless= */ false, e);
	return manifest_check(&f->envelope, /* allow_keyless= */ false, e);
}

/* What a QuorumOS enclave has gathered while it was given its shares (formats.md 6.4): our enclaves
 * take none, but where nothing else is looked at they are approvals like the others. */
static int check_share_approvals(const struct manifest_file *f, struct wire_list *ret,
                                 struct err *e)
{
	const struct wire_list *approvals = &f->envelope.share_set_approvals;
	const struct approval *items = approvals->items;

	if (approvals_check(approvals, &f->hash, &f->envelope.manifest.share_set, /* needed= */ 0,
	                    e) < 0)
		return err_wrap(e, "share set");
	for (size_t i = 0; i < approvals->count; i++) {
		struct alias_item *item;

		TRY(wire_list_add(ret, &alias_item_schema, &item, e));
		TRY(wire_set(&item->alias, buf_view(&items[i].member.alias), e));
	}
	return 0;
}

static int verify(struct context *c, const struct manifest_file *f, bool alone,
                  struct verified_manifest *r, struct err *e)
{
	memcpy(r->manifest_hash, f->hash.bytes, sizeof(r->manifest_hash));
	r->nonce = f->envelope.manifest.namespace.nonce;
	r->threshold = f->envelope.manifest.manifest_set.threshold;
	TRY(check_form(f, alone, e));
	if (!alone)
		TRY(match_cluster(c, &f->envelope.manifest, &r->checks, e));
	TRY(approvals_count(f, &r->approved, &r->waiting_for, e));
	TRY(check_share_approvals(f, &r->share_approved, e));
	return match_judge(&r->checks, "not the cluster file's", e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(manifest_file) struct manifest_file f = { 0 };
	AUTO(verified_manifest) struct verified_manifest r = { 0 };
	const struct verify_args *args = arguments;
	struct err failure;

	TRY(args->alone ? manifest_read(args->file, &f, e) : manifest_read_v1(args->file, &f, e));
	if (!f.is_envelope)
		return err_set(e, ERR_DATA, "'%s' is a bare manifest, which nobody has approved",
		               args->file);
	r.valid = verify(c, &f, args->alone, &r, &failure) == 0;
	if (r.checks.count)
		TRY(matches_print(c, &r.checks, e));
	r.valid = r.valid && approvals_wait(c, &f, &r.approved, &r.waiting_for, &failure) == 0;
	if (r.valid)
		print_line(c, "%zu of %lld approvals: valid", r.approved.count,
		           (long long)r.threshold);
	if (r.valid && r.share_approved.count)
		print_line(c,
		           "%zu of the share set: valid; no enclave is booted with this envelope "
		           "while it has them",
		           r.share_approved.count);
	/* Of what was refused before it could be judged there is no document but the error. */
	if (r.valid || r.checks.count || failure.code == ERR_WAITING)
		TRY(print_json(c, &verified_manifest_schema, &r, e));
	if (!r.valid)
		*e = failure;
	return r.valid ? 0 : -1;
}

const struct cmd cmd_manifest_verify = {
	.name = "manifest verify",
	.summary = "check a manifest's approvals, and that it is the file's",
	.details =
	    "Verifies every approval of a manifest envelope against the manifest's own set: one "
	    "bad approval fails the envelope, even beside enough good ones. Then the manifest "
	    "itself: well formed as the enclaves ask, and namespace, sets, PCRs, trust anchor and pivot "
	    "those of your copy of the cluster file. PCRs are the pinned ones, or measured from "
	    "the image that the file names.\n\n"
	    "Status 3 means that all is well but approvals are missing, and names whose; 5 that "
	    "an approval is bad or the manifest is not the cluster file's; 65 that it is not well "
	    "formed. With --alone nothing but the approvals is looked at, of version 0, 1 or 2: "
	    "also those of the share set, which an enclave of QuorumOS adds as it is given its "
	    "shares. They must be valid too, and are named, since no enclave is booted with an "
	    "envelope that has them already.",
	.examples = { { "teectl manifest verify manifest_envelope", "before it is used" },
	              { "teectl manifest verify --alone manifest_envelope -o json",
	                "an envelope of QuorumOS" } },
	.exits = { 2, 3, 5, 65, 66, 78 },
	.needs = NEEDS_FILE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct verify_args),
	.run = run,
};
