#!/usr/bin/env bats
# After genesis: no share is sealed, no source is asked, and no key is believed to be anywhere but by a
# document that holds. Whoever stands between is found out.

load helper

PKI=.teectl/own/pki

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
	cluster own 2 2 3 'retry: { attempts: 1 }'
}

teardown() {
	stop_hvs
	down_all
}

# between NODE CHANGE...: the twin lie.yaml.
between() {
	local node=$1
	shift
	mitm proxy --to "$(url own "$node")" --other "$(url own tee2)" --pki "$PKI" "$@"
	behind own lie "$node" "$proxy"
}

# lie VERB NODE WORDS CHANGE...: the verb through a proxy that does that ends with 5 and these words.
lie() {
	local verb=$1 node=$2 words=$3
	shift 3
	between "$node" "$@"
	run -5 --separate-stderr teectl -f lie.yaml -o json "$verb"
	has "$stderr" "$words"
	same "$(jq -r '.outcome + " " + (.error.exit_status | tostring)' <<<"$output")" 'failed 5'
	stop_hvs
}

# The changes of a document that any verb must refuse, with the words for each.
LIVE_LIES=(
	'signature flipped' 'root resigned-elsewhere' 'PCR0 pcr0' 'PCR1 pcr1' 'PCR2 pcr2' 'PCR3 pcr3'
	'debug debug' 'old old' 'ahead ahead' 'nonce nonce' 'nonce no-nonce'
)

