#include "cmd.h"
#include "print.h"

#include "base/file.h"

#include <string.h>

struct valid_cluster {
	struct buf file, name, namespace_name;
	int64_t nonce, threshold, members, manifest_threshold, manifest_members, nodes, nodes_here;
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
	JSON_HEX_FIXED(valid_cluster, manifest_set_pin),
	JSON_HEX_FIXED(valid_cluster, share_set_pin),
};
static const struct wire_schema valid_cluster_schema =
    JSON_SCHEMA(valid_cluster, valid_cluster_fields);
WIRE_DROP(valid_cluster);

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

/* What the file points to. */
static int check_files(const struct cluster *c, struct err *e)
{
	struct public_key dr_key;

	TRY(check_set(&c->quorum.members, "share_set", 2, e));
	TRY(check_set(&c->manifest_set, "manifest_set", 1, e));
	if (c->quorum.dr_key)
		TRY(public_key_read(c->quorum.dr_key, &dr_key, e));
	if (c->enclave.image && !file_is_there(c->enclave.image))
		return err_set(e, ERR_NO_INPUT, "enclave.image: there is no '%s'",
		               c->enclave.image);
	return 0;
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
	for (size_t i = 0; i < c->node_count; i++)
		ret->nodes_here += c->nodes[i].listen != NULL;
	return 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(valid_cluster) struct valid_cluster v = { 0 };

	(void)arguments;
	if (check_files(&c->cluster, e) < 0) {
		if (e->code == ERR_NO_INPUT && strcmp(e->reason, CLUSTER_KEY_MISSING) != 0)
			context_hint(c, "the file itself is valid; make what it points to, or "
			                "correct the path");
		return -1;
	}
	TRY(describe(&c->cluster, &v, e));
	print_line(c, "%s: valid", c->cluster.path);
	print_line(
	    c, "cluster %s: %lld nodes, %lld of them here; %lld of %lld members bring the key back",
	    c->cluster.name, (long long)v.nodes, (long long)v.nodes_here, (long long)v.threshold,
	    (long long)v.members);
	return print_json(c, &valid_cluster_schema, &v, e);
}

const struct cmd cmd_validate = {
	.name = "validate",
	.summary = "check the cluster file and what it points to",
	.details =
	    "Reads the cluster file, then every key file that it names, and looks whether the "
	    "image is there. An error names line and column, what was expected and the nearest "
	    "valid word. Nothing is asked over the network.\n\n"
	    "Status 78 means that the file itself is wrong, 66 that a file is missing that it "
	    "points to, 65 that such a file can't be read as what it should be.",
	.examples = { { "teectl validate", "check ./cluster.yaml" },
	              { "teectl validate -f prod.yaml -o json", "check another, for a script" } },
	.exits = { 65 },
	.needs = NEEDS_CLUSTER,
	.run = run,
};
