#include "proto/launch.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "crypto/bundle.h"
#include "proto/scan.h"

#define HASH_DIGITS 64
#define DAY_MS      86400000
#define HELP_COLUMN 40 /* where the explanations begin */

/* clang-format off */
/* Defaults are contract.md's "Ground rules". Durations are whole milliseconds, so that what PCR2
 * measures has one spelling. */
const struct launch_option launch_options[LAUNCH_COUNT] = {
	[LAUNCH_LISTEN] = { .name = "listen", .kind = LAUNCH_TEXT, .metavar = "HOST:PORT",
		.fallback = "127.0.0.1:9000", .doc = "address to serve on; port 0 takes a free one" },
	[LAUNCH_NSM] = { .name = "nsm", .kind = LAUNCH_TEXT, .metavar = "fd:N|device:PATH",
		.doc = "the Nitro security module: an inherited socket, or /dev/nsm" },
	[LAUNCH_TLS_CERT] = { .name = "tls-cert", .kind = LAUNCH_TEXT, .metavar = "FILE|fd:N",
		.doc = "the server's certificate chain, PEM" },
	[LAUNCH_TLS_KEY] = { .name = "tls-key", .kind = LAUNCH_TEXT, .metavar = "FILE|fd:N",
		.doc = "the server's private key, PEM" },
	[LAUNCH_CLIENT_CA] = { .name = "client-ca", .kind = LAUNCH_TEXT, .metavar = "FILE|fd:N", .is_measured = true,
		.doc = "who signs clients' certificates, PEM; then each route asks for a role" },
	[LAUNCH_HOST_NAME] = { .name = "host-name", .kind = LAUNCH_TEXT, .metavar = "NAME", .may_repeat = true,
		.doc = "a name that clients may ask for in Host" },
	[LAUNCH_PIN_MANIFEST_SET] = { .name = "pin-manifest-set", .kind = LAUNCH_HASH, .metavar = "HEX", .is_measured = true,
		.doc = "the only manifest set that is accepted: SHA-256 of its borsh" },
	[LAUNCH_PIN_SHARE_SET] = { .name = "pin-share-set", .kind = LAUNCH_HASH, .metavar = "HEX", .is_measured = true,
		.doc = "the only share set that is accepted: SHA-256 of its borsh" },
	[LAUNCH_INSECURE_OPEN_SEED] = { .name = "insecure-open-seed", .kind = LAUNCH_FLAG, .is_measured = true,
		.doc = "serve generate-seed to clients without a certificate" },
	[LAUNCH_MAX_BODY] = { .name = "max-body", .kind = LAUNCH_NUMBER, .metavar = "BYTES", .fallback = "1048576",
		.min = 1024, .max = WIRE_TEXT_MAX, .is_measured = true, .doc = "largest request body" },
	[LAUNCH_MAX_HEADER] = { .name = "max-header", .kind = LAUNCH_NUMBER, .metavar = "BYTES", .fallback = "16384",
		.min = 1024, .max = 65536, .is_measured = true, .doc = "largest header block" },
	[LAUNCH_REQUEST_TIMEOUT] = { .name = "request-timeout", .kind = LAUNCH_NUMBER, .metavar = "MS", .fallback = "10000",
		.min = 100, .max = DAY_MS, .is_measured = true, .doc = "how long a whole request may take to come in" },
	[LAUNCH_IDLE_TIMEOUT] = { .name = "idle-timeout", .kind = LAUNCH_NUMBER, .metavar = "MS", .fallback = "10000",
		.min = 100, .max = DAY_MS, .is_measured = true, .doc = "how long a connection may be idle" },
	[LAUNCH_HANDSHAKE_TIMEOUT] = { .name = "handshake-timeout", .kind = LAUNCH_NUMBER, .metavar = "MS", .fallback = "3000",
		.min = 100, .max = DAY_MS, .is_measured = true, .doc = "how long a TLS handshake may take" },
	[LAUNCH_MAX_CONNECTIONS] = { .name = "max-connections", .kind = LAUNCH_NUMBER, .metavar = "N", .fallback = "256",
		.min = 1, .max = 65536, .is_measured = true, .doc = "connections at once" },
	[LAUNCH_MAX_CONNECTIONS_PER_ADDRESS] = { .name = "max-connections-per-address", .kind = LAUNCH_NUMBER, .metavar = "N",
		.fallback = "64", .min = 1, .max = 65536, .is_measured = true, .doc = "connections at once from one address" },
	[LAUNCH_NSM_RATE] = { .name = "nsm-rate", .kind = LAUNCH_NUMBER, .metavar = "N", .fallback = "200",
		.min = 1, .max = 1000000, .is_measured = true, .doc = "requests that make the NSM work, and shares to open, a second from one address" },
	[LAUNCH_LOG_LEVEL] = { .name = "log-level", .kind = LAUNCH_TEXT, .metavar = "LEVEL", .fallback = "info",
		.doc = "error, warn, info or debug" },
};