lie_all() { # VERB NODE OPERATION
	local entry change
	for entry in "${LIVE_LIES[@]}"; do
		change=${entry#* }
		if [[ $change == resigned-elsewhere ]]; then
			PKI=$PWD/elsewhere lie "$1" "$2" "${entry%% *}" "$3:resigned"
		else
			lie "$1" "$2" "${entry%% *}" "$3:$change"
		fi
	done
}

@test "inject: no share is sealed to what a document does not prove" {
	ok up
	ok genesis
	lie_all inject tee1 live-attestation
	lie inject tee1 'PCR16' live-attestation:public-key
	lie inject tee1 'PCR16' live-attestation:pcr16
	lie inject tee1 'manifest hash' live-attestation:user-data
	lie inject tee1 '' live-attestation:no-public-key
	lie inject tee1 'tee1' live-attestation:elsewhere
	same "$(did own tee1 inject-shares)" 0
	ok inject
	has "$stderr" '2 of 2 shares'
}

@test "inject: a replayed document is refused, and a changed share is the enclave's to refuse" {
	ok up
	ok genesis
	between tee1 live-attestation:replayed
	run -2 --separate-stderr teectl -f lie.yaml status
	run -5 --separate-stderr teectl -f lie.yaml inject
	has "$stderr" 'nonce'
	same "$(asked proxy inject-shares)" 0
	stop_hvs
	between tee1 inject-shares:altered
	run -3 --separate-stderr teectl -f lie.yaml inject
	has "$stderr" 'the enclave rejected the share of member1'
	has "$stderr" '1 of 2 shares are in; waiting for one of: member1 (wrong share), member3'
	stop_hvs
	ok inject
}

@test "inject: another rebuilt key than the cluster's is refused" {
	ok up
	ok genesis
	lie inject tee1 "the key that it put together is not this cluster's" inject-shares:rebuilt-key
}

@test "propagate: the source is not asked before the target's document holds" {
	with_key own
	lie_all propagate tee2 generate-attestation
	lie propagate tee2 'PCR16' generate-attestation:public-key
	lie propagate tee2 'PCR16' generate-attestation:pcr16
	lie propagate tee2 'manifest hash' generate-attestation:user-data
	same "$(did own tee1 export-key)" 0
	ok propagate
	has "$stderr" 'tee2: key forwarded, from tee1'
}

@test "propagate: a replayed document is refused" {
	with_key own
	between tee2 generate-attestation:replayed inject-key:altered
	run -5 --separate-stderr teectl -f lie.yaml propagate
	has "$stderr" 'Key injection failed'
	same "$(did own tee1 export-key)" 1
	run -5 --separate-stderr teectl -f lie.yaml propagate
	has "$stderr" 'nonce'
	same "$(did own tee1 export-key)" 1
	stop_hvs
	ok propagate
}

@test "propagate: another manifest given to the target is found out, and the source is not asked" {
	with_key own
	lie propagate tee2 'manifest hash is not that of the manifest held here' \
		share-manifest:other-manifest
	same "$(did own tee1 export-key)" 0
	run -5 --separate-stderr teectl -f own.yaml propagate
	has "$stderr" 'tee2 is occupied'
}

# tee2 alone is asked for, and whoever stands at its address passes all on to tee3's TEE, which is as good.
@test "propagate: a TEE that was another node before is not the one that was named" {
	cluster own 3 2 3
	with_key own
	behind own lie tee2 "$(url own tee3)"
	run -5 --separate-stderr teectl -f lie.yaml propagate --from tee1 --to tee2
	has "$stderr" 'tee2: '
	has "$stderr" 'the TEE that answers here is the one that answers for tee3, by the journal'
	same "$(did own tee1 export-key)" 0
	ok propagate
	# Of a cluster that this state never saw nobody knows which address is right: neither counts.
	behind own lie tee2 "$(url own tee3 | sed s/127.0.0.1/localhost/)" tee3 "$(url own tee3)"
	mv .teectl/own/journal away
	run -5 --separate-stderr teectl -f lie.yaml verify -o json
	same "$(jq -r '[.nodes[] | .verified] | join(" ")' <<<"$output")" 'true false false'
	has "$stderr" 'neither is believed'
	run -5 --separate-stderr teectl -f lie.yaml verify -o json
	same "$(jq -r '[.nodes[] | .verified] | join(" ")' <<<"$output")" 'true false false'
	ok verify
}

@test "propagate: what is exported must be signed by the quorum key, else the target is not asked" {
	with_key own
	for change in signature key other-signer; do
		lie propagate tee1 'what it exported is not signed by the quorum key' export-key:$change
	done
	same "$(did own tee2 inject-key)" 0
	ok propagate
}

@test "propagate: a key that was changed on the way in is refused by the target" {
	with_key own
	lie propagate tee2 'Key injection failed' inject-key:altered
	ok propagate
}

@test "verify: a document or a key proof that does not hold is refused" {
	with_key own
	ok propagate
	lie_all verify tee2 live-attestation
	lie_all verify tee2 prove-key
	lie verify tee2 'manifest hash' live-attestation:user-data
	lie verify tee2 'not signed by the quorum key' prove-key:signature
	lie verify tee2 "another quorum key than this cluster's" prove-key:key
	lie verify tee2 'not signed by the quorum key' prove-key:resigned
	ok verify
}

@test "verify: a node that says it is ready, and is not, is found out" {
	with_key own
	between tee2 status:ready
	run -4 --separate-stderr teectl -f lie.yaml verify
	has "$stderr" 'tee2: prove failed: prove-key: Invalid state transition'
	stop_hvs
	# It holds the manifest, and no key comes.
	lie propagate tee2 '' generate-attestation:nonce
	between tee2 status:ready
	run -5 --separate-stderr teectl -f lie.yaml verify
	has "$stderr" "tee2: verify failed: it says that it is in ApplicationReady, but its document shows: this cluster's manifest, no key yet"
	run -5 --separate-stderr teectl -f lie.yaml status -o json
	same "$(jq -r '[.ready_count, .nodes[1].state, .nodes[1].reason] | join(" ")' <<<"$output")" '1 failed claim'
}

@test "propagate: a liar in the chain starves nobody behind it" {
	cluster own 3 2 3
	with_key own
	lie propagate tee2 '' generate-attestation:nonce
	ok down tee3
	ok up
	between tee2 status:ready
	run -5 --separate-stderr teectl -f lie.yaml propagate
	has "$stderr" 'tee2: verify failed: it says that it is in'
	has "$stderr" 'tee3: key proved'
	stop_hvs
	ok down tee3
	ok up
	between tee2 status:ready
	# Where it was not asked for it is left alone, and its word does not count.
	run -0 --separate-stderr teectl -f lie.yaml propagate --from tee1 --to tee3 -o json
	same "$(jq -r '[.ready_count, .nodes[1].state] | join(" ")' <<<"$output")" '2 not ready'
}

@test "inject and propagate: a node that says it is ready, and is not, is found out" {
	ok up
	ok genesis
	between tee1 status:ready
	run -5 --separate-stderr teectl -f lie.yaml inject
	has "$stderr" "tee1: verify failed: it says that it is in ApplicationReady, but its document shows: this cluster's manifest, no key yet"
	hasnt "$output" 'nothing to do'
	stop_hvs
	ok inject
	# It holds the manifest, and no key comes.
	lie propagate tee2 '' generate-attestation:nonce
	between tee2 status:ready
	run -5 --separate-stderr teectl -f lie.yaml propagate
	has "$stderr" "tee2: verify failed: it says that it is in ApplicationReady, but its document shows: this cluster's manifest, no key yet"
	hasnt "$output" 'nothing to do'
	stop_hvs
	ok propagate
}

@test "propagate: run again, it asks for the key proof that is missing" {
	with_key own
	ok propagate
	between tee2 prove-key:signature
	run -5 --separate-stderr teectl -f lie.yaml propagate
	has "$stderr" 'not signed by the quorum key'
	stop_hvs
	ok propagate
	has "$stderr" 'tee2: key proved'
	has "$output" 'nothing to do: every TEE asked for has the quorum key'
}

@test "status and up: a document that does not hold is named, and the TEE is not stopped" {
	with_key own
	for change in flipped pcr0 nonce old; do
		between tee2 live-attestation:$change
		run -5 --separate-stderr teectl -f lie.yaml status -o json
		same "$(jq -r '.nodes[1] | .state + " " + (.verified | tostring)' <<<"$output")" 'failed false'
		run -5 --separate-stderr teectl -f lie.yaml up
		stop_hvs
	done
	run -2 --separate-stderr teectl -f own.yaml status -o json
	same "$(jq -r '.nodes[1].state' <<<"$output")" 'not ready'
}

@test "propagate: an export without its receipt, or with a wrong one, goes no further" {
	with_key own
	lie propagate tee1 'tee1: its answer has no receipt' export-key:no-receipt
	lie propagate tee1 'tee1: its receipt is for another operation' export-key:receipt-kind
	lie propagate tee1 'tee1: its receipt has another subject than what was sent' export-key:receipt-subject
	lie propagate tee1 'is not signed by the quorum key, or does not follow the one before it' export-key:receipt-signature
	# It claims that there were 64 others: they are asked for, and there are none.
	lie propagate tee1 'tee1: its receipt is not among those that it lists' export-key:receipt-sequence
	same "$(asked proxy receipts)" 1
	same "$(did own tee2 inject-key)" 0
}

@test "propagate: an injection's wrong receipt is refused, and what was done stays done" {
	with_key own
	lie propagate tee2 'tee2: its receipt names another setup key than the attested one' inject-key:receipt-setup
	# The key is there all the same; what has not been shown is fetched.
	ok audit fetch
	same "$output" '1 receipt is new, verified and written down'
	ok lineage
	has "$output" '): from tee1, '
	ok verify
}

@test "propagate: an injection without a receipt, or with one that is not signed, is refused" {
	with_key own
	lie propagate tee2 'tee2: its answer has no receipt' inject-key:no-receipt
	teectl -f own.yaml down tee2 >/dev/null 2>&1
	ok up
	lie propagate tee2 'tee2: receipt 0 is not signed by the quorum key' inject-key:receipt-signature
}

@test "inject: the receipt of the completed shares is verified" {
	ok up
	ok genesis
	lie inject tee1 'tee1: receipt 0 is not signed by the quorum key' inject-shares:receipt-signature
	ok audit fetch
	same "$output" '1 receipt is new, verified and written down'
}

# Its document is that of one that has the key: the setup key is gone in both. Only a debug enclave retires
# for whoever asks.
@test "watch and verify: a TEE that has retired, and says that it is ready, does not count" {
	ATTESTATION='allowDebug: true' cluster own 2 2 3
	mkdir -p -m 700 .teectl/own
	hv one --debug --role test-operators
	hv two --debug --role test-operators
	sed -i -e "s|{ name: tee1, listen: .*|{ name: tee1, url: \"$one\" }|" -e "s|{ name: tee2, listen: .*|{ name: tee2, url: \"$two\" }|" own.yaml
	ok apply
	teectl -f own.yaml status -o json | jq -r .manifest_hash >hash
	curl -sS -X POST -H 'Content-Type: application/json' "$two/enclave/retire" -d "{\"manifest_hash\":$(bytes_of hash)}" -o answer
	grep -q receipt answer || fail "$(cat answer)"
	mitm proxy --to "$two" status:ready
	sed "s|$two|$proxy|" own.yaml >lie.yaml
	run -4 --separate-stderr teectl -f lie.yaml verify -o json
	same "$(jq -r '[.ready_count, .verified_count, .nodes[1].state] | join(" ")' <<<"$output")" '1 1 failed'
	run -4 --separate-stderr teectl -f lie.yaml watch --once
	has "$output" '1 of 2 ready, 1 verified; no loss is left until people are needed'
	run -75 --separate-stderr teectl -f lie.yaml wait --for ready --timeout 2s
}
