/* What must hold whatever fails: never two keys, never a lost one, never a step that is not
 * allowed. Of the truth about the simulated TEEs, which planner and executor do not see. */
#include "orchestrate/simulate_world.h"

#include <stdarg.h>
#include <stdio.h>

/* The first one is told: the others may follow from it. */
PRINTF_LIKE(2, 3) static void broken(struct world_of_tees *w, const char *format, ...)
{
	va_list args;

	if (w->result->broken[0])
		return;
	va_start(args, format);
	vsnprintf(w->result->broken, sizeof(w->result->broken), format, args);
	va_end(args);
}

static const char *name_of(const struct world_of_tees *w, size_t node)
{
	return w->options->cluster->nodes[node].name;
}

static void check_genesis(struct world_of_tees *w, size_t node)
{
	size_t own = w->tees.items[node].phase == PHASE_GENESIS_BOOTED; /* asked for again */

	if (w->is_kept)
		broken(w, "%s: a second genesis", name_of(w, node));
	else if (w->tees.manifests > own)
		broken(w, "%s: a genesis beside a TEE that has the manifest", name_of(w, node));
}

static void check_boot(struct world_of_tees *w, size_t node)
{
	if (w->tees.holders > 0)
		broken(w, "%s: a quorum restarted beside a TEE that has the key", name_of(w, node));
}

static void check_forward(struct world_of_tees *w, size_t step, size_t target)
{
	size_t source = w->x->states[step].source;

	if (source == SOURCE_NONE || source == target)
		broken(w, "%s: a forward from nobody", name_of(w, target));
	else if (!w->dealings[source].has_shown_key)
		broken(w, "%s: a forward from %s, which has not shown the key", name_of(w, target),
		       name_of(w, source));
	else if (w->dealings[source].is_refused)
		broken(w, "%s: a forward from %s, which was refused", name_of(w, target),
		       name_of(w, source));
	else if (w->tees.items[source].is_occupied)
		broken(w, "%s: a forward from %s, which is occupied", name_of(w, target),
		       name_of(w, source));
	else if (w->dealings[source].exports >= w->options->cluster->propagate.parallel)
		broken(w, "%s: %s forwards to more than %lld at once", name_of(w, target),
		       name_of(w, source), (long long)w->options->cluster->propagate.parallel);
	else if (!w->dealings[target].is_verified)
		broken(w, "%s: a forward to a TEE that was not verified", name_of(w, target));
}

void rules_check_start(struct world_of_tees *w, size_t step)
{
	const struct step *s = &w->x->plan->steps[step];
	const struct tee *tee = &w->tees.items[s->node];

	if (w->run.is_interrupted)
		broken(w, "%s: %s begun after the interruption", name_of(w, s->node),
		       step_name(s->kind));
	if (tee->is_occupied)
		broken(w, "%s: %s of an occupied TEE", name_of(w, s->node), step_name(s->kind));
	if (w->dealings[s->node].state != DEALING_IDLE)
		broken(w, "%s: %s beside another step of it", name_of(w, s->node),
		       step_name(s->kind));
	if (s->kind == STEP_GENESIS)
		check_genesis(w, s->node);
	else if (s->kind == STEP_BOOT)
		check_boot(w, s->node);
	else if (s->kind == STEP_FORWARD)
		check_forward(w, step, s->node);
	else if (s->kind == STEP_LAUNCH && !tee->is_absent && !tee->is_down)
		broken(w, "%s: launched while it runs", name_of(w, s->node));
}

/* Where nothing fails by chance, whoever can be given the key is given it. */
static void check_served(struct world_of_tees *w)
{
	const struct simulation_options *o = w->options;
	bool is_given = false;

	if (o->fail_ppm || o->death_ppm)
		return;
	if (w->tees.births && !w->is_kept)
		broken(w, "a genesis was begun, and never ended");
	for (size_t i = 0; i < w->tees.count; i++) {
		const struct tee *tee = &w->tees.items[i];

		is_given |= tee_has_key(tee) && !tee->is_refusing && !tee->is_forged;
	}
	for (size_t i = 0; is_given && i < w->tees.count; i++) {
		const struct tee *tee = &w->tees.items[i];

		if (!tee_has_key(tee) && !tee->is_occupied && !tee->is_forged)
			broken(w, "%s: left without the key beside a TEE that gives it",
			       name_of(w, i));
	}
}

void rules_check_end(struct world_of_tees *w)
{
	size_t holders = 0;
	uint8_t key = 0;

	for (size_t i = 0; i < w->tees.count; i++) {
		const struct tee *tee = &w->tees.items[i];

		if (w->dealings[i].state != DEALING_IDLE)
			broken(w, "%s: left in the middle of a step", name_of(w, i));
		if (!tee_has_key(tee))
			continue;
		holders++;
		if (key && tee->key != key)
			broken(w, "%s: another quorum key than the others have", name_of(w, i));
		key = tee->key;
	}
	if (w->result->ready + w->result->away + w->result->refused < w->result->nodes &&
	    !w->result->why.text[0])
		broken(w, "not all are ready, and nothing says why");
	check_served(w);
	if (w->tees.holders != holders)
		broken(w, "%zu have the key, and %zu are counted", holders, w->tees.holders);
}
