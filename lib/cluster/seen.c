#include "cluster/seen.h"

#include "base/file.h"
#include "base/text.h"
#include "proto/manifest.h"
#include "proto/row.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SEEN_VERSION 1

/* Whoever holds the lock rewrites one small file. */
#define LOCK_PATIENCE_MS 10000

struct seen_namespace {
	bool has_nonce, has_manifest, has_quorum_key;
	struct buf name, manifest, quorum_key;
	int64_t nonce;
};

struct seen_file {
	int64_t version;
	struct wire_list namespaces; /* struct seen_namespace */
};

/* clang-format off */

#define THIS seen_namespace
INNER(seen_namespace,
	TEXT("name", name, 1, NAMESPACE_MAX, "of the quorum", REQUIRED),
	NUMBER("nonce", nonce, 0, UINT32_MAX, "the highest sealed to or approved", OPTIONAL(has_nonce)),
	HEX("manifest", manifest, sizeof(struct hash256), sizeof(struct hash256), "of that nonce, its hash", OPTIONAL(has_manifest)),
	HEX("quorumKey", quorum_key, PUBLIC_KEY_LEN, PUBLIC_KEY_LEN, "of the genesis checked", OPTIONAL(has_quorum_key)));
#undef THIS

#define THIS seen_file
INNER(seen_file,
	NUMBER("version", version, SEEN_VERSION, SEEN_VERSION, "of this layout", REQUIRED),
	LIST("namespaces", namespaces, 0, SEEN_NAMESPACES_MAX, seen_namespace, "what is known", REQUIRED));
#undef THIS

/* clang-format on */

WIRE_DROP(seen_file);

/* "KEY.seen" */
static int seen_path(const char *key_path, char **ret, struct err *e)
{
	AUTO(text) char *real = NULL;
	char *path;

	TRY(path_real(key_path, &real, e));
	if (asprintf(&path, "%s.seen", real) < 0)
		return err_set(e, ERR_INTERNAL, "no memory for a file name");
	*ret = path;
	return 0;
}

static struct seen_namespace *find(const struct seen_file *f, struct view name)
{
	struct seen_namespace *items = f->namespaces.items;

	for (size_t i = 0; i < f->namespaces.count; i++)
		if (view_equal(buf_view(&items[i].name), name))
			return &items[i];
	return NULL;
}

/* Of two entries of one name the lower nonce might be the one that is found. */
static int check_names(const struct seen_file *f, struct err *e)
{
	const struct seen_namespace *items = f->namespaces.items;

	for (size_t i = 0; i < f->namespaces.count; i++)
		if (find(f, buf_view(&items[i].name)) != &items[i])
			return err_set(e, ERR_DATA, "namespaces[%zu].name: there already", i);
	return 0;
}

static int parse(struct view content, struct seen_file *ret, struct err *e)
{
	AUTO(seen_file) struct seen_file f = { 0 };

	if (wire_decode(&seen_file_schema, text_trim(content), &f, e) < 0) {
		if (e->code != ERR_INTERNAL)
			e->code = ERR_DATA;
		return -1;
	}
	TRY(check_names(&f, e));
	*ret = MOVE(f);
	return 0;
}

/* Only where there is nothing at all nothing is known: a link might lead to nothing, or to another
 * key's memory. */
static int look(const char *path, bool *ret_is_there, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno != ENOENT)
			return err_sys(e, ERR_NO_INPUT, errno, "'%s'", path);
		*ret_is_there = false;
		return 0;
	}
	if (S_ISLNK(st.st_mode))
		return err_set(e, ERR_DATA,
		               "'%s' is a link: what a key has been used for is kept in a file of "
		               "its own beside the key",
		               path);
	*ret_is_there = true;
	return 0;
}

static int read_file(const char *path, struct seen_file *ret, struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(SEEN_FILE_MAX);
	bool is_there;

	TRY(look(path, &is_there, e));
	if (!is_there) {
		*ret = (struct seen_file){ .version = SEEN_VERSION };
		return 0;
	}
	TRY(file_read_guarded(path, /* may_be_pipe= */ false, &content, e));
	if (parse(buf_view(&content), ret, e) < 0)
		return err_wrap(e, "'%s'", path);
	return 0;
}

static int known_of(const struct seen_file *f, struct view name, struct seen *ret, struct err *e)
{
	const struct seen_namespace *n = find(f, name);
	struct seen seen = { 0 };

	if (n) {
		seen.has_nonce = n->has_nonce;
		seen.nonce = n->has_nonce ? n->nonce : 0;
		seen.has_manifest = n->has_nonce && n->has_manifest;
		if (seen.has_manifest)
			memcpy(seen.manifest.bytes, n->manifest.data, sizeof(seen.manifest.bytes));
		seen.has_quorum_key = n->has_quorum_key;
		if (n->has_quorum_key)
			TRY(public_key_parse(buf_view(&n->quorum_key), &seen.quorum_key, e));
	}
	*ret = seen;
	return 0;
}