const struct hv_option hv_option_table[HV_OPTION_COUNT] = {
	[HV_IMAGE] = { "image", "FILE", "program to run as the enclave (PCR0, PCR1)" },
	[HV_PKI] = { "pki", "DIR", "folder of the simulated root (default ~/.local/state/teectl/pki)" },
	[HV_ROLE] = { "role", "TEXT", "who operates the enclave (PCR3)" },
	[HV_INSTANCE] = { "instance", "TEXT", "which of several enclaves it is (PCR4)" },
	[HV_DEBUG] = { "debug", NULL, "PCR0, 1 and 2 read zero; nobody trusts such an enclave" },
	[HV_HELP] = { "help", NULL, "show this and leave" },
	[HV_VERSION] = { "version", NULL, "show the version and leave" },
};

const struct hv_option launch_asides[LAUNCH_ASIDE_COUNT] = {
	[LAUNCH_HELP] = { "help", NULL, "show this and leave" },
	[LAUNCH_VERSION] = { "version", NULL, "show the version and leave" },
};
/* clang-format on */

static int unknown_option(const char *name, struct err *e)
{
	const char *names[LAUNCH_COUNT + LAUNCH_ASIDE_COUNT + 1] = { 0 };
	const char *near;

	for (size_t i = 0; i < LAUNCH_COUNT; i++)
		names[i] = launch_options[i].name;
	for (size_t i = 0; i < LAUNCH_ASIDE_COUNT; i++)
		names[LAUNCH_COUNT + i] = launch_asides[i].name;
	near = text_nearest(name, names);
	if (near)
		return err_set(e, ERR_USAGE, "unknown option --%s, did you mean --%s?", name, near);
	return err_set(e, ERR_USAGE, "unknown option --%s", name);
}

/* name: what stands between the dashes and the '='. */
static int find_option(struct view name, enum launch_id *ret, struct err *e)
{
	char text[64];

	for (unsigned i = 0; i < LAUNCH_COUNT; i++)
		if (view_equal(name, view_text(launch_options[i].name))) {
			*ret = (enum launch_id)i;
			return 0;
		}
	if (name.len > sizeof(text) - 1)
		name.len = sizeof(text) - 1;
	snprintf(text, sizeof(text), "%.*s", (int)name.len, (const char *)name.data);
	return unknown_option(text, e);
}

static int check_hash(const struct launch_option *o, const char *value, struct err *e)
{
	if (strlen(value) != HASH_DIGITS || strspn(value, "0123456789abcdefABCDEF") != HASH_DIGITS)
		return err_set(e, ERR_USAGE, "--%s: %d hex digits expected", o->name, HASH_DIGITS);
	return 0;
}

static int set_value(struct launch *l, enum launch_id id, const char *value, struct err *e)
{
	const struct launch_option *o = &launch_options[id];
	struct err inner;

	if (!*value)
		return err_set(e, ERR_USAGE, "--%s: an empty value", o->name);
	if (o->kind == LAUNCH_HASH)
		TRY(check_hash(o, value, e));
	if (o->kind == LAUNCH_NUMBER &&
	    number_parse(value, o->name, o->min, o->max, &l->numbers[id], &inner) < 0)
		return err_set(e, ERR_USAGE, "--%s", inner.text);
	if (o->may_repeat) {
		if (l->host_name_count == LAUNCH_REPEAT_MAX)
			return err_set(e, ERR_USAGE, "--%s: more than %d times", o->name,
			               LAUNCH_REPEAT_MAX);
		l->host_names[l->host_name_count++] = value;
	} else if (l->values[id]) {
		return err_set(e, ERR_USAGE, "--%s is given twice", o->name);
	}
	l->values[id] = value;
	return 0;
}

/* What lacks a value gets its default. */
static int set_defaults(struct launch *l, struct err *e)
{
	for (unsigned i = 0; i < LAUNCH_COUNT; i++)
		if (!l->values[i] && launch_options[i].fallback)
			TRY(set_value(l, (enum launch_id)i, launch_options[i].fallback, e));
	return 0;
}

/* Reads the option at argv[*i], and leaves *i at the last word that belongs to it. */
static int parse_option(char *const *argv, size_t count, size_t *i, struct launch *l, struct err *e)
{
	const char *word = argv[*i], *value = strchr(word, '=');
	enum launch_id id = LAUNCH_COUNT;
	const struct launch_option *o;

	if (strncmp(word, "--", 2) != 0)
		return err_set(e, ERR_USAGE, "'%s': an option expected", word);
	word += 2;
	TRY(find_option(view_new(word, value ? (size_t)(value - word) : strlen(word)), &id, e));
	o = &launch_options[id];
	if (o->kind == LAUNCH_FLAG)
		return value ? err_set(e, ERR_USAGE, "--%s takes no value", o->name)
		             : set_value(l, id, "1", e);
	if (value)
		return set_value(l, id, value + 1, e);
	if (*i + 1 == count)
		return err_set(e, ERR_USAGE, "--%s: a value expected", o->name);
	*i += 1;
	return set_value(l, id, argv[*i], e);
}

