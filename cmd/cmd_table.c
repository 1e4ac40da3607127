#include "cmd.h"

#include <string.h>

/* The verbs, in the order in which help lists them. An explicit list: a linker drops what registers
 * itself from an archive. */
#define CMD_LIST(X)                                                                                \
	X(cmd_init)                                                                                \
	X(cmd_validate)                                                                            \
	X(cmd_preflight)                                                                           \
	X(cmd_plan)                                                                                \
	X(cmd_apply)                                                                               \
	X(cmd_simulate)                                                                            \
	X(cmd_graph)                                                                               \
	X(cmd_watch)                                                                               \
	X(cmd_up)                                                                                  \
	X(cmd_down)                                                                                \
	X(cmd_logs)                                                                                \
	X(cmd_measure)                                                                             \
	X(cmd_member_keygen)                                                                       \
	X(cmd_member_protect)                                                                      \
	X(cmd_member_show)                                                                         \
	X(cmd_pki_init)                                                                            \
	X(cmd_pki_issue)                                                                           \
	X(cmd_genesis)                                                                             \
	X(cmd_share_request)                                                                       \
	X(cmd_share_seal)                                                                          \
	X(cmd_share_submit)                                                                        \
	X(cmd_share_check)                                                                         \
	X(cmd_inject)                                                                              \
	X(cmd_recover)                                                                             \
	X(cmd_manifest_show)                                                                       \
	X(cmd_manifest_new)                                                                        \
	X(cmd_manifest_diff)                                                                       \
	X(cmd_manifest_approve)                                                                    \
	X(cmd_manifest_collect)                                                                    \
	X(cmd_manifest_verify)                                                                     \
	X(cmd_manifest_adopt)                                                                      \
	X(cmd_propagate)                                                                           \
	X(cmd_upgrade)                                                                             \
	X(cmd_retire)                                                                              \
	X(cmd_status)                                                                              \
	X(cmd_wait)                                                                                \
	X(cmd_verify)                                                                              \
	X(cmd_attest_get)                                                                          \
	X(cmd_attest_verify)                                                                       \
	X(cmd_attest_show)                                                                         \
	X(cmd_lineage)                                                                             \
	X(cmd_audit_head)                                                                          \
	X(cmd_audit_fetch)                                                                         \
	X(cmd_audit_verify)                                                                        \
	X(cmd_seed)                                                                                \
	X(cmd_completion)                                                                          \
	X(cmd_version)                                                                             \
	X(cmd_help)

#define X(verb) extern const struct cmd verb;
CMD_LIST(X)
#undef X

const struct cmd *const cmd_table[] = {
#define X(verb) &verb,
	CMD_LIST(X)
#undef X
	    NULL,
};

const struct cmd *cmd_find(const char *name)
{
	for (size_t i = 0; cmd_table[i]; i++)
		if (strcmp(cmd_table[i]->name, name) == 0)
			return cmd_table[i];
	return NULL;
}

const struct exit_row exit_rows[] = {
	{ 0, "done, or nothing to do" },
	{ 1, "a fault of teectl's own" },
	{ 2, "reachable, but not in the desired state" },
	{ 3, "waiting for people: shares or approvals are missing" },
	{ 4, "some nodes are done, some are not" },
	{ 5, "an attestation or a policy was refused; trying again does not help" },
	{ 64, "the command line is malformed" },
	{ 65, "input data is malformed" },
	{ 66, "an input file is missing" },
	{ 69, "an enclave could not be reached" },
	{ 75, "timed out, or another run holds the state; try again" },
	{ 77, "refused by the enclave's access control" },
	{ 78, "the cluster file is invalid" },
	{ 130, "interrupted; the same command goes on from there" },
	{ 0, NULL },
};

bool cmd_may_exit(const struct cmd *cmd, unsigned char status)
{
	static const struct {
		unsigned needs;
		unsigned char statuses[4];
	} implied[] = {
		{ NEEDS_CLUSTER | NEEDS_STATE | NEEDS_CHANGE | NEEDS_RUN, { 66, 78 } },
		{ NEEDS_STATE | NEEDS_CHANGE | NEEDS_RUN, { 65 } },
		{ NEEDS_CHANGE | NEEDS_RUN | NEEDS_DEADLINE, { 75 } },
		{ NEEDS_SIGNALS | NEEDS_RUN, { 130 } },
	};

	if (status == 0 || status == 1 || status == 64 || (status == 75 && cmd->timeout_ms))
		return true;
	for (size_t i = 0; i < COUNT(implied); i++)
		if (cmd->needs & implied[i].needs &&
		    memchr(implied[i].statuses, status, sizeof(implied[i].statuses)))
			return true;
	for (size_t i = 0; i < CMD_EXITS_MAX && cmd->exits[i]; i++)
		if (cmd->exits[i] == status)
			return true;
	return false;
}
