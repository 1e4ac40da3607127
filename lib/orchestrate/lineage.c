#include "orchestrate/lineage.h"

#include "base/text.h"
#include "proto/row.h"

#include <stdlib.h>
#include <string.h>

#define TEES_MAX UINT16_MAX

const char *const key_way_names[] = {
	[KEY_NOT_SHOWN] = "not shown", [KEY_SHARES] = "shares", [KEY_FORWARDED] = "forwarded", NULL
};

/* clang-format off */
#define THIS lineage_tee
SCHEMA(lineage_tee,
	TEXT("node", node, 0, WIRE_TEXT_MAX, "its name when the journal last told of it", REQUIRED),
	TEXT("module_id", module_id, 0, WIRE_TEXT_MAX, "of its NSM", IF_ANY),
	FIXED_HEX("setup_key", setup_key, "SHA-256 of its setup key", NULLABLE(has_setup_key)),
	WORD("key", way, key_way_names, "how it got the key", REQUIRED),
	TEXT("source", source, 0, WIRE_TEXT_MAX, "the node that it has the key from", NULLABLE(has_source)),
	TEXT("source_module_id", source_module, 0, WIRE_TEXT_MAX, "of that", IF_ANY),
	BOOL("verified", verified, "by receipts; else teectl's word alone", REQUIRED),
	NUMBER("received_ms", received_ms, 0, INT64_MAX, "when, by its own clock; 0: not shown", REQUIRED),
	BOOL("proved", proved, "whether it has proved that it holds the key", REQUIRED),
	NUMBER("proved_ms", proved_ms, 0, INT64_MAX, "when it last did", REQUIRED),
	BOOL("retired", retired, "whether it has wiped the key", REQUIRED),
	BOOL("earlier", earlier, "whether its node was started again since", REQUIRED),
	BOOL("stopped", stopped, "whether it was launched here and does not run now", REQUIRED),
	NUMBER("unknown_exports", unknown_exports, 0, INT64_MAX, "to TEEs of which there is no document", REQUIRED));
#undef THIS
#define THIS lineage
SCHEMA(lineage,
	LIST("tees", tees, 0, TEES_MAX, lineage_tee, "sources before targets", REQUIRED));
#undef THIS
/* clang-format on */

static struct lineage_tee *tee_at(const struct lineage *l, size_t tee)
{
	return (struct lineage_tee *)l->tees.items + tee;
}

static const struct audit_document *find_document(const struct audit *a, const struct hash256 *hash)
{
	const struct audit_document *documents = a->documents.items;

	for (size_t i = 0; i < a->documents.count; i++)
		if (view_equal(VIEW_OF(documents[i].hash.bytes), VIEW_OF(hash->bytes)))
			return &documents[i];
	return NULL;
}

/* What teectl has written of the envelope that a TEE took. */
static const struct audit_export *find_export(const struct audit *a, const struct hash256 *sealed)
{
	const struct audit_export *exports = a->exports.items;

	for (size_t i = 0; sealed && i < a->exports.count; i++)
		if (view_equal(VIEW_OF(exports[i].sealed.bytes), VIEW_OF(sealed->bytes)))
			return &exports[i];
	return NULL;
}

/* The last TEE that was called that. */
static size_t last_boot(const struct audit *a, struct view node)
{
	const struct audit_boot *boots = a->boots.items;
	size_t found = LINEAGE_NONE;

	for (size_t i = 0; i < a->boots.count; i++)
		if (view_equal(buf_view(&boots[i].node), node) &&
		    (found == LINEAGE_NONE || boots[i].number > boots[found].number))
			found = i;
	return found;
}

/* Is it a receipt for the key to this TEE? */
static bool is_for(const struct audit *a, size_t boot, const struct audit_receipt *r)
{
	const struct audit_document *document =
	    r->receipt.kind == RECEIPT_EXPORT ? find_document(a, &r->receipt.subject) : NULL;

	return document && document->has_boot && document->boot == boot;
}

/* Is it of what teectl has written of? */
static bool fits(const struct audit *a, const struct audit_export *export,
                 const struct audit_receipt *r)
{
	const struct audit_boot *boots = a->boots.items;

	return export &&
	       view_equal(VIEW_OF(r->receipt.subject.bytes), VIEW_OF(export->peer.bytes)) &&
	       view_equal(buf_view(&boots[r->boot].node), buf_view(&export->source));
}

/* The source's receipt: the one that fits, a verified one before one that is claimed.
 *
 * ret_is_sole  no other TEE gave one as well: which of them the target took its envelope from would
 *              then be teectl's word */
static const struct audit_receipt *find_source(const struct audit *a, size_t boot,
                                               const struct audit_export *export, bool *ret_is_sole)
{
	const struct audit_receipt *receipts = a->receipts.items, *found = NULL;
	int best = -1;

	*ret_is_sole = true;
	for (size_t i = 0; i < a->receipts.count; i++) {
		const struct audit_receipt *r = &receipts[i];
		int worth = 2 * fits(a, export, r) + r->is_verified;

		if (!is_for(a, boot, r))
			continue;
		*ret_is_sole = *ret_is_sole && (!found || found->boot == r->boot);
		if (worth <= best)
			continue;
		best = worth;
		found = r;
	}
	return found;
}

