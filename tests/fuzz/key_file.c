/* Any bytes, as a key file: no cost above the limits is accepted, and nobody is asked for a
 * passphrase of what is no protected key. scrypt itself is not run. */
#include <stdlib.h>

#include "base/text.h"
#include "crypto/protected_key.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	bool locked;
	struct err e;

	(void)argc;
	(void)argv;
	return secret_arena_open(&locked, &e);
}

static int on_ask(void *context, const char *path, struct secret *ret, struct err *e)
{
	bool *is_asked = context;

	(void)path;
	(void)ret;
	*is_asked = true;
	return err_set(e, ERR_INTERRUPTED, "nobody answers");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(key_set) struct key_set *key = NULL;
	bool is_asked = false;
	const struct passphrase_source source = { .ask = on_ask, .context = &is_asked };
	struct view text = text_trim(view_new(data, len));
	struct protected_key p;
	struct err e;
	bool is_good = protected_key_parse(text, &p, &e) == 0;

	if (is_good && (128 * ((uint64_t)p.cost.r << p.cost.ln) > KDF_MEMORY_MAX ||
	                ((uint64_t)p.cost.r << p.cost.ln) * p.cost.p > KDF_STEPS_MAX))
		abort();
	if (key_set_parse(view_new(data, len), "fuzz", &source, &key, &e) == 0 && is_asked)
		abort();
	if (is_asked != is_good)
		abort();
	return 0;
}
