#include "orchestrate/preflight_internal.h"

#include "base/clock.h"
#include "base/text.h"
#include "proto/row.h"

#include <stdarg.h>
#include <stdio.h>

const char *const preflight_outcomes[] = { "ok", "warning", "failed", NULL };

/* clang-format off */

#define THIS preflight_row
SCHEMA(preflight_row,
	TEXT("check", check, 0, COMMAND_LINE_MAX, "what kind of thing it looked at", REQUIRED),
	TEXT("subject", subject, 0, COMMAND_LINE_MAX, "which one", REQUIRED),
	WORD("outcome", outcome, preflight_outcomes, "what it came to", REQUIRED),
	TEXT("detail", detail, 0, COMMAND_LINE_MAX, "what was found", REQUIRED),
	TEXT("next", next, 0, COMMAND_LINE_MAX, "what to do; empty: nothing", REQUIRED));
#undef THIS

/* clang-format on */

void preflight_rows_drop(struct wire_list *rows)
{
	wire_list_release(&preflight_row_schema, rows);
}

static void preflight_drop(struct preflight *p)
{
	kept_genesis_drop(&p->genesis);
	if (p->state.folder)
		state_drop(&p->state);
}

/* --- rows */

int preflight_add(struct preflight *p, const char *check, const char *subject,
                  enum preflight_outcome outcome, const char *detail, const char *next,
                  struct err *e)
{
	struct preflight_row *row;

	TRY(wire_list_add(p->rows, &preflight_row_schema, &row, e));
	row->outcome = (int)outcome;
	TRY(wire_set_text(&row->check, check, e));
	TRY(wire_set_text(&row->subject, subject, e));
	TRY(wire_set_text(&row->detail, detail, e));
	return wire_set_text(&row->next, next, e);
}

int preflight_add_failed(struct preflight *p, const char *check, const char *subject,
                         const struct err *why, const char *next, struct err *e)
{
	const struct err kept = *why; /* why may be e */

	TRY(preflight_add(p, check, subject, PREFLIGHT_FAILED, kept.text, next, e));
	((struct preflight_row *)p->rows->items)[p->rows->count - 1].why = kept;
	return 0;
}

int preflight_add_result(struct preflight *p, const char *check, const char *subject, int result,
                         const struct err *why, const char *good, const char *next, struct err *e)
{
	return result < 0 ? preflight_add_failed(p, check, subject, why, next, e)
	                  : preflight_add(p, check, subject, PREFLIGHT_OK, good, "", e);
}

int preflight_add_ok(struct preflight *p, const char *check, const char *subject, struct err *e,
                     const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return preflight_add(p, check, subject, PREFLIGHT_OK, text, "", e);
}

int preflight_judge(const struct wire_list *rows, size_t *ret_worst, struct err *e)
{
	const struct preflight_row *items = rows->items, *worst = NULL;
	size_t failed = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (items[i].outcome != PREFLIGHT_FAILED)
			continue;
		failed++;
		if (!worst || (worst->why.code != items[i].why.code &&
		               err_worse(worst->why.code, items[i].why.code) != worst->why.code))
			worst = &items[i];
	}
	if (!worst)
		return 0;
	*ret_worst = (size_t)(worst - items);
	*e = worst->why;
	return err_wrap(e, "%zu of %zu checks failed; %s of %s", failed, rows->count,
	                buf_text(&worst->check), buf_text(&worst->subject));
}

bool preflight_is_chosen(const struct preflight *p, size_t node)
{
	return !p->options->chosen || p->options->chosen[node];
}

/* --- all of it */

static void count_nodes(struct preflight *p)
{
	for (size_t i = 0; i < p->c->node_count; i++) {
		p->chosen += preflight_is_chosen(p, i);
		p->local += preflight_is_chosen(p, i) && p->c->nodes[i].listen;
	}
}

int preflight(const struct cluster *c, const struct run_options *options, struct wire_list *rows,
              struct err *e)
{
	static int (*const checks[])(struct preflight *, struct err *) = {
		preflight_check_state,  preflight_check_images,       preflight_check_memory_files,
		preflight_check_keys,   preflight_check_certificates, preflight_check_ports,
		preflight_check_limits, preflight_check_reach,        preflight_check_etcd,
	};
	AUTO(preflight)
	struct preflight p = { .c = c,
		               .options = options,
		               .rows = rows,
		               .state = { .lock = -1 },
		               .now_unix = clock_unix_ms() / 1000 };

	count_nodes(&p);
	for (size_t i = 0; i < COUNT(checks); i++)
		TRY(checks[i](&p, e));
	return 0;
}
