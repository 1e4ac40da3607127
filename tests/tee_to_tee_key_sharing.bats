#!/usr/bin/env bats
# The seed's job: two TEEs, a key born in one, and forwarded to the other, which takes it from nobody
# but that one.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=pair
	cluster pair 2 2 3
}

teardown() {
	down_all
}

@test "two TEEs: up, genesis, inject, propagate, verify, and both hold the same key" {
	local key
	ok up
	has "$stderr" 'tee1: launched'
	has "$stderr" 'tee2: verified, no manifest yet'
	same "$output" '2 of 2 TEEs are verified'
	same "$(tail -n 1 <<<"$stderr")" 'next: teectl -f pair.yaml genesis'

	ok genesis
	has "$stderr" 'tee1: genesis done, quorum key'
	same "$output" '0 of 2 TEEs have the quorum key'
	same "$(tail -n 1 <<<"$stderr")" 'next: teectl -f pair.yaml inject'

	ok inject
	has "$stderr" 'tee1: shares in, 2 of 2 shares'
	has "$stderr" 'tee1: key proved'
	same "$output" '1 of 2 TEEs has the quorum key'
	same "$(tail -n 1 <<<"$stderr")" 'next: teectl -f pair.yaml propagate'

	ok propagate
	has "$stderr" 'tee2: key forwarded, from tee1'
	has "$stderr" 'tee2: key proved, holds the quorum key'
	same "$output" '2 of 2 TEEs have the quorum key'

	ok verify -o json
	key=$(jq -r .quorum_public_key <<<"$output")
	same "$(jq -r '.nodes[] | [.name, .phase, .verified, .key_proved, .quorum_public_key] | join(" ")' \
		<<<"$output")" "tee1 ApplicationReady true true $key
tee2 ApplicationReady true true $key"
}

@test "two TEEs: the seed phrase is the same on both, valid, and another for another question" {
	local first
	with_key pair
	ok propagate
	ok seed --type tee2-shared-seed --data tee2-test-data
	first=$output
	same "$(wc -w <<<"$first")" 24
	ok seed --node tee2 --type tee2-shared-seed --data tee2-test-data
	same "$output" "$first"
	post "$(url pair tee2)" /validate-seed "{\"seed_phrase\": \"$first\"}"
	same "$output" '{"valid":true,"word_count":24}'
	ok seed --node tee2 --type tee2-shared-seed --data other-data
	[[ $output != "$first" ]]
}

@test "two TEEs: each did its part once, and the source asked nobody" {
	with_key pair
	ok propagate
	same "$(did pair tee1 genesis-boot) $(did pair tee1 export-key) $(did pair tee1 inject-key)" '1 1 0'
	same "$(did pair tee2 share-manifest) $(did pair tee2 inject-key) $(did pair tee2 export-key)" '1 1 0'
	has "$(grep operation=inject-key .teectl/pair/logs/tee2.log)" \
		'phase_after=QuorumKeyProvisioned,ApplicationReady'
}

@test "two TEEs: without a share from the threshold, nothing can be forwarded" {
	ok up
	ok genesis
	run -2 --separate-stderr teectl -f pair.yaml propagate
	has "$stderr" "tee1 can't be the source: it is in GenesisBooted, and a source must be ApplicationReady"
	has "$stderr" 'teectl -f pair.yaml inject'
}
