/* What must hold of a document, beyond its own bounds, before anyone believes it. */
#include "attest/document.h"

#include "attest/chain.h"
#include "attest/cose.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

static int check_signature(const struct attestation_claims *c, const struct attestation_policy *p,
                           struct err *e)
{
	AUTO(chain_key) struct chain_key *key = NULL;
	struct cose_sign1 cose = { c->protected_header, c->payload, c->signature };
	int64_t time = p->chain_at_document ? c->timestamp_ms / 1000 : p->chain_time_unix;

	/* cabundle[0] is the root as sent; the one that counts is the caller's. */
	TRY(chain_verify(p->root, c->cabundle + 1, c->cabundle_count - 1, c->certificate, time,
	                 &key, e));
	return cose_verify(&cose, key, e);
}

static int check_freshness(const struct attestation_claims *c, const struct attestation_policy *p,
                           struct err *e)
{
	int64_t age_ms = p->now_ms - c->timestamp_ms;

	if (p->now_ms == 0)
		return 0;
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

PRINTF_LIKE(3, 4)
static int refuse_pcr(struct err *e, unsigned index, const char *format, ...)
{
	char reason[ERR_REASON_MAX], what[2 * 2 * PCR_MAX_LEN + 64];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	pcr_reason(index, reason);
	return err_reason(e, ERR_ATTESTATION, reason, "PCR%u (%s) %s", index, pcr_name(index),
	                  what);
}

static int check_pcr(unsigned index, const struct pcr *found, const struct pcr *expected,
                     struct err *e)
{
	char found_hex[2 * PCR_MAX_LEN + 1], expected_hex[2 * PCR_MAX_LEN + 1];

	if (pcr_equal(found, expected))
		return 0;
	if (found->len == 0)
		return refuse_pcr(e, index, "is not in the document");
	hex_write(pcr_view(found), found_hex);
	hex_write(pcr_view(expected), expected_hex);
	return refuse_pcr(e, index, "is %s, expected %s", found_hex, expected_hex);
}

static int check_pcrs(const struct attestation_claims *c, const struct attestation_policy *p,
                      struct err *e)
{
	if (p->refuse_debug && pcr_set_is_debug(&c->pcrs))
		return err_reason(e, ERR_ATTESTATION, "debug",
		                  "debug mode: PCR0, PCR1 and PCR2 are zero");
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (p->pcrs.values[i].len)
			TRY(check_pcr(i, &c->pcrs.values[i], &p->pcrs.values[i], e));
	return 0;
}

static int check_field(const char *name, const struct document_field *field,
                       const struct field_policy *p, struct err *e)
{
	switch (p->rule) {
	case FIELD_ANY:
		return 0;
	case FIELD_ABSENT:
		if (field->is_present)
			return err_reason(e, ERR_ATTESTATION, name, "%s is there, expected none",
			                  name);
		return 0;
	case FIELD_EQUAL:
		if (!field->is_present)
			return err_reason(e, ERR_ATTESTATION, name, "%s is missing", name);
		if (!view_equal(field->value, p->value))
			return err_reason(e, ERR_ATTESTATION, name, "%s is not the expected one",
			                  name);
		return 0;
	}
	return err_set(e, ERR_INTERNAL, "no such rule for %s", name);
}

static int check_manifest_hash(const struct attestation_claims *c, const struct hash256 *expected,
                               struct err *e)
{
	char found_hex[2 * DOCUMENT_USER_DATA_MAX + 1], expected_hex[65];

	if (!c->user_data.is_present)
		return err_reason(e, ERR_ATTESTATION, "user_data",
		                  "manifest hash: the document has no user_data");
	if (view_equal(c->user_data.value, VIEW_OF(expected->bytes)))
		return 0;
	hex_write(c->user_data.value, found_hex);
	hex_write(VIEW_OF(expected->bytes), expected_hex);
	return err_reason(e, ERR_ATTESTATION, "user_data",
	                  "manifest hash: user_data is %.64s%s, expected %s", found_hex,
	                  c->user_data.value.len > 32 ? "..." : "", expected_hex);
}

static int check_fields(const struct attestation_claims *c, const struct attestation_policy *p,
                        struct err *e)
{
	const struct field_policy absent = { .rule = FIELD_ABSENT };

	TRY(check_field("nonce", &c->nonce, &p->nonce, e));
	TRY(check_field("user_data", &c->user_data, &p->user_data, e));
	TRY(check_field("public_key", &c->public_key, &p->public_key, e));
	if (p->uncommitted || (p->committed_manifest && p->committed_key_wiped))
		TRY(check_field("public_key", &c->public_key, &absent, e));
	return 0;
}

/* has_key tells whether public_key is there and a QOS public key. */
static int check_committed(const struct attestation_claims *c, const struct attestation_policy *p,
                           const struct public_key *key, bool has_key, struct err *e)
{
	const struct pcr *found = &c->pcrs.values[PCR_COMMITMENT];
	struct pcr expected;

	if (!p->committed_key_wiped && !has_key)
		return err_reason(e, ERR_ATTESTATION, "public_key", "public_key is %s",
		                  c->public_key.is_present ? "not a QOS public key" : "missing");
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (c->pcrs.values[i].len == 0)
			return err_reason(e, ERR_ATTESTATION, "pcrs",
			                  "PCR%u is not in the document: not all are locked", i);
	if (p->committed_key_wiped) {
		if (pcr_is_zero(found))
			return refuse_pcr(e, PCR_COMMITMENT, "is zero: nothing is committed to");
		return 0;
	}
	TRY(pcr_committed(key, p->committed_manifest, &expected, e));
	return check_pcr(PCR_COMMITMENT, found, &expected, e);
}

static int check_commitment(const struct attestation_claims *c, const struct attestation_policy *p,
                            const struct attestation *a, struct err *e)
{
	const struct pcr *found = &c->pcrs.values[PCR_COMMITMENT];

	if (p->committed_manifest)
		return check_committed(c, p, &a->public_key, a->has_public_key, e);
	if (p->uncommitted && found->len && !pcr_is_zero(found))
		return refuse_pcr(e, PCR_COMMITMENT, "is not zero: there is a manifest already");
	return 0;
}

static int take_claims(const struct attestation_claims *c, const struct attestation_policy *p,
                       struct attestation *ret, struct err *e)
{
	struct err no_key;

	ret->module_id = BUF_INIT(DOCUMENT_MAX);
	ret->user_data = BUF_INIT(DOCUMENT_USER_DATA_MAX);
	ret->root = BUF_INIT(DOCUMENT_MAX);
	TRY(sha256(buf_view(&c->bytes), &ret->document_hash, e));
	TRY(buf_set(&ret->module_id, c->module_id, e));
	TRY(buf_set(&ret->root, p->root, e));
	if (c->user_data.is_present)
		TRY(buf_set(&ret->user_data, c->user_data.value, e));
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

	TRY(check_signature(claims, policy, e));
	TRY(check_freshness(claims, policy, e));
	if (policy->committed_manifest)
		TRY(check_manifest_hash(claims, policy->committed_manifest, e));
	TRY(check_pcrs(claims, policy, e));
	TRY(check_fields(claims, policy, e));
	TRY(take_claims(claims, policy, &a, e));
	TRY(check_commitment(claims, policy, &a, e));
	*ret = MOVE(a);
	return 0;
}

int attestation_check(struct view document, const struct attestation_policy *policy,
                      struct attestation *ret, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };

	TRY(attestation_parse(document, &claims, e));
	return attestation_verify(&claims, policy, ret, e);
}
