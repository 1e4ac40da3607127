/* No copy of a private key stays in ordinary memory: the process reads its own and looks. */
#include "support.h"

#include "crypto/certificate.h"
#include "crypto/hash.h"
#include "crypto/key_set.h"

#include <fcntl.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(UNDER_VALGRIND)
#define IS_OWN_MEMORY false /* their allocators keep what was freed, and map terabytes */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_OWN_MEMORY false
#endif
#endif
#ifndef IS_OWN_MEMORY
#define IS_OWN_MEMORY true
#endif

#define CHUNK 65536

/* How often needle stands in from..to; once more where two chunks overlap. */
static unsigned count_in(int memory, uintptr_t from, uintptr_t to, struct view needle)
{
	static uint8_t chunk[CHUNK];
	unsigned count = 0;

	for (uintptr_t at = from; at < to; at += CHUNK - 64) {
		size_t want = to - at < CHUNK ? to - at : CHUNK;
		ssize_t got = pread(memory, chunk, want, (off_t)at);
		uint8_t *found = chunk;

		while (got > 0 && (found = memmem(found, (size_t)(chunk + got - found), needle.data,
		                                  needle.len))) {
			count++;
			found++;
		}
	}
	memset(chunk, 0, sizeof(chunk)); /* it is searched as well */
	return count;
}

/* In all memory that can be written but the arena of secrets. */
static unsigned count_outside(struct view needle, const void *inside_arena)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	unsigned count = 0;
	char line[512];

	assert_non_null(maps);
	assert_true(memory >= 0);
	while (fgets(line, sizeof(line), maps)) {
		char *rest;
		uintptr_t from = strtoull(line, &rest, 16), to = strtoull(rest + 1, &rest, 16);

		if (rest[1] != 'r' || rest[2] != 'w' ||
		    ((uintptr_t)inside_arena >= from && (uintptr_t)inside_arena < to))
			continue;
		count += count_in(memory, from, to, needle);
	}
	fclose(maps);
	close(memory);
	return count;
}

/* In the middle of the bytes, since allocators write into the first ones of what was freed; in both
 * orders, since OpenSSL's numbers are little endian. */
static void check_nowhere(const struct secret *s)
{
	AUTO(secret) struct secret turned = { 0 };
	struct err e;

	assert_ok(secret_alloc(s->len, &turned, &e));
	for (size_t i = 0; i < s->len; i++)
		turned.data[i] = s->data[s->len - 1 - i];
	assert_int_equal(count_outside(view_new(s->data + 8, s->len - 16), s->data), 0);
	assert_int_equal(count_outside(view_new(turned.data + 8, s->len - 16), s->data), 0);
}

static void the_search_finds_what_is_there(void **state)
{
	AUTO(secret) struct secret s = { 0 };
	uint8_t *copy;
	struct err e;

	(void)state;
	copy = malloc(32);
	assert_non_null(copy);
	assert_ok(entropy_draw(&entropy_system, "test", 32, &s, &e));
	memcpy(copy, s.data, 32);
	assert_true(count_outside(secret_view(&s), s.data) > 0);
	explicit_bzero(copy, 32);
	free(copy);
	check_nowhere(&s);
}

static void use_key_set(const struct key_set *k)
{
	AUTO(secret) struct secret plain = secret_of(view_text("plain"));
	AUTO(secret) struct secret opened = { 0 };
	AUTO(buf) struct buf sealed = BUF_INIT(256);
	struct signature signature;
	struct err e;

	assert_ok(key_set_sign(k, view_text("m"), &signature, &e));
	assert_ok(envelope_seal(key_set_public(k), &plain, &entropy_system, &sealed, &e));
	assert_ok(envelope_open(k, buf_view(&sealed), &opened, &e));
}

static void no_copy_of_a_key_set_stays(void **state)
{
	static const char *const salts[] = { "qos_p256_encrypt", "qos_p256_sign",
		                             "qos_aes_gcm_encrypt" };
	AUTO(key_set) struct key_set *k = NULL;
	struct err e;

	(void)state;
	assert_ok(key_set_generate(&entropy_system, "test", &k, &e));
	use_key_set(k);
	check_nowhere(key_set_seed(k));
	for (size_t i = 0; i < COUNT(salts); i++) {
		AUTO(secret) struct secret derived = { 0 };

		assert_ok(hkdf_sha512(view_text(salts[i]), secret_view(key_set_seed(k)),
		                      view_new(NULL, 0), 32, &derived, &e));
		check_nowhere(&derived);
	}
}

static void no_copy_of_a_signer_s_key_stays(void **state)
{
	const struct certificate_request request = { .common_name = "root",
		                                     .not_before_unix = 0,
		                                     .not_after_unix = 1000,
		                                     .is_ca = true,
		                                     .path_length = -1 };
	AUTO(signer) struct signer *s = NULL;
	AUTO(secret) struct secret der = { 0 };
	AUTO(secret) struct secret scalar = { 0 };
	char folder[256], certificate[320], key[320];
	uint8_t raw[P384_SIGNATURE_LEN];
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(certificate, sizeof(certificate), "%s/c", folder);
	snprintf(key, sizeof(key), "%s/k", folder);
	assert_ok(signer_issue(NULL, &request, &s, &e));
	assert_ok(signer_write(s, certificate, key, &e));
	assert_ok(signer_sign(s, view_text("m"), raw, &e));
	assert_ok(file_read_secret(key, 185, &der, &e));
	assert_ok(secret_copy(view_new(der.data + 35, 48), &scalar, &e));
	check_nowhere(&scalar);
	unlink(certificate);
	unlink(key);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_search_finds_what_is_there),
		cmocka_unit_test(no_copy_of_a_key_set_stays),
		cmocka_unit_test(no_copy_of_a_signer_s_key_stays),
	};

	/* cmocka's own skip() is a failure in TAP. */
	if (!IS_OWN_MEMORY) {
		puts("1..1\nok 1 - memory # skip the allocator keeps what was freed");
		return 0;
	}
	return cmocka_run_group_tests(tests, open_arena, NULL);
}
