/* What must hold of a document, beyond its own bounds, before anyone believes it. */
#include "attest/document.h"

#include "attest/chain.h"
#include "attest/cose.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One verification under way. */
struct judgement {
	const struct attestation_claims *claims;
	const struct attestation_policy *policy;
	struct chain_key *key; /* the leaf's, once the chain holds */
};

/* Only for who reads it: the root is parsed for it. */
static enum pcr_maker maker_of(const struct judgement *j)
{
	return chain_root_maker(j->policy->root);
}

static void judgement_drop(struct judgement *j)
{
	chain_key_drop(&j->key);
}

static int check_chain(struct judgement *j, struct err *e)
{
	const struct attestation_claims *c = j->claims;
	const struct attestation_policy *p = j->policy;
	int64_t time = p->chain_at_document ? c->timestamp_ms / 1000 : p->chain_time_unix;

	/* cabundle[0] is the root as sent; the one that counts is the caller's. */
	return chain_verify_traced(p->root, c->cabundle + 1, c->cabundle_count - 1, c->certificate,
	                           time, p->trace, &j->key, e);
}

static int check_signature(struct judgement *j, struct err *e)
{
	const struct attestation_claims *c = j->claims;
	const struct cose_sign1 cose = { c->protected_header, c->payload, c->signature };

	return cose_verify(&cose, j->key, e);
}

static int check_freshness(struct judgement *j, struct err *e)
{
	const struct attestation_policy *p = j->policy;
	int64_t age_ms = p->now_ms - j->claims->timestamp_ms;

	if (age_ms > p->max_age_ms)
		return err_reason(e, ERR_ATTESTATION, "freshness",
		                  "freshness: the document is %lld ms old, at most %lld",
		                  (long long)age_ms, (long long)p->max_age_ms);
	if (-age_ms > p->max_ahead_ms)
		return err_reason(e, ERR_ATTESTATION, "freshness",
		                  "freshness: the document is %lld ms ahead of now, at most %lld",
		                  (long long)-age_ms, (long long)p->max_ahead_ms);
	return 0;
}

PRINTF_LIKE(4, 5)
static int refuse_pcr(const struct judgement *j, unsigned index, struct err *e, const char *format,
                      ...)
{
	char reason[ERR_REASON_MAX], what[2 * 2 * PCR_MAX_LEN + 64];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	pcr_reason(index, reason);
	return err_reason(e, ERR_ATTESTATION, reason, "PCR%u (%s) %s", index,
	                  pcr_name_of(maker_of(j), index), what);
}

static int check_pcr(const struct judgement *j, unsigned index, const struct pcr *expected,
                     struct err *e)
{
	char found_hex[2 * PCR_MAX_LEN + 1], expected_hex[2 * PCR_MAX_LEN + 1];
	const struct pcr *found = &j->claims->pcrs.values[index];

	if (pcr_equal(found, expected))
		return 0;
	if (found->len == 0)
		return refuse_pcr(j, index, e, "is not in the document");
	hex_write(pcr_view(found), found_hex);
	hex_write(pcr_view(expected), expected_hex);
	return refuse_pcr(j, index, e, "is %s, expected %s", found_hex, expected_hex);
}

static int check_debug(struct judgement *j, struct err *e)
{
	if (pcr_set_is_debug(&j->claims->pcrs))
		return err_reason(e, ERR_ATTESTATION, "debug",
		                  "debug mode: PCR0, PCR1 and PCR2 are zero");
	return 0;
}

/* Of PCR0 to 2, which say what runs, those that nobody asks for. A Nitro image is in PCR0 whole. */
static void pass_over_pcr(const struct judgement *j, unsigned index, const char *check)
{
	enum pcr_maker maker;

	if (!j->policy->trace || index > PCR_OPTIONS)
		return;
	maker = maker_of(j);
	if (maker != PCR_NITRO || j->policy->pcrs.values[PCR_IMAGE].len == 0)
		trace_add(j->policy->trace, check, TRACE_NOT_ASKED, "PCR%u (%s)", index,
		          pcr_name_of(maker, index));
}

