#include "cluster/state.h"

#include "attest/document.h"
#include "base/file.h"
#include "base/file_guard.h"
#include "base/text.h"
#include "proto/manifest_diff.h"
#include "crypto/shamir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOLDER_MAX   128 /* "PID VERB" in the lock file */
#define NAME_MAX_LEN 512

/* Written last, so that a genesis is kept whole or not at all: in hex, a line each, the manifest's
 * hash, and SHA-256 of output and document; of a foreign quorum the first line alone. */
#define CURRENT     "manifest.current"
#define OUTPUT      "genesis_output"
#define DOCUMENT    "genesis_attestation_doc"
#define DR_WRAP     "dr_wrapped_quorum_key"
#define QUORUM_KEY  "quorum_key.pub"
#define ASKED       "genesis.asked"
#define LOCK        "lock"

#define HASH_LINE   (2 * (int)sizeof(struct hash256) + 1)
#define CURRENT_MAX (3 * HASH_LINE)

int state_path(const struct state *s, const char *name, char **ret, struct err *e)
{
	return path_join(s->folder, name, ret, e);
}

/* What is there of it leads to the rest, whatever spelling was given. A folder that was removed
 * while someone is in it has no path. */
static int find_whole(const char *path, char **ret, struct err *e)
{
	AUTO(text) char *there = NULL;
	AUTO(text) char *above = NULL;
	const char *slash = strrchr(path, '/');

	there = realpath(path, NULL);
	if (there) {
		*ret = MOVE(there);
		return 0;
	}
	if (!path[0] || slash == path || strcmp(path, ".") == 0)
		return text_dup(path, ret, e);
	TRY(path_folder(path, &above, e));
	TRY(find_whole(above, &there, e));
	return path_join(there, slash ? slash + 1 : path, ret, e);
}

int state_whole_path(const struct state *s, const char *name, char **ret, struct err *e)
{
	AUTO(text) char *path = NULL;

	TRY(state_path(s, name, &path, e));
	return find_whole(path, ret, e);
}

void state_drop(struct state *s)
{
	text_drop(&s->folder);
	fd_drop(&s->lock);
}

static int default_folder(const struct cluster *c, char **ret, struct err *e)
{
	AUTO(text) char *states = NULL;

	TRY(path_join(c->folder, ".teectl", &states, e));
	return path_join(states, c->name, ret, e);
}

