/* What the tests of the contract need beside curl and jq: a member's cryptography, and documents
 * that only whoever holds the simulated root could sign. Byte strings are JSON arrays on standard
 * input and output, as in the contract's bodies, and hex in arguments.
 *
 *   document PKI [KEY=VALUE]... < DOCUMENT   the document again, changed, signed under PKI:
 *                                            age=SECONDS (more than now), expired= (the leaf),
 * commit= (PCR16 as public_key and user_data need it), user_data=, public_key=, nonce=, pcrN= (HEX;
 * empty: absent) show ROOT < DOCUMENT                     verified under ROOT: one "name hex" a
 * line open SECRET < ENVELOPE                   what is in it seal PUBLIC-HEX < BYTES an envelope
 * to that key sign SECRET HEX                          a signature verify PUBLIC-HEX HEX <
 * SIGNATURE        status 0 or 65 hash < MANIFEST-ENVELOPE                 the manifest's hash, in
 * hex pin < MEMBER-SET                         what a --pin- option takes */
#include "attest/document_sign.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/certificate.h"
#include "crypto/entropy.h"
#include "proto/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX (1u << 20)
#define LEAF_S    3600
#define HEX_MAX   4096

static int read_input(struct buf *to, struct err *e)
{
	*to = BUF_INIT(INPUT_MAX);
	return fd_read(STDIN_FILENO, "standard input", to, e);
}

/* A JSON array of bytes; a document of the contract needs no stricter reader here. */
static int read_bytes(struct buf *to, struct err *e)
{
	AUTO(buf) struct buf text = { 0 };
	const char *at;
	char *end;

	TRY(read_input(&text, e));
	TRY(buf_add_u8(&text, '\0', e));
	*to = BUF_INIT(INPUT_MAX);
	for (at = (const char *)text.data; *at; at = *end ? end + 1 : end) {
		unsigned long byte;

		at += strspn(at, "[], \n");
		byte = strtoul(at, &end, 10);
		if (end == at)
			break;
		TRY(buf_add_u8(to, (uint8_t)byte, e));
	}
	return 0;
}

static void print_bytes(struct view v)
{
	putchar('[');
	for (size_t i = 0; i < v.len; i++)
		printf("%s%u", i ? "," : "", v.data[i]);
	puts("]");
}

static int read_hex(const char *text, struct buf *to, struct err *e)
{
	*to = BUF_INIT(HEX_MAX);
	return hex_parse(view_text(text), to, e);
}

static void print_hex(const char *name, struct view v)
{
	printf("%s%s", name, *name ? " " : "");
	for (size_t i = 0; i < v.len; i++)
		printf("%02x", v.data[i]);
	putchar('\n');
}

/* --- documents */

struct forgery {
	struct attestation_claims *claims; /* what the document says, changed on the way */
	int64_t age_s;
	bool expired, commit;
	struct buf values[PCR_COUNT + 3]; /* own the bytes that views point to */
	size_t value_count;
};

static void forgery_drop(struct forgery *f)
{
	for (size_t i = 0; i < f->value_count; i++)
		buf_drop(&f->values[i]);
}

static int set_field(struct forgery *f, struct document_field *field, const char *hex,
                     struct err *e)
{
	struct buf *value = &f->values[f->value_count];

	if (f->value_count == COUNT(f->values))
		return err_set(e, ERR_USAGE, "too many values");
	f->value_count++;
	TRY(read_hex(hex, value, e));
	*field = (struct document_field){ .is_present = value->len > 0, .value = buf_view(value) };
	return 0;
}

static int set_pcr(struct forgery *f, const char *index, const char *hex, struct err *e)
{
	struct pcr *pcr = &f->claims->pcrs.values[strtoul(index, NULL, 10) % PCR_COUNT];
	AUTO(buf) struct buf value = { 0 };

	TRY(read_hex(hex, &value, e));
	*pcr = (struct pcr){ 0 };
	return value.len ? pcr_parse(buf_view(&value), pcr, e) : 0;
}

