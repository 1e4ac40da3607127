#include "metrics_server.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/listen.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* A few scrapers and a person; whoever is silent is cut off, and whoever has sent no whole request
 * or not taken its answer in the time of an enclave's. */
#define CONNECTIONS_MAX  32
#define PER_ADDRESS_MAX  16
#define SILENCE_MAX_S    5
#define REQUEST_MAX_MS   10000
#define SWEEP_MS         500
#define CONNECTION_BYTES 8192 /* the request line and the headers */
#define STACK_BYTES      (256u << 10)

/* A connection, and since when its request is awaited. */
struct link {
	struct link *next, **place;
	int fd;
	int64_t since_ms;
};

struct metrics_server {
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock; /* of text, links and is_ending */
	pthread_cond_t ends;
	pthread_t sweeper;
	bool has_lock, has_sweeper, is_ending;
	struct link *links;
	struct buf text;
};

/* --- how long a request may take */

static void link_add(struct metrics_server *s, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct link *link = calloc(1, sizeof(*link));

	*context = link;
	if (!link || !info) {
		/* Without a place in the list it could not be held to a deadline. */
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
		free(link);
		*context = NULL;
		return;
	}
	*link = (struct link){ .fd = info->connect_fd, .since_ms = clock_monotonic_ms() };
	pthread_mutex_lock(&s->lock);
	link->next = s->links;
	link->place = &s->links;
	if (link->next)
		link->next->place = &link->next;
	s->links = link;
	pthread_mutex_unlock(&s->lock);
}

static void link_remove(struct metrics_server *s, struct link *link)
{
	if (!link)
		return;
	pthread_mutex_lock(&s->lock);
	*link->place = link->next;
	if (link->next)
		link->next->place = link->place;
	pthread_mutex_unlock(&s->lock);
	free(link);
}

static void on_connection(void *server, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		link_add(server, connection, context);
	} else {
		link_remove(server, *context);
		*context = NULL;
	}
}

/* The next request of that connection has its own time. */
static void on_completed(void *server, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct metrics_server *s = server;

	(void)state;
	(void)code;
	if (!info || !info->socket_context)
		return;
	pthread_mutex_lock(&s->lock);
	((struct link *)info->socket_context)->since_ms = clock_monotonic_ms();
	pthread_mutex_unlock(&s->lock);
}

