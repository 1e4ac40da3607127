#include "enclave/http.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/listen.h"
#include "base/log.h"
#include "base/text.h"
#include "enclave/gate.h"
#include "enclave/http_peer.h"
#include "enclave/route.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A handler may take some milliseconds, and a search of candidates up to two seconds (search.h);
 * with two or more threads /status does not wait for it (libraries.md 2). */
#define THREADS    4
#define STACK_SIZE (256u << 10) /* shares of a whole set lie on it, and libcrypto's frames */
/* Twice the largest header block that we judge: only what is larger still meets libmicrohttpd's own
 * page. */
#define CONNECTION_MEMORY_FACTOR 2
#define CONNECTION_MEMORY_MIN    (8u << 10)
#define CREDENTIAL_MAX           (64u << 10) /* a PEM chain or key */
#define TLS_PRIORITIES           "NORMAL:-VERS-ALL:+VERS-TLS1.3"
/* A hypervisor that does not answer is waited for by one request alone; others that need its clock
 * are turned away, as route.c does it, so that a thread is left for /health. */
#define TIME_PATIENCE_MS 2000

enum link_state { LINK_HANDSHAKE, LINK_IDLE, LINK_BUSY, LINK_STATES };

/* A connection, in the server's list from its start to its end. */
struct link {
	struct http *http;
	struct link *next, **place; /* place: what points here */
	int fd;
	enum link_state state;
	int64_t since_ms;
	struct peer peer; /* of the thread that serves the connection; with a client CA */
};

struct http {
	struct enclave *enclave;
	struct MHD_Daemon *daemon;
	struct gate gate;
	bool has_certificate;
	gnutls_x509_crt_t certificate;
	struct buf certificate_pem, key_pem;
	struct client_ca *client_ca;      /* NULL: none */
	pthread_mutex_t asks_time;        /* held while the NSM is asked what time it is */
	int64_t patience_ms[LINK_STATES]; /* how long a connection may stay in a state */

	/* libmicrohttpd tells of a connection's end before it closes the descriptor: under this
	 * lock a descriptor in the list is the connection's own. */
	pthread_mutex_t lock;
	struct link *links;
};

/* One request, from its head to its answer. */
struct exchange {
	struct http *http;
	char request_id[REQUEST_ID_MAX + 1];
	struct rate_address address;
	struct passage passage;
	struct buf body;
	bool is_refused; /* by the gate: refusal says why */
	struct err refusal;
};

static void exchange_drop(struct exchange **x)
{
	if (*x)
		buf_drop(&(*x)->body);
	free(*x);
	*x = NULL;
}

static struct link *link_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void link_set(struct link *link, enum link_state state)
{
	if (!link)
		return;
	pthread_mutex_lock(&link->http->lock);
	link->state = state;
	link->since_ms = clock_monotonic_ms();
	pthread_mutex_unlock(&link->http->lock);
}

static int on_handshake(gnutls_session_t session, unsigned type, unsigned post, unsigned incoming,
                        const gnutls_datum_t *message)
{
	(void)type;
	(void)post;
	(void)message;
	/* The client's Finished is the end of it. libmicrohttpd has put the connection there. */
	if (incoming)
		link_set(link_of(gnutls_session_get_ptr(session)), LINK_IDLE);
	return 0;
}

static void watch_handshake(const struct http *http, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (!info || !info->tls_session)
		return;
	gnutls_handshake_set_hook_function(info->tls_session, GNUTLS_HANDSHAKE_FINISHED,
	                                   GNUTLS_HOOK_POST, on_handshake);
	if (http->client_ca)
		peer_request(info->tls_session);
}

static void link_add(struct http *http, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct link *link = calloc(1, sizeof(*link));

	atomic_fetch_add(&http->enclave->metrics.connections, 1);
	*context = link;
	if (!link || !info) {
		/* Without a place in the list it could not be held to a deadline. */
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
		free(link);
		*context = NULL;
		return;
	}
	*link = (struct link){ .http = http,
		               .fd = info->connect_fd,
		               .state = http->has_certificate ? LINK_HANDSHAKE : LINK_IDLE,
		               .since_ms = clock_monotonic_ms() };
	pthread_mutex_lock(&http->lock);
	link->next = http->links;
	link->place = &http->links;
	if (link->next)
		link->next->place = &link->next;
	http->links = link;
	pthread_mutex_unlock(&http->lock);
	if (http->has_certificate)
		watch_handshake(http, connection);
}

