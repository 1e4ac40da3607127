/* Any bytes, as a genesis output: borsh has one form, so what is read is written as it was. */
#include <stdlib.h>

#include "proto/genesis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(genesis_output) struct genesis_output g = { 0 };
	AUTO(buf) struct buf again = BUF_INIT(GENESIS_OUTPUT_MAX);
	struct err e;

	if (genesis_output_decode(view_new(data, len), &g, &e) < 0)
		return 0;
	if (genesis_output_encode(&g, &again, &e) < 0 ||
	    !view_equal(buf_view(&again), view_new(data, len)))
		abort();
	return 0;
}