static int write_holder(int lock, const char *path, const char *verb, struct err *e)
{
	AUTO(buf) struct buf holder = BUF_INIT(HOLDER_MAX);

	TRY(buf_add_format(&holder, e, "pid %d: %s\n", (int)getpid(), verb));
	if (ftruncate(lock, 0) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", path);
	return fd_write(lock, path, buf_view(&holder), e);
}

/* As write_holder names it. */
static bool is_watch(struct view holder)
{
	struct view end = view_text(": watch");

	return holder.len > end.len &&
	       view_equal(view_new(holder.data + holder.len - end.len, end.len), end);
}

/* Between taking the lock and saying who it is, a run has no name yet. */
static int refuse_locked(const struct state *s, const char *path, struct err *e)
{
	AUTO(buf) struct buf holder = BUF_INIT(HOLDER_MAX);
	struct view name = { 0 };
	struct err ignored;

	if (file_read_regular(path, &holder, &ignored) == 0)
		name = text_trim(buf_view(&holder));
	if (name.len == 0)
		name = view_text("starting");
	(void)err_reason(e, ERR_TRY_AGAIN, STATE_LOCKED, "'%s' is in use by another run (%.*s)",
	                 s->folder, (int)name.len, (const char *)name.data);
	return err_mark(is_watch(name) ? STATE_HEALING : NULL, e);
}

static int take_lock(struct state *s, const char *verb, struct err *e)
{
	AUTO(text) char *path = NULL;

	TRY(state_path(s, LOCK, &path, e));
	if (file_lock(path, /* patience_ms= */ 0, &s->lock, e) == 0)
		return write_holder(s->lock, path, verb, e);
	if (e->code != ERR_TRY_AGAIN)
		return -1;
	return refuse_locked(s, path, e);
}

/* What runs that were killed while they wrote have left. */
static void sweep(const struct state *s)
{
	static const char *const folders[] = { "pids", "pki", "shares", STATE_MANIFESTS };
	struct err ignored;

	folder_sweep(s->folder);
	for (size_t i = 0; i < COUNT(folders); i++) {
		AUTO(text) char *path = NULL;

		if (state_path(s, folders[i], &path, &ignored) == 0)
			folder_sweep(path);
	}
}

int state_open(const struct cluster *c, const char *folder_or_null, bool to_change,
               const char *verb, struct state *ret, struct err *e)
{
	AUTO(state) struct state s = { .lock = -1 };
	bool is_there = true; /* or to be made */

	if (folder_or_null)
		TRY(text_dup(folder_or_null, &s.folder, e));
	else
		TRY(default_folder(c, &s.folder, e));
	/* Who looks makes nothing, but does not believe a folder that others may write to either.
	 */
	if (!to_change)
		TRY(file_look(s.folder, &is_there, e));
	if (is_there)
		TRY(folder_make_private(s.folder, e));
	else
		TRY(path_check_guarded(s.folder, "state", e));
	if (to_change)
		TRY(take_lock(&s, verb, e));
	if (to_change)
		sweep(&s);
	*ret = s;
	s = (struct state){ .lock = -1 };
	return 0;
}

int state_is_locked(const struct state *s, bool *ret, struct err *e)
{
	AUTO(text) char *path = NULL;
	bool is_there;

	TRY(state_path(s, LOCK, &path, e));
	TRY(file_look(path, &is_there, e));
	*ret = is_there && file_is_locked(path);
	return 0;
}

void state_name_holder(const struct state *s, struct err *ret)
{
	AUTO(text) char *path = NULL;

	if (state_path(s, LOCK, &path, ret) == 0)
		(void)refuse_locked(s, path, ret);
}

/* --- files of the folder */

static int write_file(const struct state *s, const char *name, struct view content, struct err *e)
{
	AUTO(text) char *path = NULL;

	TRY(state_path(s, name, &path, e));
	return file_write(path, content, 0600, e);
}

static int read_file(const struct state *s, const char *name, struct buf *to, struct err *e)
{
	AUTO(text) char *path = NULL;

	TRY(state_path(s, name, &path, e));
	return file_read_regular(path, to, e);
}

int state_make_folder(const struct state *s, const char *name, struct err *e)
{
	AUTO(text) char *path = NULL;

	TRY(state_path(s, name, &path, e));
	return folder_make_inner(path, e);
}

static int has_file(const struct state *s, const char *name, bool *ret, struct err *e)
{
	AUTO(text) char *path = NULL;

	TRY(state_path(s, name, &path, e));
	return file_look(path, ret, e);
}

int state_share_path(const struct state *s, const char *member, char **ret, struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(NAME_MAX_LEN);

	/* The cluster file's names are file names; an enclave's word need not be. */
	if (!*member || *member == '.' || strchr(member, '/'))
		return err_set(e, ERR_DATA, "'%s' is no member's name to keep a share by", member);
	TRY(buf_add_format(&name, e, "shares/%s.share", member));
	return state_path(s, buf_text(&name), ret, e);
}

/* --- genesis */

void kept_genesis_drop(struct kept_genesis *g)
{
	manifest_envelope_drop(&g->envelope);
	buf_drop(&g->output);
	buf_drop(&g->document);
	*g = (struct kept_genesis){ 0 };
}

static int manifest_name(const struct hash256 *hash, struct buf *to, struct err *e)
{
	TRY(buf_add_text(to, STATE_MANIFESTS "/", e));
	TRY(hex_format(VIEW_OF(hash->bytes), to, e));
	return buf_add_text(to, ".json", e);
}

/* A member without a key, as on a debug enclave, gets his share in the clear: neither that nor the
 * output, which repeats it, may come to rest here. */
static int check_shares(const struct genesis_output *output, struct err *e)
{
	const struct encrypted_share *shares = output->member_outputs.items;

	for (size_t i = 0; i < output->member_outputs.count; i++)
		if (shares[i].encrypted_quorum_key_share.len != SHARE_LEN + ENVELOPE_OVERHEAD)
			return err_set(e, ERR_DATA,
			               "the share of '%s' is not encrypted: nothing is kept",
			               buf_text(&shares[i].share_set_member.alias));
	return 0;
}

static int keep_shares(const struct state *s, const struct genesis_output *output, struct err *e)
{
	const struct encrypted_share *shares = output->member_outputs.items;

	TRY(state_make_folder(s, "shares", e));
	for (size_t i = 0; i < output->member_outputs.count; i++) {
		AUTO(text) char *path = NULL;

		TRY(state_share_path(s, buf_text(&shares[i].share_set_member.alias), &path, e));
		TRY(file_write(path, buf_view(&shares[i].encrypted_quorum_key_share), 0600, e));
	}
	return 0;
}

static int keep_manifest(const struct state *s, const struct hash256 *hash,
                         const struct manifest_envelope *envelope, struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(NAME_MAX_LEN);
	AUTO(buf) struct buf text = BUF_INIT(WIRE_TEXT_MAX);

	TRY(state_make_folder(s, STATE_MANIFESTS, e));
	TRY(manifest_name(hash, &name, e));
	TRY(manifest_file_format(envelope, &text, e));
	return write_file(s, buf_text(&name), buf_view(&text), e);
}

/* What CURRENT says. */
struct current {
	struct hash256 manifest, output, document;
	bool is_foreign;
};

static int read_current(const struct state *s, struct current *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(CURRENT_MAX);
	struct current current = { .is_foreign = false };
	struct hash256 *const hashes[] = { &current.manifest, &current.output, &current.document };
	struct view rest;

	TRY(read_file(s, CURRENT, &text, e));
	rest = buf_view(&text);
	current.is_foreign = rest.len == HASH_LINE;
	if (!current.is_foreign && rest.len != CURRENT_MAX)
		return err_set(e, ERR_DATA, "'%s' has %zu bytes instead of %d", CURRENT, rest.len,
		               CURRENT_MAX);
	/* It is compared as a text: one spelling each. */
	if (strspn(buf_text(&text), "0123456789abcdef\n") != text.len)
		return err_set(e, ERR_DATA, "'%s' holds other than lower-case hex digits", CURRENT);
	for (size_t i = 0; i < rest.len / HASH_LINE; i++, rest.data += HASH_LINE)
		TRY(hex_parse_exact(view_new(rest.data, HASH_LINE), hashes[i]->bytes,
		                    sizeof(hashes[i]->bytes), e));
	*ret = current;
	return 0;
}

static int write_current(const struct state *s, const struct current *current, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(CURRENT_MAX);
	const struct hash256 *const hashes[] = { &current->manifest, &current->output,
		                                 &current->document };

	for (size_t i = 0; i < (current->is_foreign ? 1 : COUNT(hashes)); i++) {
		TRY(hex_format(VIEW_OF(hashes[i]->bytes), &text, e));
		TRY(buf_add_u8(&text, '\n', e));
	}
	return write_file(s, CURRENT, buf_view(&text), e);
}

/* Another quorum's shares would be lost for good. */
static int check_same(const struct state *s, const struct kept_genesis *g, struct err *e)
{
	struct current kept;
	bool is_kept;

	TRY(has_file(s, CURRENT, &is_kept, e));
	if (!is_kept)
		return 0;
	TRY(read_current(s, &kept, e));
	if (view_equal(VIEW_OF(kept.manifest.bytes), VIEW_OF(g->manifest_hash.bytes)))
		return 0;
	return err_set(e, ERR_DATA, "'%s' keeps another genesis, which is not overwritten",
	               s->folder);
}

int state_keep_genesis(const struct state *s, const struct kept_genesis *g, struct err *e)
{
	AUTO(genesis_output) struct genesis_output output = { 0 };
	AUTO(text) char *key_path = NULL;
	struct current current = { .manifest = g->manifest_hash };

	TRY(check_same(s, g, e));
	TRY(genesis_output_decode(buf_view(&g->output), &output, e));
	TRY(check_shares(&output, e));
	TRY(write_file(s, OUTPUT, buf_view(&g->output), e));
	TRY(write_file(s, DOCUMENT, buf_view(&g->document), e));
	if (output.has_dr_wrap)
		TRY(write_file(s, DR_WRAP, buf_view(&output.dr_key_wrapped_quorum_key), e));
	TRY(state_path(s, QUORUM_KEY, &key_path, e));
	TRY(public_key_write(key_path, &g->quorum_key, e));
	TRY(keep_shares(s, &output, e));
	TRY(keep_manifest(s, &g->manifest_hash, &g->envelope, e));
	TRY(sha256(buf_view(&g->output), &current.output, e));
	TRY(sha256(buf_view(&g->document), &current.document, e));
	return write_current(s, &current, e);
}

static int check_hash(const char *name, struct view found, const struct hash256 *expected,
                      struct err *e)
{
	if (view_equal(found, VIEW_OF(expected->bytes)))
		return 0;
	return err_set(e, ERR_DATA, "'%s' was altered: its hash is another than when it was kept",
	               name);
}

static int read_manifest(const struct state *s, const struct hash256 *hash,
                         struct manifest_envelope *ret, struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(NAME_MAX_LEN);
	AUTO(buf) struct buf content = BUF_INIT(WIRE_TEXT_MAX);
	AUTO(manifest_file) struct manifest_file file = { 0 };

	TRY(manifest_name(hash, &name, e));
	TRY(read_file(s, buf_text(&name), &content, e));
	TRY(manifest_file_parse(buf_view(&content), &file, e));
	/* Of another version the hash is another one than what enclaves commit to. */
	if (file.version != 1)
		return err_set(e, ERR_DATA,
		               "'%s' is a manifest of version %d, and enclaves take version 1",
		               buf_text(&name), file.version);
	TRY(check_hash(buf_text(&name), VIEW_OF(file.hash.bytes), hash, e));
	*ret = MOVE(file.envelope);
	return 0;
}

static int load_manifest(const struct state *s, const struct hash256 *hash, struct kept_genesis *g,
                         struct err *e)
{
	TRY(read_manifest(s, hash, &g->envelope, e));
	g->manifest_hash = *hash;
	return manifest_quorum_key(&g->envelope.manifest, &g->quorum_key, e);
}

static int load_file(const struct state *s, const char *name, const struct hash256 *expected,
                     struct buf *to, struct err *e)
{
	struct hash256 hash;

	TRY(read_file(s, name, to, e));
	TRY(sha256(buf_view(to), &hash, e));
	return check_hash(name, VIEW_OF(hash.bytes), expected, e);
}

/* The document attests the output, and the output names the manifest's key: files of two geneses do
 * not mix. */
static int check_kept(const struct kept_genesis *g, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(genesis_output) struct genesis_output output = { 0 };
	struct hash256 hash;

	TRY(attestation_parse(buf_view(&g->document), &claims, e));
	TRY(sha256(buf_view(&g->output), &hash, e));
	if (!view_equal(claims.user_data.value, VIEW_OF(hash.bytes)))
		return err_set(e, ERR_DATA, "'%s' attests another output than '%s'", DOCUMENT,
		               OUTPUT);
	TRY(genesis_output_decode(buf_view(&g->output), &output, e));
	if (!view_equal(buf_view(&output.quorum_key), public_key_view(&g->quorum_key)))
		return err_set(e, ERR_DATA, "'%s' names another quorum key than the manifest",
		               OUTPUT);
	return 0;
}

static int load(const struct state *s, struct kept_genesis *g, struct err *e)
{
	struct current current;

	TRY(read_current(s, &current, e));
	TRY(load_manifest(s, &current.manifest, g, e));
	g->is_foreign = current.is_foreign;
	if (g->is_foreign)
		return 0;
	TRY(load_file(s, OUTPUT, &current.output, &g->output, e));
	TRY(load_file(s, DOCUMENT, &current.document, &g->document, e));
	return check_kept(g, e);
}

int state_load_genesis(const struct state *s, bool *ret_found, struct kept_genesis *ret,
                       struct err *e)
{
	AUTO(kept_genesis)
	struct kept_genesis g = { .output = BUF_INIT(GENESIS_OUTPUT_MAX),
		                  .document = BUF_INIT(DOCUMENT_MAX) };
	bool is_kept;

	TRY(has_file(s, CURRENT, &is_kept, e));
	if (!is_kept) {
		*ret_found = false;
		return 0;
	}
	if (load(s, &g, e) < 0) {
		/* Whatever it was, what is kept can't be used; but who may not see it can't say so.
		 */
		if (strcmp(e->reason, ERR_PERMISSION) != 0)
			e->code = ERR_DATA;
		return err_wrap(e, "state '%s'", s->folder);
	}
	*ret = MOVE(g);
	*ret_found = true;
	return 0;
}

/* --- manifests */

int state_adopt(const struct state *s, const struct manifest_envelope *envelope, struct err *e)
{
	AUTO(kept_genesis) struct kept_genesis g = { 0 };
	struct current current;
	bool is_found = false;

	TRY(state_load_genesis(s, &is_found, &g, e));
	if (!is_found)
		return err_set(e, ERR_NOT_DESIRED, "state '%s' keeps no genesis", s->folder);
	if (!view_equal(public_key_view(&g.quorum_key),
	                buf_view(&envelope->manifest.namespace.quorum_key)))
		return err_set(e, ERR_DATA, "a manifest of another quorum key is not kept");
	TRY(read_current(s, &current, e));
	TRY(manifest_hash(&envelope->manifest, &current.manifest, e));
	TRY(keep_manifest(s, &current.manifest, envelope, e));
	return write_current(s, &current, e);
}

int state_import(const struct state *s, const struct manifest_envelope *envelope, struct err *e)
{
	struct current current = { .is_foreign = true };
	struct public_key quorum_key;
	AUTO(text) char *key_path = NULL;
	bool is_kept;

	TRY(has_file(s, CURRENT, &is_kept, e));
	if (is_kept)
		return err_set(e, ERR_DATA, "state '%s' keeps a manifest already", s->folder);
	TRY(manifest_quorum_key(&envelope->manifest, &quorum_key, e));
	TRY(manifest_hash(&envelope->manifest, &current.manifest, e));
	TRY(state_path(s, QUORUM_KEY, &key_path, e));
	TRY(public_key_write(key_path, &quorum_key, e));
	TRY(keep_manifest(s, &current.manifest, envelope, e));
	return write_current(s, &current, e);
}

void kept_manifests_drop(struct kept_manifests *m)
{
	for (size_t i = 0; i < m->count; i++)
		manifest_envelope_drop(&m->items[i].envelope);
	free(m->items);
	*m = (struct kept_manifests){ 0 };
}

/* "<64 digits>.json"; a file that a crash left half written has another name. */
static bool is_manifest_name(const char *name, struct hash256 *ret)
{
	const size_t digits = 2 * sizeof(ret->bytes);
	struct err e;

	return strlen(name) == digits + strlen(".json") && strcmp(name + digits, ".json") == 0 &&
	       hex_parse_exact(view_new(name, digits), ret->bytes, sizeof(ret->bytes), &e) == 0;
}

static bool is_older(const struct kept_genesis *g, const struct manifest_envelope *envelope)
{
	const struct manifest_namespace *own = &g->envelope.manifest.namespace,
	                                *n = &envelope->manifest.namespace;

	return n->nonce < own->nonce && view_equal(buf_view(&n->name), buf_view(&own->name)) &&
	       view_equal(buf_view(&n->quorum_key), buf_view(&own->quorum_key));
}

bool state_is_first(const struct kept_genesis *g, const struct manifest *m)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	struct pcr_set pcrs;
	struct err e;

	if (g->is_foreign || attestation_parse(buf_view(&g->document), &claims, &e) < 0 ||
	    manifest_pcrs(m, &pcrs, &e) < 0)
		return false;
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		if (!pcr_equal(&pcrs.values[i], &claims.pcrs.values[i]))
			return false;
	return true;
}

