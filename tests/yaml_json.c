/* YAML on standard input, as JSON for jq: all scalars are strings. Fails where it is not one
 * document, or says a key twice. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

static void print_text(const yaml_node_t *node)
{
	const unsigned char *at = node->data.scalar.value;

	putchar('"');
	for (size_t i = 0; i < node->data.scalar.length; i++)
		if (at[i] < ' ' || at[i] == '"' || at[i] == '\\')
			printf("\\u%04x", at[i]);
		else
			putchar(at[i]);
	putchar('"');
}

static bool print_node(yaml_document_t *document, int index);

static bool is_same(const yaml_node_t *a, const yaml_node_t *b)
{
	return a->data.scalar.length == b->data.scalar.length &&
	       memcmp(a->data.scalar.value, b->data.scalar.value, a->data.scalar.length) == 0;
}

/* A key is a scalar, and there once. */
static bool is_new_key(yaml_document_t *document, const yaml_node_t *map,
                       const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(document, pair->key);

	if (key->type != YAML_SCALAR_NODE)
		return false;
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++)
		if (is_same(yaml_document_get_node(document, p->key), key))
			return false;
	return true;
}

static bool print_map(yaml_document_t *document, const yaml_node_t *map)
{
	const yaml_node_pair_t *first = map->data.mapping.pairs.start;

	putchar('{');
	for (const yaml_node_pair_t *p = first; p < map->data.mapping.pairs.top; p++) {
		if (!is_new_key(document, map, p))
			return false;
		fputs(p == first ? "" : ",", stdout);
		print_text(yaml_document_get_node(document, p->key));
		putchar(':');
		if (!print_node(document, p->value))
			return false;
	}
	putchar('}');
	return true;
}

static bool print_list(yaml_document_t *document, const yaml_node_t *list)
{
	const yaml_node_item_t *first = list->data.sequence.items.start;

	putchar('[');
	for (const yaml_node_item_t *i = first; i < list->data.sequence.items.top; i++) {
		fputs(i == first ? "" : ",", stdout);
		if (!print_node(document, *i))
			return false;
	}
	putchar(']');
	return true;
}

static bool print_node(yaml_document_t *document, int index)
{
	const yaml_node_t *node = yaml_document_get_node(document, index);

	if (!node)
		return false;
	if (node->type == YAML_MAPPING_NODE)
		return print_map(document, node);
	if (node->type == YAML_SEQUENCE_NODE)
		return print_list(document, node);
	print_text(node);
	return true;
}

int main(void)
{
	yaml_document_t document, after;
	yaml_parser_t parser;
	bool is_good;

	yaml_parser_initialize(&parser);
	yaml_parser_set_input_file(&parser, stdin);
	if (!yaml_parser_load(&parser, &document)) {
		fprintf(stderr, "line %zu: %s\n", parser.problem_mark.line + 1, parser.problem);
		return 1;
	}
	is_good = print_node(&document, 1);
	putchar('\n');
	if (!yaml_parser_load(&parser, &after) || yaml_document_get_root_node(&after))
		is_good = false;
	yaml_document_delete(&after);
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	return is_good ? 0 : 1;
}
