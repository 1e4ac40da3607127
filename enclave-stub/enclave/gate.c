#include "enclave/gate.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 255 /* a DNS name (RFC 1035 2.3.4) */

bool gate_is_request_id(const char *text)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                               "0123456789_-";
	size_t len = strspn(text, alphabet);

	return len >= 1 && len <= REQUEST_ID_MAX && text[len] == '\0';
}

/* The name of "name", "name:port" or "[v6]:port". */
static bool host_name(const char *host, char ret[HOST_MAX + 1])
{
	const char *from = *host == '[' ? host + 1 : host;
	const char *end = *host == '[' ? strchr(from, ']') : from + strcspn(from, ":");
	size_t len = end ? (size_t)(end - from) : 0;
	const char *port = end ? end + (*host == '[') : NULL;

	if (!len || len > HOST_MAX)
		return false;
	if (*port && (*port != ':' || port[1 + strspn(port + 1, "0123456789")]))
		return false;
	memcpy(ret, from, len);
	ret[len] = '\0';
	return true;
}

static bool is_address(const char *name, bool has_brackets)
{
	uint8_t address[16];

	return inet_pton(has_brackets ? AF_INET6 : AF_INET, name, address) == 1;
}

static bool is_host_allowed(const struct gate *g, const char *host)
{
	char name[HOST_MAX + 1];

	if (!host_name(host, name))
		return false;
	if (is_address(name, *host == '['))
		return true;
	if (*host == '[')
		return false;
	if (strcasecmp(name, "localhost") == 0)
		return true;
	for (size_t i = 0; i < g->host_name_count; i++)
		if (strcasecmp(name, g->host_names[i]) == 0)
			return true;
	return g->certificate_names && g->certificate_names(g->certificate, name);
}

static int judge_host(const struct gate *g, const struct request_head *h, struct err *e)
{
	if (h->hosts != 1 || !h->host)
		return err_set(e, ERR_MISDIRECTED, "one Host header expected, %u found", h->hosts);
	if (!is_host_allowed(g, h->host))
		return err_set(e, ERR_MISDIRECTED, "Host '%.64s' is no name of this enclave",
		               h->host);
	if (h->origin)
		return err_set(e, ERR_ORIGIN, "a request of a web page is not served");
	return 0;
}

static int judge_length(const struct gate *g, const struct request_head *h, bool has_body,
                        struct passage *ret, struct err *e)
{
	uint64_t len = 0;
	struct err cause;

	if (h->content_lengths > 1)
		return err_set(e, ERR_REQUEST, "Content-Length is repeated");
	if (!h->content_length && has_body)
		return err_set(e, ERR_LENGTH_REQUIRED, "a body needs a Content-Length");
	if (h->content_length &&
	    number_parse(h->content_length, "Content-Length", 0, UINT64_MAX, &len, &cause) < 0)
		return err_set(e, ERR_REQUEST, "Content-Length is not a number of bytes");
	if (len > g->max_body)
		return err_set(e, ERR_TOO_LARGE, "%llu bytes, at most %llu",
		               (unsigned long long)len, (unsigned long long)g->max_body);
	if (len && !has_body)
		return err_set(e, ERR_REQUEST, "%s takes no body", h->method);
	ret->body_len = (size_t)len;
	return 0;
}

static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t len = sizeof(json) - 1;

	if (!type || strncasecmp(type, json, len) != 0)
		return false;
	return type[len + strspn(type + len, " \t")] == '\0' ||
	       type[len + strspn(type + len, " \t")] == ';';
}

