/* What makes a genesis believed: one that is honest is, and each thing that may differ is named by
 * its own reason. */
#include "birth_support.h"

static char elsewhere[] = "/nonexistent/user.pub";

/* What is not as it should be: of the enclave's, before it is attested. */
struct lie {
	void (*tell)(struct birth_stage *g);
	const char *reason, *words;
};

static struct encrypted_share *share_at(struct wire_list *list, size_t i)
{
	return (struct encrypted_share *)list->items + i;
}

static void set(struct buf *member, struct view v)
{
	struct err e;

	buf_drop(member);
	member->max = 0;
	assert_ok(wire_set(member, v, &e));
}

static void another_namespace(struct birth_stage *g)
{
	set(&g->envelope.manifest.namespace.name, view_text("a/c"));
}

static void another_nonce(struct birth_stage *g)
{
	g->envelope.manifest.namespace.nonce++;
}

static void another_quorum_key(struct birth_stage *g)
{
	set(&g->envelope.manifest.namespace.quorum_key, public_of(birth_people.stranger));
}

static void a_strangers_share(struct birth_stage *g)
{
	set(&member_at(&g->output.set, 1)->pub_key, public_of(birth_people.stranger));
	set(&share_at(&g->output.member_outputs, 1)->share_set_member.pub_key,
	    public_of(birth_people.stranger));
}

static void an_order_of_its_own(struct birth_stage *g)
{
	struct member *first = member_at(&g->output.set, 0), moved = MOVE(*first);

	*first = MOVE(first[1]);
	first[1] = moved;
}

static void a_lower_threshold(struct birth_stage *g)
{
	g->output.set.threshold = g->envelope.manifest.share_set.threshold = 3;
}

static void a_member_more(struct birth_stage *g)
{
	struct member *m;
	struct err e;

	assert_ok(wire_list_add(&g->output.set.members, &member_schema, &m, &e));
	assert_ok(wire_set_text(&m->alias, "stranger", &e));
	assert_ok(wire_set(&m->pub_key, public_of(birth_people.stranger), &e));
}

static void a_share_set_of_the_manifests_own(struct birth_stage *g)
{
	g->envelope.manifest.share_set.threshold = 3;
}

static void a_manifest_set_of_its_own(struct birth_stage *g)
{
	set(&member_at(&g->envelope.manifest.manifest_set, 2)->pub_key,
	    public_of(birth_people.stranger));
}

static void one_signature_for_all(struct birth_stage *g)
{
	g->envelope.manifest.manifest_set.threshold = 1;
}

static void another_pivot(struct birth_stage *g)
{
	g->envelope.manifest.pivot.hash[0] = 1;
}

static void an_argument(struct birth_stage *g)
{
	struct text_item *arg;
	struct err e;

	assert_ok(wire_list_add(&g->envelope.manifest.pivot.args, &text_item_schema, &arg, &e));
	assert_ok(wire_set_text(&arg->text, "--open", &e));
}

static void a_pivot_that_may_be_debugged(struct birth_stage *g)
{
	g->envelope.manifest.pivot.debug_mode = true;
}

static void a_pivot_that_starts_again(struct birth_stage *g)
{
	g->envelope.manifest.pivot.restart = MANIFEST_RESTART_ALWAYS;
}

static void another_image_next(struct birth_stage *g)
{
	((uint8_t *)g->envelope.manifest.enclave.pcrs[2].data)[0] ^= 1;
}

static void another_anchor(struct birth_stage *g)
{
	set(&g->envelope.manifest.enclave.aws_root_certificate, chain_aws_root);
}

static void a_commit_of_quorumos(struct birth_stage *g)
{
	set(&g->envelope.manifest.enclave.qos_commit, view_text("0123456789"));
}

static void a_wrap_for_an_unknown_key(struct birth_stage *g)
{
	g->output.has_dr_wrap = true;
	set(&g->output.dr_key_wrapped_quorum_key, view_text("wrapped"));
}

