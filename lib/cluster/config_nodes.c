/* Entries of `nodes:`, each of which is a node or stands for many. */
#include "cluster/config_internal.h"

#include "base/text.h"
#include "cluster/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_WORD "{host}"
#define TEXT_MAX  4096 /* of a name, an address or a host before it is judged */

/* What an entry is made of. */
struct entry {
	struct cluster_node node;
	const char *address_key;
	char *const *address; /* node.url or node.listen */
	struct pattern names, hosts, addresses;
	size_t count; /* nodes that it stands for */
};

static void entry_drop(struct entry *entry)
{
	cluster_node_drop(&entry->node);
}

int config_is_pattern(const char *text, bool *ret, struct err *e)
{
	struct pattern p;

	TRY(pattern_parse(text, CLUSTER_NODES_MAX, &p, e));
	*ret = p.brackets > 0 || strstr(text, HOST_WORD);
	return 0;
}

/* --- names and addresses that are taken --- */

void node_index_drop(struct node_index *i)
{
	free(i->names);
	free(i->addresses);
	*i = (struct node_index){ 0 };
}

static int index_make(struct node_index *i, struct err *e)
{
	if (!i->names)
		i->names = calloc(NODE_SLOTS, sizeof(*i->names));
	if (!i->addresses)
		i->addresses = calloc(NODE_SLOTS, sizeof(*i->addresses));
	if (!i->names || !i->addresses)
		return err_set(e, ERR_INTERNAL, "no memory for %d nodes", CLUSTER_NODES_MAX);
	return 0;
}

static const char *name_of(const struct cluster_node *n)
{
	return n->name;
}

static const char *address_of(const struct cluster_node *n)
{
	return n->url ? n->url : n->listen;
}

/* FNV-1a: it spreads texts that differ in one digit. */
static size_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3;
	return (size_t)(h ^ h >> 32);
}

/* The slot of the node that has the text, or the free one where it belongs. */
static uint32_t *find_slot(uint32_t *slots, const struct cluster *c, const char *text,
                           const char *(*text_of)(const struct cluster_node *))
{
	size_t at = hash(text) % NODE_SLOTS;

	while (slots[at] && strcmp(text_of(&c->nodes[slots[at] - 1]), text) != 0)
		at = (at + 1) % NODE_SLOTS;
	return &slots[at];
}

/* Port 0 is another port each time. */
static bool takes_free_port(const struct cluster_node *n)
{
	const char *colon = n->listen ? strrchr(n->listen, ':') : NULL;

	return colon && strspn(colon + 1, "0") == strlen(colon + 1);
}

/* The last node against those before it. */
static int check_own(const struct cluster *c, const struct config_places *p, struct mark at,
                     struct node_index *index, struct err *e)
{
	const struct cluster_node *last = &c->nodes[c->node_count - 1], *other;
	uint32_t *slot = find_slot(index->names, c, last->name, name_of);

	if (*slot) {
		other = &c->nodes[*slot - 1];
		return config_refuse(e, p, config_place_in(p, "nodes", "name", at),
		                     "nodes[%zu].name, expected a name of its own, found '%s' of "
		                     "line %d",
		                     p->item, other->name, other->line);
	}
	*slot = (uint32_t)c->node_count;
	if (takes_free_port(last))
		return 0;
	slot = find_slot(index->addresses, c, address_of(last), address_of);
	if (*slot) {
		other = &c->nodes[*slot - 1];
		return config_refuse(
		    e, p, config_place_in(p, "nodes", last->url ? "url" : "listen", at),
		    "nodes[%zu], expected an address of its own, found that of '%s' of line %d",
		    p->item, other->name, other->line);
	}
	*slot = (uint32_t)c->node_count;
	return 0;
}

/* --- an entry, as written --- */

static int refuse_key(const struct config_places *p, struct mark at, const char *key,
                      const char *what, struct err *e)
{
	return config_refuse(e, p, config_place_in(p, "nodes", key, at), "nodes[%zu].%s, %s",
	                     p->item, key, what);
}

static int check_keys(const struct cluster_node *n, const struct config_places *p, struct mark at,
                      struct err *e)
{
	if (!n->name && !n->hosts)
		return config_refuse(
		    e, p, at, "nodes[%zu], expected 'name' (the node's name), found none", p->item);
	if (!n->listen == !n->url)
		return config_refuse(
		    e, p, at,
		    "nodes[%zu], expected either 'listen' (launched here) or 'url' "
		    "(launched elsewhere), found %s",
		    p->item, n->url ? "both" : "neither");
	return 0;
}

static bool names_host(const char *text)
{
	return text && strstr(text, HOST_WORD);
}

static int check_host_word(const struct entry *x, const struct config_places *p, struct mark at,
                           struct err *e)
{
	if (!x->node.hosts && names_host(*x->address))
		return refuse_key(p, at, x->address_key,
		                  "expected 'hosts' beside '" HOST_WORD "', found none", e);
	if (!x->node.hosts && names_host(x->node.name))
		return refuse_key(p, at, "name",
		                  "expected 'hosts' beside '" HOST_WORD "', found none", e);
	if (!x->node.hosts)
		return 0;
	if (!names_host(*x->address))
		return refuse_key(p, at, x->address_key,
		                  "expected '" HOST_WORD "' in it beside 'hosts', found none", e);
	if (x->addresses.brackets)
		return refuse_key(p, at, x->address_key,
		                  "expected brackets in 'hosts' alone, found more", e);
	return 0;
}

