/* gate_judge: arbitrary heads of requests. What passes is a request that every rule allows; else
 * the code is one that a client is shown. */
/* link: enclave-stub/enclave/gate.c */
#include "enclave/gate.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_BODY   1000
#define MAX_HEADER 500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static const struct caller *identify(void *connection, bool to_decide)
{
	(void)to_decide;
	return connection;
}

/* A text up to the next line break, "-" for none. */
static const char *next_text(char **rest)
{
	char *text = strsep(rest, "\n");

	return text && strcmp(text, "-") != 0 ? text : NULL;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* The first bytes are what is counted and said of it, then come its texts. */
static struct request_head read_head(struct reader *r, char **rest, struct caller *caller)
{
	struct request_head h = { .connection = caller };

	h.hosts = reader_u8(r) % 3;
	h.content_lengths = reader_u8(r) % 3;
	h.froms = reader_u8(r) % 3;
	h.unknown_arguments = reader_u8(r) % 2;
	h.is_folded = reader_u8(r) % 2;
	h.is_malformed = reader_u8(r) % 2;
	h.header_bytes = reader_le16(r);
	caller->set.roles =
	    reader_u8(r) & (ROLE_OBSERVER | ROLE_MEMBER | ROLE_OPERATOR | ROLE_PEER | ROLE_APP);
	caller->why.code = ERR_ACCESS;
	h.method = or_empty(next_text(rest));
	h.path = or_empty(next_text(rest));
	h.host = next_text(rest);
	h.origin = next_text(rest);
	h.content_type = next_text(rest);
	h.content_length = next_text(rest);
	h.transfer_encoding = next_text(rest);
	h.expect = next_text(rest);
	h.from = next_text(rest);
	h.request_id = next_text(rest);
	return h;
}

#define HEAD_LEN 9 /* bytes that read_head takes before the texts */

static void check_passed(const struct gate *g, const struct request_head *h,
                         const struct passage *p)
{
	const struct api_row *row;
	bool has_body;

	check(p->api < API_COUNT && p->body_len <= g->max_body);
	row = &api_table[p->api];
	has_body = row->request != NULL;
	check(strcmp(h->method, row->method) == 0 && strcmp(h->path, row->path) == 0);
	check(h->hosts == 1 && h->host && !h->origin && !h->transfer_encoding);
	check(!h->is_folded && !h->is_malformed && h->header_bytes <= g->max_header);
	check(h->content_lengths <= 1 && !h->unknown_arguments && h->froms <= 1);
	check(has_body ? h->content_length && h->content_type : p->body_len == 0);
	check(p->api == API_RECEIPTS || (h->froms == 0 && p->from == 0));
	if (g->identify)
		check(row->roles & (ROLE_NONE | p->caller->set.roles));
	else
		check(p->api != API_RETIRE && p->api != API_GENERATE_SEED);
}

static void judge(const struct gate *g, const struct request_head *h)
{
	struct passage p;
	struct err e = { 0 };

	if (gate_judge(g, h, &p, &e) == 0)
		check_passed(g, h, &p);
	else
		check(err_info(e.code)->wire >= 403 && err_info(e.code)->http >= 400 &&
		      err_info(e.code)->http < 500);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "tee1.example" };
	struct reader r = reader_new(view_new(data, size));
	struct gate g = { .max_body = MAX_BODY,
		          .max_header = MAX_HEADER,
		          .host_names = names,
		          .host_name_count = COUNT(names) };
	struct caller caller = { 0 };
	struct request_head h;
	char *text, *rest;

	if (size < HEAD_LEN || !(text = strndup((const char *)data + HEAD_LEN, size - HEAD_LEN)))
		return 0;
	rest = text;
	h = read_head(&r, &rest, &caller);
	judge(&g, &h);
	g.identify = identify;
	judge(&g, &h);
	if (h.request_id && gate_is_request_id(h.request_id))
		check(strlen(h.request_id) <= REQUEST_ID_MAX &&
		      !strpbrk(h.request_id, "\r\n \"\\"));
	free(text);
	return 0;
}
