#!/usr/bin/env bats
# teectl share submit. What members refuse: cmd_share_seal.bats; the ceremony in isolation: ceremony.bats.

load ceremony

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	stop_hvs
	down_all
}

# sealed THRESHOLD MEMBERS: a cluster, a request, and each member's bundle as bN.
sealed() {
	local who
	operator own 2 "$1" "$2"
	request own request.json
	for ((who = 1; who <= $2; who++)); do
		member_home own "$who"
		seal 0 "$who" request.json
		mv "m$who/bundle" "b$who"
	done
}

submit() { # STATUS [OPTION]... BUNDLE...
	local expected=$1
	shift
	run "-$expected" --separate-stderr teectl -f own.yaml share submit "$@"
}

@test "share submit: bundles come one by one, and the last makes the key, which is proved" {
	sealed 3 4
	submit 3 b1
	has "$stderr" 'tee1: 1 of 3; waiting for: member2, member3, member4'
	submit 3 -o json b3
	has "$stderr" 'tee1: 2 of 3; waiting for: member2, member4'
	same "$(jq -r '[.outcome, (.waiting_for | join(",")), .error.exit_status] | join(" ")' <<<"$output")" \
		'waiting member2,member4 3'
	submit 0 -o json b4
	has "$stderr" 'tee1: shares in, 3 of 3 shares'
	has "$stderr" 'tee1: key proved, holds the quorum key'
	same "$(jq -r '.nodes[0] | [.phase, .verified, .key_proved] | join(" ")' <<<"$output")" 'ApplicationReady true true'
	same "$(did own tee1 inject-shares)" 3
}

@test "share submit: a bundle that is sent again is already there, before the key is and after" {
	sealed 2 3
	submit 3 b1
	local rest='teectl -f own.yaml share submit BUNDLE... of those waited for, then teectl -f own.yaml wait --for shares'
	has "$stderr" "hint: $rest"
	hasnt "$stderr" inject
	# Whoever looks later is not sent to ask anew: the request is out, and says who is left.
	mv own-members away
	run -2 --separate-stderr teectl -f own.yaml status
	has "$stderr" "hint: $rest"
	has "$output" $'waiting for one of: member2\n                    member3\n'
	has "$output" 'missing: tee1 waits for shares: 1 of 2 are in'
	mv away own-members
	submit 0 b1
	has "$stderr" 'tee1: a share of member1 is already there'
	has "$output" 'nothing to do: already there: tee1 has 1 of 2 shares, too few for the key; waiting for: member2, member3'
	has "$stderr" "next: $rest"
	submit 0 -o json b1
	same "$(jq -r '[.outcome, (.waiting_for | join(",")), .error] | map(tostring) | join(" ")' <<<"$output")" \
		'nothing to do member2,member3 null'
	same "$(jq -r '.nodes[0] | [.phase, .key_proved] | join(" ")' <<<"$output")" 'WaitingForQuorumShards false'
	# Beside one that is refused it is there as well.
	change b1 old '.expires = "2020-01-01T00:00:00Z"'
	submit 0 old b1
	has "$stderr" "refused: 'old': it expired"
	submit 0 b1 b2
	has "$stderr" 'a share of member1 is already there'
	hasnt "$stderr" 'a share of member2 is already there'
	submit 0 b1 b2 b3
	has "$output" 'nothing to do: already there: tee1 has the quorum key'
}

@test "share submit: one that has expired is refused, and the good ones count" {
	sealed 2 3
	change b1 old '.expires = "2020-01-01T00:00:00Z"'
	submit 65 old
	has "$stderr" "'old': it expired at 2020-01-01T00:00:00Z"
	same "$(did own tee1 inject-shares)" 0
	submit 3 -o json old b2
	has "$stderr" "refused: 'old': it expired"
	has "$stderr" '1 of 2; waiting for: member1, member3'
	submit 0 old b3
	submit 65 old
	has "$stderr" "'old': it expired"
}

