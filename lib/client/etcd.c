#include "client/etcd.h"

#include "base/clock.h"
#include "client/client.h"
#include "client/etcd_message.h"

#include <stdlib.h>
#include <string.h>

/* A member that takes a question and says nothing holds up whoever asks: what is only asked goes to
 * the next after this part of a member's time. The last has all of it. */
#define HEDGE_PARTS 4

struct etcd {
	struct client *client;
	struct etcd_options options;
	size_t member; /* that gave the last answer */
	bool is_slow;  /* and took longer than a hedge for it: it is given its time */
	int64_t deadline_ms;
	int interrupt_fd;
};

void etcd_drop(struct etcd **etcd)
{
	if (!*etcd)
		return;
	client_drop(&(*etcd)->client);
	free(*etcd);
	*etcd = NULL;
}

int etcd_new(const struct etcd_options *options, struct etcd **ret, struct err *e)
{
	const struct client_options own = {
		.ca_path = options->ca_path,
		.cert_path = options->cert_path,
		.key_path = options->key_path,
		.connect_timeout_ms = options->timeout_ms,
		.request_timeout_ms = options->timeout_ms,
		.attempts = 1, /* the next member is the next attempt */
	};
	AUTO(etcd) struct etcd *etcd = calloc(1, sizeof(*etcd));

	if (!etcd)
		return err_set(e, ERR_INTERNAL, "no memory for etcd's client");
	etcd->options = *options;
	etcd_limit(etcd, INT64_MAX, /* interrupt_fd= */ -1);
	TRY(client_new(&own, &etcd->client, e));
	*ret = MOVE(etcd);
	return 0;
}

void etcd_limit(struct etcd *etcd, int64_t deadline_ms, int interrupt_fd)
{
	etcd->deadline_ms = deadline_ms;
	etcd->interrupt_fd = interrupt_fd;
}

static bool is_too_long(const struct err *failure)
{
	return strcmp(failure->reason, CLIENT_TOO_LONG) == 0;
}

/* Is it the member's fault, so that another may answer? One that has lost its leader answers 503.
 */
static bool is_members(const struct err *failure)
{
	return (failure->code == ERR_UNREACHABLE && !is_too_long(failure)) ||
	       failure->code == ERR_TRY_AGAIN || failure->code == ERR_UNAVAILABLE;
}

static int64_t hedge_ms(const struct etcd *etcd)
{
	return (etcd->options.timeout_ms + HEDGE_PARTS - 1) / HEDGE_PARTS;
}

/* is_hedged: another can be asked, and it does no harm that both have heard it. */
static int ask_member(struct etcd *etcd, bool is_hedged, struct client_exchange *x, void *ret_reply,
                      struct err *e)
{
	int64_t began_ms = clock_monotonic_ms();
	bool is_short = is_hedged && !etcd->is_slow;
	int64_t end_ms = began_ms + (is_short ? hedge_ms(etcd) : etcd->options.timeout_ms);
	int failed;

	x->url = etcd->options.urls[etcd->member];
	failed = client_call_until(etcd->client, x,
	                           end_ms < etcd->deadline_ms ? end_ms : etcd->deadline_ms,
	                           etcd->interrupt_fd, ret_reply, e);
	etcd->is_slow = !failed && clock_monotonic_ms() - began_ms > hedge_ms(etcd);
	return failed;
}

/* The members one after the other, while there is time. is_once: only until one may have heard it.
 */
static int call(struct etcd *etcd, enum etcd_api api, bool is_once, const void *request,
                void *ret_reply, struct err *e)
{
	bool is_sent = false;
	struct client_exchange x = { .node = "etcd",
		                     .row = &etcd_table[api],
		                     .request = request,
		                     .ret_is_sent = is_once ? &is_sent : NULL };

	for (size_t i = 0; i < etcd->options.count; i++) {
		bool is_last = i + 1 == etcd->options.count;

		if (ask_member(etcd, !is_once && !is_last, &x, ret_reply, e) == 0)
			return 0;
		if (!is_members(e))
			return -1;
		etcd->member = (etcd->member + 1) % etcd->options.count;
		if (is_sent || clock_monotonic_ms() >= etcd->deadline_ms)
			return -1;
	}
	return -1;
}

static int ask(struct etcd *etcd, enum etcd_api api, const void *request, void *ret_reply,
               struct err *e)
{
	return call(etcd, api, /* is_once= */ false, request, ret_reply, e);
}

int etcd_lease_grant(struct etcd *etcd, int64_t ttl_s, int64_t *ret_id, struct err *e)
{
	const struct etcd_grant_request q = { .ttl = ttl_s };
	AUTO(etcd_grant_reply) struct etcd_grant_reply reply = { 0 };

	TRY(ask(etcd, ETCD_GRANT, &q, &reply, e));
	if (reply.id == 0)
		return err_set(e, ERR_UNREACHABLE, "etcd: lease-grant: no lease was given");
	*ret_id = reply.id;
	return 0;
}

int etcd_lease_keepalive(struct etcd *etcd, int64_t id, int64_t *ret_ttl_s, struct err *e)
{
	const struct etcd_lease_request q = { .id = id };
	AUTO(etcd_keepalive_reply) struct etcd_keepalive_reply reply = { 0 };

	TRY(ask(etcd, ETCD_KEEPALIVE, &q, &reply, e));
	*ret_ttl_s = reply.result.ttl;
	return 0;
}

int etcd_lease_revoke(struct etcd *etcd, int64_t id, struct err *e)
{
	const struct etcd_lease_request q = { .id = id };
	AUTO(etcd_revoke_reply) struct etcd_revoke_reply reply = { 0 };

	return ask(etcd, ETCD_REVOKE, &q, &reply, e);
}

