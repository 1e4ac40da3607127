/* etcd's v3 JSON gateway: leases, reads, and writes on a condition. As much of it as leadership
 * (cluster/lease.h) and shared state need. Calls wait for their answer; of several members the next
 * is asked where one does not give it. */
#ifndef TEECTL_CLIENT_ETCD_H
#define TEECTL_CLIENT_ETCD_H

#include "proto/scan.h"
#include "proto/wire.h"

#define ETCD_MEMBERS_MAX 16
#define ETCD_KEY_MAX     512
/* As base64 it fits a request of ours, beside two keys; etcd takes 1.5 MiB a request. */
#define ETCD_VALUE_MAX ((WIRE_TEXT_MAX - 4096) / 4 * 3)
#define ETCD_PUTS_MAX  64 /* etcd takes 128 operations in a transaction */
/* What one question may bring: a state folder's manifests and shares, for good. */
#define ETCD_ITEMS_MAX 16384
#define ETCD_BYTES_MAX (256u << 20)

struct etcd;

struct etcd_options {
	char *const *urls; /* of the members; borrowed while the client lives */
	size_t count;
	const char *ca_path, *cert_path, *key_path; /* NULL: the system's CAs; no certificate */
	int64_t timeout_ms; /* of one member's answer; what is only asked goes to the next sooner */
};

/* Of all that asks etcd: ERR_UNREACHABLE, ERR_TRY_AGAIN and ERR_UNAVAILABLE when no member answers,
 * ERR_INTERRUPTED when the user ends it, else what the member says is wrong with the question. */
MUST_CHECK int etcd_new(const struct etcd_options *options, struct etcd **ret, struct err *e);
void etcd_drop(struct etcd **etcd);

/* How long all calls that follow may take together. Until then: no end, and no user.
 *
 * deadline_ms   monotonic (clock_monotonic_ms)
 * interrupt_fd  readable: the call ends with ERR_INTERRUPTED; -1: none. It is not read from. */
void etcd_limit(struct etcd *etcd, int64_t deadline_ms, int interrupt_fd);

/* ttl_s  1 .. INT32_MAX; ret_id: never 0. A lease whose id was lost runs out. */
MUST_CHECK int etcd_lease_grant(struct etcd *etcd, int64_t ttl_s, int64_t *ret_id, struct err *e);
/* *ret_ttl_s: what it has left from now on; 0: it has expired. */
MUST_CHECK int etcd_lease_keepalive(struct etcd *etcd, int64_t id, int64_t *ret_ttl_s,
                                    struct err *e);
/* Keys that go with it are gone with it. fails  also when there is no such lease */
MUST_CHECK int etcd_lease_revoke(struct etcd *etcd, int64_t id, struct err *e);

struct etcd_item {
	struct buf key, value;
	int64_t create_revision, mod_revision, version, lease;
};
extern const struct wire_schema etcd_item_schema;

static inline void etcd_list_drop(struct wire_list *items)
{
	wire_list_release(&etcd_item_schema, items);
}

/* The key's item, or with is_prefix all whose key begins with it, in the keys' order, as they were
 * at one moment.
 *
 * key    not empty
 * ret    of etcd_item_schema, the caller releases it; empty: there is none
 * fails  ERR_DATA: they are more than ETCD_ITEMS_MAX or ETCD_BYTES_MAX */
MUST_CHECK int etcd_get(struct etcd *etcd, const char *key, bool is_prefix, struct wire_list *ret,
                        struct err *e);

enum etcd_revision { ETCD_CREATED, ETCD_CHANGED }; /* create_revision, mod_revision */

/* What must be so for a write to happen: a key's revision; 0: there is no such key. */
struct etcd_condition {
	const char *key;
	enum etcd_revision which;
	int64_t revision;
};

struct etcd_put {
	const char *key;
	struct view value;
	int64_t lease; /* 0: none */
};

/* All writes at once if every condition holds, else none: *ret_done. Without writes it only asks.
 * Writes are sent once: where the answer is lost no other member is asked, which might find them
 * done, and the failure says neither.
 *
 * count, put_count  at most ETCD_PUTS_MAX each, else ERR_DATA */
MUST_CHECK int etcd_put_if(struct etcd *etcd, const struct etcd_condition *conditions, size_t count,
                           const struct etcd_put *writes, size_t put_count, bool *ret_done,
                           struct err *e);

#endif
