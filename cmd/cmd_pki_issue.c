#include "cmd.h"
#include "pki.h"
#include "print.h"

#include "base/clock.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>

#define HOST_MAX  253 /* RFC 1035 2.3.4, without the root's dot */
#define LABEL_MAX 63
#define HOSTS_MAX 16 /* names and addresses of one machine */

struct issue_args {
	const char *name, *folder, *out;
	struct text_list roles, members, hosts;
	bool is_server;
	int64_t days;
};

static const struct opt opts[] = {
	{ .name = "role",
	  .kind = OPT_TEXT,
	  .metavar = "ROLE",
	  .is_list = true,
	  .offset = offsetof(struct issue_args, roles),
	  .doc = "what a client may do: observer, member, operator, peer or app" },
	{ .name = "member",
	  .kind = OPT_TEXT,
	  .metavar = "ALIAS",
	  .is_list = true,
	  .offset = offsetof(struct issue_args, members),
	  .doc = "whose shares a client of role member may send" },
	{ .name = "server",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct issue_args, is_server),
	  .doc = "for an enclave's server, not for a client" },
	{ .name = "host",
	  .kind = OPT_TEXT,
	  .metavar = "HOST",
	  .is_list = true,
	  .offset = offsetof(struct issue_args, hosts),
	  .doc = "a name or an address under which the server is reached" },
	{ .name = "dir",
	  .kind = OPT_FOLDER,
	  .metavar = "DIR",
	  .offset = offsetof(struct issue_args, folder),
	  .fallback = PKI_FOLDER,
	  .doc = "the CA's folder" },
	{ .name = "days",
	  .kind = OPT_NUMBER,
	  .metavar = "N",
	  .offset = offsetof(struct issue_args, days),
	  .fallback = "90",
	  .min = 1,
	  .max = ISSUED_DAYS_MAX,
	  .doc = "how long it is valid" },
	{ .name = "out",
	  .kind = OPT_FILE,
	  .metavar = "PREFIX",
	  .offset = offsetof(struct issue_args, out),
	  .doc = "where to write: PREFIX.pem and PREFIX.key; DIR/NAME unless given" },
	{ .kind = OPT_TEXT,
	  .metavar = "NAME",
	  .is_required = true,
	  .offset = offsetof(struct issue_args, name),
	  .doc = "who gets it; a certificate's roles, not its name, decide what he may do" },
};

/* What stands in a URI, a file name and a cluster file. */
static int check_word(const char *what, const char *text, size_t max, struct err *e)
{
	size_t len = strlen(text);

	if (len > max || strspn(text, NAME_CHARACTERS) != len || *text == '.' || *text == '-')
		return err_set(e, ERR_USAGE,
		               "%s '%.64s': expected 1 to %zu of A-Z a-z 0-9 . _ -, and neither "
		               ". nor - to begin with",
		               what, text, max);
	return 0;
}

