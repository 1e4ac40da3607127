/* Preflight: members' keys and shares. */
#include "orchestrate/preflight_internal.h"

#include "base/file.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* PREFIX of PREFIX.secret, with another suffix. */
static int other_half(const char *key, const char *suffix, char **ret, struct err *e)
{
	AUTO(buf) struct buf path = BUF_INIT(PATH_MAX);
	size_t len = strlen(key), own = strlen(".secret");

	if (len > own && strcmp(key + len - own, ".secret") == 0)
		len -= own;
	TRY(buf_add_format(&path, e, "%.*s%s", (int)len, key, suffix));
	return text_dup(buf_text(&path), ret, e);
}

static int read_pair(const struct cluster_member *m, const char *pub, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;
	struct public_key half;

	TRY(file_check_private(m->key, e));
	if (key_set_read(m->key, /* from= */ NULL, &key, e) < 0)
		/* Nobody is asked for a passphrase, only to look. */
		return strcmp(e->reason, KEY_PROTECTED) == 0 ? public_key_read(pub, &half, e) : -1;
	if (!file_is_there(pub))
		return 0;
	TRY(public_key_read(pub, &half, e));
	if (public_key_equal(&half, key_set_public(key)))
		return 0;
	return err_set(e, ERR_DATA, "'%s' is not the public half of '%s'", pub, m->key);
}

static int suggest_keygen(const char *key, struct buf *to, struct err *e)
{
	AUTO(text) char *prefix = NULL;

	TRY(other_half(key, "", &prefix, e));
	TRY(buf_add_text(to, "teectl member keygen ", e));
	return text_add_shell_word(prefix, to, e);
}

/* Where both halves are named and neither is there, nobody has made them yet: the reason is that of
 * a missing key then. Else whoever has the secret half sends the other one. to: what helps */
static int explain_pub(const struct cluster_member *m, const char *pub, struct err *why,
                       struct buf *to, struct err *e)
{
	if (file_is_there(pub))
		return buf_add_text(to, "have the member send his .pub again", e);
	snprintf(why->reason, sizeof(why->reason), "%s", CLUSTER_KEY_MISSING);
	if (m->key)
		return suggest_keygen(m->key, to, e);
	return buf_add_text(to, "have the member send his .pub", e);
}

/* *ret_here: his secret half is. */
static int check_member(struct preflight *p, const struct cluster_member *m, const char *check,
                        bool *ret_here, bool *ret_failed, struct err *e)
{
	AUTO(buf) struct buf next = BUF_INIT(COMMAND_LINE_MAX);
	AUTO(text) char *pub = NULL;
	struct public_key half;
	bool is_seen = true;
	struct err why;
	int result;

	*ret_here = false;
	if (m->key)
		is_seen = file_look(m->key, ret_here, &why) == 0;
	if (m->pub)
		TRY(text_dup(m->pub, &pub, e));
	else
		TRY(other_half(m->key, ".pub", &pub, e));
	if (!is_seen && !m->pub) {
		result = -1;
		TRY(buf_add_text(
		    &next, "run as the user whose keys these are, or name the member's `pub:`", e));
	} else if (*ret_here) {
		result = read_pair(m, pub, &why);
		TRY(buf_add_text(
		    &next, "keep a key as member keygen made it: mode 0600, beside its own .pub",
		    e));
	} else if (m->key && !m->pub) {
		result =
		    err_reason(&why, ERR_NO_INPUT, CLUSTER_KEY_MISSING, "there is no '%s'", m->key);
		if (file_is_there(pub))
			TRY(buf_add_text(
			    &next,
			    "where the key is elsewhere, have the cluster file name its `pub:`",
			    e));
		else
			TRY(suggest_keygen(m->key, &next, e));
	} else {
		result = public_key_read(pub, &half, &why);
		if (result < 0)
			TRY(explain_pub(m, pub, &why, &next, e));
	}
	*ret_failed = result < 0;
	return result < 0 ? preflight_add_failed(p, check, m->name, &why, buf_text(&next), e) : 0;
}

static int check_list(struct preflight *p, const struct cluster_member_list *list,
                      const char *subject, struct err *e)
{
	AUTO(buf) struct buf absent = BUF_INIT(ERR_TEXT_MAX);
	size_t here = 0, failed = 0;

	for (size_t i = 0; i < list->count; i++) {
		bool is_here, has_failed;

		TRY(check_member(p, &list->items[i], "keys", &is_here, &has_failed, e));
		here += is_here;
		failed += has_failed;
	}
	if (failed)
		return 0;
	cluster_name_absent_keys(list, &absent);
	return preflight_add_ok(
	    p, "keys", subject, e, "%zu of %zu members' keys are here, and well%s%s", here,
	    list->count, absent.len ? "; the file names a `key:` that is not here: " : "",
	    buf_text(&absent));
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_list(const struct cluster_member_list *a, const struct cluster_member_list *b)
{
	for (size_t i = 0; i < a->count && a->count == b->count; i++)
		if (!is_same_text(a->items[i].name, b->items[i].name) ||
		    !is_same_text(a->items[i].key, b->items[i].key) ||
		    !is_same_text(a->items[i].pub, b->items[i].pub))
			return false;
	return a->count == b->count;
}

static int check_public(struct preflight *p, const char *subject, const char *path, struct err *e)
{
	struct public_key key;
	struct err why;
	int result;

	if (!path)
		return 0;
	result = public_key_read(path, &key, &why);
	return preflight_add_result(p, "keys", subject, result, &why, "a public key",
	                            "correct the path in the cluster file", e);
}

/* Of a quorum that was born elsewhere members keep theirs themselves. */
static int check_shares(struct preflight *p, struct err *e)
{
	const struct cluster_member_list *members = &p->c->quorum.members;
	size_t missing = 0;

	if (!p->has_genesis || p->genesis.is_foreign)
		return 0;
	for (size_t i = 0; i < members->count; i++) {
		const struct cluster_member *m = &members->items[i];
		AUTO(text) char *path = NULL;

		TRY(state_share_path(&p->state, m->name, &path, e));
		if (!m->key || !file_is_there(m->key) || file_is_there(path))
			continue;
		missing++;
		TRY(preflight_add(p, "shares", m->name, PREFLIGHT_WARNING,
		                  "his encrypted share is not in the state folder",
		                  "bring it back from a backup, or let the member inject it", e));
	}
	return missing ? 0
	               : preflight_add_ok(p, "shares", "shares/", e,
	                                  "there for every key that is here");
}

int preflight_check_keys(struct preflight *p, struct err *e)
{
	TRY(check_list(p, &p->c->quorum.members, "share set", e));
	if (!is_same_list(&p->c->quorum.members, &p->c->manifest_set))
		TRY(check_list(p, &p->c->manifest_set, "manifest set", e));
	TRY(check_public(p, "quorum.drKey", p->c->quorum.dr_key, e));
	TRY(check_public(p, "quorum.publicKey", p->c->quorum.public_key, e));
	return check_shares(p, e);
}
