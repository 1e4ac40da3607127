#include "base/clock.h"
#include "base/text.h"
#include "cluster/pcr_source.h"
#include "document.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

#define AT_NOW      "now"
#define AT_DOCUMENT "document"
#define NONE        "none"

struct verify_args {
	const char *file, *root, *at, *nonce, *user_data, *public_key, *pcrs_from;
	struct text_list pcrs;
	int64_t max_age_ms;
	bool refuse_debug;
};

static const struct opt opts[] = {
	{ .name = "root",
	  .kind = OPT_FILE,
	  .metavar = "ROOT",
	  .offset = offsetof(struct verify_args, root),
	  .fallback = ROOT_AWS_NAME,
	  .doc = "aws-nitro, which is built in, or a certificate's file (PEM or DER)" },
	{ .name = "at",
	  .kind = OPT_TEXT,
	  .metavar = "TIME",
	  .offset = offsetof(struct verify_args, at),
	  .fallback = AT_NOW,
	  .doc = "when the certificates must be valid; `document`: at its own timestamp" },
	{ .name = "pcr",
	  .kind = OPT_TEXT,
	  .is_list = true,
	  .metavar = "N=HEX",
	  .offset = offsetof(struct verify_args, pcrs),
	  .doc = "PCR N must have this value" },
	{ .name = "pcrs-from",
	  .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct verify_args, pcrs_from),
	  .doc = "expected PCRs: an image, a list, nitro-cli's JSON, or a cluster file" },
	{ .name = "nonce",
	  .kind = OPT_TEXT,
	  .may_be_empty = true,
	  .metavar = "HEX",
	  .offset = offsetof(struct verify_args, nonce),
	  .doc = "the nonce must be this; `none`: there must be none" },
	{ .name = "user-data",
	  .kind = OPT_TEXT,
	  .may_be_empty = true,
	  .metavar = "HEX",
	  .offset = offsetof(struct verify_args, user_data),
	  .doc = "user_data must be this; `none`: there must be none" },
	{ .name = "public-key",
	  .kind = OPT_TEXT,
	  .may_be_empty = true,
	  .metavar = "HEX",
	  .offset = offsetof(struct verify_args, public_key),
	  .doc = "public_key must be this; `none`: there must be none" },
	{ .name = "max-age",
	  .kind = OPT_DURATION,
	  .metavar = "DURATION",
	  .offset = offsetof(struct verify_args, max_age_ms),
	  .doc = "refuse a document that is older than this at the time of --at" },
	{ .name = "refuse-debug",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct verify_args, refuse_debug),
	  .doc = "refuse a document of an enclave in debug mode" },
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct verify_args, file),
	  .doc = "the document: raw, base64, hex or a JSON array; - is standard input" },
};

/* --- what is asked for */

#define AHEAD_MS 30000 /* clocks of two machines differ: the contract's own allowance */

struct question {
	struct buf root;
	struct buf nonce, user_data, public_key; /* own what the policy's views point to */
	int64_t at_ms;                           /* -1: the document's own time */
	struct attestation_policy policy;
};

static void question_drop(struct question *q)
{
	buf_drop(&q->root);
	buf_drop(&q->nonce);
	buf_drop(&q->user_data);
	buf_drop(&q->public_key);
}

static int take_field(const char *option, const char *text, size_t max, struct buf *bytes,
                      struct field_policy *ret, struct err *e)
{
	struct err why;

	if (!text)
		return 0;
	if (strcmp(text, NONE) == 0) {
		ret->rule = FIELD_ABSENT;
		return 0;
	}
	*bytes = BUF_INIT(max);
	if (hex_parse(view_text(text), bytes, &why) < 0)
		return err_set(e, ERR_USAGE, "--%s: expected `none` or at most %zu bytes: %s",
		               option, max, why.text);
	*ret = (struct field_policy){ FIELD_EQUAL, buf_view(bytes) };
	return 0;
}

