/* The evidence journal's file: the chain, what a crash leaves, limits. What the lines say is
 * replayed in orchestrate_audit.c. */
#include "cluster_support.h"

#include "cluster/journal.h"

#include <sys/syscall.h>
#include <unistd.h>

/* In place of libc's: the file is cut short behind the reader's back. */
static bool is_cut_short;

ssize_t pread(int fd, void *to, size_t len, off_t offset)
{
	return syscall(SYS_pread64, fd, to, is_cut_short ? len / 2 : len, offset);
}

struct desk {
	char folder[128], path[160];
};

static void desk_drop(struct desk *d)
{
	folder_clear(d->folder);
}

static struct desk desk_new(void)
{
	struct desk d;

	folder_new(d.folder, sizeof(d.folder));
	snprintf(d.path, sizeof(d.path), "%s/journal", d.folder);
	return d;
}

static void add_step(struct journal *j, const char *outcome)
{
	AUTO(journal_line) struct journal_line line = { .kind = JOURNAL_STEP };
	struct err e;

	assert_ok(wire_set_text(&line.node, "tee1", &e));
	assert_ok(wire_set_text(&line.step, "verify", &e));
	assert_ok(wire_set_text(&line.outcome, outcome, &e));
	assert_ok(journal_append(j, &line, &e));
}

/* A run of its own, as after a restart. */
static void add_step_anew(const struct desk *d, const char *outcome)
{
	AUTO(journal) struct journal j = JOURNAL_INIT;
	struct err e;

	assert_ok(journal_open(d->path, &j, &e));
	add_step(&j, outcome);
}

/* What is asked of the disk is asked once for all lines since the last time. */
static void lines_are_synced_together(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	AUTO(journal) struct journal j = JOURNAL_INIT;
	int closed;
	struct err e;

	(void)state;
	assert_ok(journal_open(d.path, &j, &e));
	assert_false(j.is_unsynced);
	add_step(&j, "begin");
	add_step(&j, "done");
	assert_true(j.is_unsynced);
	assert_ok(journal_sync(&j, &e));
	assert_false(j.is_unsynced);
	/* Nothing to do: the descriptor is not even looked at. */
	closed = j.fd;
	j.fd = -1;
	assert_ok(journal_sync(&j, &e));
	j.is_unsynced = true;
	assert_refused(journal_sync(&j, &e), ERR_INTERNAL, "syncing '");
	assert_true(j.is_unsynced);
	j.fd = closed;
}

static struct buf content(const struct desk *d)
{
	struct buf b = BUF_INIT(JOURNAL_READ_MAX);
	struct err e;

	assert_ok(file_read(d->path, &b, &e));
	return b;
}

static void put(const struct desk *d, struct view text)
{
	struct err e;

	assert_ok(file_write(d->path, text, 0600, &e));
}

