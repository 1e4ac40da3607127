/* The cluster file: what the cluster should be (design.md, "The cluster file"). One table of keys
 * serves parsing, the errors with file:line:column and the nearest word, `teectl init`, and
 * teectl-cluster(5). The only door to libyaml. */
#ifndef TEECTL_CLUSTER_CONFIG_H
#define TEECTL_CLUSTER_CONFIG_H

#include "attest/pcr.h"
#include "crypto/key_set.h"
#include "proto/manifest.h"

#define CLUSTER_FILE_MAX (1u << 20)
#define CLUSTER_NODES_MAX 4096

struct cluster_member {
	char *name;
	char *key;  /* path of the .secret; NULL where only the public half is here */
	char *pub;  /* path of the .pub; NULL: derived from key */
	int line;
};

struct cluster_member_list {
	struct cluster_member *items;
	size_t count;
	int64_t threshold;
};

struct cluster_node {
	char *name;
	char *listen; /* launched here; else NULL */
	char *url;    /* launched elsewhere; else NULL (the state knows the port of a listen node) */
	int line;
};

enum root_kind { ROOT_SIMULATED, ROOT_AWS, ROOT_FILE };
enum topology { TOPOLOGY_CHAIN, TOPOLOGY_STAR, TOPOLOGY_TREE };
extern const char *const topology_names[]; /* NULL-terminated */

struct cluster {
	char *path;   /* of the file */
	char *folder; /* relative paths were resolved against it: all paths below are usable as they are */
	char *name;
	struct {
		char *image; /* NULL when all nodes are launched elsewhere */
		char *role;
		bool insecure_open_seed;
		struct pcr_set pcrs; /* pinned: PCR0..3, those with a length */
	} enclave;
	struct {
		enum root_kind root;
		char *root_path;
		int64_t max_age_ms;
		bool allow_debug;
	} attestation;
	struct {
		struct cluster_member_list members; /* and threshold: the share set */
		char *dr_key;                       /* path of a .pub; NULL: none */
	} quorum;
	struct cluster_member_list manifest_set; /* the share set's unless given */
	struct {
		char *namespace_name;
		int64_t nonce;
		struct hash256 pivot_hash;
		char **pivot_args;
		size_t pivot_arg_count;
	} manifest;
	struct cluster_node *nodes;
	size_t node_count;
	struct {
		enum topology topology;
		size_t source; /* index of a node */
		int64_t parallel;
	} propagate;
	struct {
		char *ca, *cert, *key;
		char *server_cert, *server_key;
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
/* Reads the members' public keys into a set in the file's order.
 * fails  ERR_NO_INPUT or ERR_DATA, naming member and file */
MUST_CHECK int cluster_member_set(const struct cluster_member_list *list, struct member_set *ret,
                                  struct err *e);

/* The options of teectl-enclave that the file amounts to, without address, NSM and log level: what
 * `up` passes and `measure` measures. ret: NULL-terminated strings, freed by cluster_options_drop. */
MUST_CHECK int cluster_options(const struct cluster *c, char ***ret, struct err *e);
void cluster_options_drop(char ***options);

/* Writes `pcrs:` under `enclave:` of the file, leaving every other byte as it is. */
MUST_CHECK int cluster_write_pcrs(const char *path, const struct pcr_set *pcrs, struct err *e);

/* The table, for the manual and `init`: */
struct config_row {
	const char *path; /* "quorum.members[].key" */
	const char *type; /* "text", "path", "duration", "number", "flag", "hex" */
	const char *fallback; /* default as written; NULL: required, or none */
	bool is_required;
	const char *doc;
};
extern const struct config_row config_rows[];
extern const size_t config_row_count;

#endif
