/* Any bytes, as a plan that was saved: what is read of it can be written, read again, and is then
 * the same as itself. */
#include <stdlib.h>

#include "cluster/config.h"
#include "orchestrate/plan_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(plan_file) struct plan_file first = { 0 };
	AUTO(plan_file) struct plan_file second = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(PLAN_FILE_MAX);
	AUTO(flags) bool *targets = NULL;
	struct err e;

	if (plan_file_parse(view_new(data, len), &first, &e) < 0) {
		if (e.code != ERR_DATA)
			abort();
		return 0;
	}
	if (plan_file_targets(&first, &targets, &e) < 0 || (targets == NULL) != first.is_of_all)
		abort();
	if (plan_file_format(&first, &text, &e) < 0 ||
	    plan_file_parse(buf_view(&text), &second, &e) < 0 ||
	    plan_file_check(&first, &second, &e) < 0)
		abort();
	return 0;
}
