/* A network that is slow and does not keep its promises, for many enclaves at once.
 *
 *   faulty [--seed N] [--delay MS] [--slow-ms MS] [--FAULT PERMILLE]... NAME=FILE...
 *
 * Each NAME is served on a free port; "NAME HOST:PORT" is printed for each, in their order. The
 * last word of FILE is the address that is meant, looked up at every connection: what a hypervisor
 * prints, or a pid file of teectl's. --delay holds every byte up, either way, by half of it: a
 * round trip. Faults are drawn for each question; each is a line of standard error, "NAME FAULT".
 */
#include "base/base.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK_MAX   65536
#define EVENTS_MAX  64
#define ADDRESS_MAX 1024 /* a file with an address, and room */
#define GARBAGE_LEN 200

enum fault {
	FAULT_NONE,
	FAULT_DROP,        /* the question is swallowed, and the connection stays open */
	FAULT_RESET,       /* before the question is passed on */
	FAULT_LOSE,        /* reset where the answer begins: the question was heard */
	FAULT_SLOW,        /* the answer comes up to --slow-ms later */
	FAULT_TRUNCATE,    /* a part of the answer, then the end */
	FAULT_RATE,        /* 429, and when to come again; nobody is asked */
	FAULT_UNAVAILABLE, /* 503, the same */
	FAULT_GARBAGE,     /* random bytes in place of an answer; nobody is asked */
	FAULT_COUNT
};

static const char *const fault_names[FAULT_COUNT] = {
	[FAULT_DROP] = "drop",
	[FAULT_RESET] = "reset",
	[FAULT_LOSE] = "lose",
	[FAULT_SLOW] = "slow",
	[FAULT_TRUNCATE] = "truncate",
	[FAULT_RATE] = "rate",
	[FAULT_UNAVAILABLE] = "unavailable",
	[FAULT_GARBAGE] = "garbage",
};

/* On its way: to be written at its time. */
struct chunk {
	struct chunk *next;
	int64_t due_us;
	size_t len, sent;
	uint8_t bytes[];
};

struct link;

/* What epoll knows of: a listening socket, or an end of a link. */
struct end {
	struct node *node; /* of a listening one; else NULL */
	struct link *link;
	int fd;
	struct chunk *first, **last; /* what is to be written here */
	bool is_over;                /* the other side has said all; it ends once that is written */
	bool is_read;                /* to its end */
	bool is_full;                /* nothing more can be written until epoll says so */
};

struct node {
	const char *name, *file;
	struct end listening;
};

struct link {
	struct link *next, **at;
	struct node *node;
	struct end client, server;
	enum fault fault; /* of the question under way */
	bool is_answered; /* the server spoke last: what the client says begins a question */
	bool is_dead;     /* freed at the end of the round: events of it may be in hand */
	int64_t slow_us;
};

struct proxy {
	int epoll;
	int64_t delay_us, slow_us;
	unsigned permille[FAULT_COUNT];
	uint64_t random;
	struct node *nodes;
	size_t count;
	struct link *links;
};

/* xorshift64*: the same faults from the same seed, as far as the order of questions is the same. */
static unsigned draw(struct proxy *p, unsigned below)
{
	p->random ^= p->random >> 12;
	p->random ^= p->random << 25;
	p->random ^= p->random >> 27;
	return below ? (unsigned)((p->random * 0x2545F4914F6CDD1DULL) >> 33) % below : 0;
}

static enum fault draw_fault(struct proxy *p)
{
	unsigned at = draw(p, 1000);

	for (enum fault f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
		if (at < p->permille[f])
			return f;
		at -= p->permille[f];
	}
	return FAULT_NONE;
}

/* --- links */

static void end_drop(struct end *end)
{
	while (end->first) {
		struct chunk *gone = end->first;

		end->first = gone->next;
		free(gone);
	}
	end->last = &end->first;
	if (end->fd >= 0)
		close(end->fd);
	end->fd = -1;
}

