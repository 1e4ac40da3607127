#!/usr/bin/env bats

load verb

@test "genesis: keeps the manifest envelope and a share for each member, and is done once" {
	make_cluster
	try 0 up
	try 0 genesis -o json
	json '.quorum_public_key | test("^04[0-9a-f]{258}$")' true
	local key=$(jq -r .quorum_public_key <<<"$output")
	for member in member1 member2 member3; do
		[[ -s .teectl/demo/shares/$member.share ]]
		teectl share check --key members/$member.secret --share .teectl/demo/shares/$member.share >/dev/null
	done
	try 0 genesis -o json
	json .quorum_public_key "$key"
}

@test "genesis: says what is missing when nothing runs" {
	make_cluster
	run --separate-stderr teectl genesis
	[[ $status -ne 0 ]]
	says "teectl"
	says "up"
	[[ ! -e .teectl/demo/genesis_output ]]
}

@test "genesis: a member's key file that is missing is told before anything is asked" {
	make_cluster
	try 0 up
	rm members/member2.*
	try 66 genesis
	says "member2"
	[[ ! -e .teectl/demo/genesis_output ]]
}
