#include "report.h"

#include "manifests.h"
#include "orchestrate/drill.h"
#include "orchestrate/plan_file.h"

#include "print.h"
#include "orchestrate/observe.h"
#include "orchestrate/believe.h"
#include "orchestrate/policy.h"

#include "attest/pcr.h"
#include "base/file.h"
#include "base/text.h"
#include "client/client.h"
#include "cluster/select.h"

#include <stdio.h>
#include <string.h>

/* Those with a cause are the enclave's refusals (contract.md, "Ground rules"); where the seed names
 * cause and solution of one, these are its words. */
const struct advice advice_table[] = {
	{ ERR_NOT_DESIRED, NULL, "teectl status says what is missing" },
	{ ERR_WAITING, NULL,
	  "run the same command again when the members named have done their part" },
	{ ERR_PARTIAL, NULL, "run the same command again: it goes on with what is missing" },
	{ ERR_REFUSED, NULL,
	  "teectl status names the check that failed; trying again does not help" },
	{ ERR_DATA, NULL, "correct or replace what is named; nothing was changed" },
	{ ERR_NO_INPUT, NULL, "check the path, or name another file" },
	{ ERR_UNREACHABLE, NULL,
	  "teectl status shows who answers; of this machine's nodes teectl logs NODE says why one "
	  "does not, and teectl up starts it" },
	{ ERR_TRY_AGAIN, NULL, "run the same command again; --timeout gives it longer" },
	{ ERR_CONFIG, NULL,
	  "teectl validate checks the file; teectl-cluster(5) explains each key" },
	{ ERR_INTERRUPTED, NULL, "run the same command again: it goes on from there" },
	{ ERR_INTERNAL, NULL,
	  "this is a fault of teectl's own or of this machine; please report it" },
	{ ERR_REQUEST, "the request is not as the enclave's contract has it",
	  "compare the versions of both: teectl version, and /health of the enclave" },
	{ ERR_NO_MANIFEST, "manifest not shared before attestation generation",
	  "share the manifest envelope first: teectl propagate does" },
	{ ERR_NAMESPACE, "the enclave's manifest has another namespace or nonce",
	  "compare `manifest` of the cluster file with what teectl status shows" },
	{ ERR_THRESHOLD, "a threshold that is below its minimum or above the number of members",
	  "correct `threshold` in the cluster file; teectl validate checks it" },
	{ ERR_MANIFEST, "a manifest or member set that is not well formed",
	  "correct the members in the cluster file; each has an alias and a key of his own" },
	{ ERR_SHARE,
	  "a share that is missing, repeated, or not the one that genesis gave its member",
	  "have the member named look for the share file of this genesis, and inject again" },
	{ ERR_RECONSTRUCTION, "the shares do not give the manifest's quorum key",
	  "have the members check their share files, and inject again" },
	{ ERR_ATTESTATION,
	  "manifest hash or PCR values mismatch, or another check that is named above",
	  "ensure that both TEEs use identical manifest data and images: teectl status, teectl "
	  "measure" },
	{ ERR_PHASE, "the TEE is not in the expected state for this operation",
	  "verify the TEE's phase with teectl status, and follow the sequence: up, genesis, "
	  "inject, propagate" },
	{ ERR_INJECTION, "invalid encrypted key or signature",
	  "verify that export and injection were of one run: teectl propagate does both again" },
	{ ERR_APPROVAL,
	  "too few valid approvals, no lawful successor, another root, or against a pin",
	  "compare the manifest and the enclave's pins with the cluster file: teectl status" },
	{ ERR_RATE, "more requests than the enclave answers to one address",
	  "wait a moment, and run the same command again" },
	{ ERR_ENCLAVE, "a fault of the enclave's own: its NSM, its entropy, its memory",
	  "teectl logs NODE says more; teectl down NODE and teectl up start it anew" },
	{ ERR_ACCESS, "this client may not do this, or not in this mode of the enclave",
	  "use a certificate with the role that is named above: `tls.cert` and `tls.key` of the "
	  "cluster file; teectl pki issue NAME --role ROLE makes one" },
	{ ERR_ORIGIN, "the request came from a web page", "ask the enclave by teectl or curl" },
	{ ERR_NOT_FOUND, "what answers there has no such operation",
	  "check the node's address and version: teectl status" },
	{ ERR_METHOD, "what answers there knows the path for another method",
	  "check the node's address and version: teectl status" },
	{ ERR_LENGTH_REQUIRED, "a request without a length",
	  "check for a proxy between here and there" },
	{ ERR_TOO_LARGE, "a body larger than the enclave's limit",
	  "start the enclave with a larger --max-body" },
	{ ERR_MEDIA_TYPE, "a body that is not application/json",
	  "check for a proxy between here and there" },
	{ ERR_MISDIRECTED, "the enclave does not go by that host name",
	  "use its address, or start it with --host-name" },
	{ ERR_HEADERS_TOO_LARGE, "headers larger than the enclave's limit",
	  "check for a proxy between here and there" },
	{ ERR_UNAVAILABLE, "the enclave has ended its work, or too many are talking to it",
	  "teectl status shows its phase; run the same command again" },
};
const size_t advice_count = COUNT(advice_table);

