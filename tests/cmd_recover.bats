#!/usr/bin/env bats
# recover: the quorum key back, after every TEE is lost. What it does against who would hinder it:
# recovery.bats.

load verb

# A cluster of two nodes that had the key and lost it; its fresh TEEs run.
lose() {
	make_cluster --nodes 2 "$@"
	bring_and_lose
}

bring_and_lose() {
	try 0 up
	try 0 genesis
	try 0 inject
	key=$(<.teectl/demo/quorum_key.pub)
	try 0 down
	try 0 up
}

@test "recover: brings the same quorum key back, and propagate does the rest" {
	lose
	try 0 recover
	prints '1 of 2 TEEs has the quorum key'
	says 'next: teectl propagate'
	says 'tee1: verified, no manifest yet'
	says 'tee1: restarted, by 2 approvals'
	says 'tee1: shares in, 2 of 2 shares'
	says 'tee1: key proved, holds the quorum key'
	try 0 propagate
	try 0 verify -o json
	json '[.nodes[] | select(.key_proved)] | length' 2
	json .quorum_public_key "$key"
	same "$(jq -r 'select(.step == "boot") | .outcome' .teectl/demo/journal | paste -sd ' ')" 'begin done'
}

@test "recover: on the node that is named, whatever else is fresh" {
	lose
	try 0 recover --to tee2 -o json
	json '[.nodes[].phase] | join(" ")' 'WaitingForBootInstruction ApplicationReady'
	json .outcome done
	try 64 recover --to tee9
	says "has no node 'tee9'"
}

@test "recover: has nothing to do while a TEE has the key, and restarts nothing beside it" {
	lose
	try 0 recover
	try 0 recover
	prints 'nothing to do: tee1 has the quorum key: nothing is lost; teectl propagate forwards it'
	try 0 recover --to tee2
	prints 'nothing to do'
	run -1 grep -q operation=boot-standard .teectl/demo/logs/tee2.log
}

@test "recover: gives the shares to the TEE that waits for them, and restarts nothing beside it" {
	make_cluster --nodes 2
	try 0 up
	try 0 genesis
	try 0 recover
	says 'tee1: shares in, 2 of 2 shares'
	run -1 grep -rq operation=boot-standard .teectl/demo/logs
}