static int judge_framing(const struct gate *g, const struct request_head *h, bool has_body,
                         struct passage *ret, struct err *e)
{
	if (h->header_bytes > g->max_header)
		return err_set(e, ERR_HEADERS_TOO_LARGE, "%zu bytes, at most %llu", h->header_bytes,
		               (unsigned long long)g->max_header);
	if (h->is_folded)
		return err_set(e, ERR_REQUEST, "a header is folded over several lines");
	if (h->is_malformed)
		return err_set(e, ERR_REQUEST, "white space before the colon of a header");
	if (h->transfer_encoding)
		return err_set(e, ERR_LENGTH_REQUIRED, "Transfer-Encoding is not served");
	if (h->expect && strcasecmp(h->expect, "100-continue") != 0)
		return err_set(e, ERR_REQUEST, "Expect other than 100-continue");
	TRY(judge_length(g, h, has_body, ret, e));
	if (has_body && !is_json(h->content_type))
		return err_set(e, ERR_MEDIA_TYPE, "application/json expected");
	return 0;
}

/* contract.md, "Access": what is closed where there is no client CA, and nobody has a role; a debug
 * enclave allows everything. */
static const struct {
	enum api api;
	bool is_opened_by_open_seed; /* --insecure-open-seed */
} closed_without_ca[] = {
	{ API_RETIRE, false },
	{ API_GENERATE_SEED, true },
};

static int judge_without_ca(const struct gate *g, enum api api, struct err *e)
{
	for (size_t i = 0; i < COUNT(closed_without_ca); i++)
		if (closed_without_ca[i].api == api && !g->is_debug &&
		    !(closed_without_ca[i].is_opened_by_open_seed && g->open_seed))
			return err_set(e, ERR_ACCESS, "a client without a role may not use %s",
			               api_table[api].path);
	return 0;
}

static int refuse_role(const struct caller *c, const struct api_row *row, struct err *e)
{
	char has[ROLES_TEXT_MAX], needed[ROLES_TEXT_MAX];

	roles_format(row->roles, " or ", needed);
	roles_format(c->set.roles, " and ", has);
	if (c->set.roles == 0 && c->why.code != ERR_ACCESS) {
		*e = c->why;
		return -1;
	}
	if (c->set.roles == 0)
		return err_set(e, ERR_ACCESS,
		               "a client without a role (%s) may not use %s, which needs role %s",
		               c->why.text, row->path, needed);
	return err_set(e, ERR_ACCESS, "a client of role %s may not use %s, which needs role %s",
	               has, row->path, needed);
}

/* The table of operations decides. */
static int judge_role(const struct gate *g, const struct request_head *h, struct passage *p,
                      struct err *e)
{
	const struct api_row *row = &api_table[p->api];

	if (!g->identify)
		return judge_without_ca(g, p->api, e);
	if (row->roles & ROLE_NONE)
		return 0;
	p->caller = g->identify(h->connection, /* to_decide= */ true);
	return row->roles & p->caller->set.roles ? 0 : refuse_role(p->caller, row, e);
}

static int judge_arguments(const struct request_head *h, struct passage *ret, struct err *e)
{
	struct err cause;

	if (h->unknown_arguments || h->froms > 1 || (h->froms && ret->api != API_RECEIPTS))
		return err_set(e, ERR_REQUEST, "the query has an argument unknown or repeated");
	if (h->froms &&
	    (!h->from || number_parse(h->from, "from", 0, UINT64_MAX, &ret->from, &cause) < 0))
		return err_set(e, ERR_REQUEST, "from: a sequence number expected");
	return 0;
}

int gate_judge(const struct gate *g, const struct request_head *h, struct passage *ret,
               struct err *e)
{
	bool has_body;

	*ret = (struct passage){ .api = API_COUNT };
	if (g->identify)
		ret->caller = g->identify(h->connection, /* to_decide= */ false);
	if (strstr(h->path, "%00"))
		return err_set(e, ERR_REQUEST, "the path holds a NUL");
	TRY(api_find(h->method, h->path, &ret->api, &ret->allow, e));
	has_body = api_table[ret->api].request != NULL;
	TRY(judge_host(g, h, e));
	TRY(judge_framing(g, h, has_body, ret, e));
	TRY(judge_role(g, h, ret, e));
	return judge_arguments(h, ret, e);
}