static int change(struct forgery *f, char *word, struct err *e)
{
	struct attestation_claims *c = f->claims;
	char *value = strchr(word, '=');

	if (!value)
		return err_set(e, ERR_USAGE, "'%s' is not KEY=VALUE", word);
	*value++ = '\0';
	if (strcmp(word, "age") == 0)
		f->age_s = strtol(value, NULL, 10);
	else if (strcmp(word, "expired") == 0)
		f->expired = true;
	else if (strcmp(word, "commit") == 0)
		f->commit = true;
	else if (strcmp(word, "user_data") == 0)
		return set_field(f, &c->user_data, value, e);
	else if (strcmp(word, "public_key") == 0)
		return set_field(f, &c->public_key, value, e);
	else if (strcmp(word, "nonce") == 0)
		return set_field(f, &c->nonce, value, e);
	else if (strncmp(word, "pcr", 3) == 0)
		return set_pcr(f, word + 3, value, e);
	else
		return err_set(e, ERR_USAGE, "'%s' is nothing that can be changed", word);
	return 0;
}

static int commit(struct attestation_claims *c, struct err *e)
{
	struct public_key key;
	struct hash256 hash;

	if (c->user_data.value.len != sizeof(hash.bytes))
		return err_set(e, ERR_DATA, "user_data is no hash");
	memcpy(hash.bytes, c->user_data.value.data, sizeof(hash.bytes));
	TRY(public_key_parse(c->public_key.value, &key, e));
	return pcr_committed(&key, &hash, &c->pcrs.values[PCR_COMMITMENT], e);
}

static void ca_path(char *to, size_t size, const char *pki, const char *name)
{
	snprintf(to, size, "%s/%s", pki, name);
}

/* A leaf under the platform CA of that folder. */
static int issue_leaf(const char *pki, bool expired, struct signer **ret, struct buf *ret_ca,
                      struct err *e)
{
	AUTO(signer) struct signer *platform = NULL;
	char certificate[4096], key[4096];
	int64_t end = clock_unix_ms() / 1000 + (expired ? -1 : LEAF_S);
	const struct certificate_request q = { .common_name = "forged",
		                               .not_before_unix = end - 2 * LEAF_S,
		                               .not_after_unix = end };

	ca_path(certificate, sizeof(certificate), pki, "platform.der");
	ca_path(key, sizeof(key), pki, "platform.key");
	TRY(signer_read(certificate, key, &platform, e));
	*ret_ca = BUF_INIT(HEX_MAX);
	TRY(buf_set(ret_ca, signer_certificate(platform), e));
	return signer_issue(platform, &q, ret, e);
}

static int sign_document(const struct forgery *f, const char *pki, struct buf *ret, struct err *e)
{
	AUTO(signer) struct signer *leaf = NULL;
	AUTO(buf) struct buf ca = { 0 };
	AUTO(buf) struct buf root = BUF_INIT(HEX_MAX);
	const struct attestation_claims *c = f->claims;
	struct document_content content = { .module_id = "i-forged-enc0",
		                            .pcrs = &c->pcrs,
		                            .cabundle_count = 2,
		                            .public_key = c->public_key,
		                            .user_data = c->user_data,
		                            .nonce = c->nonce };
	char path[4096];

	ca_path(path, sizeof(path), pki, "root.der");
	TRY(file_read(path, &root, e));
	TRY(issue_leaf(pki, f->expired, &leaf, &ca, e));
	content.cabundle[0] = buf_view(&root);
	content.cabundle[1] = buf_view(&ca);
	content.timestamp_ms = clock_unix_ms() - f->age_s * 1000;
	*ret = BUF_INIT(DOCUMENT_MAX);
	return document_sign(&content, leaf, ret, e);
}

static int forge_document(char **args, struct err *e)
{
	AUTO(buf) struct buf given = { 0 };
	AUTO(buf) struct buf document = { 0 };
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(forgery) struct forgery f = { .claims = &claims };

	TRY(read_bytes(&given, e));
	TRY(attestation_parse(buf_view(&given), &claims, e));
	for (char **word = args + 1; *word; word++)
		TRY(change(&f, *word, e));
	if (f.commit)
		TRY(commit(&claims, e));
	TRY(sign_document(&f, args[0], &document, e));
	print_bytes(buf_view(&document));
	return 0;
}

static int show(char **args, struct err *e)
{
	AUTO(buf) struct buf given = { 0 };
	AUTO(buf) struct buf root = BUF_INIT(HEX_MAX);
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation seen = { 0 };
	struct attestation_policy policy = { .chain_at_document = true };
	char name[16];

	TRY(read_bytes(&given, e));
	TRY(file_read(args[0], &root, e));
	policy.root = buf_view(&root);
	TRY(attestation_check(buf_view(&given), &policy, &seen, e));
	TRY(attestation_parse(buf_view(&given), &claims, e));
	print_hex("user_data", claims.user_data.value);
	print_hex("public_key", claims.public_key.value);
	print_hex("nonce", claims.nonce.value);
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		snprintf(name, sizeof(name), "pcr%u", i);
		if (claims.pcrs.values[i].len)
			print_hex(name, pcr_view(&claims.pcrs.values[i]));
	}
	printf("timestamp %lld\n", (long long)claims.timestamp_ms);
	return 0;
}

