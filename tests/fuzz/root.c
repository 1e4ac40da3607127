/* chain_root_parse: a root certificate from a file, PEM or DER, comes back as DER that parses to
 * itself. */
#include "attest/chain.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf der = BUF_INIT(1u << 20);
	AUTO(buf) struct buf again = BUF_INIT(1u << 20);
	struct err e = { 0 };

	if (chain_root_parse(view_new(data, size), &der, &e) < 0) {
		check(e.code == ERR_DATA && der.len == 0);
		return 0;
	}
	check(chain_root_parse(buf_view(&der), &again, &e) == 0);
	check(view_equal(buf_view(&der), buf_view(&again)));
	return 0;
}
