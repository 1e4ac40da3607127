/* pid_file_parse and stat_parse_start: what is taken is written again as it was. */
#include "cluster/pid_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void try_again(const struct pid_file *p)
{
	AUTO(buf) struct buf text = BUF_INIT(256);
	struct pid_file again;
	struct err e;

	check(p->pid > 1 && strlen(p->address) > 0);
	check(pid_file_format(p, &text, &e) == 0 && pid_file_parse(buf_text(&text), &again));
	check(again.pid == p->pid && again.start == p->start);
	check(strcmp(again.address, p->address) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct pid_file p;
	uint64_t start;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	if (pid_file_parse(text, &p))
		try_again(&p);
	(void)stat_parse_start(text, &start);
	(void)stat_parse_zombie(text, &start);
	free(text);
	return 0;
}
