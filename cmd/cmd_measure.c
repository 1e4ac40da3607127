#include "cmd.h"
#include "print.h"

#include "base/file.h"
#include "base/text.h"
#include "cluster/expect.h"
#include "cluster/launcher.h"

#include <string.h>

struct measure_args {
	bool write, next;
};

static const struct opt opts[] = {
	{ .name = "write",
	  .letter = 'w',
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct measure_args, write),
	  .doc = "pin what was measured: write enclave.pcrs in the cluster file" },
	{ .name = "next",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct measure_args, next),
	  .doc =
	      "with --write: for the manifest that is to follow, though the current one differs" },
};

struct measured_pcr {
	int64_t index;
	struct buf measures, value, pinned;
	bool has_pinned;
};
static const struct wire_field measured_pcr_fields[] = {
	JSON_NUMBER(measured_pcr, index),
	JSON_TEXT(measured_pcr, measures),
	JSON_HEX(measured_pcr, value),
	JSON_MAYBE(measured_pcr, pinned, struct buf, has_pinned, .kind = WIRE_HEX,
	           .max = PCR_MAX_LEN),
};
static const struct wire_schema measured_pcr_schema =
    JSON_SCHEMA(measured_pcr, measured_pcr_fields);

/* What PCR2 measures. */
struct measured_option_row {
	struct buf name, value;
};
static const struct wire_field measured_option_fields[] = {
	JSON_TEXT(measured_option_row, name),
	JSON_TEXT(measured_option_row, value),
};
static const struct wire_schema measured_option_schema =
    JSON_SCHEMA(measured_option_row, measured_option_fields);

struct measure_reply {
	struct buf image, role;
	struct wire_list pcrs, options;
	uint8_t manifest_set_pin[32], share_set_pin[32];
	bool written;
};
static const struct wire_field measure_reply_fields[] = {
	JSON_TEXT(measure_reply, image),
	JSON_TEXT(measure_reply, role),
	JSON_LIST(measure_reply, pcrs, measured_pcr_schema),
	JSON_LIST(measure_reply, options, measured_option_schema),
	JSON_HEX_FIXED(measure_reply, manifest_set_pin),
	JSON_HEX_FIXED(measure_reply, share_set_pin),
	JSON_BOOL(measure_reply, written),
};
static const struct wire_schema measure_reply_schema =
    JSON_SCHEMA(measure_reply, measure_reply_fields);
WIRE_DROP(measure_reply);

/* What who launches by other means has to pass on. */
static int describe_pins(const struct cluster *c, struct measure_reply *ret, struct err *e)
{
	struct hash256 manifest_set, share_set;

	TRY(cluster_set_pin(&c->manifest_set, &manifest_set, e));
	TRY(cluster_set_pin(&c->quorum.members, &share_set, e));
	memcpy(ret->manifest_set_pin, manifest_set.bytes, sizeof(ret->manifest_set_pin));
	memcpy(ret->share_set_pin, share_set.bytes, sizeof(ret->share_set_pin));
	return 0;
}

static int describe_options(const struct cluster *c, struct measure_reply *ret, struct err *e)
{
	AUTO(launch_values) struct launch_values values = { 0 };

	TRY(cluster_measured_options(c, &values, e));
	for (unsigned i = 0; i < LAUNCH_COUNT; i++) {
		struct measured_option_row *row;

		if (!values.values[i].len)
			continue;
		TRY(wire_list_add(&ret->options, &measured_option_schema, &row, e));
		TRY(wire_set_text(&row->name, launch_options[i].name, e));
		TRY(wire_set(&row->value, buf_view(&values.values[i]), e));
	}
	return 0;
}