static void link_remove(struct http *http, struct link *link)
{
	atomic_fetch_sub(&http->enclave->metrics.connections, 1);
	if (!link)
		return;
	pthread_mutex_lock(&http->lock);
	*link->place = link->next;
	if (link->next)
		link->next->place = link->place;
	pthread_mutex_unlock(&http->lock);
	free(link);
}

static void on_connection(void *http, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		link_add(http, connection, context);
	} else {
		link_remove(http, *context);
		*context = NULL;
	}
}

/* The request line is there: from here the whole request has its time. */
static void *on_request_line(void *http, const char *uri, struct MHD_Connection *connection)
{
	(void)http;
	(void)uri;
	link_set(link_of(connection), LINK_BUSY);
	return NULL;
}

static void on_completed(void *http, struct MHD_Connection *connection, void **exchange,
                         enum MHD_RequestTerminationCode code)
{
	(void)http;
	(void)code;
	exchange_drop((struct exchange **)exchange);
	link_set(link_of(connection), LINK_IDLE);
}

void http_sweep(struct http *http)
{
	int64_t now_ms = clock_monotonic_ms();

	pthread_mutex_lock(&http->lock);
	for (struct link *link = http->links; link; link = link->next)
		if (now_ms - link->since_ms > http->patience_ms[link->state])
			shutdown(link->fd, SHUT_RDWR);
	pthread_mutex_unlock(&http->lock);
}

static int enclave_time(struct http *http, int64_t *ret_ms, struct err *e)
{
	int64_t end_ms = clock_monotonic_ms() + TIME_PATIENCE_MS;
	const struct timespec end = { .tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000 };
	struct enclave *en = http->enclave;
	int result;

	if (own_time_peek(&en->time, ret_ms))
		return 0;
	if (pthread_mutex_clocklock(&http->asks_time, CLOCK_MONOTONIC, &end) != 0)
		return err_set(e, ERR_UNAVAILABLE, "the NSM has not told the time within %d ms",
		               TIME_PATIENCE_MS);
	result = own_time_now(&en->time, en->nsm, ret_ms, e);
	pthread_mutex_unlock(&http->asks_time);
	return result;
}

/* gate.identify */
static const struct caller *identify(void *connection, bool to_decide)
{
	static const struct caller nobody = { .why = { .code = ERR_INTERNAL,
		                                       .text = "a connection without a place" } };
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	struct link *link = link_of(connection);
	int64_t now_ms;
	struct err e;

	if (!link || !info || !info->tls_session)
		return &nobody;
	peer_read(&link->peer, link->http->client_ca, info->tls_session);
	/* Whoever would have no role at any time is not worth a question to the NSM. */
	if (!to_decide || !peer_has_roles(&link->peer))
		own_time_peek(&link->http->enclave->time, &now_ms);
	else if (enclave_time(link->http, &now_ms, &e) < 0) {
		peer_doubt(&link->peer, &e);
		return &link->peer.caller;
	}
	peer_judge(&link->peer, now_ms / 1000);
	return &link->peer.caller;
}

