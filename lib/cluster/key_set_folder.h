/* QOS's key-set folders (formats.md 4.2): NAME.pub of each member, and quorum_threshold, a number
 * on its first line. A name is what stands before the first dot; names that begin with "._", and
 * files of another kind, are passed over. */
#ifndef TEECTL_CLUSTER_KEY_SET_FOLDER_H
#define TEECTL_CLUSTER_KEY_SET_FOLDER_H

#include "cluster/config.h"

/* Members by name, each with the path of its .pub.
 * fails  ERR_NO_INPUT: no such folder; ERR_DATA: not exactly one threshold, none of
 *        min_threshold..members, a name twice, or one that is not fit for a member */
MUST_CHECK int key_set_folder_read(const char *path, int64_t min_threshold,
                                   struct cluster_member_list *ret, struct err *e);

#endif
