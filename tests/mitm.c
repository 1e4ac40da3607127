/* A proxy in front of an enclave that changes chosen questions and answers, for tests of what
 * teectl believes and of what it does when somebody dies.
 *
 *   mitm --to URL [--other URL] [--pki DIR] [--victim FILE] OPERATION[@N[-M]]:CHANGE...
 *
 * It listens on a free port, prints "listening on HOST:PORT", and writes one line to standard error
 * for every question: its operation. OPERATION is a name of api_table; with @N the change is made
 * to the Nth question of that operation and those after it, with @N-M up to the Mth. --other is
 * where `elsewhere` sends a question, --pki whose root signs changed documents, --victim a file
 * with the pid that gets the signals. */
#include "attest/document_sign.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "client/client.h"
#include "hv/pki.h"
#include "proto/genesis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHANGES_MAX    16
#define HEAD_MAX       16384
#define REQUEST_MAX    (HEAD_MAX + BODY_MAX)
#define FORWARD_MAX_MS 20000
#define HOUR_MS        INT64_C(3600000)

/* A document taken apart, to be signed again. */
struct forgery {
	struct document_content content;
	struct pcr_set pcrs;
	char module_id[64];
	uint8_t user_data[DOCUMENT_USER_DATA_MAX], nonce[DOCUMENT_NONCE_MAX];
	struct public_key key; /* one that nobody asked for */
};

/* What happens to a question or an answer as a whole. */
enum act {
	ACT_NONE,
	ACT_KILL_BEFORE, /* the victim, before the question is passed on */
	ACT_KILL_AFTER,  /* the victim, when the answer is there; nobody gets it */
	ACT_INTERRUPT,   /* SIGINT to the victim before the question is passed on */
	ACT_ELSEWHERE,   /* another enclave is asked */
	ACT_LOSE,        /* the enclave is asked, and its answer is lost */
	ACT_HOLD,        /* nobody is asked, and the connection stays open */
	ACT_FLIP,        /* the last bit of the document, which is in its signature */
	ACT_REPLAY,      /* the first document again */
};

struct change {
	const char *name;
	enum api api; /* API_COUNT: any */
	enum act act;
	void (*on_request)(void *request);
	void (*on_reply)(void *reply);
	void (*on_document)(struct forgery *f); /* it is then signed again */
};

struct applied {
	const struct change *change;
	enum api api;
	unsigned from, to;
};

struct proxy {
	struct client *client;
	const char *to, *other, *pki, *victim;
	struct applied changes[CHANGES_MAX];
	size_t change_count;
	unsigned asked[API_COUNT];
	struct buf first_document;
};

/* What can't fail in a test that makes sense. */
static void must(int result, const struct err *e)
{
	if (result == 0)
		return;
	fprintf(stderr, "mitm: %s\n", e->text);
	abort();
}

static void draw_key(uint8_t to[static PUBLIC_KEY_LEN])
{
	AUTO(key_set) struct key_set *key = NULL;
	struct err e;

	must(key_set_generate(&entropy_system, "mitm", &key, &e), &e);
	memcpy(to, key_set_public(key)->bytes, PUBLIC_KEY_LEN);
}

static void set_text(struct buf *member, const char *text)
{
	struct err e;

	must(wire_set_text(member, text, &e), &e);
}

/* --- nonces and challenges asked for */

static void live_nonce(void *request)
{
	struct live_attestation_request *q = request;

	q->nonce.data[0] ^= 1;
}

static void attestation_nonce(void *request)
{
	struct generate_attestation_request *q = request;

	q->nonce.data[0] ^= 1;
}

static void prove_nonce(void *request)
{
	struct prove_key_request *q = request;

	q->challenge[0] ^= 1;
}

/* --- what genesis is asked */

static void genesis_dr_key(void *request)
{
	struct genesis_request *q = request;

	q->has_dr_key = true;
	draw_key(q->dr_key);
}

static void genesis_no_dr_key(void *request)
{
	struct genesis_request *q = request;

	q->has_dr_key = false;
}

static void genesis_namespace(void *request)
{
	struct genesis_request *q = request;

	q->namespace_nonce++;
}

static void genesis_pivot(void *request)
{
	struct genesis_request *q = request;

	q->pivot_hash[0] ^= 1;
}

