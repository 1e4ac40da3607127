/* What a replayed journal shows, and what no journal can, in sentences. */
#include "orchestrate/audit.h"

#include "attest/chain.h"
#include "base/text.h"
#include "proto/row.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_MAX 480

/* clang-format off */
#define THIS audit_report
SCHEMA(audit_report,
	NUMBER("lines", lines, 0, INT64_MAX, "of the journal", REQUIRED),
	FIXED_HEX("head", head, "SHA-256 of the last line", REQUIRED),
	FIXED_HEX("root", root, "SHA-256 of the root certificate", REQUIRED),
	BOOL("simulated", simulated, "whether that is not AWS's", REQUIRED),
	FIXED_HEX("quorum_public_key", quorum_key, "the quorum's public key", NULLABLE(has_quorum_key)),
	FIXED_HEX("dr_key_sha256", dr_key, "SHA-256 of the disaster-recovery key that it was wrapped to", NULLABLE(has_dr_key)),
	LIST("shown", shown, 0, UINT16_MAX, text_item, "what the journal shows", REQUIRED),
	LIST("not_shown", not_shown, 0, UINT16_MAX, text_item, "what it can't show", REQUIRED));
#undef THIS
/* clang-format on */

PRINTF_LIKE(3, 4)
static int say(struct wire_list *list, struct err *e, const char *format, ...)
{
	char text[SENTENCE_MAX];
	struct text_item *item;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	TRY(wire_list_add(list, &text_item_schema, &item, e));
	return wire_set_text(&item->text, text, e);
}

/* What is counted, and what is said of one and of more. */
struct counted {
	size_t count;
	const char *one, *more;
};

static int say_count(struct wire_list *list, const struct counted *c, struct err *e)
{
	return c->count ? say(list, e, "%zu %s", c->count, c->count == 1 ? c->one : c->more) : 0;
}

