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
	bool written;
};
static const struct wire_field measure_reply_fields[] = {
	JSON_TEXT(measure_reply, image),
	JSON_TEXT(measure_reply, role),
	JSON_LIST(measure_reply, pcrs, measured_pcr_schema),
	JSON_BOOL(measure_reply, written),
};
static const struct wire_schema measure_reply_schema =
    JSON_SCHEMA(measure_reply, measure_reply_fields);
WIRE_DROP(measure_reply);

static int describe(const struct cluster *c, const struct pcr_set *found, bool written,
                    struct measure_reply *ret, struct err *e)
{
	TRY(wire_set_text(&ret->image, c->enclave.image, e));
	TRY(wire_set_text(&ret->role, c->enclave.role ? c->enclave.role : "", e));
	ret->written = written;
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

	for (size_t i = 0; i < reply->pcrs.count; i++) {
		const struct measured_pcr *row = (const struct measured_pcr *)reply->pcrs.items + i;
		bool is_same = view_equal(buf_view(&row->pinned), buf_view(&row->value));
		char hex[2 * PCR_MAX_LEN + 1];

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
	return print_json(c, &measure_reply_schema, reply, e);
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
	    "The column PINNED compares with enclave.pcrs of the cluster file. With --write the "
	    "values measured are pinned there, and the rest of the file stays as it is. Pin on a "
	    "machine that you trust: from then on an image that differs by one bit is refused.\n\n"
	    "To find the libraries, the system's loader reads the image. It is no guard against an "
	    "image that was made to harm whoever reads it: measure a stranger's where that can do "
	    "no harm.",
	.examples = { { "teectl measure", "show the values, and whether they are those pinned" },
	              { "teectl measure --write", "pin them" },
	              { "teectl measure -o json | jq -r '.pcrs[0].value'", "PCR0 for a script" } },
	.exits = { 65 },
	.needs = NEEDS_CLUSTER,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct measure_args),
	.run = run,
};