/* Names and addresses go in step. */
static int count_nodes(struct entry *x, const struct config_places *p, struct mark at,
                       struct err *e)
{
	const struct pattern *lead = x->node.hosts ? &x->hosts : &x->addresses;
	bool is_named = x->node.name && (x->names.brackets || !names_host(x->node.name));

	x->count = lead->count;
	if (!lead->brackets && x->names.brackets && takes_free_port(&x->node))
		x->count = x->names.count;
	else if (!lead->brackets && x->names.count > 1)
		return config_refuse(e, p, config_place_in(p, "nodes", x->address_key, at),
		                     "nodes[%zu].%s, expected an address for each of the %zu "
		                     "names, found one",
		                     p->item, x->node.hosts ? "hosts" : x->address_key,
		                     x->names.count);
	if (is_named && x->names.count != x->count)
		return config_refuse(e, p, config_place_in(p, "nodes", "name", at),
		                     "nodes[%zu].name, expected %zu names, one for each address, "
		                     "found %zu",
		                     p->item, x->count, x->names.count);
	return 0;
}

static int parse_if(const char *text, struct pattern *ret, struct err *e)
{
	*ret = (struct pattern){ .count = 1 };
	return text ? pattern_parse(text, CLUSTER_NODES_MAX, ret, e) : 0;
}

static int entry_read(struct entry *x, const struct config_places *p, struct mark at, struct err *e)
{
	TRY(check_keys(&x->node, p, at, e));
	x->address = x->node.url ? &x->node.url : &x->node.listen;
	x->address_key = x->node.url ? "url" : "listen";
	TRY(parse_if(x->node.name, &x->names, e));
	TRY(parse_if(x->node.hosts, &x->hosts, e));
	TRY(parse_if(*x->address, &x->addresses, e));
	TRY(check_host_word(x, p, at, e));
	return count_nodes(x, p, at, e);
}

/* --- the nodes that it stands for --- */

/* The text of that number, with the host in the place of its word. */
static int add_text(struct pattern *pattern, size_t i, const char *host, struct buf *to,
                    struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(TEXT_MAX);
	const char *at, *word;

	TRY(pattern_add(pattern, i, &text, e));
	for (at = buf_text(&text); (word = strstr(at, HOST_WORD)); at = word + strlen(HOST_WORD)) {
		TRY(buf_add(to, view_new(at, (size_t)(word - at)), e));
		TRY(buf_add_text(to, host, e));
	}
	return buf_add_text(to, at, e);
}

/* Judges the text as the key's value, and keeps it in the node. */
static int set_text(const struct config_places *p, struct mark at, const char *key,
                    const char *text, struct cluster_node *to, struct err *e)
{
	struct config_row row;
	char path[32];

	snprintf(path, sizeof(path), "nodes[].%s", key);
	row = *config_find(path);
	row.is_pattern = false;
	if (config_take(&row, &(struct scalar){ text, false }, to, "", e) == 0)
		return 0;
	if (e->code != ERR_CONFIG)
		return -1;
	return config_refuse(e, p, config_place_in(p, "nodes", key, at), "nodes[%zu].%s, %s",
	                     p->item, key, e->text);
}

static int copy_labels(const struct cluster_node *from, struct cluster_node *to, struct err *e)
{
	if (from->label_count == 0)
		return 0;
	to->labels = calloc(from->label_count, sizeof(*to->labels));
	if (!to->labels)
		return err_set(e, ERR_INTERNAL, "no memory for labels");
	to->label_count = from->label_count;
	for (size_t i = 0; i < from->label_count; i++) {
		TRY(text_dup(from->labels[i].name, &to->labels[i].name, e));
		TRY(text_dup(from->labels[i].value, &to->labels[i].value, e));
	}
	return 0;
}

static int fill_node(struct entry *x, size_t i, const struct config_places *p, struct mark at,
                     struct cluster_node *to, struct err *e)
{
	AUTO(buf) struct buf host = BUF_INIT(TEXT_MAX);
	AUTO(buf) struct buf name = BUF_INIT(TEXT_MAX);
	AUTO(buf) struct buf address = BUF_INIT(TEXT_MAX);
	/* A name or an address that all share, as where each takes a free port. */
	size_t of_names = x->names.brackets ? i : 0, of_addresses = x->addresses.brackets ? i : 0;

	TRY(pattern_add(&x->hosts, x->node.hosts ? i : 0, &host, e));
	TRY(add_text(&x->addresses, of_addresses, buf_text(&host), &address, e));
	if (x->node.name)
		TRY(add_text(&x->names, of_names, buf_text(&host), &name, e));
	else
		TRY(buf_add(&name, buf_view(&host), e));
	to->line = (int)at.line;
	TRY(set_text(p, at, x->address_key, buf_text(&address), to, e));
	TRY(set_text(p, at, "name", buf_text(&name), to, e));
	return copy_labels(&x->node, to, e);
}

int config_expand_node(struct cluster *c, const struct config_places *p, struct mark at,
                       struct node_index *index, struct err *e)
{
	AUTO(entry) struct entry x = { .node = MOVE(c->nodes[c->node_count - 1]) };

	c->node_count--;
	c->node_entries++;
	TRY(index_make(index, e));
	TRY(entry_read(&x, p, at, e));
	for (size_t i = 0; i < x.count; i++) {
		struct cluster_node *node = NULL;

		if (c->node_count == CLUSTER_NODES_MAX)
			return config_refuse(e, p, at, "nodes, expected at most %d, found more",
			                     CLUSTER_NODES_MAX);
		TRY(config_add_item(config_find("nodes"), c, &node, e));
		TRY(fill_node(&x, i, p, at, node, e));
		TRY(check_own(c, p, at, index, e));
	}
	return 0;
}