static const struct advice *advice_for(enum err_code code)
{
	for (size_t i = 0; i < COUNT(advice_table); i++)
		if (advice_table[i].code == code)
			return &advice_table[i];
	return NULL;
}

/* What helps where the code alone would say "again": by status and how the reason begins. */
#define ANY_STATUS   (-1)
#define A_POLICY_PCR "pcr0..3" /* any of those */
static const struct {
	int exit_status;
	const char *reason;
	const char *words;
} reason_hints[] = {
	{ 3, DRILL_KEYS,
	  "what those members can do: bring their keys to this machine for the drill, where `key:` "
	  "of the cluster file names them; or let each open his share where his key is: teectl share "
	  "check" },
	{ 3, "restart-approvals",
	  "a copy of that file to each of them: teectl manifest approve FILE --key KEY; then here "
	  "teectl manifest collect FILE APPROVAL..., teectl manifest adopt FILE, and teectl recover" },
	{ 5, "occupied",
	  "give that node another `listen:` or `url:` in the cluster file, or name the state folder "
	  "of what runs there (--state), put back where it was lost" },
	{ 5, BELIEVE_OLDER,
	  "where that genesis is this cluster's, name the state folder that it was done with "
	  "(--state); where nobody needs its key: teectl down NODE --lose-key, teectl up, teectl "
	  "genesis" },
	{ 5, A_POLICY_PCR,
	  "teectl measure shows what this machine measures beside what is expected. Where the image is "
	  "meant to be another: teectl measure --write --next, then teectl manifest new. Where it says "
	  "`same`, that enclave was started with something else, and another stands in for it once it "
	  "is stopped" },
	{ 2, A_POLICY_PCR,
	  "where that image is meant: teectl measure --write --next pins it, teectl manifest new "
	  "drafts its manifest, and once that is approved, collected and adopted teectl upgrade brings "
	  "it to the TEEs; else name the image of before" },
	{ 2, "last-holder", "teectl status shows which TEEs have the key" },
	{ 2, "keep-ready", "teectl status shows which TEEs have the key" },
	{ 2, MANIFESTS_DIFFER, NULL }, /* that is what was asked */
	{ 2, PLAN_STALE, "teectl plan --out shows and saves what is to be done now" },
	{ 2, "foreign-genesis",
	  "name the state folder that the genesis was done with (--state), or have the operator "
	  "hand over a copy without pki/*.key, pids and logs" },
	{ 2, STATE_NO_ROOT,
	  "where others launched the nodes, have the operator hand over his state folder; where "
	  "they were launched here, bring pki/ back from a backup, or start over" },
	{ 65, KEY_NO_PASSPHRASE,
	  "one line for each key with a passphrase, in the order in which they are asked for" },
	{ 66, CLIENT_TLS_FILE,
	  "correct `tls` of the cluster file; teectl pki issue NAME --role ROLE makes a "
	  "certificate and its key" },
	{ ANY_STATUS, CLIENT_TLS_SERVER,
	  "the node's certificate has to be valid, of its own host, and signed by `tls.ca` of the "
	  "cluster file; teectl pki issue NAME --server --host HOST makes one" },
	{ 75, STATE_LOCKED,
	  "run the same command again when that run has ended; it is not waited for" },
	{ ANY_STATUS, LAUNCH_FAILED,
	  "mend what is named, a port that is taken or a file that is missing, and run the same "
	  "command again; teectl logs NODE says more" },
	{ ANY_STATUS, CLIENT_ADDRESS, "correct the node's url in the cluster file" },
	{ ANY_STATUS, ERR_PERMISSION,
	  "make the file or folder that is named yours to read and write" },
	{ ANY_STATUS, ERR_SPACE, "make room on that disk, and run the same command again" },
};

