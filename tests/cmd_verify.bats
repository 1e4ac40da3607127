#!/usr/bin/env bats
# teectl verify. What it refuses: forward_trust.bats.

load verb

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
	cluster own 2 2 3
}

teardown() {
	stop_hvs
	down_all
}

@test "verify: asks every TEE for a document and a key proof, and for no seed phrase" {
	with_key own
	ok propagate
	ok verify -o json
	same "$(jq -r '[.ready_count, .verified_count, .trust] | join(" ")' <<<"$output")" '2 2 simulated'
	same "$(jq -r '.nodes[] | [.name, .verified, .key_proved] | join(" ")' <<<"$output")" \
		$'tee1 true true\ntee2 true true'
	ok verify
	has "$stderr" 'tee1: key proved, holds the quorum key'
	has "$output" 'nothing to do: every TEE proved that it holds the quorum key'
	has "$output" ' proved'
	run -1 grep -h 'operation=generate-seed' .teectl/own/logs/tee1.log .teectl/own/logs/tee2.log
}

@test "verify: before up, before genesis, before the key is everywhere, with a TEE gone" {
	run -69 --separate-stderr teectl -f own.yaml verify
	has "$stderr" 'tee1 is not running: teectl -f own.yaml up'
	ok up
	run -2 --separate-stderr teectl -f own.yaml verify
	has "$stderr" 'there has been no genesis, so there is no key to prove: teectl -f own.yaml genesis'
	ok genesis
	ok inject
	run -4 --separate-stderr teectl -f own.yaml verify -o json
	has "$stderr" 'tee2: prove failed: has no quorum key yet: it is in WaitingForBootInstruction'
	same "$(jq -r '.nodes[] | [.name, .verified, .key_proved] | join(" ")' <<<"$output")" \
		$'tee1 true true\ntee2 true false'
	ok propagate
	kill_node own tee2
	run -4 --separate-stderr teectl -f own.yaml verify
	has "$stderr" 'tee2 is not running: teectl -f own.yaml up'
	has "$stderr" 'hint: teectl -f own.yaml up'
	kill_node own tee1
	run -2 --separate-stderr teectl -f own.yaml verify
	has "$stderr" "no TEE of this file has the quorum key of 'own' any more"
}

@test "verify: one TEE does not pass for two" {
	make_cluster
	try 0 up
	try 0 genesis
	try 0 inject
	try 0 propagate
	# What a relay at tee2's address would do: every answer is the real one of tee1.
	port=$(url cluster tee1)
	port=${port##*:}
	sed "s|name: tee2, listen: .* }|name: tee2, url: \"http://localhost:$port\" }|" cluster.yaml >relay.yaml
	run --separate-stderr teectl -f relay.yaml verify
	same "$status" 5
	has "$stderr" "is the one that answers for tee"
	run --separate-stderr teectl -f relay.yaml status -o json
	json '.nodes | map(select(.verified)) | length' 2
}