static void *sweep(void *server)
{
	struct metrics_server *s = server;
	struct timespec until;

	pthread_mutex_lock(&s->lock);
	while (!s->is_ending) {
		int64_t now = clock_monotonic_ms();

		for (struct link *link = s->links; link; link = link->next)
			if (now - link->since_ms > REQUEST_MAX_MS)
				shutdown(link->fd, SHUT_RDWR);
		until = (struct timespec){ .tv_sec = (now + SWEEP_MS) / 1000,
			                   .tv_nsec = (now + SWEEP_MS) % 1000 * 1000000 };
		(void)pthread_cond_clockwait(&s->ends, &s->lock, CLOCK_MONOTONIC, &until);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- what it answers */

/* A name that a web page's server has pointed to this machine is none of ours: "127.0.0.1:9464",
 * "[::1]", "localhost:9464". */
static bool is_own_host(const char *host)
{
	uint8_t address[sizeof(struct in6_addr)];
	char name[INET6_ADDRSTRLEN + 1];
	bool has_brackets = host && *host == '[';
	size_t len;

	if (!host)
		return false;
	host += has_brackets;
	len = strcspn(host, has_brackets ? "]" : ":");
	if (len >= sizeof(name) || (has_brackets && host[len] != ']') ||
	    (host[len + has_brackets] && host[len + has_brackets] != ':'))
		return false;
	memcpy(name, host, len);
	name[len] = 0;
	return inet_pton(has_brackets ? AF_INET6 : AF_INET, name, address) == 1 ||
	       (!has_brackets && strcasecmp(name, "localhost") == 0);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              struct view body, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(body.len, (void *)body.data, mode);
	enum MHD_Result result;

	if (!response)
		return MHD_NO; /* out of memory: libmicrohttpd closes */
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned status, const char *text)
{
	return answer(connection, status, "text/plain; charset=utf-8", view_text(text),
	              MHD_RESPMEM_PERSISTENT);
}

/* Healthy is who has been once around the loop. */
static enum MHD_Result give_text(struct metrics_server *s, struct MHD_Connection *connection,
                                 bool is_health)
{
	enum MHD_Result result;

	pthread_mutex_lock(&s->lock);
	if (s->text.len == 0)
		result =
		    say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the first round is under way\n");
	else if (is_health)
		result = say(connection, MHD_HTTP_OK, "ok\n");
	else
		result = answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
		                buf_view(&s->text), MHD_RESPMEM_MUST_COPY);
	pthread_mutex_unlock(&s->lock);
	return result;
}

static enum MHD_Result on_request(void *server, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_len, void **state)
{
	bool is_health = strcmp(path, "/healthz") == 0;

	(void)version;
	(void)body;
	(void)body_len;
	(void)state;
	if (!is_own_host(header(connection, MHD_HTTP_HEADER_HOST)))
		return say(connection, MHD_HTTP_MISDIRECTED_REQUEST,
		           "Host must be an address, or localhost\n");
	if (header(connection, MHD_HTTP_HEADER_ORIGIN))
		return say(connection, MHD_HTTP_FORBIDDEN,
		           "a request of a web page is not served\n");
	if (!is_health && strcmp(path, "/metrics") != 0)
		return say(connection, MHD_HTTP_NOT_FOUND, "there is /metrics, and /healthz\n");
	/* A body is not read: the connection is closed behind the answer. */
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET alone\n");
	return give_text(server, connection, is_health);
}

void metrics_server_drop(struct metrics_server **server)
{
	struct metrics_server *s = *server;

	if (!s)
		return;
	/* A descriptor is shut while it is libmicrohttpd's: the sweeper goes first. */
	if (s->has_sweeper) {
		pthread_mutex_lock(&s->lock);
		s->is_ending = true;
		pthread_cond_signal(&s->ends);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->sweeper, NULL);
	}
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	if (s->has_lock) {
		pthread_cond_destroy(&s->ends);
		pthread_mutex_destroy(&s->lock);
	}
	buf_drop(&s->text);
	free(s);
	*server = NULL;
}

static int start_daemon(struct metrics_server *s, int fd, struct err *e)
{
	s->daemon = MHD_start_daemon(
	    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ITC, 0, NULL, NULL,
	    on_request, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
	    (unsigned)PER_ADDRESS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_MAX_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
	    MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_END);
	return s->daemon ? 0 : err_set(e, ERR_INTERNAL, "the server of metrics does not start");
}

int metrics_server_start(const char *address, struct metrics_server **ret, unsigned *ret_port,
                         struct err *e)
{
	AUTO(metrics_server) struct metrics_server *s = calloc(1, sizeof(*s));
	AUTO(fd) int fd = -1;
	int failed;

	if (!s)
		return err_set(e, ERR_INTERNAL, "no memory for the server of metrics");
	s->text = BUF_INIT(METRICS_MAX);
	failed = pthread_mutex_init(&s->lock, NULL);
	if (failed)
		return err_sys(e, ERR_INTERNAL, failed, "the lock of the server of metrics");
	pthread_cond_init(&s->ends, NULL); /* glibc's can't fail */
	s->has_lock = true;
	TRY(listen_open("--metrics", address, ERR_UNREACHABLE, &fd, ret_port, e));
	TRY(start_daemon(s, fd, e));
	fd = -1; /* libmicrohttpd's from here on */
	failed = pthread_create(&s->sweeper, NULL, sweep, s);
	if (failed)
		return err_sys(e, ERR_INTERNAL, failed, "the sweeper of the server of metrics");
	s->has_sweeper = true;
	*ret = MOVE(s);
	return 0;
}

int metrics_server_publish(struct metrics_server *s, struct view text, struct err *e)
{
	int result;

	pthread_mutex_lock(&s->lock);
	result = buf_set(&s->text, text, e);
	pthread_mutex_unlock(&s->lock);
	return result;
}
