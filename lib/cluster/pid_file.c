#include "cluster/pid_file.h"

#include <inttypes.h>
#include <string.h>

#define START_FIELD 22 /* of proc(5)'s stat */

/* The digits at *at; moves past them. false: there are none, or too many. */
static bool take_number(const char **at, uint64_t *ret)
{
	const char *digit = *at;
	uint64_t value = 0;

	for (; *digit >= '0' && *digit <= '9'; digit++) {
		if (value > (UINT64_MAX - 9) / 10)
			return false;
		value = value * 10 + (uint64_t)(*digit - '0');
	}
	if (digit == *at)
		return false;
	*at = digit;
	*ret = value;
	return true;
}

/* A numeric address and port, or a sign in its place. */
static bool take_address(const char *text, char ret[static PID_FILE_ADDRESS_MAX])
{
	size_t len = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz"
	                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ.:[]%_-");

	if (!len || len >= PID_FILE_ADDRESS_MAX || strcmp(text + len, "\n") != 0)
		return false;
	memcpy(ret, text, len);
	ret[len] = 0;
	return true;
}

bool pid_file_parse(const char *text, struct pid_file *ret)
{
	struct pid_file p;
	uint64_t pid;

	if (!take_number(&text, &pid) || pid <= 1 || pid > INT32_MAX || *text++ != ' ' ||
	    !take_number(&text, &p.start) || *text++ != ' ' || !take_address(text, p.address))
		return false;
	p.pid = (int)pid;
	*ret = p;
	return true;
}

int pid_file_format(const struct pid_file *p, struct buf *to, struct err *e)
{
	return buf_add_format(to, e, "%d %" PRIu64 " %s\n", p->pid, p->start, p->address);
}

/* Counted from behind the name, which may hold anything. */
static bool parse_start(const char *text, bool is_zombie, uint64_t *ret)
{
	const char *at = strrchr(text, ')');

	if (!at || at[1] != ' ' || (at[2] == 'Z') != is_zombie)
		return false;
	for (unsigned field = 2; at && field < START_FIELD; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	at++;
	return take_number(&at, ret);
}

bool stat_parse_start(const char *text, uint64_t *ret)
{
	return parse_start(text, /* is_zombie= */ false, ret);
}

bool stat_parse_zombie(const char *text, uint64_t *ret)
{
	return parse_start(text, /* is_zombie= */ true, ret);
}
