#include "support.h"

#include "cluster/config_internal.h"

#include <sys/stat.h>
#include <unistd.h>

#define HEAD  "apiVersion: teectl/v1\nkind: Cluster\nmetadata: { name: demo }\n"
#define IMAGE "enclave: { image: e }\n"
#define QUORUM                                                                                     \
	"quorum:\n  threshold: 2\n  members:\n    - { name: m1, key: m1.secret }\n"                \
	"    - { name: m2, pub: m2.pub }\n"
#define NODES "nodes:\n  - { name: tee1, listen: \"127.0.0.1:9000\" }\n"
#define PINS  "enclave:\n  pcrs:\n    0: " HEX96 "\n    1: " HEX96 "\n    2: " HEX96 "\n"
#define HEX96                                                                                      \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"                         \
	"202122232425262728292a2b2c2d2e2f"

static struct cluster parsed(const char *text)
{
	struct cluster c;
	struct err e;

	assert_ok(cluster_parse("folder/c.yaml", view_text(text), &c, &e));
	return c;
}

static void a_small_file_is_read_with_every_default(void **state)
{
	AUTO(cluster) struct cluster c = parsed(HEAD IMAGE QUORUM NODES);

	(void)state;
	assert_string_equal(c.path, "folder/c.yaml");
	assert_string_equal(c.folder, "folder");
	assert_string_equal(c.name, "demo");
	assert_string_equal(c.enclave.image, "folder/e");
	assert_string_equal(c.enclave.role, "");
	assert_false(c.enclave.insecure_open_seed);
	assert_int_equal(c.attestation.root, ROOT_SIMULATED);
	assert_int_equal(c.attestation.max_age_ms, 300000);
	assert_false(c.attestation.allow_debug);
	assert_int_equal(c.quorum.members.threshold, 2);
	assert_int_equal(c.quorum.members.count, 2);
	assert_string_equal(c.quorum.members.items[0].key, "folder/m1.secret");
	assert_null(c.quorum.members.items[0].pub);
	assert_string_equal(c.quorum.members.items[1].pub, "folder/m2.pub");
	assert_int_equal(c.quorum.members.items[1].line, 9);
	assert_null(c.quorum.dr_key);
	assert_string_equal(c.manifest.namespace_name, "demo");
	assert_int_equal(c.manifest.nonce, 0);
	assert_true(view_is_zero(VIEW_OF(c.manifest.pivot_hash.bytes)));
	assert_int_equal(c.node_count, 1);
	assert_string_equal(c.nodes[0].listen, "127.0.0.1:9000");
	assert_null(c.nodes[0].url);
	assert_int_equal(c.propagate.topology, TOPOLOGY_AUTO);
	assert_int_equal(c.propagate.source, 0);
	assert_int_equal(c.propagate.parallel, 4);
	assert_int_equal(c.upgrade.first, 1);
	assert_int_equal(c.upgrade.parallel, 4);
	assert_int_equal(c.keep_ready, 1);
	assert_int_equal(c.watch.interval_ms, 10000);
	assert_int_equal(c.watch.reattest_ms, 300000);
	assert_null(c.watch.metrics);
	assert_int_equal(c.shared.etcd_count, 0);
	assert_null(c.tls.server_cert);
	assert_int_equal(c.connect_timeout_ms, 3000);
	assert_int_equal(c.request_timeout_ms, 20000);
	assert_int_equal(c.retry_attempts, 6);
	assert_int_equal(c.retry_base_ms, 100);
	assert_int_equal(c.retry_max_ms, 5000);
}

static void the_manifest_set_is_the_share_set_unless_given(void **state)
{
	AUTO(cluster) struct cluster same = parsed(HEAD IMAGE QUORUM NODES);
	AUTO(cluster)
	struct cluster other =
	    parsed(HEAD IMAGE QUORUM
	           "  manifestSet: { threshold: 1, members: [ { name: x, pub: x } ] }\n" NODES);

	(void)state;
	assert_int_equal(same.manifest_set.count, 2);
	assert_int_equal(same.manifest_set.threshold, 2);
	assert_string_equal(same.manifest_set.items[0].name, "m1");
	assert_ptr_not_equal(same.manifest_set.items[0].name, same.quorum.members.items[0].name);
	assert_int_equal(other.manifest_set.count, 1);
	assert_int_equal(other.manifest_set.threshold, 1);
	assert_string_equal(other.manifest_set.items[0].pub, "folder/x");
}

