/* Which of the files that people hand around something looks like, for the words of a refusal: a
 * guess, by a few of its bytes, and nothing is believed because of it. */
#ifndef TEECTL_PROTO_FILE_KIND_H
#define TEECTL_PROTO_FILE_KIND_H

#include "base/buf.h"

enum file_kind {
	FILE_KIND_REQUEST,
	FILE_KIND_BUNDLE,
	FILE_KIND_MANIFEST,
	FILE_KIND_APPROVAL,
	FILE_KIND_COUNT, /* none that is known */
};

enum file_kind file_kind_guess(struct view content);
/* Puts before a refusal what was expected, and what it looks like where that is another kind. */
void file_kind_wrap(enum file_kind expected, struct view content, struct err *e);

#endif