static void add_text(const struct desk *d, const char *text)
{
	FILE *file = fopen(d->path, "a");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* All lines, as "kind:outcome kind:outcome"; the first refusal otherwise. */
static int read_all(struct view text, char ret[static 512], struct journal_reader *reader,
                    struct err *e)
{
	bool is_found = true;
	size_t len = 0;

	*reader = journal_reader_new(text);
	ret[0] = 0;
	while (is_found) {
		AUTO(journal_entry) struct journal_entry entry = { 0 };

		TRY(journal_next(reader, &entry, &is_found, e));
		if (is_found)
			len += (size_t)snprintf(ret + len, 512 - len, "%s%s:%s", len ? " " : "",
			                        journal_kind_names[entry.line.kind],
			                        buf_text(&entry.line.outcome));
	}
	return 0;
}

static void assert_reads(struct view text, const char *expected, size_t torn)
{
	struct journal_reader reader;
	char found[512];
	struct err e;

	assert_ok(read_all(text, found, &reader, &e));
	assert_string_equal(found, expected);
	assert_int_equal(reader.torn_len, torn);
}

static void assert_unread(struct view text, enum err_code code, const char *words)
{
	struct journal_reader reader;
	char found[512];
	struct err e;

	assert_refused(read_all(text, found, &reader, &e), code, words);
}

static void each_line_has_the_hash_of_the_one_before(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	AUTO(journal) struct journal j = JOURNAL_INIT;
	struct hash256 first;
	char hex[65];
	struct err e;

	(void)state;
	assert_ok(journal_open(d.path, &j, &e));
	add_step(&j, "begin");
	add_step(&j, "failed: \"x\"\nline");

	AUTO(buf) struct buf text = content(&d);
	const char *newline = strchr(buf_text(&text), '\n');

	assert_non_null(newline);
	assert_ok(sha256(view_new(text.data, (size_t)(newline - buf_text(&text))), &first, &e));
	hex_write(VIEW_OF(first.bytes), hex);
	assert_non_null(strstr(newline, hex));
	assert_memory_equal(buf_text(&text), "{\"seq\":1,\"time\":\"2", 18);
	assert_non_null(strstr(newline, "\"outcome\":\"failed: \\\"x\\\"\\nline\"}\n"));
	assert_reads(buf_view(&text), "step:begin step:failed: \"x\"\nline", 0);
}

static void two_runs_append_to_one_chain(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	AUTO(journal) struct journal one = JOURNAL_INIT;
	AUTO(journal) struct journal other = JOURNAL_INIT;
	struct err e;

	(void)state;
	assert_ok(journal_open(d.path, &one, &e));
	assert_ok(journal_open(d.path, &other, &e));
	add_step(&one, "a");
	add_step(&other, "b");
	add_step(&other, "c");
	add_step(&one, "d");

	AUTO(buf) struct buf text = content(&d);

	assert_reads(buf_view(&text), "step:a step:b step:c step:d", 0);
}

/* Cut at every byte of the last line: what is left is mended, and never silently. */
static void a_torn_line_is_mended_and_said_so(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	size_t whole, start;

	(void)state;
	add_step_anew(&d, "a");
	add_step_anew(&d, "b");

	AUTO(buf) struct buf text = content(&d);

	whole = text.len;
	start = (size_t)(strchr(buf_text(&text), '\n') - buf_text(&text)) + 1;
	for (size_t len = start; len < whole; len++) {
		bool is_cut = len > start && len < whole - 1;

		put(&d, view_new(text.data, len));
		assert_reads(view_new(text.data, len), "step:a", len - start);
		add_step_anew(&d, "c");

		AUTO(buf) struct buf mended = content(&d);

		/* With its newline alone missing it is whole. */
		assert_reads(buf_view(&mended),
		             is_cut         ? "step:a mended: step:c"
		             : len == start ? "step:a step:c"
		                            : "step:a step:b step:c",
		             0);
		if (!is_cut)
			continue;
		assert_memory_equal(mended.data, text.data, len);
		/* The mended line is held to what it says. */
		mended.data[len - 1] ^= 1;
		assert_unread(buf_view(&mended), ERR_REFUSED, "mended");
	}
}

static void mending_that_was_cut_short_is_mended(void **state)
{
	AUTO(desk) struct desk d = desk_new();

	(void)state;
	add_step_anew(&d, "a");
	add_text(&d, "{\"seq\":2,\"ti\n{\"seq\":2,\"time\":\"2026");
	add_step_anew(&d, "c");

	AUTO(buf) struct buf text = content(&d);

	assert_reads(buf_view(&text), "step:a mended: step:c", 0);
}

static void a_journal_of_version_0_1_is_kept_as_it_was(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	static const char old[] = "{\"time\":\"2026-01-01T00:00:00.000Z\",\"step\":\"verify\","
	                          "\"node\":\"tee1\",\"outcome\":\"done\"}\n";

	(void)state;
	put(&d, view_text(old));
	add_step_anew(&d, "a");

	AUTO(buf) struct buf text = content(&d);

	assert_memory_equal(text.data, old, strlen(old));
	assert_reads(buf_view(&text), "mended: step:a", 0);
}

static void a_gap_that_nobody_has_named_is_refused(void **state)
{
	AUTO(desk) struct desk d = desk_new();

	(void)state;
	add_step_anew(&d, "a");

	AUTO(buf) struct buf one = content(&d);
	AUTO(buf) struct buf text = BUF_INIT(JOURNAL_READ_MAX);
	struct err e;

	add_step_anew(&d, "b");

	AUTO(buf) struct buf two = content(&d);

	assert_ok(buf_add(&text, buf_view(&one), &e));
	assert_ok(buf_add_text(&text, "what is this\n", &e));
	assert_unread(buf_view(&text), ERR_REFUSED, "line 2: not a line of a journal");
	assert_ok(buf_add(&text, view_new(two.data + one.len, two.len - one.len), &e));
	assert_unread(buf_view(&text), ERR_REFUSED, "format");
}

static void what_is_no_journal_is_said_to_be_none(void **state)
{
	(void)state;
	assert_unread(view_text(""), ERR_DATA, "not a journal");
	assert_unread(view_text("hello\nworld\n"), ERR_DATA, "not a journal");
	assert_unread(view_text("{}\n"), ERR_DATA, "not a journal");
}

static void a_line_out_of_place_is_named(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	AUTO(buf) struct buf text = BUF_INIT(JOURNAL_READ_MAX);
	struct err e;
	const char *second;

	(void)state;
	add_step_anew(&d, "a");
	add_step_anew(&d, "b");

	AUTO(buf) struct buf two = content(&d);

	second = strchr(buf_text(&two), '\n') + 1;
	assert_unread(view_text(second), ERR_REFUSED, "line 1: sequence 2, expected 1");
	assert_ok(buf_add(&text, buf_view(&two), &e));
	assert_ok(buf_add_text(&text, second, &e));
	assert_unread(buf_view(&text), ERR_REFUSED, "line 3: sequence 2, expected 3");
}

static void a_changed_byte_breaks_the_chain(void **state)
{
	AUTO(desk) struct desk d = desk_new();

	(void)state;
	add_step_anew(&d, "a");
	add_step_anew(&d, "b");

	AUTO(buf) struct buf two = content(&d);

	strstr(buf_text(&two), "\"a\"")[1] = 'x';
	assert_unread(buf_view(&two), ERR_REFUSED, "line 2: the line before it has SHA-256 ");
	assert_unread(buf_view(&two), ERR_REFUSED, "prev");
}

/* Nothing follows that has its hash. */
static void the_last_line_is_as_it_was_written(void **state)
{
	static const struct {
		const char *from, *to;
	} edits[] = { { "}\n", "}\r\n" },
		      { "}\n", "} \n" },
		      { "\"seq\":2", "\"seq\": 2" },
		      { "\"b\"", "\"\\u0062\"" } };
	AUTO(desk) struct desk d = desk_new();

	(void)state;
	add_step_anew(&d, "a");
	add_step_anew(&d, "b");

	AUTO(buf) struct buf two = content(&d);
	const char *second = strchr(buf_text(&two), '\n') + 1;

	for (size_t i = 0; i < COUNT(edits); i++) {
		AUTO(buf) struct buf text = BUF_INIT(JOURNAL_READ_MAX);
		const char *at = strstr(second, edits[i].from);
		struct err e;

		assert_non_null(at);
		assert_ok(buf_add(&text, view_new(two.data, (size_t)(at - buf_text(&two))), &e));
		assert_ok(buf_add_text(&text, edits[i].to, &e));
		assert_ok(buf_add_text(&text, at + strlen(edits[i].from), &e));
		assert_unread(buf_view(&text), ERR_REFUSED, "line 2: it says what a line says");
		/* Nor has what is no line. */
		assert_ok(buf_add_text(&text, "{", &e));
		assert_unread(buf_view(&text), ERR_REFUSED, "line 2: it says what a line says");
	}
}

static void a_line_has_what_its_kind_needs_and_nothing_else(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	AUTO(journal) struct journal j = JOURNAL_INIT;
	AUTO(journal_line) struct journal_line line = { .kind = JOURNAL_STEP };
	struct err e;

	(void)state;
	assert_ok(journal_open(d.path, &j, &e));
	assert_ok(wire_set_text(&line.step, "verify", &e));
	assert_refused(journal_append(&j, &line, &e), ERR_INTERNAL, "of kind step");
	assert_ok(wire_set_text(&line.outcome, "begin", &e));
	assert_ok(wire_set_text(&line.member, "alice", &e));
	assert_refused(journal_append(&j, &line, &e), ERR_INTERNAL, "of kind step");
	buf_drop(&line.member);
	assert_ok(journal_append(&j, &line, &e));
}

static void a_file_of_something_else_is_not_written_to(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	AUTO(journal) struct journal j = JOURNAL_INIT;
	AUTO(journal_line) struct journal_line line = { .kind = JOURNAL_STEP };
	struct err e;

	(void)state;
	put(&d, view_text(""));
	assert_int_equal(truncate(d.path, 8 << 20), 0);
	assert_ok(journal_open(d.path, &j, &e));
	assert_ok(wire_set_text(&line.step, "verify", &e));
	assert_ok(wire_set_text(&line.outcome, "begin", &e));
	assert_refused(journal_append(&j, &line, &e), ERR_DATA, "is no journal");
}

static void a_file_that_is_cut_short_meanwhile_is_said_to_be(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	AUTO(journal) struct journal j = JOURNAL_INIT;
	AUTO(journal_line) struct journal_line line = { .kind = JOURNAL_STEP };
	struct err e;

	(void)state;
	add_step_anew(&d, "begin");
	assert_ok(journal_open(d.path, &j, &e));
	assert_ok(wire_set_text(&line.step, "verify", &e));
	assert_ok(wire_set_text(&line.outcome, "done", &e));
	is_cut_short = true;
	assert_refused(journal_append(&j, &line, &e), ERR_INTERNAL,
	               "got shorter while it was read");
	is_cut_short = false;
	assert_ok(journal_append(&j, &line, &e));
}

/* A genesis as large as it may be fits into one line, and is found again behind it. */
static void the_longest_line_is_read_back(void **state)
{
	AUTO(desk) struct desk d = desk_new();
	AUTO(journal) struct journal j = JOURNAL_INIT;
	AUTO(journal_line) struct journal_line line = { .kind = JOURNAL_MANIFEST };
	AUTO(buf) struct buf large = BUF_INIT(300 << 10);
	struct journal_reader reader;
	char found[512];
	uint8_t *at;
	struct err e;

	(void)state;
	assert_ok(buf_reserve(&large, large.max, &at, &e));
	memset(at, 7, large.max);
	buf_commit(&large, large.max);
	assert_ok(wire_set(&line.envelope, buf_view(&large), &e));
	assert_ok(journal_open(d.path, &j, &e));
	assert_ok(journal_append(&j, &line, &e));
	add_step_anew(&d, "b");
	add_step(&j, "c");

	AUTO(buf) struct buf text = content(&d);

	assert_ok(read_all(buf_view(&text), found, &reader, &e));
	assert_string_equal(found, "manifest: step:b step:c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_synced_together),
		cmocka_unit_test(each_line_has_the_hash_of_the_one_before),
		cmocka_unit_test(two_runs_append_to_one_chain),
		cmocka_unit_test(a_torn_line_is_mended_and_said_so),
		cmocka_unit_test(mending_that_was_cut_short_is_mended),
		cmocka_unit_test(a_journal_of_version_0_1_is_kept_as_it_was),
		cmocka_unit_test(a_gap_that_nobody_has_named_is_refused),
		cmocka_unit_test(what_is_no_journal_is_said_to_be_none),
		cmocka_unit_test(a_line_out_of_place_is_named),
		cmocka_unit_test(a_changed_byte_breaks_the_chain),
		cmocka_unit_test(the_last_line_is_as_it_was_written),
		cmocka_unit_test(a_line_has_what_its_kind_needs_and_nothing_else),
		cmocka_unit_test(a_file_of_something_else_is_not_written_to),
		cmocka_unit_test(a_file_that_is_cut_short_meanwhile_is_said_to_be),
		cmocka_unit_test(the_longest_line_is_read_back),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}
