#include "cluster/config_internal.h"

#include "client/etcd.h"

#define DAY_MS 86400000

const char *const topology_names[] = { "chain", "star", "tree", "auto", NULL };

static const char *const versions[] = { "teectl/v1", NULL };
static const char *const kinds[] = { "Cluster", NULL };

/* Each macro checks that the field has the C type of its kind. */
#define TYPE_CHECK(of, field, type)                                                                \
	(0 *                                                                                       \
	 sizeof(                                                                                   \
	     char[__builtin_types_compatible_p(__typeof__(((struct of *)0)->field), type) ? 1      \
	                                                                                  : -1]))
#define AT(of, field, type)               .offset = offsetof(struct of, field) + TYPE_CHECK(of, field, type)
#define TEXT_AT(of, field)                AT(of, field, char *)
#define NUMBER_AT(of, field, least, most) AT(of, field, int64_t), .min = least, .max = most
#define FLAG_AT(of, field)                AT(of, field, bool)
#define NOT_KEPT                          .offset = SIZE_MAX
#define LIST_AT(of, field, type, counter, most)                                                    \
	AT(of, field, type *),                                                                     \
	    .item_size = sizeof(type),                                                             \
	    .count_offset = offsetof(struct of, counter) + TYPE_CHECK(of, counter, size_t),        \
	    .max = most
#define PCR_AT(index) AT(cluster, enclave.pcrs.values[index], struct pcr)

