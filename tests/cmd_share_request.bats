#!/usr/bin/env bats
# teectl share request. What members make of it: cmd_share_seal.bats, ceremony.bats.

load ceremony

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	stop_hvs
	down_all
}

ask() { # STATUS [OPTION]...
	local expected=$1
	shift
	run "-$expected" --separate-stderr teectl -f own.yaml share request "$@"
}

@test "share request: writes one file with all that a member judges by" {
	operator own 2 2 3
	ask 0 --out request.json
	has "$output" 'request.json: asks for shares for 1 TEE, until 20'
	has "$output" 'words to compare with the members: '
	has "$stderr" 'next: teectl -f own.yaml share seal --request request.json --share SHARE --key KEY --out BUNDLE, by 2 of the 3 members'
	same "$(wc -l <request.json)" 1
	same "$(jq -r '[.kind, .version, .cluster, (.targets | length), .targets[0].node] | join(" ")' request.json)" \
		'teectl-share-request 1 own 1 tee1'
	same "$(jq -r '(.expires | sub("\\..*"; "Z") | fromdate) - (.created | sub("\\..*"; "Z") | fromdate)' request.json)" 86400
	same "$(jq -r .genesis.output request.json)" "$(od -An -v -tx1 .teectl/own/genesis_output | tr -d ' \n')"
	# The envelope is QuorumOS's own JSON.
	jq -c .manifestEnvelope request.json >envelope.json
	run -0 --separate-stderr teectl manifest show envelope.json -o json
	same "$(jq -r .manifest_hash <<<"$output")" "$(head -n 1 .teectl/own/manifest.current)"
}

@test "share request: -o json names file, words and TEEs; each document is a fresh one" {
	operator own 2 2 3
	ask 0 --out request.json -o json
	same "$(jq -r '[.file, (.targets | join(",")), (.check_phrase | split(" ") | length)] | map(tostring) | join(" ")' <<<"$output")" \
		'request.json tee1 6'
	same "$(jq -r .request_hash <<<"$output")" "$(sha256sum request.json | cut -d ' ' -f 1)"
	same "$(jq -r .manifest_hash <<<"$output")" "$(head -n 1 .teectl/own/manifest.current)"
	ask 0 --out again.json --expires 3d tee1
	run ! cmp -s <(jq .targets request.json) <(jq .targets again.json)
	same "$(jq -r '(.expires | sub("\\..*"; "Z") | fromdate) - (.created | sub("\\..*"; "Z") | fromdate)' again.json)" 259200
}

@test "share request: there is nothing to ask for before genesis, and once a TEE has the key" {
	cluster own 2 2 2
	teectl -f own.yaml up >/dev/null 2>&1
	ask 2 --out request.json
	has "$stderr" 'there has been no genesis: teectl -f own.yaml genesis comes first'
	teectl -f own.yaml genesis >/dev/null 2>&1
	ask 2 --out request.json tee2
	has "$stderr" 'tee2 does not wait for shares: it is in WaitingForBootInstruction'
	teectl -f own.yaml inject >/dev/null 2>&1
	ask 2 --out request.json
	has "$stderr" 'tee1 has the quorum key, and no TEE waits for shares'
	[[ ! -e request.json ]]
}

@test "share request: a file that is there, an unknown node and a long expiry are refused" {
	operator own 1 2 2
	echo mine >request.json
	ask 65 --out request.json
	has "$stderr" "'request.json' is there already, and is not overwritten"
	same "$(cat request.json)" mine
	ask 64 --out other.json tee2
	has "$stderr" "has no node 'tee2'; did you mean 'tee1'?"
	ask 64 --out other.json --expires 31d
	has "$stderr" '--expires must be 1ms to 30d'
	ask 64
	has "$stderr" '--out'
	[[ ! -e other.json ]]
}

@test "share request: a document that is refused ends it, and nothing is written" {
	operator own 2 2 2 'retry: { attempts: 1 }'
	mitm proxy --to "$(url own tee1)" --pki .teectl/own/pki live-attestation:pcr0
	behind own lie tee1 "$proxy"
	run -5 --separate-stderr teectl -f lie.yaml share request --out request.json
	has "$stderr" 'PCR0 (image) is'
	[[ ! -e request.json ]]
}

@test "share request: no share and no key is in it" {
	operator own 1 2 3
	ask 0 --out request.json
	for who in 1 2 3; do
		member_home own "$who"
		secret_nowhere "$who" request.json
	done
}

@test "share request: -o FILE is --out FILE, and -o json is JSON" {
	operator own 1 2 2
	ask 64 -o jsn
	has "$stderr" "did you mean 'json'?"
	ask 64 -o one.json --out two.json
	has "$stderr" '--out is given twice'
	ask 0 -o request.json
	same "$(jq -r .kind request.json)" teectl-share-request
	run -64 --separate-stderr teectl -f own.yaml status -o some.file
	has "$stderr" "-o: 'some.file' is not one of table, json, ndjson"
}
