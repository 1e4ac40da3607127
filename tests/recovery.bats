#!/usr/bin/env bats
# Total loss and what may stand in the way back: other members, hostile ones, a proxy that lies, and
# teectl that dies in the middle.

load helper
load contract

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	stop_hvs
	down_all
}

# own.yaml's cluster: forwarded to all, then every TEE killed as by a power cut; fresh ones run.
disaster() { # NODES THRESHOLD MEMBERS
	local i
	cluster own "$@"
	with_key own
	ok propagate
	key=$(<.teectl/own/quorum_key.pub)
	seed=$(ask_seed tee1)
	again "$1"
}

again() { # NODES
	local i
	for ((i = 1; i <= $1; i++)); do
		kill_node own "tee$i"
	done
	ok up
}

ask_seed() { # NODE
	curl -s -X POST -H 'Content-Type: application/json' -d '{"seed_type":"t","seed_data":"d"}' "$(url own "$1")/generate-seed" | jq -r .entropy
}

# with MEMBER...: own.yaml with the keys of these members alone here; the others' public halves.
with() {
	local i here=" $* "
	rm -f with.yaml
	while IFS= read -r line; do
		if [[ $line =~ name:\ (member[0-9]+), && $here != *" ${BASH_REMATCH[1]} "* ]]; then
			line=$(sed 's/key: [^,]*, //' <<<"$line")
		fi
		printf '%s\n' "$line"
	done <own.yaml >with.yaml
}

# Approvals of all, kept as `manifest approve` keeps them: so that a recovery needs no key for them.
approve_all() {
	local file hash list=() secret name
	file=$(echo .teectl/own/manifests/*)
	hash=$(head -n 1 .teectl/own/manifest.current)
	for secret in own-members/*.secret; do
		name=${secret##*/} name=${name%.secret}
		list+=("$(jq -nc --arg name "$name" --arg pub "$(<"${secret%.secret}.pub")" \
			--arg signature "$("$BUILD/forge" sign "$secret" "$hash" | hex)" \
			'{signature: $signature, member: {alias: $name, pubKey: $pub}}')")
	done
	jq -c --argjson list "[$(IFS=,; printf %s "${list[*]}")]" '.manifestSetApprovals = $list' "$file" >approved
	cat approved >"$file"
}

@test "recovery: three times everything is lost, and three subsets of members bring the same key back" {
	local subset
	disaster 3 2 4
	approve_all
	for subset in 'member1 member2' 'member2 member4' 'member3 member4'; do
		with $subset
		run -0 --separate-stderr teectl -f with.yaml recover
		has "$stderr" 'tee1: restarted, by 4 approvals'
		ok propagate
		run -0 --separate-stderr teectl -f own.yaml verify -o json
		same "$(jq -r .quorum_public_key <<<"$output")" "$key"
		same "$(ask_seed tee1) $(ask_seed tee3)" "$seed $seed"
		again 3
	done
}

@test "recovery: a garbage share file names its member and stops nobody" {
	disaster 1 2 3
	head -c 130 /dev/urandom >.teectl/own/shares/member1.share
	ok recover
	has "$stderr" 'tee1: the share of member1 is wrong'
	has "$stderr" 'tee1: shares in, 2 of 2 shares'
	same "$(ask_seed tee1)" "$seed"
}

# What a hostile member posts by himself to the restarted TEE.
hostile() { # NODE MEMBER...
	local url i list=()
	url=$(url own "$1")
	shift
	PKI=.teectl/own/pki
	envelope=$(curl -s "$url/enclave/manifest" | jq -c .manifest_envelope)
	setup=$(curl -s -X POST -H 'Content-Type: application/json' -d '{"nonce":[1]}' "$url/enclave/live-attestation" |
		jq -c .result.LiveAttestationResponse.attestation_doc | "$BUILD/forge" show $PKI/root.der | sed -n 's/^public_key //p')
	for i in "$@"; do
		list+=("$(candidate "member$i" "own-members/member$i.secret" "[$i,$(od -An -v -tu1 -N32 /dev/urandom | tr -s ' \n' , | sed 's/^,//; s/,$//')]")")
	done
	submit "$url" "${list[@]}"
	accepted
}

