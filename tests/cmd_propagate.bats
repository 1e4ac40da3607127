#!/usr/bin/env bats
# teectl propagate. Chains with TEEs missing: tee_chain.bats; deaths: resume.bats.

load verb

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
	cluster own 3 2 3
}

teardown() {
	stop_hvs
	down_all
}

@test "propagate: --to takes the nodes named, --from the source, and -o json the whole" {
	with_key own
	ok propagate --to tee3 -o json
	has "$stderr" 'tee3: key forwarded, from tee1'
	same "$(jq -r '.nodes[] | [.name, .state, .key_proved] | join(" ")' <<<"$output")" \
		$'tee1 ready true\ntee2 not ready false\ntee3 ready true'
	same "$(jq -r '[.outcome, .next] | join("|")' <<<"$output")" 'done|teectl -f own.yaml propagate'
	ok propagate --to tee3
	same "${lines[0]}" 'nothing to do: every TEE asked for has the quorum key'
	ok propagate --from tee3 --only tee2,tee1
	has "$stderr" 'tee2: key forwarded, from'
	same "$output" '3 of 3 TEEs have the quorum key'
	ok propagate --topology chain
	has "$output" 'nothing to do'
}

@test "propagate: before genesis, before inject, from a TEE that has no key" {
	ok up
	run -2 --separate-stderr teectl -f own.yaml propagate
	has "$stderr" 'there has been no genesis: teectl -f own.yaml genesis, then teectl -f own.yaml inject'
	ok genesis
	run -2 --separate-stderr teectl -f own.yaml propagate
	has "$stderr" "tee1 can't be the source: it is in GenesisBooted, and a source must be ApplicationReady; it waits for the members' shares"
	has "$stderr" 'hint: teectl -f own.yaml inject'
	# Where no key is on this machine, words and hint are of the same way.
	mv own-members away
	run -2 --separate-stderr teectl -f own.yaml propagate
	has "$stderr" 'hint: teectl -f own.yaml share request --out request.json'
	hasnt "$stderr" inject
	mv away own-members
	ok inject
	run -2 --separate-stderr teectl -f own.yaml propagate --from tee2
	has "$stderr" "tee2 can't be the source: it is in WaitingForBootInstruction, and a source must be ApplicationReady"
}

@test "propagate: names and topologies that there are not" {
	run -64 --separate-stderr teectl -f own.yaml propagate --from tea1
	has "$stderr" "has no node 'tea1'; did you mean 'tee1'?"
	run -64 --separate-stderr teectl -f own.yaml propagate --to tee1,nobody
	has "$stderr" "has no node 'nobody'"
	run -64 --separate-stderr teectl -f own.yaml propagate --to tee1 --only tee2
	has "$stderr" '--to and --only choose the same: one of the two'
	run -64 --separate-stderr teectl -f own.yaml propagate --topology ring
	has "$stderr" 'ring'
}

@test "propagate: a TEE of another cluster is occupied: named, left alone, and the rest is done" {
	with_key own
	PKI=$PWD/.teectl/own/pki hv other --role test-operators --insecure-open-seed
	curl -s -X POST -H 'Content-Type: application/json' "$other/enclave/genesis-boot" -d "$(jq -nc \
		--argjson key "$(bytes_of own-members/member1.pub)" \
		--argjson two "$(bytes_of own-members/member2.pub)" \
		'[{alias: "a", pub_key: $key}, {alias: "b", pub_key: $two}] as $m | {namespace_name: "x",
		namespace_nonce: 1, manifest_members: $m, share_members: $m, manifest_threshold: 2,
		share_threshold: 2, pivot_hash: [range(32) | 0], pivot_args: []}')" | jq -e .waiting_state
	behind own guest tee2 "$other"
	run -5 --separate-stderr teectl -f guest.yaml propagate -o json
	has "$stderr" 'tee2 is occupied: it holds quorum key '
	has "$stderr" 'nothing is forwarded to or from it'
	has "$stderr" 'tee3: key forwarded, from tee1'
	same "$(jq -r '.nodes[1].state' <<<"$output")" failed
	run -5 --separate-stderr teectl -f guest.yaml propagate --from tee2
	has "$stderr" 'tee2 is occupied'
}

@test "propagate: --from and --to choose" {
	make_cluster
	try 0 up
	try 0 genesis
	try 0 inject
	try 0 propagate --from tee1 --to tee3
	says "tee3: key forwarded, from tee1"
	try 2 status -o json
	json '.nodes[1].phase' WaitingForBootInstruction
	try 0 propagate --from tee3
	says "tee2: key forwarded"
}

@test "propagate: as a star and as a tree, whatever the file says" {
	local way
	cluster own 5 2 3
	for way in star tree; do
		rm -rf .teectl
		with_key own
		ok propagate --topology $way
		same "$output" '5 of 5 TEEs have the quorum key'
		if [[ $way == star ]]; then
			same "$(grep -c 'key forwarded, from tee1' <<<"$stderr")" 4
		fi
		ok verify
		ok down --lose-key
	done
}

# An image of many bytes is measured for longer than a source takes to show what it is.
@test "propagate: with a source that hangs, forwards begin once the image is measured" {
	local order
	cp "$BUILD/teectl-enclave" enclave
	truncate -s +96M enclave
	IMAGE=$PWD/enclave cluster own 3 2 3
	with_key own
	ok propagate --to tee2
	mitm mute --to "$(url own tee2)" live-attestation:held
	behind own twin tee2 "$mute"
	run -4 --separate-stderr teectl -f twin.yaml -o ndjson --timeout 3s propagate --topology star
	order=$(jq -r 'select(.event == "done" or .event == "failed") | "\(.step) \(.node)"' <<<"$output")
	same "$(tail -n 2 <<<"$order")" $'prove tee3\nverify tee2'
}