/* Without TLS nobody could show a certificate; and a seed for whoever asks is what the roles are
 * there to end. */
static int check_client_ca(const struct launch *l, struct err *e)
{
	if (!l->values[LAUNCH_CLIENT_CA])
		return 0;
	if (!l->values[LAUNCH_TLS_CERT] || !l->values[LAUNCH_TLS_KEY])
		return err_set(e, ERR_USAGE, "--client-ca needs --tls-cert and --tls-key");
	if (l->values[LAUNCH_INSECURE_OPEN_SEED])
		return err_set(e, ERR_USAGE,
		               "--insecure-open-seed and --client-ca exclude each other: with a "
		               "client CA generate-seed is for the role app");
	return 0;
}

int launch_parse(char *const *argv, size_t count, struct launch *ret, struct err *e)
{
	struct launch l = { 0 };

	for (size_t i = 0; i < count; i++)
		TRY(parse_option(argv, count, &i, &l, e));
	TRY(set_defaults(&l, e));
	TRY(check_client_ca(&l, e));
	*ret = l;
	return 0;
}

static int format_option(const char *name, const char *metavar, const char *doc,
                         const char *fallback, struct buf *to, struct err *e)
{
	size_t begin = to->len, width;

	TRY(buf_add_format(to, e, "  --%s%s%s", name, metavar ? " " : "", metavar ? metavar : ""));
	width = to->len - begin;
	TRY(buf_add_format(to, e, "%*s%s", width < HELP_COLUMN ? (int)(HELP_COLUMN - width) : 1, "",
	                   doc));
	return fallback ? buf_add_format(to, e, " (default %s)\n", fallback)
	                : buf_add_text(to, "\n", e);
}

static int format_own(const struct hv_option *options, size_t count, struct buf *to, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		TRY(format_option(options[i].name, options[i].metavar, options[i].doc,
		                  /* fallback= */ NULL, to, e));
	return 0;
}

int launch_help_format(bool has_nsm, struct buf *to, struct err *e)
{
	for (unsigned i = 0; i < LAUNCH_COUNT; i++) {
		const struct launch_option *o = &launch_options[i];

		if (i != LAUNCH_NSM || has_nsm)
			TRY(format_option(o->name, o->metavar, o->doc, o->fallback, to, e));
	}
	return has_nsm ? format_own(launch_asides, LAUNCH_ASIDE_COUNT, to, e) : 0;
}

int hv_help_format(struct buf *to, struct err *e)
{
	return format_own(hv_option_table, HV_OPTION_COUNT, to, e);
}

/* The certificates that a file has count, not its name. */
static int spell_client_ca(const char *spec, struct buf *to, struct err *e)
{
	AUTO(bundle) struct bundle b = { 0 };

	if (bundle_read(spec, &b, e) < 0)
		return err_wrap(e, "--client-ca");
	return bundle_name(&b, to, e);
}

/* One spelling for each value: decimal without leading zeros, hex in lower case. */
static int spell(const struct launch *l, enum launch_id id, struct buf *to, struct err *e)
{
	if (id == LAUNCH_CLIENT_CA)
		return spell_client_ca(l->values[id], to, e);
	if (launch_options[id].kind == LAUNCH_NUMBER)
		return buf_add_format(to, e, "%llu", (unsigned long long)l->numbers[id]);
	TRY(buf_add_text(to, l->values[id], e));
	for (size_t i = 0; i < to->len; i++)
		if (to->data[i] >= 'A' && to->data[i] <= 'F')
			to->data[i] = (uint8_t)(to->data[i] + ('a' - 'A'));
	return 0;
}

void launch_values_drop(struct launch_values *v)
{
	for (unsigned i = 0; i < LAUNCH_COUNT; i++)
		buf_drop(&v->values[i]);
}

int launch_spell(const struct launch *l, struct launch_values *ret, struct err *e)
{
	AUTO(launch_values) struct launch_values v = { 0 };

	for (unsigned i = 0; i < LAUNCH_COUNT; i++) {
		if (!launch_options[i].is_measured || !l->values[i])
			continue;
		v.values[i].max = i == LAUNCH_CLIENT_CA ? BUNDLE_NAME_MAX : HASH_DIGITS;
		TRY(spell(l, (enum launch_id)i, &v.values[i], e));
	}
	*ret = MOVE(v);
	return 0;
}

int launch_measure(const struct launch *l, struct pcr *ret, struct err *e)
{
	AUTO(launch_values) struct launch_values v = { 0 };
	struct measured_option options[LAUNCH_COUNT];
	size_t count = 0;

	TRY(launch_spell(l, &v, e));
	for (unsigned i = 0; i < LAUNCH_COUNT; i++)
		if (v.values[i].len)
			options[count++] = (struct measured_option){ launch_options[i].name,
				                                     buf_text(&v.values[i]) };
	return measure_options(options, count, ret, e);
}
