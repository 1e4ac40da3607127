#include "base/text.h"
#include "document.h"

#include <string.h>

/* First and last words: between them are claims. */
#define NOT_VERIFIED                                                                               \
	"NOT VERIFIED: these are the document's own words. Whether they are true, teectl attest "  \
	"verify says"

struct show_args {
	const char *file;
};

static const struct opt opts[] = {
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct show_args, file),
	  .doc = "the document: raw, base64, hex or a JSON array; - is standard input" },
};

struct shown_certificate {
	struct buf subject; /* "" where it is no certificate */
	struct buf not_before, not_after;
	uint8_t sha256[32];
};
static const struct wire_field shown_certificate_fields[] = {
	JSON_TEXT(shown_certificate, subject),
	JSON_TEXT(shown_certificate, not_before),
	JSON_TEXT(shown_certificate, not_after),
	JSON_HEX_FIXED(shown_certificate, sha256),
};
static const struct wire_schema shown_certificate_schema =
    JSON_SCHEMA(shown_certificate, shown_certificate_fields);

struct shown_refusal {
	struct buf reason, text;
};
static const struct wire_field shown_refusal_fields[] = {
	JSON_TEXT(shown_refusal, reason),
	JSON_TEXT(shown_refusal, text),
};
static const struct wire_schema shown_refusal_schema =
    JSON_SCHEMA(shown_refusal, shown_refusal_fields);

struct show_reply {
	bool verified; /* never */
	int form;      /* enum document_form */
	int64_t size;
	uint8_t sha256[32];
	struct buf module_id, timestamp, digest;
	bool debug, has_public_key, has_user_data, has_nonce;
	struct wire_list pcrs, certificates;
	struct buf public_key, public_key_kind, user_data, nonce;
	bool is_refused; /* whatever verify is asked for */
	struct shown_refusal refused;
	struct shown_root aws_root; /* the one that is built in */
	bool sent_under_aws_root;
};
static const struct wire_field show_reply_fields[] = {
	JSON_BOOL(show_reply, verified),
	JSON_WORD(show_reply, form, document_form_names),
	JSON_NUMBER(show_reply, size),
	JSON_HEX_FIXED(show_reply, sha256),
	JSON_TEXT(show_reply, module_id),
	JSON_TEXT(show_reply, timestamp),
	JSON_TEXT(show_reply, digest),
	JSON_BOOL(show_reply, debug),
	JSON_LIST(show_reply, pcrs, shown_pcr_schema),
	JSON_LIST(show_reply, certificates, shown_certificate_schema),
	JSON_MAYBE(show_reply, public_key, struct buf, has_public_key, .kind = WIRE_HEX,
	           .max = DOCUMENT_PUBLIC_KEY_MAX),
	JSON_MAYBE(show_reply, public_key_kind, struct buf, has_public_key, .kind = WIRE_TEXT,
	           .max = WIRE_TEXT_MAX),
	JSON_MAYBE(show_reply, user_data, struct buf, has_user_data, .kind = WIRE_HEX,
	           .max = DOCUMENT_USER_DATA_MAX),
	JSON_MAYBE(show_reply, nonce, struct buf, has_nonce, .kind = WIRE_HEX,
	           .max = DOCUMENT_NONCE_MAX),
	JSON_MAYBE(show_reply, refused, struct shown_refusal, is_refused, .kind = WIRE_OBJECT,
	           .schema = &shown_refusal_schema),
	JSON_OBJECT(show_reply, aws_root, struct shown_root, shown_root_schema),
	JSON_BOOL(show_reply, sent_under_aws_root),
};
static const struct wire_schema show_reply_schema = JSON_SCHEMA(show_reply, show_reply_fields);
WIRE_DROP(show_reply);

/* One that can't be read is shown as that: it is verify's to refuse it. */
static int describe_certificate(struct view der, struct wire_list *list, struct err *e)
{
	char from[TIME_TEXT_LEN] = "", until[TIME_TEXT_LEN] = "";
	struct certificate_facts facts = { 0 };
	struct shown_certificate *row;
	struct hash256 hash;
	struct err unfit;

	TRY(wire_list_add(list, &shown_certificate_schema, &row, e));
	TRY(sha256(der, &hash, e));
	memcpy(row->sha256, hash.bytes, sizeof(row->sha256));
	if (chain_describe(der, &facts, &unfit) == 0) {
		time_format_seconds(facts.not_before_unix, from);
		time_format_seconds(facts.not_after_unix, until);
	}
	TRY(wire_set_text(&row->subject, facts.subject, e));
	TRY(wire_set_text(&row->not_before, from, e));
	return wire_set_text(&row->not_after, until, e);
}

static int describe_chain(const struct attestation_claims *c, struct show_reply *ret, struct err *e)
{
	for (size_t i = 0; i < c->cabundle_count; i++)
		TRY(describe_certificate(c->cabundle[i], &ret->certificates, e));
	TRY(describe_certificate(c->certificate, &ret->certificates, e));
	ret->sent_under_aws_root = chain_root_is_aws(c->cabundle[0]);
	return root_describe(chain_aws_root, &ret->aws_root, e);
}

static int describe_field(const struct document_field *field, bool *has, struct buf *ret,
                          struct err *e)
{
	*has = field->is_present;
	return wire_set(ret, field->value, e);
}

static int describe_refusal(const struct err *fault, struct show_reply *ret, struct err *e)
{
	ret->is_refused = fault->text[0] != 0;
	if (!ret->is_refused)
		return 0;
	TRY(wire_set_text(&ret->refused.reason, fault->reason, e));
	return wire_set_text(&ret->refused.text, fault->text, e);
}