/* Which parts have moved: the first that differs is the error, and it names those after it. */
static int check_pcrs(struct judgement *j, struct err *e)
{
	struct trace *trace = j->policy->trace;
	char others[128] = "", check[ERR_REASON_MAX];
	bool is_refused = false;
	struct err why;

	for (unsigned i = 0; i < PCR_COUNT; i++) {
		const struct pcr *expected = &j->policy->pcrs.values[i];
		size_t len = strlen(others);
		int outcome;

		pcr_reason(i, check);
		if (expected->len == 0) {
			pass_over_pcr(j, i, check);
			continue;
		}
		outcome = check_pcr(j, i, expected, &why);
		if (trace)
			outcome = trace_end(trace, check, outcome, &why, "%s: as expected",
			                    pcr_name_of(maker_of(j), i));
		if (outcome == 0)
			continue;
		if (is_refused)
			snprintf(others + len, sizeof(others) - len, "%sPCR%u (%s)",
			         len ? ", " : "; also different: ", i, pcr_name_of(maker_of(j), i));
		else
			*e = why;
		is_refused = true;
	}
	if (!is_refused)
		return 0;
	why = *e;
	return err_reason(e, why.code, why.reason, "%s%s%s", why.text, others,
	                  pcr_set_is_debug(&j->claims->pcrs) ? "; it is in debug mode" : "");
}

/* What is shown of two values that differ: a nonce may have 512 bytes. */
#define SHOWN_MAX 32

static void show_bytes(struct view bytes, char to[static 2 * SHOWN_MAX + 4])
{
	size_t shown = bytes.len < SHOWN_MAX ? bytes.len : SHOWN_MAX;

	hex_write(view_new(bytes.data, shown), to);
	snprintf(to + 2 * shown, 4, "%s", shown < bytes.len ? "..." : "");
}

static int check_field(const char *name, const struct document_field *field,
                       const struct field_policy *p, struct err *e)
{
	char found[2 * SHOWN_MAX + 4], expected[2 * SHOWN_MAX + 4];

	show_bytes(field->value, found);
	show_bytes(p->value, expected);
	switch (p->rule) {
	case FIELD_ANY:
		return 0;
	case FIELD_ABSENT:
		if (field->is_present)
			return err_reason(e, ERR_ATTESTATION, name,
			                  "%s is there, expected none: %zu bytes, %s", name,
			                  field->value.len, found);
		return 0;
	case FIELD_EQUAL:
		if (!field->is_present)
			return err_reason(e, ERR_ATTESTATION, name,
			                  "%s is missing, expected %zu bytes, %s", name,
			                  p->value.len, expected);
		if (!view_equal(field->value, p->value))
			return err_reason(e, ERR_ATTESTATION, name,
			                  "%s is not the expected one: %zu bytes, %s; expected "
			                  "%zu bytes, %s",
			                  name, field->value.len, found, p->value.len, expected);
		return 0;
	}
	return err_set(e, ERR_INTERNAL, "no such rule for %s", name);
}

static int check_nonce(struct judgement *j, struct err *e)
{
	return check_field("nonce", &j->claims->nonce, &j->policy->nonce, e);
}

static int check_user_data(struct judgement *j, struct err *e)
{
	return check_field("user_data", &j->claims->user_data, &j->policy->user_data, e);
}

static bool wants_no_key(const struct attestation_policy *p)
{
	return p->uncommitted || (p->committed_manifest && p->committed_key_wiped);
}

static int check_public_key(struct judgement *j, struct err *e)
{
	const struct field_policy absent = { .rule = FIELD_ABSENT };

	TRY(check_field("public_key", &j->claims->public_key, &j->policy->public_key, e));
	if (!wants_no_key(j->policy))
		return 0;
	return check_field("public_key", &j->claims->public_key, &absent, e);
}

static int check_manifest_hash(struct judgement *j, struct err *e)
{
	const struct hash256 *expected = j->policy->committed_manifest;
	const struct document_field *found = &j->claims->user_data;
	char found_hex[2 * SHOWN_MAX + 4], expected_hex[65];

	if (!found->is_present)
		return err_reason(e, ERR_ATTESTATION, "user_data",
		                  "manifest hash: the document has no user_data");
	if (view_equal(found->value, VIEW_OF(expected->bytes)))
		return 0;
	show_bytes(found->value, found_hex);
	hex_write(VIEW_OF(expected->bytes), expected_hex);
	return err_reason(e, ERR_ATTESTATION, "user_data",
	                  "manifest hash: user_data is %s, expected %s", found_hex, expected_hex);
}

