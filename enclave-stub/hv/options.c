#include "hv/options.h"

#include "base/file.h"
#include "base/file_guard.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1 << 20) /* a certificate chain takes a few KiB */

#define AT(field)      offsetof(struct hv_options, field)

/* Of a const char *, or of a bool for a flag. */
static const size_t offsets[HV_OPTION_COUNT] = {
	[HV_IMAGE] = AT(image),           [HV_PKI] = AT(pki),        [HV_ROLE] = AT(role),
	[HV_INSTANCE] = AT(instance),     [HV_DEBUG] = AT(is_debug), [HV_HELP] = AT(wants_help),
	[HV_VERSION] = AT(wants_version),
};

void hv_options_drop(struct hv_options *o)
{
	free(o->rest);
	*o = (struct hv_options){ 0 };
}

static bool is_named(const char *arg, const char *name)
{
	size_t len = strlen(name);

	return strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, name, len) == 0 &&
	       (arg[2 + len] == '\0' || arg[2 + len] == '=');
}

static const struct hv_option *find_own(const char *arg)
{
	for (size_t i = 0; i < HV_OPTION_COUNT; i++)
		if (is_named(arg, hv_option_table[i].name))
			return &hv_option_table[i];
	return NULL;
}

static const struct launch_option *find_enclaves(const char *arg)
{
	for (size_t i = 0; i < LAUNCH_COUNT; i++)
		if (is_named(arg, launch_options[i].name))
			return &launch_options[i];
	return NULL;
}

/* Does the word after this one belong to it? A value may look like an option of ours. */
static bool takes_next(const char *arg)
{
	const struct launch_option *option = find_enclaves(arg);

	return option && option->kind != LAUNCH_FLAG && !strchr(arg, '=');
}

/* The value of argv[*at], which may be the next word: then *at moves on. */
static int take_value(const struct hv_option *option, char *const *argv, size_t count, size_t *at,
                      const char **ret, struct err *e)
{
	const char *equals = strchr(argv[*at], '=');

	if (!equals && *at + 1 == count)
		return err_set(e, ERR_USAGE, "--%s needs a value: %s", option->name,
		               option->metavar);
	*ret = equals ? equals + 1 : argv[++*at];
	return 0;
}

static int take_own(const struct hv_option *option, char *const *argv, size_t count, size_t *at,
                    struct hv_options *o, struct err *e)
{
	void *field = (char *)o + offsets[option - hv_option_table];
	const char *given = argv[*at];

	if (!option->metavar) {
		if (strchr(given, '='))
			return err_set(e, ERR_USAGE, "--%s takes no value", option->name);
		if (*(bool *)field)
			return err_set(e, ERR_USAGE, "--%s is given twice", option->name);
		*(bool *)field = true;
		return 0;
	}
	if (*(const char **)field)
		return err_set(e, ERR_USAGE, "--%s is given twice", option->name);
	return take_value(option, argv, count, at, field, e);
}

/* The nearest word among ours, for what neither we nor the enclave know; its table has the rest. */
static int check_known(const char *arg, struct err *e)
{
	const char *names[HV_OPTION_COUNT + 1] = { 0 };
	const char *nearest;
	char word[32];

	if (strncmp(arg, "--", 2) != 0 || find_enclaves(arg))
		return 0;
	for (size_t i = 0; i < HV_OPTION_COUNT; i++)
		names[i] = hv_option_table[i].name;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	nearest = text_nearest(word, names);
	return nearest
	           ? err_set(e, ERR_USAGE, "unknown option --%s, did you mean --%s?", word, nearest)
	           : 0;
}

int hv_options_parse(char *const *argv, size_t count, struct hv_options *ret, struct err *e)
{
	AUTO(hv_options) struct hv_options o = { .rest = calloc(count + 1, sizeof(char *)) };

	if (!o.rest)
		return err_set(e, ERR_INTERNAL, "no memory for options");
	for (size_t i = 0; i < count; i++) {
		const struct hv_option *own = find_own(argv[i]);

		if (own) {
			TRY(take_own(own, argv, count, &i, &o, e));
			continue;
		}
		TRY(check_known(argv[i], e));
		o.rest[o.rest_count++] = argv[i];
		if (takes_next(argv[i]) && i + 1 < count)
			o.rest[o.rest_count++] = argv[++i];
	}
	if (!o.wants_help && !o.wants_version && (!o.image || !*o.image))
		return err_set(e, ERR_USAGE, "--image FILE is needed");
	*ret = MOVE(o);
	return 0;
}

int hv_options_print_help(FILE *to, struct err *e)
{
	AUTO(buf) struct buf own = BUF_INIT(LAUNCH_HELP_MAX);
	AUTO(buf) struct buf enclaves = BUF_INIT(LAUNCH_HELP_MAX);

	TRY(hv_help_format(&own, e));
	TRY(launch_help_format(/* has_nsm= */ false, &enclaves, e));
	fprintf(
	    to,
	    "usage: teectl-hv --image FILE [OPTION]... [ENCLAVE OPTION]...\n\n"
	    "Simulates the hypervisor and the security module of one enclave: measures the image,\n"
	    "runs it, and answers for it. SIMULATED: whoever can read the folder of the root key,\n"
	    "and root on this host, can forge or read every enclave under it.\n\n"
	    "options:\n%s\n"
	    "options for the enclave:\n%s\n"
	    "TEECTL_LOG in the environment is --log-level unless that is given. The enclave's own\n"
	    "environment is empty.\n",
	    buf_text(&own), buf_text(&enclaves));
	return 0;
}