static int add_older(const struct state *s, const struct kept_genesis *g,
                     const struct hash256 *hash, struct kept_manifests *to, struct err *e)
{
	AUTO(manifest_envelope) struct manifest_envelope envelope = { 0 };

	TRY(read_manifest(s, hash, &envelope, e));
	if (!is_older(g, &envelope))
		return 0;
	if (to->count == MANIFESTS_KEPT_MAX)
		return err_set(e, ERR_DATA,
		               "more than %d older manifests: move those that no TEE holds away",
		               MANIFESTS_KEPT_MAX);
	to->items[to->count].hash = *hash;
	to->items[to->count++].envelope = MOVE(envelope);
	return 0;
}

/* What older manifests are read into. */
struct older {
	const struct state *state;
	const struct kept_genesis *genesis;
	struct kept_manifests *to;
};

static int take_older(void *context, const char *name, struct err *e)
{
	const struct older *o = context;
	struct hash256 hash;

	return is_manifest_name(name, &hash) ? add_older(o->state, o->genesis, &hash, o->to, e) : 0;
}

int state_load_older(const struct state *s, const struct kept_genesis *g,
                     struct kept_manifests *ret, struct err *e)
{
	AUTO(kept_manifests)
	struct kept_manifests found = { .items = calloc(MANIFESTS_KEPT_MAX, sizeof(*found.items)) };
	struct older older = { s, g, &found };
	AUTO(text) char *path = NULL;

