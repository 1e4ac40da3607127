#include "base/listen.h"

#include "base/file.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 256 /* as many as may be connected */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int parse_port(const char *option, const char *text, in_port_t *ret, struct err *e)
{
	char what[64];
	uint64_t port;

	snprintf(what, sizeof(what), "the port of %s", option);
	TRY(number_parse(text, what, 0, 65535, &port, e));
	*ret = htons((uint16_t)port);
	return 0;
}

static int parse(const char *option, const char *text, union address *ret, socklen_t *ret_len,
                 struct err *e)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t len = colon ? (size_t)(colon - text) : 0;

	if (!len || len >= sizeof(host))
		return err_set(e, ERR_USAGE, "%s must be HOST:PORT, not '%s'", option, text);
	memcpy(host, text, len);
	host[len] = '\0';
	memset(ret, 0, sizeof(*ret));
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		ret->v6.sin6_family = AF_INET6;
		*ret_len = sizeof(ret->v6);
		TRY(parse_port(option, colon + 1, &ret->v6.sin6_port, e));
		if (inet_pton(AF_INET6, host + 1, &ret->v6.sin6_addr) == 1)
			return 0;
	} else {
		ret->v4.sin_family = AF_INET;
		*ret_len = sizeof(ret->v4);
		TRY(parse_port(option, colon + 1, &ret->v4.sin_port, e));
		if (inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1)
			return 0;
	}
	return err_set(e, ERR_USAGE, "%s must name a numeric address, IPv6 in brackets, not '%s'",
	               option, text);
}

int listen_open(const char *option, const char *address, enum err_code taken, int *ret_fd,
                unsigned *ret_port, struct err *e)
{
	AUTO(fd) int fd = -1;
	union address a;
	socklen_t len;
	int on = 1;

	TRY(parse(option, address, &a, &len, e));
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, taken, errno, "a socket for '%s'", address);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, &a.any, len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, &a.any, &len) < 0)
		return err_sys(e, taken, errno, "listening on '%s'", address);
	*ret_port = ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
	*ret_fd = MOVE_FD(fd);
	return 0;
}
