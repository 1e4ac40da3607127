#!/usr/bin/env bats

load manifest

setup() {
	cd "$BATS_TEST_TMPDIR"
	qos_cluster
}

@test "manifest new: from QuorumOS's keeps namespace, key and sets, takes our PCRs and anchor, raises the nonce" {
	try 0 manifest new --from "$OLD" --out next.json
	prints "next.json: a draft with nonce 3"
	says "not carried over: patchSet"
	jq -e --slurpfile old "$OLD" '.manifest as $m | $old[0] as $o |
		$m.namespace.name == $o.namespace.name and $m.namespace.quorumKey == $o.namespace.quorumKey and
		$m.namespace.nonce == 3 and $m.manifestSet == $o.manifestSet and $m.shareSet == $o.shareSet and
		$m.pivot.hash == $o.pivot.hash and $m.pivot.args == $o.pivot.args and
		$m.patchSet == {"threshold": 0, "members": []} and .manifestSetApprovals == [] and
		.shareSetApprovals == [] and ($m.enclave.pcr1 | endswith("11"))' next.json
	same "$(jq -r .manifest.enclave.awsRootCertificate next.json)" \
		"$(basenc --base16 -w 0 "$VECTORS/aws/aws_nitro_root_g1.der" | tr A-F a-f)"
	try 3 manifest verify next.json
	try 0 manifest new --from "$VECTORS/qos/manifest/old_manifest.v0.borsh" --out borsh.json
	cmp next.json borsh.json
}

@test "manifest new: from each form that QuorumOS has of one manifest it is the same draft" {
	local form count=0 vectors=$VECTORS/qos/manifest end='\0\0\0\0\0\0\0\0' at
	try 0 manifest new --from "$OLD" --out expected.json
	# Envelopes without an approval; version 1 has an empty list of bridges and debug mode behind the restart policy.
	jq -c '{manifest: ., manifest_set_approvals: [], share_set_approvals: []}' "$OLD" >v0-envelope.json
	jq -c '.pivot += {bridgeConfig: [], debugMode: false}' "$OLD" >v1.json
	jq -c '{manifest: ., manifestSetApprovals: [], shareSetApprovals: []}' v1.json >v1-envelope.json
	jq -c --slurpfile v2 "$vectors/v2_selfmade.json" '. as $m | $v2[0].manifest | del(.dns, .pivot.env)
		| .pivot += {hash: $m.pivot.hash, restart: $m.pivot.restart, args: $m.pivot.args, bridgeConfig: [], debugMode: false}
		| .namespace = $m.namespace | .manifestSet = $m.manifestSet | .shareSet = $m.shareSet
		| .enclave = $m.enclave' v1.json >v2.json
	jq -c '{manifest: ., manifestSetApprovals: [], shareSetApprovals: []}' v2.json >v2-envelope.json
	cp "$vectors/old_manifest.v0.borsh" v0.borsh
	at=$(jq '4 + (.namespace.name | length) + 4 + 4 + 130 + 32 + 1' "$OLD")
	{
		head -c "$at" v0.borsh
		printf '\0\0\0\0\0'
		tail -c "+$((at + 1))" v0.borsh
	} >v1.borsh
	for form in v0 v1; do
		{ cat "$form.borsh" && printf "$end"; } >"$form-envelope.borsh"
	done
	for form in v0-envelope.json v1.json v1-envelope.json v2.json v2-envelope.json v0.borsh v0-envelope.borsh v1.borsh \
		v1-envelope.borsh; do
		try 0 manifest show "$form" -o json
		json '"v\(.version) \(.is_envelope)"' "${form%%[.-]*} $([[ $form == *-envelope.* ]] && echo true || echo false)"
		try 0 manifest new --from "$form" --out "next-$form.json"
		cmp "next-$form.json" expected.json || fail "$form is followed by another draft"
		((count += 1))
	done
	same "$count" 9
}