static void every_key_reaches_its_field(void **state)
{
	AUTO(cluster)
	struct cluster c = parsed(
	    HEAD
	    "enclave: { image: /abs/e, role: ops, insecureOpenSeed: true, pcrs: { 3: " HEX96
	    " } }\n"
	    "attestation: { root: pki/own.pem, maxAge: 1m, allowDebug: true }\n" QUORUM
	    "  drKey: dr.pub\n  publicKey: quorum.pub\n"
	    "manifest: { namespace: a/b.c_d-e, nonce: 12345, pivot: { hash: "
	    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f, args: [ a, \"b "
	    "c\", 3 ] } }\n"
	    "nodes:\n"
	    "  - { name: tee1, listen: \"[::1]:0\" }\n"
	    "  - { name: tee2, listen: \"[::1]:0\" }\n"
	    "  - { name: tee3, url: \"https://tee3.example:8443/\" }\n"
	    "propagate: { topology: chain, source: tee2, parallel: 64 }\n"
	    "upgrade: { first: 3, parallel: 16 }\n"
	    "keepReady: 2\n"
	    "state: { etcd: [ \"http://e1:1\", \"https://e2:2\" ], lease: 5s, ca: e.pem, cert: "
	    "ec.pem, key: ec.key }\n"
	    "watch: { interval: 1s, reattest: 1h, metrics: \"[::1]:0\" }\n"
	    "tls: { ca: ca.pem, cert: c.pem, key: c.key, server: { cert: s.pem, key: s.key "
	    "} }\n"
	    "timeouts: { connect: 1500ms, request: 1m }\n"
	    "retry: { attempts: 1, base: 1ms, max: 1s }\n");

	(void)state;
	assert_string_equal(c.enclave.image, "/abs/e");
	assert_string_equal(c.enclave.role, "ops");
	assert_true(c.enclave.insecure_open_seed);
	assert_int_equal(c.enclave.pcrs.values[3].len, PCR_LEN);
	assert_int_equal(c.enclave.pcrs.values[3].bytes[47], 0x2f);
	assert_int_equal(c.enclave.pcrs.values[0].len, 0);
	assert_int_equal(c.attestation.root, ROOT_FILE);
	assert_int_equal(c.attestation.max_age_ms, 60000);
	assert_true(c.attestation.allow_debug);
	assert_string_equal(c.quorum.dr_key, "folder/dr.pub");
	assert_string_equal(c.quorum.public_key, "folder/quorum.pub");
	assert_string_equal(c.manifest.namespace_name, "a/b.c_d-e");
	assert_int_equal(c.manifest.nonce, 12345);
	assert_int_equal(c.manifest.pivot_hash.bytes[31], 0x1f);
	assert_int_equal(c.manifest.pivot_arg_count, 3);
	assert_string_equal(c.manifest.pivot_args[1], "b c");
	assert_string_equal(c.manifest.pivot_args[2], "3");
	assert_string_equal(c.nodes[1].listen, "[::1]:0");
	assert_string_equal(c.nodes[2].url, "https://tee3.example:8443");
	assert_int_equal(c.propagate.topology, TOPOLOGY_CHAIN);
	assert_int_equal(c.propagate.source, 1);
	assert_int_equal(c.propagate.parallel, 64);
	assert_int_equal(c.upgrade.first, 3);
	assert_int_equal(c.upgrade.parallel, 16);
	assert_int_equal(c.keep_ready, 2);
	assert_int_equal(c.shared.etcd_count, 2);
	assert_string_equal(c.shared.etcd[1], "https://e2:2");
	assert_int_equal(c.shared.lease_ms, 5000);
	assert_string_equal(c.shared.ca, "folder/e.pem");
	assert_string_equal(c.shared.cert, "folder/ec.pem");
	assert_string_equal(c.shared.key, "folder/ec.key");
	assert_int_equal(c.watch.interval_ms, 1000);
	assert_int_equal(c.watch.reattest_ms, 3600000);
	assert_string_equal(c.watch.metrics, "[::1]:0");
	assert_string_equal(c.tls.ca, "folder/ca.pem");
	assert_string_equal(c.tls.cert, "folder/c.pem");
	assert_string_equal(c.tls.key, "folder/c.key");
	assert_null(c.tls.client_ca);
	assert_string_equal(c.tls.server_cert, "folder/s.pem");
	assert_string_equal(c.tls.server_key, "folder/s.key");
	assert_int_equal(c.connect_timeout_ms, 1500);
	assert_int_equal(c.request_timeout_ms, 60000);
	assert_int_equal(c.retry_attempts, 1);
	assert_int_equal(c.retry_base_ms, 1);
	assert_int_equal(c.retry_max_ms, 1000);
}

static void an_entry_stands_for_many(void **state)
{
	AUTO(cluster)
	struct cluster c = parsed(
	    HEAD IMAGE QUORUM
	    "nodes:\n"
	    "  - name: eu-[08-10]\n    url: https://10.0.1.[1-3]:8443/\n"
	    "    labels: { region: eu, role: canary }\n"
	    "  - hosts: 10.0.[1-2].[7,9]\n    url: http://{host}:80\n    labels: { region: us }\n"
	    "  - { hosts: \"[fd00::[1-2]]\", name: \"six-[1-2]\", url: \"http://{host}:80\" }\n"
	    "  - { name: \"here-[a,b]\", listen: \"127.0.0.1:0\" }\n"
	    "  - { name: \"at-{host}\", hosts: \"127.0.0.[3-4]\", listen: \"{host}:9000\" }\n");
	static const struct {
		const char *name, *address, *region;
		int line;
	} expected[] = {
		{ "eu-08", "https://10.0.1.1:8443", "eu", 11 },
		{ "eu-09", "https://10.0.1.2:8443", "eu", 11 },
		{ "eu-10", "https://10.0.1.3:8443", "eu", 11 },
		{ "10.0.1.7", "http://10.0.1.7:80", "us", 14 },
		{ "10.0.1.9", "http://10.0.1.9:80", "us", 14 },
		{ "10.0.2.7", "http://10.0.2.7:80", "us", 14 },
		{ "10.0.2.9", "http://10.0.2.9:80", "us", 14 },
		{ "six-1", "http://[fd00::1]:80", NULL, 17 },
		{ "six-2", "http://[fd00::2]:80", NULL, 17 },
		{ "here-a", "127.0.0.1:0", NULL, 18 },
		{ "here-b", "127.0.0.1:0", NULL, 18 },
		{ "at-127.0.0.3", "127.0.0.3:9000", NULL, 19 },
		{ "at-127.0.0.4", "127.0.0.4:9000", NULL, 19 },
	};

	(void)state;
	assert_int_equal(c.node_count, COUNT(expected));
	assert_int_equal(c.node_entries, 5);
	for (size_t i = 0; i < COUNT(expected); i++) {
		const struct cluster_node *n = &c.nodes[i];
		const char *region = cluster_node_label(n, "region");

		assert_string_equal(n->name, expected[i].name);
		assert_string_equal(n->url ? n->url : n->listen, expected[i].address);
		assert_int_equal(n->line, expected[i].line);
		assert_string_equal(region ? region : "",
		                    expected[i].region ? expected[i].region : "");
		assert_null(n->hosts);
	}
	assert_string_equal(cluster_node_label(&c.nodes[2], "role"), "canary");
	assert_null(cluster_node_label(&c.nodes[3], "role"));
	assert_string_equal(cluster_nearest_node(&c, "eu-0"), "eu-08");
	assert_null(cluster_nearest_node(&c, "nobody"));
}

static void an_entry_may_stand_for_as_many_as_a_file_has(void **state)
{
	AUTO(cluster)
	struct cluster c = parsed(HEAD IMAGE QUORUM "nodes:\n  - hosts: 10.0.[0-63].[0-255]\n"
	                                            "    url: http://{host}\n");

	(void)state;
	assert_int_equal(c.node_count, CLUSTER_NODES_MAX);
	assert_string_equal(c.nodes[CLUSTER_NODES_MAX - 1].url, "http://10.0.63.255");
}

static void a_client_ca_closes_the_seed(void **state)
{
	AUTO(cluster)
	struct cluster c = parsed(HEAD IMAGE QUORUM NODES
	                          "tls: { server: { cert: a, key: b, clientCa: ca.pem } }\n");

	(void)state;
	assert_string_equal(c.tls.client_ca, "folder/ca.pem");
	assert_false(c.enclave.insecure_open_seed);
}

static void a_root_may_be_a_file(void **state)
{
	AUTO(cluster)
	struct cluster c = parsed(HEAD IMAGE "attestation: { root: pki/ca.der }\n" QUORUM NODES);

	(void)state;
	assert_int_equal(c.attestation.root, ROOT_FILE);
	assert_string_equal(c.attestation.root_path, "folder/pki/ca.der");
}

static void nodes_launched_elsewhere_need_pins_but_no_image(void **state)
{
	AUTO(cluster)
	struct cluster c =
	    parsed(HEAD PINS "attestation: { root: aws-nitro }\n" QUORUM
	                     "nodes: [ { name: tee1, url: \"http://10.0.0.1:9000\" } ]\n");

	(void)state;
	assert_int_equal(c.attestation.root, ROOT_AWS);
	assert_null(c.enclave.image);
	assert_int_equal(c.enclave.pcrs.values[2].len, PCR_LEN);
}

/* Each refusal names file, line and column, what was expected, and what was found. */
static const struct {
	const char *text, *words;
} refusals[] = {
	/* the shape */
	{ "", "c.yaml:1:1: the file, expected a map, found nothing" },
	{ "# nothing\n", "expected a map, found nothing" },
	{ "- a\n", "c.yaml:1:1: the file, expected a map, found a list" },
	{ "text\n", "c.yaml:1:1: the file, expected a map, found a text" },
	{ "metadata: { name: x\n", "YAML, expected it well formed" },
	{ "metadata: { name: x }\n  b: c\n", "c.yaml:2:3: YAML" },
	/* what is to be mended is where it begins, not where it was noticed */
	{ "kind: Cluster\nmetadata\n# of it\n  name: x\n",
	  "c.yaml:2:1: YAML, expected it well formed, found: could not find expected ':'" },
	{ "kind: Cluster\nmetadata: { name: \"x }\nnodes: []\n",
	  "c.yaml:2:19: YAML, expected it well formed, found: found unexpected end of stream" },
	{ "\tkind: Cluster\n", "c.yaml:1:1: YAML, found a tab; indent with spaces" },
	{ HEAD IMAGE QUORUM NODES "---\na: b\n",
	  "c.yaml:12:1: the file, expected one document, found another" },
	{ "? [a]\n: b\n", "c.yaml:1:3: the file, expected a key, found a list" },
	{ "&a apiVersion: teectl/v1\n", "c.yaml:1:1: a value, expected it written out" },
	{ "apiVersion: *a\n", "c.yaml:1:13: a value, expected it written out" },
	{ "metadata: &a { name: x }\n", "c.yaml:1:11: a value, expected it written out" },
	{ "nodes: &a []\n", "c.yaml:1:8: a value, expected it written out" },
	{ "apiVersion: !!str teectl/v1\n", "c.yaml:1:13: a value, expected it without a tag" },
	{ "apiVersion: teectl/v1\nkind: \"Clus\xffter\"\n",
	  "c.yaml:2:1: the line, expected UTF-8" },
	{ "kind: \x01\n", "YAML, expected it well formed" },
	/* keys */
	{ HEAD "enclav: {}\n",
	  "c.yaml:4:1: the file, expected one of apiVersion, kind, metadata, enclave, "
	  "attestation, quorum, manifest, nodes, propagate, upgrade, keepReady, watch, state, tls, "
	  "timeouts, retry; "
	  "found 'enclav': did you mean 'enclave'?" },
	{ HEAD "enclave: { imgae: e }\n",
	  "c.yaml:4:12: enclave, expected one of image, role, "
	  "insecureOpenSeed, pcrs; found 'imgae': did you mean 'image'?" },
	{ HEAD "nodes:\n  - name: a\n    lissten: x\n",
	  "c.yaml:6:5: nodes[0], expected one of name, hosts, listen, url, labels; found 'lissten': did you mean "
	  "'listen'?" },
	{ HEAD "kind: Cluster\n",
	  "c.yaml:4:1: kind, expected once, found again (first on line 2)" },
	{ HEAD "nodes:\n  - name: a\n    name: b\n",
	  "c.yaml:6:5: nodes[].name, expected once, found again" },
	{ HEAD "<<: {}\n", "found '<<'" },
	{ HEAD "enclave: { pcrs: { 4: " HEX96 " } }\n",
	  "enclave.pcrs, expected one of 0, 1, 2, 3; found '4'" },
	/* what is missing */
	{ "kind: Cluster\n", "c.yaml:1:1: the file, expected 'apiVersion'" },
	{ HEAD "metadata: {}\n", "metadata, expected once" },
	{ "apiVersion: teectl/v1\nkind: Cluster\nmetadata: {}\n",
	  "c.yaml:3:11: metadata, expected 'name'" },
	{ HEAD IMAGE NODES, "expected 'quorum'" },
	{ HEAD IMAGE QUORUM, "expected 'nodes'" },
	{ HEAD QUORUM NODES,
	  "enclave.image, expected the executable that 'tee1' is launched from" },
	{ HEAD QUORUM "nodes: [ { name: a, url: \"http://a\" } ]\n",
	  "expected 'image' or, in 'pcrs', 0, 1 and 2" },
	{ HEAD IMAGE QUORUM NODES "tls: { server: { cert: a } }\n", "tls.server, expected 'key'" },
	{ HEAD IMAGE QUORUM NODES "tls: { server: { clientCa: a } }\n",
	  "tls.server, expected 'cert'" },
	{ HEAD IMAGE QUORUM NODES "tls: { cert: a }\n", "tls, expected 'cert' and 'key' (they "
	                                                "belong together), found 'cert' alone" },
	{ HEAD IMAGE QUORUM NODES "tls: { ca: c, key: a }\n", "found 'key' alone" },
	{ HEAD "enclave: { image: e, insecureOpenSeed: true }\n" QUORUM NODES
	       "tls: { server: { cert: a, key: b, clientCa: c } }\n",
	  "c.yaml:4:40: enclave.insecureOpenSeed, expected false beside tls.server.clientCa" },
	/* types */
	{ "apiVersion: teectl/v2\n",
	  "c.yaml:1:13: apiVersion, expected teectl/v1, found 'teectl/v2': did you "
	  "mean 'teectl/v1'?" },
	{ "apiVersion: teectl/v1\nkind: Clutser\n",
	  "kind, expected Cluster, found 'Clutser': did you mean" },
	{ "metadata: x\n", "metadata, expected a map, found a text" },
	{ "metadata:\n", "metadata, expected a map, found nothing" },
	{ "metadata: { name: [a] }\n", "metadata.name, expected name, found a list" },
	{ "metadata: { name: }\n", "metadata.name, expected name, found nothing" },
	{ "metadata: { name: ~ }\n", "expected name, found nothing" },
	{ "metadata: { name: null }\n", "expected name, found nothing" },
	{ "metadata: { name: no }\n", "expected name, found the flag no: a text in quotes?" },
	{ "metadata: { name: a/b }\n", "letter or digit first, found 'a/b'" },
	{ "metadata: { name: .. }\n", "letter or digit first, found '..'" },
	{ "metadata: { name: -x }\n", "letter or digit first, found '-x'" },
	{ "metadata: { name: \"\" }\n", "letter or digit first, found ''" },
	{ "metadata: { name: \"a\\0b\" }\n", "expected text, found a NUL in it" },
	{ "metadata: { name: \"a\\nb\" }\n", "expected name on one line" },
	{ "nodes: { a: b }\n", "nodes, expected a list, found a map" },
	{ "nodes: []\n", "c.yaml:1:8: nodes, expected at least one, found none" },
	{ "nodes: [ a ]\n", "c.yaml:1:10: nodes[0], expected a map, found a text" },
	{ "quorum: { members: [] }\n", "quorum.members, expected at least one, found none" },
	{ "enclave: { insecureOpenSeed: yes }\n",
	  "expected true or false, without quotes, found 'yes'" },
	{ "enclave: { insecureOpenSeed: \"true\" }\n", "expected true or false" },
	{ "enclave: { insecureOpenSeed: True }\n", "expected true or false" },
	{ "enclave: { pcrs: { 0: abcd } }\n",
	  "enclave.pcrs.0, expected 96 hexadecimal digits, found 4 characters" },
	{ "enclave: { pcrs: { 0: g" HEX96 " } }\n", "found 97 characters" },
	{ "manifest: { nonce: -1 }\n", "expected a whole number from 0 to 4294967294, found '-1'" },
	{ "manifest: { nonce: 4294967295 }\n", "expected a whole number from 0 to 4294967294" },
	{ "manifest: { nonce: \"1\" }\n", "expected a whole number" },
	{ "manifest: { nonce: 0x10 }\n", "expected a whole number" },
	{ "manifest: { nonce: 1.0 }\n", "expected a whole number" },
	{ "manifest: { nonce: 1_0 }\n", "expected a whole number" },
	{ "manifest: { namespace: \"a b\" }\n", "manifest.namespace, expected 1 to 128 letters" },
	{ "manifest: { pivot: { hash: zz } }\n",
	  "expected 64 hexadecimal digits, found 2 characters" },
	{ "manifest: { pivot: { args: a } }\n",
	  "manifest.pivot.args, expected a list, found a text" },
	{ "manifest: { pivot: { args: [ [a] ] } }\n",
	  "manifest.pivot.args, expected a text, found a list" },
	{ "manifest: { pivot: { args: [ yes ] } }\n", "found the flag yes" },
	{ "attestation: { root: aws-nitor }\n",
	  "c.yaml:1:22: attestation.root, expected simulated, aws-nitro, or "
	  "the path of a certificate, found 'aws-nitor': did you mean" },
	{ "attestation: { maxAge: 5 }\n",
	  "expected a whole number and its unit ms, s, m, h or d, found '5'" },
	{ "attestation: { maxAge: 2d }\n", "expected 1s to 1d, found '2d'" },
	{ "timeouts: { connect: 3 s }\n", "expected a whole number and its unit" },
	{ "timeouts: { connect: 0s }\n", "expected 1ms to 1d, found '0s'" },
	{ "retry: { attempts: 0 }\n", "expected a whole number from 1 to 100, found '0'" },
	{ "propagate: { topology: ring }\n", "expected chain, star, tree or auto, found 'ring'" },
	{ "propagate: { topology: stra }\n", "found 'stra': did you mean 'star'?" },
	{ "keepReady: 0\n", "expected a whole number from 1 to 16384" },
	{ "propagate: { parallel: 65 }\n", "expected a whole number from 1 to 64" },
	{ "upgrade: { first: 0 }\n", "upgrade.first, expected a whole number from 1 to 16384" },
	{ "upgrade: { parallel: 65 }\n", "expected a whole number from 1 to 64, found '65'" },
	/* addresses */
	{ "nodes: [ { name: a, listen: \"tee1:9000\" } ]\n",
	  "nodes[0].listen, expected HOST:PORT with a numeric" },
	{ "nodes: [ { name: a, listen: \"127.0.0.1\" } ]\n", "expected HOST:PORT" },
	{ "nodes: [ { name: a, listen: \"127.0.0.1:65536\" } ]\n",
	  "expected a port from 0 (a free one) to 65535" },
	{ "nodes: [ { name: a, listen: \"127.0.0.1:\" } ]\n", "expected HOST:PORT" },
	{ "nodes: [ { name: a, listen: \"[::1:9000\" } ]\n", "expected HOST:PORT" },
	{ "nodes: [ { name: a, listen: \"::1:9000\" } ]\n", "expected HOST:PORT" },
	{ "nodes: [ { name: a, listen: \"localhost:9\" } ]\n", "expected HOST:PORT" },
	{ "nodes: [ { name: a, listen: \"127.0.0.1:65536x\" } ]\n", "expected HOST:PORT" },
	{ "nodes: [ { name: a, listen: \"[::1]:99999999999999999999\" } ]\n",
	  "expected a port from 0 (a free one) to 65535, found '[::1]:99999999999999999999'" },
	{ "nodes: [ { name: a, url: \"https://a:99999/\" } ]\n",
	  "nodes[0].url, expected a port from 1 to 65535, found 'https://a:99999/'" },
	{ "nodes: [ { name: a, url: \"tee1:9000\" } ]\n",
	  "nodes[0].url, expected http:// or https://" },
	{ "nodes: [ { name: a, url: \"file:///etc/passwd\" } ]\n", "expected http:// or https://" },
	{ "nodes: [ { name: a, url: \"http://u:p@a\" } ]\n", "expected http:// or https://" },
	{ "nodes: [ { name: a, url: \"http://a/x\" } ]\n", "expected http:// or https://" },
	{ "nodes: [ { name: a, url: \"http://a:0\" } ]\n", "expected http:// or https://" },
	{ "nodes: [ { name: a, url: \"http://\" } ]\n", "expected http:// or https://" },
	{ "nodes: [ { name: a, url: \"http://a?b\" } ]\n", "expected http:// or https://" },
	{ "nodes: [ { url: \"http://a\" } ]\n",
	  "c.yaml:1:10: nodes[0], expected 'name' (the node's name), found none" },
	/* patterns */
	{ "nodes:\n - name: a[1-2\n   url: http://a\n",
	  "c.yaml:2:10: nodes[0].name, expected a ']' after the '[' at character 2, found none" },
	{ "nodes:\n - name: a1-2]\n   url: http://a\n",
	  "nodes[0].name, expected a '[' before the ']' at character 5, found none" },
	{ "nodes:\n - name: a\n   url: http://a[3-1]\n",
	  "c.yaml:3:9: nodes[0].url, expected a range that goes up at character 10, found '3-1'" },
	{ "nodes:\n - name: a[1-3]\n   url: http://a[1-2]\n",
	  "c.yaml:2:10: nodes[0].name, expected 2 names, one for each address, found 3" },
	{ "nodes:\n - name: a\n   url: http://a[1-2]\n",
	  "c.yaml:2:10: nodes[0].name, expected 2 names, one for each address, found 1" },
	{ "nodes:\n - name: a[1-2]\n   url: http://a\n",
	  "c.yaml:3:9: nodes[0].url, expected an address for each of the 2 names, found one" },
	{ "nodes:\n - name: a[1-2]\n   listen: 127.0.0.1:9000\n",
	  "nodes[0].listen, expected an address for each of the 2 names, found one" },
	{ "nodes:\n - name: a[1-3]\n   listen: 127.0.0.1:[65534-65536]\n",
	  "c.yaml:3:12: nodes[0].listen, expected a port from 0 (a free one) to 65535, found "
	  "'127.0.0.1:65536'" },
	{ "nodes:\n - name: \"[-,a]\"\n   url: http://a[1-2]\n",
	  "nodes[0].name, expected 1 to 128 letters" },
	{ "nodes:\n - name: a[1-2]\n   url: http://a[1,1]\n",
	  "c.yaml:3:9: nodes[0], expected an address of its own, found that of 'a1' of line 2" },
	{ "nodes:\n - name: a2\n   url: http://a\n - name: a[1-2]\n   url: http://b[1-2]\n",
	  "c.yaml:4:10: nodes[1].name, expected a name of its own, found 'a2' of line 2" },
	{ "nodes:\n - name: a2\n   url: http://b2\n - name: b[1-2]\n   url: http://b[1-2]\n",
	  "c.yaml:5:9: nodes[1], expected an address of its own, found that of 'a2' of line 2" },
	{ "nodes:\n - hosts: h[1-2]\n   url: http://h\n",
	  "c.yaml:3:9: nodes[0].url, expected '{host}' in it beside 'hosts', found none" },
	{ "nodes:\n - hosts: h[1-2]\n   url: http://{host}:[1-2]\n",
	  "c.yaml:3:9: nodes[0].url, expected brackets in 'hosts' alone, found more" },
	{ "nodes:\n - name: a\n   url: http://{host}\n",
	  "c.yaml:3:9: nodes[0].url, expected 'hosts' beside '{host}', found none" },
	{ "nodes:\n - name: \"{host}\"\n   url: http://a\n",
	  "c.yaml:2:10: nodes[0].name, expected 'hosts' beside '{host}', found none" },
	{ "nodes:\n - name: a\n   hosts: h[1-2]\n   url: http://{host}\n",
	  "nodes[0].name, expected 2 names, one for each address, found 1" },
	{ "nodes:\n - hosts: h[1-2]\n", "found neither" },
	{ "nodes:\n - hosts: h[1-20000]\n   url: http://{host}\n",
	  "nodes[0].hosts, expected at most 16384 of its kind, found more" },
	{ "nodes:\n - hosts: h[1-16384]\n   url: http://{host}\n - { name: a, url: \"http://a\" "
	  "}\n",
	  "c.yaml:4:4: nodes, expected at most 16384, found more" },
	/* labels */
	{ "nodes:\n - labels: eu\n", "c.yaml:2:12: nodes[0].labels, expected a map, found a text" },
	{ "nodes:\n - labels: { region: [eu] }\n",
	  "nodes[0].labels, expected label, found a list" },
	{ "nodes:\n - labels: { region: no }\n",
	  "c.yaml:2:22: nodes[0].labels, expected label, found the flag no: a text in quotes?" },
	{ "nodes:\n - labels: { region: a b }\n",
	  "nodes[0].labels, expected 1 to 63 letters, digits, dots, dashes and underscores, a "
	  "letter or digit first, found 'a b'" },
	{ "nodes:\n - labels: { a=b: c }\n", "a letter or digit first, found 'a=b'" },
	{ "nodes:\n - labels: { region: eu, region: us }\n",
	  "c.yaml:2:26: nodes[0].labels, expected each label once, found region" },
	{ "nodes:\n - labels: { a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1, k: 1, l: "
	  "1, m: 1, n: 1, o: 1, p: 1, q: 1 }\n",
	  "nodes[0].labels, expected at most 16 labels, found more" },
	/* what no key shows alone */
	{ "nodes: [ { name: a } ]\n",
	  "nodes[0], expected either 'listen' (launched here) or 'url' (launched "
	  "elsewhere), found neither" },
	{ "nodes: [ { name: a, url: \"http://a\", listen: \"127.0.0.1:1\" } ]\n", "found both" },
	{ "nodes:\n - { name: a, url: \"http://a\" }\n - { name: a, url: \"http://b\" }\n",
	  "c.yaml:3:12: nodes[1].name, expected a name of its own, found 'a' of line 2" },
	{ "nodes:\n - { name: a, url: \"http://a\" }\n - { name: b, url: \"http://a\" }\n",
	  "c.yaml:3:20: nodes[1], expected an address of its own, found that of 'a' of line 2" },
	{ "nodes:\n - { name: a, listen: \"127.0.0.1:9\" }\n - { name: b, listen: \"127.0.0.1:9\" "
	  "}\n",
	  "expected an address of its own" },
	{ "quorum:\n  members:\n  - { name: a }\n",
	  "quorum.members[0], expected 'key' or 'pub' (a key file)" },
	{ "quorum:\n  members:\n  - { name: a, key: k }\n  - { name: a, key: l }\n",
	  "c.yaml:4:13: quorum.members[1].name, expected a name of its own, found 'a' of line 3" },
	{ "quorum:\n  members:\n  - { name: a, key: k }\n  - { name: b, key: k }\n",
	  "c.yaml:4:21: quorum.members[1], expected a key file of its own, found that of 'a'" },
	{ HEAD IMAGE
	  "quorum: { threshold: 3, members: [ { name: a, pub: a }, { name: b, pub: b } ] }\n" NODES,
	  "c.yaml:5:22: quorum.threshold, expected 2 to 2 (there are 2 members), found 3" },
	{ "quorum: { threshold: 1 }\n",
	  "quorum.threshold, expected a whole number from 2 to 255, found '1'" },
	{ HEAD IMAGE QUORUM
	  "  manifestSet: { threshold: 2, members: [ { name: x, pub: x } ] }\n" NODES,
	  "quorum.manifestSet.threshold, expected 1 to 1 (there are 1 members), found 2" },
	{ "quorum: { manifestSet: { threshold: 0 } }\n", "expected a whole number from 1 to 255" },
	{ HEAD IMAGE QUORUM NODES "propagate: { source: tee2 }\n",
	  "c.yaml:12:22: propagate.source, expected the name of a node, found 'tee2': did you mean "
	  "'tee1'?" },
	{ HEAD IMAGE QUORUM NODES "retry: { base: 10s }\n",
	  "c.yaml:12:16: retry.base, expected at most retry.max "
	  "(5000 ms), found 10000 ms" },
	{ HEAD IMAGE QUORUM NODES "keepReady: 9\n",
	  "c.yaml:12:12: keepReady, expected at most 1 (the nodes), found 9" },
	{ HEAD IMAGE QUORUM NODES "retry: { max: 10ms }\n",
	  "c.yaml:12:15: retry.base, expected at most" },
};

static void a_wrong_file_is_refused_with_place_and_words(void **state)
{
	struct cluster c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		print_message("%s", refusals[i].text);
		assert_refused(cluster_parse("c.yaml", view_text(refusals[i].text), &c, &e),
		               ERR_CONFIG, refusals[i].words);
		assert_ptr_equal(strstr(e.text, "c.yaml:"), e.text);
	}
}