static void genesis_argument(void *request)
{
	struct genesis_request *q = request;
	struct text_item *item;
	struct err e;

	must(wire_list_add(&q->pivot_args, &text_item_schema, &item, &e), &e);
	set_text(&item->text, "--evil");
}

static void genesis_threshold(void *request)
{
	struct genesis_request *q = request;

	q->share_threshold++;
}

static void genesis_manifest_threshold(void *request)
{
	struct genesis_request *q = request;

	q->manifest_threshold--;
}

static void genesis_member(void *request)
{
	struct genesis_request *q = request;
	struct member *members = q->share_members.items;

	draw_key(members[0].pub_key.data);
}

static void genesis_manifest_member(void *request)
{
	struct genesis_request *q = request;
	struct member *members = q->manifest_members.items;

	draw_key(members[0].pub_key.data);
}

/* --- what genesis answers */

static void hide_dr_wrap(void *reply)
{
	struct genesis_reply *a = reply;

	a->has_dr_wrap = false;
}

static void alter_dr_wrap(void *reply)
{
	struct genesis_reply *a = reply;

	a->dr_key_wrapped_quorum_key.data[100] ^= 1;
}

static void swap_shares(void *reply)
{
	struct genesis_reply *a = reply;
	struct encrypted_share *shares = a->encrypted_shares.items;
	struct buf first = shares[0].encrypted_quorum_key_share;

	shares[0].encrypted_quorum_key_share = shares[1].encrypted_quorum_key_share;
	shares[1].encrypted_quorum_key_share = first;
}

static void alter_share_hash(void *reply)
{
	struct genesis_reply *a = reply;
	struct encrypted_share *shares = a->encrypted_shares.items;

	shares[1].share_hash[0] ^= 1;
}

static void drop_share(void *reply)
{
	struct genesis_reply *a = reply;
	struct encrypted_share *shares = a->encrypted_shares.items;

	wire_release(&encrypted_share_schema, &shares[--a->encrypted_shares.count]);
}

static void swap_quorum_key(void *reply)
{
	struct genesis_reply *a = reply;

	draw_key(a->quorum_public_key);
}

static void alter_output(void *reply)
{
	struct genesis_reply *a = reply;

	a->genesis_output.data[a->genesis_output.len - 1] ^= 1;
}

static struct manifest *manifest_of(void *reply)
{
	return &((struct genesis_reply *)reply)->manifest_envelope.manifest;
}

static void manifest_key(void *reply)
{
	draw_key(manifest_of(reply)->namespace.quorum_key.data);
}

static void manifest_name(void *reply)
{
	set_text(&manifest_of(reply)->namespace.name, "another");
}

static void manifest_threshold(void *reply)
{
	manifest_of(reply)->share_set.threshold++;
}

static void manifest_set_threshold(void *reply)
{
	manifest_of(reply)->manifest_set.threshold--;
}

static void manifest_member(void *reply)
{
	struct member *members = manifest_of(reply)->manifest_set.members.items;

	draw_key(members[0].pub_key.data);
}

static void manifest_pivot(void *reply)
{
	manifest_of(reply)->pivot.hash[31] ^= 1;
}

static void manifest_restart(void *reply)
{
	manifest_of(reply)->pivot.restart = MANIFEST_RESTART_ALWAYS;
}

static void manifest_debug(void *reply)
{
	manifest_of(reply)->pivot.debug_mode = true;
}

static void manifest_pcr(void *reply)
{
	manifest_of(reply)->enclave.pcrs[2].data[0] ^= 1;
}

static void manifest_root(void *reply)
{
	struct buf *root = &manifest_of(reply)->enclave.aws_root_certificate;

	root->data[root->len - 1] ^= 1;
}

static void manifest_commit(void *reply)
{
	set_text(&manifest_of(reply)->enclave.qos_commit, "0badc0de");
}

static void manifest_approval(void *reply)
{
	struct genesis_reply *a = reply;
	struct member *members = a->manifest_envelope.manifest.manifest_set.members.items;
	const uint8_t signature[SIGNATURE_LEN] = { 1 };
	struct approval *approval;
	struct err e;

	must(wire_list_add(&a->manifest_envelope.manifest_set_approvals, &approval_schema,
	                   &approval, &e),
	     &e);
	must(wire_set(&approval->signature, VIEW_OF(signature), &e), &e);
	must(wire_set(&approval->member.alias, buf_view(&members[0].alias), &e), &e);
	must(wire_set(&approval->member.pub_key, buf_view(&members[0].pub_key), &e), &e);
}

