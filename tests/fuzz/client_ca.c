/* The file of a client CA: whatever is taken has a name, and is taken again alone. Then the URIs of
 * clients' certificates, a line each. */
#include "crypto/bundle.h"
#include "proto/access.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_uris(struct view text)
{
	struct role_set set = { 0 };
	struct err e;

	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		if (role_set_add(&set, view_new(text.data, len), &e) < 0 &&
		    set.member_count != ROLE_MEMBERS_MAX)
			abort();
		text = view_new(text.data + len + (end != NULL), text.len - len - (end != NULL));
	}
	if (set.roles & ROLE_NONE || set.member_count > ROLE_MEMBERS_MAX)
		abort();
	for (size_t i = 0; i < set.member_count; i++)
		if (!set.members[i][0] || strlen(set.members[i]) > ALIAS_MAX)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(bundle) struct bundle b = { 0 };
	AUTO(buf) struct buf name = BUF_INIT(BUNDLE_NAME_MAX);
	struct err e;

	read_uris(view_new(data, size));
	if (bundle_parse(view_new(data, size), &b, &e) < 0)
		return 0;
	if (b.count == 0 || b.count > BUNDLE_MAX || bundle_name(&b, &name, &e) < 0 ||
	    name.len % 65 != 64)
		abort();
	return 0;
}
