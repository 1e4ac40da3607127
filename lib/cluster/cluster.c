#include "cluster/config.h"

#include "base/file.h"
#include "base/text.h"
#include "cluster/config_internal.h"
#include "proto/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cluster_member_list_drop(struct cluster_member_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		text_drop(&list->items[i].name);
		text_drop(&list->items[i].key);
		text_drop(&list->items[i].pub);
	}
	free(list->items);
	*list = (struct cluster_member_list){ 0 };
}

void cluster_node_drop(struct cluster_node *n)
{
	text_drop(&n->name);
	text_drop(&n->listen);
	text_drop(&n->url);
	text_drop(&n->hosts);
	for (size_t i = 0; i < n->label_count; i++) {
		text_drop(&n->labels[i].name);
		text_drop(&n->labels[i].value);
	}
	free(n->labels);
	*n = (struct cluster_node){ 0 };
}

static void nodes_drop(struct cluster *c)
{
	for (size_t i = 0; i < c->node_count; i++)
		cluster_node_drop(&c->nodes[i]);
	free(c->nodes);
}

void cluster_drop(struct cluster *c)
{
	char **texts[] = {
		&c->path,
		&c->folder,
		&c->name,
		&c->enclave.image,
		&c->enclave.role,
		&c->attestation.root_path,
		&c->quorum.dr_key,
		&c->quorum.public_key,
		&c->quorum.key_set,
		&c->manifest_key_set,
		&c->manifest.namespace_name,
		&c->propagate.source_name,
		&c->tls.ca,
		&c->tls.cert,
		&c->tls.key,
		&c->tls.server_cert,
		&c->tls.server_key,
		&c->tls.client_ca,
		&c->watch.metrics,
		&c->shared.ca,
		&c->shared.cert,
		&c->shared.key,
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		text_drop(texts[i]);
	for (size_t i = 0; i < c->manifest.pivot_arg_count; i++)
		text_drop(&c->manifest.pivot_args[i]);
	free(c->manifest.pivot_args);
	for (size_t i = 0; i < c->shared.etcd_count; i++)
		text_drop(&c->shared.etcd[i]);
	free(c->shared.etcd);
	cluster_member_list_drop(&c->quorum.members);
	cluster_member_list_drop(&c->manifest_set);
	nodes_drop(c);
	*c = (struct cluster){ 0 };
}

void flags_drop(bool **flags)
{
	free(*flags);
	*flags = NULL;
}

const struct cluster_node *cluster_find_node(const struct cluster *c, const char *name)
{
	for (size_t i = 0; i < c->node_count; i++)
		if (strcmp(c->nodes[i].name, name) == 0)
			return &c->nodes[i];
	return NULL;
}

const char *cluster_nearest_node(const struct cluster *c, const char *name)
{
	const char **names = calloc(c->node_count + 1, sizeof(*names)), *nearest;

	if (!names)
		return NULL;
	for (size_t i = 0; i < c->node_count; i++)
		names[i] = c->nodes[i].name;
	nearest = text_nearest(name, names);
	free(names);
	return nearest;
}

const char *cluster_node_label(const struct cluster_node *node, const char *name)
{
	for (size_t i = 0; i < node->label_count; i++)
		if (strcmp(node->labels[i].name, name) == 0)
			return node->labels[i].value;
	return NULL;
}

/* Of a key that a passphrase protects the other half, which keygen wrote beside it: nobody is asked
 * to open a key so that its public half may be read. */
static int read_beside(const char *key, struct public_key *ret, struct err *e)
{
	static const char suffix[] = ".secret";
	size_t len = strlen(key);
	AUTO(buf) struct buf pub = BUF_INIT(len + 5);

	if (len >= strlen(suffix) && strcmp(key + len - strlen(suffix), suffix) == 0)
		len -= strlen(suffix);
	TRY(buf_add_format(&pub, e, "%.*s.pub", (int)len, key));
	if (public_key_read(buf_text(&pub), ret, e) < 0)
		return err_wrap(e, "'%s' is protected", key);
	return 0;
}

static int read_public(const struct cluster_member *m, struct public_key *ret, struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;

	if (m->pub)
		return public_key_read(m->pub, ret, e);
	if (key_set_read(m->key, /* from= */ NULL, &key, e) < 0)
		return strcmp(e->reason, KEY_PROTECTED) == 0 ? read_beside(m->key, ret, e) : -1;
	*ret = *key_set_public(key);
	return 0;
}

int cluster_member_key(const struct cluster_member *m, struct public_key *ret, struct err *e)
{
	if (read_public(m, ret, e) == 0)
		return 0;
	if (e->code == ERR_NO_INPUT && !e->reason[0])
		snprintf(e->reason, sizeof(e->reason), "%s", CLUSTER_KEY_MISSING);
	return err_wrap(e, "member '%s'", m->name);
}

bool cluster_member_key_here(const struct cluster_member *m, struct public_key *ret)
{
	struct err ignored;

	return cluster_member_key(m, ret, &ignored) == 0 ||
	       (m->key && read_beside(m->key, ret, &ignored) == 0);
}

void cluster_name_absent_keys(const struct cluster_member_list *list, struct buf *to)
{
	size_t named = 0;
	struct err full;

	for (size_t i = 0; i < list->count && named < NAMED_MAX; i++) {
		const struct cluster_member *m = &list->items[i];

		if (m->key && !file_is_there(m->key) &&
		    buf_add_format(to, &full, "%s%s ('%s')", named++ ? ", " : "", m->name, m->key) <
		        0)
			return;
	}
}

/* Whoever gets the files wants to know of all of them at once. -1. */
static int name_missing(const struct cluster_member_list *list, size_t from, struct err *e)
{
	AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX / 2);
	struct err why, full;

	if (strcmp(e->reason, CLUSTER_KEY_MISSING) != 0)
		return -1;
	for (size_t i = from; i < list->count; i++) {
		const struct cluster_member *m = &list->items[i];
		struct public_key key;

		if (cluster_member_key(m, &key, &why) == 0 ||
		    strcmp(why.reason, CLUSTER_KEY_MISSING) != 0)
			continue;
		if (buf_add_format(&names, &full, "%s%s ('%s')", names.len ? ", " : "", m->name,
		                   m->pub ? m->pub : m->key) < 0)
			break; /* more than a line takes */
	}
	if (names.len) {
		why = *e;
		(void)err_reason(e, why.code, CLUSTER_KEY_MISSING, "%s; nor is there one of %s",
		                 why.text, buf_text(&names));
	}
	return -1;
}

