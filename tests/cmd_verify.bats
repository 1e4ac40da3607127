#!/usr/bin/env bats

load verb

@test "verify: every node proves that it holds the key" {
	make_cluster
	try 0 up
	try 0 genesis
	try 0 inject
	try 0 propagate
	try 0 verify -o json
	json '.nodes | map(.verified and .key_proved) | all' true
	json '.nodes | map(.quorum_public_key) | unique | length' 1
}

@test "verify: a node that lacks the key, and one that is gone, are named" {
	make_cluster
	try 0 up
	try 0 genesis
	try 0 inject
	try 0 down tee3
	run --separate-stderr teectl verify -o json
	[[ $status -eq 2 || $status -eq 4 || $status -eq 69 ]]
	json '.nodes[0].key_proved' true
	json '.nodes[1].key_proved' false
	says "tee"
}

@test "verify: without anything there it says so" {
	make_cluster
	run --separate-stderr teectl verify
	[[ $status -ne 0 ]]
	says "teectl"
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
