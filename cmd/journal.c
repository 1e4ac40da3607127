#include "document.h"
#include "journal.h"

#include "base/file.h"
#include "base/text.h"
#include "cluster/match.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* The state's own journal and root are read without its lock: lines are only ever appended. */
static int open_state(struct context *c, struct err *e)
{
	if (c->state.folder)
		return 0;
	if (!c->cluster.path)
		TRY(cluster_read(c->global.file, &c->cluster, e));
	return state_open(&c->cluster, c->global.state, /* to_change= */ false, c->cmd->name,
	                  &c->state, e);
}

static int cut_off_status;

/* Only what a signal handler may do. */
static void on_cut_off(int signal)
{
	static const char words[] = "teectl: the journal was cut off while it was read\n";

	(void)signal;
	_exit(write(STDERR_FILENO, words, sizeof(words) - 1) < 0 ? EXIT_FAILURE : cut_off_status);
}

/* Whoever handed it over can cut it off while it is mapped: that is no crash of ours. */
static void expect_cut_off(void)
{
	const struct sigaction action = { .sa_handler = on_cut_off };

	cut_off_status = err_info(ERR_DATA)->exit_status;
	sigaction(SIGBUS, &action, NULL);
}

int journal_load(struct context *c, const char *file, struct file_content *ret, struct err *e)
{
	AUTO(text) char *path = NULL;

	if (file) {
		expect_cut_off();
		return file_content_open(file, JOURNAL_MAX, JOURNAL_READ_MAX, ret, e);
	}
	TRY(open_state(c, e));
	TRY(state_path(&c->state, JOURNAL_FILE, &path, e));
	return file_content_open(path, JOURNAL_MAX, JOURNAL_READ_MAX, ret, e);
}

static int find_root(struct context *c, const char *file, const char *root, struct buf *ret,
                     struct err *e)
{
	if (root)
		return root_read(root, ret, e);
	return file ? 0 : cluster_root(&c->cluster, &c->state, ret, e);
}

int journal_audit(struct context *c, const char *file, const char *root, const char *head,
                  struct audit *ret, struct err *e)
{
	AUTO(file_content) struct file_content text = { 0 };
	AUTO(buf) struct buf der = BUF_INIT(ROOT_CERTIFICATE_MAX);
	struct audit_options options = { 0 };
	struct audit_head noted;

	if (head) {
		TRY(audit_head_parse(head, &noted, e));
		options.head = &noted;
	}
	TRY(journal_load(c, file, &text, e));
	TRY(find_root(c, file, root, &der, e));
	options.root = buf_view(&der);
	return audit_replay(file_content_view(&text), &options, ret, e);
}