static void what_was_read_is_what_is_hashed(void **state)
{
	static const char text[] = HEAD IMAGE QUORUM NODES;
	AUTO(cluster) struct cluster c = parsed(text);
	struct hash256 expected;
	struct err e;

	(void)state;
	assert_ok(sha256(view_text(text), &expected, &e));
	assert_memory_equal(c.file_hash.bytes, expected.bytes, sizeof(expected.bytes));
}

static void bytes_that_are_not_text_are_refused(void **state)
{
	AUTO(buf) struct buf large = BUF_INIT(CLUSTER_FILE_MAX + 1);
	static const uint8_t nul[] = "kind: Cluster\0\n";
	struct cluster c;
	uint8_t *at;
	struct err e;

	(void)state;
	assert_refused(cluster_parse("c.yaml", VIEW_OF(nul), &c, &e), ERR_CONFIG, "YAML");
	assert_ok(buf_reserve(&large, large.max, &at, &e));
	memset(at, '#', large.max);
	buf_commit(&large, large.max - 1);
	assert_refused(cluster_parse("c.yaml", buf_view(&large), &c, &e), ERR_CONFIG,
	               "expected a map, found nothing");
	buf_commit(&large, 1);
	assert_refused(cluster_parse("c.yaml", buf_view(&large), &c, &e), ERR_CONFIG,
	               "1:1: the file, expected at most 4194304 bytes");
}

