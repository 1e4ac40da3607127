/* What is judged of a request before its body is read, in contract.md's order: path and method;
 * Host and Origin; framing and media type; role. No sockets: http.c says what the headers were. */
#ifndef TEECTL_ENCLAVE_GATE_H
#define TEECTL_ENCLAVE_GATE_H

#include "enclave/caller.h"
#include "enclave/rate.h"

#define REQUEST_ID_MAX 64

/* A request's head. Texts are borrowed; NULL: not there. */
struct request_head {
	const char *method, *path;
	const char *host, *origin, *content_type, *content_length, *transfer_encoding, *expect;
	const char *request_id;
	const char *from; /* ?from=; other arguments count in unknown_arguments */
	unsigned hosts, content_lengths, froms, unknown_arguments;
	bool is_folded;    /* a header's value went on in the next line */
	bool is_malformed; /* a header's name has white space before its colon (RFC 9112 5.1) */
	size_t header_bytes;
	struct rate_address address;
	void *connection; /* of gate.identify */
};

struct gate {
	uint64_t max_body, max_header;
	const char *const *host_names; /* --host-name */
	size_t host_name_count;
	/* Is it a name of the server's certificate? NULL: there is none. */
	bool (*certificate_names)(const void *certificate, const char *name);
	const void *certificate;
	/* With a client CA, who asks on that connection; never NULL. to_decide: judged at this
	 * moment, which may need the NSM's clock; else as far as is known, for the log. NULL:
	 * there is no client CA. */
	const struct caller *(*identify)(void *connection, bool to_decide);
	bool is_debug, open_seed;
};

/* What the gate found out on the way; each is set as far as the judgement came. */
struct passage {
	enum api api;      /* API_COUNT: no operation */
	const char *allow; /* of a 405 */
	size_t body_len;
	uint64_t from;
	const struct caller *caller; /* NULL: there is no client CA */
};

MUST_CHECK int gate_judge(const struct gate *g, const struct request_head *h, struct passage *ret,
                          struct err *e);
/* X-Request-Id as it may be echoed: 1..64 of [A-Za-z0-9_-]. */
bool gate_is_request_id(const char *text);

#endif