static void an_unnamed_recovery_key(struct birth_stage *g)
{
	g->output.has_dr_key = true;
	set(&g->output.dr_key, public_of(birth_people.stranger));
}

static void one_share_too_few(struct birth_stage *g)
{
	g->output.member_outputs.count--;
	wire_release(&encrypted_share_schema,
	             share_at(&g->output.member_outputs, g->output.member_outputs.count));
}

static void two_shares_for_one(struct birth_stage *g)
{
	set(&share_at(&g->output.member_outputs, 1)->share_set_member.alias, view_text("user1"));
}

static void another_running_image(struct birth_stage *g)
{
	static struct pcr_set running;

	running = g->shown;
	running.values[PCR_IMAGE].bytes[0] ^= 1;
	g->content.pcrs = &running;
}

static void an_old_document(struct birth_stage *g)
{
	g->content.timestamp_ms -= 1000;
}

static void a_document_with_a_nonce(struct birth_stage *g)
{
	g->content.nonce = (struct document_field){ true, view_text("nonce") };
}

static void a_document_with_a_key(struct birth_stage *g)
{
	g->content.public_key = (struct document_field){ true, public_of(birth_people.stranger) };
}

static void a_document_over_another_output(struct birth_stage *g)
{
	static const uint8_t other[32] = { 1 };

	g->content.user_data = (struct document_field){ true, VIEW_OF(other) };
}

static const struct lie lies[] = {
	{ another_namespace, "namespace", "namespace is not the cluster file's" },
	{ another_nonce, "namespace", "namespace is not the cluster file's" },
	{ another_quorum_key, "quorum_key", "quorum key is not the attested one" },
	{ a_strangers_share, "share_set", "member 'user2' had in the genesis" },
	{ an_order_of_its_own, "share_set", "member 1 is 'user1' in the cluster file and 'user2'" },
	{ a_lower_threshold, "share_set",
	  "threshold is 2 in the cluster file, the genesis was for 3" },
	{ a_member_more, "share_set", "names 3 members, the genesis was for 4" },
	{ a_share_set_of_the_manifests_own, "share_set", "share set is not the attested one" },
	{ a_manifest_set_of_its_own, "manifest_set", "the manifest set is not the cluster file's" },
	{ one_signature_for_all, "manifest_set", "the genesis was for 1" },
	{ another_pivot, "pivot", "pivot is not the cluster file's" },
	{ an_argument, "pivot", "pivot is not the cluster file's" },
	{ a_pivot_that_may_be_debugged, "pivot", "pivot is not the cluster file's" },
	{ a_pivot_that_starts_again, "pivot", "pivot is not the cluster file's" },
	{ another_image_next, "pcrs", "manifest's PCR2" },
	{ another_anchor, "root", "another trust anchor" },
	{ a_commit_of_quorumos, "qos_commit", "names a QuorumOS commit" },
	{ a_wrap_for_an_unknown_key, "dr_key", "that the cluster file does not name" },
	{ an_unnamed_recovery_key, "dr_key", "that the cluster file does not name" },
	{ one_share_too_few, "shares", "not one share for each member" },
	{ two_shares_for_one, "shares", "the share of 'user2' is not the attested one" },
	{ another_running_image, "pcr0", "PCR0" },
	{ an_old_document, BELIEVE_OLDER, "older than the question" },
	{ a_document_with_a_nonce, "nonce", "nonce" },
	{ a_document_with_a_key, "public_key", "public_key" },
	{ a_document_over_another_output, "user_data", "user_data" },
};

static int judge(const struct birth_stage *g, int64_t asked_ms, struct err *e)
{
	AUTO(genesis_output) struct genesis_output output = { 0 };
	const struct birth birth = { buf_view(&g->borsh), buf_view(&g->document), &g->envelope,
		                     asked_ms };
	const struct basis basis = birth_basis(g);

	return believe_birth(&basis, &birth, &output, e);
}

