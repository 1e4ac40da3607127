/* What the unit tests share: cmocka, vectors, fixed randomness, and how a refusal is asserted. */
#ifndef TEECTL_TESTS_SUPPORT_H
#define TEECTL_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "crypto/entropy.h"

#define VECTOR_MAX (4u << 20)

/* The call succeeds; if it does not, its reason is what the test prints. */
#define assert_ok(call)                                                                            \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s (%s)", #call, e.text, err_info(e.code)->name);            \
	} while (0)

/* The call fails with this code, and words are in its text or are its reason. */
#define assert_refused(call, expected, words)                                                      \
	do {                                                                                       \
		memset(&e, 0, sizeof(e));                                                          \
		assert_int_equal((call), -1);                                                      \
		if (e.code != (expected))                                                          \
			fail_msg("%s: code %s: %s", #call, err_info(e.code)->name, e.text);        \
		if (!strstr(e.text, (words)) &&                                                    \
		    !view_equal(view_text(e.reason), view_text(words)))                            \
			fail_msg("%s: text '%s', reason '%s'", #call, e.text, e.reason);           \
	} while (0)

#define assert_view_equal(a, b)                                                                    \
	do {                                                                                       \
		struct view a_ = (a), b_ = (b);                                                    \
		assert_int_equal(a_.len, b_.len);                                                  \
		if (a_.len)                                                                        \
			assert_memory_equal(a_.data, b_.data, a_.len);                             \
	} while (0)

/* Group setup: cmocka_run_group_tests(tests, open_arena, NULL). */
/* Valgrind 3.19 has no pidfd_open; these tests run under AddressSanitizer too. */
#ifdef UNDER_VALGRIND
#define HAS_PIDFD false
#else
#define HAS_PIDFD true
#endif

static inline int open_arena(void **state)
{
	struct err e;
	bool locked;

	(void)state;
	return secret_arena_open(&locked, &e);
}

/* A file of tests/vectors, by its name there. */
static inline struct buf vector_file(const char *name)
{
	struct buf b = BUF_INIT(VECTOR_MAX);
	char path[512];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", VECTORS, name);
	assert_ok(file_read(path, &b, &e));
	return b;
}

static inline bool vector_is_there(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", VECTORS, name);
	return file_is_there(path);
}

static inline void json_drop(json_object **o)
{
	json_object_put(*o);
}

static inline json_object *vector_json(const char *name)
{
	AUTO(buf) struct buf b = vector_file(name);
	json_object *o = json_tokener_parse(buf_text(&b));

	if (!o)
		fail_msg("%s is not JSON", name);
	return o;
}

static inline json_object *json_at(json_object *o, const char *key)
{
	json_object *child = NULL;

	if (!json_object_object_get_ex(o, key, &child))
		fail_msg("no key '%s'", key);
	return child;
}

static inline const char *json_text(json_object *o, const char *key)
{
	return json_object_get_string(json_at(o, key));
}

static inline struct buf bytes_of_hex(const char *hex)
{
	struct buf b = BUF_INIT(VECTOR_MAX);
	struct err e;

	assert_ok(hex_parse(view_text(hex), &b, &e));
	return b;
}

static inline struct buf json_hex(json_object *o, const char *key)
{
	return bytes_of_hex(json_text(o, key));
}

static inline struct secret secret_of(struct view v)
{
	struct secret s;
	struct err e;

	assert_ok(secret_copy(v, &s, &e));
	return s;
}

static inline struct secret secret_of_hex(const char *hex)
{
	AUTO(buf) struct buf b = bytes_of_hex(hex);

	return secret_of(buf_view(&b));
}

static inline struct secret json_secret(json_object *o, const char *key)
{
	return secret_of_hex(json_text(o, key));
}

/* Randomness that gives these bytes in a row and fails when they are used up. */
struct fixed_entropy {
	struct view rest;
};

static inline int fixed_draw(void *context, const char *purpose, size_t len, struct secret *ret,
                             struct err *e)
{
	struct fixed_entropy *fixed = context;

	if (len > fixed->rest.len)
		return err_set(e, ERR_INTERNAL, "no fixed bytes left for %s", purpose);
	TRY(secret_copy(view_new(fixed->rest.data, len), ret, e));
	fixed->rest.data += len;
	fixed->rest.len -= len;
	return 0;
}

static inline struct entropy entropy_fixed(struct fixed_entropy *fixed)
{
	return (struct entropy){ .draw = fixed_draw, .context = fixed };
}

/* An empty folder of its own; whoever makes it removes it. */
static inline void folder_new(char *path, size_t len)
{
	const char *above = getenv("TMPDIR");

	snprintf(path, len, "%s/teectl-unit-XXXXXX", above ? above : "/tmp");
	assert_non_null(mkdtemp(path));
}

#endif