const struct config_row config_rows[] = {
	{ "apiVersion", CONFIG_WORD, true, NULL, NOT_KEPT, .words = versions,
	  .doc = "the version of this format" },
	{ "kind", CONFIG_WORD, true, NULL, NOT_KEPT, .words = kinds, .doc = "what the file is" },

	{ "metadata", CONFIG_MAP, true, NULL, NOT_KEPT, .doc = "what the cluster is called" },
	{ "metadata.name", CONFIG_NAME, true, NULL, TEXT_AT(cluster, name),
	  .doc = "the cluster's name; names its state directory too" },

	{ "enclave", CONFIG_MAP, false, NULL, NOT_KEPT, .doc = "what runs in every node" },
	{ "enclave.image", CONFIG_PATH, false, NULL, TEXT_AT(cluster, enclave.image),
	  .doc = "the enclave's executable; needed where nodes are launched here, and measured" },
	{ "enclave.role", CONFIG_TEXT, false, "", TEXT_AT(cluster, enclave.role),
	  .doc = "the role that PCR3 measures; PCR3 is zero without one" },
	{ "enclave.insecureOpenSeed", CONFIG_FLAG, false, "false",
	  FLAG_AT(cluster, enclave.insecure_open_seed),
	  .doc =
	      "lets anyone ask for seed phrases: laptop only; delete it for production; part of PCR2" },
	{ "enclave.pcrs", CONFIG_MAP, false, NULL, NOT_KEPT,
	  .doc =
	      "pinned PCRs, as `teectl measure --write` writes them; they are what nodes launched "
	      "elsewhere are held to" },
	{ "enclave.pcrs.0", CONFIG_PCR, false, NULL, PCR_AT(0), .doc = "PCR0: the image" },
	{ "enclave.pcrs.1", CONFIG_PCR, false, NULL, PCR_AT(1),
	  .doc = "PCR1: the loader and the libraries" },
	{ "enclave.pcrs.2", CONFIG_PCR, false, NULL, PCR_AT(2), .doc = "PCR2: the launch options" },
	{ "enclave.pcrs.3", CONFIG_PCR, false, NULL, PCR_AT(3), .doc = "PCR3: the role" },

	{ "attestation", CONFIG_MAP, false, NULL, NOT_KEPT, .doc = "whom to believe" },
	{ "attestation.root", CONFIG_ROOT, false, ROOT_SIMULATED_NAME, NOT_KEPT,
	  .doc =
	      "who signs documents: simulated (a root made at the first `up`, kept in the state), "
	      "aws-nitro, or the path of a certificate, PEM or DER" },
	{ "attestation.maxAge", CONFIG_DURATION, false, "5m",
	  NUMBER_AT(cluster, attestation.max_age_ms, 1000, DAY_MS),
	  .doc = "how old a live attestation document may be" },
	{ "attestation.requestMaxAge", CONFIG_DURATION, false, "24h",
	  NUMBER_AT(cluster, attestation.request_max_age_ms, 1000, 30 * (int64_t)DAY_MS),
	  .doc =
	      "how old the documents in a request for shares may be when a member seals to them" },
	{ "attestation.allowDebug", CONFIG_FLAG, false, "false",
	  FLAG_AT(cluster, attestation.allow_debug),
	  .doc = "accepts debug enclaves, which prove nothing" },

	{ "quorum", CONFIG_MAP, true, NULL, NOT_KEPT, .doc = "whose shares bring the key back" },
	{ "quorum.keySet", CONFIG_PATH, false, NULL, TEXT_AT(cluster, quorum.key_set),
	  .doc =
	      "a key-set folder of QuorumOS's, NAME.pub files and quorum_threshold, in the place of "
	      "members and threshold" },
	{ "quorum.threshold", CONFIG_NUMBER, false, NULL,
	  NUMBER_AT(cluster, quorum.members.threshold, 2, MEMBERS_MAX),
	  .doc = "how many shares are needed" },
	{ "quorum.drKey", CONFIG_PATH, false, NULL, TEXT_AT(cluster, quorum.dr_key),
	  .doc = "public key file of a disaster-recovery key; there is none unless named" },
	{ "quorum.publicKey", CONFIG_PATH, false, NULL, TEXT_AT(cluster, quorum.public_key),
	  .doc =
	      "public key file of the quorum key itself: for a quorum that was born elsewhere, so "
	      "that no genesis here attests it (`manifest adopt`); where one does, both must agree" },
	{ "quorum.members", CONFIG_LIST, false, NULL,
	  LIST_AT(cluster, quorum.members.items, struct cluster_member, quorum.members.count,
	          MEMBERS_MAX),
	  .doc = "the share set" },
	{ "quorum.members[].name", CONFIG_NAME, true, NULL, TEXT_AT(cluster_member, name),
	  .doc = "the member's alias" },
	{ "quorum.members[].key", CONFIG_PATH, false, NULL, TEXT_AT(cluster_member, key),
	  .doc = "the member's key file, where it is on this machine" },
	{ "quorum.members[].pub", CONFIG_PATH, false, NULL, TEXT_AT(cluster_member, pub),
	  .doc = "the member's public key file" },

	{ "quorum.manifestSet", CONFIG_MAP, false, NULL, NOT_KEPT,
	  .doc = "who approves manifests; the share set with its threshold unless given" },
	{ "quorum.manifestSet.keySet", CONFIG_PATH, false, NULL, TEXT_AT(cluster, manifest_key_set),
	  .doc = "a key-set folder, in the place of members and threshold" },
	{ "quorum.manifestSet.threshold", CONFIG_NUMBER, false, NULL,
	  NUMBER_AT(cluster, manifest_set.threshold, 1, MEMBERS_MAX),
	  .doc = "how many approvals are needed" },
	{ "quorum.manifestSet.members", CONFIG_LIST, false, NULL,
	  LIST_AT(cluster, manifest_set.items, struct cluster_member, manifest_set.count,
	          MEMBERS_MAX),
	  .doc = "the manifest set" },
	{ "quorum.manifestSet.members[].name", CONFIG_NAME, true, NULL,
	  TEXT_AT(cluster_member, name), .doc = "the member's alias" },
	{ "quorum.manifestSet.members[].key", CONFIG_PATH, false, NULL,
	  TEXT_AT(cluster_member, key),
	  .doc = "the member's key file, where it is on this machine" },
	{ "quorum.manifestSet.members[].pub", CONFIG_PATH, false, NULL,
	  TEXT_AT(cluster_member, pub), .doc = "the member's public key file" },

	{ "manifest", CONFIG_MAP, false, NULL, NOT_KEPT, .doc = "what genesis writes down" },
	{ "manifest.namespace", CONFIG_NAMESPACE, false, NULL,
	  TEXT_AT(cluster, manifest.namespace_name),
	  .doc = "the namespace's name; the cluster's name unless given" },
	{ "manifest.nonce", CONFIG_NUMBER, false, "0",
	  NUMBER_AT(cluster, manifest.nonce, 0, UINT32_MAX - 1),
	  .doc = "the namespace's nonce, which a manifest that succeeds another must raise" },
	{ "manifest.pivot", CONFIG_MAP, false, NULL, NOT_KEPT,
	  .doc = "the application that the manifest names; carried and hashed, not run" },
	{ "manifest.pivot.hash", CONFIG_HASH, false,
	  "0000000000000000000000000000000000000000000000000000000000000000",
	  AT(cluster, manifest.pivot_hash, struct hash256), .doc = "SHA-256 of the application" },
	{ "manifest.pivot.args", CONFIG_TEXTS, false, NULL,
	  LIST_AT(cluster, manifest.pivot_args, char *, manifest.pivot_arg_count, PIVOT_ARGS_MAX),
	  .doc = "its arguments" },

	{ "nodes", CONFIG_LIST, true, NULL,
	  LIST_AT(cluster, nodes, struct cluster_node, node_count, CLUSTER_NODES_MAX),
	  .doc = "the enclaves, in the order in which a chain visits them" },
	{ "nodes[].name", CONFIG_NAME, false, NULL, TEXT_AT(cluster_node, name),
	  .doc = "the node's name, or a pattern for many; needed, but that beside hosts each host "
	         "is a name unless another is given",
	  .is_pattern = true },
	{ "nodes[].hosts", CONFIG_TEXT, false, NULL, TEXT_AT(cluster_node, hosts),
	  .doc = "a pattern for many hosts, each of which is a node; {host} in url, listen and "
	         "name stands for it",
	  .is_pattern = true },
	{ "nodes[].listen", CONFIG_LISTEN, false, NULL, TEXT_AT(cluster_node, listen),
	  .doc = "HOST:PORT on which an enclave launched here listens, or a pattern for many; port "
	         "0 takes a free one",
	  .is_pattern = true },
	{ "nodes[].url", CONFIG_URL, false, NULL, TEXT_AT(cluster_node, url),
	  .doc = "where a node that others launch is reached, or a pattern for many",
	  .is_pattern = true },
	{ "nodes[].labels", CONFIG_LABELS, false, NULL,
	  AT(cluster_node, labels, struct cluster_label *),
	  .doc =
	      "names and values that selectors choose nodes by, at most 16; region is counted by "
	      "itself in tables" },

	{ "propagate", CONFIG_MAP, false, NULL, NOT_KEPT, .doc = "how the key is forwarded" },
	{ "propagate.topology", CONFIG_WORD, false, "auto",
	  AT(cluster, propagate.topology, enum topology), .words = topology_names,
	  .doc =
	      "the key's way: chain, from each node to the next; star, from the source to all; "
	      "tree, from every node that has it; auto, a chain of up to three nodes, and above a "
	      "tree in which those that answer soonest come first; a tree goes into each region "
	      "(labels) once and spreads inside" },
	{ "propagate.source", CONFIG_NAME, false, NULL, TEXT_AT(cluster, propagate.source_name),
	  .doc = "the node of genesis, from which the key comes; the first unless given" },
	/* The server takes 64 connections from one address. */
	{ "propagate.parallel", CONFIG_NUMBER, false, "4",
	  NUMBER_AT(cluster, propagate.parallel, 1, 64),
	  .doc = "forwards that one source does at once" },

	{ "upgrade", CONFIG_MAP, false, NULL, NOT_KEPT,
	  .doc = "in which order nodes go to another image" },
	{ "upgrade.first", CONFIG_NUMBER, false, "1",
	  NUMBER_AT(cluster, upgrade.first, 1, CLUSTER_NODES_MAX),
	  .doc =
	      "nodes that must have proved the key on the new image before any other is touched" },
	{ "upgrade.parallel", CONFIG_NUMBER, false, "4",
	  NUMBER_AT(cluster, upgrade.parallel, 1, 64),
	  .doc =
	      "nodes at once after those, but never more than half of the TEEs that have the key" },

	{ "keepReady", CONFIG_NUMBER, false, "1",
	  NUMBER_AT(cluster, keep_ready, 1, CLUSTER_NODES_MAX),
	  .doc = "TEEs that must have the quorum key at any time: none is stopped or replaced that "
	         "would leave fewer, but by `down` of all or with --lose-key; below it there is a "
	         "warning" },

	{ "watch", CONFIG_MAP, false, NULL, NOT_KEPT, .doc = "what `teectl watch` does, and when" },
	{ "watch.interval", CONFIG_DURATION, false, "10s",
	  NUMBER_AT(cluster, watch.interval_ms, 100, DAY_MS),
	  .doc = "how often every node is asked for its status" },
	{ "watch.reattest", CONFIG_DURATION, false, "5m",
	  NUMBER_AT(cluster, watch.reattest_ms, 100, DAY_MS),
	  .doc = "how often every node is attested anew; one that changes is so at once" },
	{ "watch.metrics", CONFIG_LISTEN, false, NULL, TEXT_AT(cluster, watch.metrics),
	  .doc = "HOST:PORT on which it serves its metrics; none unless given" },

	{ "state", CONFIG_MAP, false, NULL, NOT_KEPT,
	  .doc = "where several watchers meet; the state folder alone unless given" },
	{ "state.etcd", CONFIG_TEXTS, true, NULL,
	  LIST_AT(cluster, shared.etcd, char *, shared.etcd_count, ETCD_MEMBERS_MAX),
	  .doc = "URLs of etcd's members (its v3 JSON gateway)" },
	{ "state.lease", CONFIG_DURATION, false, "10s",
	  NUMBER_AT(cluster, shared.lease_ms, 2000, 600000),
	  .doc = "after how long a watcher that died is replaced" },
	{ "state.ca", CONFIG_PATH, false, NULL, TEXT_AT(cluster, shared.ca),
	  .doc = "certificates that etcd's are checked against; the system's unless given" },
	{ "state.cert", CONFIG_PATH, false, NULL, TEXT_AT(cluster, shared.cert),
	  .doc = "teectl's own certificate chain for etcd, PEM" },
	{ "state.key", CONFIG_PATH, false, NULL, TEXT_AT(cluster, shared.key),
	  .doc = "its key, PEM, readable by its owner alone" },

	{ "tls", CONFIG_MAP, false, NULL, NOT_KEPT, .doc = "TLS 1.3 to the nodes" },
	{ "tls.ca", CONFIG_PATH, false, NULL, TEXT_AT(cluster, tls.ca),
	  .doc = "certificates that nodes' server certificates are checked against; the system's "
	         "unless given" },
	{ "tls.cert", CONFIG_PATH, false, NULL, TEXT_AT(cluster, tls.cert),
	  .doc = "teectl's own certificate chain, PEM, for nodes that ask clients for a role" },
	{ "tls.key", CONFIG_PATH, false, NULL, TEXT_AT(cluster, tls.key),
	  .doc = "its key, PEM, readable by its owner alone" },
	{ "tls.server", CONFIG_MAP, false, NULL, NOT_KEPT,
	  .doc = "for the nodes launched here, which then serve HTTPS alone" },
	{ "tls.server.cert", CONFIG_PATH, true, NULL, TEXT_AT(cluster, tls.server_cert),
	  .doc = "their certificate chain, PEM" },
	{ "tls.server.key", CONFIG_PATH, true, NULL, TEXT_AT(cluster, tls.server_key),
	  .doc = "its key, PEM, readable by its owner alone" },
	{ "tls.server.clientCa", CONFIG_PATH, false, NULL, TEXT_AT(cluster, tls.client_ca),
	  .doc = "who signs clients' certificates, PEM; each route then asks for a role; part of "
	         "PCR2" },

	{ "timeouts", CONFIG_MAP, false, NULL, NOT_KEPT, .doc = "of a single request" },
	{ "timeouts.connect", CONFIG_DURATION, false, "3s",
	  NUMBER_AT(cluster, connect_timeout_ms, 1, DAY_MS), .doc = "to connect" },
	{ "timeouts.request", CONFIG_DURATION, false, "20s",
	  NUMBER_AT(cluster, request_timeout_ms, 1, DAY_MS), .doc = "to have the whole answer" },

	{ "retry", CONFIG_MAP, false, NULL, NOT_KEPT,
	  .doc = "of requests that did not arrive, or were answered 429, 502 or 503" },
	{ "retry.attempts", CONFIG_NUMBER, false, "6", NUMBER_AT(cluster, retry_attempts, 1, 100),
	  .doc = "attempts in all" },
	{ "retry.base", CONFIG_DURATION, false, "100ms",
	  NUMBER_AT(cluster, retry_base_ms, 1, DAY_MS),
	  .doc = "the longest first pause; each later one may be twice as long" },
	{ "retry.max", CONFIG_DURATION, false, "5s", NUMBER_AT(cluster, retry_max_ms, 1, DAY_MS),
	  .doc = "the longest pause" },
};
const size_t config_row_count = COUNT(config_rows);
_Static_assert(COUNT(config_rows) <= CONFIG_ROWS_MAX, "the places of the file have room");

const char *config_type(enum config_kind kind)
{
	static const char *const types[CONFIG_KIND_COUNT] = {
		[CONFIG_MAP] = "map",
		[CONFIG_LIST] = "list",
		[CONFIG_TEXTS] = "list of text",
		[CONFIG_TEXT] = "text",
		[CONFIG_NAME] = "name",
		[CONFIG_PATH] = "path",
		[CONFIG_NAMESPACE] = "name",
		[CONFIG_NUMBER] = "number",
		[CONFIG_FLAG] = "flag",
		[CONFIG_DURATION] = "duration",
		[CONFIG_WORD] = "word",
		[CONFIG_ROOT] = "word or path",
		[CONFIG_LISTEN] = "address",
		[CONFIG_URL] = "URL",
		[CONFIG_PCR] = "hex",
		[CONFIG_HASH] = "hex",
		[CONFIG_LABELS] = "map of text",
		[CONFIG_LABEL] = "label",
	};

	return types[kind];
}