static void depth_is_bounded_by_the_table(void **state)
{
	AUTO(buf) struct buf deep = BUF_INIT(CLUSTER_FILE_MAX);
	struct cluster c;
	uint8_t *at;
	struct err e;

	(void)state;
	assert_ok(buf_reserve(&deep, deep.max, &at, &e));
	memset(at, '[', deep.max);
	buf_commit(&deep, deep.max);
	assert_refused(cluster_parse("c.yaml", buf_view(&deep), &c, &e), ERR_CONFIG, "c.yaml:1:1");
	memset(deep.data, '{', deep.max);
	assert_refused(cluster_parse("c.yaml", buf_view(&deep), &c, &e), ERR_CONFIG, "c.yaml:1:2");
}

static void many_nodes_fit_and_one_more_does_not(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(CLUSTER_FILE_MAX);
	AUTO(cluster) struct cluster c = { 0 };
	struct err e;

	(void)state;
	assert_ok(buf_add_text(&text, HEAD IMAGE QUORUM "nodes:\n", &e));
	for (unsigned i = 0; i < CLUSTER_NODES_MAX; i++)
		assert_ok(
		    buf_add_format(&text, &e, " - { name: n%u, listen: \"127.0.0.1:0\" }\n", i));
	assert_ok(cluster_parse("c.yaml", buf_view(&text), &c, &e));
	assert_int_equal(c.node_count, CLUSTER_NODES_MAX);
	assert_string_equal(c.nodes[CLUSTER_NODES_MAX - 1].name, "n16383");
	assert_ok(buf_add_text(&text, " - { name: z, listen: \"127.0.0.1:0\" }\n", &e));
	cluster_drop(&c);
	assert_refused(cluster_parse("c.yaml", buf_view(&text), &c, &e), ERR_CONFIG,
	               "nodes, expected at most 16384, found more");
}

