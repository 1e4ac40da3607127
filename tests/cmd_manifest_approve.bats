#!/usr/bin/env bats

load manifest

setup() {
	cd "$BATS_TEST_TMPDIR"
	qos_cluster
	draft next.json
}

# ask STATUS ANSWER ARGUMENT...: on a terminal, whose keyboard says ANSWER.
ask() {
	local expected=$1 answer=$2
	shift 2
	run "-$expected" script -qec "$(printf '%q ' "$BUILD/teectl" "$@")" /dev/null < <(printf '%s\n' "$answer")
}

ARGS=(manifest approve next.json --key members/user1.secret --quorum-key "$QUORUM_KEY")

@test "manifest approve: writes QuorumOS's approval file, which verifies" {
	try 0 "${ARGS[@]}" --yes
	prints "user1-quit-coding-to-vape-3.approval: approved"
	says "next: teectl manifest collect FILE user1-quit-coding-to-vape-3.approval, by the operator"
	jq -e --arg key "$(cat members/user1.pub)" '.member == {"alias": "user1", "pubKey": $key | rtrimstr("\n")} and
		(.signature | test("^[0-9a-f]{128}$")) and keys == ["member", "signature"]' user1-quit-coding-to-vape-3.approval
	same "$(wc -l <user1-quit-coding-to-vape-3.approval)" 0
	try 3 manifest collect next.json user1-quit-coding-to-vape-3.approval
}

