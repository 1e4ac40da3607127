#include "support.h"

#include "proto/phase.h"

/* contract.md, "Phases": where each event leads from each phase, "." nowhere. Columns are phases in
 * their order: unrecoverable, boot, genesis, shares, key, provisioned, ready. */
static void transitions_are_those_of_the_contract(void **state)
{
	static const struct {
		enum phase_event event;
		const char *to;
	} rows[EVENT_COUNT] = {
		{ EVENT_GENESIS, ".2....." },  { EVENT_BOOT_STANDARD, ".3....." },
		{ EVENT_MANIFEST, ".4....." }, { EVENT_SHARE, "..33..." },
		{ EVENT_KEY, "....5.." },      { EVENT_SHARES_COMPLETE, "..55..." },
		{ EVENT_FINISHED, ".....6." }, { EVENT_FATAL, "0000000" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (unsigned from = 0; from < PHASE_COUNT; from++) {
			enum phase to = PHASE_COUNT;

			if (rows[i].to[from] == '.') {
				assert_false(phase_next((enum phase)from, rows[i].event, &to));
				assert_int_equal(to, PHASE_COUNT);
			} else {
				assert_true(phase_next((enum phase)from, rows[i].event, &to));
				assert_int_equal(to, rows[i].to[from] - '0');
			}
		}
}

static void no_transition_is_listed_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < phase_transition_count; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(phase_transitions[i].from == phase_transitions[j].from &&
			             phase_transitions[i].event == phase_transitions[j].event);
}

static void phases_have_the_names_of_the_contract(void **state)
{
	(void)state;
	assert_string_equal(phase_name(PHASE_WAITING_FOR_BOOT), "WaitingForBootInstruction");
	assert_string_equal(phase_name(PHASE_READY), "ApplicationReady");
	assert_string_equal(phase_name((enum phase)PHASE_COUNT), "unknown phase");
	assert_null(phase_names[PHASE_COUNT]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transitions_are_those_of_the_contract),
		cmocka_unit_test(no_transition_is_listed_twice),
		cmocka_unit_test(phases_have_the_names_of_the_contract),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