static void a_missing_file_is_missing_input(void **state)
{
	struct cluster c;
	struct err e;

	(void)state;
	assert_refused(cluster_read("/nonexistent/c.yaml", &c, &e), ERR_NO_INPUT,
	               "cluster file: '/nonexistent/c.yaml'");
}

/* What `measure --write` makes of the part before QUORUM. */
static const struct {
	const char *before, *after;
} pins[] = {
	{ HEAD "enclave:\n  image: e # the image\n\n# quorum\n" QUORUM NODES, HEAD
	  "enclave:\n  image: e # the image\n  pcrs:\n    0: @\n    1: @\n    2: @\n    3: @\n\n"
	  "# quorum\n" QUORUM NODES },
	{ HEAD "enclave: { image: \"ä\" } # €\n" QUORUM NODES,
	  HEAD "enclave: { image: \"ä\", pcrs: { 0: @, 1: @, 2: @, 3: @ } } # €\n" QUORUM NODES },
	{ "\xef\xbb\xbf# ü\n" HEAD "enclave: { pcrs: { 0: " HEX96 " }, image: e }\n" QUORUM NODES,
	  "\xef\xbb\xbf# ü\n" HEAD
	  "enclave: { pcrs: { 0: @, 1: @, 2: @, 3: @ }, image: e }\n" QUORUM NODES },
	{ HEAD "enclave:\n   pcrs:\n     0: " HEX96 " # old\n   image: e\n" QUORUM NODES,
	  HEAD "enclave:\n   pcrs:\n     0: @\n     1: @\n     2: @\n     3: @ # old\n   image: "
	       "e\n" QUORUM NODES },
	{ HEAD "enclave:\n  image: e\n  pcrs: {}\n" QUORUM NODES, HEAD
	  "enclave:\n  image: e\n  pcrs:\n    0: @\n    1: @\n    2: @\n    3: @\n" QUORUM NODES },
	{ HEAD QUORUM NODES "enclave:\n  image: e", HEAD QUORUM NODES
	  "enclave:\n  image: e\n  pcrs:\n    0: @\n    1: @\n    2: @\n    3: @\n" },
};