/* --- a member's part */

static int open_envelope(char **args, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	AUTO(buf) struct buf envelope = { 0 };
	AUTO(secret) struct secret plain = { 0 };

	TRY(key_set_read(args[0], NULL, &key, e));
	TRY(read_bytes(&envelope, e));
	TRY(envelope_open(key, buf_view(&envelope), &plain, e));
	print_bytes(secret_view(&plain));
	return 0;
}

static int read_public(const char *hex, struct public_key *ret, struct err *e)
{
	AUTO(buf) struct buf bytes = { 0 };

	TRY(read_hex(hex, &bytes, e));
	return public_key_parse(buf_view(&bytes), ret, e);
}

static int seal(char **args, struct err *e)
{
	AUTO(buf) struct buf bytes = { 0 };
	AUTO(buf) struct buf envelope = BUF_INIT(INPUT_MAX);
	AUTO(secret) struct secret plain = { 0 };
	struct public_key to;

	TRY(read_public(args[0], &to, e));
	TRY(read_bytes(&bytes, e));
	TRY(secret_copy(buf_view(&bytes), &plain, e));
	TRY(envelope_seal(&to, &plain, &entropy_system, &envelope, e));
	print_bytes(buf_view(&envelope));
	return 0;
}

static int sign(char **args, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	AUTO(buf) struct buf message = { 0 };
	struct signature signature;

	TRY(key_set_read(args[0], NULL, &key, e));
	TRY(read_hex(args[1], &message, e));
	TRY(key_set_sign(key, buf_view(&message), &signature, e));
	print_bytes(VIEW_OF(signature.bytes));
	return 0;
}

static int verify(char **args, struct err *e)
{
	AUTO(buf) struct buf message = { 0 };
	AUTO(buf) struct buf signature = { 0 };
	struct public_key key;

	TRY(read_public(args[0], &key, e));
	TRY(read_hex(args[1], &message, e));
	TRY(read_bytes(&signature, e));
	return public_key_verify(&key, buf_view(&message), buf_view(&signature), e);
}

static int hash(char **args, struct err *e)
{
	AUTO(buf) struct buf text = { 0 };
	AUTO(manifest_envelope) struct manifest_envelope envelope = { 0 };
	struct hash256 found;

	(void)args;
	TRY(read_input(&text, e));
	TRY(wire_decode(&manifest_envelope_schema, buf_view(&text), &envelope, e));
	TRY(manifest_hash(&envelope.manifest, &found, e));
	print_hex("", VIEW_OF(found.bytes));
	return 0;
}

static int pin(char **args, struct err *e)
{
	AUTO(buf) struct buf text = { 0 };
	AUTO(member_set) struct member_set set = { 0 };
	struct hash256 found;

	(void)args;
	TRY(read_input(&text, e));
	TRY(wire_decode(&member_set_schema, buf_view(&text), &set, e));
	TRY(member_set_pin(&set, &found, e));
	print_hex("", VIEW_OF(found.bytes));
	return 0;
}

static const struct {
	const char *name;
	int args; /* at least */
	int (*run)(char **args, struct err *e);
} verbs[] = {
	{ "document", 1, forge_document },
	{ "show", 1, show },
	{ "open", 1, open_envelope },
	{ "seal", 1, seal },
	{ "sign", 2, sign },
	{ "verify", 2, verify },
	{ "hash", 0, hash },
	{ "pin", 0, pin },
};

static int run(int argc, char **argv, struct err *e)
{
	bool is_locked;

	TRY(secret_arena_open(&is_locked, e));
	for (size_t i = 0; argc > 1 && i < COUNT(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 >= verbs[i].args)
			return verbs[i].run(argv + 2, e);
	return err_set(e, ERR_USAGE, "see the head of tests/forge.c");
}

int main(int argc, char **argv)
{
	struct err e;

	if (run(argc, argv, &e) == 0)
		return 0;
	fprintf(stderr, "forge: %s\n", e.text);
	return err_info(e.code)->exit_status;
}