static void an_honest_birth_is_believed_and_gives_the_output(void **state)
{
	AUTO(birth_stage) struct birth_stage g = { 0 };
	AUTO(genesis_output) struct genesis_output output = { 0 };
	struct basis basis;
	struct birth birth;
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	birth_attest(&g);
	basis = birth_basis(&g);
	birth = (struct birth){ buf_view(&g.borsh), buf_view(&g.document), &g.envelope,
		                g.content.timestamp_ms };
	assert_ok(believe_birth(&basis, &birth, &output, &e));
	assert_int_equal(output.member_outputs.count, MEMBERS);
	assert_view_equal(buf_view(&output.quorum_key), buf_view(&g.output.quorum_key));
}

static void each_lie_of_an_enclave_has_its_reason(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(lies); i++) {
		AUTO(birth_stage) struct birth_stage g = { 0 };
		int64_t asked_ms;

		birth_stage_fill(&g);
		asked_ms = g.content.timestamp_ms;
		lies[i].tell(&g);
		birth_attest(&g);
		assert_refused(judge(&g, asked_ms, &e), ERR_ATTESTATION, lies[i].words);
		assert_string_equal(e.reason, lies[i].reason);
	}
}

static void a_birth_without_a_known_question_may_be_of_any_age(void **state)
{
	AUTO(birth_stage) struct birth_stage g = { 0 };
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	/* Within the validity of its certificates, which is what a stored one is held to. */
	g.content.timestamp_ms -= 1800 * 1000;
	birth_attest(&g);
	assert_ok(judge(&g, INT64_MIN, &e));
	assert_refused(judge(&g, clock_unix_ms(), &e), ERR_ATTESTATION, BELIEVE_OLDER);
}

static void a_recovery_key_that_the_file_names_must_have_got_the_key(void **state)
{
	AUTO(birth_stage) struct birth_stage g = { 0 };
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	g.cluster.quorum.dr_key = (char *)MEMBER_FILE("mock_p256_dr.pub");
	birth_attest(&g);
	assert_refused(judge(&g, INT64_MIN, &e), ERR_ATTESTATION, "is not the cluster file's");
	g.output.has_dr_key = true;
	set(&g.output.dr_key, public_of(birth_people.keys[0]));
	birth_attest(&g);
	assert_refused(judge(&g, INT64_MIN, &e), ERR_ATTESTATION, "is not the cluster file's");
	set(&g.output.dr_key, public_of(birth_people.stranger));
	birth_attest(&g);
	assert_refused(judge(&g, INT64_MIN, &e), ERR_ATTESTATION, "was not wrapped to it");
	g.output.has_dr_wrap = true;
	set(&g.output.dr_key_wrapped_quorum_key, view_text("wrapped"));
	birth_attest(&g);
	assert_ok(judge(&g, INT64_MIN, &e));
	g.cluster.quorum.dr_key = (char *)"/nonexistent/dr.pub";
	assert_refused(judge(&g, INT64_MIN, &e), ERR_NO_INPUT, "/nonexistent/dr.pub");
}

/* --- the answer that brings it */

static struct genesis_reply reply_of(const struct birth_stage *g)
{
	struct genesis_reply reply = { 0 };
	struct err e;

	assert_ok(manifest_copy(&g->envelope, &reply.manifest_envelope, &e));
	memcpy(reply.quorum_public_key, g->output.quorum_key.data, PUBLIC_KEY_LEN);
	assert_ok(wire_set(&reply.genesis_output, buf_view(&g->borsh), &e));
	assert_ok(wire_set(&reply.genesis_attestation_doc, buf_view(&g->document), &e));
	for (size_t i = 0; i < MEMBERS; i++) {
		const struct encrypted_share *from =
		    (const struct encrypted_share *)g->output.member_outputs.items + i;
		struct encrypted_share *to;

		assert_ok(wire_list_add(&reply.encrypted_shares, &encrypted_share_schema, &to, &e));
		assert_ok(wire_set(&to->share_set_member.alias,
		                   buf_view(&from->share_set_member.alias), &e));
		assert_ok(wire_set(&to->share_set_member.pub_key,
		                   buf_view(&from->share_set_member.pub_key), &e));
		assert_ok(wire_set(&to->encrypted_quorum_key_share,
		                   buf_view(&from->encrypted_quorum_key_share), &e));
		memcpy(to->share_hash, from->share_hash, sizeof(to->share_hash));
	}
	return reply;
}

