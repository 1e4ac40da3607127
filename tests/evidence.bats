#!/usr/bin/env bats
# One journal of all that a quorum can live through: its ceremony, forwards, an upgrade, and total loss
# with recovery by three subsets of its members. Replayed offline at the recorded times; whoever lays hands
# on a line is found. Each field and byte class of each line, in a recorded one: tests/unit/enclave_evidence.c.

load manifest

# lost MEMBER...: every TEE is killed; of these members alone the keys are here.
lost() {
	local member
	kill_node demo tee1
	kill_node demo tee2
	teectl up >/dev/null 2>&1
	cp cluster.yaml with.yaml
	for member in member1 member2 member3; do
		[[ " $* " == *" $member "* ]] || sed -i "s|key: members/$member.secret|pub: members/$member.pub|" with.yaml
	done
}

recovered() { # by the subset: what the TEE proves, and what was said
	teectl -f with.yaml recover -o json 2>>said |
		jq -r '[.outcome, (.nodes[] | select(.name == "tee1") | .key_proved), .quorum_public_key] | join(" ")' >>keys
}

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	local i
	make_cluster --nodes 2
	with_key cluster
	teectl propagate >/dev/null 2>&1
	teectl audit head >heads
	# To another image, with two of three approvals.
	cp "$BUILD/teectl-enclave" image
	printf x >>image
	sed -i 's|^  image: .*|  image: image|' cluster.yaml
	teectl manifest new --out next.json >/dev/null 2>&1
	for i in 1 3; do
		teectl manifest approve next.json --key "members/member$i.secret" --yes --out "$i" >/dev/null 2>&1
	done
	teectl manifest collect next.json 1 3 >/dev/null 2>&1
	teectl manifest adopt next.json >/dev/null
	for i in tee2 tee1; do
		teectl down $i >/dev/null 2>&1
		teectl up >/dev/null 2>&1 || true # the old one is told
		teectl propagate >/dev/null 2>&1
		teectl audit head >>heads
	done
	lost member1 member2
	recovered
	lost member2 member3
	recovered
	lost member1 member2 member3
	head -c 130 /dev/urandom >.teectl/demo/shares/member1.share
	recovered
	teectl propagate >/dev/null 2>&1
	teectl audit fetch >/dev/null 2>&1
	teectl verify >verified 2>&1 || true
	teectl audit head >>heads
	cp .teectl/demo/quorum_key.pub .
}

teardown_file() {
	cd "$BATS_FILE_TMPDIR"
	down_all
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_FILE_TMPDIR/.teectl/demo/journal" "$BATS_FILE_TMPDIR/.teectl/demo/pki/root.der" "$BATS_FILE_TMPDIR"/{heads,keys,said,quorum_key.pub} .
}

@test "evidence: three subsets of members bring the same key back, and a garbage share names its member" {
	local expected
	expected="done true $(<quorum_key.pub)"
	same "$(sort -u keys)" "$expected"
	same "$(wc -l <keys)" 3
	same "$(grep -c 'tee1: restarted, by 2 approvals' said)" 3
	same "$(grep -c 'tee1: shares in, 2 of 2 shares' said)" 3
	has "$(<said)" 'tee1: the share of member1 is wrong'
}

@test "evidence: the whole journal is replayed offline, and every manifest that a document names is in it" {
	run -0 --separate-stderr unshare -rn "$BUILD/teectl" audit verify journal --root root.der --head "$(tail -n 1 heads)" -o json
	json .quorum_public_key "$(<quorum_key.pub)"
	json '.shown | map(select(test("^1 genesis: "))) | length' 1
	json '.shown | map(select(test("^1 manifest: well formed, and approved"))) | length' 1
	json '.shown | map(select(test("^8 shares: signed by their members"))) | length' 1
	json '.shown | map(select(test("^4 exports: signed by the quorum key"))) | length' 1
	json '.shown | map(select(test("^12 receipts: signed by the quorum key"))) | length' 1
	json '.not_shown | map(select(test("commit to a manifest that is not here|no manifest of the journal names|teectl had no part in|predecessors"))) | length' 0
	# Each head that was noted on the way is one of the lines.
	while read -r head; do
		try 0 audit verify journal --root root.der --head "$head"
	done <heads
}

# found WHAT: the altered journal is refused, naming a check.
found() {
	run --separate-stderr teectl audit verify altered --root root.der --head "$(tail -n 1 heads)" -o json
	[[ $status == 5 && $(jq -r .error.reason <<<"$output") =~ ^[a-z_:]+$ ]] || fail "not found: $1"
}

# A byte of that class in line N, of which the line's number picks one: another of its kind.
changed() { # N CLASS
	awk -v n="$1" -v class="$2" 'NR != n { print; next } {
		at = 0; rest = $0
		for (seen = 0; seen <= n * 7 % 40 && match(rest, class); seen++) { at += RSTART; rest = substr(rest, RSTART + 1) }
		c = substr($0, at, 1)
		print substr($0, 1, at - 1) (c ~ /[0-9]/ ? (c + 1) % 10 : c == "k" ? "h" : c ~ /[a-z]/ ? "k" : c == "Q" ? "R" : c ~ /[A-Z]/ ? "Q" : ";") substr($0, at + 1)
	}' journal >altered
}

# Each line in one way, and the ways in turn: all of them on each, in tests/unit/enclave_evidence.c.
@test "evidence: a line that is dropped, repeated or moved, or has a byte of any class changed, is found" {
	local n count classes=('[0-9]' '[a-z]' '[A-Z]' '[:,]' '["{}]' '[+/=.-]')
	count=$(wc -l <journal)
	for ((n = 1; n < count; n++)); do
		case $((n % 9)) in
		0) sed "${n}d" journal >altered ;;
		1) sed "${n}p" journal >altered ;;
		2) sed "$n{h;d};$((n + 1))G" journal >altered ;;
		*) changed "$n" "${classes[n % 9 - 3]}" ;;
		esac
		run -1 cmp -s journal altered
		found "line $n in way $((n % 9))"
	done
	sed "${count}d" journal >altered
	found "the last line dropped"
	sed "${count}p" journal >altered
	found "the last line repeated"
	{ cat journal && printf '{"seq":'; } >altered
	found "bytes added behind the last line"
	head -c -1 journal >altered
	found "the last newline dropped"
}
