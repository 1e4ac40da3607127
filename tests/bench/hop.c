/* How long a hop of the chain takes, what its primitives alone would, and the seed's four
 * exchanges: all in one run, so that the ratios hold on any machine. The primitives are measured
 * before the hops and after them: what else the machine does swings. Prints JSON.
 *
 *	hop CLUSTER.yaml NODES COUNT URL... [PID...]
 *
 * The cluster is up, and its tee1 has the key; the NODES - 1 after it have none, and get it along
 * the chain. Of the COUNT URLs the first has the key; the others have none, are not of those, and
 * get it exchange by exchange. PIDs: whose CPU time is a hop's as well.
 *
 *	hop --peak PROGRAM ARGUMENT...
 *
 * How much memory that program takes.
 *
 *	hop --primitives
 *
 * What those of a hop take, alone. */
#include "attest/chain.h"
#include "attest/pcr.h"
#include "base/clock.h"
#include "base/file.h"
#include "client/client.h"
#include "cluster/config.h"
#include "cluster/state.h"
#include "crypto/certificate.h"
#include "crypto/key_set.h"
#include "orchestrate/drive.h"
#include "proto/message.h"

#include <fcntl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS       200
#define NODES_MAX    64
#define PIDS_MAX     (2 * 2 * NODES_MAX) /* a hypervisor and an enclave a node */
#define DEADLINE_MS  10000
#define SEED_SAYS_MS 550 /* tee-to-tee-sharing.md, "Performance" */

struct bench {
	struct key_set *key;
	struct signer *root, *ca, *leaf;
	struct chain_key *chain_key;
	struct secret seed;
	struct buf envelope;
	struct signature signature;
	uint8_t es384[P384_SIGNATURE_LEN];
};

static struct bench b;
static const struct view message = { (const uint8_t *)"a message of 120 bytes or so", 28 };

static int do_keys(struct err *e)
{
	AUTO(key_set) struct key_set *key = NULL;

	return key_set_generate(&entropy_system, "bench", &key, e);
}

static int do_sign(struct err *e)
{
	return key_set_sign(b.key, message, &b.signature, e);
}

static int do_verify(struct err *e)
{
	return public_key_verify(key_set_public(b.key), message, VIEW_OF(b.signature.bytes), e);
}

static int do_seal(struct err *e)
{
	buf_clear(&b.envelope);
	return envelope_seal(key_set_public(b.key), &b.seed, &entropy_system, &b.envelope, e);
}

static int do_open(struct err *e)
{
	AUTO(secret) struct secret plain = { 0 };

	return envelope_open(b.key, buf_view(&b.envelope), &plain, e);
}

static int do_sign_384(struct err *e)
{
	return signer_sign(b.leaf, message, b.es384, e);
}

static int do_verify_384(struct err *e)
{
	return chain_key_verify(b.chain_key, message, VIEW_OF(b.es384), e);
}

static int do_parse(struct err *e)
{
	struct view der = signer_certificate(b.leaf);
	const uint8_t *at = der.data;
	X509 *x = d2i_X509(NULL, &at, (long)der.len);
	int is_there = x && X509_get0_pubkey(x);

	X509_free(x);
	return is_there ? 0 : err_set(e, ERR_INTERNAL, "no certificate");
}

/* What one hop is made of: share-manifest (the setup key), a document made and verified here and by
 * the source, the export, the injection, a key proof made and verified, two receipts made and
 * verified. A document is a root, a platform CA and a leaf to parse, two chain signatures and its
 * own; once the chains are known, only the leaf is new, and only to whom meets it first. */
static const struct {
	const char *name;
	int (*run)(struct err *e);
	unsigned count, count_unknown; /* where no certificate is known from before */
} primitives[] = {
	{ "P-256 key set from a seed", do_keys, 2, 2 }, /* setup key; the seed that was injected */
	{ "P-256 sign", do_sign, 4, 4 },                /* export, two receipts, proof */
	{ "P-256 verify", do_verify, 5, 5 }, /* export here and at the target, receipts, proof */
	{ "envelope sealed", do_seal, 1, 1 },
	{ "envelope opened", do_open, 1, 1 },
	{ "P-384 sign", do_sign_384, 2, 2 }, /* document, proof */
	{ "P-384 verify", do_verify_384, 5,
	  9 }, /* three documents; their leaf here, at the source */
	{ "X.509 parse with P-384 key", do_parse, 2, 9 },
};

