#include "print.h"
#include "session.h"

#include "orchestrate/ceremony.h"

struct submit_args {
	struct text_list bundles;
};

static const struct opt opts[] = {
	{ .kind = OPT_FILE,
	  .is_list = true,
	  .is_required = true,
	  .metavar = "BUNDLE",
	  .offset = offsetof(struct submit_args, bundles),
	  .doc = "what members have sealed" },
};

/* Those that have been refused, each once. *ret_good: how many have not. */
static void tell_refused(struct context *c, const struct submission *s, size_t *ret_good)
{
	*ret_good = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (!s->items[i].is_refused)
			++*ret_good;
		else if (context_tell_once(c, s->items[i].why.text))
			progress_say(&c->progress, "refused: %s", s->items[i].why.text);
	}
}

static int submit(struct context *c, struct run *r, struct submission *s, struct err *e)
{
	int result;
	size_t good;

	if (r->seen.has_genesis)
		TRY(submission_judge(s, r, e));
	tell_refused(c, s, &good);
	if (!good) {
		context_hint(c, "no bundle that was named can be used");
		*e = s->items[0].why;
		return -1;
	}
	r->submission = s;
	result = session_reach(c, r, &(struct goal){ .kind = GOAL_SUBMIT }, e);
	tell_refused(c, s, &good);
	return result;
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	AUTO(run) struct run r = RUN_INIT;
	AUTO(submission) struct submission s = { 0 };
	const struct submit_args *args = arguments;

	TRY(submission_read(args->bundles.items, args->bundles.count, &s, e));
	TRY(session_open(c, /* to_change= */ true, NULL, &r, e));
	return submit(c, &r, &s, e);
}

const struct cmd cmd_share_submit = {
	.name = "share submit",
	.summary = "hand members' sealed shares to the TEEs",
	.details =
	    "For the operator. Gives every TEE that waits for shares those that members have sealed "
	    "to it, told by the setup key that it commits to in a fresh attestation document. The "
	    "one that completes the threshold makes the key, and the TEE proves that it has it. "
	    "With too few it ends with status 3 and names the members who are waited for; bundles "
	    "may come one by one. One that is sent again is already there: status 0, with nothing "
	    "done, and with those who are still waited for in words and in -o json: so it is no "
	    "sign that the key is there, and teectl wait --for shares is what waits for that. Only where all "
	    "shares of a restarted quorum together give no key does it stay at 3, since nobody can "
	    "tell which of them is worthless.\n\n"
	    "A bundle that has expired, is for another cluster or manifest, for TEEs that no longer "
	    "run, or not signed by the member that it names, is refused by name, and stops no "
	    "other; where none is left the status is 65. The layout of a bundle is in "
	    "teectl-share-seal(1).",
	.examples = { { "teectl share submit alice.bundle bob.bundle", "those that have come" } },
	.exits = { 2, 3, 4, 5, 65, 66, 69, 75 },
	.needs = NEEDS_RUN,
	.timeout_ms = 60000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct submit_args),
	.run = run,
};
