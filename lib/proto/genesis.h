/* QOS's GenesisOutput (formats.md 4.1): what genesis made, and what its document attests. */
#ifndef TEECTL_PROTO_GENESIS_H
#define TEECTL_PROTO_GENESIS_H

#include "proto/message.h"

#define GENESIS_TEST_MESSAGE "qos-test-message"

struct genesis_output {
	struct member_set set;
	bool has_dr_key;
	struct buf dr_key;
	struct buf quorum_key;
	struct wire_list member_outputs; /* struct encrypted_share */
	bool has_dr_wrap;
	struct buf dr_key_wrapped_quorum_key;
	uint8_t quorum_key_hash[64];
	struct buf test_message_ciphertext, test_message_signature, test_message;
};
void genesis_output_drop(struct genesis_output *g);

MUST_CHECK int genesis_output_encode(const struct genesis_output *g, struct buf *to, struct err *e);
/* Refuses the legacy layout, recovery permutations, and bytes left over. */
MUST_CHECK int genesis_output_decode(struct view borsh, struct genesis_output *ret, struct err *e);

#endif
