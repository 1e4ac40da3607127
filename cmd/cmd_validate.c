#include "cmd.h"
#include "print.h"

#include "attest/chain.h"
#include "attest/elf.h"
#include "attest/measure.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/certificate.h"

#include <stdio.h>
#include <string.h>

struct valid_cluster {
	struct buf file, name, namespace_name;
	int64_t nonce, threshold, members, manifest_threshold, manifest_members, nodes, nodes_here,
	    node_entries;
	uint8_t manifest_set_pin[32], share_set_pin[32];
};
static const struct wire_field valid_cluster_fields[] = {
	JSON_TEXT(valid_cluster, file),
	JSON_TEXT(valid_cluster, name),
	JSON_TEXT(valid_cluster, namespace_name),
	JSON_NUMBER(valid_cluster, nonce),
	JSON_NUMBER(valid_cluster, threshold),
	JSON_NUMBER(valid_cluster, members),
	JSON_NUMBER(valid_cluster, manifest_threshold),
	JSON_NUMBER(valid_cluster, manifest_members),
	JSON_NUMBER(valid_cluster, nodes),
	JSON_NUMBER(valid_cluster, nodes_here),
	JSON_NUMBER(valid_cluster, node_entries),
	JSON_HEX_FIXED(valid_cluster, manifest_set_pin),
	JSON_HEX_FIXED(valid_cluster, share_set_pin),
};
static const struct wire_schema valid_cluster_schema =
    JSON_SCHEMA(valid_cluster, valid_cluster_fields);
WIRE_DROP(valid_cluster);

/* As every verb that opens one has it. */
static int check_open_keys(const struct cluster_member_list *list, struct err *e)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct cluster_member *m = &list->items[i];

		if (m->key && file_is_there(m->key) && file_check_private(m->key, e) < 0)
			return err_wrap(e, "member '%s'", m->name);
	}
	return 0;
}

/* Reads every public key that the set names, and holds the set against the contract. */
static int check_set(const struct cluster_member_list *list, const char *what,
                     int64_t min_threshold, struct err *e)
{
	AUTO(member_set) struct member_set set = { 0 };

	TRY(cluster_member_set(list, &set, e));
	if (member_set_check(&set, what, min_threshold, /* allow_keyless= */ false, e) < 0) {
		/* A code of the enclave's; here it is the file that has it wrong. */
		e->code = ERR_CONFIG;
		return -1;
	}
	return 0;
}

#define CERTIFICATE_FILE_MAX (256u << 10) /* a system's whole bundle of CAs has less */

static int check_root(struct context *context, const struct cluster *c, struct err *e)
{
	static const char *const words[] = { ROOT_AWS_NAME, ROOT_SIMULATED_NAME, NULL };
	AUTO(buf) struct buf file = BUF_INIT(ROOT_CERTIFICATE_MAX);
	AUTO(buf) struct buf root = BUF_INIT(ROOT_CERTIFICATE_MAX);
	const char *path = c->attestation.root_path, *name, *near;

	if (c->attestation.root != ROOT_FILE)
		return 0;
	name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	near = text_nearest(name, words);
	if (!near && strcmp(name, "aws") == 0)
		near = words[0];
	if (file_read_guarded(path, /* may_be_pipe= */ false, &file, e) < 0) {
		if (near)
			context_hint(context, "did you mean %s?", near);
		return err_wrap(e, "attestation.root");
	}
	if (chain_root_parse(buf_view(&file), &root, e) < 0)
		return err_wrap(e, "attestation.root: '%s'", path);
	return 0;
}

static int check_pem(const char *path, const char *key, const char *what, struct err *e)
{
	AUTO(buf) struct buf file = BUF_INIT(CERTIFICATE_FILE_MAX);

	if (!path)
		return 0;
	if (file_read_guarded(path, /* may_be_pipe= */ false, &file, e) < 0)
		return err_wrap(e, "%s", key);
	if (!memmem(file.data, file.len, what, strlen(what)))
		return err_set(e, ERR_DATA, "%s: '%s' has no '%s'", key, path, what);
	return 0;
}

static int check_image(const struct cluster *c, struct err *e)
{
	AUTO(buf) struct buf image = BUF_INIT(IMAGE_MAX);
	struct view loader;

	if (!c->enclave.image)
		return 0;
	if (file_read_guarded(c->enclave.image, /* may_be_pipe= */ false, &image, e) < 0)
		return err_wrap(e, "enclave.image");
	if (elf_interpreter(buf_view(&image), &loader, e) < 0)
		return err_wrap(e, "enclave.image '%s'", c->enclave.image);
	return 0;
}

static int check_tls(const struct cluster *c, struct err *e)
{
	static const char certificate[] = "-----BEGIN CERTIFICATE-----", key[] = "PRIVATE KEY-----";

	TRY(check_pem(c->tls.ca, "tls.ca", certificate, e));
	TRY(check_pem(c->tls.cert, "tls.cert", certificate, e));
	TRY(check_pem(c->tls.key, "tls.key", key, e));
	TRY(check_pem(c->tls.server_cert, "tls.server.cert", certificate, e));
	TRY(check_pem(c->tls.server_key, "tls.server.key", key, e));
	if (c->tls.cert && c->tls.key && certificate_check_pair(c->tls.cert, c->tls.key, e) < 0)
		return err_wrap(e, "tls.key");
	if (c->tls.server_cert && c->tls.server_key &&
	    certificate_check_pair(c->tls.server_cert, c->tls.server_key, e) < 0)
		return err_wrap(e, "tls.server.key");
	return 0;
}