/* --- the others */

static void share_other_manifest(void *request)
{
	struct manifest_message *q = request;

	q->manifest_envelope.manifest.namespace.nonce++;
}

static void export_signature(void *reply)
{
	struct export_key_reply *a = reply;

	a->signature[40] ^= 1;
}

static void export_key(void *reply)
{
	struct export_key_reply *a = reply;

	a->encrypted_quorum_key[100] ^= 1;
}

/* Signed, but not by the quorum key. */
static void export_other_key(void *reply)
{
	struct export_key_reply *a = reply;
	AUTO(key_set) struct key_set *key = NULL;
	struct signature signature;
	struct err e;

	must(key_set_generate(&entropy_system, "mitm", &key, &e), &e);
	must(key_set_sign(key, VIEW_OF(a->encrypted_quorum_key), &signature, &e), &e);
	memcpy(a->signature, signature.bytes, sizeof(a->signature));
}

static void inject_altered(void *request)
{
	struct inject_key_request *q = request;

	q->encrypted_quorum_key[100] ^= 1;
}

/* Receipts: where their fields begin (contract.md, "What is signed"). */
enum {
	RECEIPT_AT_KIND = 0,
	RECEIPT_AT_SEQUENCE = 4,
	RECEIPT_AT_SETUP = 20,
	RECEIPT_AT_SUBJECT = 52
};

static void export_receipt_signature(void *reply)
{
	((struct export_key_reply *)reply)->receipt.signature[40] ^= 1;
}

static void export_receipt_kind(void *reply)
{
	((struct export_key_reply *)reply)->receipt.body[RECEIPT_AT_KIND] = RECEIPT_RETIRE;
}

static void export_receipt_subject(void *reply)
{
	((struct export_key_reply *)reply)->receipt.body[RECEIPT_AT_SUBJECT] ^= 1;
}

static void export_receipt_sequence(void *reply)
{
	((struct export_key_reply *)reply)->receipt.body[RECEIPT_AT_SEQUENCE] ^= 64;
}

static void export_no_receipt(void *reply)
{
	((struct export_key_reply *)reply)->has_receipt = false;
}

static void inject_receipt_signature(void *reply)
{
	((struct success_reply *)reply)->receipt.signature[40] ^= 1;
}

static void inject_receipt_setup(void *reply)
{
	((struct success_reply *)reply)->receipt.body[RECEIPT_AT_SETUP] ^= 1;
}

static void inject_no_receipt(void *reply)
{
	((struct success_reply *)reply)->has_receipt = false;
}

static void shares_receipt_signature(void *reply)
{
	((struct inject_shares_reply *)reply)->receipt.signature[40] ^= 1;
}

/* All but the last, as an enclave that has made more than it keeps. */
static void forget_receipts(void *reply)
{
	struct receipts_reply *a = reply;
	struct receipt_item *items = a->receipts.items;

	items[0] = items[a->receipts.count - 1];
	a->receipts.count = 1;
}

static void alter_receipts(void *reply)
{
	struct receipts_reply *a = reply;
	struct receipt_item *items = a->receipts.items;

	items[a->receipts.count - 1].body[RECEIPT_AT_SUBJECT] ^= 1;
}

static void rebuilt_key(void *reply)
{
	struct inject_shares_reply *a = reply;

	if (a->reconstructed_quorum_key.len)
		draw_key(a->reconstructed_quorum_key.data);
}

static void alter_submitted(void *request)
{
	struct inject_shares_request *q = request;
	struct submitted_share *shares = q->shares.items;

	shares[0].encrypted_share.data[120] ^= 1;
}

static void proof_signature(void *reply)
{
	struct prove_key_reply *a = reply;

	a->signature[0] ^= 1;
}

static void proof_key(void *reply)
{
	struct prove_key_reply *a = reply;

	draw_key(a->quorum_public_key);
}

static void claim_ready(void *reply)
{
	struct status_reply *a = reply;

	a->status = a->phase = PHASE_READY;
	a->quorum_key_available = true;
}

/* --- documents */

