#!/usr/bin/env bats
# teectl genesis. What it believes and what not: genesis_trust.bats.

load verb

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	stop_hvs
	down_all
}

@test "genesis: keeps manifest, output, document and a share for each member, and all of it private" {
	local member
	cluster own 2 2 3
	ok up
	ok genesis -o json
	same "$(jq -r '[.outcome, .next] | join("|")' <<<"$output")" 'done|teectl -f own.yaml inject'
	same "$(jq -r '.waiting_for | join(" ")' <<<"$output")" 'member1 member2 member3'
	same "$(jq -r .manifest_hash <<<"$output")" "$(head -n 1 .teectl/own/manifest.current)"
	same "$(jq -r '.nodes[0] | [.phase, .state] | join("|")' <<<"$output")" \
		'GenesisBooted|waiting for people'
	for member in member1 member2 member3; do
		same "$(stat -c '%a %s' .teectl/own/shares/$member.share)" '600 130'
		teectl -f own.yaml share check --key own-members/$member.secret --share .teectl/own/shares/$member.share >/dev/null
	done
	same "$(find .teectl/own -type d ! -perm 700; find .teectl/own -type f -perm /077 ! -name '*.der' ! -name '*.pub')" ''
	same "$(tr -d '[:space:]' <.teectl/own/quorum_key.pub)" "$(jq -r .quorum_public_key <<<"$output")"
}

@test "genesis: with nothing running" {
	cluster own 2 2 3
	run -69 --separate-stderr teectl -f own.yaml genesis -o json
	has "$stderr" 'teectl: genesis: tee1 is not running: teectl -f own.yaml up'
	has "$stderr" 'hint: teectl -f own.yaml up'
	same "$(jq -r '.error | [.name, .exit_status] | join(" ")' <<<"$output")" 'unreachable 69'
	same "$(jq -r '.nodes[].state' <<<"$output")" $'gone\ngone'
}

@test "genesis: again, there is nothing to do; after the TEEs were lost, it is refused" {
	local key
	cluster own 2 2 3
	ok up
	ok genesis -o json
	key=$(jq -r .quorum_public_key <<<"$output")
	ok genesis
	same "${lines[0]}" 'nothing to do: genesis was done, and tee1 holds its manifest'
	ok down
	ok up
	run -2 --separate-stderr teectl -f own.yaml genesis -o json
	has "$stderr" 'no TEE that holds its manifest answers: a second genesis would make a second quorum key'
	same "$(jq -r '.error.reason + " " + .quorum_public_key' <<<"$output")" "second-genesis $key"
}

@test "genesis: a TEE that holds another manifest is named, whichever it is" {
	cluster own 2 2 3
	ok up
	ok genesis
	mv .teectl/own/manifest.current kept
	run -5 --separate-stderr teectl -f own.yaml genesis
	has "$stderr" 'older than the question'
	sed -i '/^nodes/i propagate: { source: tee2 }' own.yaml
	run -5 --separate-stderr teectl -f own.yaml genesis -o json
	has "$stderr" 'tee1 is occupied: it holds manifest '
	same "$(jq -r .error.reason <<<"$output")" occupied
	mv kept .teectl/own/manifest.current
	run -0 --separate-stderr teectl -f own.yaml genesis
	has "$output" 'nothing to do'
}

@test "genesis: state that somebody changed is refused, file by file" {
	local file
	cluster own 1 2 3
	ok up
	ok genesis
	for file in genesis_output genesis_attestation_doc manifest.current; do
		cp ".teectl/own/$file" kept
		printf x >>".teectl/own/$file"
		run -65 --separate-stderr teectl -f own.yaml genesis
		has "$stderr" "$file"
		cp kept ".teectl/own/$file"
	done
	ok genesis
}

@test "genesis: pivot and its arguments go into the manifest" {
	cluster own 1 2 3
	sed -i "s/^manifest: {\(.*\)}/manifest: {\1, pivot: { hash: $(printf '%064d' 9), args: [--a, b c] } }/" own.yaml
	ok up
	ok genesis
	get "$(url own tee1)" /enclave/manifest
	same "$(jq -c '.manifest_envelope.manifest.pivot | [.hash[31], .args, .restart]' <<<"$output")" \
		'[9,["--a","b c"],"Never"]'
}

@test "genesis: a member's key file that is missing is told before anything is asked" {
	make_cluster
	try 0 up
	rm members/member2.*
	try 66 genesis
	says "member2"
	[[ ! -e .teectl/demo/genesis_output ]]
}
