/* Starting and stopping the enclaves that the cluster file launches on this machine. */
#ifndef TEECTL_CLUSTER_LAUNCHER_H
#define TEECTL_CLUSTER_LAUNCHER_H

#include "cluster/pid_file.h"
#include "cluster/state.h"

/* A local enclave as the state remembers it, checked against the living process: pid and its start
 * time, so that a reused pid is not taken for it. */
struct local_node {
	bool is_running;
	int pid; /* of its hypervisor */
	/* HOST:PORT that it listens on, with the real port; empty if it was still starting when
	 * teectl ended: such a one is stopped and started again */
	char address[PID_FILE_ADDRESS_MAX];
};

/* One that this process launched, and that has ended, is no zombie from here on. */
MUST_CHECK int launcher_look(const struct state *s, const struct cluster_node *node,
                             struct local_node *ret, struct err *e);
/* It is launched here, and is known not to run: whatever it had is gone. */
bool launcher_is_stopped(const struct state *s, const struct cluster_node *node);
/* Is that the pid that the state remembers of one of the file's nodes, whether or not it runs? */
bool launcher_remembers(const struct cluster *c, const struct state *s, int pid);
/* Base URL of a node: its url, or http(s)://address; ERR_UNREACHABLE if a local one does not run.
 */
MUST_CHECK int launcher_url(const struct cluster *c, const struct state *s,
                            const struct cluster_node *node, char **ret, struct err *e);

#define LAUNCH_FAILED "launch" /* the reason of a failure that the node's log explains */
struct launch_result {
	bool is_started;
	struct err failure; /* when not */
};
/* Starts those nodes, all at once, and waits for each one's "listening on" line, by event, until
 * the deadline. A node that ends before it is ready fails with the last line of its log; one that
 * is not ready at the deadline is stopped.
 *
 * nodes, count  indices into c->nodes
 * interrupt_fd  readable when the user wants to stop: what is not ready yet is then given up with
 *               ERR_INTERRUPTED; -1: none. It is not read from.
 * ret           count results
 * fails         when nothing could be tried at all */
MUST_CHECK int launcher_start(const struct cluster *c, const struct state *s, const size_t *nodes,
                              size_t count, int64_t deadline_ms, int interrupt_fd,
                              struct launch_result *ret, struct err *e);
/* SIGTERM, waits for the end by pidfd, SIGKILL at the deadline; forgets the pid. Nothing to do for
 * a node that does not run: *ret_stopped says. */
MUST_CHECK int launcher_stop(const struct state *s, const struct cluster_node *node,
                             int64_t deadline_ms, bool *ret_stopped, struct err *e);
/* A pidfd of the very process that is remembered, readable once it has ended. -1 in *ret_fd: it is
 * gone, or there is none. */
MUST_CHECK int launcher_process(const struct state *s, const struct cluster_node *node, int *ret_fd,
                                struct err *e);
/* Path of a node's log. */
MUST_CHECK int launcher_log_path(const struct state *s, const struct cluster_node *node, char **ret,
                                 struct err *e);

#endif