static struct buf *document_of(enum api api, void *reply)
{
	switch (api) {
	case API_LIVE_ATTESTATION:
	case API_GENERATE_ATTESTATION:
	case API_BOOT_STANDARD:
		return &((struct attestation_reply *)reply)->attestation_doc;
	case API_PROVE_KEY:
		return &((struct prove_key_reply *)reply)->attestation_doc;
	case API_GENESIS_BOOT:
		return &((struct genesis_reply *)reply)->genesis_attestation_doc;
	default:
		return NULL;
	}
}

static void resign(struct forgery *f)
{
	(void)f;
}

static void make_old(struct forgery *f)
{
	f->content.timestamp_ms -= HOUR_MS;
}

/* Not as old as the certificates, which are backdated by a minute. */
static void make_early(struct forgery *f)
{
	f->content.timestamp_ms -= PKI_BACKDATE_S * 1000 / 2;
}

static void make_ahead(struct forgery *f)
{
	f->content.timestamp_ms += HOUR_MS;
}

/* In the place of the setup key, or where there should be none. */
static void set_key(struct forgery *f)
{
	f->content.public_key = (struct document_field){ true, VIEW_OF(f->key.bytes) };
}

static void remove_key(struct forgery *f)
{
	f->content.public_key.is_present = false;
}

static void alter_user_data(struct forgery *f)
{
	f->user_data[0] ^= 1;
	f->content.user_data =
	    (struct document_field){ true, view_new(f->user_data, sizeof(struct hash256)) };
}

static void remove_nonce(struct forgery *f)
{
	f->content.nonce.is_present = false;
}

static void add_nonce(struct forgery *f)
{
	f->content.nonce = (struct document_field){ true, view_new(f->nonce, 32) };
}

static void alter_pcr(struct forgery *f, unsigned index)
{
	f->pcrs.values[index].len = PCR_LEN;
	f->pcrs.values[index].bytes[0] ^= 1;
}

static void alter_pcr0(struct forgery *f)
{
	alter_pcr(f, 0);
}

static void alter_pcr1(struct forgery *f)
{
	alter_pcr(f, 1);
}

static void alter_pcr2(struct forgery *f)
{
	alter_pcr(f, 2);
}

static void alter_pcr3(struct forgery *f)
{
	alter_pcr(f, 3);
}

static void alter_pcr16(struct forgery *f)
{
	alter_pcr(f, PCR_COMMITMENT);
}

static void zero_pcrs(struct forgery *f)
{
	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++)
		pcr_zero(&f->pcrs.values[i]);
}

static void copy_field(const struct document_field *from, uint8_t *bytes, struct document_field *to)
{
	*to = *from;
	if (!from->is_present)
		return;
	memcpy(bytes, from->value.data, from->value.len);
	to->value.data = bytes;
}

static int forge(const struct proxy *p, void (*change)(struct forgery *f), struct buf *document,
                 struct err *e)
{
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(identity) struct identity identity = { 0 };
	AUTO(buf) struct buf forged = BUF_INIT(DOCUMENT_MAX);
	struct forgery f = { .content.pcrs = &f.pcrs };

	if (!p->pki)
		return err_set(e, ERR_USAGE, "--pki is not given");
	TRY(attestation_parse(buf_view(document), &claims, e));
	TRY(pki_certify(p->pki, "mitm", clock_unix_ms() / 1000, PKI_START_PATIENCE_MS, &identity,
	                e));
	snprintf(f.module_id, sizeof(f.module_id), "%.*s", (int)claims.module_id.len,
	         (const char *)claims.module_id.data);
	f.content.module_id = f.module_id;
	f.content.timestamp_ms = claims.timestamp_ms;
	f.content.cabundle[0] = buf_view(&identity.root);
	f.content.cabundle[1] = buf_view(&identity.platform);
	f.content.cabundle_count = 2;
	f.content.public_key = claims.public_key;
	f.pcrs = claims.pcrs;
	copy_field(&claims.user_data, f.user_data, &f.content.user_data);
	copy_field(&claims.nonce, f.nonce, &f.content.nonce);
	draw_key(f.key.bytes);
	change(&f);
	TRY(document_sign(&f.content, identity.leaf, &forged, e));
	return wire_set(document, buf_view(&forged), e);
}

