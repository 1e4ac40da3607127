/* The cluster file: what the cluster should be (design.md, "The cluster file"). One table of keys
 * serves parsing, the errors with file:line:column and the nearest word, `teectl init`, and
 * teectl-cluster(5). config.c is the only door to libyaml. */
#ifndef TEECTL_CLUSTER_CONFIG_H
#define TEECTL_CLUSTER_CONFIG_H

#include "attest/pcr.h"
#include "crypto/key_set.h"
#include "proto/manifest.h"

#define CLUSTER_FILE_DEFAULT "./cluster.yaml"
#define CLUSTER_FILE_MAX     (4u << 20) /* 16384 nodes with long URLs and labels, each written out */
#define CLUSTER_NODES_MAX    16384
#define CLUSTER_NAME_MAX     128 /* the contract's alias; with a suffix still a file name */
#define NAME_CHARACTERS                                                                            \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-" /* of a name */
#define CLUSTER_LABELS_MAX 16       /* of a node; more than that is an inventory's business */
#define REGION_LABEL       "region" /* of nodes: those of one value stand near each other */
#define CLUSTER_LABEL_MAX  63       /* bytes of a label's name and value, as Kubernetes has them */

struct cluster_member {
	char *name;
	char *key; /* path of the .secret; NULL where only the public half is here */
	char *pub; /* path of the .pub; NULL: derived from key */
	int line;
};

struct cluster_member_list {
	struct cluster_member *items;
	size_t count;
	int64_t threshold;
};

struct cluster_label {
	char *name, *value;
};

struct cluster_node {
	char *name;
	char *listen; /* launched here, HOST:PORT; else NULL */
	char *url; /* launched elsewhere, without a slash at the end; else NULL (the state knows the
	            * port of a listen node) */
	char *hosts; /* of an entry that stands for many; NULL in the nodes that it stood for */
	struct cluster_label *labels;
	size_t label_count;
	int line;
};

enum root_kind { ROOT_SIMULATED, ROOT_AWS, ROOT_FILE };
/* In the file, of --root, and in reports; a file's root has its path. */
#define ROOT_SIMULATED_NAME "simulated"
#define ROOT_AWS_NAME       "aws-nitro"
enum topology { TOPOLOGY_CHAIN, TOPOLOGY_STAR, TOPOLOGY_TREE, TOPOLOGY_AUTO };
extern const char *const topology_names[]; /* NULL-terminated */

struct cluster {
	char *path;               /* of the file */
	struct hash256 file_hash; /* SHA-256 of the bytes that were read: a pipe gives them once */
	char *folder; /* relative paths were resolved against it: all paths below are usable as they
	                 are */
	char *name;
	struct {
		char *image; /* NULL when all nodes are launched elsewhere */
		char *role;  /* "" when there is none */
		bool insecure_open_seed;
		struct pcr_set pcrs; /* pinned: PCR0..3, those with a length */
	} enclave;
	struct {
		enum root_kind root;
		char *root_path; /* of ROOT_FILE */
		int64_t max_age_ms, request_max_age_ms;
		bool allow_debug;
	} attestation;
	struct {
		struct cluster_member_list members; /* and threshold: the share set */
		char *key_set;    /* folder that members and threshold come from; NULL: the file */
		char *dr_key;     /* path of a .pub; NULL: none */
		char *public_key; /* path of the quorum key's .pub; NULL: the genesis says it */
	} quorum;
	struct cluster_member_list manifest_set; /* the share set's unless given */
	char *manifest_key_set;                  /* the same of that */
	struct {
		char *namespace_name; /* the cluster's name unless given */
		int64_t nonce;
		struct hash256 pivot_hash;
		char **pivot_args;
		size_t pivot_arg_count;
	} manifest;
	struct cluster_node *nodes;
	size_t node_count;
	size_t node_entries; /* of the file; one with a pattern stands for many nodes */
	struct {
		enum topology topology;
		char *source_name; /* as written; NULL: the first node */
		size_t source;     /* its index */
		int64_t parallel;
	} propagate;
	struct {
		int64_t first, parallel;
	} upgrade;
	struct {
		char *ca;                       /* NULL: the system's */
		char *cert, *key;               /* teectl's own, for its roles: both or none */
		char *server_cert, *server_key; /* of the nodes launched here: both or none */
		char *client_ca;                /* theirs too; NULL: they ask for no roles */
	} tls;
	int64_t keep_ready; /* TEEs that must have the key at any time */
	struct {
		int64_t interval_ms, reattest_ms;
		char *metrics; /* HOST:PORT; NULL: none */
	} watch;
	struct {
		char **etcd; /* URLs of its members; none: the folder alone */
		size_t etcd_count;
		char *ca, *cert, *key;
		int64_t lease_ms;
	} shared;
	int64_t connect_timeout_ms, request_timeout_ms;
	int64_t retry_attempts, retry_base_ms, retry_max_ms;
};