@test "manifest approve: the file goes beside the manifest, with the namespace's slashes replaced" {
	mkdir there
	cp "$OLD" old.json
	change old.json '.namespace.name = "prod/signer/eu"'
	sed -i 's|namespace: quit-coding-to-vape|namespace: prod/signer/eu|' cluster.yaml
	teectl manifest new --from old.json --out there/next.json >/dev/null 2>&1
	try 0 manifest approve there/next.json --key members/user1.secret --quorum-key "$QUORUM_KEY" --yes -o json
	json .file there/user1-prod-signer-eu-3.approval
	json .member user1
	json .nonce 3
	json .kept false
	json '.checks | map(.passed) | all' true
	[[ -e there/user1-prod-signer-eu-3.approval && -e members/user1.secret.prod-signer-eu.approved ]]
	# Its key is known now.
	rm there/*.approval
	try 0 manifest approve there/next.json --key members/user1.secret --yes
	prints "as in KEY.seen"
}

@test "manifest approve: shows in words what is approved, and six words to compare" {
	try 0 "${ARGS[@]}" --yes
	prints "namespace      quit-coding-to-vape"
	prints "You are user1. With your approval, 2 of 3 like it let enclaves"
	local words=${output##*other members: }
	words=${words%%$'\n'*}
	same "$(wc -w <<<"$words")" 6
	same "$(teectl manifest show next.json -o json | jq -r .check_phrase)" "$words"
	prints "pcr0          ok"
	prints "anchor        ok      AWS Nitro Enclaves Root-G1"
}

@test "manifest approve: asks on a terminal, and takes nothing but yes" {
	ask 2 no "${ARGS[@]}"
	prints "Approve this manifest? (yes/no, the whole word)"
	prints "not confirmed: nothing was done, since the answer was not the word yes"
	[[ ! -e user1-quit-coding-to-vape-3.approval && ! -e members/user1.secret.seen ]]
	ask 2 y "${ARGS[@]}"
	ask 2 "yes please, if you like" "${ARGS[@]}"
	ask 0 yes "${ARGS[@]}"
	[[ -e user1-quit-coding-to-vape-3.approval ]]
	same "$(stat -c %a members/user1.secret.seen)" 600
}

@test "manifest approve: with nobody to ask it needs --yes" {
	try 64 "${ARGS[@]}"
	says "nobody is there to ask: --yes"
	ask 64 yes "${ARGS[@]}" -o json
	prints "nobody is there to ask"
	[[ ! -e user1-quit-coding-to-vape-3.approval ]]
}

@test "manifest approve: again it is there already; another file is not overwritten" {
	try 0 "${ARGS[@]}" --yes
	cp user1-quit-coding-to-vape-3.approval first
	try 0 "${ARGS[@]}"
	prints "there already"
	cmp first user1-quit-coding-to-vape-3.approval
	approve next.json 2
	try 65 "${ARGS[@]}" --yes --out user2.approval
	says "'user2.approval' is there already, is no approval of this manifest by you"
}

# denied FILTER REASON WORDS: after the operator changed his draft so, the member signs nothing.
denied() {
	cp next.json bad.json
	change bad.json "$1"
	try 5 manifest approve bad.json --key members/user1.secret --quorum-key "$QUORUM_KEY" --yes --out no.approval -o json
	json .error.reason "$2"
	says "$3"
	[[ ! -e no.approval && ! -e members/user1.secret.seen ]]
}

@test "manifest approve: refuses what is not the member's own cluster file, naming the check" {
	denied '.manifest.namespace.name = "other"' namespace "'quit-coding-to-vape' expected, 'other' found"
	denied '.manifest.namespace.nonce = 1' nonce "1 is below the cluster file's 2"
	denied '.manifest.manifestSet.threshold = 1' manifest_set "threshold 2 expected, 1 found"
	denied 'del(.manifest.shareSet.members[1])' share_set "the manifest has no member with the key of 'user2'"
	denied '.manifest.shareSet.threshold = 3' share_set "threshold 2 expected, 3 found"
	denied '.manifest.manifestSet.members[2].alias = "eve"' manifest_set "'eve' is called 'user3' in the cluster file"
	denied '.manifest.enclave.pcr0 = "ab" * 48' pcr0 "image: "
	denied '.manifest.enclave.pcr1 = "ab" * 48' pcr1 "runtime: "
	denied '.manifest.enclave.pcr2 = "ab" * 48' pcr2 "launch options: "
	denied '.manifest.enclave.pcr3 = "ab" * 48' pcr3 "role: "
	denied '.manifest.enclave.awsRootCertificate = "00"' anchor "641a0321"
	denied ".manifest.namespace.quorumKey = \"$(cat "$VECTORS/qos/boot-e2e/mock_p256_dr.pub")\"" quorum_key "not that of"
	# A member has no cluster there to look at, or to start.
	says "ask whoever sent it what is meant, by another way than it came"
	hasnt "$stderr" "teectl status"
}

@test "manifest approve: names all that differs, not the first alone" {
	change next.json '.manifest.shareSet.threshold = 3 | .manifest.enclave.pcr0 = "ab" * 48'
	try 5 "${ARGS[@]}" --yes
	says "share_set: threshold"
	prints "pcr0          FAILED"
	prints "share_set     FAILED"
	prints "pcr3          ok"
}

@test "manifest approve: a nonce below the highest that the key has seen is refused" {
	draft later.json --nonce 9
	approve later.json 1
	try 5 "${ARGS[@]}" --yes
	says "nonce 3 is below 9, the highest that this key has sealed to or approved"
	[[ ! -e user1-quit-coding-to-vape-3.approval ]]
}

@test "manifest approve: another quorum key than the one known of that namespace is refused, with the operator's file too" {
	approve next.json 1
	change next.json ".manifest.namespace.quorumKey = \"$(cat "$VECTORS/qos/boot-e2e/mock_p256_dr.pub")\""
	try 5 manifest approve next.json --key members/user1.secret --yes --quorum-key "$VECTORS/qos/boot-e2e/mock_p256_dr.pub"
	says "quorum_key: not that of KEY.seen"
}

@test "manifest approve: without anything to compare the quorum key with it signs nothing" {
	try 66 manifest approve next.json --key members/user1.secret --yes
	says "nothing to compare the manifest's quorum key with"
	says "--quorum-key names the quorum_key.pub"
}

@test "manifest approve: shows what has changed since the last one" {
	approve next.json 1
	cp next.json other.json
	change other.json '.manifest.enclave.qosCommit = "evil" | .manifest.namespace.nonce = 4'
	try 0 manifest approve other.json --key members/user1.secret --yes --out other.approval
	prints "Against the manifest that you approved last (nonce 3):"
	prints "evil"
	echo spoilt >members/user1.secret.quit-coding-to-vape.approved
	rm other.approval
	try 0 manifest approve other.json --key members/user1.secret --yes --out other.approval
	says "no comparison with what you approved last"
}

@test "manifest approve: a nonce has one manifest, whoever asks for another" {
	local key
	approve next.json 1
	cp next.json other.json
	change other.json '.manifest.enclave.qosCommit = "evil"'
	ln -s user1.secret members/link.secret
	for key in user1 link; do
		try 5 manifest approve other.json --key "members/$key.secret" --yes --out other.approval -o json
		json .error.reason nonce
		same "$(jq -c '.error.text | test("approved another manifest of that nonce")' <<<"$output")" true
	done
	# A memory without a hash, as an earlier teectl wrote it: the manifest that was approved last tells.
	change members/user1.secret.seen '.namespaces[].manifest |= empty'
	try 5 manifest approve other.json --key members/user1.secret --yes --out other.approval
	prints "Against the manifest that you approved last (nonce 3):"
	says "you have approved another manifest of that nonce"
	[[ ! -e other.approval ]]
	# The very same again is no other.
	rm user1.approval
	approve next.json 1
	try 5 manifest approve other.json --key members/user1.secret --yes --out other.approval
	# It is asked before any question, and a key of another member knows nothing of it.
	try 0 manifest approve other.json --key members/user2.secret --quorum-key "$QUORUM_KEY" --yes --out other.approval
}

@test "manifest approve: a pivot that the cluster file does not name is refused" {
	change next.json '.manifest.pivot.args = ["--evil"]'
	try 5 "${ARGS[@]}" --yes
	says "pivot: argument 1: '--msg' expected, '--evil' found"
	change next.json '.manifest.pivot.debugMode = true | .manifest.pivot.restart = "Always"'
	try 5 "${ARGS[@]}" --yes
	says "pivot_mode: restart Always, 0 bridges, debug mode on, QuorumOS commit ''"
	sed -i 's/, pivot: {.*} }/ }/' cluster.yaml
	try 5 "${ARGS[@]}" --yes
	says "the cluster file names none (manifest.pivot)"
	[[ ! -e members/user1.secret.seen ]]
}

@test "manifest approve: a link is no memory" {
	ln -s nowhere members/user1.secret.seen
	try 65 "${ARGS[@]}" --yes
	says "user1.secret.seen' is a link"
	[[ -L members/user1.secret.seen && ! -e user1-quit-coding-to-vape-3.approval ]]
}

@test "manifest approve: a spoilt memory is not taken for none" {
	echo '{"version":1}' >members/user1.secret.seen
	try 65 "${ARGS[@]}" --yes
	says "'members/user1.secret.seen'"
	[[ ! -e user1-quit-coding-to-vape-3.approval ]]
}

@test "manifest approve: the key must be a member's of the manifest set, the manifest ours and well formed" {
	teectl member keygen eve >/dev/null
	try 65 manifest approve next.json --key eve.secret --quorum-key "$QUORUM_KEY" --yes
	says "'eve.secret' is the key of no member of the manifest set"
	try 65 manifest approve "$OLD" --key members/user1.secret --yes
	says "version 0, and enclaves take version 1: teectl manifest new --from"
	change next.json '.manifest.patchSet.threshold = 1'
	try 65 "${ARGS[@]}" --yes
	says "patch_set: must be empty"
	change next.json '.manifest.patchSet.threshold = 0'
	try 66 manifest approve next.json --key missing --yes
	try 66 manifest approve missing --key members/user1.secret --yes
}

@test "manifest approve: works where there is no network at all" {
	unshare -rn true 2>/dev/null || skip "no user namespaces here"
	run -0 --separate-stderr unshare -rn "$BUILD/teectl" "${ARGS[@]}" --yes
	prints "approved"
}

@test "manifest approve: never shows the key" {
	try 0 "${ARGS[@]}" --yes
	hasnt "$output$stderr" "$(tr -d '\n' <members/user1.secret)"
	local file
	for file in members/user1.secret.* *.approval; do
		hasnt "$(cat "$file")" "$(tr -d '\n' <members/user1.secret)"
	done
}