static int describe(const struct cluster *c, const struct pcr_set *found, bool written,
                    struct measure_reply *ret, struct err *e)
{
	TRY(wire_set_text(&ret->image, c->enclave.image, e));
	TRY(wire_set_text(&ret->role, c->enclave.role ? c->enclave.role : "", e));
	ret->written = written;
	TRY(describe_pins(c, ret, e));
	TRY(describe_options(c, ret, e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		const struct pcr *pinned = &c->enclave.pcrs.values[i];
		struct measured_pcr *row;

		TRY(wire_list_add(&ret->pcrs, &measured_pcr_schema, &row, e));
		row->index = i;
		TRY(wire_set_text(&row->measures, pcr_name(i), e));
		TRY(wire_set(&row->value, pcr_view(&found->values[i]), e));
		row->has_pinned = pinned->len != 0;
		if (row->has_pinned)
			TRY(wire_set(&row->pinned, pcr_view(pinned), e));
	}
	return 0;
}

/* As they are given to an enclave; --client-ca as PCR2 knows it. */
static void print_options(struct context *c, const struct measure_reply *reply)
{
	for (size_t i = 0; i < reply->options.count; i++) {
		const struct measured_option_row *row =
		    (const struct measured_option_row *)reply->options.items + i;
		const char *name = buf_text(&row->name), *value = buf_text(&row->value);

		if (strcmp(name, launch_options[LAUNCH_CLIENT_CA].name) == 0)
			print_line(c, "--%s of the certificates with SHA-256 %s", name, value);
		else if (strcmp(name, launch_options[LAUNCH_INSECURE_OPEN_SEED].name) == 0)
			print_line(c, "--%s", name);
		else
			print_line(c, "--%s %s", name, value);
	}
}

/* Against what was pinned before: --write has just made it the same. */
static int add_pinned(struct table *t, const struct pcr *before, const struct measured_pcr *row,
                      bool is_written, struct err *e)
{
	bool is_same = view_equal(pcr_view(before), buf_view(&row->value));

	if (is_same && before->len)
		return table_cell(t, TONE_GOOD, e, "same");
	if (is_written)
		return table_cell(t, TONE_GOOD, e, "%s", before->len ? "changed" : "new");
	return before->len ? table_cell(t, TONE_BAD, e, "differs")
	                   : table_cell(t, TONE_FAINT, e, "no");
}

/* before: the pins that the file had */
static int print(struct context *c, const struct measure_reply *reply, const struct pcr_set *before,
                 struct err *e)
{
	AUTO(table) struct table t = TABLE_INIT("PCR", "MEASURES", "PINNED", "VALUE");
	char hex[2 * PCR_MAX_LEN + 1];

	for (size_t i = 0; i < reply->pcrs.count; i++) {
		const struct measured_pcr *row = (const struct measured_pcr *)reply->pcrs.items + i;

		hex_write(buf_view(&row->value), hex);
		TRY(table_cell(&t, TONE_PLAIN, e, "%d", (int)row->index));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&row->measures)));
		TRY(add_pinned(&t, &before->values[row->index], row, reply->written, e));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", hex));
	}
	table_print(c, &t);
	print_line(c, "PCR%d is of these options, in effect:", (int)PCR_OPTIONS);
	print_options(c, reply);
	return print_json(c, &measure_reply_schema, reply, e);
}

/* What was measured, held against the manifest that the state keeps. */
struct comparison {
	bool has_manifest;
	bool is_of_sets; /* the file's members and thresholds are the manifest's */
	unsigned index;  /* the first PCR that differs from it; PCR_POLICY_COUNT: none */
	struct pcr_set manifest;
};

static int look_at_sets(const struct cluster *c, const struct manifest *m, bool *ret, struct err *e)
{
	AUTO(member_set) struct member_set manifest_set = { 0 };
	AUTO(member_set) struct member_set share_set = { 0 };

	TRY(cluster_member_set(&c->manifest_set, &manifest_set, e));
	TRY(cluster_member_set(&c->quorum.members, &share_set, e));
	*ret = member_set_equal(&manifest_set, &m->manifest_set) &&
	       member_set_equal(&share_set, &m->share_set);
	return 0;
}

static int look(struct context *c, const struct pcr_set *found, struct comparison *ret,
                struct err *e)
{
	AUTO(kept_genesis) struct kept_genesis genesis = { 0 };

	*ret = (struct comparison){ .index = PCR_POLICY_COUNT };
	TRY(state_load_genesis(&c->state, &ret->has_manifest, &genesis, e));
	if (!ret->has_manifest)
		return 0;
	TRY(manifest_pcrs(&genesis.envelope.manifest, &ret->manifest, e));
	TRY(look_at_sets(&c->cluster, &genesis.envelope.manifest, &ret->is_of_sets, e));
	for (unsigned i = PCR_POLICY_COUNT; i-- > 0;)
		if (!pcr_equal(&ret->manifest.values[i], &found->values[i]))
			ret->index = i;
	return 0;
}

