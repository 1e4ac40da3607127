#include "cmd.h"
#include "manifests.h"
#include "print.h"

#include "attest/chain.h"
#include "crypto/bip39.h"

#include <string.h>

struct show_args {
	const char *file;
};

static const struct opt opts[] = {
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .offset = offsetof(struct show_args, file),
	  .doc = "a manifest or envelope; the state's current one unless given" },
};

struct shown_member {
	struct buf alias, public_key;
	uint8_t fingerprint[32];
	bool approved; /* validly */
	bool has_problem;
	struct buf problem;
};
static const struct wire_field shown_member_fields[] = {
	JSON_TEXT(shown_member, alias),
	JSON_HEX(shown_member, public_key),
	JSON_HEX_FIXED(shown_member, fingerprint),
	JSON_BOOL(shown_member, approved),
	JSON_MAYBE(shown_member, problem, struct buf, has_problem, .kind = WIRE_TEXT,
	           .max = WIRE_TEXT_MAX),
};
static const struct wire_schema shown_member_schema =
    JSON_SCHEMA(shown_member, shown_member_fields);

struct shown_set {
	int64_t threshold;
	struct wire_list members;
};
static const struct wire_field shown_set_fields[] = {
	JSON_NUMBER(shown_set, threshold),
	JSON_LIST(shown_set, members, shown_member_schema),
};
static const struct wire_schema shown_set_schema = JSON_SCHEMA(shown_set, shown_set_fields);

struct shown_field {
	struct buf name, value;
};
static const struct wire_field shown_field_fields[] = {
	JSON_TEXT(shown_field, name),
	JSON_TEXT(shown_field, value),
};
static const struct wire_schema shown_field_schema = JSON_SCHEMA(shown_field, shown_field_fields);

struct shown_manifest {
	int64_t version, nonce;
	bool is_envelope, root_is_aws, well_formed, has_problem;
	struct buf namespace_name, quorum_key, check_phrase, problem;
	uint8_t manifest_hash[32], root_fingerprint[32];
	struct shown_set manifest_set, share_set;
	int64_t env_variables;
	bool has_dns, has_unknown_fields;
	struct wire_list fields;
};
static const struct wire_field shown_manifest_fields[] = {
	JSON_NUMBER(shown_manifest, version),
	JSON_BOOL(shown_manifest, is_envelope),
	JSON_TEXT(shown_manifest, namespace_name),
	JSON_NUMBER(shown_manifest, nonce),
	JSON_HEX_FIXED(shown_manifest, manifest_hash),
	JSON_TEXT(shown_manifest, check_phrase),
	JSON_HEX(shown_manifest, quorum_key),
	JSON_OBJECT(shown_manifest, manifest_set, struct shown_set, shown_set_schema),
	JSON_OBJECT(shown_manifest, share_set, struct shown_set, shown_set_schema),
	JSON_HEX_FIXED(shown_manifest, root_fingerprint),
	JSON_BOOL(shown_manifest, root_is_aws),
	JSON_NUMBER(shown_manifest, env_variables),
	JSON_BOOL(shown_manifest, has_dns),
	JSON_BOOL(shown_manifest, has_unknown_fields),
	JSON_LIST(shown_manifest, fields, shown_field_schema),
	JSON_BOOL(shown_manifest, well_formed),
	JSON_MAYBE(shown_manifest, problem, struct buf, has_problem, .kind = WIRE_TEXT,
	           .max = WIRE_TEXT_MAX),
};
static const struct wire_schema shown_manifest_schema =
    JSON_SCHEMA(shown_manifest, shown_manifest_fields);
WIRE_DROP(shown_manifest);

static int describe_member(const struct manifest_file *f, const struct member *m,
                           struct shown_member *to, struct err *e)
{
	const struct approval *a =
	    approvals_find(&f->envelope.manifest_set_approvals, buf_view(&m->alias));
	struct hash256 print;
	struct err bad;

	TRY(wire_set(&to->alias, buf_view(&m->alias), e));
	TRY(wire_set(&to->public_key, buf_view(&m->pub_key), e));
	TRY(sha256(buf_view(&m->pub_key), &print, e));
	memcpy(to->fingerprint, print.bytes, sizeof(to->fingerprint));
	if (!a)
		return 0;
	to->approved = approval_check(a, &f->hash, &f->envelope.manifest.manifest_set, &bad) == 0;
	to->has_problem = !to->approved;
	return to->approved ? 0 : wire_set_text(&to->problem, bad.text, e);
}

/* Approvals are the manifest set's; a member of both sets has given one there. */
static int describe_set(const struct manifest_file *f, const struct member_set *set, bool approves,
                        struct shown_set *to, struct err *e)
{
	static const struct manifest_file none = { 0 };
	const struct member *members = set->members.items;