static bool is_reason(const char *reason, const char *of_row)
{
	return strcmp(of_row, A_POLICY_PCR) == 0 ? pcr_is_policy_reason(reason)
	                                         : strncmp(reason, of_row, strlen(of_row)) == 0;
}

static bool hint_by_reason(struct context *c, const struct err *failure)
{
	int exit_status = err_info(failure->code)->exit_status;

	for (size_t i = 0; i < COUNT(reason_hints); i++) {
		if ((reason_hints[i].exit_status != ANY_STATUS &&
		     exit_status != reason_hints[i].exit_status) ||
		    !is_reason(failure->reason, reason_hints[i].reason))
			continue;
		if (reason_hints[i].words)
			context_hint(c, "%s", reason_hints[i].words);
		return true;
	}
	return false;
}

/* The file that is of another quorum than the state folder: no log of a node tells more. What was
 * handed over, and is refused for the same check, is another matter. */
static bool hint_kept_genesis(struct context *c, const struct err *failure)
{
	if (!err_has_mark(failure, POLICY_KEPT) || !believe_is_of_file(failure->reason))
		return false;
	context_hint(c, "put it back as it was at the genesis: members, thresholds, namespace, "
	                "pivot and root are the quorum's for good, and others take a new quorum, "
	                "with another name and state folder");
	return true;
}

/* A watch never ends: it is its heal that does. */
static bool hint_watch(struct context *c, const struct err *failure)
{
	if (!err_has_mark(failure, STATE_HEALING))
		return false;
	context_hint(c, "that watch holds the state only while it heals: run the same command "
	                "again in a moment, or end the watch first");
	return true;
}

/* Pins that are ahead of the manifest: what runs is right, and may have the only copy of the key.
 */
static bool hint_next_pins(struct context *c, const struct err *failure)
{
	if (!err_has_mark(failure, POLICY_NEXT_PINS))
		return false;
	context_hint(
	    c, "leave the TEEs as they are: where one has the key, none like it could be launched "
	       "now. Have the next manifest drafted (teectl manifest new), approved, "
	       "collected and adopted, or put image and pins back (teectl measure --write)");
	return true;
}

/* The .secret of a member whose file is PREFIX.secret: PREFIX. */
static bool prefix_of(const char *key, char to[static FILE_OPTION_MAX])
{
	size_t len = key ? strlen(key) : 0, suffix = strlen(".secret");

	if (len <= suffix || strcmp(key + len - suffix, ".secret") != 0)
		return false;
	snprintf(to, FILE_OPTION_MAX, "%.*s", (int)(len - suffix), key);
	return true;
}

/* Of neither half there is a file: the key may have to be made. */
static bool lacks_both(const struct cluster_member *m, char prefix[static FILE_OPTION_MAX])
{
	char pub[FILE_OPTION_MAX + 8];

	if (!prefix_of(m->key, prefix))
		return false;
	snprintf(pub, sizeof(pub), "%s.pub", prefix);
	return !file_is_there(m->key) && !file_is_there(pub) && !(m->pub && file_is_there(m->pub));
}

/* A file that names the others' `pub:`, and one member's key here: it is his own machine. */
static bool is_members_machine(const struct cluster_member_list *members)
{
	size_t here = 0, others = 0;

	for (size_t i = 0; i < members->count; i++) {
		const struct cluster_member *m = &members->items[i];

		here += m->key && file_is_there(m->key);
		others += m->pub && !file_is_there(m->pub);
	}
	return here == 1 && others > 0;
}

/* The command that makes the members' keys that are missing. A key whose public half is here is
 * elsewhere, and another one would be no help; nor would it where only the .pub is wanted. */
