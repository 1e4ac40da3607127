#!/usr/bin/env bats
# A chain of three: each TEE takes the key from the one before it.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=chain
	cluster chain 3 2 3
}

teardown() {
	down_all
}

# Who gave the key to whom, by the enclaves' own logs.
exports() {
	echo "$(did chain tee1 export-key) $(did chain tee2 export-key) $(did chain tee3 export-key)"
}

@test "chain: tee2 takes the key from tee1, tee3 from tee2" {
	with_key chain
	ok propagate
	has "$stderr" 'tee2: key forwarded, from tee1'
	has "$stderr" 'tee3: key forwarded, from tee2'
	same "$output" '3 of 3 TEEs have the quorum key'
	same "$(exports)" '1 1 0'
	same "$(jq -r 'select(.outcome == "done") | .step + " " + .node' .teectl/chain/journal |
		grep -E 'genesis|inject|forward' | paste -sd,)" 'genesis tee1,inject tee1,forward tee2,forward tee3'
	ok verify
	has "$output" 'cluster chain: 3 of 3 ready, 3 verified, attestation simulated'
}

@test "chain: with the middle TEE gone, the last takes the key from the first, and the middle later" {
	with_key chain
	ok propagate --to tee2
	same "$output" '2 of 3 TEEs have the quorum key'
	same "$(tail -n 1 <<<"$stderr")" 'next: teectl -f chain.yaml propagate'
	kill_node chain tee2
	run -4 --separate-stderr teectl -f chain.yaml propagate
	has "$stderr" 'tee2: forward failed: not running: teectl -f chain.yaml up'
	has "$stderr" 'tee3: key forwarded, from tee1'
	has "$stderr" 'teectl -f chain.yaml up'
	ok up
	has "$stderr" 'tee2: launched'
	ok propagate
	has "$stderr" 'tee2: key forwarded, from tee1'
	same "$output" '3 of 3 TEEs have the quorum key'
	ok verify
}

@test "chain: with the first TEE gone, the next that has the key is the source" {
	with_key chain
	ok propagate --to tee2
	kill_node chain tee1
	run -4 --separate-stderr teectl -f chain.yaml propagate
	has "$stderr" 'tee3: key forwarded, from tee2'
	has "$stderr" 'tee1: forward failed: not running: teectl -f chain.yaml up'
	ok up
	ok propagate
	has "$stderr" 'tee1: key forwarded, from tee2'
	same "$(did chain tee1 genesis-boot)" 1
	ok verify
}

@test "chain: with all that have the key gone, it is said, and no second genesis is made" {
	with_key chain
	kill_node chain tee1
	run -2 --separate-stderr teectl -f chain.yaml propagate
	has "$stderr" "no TEE of this file has the quorum key of 'chain' any more"
	ok up
	run -2 --separate-stderr teectl -f chain.yaml genesis
	has "$stderr" 'a second genesis would make a second quorum key'
	run -2 --separate-stderr teectl -f chain.yaml inject
	has "$stderr" "none waits for shares; the members' shares bring it back: teectl -f chain.yaml recover"
	run -2 --separate-stderr teectl -f chain.yaml propagate
	same "$(did chain tee1 genesis-boot)" 1
}
