/* Which TEE each node was, by the documents in the journal: each was verified before its line was
 * written. A module_id names a boot of an NSM, and so does the setup key that its documents commit
 * to in PCR16. */
#include "orchestrate/evidence.h"

#include "orchestrate/run.h"

#include <stdlib.h>

static bool is_same(const struct hash256 *a, const struct hash256 *b)
{
	return view_equal(VIEW_OF(a->bytes), VIEW_OF(b->bytes));
}

static struct known_tee *find_tee(const struct evidence *v, const struct hash256 *module,
                                  size_t node)
{
	for (size_t i = 0; i < v->tee_count; i++)
		if (v->tees[i].node == node && is_same(&v->tees[i].module, module))
			return &v->tees[i];
	return NULL;
}

static int add_tee(struct evidence *v, const struct hash256 *module, size_t node,
                   struct known_tee **ret, struct err *e)
{
	struct known_tee *tees = reallocarray(v->tees, v->tee_count + 1, sizeof(*tees));

	if (!tees)
		return err_set(e, ERR_INTERNAL, "no memory for %zu TEEs", v->tee_count + 1);
	v->tees = tees;
	tees[v->tee_count] = (struct known_tee){ .module = *module, .node = node };
	*ret = &tees[v->tee_count++];
	return 0;
}

int evidence_take_tee(struct evidence *v, size_t node, struct view document, bool is_before,
                      struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	struct known_tee *tee;
	struct hash256 module;

	TRY(attestation_parse(document, &claims, e));
	TRY(sha256(claims.module_id, &module, e));
	tee = find_tee(v, &module, node);
	if (!tee)
		TRY(add_tee(v, &module, node, &tee, e));
	tee->order = ++v->tee_order;
	if (is_before)
		tee->before = tee->order;
	if (claims.user_data.is_present)
		tee->commitment = claims.pcrs.values[PCR_COMMITMENT];
	if (!claims.public_key.is_present)
		return 0;
	tee->has_setup_key = true;
	return sha256(claims.public_key.value, &tee->setup_key, e);
}

/* The last that its node was. */
static bool is_last(const struct evidence *v, const struct known_tee *tee)
{
	for (size_t i = 0; i < v->tee_count; i++)
		if (v->tees[i].node == tee->node && v->tees[i].order > tee->order)
			return false;
	return true;
}

size_t evidence_node_of(const struct evidence *v, const struct hash256 *module, size_t node)
{
	const struct known_tee *own = find_tee(v, module, node);

	if (own && own->before && is_last(v, own))
		return SIZE_MAX; /* this one's own, whoever else's it was */
	for (size_t i = 0; i < v->tee_count; i++) {
		const struct known_tee *tee = &v->tees[i];

		if (tee->node != node && tee->node != SIZE_MAX && tee->before &&
		    is_same(&tee->module, module) && is_last(v, tee))
			return tee->node;
	}
	return SIZE_MAX;
}

bool evidence_was(const struct evidence *v, const struct hash256 *module, size_t node)
{
	return find_tee(v, module, node) != NULL;
}

bool evidence_is_now(const struct evidence *v, const struct hash256 *module, size_t node)
{
	const struct known_tee *tee = find_tee(v, module, node);

	return tee && is_last(v, tee);
}

const struct hash256 *evidence_tee_of(const struct evidence *v, size_t node)
{
	for (size_t i = 0; i < v->tee_count; i++)
		if (v->tees[i].node == node && is_last(v, &v->tees[i]))
			return &v->tees[i].module;
	return NULL;
}

bool evidence_has_boot(const struct evidence *v, const struct hash256 *setup_key, size_t node)
{
	for (size_t i = 0; i < v->tee_count; i++) {
		const struct known_tee *tee = &v->tees[i];

		if (tee->node == node && tee->has_setup_key &&
		    is_same(&tee->setup_key, setup_key) && is_last(v, tee))
			return true;
	}
	return false;
}

void evidence_settle_tees(struct evidence *v)
{
	for (size_t i = 0; i < v->tee_count; i++)
		v->tees[i].before = v->tees[i].order;
}

const struct hash256 *evidence_tee_before(const struct evidence *v, size_t node)
{
	const struct known_tee *last = NULL;

	for (size_t i = 0; i < v->tee_count; i++) {
		const struct known_tee *tee = &v->tees[i];

		if (tee->node == node && tee->before && (!last || tee->before > last->before))
			last = tee;
	}
	return last ? &last->module : NULL;
}

bool evidence_was_another(const struct evidence *v, const struct hash256 *module, size_t node)
{
	const struct hash256 *last = evidence_tee_before(v, node);

	return last && !is_same(last, module);
}

enum boot_match evidence_match_boot(const struct evidence *v, const struct hash256 *setup_key,
                                    const struct pcr *commitment)
{
	enum boot_match found = BOOT_UNKNOWN;

	for (size_t i = 0; i < v->tee_count; i++) {
		const struct known_tee *tee = &v->tees[i];
		bool is_named = tee->has_setup_key && is_same(&tee->setup_key, setup_key);
		bool is_here = tee->commitment.len && pcr_equal(&tee->commitment, commitment);

		if (is_named && is_here)
			return BOOT_OWN;
		if (tee->has_setup_key && (is_named || is_here))
			found = BOOT_OTHER;
	}
	return found;
}