static void assert_pinned(const char *found, const char *expected, const char *hex)
{
	for (; *expected; expected++)
		if (*expected != '@') {
			if (*found != *expected)
				fail_msg("'%s' where '%s' was expected", found, expected);
			found++;
		} else {
			assert_memory_equal(found, hex, 2 * PCR_LEN);
			found += 2 * PCR_LEN;
		}
	assert_string_equal(found, "");
}

static void pcrs_are_written_into_the_file_and_nothing_else_changes(void **state)
{
	char folder[256], path[300], hex[2 * PCR_LEN + 1];
	struct pcr_set pcrs = { 0 };
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/c.yaml", folder);
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++) {
		pcr_zero(&pcrs.values[i]);
		memset(pcrs.values[i].bytes, 0xab, PCR_LEN);
	}
	hex_write(pcr_view(&pcrs.values[0]), hex);
	for (size_t i = 0; i < COUNT(pins); i++) {
		AUTO(buf) struct buf found = BUF_INIT(CLUSTER_FILE_MAX);
		struct stat st;

		assert_ok(file_write(path, view_text(pins[i].before), 0640, &e));
		assert_ok(cluster_write_pcrs(path, &pcrs, &e));
		assert_ok(file_read(path, &found, &e));
		assert_pinned(buf_text(&found), pins[i].after, hex);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0640);
	}
	assert_ok(file_write(path, view_text(HEAD QUORUM NODES), 0640, &e));
	assert_refused(cluster_write_pcrs(path, &pcrs, &e), ERR_CONFIG, "enclave.image");
	unlink(path);
	rmdir(folder);
}