/* A percent sign stays one: no path of ours has any, and libmicrohttpd would cut at %00. */
static size_t no_unescape(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

/* libmicrohttpd leaves names and values where they were received, with NULs in place of the colon
 * and of the line's end; only a header that goes on in the next line is put together elsewhere,
 * since it has to grow. So white space is all that stands between name and value of one that is
 * whole. */
static bool is_in_place(const char *name, const char *value, size_t memory)
{
	size_t skip = strlen(name) + 1;
	uintptr_t from = (uintptr_t)name + skip, to = (uintptr_t)value;

	if (to < from || to - from > memory)
		return false;
	for (size_t i = 0; i < to - from; i++)
		if (name[skip + i] != ' ' && name[skip + i] != '\t')
			return false;
	return true;
}

/* Of each connection, for its headers. */
static size_t connection_memory(const struct http *http)
{
	return (size_t)http->gate.max_header * CONNECTION_MEMORY_FACTOR + CONNECTION_MEMORY_MIN;
}

struct head_scan {
	struct request_head *head;
	size_t memory; /* of the connection */
};

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
	struct head_scan *scan = context;
	struct request_head *h = scan->head;
	const struct {
		const char *name;
		const char **value;
		unsigned *count;
	} known[] = {
		{ "Host", &h->host, &h->hosts },
		{ "Content-Length", &h->content_length, &h->content_lengths },
		{ "Content-Type", &h->content_type, NULL },
		{ "Transfer-Encoding", &h->transfer_encoding, NULL },
		{ "Origin", &h->origin, NULL },
		{ "Expect", &h->expect, NULL },
		{ "X-Request-Id", &h->request_id, NULL },
	};

	(void)kind;
	if (!value)
		value = "";
	else if (!is_in_place(name, value, scan->memory))
		h->is_folded = true;
	if (strpbrk(name, " \t"))
		h->is_malformed = true;
	for (size_t i = 0; i < COUNT(known); i++) {
		if (strcasecmp(name, known[i].name) != 0)
			continue;
		*known[i].value = value;
		if (known[i].count)
			++*known[i].count;
	}
	return MHD_YES;
}

static enum MHD_Result on_argument(void *head, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
	struct request_head *h = head;

	(void)kind;
	if (strcmp(name, "from") == 0) {
		h->from = value;
		h->froms++;
	} else {
		h->unknown_arguments++;
	}
	return MHD_YES;
}

/* IPv4 addresses as IPv6 has them (RFC 4291 2.5.5.2). */
static void read_address(struct MHD_Connection *connection, struct rate_address *ret)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *from = info ? info->client_addr : NULL;

	*ret = (struct rate_address){ { 0 } };
	if (from && from->sa_family == AF_INET6) {
		memcpy(ret->bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
	} else if (from && from->sa_family == AF_INET) {
		ret->bytes[10] = ret->bytes[11] = 0xff;
		memcpy(ret->bytes + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
	}
}

static void read_head(const struct http *http, struct MHD_Connection *connection,
                      struct request_head *h)
{
	struct head_scan scan = { h, connection_memory(http) };
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	h->header_bytes = info ? info->header_size : 0;
	MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, &scan);
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_argument, h);
	read_address(connection, &h->address);
	h->connection = connection;
}

static void free_body(void *body)
{
	struct buf *owned = body;

	buf_drop(owned);
	free(owned);
}

/* Takes the answer's body over. */
static struct MHD_Response *response_new(struct answer *a)
{
	struct buf *body = malloc(sizeof(*body));
	struct MHD_Response *response;

	if (!body)
		return NULL;
	*body = MOVE(a->body);
	response = MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->data,
	                                                                  free_body, body);
	if (!response)
		free_body(body);
	return response;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, const struct exchange *x,
                                   struct answer *a, bool has_unread_body)
{
	unsigned status = (unsigned)a->status;
	struct MHD_Response *response = response_new(a);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->media_type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Request-Id", x->request_id);
	if (a->allow)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, a->allow);
	if (a->retry_after)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	if (has_unread_body)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static int choose_request_id(const struct request_head *h, struct exchange *x, struct err *e)
{
	if (h->request_id && gate_is_request_id(h->request_id)) {
		snprintf(x->request_id, sizeof(x->request_id), "%s", h->request_id);
		return 0;
	}
	return random_uuid(x->request_id, e);
}

static enum MHD_Result refuse(struct MHD_Connection *connection, struct exchange *x,
                              bool has_unread_body)
{
	AUTO(answer) struct answer a = { 0 };

	route_refuse(x->http->enclave, &x->passage, x->request_id, &x->refusal, &a);
	return send_answer(connection, x, &a, has_unread_body);
}