/* A sentence for each kind of line that is there, with its number. */
static int say_kinds(const struct audit *a, struct wire_list *shown, struct err *e)
{
	const struct audit_counts *n = &a->counts;
	const struct counted rows[] = {
		{ n->kinds[JOURNAL_DOCUMENT],
		  "live document: chain valid at its own time, fresh when it was written down, nonce, "
		  "PCR0 to PCR3 of the manifest, commitment to manifest and setup key",
		  "live documents: chain valid at their own time, fresh when they were written down, "
		  "nonce, PCR0 to PCR3 of the manifest, commitment to manifest and setup key" },
		{ n->kinds[JOURNAL_GENESIS],
		  "genesis: its document attests the output; quorum key, share set and shares are the "
		  "attested ones; not older than the question",
		  "geneses: their documents attest the outputs; quorum key, share set and shares are "
		  "the attested ones; not older than the questions" },
		/* given to each node */
		{ n->kinds[JOURNAL_MANIFEST] - n->repeated_manifests,
		  "manifest: well formed, and approved as its manifest set demands",
		  "manifests: well formed, and approved as their manifest set demands" },
		{ n->kinds[JOURNAL_SHARE], "share: signed by its member, for an attested setup key",
		  "shares: signed by their members, for an attested setup key" },
		{ n->kinds[JOURNAL_EXPORT],
		  "export: signed by the quorum key, for an attested setup key",
		  "exports: signed by the quorum key, for an attested setup key" },
		{ n->kinds[JOURNAL_RECEIPT] - n->unverified_receipts,
		  "receipt: signed by the quorum key",
		  "receipts: signed by the quorum key, each the next of its boot; none is missing "
		  "between those that are here" },
		{ n->kinds[JOURNAL_PROOF],
		  "key proof: document with the challenge, signed by the quorum key",
		  "key proofs: documents with the challenge, signed by the quorum key" },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		TRY(say_count(shown, &rows[i], e));
	return 0;
}

static int say_shown(const struct audit *a, struct wire_list *shown, struct err *e)
{
	char dr_key[2 * sizeof(struct hash256) + 1];

	TRY(say(shown, e, "%lld line%s, each with the hash of the one before it",
	        (long long)a->sequence, a->sequence == 1 ? "" : "s"));
	if (a->is_head_given)
		TRY(say(shown, e,
		        "the head that was noted is one of them: up to there nothing is missing, "
		        "and nothing was written anew"));
	TRY(say_kinds(a, shown, e));
	if (!a->has_dr_key)
		return 0;
	hex_write(VIEW_OF(a->dr_key.bytes), dr_key);
	return say(shown, e,
	           "the quorum key was also wrapped to the disaster-recovery key with SHA-256 %s: "
	           "whoever has the secret half of that has the quorum key",
	           dr_key);
}

static int say_counted(const struct audit *a, struct wire_list *list, struct err *e)
{
	const struct audit_counts *n = &a->counts;
	const struct counted rows[] = {
		{ n->kinds[JOURNAL_STEP], "step: that teectl did it, and when, is its word",
		  "steps: that teectl did them, and when, is its word" },
		{ n->failed_steps, "of them has failed: the reason is teectl's word",
		  "of them have failed: the reasons are teectl's word" },
		{ n->kinds[JOURNAL_MENDED],
		  "place where a crash has cut a line short, named by the next line",
		  "places where a crash has cut a line short, each named by the next line" },
		{ n->unverified_receipts,
		  "receipt whose predecessors nobody had any more: claimed, not verified",
		  "receipts whose predecessors nobody had any more: claimed, not verified" },
		{ n->unknown_manifests,
		  "document that commits to a manifest that is not here: its PCRs and commitment are "
		  "not judged",
		  "documents that commit to a manifest that is not here: their PCRs and commitment "
		  "are not judged" },
		{ n->unjudged_pcrs, "document whose PCRs no manifest of the journal names",
		  "documents whose PCRs no manifest of the journal names" },
		{ n->debug,
		  "document of a DEBUG enclave: PCR0 to PCR2 are zero, so nothing says what runs "
		  "there",
		  "documents of DEBUG enclaves: PCR0 to PCR2 are zero, so nothing says what runs "
		  "there" },
		{ n->foreign,
		  "receipt of an operation that teectl had no part in: of the other side only a hash "
		  "is known",
		  "receipts of operations that teectl had no part in: of the other side only a hash "
		  "is known" },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		TRY(say_count(list, &rows[i], e));
	return 0;
}

/* The genesis's document says nothing of the manifest that came of it. */
static bool is_uncommitted(const struct audit *a)
{
	const struct audit_manifest *manifests = a->manifests.items;

	for (size_t i = 0; i < a->manifests.count; i++)
		if (manifests[i].is_born && !manifests[i].is_committed)
			return true;
	return false;
}

static int say_not_shown(const struct audit *a, struct wire_list *list, struct err *e)
{
	char root[2 * sizeof(struct hash256) + 1];
	struct hash256 hash;

	TRY(sha256(buf_view(&a->root), &hash, e));
	hex_write(VIEW_OF(hash.bytes), root);
	if (!a->is_head_given)
		TRY(say(list, e,
		        "that the last line is as it was written, and that none is missing after "
		        "it: --head, with what teectl audit head printed where nobody else "
		        "writes"));
	else if (a->after_head)
		TRY(say(
		    list, e,
		    "that the %lld %s after the head that was noted %s as written, and that none "
		    "is missing after %s",
		    (long long)a->after_head, a->after_head == 1 ? "line" : "lines",
		    a->after_head == 1 ? "is" : "are", a->after_head == 1 ? "it" : "them"));
	if (a->torn_len)
		TRY(say(list, e,
		        "the last %zu byte%s: a line that was cut short, by a crash or by hand",
		        a->torn_len, a->torn_len == 1 ? "" : "s"));
	if (!a->is_root_given)
		TRY(say(list, e,
		        "that the root with SHA-256 %s, which the journal names, is to be "
		        "trusted: --root",
		        root));
	if (!chain_root_is_aws(buf_view(&a->root)))
		TRY(say(list, e,
		        "that hardware vouches for the documents: the root is simulated, and "
		        "whoever has its key can sign any"));
	if (a->manifests.count)
		TRY(say(list, e,
		        "whose the members' keys are: compare their fingerprints (teectl member "
		        "show)"));
	if (a->counts.unborn)
		TRY(say(
		    list, e,
		    "that the quorum key was born in a TEE, nor who may have had it before: no "
		    "genesis is here, and the first manifest is believed for the approvals of its "
		    "own set; compare the quorum key with the one that you know"));
	if (is_uncommitted(a))
		TRY(say(
		    list, e,
		    "the manifest set: the genesis attests the share set alone, and no document "
		    "of a TEE commits to its manifest"));
	return say_counted(a, list, e);
}

int audit_report_make(const struct audit *a, struct audit_report *ret, struct err *e)
{
	AUTO(audit_report) struct audit_report report = { .lines = a->sequence };
	const struct audit_manifest *manifests = a->manifests.items;
	struct hash256 root;

	TRY(sha256(buf_view(&a->root), &root, e));
	memcpy(report.root, root.bytes, sizeof(report.root));
	memcpy(report.head, a->head.bytes, sizeof(report.head));
	report.simulated = !chain_root_is_aws(buf_view(&a->root));
	report.has_quorum_key = a->manifests.count > 0;
	if (report.has_quorum_key)
		memcpy(report.quorum_key, manifests[0].quorum_key.bytes, sizeof(report.quorum_key));
	report.has_dr_key = a->has_dr_key;
	memcpy(report.dr_key, a->dr_key.bytes, sizeof(report.dr_key));
	TRY(say_shown(a, &report.shown, e));
	TRY(say_not_shown(a, &report.not_shown, e));
	*ret = MOVE(report);
	return 0;
}
