/* Selectors, against a cluster file with names and labels: what the check accepts can choose a
 * node, and a node that is chosen in a state is chosen while its state is unknown. */
#include "cluster/select.h"

#include <stdlib.h>
#include <string.h>

static const char file[] =
    "apiVersion: teectl/v1\nkind: Cluster\nmetadata: { name: d }\nenclave: { image: e }\n"
    "quorum: { threshold: 2, members: [ { name: a, pub: a }, { name: b, pub: b } ] }\n"
    "nodes:\n  - name: eu-[1-3]\n    url: http://e[1-3]\n    labels: { region: eu, role: a }\n"
    "  - { name: here, listen: \"127.0.0.1:0\" }\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_chosen_in_any(const struct selection *s, const struct cluster_node *node)
{
	for (int state = 0; select_states[state]; state++)
		if (selection_has(s, node, state))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(selection) struct selection s = { 0 };
	AUTO(cluster) struct cluster c = { 0 };
	char text[512];
	size_t chosen = 0;
	struct err e;

	if (size >= sizeof(text) || memchr(data, 0, size))
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (selection_add(&s, text, &e) < 0)
		return 0;
	if (cluster_parse("c.yaml", view_text(file), &c, &e) < 0)
		abort();
	for (size_t i = 0; i < c.node_count; i++) {
		bool is_chosen = selection_has(&s, &c.nodes[i], SELECT_STATE_UNKNOWN);

		chosen += is_chosen;
		if (is_chosen != is_chosen_in_any(&s, &c.nodes[i]))
			abort();
	}
	if (selection_check(&s, &c, &e) == 0 && chosen == 0)
		abort();
	return 0;
}