/* fails  as file_read_guarded, ERR_CONFIG ("cluster.yaml:12:3: …"), and as key_set_folder_read */
MUST_CHECK int cluster_read(const char *path, struct cluster *ret, struct err *e);
/* The same of a file's text that was read already. */
MUST_CHECK int cluster_read_text(const char *path, struct view text, struct cluster *ret,
                                 struct err *e);
/* The file alone: members and thresholds of key sets are not there yet. */
MUST_CHECK int cluster_parse(const char *path, struct view text, struct cluster *ret,
                             struct err *e);
void cluster_drop(struct cluster *c);
void cluster_member_list_drop(struct cluster_member_list *list);

/* One flag a node, or of whatever else there are many. */
void flags_drop(bool **flags);

const struct cluster_node *cluster_find_node(const struct cluster *c, const char *name);
/* The nearest node's name to one that is none; NULL: none is near, or there is no memory. */
const char *cluster_nearest_node(const struct cluster *c, const char *name);
/* The value of a node's label; NULL: it has none of that name. */
const char *cluster_node_label(const struct cluster_node *node, const char *name);
/* A member's public key: of `pub` if the file names one, else of `key`. fails  ERR_NO_INPUT or
 * ERR_DATA, naming member and file; where there is no such file, with CLUSTER_KEY_MISSING as the
 * reason */
#define CLUSTER_KEY_MISSING "key_file"
MUST_CHECK int cluster_member_key(const struct cluster_member *m, struct public_key *ret,
                                  struct err *e);
/* The same where it can be told on this machine without asking anybody: by pub, by key, or by the
 * .pub beside key. Where it can't, false. */
bool cluster_member_key_here(const struct cluster_member *m, struct public_key *ret);
/* Whose `key` names a file that is not here, "alice ('alice.secret'), bob ('bob.secret')": at most
 * 8, a person reads no more, and as many as to->max lets in. It is no fault: a member has his key
 * on his own machine. But a path with a typo looks the same. to: empty; empty afterwards: none */
void cluster_name_absent_keys(const struct cluster_member_list *list, struct buf *to);
/* All of them as a set, in the file's order. Freed by wire_release(&member_set_schema, ret). fails
 * likewise */
MUST_CHECK int cluster_member_set(const struct cluster_member_list *list, struct member_set *ret,
                                  struct err *e);

/* Reads the file's quorum.publicKey, which it must name. fails  ERR_NO_INPUT, ERR_DATA */
MUST_CHECK int cluster_quorum_key(const struct cluster *c, struct public_key *ret, struct err *e);

/* What --pin-manifest-set and --pin-share-set take of such a list. */
MUST_CHECK int cluster_set_pin(const struct cluster_member_list *list, struct hash256 *ret,
                               struct err *e);

/* The options of teectl-enclave that the file amounts to, without address, NSM and log level: what
 * `up` passes and `measure` measures. ret: NULL-terminated "--name=value", freed by
 * cluster_options_drop. */
MUST_CHECK int cluster_options(const struct cluster *c, char ***ret, struct err *e);
/* The same to compare with: of a pair whose secret half the file names the public one is enough. */
MUST_CHECK int cluster_options_known(const struct cluster *c, char ***ret, struct err *e);
void cluster_options_drop(char ***options);

/* Writes PCR0..3 as `pcrs:` under `enclave:` of the file, leaving every other byte as it is. */
MUST_CHECK int cluster_write_pcrs(const char *path, const struct pcr_set *pcrs, struct err *e);

enum config_kind {
	CONFIG_MAP,
	CONFIG_LIST,  /* of maps, whose keys are the rows "path[].…" */
	CONFIG_TEXTS, /* a list of texts */
	CONFIG_TEXT,
	CONFIG_NAME, /* of [A-Za-z0-9._-], fit for a file name */
	CONFIG_PATH, /* relative to the file */
	CONFIG_NAMESPACE,
	CONFIG_NUMBER,
	CONFIG_FLAG,
	CONFIG_DURATION,
	CONFIG_WORD, /* one of words */
	CONFIG_ROOT,
	CONFIG_LISTEN,
	CONFIG_URL,
	CONFIG_PCR,
	CONFIG_HASH,
	CONFIG_LABELS, /* a map of names and values that the file's author chooses */
	CONFIG_LABEL,
	CONFIG_KIND_COUNT
};

/* One key of the file. */
struct config_row {
	const char *path; /* "quorum.members[].key" */
	enum config_kind kind;
	bool is_required;     /* in the map that it stands in, if that is there */
	const char *fallback; /* the default as one would write it; NULL: none */
	size_t offset; /* in struct cluster, or in the item of its list; SIZE_MAX: not kept */
	size_t count_offset, item_size; /* of lists */
	int64_t min, max;               /* of a number, a duration in ms, the items of a list */
	const char *const *words;
	const char *doc; /* one line for the manual */
	bool is_pattern; /* of a text: it may stand for many (pattern.h) */
};
extern const struct config_row config_rows[];
extern const size_t config_row_count;

/* "text", "duration", ..: for the manual. */
const char *config_type(enum config_kind kind);

#endif
