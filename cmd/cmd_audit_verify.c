#include "base/text.h"
#include "journal.h"
#include "print.h"

struct audit_verify_args {
	const char *root, *head, *file;
};

static const struct opt opts[] = {
	{ .name = "root",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct audit_verify_args, root),
	  .doc = "aws-nitro, or a certificate in PEM or DER, that documents must go back to" },
	{ .name = "head",
	  .kind = OPT_TEXT,
	  .metavar = "HEAD",
	  .offset = offsetof(struct audit_verify_args, head),
	  .doc = "a head that was noted (audit head): it must be one of the lines" },
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct audit_verify_args, file),
	  .doc = "the journal; the state's unless given" },
};

static void print_list(struct context *c, const char *title, const struct wire_list *list)
{
	const struct text_item *items = list->items;

	if (list->count)
		print_line(c, "%s", title);
	for (size_t i = 0; i < list->count; i++)
		print_line(c, "  %s", buf_text(&items[i].text));
}

static void print_report(struct context *c, const struct audit_report *report)
{
	char hex[2 * PUBLIC_KEY_LEN + 1];

	print_list(c, "shown:", &report->shown);
	print_list(c, "not shown:", &report->not_shown);
	if (report->has_quorum_key) {
		hex_write(VIEW_OF(report->quorum_key), hex);
		print_line(c, "quorum key  %s", hex);
	}
	hex_write(VIEW_OF(report->root), hex);
	print_line(c, "root        %s%s", hex, report->simulated ? " (simulated)" : "");
	hex_write(VIEW_OF(report->head), hex);
	print_line(c, "head        %lld:%s", (long long)report->lines, hex);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct audit_verify_args *args = arguments;
	AUTO(audit) struct audit audit = { 0 };
	AUTO(audit_report) struct audit_report report = { 0 };

	if (journal_audit(c, args->file, args->root, args->head, &audit, e) < 0) {
		if (e->code == ERR_REFUSED)
			context_hint(c, "the journal does not show what it says; what comes after "
			                "that line was not looked at");
		if (!args->file && e->code == ERR_NO_INPUT)
			context_hint(c, "without FILE it is the journal of the cluster file's "
			                "state; another's: teectl audit verify FILE");
		return -1;
	}
	TRY(audit_report_make(&audit, &report, e));
	print_report(c, &report);
	return print_json(c, &audit_report_schema, &report, e);
}

const struct cmd cmd_audit_verify = {
	.name = "audit verify",
	.summary = "replay a journal's checks, without network",
	.details =
	    "Reads the evidence journal and makes every check again, at the time at which it was "
	    "made then: that no line was changed, dropped, repeated or moved; that each document "
	    "goes back to the root, was fresh, has its nonce, the manifest's PCR0 to PCR3 and a "
	    "commitment; that the genesis is what its document attests; that approvals, shares, "
	    "exports, receipts and key proofs are signed by whom they name. Then it lists what is "
	    "shown, and what can't be.\n\n"
	    "A FILE needs nothing else: no cluster file, no state, no network. Without --root it "
	    "is judged under the root that its own manifest names, which is then to be compared.\n\n"
	    "That lines are missing at the end shows only against a head that was noted where "
	    "nobody else writes: audit head prints it. The journal may have grown since: how many "
	    "lines are not covered by that head is said. A last line that was cut short, as a crash "
	    "leaves it, is named; with --head it is refused (reason torn), since nobody can tell it "
	    "from bytes that were added, and the next run that writes names it in a line of its "
	    "own.\n\n"
	    "Status 5 names the line and the check. teectl-journal(5) has the format.",
	.examples = { { "teectl audit verify", "the state's journal" },
	              { "teectl audit verify journal --root root.pem --head 42:HEX",
	                "on an auditor's machine" },
	              { "teectl audit verify -o json | jq -r '.not_shown[]'",
	                "what is left to believe" } },
	.exits = { 2, 5, 65, 66, 78 },
	.needs = NEEDS_FILE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct audit_verify_args),
	.run = run,
};
