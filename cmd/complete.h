/* What the three shells' completion scripts are made of. */
#ifndef TEECTL_CMD_COMPLETE_H
#define TEECTL_CMD_COMPLETE_H

#include "base/buf.h"
#include "cmd.h"

#define WORD_MAX 64 /* of a verb's first word; complete_starts_group cuts there */

/* For inside single quotes of any of the three; extra: characters that get a backslash too. */
MUST_CHECK int complete_quoted(struct buf *to, const char *text, const char *extra, struct err *e);
/* Is this the first verb of two words with that first word, which goes into group? */
bool complete_starts_group(const struct cmd *cmd, char group[static WORD_MAX]);
/* Each with spaces between: the second words of a group; all first words; those of a table. */
MUST_CHECK int complete_group_words(struct buf *to, const char *group, struct err *e);
MUST_CHECK int complete_first_words(struct buf *to, struct err *e);
MUST_CHECK int complete_words(struct buf *to, const char *const *words, struct err *e);

#endif