static void the_files_in_configs_are_valid(void **state)
{
	static const char *const names[] = { "demo.yaml", "reference.yaml" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		AUTO(cluster) struct cluster c = { 0 };
		char path[512];

		snprintf(path, sizeof(path), "%s/../../configs/%s", VECTORS, names[i]);
		assert_ok(cluster_read(path, &c, &e));
		assert_int_equal(c.node_count, 3);
	}
}

/* Where a line of YAML stands: in the map, or the item of a list, that begins at that column. */
struct outline {
	struct {
		size_t column;
		char path[128];
	} levels[16];
	size_t depth;
	struct buf *paths; /* of every key so far, a line each, and a newline before the first */
};

static void enter(struct outline *o, size_t column, const char *name)
{
	const char *parent = o->depth ? o->levels[o->depth - 1].path : "";
	const char *dot = *parent && *name != '[' ? "." : "";

	assert_true(o->depth < COUNT(o->levels));
	snprintf(o->levels[o->depth].path, sizeof(o->levels[0].path), "%.60s%s%.60s", parent, dot,
	         name);
	o->levels[o->depth++].column = column;
}

static void leave(struct outline *o, size_t column)
{
	while (o->depth && o->levels[o->depth - 1].column >= column)
		o->depth--;
}

/* at: "key: …"; returns false where it is none */
static bool take_key(struct outline *o, size_t column, const char *at)
{
	size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	char key[64];
	struct err e;

	if (len == 0 || len >= sizeof(key) || at[len] != ':' || !strchr(" \n", at[len + 1]))
		return false;
	snprintf(key, sizeof(key), "%.*s", (int)len, at);
	enter(o, column, key);
	assert_ok(buf_add_format(o->paths, &e, "%s\n", o->levels[o->depth - 1].path));
	return true;
}

