/* Pieces of borsh (formats.md 0) that manifests and genesis outputs share. Private to lib/proto.
 *
 * Reading is sticky like struct reader: where it fails, r->failed is set and 0 returned, so that a
 * layout is read straight down; -1 is for want of memory and for text that is not UTF-8. */
#ifndef TEECTL_PROTO_BORSH_H
#define TEECTL_PROTO_BORSH_H

#include "proto/manifest.h"

/* JSON's words for pivot.restart and bridge.type, in the order of borsh's variants. */
extern const char *const manifest_restart_words[], *const manifest_bridge_words[];

MUST_CHECK int borsh_add_member(struct buf *to, const struct member *m, struct err *e);
MUST_CHECK int borsh_add_members(struct buf *to, const struct wire_list *members, struct err *e);
/* An integer that JSON has as int64_t: ERR_MANIFEST if it does not fit in u32. */
MUST_CHECK int borsh_add_u32(struct buf *to, int64_t value, const char *what, struct err *e);
/* Option<Vec<u8>>: 00, or 01 and the value. */
MUST_CHECK int borsh_add_option(struct buf *to, bool is_there, const struct buf *value,
                                struct err *e);

MUST_CHECK int borsh_read_bytes(struct reader *r, struct buf *ret, struct err *e);
MUST_CHECK int borsh_read_text(struct reader *r, struct buf *ret, struct err *e);
/* A byte below count: an enum's variant, a bool, an Option's tag. */
int borsh_read_tag(struct reader *r, int count);
MUST_CHECK int borsh_read_option(struct reader *r, bool *ret_there, struct buf *ret, struct err *e);
MUST_CHECK int borsh_read_member(struct reader *r, struct member *ret, struct err *e);
/* Vec<T> of at most max: read gives each item, a zeroed struct of the schema, its contents. */
MUST_CHECK int borsh_read_list(struct reader *r, struct wire_list *ret,
                               const struct wire_schema *schema, size_t max,
                               int (*read)(struct reader *r, void *item, struct err *e),
                               struct err *e);
MUST_CHECK int borsh_read_members(struct reader *r, struct wire_list *ret, struct err *e);

/* The layout of version 0 or 1 (formats.md 5.1). */
MUST_CHECK int manifest_encode_as(const struct manifest *m, int version, struct buf *to,
                                  struct err *e);
MUST_CHECK int manifest_decode_as(struct view borsh, int version, struct manifest *ret,
                                  struct err *e);
MUST_CHECK int manifest_envelope_decode_as(struct view borsh, int version,
                                           struct manifest_envelope *ret, struct err *e);

#endif
