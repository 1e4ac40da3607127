#!/usr/bin/env bats
# teectl plan: what apply would do, who has to act, and a plan that is saved.

load verb

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	stop_hvs
	down_all
}

@test "plan: says for each node what is missing, by which steps, and the key's way; it changes nothing" {
	cluster own 5 2 3
	ok plan --topology tree
	same "${lines[0]}" 'cluster own: 11 changes'
	same "${lines[1]}" 'steps: 5 launch, 5 verify, 1 genesis, 1 inject, 4 forward, 5 prove'
	same "${lines[2]}" "the key's way: tree, 4 forwards in 1 round, at most 4 from one TEE at once, 1 region"
	has "${lines[3]}" "time: about "
	has "${lines[3]}" " ms, people's not counted, by a model of costs: launch "
	same "${lines[4]}" "tee1: inject needs 2 shares, 3 of the members' are here"
	prints 'tee1  not running  TEE, quorum key  launch → verify → genesis → inject → prove'
	prints 'tee5  not running  TEE, quorum key  launch → verify → forward from tee1 (round 1) → prove'
	ok plan -o json
	json '[.outcome, .changes, .way.rounds] | join(" ")' 'changes 11 1'
	json '.estimate | .total_us == ([.parts[].path_us] | add) and .total_us > 0' true
	json '[.estimate.parts[] | "\(.count) \(.step)"] | join(", ")' '5 launch, 5 verify, 1 genesis, 1 inject, 4 forward, 5 prove'
	json '.nodes[1] | [.missing, .why] | join(": ")' 'TEE, quorum key: it is not running'
	json '[.nodes[] | .steps[] | .number] | sort == [range(1; 22)]' true
	json '.nodes[0].steps[3] | [.step, .who, (.needs | tostring)] | join(" ")' 'inject members 3'
	run ! test -e .teectl/own/journal
}

@test "plan: --detailed-exitcode is 0 when nothing is to be done, and 2 when something is" {
	cluster own 2 2 3
	run -2 --separate-stderr teectl -f own.yaml plan --detailed-exitcode
	has "$stderr" 'teectl: plan: 5 changes are to be made'
	has "$stderr" 'hint: teectl -f own.yaml apply does it'
	ok apply
	ok plan --detailed-exitcode
	same "${lines[0]}" 'nothing to do: every TEE runs and has the quorum key'
	has "$output" 'tee2  ApplicationReady  nothing  verify → prove'
	# One that can't be helped now is no cluster as the file says.
	sed 's|listen: "127.0.0.1:0" }$|&|; $a\  - { name: far, url: "http://127.0.0.1:1" }' own.yaml >far.yaml
	run -2 --separate-stderr teectl -f far.yaml --state .teectl/own plan --detailed-exitcode
	has "$output" '1 forward (1 can'"'"'t be done)'
	has "$output" 'far: forward can'"'"'t be done: does not answer'
	run -0 --separate-stderr teectl -f far.yaml --state .teectl/own plan
}