static void an_approved_genesis_manifest(struct genesis_reply *r)
{
	approve(&r->manifest_envelope, "user1", birth_people.keys[0]);
}

static void a_share_that_is_not_given(struct genesis_reply *r)
{
	r->encrypted_shares.count--;
	wire_release(&encrypted_share_schema,
	             share_at(&r->encrypted_shares, r->encrypted_shares.count));
}

static void another_sealed_share(struct genesis_reply *r)
{
	share_at(&r->encrypted_shares, 2)->encrypted_quorum_key_share.data[0] ^= 1;
}

static void another_hash(struct genesis_reply *r)
{
	share_at(&r->encrypted_shares, 0)->share_hash[63] ^= 1;
}

static void a_share_by_another_name(struct genesis_reply *r)
{
	set(&share_at(&r->encrypted_shares, 1)->share_set_member.alias, view_text("user9"));
}

static void another_key_in_hand(struct genesis_reply *r)
{
	r->quorum_public_key[129] ^= 1;
}

static void a_wrap_that_is_not_attested(struct genesis_reply *r)
{
	r->has_dr_wrap = true;
	set(&r->dr_key_wrapped_quorum_key, view_text("wrapped"));
}

static void the_answer_is_held_to_what_is_attested(void **state)
{
	static const struct {
		void (*tell)(struct genesis_reply *r);
		const char *reason, *words;
	} rows[] = {
		{ an_approved_genesis_manifest, "approvals", "carries approvals" },
		{ a_share_that_is_not_given, "shares", "not one share for each member" },
		{ another_sealed_share, "shares", "the share of 'user3'" },
		{ another_hash, "shares", "the share of 'user1'" },
		{ a_share_by_another_name, "shares", "the share of 'user2'" },
		{ another_key_in_hand, "quorum_key", "not the attested one" },
		{ a_wrap_that_is_not_attested, "dr_key", "does not name" },
	};
	AUTO(birth_stage) struct birth_stage g = { 0 };
	struct basis basis;
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	birth_attest(&g);
	basis = birth_basis(&g);
	for (size_t i = 0; i <= COUNT(rows); i++) {
		AUTO(genesis_reply) struct genesis_reply reply = reply_of(&g);
		AUTO(kept_genesis) struct kept_genesis kept = { 0 };

		if (i < COUNT(rows)) {
			rows[i].tell(&reply);
			assert_refused(believe_genesis(&basis, &reply, INT64_MIN, &kept, &e),
			               ERR_ATTESTATION, rows[i].words);
			assert_string_equal(e.reason, rows[i].reason);
			assert_true(view_is_zero(view_new(&kept, sizeof(kept))));
			continue;
		}
		assert_ok(believe_genesis(&basis, &reply, INT64_MIN, &kept, &e));
		assert_view_equal(public_key_view(&kept.quorum_key),
		                  buf_view(&g.output.quorum_key));
		assert_false(kept.is_foreign);
		/* The quorum key may be one that is known beforehand. */
		kept_genesis_drop(&kept);
		g.cluster.quorum.public_key = (char *)MEMBER_FILE("user1.pub");
		assert_refused(believe_genesis(&basis, &reply, INT64_MIN, &kept, &e),
		               ERR_ATTESTATION, "quorum.publicKey");
		g.cluster.quorum.public_key = (char *)MEMBER_FILE("quorum_key.pub");
		assert_ok(believe_genesis(&basis, &reply, INT64_MIN, &kept, &e));
	}
}

/* --- what was kept */

static int judge_kept(const struct birth_stage *g, const struct kept_genesis *kept,
                      const struct kept_manifests *older, struct err *e)
{
	static const struct kept_manifests none;
	const struct basis basis = birth_basis(g);

	return believe_kept(&basis, kept, older ? older : &none, e);
}

