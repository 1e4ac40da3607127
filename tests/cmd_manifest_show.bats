#!/usr/bin/env bats

load manifest

@test "manifest show: every form of QuorumOS's vectors, with its hash" {
	local vectors=$VECTORS/qos/manifest file expected
	expected=$(jq -r .golden.manifest_v1.sha256 "$vectors/manifest_vectors.json")
	for file in golden_manifest_v1.json golden_manifest_v1.borsh golden_manifest_envelope_v1.json \
		golden_manifest_envelope_v1.borsh; do
		try 0 manifest show "$vectors/$file" -o json
		json .manifest_hash "$expected"
		json .version 1
		json .namespace_name production/signer
		json .root_is_aws true
	done
	for file in golden_manifest_v0.json golden_manifest_v0.borsh; do
		try 0 manifest show "$vectors/$file" -o json
		json .manifest_hash "$(jq -r .golden.manifest_v0.sha256_v0 "$vectors/manifest_vectors.json")"
		json .version 0
	done
	for file in old_manifest.v0.json old_manifest.v0.borsh; do
		try 0 manifest show "$vectors/$file" -o json
		json .manifest_hash "$(jq -r .old_manifest.sha256 "$vectors/manifest_vectors.json")"
		json .nonce 2
	done
	jq .manifest "$vectors/v2_selfmade.json" >v2.json
	try 0 manifest show v2.json -o json
	json .manifest_hash "$(jq -r .manifest_hash "$vectors/v2_selfmade.json")"
	json .version 2
	json .env_variables 2
	json .has_dns true
}

@test "manifest show: the small vectors of QuorumOS, JSON and borsh" {
	local all=$VECTORS/qos/manifest/manifest_vectors.json form version
	for form in manifest envelope; do
		for version in 0 1; do
			jq ".stable.${form}_v${version}_json" "$all" >file.json
			jq -r ".stable.expected.${form}_v$version.borsh_hex" "$all" | tr a-f A-F |
				basenc -d --base16 >file.borsh
			for file in file.json file.borsh; do
				try 0 manifest show "$file" -o json
				json .manifest_hash "$(jq -r ".stable.expected.manifest_v$version.sha256" "$all")"
				json .version "$version"
				json .is_envelope "$([[ $form == envelope ]] && echo true || echo false)"
			done
		done
	done
}

@test "manifest show: for people, with what PCRs measure, the anchor, the words, and why enclaves refuse it" {
	try 0 manifest show "$VECTORS/qos/manifest/golden_manifest_envelope_v1.json"
	prints "namespace      production/signer"
	prints "nonce          31"
	prints "check phrase   vacant fluid album bar record basket"
	prints "manifest set   1 of 1"
	[[ $output =~ manifest\ +dev\ +1c41e197b96000cb\ +approved ]]
	[[ $output =~ share\ +dev\ +1c41e197b96000cb\ +- ]]
	[[ $output =~ 2\ +launch\ options\ +21b9efbc ]]
	prints "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b (AWS Nitro Enclaves Root-G1)"
	prints "server 0.0.0.0:3000"
	prints "'--config' '/etc/config.json'"
	prints "not for our enclaves: share_set has 1 members, at least 2 expected"
}

@test "manifest show: an approval that does not verify is shown as bad, never as given" {
	cp "$VECTORS/qos/manifest/golden_manifest_envelope_v1.json" bad.json
	change bad.json '.manifest.namespace.nonce = 32'
	try 0 manifest show bad.json
	[[ $output =~ manifest\ +dev\ +1c41e197b96000cb\ +BAD ]]
	prints "BAD approval   the approval of 'dev'"
	try 0 manifest show bad.json -o json
	json '.manifest_set.members[0].approved' false
	[[ $(jq -r '.manifest_set.members[0].problem' <<<"$output") == *"signature"* ]]
	json '.share_set.members[0].problem' null
}

@test "manifest show: one of no member is told" {
	cp "$VECTORS/qos/manifest/golden_manifest_envelope_v1.json" bad.json
	change bad.json '.manifestSetApprovals[0].member.alias = "eve"'
	try 0 manifest show bad.json
	prints "BAD approval   'eve' is no member of the manifest set"
}

@test "manifest show: without a file the cluster's own, which approves nothing yet" {
	make_cluster
	try 2 manifest show
	says "there has been no genesis of 'demo'"
	teectl up >/dev/null 2>&1
	teectl genesis >/dev/null 2>&1
	try 0 manifest show -o json
	json .namespace_name demo
	json .well_formed true
	json '.manifest_set.members | map(.approved) | any' false
	json .manifest_hash "$(head -n 1 .teectl/demo/manifest.current)"
	# The same from a TEE itself, as the contract has it.
	curl -s "$(url cluster tee1)/enclave/manifest" >answer.json
	try 0 manifest show answer.json -o json
	json .manifest_hash "$(head -n 1 .teectl/demo/manifest.current)"
	json .namespace_name demo
}