@test "share submit: another cluster's, a changed, a cut and a missing bundle stop no other" {
	sealed 2 3
	NAMESPACE=elsewhere operator other 1 2 2
	request other theirs.json
	teectl -f other.yaml share seal --request theirs.json --key other-members/member1.secret \
		--share .teectl/other/shares/member1.share --out foreign --yes >/dev/null
	change b1 signature '.shares[0].signature |= (.[2:] + .[:2])'
	change b1 alias '.alias = "member2"'
	change b1 stranger '.alias = "mallory"'
	head -c 300 b1 >cut
	submit 3 foreign signature alias stranger cut none request.json b3
	has "$stderr" "refused: 'foreign': it is for manifest "
	has "$stderr" "of cluster 'other'; this cluster's is "
	has "$stderr" "refused: 'signature': the share for 'tee1' is not signed by member1 as it stands"
	has "$stderr" "refused: 'alias': the share for 'tee1' is not signed by member2 as it stands"
	has "$stderr" "refused: 'stranger': 'mallory' is no member of the share set"
	has "$stderr" "refused: 'cut': "
	has "$stderr" "refused: 'none': "
	has "$stderr" "refused: 'request.json': "
	has "$stderr" '1 of 2; waiting for: member1, member2'
	for bad in foreign signature alias stranger cut; do
		submit 65 "$bad"
		has "$stderr" "$bad"
	done
	submit 66 none
	submit 0 b1
}

@test "share submit: two bundles of one member are one share" {
	sealed 2 3
	seal 0 1 request.json
	submit 3 b1 m1/bundle
	has "$stderr" "refused: 'm1/bundle': another bundle of member1 stands before it"
	has "$stderr" '1 of 2; waiting for: member2, member3'
	submit 0 m1/bundle
	has "$stderr" 'a share of member1 is already there'
}

@test "share submit: a stale bundle of a member does not stand before his fresh one" {
	sealed 2 2
	reforge request.json earlier.json 0 own "public_key=$(cat own-members/member1.pub)" commit=
	seal 0 1 earlier.json
	mv m1/bundle stale
	submit 0 stale b1 b2
	has "$stderr" "refused: 'stale': it is for no TEE that waits for shares now"
	has "$stderr" 'tee1: shares in, 2 of 2 shares'
}

@test "share submit: one for another boot is refused, whatever TEE it names" {
	sealed 2 2
	# As an earlier start of tee1 would have asked: another setup key, under the same root.
	reforge request.json earlier.json 0 own "public_key=$(cat own-members/member1.pub)" commit=
	seal 0 1 earlier.json
	submit 65 m1/bundle
	has "$stderr" "'m1/bundle': it is for no TEE that waits for shares now"
	# No other bundle for that request would do either.
	hasnt "$stderr" 'share submit BUNDLE'
	same "$(did own tee1 inject-shares)" 0
	submit 3 m1/bundle b2
	has "$stderr" "refused: 'm1/bundle': it is for no TEE"
	submit 0 b1
}

@test "share submit: a share that the enclave rejects names its member, and the others count" {
	sealed 2 3
	worthless 2 request.json own b2 bad
	submit 3 bad b1
	has "$stderr" 'tee1: the enclave rejected the share of member2'
	has "$stderr" '1 of 2; waiting for: member2, member3'
	submit 0 b3
}

@test "share submit: nothing to do it to, before genesis and when no TEE waits" {
	sealed 2 2
	teectl -f own.yaml down >/dev/null 2>&1
	submit 2 b1
	has "$stderr" 'no TEE of this file has the quorum key of '\''own'\'' any more, and none waits for shares; the members'\'' shares bring it back: teectl -f own.yaml recover'
	rm -r .teectl
	submit 2 b1
	has "$stderr" 'there has been no genesis'
	submit 64
	has "$stderr" BUNDLE
}

# sealed_after_loss: a request of both TEEs of a cluster that lost its key, and each member's bundle as bN.
sealed_after_loss() {
	local who
	lost own
	request own request.json
	same "$(jq -r '[.targets[].node] | join(" ")' request.json)" 'tee1 tee2'
	for who in 1 2 3; do
		member_home own "$who"
		seal 0 "$who" request.json
		mv "m$who/bundle" "b$who"
	done
}

