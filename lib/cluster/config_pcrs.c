#include "cluster/config_internal.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* "pcrs:" with a line a register, or "pcrs: { … }" where the map around it is in braces. */
static int add_pcrs(const struct pcr_set *pcrs, const struct config_spot *spot, struct buf *to,
                    struct err *e)
{
	TRY(buf_add_text(to, spot->is_flow ? "pcrs: { " : "pcrs:", e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		if (spot->is_flow)
			TRY(buf_add_format(to, e, "%s%u: ", i ? ", " : "", i));
		else
			TRY(buf_add_format(to, e, "\n%*s%u: ", (int)spot->column + 2, "", i));
		TRY(hex_format(pcr_view(&pcrs->values[i]), to, e));
	}
	return spot->is_flow ? buf_add_text(to, " }", e) : 0;
}

static int add_between(const struct pcr_set *pcrs, const struct config_spot *spot, struct buf *to,
                       struct err *e)
{
	if (spot->has_pcrs)
		return add_pcrs(pcrs, spot, to, e);
	if (spot->is_flow) {
		TRY(buf_add_text(to, spot->is_empty ? " " : ", ", e));
		return add_pcrs(pcrs, spot, to, e);
	}
	if (to->data[to->len - 1] != '\n')
		TRY(buf_add_text(to, "\n", e));
	TRY(buf_add_format(to, e, "%*s", (int)spot->column, ""));
	TRY(add_pcrs(pcrs, spot, to, e));
	return buf_add_text(to, "\n", e);
}

/* The part of the text that stays before the new one, and the part after. */
static void cut(struct view text, const struct config_spot *spot, struct view *ret_before,
                struct view *ret_after)
{
	size_t to = spot->has_pcrs ? spot->start : spot->end, from = spot->end;

	/* A new line goes below the last value's, with the comment that may be on it. */
	if (!spot->has_pcrs && !spot->is_flow) {
		const uint8_t *end = memchr(text.data + from, '\n', text.len - from);

		to = from = end ? (size_t)(end + 1 - text.data) : text.len;
	}
	*ret_before = view_new(text.data, to);
	*ret_after = view_new(text.data + from, text.len - from);
}

static int rewrite(const char *path, struct view text, const struct pcr_set *pcrs, struct buf *to,
                   struct err *e)
{
	AUTO(cluster) struct cluster before_c = { 0 };
	AUTO(cluster) struct cluster after_c = { 0 };
	struct config_spot spot = { 0 };
	struct view before, after;

	TRY(cluster_parse(path, text, &before_c, e));
	TRY(config_locate_pcrs(path, text, &spot, e));
	cut(text, &spot, &before, &after);
	TRY(buf_add(to, before, e));
	TRY(add_between(pcrs, &spot, to, e));
	TRY(buf_add(to, after, e));
	/* A person wrote the file: before it is replaced, see that it still says what is meant. */
	TRY(cluster_parse(path, buf_view(to), &after_c, e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		if (!pcr_equal(&after_c.enclave.pcrs.values[i], &pcrs->values[i]))
			return err_set(e, ERR_INTERNAL, "'%s' can't take pcrs", path);
	return 0;
}

int cluster_write_pcrs(const char *path, const struct pcr_set *pcrs, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(CLUSTER_FILE_MAX + 1);
	AUTO(buf) struct buf changed = BUF_INIT(2 * CLUSTER_FILE_MAX);
	AUTO(text) char *real = realpath(path, NULL);
	struct stat st;

	if (!real || stat(real, &st) < 0)
		return err_sys(e, ERR_NO_INPUT, errno, "'%s'", path);
	TRY(file_read_guarded(real, /* may_be_pipe= */ false, &text, e));
	TRY(rewrite(path, buf_view(&text), pcrs, &changed, e));
	return file_write(real, buf_view(&changed), st.st_mode & 0777, e);
}