static int take_pcr(const char *word, struct pcr_set *set, struct err *e)
{
	const char *hex = strchr(word, '=');
	struct err why;

	if (!hex)
		return err_set(e, ERR_USAGE, "--pcr: expected N=HEX, found '%s'", word);
	if (pcr_source_add(view_new(word, (size_t)(hex - word)), view_text(hex + 1), set, &why) < 0)
		return err_set(e, ERR_USAGE, "--pcr: %s", why.text);
	return 0;
}

/* Named in both places a PCR must have the same value: else one of them would be passed over. */
static int take_pcrs(const struct verify_args *args, struct attestation_policy *policy,
                     struct err *e)
{
	if (args->pcrs_from && strcmp(args->pcrs_from, "-") == 0 && strcmp(args->file, "-") == 0)
		return err_set(e, ERR_USAGE, "standard input can't be both FILE and --pcrs-from");
	if (args->pcrs_from)
		TRY(pcr_source_read(args->pcrs_from, &policy->pcrs, e));
	for (size_t i = 0; i < args->pcrs.count; i++)
		TRY(take_pcr(args->pcrs.items[i], &policy->pcrs, e));
	return 0;
}

/* Who names a PCR wants to know what runs, which a debug enclave does not show: it is refused then,
 * unless PCR0, 1 or 2 is named, which decides by itself. */
static bool wants_no_debug(const struct verify_args *args, const struct pcr_set *pcrs)
{
	bool names_any = args->refuse_debug;

	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++)
		if (pcrs->values[i].len)
			return args->refuse_debug;
	for (unsigned i = 0; i < PCR_COUNT; i++)
		names_any |= pcrs->values[i].len != 0;
	return names_any;
}

static int take_time(const struct verify_args *args, struct question *q, struct err *e)
{
	q->at_ms = clock_unix_ms();
	if (strcmp(args->at, AT_DOCUMENT) == 0) {
		q->at_ms = -1;
		q->policy.chain_at_document = true;
		if (args->max_age_ms >= 0)
			return err_set(e, ERR_USAGE, "--max-age has no meaning with --at document");
		return 0;
	}
	if (strcmp(args->at, AT_NOW) != 0 && time_parse(args->at, &q->at_ms, e) < 0)
		return err_wrap(e, "--at");
	q->policy.chain_time_unix = q->at_ms / 1000;
	if (args->max_age_ms < 0)
		return 0;
	q->policy.now_ms = q->at_ms;
	q->policy.max_age_ms = args->max_age_ms;
	q->policy.max_ahead_ms = AHEAD_MS;
	return 0;
}

static int question_make(const struct verify_args *args, struct question *q, struct err *e)
{
	struct attestation_policy *p = &q->policy;

	q->root = BUF_INIT(DOCUMENT_MAX);
	TRY(take_time(args, q, e));
	TRY(take_field("nonce", args->nonce, DOCUMENT_NONCE_MAX, &q->nonce, &p->nonce, e));
	TRY(take_field("user-data", args->user_data, DOCUMENT_USER_DATA_MAX, &q->user_data,
	               &p->user_data, e));
	TRY(take_field("public-key", args->public_key, DOCUMENT_PUBLIC_KEY_MAX, &q->public_key,
	               &p->public_key, e));
	TRY(take_pcrs(args, p, e));
	TRY(root_read(args->root, &q->root, e));
	p->root = buf_view(&q->root);
	p->refuse_debug = wants_no_debug(args, &p->pcrs);
	return 0;
}

/* --- what came of it */

struct shown_check {
	struct buf check, text;
	int outcome; /* enum trace_outcome */
};
static const struct wire_field shown_check_fields[] = {
	JSON_TEXT(shown_check, check),
	JSON_WORD(shown_check, outcome, trace_outcome_names),
	JSON_TEXT(shown_check, text),
};
static const struct wire_schema shown_check_schema = JSON_SCHEMA(shown_check, shown_check_fields);

