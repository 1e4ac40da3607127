/* A cluster as its nodes were seen, one letter a node: a absent, u unreachable, y a stray at its
 * address, e empty, g genesis booted, s waiting for shares, w waiting for the key, p provisioned,
 * r ready, o occupied by another manifest, q our manifest and another quorum key, b broken; under
 * an older manifest R ready, W waiting for the key, S for shares. */
#ifndef TEECTL_TESTS_OBSERVATION_SUPPORT_H
#define TEECTL_TESTS_OBSERVATION_SUPPORT_H

#include "support.h"

#include "orchestrate/observe.h"

#define SEEN_MAX 8

struct seen_world {
	struct cluster cluster;
	struct cluster_node nodes[SEEN_MAX];
	struct node_seen seen[SEEN_MAX];
	struct observation observation;
	struct kept_manifest older;
};

static const uint8_t own_hash[32] = { 1 }, other_hash[32] = { 2 }, old_hash[32] = { 3 };

static inline struct node_seen node_as(char letter)
{
	static const struct {
		char letter;
		enum phase phase;
	} phases[] = {
		{ 'e', PHASE_WAITING_FOR_BOOT },
		{ 'g', PHASE_GENESIS_BOOTED },
		{ 's', PHASE_WAITING_FOR_SHARES },
		{ 'w', PHASE_WAITING_FOR_KEY },
		{ 'p', PHASE_PROVISIONED },
		{ 'r', PHASE_READY },
		{ 'o', PHASE_READY },
		{ 'q', PHASE_READY },
		{ 'R', PHASE_READY },
		{ 'W', PHASE_WAITING_FOR_KEY },
		{ 'S', PHASE_WAITING_FOR_SHARES },
		{ 'b', PHASE_UNRECOVERABLE },
	};
	struct node_seen seen = { .presence = NODE_PRESENT };

	if (strchr("auy", letter)) {
		seen.presence = letter == 'a'   ? NODE_ABSENT
		                : letter == 'u' ? NODE_UNREACHABLE
		                                : NODE_STRAY;
		(void)err_reason(&seen.why, ERR_UNREACHABLE, letter == 'y' ? "occupied" : "",
		                 "no answer");
		return seen;
	}
	for (size_t i = 0; i < COUNT(phases); i++)
		if (phases[i].letter == letter)
			seen.status.phase = (int)phases[i].phase;
	seen.status.has_manifest_hash = !strchr("eb", letter);
	memcpy(seen.status.manifest_hash,
	       letter == 'o'           ? other_hash
	       : strchr("RWS", letter) ? old_hash
	                               : own_hash,
	       32);
	seen.status.has_quorum_public_key = letter == 'q';
	return seen;
}

/* Everything points into it: filled in place. */
static inline void seen_world_fill(struct seen_world *w, const char *letters, bool has_genesis)
{
	static char names[SEEN_MAX][8] = { "tee1", "tee2", "tee3", "tee4",
		                           "tee5", "tee6", "tee7", "tee8" };
	static char name[] = "demo", path[] = CLUSTER_FILE_DEFAULT;

	assert_true(strlen(letters) <= SEEN_MAX);
	*w = (struct seen_world){ 0 };
	w->cluster.name = name;
	w->cluster.path = path;
	w->cluster.nodes = w->nodes;
	w->cluster.node_count = w->observation.count = strlen(letters);
	w->observation.nodes = w->seen;
	w->observation.has_genesis = has_genesis;
	memcpy(w->observation.genesis.manifest_hash.bytes, own_hash, 32);
	memset(w->observation.genesis.quorum_key.bytes, 4, PUBLIC_KEY_LEN);
	memcpy(w->older.hash.bytes, old_hash, 32);
	w->observation.older = (struct kept_manifests){ &w->older, 1 };
	for (size_t i = 0; letters[i]; i++) {
		w->nodes[i].name = w->nodes[i].listen = names[i];
		w->seen[i] = node_as(letters[i]);
	}
}

#endif
