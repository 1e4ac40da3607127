#!/usr/bin/env bats

load manifest

setup() {
	cd "$BATS_TEST_TMPDIR"
	make_cluster --nodes 2
}

ask_seed() { # NODE
	teectl seed --type test --data 1 --node "$1" 2>/dev/null
}

# give N FILE: member N approves FILE, and it is collected.
give() {
	rm -f "member$1.approval"
	teectl manifest approve "$2" --key "members/member$1.secret" --yes --out "member$1.approval" >/dev/null
	teectl manifest collect "$2" "member$1.approval" >/dev/null 2>&1 || (($? == 3))
}

born() {
	teectl up >/dev/null 2>&1
	teectl genesis >/dev/null 2>&1
}

# image NAME: another image, which the cluster file names from now on.
image() {
	cp "$BUILD/teectl-enclave" "$1"
	printf '%s' "$1" >>"$1"
	sed -i "s|^  image: .*|  image: $1|" cluster.yaml
}

@test "manifest adopt: the key moves to a new image by forwarding, without a ceremony, and the old one stays until then" {
	born
	teectl inject >/dev/null 2>&1
	local seed
	seed=$(ask_seed tee1)
	[[ $(wc -w <<<"$seed") -eq 24 ]]
	image upgraded
	try 0 manifest new --out next.json
	give 1 next.json
	give 3 next.json
	try 0 manifest adopt next.json -o json
	json .changed true
	json .nonce 1
	# tee1 is judged against its own manifest; tee2 runs the old image with no manifest at all.
	try 5 status -o json
	json '.nodes[0].state' "old manifest"
	json '.nodes[0].verified' true
	json '.nodes[1].reason' pcr0
	# What failed or is refused comes first; and adopt names what is next.
	try 0 manifest adopt next.json
	says 'next: teectl status'
	try 0 down tee2
	try 0 up
	try 2 status -o json
	json '.nodes[1].verified' true
	json .next "teectl propagate"
	try 0 propagate
	says "tee2"
	try 2 status -o json
	json '.nodes | map(.state) | join(",")' "old manifest,ready"
	json '.nodes[1].manifest_hash' "$(teectl manifest show next.json -o json | jq -r .manifest_hash)"
	json .next "teectl upgrade"
	try 0 verify
	same "$(ask_seed tee1)" "$seed"
	same "$(ask_seed tee2)" "$seed"
	try 0 down tee1
	try 0 up
	try 0 propagate
	try 0 status -o json
	json '.nodes | map(.state) | join(",")' ready,ready
	same "$(ask_seed tee1)" "$seed"
}

@test "manifest adopt: an old TEE that has no key gets none, and no shares" {
	born
	image upgraded
	try 0 manifest new --out next.json
	give 1 next.json
	give 2 next.json
	try 0 manifest adopt next.json
	try 2 inject
	says "and none waits for shares"
	try 2 propagate
}

@test "manifest adopt: too few approvals wait, and nothing changes" {
	born
	try 0 manifest new --out next.json
	give 2 next.json
	local before
	before=$(cat .teectl/demo/manifest.current)
	try 3 manifest adopt next.json
	says "1 of 2 approvals; waiting for one of: member1, member3"
	same "$(cat .teectl/demo/manifest.current)" "$before"
	same "$(ls .teectl/demo/manifests | wc -l)" 1
}

unlawful() { # FILTER WORDS
	cp next.json bad.json
	change bad.json "$1"
	try 5 manifest adopt bad.json
	says "$2"
}

@test "manifest adopt: an unlawful successor is refused, whoever approved it" {
	born
	try 0 manifest new --out next.json
	local before
	before=$(cat .teectl/demo/manifest.current)
	unlawful '.manifest.namespace.name = "x"' "another namespace name"
	unlawful '.manifest.namespace.nonce = 0 | .manifest.pivot.args = ["a"]' "nonce 0 is not above 0"
	unlawful '.manifest.manifestSet.threshold = 1' "another manifest set"
	unlawful '.manifest.shareSet.threshold = 3' "another share set"
	unlawful '.manifest.enclave.pcr3 = "ab" * 48' "another pcr3"
	unlawful '.manifest.enclave.awsRootCertificate = "00"' "another anchor"
	try 65 manifest adopt "$OLD"
	change next.json '.manifest.patchSet.threshold = 1'
	try 65 manifest adopt next.json
	says "patch_set"
	same "$(cat .teectl/demo/manifest.current)" "$before"
}

@test "manifest adopt: what the cluster file does not say is refused, and so is a bad approval" {
	born
	try 0 manifest new --out next.json
	give 1 next.json
	give 2 next.json
	image other
	try 5 manifest adopt next.json
	says "not the cluster file's: pcr0: image: "
	sed -i "s|^  image: .*|  image: $BUILD/teectl-enclave|" cluster.yaml
	change next.json '.manifestSetApprovals[0].signature |= sub("^.."; "00")'
	try 5 manifest adopt next.json
	says "the approval of 'member1'"
}

@test "manifest adopt: the current one again keeps the approvals that it has now" {
	born
	cp .teectl/demo/manifests/*.json own.json
	chmod 644 own.json
	try 3 manifest adopt own.json
	give 1 own.json
	give 2 own.json
	try 0 manifest adopt own.json
	prints "the current manifest already; its approvals are kept"
	try 0 manifest show -o json
	json '.manifest_set.members | map(.approved) | join(",")' true,true,false
	try 0 manifest adopt own.json -o json
	json .changed false
	try 0 manifest adopt own.json
	says 'next: teectl status; where it says that the key is lost: teectl recover'
	# Nothing that could have the key is left.
	teectl inject >/dev/null 2>&1
	try 0 down --lose-key
	try 0 manifest adopt own.json
	says 'next: teectl up, then teectl recover'
}

@test "manifest adopt: while a node is gone, status names those that still hold the old manifest" {
	born
	teectl inject >/dev/null 2>&1
	teectl propagate >/dev/null 2>&1
	image upgraded
	try 0 manifest new --out next.json
	give 1 next.json
	give 3 next.json
	try 0 manifest adopt next.json
	says 'next: teectl upgrade'
	try 0 down tee2
	try 2 status -o json
	json .missing '1 of 2 TEEs is not running; tee1 holds an older manifest'
	json .next 'teectl up'
}

@test "manifest adopt: needs a genesis to follow, and files that are there" {
	try 66 manifest adopt missing
	cp "$VECTORS/qos/manifest/golden_manifest_v1.json" golden.json
	try 2 manifest adopt golden.json
	says "there has been no genesis"
}
