/* The cluster file: what the cluster should be (design.md, "The cluster file"). One table of keys
 * serves parsing, the errors with file:line:column and the nearest word, `teectl init`, and
 * teectl-cluster(5). config.c is the only door to libyaml. */
#ifndef TEECTL_CLUSTER_CONFIG_H
#define TEECTL_CLUSTER_CONFIG_H

#include "attest/pcr.h"
#include "crypto/key_set.h"
#include "proto/manifest.h"

#define CLUSTER_FILE_DEFAULT "./cluster.yaml"
#define CLUSTER_FILE_MAX     (1u << 20) /* 4096 nodes with long URLs are half of it */
#define CLUSTER_NODES_MAX    4096
#define CLUSTER_NAME_MAX     128 /* the contract's alias; with a suffix still a file name */

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

struct cluster_node {
	char *name;
	char *listen; /* launched here, HOST:PORT; else NULL */
	char *url; /* launched elsewhere, without a slash at the end; else NULL (the state knows the
	            * port of a listen node) */
	int line;
};

enum root_kind { ROOT_SIMULATED, ROOT_AWS, ROOT_FILE };
enum topology { TOPOLOGY_CHAIN, TOPOLOGY_STAR, TOPOLOGY_TREE };
extern const char *const topology_names[]; /* NULL-terminated */

struct cluster {
	char *path;   /* of the file */
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
		int64_t max_age_ms;
		bool allow_debug;
	} attestation;
	struct {
		struct cluster_member_list members; /* and threshold: the share set */
		char *dr_key;                       /* path of a .pub; NULL: none */
	} quorum;
	struct cluster_member_list manifest_set; /* the share set's unless given */
	struct {
		char *namespace_name; /* the cluster's name unless given */
		int64_t nonce;
		struct hash256 pivot_hash;
		char **pivot_args;
		size_t pivot_arg_count;
	} manifest;
	struct cluster_node *nodes;
	size_t node_count;
	struct {
		enum topology topology;
		char *source_name; /* as written; NULL: the first node */
		size_t source;     /* its index */
		int64_t parallel;
	} propagate;
	struct {
		char *ca;                       /* NULL: the system's */
		char *server_cert, *server_key; /* of the nodes launched here: both or none */
	} tls;
	int64_t connect_timeout_ms, request_timeout_ms;
	int64_t retry_attempts, retry_base_ms, retry_max_ms;
};

/* fails  ERR_NO_INPUT, ERR_CONFIG ("cluster.yaml:12:3: …") */
MUST_CHECK int cluster_read(const char *path, struct cluster *ret, struct err *e);
MUST_CHECK int cluster_parse(const char *path, struct view text, struct cluster *ret,
                             struct err *e);
void cluster_drop(struct cluster *c);

const struct cluster_node *cluster_find_node(const struct cluster *c, const char *name);
/* Reads the members' public keys into a set in the file's order: of `pub` if the file names one,
 * else of `key`. Freed by wire_release(&member_set_schema, ret). fails  ERR_NO_INPUT or ERR_DATA,
 * naming member and file; where there is no such file, with CLUSTER_KEY_MISSING as the reason */
#define CLUSTER_KEY_MISSING "key_file"
MUST_CHECK int cluster_member_set(const struct cluster_member_list *list, struct member_set *ret,
                                  struct err *e);

/* What --pin-manifest-set and --pin-share-set take of such a list. */
MUST_CHECK int cluster_set_pin(const struct cluster_member_list *list, struct hash256 *ret,
                               struct err *e);

/* The options of teectl-enclave that the file amounts to, without address, NSM and log level: what
 * `up` passes and `measure` measures. ret: NULL-terminated "--name=value", freed by
 * cluster_options_drop. */
MUST_CHECK int cluster_options(const struct cluster *c, char ***ret, struct err *e);
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
};
extern const struct config_row config_rows[];
extern const size_t config_row_count;

/* "text", "duration", ..: for the manual. */
const char *config_type(enum config_kind kind);

#endif
