#include "client/etcd_message.h"

#include "proto/row.h"

#define UINT64_TEXT_MAX 20

/* clang-format off */

/* Left out where it is zero, and a text where it is not. */
#define INT64_IF_ANY(key, member, doc) \
	NUMBER(key, member, INT64_MIN, INT64_MAX, doc, .flags = WIRE_OPTIONAL | WIRE_DECIMAL, .presence = SIZE_MAX)
#define BOOL_IF_ANY(key, member, doc) BOOL(key, member, doc, .flags = WIRE_OPTIONAL, .presence = SIZE_MAX)
#define UINT64_IF_ANY(key, member, doc) TEXT(key, member, 0, UINT64_TEXT_MAX, doc, IF_ANY)
#define HEADER OBJECT_AS("header", header, struct etcd_header, etcd_header, "who answers", .flags = WIRE_OPTIONAL, .presence = SIZE_MAX)

#define THIS etcd_header
INNER(etcd_header,
	UINT64_IF_ANY("cluster_id", cluster_id, "of the cluster"),
	UINT64_IF_ANY("member_id", member_id, "of the member that answers"),
	INT64_IF_ANY("revision", revision, "of the store"),
	UINT64_IF_ANY("raft_term", raft_term, "of the leader"));
#undef THIS

#define THIS etcd_grant_request
INNER(etcd_grant_request, NUMBER("TTL", ttl, 1, INT32_MAX, "seconds", REQUIRED));
#undef THIS

#define THIS etcd_grant_reply
SCHEMA(etcd_grant_reply, HEADER,
	INT64_IF_ANY("ID", id, "of the lease"),
	INT64_IF_ANY("TTL", ttl, "seconds"),
	TEXT("error", error, 0, 1024, "why not", IF_ANY));
#undef THIS

#define THIS etcd_lease_request
INNER(etcd_lease_request, NUMBER("ID", id, INT64_MIN, INT64_MAX, "of the lease", REQUIRED));
#undef THIS

#define THIS etcd_revoke_reply
SCHEMA(etcd_revoke_reply, HEADER);
#undef THIS

#define THIS etcd_keepalive_result
INNER(etcd_keepalive_result, HEADER,
	INT64_IF_ANY("ID", id, "of the lease"),
	INT64_IF_ANY("TTL", ttl, "seconds left; none: it has expired"));
#undef THIS

#define THIS etcd_keepalive_reply
SCHEMA(etcd_keepalive_reply,
	OBJECT("result", result, etcd_keepalive_result, "the first of the stream", REQUIRED));
#undef THIS

#define THIS etcd_range_request
SCHEMA(etcd_range_request,
	BASE64("key", key, 1, ETCD_KEY_MAX, "the first", REQUIRED),
	BASE64("range_end", range_end, 0, ETCD_KEY_MAX, "behind the last", IF_ANY),
	NUMBER("limit", limit, 1, ETCD_PAGE_MAX, "at most", REQUIRED),
	NUMBER("revision", revision, 0, INT64_MAX, "as the store was then; 0: now", REQUIRED));
#undef THIS

#define THIS etcd_item
SCHEMA(etcd_item,
	BASE64("key", key, 0, ETCD_KEY_MAX, "the key", REQUIRED),
	INT64_IF_ANY("create_revision", create_revision, "when it was made"),
	INT64_IF_ANY("mod_revision", mod_revision, "when it was changed last"),
	INT64_IF_ANY("version", version, "how often"),
	INT64_IF_ANY("lease", lease, "with which it goes"),
	BASE64("value", value, 0, ETCD_VALUE_MAX, "the value", IF_ANY));
#undef THIS

#define THIS etcd_range_reply
SCHEMA(etcd_range_reply, HEADER,
	LIST("kvs", kvs, 0, ETCD_PAGE_MAX, etcd_item, "in the keys' order", IF_ANY),
	BOOL_IF_ANY("more", more, "than the limit"),
	INT64_IF_ANY("count", count, "without a limit"));
#undef THIS

#define THIS etcd_compare
SCHEMA(etcd_compare,
	BASE64("key", key, 1, ETCD_KEY_MAX, "whose", REQUIRED),
	TEXT("target", target, 1, 16, "which revision", REQUIRED),
	TEXT("result", result, 1, 16, "EQUAL", REQUIRED),
	NUMBER("create_revision", created, 0, INT64_MAX, "0: there is none", OPTIONAL(has_created)),
	NUMBER("mod_revision", changed, 0, INT64_MAX, "0: there is none", OPTIONAL(has_changed)));
#undef THIS

#define THIS etcd_put_request
INNER(etcd_put_request,
	BASE64("key", key, 1, ETCD_KEY_MAX, "the key", REQUIRED),
	BASE64("value", value, 0, ETCD_VALUE_MAX, "the value", REQUIRED),
	NUMBER("lease", lease, INT64_MIN, INT64_MAX, "with which it goes; 0: none", REQUIRED));
#undef THIS

#define THIS etcd_put_op
SCHEMA(etcd_put_op, OBJECT("request_put", put, etcd_put_request, "a write", REQUIRED));
#undef THIS

#define THIS etcd_txn_request
SCHEMA(etcd_txn_request,
	LIST("compare", compare, 0, ETCD_PUTS_MAX, etcd_compare, "what must be so", REQUIRED),
	LIST("success", success, 0, ETCD_PUTS_MAX, etcd_put_op, "what is done then", REQUIRED));
#undef THIS

#define THIS etcd_put_reply
INNER(etcd_put_reply, HEADER);
#undef THIS

#define THIS etcd_op_reply
INNER(etcd_op_reply, OBJECT("response_put", put, etcd_put_reply, "of a write", REQUIRED));
#undef THIS

#define THIS etcd_txn_reply
SCHEMA(etcd_txn_reply, HEADER,
	BOOL_IF_ANY("succeeded", succeeded, "whether all was so"),
	LIST("responses", responses, 0, ETCD_PUTS_MAX, etcd_op_reply, "an answer each", IF_ANY));
#undef THIS

/* What is kept there are manifests and geneses, and several come in one answer. */
const struct api_row etcd_table[ETCD_API_COUNT] = {
	[ETCD_GRANT] = { "lease-grant", "POST", "/v3/lease/grant",
		.request = &etcd_grant_request_schema, .response = &etcd_grant_reply_schema,
		.response_max = API_ANSWER_MAX },
	[ETCD_KEEPALIVE] = { "lease-keepalive", "POST", "/v3/lease/keepalive",
		.request = &etcd_lease_request_schema, .response = &etcd_keepalive_reply_schema,
		.response_max = API_ANSWER_MAX },
	[ETCD_REVOKE] = { "lease-revoke", "POST", "/v3/lease/revoke",
		.request = &etcd_lease_request_schema, .response = &etcd_revoke_reply_schema,
		.response_max = API_ANSWER_MAX },
	[ETCD_RANGE] = { "range", "POST", "/v3/kv/range",
		.request = &etcd_range_request_schema, .response = &etcd_range_reply_schema,
		.response_max = WIRE_REPLY_TEXT_MAX },
	[ETCD_TXN] = { "txn", "POST", "/v3/kv/txn",
		.request = &etcd_txn_request_schema, .response = &etcd_txn_reply_schema,
		.response_max = WIRE_REPLY_TEXT_MAX },
};
/* clang-format on */