static void what_is_kept_is_held_to_the_file_of_who_looks(void **state)
{
	AUTO(birth_stage) struct birth_stage g = { 0 };
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	birth_attest(&g);
	kept = birth_kept(&g);
	assert_ok(judge_kept(&g, &kept, NULL, &e));
	/* A key that is not on this machine is compared with nothing, a name always. */
	g.members[2].pub = elsewhere;
	assert_ok(judge_kept(&g, &kept, NULL, &e));
	g.members[2].pub = (char *)MEMBER_FILE("user1.pub");
	assert_refused(judge_kept(&g, &kept, NULL, &e), ERR_ATTESTATION, "share_set");
	g.members[2].pub = elsewhere;
	g.members[2].name = (char *)"user4";
	assert_refused(judge_kept(&g, &kept, NULL, &e), ERR_ATTESTATION, "'user4' in the cluster");
	g.members[2].name = (char *)"user3";
	/* An image of another measure is no image of the genesis, while nobody has approved it. */
	g.pcrs.values[PCR_IMAGE].bytes[0] ^= 1;
	assert_refused(judge_kept(&g, &kept, NULL, &e), ERR_ATTESTATION, "pcr0");
}

/* The manifest of the next image, signed by two of three. */
static struct kept_genesis upgraded(struct birth_stage *g, struct kept_manifest *first)
{
	struct kept_genesis kept;
	struct err e;

	assert_ok(manifest_copy(&g->envelope, &first->envelope, &e));
	assert_ok(manifest_hash(&first->envelope.manifest, &first->hash, &e));
	g->envelope.manifest.namespace.nonce++;
	g->cluster.manifest.nonce++;
	g->envelope.manifest.enclave.pcrs[PCR_IMAGE].data[0] ^= 1;
	approve(&g->envelope, "user1", birth_people.keys[0]);
	approve(&g->envelope, "user2", birth_people.keys[1]);
	kept = birth_kept(g);
	g->pcrs.values[PCR_IMAGE].bytes[0] ^= 1;
	return kept;
}

static void a_later_manifest_must_follow_from_the_one_of_the_genesis(void **state)
{
	AUTO(birth_stage) struct birth_stage g = { 0 };
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	struct kept_manifest first = { 0 };
	const struct kept_manifests older = { &first, 1 };
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	birth_attest(&g);
	kept = upgraded(&g, &first);
	assert_ok(judge_kept(&g, &kept, &older, &e));
	assert_refused(judge_kept(&g, &kept, NULL, &e), ERR_ATTESTATION,
	               "follows from no manifest");
	/* One of another image was not made by that genesis. */
	first.envelope.manifest.enclave.pcrs[PCR_RUNTIME].data[0] ^= 1;
	assert_refused(judge_kept(&g, &kept, &older, &e), ERR_ATTESTATION, "manifest");
	first.envelope.manifest.enclave.pcrs[PCR_RUNTIME].data[0] ^= 1;
	/* Nor is one lawful that is older than what it is to follow. */
	first.envelope.manifest.namespace.nonce = 9;
	assert_refused(judge_kept(&g, &kept, &older, &e), ERR_ATTESTATION, "manifest");
	first.envelope.manifest.namespace.nonce = 7;
	/* With one approval less it is no manifest of the set's. */
	kept.envelope.manifest_set_approvals.count--;
	approval_drop((struct approval *)kept.envelope.manifest_set_approvals.items + 1);
	assert_refused(judge_kept(&g, &kept, &older, &e), ERR_ATTESTATION, "pcr0");
	manifest_envelope_drop(&first.envelope);
}