static int replay(struct proxy *p, struct buf *document, struct err *e)
{
	if (p->first_document.len == 0)
		return buf_set(&p->first_document, buf_view(document), e);
	return wire_set(document, buf_view(&p->first_document), e);
}

#define ANY     API_COUNT
#define GENESIS API_GENESIS_BOOT
#define ATTEST  API_GENERATE_ATTESTATION

/* clang-format off */
static const struct change changes[] = {
	{ "kill-before", ANY, .act = ACT_KILL_BEFORE },
	{ "kill-after", ANY, .act = ACT_KILL_AFTER },
	{ "interrupt", ANY, .act = ACT_INTERRUPT },
	{ "elsewhere", ANY, .act = ACT_ELSEWHERE },
	{ "lost", ANY, .act = ACT_LOSE },
	{ "held", ANY, .act = ACT_HOLD },
	{ "flipped", ANY, .act = ACT_FLIP },
	{ "replayed", ANY, .act = ACT_REPLAY },
	{ "nonce", API_LIVE_ATTESTATION, .on_request = live_nonce },
	{ "nonce", ATTEST, .on_request = attestation_nonce },
	{ "nonce", API_PROVE_KEY, .on_request = prove_nonce },
	{ "ask-dr-key", GENESIS, .on_request = genesis_dr_key },
	{ "ask-dr-key-hidden", GENESIS, .on_request = genesis_dr_key, .on_reply = hide_dr_wrap },
	{ "ask-no-dr-key", GENESIS, .on_request = genesis_no_dr_key },
	{ "ask-namespace", GENESIS, .on_request = genesis_namespace },
	{ "ask-pivot", GENESIS, .on_request = genesis_pivot },
	{ "ask-argument", GENESIS, .on_request = genesis_argument },
	{ "ask-threshold", GENESIS, .on_request = genesis_threshold },
	{ "ask-manifest-threshold", GENESIS, .on_request = genesis_manifest_threshold },
	{ "ask-member", GENESIS, .on_request = genesis_member },
	{ "ask-manifest-member", GENESIS, .on_request = genesis_manifest_member },
	{ "dr-wrap", GENESIS, .on_reply = alter_dr_wrap },
	{ "shares-swapped", GENESIS, .on_reply = swap_shares },
	{ "share-hash", GENESIS, .on_reply = alter_share_hash },
	{ "share-dropped", GENESIS, .on_reply = drop_share },
	{ "quorum-key", GENESIS, .on_reply = swap_quorum_key },
	{ "output", GENESIS, .on_reply = alter_output },
	{ "manifest-key", GENESIS, .on_reply = manifest_key },
	{ "manifest-name", GENESIS, .on_reply = manifest_name },
	{ "manifest-threshold", GENESIS, .on_reply = manifest_threshold },
	{ "manifest-set-threshold", GENESIS, .on_reply = manifest_set_threshold },
	{ "manifest-member", GENESIS, .on_reply = manifest_member },
	{ "manifest-pivot", GENESIS, .on_reply = manifest_pivot },
	{ "manifest-restart", GENESIS, .on_reply = manifest_restart },
	{ "manifest-debug", GENESIS, .on_reply = manifest_debug },
	{ "manifest-pcr", GENESIS, .on_reply = manifest_pcr },
	{ "manifest-root", GENESIS, .on_reply = manifest_root },
	{ "manifest-commit", GENESIS, .on_reply = manifest_commit },
	{ "manifest-approval", GENESIS, .on_reply = manifest_approval },
	{ "other-manifest", API_SHARE_MANIFEST, .on_request = share_other_manifest },
	{ "signature", API_EXPORT_KEY, .on_reply = export_signature },
	{ "key", API_EXPORT_KEY, .on_reply = export_key },
	{ "other-signer", API_EXPORT_KEY, .on_reply = export_other_key },
	{ "receipt-signature", API_EXPORT_KEY, .on_reply = export_receipt_signature },
	{ "receipt-kind", API_EXPORT_KEY, .on_reply = export_receipt_kind },
	{ "receipt-subject", API_EXPORT_KEY, .on_reply = export_receipt_subject },
	{ "receipt-sequence", API_EXPORT_KEY, .on_reply = export_receipt_sequence },
	{ "no-receipt", API_EXPORT_KEY, .on_reply = export_no_receipt },
	{ "receipt-signature", API_INJECT_KEY, .on_reply = inject_receipt_signature },
	{ "receipt-setup", API_INJECT_KEY, .on_reply = inject_receipt_setup },
	{ "no-receipt", API_INJECT_KEY, .on_reply = inject_no_receipt },
	{ "receipt-signature", API_INJECT_SHARES, .on_reply = shares_receipt_signature },
	{ "forgotten", API_RECEIPTS, .on_reply = forget_receipts },
	{ "altered", API_RECEIPTS, .on_reply = alter_receipts },
	{ "altered", API_INJECT_KEY, .on_request = inject_altered },
	{ "altered", API_INJECT_SHARES, .on_request = alter_submitted },
	{ "rebuilt-key", API_INJECT_SHARES, .on_reply = rebuilt_key },
	{ "signature", API_PROVE_KEY, .on_reply = proof_signature },
	{ "key", API_PROVE_KEY, .on_reply = proof_key },
	{ "ready", API_STATUS, .on_reply = claim_ready },
	{ "resigned", ANY, .on_document = resign },
	{ "old", ANY, .on_document = make_old },
	{ "early", ANY, .on_document = make_early },
	{ "ahead", ANY, .on_document = make_ahead },
	{ "public-key", ANY, .on_document = set_key },
	{ "no-public-key", ANY, .on_document = remove_key },
	{ "user-data", ANY, .on_document = alter_user_data },
	{ "no-nonce", ANY, .on_document = remove_nonce },
	{ "some-nonce", ANY, .on_document = add_nonce },
	{ "pcr0", ANY, .on_document = alter_pcr0 },
	{ "pcr1", ANY, .on_document = alter_pcr1 },
	{ "pcr2", ANY, .on_document = alter_pcr2 },
	{ "pcr3", ANY, .on_document = alter_pcr3 },
	{ "pcr16", ANY, .on_document = alter_pcr16 },
	{ "debug", ANY, .on_document = zero_pcrs },
};
/* clang-format on */

