#include "choose.h"
#include "print.h"

struct audit_fetch_args {
	struct text_list only;
};

static const struct opt opts[] = {
	OPT_ONLY(audit_fetch_args),
};

struct fetched {
	int64_t receipts;
};
static const struct wire_field fields[] = { JSON_NUMBER(fetched, receipts) };
static const struct wire_schema fetched_schema = JSON_SCHEMA(fetched, fields);

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct audit_fetch_args *args = arguments;
	AUTO(choice) struct choice choice = { 0 };
	AUTO(run) struct run r = RUN_INIT;
	struct fetched fetched = { 0 };
	struct err failure;
	size_t count = 0;
	bool failed;

	/* What it appends follows from what the journal has: no other run may append meanwhile. */
	TRY(choice_open(c, /* to_change= */ true, CHOICE_ALONE, &args->only, &choice, &r, e));
	if (choice.flags && choice.count == 0) {
		print_line(c, "nothing to do: no node is in the state that was asked for");
		return print_json(c, &fetched_schema, &fetched, e);
	}
	failed = evidence_fetch_all(&r, &count, &failure) < 0;
	if (failed && failure.code == ERR_NOT_DESIRED && !r.seen.has_genesis) {
		*e = failure;
		return -1;
	}
	fetched.receipts = (int64_t)count;
	print_line(c, "%zu receipt%s new, verified and written down", count,
	           count == 1 ? " is" : "s are");
	if (!failed || failure.code == ERR_PARTIAL)
		TRY(print_json(c, &fetched_schema, &fetched, e));
	if (failed)
		*e = failure;
	return failed ? -1 : 0;
}

const struct cmd cmd_audit_fetch = {
	.name = "audit fetch",
	.summary = "fetch the receipts that are not in the journal yet",
	.details =
	    "Asks every TEE for its receipts (role operator or observer), verifies them in their "
	    "chains, and writes those down that the journal lacks: of operations of other "
	    "clients. A TEE keeps its last 1024. Receipts of teectl's own operations are there "
	    "already.\n\n"
	    "Receipts are taken only from the TEE that signed them: a fresh live document must "
	    "commit to the setup key that they name, which a document in the journal has shown. "
	    "Those of a TEE that others brought up, or of before a "
	    "journal was lost, are refused (5): nothing says that they are this node's.\n\n"
	    "A node that does not answer, and that has retired by the journal, is named and is no "
	    "failure: what it signed last was written down then. Where another can't be asked, the "
	    "rest are asked all the same (status 4). With --only no other node is asked.",
	.examples = { { "teectl audit fetch", "before an audit" },
	              { "teectl audit fetch --only tee2", "before tee2 is stopped" } },
	.exits = { 2, 4, 5, 69, 75, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 60000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct audit_fetch_args),
	.run = run,
};
