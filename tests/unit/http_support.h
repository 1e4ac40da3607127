/* A client of one connection to a server of this process, that sends what it is told to. */
#ifndef TEECTL_TESTS_HTTP_SUPPORT_H
#define TEECTL_TESTS_HTTP_SUPPORT_H

#include "support.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENT_S 20 /* no answer takes so long */
#define HEARD_MAX 8192

static inline int dial(unsigned port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
		                        .sin_port = htons((uint16_t)port),
		                        .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct timeval patience = { .tv_sec = PATIENT_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* The head of an answer, and no byte behind it; "" where the connection ended. */
static inline size_t hear_head(int fd, char text[static HEARD_MAX])
{
	size_t len = 0;

	text[0] = 0;
	while (len < HEARD_MAX - 1 && recv(fd, text + len, 1, 0) == 1) {
		text[++len] = 0;
		if (len >= 4 && strcmp(text + len - 4, "\r\n\r\n") == 0)
			break;
	}
	return len;
}

/* Head and body, and no byte of the next answer. */
static inline void hear(int fd, char text[static HEARD_MAX])
{
	size_t len = hear_head(fd, text), rest;
	const char *length = strstr(text, "Content-Length: ");

	if (!len)
		return;
	assert_non_null(length);
	rest = strtoul(length + strlen("Content-Length: "), NULL, 10);
	assert_true(rest < HEARD_MAX - len);
	if (rest)
		assert_int_equal(recv(fd, text + len, rest, MSG_WAITALL), (ssize_t)rest);
	text[len + rest] = 0;
}

/* Looks for a moment. */
static inline bool is_cut(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&p, 1, 5) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

#endif
