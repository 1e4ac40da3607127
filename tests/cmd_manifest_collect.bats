#!/usr/bin/env bats

load manifest

setup() {
	cd "$BATS_TEST_TMPDIR"
	qos_cluster
	draft next.json
	approve next.json 1
	approve next.json 2
	cp next.json before.json
}

@test "manifest collect: adds what verifies, waits by name, and has enough at the threshold" {
	try 3 manifest collect next.json user1.approval
	prints "user1: approved"
	says "1 of 2 approvals; waiting for one of: user2, user3"
	hasnt "$stderr" "next:"
	try 0 manifest collect next.json user2.approval -o json
	hasnt "$stderr" "next:"
	json .enough true
	json .added 1
	json '.approved | join(",")' user1,user2
	json '.waiting_for | join(",")' user3
	try 0 manifest verify next.json
	same "$(jq -c .manifest next.json)" "$(jq -c .manifest before.json)"
}

@test "manifest collect: the same again changes nothing" {
	try 0 manifest collect next.json user1.approval user2.approval
	says "next: teectl manifest adopt next.json"
	cp next.json first
	try 0 manifest collect next.json user1.approval user2.approval user1.approval
	prints "user1: already there"
	cmp first next.json
	# Another signature of the same member is no second approval.
	approve next.json 1
	try 0 manifest collect next.json user1.approval
	prints "user1: already there"
	cmp first next.json
}

# bad WORDS: an approval in bad.approval that is refused beside a good one, and nothing is written.
bad() {
	try 5 manifest collect next.json user1.approval bad.approval
	says "'bad.approval'"
	says "$1"
	cmp before.json next.json
	try 5 manifest collect next.json bad.approval user2.approval
	cmp before.json next.json
}

@test "manifest collect: one bad approval is named, and the good ones are not written either" {
	cp user2.approval bad.approval
	change bad.approval '.signature |= sub("^.."; "00")'
	bad "the approval of 'user2'"
	cp user2.approval bad.approval
	change bad.approval '.signature |= .[2:]'
	bad "the approval of 'user2'"
	cp user2.approval bad.approval
	change bad.approval '.member.alias = "eve"'
	bad "'eve' is no member of the manifest set"
	cp user2.approval bad.approval
	change bad.approval '.member.alias = "user3"'
	bad "'user3' is no member of the manifest set, or has another key there"
	teectl member keygen eve >/dev/null
	cp user2.approval bad.approval
	change bad.approval ".member.pubKey = \"$(cat eve.pub)\""
	bad "'user2' is no member of the manifest set, or has another key there"
	draft other.json --nonce 9
	approve other.json 3
	mv user3.approval bad.approval
	bad "the approval of 'user3'"
	cp user1.approval bad.approval
	change bad.approval ".member = $(jq -c .member user2.approval)"
	bad "the approval of 'user2'"
}

@test "manifest collect: a bad approval that is in the envelope already is not added to" {
	teectl manifest collect next.json user1.approval >/dev/null 2>&1 || true
	change next.json '.manifestSetApprovals[0].signature |= sub("^.."; "00")'
	try 5 manifest collect next.json user2.approval
	says "'next.json': the approval of 'user1'"
	change next.json '.manifestSetApprovals = []'
	change next.json ".manifestSetApprovals = [$(cat user1.approval), $(cat user1.approval)]"
	try 5 manifest collect next.json user2.approval
	says "'user1' approves twice"
}

@test "manifest collect: refuses files that are no approvals, and manifests that are not ours" {
	echo '{"signature":"00"}' >bad.approval
	try 65 manifest collect next.json bad.approval
	says "'bad.approval': approval file: member"
	cp user1.approval bad.approval
	change bad.approval '.extra = 1'
	try 65 manifest collect next.json bad.approval
	says "extra: unknown field"
	head -c 8193 /dev/zero >bad.approval
	try 65 manifest collect next.json bad.approval
	says "more than 8192 bytes"
	try 66 manifest collect next.json missing
	try 65 manifest collect "$OLD" user1.approval
	says "version 0"
	try 64 manifest collect next.json
	says "APPROVAL"
}

@test "manifest collect: an approval of QuorumOS's own counts as it is" {
	# The golden approval is of a manifest whose share set our enclaves refuse: it is of no use here.
	cp "$VECTORS/qos/manifest/golden_manifest_v1.json" golden.json
	try 65 manifest collect golden.json "$VECTORS/qos/manifest/golden_approval.json"
	says "share_set has 1 members"
	try 0 manifest verify --alone "$VECTORS/qos/manifest/golden_manifest_envelope_v1.json"
}

@test "manifest collect: approvals of another round that stand among the files are named and left out" {
	draft other.json --nonce 9
	rm -f *.approval
	local file
	for file in other next; do
		teectl manifest approve "$file.json" --key members/user1.secret --quorum-key "$QUORUM_KEY" --yes >/dev/null || true
	done
	rm -f members/user1.secret.seen
	teectl manifest approve next.json --key members/user1.secret --quorum-key "$QUORUM_KEY" --yes >/dev/null || true
	teectl manifest approve next.json --key members/user2.secret --quorum-key "$QUORUM_KEY" --yes >/dev/null
	[[ -e user1-quit-coding-to-vape-9.approval && -e user1-quit-coding-to-vape-3.approval ]]
	try 0 manifest collect next.json *.approval
	says "not taken: 'user1-quit-coding-to-vape-9.approval' approves another manifest (nonce 9, by its name); this is nonce 3"
	prints 'next.json: 2 of 2 approvals'
	# The right name on another's signature is no other round.
	cp user1-quit-coding-to-vape-9.approval there
	mv there user1-quit-coding-to-vape-3.approval
	cp before.json next.json
	try 5 manifest collect next.json *.approval
	says "'user1-quit-coding-to-vape-3.approval'"
	cmp before.json next.json
}

@test "manifest collect: a file of another kind is told by what it looks like" {
	{
		printf '{"kind":"teectl-share-request","x":"'
		head -c 9000 /dev/zero | tr '\0' x
		printf '"}\n'
	} >request.json
	try 65 manifest collect next.json request.json
	says "an approval was expected, and this looks like a share request: 'request.json' has more than 8192 bytes"
	try 65 manifest collect next.json next.json
	says "an approval was expected, and this looks like a manifest: "
	try 65 manifest collect user1.approval user2.approval
	says "'user1.approval': a manifest was expected, and this looks like an approval: "
	echo '{"kind":"teectl-share-bundle"}' >bundle
	try 65 manifest collect bundle user1.approval
	says "'bundle': a manifest was expected, and this looks like a share bundle: "
	cmp before.json next.json
}