static int prepare(struct err *e)
{
	const struct certificate_request ca = { .common_name = "bench",
		                                .not_before_unix = 1,
		                                .not_after_unix = INT32_MAX,
		                                .is_ca = true,
		                                .path_length = -1 };
	struct certificate_request leaf = ca;
	struct view path[1];

	leaf.is_ca = false;
	b.envelope = BUF_INIT(SEED_LEN + ENVELOPE_OVERHEAD);
	TRY(key_set_generate(&entropy_system, "bench", &b.key, e));
	TRY(secret_alloc(SEED_LEN, &b.seed, e));
	TRY(signer_issue(NULL, &ca, &b.root, e));
	TRY(signer_issue(b.root, &ca, &b.ca, e));
	TRY(signer_issue(b.ca, &leaf, &b.leaf, e));
	path[0] = signer_certificate(b.ca);
	return chain_verify(signer_certificate(b.root), path, 1, signer_certificate(b.leaf), 2,
	                    &b.chain_key, e);
}

static int compare_numbers(const void *a, const void *c)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)c;

	return (x > y) - (x < y);
}

static int64_t median(int64_t *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_numbers);
	return values[count / 2];
}

/* Microseconds of all primitives of a hop. */
struct sums {
	double us, unknown_us; /* without and with what is verified once */
	int64_t cpu_us;        /* of the first: what other processes do makes it no longer */
};

static int64_t own_cpu_us(void);

static int measure_primitives(const char *name, struct sums *ret, struct err *e)
{
	struct sums sums = { 0 };

	printf("  \"%s\": [\n", name);
	for (size_t i = 0; i < COUNT(primitives); i++) {
		int64_t start = clock_monotonic_us(), cpu = own_cpu_us();
		double each;

		for (unsigned n = 0; n < ROUNDS; n++)
			TRY(primitives[i].run(e));
		each = (double)(clock_monotonic_us() - start) / ROUNDS;
		sums.us += each * primitives[i].count;
		sums.unknown_us += each * primitives[i].count_unknown;
		sums.cpu_us += (own_cpu_us() - cpu) * primitives[i].count / ROUNDS;
		printf("    {\"name\": \"%s\", \"us\": %.1f, \"count\": %u}%s\n",
		       primitives[i].name, each, primitives[i].count,
		       i + 1 < COUNT(primitives) ? "," : "");
	}
	printf("  ],\n");
	*ret = sums;
	return 0;
}

static struct sums mean(const struct sums *one, const struct sums *other)
{
	return (struct sums){ .us = (one->us + other->us) / 2,
		              .unknown_us = (one->unknown_us + other->unknown_us) / 2,
		              .cpu_us = (one->cpu_us + other->cpu_us) / 2 };
}

/* --- hops: a run of propagate along the chain, as teectl does it */

struct hops {
	unsigned count;
	int64_t us[NODES_MAX]; /* by node: forward, and then prove */
};

/* Of each hop its own part: what was prepared before its turn is not in it. */
static void on_event(void *context, const struct event *event)
{
	struct hops *hops = context;
	unsigned node;

	if (event->kind != EVENT_STEP_DONE)
		return; /* of them all, perhaps */
	node = (unsigned)strtoul(event->node + strlen("tee"), NULL, 10);
	if (node >= 2 && node < NODES_MAX &&
	    (event->step_kind == STEP_FORWARD || event->step_kind == STEP_PROVE))
		hops->us[node - 2] += event->elapsed_us;
}

/* From tee1 along the chain to the node before last. */
static int measure_hops(const struct cluster *cluster, unsigned last, struct hops *hops,
                        int64_t *ret_all_us, struct err *e)
{
	const struct run_options options = { .verb = "propagate",
		                             .to_change = true,
		                             .measures = RUN_MEASURES_TO_SEAL,
		                             .timeout_ms = 60 * DEADLINE_MS,
		                             .interrupt_fd = -1,
		                             .on_event = on_event,
		                             .event_context = hops };
	bool targets[NODES_MAX] = { false };
	const struct goal goal = { .kind = GOAL_PROPAGATE,
		                   .topology = TOPOLOGY_CHAIN,
		                   .has_source = true,
		                   .targets = targets };
	AUTO(run) struct run run = RUN_INIT;
	char nothing[NOTHING_MAX];
	int64_t start;

	for (unsigned i = 1; i < last; i++)
		targets[i] = true;
	TRY(run_open(cluster, &options, &run, e));
	start = clock_monotonic_us();
	TRY(drive(&run, &goal, nothing, e));
	*ret_all_us = clock_monotonic_us() - start;
	hops->count = last - 1;
	return 0;
}

/* --- the seed's four exchanges, one at a time, through teectl's client */

struct exchange_times {
	const char *name;
	int seed_says_ms;
	int64_t us[NODES_MAX];
};

