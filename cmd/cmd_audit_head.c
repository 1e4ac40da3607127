#include "base/text.h"
#include "journal.h"
#include "print.h"

#include <string.h>

struct audit_head_args {
	const char *file;
};

static const struct opt opts[] = {
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct audit_head_args, file),
	  .doc = "the journal; the state's unless given" },
};

struct head {
	int64_t sequence;
	uint8_t sha256[32];
	struct buf time;
};
static const struct wire_field fields[] = { JSON_NUMBER(head, sequence),
	                                    JSON_HEX_FIXED(head, sha256), JSON_TEXT(head, time) };
static const struct wire_schema head_schema = JSON_SCHEMA(head, fields);
WIRE_DROP(head);

/* The chain is followed from its first line: a head of a broken one is worth nothing. */
static int find_head(struct view text, struct head *ret, size_t *ret_torn, struct err *e)
{
	struct journal_reader reader = journal_reader_new(text);
	bool is_found = true;

	while (is_found) {
		AUTO(journal_entry) struct journal_entry entry = { 0 };

		TRY(journal_next(&reader, &entry, &is_found, e));
		if (is_found)
			TRY(wire_set(&ret->time, buf_view(&entry.line.time), e));
	}
	ret->sequence = reader.sequence;
	*ret_torn = reader.torn_len;
	memcpy(ret->sha256, reader.head.bytes, sizeof(ret->sha256));
	return 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct audit_head_args *args = arguments;
	AUTO(file_content) struct file_content text = { 0 };
	AUTO(head) struct head head = { 0 };
	size_t torn;
	char hex[2 * sizeof(head.sha256) + 1];

	TRY(journal_load(c, args->file, &text, e));
	TRY(find_head(file_content_view(&text), &head, &torn, e));
	if (torn)
		context_say(
		    c,
		    "the last %zu bytes are no line, cut short by a crash or added by hand: "
		    "the head is that of the line before them",
		    torn);
	hex_write(VIEW_OF(head.sha256), hex);
	print_line(c, "%lld:%s", (long long)head.sequence, hex);
	return print_json(c, &head_schema, &head, e);
}

const struct cmd cmd_audit_head = {
	.name = "audit head",
	.summary = "print the fingerprint of a journal's last line",
	.details =
	    "Prints SEQUENCE:SHA-256 of the evidence journal's last line, which stands for all "
	    "lines up to there. Noted where nobody else writes (another machine, paper), it shows "
	    "later that none of them was changed or is missing: audit verify --head.",
	.examples = { { "teectl audit head", "after a ceremony, for its minutes" } },
	.exits = { 5, 65, 66, 78 },
	.needs = NEEDS_FILE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct audit_head_args),
	.run = run,
};
