#include "enclave/enclave.h"

#include "attest/chain.h"
#include "base/clock.h"
#include "base/text.h"
#include "enclave/entropy.h"

#include <stdlib.h>
#include <sys/socket.h>

static int read_pin(const struct launch *launch, enum launch_id id, bool *ret_has,
                    struct hash256 *ret, struct err *e)
{
	const char *text = launch->values[id];

	if (!text)
		return 0;
	TRY(hex_parse_exact(view_text(text), ret->bytes, sizeof(ret->bytes), e));
	*ret_has = true;
	return 0;
}

static int read_options(struct enclave *en, const struct launch *launch, struct err *e)
{
	en->open_seed = launch->values[LAUNCH_INSECURE_OPEN_SEED] != NULL;
	en->max_body = launch->numbers[LAUNCH_MAX_BODY];
	rate_init(&en->rate, launch->numbers[LAUNCH_NSM_RATE]);
	TRY(read_pin(launch, LAUNCH_PIN_MANIFEST_SET, &en->has_manifest_pin, &en->manifest_pin, e));
	return read_pin(launch, LAUNCH_PIN_SHARE_SET, &en->has_share_pin, &en->share_pin, e);
}

/* All of PCR0..2 zero, or none. */
static int judge_debug(struct enclave *en, struct err *e)
{
	unsigned zero = 0;

	for (unsigned i = 0; i <= PCR_OPTIONS; i++)
		zero += pcr_is_zero(&en->pcrs.values[i]);
	if (zero != 0 && zero != PCR_OPTIONS + 1)
		return err_set(e, ERR_ENCLAVE, "%u of PCR0..2 are zero: neither debug nor measured",
		               zero);
	en->is_debug = zero != 0;
	return 0;
}

/* Takes a document and learns from it who signs here, what is measured, and what time it is. */
static int meet_nsm(struct enclave *en, struct err *e)
{
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(attestation) struct attestation attestation = { 0 };
	struct view none = { 0 };
	struct attestation_policy policy = { .chain_at_document = true, .uncommitted = true };
	int64_t asked_ms = clock_since_boot_ms();

	TRY(enclave_attest(en, none, none, none, &document, e));
	TRY(attestation_parse(buf_view(&document), &claims, e));
	policy.root = claims.cabundle[0];
	TRY(attestation_verify(&claims, &policy, &attestation, e));
	if (nsm_is_device(en->nsm) && !chain_root_is_aws(policy.root))
		return err_set(e, ERR_ATTESTATION, "the device's root is not AWS Nitro's");
	en->anchor.max = policy.root.len;
	TRY(buf_set(&en->anchor, policy.root, e));
	en->pcrs = attestation.pcrs;
	own_time_set(&en->time, attestation.timestamp_ms, asked_ms);
	return judge_debug(en, e);
}

static void init_locks(struct enclave *en)
{
	pthread_rwlockattr_t writers_first;

	pthread_mutex_init(&en->operation, NULL);
	/* Else readers that never cease would keep a commit waiting. */
	pthread_rwlockattr_init(&writers_first);
	pthread_rwlockattr_setkind_np(&writers_first, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&en->lock, &writers_first);
	pthread_rwlockattr_destroy(&writers_first);
	own_time_init(&en->time);
	receipts_init(&en->receipts);
}

int enclave_start(struct nsm *nsm, const struct launch *launch, struct enclave **ret, struct err *e)
{
	AUTO(nsm) struct nsm *owned = nsm;
	AUTO(enclave) struct enclave *en = calloc(1, sizeof(*en));

	if (!en)
		return err_set(e, ERR_INTERNAL, "no memory for the enclave");
	init_locks(en);
	en->state.phase = PHASE_WAITING_FOR_BOOT;
	en->started_ms = clock_monotonic_ms();
	en->nsm = MOVE(owned);
	en->entropy = enclave_entropy(en->nsm);
	TRY(read_options(en, launch, e));
	TRY(random_uuid(en->instance_id, e));
	TRY(meet_nsm(en, e));
	*ret = MOVE(en);
	return 0;
}

static void drop_slots(struct enclave_state *state)
{
	for (size_t i = 0; i < state->slot_count; i++)
		secret_drop(&state->slots[i].share);
	free(state->slots);
	state->slots = NULL;
	state->slot_count = 0;
}

void enclave_drop(struct enclave **en)
{
	struct enclave *gone = *en;

	if (!gone)
		return;
	drop_slots(&gone->state);
	key_set_drop(&gone->state.setup_key);
	key_set_drop(&gone->state.quorum_key);
	manifest_message_drop(&gone->state.manifest);
	genesis_reply_drop(&gone->state.genesis_reply);
	buf_drop(&gone->state.boot_document);
	receipts_drop(&gone->receipts);
	own_time_drop(&gone->time);
	rate_drop(&gone->rate);
	pthread_rwlock_destroy(&gone->lock);
	pthread_mutex_destroy(&gone->operation);
	buf_drop(&gone->anchor);
	nsm_drop(&gone->nsm);
	free(gone);
	*en = NULL;
}

void enclave_hang_up(struct enclave *en)
{
	if (!nsm_is_device(en->nsm))
		shutdown(nsm_fd(en->nsm), SHUT_RDWR);
}

void enclave_write_begin(struct enclave *en)
{
	pthread_rwlock_wrlock(&en->lock);
}

void enclave_write_end(struct enclave *en)
{
	pthread_rwlock_unlock(&en->lock);
}

void enclave_advance(struct enclave *en, enum phase_event event, struct trail *trail)
{
	enum phase next;

	if (!phase_next(en->state.phase, event, &next))
		next = PHASE_UNRECOVERABLE;
	en->state.phase = next;
	if (trail->count < TRAIL_MAX)
		trail->phases[trail->count++] = next;
}

void enclave_forget_setup(struct enclave_state *state)
{
	key_set_drop(&state->setup_key);
	for (size_t i = 0; i < state->slot_count; i++)
		secret_drop(&state->slots[i].share);
}

void enclave_wipe(struct enclave *en, struct trail *trail)
{
	enclave_forget_setup(&en->state);
	key_set_drop(&en->state.quorum_key);
	enclave_advance(en, EVENT_FATAL, trail);
}

void enclave_fail(struct enclave *en, struct trail *trail)
{
	enclave_write_begin(en);
	enclave_wipe(en, trail);
	enclave_write_end(en);
}

static struct document_field field(struct view v)
{
	return (struct document_field){ .is_present = v.len > 0, .value = v };
}

int enclave_attest(struct enclave *en, struct view user_data, struct view public_key,
                   struct view nonce, struct buf *ret, struct err *e)
{
	struct nsm_request q = { .operation = NSM_ATTESTATION,
		                 .user_data = field(user_data),
		                 .public_key = field(public_key),
		                 .nonce = field(nonce) };

	return nsm_attest(en->nsm, &q, ret, e);
}
