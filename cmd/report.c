#include "report.h"

#include "print.h"

#include <stdio.h>
#include <string.h>

/* Those with a cause are the enclave's refusals (contract.md, "Ground rules"); where the seed names
 * cause and solution of one, these are its words. */
const struct advice advice_table[] = {
	{ ERR_NOT_DESIRED, NULL, "teectl status says what is missing" },
	{ ERR_WAITING, NULL,
	  "run the same command again when the members named have done their part" },
	{ ERR_PARTIAL, NULL, "run the same command again: it goes on with what is missing" },
	{ ERR_REFUSED, NULL,
	  "teectl status names the check that failed; trying again does not help" },
	{ ERR_NO_INPUT, NULL, "check the path, or name another file" },
	{ ERR_UNREACHABLE, NULL,
	  "teectl status shows who answers, teectl logs NODE why one does not; teectl up starts it" },
	{ ERR_TRY_AGAIN, NULL, "run the same command again; --timeout 5m gives it longer" },
	{ ERR_CONFIG, NULL,
	  "teectl validate checks the file; teectl-cluster(5) explains each key" },
	{ ERR_INTERRUPTED, NULL, "run the same command again: it goes on from there" },
	{ ERR_INTERNAL, NULL,
	  "this is a fault of teectl's own or of this machine; please report it" },
	{ ERR_REQUEST, "the request is not as the enclave's contract has it",
	  "compare the versions of both: teectl version, and /health of the enclave" },
	{ ERR_NO_MANIFEST, "manifest not shared before attestation generation",
	  "share the manifest envelope first: teectl propagate does" },
	{ ERR_NAMESPACE, "the enclave's manifest has another namespace or nonce",
	  "compare `manifest` of the cluster file with what teectl status shows" },
	{ ERR_THRESHOLD, "a threshold that is below its minimum or above the number of members",
	  "correct `threshold` in the cluster file; teectl validate checks it" },
	{ ERR_MANIFEST, "a manifest or member set that is not well formed",
	  "correct the members in the cluster file; each has an alias and a key of his own" },
	{ ERR_SHARE,
	  "a share that is missing, repeated, or not the one that genesis gave its member",
	  "have the member named look for the share file of this genesis, and inject again" },
	{ ERR_RECONSTRUCTION, "the shares do not give the manifest's quorum key",
	  "have the members check their share files, and inject again" },
	{ ERR_ATTESTATION,
	  "manifest hash or PCR values mismatch, or another check that is named above",
	  "ensure that both TEEs use identical manifest data and images: teectl status, teectl "
	  "measure" },
	{ ERR_PHASE, "the TEE is not in the expected state for this operation",
	  "verify the TEE's phase with teectl status, and follow the sequence: up, genesis, "
	  "inject, propagate" },
	{ ERR_INJECTION, "invalid encrypted key or signature",
	  "verify that export and injection were of one run: teectl propagate does both again" },
	{ ERR_APPROVAL,
	  "too few valid approvals, no lawful successor, another root, or against a pin",
	  "compare the manifest and the enclave's pins with the cluster file: teectl status" },
	{ ERR_RATE, "more requests than the enclave answers to one address",
	  "wait a moment, and run the same command again" },
	{ ERR_ENCLAVE, "a fault of the enclave's own: its NSM, its entropy, its memory",
	  "teectl logs NODE says more; teectl down NODE and teectl up start it anew" },
	{ ERR_ACCESS, "this client may not do this, or not in this mode of the enclave",
	  "use a certificate with the role that is named above" },
	{ ERR_ORIGIN, "the request came from a web page", "ask the enclave by teectl or curl" },
	{ ERR_NOT_FOUND, "what answers there has no such operation",
	  "check the node's address and version: teectl status" },
	{ ERR_METHOD, "what answers there knows the path for another method",
	  "check the node's address and version: teectl status" },
	{ ERR_LENGTH_REQUIRED, "a request without a length",
	  "check for a proxy between here and there" },
	{ ERR_TOO_LARGE, "a body larger than the enclave's limit",
	  "start the enclave with a larger --max-body" },
	{ ERR_MEDIA_TYPE, "a body that is not application/json",
	  "check for a proxy between here and there" },
	{ ERR_MISDIRECTED, "the enclave does not go by that host name",
	  "use its address, or start it with --host-name" },
	{ ERR_HEADERS_TOO_LARGE, "headers larger than the enclave's limit",
	  "check for a proxy between here and there" },
	{ ERR_UNAVAILABLE, "the enclave has ended its work, or too many are talking to it",
	  "teectl status shows its phase; run the same command again" },
};
const size_t advice_count = COUNT(advice_table);

