#include "orchestrate/costs.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* µs. The primitives of tests/bench/hop.c, by processor time in one run on a busy 2-core virtual
 * machine, 2026-11-27. With the counts that it has, a forward and its proof are 10.4 ms of them;
 * the README's whole hop is 24 ms by the clock, 14 ms of it primitives. HTTP is no measurement:
 * those other 10 ms, over five exchanges and two ends alike. What genesis, boot and inject are made
 * of, and a launch, is reckoned, not measured. */
#define P256_KEYS   91
#define P256_SIGN   32
#define P256_VERIFY 104
#define SEAL        129
#define OPEN        88
#define DOCUMENT    813               /* a P-384 signature */
#define JUDGED      (3 * (692 + 164)) /* three P-384 signatures verified, three certificates parsed */
#define HTTP        1000              /* at each end */
#define COST_MAX_US 3600000000        /* an hour */

/* Of shares: of three members', two are needed. */
static const struct costs measured = {
	.exchanges = {
		[STEP_VERIFY] = {
			{ API_LIVE_ATTESTATION, false, HTTP + DOCUMENT, HTTP + JUDGED },
		},
		[STEP_GENESIS] = {
			{ API_LIVE_ATTESTATION, false, HTTP + DOCUMENT, HTTP + JUDGED },
			{ API_GENESIS_BOOT, false, HTTP + P256_KEYS + 3 * SEAL + DOCUMENT, HTTP + JUDGED },
			{ API_GENERATE_ATTESTATION, false, HTTP + DOCUMENT, HTTP + JUDGED },
		},
		[STEP_BOOT] = {
			{ API_LIVE_ATTESTATION, false, HTTP + DOCUMENT, HTTP + JUDGED },
			{ API_BOOT_STANDARD, false, HTTP + P256_KEYS, HTTP },
		},
		[STEP_INJECT] = {
			{ API_GENERATE_ATTESTATION, false, HTTP + DOCUMENT, HTTP + JUDGED },
			{ API_INJECT_SHARES, false, HTTP + 2 * OPEN + P256_KEYS + P256_SIGN,
			  HTTP + 2 * (OPEN + SEAL) + P256_VERIFY },
		},
		[STEP_FORWARD] = {
			{ API_SHARE_MANIFEST, false, HTTP + P256_KEYS, HTTP },
			{ API_GENERATE_ATTESTATION, false, HTTP + DOCUMENT, HTTP + JUDGED },
			{ API_EXPORT_KEY, true, HTTP + JUDGED + SEAL + 2 * P256_SIGN,
			  HTTP + 2 * P256_VERIFY },
			{ API_INJECT_KEY, false, HTTP + P256_VERIFY + OPEN + P256_KEYS + P256_SIGN,
			  HTTP + P256_VERIFY },
		},
		[STEP_RETIRE] = {
			{ API_RETIRE, false, HTTP + P256_SIGN, HTTP + P256_VERIFY },
		},
		[STEP_PROVE] = {
			{ API_PROVE_KEY, false, HTTP + DOCUMENT + P256_SIGN,
			  HTTP + JUDGED + P256_VERIFY },
		},
	},
	.status = { API_STATUS, false, HTTP, HTTP },
	.launch_us = 200000,
};

struct costs costs_default(void)
{
	return measured;
}

size_t costs_exchange_count(enum step_kind kind)
{
	size_t count = 0;

	while (count < EXCHANGES_MAX && measured.exchanges[kind][count].own_us)
		count++;
	return count;
}

/* Each of the exchanges keeps its part of the whole. */
static void scale(struct costs *c, enum step_kind kind, int64_t us)
{
	struct exchange *exchanges = c->exchanges[kind];
	size_t count = costs_exchange_count(kind);
	int64_t whole = 0;

	for (size_t i = 0; i < count; i++)
		whole += measured.exchanges[kind][i].node_us;
	for (size_t i = 0; i < count; i++)
		exchanges[i].node_us = measured.exchanges[kind][i].node_us * us / whole;
}

static void set_own(struct costs *c, int64_t us)
{
	for (size_t kind = 0; kind < STEP_KIND_COUNT; kind++)
		for (size_t i = 0; i < costs_exchange_count((enum step_kind)kind); i++)
			c->exchanges[kind][i].own_us = us;
	c->status.own_us = us;
}

/* What a simulation never does has no cost: members ask and submit by themselves. */
static bool has_cost(enum step_kind kind)
{
	return kind == STEP_LAUNCH || costs_exchange_count(kind) > 0;
}

static int refuse_kind(const char *name, size_t len, struct err *e)
{
	AUTO(buf) struct buf words = BUF_INIT(ERR_TEXT_MAX);

	for (size_t kind = 0; kind < STEP_KIND_COUNT; kind++)
		if (has_cost((enum step_kind)kind))
			TRY(buf_add_format(&words, e, "%s, ", step_name((enum step_kind)kind)));
	return err_set(e, ERR_USAGE, "there is no cost of a step '%.*s': %sor teectl",
	               (int)(len < 32 ? len : 32), name, buf_text(&words));
}

static int find_kind(const char *name, size_t len, size_t *ret, struct err *e)
{
	for (size_t kind = 0; kind < STEP_KIND_COUNT; kind++)
		if (has_cost((enum step_kind)kind) &&
		    view_equal(view_text(step_name((enum step_kind)kind)), view_new(name, len))) {
			*ret = kind;
			return 0;
		}
	return refuse_kind(name, len, e);
}

int costs_set(struct costs *c, const char *text, struct err *e)
{
	size_t len = strcspn(text, "="), kind = 0;
	uint64_t us;

	if (!text[len])
		return err_set(e, ERR_USAGE, "'%s' is no cost: STEP=MICROSECONDS", text);
	TRY(number_parse(text + len + 1, "a cost", 0, COST_MAX_US, &us, e));
	if (len == strlen("teectl") && memcmp(text, "teectl", len) == 0) {
		set_own(c, (int64_t)us);
		return 0;
	}
	TRY(find_kind(text, len, &kind, e));
	if (kind == STEP_LAUNCH)
		c->launch_us = (int64_t)us;
	else
		scale(c, (enum step_kind)kind, (int64_t)us);
	return 0;
}
