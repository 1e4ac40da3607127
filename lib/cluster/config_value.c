#include "cluster/config_internal.h"

#include "base/file.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PORT_MAX      65535
#define PORT_MAX_TEXT "65535"
#define HOST_MAX      253 /* RFC 1035 2.3.4 */
#define ROLE_MAX      512

void config_quote(const char *text, char ret[static FOUND_LEN + 8])
{
	size_t len = strlen(text);

	if (len <= FOUND_LEN) {
		snprintf(ret, FOUND_LEN + 8, "'%s'", text);
		return;
	}
	/* Not in the middle of a character. */
	for (len = FOUND_LEN; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
		;
	snprintf(ret, FOUND_LEN + 8, "'%.*s…'", (int)len, text);
}

static int unexpected(struct err *e, const char *expected, const char *found)
{
	char quoted[FOUND_LEN + 8];

	config_quote(found, quoted);
	return err_set(e, ERR_CONFIG, "expected %s, found %s", expected, quoted);
}

static int unexpected_word(struct err *e, const char *expected, const char *found,
                           const char *nearest)
{
	char quoted[FOUND_LEN + 8];

	if (!nearest)
		return unexpected(e, expected, found);
	config_quote(found, quoted);
	return err_set(e, ERR_CONFIG, "expected %s, found %s: did you mean '%s'?", expected, quoted,
	               nearest);
}

/* What YAML 1.1 or 1.2 takes for null or a truth value unless it is quoted. */
static bool is_word_of(const struct scalar *v, const char *const *words)
{
	for (; v->is_plain && *words; words++)
		if (strcasecmp(v->text, *words) == 0)
			return true;
	return false;
}

static const char *const nulls[] = { "", "~", "null", NULL };
static const char *const truths[] = { "true", "false", "yes", "no", "on", "off", NULL };

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* 1..max of the characters; a file name must not begin with a dot, nor an argument with a dash. */
static bool is_name(const char *text, const char *characters, size_t max)
{
	size_t len = strlen(text);

	return len >= 1 && len <= max && strspn(text, characters) == len && text[0] != '.' &&
	       text[0] != '-';
}

bool config_is_name(const char *text)
{
	return is_name(text, NAME_CHARACTERS, CLUSTER_NAME_MAX);
}

static bool is_port(const char *text, unsigned min)
{
	struct err ignored;
	uint64_t port;

	return number_parse(text, "port", min, PORT_MAX, &port, &ignored) == 0;
}

/* The text up to the first of the characters in `until` (or the end), if it fits. */
static bool take_until(const char **at, const char *until, char *to, size_t max)
{
	size_t len = strcspn(*at, until);

	if (len == 0 || len > max)
		return false;
	memcpy(to, *at, len);
	to[len] = 0;
	*at += len;
	return true;
}

/* "[::1]" at *at: passes it. */
static bool take_ipv6(const char **at)
{
	char host[HOST_MAX + 1];
	struct in6_addr address;

	++*at;
	if (!take_until(at, "]", host, HOST_MAX) || **at != ']')
		return false;
	++*at;
	return inet_pton(AF_INET6, host, &address) == 1;
}

static bool is_listen(const char *text)
{
	char host[HOST_MAX + 1];
	struct in_addr address;

	if (*text == '[') {
		if (!take_ipv6(&text))
			return false;
	} else if (!take_until(&text, ":", host, HOST_MAX) ||
	           inet_pton(AF_INET, host, &address) != 1) {
		return false;
	}
	return *text == ':' && is_port(text + 1, 0);
}

/* No path, no query, no password: what an enclave has is at its root. */
static bool is_url(const char *text)
{
	char host[HOST_MAX + 1], port[8];
	bool is_tls = strncmp(text, "https://", 8) == 0;

	if (!is_tls && strncmp(text, "http://", 7) != 0)
		return false;
	text += is_tls ? 8 : 7;
	if (*text == '[') {
		if (!take_ipv6(&text))
			return false;
	} else if (!take_until(&text, ":/", host, HOST_MAX) ||
	           strspn(host, NAME_CHARACTERS) != strlen(host)) {
		return false;
	}
	if (*text == ':') {
		text++;
		if (!take_until(&text, "/", port, sizeof(port) - 1) || !is_port(port, 1))
			return false;
	}
	return *text == 0 || strcmp(text, "/") == 0;
}

/* Digits where the port stands, and no port: what is wrong with it is its size. */
static bool has_port_beyond(const char *text)
{
	static const char most[] = PORT_MAX_TEXT;
	const char *port = strrchr(text, ':'), *end;
	size_t len;

	if (!port)
		return false;
	port += 1 + strspn(port + 1, "0");
	len = strspn(port, "0123456789");
	end = port + len;
	return (*end == 0 || strcmp(end, "/") == 0) &&
	       (len > strlen(most) ||
	        (len == strlen(most) && strncmp(port, most, strlen(most)) > 0));
}

static int refuse_address(const char *text, bool is_url, struct err *e)
{
	if (has_port_beyond(text))
		return unexpected(e,
		                  is_url ? "a port from 1 to " PORT_MAX_TEXT
		                         : "a port from 0 (a free one) to " PORT_MAX_TEXT,
		                  text);
	return unexpected(e,
	                  is_url ? "http:// or https://, a host and a port, no path"
	                         : "HOST:PORT with a numeric address, as 127.0.0.1:9000",
	                  text);
}

static int keep(char **field, const char *text, struct err *e)
{
	char *copy;

	TRY(text_dup(text, &copy, e));
	text_drop(field);
	*field = copy;
	return 0;
}

static int take_text(const struct config_row *row, const char *text, char **field, struct err *e)
{
	bool is_pattern = false;

	if (row->is_pattern)
		TRY(config_is_pattern(text, &is_pattern, e));
	/* What it stands for is judged when it is written out. */
	if (is_pattern)
		return keep(field, text, e);
	switch (row->kind) {
	case CONFIG_LABEL:
		if (!is_name(text, NAME_CHARACTERS, CLUSTER_LABEL_MAX))
			return unexpected(e,
			                  "1 to 63 letters, digits, dots, dashes and underscores, "
			                  "a letter or digit first",
			                  text);
		break;
	case CONFIG_NAME:
		if (!config_is_name(text))
			return unexpected(e,
			                  "1 to 128 letters, digits, dots, dashes and underscores, "
			                  "a letter or digit first",
			                  text);
		break;
	case CONFIG_NAMESPACE:
		if (!is_name(text, NAME_CHARACTERS "/", NAMESPACE_MAX))
			return unexpected(e,
			                  "1 to 128 letters, digits, dots, dashes, underscores and "
			                  "slashes, no dot or dash first",
			                  text);
		break;
	case CONFIG_LISTEN:
		if (!is_listen(text))
			return refuse_address(text, /* is_url= */ false, e);
		break;
	case CONFIG_URL:
		if (!is_url(text))
			return refuse_address(text, /* is_url= */ true, e);
		break;
	default:
		if (strlen(text) > ROLE_MAX)
			return unexpected(e, "at most 512 bytes", text);
		break;
	}
	TRY(keep(field, text, e));
	if (row->kind == CONFIG_URL && text[strlen(text) - 1] == '/')
		(*field)[strlen(text) - 1] = 0;
	return 0;
}

static int take_path(const char *text, const char *folder, char **field, struct err *e)
{
	char *path;

	if (!*text)
		return err_set(e, ERR_CONFIG, "expected the path of a file, found nothing");
	TRY(path_join(folder, text, &path, e));
	text_drop(field);
	*field = path;
	return 0;
}

static int take_number(const struct config_row *row, const struct scalar *v, int64_t *field,
                       struct err *e)
{
	char expected[96];
	struct err ignored;
	uint64_t value;

	snprintf(expected, sizeof(expected), "a whole number from %lld to %lld%s",
	         (long long)row->min, (long long)row->max, v->is_plain ? "" : ", without quotes");
	if (!v->is_plain || number_parse(v->text, row->path, (uint64_t)row->min, (uint64_t)row->max,
	                                 &value, &ignored) < 0)
		return unexpected(e, expected, v->text);
	*field = (int64_t)value;
	return 0;
}

static int take_flag(const struct scalar *v, bool *field, struct err *e)
{
	bool is_true = strcmp(v->text, "true") == 0;

	if (!v->is_plain || (!is_true && strcmp(v->text, "false") != 0))
		return unexpected(e, "true or false, without quotes", v->text);
	*field = is_true;
	return 0;
}

static int take_duration(const struct config_row *row, const char *text, int64_t *field,
                         struct err *e)
{
	struct err ignored;
	int64_t ms;

	if (duration_parse(text, &ms, &ignored) < 0)
		return unexpected(e, "a whole number and its unit ms, s, m, h or d", text);
	if (ms < row->min || ms > row->max) {
		AUTO(buf) struct buf least = BUF_INIT(32);
		AUTO(buf) struct buf most = BUF_INIT(32);

		TRY(duration_format(row->min, &least, e));
		TRY(duration_format(row->max, &most, e));
		return err_set(e, ERR_CONFIG, "expected %s to %s, found '%s'", buf_text(&least),
		               buf_text(&most), text);
	}
	*field = ms;
	return 0;
}

static int add_words(const char *const *words, struct buf *to, struct err *e)
{
	for (size_t i = 0; words[i]; i++)
		TRY(buf_add_format(to, e, "%s%s",
		                   i == 0         ? ""
		                   : words[i + 1] ? ", "
		                                  : " or ",
		                   words[i]));
	return 0;
}

static int take_word(const struct config_row *row, const char *text, unsigned *ret, struct err *e)
{
	AUTO(buf) struct buf expected = BUF_INIT(ERR_TEXT_MAX);

	for (unsigned i = 0; row->words[i]; i++)
		if (strcmp(text, row->words[i]) == 0) {
			*ret = i;
			return 0;
		}
	TRY(add_words(row->words, &expected, e));
	return unexpected_word(e, buf_text(&expected), text, text_nearest(text, row->words));
}

/* A misspelt word would be taken for a path. */
static int take_root(const char *text, const char *folder, struct cluster *c, struct err *e)
{
	static const char *const words[] = { [ROOT_SIMULATED] = ROOT_SIMULATED_NAME,
		                             [ROOT_AWS] = ROOT_AWS_NAME,
		                             [ROOT_FILE] = NULL };
	const char *nearest = text_nearest(text, words);
	enum root_kind kind = ROOT_SIMULATED;

	while (words[kind] && strcmp(words[kind], text) != 0)
		kind++;
	if (kind == ROOT_FILE && nearest)
		return unexpected_word(e, "simulated, aws-nitro, or the path of a certificate",
		                       text, nearest);
	if (kind == ROOT_FILE)
		TRY(take_path(text, folder, &c->attestation.root_path, e));
	c->attestation.root = kind;
	return 0;
}

static int take_hex(const char *text, uint8_t *to, size_t len, struct err *e)
{
	struct err why;

	if (strlen(text) == 2 * len && hex_parse_exact(view_text(text), to, len, &why) == 0)
		return 0;
	if (strlen(text) == 2 * len)
		return err_set(e, ERR_CONFIG, "expected %zu hexadecimal digits, found %s", 2 * len,
		               why.text);
	return err_set(e, ERR_CONFIG, "expected %zu hexadecimal digits, found %zu characters",
	               2 * len, strlen(text));
}

static int take_pcr(const char *text, struct pcr *field, struct err *e)
{
	struct pcr pcr = { .len = PCR_LEN };

	TRY(take_hex(text, pcr.bytes, PCR_LEN, e));
	*field = pcr;
	return 0;
}

static int take_hash(const char *text, struct hash256 *field, struct err *e)
{
	struct hash256 hash;

	TRY(take_hex(text, hash.bytes, sizeof(hash.bytes), e));
	*field = hash;
	return 0;
}

/* Texts that a YAML reader would take for something else must be quoted. */
static int check_scalar(const struct config_row *row, const struct scalar *v, struct err *e)
{
	bool is_textual = row->kind != CONFIG_NUMBER && row->kind != CONFIG_FLAG;

	if (is_word_of(v, nulls))
		return err_set(e, ERR_CONFIG, "expected %s, found nothing", config_type(row->kind));
	if (has_control(v->text))
		return err_set(e, ERR_CONFIG, "expected %s on one line, found control characters",
		               config_type(row->kind));
	if (is_textual && is_word_of(v, truths))
		return err_set(e, ERR_CONFIG, "expected %s, found the flag %s: a text in quotes?",
		               config_type(row->kind), v->text);
	return 0;
}

int config_take(const struct config_row *row, const struct scalar *v, void *base,
                const char *folder, struct err *e)
{
	void *field = row->offset == SIZE_MAX ? NULL : (char *)base + row->offset;
	unsigned word = 0;

	TRY(check_scalar(row, v, e));
	switch (row->kind) {
	case CONFIG_PATH:
		return take_path(v->text, folder, field, e);
	case CONFIG_NUMBER:
		return take_number(row, v, field, e);
	case CONFIG_FLAG:
		return take_flag(v, field, e);
	case CONFIG_DURATION:
		return take_duration(row, v->text, field, e);
	case CONFIG_WORD:
		TRY(take_word(row, v->text, &word, e));
		if (field)
			*(unsigned *)field = word;
		return 0;
	case CONFIG_ROOT:
		return take_root(v->text, folder, base, e);
	case CONFIG_PCR:
		return take_pcr(v->text, field, e);
	case CONFIG_HASH:
		return take_hash(v->text, field, e);
	default:
		return take_text(row, v->text, field, e);
	}
}