static int set_source(const struct audit *a, size_t boot, const struct hash256 *sealed,
                      bool is_taken, struct lineage_tee *tee, struct err *e)
{
	const struct audit_boot *boots = a->boots.items;
	const struct audit_export *export = find_export(a, sealed);
	bool is_sole;
	const struct audit_receipt *by = find_source(a, boot, export, &is_sole);

	if (by)
		tee->from = by->boot;
	else if (export)
		tee->from = last_boot(a, buf_view(&export->source));
	if (by || export)
		TRY(wire_set(&tee->source, buf_view(by ? &boots[by->boot].node : &export->source),
		             e));
	tee->has_source = by || export;
	tee->verified = is_taken && by && by->is_verified && is_sole;
	if (tee->from != LINEAGE_NONE)
		TRY(wire_set(&tee->source_module, buf_view(&boots[tee->from].module_id), e));
	return 0;
}

/* How it came to the key, by its own receipts. */
static int set_way(const struct audit *a, size_t boot, struct lineage_tee *tee, struct err *e)
{
	const struct audit_receipt *receipts = a->receipts.items, *taken = NULL;

	for (size_t i = 0; i < a->receipts.count; i++) {
		const struct audit_receipt *r = &receipts[i];

		if (r->boot != boot)
			continue;
		if (r->receipt.kind == RECEIPT_INJECT ||
		    r->receipt.kind == RECEIPT_SHARES_COMPLETED)
			taken = r;
		tee->retired |= r->receipt.kind == RECEIPT_RETIRE && r->is_verified;
		tee->unknown_exports +=
		    r->receipt.kind == RECEIPT_EXPORT && !find_document(a, &r->receipt.subject);
	}
	if (taken)
		tee->received_ms = (int64_t)(taken->receipt.nsm_ms & INT64_MAX);
	if (taken && taken->receipt.kind == RECEIPT_SHARES_COMPLETED) {
		tee->way = KEY_SHARES;
		tee->verified = taken->is_verified;
		return 0;
	}
	tee->way = taken ? KEY_FORWARDED : KEY_NOT_SHOWN;
	return set_source(a, boot, taken ? &taken->receipt.subject : NULL,
	                  taken && taken->is_verified, tee, e);
}

static int add_tee(const struct audit *a, size_t boot, struct lineage *l, struct err *e)
{
	const struct audit_boot *b = (const struct audit_boot *)a->boots.items + boot;
	struct lineage_tee *tee;

	TRY(wire_list_add(&l->tees, &lineage_tee_schema, &tee, e));
	tee->from = LINEAGE_NONE;
	tee->number = b->number;
	tee->has_setup_key = b->has_setup_key;
	memcpy(tee->setup_key, b->setup_key.bytes, sizeof(tee->setup_key));
	tee->proved = b->proved_ms != 0;
	tee->proved_ms = b->proved_ms;
	TRY(wire_set(&tee->node, buf_view(&b->node), e));
	TRY(wire_set(&tee->module_id, buf_view(&b->module_id), e));
	return set_way(a, boot, tee, e);
}

/* --- order */

struct order {
	size_t *tees;
	size_t count;
};

static void order_drop(struct order *o)
{
	free(o->tees);
}

static int order_new(const struct lineage *l, struct order *ret, struct err *e)
{
	ret->tees = calloc(l->tees.count + 1, sizeof(*ret->tees));
	return ret->tees ? 0 : err_set(e, ERR_INTERNAL, "no memory for %zu TEEs", l->tees.count);
}

static bool is_placed(const struct order *o, size_t tee)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->tees[i] == tee)
			return true;
	return false;
}

static bool has_key(const struct lineage_tee *tee)
{
	return tee->way != KEY_NOT_SHOWN || tee->proved || tee->has_source;
}

/* The TEEs in that order, and no others. */
static int arrange(struct lineage *l, const struct order *order, struct err *e)
{
	struct wire_list list = { 0 };
	struct lineage_tee *items = calloc(order->count + 1, sizeof(*items));

	if (!items)
		return err_set(e, ERR_INTERNAL, "no memory for %zu TEEs", order->count);
	for (size_t i = 0; i < order->count; i++) {
		items[i] = MOVE(*tee_at(l, order->tees[i]));
		if (items[i].from == LINEAGE_NONE)
			continue;
		for (size_t source = 0; source <= order->count; source++) {
			if (source == order->count)
				items[i].from = LINEAGE_NONE;
			else if (order->tees[source] == items[i].from) {
				items[i].from = source;
				break;
			}
		}
	}
	list.items = items;
	list.count = order->count;
	wire_list_release(&lineage_tee_schema, &l->tees);
	l->tees = list;
	return 0;
}