/* is_half_enough: of a pair whose secret half the file names the public one may be here alone. */
static int make_set(const struct cluster_member_list *list, bool is_half_enough,
                    struct member_set *ret, struct err *e)
{
	AUTO(member_set) struct member_set set = { .threshold = list->threshold };

	for (size_t i = 0; i < list->count; i++) {
		const struct cluster_member *from = &list->items[i];
		struct public_key key;
		struct member *to;

		if (!(is_half_enough && cluster_member_key_here(from, &key)) &&
		    cluster_member_key(from, &key, e) < 0)
			return name_missing(list, i + 1, e);
		TRY(wire_list_add(&set.members, &member_schema, &to, e));
		TRY(wire_set_text(&to->alias, from->name, e));
		TRY(wire_set(&to->pub_key, public_key_view(&key), e));
	}
	*ret = MOVE(set);
	return 0;
}

int cluster_member_set(const struct cluster_member_list *list, struct member_set *ret,
                       struct err *e)
{
	return make_set(list, /* is_half_enough= */ false, ret, e);
}

int cluster_quorum_key(const struct cluster *c, struct public_key *ret, struct err *e)
{
	if (public_key_read(c->quorum.public_key, ret, e) < 0)
		return err_wrap(e, "quorum.publicKey");
	return 0;
}

#define OPTIONS_MAX 8    /* at most six, and the NULL after them */
#define OPTION_MAX  4352 /* a path and the option's name */

void cluster_options_drop(char ***options)
{
	for (char **o = *options; o && *o; o++)
		text_drop(o);
	free(*options);
	*options = NULL;
}

/* "--name=value", or "--name" without one, after those that are there. */
static int add_option(char **options, enum launch_id id, const char *value, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(OPTION_MAX);

	TRY(buf_add_format(&text, e, "--%s%s%s", launch_options[id].name, value ? "=" : "",
	                   value ? value : ""));
	while (*options)
		options++;
	return text_dup(buf_text(&text), options, e);
}

static int make_pin(const struct cluster_member_list *list, bool is_half_enough,
                    struct hash256 *ret, struct err *e)
{
	AUTO(member_set) struct member_set set = { 0 };

	TRY(make_set(list, is_half_enough, &set, e));
	return member_set_pin(&set, ret, e);
}

int cluster_set_pin(const struct cluster_member_list *list, struct hash256 *ret, struct err *e)
{
	return make_pin(list, /* is_half_enough= */ false, ret, e);
}

static int add_pin(char **options, enum launch_id id, const struct cluster_member_list *list,
                   bool is_half_enough, struct err *e)
{
	struct hash256 pin;
	char hex[2 * sizeof(pin.bytes) + 1];

	TRY(make_pin(list, is_half_enough, &pin, e));
	hex_write(VIEW_OF(pin.bytes), hex);
	return add_option(options, id, hex, e);
}

static int make_options(const struct cluster *c, bool is_half_enough, char ***ret, struct err *e)
{
	AUTO(cluster_options) char **options = calloc(OPTIONS_MAX, sizeof(*options));

	if (!options)
		return err_set(e, ERR_INTERNAL, "no memory for options");
	TRY(add_pin(options, LAUNCH_PIN_MANIFEST_SET, &c->manifest_set, is_half_enough, e));
	TRY(add_pin(options, LAUNCH_PIN_SHARE_SET, &c->quorum.members, is_half_enough, e));
	if (c->enclave.insecure_open_seed)
		TRY(add_option(options, LAUNCH_INSECURE_OPEN_SEED, NULL, e));
	if (c->tls.server_cert) {
		TRY(add_option(options, LAUNCH_TLS_CERT, c->tls.server_cert, e));
		TRY(add_option(options, LAUNCH_TLS_KEY, c->tls.server_key, e));
	}
	if (c->tls.client_ca)
		TRY(add_option(options, LAUNCH_CLIENT_CA, c->tls.client_ca, e));
	*ret = MOVE(options);
	return 0;
}

int cluster_options(const struct cluster *c, char ***ret, struct err *e)
{
	return make_options(c, /* is_half_enough= */ false, ret, e);
}

int cluster_options_known(const struct cluster *c, char ***ret, struct err *e)
{
	return make_options(c, /* is_half_enough= */ true, ret, e);
}
