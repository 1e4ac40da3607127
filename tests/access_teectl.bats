#!/usr/bin/env bats
# teectl with mutual TLS, from an empty folder to a seed phrase, and what it says where a certificate
# does not do.

load helper

# secure NAME [NODES]: a cluster whose enclaves ask for roles, driven as operator. variant NAME CLIENT is
# the same cluster seen by another client, and bare NAME by one without a certificate.
secure() {
	cluster "$1" "${2:-1}" 2 3 "tls: { ca: pki/ca.pem, cert: pki/operator.pem, key: pki/operator.key, server: { cert: pki/server.pem, key: pki/server.key, clientCa: pki/ca.pem } }"
	sed -i '/insecureOpenSeed/d' "$1.yaml"
}

variant() {
	sed "s/pki.operator\./pki\/$2./g" "$1.yaml" >"$1-$2.yaml"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	teectl pki init >/dev/null
	teectl pki issue server --server --host 127.0.0.1 >/dev/null
	teectl pki issue operator --role operator >/dev/null
	teectl pki issue observer --role observer >/dev/null
	teectl pki issue app --role app >/dev/null
	teectl pki issue member --role member --member member1 >/dev/null
	teectl pki issue peer --role peer >/dev/null
}

teardown() {
	down_all
}

on() { # STATUS FILE VERB...
	run "-$1" --separate-stderr teectl -f "$2.yaml" "${@:3}"
}

@test "access teectl: from nothing to a seed phrase, each with the role for it" {
	secure c 2
	variant c app
	variant c observer
	on 0 c up
	has "$output$stderr" 'https://127.0.0.1:'
	on 0 c genesis
	on 0 c inject
	on 0 c propagate
	on 0 c verify
	on 0 c-observer status
	on 0 c-observer verify
	on 0 c-app seed --type t --data d --node tee1
	local words=$output
	on 0 c-app seed --type t --data d --node tee2
	same "$output" "$words"
	same "$(wc -w <<<"$words")" 24
	on 77 c seed --type t --data d
	has "$stderr" 'Access denied: a client of role operator may not use /generate-seed, which needs role app'
	has "$stderr" 'teectl pki issue NAME --role ROLE'
}

@test "access teectl: what the role does not allow ends with 77 and names the role that would do" {
	secure c 2
	local role
	for role in observer app member peer; do variant c "$role"; done
	on 0 c up
	for role in observer app member peer; do
		on 77 "c-$role" genesis
		has "$stderr" "Access denied: a client of role $role may not use /enclave/genesis-boot, which needs role operator"
		has "$stderr" 'cure: use a certificate with the role that is named above'
	done
	on 0 c genesis
	on 77 c-observer inject
	has "$stderr" "may not use /enclave/inject-shares, which needs role member or operator"
	on 77 c-observer inject -o json
	same "$(jq -r '.error.exit_status' <<<"$output")" 77
	same "$(jq -r '.error.code' <<<"$output")" 1011
	# One share is his own, the other is not: nothing is sent by halves.
	on 77 c-member inject
	has "$stderr" "'member2' is none"
	on 0 c inject
	on 77 c-observer propagate
	has "$stderr" 'which needs role operator or peer'
	on 0 c-peer propagate
	# The journal of what a peer did: he may not see what came before, an observer may.
	for role in app member peer; do
		on 77 "c-$role" audit fetch
		has "$stderr" "a client of role $role may not use /enclave/receipts, which needs role observer or operator"
	done
	on 0 c-observer audit fetch
	on 0 c audit verify
	has "$output" '3 receipts: signed by the quorum key'
}

@test "access teectl: without a certificate, or with one that has expired, it says so and leaves the key alone" {
	secure c
	on 0 c up
	sed 's/ cert: pki.operator.pem, key: pki.operator.key,//' c.yaml >bare.yaml
	on 77 bare status
	has "$stderr" 'it gave no certificate'
	has "$output" 'tee1 does not let this client look'
	hasnt "$output$stderr" 'down tee1'
	hasnt "$output$stderr" 'people are needed'
	on 77 bare up
	on 77 bare genesis
	# The same CA's, long over.
	printf '%s\n' extendedKeyUsage=clientAuth subjectAltName=URI:urn:teectl:role:operator >extensions
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\npolicy=p\n[p]\nCN=optional\n' >ca.conf
	: >index
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout pki/old.key -out request -subj /CN=old 2>/dev/null
	openssl ca -batch -config ca.conf -cert pki/ca.pem -keyfile pki/ca.key -in request -out pki/old.pem -notext \
		-extfile extensions -md sha384 -startdate 20200101000000Z -enddate 20210101000000Z >/dev/null 2>&1
	chmod 600 pki/old.key
	variant c old
	on 77 c-old status
	has "$stderr" 'its certificate expired at 2021-01-01T00:00:00Z'
	on 0 c genesis
}

