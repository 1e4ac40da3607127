#include "orchestrate/sharing.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cluster/lease.h"
#include "cluster/match.h"
#include "orchestrate/believe.h"
#include "proto/manifest_diff.h"

#include <string.h>

/* Of a member's answer: then the next is asked. Of a short lease no more than lets two be asked in
 * the time of a turn. */
#define ETCD_TIMEOUT_MS 2000
#define SUFFIX          ".share"

static int64_t timeout_ms(const struct cluster *c)
{
	int64_t share = c->shared.lease_ms / (2 * LEASE_PARTS);

	return share < ETCD_TIMEOUT_MS ? share : ETCD_TIMEOUT_MS;
}

static int open_members(const struct cluster *c, char *const *urls, size_t count, struct etcd **ret,
                        struct err *e)
{
	const struct etcd_options options = { .urls = urls,
		                              .count = count,
		                              .ca_path = c->shared.ca,
		                              .cert_path = c->shared.cert,
		                              .key_path = c->shared.key,
		                              .timeout_ms = timeout_ms(c) };

	TRY(run_check_credentials("state", c->shared.ca, c->shared.cert, c->shared.key, e));
	return etcd_new(&options, ret, e);
}

int sharing_open(const struct cluster *c, struct etcd **ret, struct err *e)
{
	return open_members(c, c->shared.etcd, c->shared.etcd_count, ret, e);
}

/* --- the judge */

static int differs(const struct state *kept, const char *name, struct err *e)
{
	return err_reason(e, ERR_REFUSED, "genesis_output",
	                  "'%s' of '%s' is not what the genesis output has", name, kept->folder);
}

static int check_bytes(const struct state *kept, const char *name, const char *path,
                       struct view expected, struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(expected.len + 1);

	if (file_read_regular(path, &content, e) < 0)
		return e->code == ERR_DATA ? differs(kept, name, e) : -1;
	return view_equal(buf_view(&content), expected) ? 0 : differs(kept, name, e);
}

static bool is_members(const struct genesis_output *output, struct view alias)
{
	const struct encrypted_share *shares = output->member_outputs.items;

	for (size_t i = 0; i < output->member_outputs.count; i++)
		if (view_equal(buf_view(&shares[i].share_set_member.alias), alias))
			return true;
	return false;
}

/* One that the genesis has sealed to nobody. */
static int check_owner(void *context, const char *name, struct err *e)
{
	size_t len = strlen(name), tail = strlen(SUFFIX);

	if (len <= tail || strcmp(name + len - tail, SUFFIX) != 0 ||
	    is_members(context, view_new(name, len - tail)))
		return 0;
	return err_reason(e, ERR_REFUSED, "genesis_output",
	                  "'shares/%s' is of no member of the genesis", name);
}

static int check_shares(const struct state *kept, struct genesis_output *output, struct err *e)
{
	const struct encrypted_share *shares = output->member_outputs.items;
	AUTO(text) char *folder = NULL;

	for (size_t i = 0; i < output->member_outputs.count; i++) {
		const char *alias = buf_text(&shares[i].share_set_member.alias);
		AUTO(text) char *path = NULL;

		TRY(state_share_path(kept, alias, &path, e));
		TRY(check_bytes(kept, alias, path, buf_view(&shares[i].encrypted_quorum_key_share),
		                e));
	}
	TRY(state_path(kept, "shares", &folder, e));
	return folder_each(folder, folder, /* may_lack= */ false, check_owner, output, e);
}

/* What the state keeps beside what names it: copies of what the genesis output has. */
static int check_copies(const struct state *kept, const struct kept_genesis *g, struct err *e)
{
	static const char wrap[] = "dr_wrapped_quorum_key", key_name[] = "quorum_key.pub";
	AUTO(genesis_output) struct genesis_output output = { 0 };
	AUTO(text) char *wrap_path = NULL;
	AUTO(text) char *key_path = NULL;
	struct public_key key;

	TRY(state_path(kept, key_name, &key_path, e));
	TRY(public_key_read(key_path, &key, e));
	if (!public_key_equal(&key, &g->quorum_key))
		return differs(kept, key_name, e);
	/* Nothing here attests shares of a quorum that was born elsewhere: who opens one sees. */
	if (g->is_foreign)
		return 0;
	TRY(genesis_output_decode(buf_view(&g->output), &output, e));
	TRY(state_path(kept, wrap, &wrap_path, e));
	if (output.has_dr_wrap)
		TRY(check_bytes(kept, wrap, wrap_path, buf_view(&output.dr_key_wrapped_quorum_key),
		                e));
	else if (file_is_there(wrap_path))
		return differs(kept, wrap, e);
	return check_shares(kept, &output, e);
}