static void what_a_later_manifest_may_not_change(void **state)
{
	AUTO(birth_stage) struct birth_stage g = { 0 };
	AUTO(genesis_output) struct genesis_output output = { 0 };
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	struct kept_manifest first = { 0 };
	struct birth birth;
	struct basis basis;
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	birth_attest(&g);
	birth = (struct birth){ buf_view(&g.borsh), buf_view(&g.document), &g.envelope, INT64_MIN };
	kept = upgraded(&g, &first);
	basis = birth_basis(&g);
	assert_ok(believe_ancestor(&basis, &birth, &output, &e));
	genesis_output_drop(&output);
	/* The image may be another than the genesis's, the role not. */
	g.pcrs.values[PCR_ROLE].bytes[0] ^= 1;
	assert_refused(believe_ancestor(&basis, &birth, &output, &e), ERR_ATTESTATION, "pcr3");
	g.pcrs.values[PCR_ROLE].bytes[0] ^= 1;
	another_quorum_key(&g);
	assert_refused(believe_ancestor(&basis, &birth, &output, &e), ERR_ATTESTATION,
	               "quorum_key");
	set(&g.envelope.manifest.namespace.quorum_key, buf_view(&g.output.quorum_key));
	another_anchor(&g);
	assert_refused(believe_ancestor(&basis, &birth, &output, &e), ERR_ATTESTATION, "root");
	set(&g.envelope.manifest.enclave.aws_root_certificate, signer_certificate(birth_root));
	another_namespace(&g);
	assert_refused(believe_ancestor(&basis, &birth, &output, &e), ERR_ATTESTATION, "namespace");
	set(&g.envelope.manifest.namespace.name, view_text("a/b"));
	a_share_set_of_the_manifests_own(&g);
	assert_refused(believe_ancestor(&basis, &birth, &output, &e), ERR_ATTESTATION, "share_set");
	manifest_envelope_drop(&first.envelope);
}

static void a_foreign_quorum_is_the_files_word_and_its_sets_approval(void **state)
{
	AUTO(birth_stage) struct birth_stage g = { 0 };
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	approve(&g.envelope, "user1", birth_people.keys[0]);
	approve(&g.envelope, "user3", birth_people.keys[2]);
	kept = birth_kept(&g);
	kept.is_foreign = true;
	assert_refused(judge_kept(&g, &kept, NULL, &e), ERR_ATTESTATION, "names none");
	assert_string_equal(e.reason, "quorum_key");
	g.cluster.quorum.public_key = (char *)MEMBER_FILE("quorum_key.pub");
	assert_ok(judge_kept(&g, &kept, NULL, &e));
	g.cluster.quorum.public_key = (char *)MEMBER_FILE("user1.pub");
	assert_refused(judge_kept(&g, &kept, NULL, &e), ERR_ATTESTATION, "quorum_key");
	g.cluster.quorum.public_key = (char *)MEMBER_FILE("quorum_key.pub");
	/* Nothing else vouches for the members: each of their keys must be here. */
	g.members[2].pub = elsewhere;
	assert_refused(judge_kept(&g, &kept, NULL, &e), ERR_NO_INPUT, "member 'user3'");
	g.members[2].pub = (char *)MEMBER_FILE("user3.pub");
	g.cluster.quorum.members.threshold = 3;
	assert_refused(judge_kept(&g, &kept, NULL, &e), ERR_ATTESTATION, "share_set");
	g.cluster.quorum.members.threshold = 2;
	g.cluster.manifest_set.threshold = 3;
	assert_refused(judge_kept(&g, &kept, NULL, &e), ERR_ATTESTATION, "manifest_set");
	g.cluster.manifest_set.threshold = 2;
	kept.envelope.manifest_set_approvals.count--;
	approval_drop((struct approval *)kept.envelope.manifest_set_approvals.items + 1);
	assert_refused(judge_kept(&g, &kept, NULL, &e), ERR_APPROVAL, "1");
}

/* --- before anything is sealed */

