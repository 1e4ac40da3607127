/* Stands between a client and a server, passes on what each sends, and keeps it.
 *
 *   record HOST:PORT FILE    serves on a port of its own, which it tells as an enclave does */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK     65536
#define PAIRS_MAX 64

struct pair {
	int client, server;
};

static bool parse(const char *text, struct sockaddr_in *ret)
{
	char host[64];
	const char *colon = strchr(text, ':');

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	*ret = (struct sockaddr_in){ .sin_family = AF_INET,
		                     .sin_port = htons((in_port_t)strtoul(colon + 1, NULL, 10)) };
	return inet_pton(AF_INET, host, &ret->sin_addr) == 1;
}

static int listen_here(void)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
		                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, len) < 0 || listen(fd, PAIRS_MAX) < 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		return -1;
	printf("listening on 127.0.0.1:%u\n", ntohs(own.sin_port));
	fflush(stdout);
	return fd;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(fd, bytes, len);

		if (done <= 0)
			return false;
		bytes += done;
		len -= (size_t)done;
	}
	return true;
}

/* False at the end of either side. */
static bool pass_on(int from, int to, int record)
{
	char bytes[CHUNK];
	ssize_t got = read(from, bytes, sizeof(bytes));

	return got > 0 && write_all(record, bytes, (size_t)got) &&
	       write_all(to, bytes, (size_t)got);
}

static void take(int listening, const struct sockaddr_in *server, struct pair *ret)
{
	*ret = (struct pair){ accept(listening, NULL, NULL),
		              socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (ret->client >= 0 && ret->server >= 0 &&
	    connect(ret->server, (const struct sockaddr *)server, sizeof(*server)) == 0)
		return;
	close(ret->client);
	close(ret->server);
	*ret = (struct pair){ -1, -1 };
}

static void serve(int listening, const struct sockaddr_in *server, int record)
{
	struct pair pairs[PAIRS_MAX];
	struct pollfd fds[2 * PAIRS_MAX + 1] = { { .fd = listening, .events = POLLIN } };

	memset(pairs, -1, sizeof(pairs));
	for (;;) {
		size_t unused = PAIRS_MAX;

		for (size_t i = 0; i < PAIRS_MAX; i++) {
			fds[2 * i + 1] = (struct pollfd){ pairs[i].client, POLLIN, 0 };
			fds[2 * i + 2] = (struct pollfd){ pairs[i].server, POLLIN, 0 };
			if (pairs[i].client < 0)
				unused = i;
		}
		fds[0].events = unused < PAIRS_MAX ? POLLIN : 0;
		if (poll(fds, 2 * PAIRS_MAX + 1, -1) < 0)
			return;
		for (size_t i = 0; i < PAIRS_MAX; i++) {
			struct pair *p = &pairs[i];

			if ((fds[2 * i + 1].revents && !pass_on(p->client, p->server, record)) ||
			    (fds[2 * i + 2].revents && !pass_on(p->server, p->client, record))) {
				close(p->client);
				close(p->server);
				*p = (struct pair){ -1, -1 };
			}
		}
		if (fds[0].revents && unused < PAIRS_MAX)
			take(listening, server, &pairs[unused]);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in server;
	int record, listening;

	if (argc != 3 || !parse(argv[1], &server))
		return 64;
	record = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	listening = listen_here();
	if (record < 0 || listening < 0)
		return 1;
	serve(listening, &server, record);
	return 1;
}