@test "recovery: hostile members who send first neither stop the others nor stay unnamed" {
	disaster 1 3 5
	approve_all
	with member5
	run -3 --separate-stderr teectl -f with.yaml recover
	has "$stderr" '1 of 3 shares are in; waiting for more of: member1, member2, member3, member4'
	hostile tee1 1 2
	same "$(jq -c '[.shares_received, .unresolved]' <<<"$output")" '[3,true]'
	# They are as many as are needed, and no key: all that is here is sent anew.
	with member3 member5
	run -3 --separate-stderr teectl -f with.yaml inject -o json
	has "$stderr" '4 shares are in, and no 3 of them give the key: one is wrong; waiting for a good one of: member1, member2, member4'
	same "$(jq -r '.waiting_for | join(" ")' <<<"$output")" 'member1 member2 member4'
	with member3 member4 member5
	run -0 --separate-stderr teectl -f with.yaml inject
	has "$stderr" 'tee1: the enclave rejected the share of member1'
	has "$stderr" 'tee1: the enclave rejected the share of member2'
	same "$(ask_seed tee1)" "$seed"
}

@test "recovery: a hostile share that makes the number full is got round in the same run" {
	disaster 1 3 5
	approve_all
	with member5
	run -3 --separate-stderr teectl -f with.yaml recover
	hostile tee1 1
	with member3 member4 member5
	run -0 --separate-stderr teectl -f with.yaml inject
	has "$stderr" 'a share that came in before is wrong: all that are here are sent in one request'
	has "$stderr" 'tee1: the enclave rejected the share of member1'
	same "$(ask_seed tee1)" "$seed"
}

# killed CHANGE: teectl recover dies at that question of tee1, or at its answer.
killed() {
	mitm reaper --to "$(url own tee1)" --victim victim "$1"
	behind own killed tee1 "$reaper"
	run -137 --separate-stderr bash -c 'echo $$ >victim; exec "$0" -f killed.yaml recover' "$BUILD/teectl"
	stop_hvs
	rm killed.yaml
}

@test "recovery: killed at each of its questions and answers, the same command again goes on" {
	local change
	disaster 1 2 3
	for change in live-attestation:kill-before boot-standard:kill-before boot-standard:kill-after \
		live-attestation@2:kill-after inject-shares:kill-before inject-shares:kill-after prove-key:kill-after; do
		killed $change
		ok recover
		same "$change $(ask_seed tee1)" "$change $seed"
		again 1
	done
}

# lie WORDS CHANGE: recover refuses tee1, whose answers a proxy changes, and no share leaves a member.
lie() {
	mitm proxy --to "$(url own tee1)" --other "$(url own tee2)" --pki .teectl/own/pki "$2"
	behind own broken tee1 "$proxy"
	run -5 --separate-stderr teectl -f broken.yaml recover --to tee1
	has "$stderr" 'tee1: boot failed: after boot-standard: '
	has "$stderr" "$1"
	same "$2 $(asked proxy inject-shares)" "$2 0"
	stop_hvs
	rm broken.yaml
}

@test "recovery: an answer to boot-standard that is changed, old or another TEE's is refused" {
	local row
	disaster 2 2 3
	for row in 'document: signature: not|boot-standard:flipped' 'ms old, at most|boot-standard:old' 'PCR16|boot-standard:public-key' \
		'user_data|boot-standard:user-data' 'nonce|boot-standard:some-nonce' 'PCR0|boot-standard:pcr0' \
		'debug mode: PCR0|boot-standard:debug' 'public_key|boot-standard:no-public-key' \
		'another TEE answers than the one that was verified|boot-standard:elsewhere'; do
		lie "${row%%|*}" "${row#*|}"
		ok down tee1
		ok up
	done
}

@test "recovery: no share in the clear and no secret is in the state, the logs or what is said" {
	local secret
	disaster 1 2 3
	ok recover
	for secret in own-members/*.secret; do
		run -1 grep -rqF "$(tr -d '[:space:]' <"$secret")" .teectl
		hasnt "$output$stderr" "$(tr -d '[:space:]' <"$secret")"
	done
}