int seen_parse(struct view content, struct view namespace_name, struct seen *ret, struct err *e)
{
	AUTO(seen_file) struct seen_file f = { 0 };

	TRY(parse(content, &f, e));
	return known_of(&f, namespace_name, ret, e);
}

int seen_read(const char *key_path, struct view namespace_name, struct seen *ret, struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(SEEN_FILE_MAX);
	AUTO(text) char *path = NULL;
	bool is_there;

	TRY(seen_path(key_path, &path, e));
	TRY(look(path, &is_there, e));
	if (!is_there) {
		*ret = (struct seen){ 0 };
		return 0;
	}
	TRY(file_read_guarded(path, /* may_be_pipe= */ false, &content, e));
	if (seen_parse(buf_view(&content), namespace_name, ret, e) < 0)
		return err_wrap(e, "'%s'", path);
	return 0;
}

int seen_check(const struct seen *known, const struct seen *now, struct err *e)
{
	if (known->has_nonce && now->has_nonce && now->nonce < known->nonce)
		return err_reason(e, ERR_REFUSED, "nonce",
		                  "nonce %lld is below %lld, the highest that this key has sealed "
		                  "to or approved: an older manifest",
		                  (long long)now->nonce, (long long)known->nonce);
	if (known->has_nonce && now->has_nonce && now->nonce == known->nonce &&
	    known->has_manifest && now->has_manifest &&
	    !view_equal(VIEW_OF(known->manifest.bytes), VIEW_OF(now->manifest.bytes)))
		return err_reason(
		    e, ERR_REFUSED, "nonce",
		    "nonce %lld: this key has sealed to or approved another manifest "
		    "of that nonce, and two would part the quorum: the next one needs "
		    "a higher nonce",
		    (long long)now->nonce);
	if (known->has_quorum_key && now->has_quorum_key &&
	    !public_key_equal(&known->quorum_key, &now->quorum_key))
		return err_reason(e, ERR_REFUSED, "quorum_key",
		                  "the quorum key is another than the one that this key knows of "
		                  "that namespace");
	return 0;
}

static int set(struct seen_file *f, struct view name, const struct seen *seen, struct err *e)
{
	struct seen_namespace *n = find(f, name);

	if (!n) {
		if (f->namespaces.count == SEEN_NAMESPACES_MAX)
			return err_set(e, ERR_DATA, "more than %d namespaces", SEEN_NAMESPACES_MAX);
		TRY(wire_list_add(&f->namespaces, &seen_namespace_schema, &n, e));
		TRY(wire_set(&n->name, name, e));
	}
	if (seen->has_nonce) {
		/* The hash is the nonce's: it goes with a lower one. */
		n->has_manifest = seen->has_manifest ||
		                  (n->has_manifest && n->has_nonce && n->nonce == seen->nonce);
		n->has_nonce = true;
		n->nonce = seen->nonce;
	}
	if (seen->has_nonce && seen->has_manifest)
		TRY(wire_set(&n->manifest, VIEW_OF(seen->manifest.bytes), e));
	if (!seen->has_quorum_key)
		return 0;
	n->has_quorum_key = true;
	return wire_set(&n->quorum_key, public_key_view(&seen->quorum_key), e);
}

static int update(const char *path, struct view name, const struct seen *seen, struct err *e)
{
	AUTO(seen_file) struct seen_file f = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(SEEN_FILE_MAX);
	struct seen known;

	TRY(read_file(path, &f, e));
	TRY(known_of(&f, name, &known, e));
	TRY(seen_check(&known, seen, e));
	TRY(set(&f, name, seen, e));
	TRY(wire_encode(&seen_file_schema, &f, &text, e));
	TRY(buf_add_u8(&text, '\n', e));
	return file_write(path, buf_view(&text), 0600, e);
}

int seen_write(const char *key_path, struct view namespace_name, const struct seen *seen,
               struct err *e)
{
	AUTO(buf) struct buf lock_path = BUF_INIT(8192);
	AUTO(text) char *path = NULL;
	AUTO(fd) int lock = -1;

	TRY(seen_path(key_path, &path, e));
	TRY(buf_add_format(&lock_path, e, "%s.lock", path));
	TRY(file_lock(buf_text(&lock_path), LOCK_PATIENCE_MS, &lock, e));
	if (update(path, namespace_name, seen, e) == 0)
		return 0;
	return e->code == ERR_REFUSED ? -1 : err_wrap(e, "'%s'", path);
}
