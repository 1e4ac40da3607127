#include "cluster/config_internal.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

struct mark config_place_in(const struct config_places *p, const char *list, const char *key,
                            struct mark otherwise)
{
	char path[64];
	struct mark at;

	snprintf(path, sizeof(path), "%s[].%s", list, key);
	at = config_place_of(p, path);
	return at.line ? at : otherwise;
}

/* The last member of the list, just read, against those before it. */
int config_check_member(const struct cluster_member_list *list, const struct config_row *row,
                        const struct config_places *p, struct mark at, struct err *e)
{
	struct cluster_member *last = &list->items[list->count - 1];

	last->line = (int)at.line;
	if (!last->key && !last->pub)
		return config_refuse(e, p, at,
		                     "%s[%zu], expected 'key' or 'pub' (a key file), found neither",
		                     row->path, p->item);
	for (const struct cluster_member *m = list->items; m < last; m++) {
		if (same(m->name, last->name))
			return config_refuse(e, p, config_place_in(p, row->path, "name", at),
			                     "%s[%zu].name, expected a name of its own, found '%s' "
			                     "of line %d",
			                     row->path, p->item, m->name, m->line);
		if (same(m->key, last->key) || same(m->pub, last->pub))
			return config_refuse(
			    e, p,
			    config_place_in(p, row->path, same(m->key, last->key) ? "key" : "pub",
			                    at),
			    "%s[%zu], expected a key file of its own, found that of '%s'",
			    row->path, p->item, m->name);
	}
	return 0;
}

static int check_threshold(const struct cluster_member_list *list, const char *prefix,
                           const char *path, const struct config_places *p, struct err *e)
{
	long long least = config_find(path)->min;

	if (list->threshold <= (int64_t)list->count)
		return 0;
	return config_refuse(
	    e, p, config_place_of(p, path),
	    "%s.threshold, expected %lld to %zu (there are %zu members), found %lld", prefix, least,
	    list->count, list->count, (long long)list->threshold);
}

static int copy_text(const char *from, char **to, struct err *e)
{
	return from ? text_dup(from, to, e) : 0;
}

int config_copy_members(const struct cluster_member_list *from, struct cluster_member_list *to,
                        struct err *e)
{
	to->items = calloc(from->count, sizeof(*to->items));
	if (!to->items)
		return err_set(e, ERR_INTERNAL, "no memory for %zu members", from->count);
	to->count = from->count;
	to->threshold = from->threshold;
	for (size_t i = 0; i < from->count; i++) {
		to->items[i].line = from->items[i].line;
		TRY(copy_text(from->items[i].name, &to->items[i].name, e));
		TRY(copy_text(from->items[i].key, &to->items[i].key, e));
		TRY(copy_text(from->items[i].pub, &to->items[i].pub, e));
	}
	return 0;
}

/* A set is written out, or it is a folder: not half of each. */
static int check_source_of(const char *prefix, const char *key_set,
                           const struct cluster_member_list *list, const struct config_places *p,
                           struct err *e)
{
	static const char *const keys[] = { "threshold", "members" };
	char threshold[64];

	snprintf(threshold, sizeof(threshold), "%s.threshold", prefix);
	for (size_t i = 0; i < COUNT(keys); i++) {
		char path[64];
		struct mark at;

		snprintf(path, sizeof(path), "%s.%s", prefix, keys[i]);
		at = config_place_of(p, path);
		if (key_set && at.line)
			return config_refuse(e, p, at,
			                     "%s, expected it in the folder of %s.keySet alone, "
			                     "found both",
			                     path, prefix);
		if (!key_set && !at.line)
			return config_refuse(e, p, config_place_of(p, prefix),
			                     "%s, expected '%s' (%s), found none", prefix, keys[i],
			                     config_find(path)->doc);
	}
	if (key_set)
		return 0;
	return check_threshold(list, prefix, threshold, p, e);
}

static int check_sets(struct cluster *c, const struct config_places *p, struct err *e)
{
	TRY(check_source_of("quorum", c->quorum.key_set, &c->quorum.members, p, e));
	if (config_place_of(p, "quorum.manifestSet").line)
		return check_source_of("quorum.manifestSet", c->manifest_key_set, &c->manifest_set,
		                       p, e);
	/* Of a folder when it has been read. */
	return c->quorum.key_set ? 0 : config_copy_members(&c->quorum.members, &c->manifest_set, e);
}

