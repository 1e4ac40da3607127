/* document_decode: the form of a document, and base64 there and back. */
#include "attest/document.h"
#include "attest/document_file.h"
#include "base/base64.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* What is no text of its own comes back from base64 as it was. */
static void check_again(struct view bytes)
{
	AUTO(buf) struct buf text = BUF_INIT(DOCUMENT_FILE_MAX);
	AUTO(buf) struct buf again = BUF_INIT(DOCUMENT_MAX);
	struct err e;

	check(base64_format(bytes, &text, &e) == 0);
	check(base64_parse(buf_view(&text), &again, &e) == 0);
	check(view_equal(buf_view(&again), bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	enum document_form form;
	struct err e = { 0 };

	if (document_decode(view_new(data, size), &document, &form, &e) < 0) {
		check(e.code == ERR_ATTESTATION && strcmp(e.reason, "cose:structure") == 0);
		return 0;
	}
	check(form != DOCUMENT_RAW || view_equal(buf_view(&document), view_new(data, size)));
	check_again(buf_view(&document));
	return 0;
}
