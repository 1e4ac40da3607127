/* The hypervisor's own options; whatever it does not know is the enclave's (proto/launch.h). */
#ifndef TEECTL_HV_OPTIONS_H
#define TEECTL_HV_OPTIONS_H

#include "base/log.h"
#include "proto/launch.h"

#include <stdio.h>

struct hv_options {
	const char *image, *pki, *role, *instance; /* borrowed from argv; NULL: not given */
	bool is_debug, wants_help, wants_version;
	char **rest; /* the enclave's, borrowed strings in an array of our own */
	size_t rest_count;
};

void hv_options_drop(struct hv_options *o);
/* argv without the program's name. ERR_USAGE: a missing value, a repeat, or no --image. */
MUST_CHECK int hv_options_parse(char *const *argv, size_t count, struct hv_options *ret,
                                struct err *e);
MUST_CHECK int hv_options_print_help(FILE *to, struct err *e);

/* What the enclave's options become once the hypervisor has had its say: files are opened and
 * passed on as fd:N, since the enclave gets no path; TEECTL_LOG is --log-level unless that was
 * given. */
#define ENCLAVE_NSM_FD   3 /* the NSM's socket in the enclave */
#define ENCLAVE_NSM      "fd:3"
#define ENCLAVE_FILES    3 /* tls-cert, tls-key, client-ca */
#define ENCLAVE_ARGS_MAX (2 + LAUNCH_COUNT + LAUNCH_REPEAT_MAX)

struct enclave_options {
	struct launch launch;
	int files[ENCLAVE_FILES]; /* sealed copies, the N of fd:N; -1: not given */
	char *file_values[ENCLAVE_FILES];
	enum log_level log_level; /* ours too */
};

#define ENCLAVE_OPTIONS_NONE                                                                       \
	{                                                                                          \
		.files = { -1, -1, -1 }, .log_level = LOG_INFO                                     \
	}

void enclave_options_drop(struct enclave_options *o);
/* log_level  TEECTL_LOG, or NULL; fails ERR_USAGE, ERR_NO_INPUT, ERR_DATA */
MUST_CHECK int enclave_options_parse(char *const *argv, size_t count, const char *log_level,
                                     struct enclave_options *ret, struct err *e);

/* Whoever has read the files shares their offset with the enclave: back to the start. */
MUST_CHECK int enclave_options_rewind(const struct enclave_options *o, struct err *e);

struct enclave_argv {
	char *items[ENCLAVE_ARGS_MAX + 1]; /* then NULL */
	size_t count;
};

void enclave_argv_drop(struct enclave_argv *a);
/* One --name=VALUE an item, for what differs from the defaults. */
MUST_CHECK int enclave_argv_build(const struct enclave_options *o, struct enclave_argv *ret,
                                  struct err *e);

#endif