@test "access teectl: a file that is missing, open to others or no certificate is named before a node is blamed" {
	secure c
	on 0 c up
	chmod 640 pki/operator.key
	on 65 c status
	has "$stderr" "tls.key of the cluster file: 'pki/operator.key' is a private key, and its mode 0640 lets others at it: expected 0600 (chmod 600)"
	chmod 600 pki/operator.key
	mv pki/operator.key away
	on 66 c status
	has "$stderr" "tls.key of the cluster file: there is no 'pki/operator.key'"
	has "$stderr" 'hint: correct `tls` of the cluster file'
	cp pki/app.key pki/operator.key
	on 65 c status
	has "$stderr" "tls.key of the cluster file: 'pki/operator.key' is not the key of the certificate 'pki/operator.pem'"
	mv away pki/operator.key
	variant c nowhere
	on 66 c-nowhere status
	has "$stderr" "tls.cert of the cluster file: there is no 'pki/nowhere.pem'"
	echo junk >pki/junk.pem
	cp pki/app.key pki/junk.key
	variant c junk
	on 66 c-junk status
	has "$stderr" 'pki/junk.pem'
	sed 's/ca: pki.ca.pem, cert/ca: pki\/none.pem, cert/' c.yaml >no-ca.yaml
	on 66 no-ca status
	has "$stderr" "tls.ca of the cluster file: there is no 'pki/none.pem'"
	on 0 c status --help
}

@test "access teectl: a server that is not of tls.ca, or of another host, is not believed" {
	secure c
	on 0 c up
	teectl pki init --dir other >/dev/null
	sed 's/ca: pki.ca.pem, cert/ca: other\/ca.pem, cert/' c.yaml >other.yaml
	on 69 other status
	has "$output" 'missing: the certificate of tee1 is not accepted'
	has "$stderr" 'hint: the node'"'"'s certificate has to be valid, of its own host, and signed by `tls.ca`'
	hasnt "$output$stderr" 'down tee1'
	on 0 c down
	rm pki/server.*
	teectl pki issue server --server --host elsewhere.example >/dev/null
	on 69 c up
	has "$stderr" "no alternative certificate subject name matches target host name '127.0.0.1'"
}

@test "access teectl: files of the nodes launched here are looked at before anything is launched" {
	secure c
	chmod 644 pki/server.key
	on 65 c up
	has "$stderr" "tls.server.key of the cluster file: 'pki/server.key' is a private key"
	chmod 600 pki/server.key
	mv pki/server.pem away
	on 66 c up
	has "$stderr" "tls.server.cert of the cluster file: there is no 'pki/server.pem'"
	mv away pki/server.pem
	sed -i 's/clientCa: pki.ca.pem/clientCa: pki\/operator.pem/' c.yaml
	on 65 c measure
	has "$stderr" "--client-ca: 'pki/operator.pem': certificate 1: it is not a CA's"
	sed -i 's/clientCa: pki.operator.pem/clientCa: pki\/nowhere.pem/' c.yaml
	on 66 c measure
	has "$stderr" "--client-ca: 'pki/nowhere.pem'"
}

@test "access teectl: what measure expects of a client CA is what the enclave shows" {
	secure c
	on 0 c up
	on 0 c measure -o json
	local pcr2
	pcr2=$(jq -r '.. | objects | select(.index? == 2) | .measured // .value' <<<"$output" | head -n 1)
	[[ ${#pcr2} == 96 ]] || fail "no PCR2"
	has "$(<.teectl/c/logs/tee1.log)" "pcr2=$pcr2"
	# Another CA is another enclave.
	on 0 c down
	rm -rf .teectl
	on 0 c up
	teectl pki init --dir other >/dev/null
	sed 's/clientCa: pki.ca.pem/clientCa: other\/ca.pem/' c.yaml >other.yaml
	on 5 other status
	has "$stderr$output" 'PCR2'
}

@test "access teectl: a file without TLS of a server with it says what the port may speak" {
	secure c
	on 0 c up
	sed '/^tls:/d' c.yaml >plain.yaml
	on 69 plain status
	has "$output" 'that port may speak TLS, which an https:// address or `tls.server` of the cluster file says'
	# And not where nobody is there.
	on 0 c down
	on 69 plain status
	hasnt "$output$stderr" 'may speak TLS'
}