struct moved_pcr {
	int64_t index;
	struct buf name, expected, found;
};
static const struct wire_field moved_pcr_fields[] = {
	JSON_NUMBER(moved_pcr, index),
	JSON_TEXT(moved_pcr, name),
	JSON_HEX(moved_pcr, expected),
	JSON_HEX(moved_pcr, found),
};
static const struct wire_schema moved_pcr_schema = JSON_SCHEMA(moved_pcr, moved_pcr_fields);

/* What a verified document says. */
struct verified_document {
	struct buf module_id, timestamp, public_key, user_data, nonce;
	uint8_t sha256[32];
	bool debug;
	struct wire_list pcrs;
};
static const struct wire_field verified_document_fields[] = {
	JSON_TEXT(verified_document, module_id),
	JSON_TEXT(verified_document, timestamp),
	JSON_HEX_FIXED(verified_document, sha256),
	JSON_BOOL(verified_document, debug),
	JSON_LIST(verified_document, pcrs, shown_pcr_schema),
	JSON_HEX(verified_document, public_key),
	JSON_HEX(verified_document, user_data),
	JSON_HEX(verified_document, nonce),
};
static const struct wire_schema verified_document_schema =
    JSON_SCHEMA(verified_document, verified_document_fields);

struct verify_reply {
	bool verified, has_reason, has_form, has_at, has_document, has_pin, has_error;
	struct buf reason, at, pin;
	int form; /* enum document_form */
	struct shown_root root;
	struct wire_list checks, moved;
	struct verified_document document;
	struct error_report error;
};
static const struct wire_field verify_reply_fields[] = {
	JSON_BOOL(verify_reply, verified),
	JSON_MAYBE(verify_reply, reason, struct buf, has_reason, .kind = WIRE_TEXT,
	           .max = WIRE_TEXT_MAX),
	JSON_OBJECT(verify_reply, root, struct shown_root, shown_root_schema),
	JSON_MAYBE(verify_reply, at, struct buf, has_at, .kind = WIRE_TEXT, .max = WIRE_TEXT_MAX),
	JSON_MAYBE(verify_reply, form, int, has_form, .kind = WIRE_WORD,
	           .words = document_form_names),
	JSON_LIST(verify_reply, checks, shown_check_schema),
	JSON_LIST(verify_reply, moved, moved_pcr_schema),
	JSON_MAYBE(verify_reply, pin, struct buf, has_pin, .kind = WIRE_TEXT, .max = WIRE_TEXT_MAX),
	JSON_MAYBE(verify_reply, document, struct verified_document, has_document,
	           .kind = WIRE_OBJECT, .schema = &verified_document_schema),
	JSON_MAYBE(verify_reply, error, struct error_report, has_error, .kind = WIRE_OBJECT,
	           .schema = &error_report_schema),
};
static const struct wire_schema verify_reply_schema =
    JSON_SCHEMA(verify_reply, verify_reply_fields);
WIRE_DROP(verify_reply);

static int describe_checks(const struct trace *trace, struct verify_reply *ret, struct err *e)
{
	for (size_t i = 0; i < trace->count; i++) {
		struct shown_check *row;

		TRY(wire_list_add(&ret->checks, &shown_check_schema, &row, e));
		row->outcome = (int)trace->lines[i].outcome;
		TRY(wire_set_text(&row->check, trace->lines[i].check, e));
		TRY(wire_set_text(&row->text, trace->lines[i].text, e));
	}
	return 0;
}

static int describe_document(const struct attestation *a, struct verify_reply *reply, struct err *e)
{
	struct verified_document *ret = &reply->document;
	char time[TIME_TEXT_LEN];

	reply->has_document = true;
	time_format(a->timestamp_ms, time);
	TRY(wire_set(&ret->module_id, buf_view(&a->module_id), e));
	TRY(wire_set_text(&ret->timestamp, time, e));
	memcpy(ret->sha256, a->document_hash.bytes, sizeof(ret->sha256));
	ret->debug = a->is_debug;
	TRY(pcrs_describe(&a->pcrs, chain_root_maker(buf_view(&a->root)), &ret->pcrs, e));
	TRY(wire_set(&ret->public_key, buf_view(&a->public_key_bytes), e));
	TRY(wire_set(&ret->user_data, buf_view(&a->user_data), e));
	return wire_set(&ret->nonce, buf_view(&a->nonce), e);
}

