/* The file of a client CA. */
#include "support.h"

#include "base/file.h"
#include "crypto/bundle.h"

static struct buf read_vector(const char *name)
{
	struct buf text = BUF_INIT(4 * BUNDLE_TEXT_MAX);
	char path[512];
	struct err e;

	snprintf(path, sizeof(path), "%s/access/%s.pem", VECTORS, name);
	assert_ok(file_read(path, &text, &e));
	return text;
}

static void refuse(const char *text, const char *words)
{
	struct bundle b = { .count = 7 };
	struct err e;

	assert_refused(bundle_parse(view_text(text), &b, &e), ERR_DATA, words);
	assert_int_equal(b.count, 7);
	b.count = 0;
}

static void certificates_are_taken_in_order_with_text_between(void **state)
{
	AUTO(buf) struct buf one = read_vector("ca1"), two = read_vector("ca21");
	AUTO(bundle) struct bundle first = { 0 }, both = { 0 };
	struct err e;

	(void)state;
	assert_ok(bundle_parse(buf_view(&one), &first, &e));
	assert_ok(bundle_parse(buf_view(&two), &both, &e));
	assert_int_equal(first.count, 1);
	assert_int_equal(both.count, 2);
	assert_true(view_equal(buf_view(&first.certificates[0]), buf_view(&both.certificates[1])));
}

static void what_is_not_a_ca_certificate_is_refused(void **state)
{
	AUTO(buf) struct buf ca = read_vector("ca1"), leaf = read_vector("leaf");
	AUTO(buf) struct buf text = BUF_INIT(4 * BUNDLE_TEXT_MAX);
	struct err e;

	(void)state;
	refuse("", "no certificate, in PEM, is there");
	refuse("only text\n", "no certificate, in PEM, is there");
	refuse("-----BEGIN CERTIFICATE-----\n", "certificate 1: not PEM");
	refuse("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
	       "certificate 1: not PEM");
	refuse("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	       "certificate 1: not an X.509 certificate");
	refuse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	       "'PRIVATE KEY' found, CERTIFICATE expected");
	assert_ok(buf_add(&text, buf_view(&ca), &e));
	assert_ok(buf_add(&text, buf_view(&leaf), &e));
	refuse(buf_text(&text), "certificate 2: it is not a CA's");
	/* A certificate whose end is missing does not pass for the end of the file. */
	buf_clear(&text);
	assert_ok(buf_add(&text, buf_view(&ca), &e));
	assert_ok(buf_add(&text, view_new(ca.data, ca.len / 2), &e));
	refuse(buf_text(&text), "certificate 2: not PEM");
}

static void the_limits_hold(void **state)
{
	AUTO(buf) struct buf ca = read_vector("ca1");
	AUTO(buf) struct buf text = BUF_INIT(4 * BUNDLE_TEXT_MAX);
	AUTO(bundle) struct bundle b = { 0 };
	struct err e;

	(void)state;
	for (int i = 0; i < BUNDLE_MAX; i++)
		assert_ok(buf_add(&text, buf_view(&ca), &e));
	assert_ok(bundle_parse(buf_view(&text), &b, &e));
	assert_int_equal(b.count, BUNDLE_MAX);
	assert_ok(buf_add(&text, buf_view(&ca), &e));
	refuse(buf_text(&text), "certificate 17: more than 16 certificates");
	while (text.len <= BUNDLE_TEXT_MAX)
		assert_ok(buf_add(&text, buf_view(&ca), &e));
	refuse(buf_text(&text), "more than 262144 bytes");
}

static void the_name_is_of_the_set(void **state)
{
	static const char *const files[] = { "ca12", "ca21", "ca121" };
	struct buf names[COUNT(files)];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		AUTO(buf) struct buf text = read_vector(files[i]);
		AUTO(bundle) struct bundle b = { 0 };

		names[i] = BUF_INIT(BUNDLE_NAME_MAX);
		assert_ok(bundle_parse(buf_view(&text), &b, &e));
		assert_ok(bundle_name(&b, &names[i], &e));
		assert_int_equal(names[i].len, 129);
		assert_int_equal(names[i].data[64], ',');
		assert_true(memcmp(names[i].data, names[i].data + 65, 64) < 0);
		assert_string_equal(buf_text(&names[i]), buf_text(&names[0]));
	}
	for (size_t i = 0; i < COUNT(files); i++)
		buf_drop(&names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_taken_in_order_with_text_between),
		cmocka_unit_test(what_is_not_a_ca_certificate_is_refused),
		cmocka_unit_test(the_limits_hold),
		cmocka_unit_test(the_name_is_of_the_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
