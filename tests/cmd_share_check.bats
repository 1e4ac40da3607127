#!/usr/bin/env bats
# teectl share check: with QuorumOS's own keys, shares and genesis output.

load helper

qos=$VECTORS/qos/boot-e2e

setup() {
	cd "$BATS_TEST_TMPDIR"
}

check() {
	run --separate-stderr teectl share check "$@"
}

@test "share check: each share of QuorumOS's opens and is the attested one" {
	for user in user1 user2 user3; do
		check --key "$qos/$user.secret" --share "$qos/$user.share" --genesis-output "$qos/genesis_output"
		same "$status" 0
		has "$output" "the share of $user opens with its key"
	done
}

@test "share check: -o json says the same" {
	check -o json --key "$qos/user2.secret" --share "$qos/user2.share" --genesis-output "$qos/genesis_output"
	same "$status" 0
	same "$(jq -c . <<<"$output")" '{"member":"user2","opens":true,"attested":true}'
}

@test "share check: another member's share does not open" {
	check --key "$qos/user1.secret" --share "$qos/user2.share" --genesis-output "$qos/genesis_output"
	same "$status" 65
	has "$stderr" user2.share
	same "$output" ''
}

@test "share check: a key that the genesis was not for is refused" {
	check --key "$qos/mock_p256_dr.secret" --share "$qos/user1.share" --genesis-output "$qos/genesis_output"
	same "$status" 65
	has "$stderr" 'the genesis was for no member with the key'
}

@test "share check: a flipped byte in the share is found" {
	cp "$qos/user1.share" share
	chmod u+w share
	printf '\x00' | dd of=share bs=1 seek=129 conv=notrunc status=none
	check --key "$qos/user1.secret" --share share --genesis-output "$qos/genesis_output"
	same "$status" 65
	has "$stderr" "'share'"
}

@test "share check: a genesis output that is cut short is refused" {
	head -c 2000 "$qos/genesis_output" >output
	check --key "$qos/user1.secret" --share "$qos/user1.share" --genesis-output output
	same "$status" 65
	has "$stderr" "'output'"
}

@test "share check: missing files and a missing genesis are named" {
	check --key none --share "$qos/user1.share" --genesis-output "$qos/genesis_output"
	same "$status" 66
	has "$stderr" "'none'"
	check --key "$qos/user1.secret" --share "$qos/user1.share"
	same "$status" 66
	has "$stderr" cluster.yaml
	cluster c 1 2 2
	check -f c.yaml --key "$qos/user1.secret" --share "$qos/user1.share"
	same "$status" 2
	has "$stderr" 'there has been no genesis'
}

@test "share check: its two files must be named" {
	check --key "$qos/user1.secret"
	same "$status" 64
	has "$stderr" '--share'
}