/* The first key behind all that begin with this one, which is text: its last byte is not 0xff. */
static int set_end(struct buf *end, struct view key, struct err *e)
{
	TRY(wire_set(end, key, e));
	end->data[end->len - 1]++;
	return 0;
}

/* One page; of long values a shorter one. */
static int get_page(struct etcd *etcd, struct etcd_range_request *q, struct etcd_range_reply *ret,
                    struct err *e)
{
	while (ask(etcd, ETCD_RANGE, q, ret, e) < 0) {
		if (!is_too_long(e) || q->limit == 1)
			return -1;
		q->limit /= 2;
	}
	return 0;
}

/* What was found so far. */
struct found {
	struct wire_list items;
	size_t bytes;
};

static void found_drop(struct found *f)
{
	wire_list_release(&etcd_item_schema, &f->items);
}

static int take_page(struct found *to, struct wire_list *page, struct err *e)
{
	struct etcd_item *from = page->items, *item;

	for (size_t i = 0; i < page->count; i++) {
		if (to->items.count == ETCD_ITEMS_MAX ||
		    from[i].value.len > ETCD_BYTES_MAX - to->bytes)
			return err_set(e, ERR_DATA,
			               "etcd: more than %d keys, or %u bytes, begin as '%s' does",
			               ETCD_ITEMS_MAX, ETCD_BYTES_MAX, buf_text(&from[i].key));
		to->bytes += from[i].value.len;
		TRY(wire_list_add(&to->items, &etcd_item_schema, &item, e));
		*item = MOVE(from[i]);
	}
	return 0;
}

/* The next page begins behind the last key, at the same moment. */
static int turn_page(struct etcd_range_request *q, const struct etcd_range_reply *reply,
                     struct err *e)
{
	const struct etcd_item *items = reply->kvs.items;
	AUTO(buf) struct buf next = BUF_INIT(ETCD_KEY_MAX);

	if (reply->kvs.count == 0 || reply->header.revision <= 0)
		return err_set(e, ERR_UNREACHABLE, "etcd: range: there is more, and no way to it");
	q->revision = q->revision ? q->revision : reply->header.revision;
	TRY(buf_add(&next, buf_view(&items[reply->kvs.count - 1].key), e));
	TRY(buf_add(&next, view_new("", 1), e));
	return wire_set(&q->key, buf_view(&next), e);
}

static int get_all(struct etcd *etcd, struct etcd_range_request *q, struct found *found,
                   struct err *e)
{
	bool has_more = true;

	while (has_more) {
		AUTO(etcd_range_reply) struct etcd_range_reply reply = { 0 };

		TRY(get_page(etcd, q, &reply, e));
		has_more = reply.more;
		if (has_more)
			TRY(turn_page(q, &reply, e));
		TRY(take_page(found, &reply.kvs, e));
	}
	return 0;
}

int etcd_get(struct etcd *etcd, const char *key, bool is_prefix, struct wire_list *ret,
             struct err *e)
{
	AUTO(etcd_range_request) struct etcd_range_request q = { .limit = ETCD_PAGE_MAX };
	AUTO(found) struct found found = { 0 };

	if (!*key)
		return err_set(e, ERR_DATA, "etcd: a key without a letter is none");
	TRY(wire_set_text(&q.key, key, e));
	if (is_prefix)
		TRY(set_end(&q.range_end, view_text(key), e));
	TRY(get_all(etcd, &q, &found, e));
	*ret = MOVE(found.items);
	return 0;
}

static int add_condition(const struct etcd_condition *from, struct wire_list *to, struct err *e)
{
	struct etcd_compare *c;

	TRY(wire_list_add(to, &etcd_compare_schema, &c, e));
	TRY(wire_set_text(&c->key, from->key, e));
	TRY(wire_set_text(&c->target, from->which == ETCD_CREATED ? "CREATE" : "MOD", e));
	TRY(wire_set_text(&c->result, "EQUAL", e));
	c->has_created = from->which == ETCD_CREATED;
	c->has_changed = !c->has_created;
	c->created = c->changed = from->revision;
	return 0;
}

static int add_put(const struct etcd_put *from, struct wire_list *to, struct err *e)
{
	struct etcd_put_op *op;

	TRY(wire_list_add(to, &etcd_put_op_schema, &op, e));
	TRY(wire_set_text(&op->put.key, from->key, e));
	op->put.lease = from->lease;
	return wire_set(&op->put.value, from->value, e);
}

int etcd_put_if(struct etcd *etcd, const struct etcd_condition *conditions, size_t count,
                const struct etcd_put *writes, size_t put_count, bool *ret_done, struct err *e)
{
	AUTO(etcd_txn_request) struct etcd_txn_request q = { 0 };
	AUTO(etcd_txn_reply) struct etcd_txn_reply reply = { 0 };

	if (count > ETCD_PUTS_MAX || put_count > ETCD_PUTS_MAX)
		return err_set(e, ERR_DATA, "etcd: more than %d conditions or writes at once",
		               ETCD_PUTS_MAX);
	for (size_t i = 0; i < count; i++)
		TRY(add_condition(&conditions[i], &q.compare, e));
	for (size_t i = 0; i < put_count; i++)
		TRY(add_put(&writes[i], &q.success, e));
	TRY(call(etcd, ETCD_TXN, /* is_once= */ put_count > 0, &q, &reply, e));
	*ret_done = reply.succeeded;
	return 0;
}