static int add_moved(unsigned index, enum pcr_maker maker, const struct pcr *expected,
                     const struct pcr *found, struct wire_list *moved, struct err *e)
{
	struct moved_pcr *row;

	TRY(wire_list_add(moved, &moved_pcr_schema, &row, e));
	row->index = index;
	TRY(wire_set_text(&row->name, pcr_name_of(maker, index), e));
	TRY(wire_set(&row->expected, pcr_view(expected), e));
	return wire_set(&row->found, pcr_view(found), e);
}

/* Which parts moved, and where the first of them is one that a manifest holds the line that pins
 * what was found. PCRs are judged after the signature: what the document lists is what its enclave
 * measured. */
static int describe_moved(struct view document, const struct attestation_policy *p,
                          struct verify_reply *ret, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	enum pcr_maker maker = chain_root_maker(p->root);
	const struct moved_pcr *first;

	TRY(attestation_parse(document, &claims, e));
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		const struct pcr *expected = &p->pcrs.values[i], *found = &claims.pcrs.values[i];

		if (expected->len && !pcr_equal(expected, found))
			TRY(add_moved(i, maker, expected, found, &ret->moved, e));
	}
	first = ret->moved.items;
	if (!first || first->index >= PCR_POLICY_COUNT || pcr_set_is_debug(&claims.pcrs))
		return 0;
	ret->has_pin = true;
	ret->pin = BUF_INIT(CELL_MAX);
	return pcr_pins_format(&claims.pcrs, &ret->pin, e);
}

/* By how the reason begins. */
static const struct {
	const char *reason, *words;
} hints[] = {
	{ "chain:time@",
	  "a document's certificates live for hours: --at document judges a stored one "
	  "at its own time, --at TIME at another" },
	{ "chain:issuer@1",
	  "it is under another root: --root names one that you have from its owner" },
	{ "cose:signature",
	  "it was altered, or another's key has signed it: it is not to be believed; fetch it "
	  "again from where it was made" },
	{ "cose:alg", "a Nitro document is signed with ES384: no NSM has made this one" },
	{ "cose:", "is it a whole document, raw, base64, hex or a JSON array of bytes, and nothing "
	           "else?" },
	{ "debug", "--pcr 0= to 2= with zeroes accept an enclave in debug mode, for which nothing "
	           "is known of what runs" },
	{ "", "it is not to be believed; trying again does not help" },
};

/* Of what no manifest and no cluster file has, or what a debug enclave shows. */
static void hint_unpinned(struct context *c, const struct moved_pcr *first)
{
	char hex[2 * PCR_MAX_LEN + 1];
	bool is_policy = first->index < PCR_POLICY_COUNT;

	if (first->found.len == 0) {
		context_hint(c,
		             "no PCR%lld is in the document: whatever is expected there is not "
		             "shown by it",
		             (long long)first->index);
		return;
	}
	hex_write(buf_view(&first->found), hex);
	context_hint(c, "%s; if what was found is meant: --pcr %lld=%s",
	             is_policy
	                 ? "that of a debug enclave, for which nothing is known of what runs, "
	                   "is not to be pinned"
	                 : "no manifest and no cluster file holds that PCR",
	             (long long)first->index, hex);
}

static void hint(struct context *c, const struct verify_reply *reply, const struct err *failure)
{
	size_t i = 0;

	if (reply->has_pin) {
		context_hint(c,
		             "do not believe it, unless this is the build that you mean: then "
		             "below `enclave:` of the cluster file, and in the manifest's pcr0 "
		             "to pcr3: %s",
		             buf_text(&reply->pin));
		return;
	}
	if (reply->moved.count) {
		hint_unpinned(c, reply->moved.items);
		return;
	}
	while (strncmp(failure->reason, hints[i].reason, strlen(hints[i].reason)) != 0)
		i++;
	context_hint(c, "%s", hints[i].words);
}