static bool hint_missing_keys(struct context *c, const struct err *failure)
{
	const struct cluster_member_list *members = &c->cluster.quorum.members;
	AUTO(buf) struct buf command = BUF_INIT(HINT_MAX / 2);
	/* A member looks with validate; preflight is the operator's, who may be a member too. */
	bool is_members =
	    is_members_machine(members) && c->cmd && strcmp(c->cmd->name, "preflight") != 0;
	bool lacks_pub = false;
	struct err e;

	if (strcmp(failure->reason, CLUSTER_KEY_MISSING) != 0)
		return false;
	for (size_t i = 0; i < members->count; i++) {
		char prefix[FILE_OPTION_MAX];

		lacks_pub |= members->items[i].pub && !file_is_there(members->items[i].pub);
		if (!lacks_both(&members->items[i], prefix))
			continue;
		if (buf_add_text(&command, " ", &e) < 0 ||
		    text_add_shell_word(prefix, &command, &e) < 0)
			break;
	}
	if (command.len && !is_members_machine(members))
		context_hint(c, "teectl member keygen%s", buf_text(&command));
	else if (lacks_pub)
		context_hint(c,
		             "the members' .pub files have to be on this machine, where the "
		             "cluster file says: get %s",
		             is_members ? "them from the operator" : "each from its member");
	else
		context_hint(c, "where a key is not on this machine, have the cluster file name "
		                "its `pub:`, not its `key:`; else correct the path");
	return true;
}

/* Which there are: the nearest name is a guess, and where none is near there is not even that. */
static bool hint_nodes(struct context *c, const struct err *failure)
{
	const struct cluster *cluster = &c->cluster;
	AUTO(buf) struct buf names = BUF_INIT(HINT_MAX / 2);
	size_t named = 0;
	struct err e;

	if (strcmp(failure->reason, SELECT_NO_NODE) != 0 || !cluster->node_count)
		return false;
	while (named < cluster->node_count && named < NAMED_MAX &&
	       buf_add_format(&names, &e, "%s%s", named ? ", " : "", cluster->nodes[named].name) ==
	           0)
		named++;
	if (named < cluster->node_count)
		context_hint(c, "its nodes are %s and %zu more: teectl status --wide shows all",
		             buf_text(&names), cluster->node_count - named);
	else
		context_hint(c, named == 1 ? "its only node is %s" : "its nodes are %s",
		             buf_text(&names));
	return true;
}

/* What a member can do who has no cluster on his machine: status and up are the operator's. */
static bool hint_for_member(struct context *c, const struct err *failure)
{
	if (!c->cmd || !c->cmd->is_members)
		return false;
	if (strcmp(failure->reason, STATE_NO_ROOT) == 0)
		context_hint(c, "set attestation.root of your cluster file to the root.der that "
		                "you were given");
	else if (failure->code == ERR_SHARE)
		context_hint(c, "key and share are your own: look for those of this quorum");
	/* A check that did not hold, whichever: all end with this status. */
	else if (err_info(failure->code)->exit_status == err_info(ERR_REFUSED)->exit_status)
		context_hint(c, "ask whoever sent it what is meant, by another way than it came; "
		                "until then neither sign nor seal");
	else
		return failure->code == ERR_NOT_DESIRED; /* the words alone */
	return true;
}

/* Not the advice to type what has just been typed. */
static const char *hint_by_code(const struct context *c, const struct err *failure)
{
	const struct advice *advice = advice_for(failure->code);
	const char *cure = advice ? advice->cure : NULL, *verb = c->cmd ? c->cmd->name : NULL;

	if (cure && verb && strncmp(cure, "teectl ", 7) == 0 &&
	    strncmp(cure + 7, verb, strlen(verb)) == 0 && cure[7 + strlen(verb)] == ' ')
		return NULL;
	return cure;
}

/* Is the command that comes next, alone, the one that has just failed? */
static bool is_same_verb(const struct context *c, const char *command)
{
	size_t len = strlen(command), name = strlen(c->cmd->name);

	return !strstr(command, ", then ") && len > name && command[len - name - 1] == ' ' &&
	       strcmp(command + len - name, c->cmd->name) == 0;
}

