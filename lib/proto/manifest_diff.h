/* How a manifest differs from the one that it is to follow, field by field, and whether that is
 * lawful: export-key's rules (contract.md; formats.md 6.5), for the enclave that refuses and for
 * the people who want to know it before. One table of fields says what each is called, which rule
 * it is under, and what it takes to change it. */
#ifndef TEECTL_PROTO_MANIFEST_DIFF_H
#define TEECTL_PROTO_MANIFEST_DIFF_H

#include "proto/manifest.h"

/* From the least to the most. */
enum manifest_change {
	CHANGE_NONE,
	CHANGE_BY_APPROVAL, /* of the manifest set, by its threshold */
	CHANGE_BY_CEREMONY, /* TEEs that are started with the members' shares, or a genesis */
	CHANGE_BY_DRAFT,    /* nobody can make it lawful: another draft is needed */
	CHANGE_COUNT
};
extern const char *const manifest_change_words[]; /* NULL-terminated */

struct manifest_field {
	const char *name;  /* as in QOS's files: "enclave.pcr3" */
	const char *words; /* for people, and the reason of a refusal: "share set" */
	bool (*equal)(const struct manifest *a, const struct manifest *b);
	/* Its value in one line. */
	int (*format)(const struct manifest *m, struct buf *to, struct err *e);
	/* May next's value follow own's? NULL: any may. */
	bool (*lawful)(const struct manifest *own, const struct manifest *next);
	enum manifest_change need; /* of a change that is not lawful, and how it can be had */
	const char *cure;
};

#define MANIFEST_FIELD_COUNT    17
#define MANIFEST_FIELD_TEXT_MAX (4u << 20) /* more than a file's whole text */
extern const struct manifest_field manifest_fields[MANIFEST_FIELD_COUNT];

struct manifest_diff {
	enum manifest_change need; /* the most that a field needs */
	bool is_lawful; /* the same manifest, or export-key serves next once it is approved */
	bool differs[MANIFEST_FIELD_COUNT];
	bool is_unlawful[MANIFEST_FIELD_COUNT]; /* the rules that next breaks as a successor */
};

/* All that is different, not the first alone. Both are well formed. */
void manifest_compare(const struct manifest *own, const struct manifest *next,
                      struct manifest_diff *ret);
bool manifest_diff_is_empty(const struct manifest_diff *d);
/* "2 of user1 (0a1b…), user2 (…)": a set in one line, with the first 16 digits of SHA-256 of each
 * key, as `member show` has them. */
MUST_CHECK int member_set_format(const struct member_set *set, struct buf *to, struct err *e);

/* export-key's lawful successor: same namespace name, quorum key, sets, PCR3 and trust anchor,
 * higher nonce. fails  ERR_APPROVAL naming every rule that is broken; the reason is the first's. */
MUST_CHECK int manifest_check_lawful(const struct manifest *own, const struct manifest *next,
                                     struct err *e);
/* The same, and approved by own's manifest set, by its threshold. */
MUST_CHECK int manifest_check_successor(const struct manifest *own,
                                        const struct manifest_envelope *next, struct err *e);

#endif
