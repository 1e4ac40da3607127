#include "cluster/config_internal.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Where one of the item's own keys stands, or the item itself. */
static struct mark place_in(const struct config_places *p, const char *list, const char *key,
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
			return config_refuse(e, p, place_in(p, row->path, "name", at),
			                     "%s[%zu].name, expected a name of its own, found '%s' "
			                     "of line %d",
			                     row->path, p->item, m->name, m->line);
		if (same(m->key, last->key) || same(m->pub, last->pub))
			return config_refuse(
			    e, p,
			    place_in(p, row->path, same(m->key, last->key) ? "key" : "pub", at),
			    "%s[%zu], expected a key file of its own, found that of '%s'",
			    row->path, p->item, m->name);
	}
	return 0;
}

/* Port 0 is another port each time. */
static bool same_address(const struct cluster_node *a, const struct cluster_node *b)
{
	const char *colon = b->listen ? strrchr(b->listen, ':') : NULL;

	if (colon && strspn(colon + 1, "0") == strlen(colon + 1))
		return false;
	return same(a->listen, b->listen) || same(a->url, b->url);
}

int config_check_node(const struct cluster *c, const struct config_places *p, struct mark at,
                      struct err *e)
{
	struct cluster_node *last = &c->nodes[c->node_count - 1];

	last->line = (int)at.line;
	if (!last->listen == !last->url)
		return config_refuse(
		    e, p, at,
		    "nodes[%zu], expected either 'listen' (launched here) or 'url' "
		    "(launched elsewhere), found %s",
		    p->item, last->url ? "both" : "neither");
	for (const struct cluster_node *n = c->nodes; n < last; n++) {
		if (same(n->name, last->name))
			return config_refuse(e, p, place_in(p, "nodes", "name", at),
			                     "nodes[%zu].name, expected a name of its own, found "
			                     "'%s' of line %d",
			                     p->item, n->name, n->line);
		if (same_address(n, last))
			return config_refuse(
			    e, p, place_in(p, "nodes", last->url ? "url" : "listen", at),
			    "nodes[%zu], expected an address of its own, found that of '%s'",
			    p->item, n->name);
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

static int copy_list(const struct cluster_member_list *from, struct cluster_member_list *to,
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

static int check_sets(struct cluster *c, const struct config_places *p, struct err *e)
{
	TRY(check_threshold(&c->quorum.members, "quorum", "quorum.threshold", p, e));
	if (c->manifest_set.count == 0)
		return copy_list(&c->quorum.members, &c->manifest_set, e);
	return check_threshold(&c->manifest_set, "quorum.manifestSet",
	                       "quorum.manifestSet.threshold", p, e);
}

static int check_source(struct cluster *c, const struct config_places *p, struct err *e)
{
	const char *names[CLUSTER_NODES_MAX + 1], *nearest;
	const struct cluster_node *source;

	if (!c->propagate.source_name)
		return 0;
	source = cluster_find_node(c, c->propagate.source_name);
	if (source) {
		c->propagate.source = (size_t)(source - c->nodes);
		return 0;
	}
	for (size_t i = 0; i < c->node_count; i++)
		names[i] = c->nodes[i].name;
	names[c->node_count] = NULL;
	nearest = text_nearest(c->propagate.source_name, names);
	return config_refuse(e, p, config_place_of(p, "propagate.source"),
	                     "propagate.source, expected the name of a node, found '%s'%s%s%s",
	                     c->propagate.source_name, nearest ? ": did you mean '" : "",
	                     nearest ? nearest : "", nearest ? "'?" : "");
}

static int check_topology(const struct cluster *c, const struct config_places *p, struct err *e)
{
	if (c->propagate.topology == TOPOLOGY_CHAIN)
		return 0;
	return config_refuse(e, p, config_place_of(p, "propagate.topology"),
	                     "propagate.topology, expected chain, the only one of this version, "
	                     "found '%s': star and tree come in a later version",
	                     topology_names[c->propagate.topology]);
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

int config_check(struct cluster *c, const struct config_places *p, struct err *e)
{
	TRY(check_sets(c, p, e));
	TRY(check_source(c, p, e));
	TRY(check_topology(c, p, e));
	TRY(check_enclave(c, p, e));
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