static int check_committed(const struct judgement *j, struct err *e)
{
	const struct attestation_claims *c = j->claims;
	const struct attestation_policy *p = j->policy;
	struct public_key key;
	struct pcr expected;
	struct err no_key;

	if (!p->committed_key_wiped &&
	    (!c->public_key.is_present || public_key_parse(c->public_key.value, &key, &no_key) < 0))
		return err_reason(e, ERR_ATTESTATION, "public_key", "public_key is %s",
		                  c->public_key.is_present ? "not a QOS public key" : "missing");
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (c->pcrs.values[i].len == 0)
			return err_reason(e, ERR_ATTESTATION, "pcrs",
			                  "PCR%u is not in the document: not all are locked", i);
	if (p->committed_key_wiped) {
		if (pcr_is_zero(&c->pcrs.values[PCR_COMMITMENT]))
			return refuse_pcr(j, PCR_COMMITMENT, e, "is zero: nothing is committed to");
		return 0;
	}
	TRY(pcr_committed(&key, p->committed_manifest, &expected, e));
	return check_pcr(j, PCR_COMMITMENT, &expected, e);
}

static int check_commitment(struct judgement *j, struct err *e)
{
	const struct pcr *found = &j->claims->pcrs.values[PCR_COMMITMENT];

	if (j->policy->committed_manifest)
		return check_committed(j, e);
	if (found->len && !pcr_is_zero(found))
		return refuse_pcr(j, PCR_COMMITMENT, e, "is not zero: there is a manifest already");
	return 0;
}

static bool asks_always(const struct attestation_policy *p)
{
	(void)p;
	return true;
}

static bool asks_freshness(const struct attestation_policy *p)
{
	return p->now_ms != 0;
}

static bool asks_manifest(const struct attestation_policy *p)
{
	return p->committed_manifest != NULL;
}

static bool asks_debug(const struct attestation_policy *p)
{
	return p->refuse_debug;
}

static bool asks_pcrs(const struct attestation_policy *p)
{
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (p->pcrs.values[i].len)
			return true;
	return false;
}

/* One of the registers that debug mode zeroes: its value settles that too. */
static bool names_what_runs(const struct attestation_policy *p)
{
	return p->pcrs.values[PCR_IMAGE].len || p->pcrs.values[PCR_RUNTIME].len ||
	       p->pcrs.values[PCR_OPTIONS].len;
}

static bool asks_nonce(const struct attestation_policy *p)
{
	return p->nonce.rule != FIELD_ANY;
}

static bool asks_user_data(const struct attestation_policy *p)
{
	return p->user_data.rule != FIELD_ANY;
}

static bool asks_public_key(const struct attestation_policy *p)
{
	return p->public_key.rule != FIELD_ANY || wants_no_key(p);
}

static bool asks_commitment(const struct attestation_policy *p)
{
	return p->committed_manifest || p->uncommitted;
}

/* The order of judgement (document.h). Whoever adds a check adds a row, and it is in every trace.
 */
static const struct check {
	const char *name;
	bool (*is_asked)(const struct attestation_policy *p);
	int (*run)(struct judgement *j, struct err *e);
	bool has_own_lines;    /* it writes its lines itself */
	const char *done;      /* what it has shown */
	const char *not_asked; /* what nobody knows then; NULL: of no concern outside a cluster */
} checks[] = {
	{ "certificates", asks_always, check_chain, .has_own_lines = true },
	{ "signature", asks_always, check_signature,
	  .done = "the leaf's key signed header and payload as they stand" },
	{ "freshness", asks_freshness, check_freshness, .done = "of an age that is allowed",
	  .not_asked = "how old the document may be: it can have been made at any time at which "
	               "its certificates were valid" },
	{ "manifest", asks_manifest, check_manifest_hash,
	  .done = "user_data is the manifest's hash" },
	{ "debug", asks_debug, check_debug, .done = "not in debug mode",
	  .not_asked = "that it is not in debug mode: such a document is accepted as well" },
	{ "pcrs", asks_pcrs, check_pcrs, .has_own_lines = true,
	  .not_asked = "any PCR: it says nothing of what runs in the enclave" },
	{ "nonce", asks_nonce, check_nonce, .done = "as expected",
	  .not_asked = "a nonce: the document may be an old one, sent again" },
	{ "user_data", asks_user_data, check_user_data, .done = "as expected",
	  .not_asked = "what user_data is" },
	{ "public_key", asks_public_key, check_public_key, .done = "as expected",
	  .not_asked = "what public_key is" },
	{ "commitment", asks_commitment, check_commitment,
	  .done = "PCR16 is what the document's manifest and key make of it" },
};

