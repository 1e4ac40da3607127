#include "cmd.h"
#include "print.h"

struct version {
	struct buf version;
};
static const struct wire_field version_fields[] = { JSON_TEXT(version, version) };
static const struct wire_schema version_schema = JSON_SCHEMA(version, version_fields);
WIRE_DROP(version);

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(version) struct version v = { 0 };

	(void)arguments;
	TRY(wire_set_text(&v.version, TEECTL_VERSION, e));
	print_line(c, "teectl %s", TEECTL_VERSION);
	return print_json(c, &version_schema, &v, e);
}

const struct cmd cmd_version = {
	.name = "version",
	.summary = "show the version of teectl",
	.details = "Prints the version. Enclaves tell theirs in the reply to GET /health and GET "
	           "/status; a cluster works best when all are of one version.",
	.examples = { { "teectl version", "print it" },
	              { "teectl version -o json", "print it for a script" } },
	.run = run,
};
