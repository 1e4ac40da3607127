/* How long a hop of the chain takes, and what its primitives alone would: both in one run, so that
 * the ratio holds on any machine. Prints JSON.
 *
 *	hop CLUSTER.yaml NODES
 *
 * The cluster is up, and its first node has the key; the others have none. */
#include "teectl.h"

#include "attest/chain.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/certificate.h"
#include "crypto/key_set.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define ROUNDS    200
#define NODES_MAX 64

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
 * the source, the export, the injection, and a key proof made and verified. A document is a root, a
 * platform CA and a leaf to parse, two chain signatures and its own. Receipts: two. */
static const struct {
	const char *name;
	int (*run)(struct err *e);
	unsigned count;
} primitives[] = {
	{ "P-256 key set from a seed", do_keys, 2 }, /* setup key; the seed that was injected */
	{ "P-256 sign", do_sign, 4 },                /* export, two receipts, proof */
	{ "P-256 verify", do_verify, 3 },            /* export here and at the target, proof */
	{ "envelope sealed", do_seal, 1 },
	{ "envelope opened", do_open, 1 },
	{ "P-384 sign", do_sign_384, 2 },     /* document, proof */
	{ "P-384 verify", do_verify_384, 9 }, /* three of three */
	{ "X.509 parse with P-384 key", do_parse, 9 },
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
static int measure_primitives(double *ret_sum, struct err *e)
{
	double sum = 0;

	printf("  \"primitives\": [\n");
	for (size_t i = 0; i < COUNT(primitives); i++) {
		int64_t start = clock_monotonic_us();
		double each;

		for (unsigned n = 0; n < ROUNDS; n++)
			TRY(primitives[i].run(e));
		each = (double)(clock_monotonic_us() - start) / ROUNDS;
		sum += each * primitives[i].count;
		printf("    {\"name\": \"%s\", \"us\": %.1f, \"count\": %u}%s\n",
		       primitives[i].name, each, primitives[i].count,
		       i + 1 < COUNT(primitives) ? "," : "");
	}
	printf("  ],\n");
	*ret_sum = sum;
	return 0;
}

static int64_t hop_us;

static void on_event(void *context, const struct teectl_event *event)
{
	(void)context;
	if (event->kind == TEECTL_DONE)
		hop_us += event->elapsed_us; /* forward, then prove: with one target, one after the
		                                other */
}

static int measure_hops(const char *path, unsigned nodes, int64_t *ret_median)
{
	struct teectl_error e;
	struct teectl *cluster = teectl_open(path, &e);
	int64_t hops[NODES_MAX];
	int result = cluster ? 0 : -1;

	if (cluster)
		teectl_set_observer(cluster, on_event, NULL);
	for (unsigned i = 2; result == 0 && i <= nodes; i++) {
		char source[16], target[16];

		snprintf(source, sizeof(source), "tee%u", i - 1);
		snprintf(target, sizeof(target), "tee%u", i);
		hop_us = 0;
		result = teectl_share_quorum_key(cluster, source, target, &e);
		hops[i - 2] = hop_us;
	}
	if (result < 0)
		fprintf(stderr, "hop: %s\n", e.text);
	else
		*ret_median = median(hops, nodes - 1);
	teectl_close(cluster);
	return result;
}

int main(int argc, char **argv)
{
	unsigned nodes = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	struct rusage usage;
	int64_t hop = 0;
	double sum = 0;
	bool is_locked;
	struct err e;

	if (nodes < 2 || nodes > NODES_MAX)
		return 64;
	printf("{\n");
	if (secret_arena_open(&is_locked, &e) < 0 || prepare(&e) < 0 ||
	    measure_primitives(&sum, &e) < 0) {
		fprintf(stderr, "hop: %s\n", e.text);
		return 1;
	}
	if (measure_hops(argv[1], nodes, &hop) < 0)
		return 1;
	getrusage(RUSAGE_SELF, &usage);
	printf("  \"hops\": %u,\n  \"hop_us\": %lld,\n  \"primitives_us\": %.0f,\n", nodes - 1,
	       (long long)hop, sum);
	printf("  \"ratio\": %.2f,\n  \"client_max_rss_kb\": %ld\n}\n", (double)hop / sum,
	       usage.ru_maxrss);
	return 0;
}
