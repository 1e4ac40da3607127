#include "attest/pcr.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* A role or an instance's name comes from a command line, which Linux limits to 128 KiB a word; the
 * NSM takes requests of 4 KiB. */
#define EXTEND_MAX (128u << 10)

struct view pcr_view(const struct pcr *p)
{
	return view_new(p->bytes, p->len);
}

bool pcr_equal(const struct pcr *a, const struct pcr *b)
{
	return view_equal(pcr_view(a), pcr_view(b));
}

bool pcr_is_zero(const struct pcr *p)
{
	return p->len != 0 && view_is_zero(pcr_view(p));
}

void pcr_zero(struct pcr *p)
{
	*p = (struct pcr){ .len = PCR_LEN };
}

int pcr_parse(struct view bytes, struct pcr *ret, struct err *e)
{
	if (bytes.len != PCR_LEN)
		return err_set(e, ERR_DATA, "a PCR has %d bytes, not %zu", PCR_LEN, bytes.len);
	*ret = (struct pcr){ .len = PCR_LEN };
	memcpy(ret->bytes, bytes.data, PCR_LEN);
	return 0;
}

static void set_hash(struct pcr *p, const struct hash384 *hash)
{
	*p = (struct pcr){ .len = PCR_LEN };
	memcpy(p->bytes, hash->bytes, sizeof(hash->bytes));
}

int pcr_extend(struct pcr *p, struct view data, struct err *e)
{
	AUTO(buf) struct buf joined = { 0 };
	struct hash384 hash;

	if (p->len != PCR_LEN)
		return err_set(e, ERR_INTERNAL, "a PCR of %d bytes can't be extended", p->len);
	if (data.len > EXTEND_MAX)
		return err_set(e, ERR_TOO_LARGE, "a PCR is extended by at most %u bytes, not %zu",
		               EXTEND_MAX, data.len);
	joined.max = PCR_LEN + data.len;
	TRY(buf_add(&joined, pcr_view(p), e));
	TRY(buf_add(&joined, data, e));
	TRY(sha384(buf_view(&joined), &hash, e));
	set_hash(p, &hash);
	return 0;
}

int pcr_measure_hash(const struct hash384 *hash, struct pcr *ret, struct err *e)
{
	struct pcr p;

	pcr_zero(&p);
	TRY(pcr_extend(&p, VIEW_OF(hash->bytes), e));
	*ret = p;
	return 0;
}

int pcr_measure(struct view content, struct pcr *ret, struct err *e)
{
	struct hash384 hash;

	TRY(sha384(content, &hash, e));
	return pcr_measure_hash(&hash, ret, e);
}

int pcr_measure_name(const char *text, struct pcr *ret, struct err *e)
{
	struct pcr p;

	pcr_zero(&p);
	if (*text)
		TRY(pcr_extend(&p, view_text(text), e));
	*ret = p;
	return 0;
}

bool pcr_set_is_debug(const struct pcr_set *set)
{
	return pcr_is_zero(&set->values[PCR_IMAGE]) && pcr_is_zero(&set->values[PCR_RUNTIME]) &&
	       pcr_is_zero(&set->values[PCR_OPTIONS]);
}

void pcr_reason(unsigned index, char to[static ERR_REASON_MAX])
{
	snprintf(to, ERR_REASON_MAX, "pcr%u", index);
}

bool pcr_is_policy_reason(const char *reason)
{
	char other[ERR_REASON_MAX];

	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		pcr_reason(i, other);
		if (strcmp(reason, other) == 0)
			return true;
	}
	return false;
}

static const struct {
	const char *name, *meaning;
} meanings[][PCR_COUNT] = {
	[PCR_SIMULATED] = {
		[PCR_IMAGE] = { "image", "the enclave's executable" },
		[PCR_RUNTIME] = { "runtime", "the loader and every shared library" },
		[PCR_OPTIONS] = { "launch options", "the options that change who may do what" },
		[PCR_ROLE] = { "role", "the role that the enclave was launched with" },
		[PCR_INSTANCE] = { "instance", "the instance's name" },
		[PCR_COMMITMENT] = { "commitment", "manifest and setup key of this boot" },
	},
	[PCR_NITRO] = {
		[PCR_IMAGE] = { "image", "the whole enclave image file" },
		[PCR_RUNTIME] = { "kernel", "kernel, command line and boot ramdisk" },
		[PCR_OPTIONS] = { "application", "the application, without the boot ramdisk" },
		[PCR_ROLE] = { "role", "the IAM role of the parent instance" },
		[PCR_INSTANCE] = { "instance", "the id of the parent instance" },
		[PCR_SIGNING] = { "signer", "the certificate that signed the image" },
		[PCR_COMMITMENT] = { "commitment", "QuorumOS: manifest and setup key of this boot" },
		[PCR_LIVE] = { "live commitment", "QuorumOS: manifest and live key of this boot" },
	},
};

const char *pcr_name_of(enum pcr_maker maker, unsigned index)
{
	const char *name = index < PCR_COUNT ? meanings[maker][index].name : NULL;

	return name ? name : "unnamed";
}

const char *pcr_name(unsigned index)
{
	return pcr_name_of(PCR_SIMULATED, index);
}

const char *pcr_meaning(enum pcr_maker maker, unsigned index)
{
	const char *meaning = index < PCR_COUNT ? meanings[maker][index].meaning : NULL;

	return meaning ? meaning : "";
}

int pcr_pins_format(const struct pcr_set *set, struct buf *to, struct err *e)
{
	const char *between = " ";

	TRY(buf_add_text(to, "pcrs: {", e));
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		if (set->values[i].len == 0)
			continue;
		TRY(buf_add_format(to, e, "%s%u: ", between, i));
		TRY(hex_format(pcr_view(&set->values[i]), to, e));
		between = ", ";
	}
	return buf_add_text(to, " }", e);
}

/* A key of 130 bytes and a hash in hex, and the words around them. */
#define PREIMAGE_MAX 1024

int pcr_commitment_in(const char *domain, struct view key, const struct hash256 *manifest_hash,
                      struct hash384 *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(PREIMAGE_MAX);

	TRY(buf_add_format(&text, e, "{\"domain\":\"%s\",\"ephemeralPublicKey\":\"", domain));
	TRY(hex_format(key, &text, e));
	TRY(buf_add_text(&text, "\",\"manifestHash\":\"", e));
	TRY(hex_format(VIEW_OF(manifest_hash->bytes), &text, e));
	TRY(buf_add_text(&text, "\"}", e));
	return sha384(buf_view(&text), ret, e);
}

int pcr_commitment(const struct public_key *setup_key, const struct hash256 *manifest_hash,
                   struct hash384 *ret, struct err *e)
{
	return pcr_commitment_in(PCR_SETUP_DOMAIN, public_key_view(setup_key), manifest_hash, ret,
	                         e);
}

int pcr_committed(const struct public_key *setup_key, const struct hash256 *manifest_hash,
                  struct pcr *ret, struct err *e)
{
	struct hash384 commitment;
	struct pcr p;

	TRY(pcr_commitment(setup_key, manifest_hash, &commitment, e));
	pcr_zero(&p);
	TRY(pcr_extend(&p, VIEW_OF(commitment.bytes), e));
	*ret = p;
	return 0;
}