/* A comment's own text counts from where the YAML in it would stand. */
static void outline_line(struct outline *o, const char *at)
{
	size_t column = 0;

	for (;; at++) {
		if (*at == '#' && at[1] == ' ')
			at++;
		else if (*at == ' ')
			column++;
		else
			break;
	}
	leave(o, column);
	if (strncmp(at, "- ", 2) == 0) {
		enter(o, column + 1, "[]");
		at += 2;
		column += 2;
	}
	if (*at != '{') {
		(void)take_key(o, column, at);
		return;
	}
	/* Members of a flow map, on its line. */
	for (; *at && *at != '\n' && *at != '}'; at++)
		if (strchr("{,", *at) && at[1] == ' ' && take_key(o, column + 2, at + 2))
			leave(o, column + 2);
}

/* The reference file names every key in its place, in a comment where it must not be set. */
static void the_reference_file_names_every_key_of_the_table(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(CLUSTER_FILE_MAX);
	AUTO(buf) struct buf paths = BUF_INIT(CLUSTER_FILE_MAX);
	struct outline o = { .paths = &paths };
	char path[512];
	struct err e;

	(void)state;
	snprintf(path, sizeof(path), "%s/../../configs/reference.yaml", VECTORS);
	assert_ok(file_read(path, &text, &e));
	assert_ok(buf_add_text(&paths, "\n", &e));
	for (const char *line = buf_text(&text); *line; line += strcspn(line, "\n") + 1)
		outline_line(&o, line);
	for (size_t i = 0; i < config_row_count; i++) {
		snprintf(path, sizeof(path), "\n%s\n", config_rows[i].path);
		if (!strstr(buf_text(&paths), path))
			fail_msg("no key '%s' among:%s", config_rows[i].path, buf_text(&paths));
	}
}

static void the_table_is_consistent(void **state)
{
	(void)state;
	assert_true(config_row_count <= CONFIG_ROWS_MAX);
	for (size_t i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];

		assert_non_null(config_type(row->kind));
		assert_true(*row->doc && row->doc[strlen(row->doc) - 1] != '.');
		assert_false(row->is_required && row->fallback);
		assert_ptr_equal(config_find(row->path), row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_file_is_read_with_every_default),
		cmocka_unit_test(the_manifest_set_is_the_share_set_unless_given),
		cmocka_unit_test(every_key_reaches_its_field),
		cmocka_unit_test(an_entry_stands_for_many),
		cmocka_unit_test(an_entry_may_stand_for_as_many_as_a_file_has),
		cmocka_unit_test(a_client_ca_closes_the_seed),
		cmocka_unit_test(a_root_may_be_a_file),
		cmocka_unit_test(nodes_launched_elsewhere_need_pins_but_no_image),
		cmocka_unit_test(a_wrong_file_is_refused_with_place_and_words),
		cmocka_unit_test(what_was_read_is_what_is_hashed),
		cmocka_unit_test(bytes_that_are_not_text_are_refused),
		cmocka_unit_test(depth_is_bounded_by_the_table),
		cmocka_unit_test(many_nodes_fit_and_one_more_does_not),
		cmocka_unit_test(a_missing_file_is_missing_input),
		cmocka_unit_test(pcrs_are_written_into_the_file_and_nothing_else_changes),
		cmocka_unit_test(the_files_in_configs_are_valid),
		cmocka_unit_test(the_reference_file_names_every_key_of_the_table),
		cmocka_unit_test(the_table_is_consistent),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}