static struct exchange_times exchanges[] = {
	{ .name = "share-manifest", .seed_says_ms = 100 },
	{ .name = "generate-attestation", .seed_says_ms = 200 },
	{ .name = "export-key", .seed_says_ms = 150 },
	{ .name = "inject-key", .seed_says_ms = 100 },
};

enum { SHARE_MANIFEST, GENERATE_ATTESTATION, EXPORT_KEY, INJECT_KEY };

struct by_hand {
	struct client *client;
	const char *source, *target; /* URLs */
	unsigned round;
};

static int call(struct by_hand *h, unsigned which, const char *url, enum api api,
                const void *request, void *ret_reply, struct err *e)
{
	const struct client_exchange x = {
		.node = "bench", .url = url, .api = api, .request = request
	};
	int64_t start = clock_monotonic_us();

	TRY(client_call(h->client, &x, clock_monotonic_ms() + DEADLINE_MS, ret_reply, e));
	exchanges[which].us[h->round] = clock_monotonic_us() - start;
	return 0;
}

static int ask_document(struct by_hand *h, struct attestation_reply *ret, struct err *e)
{
	AUTO(generate_attestation_request) struct generate_attestation_request q = { 0 };

	for (size_t i = 0; i < PCR_POLICY_COUNT; i++) {
		struct pcr_item *any;

		TRY(wire_list_add(&q.pcr_values, &pcr_item_schema, &any, e));
	}
	return call(h, GENERATE_ATTESTATION, h->target, API_GENERATE_ATTESTATION, &q, ret, e);
}

static int forward_by_hand(struct by_hand *h, const struct manifest_envelope *envelope,
                           struct err *e)
{
	AUTO(manifest_message) struct manifest_message manifest = { 0 };
	AUTO(export_key_request) struct export_key_request export = { 0 };
	AUTO(success_reply) struct success_reply shared = { 0 };
	AUTO(success_reply) struct success_reply injected = { 0 };
	AUTO(attestation_reply) struct attestation_reply document = { 0 };
	AUTO(export_key_reply) struct export_key_reply sealed = { 0 };
	struct inject_key_request inject;

	TRY(manifest_copy(envelope, &manifest.manifest_envelope, e));
	TRY(manifest_copy(envelope, &export.manifest_envelope, e));
	TRY(call(h, SHARE_MANIFEST, h->target, API_SHARE_MANIFEST, &manifest, &shared, e));
	TRY(ask_document(h, &document, e));
	TRY(wire_set(&export.attestation_doc, buf_view(&document.attestation_doc), e));
	TRY(call(h, EXPORT_KEY, h->source, API_EXPORT_KEY, &export, &sealed, e));
	memcpy(inject.encrypted_quorum_key, sealed.encrypted_quorum_key,
	       sizeof(inject.encrypted_quorum_key));
	memcpy(inject.signature, sealed.signature, sizeof(inject.signature));
	return call(h, INJECT_KEY, h->target, API_INJECT_KEY, &inject, &injected, e);
}

/* From the first URL, which has the key, to each of the others. */
static int measure_exchanges(const char *path, char **urls, unsigned count, struct err *e)
{
	const struct client_options options = { .connect_timeout_ms = DEADLINE_MS,
		                                .request_timeout_ms = DEADLINE_MS,
		                                .attempts = 1 };
	AUTO(cluster) struct cluster cluster = { 0 };
	AUTO(state) struct state state = { .lock = -1 };
	AUTO(kept_genesis) struct kept_genesis genesis = { 0 };
	AUTO(client) struct client *client = NULL;
	bool is_found;

	TRY(cluster_read(path, &cluster, e));
	TRY(state_open(&cluster, NULL, /* to_change= */ false, "bench", &state, e));
	TRY(state_load_genesis(&state, &is_found, &genesis, e));
	TRY(client_new(&options, &client, e));
	for (unsigned i = 1; i < count; i++) {
		struct by_hand h = { client, urls[0], urls[i], i - 1 };

		TRY(forward_by_hand(&h, &genesis.envelope, e));
	}
	return 0;
}

static void print_exchanges(unsigned rounds)
{
	int64_t sum = 0;

	printf("  \"exchanges\": [\n");
	for (size_t i = 0; i < COUNT(exchanges); i++) {
		int64_t us = median(exchanges[i].us, rounds);

		sum += us;
		printf("    {\"name\": \"%s\", \"us\": %lld, \"seed_says_ms\": %d},\n",
		       exchanges[i].name, (long long)us, exchanges[i].seed_says_ms);
	}
	printf("    {\"name\": \"sum\", \"us\": %lld, \"seed_says_ms\": %d}\n  ],\n",
	       (long long)sum, SEED_SAYS_MS);
}