static void to_seal_a_key_of_each_set_must_be_here(void **state)
{
	AUTO(birth_stage) struct birth_stage g = { 0 };
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	struct cluster_member others[MEMBERS];
	struct basis basis;
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	birth_attest(&g);
	kept = birth_kept(&g);
	memcpy(others, g.members, sizeof(others));
	g.cluster.manifest_set.items = others;
	basis = birth_basis(&g);
	assert_ok(believe_to_seal(&basis, &kept, &e));
	for (size_t i = 0; i < MEMBERS; i++)
		others[i].pub = elsewhere;
	assert_refused(believe_to_seal(&basis, &kept, &e), ERR_REFUSED,
	               "no key of the manifest set");
	assert_string_equal(e.reason, "manifest_set");
	/* One that is not here, and one that is, could be a quorum. */
	for (size_t i = 1; i < MEMBERS; i++)
		others[i].pub = g.members[i].pub;
	assert_refused(believe_to_seal(&basis, &kept, &e), ERR_REFUSED,
	               "nobody has approved the manifest that the state keeps");
	/* Nor is one that has come since, and is another's than in the manifest. */
	others[0].pub = g.members[1].pub;
	assert_refused(believe_to_seal(&basis, &kept, &e), ERR_REFUSED,
	               "nobody has approved the manifest that the state keeps");
	others[0].pub = g.members[0].pub;
	assert_ok(believe_to_seal(&basis, &kept, &e));
	for (size_t i = 0; i < MEMBERS; i++)
		g.members[i].pub = elsewhere;
	assert_refused(believe_to_seal(&basis, &kept, &e), ERR_REFUSED, "no key of the share set");
	assert_string_equal(e.reason, "share_set");
}

static void to_seal_a_threshold_of_approvals_must_be_comparable(void **state)
{
	AUTO(birth_stage) struct birth_stage g = { 0 };
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	struct basis basis;
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	approve(&g.envelope, "user1", birth_people.keys[0]);
	approve(&g.envelope, "user2", birth_people.keys[1]);
	birth_attest(&g);
	kept = birth_kept(&g);
	basis = birth_basis(&g);
	assert_ok(believe_to_seal(&basis, &kept, &e));
	/* Who did not approve is no help. */
	g.members[1].pub = elsewhere;
	assert_refused(believe_to_seal(&basis, &kept, &e), ERR_REFUSED, "1 of the manifest's");
	assert_non_null(strstr(e.text, "2 are needed"));
	/* The public half beside a key that is here is as good. */
	g.members[1].pub = NULL;
	g.members[1].key = (char *)MEMBER_FILE("user2.secret");
	assert_ok(believe_to_seal(&basis, &kept, &e));
}

/* --- live documents */

static const uint8_t question[NONCE_LEN] = { 9 };

static void before_the_question_nothing_may_be_there(void **state)
{
	AUTO(birth_stage) struct birth_stage g = { 0 };
	struct document_content content;
	struct basis basis;
	int64_t asked_ms = 0;
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	basis = birth_basis(&g);
	content = g.content;
	content.nonce = (struct document_field){ true, VIEW_OF(question) };
	birth_sign(&content, &g.document);
	assert_ok(believe_start(&basis, buf_view(&g.document), VIEW_OF(question), &asked_ms, &e));
	assert_int_equal(asked_ms, content.timestamp_ms);
	asked_ms = 0;
	assert_refused(
	    believe_start(&basis, buf_view(&g.document), view_text("other"), &asked_ms, &e),
	    ERR_ATTESTATION, "nonce");
	/* A setup key without a manifest is no state of an enclave that can be asked. */
	content.public_key = (struct document_field){ true, public_of(birth_people.stranger) };
	birth_sign(&content, &g.document);
	assert_refused(
	    believe_start(&basis, buf_view(&g.document), VIEW_OF(question), &asked_ms, &e),
	    ERR_ATTESTATION, "public_key");
	content.public_key = (struct document_field){ 0 };
	content.timestamp_ms -= g.cluster.attestation.max_age_ms + 1;
	birth_sign(&content, &g.document);
	assert_refused(
	    believe_start(&basis, buf_view(&g.document), VIEW_OF(question), &asked_ms, &e),
	    ERR_ATTESTATION, "freshness");
	/* One that holds a manifest was asked by an earlier run, whose answer was lost. */
	content = g.content;
	content.nonce = (struct document_field){ true, VIEW_OF(question) };
	content.user_data = (struct document_field){ true, view_text("manifest hash") };
	content.public_key = (struct document_field){ true, public_of(birth_people.stranger) };
	birth_sign(&content, &g.document);
	assert_int_equal(asked_ms, 0);
	assert_ok(believe_start(&basis, buf_view(&g.document), VIEW_OF(question), &asked_ms, &e));
}

