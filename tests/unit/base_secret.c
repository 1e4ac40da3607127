#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

static void without_the_arena_there_are_no_secrets(void **state)
{
	struct secret s = { 0 };
	struct err e;
	bool locked;

	(void)state;
	assert_refused(secret_alloc(32, &s, &e), ERR_INTERNAL, "no locked memory for a 32-byte");
	assert_null(s.data);
	assert_ok(secret_arena_open(&locked, &e));
	assert_ok(secret_alloc(32, &s, &e));
	secret_drop(&s);
}

static void the_arena_opens_twice_and_says_the_same(void **state)
{
	bool first, second;
	struct err e;

	(void)state;
	assert_ok(secret_arena_open(&first, &e));
	assert_ok(secret_arena_open(&second, &e));
	assert_int_equal(first, second);
}

static void cores_are_emptied_for_what_is_started_too(void **state)
{
	struct err e;
	int status;
	pid_t child;

	(void)state;
	assert_ok(secret_empty_cores(&e));
	assert_true(secret_cores_are_empty());
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		execl("/bin/sh", "sh", "-c",
		      "read filter < /proc/self/coredump_filter && [ $filter = 00000010 ]", NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void a_new_secret_is_zero_even_where_another_was(void **state)
{
	struct err e;

	(void)state;
	for (int i = 0; i < 100; i++) {
		AUTO(secret) struct secret s = { 0 };

		assert_ok(secret_alloc(48, &s, &e));
		assert_int_equal(s.len, 48);
		assert_true(view_is_zero(secret_view(&s)));
		memset(s.data, 0xa5, s.len);
	}
}

static void secrets_of_no_length_are_kept(void **state)
{
	AUTO(secret) struct secret a = { 0 };
	AUTO(secret) struct secret b = { 0 };
	struct err e;

	(void)state;
	assert_ok(secret_alloc(0, &a, &e));
	assert_ok(secret_copy(view_new(NULL, 0), &b, &e));
	assert_int_equal(a.len, 0);
	assert_true(secret_equal(secret_view(&a), secret_view(&b)));
	secret_drop(&a);
	assert_null(a.data);
	secret_drop(&a);
}

static void a_full_arena_refuses_and_recovers(void **state)
{
	static struct secret held[64];
	size_t count = 0;
	struct secret more = { 0 };
	struct err e;

	(void)state;
	while (count < COUNT(held) && secret_alloc(2000, &held[count], &e) == 0)
		count++;
	assert_true(count > 16 && count < COUNT(held));
	assert_refused(secret_alloc(2000, &more, &e), ERR_INTERNAL, "2000-byte secret");
	assert_refused(secret_alloc(1u << 20, &more, &e), ERR_INTERNAL, "no locked memory");
	assert_null(more.data);
	for (size_t i = 0; i < count; i++)
		secret_drop(&held[i]);
	assert_ok(secret_alloc(2000, &more, &e));
	secret_drop(&more);
}

static void secrets_compare_by_length_and_contents(void **state)
{
	(void)state;
	assert_true(secret_equal(view_text("abc"), view_text("abc")));
	assert_false(secret_equal(view_text("abc"), view_text("abd")));
	assert_false(secret_equal(view_text("abc"), view_text("ab")));
}

static void ownership_moves(void **state)
{
	struct secret a = secret_of(view_text("x"));
	AUTO(secret) struct secret b = MOVE(a);

	(void)state;
	assert_null(a.data);
	assert_int_equal(a.len, 0);
	assert_view_equal(secret_view(&b), view_text("x"));
}

/* Registers that nobody has written are undefined to valgrind, whatever is in them. */
#if defined(__x86_64__) && !defined(UNDER_VALGRIND)
#define HAS_REGISTERS_TEST
/* All vector registers, as a core file has them. */
static void take_registers(uint8_t to[32 * 64])
{
	memset(to, 0, 32 * 64);
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,"
		                 "22,23,24,25,26,27,28,29,30,31\n\t"
		                 "vmovdqu64 %%zmm\\n, 64*\\n(%0)\n\t"
		                 ".endr" ::"r"(to)
		                 : "memory");
	else
		__asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
		                 "movdqu %%xmm\\n, 64*\\n(%0)\n\t"
		                 ".endr" ::"r"(to)
		                 : "memory");
}

/* Into the last register that there is, as libc's memcpy may leave them. */
static void leave_in_a_register(const uint8_t bytes[64])
{
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile("vmovdqu64 (%0), %%zmm31" ::"r"(bytes) : "memory");
	else
		__asm__ volatile("movdqu (%0), %%xmm15" ::"r"(bytes) : "memory", "xmm15");
}

static void registers_hold_no_secret(void **state)
{
	static const uint8_t digits[] =
	    "e2d1ad89e6e7ee8c9ef67c4c8d96b68c8fc7a6f348974813ec0ed5e40d48b10d";
	static uint8_t registers[32 * 64];
	struct secret copy = { 0 };
	struct err e;

	(void)state;
	leave_in_a_register(digits);
	take_registers(registers);
	assert_non_null(memmem(registers, sizeof(registers), digits, 16));
	leave_in_a_register(digits);
	assert_ok(secret_copy(view_new(digits, 64), &copy, &e));
	take_registers(registers);
	assert_null(memmem(registers, sizeof(registers), digits, 16));
	leave_in_a_register(digits);
	secret_drop(&copy);
	take_registers(registers);
	assert_null(memmem(registers, sizeof(registers), digits, 16));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_the_arena_there_are_no_secrets), /* first */
		cmocka_unit_test(the_arena_opens_twice_and_says_the_same),
		cmocka_unit_test(cores_are_emptied_for_what_is_started_too),
		cmocka_unit_test(a_new_secret_is_zero_even_where_another_was),
		cmocka_unit_test(secrets_of_no_length_are_kept),
		cmocka_unit_test(a_full_arena_refuses_and_recovers),
		cmocka_unit_test(secrets_compare_by_length_and_contents),
		cmocka_unit_test(ownership_moves),
#ifdef HAS_REGISTERS_TEST
		cmocka_unit_test(registers_hold_no_secret),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
