/* The messages of etcd's gateway (etcd's rpc.proto; int64 come as text, what is zero is left out).
 */
#ifndef TEECTL_CLIENT_ETCD_MESSAGE_H
#define TEECTL_CLIENT_ETCD_MESSAGE_H

#include "client/etcd.h"
#include "proto/api.h"

struct etcd_header {
	struct buf cluster_id, member_id, raft_term; /* uint64 */
	int64_t revision;
};

struct etcd_grant_request {
	int64_t ttl;
};
struct etcd_grant_reply {
	struct etcd_header header;
	int64_t id, ttl;
	struct buf error;
};

struct etcd_lease_request {
	int64_t id;
};
struct etcd_revoke_reply {
	struct etcd_header header;
};
struct etcd_keepalive_result {
	struct etcd_header header;
	int64_t id, ttl;
};
struct etcd_keepalive_reply {
	struct etcd_keepalive_result result;
};

#define ETCD_PAGE_MAX 64 /* items in one answer; fewer where they are long */

struct etcd_range_request {
	struct buf key, range_end;
	int64_t limit, revision;
};
struct etcd_range_reply {
	struct etcd_header header;
	struct wire_list kvs; /* struct etcd_item */
	bool more;
	int64_t count;
};

struct etcd_compare {
	struct buf key, target, result;
	bool has_created, has_changed;
	int64_t created, changed;
};
struct etcd_put_request {
	struct buf key, value;
	int64_t lease;
};
struct etcd_put_op {
	struct etcd_put_request put;
};
struct etcd_txn_request {
	struct wire_list compare; /* struct etcd_compare */
	struct wire_list success; /* struct etcd_put_op */
};
struct etcd_put_reply {
	struct etcd_header header;
};
struct etcd_op_reply {
	struct etcd_put_reply put;
};
struct etcd_txn_reply {
	struct etcd_header header;
	bool succeeded;
	struct wire_list responses; /* struct etcd_op_reply */
};

extern const struct wire_schema etcd_range_reply_schema, etcd_txn_reply_schema,
    etcd_grant_reply_schema, etcd_keepalive_reply_schema, etcd_revoke_reply_schema,
    etcd_txn_request_schema, etcd_range_request_schema, etcd_compare_schema, etcd_put_op_schema;
WIRE_DROP(etcd_range_reply);
WIRE_DROP(etcd_range_request);
WIRE_DROP(etcd_txn_reply);
WIRE_DROP(etcd_txn_request);
WIRE_DROP(etcd_grant_reply);
WIRE_DROP(etcd_keepalive_reply);
WIRE_DROP(etcd_revoke_reply);

/* The rows of etcd's own table, as api_table has the enclave's. */
enum etcd_api { ETCD_GRANT, ETCD_KEEPALIVE, ETCD_REVOKE, ETCD_RANGE, ETCD_TXN, ETCD_API_COUNT };
extern const struct api_row etcd_table[ETCD_API_COUNT];

#endif
