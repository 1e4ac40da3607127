#!/usr/bin/env bats
# teectl share check: with QuorumOS's own keys, shares and genesis output.

load ceremony

setup() {
	cd "$BATS_TEST_TMPDIR"
	# A repository keeps no mode: as members keep their keys.
	qos=$PWD/qos
	cp -r "$VECTORS/qos/boot-e2e" qos
	chmod 600 qos/*.secret
}

teardown() {
	down_all
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

# by_request STATUS N REQUEST [OPTION]...: member N in his folder.
by_request() {
	local expected=$1 member=$2 request=$PWD/$3 before
	shift 3
	before=$(ls -lA --time-style=full-iso "m$member")
	run "-$expected" --separate-stderr env -C "m$member" "$BUILD/teectl" share check --request "$request" \
		--key "member$member.secret" --share "member$member.share" "$@"
	same "$(ls -lA --time-style=full-iso "m$member")" "$before"
	[[ $expected == 0 ]] || same "$output" ''
}

@test "share check: --request: the genesis of a request is believed by its document, and writes nothing" {
	operator own 1 2 3
	request own request.json --expires 1s
	for who in 1 2 3; do member_home own "$who"; done
	by_request 0 1 request.json
	has "$output" 'the share of member1 opens with its key and is the one that the genesis attested'
	by_request 0 2 request.json -o json
	same "$(jq -c . <<<"$output")" '{"member":"member2","opens":true,"attested":true}'
	# It is no ceremony: a request that is over, whose TEEs are gone, tells the same of the genesis.
	change request.json old.json '.created = "2026-01-01T00:00:00Z" | .expires = "2026-01-02T00:00:00Z"'
	reforge old.json old.json 0 own age=200000 "public_key=$(cat own-members/member2.pub)"
	by_request 0 3 old.json
}

@test "share check: --request: a genesis, a manifest and a cluster file that do not fit are refused by name" {
	operator own 1 2 3
	request own request.json
	for who in 1 2 3; do member_home own "$who"; done
	change request.json none.json 'del(.genesis)'
	by_request 65 1 none.json
	has "$stderr" "'$PWD/none.json': the request has no genesis: --genesis-output names one"
	change request.json output.json '.genesis.output |= (.[:-2] + (if .[-2:] == "00" then "01" else "00" end))'
	by_request 5 1 output.json
	has "$stderr" 'genesis: user_data is not the expected one'
	change request.json document.json '.genesis.document = .targets[0].document'
	by_request 5 1 document.json
	has "$stderr" 'genesis: '
	teectl member keygen stranger >/dev/null
	change request.json key.json --arg k "$(cat stranger.pub)" '.manifestEnvelope.manifest.namespace.quorumKey = $k'
	by_request 5 1 key.json
	has "$stderr" "genesis: the manifest's quorum key is not the attested one"
	change request.json kind.json '.kind = "teectl-share-bundle"'
	by_request 65 1 kind.json
	has "$stderr" kind
	by_request 66 1 nowhere.json
	has "$stderr" nowhere.json
	sed -i 's/threshold: 2/threshold: 3/' m2/cluster.yaml
	by_request 5 2 request.json
	has "$stderr" 'share_set: threshold 3 expected, 2 found'
	cp m2/member2.share m3/member3.share
	by_request 65 3 request.json
	has "$stderr" 'not sealed to this key, or changed since'
	by_request 64 1 request.json --genesis-output x
	has "$stderr" '--genesis-output and --request: one of them says what is attested'
}