static void a_commitment_is_to_this_manifest_and_a_key(void **state)
{
	AUTO(birth_stage) struct birth_stage g = { 0 };
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	const struct public_key *setup = key_set_public(birth_people.stranger);
	struct document_content content;
	struct node_proof proof;
	struct pcr_set shown;
	struct basis basis;
	struct err e;

	(void)state;
	birth_stage_fill(&g);
	kept = birth_kept(&g);
	basis = birth_basis(&g);
	shown = g.shown;
	assert_ok(pcr_committed(setup, &kept.manifest_hash, &shown.values[PCR_COMMITMENT], &e));
	content = g.content;
	content.pcrs = &shown;
	content.user_data = (struct document_field){ true, VIEW_OF(kept.manifest_hash.bytes) };
	content.public_key = (struct document_field){ true, public_key_view(setup) };
	birth_sign(&content, &g.document);
	/* boot-standard's answer has no nonce: one that is asked for is missed, and only then. */
	assert_ok(believe_commitment(&basis, &kept, buf_view(&g.document), (struct view){ 0 },
	                             &proof, &e));
	assert_int_equal(proof.holding, HOLDS_SETUP_KEY);
	assert_true(public_key_equal(&proof.setup_key, setup));
	assert_refused(
	    believe_commitment(&basis, &kept, buf_view(&g.document), VIEW_OF(question), &proof, &e),
	    ERR_ATTESTATION, "nonce");
	content.nonce = (struct document_field){ true, VIEW_OF(question) };
	birth_sign(&content, &g.document);
	assert_ok(believe_commitment(&basis, &kept, buf_view(&g.document), VIEW_OF(question),
	                             &proof, &e));
	assert_refused(believe_commitment(&basis, &kept, buf_view(&g.document), (struct view){ 0 },
	                                  &proof, &e),
	               ERR_ATTESTATION, "nonce");
	/* Another key than the one committed to. */
	content.public_key = (struct document_field){ true, public_of(birth_people.keys[0]) };
	birth_sign(&content, &g.document);
	assert_refused(
	    believe_commitment(&basis, &kept, buf_view(&g.document), VIEW_OF(question), &proof, &e),
	    ERR_ATTESTATION, "pcr16");
	/* Another manifest. */
	kept.manifest_hash.bytes[0] ^= 1;
	assert_refused(
	    believe_commitment(&basis, &kept, buf_view(&g.document), VIEW_OF(question), &proof, &e),
	    ERR_ATTESTATION, "user_data");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_honest_birth_is_believed_and_gives_the_output),
		cmocka_unit_test(each_lie_of_an_enclave_has_its_reason),
		cmocka_unit_test(a_birth_without_a_known_question_may_be_of_any_age),
		cmocka_unit_test(a_recovery_key_that_the_file_names_must_have_got_the_key),
		cmocka_unit_test(the_answer_is_held_to_what_is_attested),
		cmocka_unit_test(what_is_kept_is_held_to_the_file_of_who_looks),
		cmocka_unit_test(a_later_manifest_must_follow_from_the_one_of_the_genesis),
		cmocka_unit_test(what_a_later_manifest_may_not_change),
		cmocka_unit_test(a_foreign_quorum_is_the_files_word_and_its_sets_approval),
		cmocka_unit_test(to_seal_a_key_of_each_set_must_be_here),
		cmocka_unit_test(to_seal_a_threshold_of_approvals_must_be_comparable),
		cmocka_unit_test(before_the_question_nothing_may_be_there),
		cmocka_unit_test(a_commitment_is_to_this_manifest_and_a_key),
	};

	return cmocka_run_group_tests(tests, births_open, births_close);
}