	if (!found.items)
		return err_set(e, ERR_INTERNAL, "no memory for the older manifests");
	TRY(state_path(s, STATE_MANIFESTS, &path, e));
	if (folder_each(path, STATE_MANIFESTS, /* may_lack= */ false, take_older, &older, e) < 0)
		return err_wrap(e, "state '%s'", s->folder);
	*ret = MOVE(found);
	return 0;
}

/* The current one is a lawful successor of it, and so is it of the first, or is the first. */
static bool is_ancestor(const struct kept_genesis *g, const struct manifest_envelope *envelope)
{
	const struct manifest *own = &g->envelope.manifest;
	struct err e;

	return manifest_check_lawful(&envelope->manifest, own, &e) == 0 &&
	       (state_is_first(g, &envelope->manifest) ||
	        manifest_check_approvals(envelope, &own->manifest_set, own->manifest_set.threshold,
	                                 &e) == 0);
}

void state_drop_strangers(const struct kept_genesis *g, struct kept_manifests *older)
{
	size_t count = 0;

	for (size_t i = 0; i < older->count; i++)
		if (is_ancestor(g, &older->items[i].envelope))
			older->items[count++] = MOVE(older->items[i]);
		else
			manifest_envelope_drop(&older->items[i].envelope);
	older->count = count;
}