@test "recover: --to restarts the quorum on each that is named, and the shares that are here go to each" {
	make_cluster --nodes 4
	bring_and_lose
	sed -i 's|key: members/\(member[23]\).secret|pub: members/\1.pub|' cluster.yaml
	local file
	file=$(echo .teectl/demo/manifests/*)
	try 3 recover
	says '1 of 2 approvals of the manifest are here'
	sed -i 's|pub: members/member2.pub|key: members/member2.secret|' cluster.yaml
	mv .teectl/demo/shares/member2.share aside
	try 3 recover --to tee2,tee3 -o json
	says 'tee2: restarted, by 2 approvals'
	says 'tee3: restarted, by 2 approvals'
	says '1 of 2 shares are in'
	json '[.nodes[].phase] | join(" ")' 'WaitingForBootInstruction WaitingForQuorumShards WaitingForQuorumShards WaitingForBootInstruction'
	# Another beside them; those that wait already are what they are.
	try 2 recover --only tee4
	says 'tee2 waits for shares already, and is none of the nodes asked for: choose it too'
	mv aside .teectl/demo/shares/member2.share
	try 0 recover --to tee3 --to tee4 -o json
	says 'tee4: restarted, by 2 approvals'
	says 'tee3: shares in, 2 of 2 shares'
	says 'tee4: shares in, 2 of 2 shares'
	json '[.nodes[].phase] | join(" ")' 'WaitingForBootInstruction WaitingForQuorumShards ApplicationReady ApplicationReady'
	json .quorum_public_key "$key"
	# What is left of it is forwarded nothing: it is said, and inject gives it what it waits for.
	try 2 status
	prints 'missing: tee2 waits for shares, and the key is back: it takes the key once it is started anew'
	says 'hint: teectl down tee2, then teectl apply'
	try 2 status -o json
	json '.waiting_for | length' 0
	behind cluster other tee2 "http://$(cut -d' ' -f3 .teectl/demo/pids/tee2)"
	try 2 -f other.yaml status
	prints 'it takes the key once it is started anew, which is for whoever launched it'
	try 4 propagate
	says "tee2 waits for members' shares, and such a TEE is forwarded nothing: start it anew, which needs no shares (teectl down tee2, teectl up, teectl propagate), or teectl inject --only tee2"
	says 'tee1: key forwarded'
	try 0 inject
	says 'tee2: shares in, 2 of 2 shares'
	try 0 apply
	prints 'nothing to do'
	try 64 recover --to tee1 --only tee1
	says '--to names the TEEs to restart the quorum on, and --only those that it may be'
	try 64 recover --to tee1 drill
	says '--to is of a recovery'
}

@test "recover: refuses where there is no genesis, and where no fresh TEE runs" {
	make_cluster --nodes 2
	try 0 up
	try 2 recover
	says 'there has been no genesis in this state folder, so there is nothing to recover: where one was done elsewhere name its folder (--state), and bring back one that was lost; else teectl genesis'
	# Where it was done in another folder.
	try 0 genesis
	try 2 --state other recover
	says 'where one was done elsewhere name its folder (--state)'
	says 'else teectl --state other genesis'
	try 0 inject
	try 0 down
	try 69 recover
	says 'tee1 is not running: teectl up'
}

@test "recover: a TEE that waits for a forward is started anew first" {
	make_cluster --nodes 2
	try 0 up
	try 0 genesis
	try 0 inject
	curl -s -X POST -H 'Content-Type: application/json' -d "$(curl -s "$(url_of tee1)/enclave/manifest")" \
		"$(url_of tee2)/enclave/share-manifest" >/dev/null
	try 0 down tee1 --lose-key
	try 2 recover --to tee2
	says 'tee2 is in WaitingForForwardedKey, and a quorum is restarted on a fresh TEE: teectl down tee2, then teectl up'
	try 0 down tee2
	try 0 up
	try 0 recover --to tee2
}

url_of() { # NODE
	local pid start address
	read -r pid start address <".teectl/demo/pids/$1"
	echo "http://$address"
}

@test "recover: with too few approvals it names who must approve, and restarts nothing" {
	lose --members 4 --threshold 3
	sed -i 's|key: members/\(member[24]\).secret|pub: members/\1.pub|' cluster.yaml
	try 3 recover -o json
	says '2 of 3 approvals of the manifest are here; waiting for one of: member2, member4; each of them approves '
	says ".teectl/demo/manifests/$(head -n 1 .teectl/demo/manifest.current).json"
	says ': teectl manifest approve'
	says 'teectl manifest collect FILE APPROVAL..., teectl manifest adopt FILE, and teectl recover'
	json '.waiting_for | join(" ")' 'member2 member4'
	json '[.nodes[].phase] | unique | join(" ")' WaitingForBootInstruction
	sed -i 's|pub: members/member4.pub|key: members/member4.secret|' cluster.yaml
	try 0 recover
	says 'restarted, by 3 approvals'
}

@test "recover: approvals that are kept with the manifest count, bad ones are named and left out" {
	local file hash
	lose --members 3 --threshold 2
	file=$(echo .teectl/demo/manifests/*)
	hash=$(head -n 1 .teectl/demo/manifest.current)
	approval() { # MEMBER KEY
		jq -nc --arg name "$1" --arg pub "$(<members/$1.pub)" --arg signature "$("$BUILD/forge" sign "$2" "$hash" | tr -d '[] \n' | tr , '\n' | awk '{ printf "%02x", $1 }')" \
			'{signature: $signature, member: {alias: $name, pubKey: $pub}}'
	}
	jq -c --argjson list "[$(approval member1 members/member2.secret),$(approval member3 members/member3.secret)]" \
		'.manifestSetApprovals = $list' "$file" >changed
	cat changed >"$file"
	sed -i 's|key: members/\(member[12]\).secret|pub: members/\1.pub|' cluster.yaml
	try 3 recover
	says "an approval that is kept does not count: the approval of 'member1'"
	says '1 of 2 approvals of the manifest are here; waiting for one of: member1, member2; each of them approves '
	sed -i 's|pub: members/member1.pub|key: members/member1.secret|' cluster.yaml
	try 0 recover
	says "an approval that is kept does not count: the approval of 'member1'"
	says 'tee1: restarted, by 2 approvals'
}

@test "recover: with too few shares it names who is missing, and inject goes on from there" {
	make_cluster --nodes 2 --members 5 --threshold 3
	teectl member keygen members/chair >/dev/null
	sed -i 's|^  threshold: 3|&\n  manifestSet: { threshold: 1, members: [ { name: chair, key: members/chair.secret } ] }|' cluster.yaml
	bring_and_lose
	sed -i 's|key: members/\(member[345]\).secret|pub: members/\1.pub|' cluster.yaml
	try 3 recover -o json
	says 'tee1: restarted, by 1 approvals'
	says '2 of 3 shares are in; waiting for one of: member3, member4, member5'
	json '.waiting_for | join(" ")' 'member3 member4 member5'
	json .outcome waiting
	try 2 status -o json
	json .missing 'tee1 waits for shares: 2 of 3 are in'
	json .next 'teectl inject'
	sed -i 's|pub: members/member4.pub|key: members/member4.secret|' cluster.yaml
	try 0 inject -o json
	json '.nodes[0].phase' ApplicationReady
	json .quorum_public_key "$key"
}

@test "recover: takes a share from beside its member's key, where the state has none" {
	lose
	mv .teectl/demo/shares/member1.share members/member1.share
	rm .teectl/demo/shares/member[23].share
	cp members/member1.share members/member2.share # another's, which he can't open
	try 3 recover
	says 'the share of member2 is wrong'
	says '1 of 2 shares are in; waiting for one of: member2 (wrong share), member3 (share file missing)'
}
