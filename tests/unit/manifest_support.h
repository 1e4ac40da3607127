/* A manifest, the people who approve it, and their approvals. */
#ifndef TEECTL_TESTS_MANIFEST_SUPPORT_H
#define TEECTL_TESTS_MANIFEST_SUPPORT_H

#include "support.h"

#include "proto/manifest.h"

#define MEMBERS 3

static const char *const aliases[MEMBERS] = { "user1", "user2", "user3" };

static inline void key_set_of(const char *name, struct key_set **ret)
{
	char path[512];
	struct err e;

	snprintf(path, sizeof(path), "%s/qos/boot-e2e/%s", VECTORS, name);
	assert_ok(key_set_read(path, NULL, ret, &e));
}

static inline struct view public_of(const struct key_set *key)
{
	return public_key_view(key_set_public(key));
}

/* The keys of the three members. */
struct people {
	struct key_set *keys[MEMBERS], *stranger;
};

static inline void people_drop(struct people *p)
{
	for (size_t i = 0; i < MEMBERS; i++)
		key_set_drop(&p->keys[i]);
	key_set_drop(&p->stranger);
}

static inline struct people people_new(void)
{
	struct people p = { 0 };

	key_set_of("user1.secret", &p.keys[0]);
	key_set_of("user2.secret", &p.keys[1]);
	key_set_of("user3.secret", &p.keys[2]);
	key_set_of("mock_p256_dr.secret", &p.stranger);
	return p;
}

static inline void fill_set(struct member_set *set, const struct people *p)
{
	struct member *m;
	struct err e;

	set->threshold = 2;
	for (size_t i = 0; i < MEMBERS; i++) {
		assert_ok(wire_list_add(&set->members, &member_schema, &m, &e));
		assert_ok(wire_set_text(&m->alias, aliases[i], &e));
		assert_ok(wire_set(&m->pub_key, public_of(p->keys[i]), &e));
	}
}

/* A well-formed manifest of these people. */
static inline struct manifest_envelope envelope_new(const struct people *p)
{
	AUTO(buf) struct buf quorum = vector_file("qos/boot-e2e/quorum_key.pub");
	struct manifest_envelope m = { 0 };
	uint8_t pcr[PCR_LEN];
	struct err e;

	assert_ok(wire_set_text(&m.manifest.namespace.name, "a/b", &e));
	m.manifest.namespace.nonce = 7;
	m.manifest.namespace.quorum_key.max = PUBLIC_KEY_LEN;
	assert_ok(hex_parse(buf_view(&quorum), &m.manifest.namespace.quorum_key, &e));
	fill_set(&m.manifest.manifest_set, p);
	fill_set(&m.manifest.share_set, p);
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		memset(pcr, 0x10 + (int)i, sizeof(pcr));
		assert_ok(wire_set(&m.manifest.enclave.pcrs[i], VIEW_OF(pcr), &e));
	}
	return m;
}

static inline void approve(struct manifest_envelope *m, const char *alias,
                           const struct key_set *key)
{
	struct approval *a;
	struct signature signature;
	struct hash256 hash;
	struct err e;

	assert_ok(manifest_hash(&m->manifest, &hash, &e));
	assert_ok(key_set_sign(key, VIEW_OF(hash.bytes), &signature, &e));
	assert_ok(wire_list_add(&m->manifest_set_approvals, &approval_schema, &a, &e));
	assert_ok(wire_set(&a->signature, VIEW_OF(signature.bytes), &e));
	assert_ok(wire_set_text(&a->member.alias, alias, &e));
	assert_ok(wire_set(&a->member.pub_key, public_of(key), &e));
}

static inline struct member *member_at(struct member_set *set, size_t i)
{
	return (struct member *)set->members.items + i;
}

#endif