int state_keep_asked(const struct state *s, int64_t *asked_ms, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(32);
	uint64_t earlier;
	bool is_kept;

	TRY(has_file(s, ASKED, &is_kept, e));
	if (is_kept) {
		TRY(read_file(s, ASKED, &text, e));
		if (number_parse(buf_text(&text), ASKED, 1, INT64_MAX, &earlier, e) < 0) {
			e->code = ERR_DATA;
			return err_wrap(e, "state '%s'", s->folder);
		}
		if ((int64_t)earlier < *asked_ms)
			*asked_ms = (int64_t)earlier;
		return 0;
	}
	TRY(buf_add_format(&text, e, "%lld", (long long)*asked_ms));
	return write_file(s, ASKED, buf_view(&text), e);
}

int state_is_asked(const struct state *s, bool *ret, struct err *e)
{
	return has_file(s, ASKED, ret, e);
}

void state_forget_asked(const struct state *s)
{
	AUTO(text) char *path = NULL;
	struct err e;

	if (state_path(s, ASKED, &path, &e) == 0)
		unlink(path);
}

int state_simulated_root(const struct state *s, struct buf *ret, struct err *e)
{
	bool is_there;

	TRY(has_file(s, "pki/root.der", &is_there, e));
	if (!is_there)
		return err_reason(e, ERR_NOT_DESIRED, STATE_NO_ROOT,
		                  "there is no simulated root in '%s'", s->folder);
	return read_file(s, "pki/root.der", ret, e);
}
