/* Several watchers: one leads and heals, by a lease in etcd; the others look, and wait for its end.
 */
#include "base/clock.h"
#include "base/text.h"
#include "orchestrate/sharing.h"
#include "orchestrate/watch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A host's name and a pid tell people who leads; the lease tells watchers. */
static void name_self(char to[static LEASE_HOLDER_MAX])
{
	char host[256] = "";

	(void)gethostname(host, sizeof(host) - 1);
	snprintf(to, LEASE_HOLDER_MAX, "%s, pid %d", host, (int)getpid());
}

int watch_lead_open(struct watch *w, struct err *e)
{
	const struct cluster *c = w->cluster;
	AUTO(buf) struct buf leader = BUF_INIT(ETCD_KEY_MAX);
	char own[LEASE_HOLDER_MAX];

	w->is_leader = c->shared.etcd_count == 0;
	if (w->is_leader)
		return 0;
	name_self(own);
	TRY(buf_add_format(&leader, e, "teectl/%s/leader", c->name));
	TRY(sharing_open(c, &w->etcd, e));
	return lease_open(w->etcd, buf_text(&leader), own, c->shared.lease_ms,
	                  w->options.run.interrupt_fd, &w->lease, e);
}

void watch_lead_drop(struct watch *w)
{
	lease_drop(&w->lease);
	etcd_drop(&w->etcd);
}

/* told: the last of its kind. What fails again in the same way is no news. */
static void tell_trouble(struct watch *w, char told[static ERR_TEXT_MAX], const struct err *why)
{
	/* The user ends it: whoever waits for that descriptor next does what is to be done. */
	if (why->code == ERR_INTERRUPTED || strcmp(told, why->text) == 0)
		return;
	snprintf(told, ERR_TEXT_MAX, "%s", why->text);
	watch_tell_event(w, &(struct watch_event){ .kind = WATCH_FAILED, .text = why->text });
}

/* One that this state folder launched, and nobody has stopped. */
static bool is_own(const struct watch *w, size_t node)
{
	struct local_node local;
	struct err ignored;

	return w->cluster->nodes[node].listen &&
	       launcher_look(&w->run.state, &w->cluster->nodes[node], &local, &ignored) == 0 &&
	       local.pid;
}

/* Nodes of this machine that another state folder launched: what this one launched in their place
 * would be other TEEs. It stays so until one runs from here. */
static void find_strangers(struct watch *w)
{
	size_t strays = 0, own = 0, first = 0;

	for (size_t i = 0; i < w->run.seen.count; i++)
		if (w->run.seen.nodes[i].presence == NODE_STRAY && strays++ == 0)
			first = i;
	for (size_t i = 0; i < w->run.seen.count && (strays || w->strangers[0]); i++)
		own += is_own(w, i);
	if (own)
		w->strangers[0] = 0;
	else if (strays == 1)
		snprintf(w->strangers, sizeof(w->strangers),
		         "%s was launched from another state folder: watch with that one, or name "
		         "the node by its `url`",
		         w->cluster->nodes[first].name);
	else if (strays)
		snprintf(w->strangers, sizeof(w->strangers),
		         "%s and %zu more were launched from another state folder: watch with "
		         "that one, or name the nodes by their `url`",
		         w->cluster->nodes[first].name, strays - 1);
}

/* Why this watcher can heal nothing, also when it leads; NULL: it can. */
static const char *why_unable(const struct watch *w)
{
	if (w->rootless[0])
		return w->rootless;
	return w->strangers[0] ? w->strangers : NULL;
}

static void tell_leader(struct watch *w)
{
	const char *unable = why_unable(w);
	bool leads = lease_leads(&w->lease, clock_since_boot_ms());
	char text[sizeof(w->told_leader)];

	w->is_leader = leads;
	if (unable)
		snprintf(text, sizeof(text), "can't heal, and leaves that to others: %s", unable);
	else if (leads)
		snprintf(text, sizeof(text), "leads");
	else
		snprintf(text, sizeof(text), "follows %s",
		         w->lease.is_unanswered ? "nobody: etcd does not answer"
		         : w->lease.holder[0]   ? w->lease.holder
		                                : "nobody");
	if (strcmp(text, w->told_leader) == 0)
		return;
	memcpy(w->told_leader, text, sizeof(text));
	watch_tell_event(w, &(struct watch_event){ .kind = WATCH_LEADER, .text = text });
}

/* Before the first look it is not known whether it could heal. */
void watch_lead_turn(struct watch *w)
{
	struct err e;

	if (!w->etcd || !w->run.seen.count)
		return;
	find_strangers(w);
	if (why_unable(w))
		lease_yield(&w->lease);
	else if (lease_turn(&w->lease, &e) < 0)
		tell_trouble(w, w->told_lease, &e);
	else if (!w->lease.is_unanswered) /* it may not have been its time to ask */
		w->told_lease[0] = 0;
	tell_leader(w);
}

/* Followers too: one that knows of a genesis, or of a manifest, may be the first. */
void watch_lead_sync(struct watch *w)
{
	const struct sharing sharing = { .cluster = w->cluster,
		                         .etcd = w->etcd,
		                         .state_folder = w->options.run.state_folder,
		                         .interrupt_fd = w->options.run.interrupt_fd };
	struct err e;
	bool failed;

	if (!w->etcd)
		return;
	failed = sharing_sync(&sharing, &e) < 0;
	if (!failed)
		w->told_sync[0] = w->rootless[0] = 0;
	else if (strcmp(e.reason, STATE_NO_ROOT) == 0)
		snprintf(
		    w->rootless, sizeof(w->rootless),
		    "%.300s: watch with the state folder that has it, or name a copy of the root "
		    "(attestation: root: FILE)",
		    e.text);
	else
		tell_trouble(w, w->told_sync, &e);
}

int watch_lead_judge(const struct watch *w, struct err *e)
{
	if (!w->etcd || w->is_leader || why_unable(w) || !w->lease.is_unanswered)
		return 0;
	return err_reason(
	    e, ERR_UNREACHABLE, "etcd",
	    "etcd does not answer, so nobody is known to lead and nothing was healed: "
	    "%s",
	    w->told_lease);
}

int watch_lead_may(void *context, bool is_step, struct err *e)
{
	struct watch *w = context;

	watch_lead_turn(w);
	if (is_step)
		return lease_check(&w->lease, e);
	if (w->is_leader)
		return 0;
	return err_reason(e, ERR_TRY_AGAIN, LEASE_LOST, "this watcher leads no more");
}

void watch_lead_on_turn(void *context)
{
	watch_lead_turn(context);
}

int64_t watch_lead_wait_ms(const struct watch *w)
{
	int64_t wait = w->lease.due_ms - clock_since_boot_ms();

	if (!w->etcd)
		return INT64_MAX;
	return wait > 0 ? wait : 0;
}