@test "plan: members whose shares are not here are named, and approvers: status 3" {
	cluster own 3 2 3
	mkdir away
	mv own-members/member2.secret own-members/member3.secret away
	run -3 --separate-stderr teectl -f own.yaml plan --detailed-exitcode
	has "$output" "tee1: inject needs 2 shares, 1 of the members' are here; not here: member2, member3"
	has "$stderr" 'people have to act'
	ok plan -o json
	json '[.outcome, (.people[0] | .who, .needed, .here, (.missing | join(",")))] | join(" ")' \
		'waiting for people members 2 1 member2,member3'
	mv away/* own-members
	ok apply
	ok down --lose-key
	mv own-members/member1.secret own-members/member3.secret away
	run -3 --separate-stderr teectl -f own.yaml plan --detailed-exitcode
	has "$output" "tee1: boot needs 2 approvals, 1 of the approvers' are here; not here: member1, member3"
	has "$output" "tee1: inject needs 2 shares, 1 of the members' are here; not here: member1, member3"
}

@test "plan: an image that is not what is pinned, or in the manifest, is named: each launch would be refused" {
	cluster own 2 2 3
	cp "$BUILD/teectl-enclave" image
	sed -i 's|^  image: .*|  image: image|' own.yaml
	ok measure --write
	ok plan -o json
	json '[.outcome, (.image | tostring)] | join(" ")' 'changes null'
	printf x >>image
	run -5 --separate-stderr teectl -f own.yaml plan --detailed-exitcode
	has "$output" 'image: PCR0 (image): the cluster file says '
	has "$output" 'image: what is launched here would be refused'
	has "$stderr" 'teectl: plan: PCR0 (image): the cluster file says '
	ok plan -o json
	json '[.outcome, .image.reason] | join(" ")' 'refused pcr0'
	# As apply finds it.
	run -5 --separate-stderr teectl -f own.yaml apply
	has "$stderr" PCR0
	truncate -s -1 image
	ok apply
	# Of what runs nothing is launched, and it is not what the file says: with pins of before or none.
	printf x >>image
	run -2 --separate-stderr teectl -f own.yaml upgrade
	has "$stderr" 'PCR0 (image): the current manifest says '
	sed -i '/^  pcrs:/,/^    3:/d' own.yaml
	run -2 --separate-stderr teectl -f own.yaml plan --detailed-exitcode
	has "$output" 'image: PCR0 (image): the current manifest says '
	has "$stderr" 'next: teectl -f own.yaml manifest new'
	hasnt "$output" 'would be refused'
	ok plan -o json
	json '[.outcome, .image.reason] | join(" ")' 'another image pcr0'
	run -2 --separate-stderr teectl -f own.yaml apply
	has "$stderr" 'teectl: apply: PCR0 (image): the current manifest says '
	has "$stderr" 'hint: where that image is meant: teectl -f own.yaml measure --write --next pins it'
	hasnt "$output" 'nothing to do'
	ok down tee2
	run -5 --separate-stderr teectl -f own.yaml plan --detailed-exitcode -o json
	json '[.outcome, .image.reason] | join(" ")' 'refused pcr0'
	rm image
	run -66 --separate-stderr teectl -f own.yaml plan --detailed-exitcode
	has "$output" "image: enclave.image: there is no 'image'"
}

@test "plan: pins of an image whose manifest is not adopted are refused as status, verify, up and apply refuse them" {
	cluster own 2 2 3
	cp "$BUILD/teectl-enclave" image
	sed -i 's|^  image: .*|  image: image|' own.yaml
	ok measure --write
	ok apply
	printf x >>image
	ok measure --write --next
	local verb
	for verb in plan 'plan --detailed-exitcode' 'plan --out plan.json' status verify up apply; do
		run -5 --separate-stderr teectl -f own.yaml $verb
		has "$stderr" 'PCR0 (image): the cluster file pins '
		has "$stderr" 'cure: leave the TEEs as they are'
		# Once, whoever tells it.
		same "$verb $(grep -c 'the cluster file pins [0-9a-f]\{96\}' <<<"$output$stderr")" "$verb 1"
		hasnt "$output" 'nothing to do'
	done
	[[ ! -e plan.json ]]
	run -5 --separate-stderr teectl -f own.yaml plan -o json
	json '[.error.name, .error.reason] | join(" ")' 'attestation pcr0'
	# Nobody was judged: nothing is said of the key, nor of losses.
	run -5 --separate-stderr teectl -f own.yaml status
	hasnt "$output" 'people are needed'
	has "$output" 'tee1, tee2: not judged: the cluster file pins another image than the current manifest has'
	has "$output" "missing: the image that the cluster file pins is not the current manifest's"
	run -5 --separate-stderr teectl -f own.yaml status -o json
	json '[.distance_to_ceremony, .next] | map(tostring) | join(" ")' 'null teectl -f own.yaml manifest new --out next.json'
}

@test "plan: a second quorum key in one cluster is refused: status 5" {
	cluster own 2 2 3
	cluster other 1 2 3
	ok apply
	teectl -f other.yaml apply >/dev/null 2>&1
	sed "\$a\  - { name: stranger, url: \"$(url other tee1)\" }" own.yaml >both.yaml
	run -5 --separate-stderr teectl -f both.yaml --state .teectl/own plan --detailed-exitcode
	has "$output" "stranger: forward can't be done: "
	has "$output" 'two quorum keys in one cluster; nothing is forwarded to or from it'
	has "$stderr" 'a step is refused'
	run -0 --separate-stderr teectl -f both.yaml --state .teectl/own plan -o json
	json '[.outcome, (.nodes[2].steps[0] | .step, .reason)] | join(" ")' 'refused forward occupied'
}

@test "plan: a genesis beside a living quorum is refused, whatever the exit code is to be" {
	cluster own 2 2 3
	ok apply
	mv .teectl/own/manifest.current .teectl/own/manifests .teectl/own/genesis* .teectl/own/quorum_key.pub .
	run -5 --separate-stderr teectl -f own.yaml plan
	has "$stderr" 'tee1 is occupied'
	run -5 --separate-stderr teectl -f own.yaml plan --detailed-exitcode -o json
	same "$(jq -r .error.reason <<<"$output")" occupied
}

@test "plan: --only is about the nodes chosen; a genesis needs its node among them" {
	cluster own 3 2 3
	run -2 --separate-stderr teectl -f own.yaml plan --only tee2
	has "$stderr" 'no TEE has the quorum key yet: it comes into the cluster by tee1, which is not among the nodes chosen'
	ok plan --only tee1,tee3 -o json
	json '[.nodes[] | (.steps | length)] | join(" ")' '5 0 4'
	run -64 --separate-stderr teectl -f own.yaml plan --only tee9
	has "$stderr" tee9
}

@test "plan: the key goes into each region once, by the nodes' labels" {
	local i
	cluster own 9 2 3
	for i in 4 5 6; do sed -i "s/name: tee$i,/name: tee$i, labels: { region: eu },/" own.yaml; done
	for i in 7 8 9; do sed -i "s/name: tee$i,/name: tee$i, labels: { region: us },/" own.yaml; done
	ok plan
	has "$output" '3 regions'
	ok plan -o json
	json '[.nodes | (.[3:6], .[6:9]) | [.[] | .steps[] | select(.source) | .source] | map(select(. as $s | ["tee1", "tee2", "tee3"] | index($s))) | length] | join(" ")' '1 1'
}

@test "plan: of fifty nodes forty rows are shown, and all with --wide" {
	cluster own 1 2 3
	sed -i 's/name: tee1,.*/name: "tee[1-50]", listen: "127.0.0.1:0" }/' own.yaml
	ok plan
	same "${lines[0]}" 'cluster own: 101 changes'
	same "$(grep -c '^tee[0-9]* *not running' <<<"$output")" 40
	same "${lines[-1]}" '10 nodes are not shown: --wide shows all'
	ok plan --wide
	same "$(grep -c '^tee[0-9]* *not running' <<<"$output")" 50
}

