#include "enclave/receipts.h"

#include <stdlib.h>
#include <string.h>

void receipts_init(struct receipts *r)
{
	*r = (struct receipts){ .count = 0 };
	pthread_mutex_init(&r->lock, NULL);
}

void receipts_drop(struct receipts *r)
{
	free(r->items);
	r->items = NULL;
	pthread_mutex_destroy(&r->lock);
}

static int add(struct receipts *r, const struct key_set *key, const struct hash256 *manifest_hash,
               struct receipt *receipt, struct receipt_item *ret, struct err *e)
{
	uint8_t message[STATEMENT_LEN];
	struct receipt_item item;
	struct hash256 body_hash, message_hash;
	struct signature signature;

	if (!r->items)
		r->items = calloc(RECEIPTS_MAX, sizeof(*r->items));
	if (!r->items)
		return err_set(e, ERR_INTERNAL, "no memory for receipts");
	receipt->sequence = r->count;
	receipt_format(receipt, item.body);
	TRY(sha256(VIEW_OF(item.body), &body_hash, e));
	statement_format(STATEMENT_RECEIPT, manifest_hash, body_hash.bytes, r->previous.bytes,
	                 message);
	TRY(sha256(VIEW_OF(message), &message_hash, e));
	TRY(key_set_sign(key, VIEW_OF(message), &signature, e));
	memcpy(item.signature, signature.bytes, sizeof(item.signature));
	r->items[r->count % RECEIPTS_MAX] = item;
	r->count++;
	r->previous = message_hash;
	*ret = item;
	return 0;
}

int receipts_add(struct receipts *r, const struct key_set *key, const struct hash256 *manifest_hash,
                 struct receipt *receipt, struct receipt_item *ret, struct err *e)
{
	int result;

	pthread_mutex_lock(&r->lock);
	result = add(r, key, manifest_hash, receipt, ret, e);
	pthread_mutex_unlock(&r->lock);
	return result;
}

static int list(struct receipts *r, uint64_t from, struct wire_list *ret, struct err *e)
{
	uint64_t first = r->count > RECEIPTS_MAX ? r->count - RECEIPTS_MAX : 0;
	struct receipt_item *item;

	for (uint64_t i = from > first ? from : first; i < r->count; i++) {
		TRY(wire_list_add(ret, &receipt_item_schema, &item, e));
		*item = r->items[i % RECEIPTS_MAX];
	}
	return 0;
}

int receipts_list(struct receipts *r, uint64_t from, struct wire_list *ret, struct err *e)
{
	int result;

	pthread_mutex_lock(&r->lock);
	result = list(r, from, ret, e);
	pthread_mutex_unlock(&r->lock);
	return result;
}