/* Defaults are the table's own strings. */
static bool is_given(const struct launch *l, enum launch_id id)
{
	return l->values[id] && l->values[id] != launch_options[id].fallback;
}

static const enum launch_id file_ids[ENCLAVE_FILES] = {
	LAUNCH_TLS_CERT,
	LAUNCH_TLS_KEY,
	LAUNCH_CLIENT_CA,
};

void enclave_options_drop(struct enclave_options *o)
{
	for (size_t i = 0; i < ENCLAVE_FILES; i++) {
		fd_drop(&o->files[i]);
		text_drop(&o->file_values[i]);
	}
}

static int open_source(const char *value, const char *name, int *ret, struct err *e)
{
	char what[32];
	int given, fd;

	TRY(fd_parse(value, name, &given, e));
	snprintf(what, sizeof(what), "--%s", name);
	if (given < 0)
		return file_open_guarded(value, what, /* may_be_pipe= */ false, ret, e);
	fd = fcntl(given, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "--%s '%s'", name, value);
	*ret = fd;
	return 0;
}

/* A sealed copy, so that the enclave reads the bytes that were measured; 4 and above, because 3 is
 * the NSM's, and the number is the same here and in the enclave. */
static int seal_copy(int from, const char *name, int *ret, struct err *e)
{
	AUTO(fd) int copy = -1;
	char what[64];

	snprintf(what, sizeof(what), "the file of --%s", name);
	TRY(memory_file_new(name, ENCLAVE_NSM_FD + 1, /* is_program= */ false, &copy, e));
	TRY(memory_file_fill(copy, from, what, FILE_BYTES_MAX, e));
	if (lseek(copy, 0, SEEK_SET) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "rewinding %s", what);
	*ret = MOVE_FD(copy);
	return 0;
}

static int take_file(struct enclave_options *o, size_t i, struct err *e)
{
	const char *name = launch_options[file_ids[i]].name;
	const char **value = &o->launch.values[file_ids[i]];
	AUTO(fd) int source = -1;

	if (!*value)
		return 0;
	TRY(open_source(*value, name, &source, e));
	TRY(seal_copy(source, name, &o->files[i], e));
	if (asprintf(&o->file_values[i], "fd:%d", o->files[i]) < 0) {
		o->file_values[i] = NULL;
		return err_set(e, ERR_INTERNAL, "no memory for options");
	}
	*value = o->file_values[i];
	return 0;
}

static int take_log_level(struct enclave_options *o, const char *from_environment, struct err *e)
{
	const char **value = &o->launch.values[LAUNCH_LOG_LEVEL];

	if (from_environment && *from_environment && !is_given(&o->launch, LAUNCH_LOG_LEVEL)) {
		if (log_level_parse(from_environment, &o->log_level, e) < 0)
			return err_wrap(e, "TEECTL_LOG");
		*value = from_environment;
	}
	return *value ? log_level_parse(*value, &o->log_level, e) : 0;
}

int enclave_options_parse(char *const *argv, size_t count, const char *log_level,
                          struct enclave_options *ret, struct err *e)
{
	AUTO(enclave_options) struct enclave_options o = ENCLAVE_OPTIONS_NONE;

	TRY(launch_parse(argv, count, &o.launch, e));
	if (is_given(&o.launch, LAUNCH_NSM))
		return err_set(e, ERR_USAGE, "--nsm is for the hypervisor to give, not for you");
	TRY(take_log_level(&o, log_level, e));
	for (size_t i = 0; i < ENCLAVE_FILES; i++)
		TRY(take_file(&o, i, e));
	*ret = o;
	o = (struct enclave_options)ENCLAVE_OPTIONS_NONE;
	return 0;
}

int enclave_options_rewind(const struct enclave_options *o, struct err *e)
{
	for (size_t i = 0; i < ENCLAVE_FILES; i++)
		if (o->files[i] >= 0 && lseek(o->files[i], 0, SEEK_SET) < 0)
			return err_sys(e, ERR_INTERNAL, errno, "rewinding the file of --%s",
			               launch_options[file_ids[i]].name);
	return 0;
}

void enclave_argv_drop(struct enclave_argv *a)
{
	while (a->count)
		free(a->items[--a->count]);
}

/* value NULL: a flag, or the program's name. */
static int add_arg(struct enclave_argv *a, const char *name, const char *value, struct err *e)
{
	char *item;

	if (asprintf(&item, "%s%s%s", name, value ? "=" : "", value ? value : "") < 0)
		return err_set(e, ERR_INTERNAL, "no memory for options");
	a->items[a->count++] = item;
	return 0;
}

static int add_option(struct enclave_argv *a, enum launch_id id, const char *value, struct err *e)
{
	char name[64];

	snprintf(name, sizeof(name), "--%s", launch_options[id].name);
	return add_arg(a, name, launch_options[id].kind == LAUNCH_FLAG ? NULL : value, e);
}

int enclave_argv_build(const struct enclave_options *o, struct enclave_argv *ret, struct err *e)
{
	AUTO(enclave_argv) struct enclave_argv a = { 0 };

	TRY(add_arg(&a, "teectl-enclave", NULL, e));
	for (size_t i = 0; i < o->launch.host_name_count; i++)
		TRY(add_option(&a, LAUNCH_HOST_NAME, o->launch.host_names[i], e));
	for (enum launch_id id = 0; id < LAUNCH_COUNT; id++)
		if (id != LAUNCH_HOST_NAME && id != LAUNCH_NSM && is_given(&o->launch, id))
			TRY(add_option(&a, id, o->launch.values[id], e));
	TRY(add_option(&a, LAUNCH_NSM, ENCLAVE_NSM, e));
	*ret = MOVE(a);
	return 0;
}