static void choose_hint(struct context *c, const struct err *failure, const char *next)
{
	const char *verb = c->cmd ? c->cmd->name : NULL;

	if (c->hint[0] || hint_for_member(c, failure) || hint_next_pins(c, failure) ||
	    hint_watch(c, failure) || hint_by_reason(c, failure) || hint_kept_genesis(c, failure) ||
	    hint_missing_keys(c, failure) || hint_nodes(c, failure))
		return;
	if (failure->code == ERR_USAGE && verb)
		context_hint(c, "teectl help %s", verb);
	/* It is the one that the others point to. */
	else if (failure->code == ERR_CONFIG && verb && strcmp(verb, "validate") == 0)
		context_hint(c, "correct the file there; teectl-cluster(5) explains each key");
	else if (failure->code == ERR_USAGE)
		context_hint(c, "teectl help lists the verbs");
	/* After the time was up, the advice for that is the better one. */
	else if (next && *next && !is_same_verb(c, next) &&
	         err_info(failure->code)->exit_status != err_info(ERR_TRY_AGAIN)->exit_status)
		context_hint(c, "%s", next);
	else if (hint_by_code(c, failure))
		context_hint(c, "%s", hint_by_code(c, failure));
}

static void settle_hint(struct context *c, const struct err *failure, const char *next)
{
	AUTO(buf) struct buf full = BUF_INIT(HINT_MAX - 1);
	struct err e;

	choose_hint(c, failure, next);
	if (context_commands(c, c->hint, &full, &e) == 0)
		context_hint(c, "%s", buf_text(&full));
}

int report_commands(const struct context *c, struct buf *text, struct err *e)
{
	AUTO(buf) struct buf full = BUF_INIT(PROGRESS_LINE_MAX);

	TRY(context_commands(c, buf_text(text), &full, e));
	buf_drop(text);
	return wire_set(text, buf_view(&full), e);
}

/* A text that may be absent, with its has_ member. */
static int set_maybe(struct buf *to, bool *has, const char *text, struct err *e)
{
	*has = text && *text;
	if (!*has)
		return 0;
	return wire_set_text(to, text, e);
}

int report_complete(struct context *c, const struct err *failure, const char *next,
                    struct error_report *object, struct err *e)
{
	const struct advice *advice = advice_for(failure->code);

	settle_hint(c, failure, next);
	TRY(report_commands(c, &object->text, e));
	TRY(wire_set_text(&object->verb, c->cmd ? c->cmd->name : "", e));
	TRY(set_maybe(&object->cause, &object->has_cause, advice ? advice->cause : NULL, e));
	return set_maybe(&object->hint, &object->has_hint, c->hint, e);
}

struct error_document {
	struct error_report error;
};
static const struct wire_field error_document_fields[] = {
	JSON_OBJECT(error_document, error, struct error_report, error_report_schema),
};
static const struct wire_schema error_document_schema =
    JSON_SCHEMA(error_document, error_document_fields);
WIRE_DROP(error_document);

static int print_error_document(struct context *c, const struct err *failure, struct err *e)
{
	AUTO(error_document) struct error_document d = { 0 };

	TRY(error_report_make(failure, &d.error, e));
	TRY(report_complete(c, failure, NULL, &d.error, e));
	return print_json(c, &error_document_schema, &d, e);
}

void report_error(struct context *c, const struct err *failure)
{
	const struct advice *advice = advice_for(failure->code);
	const char *cause = advice ? advice->cause : NULL;
	const char *verb = c->cmd ? c->cmd->name : NULL;
	AUTO(buf) struct buf text = BUF_INIT(PROGRESS_LINE_MAX);
	struct err e;

	settle_hint(c, failure, NULL);
	/* Where both go to one place, the data comes first. */
	fflush(stdout);
	progress_clear(&c->progress);
	if (failure->code != ERR_WAITING || !c->is_waiting_told)
		fprintf(stderr, "teectl: %s%s%s\n", verb ? verb : "", verb ? ": " : "",
		        context_commands(c, failure->text, &text, &e) < 0 ? failure->text
		                                                          : buf_text(&text));
	if (cause)
		fprintf(stderr, "  cause: %s\n", cause);
	if (c->hint[0])
		fprintf(stderr, "  %s: %s\n", cause ? "cure" : "hint", c->hint);
	if ((c->global.output == OUTPUT_JSON && c->has_document) ||
	    print_error_document(c, failure, &e) == 0)
		return;
	fprintf(stderr, "teectl: %s\n", e.text);
}