@test "manifest new: QuorumOS's golden envelopes, whose sets our enclaves can't have, are refused by name in each form" {
	local file count=0
	sed -i 's|namespace: quit-coding-to-vape|namespace: production/signer|' cluster.yaml
	for file in "$VECTORS"/qos/manifest/golden_manifest_*; do
		try 5 manifest new --from "$file" --out next.json
		says "share_set: threshold 2 expected, 1 found"
		[[ ! -e next.json ]] || fail "a draft of $file"
		((count += 1))
	done
	same "$count" 6
}

@test "manifest new: what version 1 has no place for is named" {
	jq -c --slurpfile old "$OLD" '.manifest | .manifestSet = $old[0].manifestSet | .shareSet = $old[0].shareSet |
		.namespace = $old[0].namespace' "$VECTORS/qos/manifest/v2_selfmade.json" >v2.json
	try 0 manifest new --from v2.json --out next.json -o json
	json '.dropped | join(",")' "pivot.env,dns"
	says "not carried over: pivot.env"
	says "not carried over: dns"
	same "$(jq -c .manifest.pivot.bridgeConfig next.json)" '[{"type":"server","port":3000,"host":"0.0.0.0"}]'
}

@test "manifest new: the nonce must rise" {
	try 64 manifest new --from "$OLD" --nonce 2 --out next.json
	says "--nonce must be above 2"
	[[ ! -e next.json ]]
	try 0 manifest new --from "$OLD" --nonce 70 --out next.json
	same "$(jq .manifest.namespace.nonce next.json)" 70
	cp "$OLD" last.json
	change last.json '.namespace.nonce = 4294967294'
	try 65 manifest new --from last.json --out other.json
	says "no nonce is left"
}

@test "manifest new: overwrites nothing" {
	echo mine >next.json
	try 65 manifest new --from "$OLD" --out next.json
	says "'next.json' is there already"
	same "$(cat next.json)" mine
}

@test "manifest new: sets that are not the cluster file's are refused, saying what differs" {
	sed -i 's/threshold: 2/threshold: 3/' cluster.yaml
	try 5 manifest new --from "$OLD" --out next.json
	says "share_set: threshold 3 expected, 2 found"
	sed -i -e 's/threshold: 3/threshold: 2/' -e 's/name: user2/name: bob/' cluster.yaml
	try 5 manifest new --from "$OLD" --out next.json
	says "'user2' is called 'bob' in the cluster file"
	sed -i -e 's/name: bob/name: user2/' cluster.yaml
	teectl member keygen eve >/dev/null
	cp eve.pub members/user3.pub
	try 5 manifest new --from "$OLD" --out next.json
	says "the cluster file has no member with the key of 'user3'"
	says "the manifest has no member with the key of 'user3'"
	[[ ! -e next.json ]]
}

@test "manifest new: another namespace is another quorum" {
	sed -i 's/namespace: quit-coding-to-vape/namespace: other/' cluster.yaml
	try 5 manifest new --from "$OLD" --out next.json
	says "namespace 'quit-coding-to-vape', the cluster file of 'other'"
}

@test "manifest new: without --from it follows the state's, with the image named measured" {
	rm -rf cluster.yaml members
	make_cluster
	try 2 manifest new --out next.json
	says "there has been no genesis"
	teectl up >/dev/null 2>&1
	teectl genesis >/dev/null 2>&1
	try 0 manifest new --out next.json -o json
	json .diff.lawful true
	json .diff.needs approval
	json '.diff.changes | map(.field) | join(",")' namespace.nonce
	try 0 manifest new --out "its own.json"
	says "next: teectl manifest approve 'its own.json' --key KEY, by 2 of the 3 members, each with a copy of it"
	cp "$BUILD/teectl-enclave" image
	printf x >>image
	try 0 manifest new --image image --out other.json -o json
	json '.diff.changes | map(.field) | join(",")' namespace.nonce,enclave.pcr0
	sed -i 's/role: demo-operators/role: others/' cluster.yaml
	try 0 manifest new --out role.json
	prints "enclave.pcr3 (pcr3): UNLAWFUL"
	prints "it takes a ceremony"
	try 66 manifest new --image missing --out none.json
}