/* No manifest may follow another with another role, or other sets. */
static bool may_be_next(const struct comparison *s, const struct pcr_set *found)
{
	return s->is_of_sets && pcr_equal(&s->manifest.values[PCR_ROLE], &found->values[PCR_ROLE]);
}

static const char *way_to_pin(const struct comparison *s)
{
	return s->index == PCR_POLICY_COUNT ? "teectl measure --write"
	                                    : "teectl measure --write --next";
}

/* Of the nodes that are launched here each runs: up has been. */
static bool all_run(const struct context *c)
{
	struct local_node local;
	struct err unknown;
	size_t count = 0;

	for (size_t i = 0; i < c->cluster.node_count; i++) {
		if (!c->cluster.nodes[i].listen)
			continue;
		if (launcher_look(&c->state, &c->cluster.nodes[i], &local, &unknown) < 0 ||
		    !local.is_running)
			return false;
		count++;
	}
	return count > 0;
}

/* One member's key is here, and the others' are not: he may be no operator. */
static bool is_one_members(const struct cluster_member_list *members)
{
	size_t here = 0;

	for (size_t i = 0; i < members->count; i++)
		here += members->items[i].key && file_is_there(members->items[i].key);
	return here == 1 && members->count > 1;
}

static const char *way_from_pins(const struct context *c, const struct comparison *s)
{
	if (s->has_manifest || c->cluster.quorum.public_key)
		return "teectl up";
	if (all_run(c))
		return "teectl genesis";
	return is_one_members(&c->cluster.quorum.members) ? "teectl up, by the operator"
	                                                  : "teectl up";
}

/* Pinned values are what up launches by, or the next manifest is drafted from; others are pinned
 * first. is_next: what was measured is of a manifest that is to follow; where the state keeps no
 * genesis it is a member's, and the manifest is one that he was sent. */
static int add_next(const struct context *c, const struct measure_reply *reply,
                    const struct comparison *s, bool is_next, struct buf *to, struct err *e)
{
	AUTO(buf) struct buf name = BUF_INIT(FILE_FREE_NAME_MAX);
	const struct measured_pcr *rows = reply->pcrs.items;

	for (size_t i = 0; i < reply->pcrs.count; i++)
		if (!rows[i].has_pinned ||
		    !view_equal(buf_view(&rows[i].pinned), buf_view(&rows[i].value)))
			return buf_add_text(to, way_to_pin(s), e);
	if (is_next && !s->has_manifest)
		return buf_add_text(to, "teectl manifest approve FILE --key KEY", e);
	if (s->index == PCR_POLICY_COUNT)
		return buf_add_text(to, way_from_pins(c, s), e);
	/* That of the upgrade before may be there. */
	TRY(file_free_name("next.json", &name, e));
	return buf_add_format(to, e, "teectl manifest new --out %s", buf_text(&name));
}

/* ERR_NOT_DESIRED, naming those that are pinned to something else. */
static int judge(struct context *c, const struct measure_reply *reply, const struct comparison *s,
                 struct err *e)
{
	const struct measured_pcr *rows = reply->pcrs.items;
	AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX);

	for (size_t i = 0; i < reply->pcrs.count; i++)
		if (rows[i].has_pinned &&
		    !view_equal(buf_view(&rows[i].pinned), buf_view(&rows[i].value)))
			TRY(buf_add_format(&names, e, "%sPCR%d (%s)", names.len ? ", " : "",
			                   (int)rows[i].index, buf_text(&rows[i].measures)));
	if (names.len == 0)
		return 0;
	context_hint(c, "if what differs is what you mean to run%s, %s pins it",
	             s->index == PCR_POLICY_COUNT ? "" : " next", way_to_pin(s));
	return err_set(e, ERR_NOT_DESIRED, "%s: not as pinned in '%s'", buf_text(&names),
	               c->cluster.path);
}

