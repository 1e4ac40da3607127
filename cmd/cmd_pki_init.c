#include "cmd.h"
#include "pki.h"
#include "print.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

struct init_args {
	const char *folder, *name;
	int64_t days;
};

static const struct opt opts[] = {
	{ .name = "dir",
	  .kind = OPT_FOLDER,
	  .metavar = "DIR",
	  .offset = offsetof(struct init_args, folder),
	  .fallback = PKI_FOLDER,
	  .doc = "the CA's folder; made, for its owner alone, where it is missing" },
	{ .name = "name",
	  .kind = OPT_TEXT,
	  .metavar = "TEXT",
	  .offset = offsetof(struct init_args, name),
	  .doc = "the CA's name; \"teectl CA\" and a random number unless given" },
	{ .name = "days",
	  .kind = OPT_NUMBER,
	  .metavar = "N",
	  .offset = offsetof(struct init_args, days),
	  .fallback = "3653",
	  .min = 1,
	  .max = AUTHORITY_DAYS_MAX,
	  .doc = "how long it is valid" },
};

/* It stands in certificates and on screens. */
static int check_name(const char *name, struct err *e)
{
	if (!name)
		return 0;
	if (strlen(name) > AUTHORITY_NAME_MAX)
		return err_set(e, ERR_USAGE, "--name: more than %d bytes", AUTHORITY_NAME_MAX);
	for (const char *at = name; *at; at++)
		if (text_control(at))
			return err_set(e, ERR_USAGE, "--name: it has a control character");
	return 0;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(issued_document) struct issued_document d = { 0 };
	AUTO(issued) struct issued made = { 0 };
	const struct init_args *args = arguments;

	TRY(check_name(args->name, e));
	TRY(authority_init(args->folder, args->name, args->days, clock_unix_ms() / 1000, &made, e));
	TRY(issued_document_make(&made, &d, e));
	print_line(c, "%s and %s%s", made.certificate, made.key,
	           made.is_kept ? " (kept: there already)" : "");
	if (made.is_kept)
		print_line(c, "nothing to do: the CA is there already");
	print_line(c, "valid until %s", buf_text(&d.not_after));
	return print_json(c, &issued_document_schema, &d, e);
}

const struct cmd cmd_pki_init = {
	.name = "pki init",
	.summary = "make a small CA for clients and servers",
	.details =
	    "Makes DIR/ca.pem, which goes into `tls.ca` and `tls.server.clientCa` of the cluster file, "
	    "and DIR/ca.key, readable by its owner alone, with which `pki issue` signs. Who has a CA "
	    "already needs neither verb: a certificate needs extendedKeyUsage clientAuth and a URI "
	    "such as urn:teectl:role:operator among its alternative names.\n\n"
	    "A CA that is there already is kept, never overwritten. ca.pem is measured into PCR2 "
	    "of each enclave that is started with it, so another CA is another enclave. Whoever reads "
	    "ca.key can give himself any role: keep it away from where teectl runs.",
	.examples = { { "teectl pki init", "make pki/ca.pem and pki/ca.key" },
	              { "teectl pki init --dir /media/key/pki --days 730",
	                "make them where they are kept offline, for two years" } },
	.exits = { 65, 66 },
	.needs = NEEDS_SECRETS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct init_args),
	.run = run,
};