/* The head has come: judged here, before a byte of the body is read. */
static enum MHD_Result begin(struct http *http, struct MHD_Connection *connection, const char *path,
                             const char *method, void **ret)
{
	struct request_head h = { .method = method, .path = path };
	struct exchange *x = calloc(1, sizeof(*x));
	struct err e;

	*ret = x; /* on_completed drops it */
	if (!x)
		return MHD_NO;
	read_head(http, connection, &h);
	x->http = http;
	x->address = h.address;
	if (choose_request_id(&h, x, &e) < 0)
		return MHD_NO;
	if (gate_judge(&http->gate, &h, &x->passage, &x->refusal) == 0) {
		x->body = BUF_INIT(x->passage.body_len);
		return MHD_YES;
	}
	x->is_refused = true;
	/* Without a body the answer may wait for its turn, and the connection stays. */
	if (!h.content_length && !h.transfer_encoding && !h.is_folded && !h.is_malformed)
		return MHD_YES;
	return refuse(connection, x, /* has_unread_body= */ true);
}

static enum MHD_Result finish(struct MHD_Connection *connection, struct exchange *x)
{
	AUTO(answer) struct answer a = { 0 };

	if (x->is_refused)
		return refuse(connection, x, /* has_unread_body= */ false);
	route_answer(x->http->enclave, &x->passage, &x->address, x->request_id, buf_view(&x->body),
	             &a);
	buf_drop(&x->body);
	return send_answer(connection, x, &a, false);
}

static enum MHD_Result on_request(void *http, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **exchange)
{
	struct exchange *x = *exchange;
	struct err e;

	(void)version;
	if (!x)
		return begin(http, connection, path, method, exchange);
	if (*upload_len == 0)
		return finish(connection, x);
	if (buf_add(&x->body, view_new(upload, *upload_len), &e) < 0)
		return MHD_NO; /* out of memory; libmicrohttpd closes */
	*upload_len = 0;
	return MHD_YES;
}

/* libmicrohttpd's own words: what it refuses before we see it, and its errors. */
PRINTF_LIKE(2, 0)
static void on_log(void *context, const char *format, va_list args)
{
	char text[256];

	(void)context;
	vsnprintf(text, sizeof(text), format, args);
	log_line(LOG_DEBUG, "libmicrohttpd", "text", text, NULL);
}

static bool certificate_names(const void *certificate, const char *name)
{
	return gnutls_x509_crt_check_hostname((gnutls_x509_crt_t)certificate, name) != 0;
}

static int read_credential(const char *spec, const char *what, struct buf *to, struct err *e)
{
	AUTO(fd) int fd = -1;

	*to = BUF_INIT(CREDENTIAL_MAX);
	TRY(fd_parse(spec, what, &fd, e));
	return fd < 0 ? file_read(spec, to, e) : fd_read(fd, what, to, e);
}

static int parse_certificate(struct http *http, struct err *e)
{
	gnutls_datum_t pem = { http->certificate_pem.data, (unsigned)http->certificate_pem.len };
	int result = gnutls_x509_crt_init(&http->certificate);

	if (result == 0)
		result = gnutls_x509_crt_import(http->certificate, &pem, GNUTLS_X509_FMT_PEM);
	if (result < 0)
		return err_set(e, ERR_USAGE, "--tls-cert: %s", gnutls_strerror(result));
	http->gate.certificate_names = certificate_names;
	http->gate.certificate = http->certificate;
	return 0;
}

static int read_credentials(struct http *http, const struct launch *launch, struct err *e)
{
	const char *certificate = launch->values[LAUNCH_TLS_CERT];
	const char *key = launch->values[LAUNCH_TLS_KEY];

	if (!certificate != !key)
		return err_set(e, ERR_USAGE, "--tls-cert and --tls-key need each other");
	if (!certificate)
		return 0;
	http->has_certificate = true;
	TRY(read_credential(certificate, "--tls-cert", &http->certificate_pem, e));
	TRY(read_credential(key, "--tls-key", &http->key_pem, e));
	TRY(parse_certificate(http, e));
	if (!launch->values[LAUNCH_CLIENT_CA])
		return 0;
	http->gate.identify = identify;
	return client_ca_open(launch->values[LAUNCH_CLIENT_CA], &http->client_ca, e);
}

