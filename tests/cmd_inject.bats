#!/usr/bin/env bats
# teectl inject. Too few and wrong shares: comprehensive_sharing.bats; lies: forward_trust.bats.

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

@test "inject: opens no more shares than are needed, and the key is proved" {
	ok up
	ok genesis
	ok inject -o json
	has "$stderr" 'tee1: shares in, 2 of 2 shares'
	has "$stderr" 'tee1: key proved, holds the quorum key'
	same "$(jq -r '[.outcome, .ready_count, .next, (.waiting_for | length)] | join("|")' <<<"$output")" \
		'done|1|teectl -f own.yaml propagate|0'
	same "$(jq -r '.nodes[0] | [.phase, .state, .verified, .key_proved] | join("|")' <<<"$output")" \
		'ApplicationReady|ready|true|true'
	same "$(did own tee1 inject-shares)" 1
	ok inject
	same "${lines[0]}" 'nothing to do: tee1 has the quorum key; no shares are needed'
}

@test "inject: before genesis, with nothing running, and after the TEE was started anew" {
	run -2 --separate-stderr teectl -f own.yaml inject
	has "$stderr" 'there has been no genesis: teectl -f own.yaml genesis comes first'
	has "$stderr" 'hint: teectl -f own.yaml up'
	ok up
	run -2 --separate-stderr teectl -f own.yaml inject -o json
	has "$stderr" 'there has been no genesis'
	same "$(jq -r '.error | [.name, .exit_status] | join(" ")' <<<"$output")" 'not-desired 2'
	ok genesis
	ok down
	ok up
	run -2 --separate-stderr teectl -f own.yaml inject
	has "$stderr" "none waits for shares; the members' shares bring it back: teectl -f own.yaml recover"
}

@test "inject: members that are not those of the genesis are a fault of the file" {
	ok up
	ok genesis
	sed 's/name: member2/name: somebody/' own.yaml >renamed.yaml
	run -5 --separate-stderr teectl -f renamed.yaml inject
	has "$stderr" "member 2 is 'somebody' in the cluster file and 'member2' in the genesis"
	sed '/name: member3/d' own.yaml >fewer.yaml
	run -5 --separate-stderr teectl -f fewer.yaml inject
	has "$stderr" 'the cluster file names 2 members, the genesis was for 3'
}

@test "inject: a share file that is missing or cut names its member, and the others count" {
	ok up
	ok genesis
	rm .teectl/own/shares/member1.share
	truncate -s 100 .teectl/own/shares/member2.share
	run -3 --separate-stderr teectl -f own.yaml inject -o json
	has "$stderr" 'the share of member2 is wrong'
	has "$stderr" '1 of 2 shares are in; waiting for one of: member1 (share file missing), member2 (wrong share)'
	same "$(jq -r '.waiting_for | join(" ")' <<<"$output")" 'member1 member2'
}

@test "inject: no secret of a member is in the state, the logs or what is printed" {
	local secret
	ok up
	ok genesis
	ok inject
	for secret in own-members/*.secret; do
		run -1 grep -rqF "$(tr -d '[:space:]' <"$secret")" .teectl
		hasnt "$output$stderr" "$(tr -d '[:space:]' <"$secret")"
	done
}

@test "inject: with too few it waits for people, names them, and goes on when one comes" {
	make_cluster --members 5 --threshold 3
	try 0 up
	try 0 genesis
	mkdir away
	for i in 3 4 5; do
		mv members/member$i.secret away/
		sed -i "s|key: members/member$i.secret|pub: members/member$i.pub|" cluster.yaml
	done
	try 3 inject -o json
	says "member3"
	says "member5"
	json '.waiting_for | sort | join(" ")' "member3 member4 member5"
	sed -i "s|pub: members/member4.pub|key: away/member4.secret|" cluster.yaml
	try 0 inject -o json
	json '.nodes[0].phase' ApplicationReady
}

@test "inject: a threshold or a member's public key that is not the genesis's keeps every share here" {
	ok up
	ok genesis
	sed 's/threshold: 2/threshold: 3/' own.yaml >threshold.yaml
	run -5 --separate-stderr teectl -f threshold.yaml --state .teectl/own inject
	has "$stderr" "the genesis kept in '.teectl/own': the share set is not the cluster file's: the threshold is 3 in the cluster file, the genesis was for 2"
	teectl member keygen foreign >/dev/null
	sed 's|pub: own-members/member2.pub|pub: foreign.pub|' own.yaml >foreign.yaml
	run -5 --separate-stderr teectl -f foreign.yaml --state .teectl/own inject
	has "$stderr" "is not the public key that member 'member2' had in the genesis"
	same "$(did own tee1 inject-shares)" 0
}

@test "inject: a key that is here beside the pub: of the file is named; where no key is, shares are requested" {
	ok up
	ok genesis
	sed -i 's|key: \(own-members/[^,]*\).secret, pub|pub|' own.yaml
	run ! grep -q 'key: own' own.yaml
	run -2 --separate-stderr teectl -f own.yaml status
	has "$stderr" 'hint: teectl -f own.yaml share request --out request.json'
	# The command that is named works also where a request of before is.
	echo before >request.json
	run -2 --separate-stderr teectl -f own.yaml status
	has "$stderr" 'hint: teectl -f own.yaml share request --out request-2.json'
	run -65 --separate-stderr teectl -f own.yaml share request --out request.json
	has "$stderr" "'request.json' is there already, and is not overwritten"
	has "$stderr" 'hint: --out request-2.json writes beside it; or move the old one away'
	rm request.json
	run -3 --separate-stderr teectl -f own.yaml inject
	has "$stderr" 'own-members/member2.secret is here, the file says pub: (key: has it opened)'
	rm own-members/member2.secret
	run -3 --separate-stderr teectl -f own.yaml inject
	has "$stderr" 'own-members/member1.secret is here, the file says pub:'
	hasnt "$stderr" 'own-members/member2.secret'
	has "$stderr" 'teectl -f own.yaml share request --out request.json'
}