static bool is_host_name(const char *host)
{
	if (strlen(host) > HOST_MAX)
		return false;
	for (;;) {
		size_t len = strcspn(host, ".");

		if (len == 0 || len > LABEL_MAX || host[0] == '-' || host[len - 1] == '-' ||
		    strspn(host,
		           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") !=
		        len)
			return false;
		if (!host[len])
			return true;
		host += len + 1;
	}
}

static bool is_address(const char *host)
{
	uint8_t address[16];

	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static int add_host(const char *host, struct issue_request *q, struct err *e)
{
	bool is_number = strspn(host, "0123456789.") == strlen(host);

	if (!is_address(host) && (is_number || !is_host_name(host)))
		return err_set(e, ERR_USAGE,
		               "--host '%.64s': neither the name of a host nor an IPv4 or IPv6 "
		               "address",
		               host);
	q->names[q->name_count++] =
	    (struct certificate_name){ is_address(host) ? CERTIFICATE_ADDRESS : CERTIFICATE_DNS,
		                       host };
	return 0;
}

static int add_hosts(const struct issue_args *args, struct issue_request *q, struct err *e)
{
	if (args->hosts.count == 0)
		return err_set(e, ERR_USAGE,
		               "--server needs --host HOST: under which name or address clients "
		               "reach it");
	if (args->roles.count || args->members.count)
		return err_set(e, ERR_USAGE,
		               "--server excludes --role and --member: a certificate is for a "
		               "server or for a client");
	if (args->hosts.count > HOSTS_MAX)
		return err_set(e, ERR_USAGE, "--host: more than %d", HOSTS_MAX);
	for (size_t i = 0; i < args->hosts.count; i++)
		TRY(add_host(args->hosts.items[i], q, e));
	return 0;
}

/* The URIs that the names of a request point to. */
struct uris {
	struct buf items[ISSUED_NAMES_MAX];
	size_t count;
};

static void uris_drop(struct uris *u)
{
	for (size_t i = 0; i < u->count; i++)
		buf_drop(&u->items[i]);
}

static struct buf *uri_add(struct uris *u)
{
	u->items[u->count] = BUF_INIT(ROLE_URI_MAX);
	return &u->items[u->count++];
}

static int add_role(const char *word, unsigned *roles, struct uris *u, struct err *e)
{
	const char *nearest = text_nearest(word, role_words);
	unsigned role = role_find(word);

	if (!role && nearest)
		return err_set(e, ERR_USAGE, "--role: '%.64s' is not known; did you mean '%s'?",
		               word, nearest);
	if (!role)
		return err_set(
		    e, ERR_USAGE,
		    "--role: '%.64s' is not one of observer, member, operator, peer, app", word);
	if (*roles & role)
		return err_set(e, ERR_USAGE, "--role %s is given twice", word);
	*roles |= role;
	return role_uri_format(role, uri_add(u), e);
}

static int add_members(const struct text_list *members, unsigned roles, struct uris *u,
                       struct err *e)
{
	bool is_member = (roles & ROLE_MEMBER) != 0;

	if (is_member && members->count == 0)
		return err_set(e, ERR_USAGE,
		               "--role member needs --member ALIAS: whose shares it may send");
	if (!is_member && members->count)
		return err_set(e, ERR_USAGE, "--member counts with --role member alone");
	if (members->count > ROLE_MEMBERS_MAX)
		return err_set(e, ERR_USAGE, "--member: more than %d", ROLE_MEMBERS_MAX);
	for (size_t i = 0; i < members->count; i++) {
		TRY(check_word("--member", members->items[i], ALIAS_MAX, e));
		TRY(member_uri_format(members->items[i], uri_add(u), e));
	}
	return 0;
}

static int add_roles(const struct issue_args *args, struct uris *u, struct issue_request *q,
                     struct err *e)
{
	unsigned roles = 0;

	if (args->hosts.count)
		return err_set(e, ERR_USAGE, "--host is for servers: --server");
	if (args->roles.count == 0)
		return err_set(e, ERR_USAGE,
		               "--role ROLE is required, or --server for an enclave's server");
	for (size_t i = 0; i < args->roles.count; i++)
		TRY(add_role(args->roles.items[i], &roles, u, e));
	TRY(add_members(&args->members, roles, u, e));
	for (size_t i = 0; i < u->count; i++)
		q->names[q->name_count++] =
		    (struct certificate_name){ CERTIFICATE_URI, buf_text(&u->items[i]) };
	return 0;
}

static void print_issued(struct context *c, const struct issue_request *q,
                         const struct issued_document *d)
{
	print_line(c, "%s and %s", buf_text(&d->certificate), buf_text(&d->key));
	for (size_t i = 0; i < q->name_count; i++)
		print_line(c, "  %s", q->names[i].text);
	print_line(c, "valid until %s", buf_text(&d->not_after));
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(issued_document) struct issued_document d = { 0 };
	AUTO(issued) struct issued made = { 0 };
	AUTO(uris) struct uris uris = { 0 };
	const struct issue_args *args = arguments;
	struct issue_request q = { .folder = args->folder,
		                   .name = args->name,
		                   .prefix = args->out,
		                   .use = args->is_server ? CERTIFICATE_SERVER : CERTIFICATE_CLIENT,
		                   .days = args->days };

	TRY(check_word("NAME", args->name, AUTHORITY_NAME_MAX, e));
	TRY(args->is_server ? add_hosts(args, &q, e) : add_roles(args, &uris, &q, e));
	if (authority_issue(&q, clock_unix_ms() / 1000, &made, e) < 0) {
		if (e->code == ERR_NO_INPUT)
			context_hint(c, "teectl pki init makes one; --dir names the folder of "
			                "another");
		return -1;
	}
	TRY(issued_document_make(&made, &d, e));
	print_issued(c, &q, &d);
	return print_json(c, &issued_document_schema, &d, e);
}

const struct cmd cmd_pki_issue = {
	.name = "pki issue",
	.summary = "make a certificate for a client or a server",
	.details =
	    "Signs a new key's certificate with the CA of `pki init`, and writes PREFIX.pem and "
	    "PREFIX.key, readable by its owner alone. What a client may do is written in its "
	    "certificate, as URIs (urn:teectl:role:ROLE, urn:teectl:member:ALIAS):\n\n"
	    "observer looks: status, metrics, receipts. member sends the shares of its ALIAS. "
	    "operator drives the cluster: all of that, genesis, every share, forwarding. peer "
	    "forwards keys. app asks for seed phrases, and nobody else may.\n\n"
	    "There is no revocation: certificates are short-lived, and another CA is another "
	    "enclave. Nothing is overwritten; a renewed certificate goes to another PREFIX.",
	.examples = { { "teectl pki issue alice --role operator",
	                "make pki/alice.pem and its key" },
	              { "teectl pki issue bob --role member --member member2",
	                "for the member of that alias" },
	              { "teectl pki issue wallet --role app --days 30", "for an application" },
	              { "teectl pki issue tee1 --server --host tee1.example --host 10.0.0.5",
	                "for an enclave's server" } },
	.exits = { 65, 66 },
	.needs = NEEDS_SECRETS,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct issue_args),
	.run = run,
};
