#include "cmd.h"
#include "print.h"

#include "base/text.h"
#include "cluster/expect.h"

#include <string.h>

struct measure_args {
	bool write;
};

static const struct opt opts[] = {
	{ .name = "write",
	  .letter = 'w',
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct measure_args, write),
	  .doc = "pin what was measured: write enclave.pcrs in the cluster file" },
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

struct measure_reply {
	struct buf image, role;
	struct wire_list pcrs;
	uint8_t manifest_set_pin[32], share_set_pin[32];
	bool written;
};
static const struct wire_field measure_reply_fields[] = {
	JSON_TEXT(measure_reply, image),
	JSON_TEXT(measure_reply, role),
	JSON_LIST(measure_reply, pcrs, measured_pcr_schema),
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

static int describe(const struct cluster *c, const struct pcr_set *found, bool written,
                    struct measure_reply *ret, struct err *e)
{
	TRY(wire_set_text(&ret->image, c->enclave.image, e));
	TRY(wire_set_text(&ret->role, c->enclave.role ? c->enclave.role : "", e));
	ret->written = written;
	TRY(describe_pins(c, ret, e));
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

static int print(struct context *c, const struct measure_reply *reply, struct err *e)
{
	AUTO(table) struct table t = TABLE_INIT("PCR", "MEASURES", "PINNED", "VALUE");
	char hex[2 * PCR_MAX_LEN + 1];

	for (size_t i = 0; i < reply->pcrs.count; i++) {
		const struct measured_pcr *row = (const struct measured_pcr *)reply->pcrs.items + i;
		bool is_same = view_equal(buf_view(&row->pinned), buf_view(&row->value));

		hex_write(buf_view(&row->value), hex);
		TRY(table_cell(&t, TONE_PLAIN, e, "%d", (int)row->index));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", buf_text(&row->measures)));
		if (!row->has_pinned)
			TRY(table_cell(&t, TONE_FAINT, e, "no"));
		else
			TRY(table_cell(&t, is_same ? TONE_GOOD : TONE_BAD, e, "%s",
			               is_same ? "same" : "differs"));
		TRY(table_cell(&t, TONE_PLAIN, e, "%s", hex));
	}
	table_print(c, &t);
	hex_write(VIEW_OF(reply->manifest_set_pin), hex);
	print_line(c, "--pin-manifest-set %s", hex);
	hex_write(VIEW_OF(reply->share_set_pin), hex);
	print_line(c, "--pin-share-set %s", hex);
	return print_json(c, &measure_reply_schema, reply, e);
}

/* ERR_NOT_DESIRED, naming those that are pinned to something else. */
static int judge(struct context *c, const struct measure_reply *reply, struct err *e)
{
	const struct measured_pcr *rows = reply->pcrs.items;
	AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX);
	char file[FILE_OPTION_MAX];

	for (size_t i = 0; i < reply->pcrs.count; i++)
		if (rows[i].has_pinned &&
		    !view_equal(buf_view(&rows[i].pinned), buf_view(&rows[i].value)))
			TRY(buf_add_format(&names, e, "%sPCR%d (%s)", names.len ? ", " : "",
			                   (int)rows[i].index, buf_text(&rows[i].measures)));
	if (names.len == 0)
		return 0;
	context_file_option(c, file);
	context_hint(c, "if what differs is what you mean to run, teectl%s measure --write pins it",
	             file);
	return err_set(e, ERR_NOT_DESIRED, "%s: not as pinned in '%s'", buf_text(&names),
	               c->cluster.path);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(measure_reply) struct measure_reply reply = { 0 };
	const struct measure_args *args = arguments;
	struct pcr_set found = { 0 };

	TRY(cluster_measure(&c->cluster, &found, e));
	if (args->write)
		TRY(cluster_write_pcrs(c->cluster.path, &found, e));
	TRY(describe(&c->cluster, &found, args->write, &reply, e));
	TRY(print(c, &reply, e));
	if (args->write)
		progress_say(&c->progress, "%s: PCR0 to 3 are pinned", c->cluster.path);
	return args->write ? 0 : judge(c, &reply, e);
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
	    "values measured are pinned there, and the rest of the file stays as it is. Pin on a "
	    "machine that you trust: from then on an image that differs by one bit is refused.\n\n"
	    "Below stand the pins of the member sets. `up` passes them on; whoever launches "
	    "enclaves by other means has to, and they are part of PCR2.\n\n"
	    "To find the libraries, the system's loader reads the image, for at most 10 s and "
	    "without a way to more rights. With yours it still runs an audit library that the "
	    "image names (DT_AUDIT), and what that leaves behind is not ended: measure a "
	    "stranger's image where that can do no harm.",
	.examples = { { "teectl measure", "show the values, and whether they are those pinned" },
	              { "teectl measure --write", "pin them" },
	              { "teectl measure -o json | jq -r '.pcrs[0].value'", "PCR0 for a script" } },
	.exits = { 2, 65 },
	.needs = NEEDS_CLUSTER,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct measure_args),
	.run = run,
};