/* Our own file decides, as when a run settles its policy. */
static int believe(const struct cluster *c, const struct state *kept, const struct state *own,
                   const struct kept_genesis *g, struct err *e)
{
	AUTO(kept_manifests) struct kept_manifests older = { 0 };
	AUTO(buf) struct buf root = BUF_INIT(ROOT_CERTIFICATE_MAX);
	struct pcr_set pcrs;
	struct basis basis;

	TRY(cluster_root(c, own, &root, e));
	TRY(state_load_older(kept, g, &older, e));
	state_drop_strangers(g, &older);
	TRY(manifest_pcrs(&g->envelope.manifest, &pcrs, e));
	TRY(policy_check_pins(c, &pcrs, e));
	basis = (struct basis){ .cluster = c, .root = buf_view(&root), .pcrs = &pcrs };
	return believe_kept(&basis, g, &older, e);
}

/* A manifest that follows from the one that is current here, by its set's approvals. */
static int check_follows(const struct state *own, const struct kept_genesis *next, struct err *e)
{
	AUTO(kept_genesis) struct kept_genesis g = { 0 };
	bool is_found = false;

	TRY(state_load_genesis(own, &is_found, &g, e));
	if (!is_found)
		return 0;
	if (g.is_foreign != next->is_foreign)
		return err_reason(e, ERR_REFUSED, "genesis_output",
		                  "one of the two manifests has a genesis, and the other has none");
	if (view_equal(VIEW_OF(g.manifest_hash.bytes), VIEW_OF(next->manifest_hash.bytes)))
		return 0;
	return manifest_check_successor(&g.envelope.manifest, &next->envelope, e);
}

/* Where nothing is kept yet, what comes is believed for the cluster file alone: that must say whose
 * it is, and where nobody has approved the manifest, what it measures. */
static int check_first(const struct cluster *c, const struct state *own,
                       const struct kept_genesis *first, struct err *e)
{
	AUTO(kept_genesis) struct kept_genesis g = { 0 };
	AUTO(member_set) struct member_set share_set = { 0 };
	AUTO(member_set) struct member_set manifest_set = { 0 };
	bool is_found = false;

	TRY(state_load_genesis(own, &is_found, &g, e));
	if (is_found)
		return 0;
	if (cluster_member_set(&c->quorum.members, &share_set, e) == 0 &&
	    cluster_member_set(&c->manifest_set, &manifest_set, e) == 0 &&
	    (believe_is_adopted(&first->envelope) ||
	     policy_check_expected(c, &first->envelope.manifest, e) == 0))
		return 0;
	e->code = ERR_REFUSED;
	return err_wrap(e, "the first state is taken from etcd only where each member's public key "
	                   "and the image or its pins are here");
}

static int judge(const void *context, const struct state *kept, const struct state *own,
                 struct err *e)
{
	AUTO(kept_genesis) struct kept_genesis g = { 0 };
	bool is_found = false;

	TRY(state_load_genesis(kept, &is_found, &g, e));
	if (!is_found)
		return err_set(e, ERR_DATA, "'%s' names no manifest", kept->folder);
	TRY(check_copies(kept, &g, e));
	if (kept != own)
		TRY(check_first(context, own, &g, e));
	TRY(believe(context, kept, own, &g, e));
	return kept == own ? 0 : check_follows(own, &g, e);
}

/* --- its moves */

static int place_of(const struct cluster *c, struct etcd *etcd, struct buf *prefix,
                    int interrupt_fd, struct shared_place *ret, struct err *e)
{
	TRY(buf_add_format(prefix, e, "teectl/%s/state/", c->name));
	*ret = (struct shared_place){ .etcd = etcd,
		                      .prefix = buf_text(prefix),
		                      .judge = { judge, c },
		                      .interrupt_fd = interrupt_fd };
	return 0;
}

int sharing_sync(const struct sharing *s, struct err *e)
{
	AUTO(buf) struct buf prefix = BUF_INIT(ETCD_KEY_MAX);
	struct shared_place place;
	enum shared_move done;

	TRY(place_of(s->cluster, s->etcd, &prefix, s->interrupt_fd, &place, e));
	return shared_sync(&place, s->cluster, s->state_folder, &done, e);
}

int sharing_push(const struct cluster *c, const struct state *state, int interrupt_fd,
                 struct err *e)
{
	AUTO(etcd) struct etcd *etcd = NULL;
	AUTO(buf) struct buf prefix = BUF_INIT(ETCD_KEY_MAX);
	struct shared_place place;

	if (c->shared.etcd_count == 0)
		return 0;
	TRY(sharing_open(c, &etcd, e));
	TRY(place_of(c, etcd, &prefix, interrupt_fd, &place, e));
	return shared_push(&place, state, e);
}

int sharing_ask(const struct cluster *c, size_t member, int interrupt_fd, struct err *e)
{
	AUTO(etcd) struct etcd *etcd = NULL;
	AUTO(buf) struct buf key = BUF_INIT(ETCD_KEY_MAX);
	AUTO(etcd_list) struct wire_list found = { 0 };

	TRY(open_members(c, &c->shared.etcd[member], 1, &etcd, e));
	TRY(buf_add_format(&key, e, "teectl/%s/leader", c->name));
	etcd_limit(etcd, clock_monotonic_ms() + timeout_ms(c), interrupt_fd);
	return etcd_get(etcd, buf_text(&key), /* is_prefix= */ false, &found, e);
}