/* --- what it costs */

/* Of processes of any user's: their CPU time needs no right to read. */
static int64_t cpu_us_of(const pid_t *pids, size_t count)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		clockid_t id;
		struct timespec t;

		if (clock_getcpuclockid(pids[i], &id) == 0 && clock_gettime(id, &t) == 0)
			sum += t.tv_sec * 1000000 + t.tv_nsec / 1000;
	}
	return sum;
}

static int64_t own_cpu_us(void)
{
	return cpu_us_of(&(pid_t){ 0 }, 1);
}

static int print_hops(const char *path, unsigned last, const pid_t *pids, size_t pid_count,
                      const struct sums *before, struct err *e)
{
	AUTO(cluster) struct cluster cluster = { 0 };
	int64_t own = own_cpu_us(), theirs = cpu_us_of(pids, pid_count), all;
	struct hops hops = { 0 };
	struct sums after, sums;
	double hop;

	TRY(cluster_read(path, &cluster, e));
	TRY(measure_hops(&cluster, last, &hops, &all, e));
	own = own_cpu_us() - own;
	theirs = cpu_us_of(pids, pid_count) - theirs;
	hop = (double)all / hops.count;
	TRY(measure_primitives("primitives_after", &after, e));
	sums = mean(before, &after);
	printf("  \"hops\": %u,\n  \"hop_us\": %.0f,\n", hops.count, hop);
	printf("  \"prepared_hop_us\": %lld,\n", (long long)median(hops.us, hops.count));
	printf("  \"primitives_us\": %.0f,\n  \"ratio\": %.2f,\n", sums.us, hop / sums.us);
	printf("  \"ratio_chains_unknown\": %.2f,\n", hop / sums.unknown_us);
	printf("  \"cpu_ratio\": %.2f,\n",
	       (double)(own + theirs) / hops.count / (double)sums.cpu_us);
	printf("  \"cpu_us_a_hop\": {\"teectl\": %lld, \"enclaves_and_hypervisors\": %lld}\n}\n",
	       (long long)own / hops.count, (long long)theirs / hops.count);
	return 0;
}

static size_t parse_pids(char **words, size_t count, pid_t *ret)
{
	size_t found = 0;

	for (size_t i = 0; i < count && found < PIDS_MAX; i++)
		ret[found++] = (pid_t)strtol(words[i], NULL, 10);
	return found;
}

/* The most memory that a program ever had, in KB; it must succeed. */
static int print_peak(char **command)
{
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execv(command[0], command);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0)
		return 1;
	printf("%ld\n", usage.ru_maxrss);
	return 0;
}

static int print_primitives(void)
{
	struct sums sums;
	bool is_locked;
	struct err e;

	printf("{\n");
	if (secret_arena_open(&is_locked, &e) < 0 || prepare(&e) < 0 ||
	    measure_primitives("primitives", &sums, &e) < 0) {
		fprintf(stderr, "hop: %s\n", e.text);
		return 1;
	}
	printf("  \"sum_us\": %.0f,\n  \"cpu_us\": %lld\n}\n", sums.us, (long long)sums.cpu_us);
	return 0;
}

/* The first URL's node has the key, the others have none, and are not of the chain. */
int main(int argc, char **argv)
{
	unsigned last = argc > 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	unsigned url_count = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	char **urls = argv + 4;
	pid_t pids[PIDS_MAX];
	size_t pid_count;
	struct sums sums;
	bool is_locked;
	struct err e;

	if (argc > 2 && strcmp(argv[1], "--peak") == 0)
		return print_peak(argv + 2);
	if (argc == 2 && strcmp(argv[1], "--primitives") == 0)
		return print_primitives();
	if (last < 2 || last > NODES_MAX || url_count < 2 || url_count > NODES_MAX ||
	    (unsigned)argc < 4 + url_count)
		return 64;
	pid_count = parse_pids(urls + url_count, (size_t)argc - 4 - url_count, pids);
	printf("{\n");
	if (secret_arena_open(&is_locked, &e) < 0 || prepare(&e) < 0 ||
	    measure_primitives("primitives", &sums, &e) < 0 ||
	    measure_exchanges(argv[1], urls, url_count, &e) < 0) {
		fprintf(stderr, "hop: %s\n", e.text);
		return 1;
	}
	print_exchanges(url_count - 1);
	if (print_hops(argv[1], last, pids, pid_count, &sums, &e) < 0) {
		fprintf(stderr, "hop: %s\n", e.text);
		return 1;
	}
	return 0;
}
