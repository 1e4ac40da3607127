#include "cluster/state.h"

#include "attest/document.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/shamir.h"
#include "proto/row.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOLDER_MAX       128 /* "PID VERB" in the lock file */
#define NAME_MAX_LEN     512
#define JOURNAL_LINE_MAX 2048

/* Written last, so that a genesis is kept whole or not at all: in hex, a line each, the manifest's
 * hash, and SHA-256 of output and document. */
#define CURRENT     "manifest.current"
#define OUTPUT      "genesis_output"
#define DOCUMENT    "genesis_attestation_doc"
#define DR_WRAP     "dr_wrapped_quorum_key"
#define QUORUM_KEY  "quorum_key.pub"
#define ASKED       "genesis.asked"

#define HASH_LINE   (2 * (int)sizeof(struct hash256) + 1)
#define CURRENT_MAX (3 * HASH_LINE)

int state_path(const struct state *s, const char *name, char **ret, struct err *e)
{
	return path_join(s->folder, name, ret, e);
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

	TRY(buf_add_format(&holder, e, "pid %d, teectl %s\n", (int)getpid(), verb));
	if (ftruncate(lock, 0) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", path);
	return fd_write(lock, path, buf_view(&holder), e);
}

static int take_lock(struct state *s, const char *verb, struct err *e)
{
	AUTO(buf) struct buf holder = BUF_INIT(HOLDER_MAX);
	AUTO(text) char *path = NULL;
	struct view name = { 0 };
	struct err ignored;

	TRY(state_path(s, "lock", &path, e));
	if (file_lock(path, /* wait= */ false, &s->lock, e) == 0)
		return write_holder(s->lock, path, verb, e);
	if (e->code != ERR_TRY_AGAIN)
		return -1;
	/* Between taking the lock and saying who it is, a run has no name yet. */
	if (file_read(path, &holder, &ignored) == 0)
		name = text_trim(buf_view(&holder));
	if (name.len == 0)
		name = view_text("starting");
	return err_reason(e, ERR_TRY_AGAIN, STATE_LOCKED, "'%s' is in use by another run (%.*s)",
	                  s->folder, (int)name.len, (const char *)name.data);
}

int state_open(const struct cluster *c, const char *folder_or_null, bool to_change,
               const char *verb, struct state *ret, struct err *e)
{
	AUTO(state) struct state s = { .lock = -1 };

	if (folder_or_null)
		TRY(text_dup(folder_or_null, &s.folder, e));
	else
		TRY(default_folder(c, &s.folder, e));
	/* Who looks makes nothing, but does not believe a folder that others may write to either.
	 */
	if (to_change || file_is_there(s.folder))
		TRY(folder_make_private(s.folder, e));
	if (to_change)
		TRY(take_lock(&s, verb, e));
	*ret = s;
	s = (struct state){ .lock = -1 };
	return 0;
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
	return file_read(path, to, e);
}

int state_make_folder(const struct state *s, const char *name, struct err *e)
{
	AUTO(text) char *path = NULL;

	TRY(state_path(s, name, &path, e));
	return folder_make_private(path, e);
}

static bool has_file(const struct state *s, const char *name)
{
	AUTO(text) char *path = NULL;
	struct err e;

	return state_path(s, name, &path, &e) == 0 && file_is_there(path);
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
	TRY(buf_add_text(to, "manifests/", e));
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

static int keep_manifest(const struct state *s, const struct kept_genesis *g, struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(NAME_MAX_LEN);
	AUTO(buf) struct buf text = BUF_INIT(WIRE_TEXT_MAX);

	TRY(state_make_folder(s, "manifests", e));
	TRY(manifest_name(&g->manifest_hash, &name, e));
	TRY(manifest_file_format(&g->envelope, &text, e));
	return write_file(s, buf_text(&name), buf_view(&text), e);
}

static void forget_asked(const struct state *s)
{
	AUTO(text) char *path = NULL;
	struct err e;

	if (state_path(s, ASKED, &path, &e) == 0)
		unlink(path);
}

/* What CURRENT says. */
struct current {
	struct hash256 manifest, output, document;
};

static int read_current(const struct state *s, struct current *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(CURRENT_MAX);
	struct current current;
	struct hash256 *const hashes[] = { &current.manifest, &current.output, &current.document };
	struct view rest;

	TRY(read_file(s, CURRENT, &text, e));
	rest = buf_view(&text);
	if (rest.len != CURRENT_MAX)
		return err_set(e, ERR_DATA, "'%s' has %zu bytes instead of %d", CURRENT, rest.len,
		               CURRENT_MAX);
	for (size_t i = 0; i < COUNT(hashes); i++, rest.data += HASH_LINE)
		TRY(hex_parse_exact(view_new(rest.data, HASH_LINE), hashes[i]->bytes,
		                    sizeof(hashes[i]->bytes), e));
	*ret = current;
	return 0;
}

static int write_current(const struct state *s, const struct kept_genesis *g, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(CURRENT_MAX);
	struct current current = { .manifest = g->manifest_hash };
	const struct hash256 *const hashes[] = { &current.manifest, &current.output,
		                                 &current.document };

	TRY(sha256(buf_view(&g->output), &current.output, e));
	TRY(sha256(buf_view(&g->document), &current.document, e));
	for (size_t i = 0; i < COUNT(hashes); i++) {
		TRY(hex_format(VIEW_OF(hashes[i]->bytes), &text, e));
		TRY(buf_add_u8(&text, '\n', e));
	}
	return write_file(s, CURRENT, buf_view(&text), e);
}

/* Another quorum's shares would be lost for good. */
static int check_same(const struct state *s, const struct kept_genesis *g, struct err *e)
{
	struct current kept;

	if (!has_file(s, CURRENT))
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
	TRY(keep_manifest(s, g, e));
	TRY(write_current(s, g, e));
	forget_asked(s);
	return 0;
}

static int check_hash(const char *name, struct view found, const struct hash256 *expected,
                      struct err *e)
{
	if (view_equal(found, VIEW_OF(expected->bytes)))
		return 0;
	return err_set(e, ERR_DATA, "'%s' was altered: its hash is another than when it was kept",
	               name);
}

static int load_manifest(const struct state *s, const struct hash256 *hash, struct kept_genesis *g,
                         struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(NAME_MAX_LEN);
	AUTO(buf) struct buf content = BUF_INIT(WIRE_TEXT_MAX);
	AUTO(manifest_file) struct manifest_file file = { 0 };

	TRY(manifest_name(hash, &name, e));
	TRY(read_file(s, buf_text(&name), &content, e));
	TRY(manifest_file_parse(buf_view(&content), &file, e));
	TRY(check_hash(buf_text(&name), VIEW_OF(file.hash.bytes), hash, e));
	TRY(manifest_quorum_key(&file.envelope.manifest, &g->quorum_key, e));
	g->manifest_hash = *hash;
	g->envelope = MOVE(file.envelope);
	return 0;
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

	if (!has_file(s, CURRENT)) {
		*ret_found = false;
		return 0;
	}
	if (load(s, &g, e) < 0) {
		e->code = ERR_DATA; /* whatever it was, what is kept can't be used */
		return err_wrap(e, "state '%s'", s->folder);
	}
	*ret = MOVE(g);
	*ret_found = true;
	return 0;
}

int state_keep_asked(const struct state *s, int64_t *asked_ms, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(32);
	uint64_t earlier;

	if (has_file(s, ASKED)) {
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

int state_simulated_root(const struct state *s, struct buf *ret, struct err *e)
{
	if (!has_file(s, "pki/root.der"))
		return err_set(e, ERR_NOT_DESIRED,
		               "there is no simulated root in '%s' yet: teectl up makes it",
		               s->folder);
	return read_file(s, "pki/root.der", ret, e);
}

/* --- journal */

struct journal_line {
	struct buf time, step, node, outcome;
};

#define THIS journal_line
INNER(journal_line, TEXT("time", time, 0, JOURNAL_LINE_MAX, "RFC 3339", REQUIRED),
      TEXT("step", step, 0, JOURNAL_LINE_MAX, "of the plan", REQUIRED),
      TEXT("node", node, 0, JOURNAL_LINE_MAX, "whose it is", REQUIRED),
      TEXT("outcome", outcome, 0, JOURNAL_LINE_MAX, "begun, done, or why it failed", REQUIRED));
#undef THIS
WIRE_DROP(journal_line);

static int journal_text(const char *step, const char *node, const char *what, struct buf *to,
                        struct err *e)
{
	AUTO(journal_line) struct journal_line line = { 0 };
	char now[TIME_TEXT_LEN];

	time_format(clock_unix_ms(), now);
	TRY(wire_set_text(&line.time, now, e));
	TRY(wire_set_text(&line.step, step, e));
	TRY(wire_set_text(&line.node, node, e));
	TRY(wire_set_text(&line.outcome, what, e));
	TRY(wire_encode(&journal_line_schema, &line, to, e));
	return buf_add_u8(to, '\n', e);
}

/* A line that a crash cut short must not swallow the next one. */
static int end_torn_line(int fd, const char *path, struct err *e)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char last = '\n';

	if (end < 0 || (end > 0 && pread(fd, &last, 1, end - 1) != 1))
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", path);
	return last == '\n' ? 0 : fd_write(fd, path, view_text("\n"), e);
}

int state_journal(const struct state *s, const char *step, const char *node, const char *what,
                  struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(JOURNAL_LINE_MAX);
	AUTO(text) char *path = NULL;
	AUTO(fd) int fd = -1;

	TRY(journal_text(step, node, what, &text, e));
	TRY(state_path(s, "journal", &path, e));
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", path);
	TRY(end_torn_line(fd, path, e));
	TRY(fd_write(fd, path, buf_view(&text), e));
	if (fdatasync(fd) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "syncing '%s'", path);
	return 0;
}