	to->threshold = set->threshold;
	for (size_t i = 0; i < set->members.count; i++) {
		struct shown_member *m;

		TRY(wire_list_add(&to->members, &shown_member_schema, &m, e));
		TRY(describe_member(approves ? f : &none, &members[i], m, e));
	}
	return 0;
}

static int describe_fields(const struct manifest *m, struct wire_list *to, struct err *e)
{
	for (size_t i = 0; i < MANIFEST_FIELD_COUNT; i++) {
		AUTO(buf) struct buf text = BUF_INIT(MANIFEST_FIELD_TEXT_MAX);
		struct shown_field *field;

		TRY(manifest_fields[i].format(m, &text, e));
		TRY(wire_list_add(to, &shown_field_schema, &field, e));
		TRY(wire_set_text(&field->name, manifest_fields[i].name, e));
		TRY(wire_set(&field->value, buf_view(&text), e));
	}
	return 0;
}

static int describe_identity(const struct manifest_file *f, struct shown_manifest *to,
                             struct err *e)
{
	const struct manifest *m = &f->envelope.manifest;
	struct view root = buf_view(&m->enclave.aws_root_certificate);
	char phrase[BIP39_CHECK_TEXT_MAX];
	struct hash256 print;

	to->version = f->version;
	to->is_envelope = f->is_envelope;
	to->nonce = m->namespace.nonce;
	to->env_variables = (int64_t)f->env_count;
	to->has_dns = f->has_dns;
	to->has_unknown_fields = f->has_unknown;
	memcpy(to->manifest_hash, f->hash.bytes, sizeof(to->manifest_hash));
	TRY(wire_set(&to->namespace_name, buf_view(&m->namespace.name), e));
	TRY(wire_set(&to->quorum_key, buf_view(&m->namespace.quorum_key), e));
	bip39_check_phrase(&f->hash, phrase);
	TRY(wire_set_text(&to->check_phrase, phrase, e));
	TRY(sha256(root, &print, e));
	memcpy(to->root_fingerprint, print.bytes, sizeof(to->root_fingerprint));
	to->root_is_aws = chain_root_is_aws(root);
	return 0;
}

static int describe(const struct manifest_file *f, struct shown_manifest *to, struct err *e)
{
	const struct manifest *m = &f->envelope.manifest;
	struct err unfit;

	TRY(describe_identity(f, to, e));
	TRY(describe_set(f, &m->manifest_set, true, &to->manifest_set, e));
	TRY(describe_set(f, &m->share_set, false, &to->share_set, e));
	TRY(describe_fields(m, &to->fields, e));
	to->well_formed = manifest_check(&f->envelope, /* allow_keyless= */ false, &unfit) == 0;
	to->has_problem = !to->well_formed;
	return to->well_formed ? 0 : wire_set_text(&to->problem, unfit.text, e);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(manifest_file) struct manifest_file f = { 0 };
	AUTO(shown_manifest) struct shown_manifest shown = { 0 };
	const struct show_args *args = arguments;

	TRY(manifest_read_or_current(c, args->file, &f, e));
	TRY(describe(&f, &shown, e));
	TRY(manifest_print(c, &f, e));
	if (shown.has_problem)
		print_line(c, "not for our enclaves: %s", buf_text(&shown.problem));
	return print_json(c, &shown_manifest_schema, &shown, e);
}

const struct cmd cmd_manifest_show = {
	.name = "manifest show",
	.summary = "show a manifest, and who has approved it",
	.details =
	    "Reads a manifest or a manifest envelope in any form that QuorumOS writes: JSON of "
	    "version 0, 1 and 2, borsh of version 0 and 1, or as an enclave answers it (GET "
	    "/enclave/manifest). Without FILE it is the one that the "
	    "state keeps as the cluster's current. Shown are namespace, nonce and hash, both sets "
	    "with their thresholds, the PCRs with what each measures, the trust anchor with its "
	    "fingerprint, and the pivot. An approval is shown as such only if its signature was "
	    "verified.\n\n"
	    "The check phrase is six words of the hash: two people who read the same words to each "
	    "other look at the same manifest.\n\n"
	    "What can't be read, or can be read as two versions, is refused with status 65. A "
	    "manifest of QuorumOS that our enclaves would refuse is shown, with the reason below.",
	.examples = { { "teectl manifest show", "this cluster's" },
	              { "teectl manifest show next.json -o json | jq -r .check_phrase",
	                "the words to compare" } },
	.exits = { 2, 65, 66, 78 },
	.needs = NEEDS_FILE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct show_args),
	.run = run,
};