static int describe_refusal(struct context *c, const struct err *failure, struct view document,
                            const struct attestation_policy *p, struct verify_reply *ret,
                            struct err *e)
{
	unsigned pcr_index;

	ret->has_reason = ret->has_error = true;
	TRY(wire_set_text(&ret->reason, failure->reason, e));
	for (pcr_index = 0; pcr_index < PCR_COUNT; pcr_index++) {
		char reason[ERR_REASON_MAX];

		pcr_reason(pcr_index, reason);
		if (strcmp(failure->reason, reason) == 0)
			TRY(describe_moved(document, p, ret, e));
	}
	hint(c, ret, failure);
	TRY(error_report_make(failure, &ret->error, e));
	return report_complete(c, failure, /* next= */ NULL, &ret->error, e);
}

static int print_checks(struct context *c, const struct trace *trace, struct err *e)
{
	static const enum tone tones[] = { [TRACE_DONE] = TONE_GOOD,
		                           [TRACE_FAILED] = TONE_BAD,
		                           [TRACE_NOT_REACHED] = TONE_FAINT };
	AUTO(table) struct table t = TABLE_INIT("CHECK", "OUTCOME", "WHAT");

	for (size_t i = 0; i < trace->count; i++) {
		const struct trace_line *line = &trace->lines[i];

		if (line->outcome == TRACE_NOT_ASKED)
			continue;
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", line->check));
		TRY(table_cell(&t, tones[line->outcome], e, "%s",
		               trace_outcome_names[line->outcome]));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", line->text));
	}
	t.keeps_last = true;
	table_print(c, &t);
	for (size_t i = 0; i < trace->count; i++)
		if (trace->lines[i].outcome == TRACE_NOT_ASKED)
			print_line(c, "not checked: %s", trace->lines[i].text);
	return 0;
}

static int print_document(struct context *c, const struct attestation *a, struct err *e)
{
	char time[TIME_TEXT_LEN];
	struct view key = buf_view(&a->public_key_bytes);

	time_format(a->timestamp_ms, time);
	print_line(c, "module      %s", buf_text(&a->module_id));
	print_line(c, "timestamp   %s", time);
	debug_print(c, a->is_debug);
	field_print(c, "public key", key.len, key, public_key_kind(key));
	field_print(c, "user data", a->user_data.len, buf_view(&a->user_data), NULL);
	field_print(c, "nonce", a->nonce.len, buf_view(&a->nonce), NULL);
	return pcrs_print(c, &a->pcrs, chain_root_maker(buf_view(&a->root)), e);
}

/* The words that answer the question, before anything else. */
static void print_verdict(struct context *c, const struct verify_reply *reply,
                          const struct err *failure)
{
	const char *root = buf_text(&reply->root.name);

	if (failure)
		print_line(c, "REFUSED (%s): %s", failure->reason, failure->text);
	else
		print_line(c, "VERIFIED: the document is genuine at %s, under %s",
		           reply->has_at ? buf_text(&reply->at) : "its own time",
		           strcmp(root, ROOT_AWS_NAME) == 0 ? "the root of AWS Nitro Enclaves"
		           : strcmp(root, ROOT_SIMULATED_NAME) == 0
		               ? "a simulated root: whoever reads its key can forge documents"
		               : "a root of your own choice, not that of AWS");
	root_print(c, "root", &reply->root);
}

static int report(struct context *c, const struct question *q, struct view document,
                  const struct attestation *a, const struct err *failure,
                  struct verify_reply *reply, struct err *e)
{
	char time[TIME_TEXT_LEN];

	reply->verified = !failure;
	TRY(root_describe(q->policy.root, &reply->root, e));
	TRY(describe_checks(q->policy.trace, reply, e));
	reply->has_at = q->at_ms >= 0;
	if (reply->has_at) {
		time_format(q->at_ms, time);
		TRY(wire_set_text(&reply->at, time, e));
	}
	if (failure)
		TRY(describe_refusal(c, failure, document, &q->policy, reply, e));
	else
		TRY(describe_document(a, reply, e));
	print_verdict(c, reply, failure);
	if (!failure)
		TRY(print_document(c, a, e));
	TRY(print_checks(c, q->policy.trace, e));
	return print_json(c, &verify_reply_schema, reply, e);
}

