#include "fake_enclave.h"

#include "base/clock.h"
#include "base/log.h"
#include "crypto/certificate.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOUR_S 3600

static void copy_view(struct view v, struct buf *to)
{
	struct err e;

	assert_ok(wire_set(to, v, &e));
}

static struct signer *issue(const struct signer *issuer, const char *name, int path_length)
{
	int64_t now = clock_unix_ms() / 1000;
	struct certificate_request q = { .common_name = name,
		                         .not_before_unix = now - 60,
		                         .not_after_unix = now + HOUR_S,
		                         .is_ca = path_length != -2,
		                         .path_length = path_length };
	struct signer *ret = NULL;
	struct err e;

	assert_ok(signer_issue(issuer, &q, &ret, &e));
	return ret;
}

static void certify(struct machine *m, bool is_elsewhere)
{
	static struct signer *roots[2], *platforms[2];
	struct identity identity = { 0 };

	if (!roots[is_elsewhere]) {
		roots[is_elsewhere] = issue(NULL, "test root", -1);
		platforms[is_elsewhere] = issue(roots[is_elsewhere], "test platform", 0);
	}
	copy_view(signer_certificate(roots[is_elsewhere]), &identity.root);
	copy_view(signer_certificate(platforms[is_elsewhere]), &identity.platform);
	identity.leaf = issue(platforms[is_elsewhere], "test leaf", -2);
	machine_take_identity(m, &identity);
}

static bool is_faulty(struct world *w, struct view bytes)
{
	struct nsm_request q;
	struct err e;

	if (nsm_request_decode(bytes, &q, &e) < 0)
		return true;
	w->asked[q.operation]++;
	return (int)q.operation == w->fault && w->fault_skip-- <= 0;
}

static void *answer_all(void *context)
{
	struct world *w = context;
	uint8_t bytes[NSM_REQUEST_MAX];
	ssize_t len;

	while ((len = recv(w->fd, bytes, sizeof(bytes), 0)) > 0) {
		AUTO(buf) struct buf answer = BUF_INIT(NSM_RESPONSE_MAX);
		struct view question = view_new(bytes, (size_t)len);
		struct nsm_response fault = { .error = NSM_ERROR_InternalError };
		struct err e;
		int64_t now_ms = clock_unix_ms() + w->clock_ahead_ms;

		if (is_faulty(w, question))
			assert_ok(nsm_response_encode(&fault, &answer, &e));
		else
			assert_ok(machine_answer(&w->machine, question, now_ms, &answer, &e));
		if (send(w->fd, answer.data, answer.len, MSG_NOSIGNAL) < 0)
			break;
	}
	return NULL;
}

static void measure(struct machine *m, const struct world_options *o)
{
	struct measurement measured = { .is_debug = o->is_debug };
	struct err e;

	assert_ok(pcr_measure(view_text("image"), &measured.image, &e));
	assert_ok(pcr_measure(view_text("runtime"), &measured.runtime, &e));
	assert_ok(pcr_measure(view_text("options"), &measured.options, &e));
	assert_ok(pcr_measure_name(o->role ? o->role : "role", &measured.role, &e));
	assert_ok(pcr_measure_name("", &measured.instance, &e));
	if (o->is_half_debug)
		pcr_zero(&measured.runtime);
	machine_init(m, &measured, "i-test-enc1", &entropy_system);
	certify(m, o->is_elsewhere);
}

static int start(struct world *w, int fd, const struct world_options *o, struct err *e)
{
	struct nsm *nsm = NULL;
	struct launch launch;
	char spec[16];
	size_t count = 0;

	while (o->argv && o->argv[count])
		count++;
	TRY(launch_parse(o->argv, count, &launch, e));
	snprintf(spec, sizeof(spec), "fd:%d", fd);
	TRY(nsm_open(spec, &nsm, e));
	return enclave_start(nsm, &launch, &w->enclave, e);
}

int log_capture(void)
{
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("log", MFD_CLOEXEC);
		log_set_fd(fd);
		log_set_level(LOG_DEBUG);
	}
	return fd;
}

struct world *world_try(const struct world_options *o, struct err *e)
{
	struct world *w = calloc(1, sizeof(*w));
	int ends[2];

	log_capture();
	assert_non_null(w);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	w->fd = ends[0];
	w->fault = -1;
	measure(&w->machine, o);
	assert_int_equal(pthread_create(&w->thread, NULL, answer_all, w), 0);
	if (start(w, ends[1], o, e) < 0)
		world_drop(&w);
	return w;
}

struct world *world_open(const struct world_options *o)
{
	struct err e;
	struct world *w = world_try(o, &e);

	if (!w)
		fail_msg("no enclave: %s", e.text);
	return w;
}

void world_drop(struct world **w)
{
	struct world *gone = *w;

	if (!gone)
		return;
	shutdown(gone->fd, SHUT_RDWR);
	pthread_join(gone->thread, NULL);
	close(gone->fd);
	enclave_drop(&gone->enclave);
	machine_drop(&gone->machine);
	free(gone);
	*w = NULL;
}

unsigned asked_in_all(const struct world *w)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < NSM_OPERATION_COUNT; i++)
		sum += w->asked[i];
	return sum;
}

static struct outcome send_body(struct world *w, enum api api, struct view body,
                                struct buf *ret_body)
{
	AUTO(answer) struct answer a = { 0 };
	AUTO(error_reply) struct error_reply error = { 0 };
	struct passage passage = { .api = api };
	struct rate_address nobody = { { 0 } };
	struct outcome o = { 0 };
	struct err e;

