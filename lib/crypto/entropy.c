#include "crypto/entropy.h"

#include "crypto/ossl.h"

#include <openssl/rand.h>
#include <stdio.h>

static int draw_system(void *context, const char *purpose, size_t len, struct secret *ret,
                       struct err *e)
{
	AUTO(secret) struct secret s = { 0 };

	(void)context;
	(void)purpose;
	TRY(secret_alloc(len, &s, e));
	if (RAND_priv_bytes_ex(NULL, s.data, len, 0) != 1)
		return err_ossl(e, ERR_INTERNAL, "drawing %zu random bytes", len);
	*ret = MOVE(s);
	return 0;
}

const struct entropy entropy_system = { .draw = draw_system };

int entropy_draw(const struct entropy *source, const char *purpose, size_t len, struct secret *ret,
                 struct err *e)
{
	AUTO(secret) struct secret s = { 0 };

	TRY(source->draw(source->context, purpose, len, &s, e));
	if (s.len != len)
		return err_set(e, ERR_INTERNAL, "%zu random bytes asked for, %zu given", len,
		               s.len);
	*ret = MOVE(s);
	return 0;
}

void entropy_stir(struct view bytes)
{
	RAND_add(bytes.data, (int)bytes.len, /* randomness= */ 0);
}

int random_public(uint8_t *to, size_t len, struct err *e)
{
	if (RAND_bytes_ex(NULL, to, len, 0) != 1)
		return err_ossl(e, ERR_INTERNAL, "drawing %zu random bytes", len);
	return 0;
}

int random_uuid(char to[static UUID_TEXT_LEN], struct err *e)
{
	uint8_t b[16];

	TRY(random_public(b, sizeof(b), e));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* RFC 9562 5.4: version and variant */
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(to, UUID_TEXT_LEN,
	         "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
	         b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
	         b[15]);
	return 0;
}