static void set_limits(struct http *http, const struct launch *launch)
{
	http->gate.max_body = launch->numbers[LAUNCH_MAX_BODY];
	http->gate.max_header = launch->numbers[LAUNCH_MAX_HEADER];
	http->gate.host_names = launch->host_names;
	http->gate.host_name_count = launch->host_name_count;
	http->gate.is_debug = http->enclave->is_debug;
	http->gate.open_seed = http->enclave->open_seed;
	http->patience_ms[LINK_HANDSHAKE] = (int64_t)launch->numbers[LAUNCH_HANDSHAKE_TIMEOUT];
	http->patience_ms[LINK_IDLE] = (int64_t)launch->numbers[LAUNCH_IDLE_TIMEOUT];
	http->patience_ms[LINK_BUSY] = (int64_t)launch->numbers[LAUNCH_REQUEST_TIMEOUT];
}

static unsigned smaller(uint64_t a, uint64_t b)
{
	return (unsigned)(a < b ? a : b);
}

static int start_daemon(struct http *http, const struct launch *launch, int fd, struct err *e)
{
	uint64_t connections = launch->numbers[LAUNCH_MAX_CONNECTIONS];
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ITC |
	                 MHD_USE_ERROR_LOG | (http->has_certificate ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, http->certificate_pem.data },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, http->key_pem.data },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem *secured = http->has_certificate ? tls : tls + COUNT(tls) - 1;

	http->daemon = MHD_start_daemon(
	    flags, 0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
	    smaller(THREADS, connections), MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
	    (unsigned)launch->numbers[LAUNCH_MAX_CONNECTIONS_PER_ADDRESS],
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory(http),
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_URI_LOG_CALLBACK,
	    on_request_line, http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
	    MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_ARRAY, secured,
	    MHD_OPTION_END);
	if (!http->daemon)
		return err_set(e, ERR_ENCLAVE, "the HTTP server does not start%s",
		               http->has_certificate ? ": are certificate and key a pair?" : "");
	return 0;
}

int http_start(struct enclave *en, const struct launch *launch, struct http **ret,
               unsigned *ret_port, struct err *e)
{
	AUTO(http) struct http *http = calloc(1, sizeof(*http));
	AUTO(fd) int fd = -1;
	unsigned port;

	if (!http)
		return err_set(e, ERR_INTERNAL, "no memory for the server");
	http->enclave = en;
	pthread_mutex_init(&http->lock, NULL);
	pthread_mutex_init(&http->asks_time, NULL);
	set_limits(http, launch);
	TRY(read_credentials(http, launch, e));
	TRY(listen_open("--listen", launch->values[LAUNCH_LISTEN], ERR_ENCLAVE, &fd, &port, e));
	TRY(start_daemon(http, launch, fd, e));
	fd = -1;                  /* libmicrohttpd's from here on */
	buf_drop(&http->key_pem); /* GnuTLS has it, parsed */
	*ret = MOVE(http);
	*ret_port = port;
	return 0;
}

/* True when no connection is left. Those without a request in flight are shut. */
static bool hush(struct http *http)
{
	bool is_quiet;

	pthread_mutex_lock(&http->lock);
	is_quiet = http->links == NULL;
	for (struct link *link = http->links; link; link = link->next)
		if (link->state != LINK_BUSY)
			shutdown(link->fd, SHUT_RDWR);
	pthread_mutex_unlock(&http->lock);
	return is_quiet;
}

static void stop(struct http *http)
{
	const struct timespec tick = { .tv_nsec = 5 * 1000 * 1000 };
	int64_t end_ms = clock_monotonic_ms() + HTTP_DRAIN_MS;
	MHD_socket listening = MHD_quiesce_daemon(http->daemon);

	if (listening != MHD_INVALID_SOCKET)
		close(listening);
	while (!hush(http) && clock_monotonic_ms() < end_ms)
		nanosleep(&tick, NULL);
	enclave_hang_up(http->enclave); /* else a handler might keep us waiting */
	MHD_stop_daemon(http->daemon);
}

void http_drop(struct http **http)
{
	struct http *gone = *http;

	if (!gone)
		return;
	if (gone->daemon)
		stop(gone);
	if (gone->certificate)
		gnutls_x509_crt_deinit(gone->certificate);
	buf_drop(&gone->certificate_pem);
	buf_drop(&gone->key_pem);
	client_ca_drop(&gone->client_ca);
	pthread_mutex_destroy(&gone->asks_time);
	pthread_mutex_destroy(&gone->lock);
	free(gone);
	*http = NULL;
}
