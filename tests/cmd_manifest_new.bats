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

@test "manifest new: refuses what is no manifest" {
	echo '{}' >file
	try 65 manifest new --from file --out next.json
	says "'file'"
	try 66 manifest new --from missing --out next.json
	try 64 manifest new --from "$OLD"
	says "--out"
}
