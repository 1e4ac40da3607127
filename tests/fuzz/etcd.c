/* Answers of etcd's gateway, whatever they are: none breaks what decodes them, and what was decoded
 * is released. The first byte says which. */
#include "client/etcd_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wire_schema *schema;
	void *message;
	struct err e;

	if (size == 0)
		return 0;
	schema = etcd_table[data[0] % ETCD_API_COUNT].response;
	message = calloc(1, schema->size);
	if (!message)
		abort();
	if (wire_decode_reply(schema, view_new(data + 1, size - 1), message, &e) == 0)
		wire_release(schema, message);
	free(message);
	return 0;
}