# living NAME: a cluster of that name whose two TEEs have the key, in its own file; NAME-away.yaml has them as others
# launched them, for whom the state is lost.
living() {
	local name=$1 verb
	rm -f cluster.yaml
	make_cluster --nodes 2
	sed -i "s/name: demo$/name: $name/" cluster.yaml
	sed -i -e 's/^  nonce: 0/  nonce: 7/' -e "${change-}" cluster.yaml
	mv cluster.yaml "$name.yaml"
	for verb in up genesis inject propagate; do
		teectl -f "$name.yaml" "$verb" >/dev/null 2>&1
	done
	behind "$name" "$name-away" tee1 "$(url "$name" tee1)" tee2 "$(url "$name" tee2)"
	sed -i "s|root: simulated|root: .teectl/$name/pki/root.der|" "$name-away.yaml"
}

away() { # STATUS FILE OPTION...: with an empty state
	local expected=$1 file=$2
	shift 2
	rm -rf empty next.json
	try "$expected" -f "$file" --state empty manifest new --out next.json "$@"
	((expected == 0)) || [[ ! -e next.json ]] || fail "a draft of what was refused"
}

@test "manifest new: where the state is lost, living TEEs prove which manifest is to be followed" {
	rm -rf cluster.yaml members
	living own
	key=$(<.teectl/own/quorum_key.pub)
	away 0 own-away.yaml
	says "tee1: holds the manifest of nonce 7 and has proved its quorum key"
	says "quorum key $key: of a TEE that runs what the cluster file says; compare it"
	prints "next.json: a draft with nonce 8"
	# It is what the state would have given.
	teectl -f own.yaml manifest new --out expected.json >/dev/null 2>&1
	cmp next.json expected.json
	away 0 own-away.yaml --node tee2 -o json
	json '[.node, .basis] | join(" ")' 'tee2 image'
	json '.diff.changes | map(.field) | join(",")' namespace.nonce
	echo "$key" >quorum.pub
	sed -i 's|^  threshold: 2|&\n  publicKey: quorum.pub|' own-away.yaml
	away 0 own-away.yaml -o json
	json .basis quorum-key
	# With a state a node can be asked as well, and must be of its key.
	rm next.json
	try 0 -f own.yaml manifest new --node tee2 --out next.json -o json
	json .basis state
	try 64 -f own.yaml manifest new --node tee2 --from next.json --out other.json
	says "--from and --node"
}

@test "manifest new: a living TEE of which nothing says that it is this cluster's is not followed" {
	rm -rf cluster.yaml members
	living own
	# Another image is meant from now on: what runs is neither that, nor approved.
	cp "$BUILD/teectl-enclave" image
	printf x >>image
	cp own-away.yaml image.yaml
	sed -i 's|^  image: .*|  image: image|' image.yaml
	away 5 image.yaml --node tee1
	says "tee1: it runs another image than the cluster file's, its manifest is not approved"
	away 2 image.yaml
	says "tee1: its manifest is not taken: tee1: it runs another image"
	says "no TEE that answers proves that it has a quorum key of this cluster"
	cp .teectl/own/quorum_key.pub quorum.pub
	sed -i 's|^  threshold: 2|&\n  publicKey: quorum.pub|' image.yaml
	away 0 image.yaml -o json
	json '.diff.changes | map(.field) | join(",")' namespace.nonce,enclave.pcr0
	# The file names other members, or another key.
	sed 's/threshold: 2/threshold: 3/' image.yaml >three.yaml
	away 5 three.yaml --node tee1
	says "share_set: threshold 3 expected, 2 found"
	cp members/member1.pub quorum.pub
	away 5 image.yaml --node tee1
	says "tee1: it has another quorum key than the one that the cluster file names"
}