/* --- one question */

/* Is that to happen to this question? */
static bool has_act(const struct proxy *p, enum api api, enum act act)
{
	for (size_t i = 0; i < p->change_count; i++)
		if (p->changes[i].change->act == act && p->changes[i].api == api &&
		    p->asked[api] >= p->changes[i].from && p->asked[api] <= p->changes[i].to)
			return true;
	return false;
}

static int send_victim(const struct proxy *p, int number, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(32);
	struct view line;
	uint64_t pid;

	if (!p->victim)
		return err_set(e, ERR_USAGE, "--victim is not given");
	TRY(file_read(p->victim, &text, e));
	line = text_trim(buf_view(&text));
	text.data[line.len] = 0;
	TRY(number_parse(buf_text(&text), "pid", 2, INT32_MAX, &pid, e));
	kill((pid_t)pid, number);
	return 0;
}

static int change_request(struct proxy *p, enum api api, void *request, struct err *e)
{
	if (has_act(p, api, ACT_KILL_BEFORE))
		TRY(send_victim(p, SIGKILL, e));
	if (has_act(p, api, ACT_INTERRUPT))
		TRY(send_victim(p, SIGINT, e));
	for (size_t i = 0; i < p->change_count; i++) {
		const struct applied *a = &p->changes[i];

		if (a->api == api && p->asked[api] >= a->from && p->asked[api] <= a->to &&
		    a->change->on_request)
			a->change->on_request(request);
	}
	return 0;
}

static int change_reply(struct proxy *p, enum api api, void *reply, struct err *e)
{
	struct buf *document = document_of(api, reply);

	for (size_t i = 0; i < p->change_count; i++) {
		const struct applied *a = &p->changes[i];

		if (a->api != api || p->asked[api] < a->from || p->asked[api] > a->to)
			continue;
		if (a->change->on_reply)
			a->change->on_reply(reply);
		if (a->change->on_document && document)
			TRY(forge(p, a->change->on_document, document, e));
	}
	if (document && has_act(p, api, ACT_FLIP))
		document->data[document->len - 1] ^= 1;
	if (document && has_act(p, api, ACT_REPLAY))
		TRY(replay(p, document, e));
	return has_act(p, api, ACT_KILL_AFTER) ? send_victim(p, SIGKILL, e) : 0;
}

