#!/usr/bin/env bats

load manifest

setup() {
	cd "$BATS_TEST_TMPDIR"
	qos_cluster
	draft next.json
	approve next.json 1
	approve next.json 2
	teectl manifest collect next.json user1.approval user2.approval >/dev/null
}

@test "manifest verify: enough good approvals of the cluster file's manifest" {
	try 0 manifest verify next.json
	prints "2 of 2 approvals: valid"
	prints "share_set     ok"
	try 0 manifest verify next.json -o json
	json .valid true
	json '.approved | join(",")' user1,user2
	json '.checks | map(.passed) | all' true
	json .manifest_hash "$(teectl manifest show next.json -o json | jq -r .manifest_hash)"
}

@test "manifest verify: too few wait for people, by name" {
	change next.json 'del(.manifestSetApprovals[0])'
	try 3 manifest verify next.json
	says "1 of 2 approvals; waiting for one of: user1, user3"
	try 3 manifest verify next.json -o json
	[[ $(jq -sr '.[0].waiting_for | join(",")' <<<"$output") == user1,user3 ]]
}

@test "manifest verify: one bad approval fails the envelope beside enough good ones" {
	approve next.json 3
	change next.json ".manifestSetApprovals += [$(cat user3.approval)]"
	try 0 manifest verify next.json
	change next.json '.manifestSetApprovals[2].signature |= sub("^.."; "00")'
	try 5 manifest verify next.json
	says "the approval of 'user3'"
	change next.json ".manifestSetApprovals[2] = $(cat user1.approval)"
	try 5 manifest verify next.json
	says "'user1' approves twice"
	change next.json '.manifestSetApprovals[2].member.alias = "eve"'
	try 5 manifest verify next.json
	says "'eve' is no member"
	change next.json 'del(.manifestSetApprovals[2])'
	change next.json '.manifest.pivot.args = ["--evil"]'
	try 5 manifest verify next.json
	says "the approval of 'user1'"
}

@test "manifest verify: another manifest than the cluster file's, however well approved" {
	sed -i "s/0: 0*10$/0: $(printf 'ab%.0s' {1..48})/" cluster.yaml
	try 5 manifest verify next.json
	says "not the cluster file's: pcr0: image: abab"
	prints "pcr0          FAILED"
	try 5 manifest verify next.json -o json
	[[ $(jq -sr '.[0].valid' <<<"$output") == false ]]
	[[ $(jq -sr '.[0].checks | map(select(.passed | not).check) | join(",")' <<<"$output") == pcr0 ]]
}

@test "manifest verify: what is not well formed is bad data" {
	change next.json '.manifest.patchSet.threshold = 1'
	try 65 manifest verify next.json
	says "patch_set: must be empty"
	try 65 manifest verify "$OLD"
	says "version 0"
	jq -c .manifest next.json >bare.json
	try 65 manifest verify bare.json
	says "a bare manifest, which nobody has approved"
	echo '{' >bad.json
	try 65 manifest verify bad.json
	try 66 manifest verify missing
	change next.json '.manifest.patchSet.threshold = 0'
	rm cluster.yaml
	try 66 manifest verify next.json
	says "cluster.yaml"
}

@test "manifest verify: --alone judges any envelope of QuorumOS, by its own hash" {
	local vectors=$VECTORS/qos/manifest file
	rm cluster.yaml
	for file in golden_manifest_envelope_v1.json golden_manifest_envelope_v1.borsh; do
		try 0 manifest verify --alone "$vectors/$file" -o json
		json .valid true
		json '.approved | join(",")' dev
	done
	jq -c '{manifest: .manifest, manifestSetApprovals: [{signature: .approval_signature_by_client_primary,
		member: .manifest.manifestSet.members[0]}], shareSetApprovals: []}' "$vectors/v2_selfmade.json" >v2.json
	try 0 manifest verify --alone v2.json
	change v2.json '.manifest.pivot.env.ALPHA.plain.value = "other"'
	try 5 manifest verify --alone v2.json
	says "the approval of 'dev'"
	# Those of the share set, which QuorumOS's enclaves gather, are valid too or the envelope is not.
	cp "$vectors/golden_manifest_envelope_v1.json" shares.json
	change shares.json '.shareSetApprovals = [.manifestSetApprovals[0] + {member: .manifest.shareSet.members[0]}]'
	try 0 manifest verify --alone shares.json
	prints '1 of the share set: valid; no enclave is booted with this envelope'
	try 0 manifest verify --alone shares.json -o json
	json '.share_approved | join(",")' dev
	change shares.json '.shareSetApprovals[0].signature |= (.[:-2] + "00")'
	try 5 manifest verify --alone shares.json
	says "share set: the approval of 'dev'"
	change shares.json '.shareSetApprovals[0].member.alias = "eve"'
	try 5 manifest verify --alone shares.json
	says "share set: "
	# A threshold of none would be met by nobody.
	cp "$vectors/golden_manifest_envelope_v1.json" none.json
	change none.json '.manifest.manifestSet.threshold = 0 | .manifestSetApprovals = []'
	try 65 manifest verify --alone none.json
	says "manifest_set.threshold is 0"
}