/* The first TEE that has the key from this one (LINEAGE_NONE: from none) and has no place yet. */
static size_t next_of(const struct lineage *l, const struct order *o, size_t from)
{
	for (size_t i = 0; i < l->tees.count; i++)
		if (tee_at(l, i)->from == from && has_key(tee_at(l, i)) && !is_placed(o, i))
			return i;
	return LINEAGE_NONE;
}

/* A claimed way may lead in a circle: it is cut where it is entered. */
static size_t cut_circle(const struct lineage *l, const struct order *o)
{
	for (size_t i = 0; i < l->tees.count; i++)
		if (has_key(tee_at(l, i)) && !is_placed(o, i)) {
			tee_at(l, i)->from = LINEAGE_NONE;
			return i;
		}
	return LINEAGE_NONE;
}

/* Each TEE, then those that have the key from it. */
static int sort(struct lineage *l, struct err *e)
{
	AUTO(order) struct order order = { 0 };
	size_t at = LINEAGE_NONE, next;

	TRY(order_new(l, &order, e));
	for (;;) {
		next = next_of(l, &order, at);
		if (next == LINEAGE_NONE && at != LINEAGE_NONE) {
			at = tee_at(l, at)->from;
			continue;
		}
		if (next == LINEAGE_NONE)
			next = cut_circle(l, &order);
		if (next == LINEAGE_NONE)
			break;
		order.tees[order.count++] = next;
		at = next;
	}
	return arrange(l, &order, e);
}

/* Another TEE of that name that the journal tells of later. */
static void mark_earlier(const struct audit *a, struct lineage *l)
{
	for (size_t i = 0; i < l->tees.count; i++)
		tee_at(l, i)->earlier = last_boot(a, buf_view(&tee_at(l, i)->node)) != i;
}

int lineage_make(const struct audit *a, struct lineage *ret, struct err *e)
{
	AUTO(lineage) struct lineage l = { 0 };

	if (a->boots.count > TEES_MAX)
		return err_set(e, ERR_DATA, "%zu TEEs, at most %d", a->boots.count, TEES_MAX);
	for (size_t i = 0; i < a->boots.count; i++)
		TRY(add_tee(a, i, &l, e));
	mark_earlier(a, &l);
	TRY(sort(&l, e));
	*ret = MOVE(l);
	return 0;
}

int lineage_find(const struct lineage *l, const char *node, size_t *ret, struct err *e)
{
	size_t found = LINEAGE_NONE;

	for (size_t i = 0; i < l->tees.count; i++)
		if (view_equal(buf_view(&tee_at(l, i)->node), view_text(node)) &&
		    (found == LINEAGE_NONE || tee_at(l, i)->number > tee_at(l, found)->number))
			found = i;
	if (found == LINEAGE_NONE)
		return err_set(e, ERR_DATA, "the journal does not show that '%s' ever had the key",
		               node);
	*ret = found;
	return 0;
}

bool lineage_descends(const struct lineage *l, size_t tee, size_t from)
{
	while (tee != LINEAGE_NONE && tee != from)
		tee = tee_at(l, tee)->from;
	return tee == from;
}

static bool descends_from_life_of(const struct lineage *l, size_t tee, struct view node)
{
	for (; tee != LINEAGE_NONE; tee = tee_at(l, tee)->from)
		if (view_equal(buf_view(&tee_at(l, tee)->node), node))
			return true;
	return false;
}

int lineage_cut_from(struct lineage *l, const char *node, struct err *e)
{
	AUTO(order) struct order order = { 0 };
	size_t last;

	TRY(lineage_find(l, node, &last, e));
	TRY(order_new(l, &order, e));
	for (size_t i = 0; i < l->tees.count; i++)
		if (descends_from_life_of(l, i, view_text(node)))
			order.tees[order.count++] = i;
	return arrange(l, &order, e);
}

int lineage_cut_to(struct lineage *l, const char *node, struct err *e)
{
	AUTO(order) struct order order = { 0 };
	size_t last;

	TRY(lineage_find(l, node, &last, e));
	TRY(order_new(l, &order, e));
	for (size_t i = 0; i < l->tees.count; i++)
		if (lineage_descends(l, last, i))
			order.tees[order.count++] = i;
	return arrange(l, &order, e);
}

static bool leads_to_flagged(const struct lineage *l, size_t tee, const bool *flags)
{
	for (size_t i = 0; i < l->tees.count; i++)
		if (flags[i] && lineage_descends(l, i, tee))
			return true;
	return false;
}

int lineage_keep(struct lineage *l, const bool *flags, struct err *e)
{
	AUTO(order) struct order order = { 0 };

	TRY(order_new(l, &order, e));
	for (size_t i = 0; i < l->tees.count; i++)
		if (leads_to_flagged(l, i, flags))
			order.tees[order.count++] = i;
	return arrange(l, &order, e);
}