/* The two bodies, of whatever schema. */
struct bodies {
	const struct api_row *row;
	void *request, *reply;
};

static void bodies_drop(struct bodies *b)
{
	if (b->request)
		wire_release(b->row->request, b->request);
	if (b->reply)
		wire_release(b->row->response, b->reply);
	free(b->request);
	free(b->reply);
}

/* answer: the body of a 200. */
static int pass_on(struct proxy *p, enum api api, struct view body, struct buf *answer,
                   struct err *e)
{
	AUTO(bodies) struct bodies b = { .row = &api_table[api] };
	const struct client_exchange exchange = { .node = "to", .api = api, .attempts = 1 };
	struct client_exchange own = exchange;

	if (!b.row->response)
		return err_set(e, ERR_NOT_FOUND, "%s is not passed on", b.row->name);
	b.reply = calloc(1, b.row->response->size);
	if (b.row->request) {
		b.request = calloc(1, b.row->request->size);
		TRY(wire_decode(b.row->request, body, b.request, e));
	}
	TRY(change_request(p, api, b.request, e));
	own.request = b.request;
	own.url = has_act(p, api, ACT_ELSEWHERE) ? p->other : p->to;
	TRY(client_call(p->client, &own, clock_monotonic_ms() + FORWARD_MAX_MS, b.reply, e));
	TRY(change_reply(p, api, b.reply, e));
	return wire_encode(b.row->response, b.reply, answer, e);
}

/* As the enclave said it, without the client's "to: OPERATION: ". */
static int encode_refusal(const struct api_row *row, const struct err *why, struct buf *to,
                          struct err *e)
{
	AUTO(error_reply) struct error_reply reply = { 0 };
	size_t prefix = strlen("to: ") + strlen(row->name) + strlen(": ");
	const struct err_info *info = err_info(why->code);

	reply.code = info->wire;
	TRY(wire_set_text(&reply.request_id, "mitm", e));
	TRY(wire_set_text(&reply.error,
	                  strncmp(why->text, "to: ", 4) == 0 ? why->text + prefix : why->text, e));
	return wire_encode(&error_reply_schema, &reply, to, e);
}

static int write_answer(int fd, int status, struct view body, struct err *e)
{
	AUTO(buf) struct buf answer = BUF_INIT(REQUEST_MAX);

	TRY(buf_add_format(&answer, e,
	                   "HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\n"
	                   "Content-Length: %zu\r\nConnection: close\r\n\r\n",
	                   status, body.len));
	TRY(buf_add(&answer, body, e));
	return fd_write(fd, "the client", buf_view(&answer), e);
}

/* The head up to the empty line, and as much of a body as its Content-Length says. */
static int read_request(int fd, struct buf *to, size_t *ret_head, struct err *e)
{
	const char *end = NULL, *length;
	size_t need = SIZE_MAX;

	while (to->len < need) {
		uint8_t *room;
		ssize_t got;

		TRY(buf_reserve(to, 65536, &room, e));
		got = read(fd, room, 65536);
		if (got <= 0)
			return err_set(e, ERR_UNREACHABLE, "the client has gone");
		buf_commit(to, (size_t)got);
		end = strstr(buf_text(to), "\r\n\r\n");
		if (!end)
			continue;
		*ret_head = (size_t)(end - buf_text(to)) + 4;
		length = strcasestr(buf_text(to), "\r\ncontent-length:");
		need = *ret_head;
		if (length && length < end)
			need += strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
	}
	return 0;
}

static int find_api(char *request, enum api *ret, struct err *e)
{
	const char *allow;
	char *rest = request, *method = strsep(&rest, " "), *path = strsep(&rest, " ");

	if (!rest)
		return err_set(e, ERR_REQUEST, "no request line");
	path[strcspn(path, "?")] = '\0'; /* receipts are then all asked for */
	return api_find(method, path, ret, &allow, e);
}

/* Whoever waits for the answer decides how long. */
static void hold_connection(int fd)
{
	char byte;

	if (fork() == 0) {
		while (read(fd, &byte, 1) > 0)
			;
		_exit(0);
	}
}

