#include "cmd.h"
#include "manifests.h"
#include "print.h"

#include "base/file.h"
#include "proto/file_kind.h"

#include <stdlib.h>
#include <string.h>

struct collect_args {
	const char *file;
	struct text_list approvals;
};

static const struct opt opts[] = {
	{ .kind = OPT_FILE,
	  .metavar = "FILE",
	  .is_required = true,
	  .offset = offsetof(struct collect_args, file),
	  .doc = "the manifest envelope that gets them" },
	{ .kind = OPT_FILE,
	  .metavar = "APPROVAL",
	  .is_list = true,
	  .is_required = true,
	  .offset = offsetof(struct collect_args, approvals),
	  .doc = "approval files" },
};

struct collected {
	uint8_t manifest_hash[32];
	int64_t nonce, threshold, added;
	bool enough;
	struct wire_list approved, waiting_for;
};
static const struct wire_field collected_fields[] = {
	JSON_HEX_FIXED(collected, manifest_hash),
	JSON_NUMBER(collected, nonce),
	JSON_NUMBER(collected, threshold),
	JSON_NUMBER(collected, added),
	JSON_BOOL(collected, enough),
	JSON_LIST(collected, approved, alias_item_schema),
	JSON_LIST(collected, waiting_for, alias_item_schema),
};
static const struct wire_schema collected_schema = JSON_SCHEMA(collected, collected_fields);
WIRE_DROP(collected);

static int read_approval(const char *path, struct approval *ret, struct err *e)
{
	AUTO(buf) struct buf content = BUF_INIT(APPROVAL_FILE_MAX);

	if (file_read(path, &content, e) < 0) {
		if (e->code == ERR_DATA)
			file_kind_wrap(FILE_KIND_APPROVAL, buf_view(&content), e);
		return -1;
	}
	if (approval_file_parse(buf_view(&content), ret, e) == 0)
		return 0;
	/* Of what looks like nothing that is known it says itself what it should be. */
	if (file_kind_guess(buf_view(&content)) != FILE_KIND_COUNT)
		file_kind_wrap(FILE_KIND_APPROVAL, buf_view(&content), e);
	return err_wrap(e, "'%s'", path);
}

static int add(struct manifest_file *f, struct approval *from, struct err *e)
{
	struct approval *to;

	TRY(wire_list_add(&f->envelope.manifest_set_approvals, &approval_schema, &to, e));
	*to = MOVE(*from);
	return 0;
}

/* Is it, by its file's name, the same members' approval of another round? ret_nonce: of which. */
static bool is_of_another_round(const char *path, const struct approval *a,
                                const struct manifest_namespace *own, long long *ret_nonce)
{
	AUTO(buf) struct buf name = BUF_INIT(APPROVAL_FILE_MAX);
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	size_t prefix;
	char *end = NULL;
	struct err unfit;

	if (approval_file_name(buf_view(&a->member.alias), own, &name, &unfit) < 0)
		return false;
	prefix = (size_t)(strrchr(buf_text(&name), '-') - buf_text(&name)) + 1;
	if (strncmp(base, buf_text(&name), prefix) != 0 || base[prefix] < '0' || base[prefix] > '9')
		return false;
	*ret_nonce = strtoll(base + prefix, &end, 10);
	return strcmp(end, ".approval") == 0 && *ret_nonce != own->nonce;
}

/* Of a member who has approved already another signature says nothing new. */
static int take(struct context *c, struct manifest_file *f, const char *path, int64_t *added,
                struct err *e)
{
	AUTO(approval) struct approval a = { 0 };
	const struct member_set *set = &f->envelope.manifest.manifest_set;

	TRY(read_approval(path, &a, e));
	if (approval_check(&a, &f->hash, set, e) < 0) {
		const struct manifest_namespace *own = &f->envelope.manifest.namespace;
		long long nonce;

		if (!is_of_another_round(path, &a, own, &nonce))
			return err_wrap(e, "'%s'", path);
		progress_say(&c->progress,
		             "not taken: '%s' approves another manifest (nonce %lld, by its name); "
		             "this is nonce %lld",
		             path, nonce, (long long)own->nonce);
		return 0;
	}
	if (approvals_find(&f->envelope.manifest_set_approvals, buf_view(&a.member.alias))) {
		print_line(c, "%s: already there", buf_text(&a.member.alias));
		return 0;
	}
	print_line(c, "%s: approved", buf_text(&a.member.alias));
	(*added)++;
	return add(f, &a, e);
}

static int describe(const struct manifest_file *f, struct collected *r, struct err *e)
{
	memcpy(r->manifest_hash, f->hash.bytes, sizeof(r->manifest_hash));
	r->nonce = f->envelope.manifest.namespace.nonce;
	r->threshold = f->envelope.manifest.manifest_set.threshold;
	TRY(approvals_count(f, &r->approved, &r->waiting_for, e));
	r->enough = (int64_t)r->approved.count >= r->threshold;
	return 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(manifest_file) struct manifest_file f = { 0 };
	AUTO(collected) struct collected r = { 0 };
	const struct collect_args *args = arguments;

	TRY(manifest_read_v1(args->file, &f, e));
	TRY(manifest_check(&f.envelope, /* allow_keyless= */ false, e));
	/* Bad ones that are there already would spoil what is added. */
	if (approvals_check(&f.envelope.manifest_set_approvals, &f.hash,
	                    &f.envelope.manifest.manifest_set, /* needed= */ 0, e) < 0)
		return err_wrap(e, "'%s'", args->file);
	for (size_t i = 0; i < args->approvals.count; i++)
		TRY(take(c, &f, args->approvals.items[i], &r.added, e));
	if (r.added)
		TRY(manifest_write(args->file, &f.envelope, /* may_replace= */ true, e));
	TRY(describe(&f, &r, e));
	print_line(c, "%s: %zu of %lld approvals", args->file, r.approved.count,
	           (long long)r.threshold);
	TRY(print_json(c, &collected_schema, &r, e));
	if (r.enough)
		TRY(print_next_file(c, "manifest adopt", args->file, "", e));
	return approvals_wait(c, &f, &r.approved, &r.waiting_for, e);
}

const struct cmd cmd_manifest_collect = {
	.name = "manifest collect",
	.summary = "add members' approvals to a manifest envelope",
	.details =
	    "Verifies each approval file against the manifest's own set and hash, and adds those "
	    "of members who have not approved yet. One that is bad is named, and then nothing is "
	    "written; one whose name has another round's nonce is named and left out, so that "
	    "*.approval may stand for all that are there. The envelope is written anew as JSON of version 1, whole or not at all.\n\n"
	    "Status 3 says that more are needed than are there, and names who has not approved; "
	    "0 that there are enough. Run again with the same files it changes nothing.",
	.examples = { { "teectl manifest collect next.json alice-prod-8.approval "
	                "bob-prod-8.approval",
	                "two approvals" } },
	.exits = { 3, 5, 65, 66 },
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct collect_args),
	.run = run,
};
