#!/usr/bin/env bats

load manifest

setup() {
	cd "$BATS_TEST_TMPDIR"
	qos_cluster
	draft old.json
	cp old.json new.json
	change new.json '.manifest.namespace.nonce = 4'
}

@test "manifest diff: the same manifest needs nobody" {
	try 0 manifest diff --detailed-exitcode old.json old.json
	prints "the same manifest: nobody has to act"
	try 0 manifest diff old.json old.json -o json
	json .same true
	json .needs nothing
	json '.changes | length' 0
}

@test "manifest diff: a new image needs an approval, and says of whom" {
	change new.json '.manifest.enclave.pcr0 = "ab" * 48'
	try 0 manifest diff old.json new.json
	prints "enclave.pcr0 (image)"
	prints "  + abababab"
	prints "a lawful successor, once 2 of 3 approve it; approved by: nobody yet; may approve: user1, user2, user3"
	sed -i "s/0: 0*10$/0: $(printf 'ab%.0s' {1..48})/" cluster.yaml
	approve new.json 2
	teectl manifest collect new.json user2.approval >/dev/null 2>&1 || true
	try 2 manifest diff --detailed-exitcode old.json new.json -o json
	json .lawful true
	json .needs approval
	json '.approved | join(",")' user2
	json '.may_approve | join(",")' user1,user3
	json '.changes | map(.field) | join(",")' namespace.nonce,enclave.pcr0
}

# unlawful FILTER NEEDS WORDS
unlawful() {
	cp new.json bad.json
	change bad.json "$1"
	try 0 manifest diff old.json bad.json -o json
	json .lawful false
	json .needs "$2"
	try 5 manifest diff --detailed-exitcode old.json bad.json
	says "$3"
	prints "unlawful: enclaves that have the key will refuse it"
}

@test "manifest diff: each rule of succession" {
	unlawful '.manifest.namespace.name = "other"' ceremony "another namespace name"
	unlawful '.manifest.namespace.nonce = 3 | .manifest.enclave.pcr0 = "ab" * 48' "another draft" "nonce 3 is not above 3"
	unlawful '.manifest.namespace.nonce = 2' "another draft" "nonce 2 is not above 3"
	unlawful ".manifest.namespace.quorumKey = \"$(cat "$VECTORS/qos/boot-e2e/mock_p256_dr.pub")\"" ceremony "another quorum key"
	unlawful '.manifest.manifestSet.threshold = 1' ceremony "another manifest set"
	unlawful '.manifest.shareSet.threshold = 3' ceremony "another share set"
	unlawful 'del(.manifest.shareSet.members[2])' ceremony "another share set"
	unlawful '.manifest.enclave.pcr3 = "ab" * 48' ceremony "another pcr3"
	unlawful '.manifest.enclave.awsRootCertificate = "00"' ceremony "another anchor"
}

@test "manifest diff: names every rule that is broken, and how it can be had" {
	change new.json '.manifest.namespace.nonce = 1 | .manifest.shareSet.threshold = 3 | .manifest.enclave.pcr3 = "ab" * 48'
	try 5 manifest diff --detailed-exitcode old.json new.json
	says "no successor of this manifest: nonce 1 is not above 3, another share set, another pcr3"
	prints "shareSet (share set): UNLAWFUL"
	prints "it takes a genesis: it makes a new key, and new shares"
	prints "it takes TEEs started anew with the members' shares (boot-standard)"
}

@test "manifest diff: members in another order are lawful, and seen" {
	change new.json '.manifest.shareSet.members |= reverse'
	try 2 manifest diff --detailed-exitcode old.json new.json
	prints "shareSet (share set)"
	prints "a lawful successor"
}

@test "manifest diff: what is not well formed is no successor" {
	change new.json '.manifest.patchSet.threshold = 1'
	try 5 manifest diff --detailed-exitcode old.json new.json
	says "patch_set: must be empty"
	try 0 manifest diff old.json new.json -o json
	json .lawful false
	try 5 manifest diff --detailed-exitcode old.json "$OLD"
	says "version 0, and enclaves take version 1"
}

@test "manifest diff: the same fields in another version are another manifest" {
	jq .manifest "$VECTORS/qos/manifest/v2_selfmade.json" >v2.json
	try 0 manifest diff v2.json "$VECTORS/qos/manifest/golden_manifest_v0.json" -o json
	json .same false
	jq 'del(.pivot.env)' v2.json >bare.json
	try 0 manifest diff v2.json bare.json -o json
	json .same false
	json .lawful false
	json .needs "another draft"
}

@test "manifest diff: a bad approval of the new one is refused" {
	approve new.json 1
	teectl manifest collect new.json user1.approval >/dev/null 2>&1 || true
	change new.json '.manifest.namespace.nonce = 5'
	try 5 manifest diff old.json new.json
	says "the approval of 'user1'"
}

@test "manifest diff: refuses what it can't read" {
	echo '[]' >bad.json
	try 65 manifest diff old.json bad.json
	says "'bad.json'"
	try 66 manifest diff missing new.json
	try 64 manifest diff
	says "NEW is required"
}

@test "manifest diff: one file alone is compared with the state's current manifest" {
	rm -rf cluster.yaml members
	make_cluster --nodes 1
	try 2 manifest diff new.json
	says "there has been no genesis of 'demo': the state has no manifest"
	try 0 up
	try 0 genesis
	teectl manifest new --out next.json >/dev/null 2>&1
	try 2 manifest diff --detailed-exitcode next.json -o json
	json '[.from_nonce, .to_nonce, .lawful] | map(tostring) | join(" ")' '0 1 true'
	json '.changes | map(.field) | join(",")' namespace.nonce
	try 0 manifest diff next.json next.json
	prints 'the same manifest'
	cd /
	try 0 -f "$BATS_TEST_TMPDIR/cluster.yaml" manifest diff "$BATS_TEST_TMPDIR/next.json"
	prints 'a lawful successor, once 2 of 3 approve it'
	try 66 manifest diff "$BATS_TEST_TMPDIR/next.json"
	says 'cluster.yaml'
}

@test "manifest diff: where the status is what was asked for, nobody is sent elsewhere" {
	try 2 manifest diff --detailed-exitcode old.json new.json
	says 'the manifests differ'
	hasnt "$stderr" hint
}
