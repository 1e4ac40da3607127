#include "cluster/lease.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define SECOND_MS 1000

int lease_open(struct etcd *etcd, const char *key, const char *own, int64_t ttl_ms,
               int interrupt_fd, struct lease *ret, struct err *e)
{
	struct lease l = { .etcd = etcd, .ttl_ms = ttl_ms, .interrupt_fd = interrupt_fd };

	if (strlen(own) >= sizeof(l.own))
		return err_set(e, ERR_DATA, "lease: a holder's name of %zu bytes, at most %zu",
		               strlen(own), sizeof(l.own) - 1);
	memcpy(l.own, own, strlen(own) + 1);
	TRY(text_dup(key, &l.key, e));
	*ret = l;
	return 0;
}

/* No question of etcd takes longer than until the next is due. */
static void limit(const struct lease *l, int interrupt_fd)
{
	etcd_limit(l->etcd, clock_monotonic_ms() + l->ttl_ms / LEASE_PARTS, interrupt_fd);
}

static void give_way(struct lease *l)
{
	l->id = l->revision = 0;
}

void lease_yield(struct lease *l)
{
	struct err ignored;

	/* Where it can't be given up, it runs out. The user has ended it, and waits no longer. */
	if (l->id) {
		limit(l, /* interrupt_fd= */ -1);
		(void)!etcd_lease_revoke(l->etcd, l->id, &ignored);
	}
	give_way(l);
}

void lease_drop(struct lease *l)
{
	lease_yield(l);
	text_drop(&l->key);
	*l = (struct lease){ 0 };
}

bool lease_leads(const struct lease *l, int64_t now_ms)
{
	return l->revision && now_ms < l->until_ms;
}

enum lease_move lease_next(const struct lease *l, int64_t now_ms)
{
	if (l->revision && now_ms >= l->until_ms)
		return LEASE_EXPIRE;
	if (now_ms < l->due_ms)
		return LEASE_REST;
	return l->revision ? LEASE_RENEW : LEASE_CAMPAIGN;
}

/* Whoever made the key leads. One whose answer was lost finds its own lease there. */
static int find_holder(struct lease *l, int64_t asked_ms, struct err *e)
{
	AUTO(etcd_list) struct wire_list items = { 0 };
	const struct etcd_item *item;

	TRY(etcd_get(l->etcd, l->key, /* is_prefix= */ false, &items, e));
	item = items.items;
	l->holder[0] = 0;
	l->revision = 0;
	if (items.count) {
		snprintf(l->holder, sizeof(l->holder), "%s", buf_text(&item->value));
		if (item->lease == l->id && l->id)
			l->revision = item->create_revision;
	}
	if (l->revision)
		l->until_ms = asked_ms + l->ttl_ms;
	return 0;
}

static int renew(struct lease *l, int64_t asked_ms, struct err *e)
{
	int64_t ttl_s = 0;

	TRY(etcd_lease_keepalive(l->etcd, l->id, &ttl_s, e));
	if (ttl_s <= 0)
		give_way(l);
	else if (l->revision)
		l->until_ms = asked_ms + l->ttl_ms;
	return 0;
}

static int campaign(struct lease *l, int64_t asked_ms, struct err *e)
{
	const struct etcd_condition is_free = { l->key, ETCD_CREATED, 0 };
	struct etcd_put put = { l->key, view_text(l->own), 0 };
	bool is_done = false;

	if (l->id)
		TRY(renew(l, asked_ms, e));
	if (!l->id)
		TRY(etcd_lease_grant(l->etcd, (l->ttl_ms + SECOND_MS - 1) / SECOND_MS, &l->id, e));
	put.lease = l->id;
	TRY(etcd_put_if(l->etcd, &is_free, 1, &put, 1, &is_done, e));
	return find_holder(l, asked_ms, e);
}

static int make_move(struct lease *l, enum lease_move move, int64_t now, struct err *e)
{
	l->due_ms = now + l->ttl_ms / LEASE_PARTS;
	limit(l, l->interrupt_fd);
	if (move == LEASE_RENEW)
		return renew(l, now, e);
	if (move == LEASE_EXPIRE)
		give_way(l);
	return campaign(l, now, e);
}

int lease_turn(struct lease *l, struct err *e)
{
	int64_t now = clock_since_boot_ms();
	enum lease_move move = lease_next(l, now);

	if (move == LEASE_REST)
		return 0;
	l->is_unanswered = make_move(l, move, now, e) < 0;
	return l->is_unanswered ? -1 : 0;
}

int lease_check(struct lease *l, struct err *e)
{
	const struct etcd_condition is_own = { l->key, ETCD_CREATED, l->revision };
	bool is_so = false;

	if (lease_leads(l, clock_since_boot_ms())) {
		limit(l, /* interrupt_fd= */ -1);
		TRY(etcd_put_if(l->etcd, &is_own, 1, NULL, 0, &is_so, e));
	}
	/* An answer may be older than the lease: this process stood still, or the network did. */
	if (is_so && lease_leads(l, clock_since_boot_ms()))
		return 0;
	give_way(l);
	return err_reason(e, ERR_TRY_AGAIN, LEASE_LOST,
	                  "another watcher may lead now: its lease of '%s' is gone", l->key);
}
