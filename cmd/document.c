#include "document.h"

#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define TITLE_WIDTH 11 /* of the lines' first column */

/* A root certificate in a file, PEM with comments. */
#define ROOT_FILE_MAX 16384

static const struct wire_field shown_root_fields[] = {
	JSON_TEXT(shown_root, name),
	JSON_TEXT(shown_root, subject),
	JSON_HEX_FIXED(shown_root, sha256),
};
const struct wire_schema shown_root_schema = JSON_SCHEMA(shown_root, shown_root_fields);

static const struct wire_field shown_pcr_fields[] = {
	JSON_NUMBER(shown_pcr, index),
	JSON_TEXT(shown_pcr, name),
	JSON_HEX(shown_pcr, value),
};
const struct wire_schema shown_pcr_schema = JSON_SCHEMA(shown_pcr, shown_pcr_fields);

int document_file_read(const char *path, struct buf *ret, struct err *e)
{
	AUTO(buf) struct buf file = BUF_INIT(DOCUMENT_FILE_MAX);

	if (file_read(path, &file, e) < 0) {
		if (e->code != ERR_DATA)
			return -1;
		return err_reason(e, ERR_ATTESTATION, "cose:structure",
		                  "attestation document: '%s' has more than %u bytes: longer than "
		                  "any",
		                  path, DOCUMENT_FILE_MAX);
	}
	*ret = MOVE(file);
	return 0;
}

int root_read(const char *name, struct buf *ret_der, struct err *e)
{
	AUTO(buf) struct buf file = BUF_INIT(ROOT_FILE_MAX);
	AUTO(buf) struct buf der = BUF_INIT(ROOT_FILE_MAX);

	if (strcmp(name, ROOT_AWS_NAME) == 0)
		return buf_set(ret_der, chain_aws_root, e);
	TRY(file_read_guarded(name, /* may_be_pipe= */ true, &file, e));
	if (chain_root_parse(buf_view(&file), &der, e) < 0)
		return err_wrap(e, "root '%s'", name);
	return buf_set(ret_der, buf_view(&der), e);
}

int root_describe(struct view der, struct shown_root *ret, struct err *e)
{
	struct certificate_facts facts;
	struct hash256 hash;
	struct err unfit;
	bool is_fit = chain_describe(der, &facts, &unfit) == 0;

	TRY(sha256(der, &hash, e));
	memcpy(ret->sha256, hash.bytes, sizeof(ret->sha256));
	TRY(wire_set_text(&ret->subject, is_fit ? facts.subject : "", e));
	return wire_set_text(&ret->name,
	                     chain_root_is_aws(der)                   ? ROOT_AWS_NAME
	                     : chain_root_maker(der) == PCR_SIMULATED ? ROOT_SIMULATED_NAME
	                                                              : "other",
	                     e);
}

void root_print(struct context *c, const char *title, const struct shown_root *root)
{
	char hex[65];

	hex_write(VIEW_OF(root->sha256), hex);
	print_line(c, "%-*s %s, %s, SHA-256 %s", TITLE_WIDTH, title, buf_text(&root->name),
	           root->subject.len ? buf_text(&root->subject) : "no certificate", hex);
}

int pcrs_describe(const struct pcr_set *set, enum pcr_maker maker, struct wire_list *ret,
                  struct err *e)
{
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		struct shown_pcr *row;

		if (set->values[i].len == 0)
			continue;
		TRY(wire_list_add(ret, &shown_pcr_schema, &row, e));
		row->index = i;
		TRY(wire_set_text(&row->name, pcr_name_of(maker, i), e));
		TRY(wire_set(&row->value, pcr_view(&set->values[i]), e));
	}
	return 0;
}

/* "PCR3, PCR5 to PCR15": the zero ones, or those that are absent. */
static int add_ranges(const struct pcr_set *set, bool (*is_meant)(const struct pcr *p),
                      struct buf *to, struct err *e)
{
	unsigned last;

	for (unsigned first = 0; first < PCR_COUNT; first = last + 1) {
		last = first;
		if (!is_meant(&set->values[first]))
			continue;
		while (last + 1 < PCR_COUNT && is_meant(&set->values[last + 1]))
			last++;
		TRY(buf_add_format(to, e, "%sPCR%u", to->len ? ", " : "", first));
		if (last > first)
			TRY(buf_add_format(to, e, "%sPCR%u", last > first + 1 ? " to " : ", ",
			                   last));
	}
	return 0;
}

static bool is_absent(const struct pcr *p)
{
	return p->len == 0;
}

static int print_ranges(struct context *c, const struct pcr_set *set,
                        bool (*is_meant)(const struct pcr *p), const char *title, struct err *e)
{
	AUTO(buf) struct buf ranges = BUF_INIT(CELL_MAX);

	TRY(add_ranges(set, is_meant, &ranges, e));
	if (ranges.len)
		print_line(c, "%-*s %s", TITLE_WIDTH, title, buf_text(&ranges));
	return 0;
}

int pcrs_print(struct context *c, const struct pcr_set *set, enum pcr_maker maker, struct err *e)
{
	AUTO(table) struct table t = TABLE_INIT("PCR", "NAME", "MEASURES", "VALUE");
	char hex[2 * PCR_MAX_LEN + 1];

	for (unsigned i = 0; i < PCR_COUNT; i++) {
		const struct pcr *p = &set->values[i];

		if (p->len == 0 || pcr_is_zero(p))
			continue;
		hex_write(pcr_view(p), hex);
		TRY(table_cell(&t, TONE_PLAIN, e, "%u", i));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", pcr_name_of(maker, i)));
		TRY(table_cell(&t, TONE_FAINT, e, "%s", pcr_meaning(maker, i)));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", hex));
	}
	t.keeps_last = true;
	if (t.count)
		table_print(c, &t);
	TRY(print_ranges(c, set, pcr_is_zero, "zero", e));
	return print_ranges(c, set, is_absent, "not listed", e);
}

/* Text that a person can read in one line, or PEM. */
static bool is_readable(struct view v)
{
	if (v.len == 0 || !utf8_is_valid(v))
		return false;
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] < ' ' || v.data[i] == 0x7f)
			return false;
	return true;
}

const char *public_key_kind(struct view key)
{
	static const char begin[] = "-----BEGIN ";
	struct public_key parsed;
	struct err no_key;

	if (public_key_parse(key, &parsed, &no_key) == 0)
		return "a QuorumOS public key";
	if (key.len > strlen(begin) && memcmp(key.data, begin, strlen(begin)) == 0)
		return "PEM text";
	return "opaque";
}

void field_print(struct context *c, const char *title, bool is_present, struct view value,
                 const char *kind)
{
	char hex[2 * DOCUMENT_PUBLIC_KEY_MAX + 1];

	if (!is_present) {
		print_line(c, "%-*s none", TITLE_WIDTH, title);
		return;
	}
	hex_write(value, hex);
	print_line(c, "%-*s %s%s%zu bytes%s%s", TITLE_WIDTH, title, kind ? kind : "",
	           kind ? ", " : "", value.len, value.len ? ": " : "", hex);
	if (is_readable(value))
		print_line(c, "%-*s as text: \"%.*s\"", TITLE_WIDTH, "", (int)value.len,
		           (const char *)value.data);
}

void debug_print(struct context *c, bool is_debug)
{
	print_line(c, "%-*s %s", TITLE_WIDTH, "debug",
	           is_debug
	               ? "YES: PCR0, PCR1 and PCR2 are zero, so nothing is known of what runs, "
	                 "and whoever runs it reads its console"
	               : "no");
}