@test "share submit: after a total loss the same key comes back on every TEE that waits" {
	sealed_after_loss
	submit 3 b1
	has "$stderr" 'tee1: 1 of 2; waiting for: member2, member3'
	has "$stderr" 'tee2: 1 of 2; waiting for: member2, member3'
	submit 0 b1
	has "$stderr" 'tee1: a share of member1 is already there'
	has "$stderr" 'tee2: a share of member1 is already there'
	has "$output" '1 of 2 shares, too few for the key; waiting for: member2, member3'
	submit 0 -o json b1 b3
	has "$stderr" 'tee1: shares in, 2 of 2 shares'
	has "$stderr" 'tee2: shares in, 2 of 2 shares'
	same "$(jq -r '[.nodes[] | [.phase, .key_proved]] | flatten | join(" ")' <<<"$output")" \
		'ApplicationReady true ApplicationReady true'
	same "$(jq -r .quorum_public_key <<<"$output")" "$key"
	run -0 --separate-stderr teectl -f own.yaml audit verify
}

@test "share submit: after a total loss a worthless share is a candidate until the key tells" {
	sealed_after_loss
	worthless 2 request.json own b2 bad2
	worthless 3 request.json own b3 bad3
	submit 3 b1 bad2
	has "$stderr" 'tee1: 2 of 2, and no set of them gives the quorum key; waiting for: member3'
	has "$stderr" 'tee2: 2 of 2, and no set of them gives the quorum key; waiting for: member3'
	submit 3 -o json b1 bad2
	has "$stderr" 'a share of member2 is already there'
	has "$stderr" 'tee1: 2 of 2, and no set of them gives the quorum key; waiting for: member3'
	same "$(jq -r '.waiting_for | join(" ")' <<<"$output")" member3
	submit 3 bad3
	has "$stderr" 'tee1: 3 of 2, and no set of them gives the quorum key; waiting for: a better share of one of them'
	# A later share of a member takes the place of his earlier.
	submit 0 b3
	has "$stderr" 'tee1: the enclave rejected the share of member2'
	has "$stderr" 'tee1: key proved, holds the quorum key'
	has "$stderr" 'tee2: key proved, holds the quorum key'
}

@test "share submit: after a total loss a candidate may be lost as well, and the bundles serve the other" {
	sealed_after_loss
	submit 3 b1
	kill_node own tee1
	submit 0 b1 b2
	has "$stderr" 'tee2: a share of member1 is already there'
	has "$stderr" 'tee2: key proved, holds the quorum key'
	teectl -f own.yaml up >/dev/null 2>&1
	run -0 --separate-stderr teectl -f own.yaml propagate
	has "$stderr" 'tee1: key forwarded, from tee2'
	same "$(cat .teectl/own/quorum_key.pub)" "$key"
}

@test "share submit: a file of another kind is told by what it looks like, and one that is not there once" {
	sealed 2 2
	submit 65 request.json
	has "$stderr" "'request.json': a share bundle was expected, and this looks like a share request: "
	echo '{"signature":"00","member":{}}' >my.approval
	submit 65 my.approval
	has "$stderr" "'my.approval': a share bundle was expected, and this looks like an approval: "
	head -c 70000 /dev/zero | tr '\0' x >long
	submit 65 long
	has "$stderr" "a share bundle was expected: 'long' has more than 65536 bytes"
	submit 65 m1/member1.share
	has "$stderr" "'m1/member1.share': a share bundle was expected: "
	submit 66 nope.bundle
	has "$stderr" "share submit: 'nope.bundle': No such file or directory"
	hasnt "$stderr" "'nope.bundle': 'nope.bundle'"
	# One that is a bundle has its own reason.
	change b1 odd '.version = 7'
	submit 65 odd
	has "$stderr" "'odd': version: "
	hasnt "$stderr" expected,
	submit 0 request.json b1 b2
	has "$stderr" "refused: 'request.json': a share bundle was expected"
}

@test "share submit: a pipe among the bundles holds nobody up" {
	sealed 3 3
	local fd
	mkfifo pipe
	exec {fd}<>pipe
	submit 3 pipe b1
	has "$stderr" "'pipe' is not a regular file"
	has "$stderr" 'tee1: 1 of 3'
	exec {fd}<&-
}

@test "share submit: more shares than are needed are told as such" {
	sealed 2 3
	submit 0 b1 b2 b3
	has "$stderr" 'tee1: shares in, 3 shares, of which 2 are enough'
	hasnt "$stderr" '3 of 2'
}
