/* A quorum as it is born: a cluster file, a genesis output, the manifest, and the document that
 * attests the output, signed as the hypervisor signs. Each part can be changed before it is
 * attested, as a dishonest enclave would, or behind that, as a dishonest network. */
#ifndef TEECTL_TESTS_BIRTH_SUPPORT_H
#define TEECTL_TESTS_BIRTH_SUPPORT_H

#include "manifest_support.h"

#include "attest/chain.h"
#include "attest/document_sign.h"
#include "base/clock.h"
#include "crypto/certificate.h"
#include "orchestrate/believe.h"

#define MEMBER_FILE(name) VECTORS "/qos/boot-e2e/" name

static struct signer *birth_root, *birth_leaf;
static struct people birth_people;

static inline struct signer *birth_issue(const struct signer *issuer, const char *name, bool is_ca)
{
	const struct certificate_request request = {
		.common_name = name,
		.not_before_unix = clock_unix_ms() / 1000 - 3600,
		.not_after_unix = clock_unix_ms() / 1000 + 3600,
		.is_ca = is_ca,
		.path_length = -1,
	};
	struct signer *s = NULL;
	struct err e;

	assert_ok(signer_issue(issuer, &request, &s, &e));
	return s;
}

/* Group setup and teardown. */
static inline int births_open(void **state)
{
	open_arena(state);
	birth_root = birth_issue(NULL, "teectl SIMULATED root test", true);
	birth_leaf = birth_issue(birth_root, "teectl SIMULATED leaf", false);
	birth_people = people_new();
	return 0;
}

static inline int births_close(void **state)
{
	(void)state;
	signer_drop(&birth_root);
	signer_drop(&birth_leaf);
	people_drop(&birth_people);
	return 0;
}

struct birth_stage {
	struct cluster cluster;
	struct cluster_member members[MEMBERS];
	struct pcr_set pcrs;  /* PCR0..3, as a run has settled them */
	struct pcr_set shown; /* all that the enclave has: the same, and zeroes */
	struct genesis_output output;
	struct manifest_envelope envelope;
	struct document_content content; /* of the genesis document, but for user_data */
	struct buf borsh, document;      /* once it is attested */
};

static inline void birth_stage_drop(struct birth_stage *g)
{
	genesis_output_drop(&g->output);
	manifest_envelope_drop(&g->envelope);
	buf_drop(&g->borsh);
	buf_drop(&g->document);
}

static inline void birth_fill_output(struct birth_stage *g)
{
	struct encrypted_share *share;
	uint8_t sealed[130];
	struct err e;

	fill_set(&g->output.set, &birth_people);
	assert_ok(wire_set(&g->output.quorum_key,
	                   buf_view(&g->envelope.manifest.namespace.quorum_key), &e));
	for (size_t i = 0; i < MEMBERS; i++) {
		assert_ok(
		    wire_list_add(&g->output.member_outputs, &encrypted_share_schema, &share, &e));
		assert_ok(wire_set_text(&share->share_set_member.alias, aliases[i], &e));
		assert_ok(wire_set(&share->share_set_member.pub_key,
		                   public_of(birth_people.keys[i]), &e));
		memset(sealed, (int)i + 1, sizeof(sealed));
		assert_ok(wire_set(&share->encrypted_quorum_key_share, VIEW_OF(sealed), &e));
		memset(share->share_hash, (int)i + 0x81, sizeof(share->share_hash));
	}
}

/* Content points at the stage's own PCRs: filled in place. */
static inline void birth_stage_fill(struct birth_stage *g)
{
	static char name[] = "demo", namespace[] = "a/b";
	static char names[MEMBERS][8] = { "user1", "user2", "user3" };
	static char pubs[MEMBERS][512] = { MEMBER_FILE("user1.pub"), MEMBER_FILE("user2.pub"),
		                           MEMBER_FILE("user3.pub") };
	struct err e;

	*g = (struct birth_stage){ .borsh = BUF_INIT(GENESIS_OUTPUT_MAX),
		                   .document = BUF_INIT(DOCUMENT_MAX) };
	for (size_t i = 0; i < MEMBERS; i++)
		g->members[i] = (struct cluster_member){ .name = names[i], .pub = pubs[i] };
	g->cluster.name = name;
	g->cluster.quorum.members = (struct cluster_member_list){ g->members, MEMBERS, 2 };
	g->cluster.manifest_set = g->cluster.quorum.members;
	g->cluster.manifest.namespace_name = namespace;
	g->cluster.manifest.nonce = 7;
	g->cluster.attestation.max_age_ms = 300000;
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		pcr_zero(&g->shown.values[i]);
		if (i >= PCR_POLICY_COUNT)
			continue;
		memset(g->shown.values[i].bytes, 0x10 + (int)i, PCR_LEN);
		g->pcrs.values[i] = g->shown.values[i];
	}
	g->envelope = envelope_new(&birth_people);
	assert_ok(wire_set(&g->envelope.manifest.enclave.aws_root_certificate,
	                   signer_certificate(birth_root), &e));
	birth_fill_output(g);
	g->content = (struct document_content){ .module_id = "i-test-enc1",
		                                .timestamp_ms = clock_unix_ms(),
		                                .pcrs = &g->shown,
		                                .cabundle = { signer_certificate(birth_root) },
		                                .cabundle_count = 1 };
}

static inline void birth_sign(const struct document_content *content, struct buf *to)
{
	struct err e;

	buf_clear(to);
	assert_ok(document_sign(content, birth_leaf, to, &e));
}

/* The output as it is now, and the document over it. */
static inline void birth_attest(struct birth_stage *g)
{
	struct document_content content = g->content;
	struct hash256 hash;
	struct err e;

	buf_clear(&g->borsh);
	assert_ok(genesis_output_encode(&g->output, &g->borsh, &e));
	assert_ok(sha256(buf_view(&g->borsh), &hash, &e));
	if (!content.user_data.is_present)
		content.user_data = (struct document_field){ true, VIEW_OF(hash.bytes) };
	birth_sign(&content, &g->document);
}

static inline struct basis birth_basis(const struct birth_stage *g)
{
	return (struct basis){ &g->cluster, signer_certificate(birth_root), &g->pcrs };
}

/* What the state has kept of it, owned by the caller. */
static inline struct kept_genesis birth_kept(const struct birth_stage *g)
{
	struct kept_genesis kept = { 0 };
	struct err e;

	assert_ok(manifest_copy(&g->envelope, &kept.envelope, &e));
	assert_ok(manifest_hash(&kept.envelope.manifest, &kept.manifest_hash, &e));
	assert_ok(manifest_quorum_key(&kept.envelope.manifest, &kept.quorum_key, &e));
	assert_ok(wire_set(&kept.output, buf_view(&g->borsh), &e));
	assert_ok(wire_set(&kept.document, buf_view(&g->document), &e));
	return kept;
}

#endif