@test "plan: a saved plan is applied while all is as it was seen, once" {
	cluster own 4 2 3
	ok plan --only tee1,tee2 --topology star --out plan.json
	has "$stderr" 'saved: teectl -f own.yaml apply --plan plan.json does it'
	ok apply --plan plan.json
	same "$(teectl -f own.yaml status -o json | jq -r '[.nodes[].state] | join(" ")')" 'ready ready gone gone'
	run -2 --separate-stderr teectl -f own.yaml apply --plan plan.json
	has "$stderr" "the cluster's manifest is another than when the plan was made"
	has "$stderr" 'hint: teectl -f own.yaml plan --out shows and saves what is to be done now'
}

@test "plan: a saved plan is not applied to another world: what differs is named, and nothing is done" {
	cluster own 3 2 3
	ok apply
	ok down tee3
	ok plan --out plan.json
	ok down tee2
	run -2 --separate-stderr teectl -f own.yaml apply --plan plan.json
	has "$stderr" "the world is not as the plan has seen it, nothing was done: tee2 was 'ApplicationReady', now it is 'not running'"
	run -2 --separate-stderr teectl -f own.yaml apply --plan plan.json -o json
	same "$(jq -r .error.reason <<<"$output")" stale-plan
	same "$(teectl -f own.yaml status -o json | jq -r '[.nodes[].state] | join(" ")')" 'ready gone gone'
	ok up
	ok plan --out plan.json
	ok down tee2
	ok up
	run -2 --separate-stderr teectl -f own.yaml apply --plan plan.json
	has "$stderr" 'tee2 was started anew'
	ok plan --out plan.json
	echo '# a word' >>own.yaml
	run -2 --separate-stderr teectl -f own.yaml apply --plan plan.json
	has "$stderr" "the cluster file is not the one that the plan was made from (of 'own', "
	ok plan --out plan.json
	ok apply --plan plan.json
}

@test "plan: what is no saved plan is refused, and what it says can't be said again" {
	cluster own 1 2 3
	echo '{"steps":[]}' >garbage
	run -65 --separate-stderr teectl -f own.yaml apply --plan garbage
	has "$stderr" "'garbage': no plan that was saved (plan --out): steps: unknown field"
	run -66 --separate-stderr teectl -f own.yaml apply --plan none
	has "$stderr" none
	ok plan --out plan.json
	run -64 --separate-stderr teectl -f own.yaml apply --plan plan.json --only tee1
	has "$stderr" '--plan says the way and the nodes'
	run -64 --separate-stderr teectl -f own.yaml apply --plan plan.json --topology star
	has "$stderr" '--plan says the way and the nodes'
}

@test "plan: of a cluster file from a pipe what was read counts, which can't be read again" {
	cluster own 1 2 3
	sed -i "s|own-members/|$PWD/&|g" own.yaml
	run -0 --separate-stderr teectl -f /dev/stdin --state .teectl/own plan --out plan.json < <(cat own.yaml)
	same "$(jq -r .cluster_file plan.json)" "$(sha256sum <own.yaml | cut -d ' ' -f 1)"
	run -2 --separate-stderr teectl -f /dev/stdin --state .teectl/own apply --plan plan.json < <(cat own.yaml; echo '# a word')
	has "$stderr" 'the cluster file is not the one that the plan was made from'
	run -0 --separate-stderr teectl -f /dev/stdin --state .teectl/own apply --plan plan.json < <(cat own.yaml)
}

@test "plan: of many members who are not here some are named, and the rest counted" {
	local i
	cluster own 1 2 3
	sed -i '/name: member[23],/d' own.yaml
	for ((i = 0; i < 150; i++)); do
		printf '    - { name: %0128d, pub: none%d }\n' "$i" "$i"
	done >members
	sed -i -e '/name: member1,/r members' -e '/name: member1,/s/key: [^,]*, //' own.yaml
	ok plan
	has "$output" 'tee1: inject needs 2 shares, 0 of the members'"'"' are here; not here: member1, 000'
	has "$output" '038 and 111 more'
	ok plan -o json
	json '.people[0].missing | length' 151
}
