/* The file of a private key in PEM: what is taken is written the same but for its line ends. */
#include "crypto/pem.h"

#include <stdlib.h>

#define DER_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	bool is_locked;
	struct err e;

	(void)argc;
	(void)argv;
	if (secret_arena_open(&is_locked, &e) < 0)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(secret) struct secret pem = { 0 };
	AUTO(secret) struct secret der = { 0 };
	AUTO(secret) struct secret written = { 0 };
	AUTO(secret) struct secret again = { 0 };
	struct err e;

	if (size == 0 || size > 4096 || secret_copy(view_new(data, size), &pem, &e) < 0)
		return 0;
	if (pem_parse_secret("PRIVATE KEY", &pem, DER_MAX, &der, &e) < 0)
		return 0;
	if (der.len > DER_MAX || pem_format_secret("PRIVATE KEY", &der, &written, &e) < 0 ||
	    pem_parse_secret("PRIVATE KEY", &written, DER_MAX, &again, &e) < 0 ||
	    !secret_equal(secret_view(&der), secret_view(&again)))
		abort();
	return 0;
}