/* A check that is not made: it was not asked for, or an earlier one has failed. */
static void pass_over(const struct check *check, const struct attestation_policy *p)
{
	char name[ERR_REASON_MAX];

	if (!check->is_asked(p)) {
		if (check->not_asked && !(check->is_asked == asks_debug && names_what_runs(p)))
			trace_add(p->trace, check->name, TRACE_NOT_ASKED, "%s", check->not_asked);
		return;
	}
	if (check->is_asked != asks_pcrs) {
		trace_add(p->trace, check->name, TRACE_NOT_REACHED, "-");
		return;
	}
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		pcr_reason(i, name);
		if (p->pcrs.values[i].len)
			trace_add(p->trace, name, TRACE_NOT_REACHED, "-");
	}
}

static int run_checks(struct judgement *j, struct err *e)
{
	struct trace *trace = j->policy->trace;
	int outcome = 0;

	for (size_t i = 0; i < COUNT(checks); i++) {
		if (outcome < 0 || !checks[i].is_asked(j->policy)) {
			pass_over(&checks[i], j->policy);
			continue;
		}
		outcome = checks[i].run(j, e);
		if (!checks[i].has_own_lines)
			outcome =
			    trace_end(trace, checks[i].name, outcome, e, "%s", checks[i].done);
	}
	return outcome;
}

static int take_claims(const struct attestation_claims *c, const struct attestation_policy *p,
                       struct attestation *ret, struct err *e)
{
	struct err no_key;

	ret->module_id = BUF_INIT(DOCUMENT_MAX);
	ret->public_key_bytes = BUF_INIT(DOCUMENT_PUBLIC_KEY_MAX);
	ret->user_data = BUF_INIT(DOCUMENT_USER_DATA_MAX);
	ret->nonce = BUF_INIT(DOCUMENT_NONCE_MAX);
	ret->root = BUF_INIT(DOCUMENT_MAX);
	TRY(sha256(buf_view(&c->bytes), &ret->document_hash, e));
	TRY(buf_set(&ret->module_id, c->module_id, e));
	TRY(buf_set(&ret->root, p->root, e));
	TRY(buf_set(&ret->public_key_bytes, c->public_key.value, e));
	TRY(buf_set(&ret->user_data, c->user_data.value, e));
	TRY(buf_set(&ret->nonce, c->nonce.value, e));
	ret->timestamp_ms = c->timestamp_ms;
	ret->pcrs = c->pcrs;
	ret->is_debug = pcr_set_is_debug(&c->pcrs);
	ret->has_public_key = c->public_key.is_present &&
	                      public_key_parse(c->public_key.value, &ret->public_key, &no_key) == 0;
	return 0;
}

int attestation_verify(const struct attestation_claims *claims,
                       const struct attestation_policy *policy, struct attestation *ret,
                       struct err *e)
{
	AUTO(attestation) struct attestation a = { 0 };
	AUTO(judgement)
	struct judgement j = { .claims = claims, .policy = policy };

	if (claims->is_unfit)
		return err_reason(e, ERR_ATTESTATION, "fields",
		                  "attestation document: it was read, not parsed");
	TRY(run_checks(&j, e));
	TRY(take_claims(claims, policy, &a, e));
	*ret = MOVE(a);
	return 0;
}

/* What comes after a form that was refused: the rest of the form, and every check. */
static void pass_over_all(const struct attestation_policy *p, size_t begun)
{
	static const char *const form[] = { "structure", "algorithm", "fields" };

	for (size_t i = begun; i < COUNT(form); i++)
		trace_add(p->trace, form[i], TRACE_NOT_REACHED, "-");
	for (size_t i = 0; i < COUNT(checks); i++)
		pass_over(&checks[i], p);
}

void attestation_trace_refused(const struct attestation_policy *policy, const struct err *why)
{
	trace_add(policy->trace, "structure", TRACE_FAILED, "%s", why->text);
	pass_over_all(policy, /* begun= */ 1);
}

int attestation_check(struct view document, const struct attestation_policy *policy,
                      struct attestation *ret, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	size_t before = policy->trace ? policy->trace->count : 0;

	if (attestation_parse_traced(document, policy->trace, &claims, e) < 0) {
		if (policy->trace)
			pass_over_all(policy, policy->trace->count - before);
		return -1;
	}
	return attestation_verify(&claims, policy, ret, e);
}