static const struct advice *advice_for(enum err_code code)
{
	for (size_t i = 0; i < COUNT(advice_table); i++)
		if (advice_table[i].code == code)
			return &advice_table[i];
	return NULL;
}

struct error_object {
	struct buf name, verb, text;
	int64_t code, exit_status;
	bool has_reason, has_cause, has_hint, has_code;
	struct buf reason, cause, hint;
};

static const struct wire_field error_object_fields[] = {
	JSON_TEXT(error_object, name),
	JSON_MAYBE(error_object, code, int64_t, has_code, .kind = WIRE_NUMBER, .max = INT32_MAX),
	JSON_NUMBER(error_object, exit_status),
	JSON_TEXT(error_object, verb),
	JSON_MAYBE(error_object, reason, struct buf, has_reason, .kind = WIRE_TEXT,
	           .max = ERR_REASON_MAX),
	JSON_TEXT(error_object, text),
	JSON_MAYBE(error_object, cause, struct buf, has_cause, .kind = WIRE_TEXT, .max = HINT_MAX),
	JSON_MAYBE(error_object, hint, struct buf, has_hint, .kind = WIRE_TEXT, .max = HINT_MAX),
};
static const struct wire_schema error_object_schema =
    JSON_SCHEMA(error_object, error_object_fields);

struct error_document {
	struct error_object error;
};
static const struct wire_field error_document_fields[] = {
	JSON_OBJECT(error_document, error, struct error_object, error_object_schema),
};
static const struct wire_schema error_document_schema =
    JSON_SCHEMA(error_document, error_document_fields);
WIRE_DROP(error_document);

/* A text that may be absent, with its has_ member. */
static int set_maybe(struct buf *to, bool *has, const char *text, struct err *e)
{
	*has = text && *text;
	if (!*has)
		return 0;
	return wire_set_text(to, text, e);
}

static int print_error_document(struct context *c, const struct err *failure, const char *cause,
                                const char *hint, struct err *e)
{
	AUTO(error_document) struct error_document d = { 0 };
	const struct err_info *info = err_info(failure->code);

	TRY(wire_set_text(&d.error.name, info->name, e));
	TRY(wire_set_text(&d.error.verb, c->cmd ? c->cmd->name : "", e));
	TRY(wire_set_text(&d.error.text, failure->text, e));
	TRY(set_maybe(&d.error.reason, &d.error.has_reason, failure->reason, e));
	TRY(set_maybe(&d.error.cause, &d.error.has_cause, cause, e));
	TRY(set_maybe(&d.error.hint, &d.error.has_hint, hint, e));
	d.error.code = info->wire;
	d.error.has_code = info->wire != 0;
	d.error.exit_status = info->exit_status;
	return print_json(c, &error_document_schema, &d, e);
}

void report_error(struct context *c, const struct err *failure)
{
	const struct advice *advice = advice_for(failure->code);
	const char *cause = advice ? advice->cause : NULL;
	const char *verb = c->cmd ? c->cmd->name : NULL;
	struct err e;

	if (!c->hint[0] && failure->code == ERR_USAGE && verb)
		context_hint(c, "teectl help %s", verb);
	else if (!c->hint[0] && failure->code == ERR_USAGE)
		context_hint(c, "teectl help lists the verbs");
	else if (!c->hint[0] && advice)
		context_hint(c, "%s", advice->cure);
	progress_clear(&c->progress);
	fprintf(stderr, "teectl: %s%s%s\n", verb ? verb : "", verb ? ": " : "", failure->text);
	if (cause)
		fprintf(stderr, "  cause: %s\n", cause);
	if (c->hint[0])
		fprintf(stderr, "  %s: %s\n", cause ? "cure" : "hint", c->hint);
	if ((c->global.output == OUTPUT_JSON && c->has_document) ||
	    print_error_document(c, failure, cause, c->hint, &e) == 0)
		return;
	fprintf(stderr, "teectl: %s\n", e.text);
}
