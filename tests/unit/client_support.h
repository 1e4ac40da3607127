/* A server for the client's tests: plain sockets on a free port, a thread a connection, and a
 * script that says how each request is answered, in order; the last line answers all that follow.
 */
#ifndef TEECTL_TESTS_CLIENT_SUPPORT_H
#define TEECTL_TESTS_CLIENT_SUPPORT_H

#include "support.h"

#include "base/file.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_MAX    256
#define REQUEST_MAX     65536
#define CONNECTIONS_TOP 256
#define LATE_MS         300

enum answer_kind {
	ANSWER,       /* text, as it is */
	ANSWER_CLOSE, /* text (or nothing), then the connection's end */
	ANSWER_NEVER, /* nothing until the client goes */
	ANSWER_FLOOD, /* text, then zeroes until the client goes */
	ANSWER_LATE,  /* text, LATE_MS after the question */
};

struct answer {
	enum answer_kind kind;
	const char *text;
};

struct server {
	int fd;
	char url[64];
	struct answer script[16];
	size_t script_count;
	pthread_t thread, connections[CONNECTIONS_TOP];
	pthread_mutex_t lock;
	size_t request_count, connection_count;
	char requests[REQUESTS_MAX][512]; /* each one's beginning */
	char last[REQUEST_MAX];           /* the last one, whole */
	/* Before a question is answered; set before the first comes. NULL: nothing. */
	void (*on_request)(void *context);
	void *context;
};

/* One request with its body; false at the connection's end. */
static inline bool server_read(int fd, char *text)
{
	size_t len = 0, want = 0;

	while (!want || len < want) {
		ssize_t got = recv(fd, text + len, REQUEST_MAX - 1 - len, 0);
		const char *end, *length;

		if (got <= 0)
			return false;
		len += (size_t)got;
		text[len] = 0;
		end = strstr(text, "\r\n\r\n");
		if (!end)
			continue;
		length = strstr(text, "Content-Length: ");
		want = (size_t)(end + 4 - text) + (length ? strtoul(length + 16, NULL, 10) : 0);
	}
	return true;
}

static inline const struct answer *server_note(struct server *s, const char *text)
{
	size_t number;

	pthread_mutex_lock(&s->lock);
	number = s->request_count++;
	if (number < REQUESTS_MAX)
		snprintf(s->requests[number], sizeof(s->requests[0]), "%s", text);
	snprintf(s->last, sizeof(s->last), "%s", text);
	pthread_mutex_unlock(&s->lock);
	return &s->script[number < s->script_count ? number : s->script_count - 1];
}

static inline void server_say(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t put = send(fd, text, len, MSG_NOSIGNAL);

		if (put <= 0)
			return;
		text += put;
		len -= (size_t)put;
	}
}

static inline void server_flood(int fd)
{
	static const char zeroes[65536];

	while (send(fd, zeroes, sizeof(zeroes), MSG_NOSIGNAL) > 0)
		;
}

struct server_connection {
	struct server *server;
	int fd;
};

static inline void *server_connection(void *context)
{
	struct server_connection *c = context;
	char *text = malloc(REQUEST_MAX), byte;
	bool goes_on = true;

	while (goes_on && server_read(c->fd, text)) {
		const struct answer *a = server_note(c->server, text);

		if (c->server->on_request)
			c->server->on_request(c->server->context);
		if (a->kind == ANSWER_LATE)
			poll(NULL, 0, LATE_MS);
		if (a->text)
			server_say(c->fd, a->text, strlen(a->text));
		if (a->kind == ANSWER_NEVER)
			while (recv(c->fd, &byte, 1, 0) > 0)
				;
		if (a->kind == ANSWER_FLOOD)
			server_flood(c->fd);
		goes_on = a->kind == ANSWER || a->kind == ANSWER_LATE;
	}
	close(c->fd);
	free(text);
	free(c);
	return NULL;
}

static inline void *server_loop(void *context)
{
	struct server *s = context;

	for (;;) {
		struct server_connection *c = malloc(sizeof(*c));

		*c = (struct server_connection){ s, accept(s->fd, NULL, NULL) };
		if (c->fd < 0 || s->connection_count == CONNECTIONS_TOP) {
			free(c);
			return NULL;
		}
		pthread_create(&s->connections[s->connection_count++], NULL, server_connection, c);
	}
}

static inline int listen_on_a_free_port(char *url, size_t size)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(url, size, "http://127.0.0.1:%u", ntohs(address.sin_port));
	return fd;
}

static inline struct server *server_start(const struct answer *script, size_t count)
{
	struct server *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_true(count <= COUNT(s->script));
	memcpy(s->script, script, count * sizeof(*script));
	s->script_count = count;
	s->fd = listen_on_a_free_port(s->url, sizeof(s->url));
	pthread_mutex_init(&s->lock, NULL);
	pthread_create(&s->thread, NULL, server_loop, s);
	return s;
}

/* After the client has gone: only then do its connections end. */
static inline void server_drop(struct server **server)
{
	struct server *s = *server;

	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	for (size_t i = 0; i < s->connection_count; i++)
		pthread_join(s->connections[i], NULL);
	close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
	*server = NULL;
}

/* An answer's text with the length of its body in place. */
static inline const char *http(const char *status, const char *more, const char *body)
{
	static char texts[64][2048];
	static size_t used;
	char *text = texts[used++ % COUNT(texts)];

	snprintf(text, sizeof(texts[0]),
	         "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
	         status, more, strlen(body), body);
	return text;
}

#define SCRIPT(...)                                                                                \
	((const struct answer[]){ __VA_ARGS__ }),                                                  \
	    sizeof((const struct answer[]){ __VA_ARGS__ }) / sizeof(struct answer)

#endif