@test "manifest show, verify: the contract's form, as enclaves answer it" {
	local message=$VECTORS/teectl/manifest_message.json filter expected
	expected=$(jq -r .golden.manifest_v1.sha256 "$VECTORS/qos/manifest/manifest_vectors.json")
	for filter in . .manifest_envelope .manifest_envelope.manifest; do
		jq "$filter" "$message" >file
		try 0 manifest show file -o json
		json '[.manifest_hash, .version, .namespace_name] | map(tostring) | join(" ")' "$expected 1 production/signer"
		json .is_envelope "$([[ $filter == *.manifest ]] && echo false || echo true)"
	done
	try 0 manifest verify --alone "$message"
	try 0 manifest diff "$message" "$VECTORS/qos/manifest/golden_manifest_v1.json"
	jq '.manifest_envelope.manifest.namespace.nonc = 1' "$message" >file
	try 65 manifest show file
	says "manifest_envelope.manifest.namespace.nonc: unknown field, did you mean 'nonce'?"
}

@test "manifest show: refuses what can't be read, saying where" {
	cp "$VECTORS/qos/manifest/golden_manifest_v1.json" file
	change file '.namespace.nonc = 1'
	try 65 manifest show file
	says "'file': manifest file: namespace.nonc: unknown field, did you mean 'nonce'?"
	cp "$OLD" file
	change file '.shareSet.members[1].pubKey = "0g"'
	try 65 manifest show file
	says "shareSet.members[1].pubKey"
	cp "$OLD" file
	change file '.version = "v3"'
	try 65 manifest show file
	says "version: only v2 is known"
	head -c 100 "$VECTORS/qos/manifest/golden_manifest_v1.borsh" >file
	try 65 manifest show file
	says "neither a manifest nor an envelope"
	: >file
	try 65 manifest show file
	try 66 manifest show missing
	says "'missing'"
}

@test "manifest show: a field that version 0 does not know is ignored, and that is said" {
	local hash
	hash=$(jq -r .old_manifest.sha256 "$VECTORS/qos/manifest/manifest_vectors.json")
	cp "$OLD" file
	try 0 manifest show file -o json
	json .has_unknown_fields false
	change file '.namespace.note = "x" | .shareSet.members[0].since = 2022 | .more = {a: [1]}'
	try 0 manifest show file -o json
	json '[.manifest_hash, .version, .has_unknown_fields] | map(tostring) | join(" ")' "$hash 0 true"
	try 0 manifest show file
	prints 'fields that version 0 does not know'
	jq -c '{manifest: ., manifest_set_approvals: [], share_set_approvals: [], more: 1}' file >envelope
	try 0 manifest show envelope -o json
	json .manifest_hash "$hash"
	# One field of version 1 among them, and it is none of version 0's.
	change file '.pivot.debugMode = false'
	try 65 manifest show file
	says 'unknown field'
}

@test "manifest show: reads no more than a manifest may have" {
	head -c 1048577 /dev/zero >huge
	try 65 manifest show huge
	says "'huge' has more than 1048576 bytes"
	{
		printf '{"a":"'
		head -c 1000000 /dev/zero | tr '\0' x
		printf '"}'
	} >huge
	try 65 manifest show huge
	says "unknown field"
}

@test "manifest show: a cluster file that is wrong, or not there" {
	echo "kind: Nothing" >cluster.yaml
	try 78 manifest show
	rm cluster.yaml
	try 66 manifest show
}

@test "manifest show: a value that is too long for a line is cut in sight, with its hash" {
	cp "$OLD" long.json
	change long.json '.pivot.args = ["a" * 3000, "--evil"]'
	try 0 manifest show long.json
	hasnt "$output" "--evil"
	prints "CUT HERE: 3011 bytes, SHA-256 "
	try 0 manifest show long.json -o json
	[[ $(jq -r '.fields[] | select(.name == "pivot.args").value' <<<"$output") == *"'--evil'" ]]
	jq -c '.pivot.args[1] = "--fine"' long.json >other.json
	try 0 manifest diff long.json other.json
	local hashes
	hashes=$(grep -o 'CUT HERE.*' <<<"$output" | sort -u | wc -l)
	same "$hashes" 2
}
