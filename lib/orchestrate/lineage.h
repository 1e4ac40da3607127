/* Lineage: from whom each TEE has the quorum key, out of a journal that was replayed. A way is
 * verified when the source's receipt names the document that attests the target's setup key, and
 * the target's receipt the envelope that it took; else it is claimed. */
#ifndef TEECTL_ORCHESTRATE_LINEAGE_H
#define TEECTL_ORCHESTRATE_LINEAGE_H

#include "orchestrate/audit.h"

#define LINEAGE_NONE SIZE_MAX

enum key_way {
	KEY_NOT_SHOWN, /* no receipt says that it took the key */
	KEY_SHARES,    /* from the members' shares */
	KEY_FORWARDED, /* from another TEE */
};
extern const char *const key_way_names[]; /* NULL-terminated */

struct lineage_tee {
	struct buf node, module_id; /* module_id empty: no document of it is in the journal */
	bool has_setup_key;
	uint8_t setup_key[32]; /* SHA-256 of it: what receipts name it by */
	int way;               /* enum key_way */
	bool has_source;
	struct buf source, source_module; /* of KEY_FORWARDED, where it is known */
	bool verified;                    /* the way */
	bool proved, retired;
	bool earlier;            /* its node was started again since */
	bool stopped;            /* it does not run now: of who can look, no journal tells */
	int64_t proved_ms;       /* by the TEE's own clock; of proved */
	int64_t received_ms;     /* of a way that is shown */
	int64_t unknown_exports; /* that it made to TEEs of which there is no document */
	size_t from;             /* index of the source, LINEAGE_NONE; not in the schema */
	size_t number;           /* of the journal's line that was the last to tell of it */
};
extern const struct wire_schema lineage_tee_schema;

struct lineage {
	struct wire_list tees; /* struct lineage_tee; sources before targets */
};
extern const struct wire_schema lineage_schema;
WIRE_DROP(lineage);

MUST_CHECK int lineage_make(const struct audit *a, struct lineage *ret, struct err *e);
/* The last TEE that the journal knows by that name. fails ERR_DATA: none */
MUST_CHECK int lineage_find(const struct lineage *l, const char *node, size_t *ret, struct err *e);
/* Is it that TEE, or does it have the key from it, or from one that has? */
bool lineage_descends(const struct lineage *l, size_t tee, size_t from);
/* Drops all but the TEEs of that name, every life of the node, and those that have the key from one
 * of them: who got it from a host does not become another's when the host is started again.
 * fails ERR_DATA: the name had none */
MUST_CHECK int lineage_cut_from(struct lineage *l, const char *node, struct err *e);
/* Drops all but the last TEE of that name and those it has the key from. fails as that */
MUST_CHECK int lineage_cut_to(struct lineage *l, const char *node, struct err *e);
/* Drops all but those that are flagged, one flag a TEE, and those they have the key from. */
MUST_CHECK int lineage_keep(struct lineage *l, const bool *flags, struct err *e);

#endif
