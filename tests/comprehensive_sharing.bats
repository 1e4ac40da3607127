#!/usr/bin/env bats
# A cluster of one's own: five members and a threshold of three, a manifest set that is another one,
# four nodes, a disaster-recovery key; too few shares, wrong shares, and what two clusters share.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	stop_hvs
	down_all
}

own() { # [NAME]: written, not up
	local name=${1:-own}
	teectl member keygen recovery auditor1 auditor2 >/dev/null 2>&1 || true
	cluster "$name" 4 3 5
	sed -i -e 's|^  threshold: 3|&\n  drKey: recovery.pub|' -e '/^manifest:/i \
  manifestSet:\
    threshold: 1\
    members:\
      - { name: auditor1, pub: auditor1.pub }\
      - { name: auditor2, pub: auditor2.pub }' "$name.yaml"
}

# Moves the keys of these members out of reach, and back.
away() {
	local n
	for n; do mv "own-members/member$n.secret" "own-members/member$n.away"; done
}

back() {
	local n
	for n; do mv "own-members/member$n.away" "own-members/member$n.secret"; done
}

waiting_for() {
	jq -r '.waiting_for | join(" ")' <<<"$output"
}

nothing_to_do() { # VERB WORDS
	ok "$1"
	has "$output" "nothing to do: $2"
	ok "$1" -o json
	same "$(jq -r '.outcome + " " + (.error | tostring)' <<<"$output")" 'nothing to do null'
}

@test "own cluster: every verb ends with 0, and says so when there is nothing to do" {
	own
	ok up
	ok genesis
	ok inject
	has "$stderr" '3 of 3 shares'
	ok propagate
	has "$stderr" 'tee4: key forwarded, from tee'
	ok verify
	ok status
	nothing_to_do up 'every TEE runs and is verified'
	nothing_to_do genesis 'genesis was done, and tee1 holds its manifest'
	nothing_to_do inject 'tee1 has the quorum key; no shares are needed'
	nothing_to_do propagate 'every TEE asked for has the quorum key'
	nothing_to_do verify 'every TEE proved that it holds the quorum key'
	[[ -s .teectl/own/dr_wrapped_quorum_key ]]

	ok status -o json
	get "$(jq -r '.nodes[3].url' <<<"$output")" /enclave/manifest
	same "$(jq -c '.manifest_envelope.manifest | [.share_set.threshold, [.share_set.members[].alias],
		.manifest_set.threshold, [.manifest_set.members[].alias]]' <<<"$output")" \
		'[3,["member1","member2","member3","member4","member5"],1,["auditor1","auditor2"]]'
}

@test "own cluster: a seed phrase is the same on all nodes, valid, and another one in another cluster" {
	local node seeds=() valid
	own
	NAMESPACE=own cluster twin 1 3 5
	rm -r twin-members && cp -r own-members twin-members
	with_key own
	with_key twin
	ok propagate
	for node in tee1 tee2 tee3 tee4; do
		ok seed --node $node --type wallet --data 7
		seeds+=("$output")
		post "$(url own $node)" /validate-seed "{\"seed_phrase\": \"${seeds[0]}\"}"
		same "$output" '{"valid":true,"word_count":24}'
	done
	same "$(printf '%s\n' "${seeds[@]}" | sort -u | wc -l)" 1
	run -0 --separate-stderr teectl -f twin.yaml seed --type wallet --data 7
	[[ $output != "${seeds[0]}" ]]
	post "$(url own tee1)" /validate-seed \
		"{\"seed_phrase\": \"${seeds[0]% *} $(cut -d' ' -f1 <<<"${seeds[0]}")\"}"
	valid=$(jq .valid <<<"$output")
	# One in 256 of other last words has the right checksum.
	[[ $valid == false || ${seeds[0]##* } == "${seeds[0]%% *}" ]] || skip 'a checksum by chance'
}

@test "own cluster: with the keys of two members inject ends with 3, names the others, and goes on" {
	own
	away 1 4 5
	ok up
	ok genesis
	run -3 --separate-stderr teectl -f own.yaml inject -o json
	has "$stderr" '2 of 3 shares are in; waiting for one of: member1, member4, member5'
	same "$(waiting_for)" 'member1 member4 member5'
	same "$(jq -r '.nodes[0].state + ", " + .nodes[0].phase' <<<"$output")" \
		'waiting for people, WaitingForQuorumShards'
	same "$(jq -r '.error.name + " " + (.error.exit_status | tostring)' <<<"$output")" 'waiting 3'

	run -3 --separate-stderr teectl -f own.yaml inject
	has "$stderr" 'waiting for one of: member1, member4, member5'
	same "$(did own tee1 inject-shares)" 1

	run -2 --separate-stderr teectl -f own.yaml status
	has "$output" 'waiting for people'
	has "$output" 'waiting for one of: member1'
	has "$output" "missing: tee1 waits for shares"
	has "$stderr" "hint: teectl -f own.yaml inject"

	back 4
	ok inject
	has "$stderr" '3 of 3 shares'
	nothing_to_do inject 'tee1 has the quorum key'
}

@test "own cluster: with nobody's key inject names all five, and asks the enclave for nothing" {
	own
	away 1 2 3 4 5
	ok up
	ok genesis
	run -3 --separate-stderr teectl -f own.yaml inject -o json
	has "$stderr" '0 of 3 shares are in; waiting for more of: member1, member2, member3, member4, member5'
	same "$(waiting_for)" 'member1 member2 member3 member4 member5'
	same "$(did own tee1 inject-shares)" 0
}

@test "own cluster: a wrong share names its member, and the good ones count" {
	own
	ok up
	ok genesis
	away 4 5
	cp .teectl/own/shares/member3.share .teectl/own/shares/member2.share
	run -3 --separate-stderr teectl -f own.yaml inject -o json
	has "$stderr" 'tee1: the share of member2 is wrong'
	has "$stderr" '2 of 3 shares are in; waiting for one of: member2 (wrong share), member4, member5'
	same "$(waiting_for)" 'member2 member4 member5'
	back 5
	ok inject
	has "$stderr" '3 of 3 shares'
}

@test "own cluster: where another member can take its place, a wrong share is named and passed over" {
	own
	ok up
	ok genesis
	teectl member keygen stranger >/dev/null
	cp stranger.secret own-members/member1.secret
	ok inject
	has "$stderr" "the share of member1 is wrong"
	has "$stderr" '3 of 3 shares'
}

@test "own cluster: a key file that is missing where no pub stands beside it is status 66" {
	own
	sed -i 's|, pub: own-members/member5.pub||' own.yaml
	away 5
	run -66 --separate-stderr teectl -f own.yaml up
	has "$stderr" 'member5.secret'
}

@test "own cluster: two runs at once do not mix: the second ends with 75 and names the first" {
	own
	ok up
	mitm slow --to "$(url own tee1)" genesis-boot:held
	behind own held tee1 "$slow"
	"$BUILD/teectl" -f held.yaml genesis >/dev/null 2>held.err 3>&- &
	HVS+=("$!")
	until_asked slow genesis-boot
	run -75 --separate-stderr teectl -f own.yaml genesis
	has "$stderr" 'is in use by another run'
	has "$stderr" ': genesis)'
	stop_hvs
	ok genesis
}
