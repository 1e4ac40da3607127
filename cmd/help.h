/* What --help, the manual pages and the completions say of a verb, all from its table row. */
#ifndef TEECTL_CMD_HELP_H
#define TEECTL_CMD_HELP_H

#include "base/buf.h"
#include "cmd.h"

#define DOCUMENT_TEXT_MAX (1u << 20) /* a page or a completion script: some 20 KiB */

/* The verb's help on standard output; cmd NULL: the overview, in JSON of all verbs. */
MUST_CHECK int help_print(struct context *c, const struct cmd *cmd, struct err *e);
/* "member": the verbs that begin with that word; *ret_found false: none does. */
MUST_CHECK int help_print_group(struct context *c, const char *word, bool *ret_found,
                                struct err *e);
/* The rows of these verbs as one document; nothing with -o table. */
MUST_CHECK int help_document(struct context *c, const struct cmd *const *verbs, size_t count,
                             struct err *e);
/* A manual page in mdoc(7), by its name ("teectl.1"). fails ERR_USAGE: there is none */
MUST_CHECK int man_page(const char *name, struct buf *to, struct err *e);
/* Names of all pages, one a line. */
MUST_CHECK int man_pages(struct buf *to, struct err *e);
/* Scripts for bash, zsh and fish. */
MUST_CHECK int complete_bash(struct buf *to, struct err *e);
MUST_CHECK int complete_zsh(struct buf *to, struct err *e);
MUST_CHECK int complete_fish(struct buf *to, struct err *e);

/* Does the verb's own help list this row of global_opts? Where it needs no cluster file, say, -f is
 * accepted and not used. */
bool help_lists_global(const struct cmd *cmd, const struct opt *opt);
/* " [--lines NUMBER] NODE": what follows the verb, without the globals. */
MUST_CHECK int help_synopsis(const struct cmd *cmd, struct buf *to, struct err *e);
/* The doc of a row with its words, default and variable. */
MUST_CHECK int help_doc(const struct opt *opt, struct buf *to, struct err *e);
/* NAME of a verb's page: "teectl-member-keygen". */
MUST_CHECK int help_page_name(const struct cmd *cmd, struct buf *to, struct err *e);

extern const char help_purpose[]; /* a paragraph: what teectl is for */

#endif