# What a stranger has under the same root, at the address of one of the nodes, stops nobody.
@test "manifest new: a living TEE of other members or another namespace is named and left out" {
	rm -rf cluster.yaml members
	living own
	mkdir -m 700 .teectl/foe .teectl/alien
	cp -r .teectl/own/pki .teectl/foe/
	cp -r .teectl/own/pki .teectl/alien/
	mv members own-members
	living foe
	mv members foe-members
	mv own-members members
	change='s|  namespace: .*|  namespace: alien|'
	living alien
	change=''
	grep -q 'namespace: alien' alien.yaml
	for name in foe alien; do
		# Asked first, and of a higher nonce.
		sed "s|{ name: tee1, .*|{ name: tee1, url: \"$(url $name tee1)\" }|" own-away.yaml >both.yaml
		away 0 both.yaml -o json
		json .node tee2
		says 'tee1: its manifest is not taken: '
		away 5 both.yaml --node tee1
	done
	says "its manifest is of namespace 'alien', the cluster file of"
	# Where there is nobody else there is nothing to follow.
	sed "s|{ name: tee2, .*|{ name: tee2, url: \"$(url foe tee2)\" }|" both.yaml >none.yaml
	away 2 none.yaml
	says "tee2: its manifest is not taken: its manifest's sets are not the cluster file's: manifest_set"
	says 'no TEE that answers proves that it has a quorum key of this cluster'
}

@test "manifest new: two quorum keys are named, and a proof that is none is refused" {
	rm -rf cluster.yaml members
	living own
	# The same members, image and namespace, under the same root: another genesis of them.
	mkdir -m 700 .teectl/foe
	cp -r .teectl/own/pki .teectl/foe/
	living foe
	sed "s|{ name: tee2, .*|{ name: tee2, url: \"$(url foe tee1)\" }|" own-away.yaml >both.yaml
	away 5 both.yaml -o json
	says "tee1 and tee2 have two quorum keys: name the one that is meant"
	json .error.reason quorum_key
	away 0 both.yaml --node tee2
	says "quorum key $(<.teectl/foe/quorum_key.pub): of a TEE that runs what the cluster file says; compare it"
	local change
	for change in prove-key:flipped prove-key:signature prove-key:nonce; do
		mitm liar --to "$(url own tee1)" "$change"
		sed "s|{ name: tee1, .*|{ name: tee1, url: \"$liar\" }|" own-away.yaml >lied.yaml
		away 5 lied.yaml --node tee1
		says "tee1: "
		away 0 lied.yaml -o json
		says "tee1: its manifest is not taken: "
		json .node tee2
		stop_hvs
	done
}

# The members' public keys are public, and so is the image: whoever runs it makes a genesis of them.
@test "manifest new: of two quorum keys the one counts whose manifest the members have approved" {
	local i
	rm -rf cluster.yaml members
	living own
	try 0 -f own.yaml manifest new --out second.json
	for i in 1 2; do
		teectl -f own.yaml manifest approve second.json --key "members/member$i.secret" --yes --out "$i" >/dev/null
	done
	try 0 manifest collect second.json 1 2
	try 0 -f own.yaml manifest adopt second.json
	teectl -f own.yaml down tee2 >/dev/null 2>&1
	teectl -f own.yaml up >/dev/null 2>&1 || true
	try 0 -f own.yaml propagate --to tee2
	mkdir -m 700 .teectl/foe
	cp -r .teectl/own/pki .teectl/foe/
	living foe
	behind own own-away tee1 "$(url foe tee1)" tee2 "$(url own tee2)"
	sed -i "s|root: simulated|root: .teectl/own/pki/root.der|" own-away.yaml
	away 0 own-away.yaml -o json
	json .node tee2
	says "tee1: its manifest is not taken: it has another quorum key than tee2, whose manifest its members have approved"
	behind own own-away tee1 "$(url own tee2)" tee2 "$(url foe tee1)"
	sed -i "s|root: simulated|root: .teectl/own/pki/root.der|" own-away.yaml
	away 0 own-away.yaml -o json
	json .node tee1
	# Also where two others, of which nothing is approved, come first.
	behind own own-away tee1 "$(url foe tee1)" tee2 "$(url own tee1)"
	sed -i -e "s|root: simulated|root: .teectl/own/pki/root.der|" \
		-e "s|^\( *- { name: \)tee2, .*|&\n\1tee3, url: \"$(url own tee2)\" }|" own-away.yaml
	away 0 own-away.yaml -o json
	json .node tee3
}

@test "manifest new: refuses what is no manifest" {
	echo '{}' >file
	try 65 manifest new --from file --out next.json
	says "'file'"
	try 66 manifest new --from missing --out next.json
	try 64 manifest new --from "$OLD"
	says "--out"
}