/* What the file points to. */
static int check_files(struct context *context, struct err *e)
{
	const struct cluster *c = &context->cluster;
	struct public_key dr_key;

	TRY(check_set(&c->quorum.members, "share_set", 2, e));
	TRY(check_set(&c->manifest_set, "manifest_set", 1, e));
	TRY(check_open_keys(&c->quorum.members, e));
	TRY(check_open_keys(&c->manifest_set, e));
	if (c->quorum.dr_key)
		TRY(public_key_read(c->quorum.dr_key, &dr_key, e));
	TRY(check_root(context, c, e));
	TRY(check_tls(c, e));
	return check_image(c, e);
}

static void print_absent(struct context *c)
{
	AUTO(buf) struct buf absent = BUF_INIT(HINT_MAX);

	cluster_name_absent_keys(&c->cluster.quorum.members, &absent);
	if (absent.len)
		print_line(c,
		           "not here, as `key:` says: %s; right where the member has it elsewhere, "
		           "else correct the path",
		           buf_text(&absent));
}

static int describe(const struct cluster *c, struct valid_cluster *ret, struct err *e)
{
	struct hash256 manifest_set, share_set;

	TRY(cluster_set_pin(&c->manifest_set, &manifest_set, e));
	TRY(cluster_set_pin(&c->quorum.members, &share_set, e));
	memcpy(ret->manifest_set_pin, manifest_set.bytes, sizeof(ret->manifest_set_pin));
	memcpy(ret->share_set_pin, share_set.bytes, sizeof(ret->share_set_pin));
	TRY(wire_set_text(&ret->file, c->path, e));
	TRY(wire_set_text(&ret->name, c->name, e));
	TRY(wire_set_text(&ret->namespace_name, c->manifest.namespace_name, e));
	ret->nonce = c->manifest.nonce;
	ret->threshold = c->quorum.members.threshold;
	ret->members = (int64_t)c->quorum.members.count;
	ret->manifest_threshold = c->manifest_set.threshold;
	ret->manifest_members = (int64_t)c->manifest_set.count;
	ret->nodes = (int64_t)c->node_count;
	ret->node_entries = (int64_t)c->node_entries;
	for (size_t i = 0; i < c->node_count; i++)
		ret->nodes_here += c->nodes[i].listen != NULL;
	return 0;
}

/* A cluster that is there already: what is missing is not seen in its file. */
static bool is_born(const struct context *context)
{
	AUTO(state) struct state state = { .lock = -1 };
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	bool is_found = false;
	struct err unknown;

	return state_open(&context->cluster, context->global.state, /* to_change= */ false,
	                  context->cmd->name, &state, &unknown) == 0 &&
	       state_load_genesis(&state, &is_found, &kept, &unknown) == 0 && is_found;
}

/* What runs is pinned before it is launched; without an image, others say what must run. */
static const char *next_of(const struct context *context)
{
	const struct cluster *c = &context->cluster;
	bool is_pinned = true;

	if (is_born(context))
		return "teectl status";
	for (size_t i = 0; i < PCR_POLICY_COUNT; i++)
		is_pinned &= c->enclave.pcrs.values[i].len != 0;
	return is_pinned || !c->enclave.image ? "teectl up" : "teectl measure --write";
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(valid_cluster) struct valid_cluster v = { 0 };
	char entries[48] = "";

	(void)arguments;
	if (check_files(c, e) < 0) {
		if (!c->hint[0] && e->code == ERR_NO_INPUT &&
		    strcmp(e->reason, CLUSTER_KEY_MISSING) != 0)
			context_hint(c, "the file itself is valid; make what it points to, or "
			                "correct the path");
		return -1;
	}
	TRY(describe(&c->cluster, &v, e));
	print_line(c, "%s: valid", c->cluster.path);
	if (v.node_entries < v.nodes)
		snprintf(entries, sizeof(entries), " of %lld entr%s", (long long)v.node_entries,
		         v.node_entries == 1 ? "y" : "ies");
	print_line(c,
	           "cluster %s: %lld nodes%s, %lld of them here; %lld of %lld members bring the "
	           "key back",
	           c->cluster.name, (long long)v.nodes, entries, (long long)v.nodes_here,
	           (long long)v.threshold, (long long)v.members);
	print_absent(c);
	print_line(c, "of the file alone: neither the manifest that the state keeps nor a node was "
	              "looked at");
	print_next(c, next_of(c));
	return print_json(c, &valid_cluster_schema, &v, e);
}

const struct cmd cmd_validate = {
	.name = "validate",
	.summary = "check the cluster file and what it points to",
	.details =
	    "Reads the cluster file, then what it points to: key files, trust anchor, certificates "
	    "and their keys, the image. An error names line and column, what was expected and the nearest "
	    "valid word. Nothing is asked over the network, and nothing is compared with the state's "
	    "manifest: that is status's and plan's.\n\n"
	    "Status 78 means that the file itself is wrong, 66 that a file is missing that it "
	    "points to, 65 that such a file can't be read as what it should be.",
	.examples = { { "teectl validate", "check ./cluster.yaml" },
	              { "teectl validate -f prod.yaml -o json", "check another, for a script" } },
	.exits = { 65 },
	.needs = NEEDS_CLUSTER,
	.run = run,
};