	route_answer(w->enclave, &passage, &nobody, "test", body, &a);
	o.status = a.status;
	if (a.status != 200) {
		assert_ok(wire_decode(&error_reply_schema, buf_view(&a.body), &error, &e));
		assert_string_equal(buf_text(&error.request_id), "test");
		o.code = (int)error.code;
		snprintf(o.error, sizeof(o.error), "%s", buf_text(&error.error));
	}
	if (ret_body)
		*ret_body = MOVE(a.body);
	return o;
}

struct outcome ask_text(struct world *w, enum api api, const char *text, struct buf *ret_body)
{
	return send_body(w, api, view_text(text), ret_body);
}

struct outcome ask(struct world *w, enum api api, const void *request, void *reply)
{
	AUTO(buf) struct buf question = BUF_INIT(REPLY_MAX);
	AUTO(buf) struct buf body = { 0 };
	struct outcome o;
	struct err e;

	if (request)
		assert_ok(wire_encode(api_table[api].request, request, &question, &e));
	o = send_body(w, api, buf_view(&question), &body);
	if (o.status == 200 && reply)
		assert_ok(wire_decode(api_table[api].response, buf_view(&body), reply, &e));
	return o;
}

const struct key_set *person(unsigned i)
{
	static struct key_set *people[PEOPLE_MAX];
	struct err e;

	assert_true(i < PEOPLE_MAX);
	if (!people[i])
		assert_ok(key_set_generate(&entropy_system, "test", &people[i], &e));
	return people[i];
}

static void add_members(struct wire_list *list, unsigned count, bool has_keys)
{
	struct member *m;
	char alias[24];
	struct err e;

	for (unsigned i = 0; i < count; i++) {
		assert_ok(wire_list_add(list, &member_schema, &m, &e));
		snprintf(alias, sizeof(alias), "member%u", i + 1);
		copy_view(view_text(alias), &m->alias);
		if (has_keys)
			copy_view(public_key_view(key_set_public(person(i))), &m->pub_key);
	}
}

struct genesis_request genesis_of(unsigned members, unsigned threshold, bool has_keys)
{
	struct genesis_request q = { .namespace_nonce = 7 };
	struct text_item *arg;
	struct err e;

	copy_view(view_text("test/space"), &q.namespace_name);
	q.manifest_threshold = q.share_threshold = threshold;
	add_members(&q.manifest_members, members, has_keys);
	add_members(&q.share_members, members, has_keys);
	memset(q.pivot_hash, 5, sizeof(q.pivot_hash));
	assert_ok(wire_list_add(&q.pivot_args, &text_item_schema, &arg, &e));
	copy_view(view_text("--flag"), &arg->text);
	return q;
}

/* Opens the member's share and seals it to the setup key, as a member does. */
static void reseal(const struct genesis_reply *genesis, unsigned i, struct submitted_share *s)
{
	const struct encrypted_share *given = genesis->encrypted_shares.items;
	AUTO(secret) struct secret share = { 0 };
	struct public_key setup;
	struct err e;

	given += i;
	copy_view(buf_view(&given->share_set_member.alias), &s->member_alias);
	if (!given->share_set_member.pub_key.len) {
		s->has_decrypted = true;
		copy_view(buf_view(&given->encrypted_quorum_key_share), &s->decrypted_share);
		return;
	}
	assert_ok(
	    envelope_open(person(i), buf_view(&given->encrypted_quorum_key_share), &share, &e));
	assert_ok(public_key_parse(VIEW_OF(genesis->ephemeral_key), &setup, &e));
	s->has_encrypted = true;
	s->encrypted_share.max = 130;
	assert_ok(envelope_seal(&setup, &share, &entropy_system, &s->encrypted_share, &e));
}

struct inject_shares_request shares_of(const struct genesis_reply *genesis, unsigned bits)
{
	const struct manifest_namespace *ns = &genesis->manifest_envelope.manifest.namespace;
	struct inject_shares_request q = { .namespace_nonce = ns->nonce };
	struct submitted_share *s;
	struct err e;

	copy_view(buf_view(&ns->name), &q.namespace_name);
	for (unsigned i = 0; i < genesis->encrypted_shares.count; i++) {
		if (!(bits >> i & 1))
			continue;
		assert_ok(wire_list_add(&q.shares, &submitted_share_schema, &s, &e));
		reseal(genesis, i, s);
	}
	return q;
}

void world_genesis(struct world *w, unsigned members, unsigned threshold, bool has_keys,
                   struct genesis_reply *genesis)
{
	AUTO(genesis_request) struct genesis_request q = genesis_of(members, threshold, has_keys);

	assert_answered(ask(w, API_GENESIS_BOOT, &q, genesis));
	assert_int_equal(w->enclave->state.phase, PHASE_GENESIS_BOOTED);
}

void world_ready(struct world *w, bool has_keys, struct genesis_reply *genesis)
{
	AUTO(inject_shares_request) struct inject_shares_request q = { 0 };

	world_genesis(w, 3, 2, has_keys, genesis);
	q = shares_of(genesis, 3);
	assert_answered(ask(w, API_INJECT_SHARES, &q, NULL));
	assert_int_equal(w->enclave->state.phase, PHASE_READY);
}

void world_wait_for_key(struct world *w, const struct manifest_envelope *envelope)
{
	AUTO(manifest_message) struct manifest_message q = { 0 };
	struct err e;

	assert_ok(manifest_copy(envelope, &q.manifest_envelope, &e));
	assert_answered(ask(w, API_SHARE_MANIFEST, &q, NULL));
	assert_int_equal(w->enclave->state.phase, PHASE_WAITING_FOR_KEY);
}