static void kill_link(struct link *l, bool by_reset)
{
	const struct linger now = { .l_onoff = 1 };

	if (by_reset && l->client.fd >= 0)
		setsockopt(l->client.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	end_drop(&l->client);
	end_drop(&l->server);
	l->is_dead = true;
}

static void reap(struct proxy *p)
{
	for (struct link *l = p->links, *next; l; l = next) {
		next = l->next;
		if (!l->is_dead)
			continue;
		*l->at = next;
		if (next)
			next->at = l->at;
		free(l);
	}
}

static void watch(const struct proxy *p, struct end *end)
{
	struct epoll_event event = { .events = (end->is_read ? 0 : EPOLLIN) |
		                               (end->is_full ? EPOLLOUT : 0),
		                     .data.ptr = end };

	if (!event.events)
		epoll_ctl(p->epoll, EPOLL_CTL_DEL, end->fd, NULL);
	else if (epoll_ctl(p->epoll, EPOLL_CTL_MOD, end->fd, &event) < 0)
		epoll_ctl(p->epoll, EPOLL_CTL_ADD, end->fd, &event);
}

/* false: there is nobody. */
static bool find_address(const struct node *node, struct sockaddr_in *ret)
{
	AUTO(buf) struct buf text = BUF_INIT(ADDRESS_MAX);
	char *word, *colon;
	struct view line;
	struct err e;

	if (file_read(node->file, &text, &e) < 0 || !text.len)
		return false;
	line = text_trim(buf_view(&text));
	text.data[line.len] = '\0';
	word = strrchr((char *)text.data, ' ');
	word = word ? word + 1 : (char *)text.data;
	colon = strrchr(word, ':');
	if (!colon)
		return false;
	*colon = '\0';
	*ret = (struct sockaddr_in){ .sin_family = AF_INET,
		                     .sin_port = htons((in_port_t)strtoul(colon + 1, NULL, 10)) };
	return inet_pton(AF_INET, word, &ret->sin_addr) == 1;
}

static int dial(const struct node *node)
{
	struct sockaddr_in address;
	int fd, one = 1;

	if (!find_address(node, &address))
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void take(struct proxy *p, struct node *node)
{
	struct link *l = calloc(1, sizeof(*l));
	int one = 1;

	if (!l)
		abort();
	*l = (struct link){ .next = p->links, .at = &p->links, .node = node, .is_answered = true };
	l->client = (struct end){ .link = l, .last = &l->client.first };
	l->server = (struct end){ .link = l, .last = &l->server.first };
	if (l->next)
		l->next->at = &l->next;
	p->links = l;
	l->client.fd = accept4(node->listening.fd, NULL, NULL, SOCK_CLOEXEC);
	l->server.fd = dial(node);
	if (l->client.fd < 0 || l->server.fd < 0) {
		kill_link(l, /* by_reset= */ true);
		return;
	}
	setsockopt(l->client.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	watch(p, &l->client);
	watch(p, &l->server);
}

/* --- what goes through */

static void queue(struct end *to, const void *bytes, size_t len, int64_t due_us)
{
	struct chunk *c = malloc(sizeof(*c) + len);

	if (!c)
		abort();
	*c = (struct chunk){ .len = len, .due_us = due_us };
	memcpy(c->bytes, bytes, len);
	*to->last = c;
	to->last = &c->next;
}

static void answer_text(struct proxy *p, struct link *l, const char *status)
{
	char text[160];
	int len = snprintf(text, sizeof(text),
	                   "HTTP/1.1 %s\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
	                   "Connection: close\r\n\r\n",
	                   status);

	queue(&l->client, text, (size_t)len, clock_monotonic_us() + p->delay_us);
	l->client.is_over = true;
}

static void answer_garbage(struct proxy *p, struct link *l)
{
	uint8_t bytes[GARBAGE_LEN];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)draw(p, 256);
	queue(&l->client, bytes, sizeof(bytes), clock_monotonic_us() + p->delay_us);
	l->client.is_over = true;
}

/* A question begins: what is to happen to it. */
static void begin_question(struct proxy *p, struct link *l)
{
	l->is_answered = false;
	l->fault = draw_fault(p);
	if (l->fault)
		fprintf(stderr, "%s %s\n", l->node->name, fault_names[l->fault]);
	l->slow_us = (int64_t)draw(p, (unsigned)p->slow_us + 1);
}

static void from_client(struct proxy *p, struct link *l, const uint8_t *bytes, size_t len)
{
	if (l->client.is_over)
		return; /* the rest of a question that was answered already */
	if (l->is_answered)
		begin_question(p, l);
	switch (l->fault) {
	case FAULT_DROP:
		return;
	case FAULT_RESET:
		kill_link(l, /* by_reset= */ true);
		return;
	case FAULT_RATE:
		answer_text(p, l, "429 Too Many Requests");
		return;
	case FAULT_UNAVAILABLE:
		answer_text(p, l, "503 Service Unavailable");
		return;
	case FAULT_GARBAGE:
		answer_garbage(p, l);
		return;
	default:
		queue(&l->server, bytes, len, clock_monotonic_us() + p->delay_us);
	}
}

static void from_server(struct proxy *p, struct link *l, const uint8_t *bytes, size_t len)
{
	int64_t due_us = clock_monotonic_us() + p->delay_us;

	l->is_answered = true;
	if (l->fault == FAULT_LOSE) {
		kill_link(l, /* by_reset= */ true);
		return;
	}
	if (l->fault == FAULT_SLOW)
		due_us += l->slow_us;
	/* Of its first piece at least a byte is lost, so that no answer is whole. */
	if (l->fault == FAULT_TRUNCATE) {
		len = draw(p, (unsigned)len);
		l->client.is_over = true;
	}
	queue(&l->client, bytes, len, due_us);
}

static void read_end(struct proxy *p, struct end *end)
{
	static uint8_t bytes[CHUNK_MAX];
	struct link *l = end->link;
	ssize_t got = recv(end->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0 && end == &l->client) {
		from_client(p, l, bytes, (size_t)got);
	} else if (got > 0 && !l->client.is_over) {
		from_server(p, l, bytes, (size_t)got);
	} else if (end == &l->client || !l->client.first) {
		kill_link(l, /* by_reset= */ false);
	} else {
		l->client.is_over = true; /* the answer's rest first */
		end->is_read = true;
		watch(p, end);
	}
}

static void serve_end(struct proxy *p, struct end *end, uint32_t events)
{
	if (end->link->is_dead)
		return;
	if (end->is_full && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
		end->is_full = false;
		watch(p, end);
	}
	if (!end->is_read && events & ~(uint32_t)EPOLLOUT)
		read_end(p, end);
}

/* What is due is written; the time of the next, INT64_MAX for none. */
static int64_t write_due(const struct proxy *p, struct end *end, int64_t now_us)
{
	while (end->first && !end->is_full && end->first->due_us <= now_us) {
		struct chunk *c = end->first;
		ssize_t put = send(end->fd, c->bytes + c->sent, c->len - c->sent,
		                   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN) {
			end->is_full = true;
			watch(p, end);
			continue;
		}
		if (put < 0)
			return -1;
		c->sent += (size_t)put;
		if (c->sent < c->len)
			continue;
		end->first = c->next;
		if (!end->first)
			end->last = &end->first;
		free(c);
	}
	if (!end->first && end->is_over)
		return -1;
	return end->first && !end->is_full ? end->first->due_us : INT64_MAX;
}

/* The time until something is due, for epoll; -1 for ever. */
static int write_all(struct proxy *p)
{
	int64_t now_us = clock_monotonic_us(), next_us = INT64_MAX;

	for (struct link *l = p->links; l; l = l->next) {
		int64_t to_server = l->is_dead ? INT64_MAX : write_due(p, &l->server, now_us);
		int64_t to_client = l->is_dead ? INT64_MAX : write_due(p, &l->client, now_us);

		if (to_server < 0 || to_client < 0) {
			kill_link(l, /* by_reset= */ false);
			continue;
		}
		next_us = to_server < next_us ? to_server : next_us;
		next_us = to_client < next_us ? to_client : next_us;
	}
	if (next_us == INT64_MAX)
		return -1;
	return next_us <= now_us ? 0 : (int)((next_us - now_us + 999) / 1000);
}

/* --- the program */

static int start_listening(const struct proxy *p, struct node *node, struct err *e)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
		                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, len) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "listening");
	node->listening = (struct end){ .node = node, .fd = fd };
	watch(p, &node->listening);
	printf("%s 127.0.0.1:%d\n", node->name, ntohs(own.sin_port));
	return 0;
}

