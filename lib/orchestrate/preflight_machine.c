/* Preflight: ports and limits of this machine. */
#include "orchestrate/preflight_internal.h"

#include "base/file.h"
#include "base/listen.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define NODE_KIB       (12u << 10) /* an enclave, its hypervisor, and its image in memory */
#define FILES_OF_OURS  64          /* libraries, terminal, state, journal */
#define FILES_A_LAUNCH 3           /* both ends of a pipe, and the log */

/* As the enclave will. */
static int try_listen(const char *address, struct err *e)
{
	AUTO(fd) int fd = -1;
	unsigned port;

	return listen_open("listen", address, ERR_NOT_DESIRED, &fd, &port, e);
}

/* A port that nobody can listen on, of one that does not run here. */
static bool is_taken(const struct preflight *p, size_t node, struct err *ret_why)
{
	const struct cluster_node *n = &p->c->nodes[node];
	struct local_node local = { 0 };

	if (p->state.folder && launcher_look(&p->state, n, &local, ret_why) < 0)
		return false;
	return !local.is_running && try_listen(n->listen, ret_why) < 0;
}

/* What listens there may be another cluster's enclave, and have its key: those are asked. */
static int ask_taken(const struct preflight *p, struct run *ret, struct err *e)
{
	AUTO(flags) bool *taken = calloc(p->c->node_count, sizeof(*taken));
	struct run_options options = *p->options;
	size_t count = 0;
	struct err why;

	if (!taken)
		return err_set(e, ERR_INTERNAL, "no memory for a list of nodes");
	for (size_t i = 0; i < p->c->node_count; i++) {
		taken[i] =
		    p->c->nodes[i].listen && preflight_is_chosen(p, i) && is_taken(p, i, &why);
		count += taken[i];
	}
	options.chosen = taken;
	if (!count || !p->state.folder || run_open(p->c, &options, ret, &why) == 0 ||
	    why.code != ERR_INTERRUPTED) {
		ret->options.chosen = NULL; /* it ends here */
		return 0;
	}
	*e = why;
	return -1;
}

static int refuse_port(struct preflight *p, const struct run *asked, size_t node,
                       const struct err *why, struct err *e)
{
	const char *name = p->c->nodes[node].name;

	if (asked->seen.count && asked->seen.nodes[node].presence == NODE_STRAY)
		return preflight_add_failed(
		    p, "ports", name, &asked->seen.nodes[node].why,
		    "give the node another `listen:`, or name the state folder of what runs there "
		    "(--state), put back where it was lost",
		    e);
	return preflight_add_failed(
	    p, "ports", name, why,
	    "correct the node's `listen`; or end what listens there, if it is no enclave", e);
}

static int check_port(struct preflight *p, const struct run *asked, size_t node, size_t *ok,
                      struct err *e)
{
	const struct cluster_node *n = &p->c->nodes[node];
	struct local_node local = { 0 };
	struct err why;

	if (p->state.folder && launcher_look(&p->state, n, &local, &why) < 0)
		return preflight_add_failed(p, "ports", n->name, &why, "teectl down and teectl up",
		                            e);
	p->running += local.is_running;
	if (is_taken(p, node, &why))
		return refuse_port(p, asked, node, &why, e);
	++*ok;
	return 0;
}

int preflight_check_ports(struct preflight *p, struct err *e)
{
	AUTO(run) struct run asked = RUN_INIT;
	size_t ok = 0;

	TRY(ask_taken(p, &asked, e));
	for (size_t i = 0; i < p->c->node_count; i++)
		if (p->c->nodes[i].listen && preflight_is_chosen(p, i))
			TRY(check_port(p, &asked, i, &ok, e));
	if (!ok)
		return 0;
	return preflight_add_ok(p, "ports", "nodes of this machine", e,
	                        "%zu of %zu: %zu free, %zu ours", ok, p->local, ok - p->running,
	                        p->running);
}

/* --- limits */

int preflight_files(uint64_t limit, size_t nodes, size_t starting, struct err *e)
{
	uint64_t wanted =
	    FILES_OF_OURS +
	    (uint64_t)(nodes < CLIENT_CONNECTIONS_MAX ? nodes : CLIENT_CONNECTIONS_MAX) +
	    (uint64_t)starting * FILES_A_LAUNCH;

	if (limit >= wanted)
		return 0;
	return err_set(e, ERR_NOT_DESIRED, "%llu open files are allowed, and %llu are needed",
	               (unsigned long long)limit, (unsigned long long)wanted);
}

bool preflight_parse_available(const char *meminfo, uint64_t *ret_kib)
{
	static const char name[] = "MemAvailable:";
	const char *at = strstr(meminfo, name);
	char number[24];
	struct err ignored;

	if (!at)
		return false;
	at += strlen(name);
	at += strspn(at, " ");
	snprintf(number, sizeof(number), "%.*s", (int)strspn(at, "0123456789"), at);
	return number_parse(number, "MemAvailable", 0, UINT64_MAX >> 10, ret_kib, &ignored) == 0;
}

int preflight_memory(uint64_t available_kib, size_t starting, struct err *e)
{
	uint64_t wanted = (uint64_t)starting * NODE_KIB;

	if (available_kib >= wanted)
		return 0;
	return err_set(
	    e, ERR_NOT_DESIRED, "%llu MiB of memory are available, and %zu enclaves take %llu MiB",
	    (unsigned long long)available_kib >> 10, starting, (unsigned long long)wanted >> 10);
}

static int check_memory(struct preflight *p, size_t starting, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(64u << 10);
	uint64_t kib;
	struct err why;
	int result;

	if (!starting || file_read_regular("/proc/meminfo", &text, &why) < 0 ||
	    !preflight_parse_available(buf_text(&text), &kib))
		return 0;
	result = preflight_memory(kib, starting, &why);
	return preflight_add_result(p, "limits", "memory", result, &why,
	                            "enough for the enclaves to start",
	                            "start fewer here: --only, or nodes elsewhere", e);
}

int preflight_check_limits(struct preflight *p, struct err *e)
{
	size_t starting = p->local - p->running;
	struct rlimit files = { 0 }, cores = { 0 };
	bool is_locked = false, is_open;
	struct err why;
	int result;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || getrlimit(RLIMIT_CORE, &cores) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "getrlimit");
	result = preflight_files(files.rlim_cur, p->chosen, starting, &why);
	TRY(preflight_add_result(p, "limits", "open files", result, &why, "enough",
	                         "ulimit -n 4096", e));
	TRY(secret_arena_open(&is_locked, e));
	TRY(preflight_add(p, "limits", "locked memory",
	                  is_locked ? PREFLIGHT_OK : PREFLIGHT_WARNING,
	                  is_locked ? "secrets are locked in memory" : "secrets may be swapped",
	                  is_locked ? "" : "ulimit -l unlimited", e));
	is_open = cores.rlim_cur && !secret_cores_are_empty();
	TRY(preflight_add(p, "limits", "core files", is_open ? PREFLIGHT_WARNING : PREFLIGHT_OK,
	                  is_open ? "allowed: secrets are left out, what libraries copied is not"
	                  : cores.rlim_cur ? "allowed: written without memory"
	                                   : "none are written",
	                  is_open ? "ulimit -c 0" : "", e));
	return check_memory(p, starting, e);
}