/* Pins that the cluster's manifest contradicts stop every verb, until the next one is adopted. */
static int check_manifest(struct context *c, const struct comparison *s,
                          const struct pcr_set *found, bool is_next, struct err *e)
{
	char expected[2 * PCR_MAX_LEN + 1], measured[2 * PCR_MAX_LEN + 1];
	unsigned i = s->index;

	if (i == PCR_POLICY_COUNT || (is_next && may_be_next(s, found)))
		return 0;
	hex_write(pcr_view(&s->manifest.values[i]), expected);
	hex_write(pcr_view(&found->values[i]), measured);
	context_hint(c,
	             "%sput back what PCR%u (%s) measures: the image, the members and thresholds, "
	             "the options and the role that the cluster had at its genesis",
	             may_be_next(s, found)
	                 ? "for the manifest that is to follow: teectl measure --write --next, "
	                   "then teectl manifest new; else "
	                 : "",
	             i, pcr_name(i));
	return err_set(e, ERR_NOT_DESIRED,
	               "nothing was pinned: PCR%u (%s) is not what this cluster's manifest says, "
	               "and no TEE could join with it: expected %s, found %s",
	               i, pcr_name(i), expected, measured);
}

static int pin(struct context *c, const struct comparison *s, const struct pcr_set *found,
               bool is_next, struct err *e)
{
	TRY(check_manifest(c, s, found, is_next, e));
	TRY(cluster_write_pcrs(c->cluster.path, found, e));
	c->cluster.enclave.pcrs = *found;
	return 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(measure_reply) struct measure_reply reply = { 0 };
	AUTO(buf) struct buf next = BUF_INIT(PROGRESS_LINE_MAX);
	const struct measure_args *args = arguments;
	const struct pcr_set before = c->cluster.enclave.pcrs;
	struct pcr_set found = { 0 };
	struct comparison s;

	if (args->next && !args->write)
		return err_set(e, ERR_USAGE, "--next says for whom --write pins: it needs --write");
	TRY(cluster_measure(&c->cluster, &found, e));
	TRY(look(c, &found, &s, e));
	if (args->write)
		TRY(pin(c, &s, &found, args->next, e));
	TRY(describe(&c->cluster, &found, args->write, &reply, e));
	TRY(print(c, &reply, &before, e));
	if (args->write)
		progress_say(&c->progress, "%s: PCR0 to 3 are pinned%s", c->cluster.path,
		             s.index == PCR_POLICY_COUNT ? ""
		                                         : " for the manifest that is to follow; "
		                                           "until teectl manifest adopt the verbs "
		                                           "that look at TEEs refuse them");
	TRY(judge(c, &reply, &s, e));
	TRY(add_next(c, &reply, &s, args->next, &next, e));
	print_next(c, buf_text(&next));
	return 0;
}

const struct cmd cmd_measure = {
	.name = "measure",
	.summary = "compute the PCRs that the enclaves must show",
	.details =
	    "Measures what the cluster file says will run, without running it: the image (PCR0), "
	    "the loader and the shared libraries that it resolves on this machine (PCR1), the "
	    "launch options that change who may do what (PCR2), and the role (PCR3). The "
	    "hypervisor measures the same way, so these are the values that every enclave's "
	    "attestation documents have to show.\n\n"
	    "The column PINNED compares with enclave.pcrs of the cluster file; status 2 means that "
	    "one differs. With --write the "
	    "values measured are pinned there (`new`, `changed`, or the `same` as before), and the "
	    "rest of the file stays as it is; not so "
	    "values that the cluster's manifest contradicts, unless --next says that they are for "
	    "the manifest that is to follow (teectl manifest new). Pin on a "
	    "machine that you trust: from then on an image that differs by one bit is refused.\n\n"
	    "Below stand the launch options that PCR2 measures, with the values in effect: the pins "
	    "of the member sets, the limits, and the certificates of --client-ca, each by its "
	    "SHA-256. `up` passes on what is no default; whoever launches enclaves by other means "
	    "has to.\n\n"
	    "To find the libraries, the system's loader reads the image, for at most 10 s and "
	    "without a way to more rights. With yours it still runs an audit library that the "
	    "image names (DT_AUDIT), and what that leaves behind is not ended: measure a "
	    "stranger's image where that can do no harm.",
	.examples = { { "teectl measure", "show the values, and whether they are those pinned" },
	              { "teectl measure --write", "pin them" },
	              { "teectl measure --write --next",
	                "pin those of the next image, which enclave.image names by now" },
	              { "teectl measure -o json | jq -r '.pcrs[0].value'", "PCR0 for a script" } },
	.exits = { 2, 65 },
	.needs = NEEDS_CLUSTER | NEEDS_STATE,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct measure_args),
	.run = run,
};