static int describe(const struct attestation_claims *c, enum document_form form,
                    struct show_reply *ret, struct err *e)
{
	char time[TIME_TEXT_LEN];
	struct hash256 hash;

	ret->form = (int)form;
	ret->size = (int64_t)c->bytes.len;
	TRY(sha256(buf_view(&c->bytes), &hash, e));
	memcpy(ret->sha256, hash.bytes, sizeof(ret->sha256));
	time_format(c->timestamp_ms, time);
	TRY(wire_set(&ret->module_id, c->module_id, e));
	TRY(wire_set_text(&ret->timestamp, time, e));
	TRY(wire_set(&ret->digest, c->digest, e));
	ret->debug = pcr_set_is_debug(&c->pcrs);
	TRY(pcrs_describe(&c->pcrs, chain_root_maker(c->cabundle[0]), &ret->pcrs, e));
	TRY(describe_chain(c, ret, e));
	TRY(describe_field(&c->public_key, &ret->has_public_key, &ret->public_key, e));
	TRY(wire_set_text(&ret->public_key_kind, public_key_kind(c->public_key.value), e));
	TRY(describe_field(&c->user_data, &ret->has_user_data, &ret->user_data, e));
	return describe_field(&c->nonce, &ret->has_nonce, &ret->nonce, e);
}

static int print_chain(struct context *c, const struct show_reply *reply, struct err *e)
{
	AUTO(table)
	struct table t = TABLE_INIT("CHAIN", "VALID FROM", "VALID UNTIL", "SHA-256", "SUBJECT");
	const struct shown_certificate *rows = reply->certificates.items;
	size_t count = reply->certificates.count;
	char hex[65];

	for (size_t i = 0; i < count; i++) {
		hex_write(VIEW_OF(rows[i].sha256), hex);
		TRY(table_cell(&t, TONE_PLAIN, e, "%s",
		               i == count - 1 ? "leaf"
		               : i == 0       ? "root"
		                              : "CA"));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&rows[i].not_before)));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&rows[i].not_after)));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", hex));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s",
		               rows[i].subject.len ? buf_text(&rows[i].subject)
		                                   : "not an X.509 certificate"));
	}
	t.keeps_last = true;
	table_print(c, &t);
	return 0;
}

static int print(struct context *c, const struct attestation_claims *claims,
                 const struct show_reply *reply, struct err *e)
{
	char hex[65];

	hex_write(VIEW_OF(reply->sha256), hex);
	print_line(c, "%s", NOT_VERIFIED);
	if (reply->is_refused)
		print_line(c, "refused     by teectl attest verify (%s): %s",
		           buf_text(&reply->refused.reason), buf_text(&reply->refused.text));
	print_line(c, "document    %s, %lld bytes, SHA-256 %s", document_form_names[reply->form],
	           (long long)reply->size, hex);
	print_line(c, "module      %s", buf_text(&reply->module_id));
	print_line(c, "timestamp   %s", buf_text(&reply->timestamp));
	print_line(c, "digest      %s", buf_text(&reply->digest));
	debug_print(c, reply->debug);
	field_print(c, "public key", claims->public_key.is_present, claims->public_key.value,
	            buf_text(&reply->public_key_kind));
	field_print(c, "user data", claims->user_data.is_present, claims->user_data.value, NULL);
	field_print(c, "nonce", claims->nonce.is_present, claims->nonce.value, NULL);
	TRY(pcrs_print(c, &claims->pcrs, chain_root_maker(claims->cabundle[0]), e));
	TRY(print_chain(c, reply, e));
	root_print(c, "built in", &reply->aws_root);
	print_line(c, "            the document was%s sent with that root",
	           reply->sent_under_aws_root ? "" : " not");
	print_line(c, "%s", NOT_VERIFIED);
	return 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(buf) struct buf file = { 0 };
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(show_reply) struct show_reply reply = { 0 };
	const struct show_args *args = arguments;
	enum document_form form;
	struct err fault;

	if (document_file_read(args->file, &file, e) < 0 ||
	    document_decode(buf_view(&file), &document, &form, e) < 0 ||
	    attestation_read(buf_view(&document), &claims, &fault, e) < 0) {
		/* The enclaves' code has a cause and a cure of clusters, which are of no help here.
		 */
		if (e->code == ERR_ATTESTATION)
			e->code = ERR_REFUSED;
		context_hint(c,
		             "is it a whole document, raw, base64, hex or a JSON array of bytes?");
		return -1;
	}
	TRY(describe(&claims, form, &reply, e));
	TRY(describe_refusal(&fault, &reply, e));
	TRY(print(c, &claims, &reply, e));
	return print_json(c, &show_reply_schema, &reply, e);
}

const struct cmd cmd_attest_show = {
	.name = "attest show",
	.summary = "read an attestation document, without judging it",
	.details =
	    "Prints what a document of AWS Nitro Enclaves, or of a simulated one, says: module, "
	    "time, debug mode, PCRs with what each measures, public key, user data, nonce, and each "
	    "certificate with subject, validity and SHA-256 fingerprint. The root of AWS that is "
	    "built in is printed beside the one in the document.\n\n"
	    "Nothing is verified: signature, chain and times are not looked at, and anyone can "
	    "write such a document. teectl attest verify judges it. One that it would refuse for "
	    "its form alone (another algorithm or digest, bytes after its end) is shown as far as "
	    "it can be read, with that reason. Status 5 when it can't be decoded.",
	.examples = { { "teectl attest show document.cose", "read it" },
	              { "teectl attest show - -o json | jq -r '.pcrs[0].value'",
	                "PCR0 that the one on standard input claims" } },
	.exits = { 5, 66 },
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct show_args),
	.run = run,
};
