#include "crypto/bundle.h"

#include "base/file.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/ossl.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* A PEM block; what is in it may be someone's key, put into the wrong file. */
struct block {
	char *name, *header;
	uint8_t *data;
	long len;
};

static void block_drop(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_clear_free(b->data, b->data ? (size_t)b->len : 0);
	*b = (struct block){ 0 };
}

static void bio_drop(BIO **bio)
{
	BIO_free(*bio);
	*bio = NULL;
}

void bundle_drop(struct bundle *b)
{
	for (size_t i = 0; i < b->count; i++)
		buf_drop(&b->certificates[i]);
	*b = (struct bundle){ 0 };
}

static int check_certificate(struct view der, struct err *e)
{
	const uint8_t *at = der.data;
	AUTO(x509) X509 *x = d2i_X509(NULL, &at, (long)der.len);
	int kind = x && at == der.data + der.len ? X509_check_ca(x) : -1;

	ERR_clear_error();
	if (kind < 0)
		return err_set(e, ERR_DATA, "not an X.509 certificate");
	/* Any other number is a guess of OpenSSL's for what lacks the extension. */
	return kind == 1 ? 0 : err_set(e, ERR_DATA, "it is not a CA's");
}

static int add_block(struct bundle *b, const struct block *block, struct err *e)
{
	struct view der = view_new(block->data, (size_t)block->len);

	if (strcmp(block->name, PEM_STRING_X509) != 0 || *block->header)
		return err_set(e, ERR_DATA, "'%.32s' found, CERTIFICATE expected", block->name);
	if (b->count == BUNDLE_MAX)
		return err_set(e, ERR_DATA, "more than %d certificates", BUNDLE_MAX);
	if (der.len > BUNDLE_DER_MAX)
		return err_set(e, ERR_DATA, "%zu bytes, at most %d", der.len, BUNDLE_DER_MAX);
	TRY(check_certificate(der, e));
	b->certificates[b->count] = BUF_INIT(BUNDLE_DER_MAX);
	TRY(buf_add(&b->certificates[b->count], der, e));
	b->count++;
	return 0;
}

/* The next block; *ret_end when there is none. */
static int read_block(BIO *bio, struct block *ret, bool *ret_end, struct err *e)
{
	*ret_end = false;
	if (PEM_read_bio(bio, &ret->name, &ret->header, &ret->data, &ret->len) == 1)
		return 0;
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_ossl(e, ERR_DATA, "not PEM");
	ERR_clear_error();
	*ret_end = true;
	return 0;
}

int bundle_parse(struct view pem, struct bundle *ret, struct err *e)
{
	AUTO(bundle) struct bundle b = { 0 };
	AUTO(bio) BIO *bio = NULL;
	bool is_end = false;

	if (pem.len > BUNDLE_TEXT_MAX)
		return err_set(e, ERR_DATA, "more than %u bytes", BUNDLE_TEXT_MAX);
	ERR_clear_error();
	bio = BIO_new_mem_buf(pem.len ? (const void *)pem.data : "", (int)pem.len);
	if (!bio)
		return err_ossl(e, ERR_INTERNAL, "no memory for certificates");
	for (;;) {
		AUTO(block) struct block block = { 0 };

		if (read_block(bio, &block, &is_end, e) < 0 ||
		    (!is_end && add_block(&b, &block, e) < 0))
			return err_wrap(e, "certificate %zu", b.count + 1);
		if (is_end)
			break;
	}
	if (b.count == 0)
		return err_set(e, ERR_DATA, "no certificate, in PEM, is there");
	*ret = MOVE(b);
	return 0;
}

int bundle_read(const char *spec, struct bundle *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(BUNDLE_TEXT_MAX);
	int fd = -1; /* someone else's: not closed here */

	TRY(fd_parse(spec, "a descriptor", &fd, e));
	TRY(fd < 0 ? file_read_guarded(spec, /* may_be_pipe= */ true, &text, e)
	           : fd_read(fd, spec, &text, e));
	if (bundle_parse(buf_view(&text), ret, e) < 0)
		return err_wrap(e, "'%s'", spec);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hash256));
}

int bundle_name(const struct bundle *b, struct buf *to, struct err *e)
{
	struct hash256 hashes[BUNDLE_MAX];

	for (size_t i = 0; i < b->count; i++)
		TRY(sha256(buf_view(&b->certificates[i]), &hashes[i], e));
	/* In order of their bytes, which is that of their digits. */
	qsort(hashes, b->count, sizeof(hashes[0]), compare);
	for (size_t i = 0; i < b->count; i++) {
		if (i && compare(&hashes[i], &hashes[i - 1]) == 0)
			continue;
		if (i)
			TRY(buf_add_text(to, ",", e));
		TRY(hex_format(VIEW_OF(hashes[i].bytes), to, e));
	}
	return 0;
}