/* What is no form of a document is refused like one whose form is wrong. */
static int judge(const char *path, struct buf *document, const struct attestation_policy *policy,
                 struct verify_reply *reply, struct attestation *ret, struct err *e)
{
	AUTO(buf) struct buf file = { 0 };
	enum document_form form;

	if (document_file_read(path, &file, e) < 0 ||
	    document_decode(buf_view(&file), document, &form, e) < 0) {
		if (e->code == ERR_ATTESTATION)
			attestation_trace_refused(policy, e);
		return -1;
	}
	reply->has_form = true;
	reply->form = (int)form;
	return attestation_check(buf_view(document), policy, ret, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(question) struct question q = { 0 };
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	AUTO(attestation) struct attestation a = { 0 };
	AUTO(verify_reply) struct verify_reply reply = { 0 };
	const struct verify_args *args = arguments;
	struct trace trace = { 0 };
	struct err failure;
	bool is_refused;

	TRY(question_make(args, &q, e));
	q.policy.trace = &trace;
	is_refused = judge(args->file, &document, &q.policy, &reply, &a, &failure) < 0;
	if (is_refused && failure.code != ERR_ATTESTATION) {
		*e = failure;
		return -1;
	}
	/* The enclaves' code for it has a cause and a cure of clusters, which are of no help here.
	 */
	if (is_refused)
		failure.code = ERR_REFUSED;
	TRY(report(c, &q, buf_view(&document), &a, is_refused ? &failure : NULL, &reply, e));
	if (is_refused)
		*e = failure;
	else if (a.is_debug)
		progress_say(&c->progress, "warning: the enclave is in debug mode");
	return is_refused ? -1 : 0;
}

const struct cmd cmd_attest_verify = {
	.name = "attest verify",
	.summary = "check any Nitro attestation document, offline",
	.details =
	    "Checks a document of AWS Nitro Enclaves of any maker, or of a simulated one, without "
	    "network and without a cluster file: its form and fields, every certificate from the "
	    "root down, the signature, and what the options ask for. Each check is listed as done, "
	    "failed or not reached, and below stands in words what was not checked. The first that "
	    "failed is named with what was expected and what was found; status 5.\n\n"
	    "The document may be raw, base64, hex or a JSON array of bytes; text may be quoted or in "
	    "a PEM block. What can't be decoded is refused like any other.\n\n"
	    "A document's certificates are valid for a few hours, so a stored one is judged at a "
	    "time: --at document believes its own timestamp and proves that it was genuine then. A "
	    "fresh one shows that by the --nonce that you had sent.\n\n"
	    "Without --pcr or --pcrs-from nothing is known of what runs in the enclave. "
	    "--pcrs-from takes an enclave's executable (PCR0 and PCR1 as teectl measure has them), "
	    "lines `HEX PCRn` as QuorumOS's releases have them, what nitro-cli build-enclave or "
	    "describe-eif prints, or a cluster file with pins. A PCR that differs names the part "
	    "that moved, and the hint is the line that pins what was found.\n\n"
	    "A document in debug mode (PCR0 to 2 are zero) is genuine, and is reported as such with a "
	    "warning. It is refused with --refuse-debug, and whenever PCRs are named: it can't show "
	    "what runs. Who means one names the zeroes.",
	.examples = { { "teectl attest verify document.cose --at document",
	                "was it genuine when it was made?" },
	              { "teectl attest verify document.b64 --nonce 00ff00ff --pcrs-from eif.json",
	                "is it mine, is it fresh, is it that image?" },
	              { "teectl attest verify - --root .teectl/demo/pki/root.der",
	                "one of a simulated enclave, from a pipe" },
	              { "teectl attest verify document.cose -o json | jq -r .reason",
	                "the check that failed, for a script" } },
	.exits = { 5, 65, 66 },
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct verify_args),
	.run = run,
};
