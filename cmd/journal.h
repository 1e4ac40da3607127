/* What the verbs that read a journal share: the state's or a file, and under which root. */
#ifndef TEECTL_CMD_JOURNAL_H
#define TEECTL_CMD_JOURNAL_H

#include "cmd.h"

#include "base/file.h"
#include "orchestrate/audit.h"

/* file NULL: the state's, whose root is then the cluster file's; a FILE needs neither.
 *
 * root  NULL, "aws-nitro", or a PEM or DER file
 * head  NULL, or as audit_head_parse takes it */
MUST_CHECK int journal_load(struct context *c, const char *file, struct file_content *ret,
                            struct err *e);
MUST_CHECK int journal_audit(struct context *c, const char *file, const char *root,
                             const char *head, struct audit *ret, struct err *e);

#endif