static int serve(struct proxy *p, struct err *e)
{
	struct epoll_event events[EVENTS_MAX];

	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0)
		return err_sys(e, ERR_INTERNAL, errno, "epoll");
	for (size_t i = 0; i < p->count; i++)
		TRY(start_listening(p, &p->nodes[i], e));
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(p->epoll, events, EVENTS_MAX, write_all(p));

		if (count < 0 && errno != EINTR)
			return err_sys(e, ERR_INTERNAL, errno, "waiting");
		for (int i = 0; i < count; i++) {
			struct end *end = events[i].data.ptr;

			if (end->node)
				take(p, end->node);
			else
				serve_end(p, end, events[i].events);
		}
		reap(p);
	}
}

static int parse_option(struct proxy *p, int option, struct err *e)
{
	uint64_t number;

	TRY(number_parse(optarg, "number", 0, UINT32_MAX, &number, e));
	if (option == 's')
		p->random = number * 0x9E3779B97F4A7C15ULL + 1;
	else if (option == 'd')
		p->delay_us = (int64_t)number * 1000 / 2;
	else if (option == 'w')
		p->slow_us = (int64_t)number * 1000;
	else
		p->permille[option] = (unsigned)number;
	return 0;
}

static int check_faults(const struct proxy *p, struct err *e)
{
	uint64_t sum = 0;

	for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
		sum += p->permille[f];
	if (sum <= 1000)
		return 0;
	return err_set(e, ERR_USAGE, "faults of %llu in 1000 questions", (unsigned long long)sum);
}