static int answer(struct proxy *p, int fd, struct err *e)
{
	AUTO(buf) struct buf request = BUF_INIT(REQUEST_MAX);
	AUTO(buf) struct buf body = BUF_INIT(BODY_MAX);
	struct err why;
	size_t head = 0;
	enum api api;

	TRY(read_request(fd, &request, &head, e));
	TRY(find_api((char *)request.data, &api, e));
	p->asked[api]++;
	fprintf(stderr, "%s\n", api_table[api].name);
	if (has_act(p, api, ACT_HOLD)) {
		hold_connection(fd);
		return 0;
	}
	if (pass_on(p, api, view_new(request.data + head, request.len - head), &body, &why) == 0) {
		if (has_act(p, api, ACT_LOSE) || has_act(p, api, ACT_KILL_AFTER))
			return 0;
		return write_answer(fd, 200, buf_view(&body), e);
	}
	fprintf(stderr, "%s: %s\n", api_table[api].name, why.text);
	if (err_info(why.code)->wire == 0)
		return 0; /* nobody answered: nor do we */
	buf_clear(&body);
	TRY(encode_refusal(&api_table[api], &why, &body, e));
	return write_answer(fd, err_info(why.code)->http, buf_view(&body), e);
}

/* --- the program */

static int start_listening(int *ret, struct err *e)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return err_sys(e, ERR_INTERNAL, errno, "listening");
	printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
	fflush(stdout);
	*ret = fd;
	return 0;
}

/* OPERATION[@N[-M]]:CHANGE */
static int parse_change(char *text, struct applied *ret, struct err *e)
{
	char *name = text, *operation = strsep(&name, ":"), *from = operation, *to;
	uint64_t first = 1, last = UINT32_MAX;

	operation = strsep(&from, "@");
	to = from;
	from = to ? strsep(&to, "-") : NULL;
	if (from)
		TRY(number_parse(from, "N", 1, 1000, &first, e));
	if (to)
		TRY(number_parse(to, "M", 1, 1000, &last, e));
	for (enum api api = 0; name && api < API_COUNT; api++)
		for (size_t i = 0; i < COUNT(changes); i++)
			if (strcmp(api_table[api].name, operation) == 0 &&
			    strcmp(changes[i].name, name) == 0 &&
			    (changes[i].api == ANY || changes[i].api == api)) {
				*ret = (struct applied){ &changes[i], api, (unsigned)first,
					                 (unsigned)last };
				return 0;
			}
	return err_set(e, ERR_USAGE, "'%s' has no change '%s'", operation, name ? name : "");
}

static int parse(int argc, char **argv, struct proxy *p, struct err *e)
{
	static const struct option options[] = { { "to", required_argument, NULL, 't' },
		                                 { "other", required_argument, NULL, 'o' },
		                                 { "pki", required_argument, NULL, 'p' },
		                                 { "victim", required_argument, NULL, 'v' },
		                                 { 0 } };
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == '?')
			return err_set(e, ERR_USAGE, "unknown option");
		*(letter == 't'   ? &p->to
		  : letter == 'o' ? &p->other
		  : letter == 'p' ? &p->pki
		                  : &p->victim) = optarg;
	}
	for (; optind < argc && p->change_count < CHANGES_MAX; optind++)
		TRY(parse_change(argv[optind], &p->changes[p->change_count++], e));
	return p->to && optind == argc ? 0 : err_set(e, ERR_USAGE, "--to URL is not given");
}

static int serve(struct proxy *p, struct err *e)
{
	const struct client_options options = { .connect_timeout_ms = 3000,
		                                .request_timeout_ms = FORWARD_MAX_MS,
		                                .attempts = 1 };
	bool is_locked;
	int listener = -1;

	TRY(secret_arena_open(&is_locked, e));
	TRY(client_new(&options, &p->client, e));
	TRY(start_listening(&listener, e));
	for (;;) {
		AUTO(fd) int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 && errno != EINTR)
			return err_sys(e, ERR_INTERNAL, errno, "accepting");
		if (fd >= 0 && answer(p, fd, e) < 0)
			fprintf(stderr, "mitm: %s\n", e->text);
	}
}

int main(int argc, char **argv)
{
	struct proxy p = { .first_document = BUF_INIT(DOCUMENT_MAX) };
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	if (parse(argc, argv, &p, &e) == 0)
		(void)serve(&p, &e);
	fprintf(stderr, "mitm: %s\n", e.text);
	return err_info(e.code)->exit_status;
}