static int check_source(struct cluster *c, const struct config_places *p, struct err *e)
{
	const struct cluster_node *source;
	const char *nearest;

	if (!c->propagate.source_name)
		return 0;
	source = cluster_find_node(c, c->propagate.source_name);
	if (source) {
		c->propagate.source = (size_t)(source - c->nodes);
		return 0;
	}
	nearest = cluster_nearest_node(c, c->propagate.source_name);
	return config_refuse(e, p, config_place_of(p, "propagate.source"),
	                     "propagate.source, expected the name of a node, found '%s'%s%s%s",
	                     c->propagate.source_name, nearest ? ": did you mean '" : "",
	                     nearest ? nearest : "", nearest ? "'?" : "");
}

/* Without an image nothing can be measured: then the file must say what nodes are held to. PCR3 is
 * computed from the role. */
static int check_enclave(const struct cluster *c, const struct config_places *p, struct err *e)
{
	struct mark at = config_place_of(p, "enclave");

	if (c->enclave.image)
		return 0;
	if (!at.line)
		at = (struct mark){ 1, 1 };
	for (size_t i = 0; i < c->node_count; i++)
		if (c->nodes[i].listen)
			return config_refuse(e, p, at,
			                     "enclave.image, expected the executable that '%s' is "
			                     "launched from, found none",
			                     c->nodes[i].name);
	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++)
		if (c->enclave.pcrs.values[i].len == 0)
			return config_refuse(
			    e, p, at,
			    "enclave, expected 'image' or, in 'pcrs', 0, 1 and 2 to "
			    "hold nodes to; found neither");
	return 0;
}

/* What is launched here has the simulated hypervisor's NSM, and no other. */
static int check_root(const struct cluster *c, const struct config_places *p, struct err *e)
{
	if (c->attestation.root != ROOT_AWS)
		return 0;
	for (size_t i = 0; i < c->node_count; i++)
		if (c->nodes[i].listen)
			return config_refuse(e, p, config_place_of(p, "attestation.root"),
			                     "attestation.root, expected simulated, or a file, "
			                     "since '%s' is launched here; found 'aws-nitro': "
			                     "Nitro's enclaves are named by their url",
			                     c->nodes[i].name);
	return 0;
}

static int check_tls(const struct cluster *c, const struct config_places *p, struct err *e)
{
	if (!c->tls.cert != !c->tls.key)
		return config_refuse(
		    e, p, config_place_of(p, c->tls.cert ? "tls.cert" : "tls.key"),
		    "tls, expected 'cert' and 'key' (they belong together), found '%s' alone",
		    c->tls.cert ? "cert" : "key");
	if (c->tls.client_ca && c->enclave.insecure_open_seed)
		return config_refuse(
		    e, p, config_place_of(p, "enclave.insecureOpenSeed"),
		    "enclave.insecureOpenSeed, expected false beside tls.server.clientCa (the "
		    "role app is for seed phrases), found true");
	return 0;
}

static bool begins_with(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static int check_state(const struct cluster *c, const struct config_places *p, struct err *e)
{
	for (size_t i = 0; i < c->shared.etcd_count; i++) {
		const char *url = c->shared.etcd[i];

		if ((!begins_with(url, "http://") && !begins_with(url, "https://")) ||
		    url[strlen(url) - 1] == '/')
			return config_refuse(
			    e, p, config_place_of(p, "state.etcd"),
			    "state.etcd, expected http:// or https://, a host and a "
			    "port, no path; found '%s'",
			    url);
	}
	if (!c->shared.cert != !c->shared.key)
		return config_refuse(
		    e, p, config_place_of(p, c->shared.cert ? "state.cert" : "state.key"),
		    "state, expected 'cert' and 'key' (they belong together), found '%s' alone",
		    c->shared.cert ? "cert" : "key");
	return 0;
}

int config_check(struct cluster *c, const struct config_places *p, struct err *e)
{
	TRY(check_sets(c, p, e));
	TRY(check_source(c, p, e));
	TRY(check_enclave(c, p, e));
	TRY(check_root(c, p, e));
	TRY(check_tls(c, p, e));
	TRY(check_state(c, p, e));
	if (c->keep_ready > (int64_t)c->node_count)
		return config_refuse(e, p, config_place_of(p, "keepReady"),
		                     "keepReady, expected at most %zu (the nodes), found %lld",
		                     c->node_count, (long long)c->keep_ready);
	if (c->retry_base_ms > c->retry_max_ms) {
		struct mark at = config_place_of(p, "retry.base");

		return config_refuse(
		    e, p, at.line ? at : config_place_of(p, "retry.max"),
		    "retry.base, expected at most retry.max (%lld ms), found %lld ms",
		    (long long)c->retry_max_ms, (long long)c->retry_base_ms);
	}
	if (!c->manifest.namespace_name)
		TRY(text_dup(c->name, &c->manifest.namespace_name, e));
	return 0;
}
