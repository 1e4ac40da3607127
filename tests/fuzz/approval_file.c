/* Any bytes, as QOS's approval file: what is read is the same approval after it was written and
 * read again, and fits no manifest by chance. */
#include <stdlib.h>

#include "proto/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void expect_same(const struct approval *a)
{
	AUTO(buf) struct buf text = BUF_INIT(8 * WIRE_TEXT_MAX);
	AUTO(approval) struct approval again = { 0 };
	struct err e;

	if (wire_encode(&approval_file_schema, a, &text, &e) < 0 ||
	    approval_file_parse(buf_view(&text), &again, &e) < 0 ||
	    !view_equal(buf_view(&a->signature), buf_view(&again.signature)) ||
	    !view_equal(buf_view(&a->member.alias), buf_view(&again.member.alias)) ||
	    !view_equal(buf_view(&a->member.pub_key), buf_view(&again.member.pub_key)))
		abort();
}

/* A name is a file's of the folder that it is put into. */
static void expect_name(const struct approval *a)
{
	AUTO(buf) struct buf name = BUF_INIT(4096);
	struct manifest_namespace namespace = { .nonce = 7 };
	struct err e;

	if (wire_set(&namespace.name, buf_view(&a->member.alias), &e) < 0)
		return;
	if (approval_file_name(buf_view(&a->member.alias), &namespace, &name, &e) == 0)
		for (size_t i = 0; i < name.len; i++)
			if (name.data[i] == '/' || name.data[i] == 0 || name.data[0] == '.')
				abort();
	buf_drop(&namespace.name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(approval) struct approval a = { 0 };
	const struct hash256 hash = { { 7 } };
	struct member_set set = { .threshold = 1 };
	struct member *m;
	struct err e;

	if (approval_file_parse(view_new(data, len), &a, &e) < 0)
		return 0;
	expect_same(&a);
	expect_name(&a);
	if (approval_check(&a, &hash, &set, &e) == 0)
		abort(); /* the set is empty */
	if (wire_list_add(&set.members, &member_schema, &m, &e) == 0 &&
	    wire_set(&m->alias, buf_view(&a.member.alias), &e) == 0 &&
	    wire_set(&m->pub_key, buf_view(&a.member.pub_key), &e) == 0 &&
	    approval_check(&a, &hash, &set, &e) < 0 && e.code != ERR_APPROVAL)
		abort();
	member_set_drop(&set);
	return 0;
}