static int parse(int argc, char **argv, struct proxy *p, struct err *e)
{
	struct option options[3 + FAULT_COUNT] = { { "seed", required_argument, NULL, 's' },
		                                   { "delay", required_argument, NULL, 'd' },
		                                   { "slow-ms", required_argument, NULL, 'w' } };
	int option;

	for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
		options[2 + f] = (struct option){ fault_names[f], required_argument, NULL, f };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return err_set(e, ERR_USAGE, "unknown option");
		TRY(parse_option(p, option, e));
	}
	TRY(check_faults(p, e));
	p->count = (size_t)(argc - optind);
	p->nodes = calloc(p->count + 1, sizeof(*p->nodes));
	if (!p->nodes)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", p->count);
	for (size_t i = 0; i < p->count; i++) {
		p->nodes[i].file = argv[(size_t)optind + i];
		p->nodes[i].name = strsep((char **)&p->nodes[i].file, "=");
		if (!p->nodes[i].file)
			return err_set(e, ERR_USAGE, "NAME=FILE, and not '%s'", p->nodes[i].name);
	}
	return p->count ? 0 : err_set(e, ERR_USAGE, "no node is given");
}

int main(int argc, char **argv)
{
	struct proxy p = { .random = 1, .slow_us = 500000 };
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	if (parse(argc, argv, &p, &e) == 0)
		(void)serve(&p, &e);
	fprintf(stderr, "faulty: %s\n", e.text);
	return err_info(e.code)->exit_status;
}
