/* Leadership among several watchers: who holds the key in etcd leads, for as long as the lease
 * lives that the key goes with. Every change is fenced by it: before a step begins etcd is asked
 * whether the key is still the one that this watcher made (its create_revision), and between two
 * questions the own clock says until when it can't be another's. */
#ifndef TEECTL_CLUSTER_LEASE_H
#define TEECTL_CLUSTER_LEASE_H

#include "client/etcd.h"

#define LEASE_HOLDER_MAX 320 /* a host's name and a pid */

/* Renewed, or tried for, three times in its life: one answer may be lost. */
#define LEASE_PARTS 3

#define LEASE_LOST  "lease" /* the reason of the ERR_TRY_AGAIN of who leads no more */

struct lease {
	struct etcd *etcd; /* borrowed */
	char *key;
	char own[LEASE_HOLDER_MAX], holder[LEASE_HOLDER_MAX]; /* holder: as last seen */
	int64_t ttl_ms;
	int interrupt_fd;
	int64_t id;         /* of etcd's lease; 0: none */
	int64_t revision;   /* the key's create_revision while this one leads; 0: it follows */
	bool is_unanswered; /* the last turn's question: holder may be so no more */
	/* By clock_since_boot_ms, since etcd's clock goes on while this machine is suspended;
	 * counted from when it was asked: etcd's own count began later. */
	int64_t until_ms; /* it leads, at most */
	int64_t due_ms;   /* the next question */
};

/* key, own      copied; own: at most LEASE_HOLDER_MAX - 1 bytes, else ERR_DATA
 * ttl_ms        at least 1; etcd counts in seconds, and is asked for what is not less
 * interrupt_fd  readable: the user wants to stop, and a turn ends with ERR_INTERRUPTED; -1: none.
 *               It is not read from. */
MUST_CHECK int lease_open(struct etcd *etcd, const char *key, const char *own, int64_t ttl_ms,
                          int interrupt_fd, struct lease *ret, struct err *e);
/* Gives it up, so that another need not wait for its end. Takes as long as a turn. */
void lease_drop(struct lease *l);

/* The same, and it can be tried for again. */
void lease_yield(struct lease *l);

enum lease_move {
	LEASE_REST,    /* nothing is due */
	LEASE_RENEW,   /* it leads, and its lease wants to be renewed */
	LEASE_EXPIRE,  /* it led, and its lease has run out */
	LEASE_CAMPAIGN /* it follows, and tries */
};
/* Pure. now_ms: clock_since_boot_ms() */
enum lease_move lease_next(const struct lease *l, int64_t now_ms);
bool lease_leads(const struct lease *l, int64_t now_ms);

/* Makes the move that is due, in the time until the next is: ttl_ms / LEASE_PARTS. That etcd does
 * not answer is a failure, and who leads does so until its time is up. */
MUST_CHECK int lease_turn(struct lease *l, struct err *e);
/* Before a change: does etcd say that it leads, and the clock still when the answer is here? Takes
 * no longer than a turn.
 * fails  ERR_TRY_AGAIN, reason LEASE_LOST: no; else etcd did not answer */
MUST_CHECK int lease_check(struct lease *l, struct err *e);

#endif
