/* Any bytes, as a journal: reading and replaying end, and a line that is read as one is written
 * again as one. Lines out of place are also put in place, since the chain would keep all others
 * from what judges them. */
#include <stdlib.h>
#include <string.h>

#include "cluster/journal.h"
#include "orchestrate/lineage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void rewrite(const struct journal_line *line)
{
	AUTO(buf) struct buf text = BUF_INIT(8 * JOURNAL_LINE_MAX);
	AUTO(journal_line) struct journal_line again = { 0 };
	struct err e;

	if (wire_encode(&journal_line_schema, line, &text, &e) < 0 ||
	    wire_decode(&journal_line_schema, buf_view(&text), &again, &e) < 0 ||
	    again.sequence != line->sequence || again.kind != line->kind)
		abort();
}

static void read_all(struct view text)
{
	struct journal_reader reader = journal_reader_new(text);
	bool is_found = true;
	struct err e;

	while (is_found) {
		AUTO(journal_entry) struct journal_entry entry = { 0 };

		if (journal_next(&reader, &entry, &is_found, &e) < 0)
			return;
		if (is_found)
			rewrite(&entry.line);
	}
}

static void audit(struct view text)
{
	AUTO(audit) struct audit audit = { 0 };
	AUTO(audit_report) struct audit_report report = { 0 };
	AUTO(lineage) struct lineage lineage = { 0 };
	struct err e;

	if (audit_replay(text, &(struct audit_options){ 0 }, &audit, &e) < 0)
		return;
	if (audit_report_make(&audit, &report, &e) < 0 || lineage_make(&audit, &lineage, &e) < 0)
		abort();
}

/* What is no line is left out. */
static void put_in_place(struct view text, struct buf *ret)
{
	struct hash256 head = { { 0 } };
	int64_t sequence = 0;
	const uint8_t *end;
	struct err e;

	for (; (end = memchr(text.data, '\n', text.len)); text.data = end + 1) {
		AUTO(journal_line) struct journal_line line = { 0 };
		struct view bytes = view_new(text.data, (size_t)(end - text.data));
		size_t start = ret->len;

		text.len -= bytes.len + 1;
		if (wire_decode(&journal_line_schema, bytes, &line, &e) < 0)
			continue;
		line.sequence = ++sequence;
		memcpy(line.prev, head.bytes, sizeof(line.prev));
		if (wire_encode(&journal_line_schema, &line, ret, &e) < 0 ||
		    sha256(view_new(ret->data + start, ret->len - start), &head, &e) < 0 ||
		    buf_add_u8(ret, '\n', &e) < 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(buf) struct buf placed = BUF_INIT(JOURNAL_READ_MAX);
	struct view text = view_new(data, len);

	if (len == 0)
		return 0;
	read_all(text);
	audit(text);
	put_in_place(text, &placed);
	if (placed.len)
		audit(buf_view(&placed));
	return 0;
}
