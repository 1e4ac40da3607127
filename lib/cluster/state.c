#include "cluster/state.h"

#include "attest/document.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOLDER_MAX       128 /* "PID VERB" in the lock file */
#define NAME_MAX_LEN     512
#define JOURNAL_LINE_MAX 2048

/* Written last, so that a genesis is kept whole or not at all. */
#define CURRENT    "manifest.current"
#define OUTPUT     "genesis_output"
#define DOCUMENT   "genesis_attestation_doc"
#define DR_WRAP    "dr_wrapped_quorum_key"
#define QUORUM_KEY "quorum_key.pub"
#define ASKED      "genesis.asked"

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
	struct view name;
	struct err ignored;

	TRY(state_path(s, "lock", &path, e));
	if (file_lock(path, /* wait= */ false, &s->lock, e) == 0)
		return write_holder(s->lock, path, verb, e);
	if (e->code == ERR_TRY_AGAIN && file_read(path, &holder, &ignored) == 0) {
		name = text_trim(buf_view(&holder));
		return err_set(e, ERR_TRY_AGAIN, "'%s' is in use by another run (%.*s)", s->folder,
		               (int)name.len, (const char *)name.data);
	}
	return -1;
}

int state_open(const struct cluster *c, const char *folder_or_null, bool to_change,
               const char *verb, struct state *ret, struct err *e)
{
	AUTO(state) struct state s = { .lock = -1 };

	if (folder_or_null)
		TRY(text_dup(folder_or_null, &s.folder, e));
	else
		TRY(default_folder(c, &s.folder, e));
	if (to_change) {
		TRY(folder_make_private(s.folder, e));
		TRY(take_lock(&s, verb, e));
	}
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

static int make_folder(const struct state *s, const char *name, struct err *e)
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

static int keep_shares(const struct state *s, const struct genesis_output *output, struct err *e)
{
	const struct encrypted_share *shares = output->member_outputs.items;

	TRY(make_folder(s, "shares", e));
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
	AUTO(buf) struct buf hash = BUF_INIT(2 * sizeof(g->manifest_hash.bytes));

	TRY(make_folder(s, "manifests", e));
	TRY(manifest_name(&g->manifest_hash, &name, e));
	TRY(manifest_file_format(&g->envelope, &text, e));
	TRY(write_file(s, buf_text(&name), buf_view(&text), e));
	TRY(hex_format(VIEW_OF(g->manifest_hash.bytes), &hash, e));
	return write_file(s, CURRENT, buf_view(&hash), e);
}

static void forget_asked(const struct state *s)
{
	AUTO(text) char *path = NULL;
	struct err e;

	if (state_path(s, ASKED, &path, &e) == 0)
		unlink(path);
}

int state_keep_genesis(const struct state *s, const struct kept_genesis *g, struct err *e)
{
	AUTO(genesis_output) struct genesis_output output = { 0 };
	AUTO(text) char *key_path = NULL;

	TRY(genesis_output_decode(buf_view(&g->output), &output, e));
	TRY(write_file(s, OUTPUT, buf_view(&g->output), e));
	TRY(write_file(s, DOCUMENT, buf_view(&g->document), e));
	if (output.has_dr_wrap)
		TRY(write_file(s, DR_WRAP, buf_view(&output.dr_key_wrapped_quorum_key), e));
	TRY(state_path(s, QUORUM_KEY, &key_path, e));
	TRY(public_key_write(key_path, &g->quorum_key, e));
	TRY(keep_shares(s, &output, e));
	TRY(keep_manifest(s, g, e));
	forget_asked(s);
	return 0;
}

static int load_manifest(const struct state *s, struct kept_genesis *g, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(2 * sizeof(g->manifest_hash.bytes) + 1);
	AUTO(buf) struct buf name = BUF_INIT(NAME_MAX_LEN);
	AUTO(buf) struct buf content = BUF_INIT(WIRE_TEXT_MAX);
	AUTO(manifest_file) struct manifest_file file = { 0 };
	struct hash256 hash;

	TRY(read_file(s, CURRENT, &text, e));
	TRY(hex_parse_exact(buf_view(&text), hash.bytes, sizeof(hash.bytes), e));
	TRY(manifest_name(&hash, &name, e));
	TRY(read_file(s, buf_text(&name), &content, e));
	TRY(manifest_file_parse(buf_view(&content), &file, e));
	if (!view_equal(VIEW_OF(hash.bytes), VIEW_OF(file.hash.bytes)))
		return err_set(e, ERR_DATA, "'%s' was altered: its manifest hash is another",
		               buf_text(&name));
	g->manifest_hash = hash;
	TRY(manifest_quorum_key(&file.envelope.manifest, &g->quorum_key, e));
	g->envelope = MOVE(file.envelope);
	return 0;
}

/* The document attests the output, and the output names the manifest's key: files of two geneses do
 * not mix, and an altered one shows. */
static int check_kept(const struct kept_genesis *g, struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(genesis_output) struct genesis_output output = { 0 };
	struct hash256 hash;

	TRY(attestation_parse(buf_view(&g->document), &claims, e));
	TRY(sha256(buf_view(&g->output), &hash, e));
	if (!view_equal(claims.user_data.value, VIEW_OF(hash.bytes)))
		return err_set(e, ERR_DATA, "'%s' was altered: '%s' attests another", OUTPUT,
		               DOCUMENT);
	TRY(genesis_output_decode(buf_view(&g->output), &output, e));
	if (!view_equal(buf_view(&output.quorum_key), public_key_view(&g->quorum_key)))
		return err_set(e, ERR_DATA, "'%s' names another quorum key than the manifest",
		               OUTPUT);
	return 0;
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
	if (load_manifest(s, &g, e) < 0 || read_file(s, OUTPUT, &g.output, e) < 0 ||
	    read_file(s, DOCUMENT, &g.document, e) < 0 || check_kept(&g, e) < 0) {
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
		TRY(number_parse(buf_text(&text), ASKED, 1, INT64_MAX, &earlier, e));
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

#define JOURNAL_TEXT(member)                                                                       \
	{                                                                                          \
		.name = #member, .kind = WIRE_TEXT,                                                \
		.offset = offsetof(struct journal_line, member), .presence = SIZE_MAX,             \
		.max = JOURNAL_LINE_MAX                                                            \
	}

static const struct wire_field journal_fields[] = { JOURNAL_TEXT(time), JOURNAL_TEXT(step),
	                                            JOURNAL_TEXT(node), JOURNAL_TEXT(outcome) };
static const struct wire_schema journal_line_schema = { "journal line", sizeof(struct journal_line),
	                                                journal_fields, COUNT(journal_fields) };
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

int state_journal(const struct state *s, const char *step, const char *node, const char *what,
                  struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(JOURNAL_LINE_MAX);
	AUTO(text) char *path = NULL;
	AUTO(fd) int fd = -1;

	TRY(journal_text(step, node, what, &text, e));
	TRY(state_path(s, "journal", &path, e));
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, ERR_INTERNAL, errno, "'%s'", path);
	TRY(fd_write(fd, path, buf_view(&text), e));
	if (fdatasync(fd) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "syncing '%s'", path);
	return 0;
}
