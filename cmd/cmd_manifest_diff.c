#include "cmd.h"
#include "manifests.h"
#include "print.h"

struct diff_args {
	bool detailed;
	const char *own, *next;
};

static const struct opt opts[] = {
	{ .name = "detailed-exitcode",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct diff_args, detailed),
	  .doc = "end with status 2 where the two differ, 5 where NEW is unlawful" },
	{ .kind = OPT_FILE,
	  .metavar = "OLD",
	  .offset = offsetof(struct diff_args, own),
	  .doc = "the manifest that the enclaves hold; the state's current one unless given" },
	{ .kind = OPT_FILE,
	  .metavar = "NEW",
	  .is_required = true,
	  .is_refused_late = true,
	  .offset = offsetof(struct diff_args, next),
	  .doc = "the one that is to follow" },
};

/* What is not well formed is no lawful successor, whatever differs. */
static int check_form(const struct manifest_file *next, struct err *e)
{
	if (next->version != 1)
		return err_set(e, ERR_MANIFEST, "version %d, and enclaves take version 1",
		               next->version);
	return manifest_check(&next->envelope, /* allow_keyless= */ true, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(manifest_file) struct manifest_file own = { 0 };
	AUTO(manifest_file) struct manifest_file next = { 0 };
	AUTO(diff_report) struct diff_report r = { 0 };
	const struct diff_args *args = arguments;
	/* One alone is the one that is to follow. */
	const char *old = args->next ? args->own : NULL;
	struct err unfit;
	bool is_unfit;

	if (!args->own)
		return err_set(e, ERR_USAGE, "NEW is required");
	TRY(manifest_read(args->next ? args->next : args->own, &next, e));
	TRY(manifest_read_or_current(c, old, &own, e));
	TRY(diff_make(&own, &next, &r, e));
	is_unfit = !r.same && check_form(&next, &unfit) < 0;
	if (is_unfit) {
		r.lawful = false;
		r.needs = CHANGE_BY_DRAFT;
	}
	TRY(diff_print(c, &r, e));
	if (is_unfit)
		print_line(c, "not for our enclaves: %s", unfit.text);
	TRY(print_json(c, &diff_report_schema, &r, e));
	if (!args->detailed || r.same)
		return 0;
	if (is_unfit)
		return err_reason(e, ERR_REFUSED, "manifest", "unlawful: %s", unfit.text);
	if (manifest_check_lawful(&own.envelope.manifest, &next.envelope.manifest, e) < 0)
		return -1;
	return err_reason(e, ERR_NOT_DESIRED, MANIFESTS_DIFFER, "the manifests differ");
}

const struct cmd cmd_manifest_diff = {
	.name = "manifest diff",
	.summary = "what changes between two manifests, and who must act",
	.details =
	    "Compares field by field, with NEW alone what the state keeps as the cluster's current "
	    "manifest with it, and says who must act: nobody; the manifest set, who approve "
	    "(how many, and who has not yet); a ceremony with the members' shares or a new "
	    "genesis; or nobody can, and another draft is needed. A successor is lawful if it has "
	    "the same namespace name, quorum key, manifest set, share set, PCR3 and trust anchor, "
	    "and a higher nonce: enclaves that have the key refuse any other themselves, and each "
	    "rule that is broken is named.\n\n"
	    "The status is 0 whatever differs. With --detailed-exitcode it is 0 for the same "
	    "manifest, 2 for a lawful successor, 5 for an unlawful one. Approvals that NEW carries "
	    "are verified; a bad one ends with status 5.",
	.examples = { { "teectl manifest diff next.json", "what a draft changes for this cluster" },
	              { "teectl manifest diff old.json new.json", "what an upgrade changes" },
	              { "teectl manifest diff --detailed-exitcode old.json new.json",
	                "for a script" } },
	.exits = { 2, 5, 65, 66, 78 },
	.needs = NEEDS_FILE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct diff_args),
	.run = run,
};
