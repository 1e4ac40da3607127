#!/usr/bin/env bats
# teectl share seal: a member in a folder of his own, with a request of a living cluster. The whole
# ceremony, in isolation: ceremony.bats.

load ceremony

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	operator own 2 2 3
	request own request.json
	for i in 1 2 3; do member_home own "$i"; done
}

teardown_file() {
	cd "$BATS_FILE_TMPDIR"
	down_all
}

# Each test has the members' folders and the operator's root for itself.
setup() {
	cd "$BATS_TEST_TMPDIR"
	cp -r "$BATS_FILE_TMPDIR"/{request.json,m1,m2,m3,own-members} .
	mkdir -p .teectl/own
	cp -r "$BATS_FILE_TMPDIR/.teectl/own/pki" .teectl/own/
}

edit() { # N SED-EXPRESSION: member N's cluster file
	sed -i "$2" "m$1/cluster.yaml"
}

@test "share seal: seals to the TEE, signed, and remembers nonce and quorum key" {
	seal 0 1 request.json
	has "$output" 'You are member1. Your share of the quorum key '
	has "$output" 'of own (nonce 1) is about to be sealed to 1 TEE:'
	has "$output" '2 shares of 3 give each of them the quorum key.'
	has "$output" 'bundle: sealed; it goes to the operator, and holds no secret'
	has "$stderr" 'next: teectl share submit bundle, by the operator'
	same "$(jq -r '[.kind, .version, .cluster, .alias, .requestHash, (.shares | length), .shares[0].node] | join(" ")' m1/bundle)" \
		"teectl-share-bundle 1 own member1 $(sha256sum request.json | cut -d ' ' -f 1) 1 tee1"
	same "$(jq -r .expires m1/bundle)" "$(jq -r .expires request.json)"
	same "$(jq -r '.shares[0] | [.encryptedShare, .signature] | map(length) | join(" ")' m1/bundle)" '260 128'
	same "$(jq -r '.shares[0].documentHash' m1/bundle)" \
		"$(jq -r '.targets[0].document' request.json | xxd -r -p | sha256sum | cut -d ' ' -f 1)"
	same "$(jq -r '.namespaces[0] | [.name, .nonce, .quorumKey] | join(" ")' m1/member1.secret.seen)" \
		"own 1 $(cat "$BATS_FILE_TMPDIR/.teectl/own/quorum_key.pub")"
	secret_nowhere 1 m1/bundle
	secret_nowhere 1 m1/member1.secret.seen
}

@test "share seal: -o json lists every check; two bundles of one request have no share in common" {
	seal 0 1 request.json -o json
	same "$(jq -r '.checks | map(select(.passed)) | map(.check) | join(" ")' <<<"$output")" \
		'request expiry namespace nonce manifest_set share_set pcr0 pcr1 pcr2 pcr3 anchor pivot pivot_mode genesis approvals quorum_key seen tee1 share'
	same "$(jq -r '[.member, .file, .nonce, .targets[0].node, .targets[0].debug] | join(" ")' <<<"$output")" \
		'member1 bundle 1 tee1 false'
	same "$(wc -w <<<"$(jq -r .check_phrase <<<"$output")")" 6
	mv m1/bundle first
	seal 0 1 request.json
	run ! cmp -s <(jq -r '.shares[0].encryptedShare' first) <(jq -r '.shares[0].encryptedShare' m1/bundle)
	seal 0 1 request.json
	has "$output" 'as your key knows it'
}

@test "share seal: the operator and the member see the same six words" {
	local words
	seal 0 2 request.json
	words=${output##*other members: }
	words=${words%%$'\n'*}
	# Those of SHA-256 of the request, for whoever has the word list and another program.
	local list bits
	list=($(grep -oE '"[a-z]+"' "$BATS_TEST_DIRNAME/../lib/crypto/bip39_words.c" | tr -d '"'))
	bits=$((0x$(sha256sum request.json | cut -c 1-11) >> 22))
	same "${words%% *} ${#list[@]}" "${list[bits >> 11]} 2048"
	has "$words" " ${list[bits & 2047]}"
	seal 0 3 request.json
	has "$output" "other members: $words"
	change request.json other.json --arg t "$(date -u -d '-1 hour' +%FT%TZ)" '.created = $t'
	seal 0 3 other.json
	hasnt "$output" "other members: $words"
}

# ask STATUS ANSWER: on a terminal.
ask() {
	run "-$1" script -qec "cd m1 && $(printf '%q ' "$BUILD/teectl" share seal --request ../request.json \
		--key member1.secret --share member1.share --out bundle)" /dev/null < <(printf '%s\n' "$2")
}

@test "share seal: asks on a terminal, and takes nothing but yes" {
	ask 2 y
	has "$output" 'Seal your share to these TEEs? (yes/no, the whole word)'
	has "$output" 'not confirmed: nothing was done, since the answer was not the word yes'
	has "$output" 'hint: the same command again, and the whole word: yes'
	# No cluster is on a member's machine.
	hasnt "$output" 'teectl status'
	[[ ! -e m1/bundle && ! -e m1/member1.secret.seen ]]
	ask 0 yes
	[[ -s m1/bundle ]]
	rm m1/bundle
	run -64 --separate-stderr env -C m1 "$BUILD/teectl" share seal --request ../request.json \
		--key member1.secret --share member1.share --out bundle
	has "$stderr" 'nobody is there to ask: --yes answers for a script'
	[[ ! -e m1/bundle ]]
}

@test "share seal: files that are missing, malformed or there already" {
	echo mine >m1/bundle
	run -65 --separate-stderr env -C m1 "$BUILD/teectl" share seal --request ../request.json --yes \
		--key member1.secret --share member1.share --out bundle
	has "$stderr" "'bundle' is there already, and is not overwritten"
	same "$(cat m1/bundle)" mine
	refuses 1 none.json 66 none.json
	echo '{"kind":' >broken.json
	refuses 1 broken.json 65 'a JSON value expected'
	change request.json v2.json '.version = 2'
	refuses 1 v2.json 65 version
	change request.json kind.json '.kind = "teectl-share-bundle"'
	refuses 1 kind.json 65 kind
	change request.json more.json '.more = 1'
	refuses 1 more.json 65 more
	change request.json none.json '.targets = []'
	refuses 1 none.json 65 targets
	change request.json time.json '.expires = "soon"'
	refuses 1 time.json 65 "expires: 'soon' is not a time"
}

@test "share seal: a request that was made a year before it expires, or is to be made in a year" {
	change request.json past.json --arg t "$(date -u -d '-1 year' +%FT%TZ)" '.created = $t'
	refuses 1 past.json 65 'more than 30 days before it expires'
	change request.json ahead.json --arg t "$(date -u -d '+1 year' +%FT%TZ)" '.created = $t'
	refuses 1 ahead.json 65 'which is still to come'
	change request.json week.json --arg t "$(date -u -d '-7 days' +%FT%TZ)" '.created = $t'
	seal 0 1 week.json
}

@test "share seal: a request that lasts for years, or comes from the future" {
	change request.json years.json '.expires = "2036-01-01T00:00:00Z"'
	refuses 1 years.json 65 'the request expires at 2036-01-01T00:00:00Z, more than 30 days ahead'
	change request.json future.json --arg t "$(date -u -d '+2 minutes' +%FT%TZ)" '.created = $t'
	refuses 1 future.json 65 'which is still to come'
	change request.json month.json --arg t "$(date -u -d '+29 days' +%FT%TZ)" '.expires = $t'
	seal 0 1 month.json
}

@test "share seal: another's share, another's key, and a share that was changed" {
	cp m2/member2.share m1/member1.share
	refuses 1 request.json 65 'not sealed to this key, or changed since'
	cp "$VECTORS/qos/boot-e2e/user1.secret" m2/member2.secret
	refuses 2 request.json 65 "'member2.secret' is the key of no member of the share set"
	printf '\x00' | dd of=m3/member3.share bs=1 seek=129 conv=notrunc status=none
	refuses 3 request.json 65 'not sealed to this key, or changed since'
	# One that opens, of another genesis.
	"$BUILD/forge" seal "$(cat m3/member3.pub)" <<<"[1$(printf ',7%.0s' {1..32})]" | hex_of | xxd -r -p >m3/member3.share
	refuses 3 request.json 65 'holds another share than the attested one'
}

@test "share seal: a manifest that is not what the member's own file says" {
	edit 1 's/threshold: 2/threshold: 3/'
	refuses 1 request.json 5 'share_set: threshold 3 expected, 2 found'
	edit 2 's/namespace: own/namespace: mine/'
	refuses 2 request.json 5 "namespace: 'mine' expected, 'own' found"
	edit 2 's/namespace: mine/namespace: own/; s/nonce: 1/nonce: 2/'
	refuses 2 request.json 5 "nonce: 1 is below the cluster file's 2"
	edit 2 's/nonce: 2/nonce: 1/; s/role: test-operators/role: others/; /^    3:/d'
	refuses 2 request.json 5 'pcr3: role: '
	edit 3 "s/^    0: ./    0: x/"
	sed -i 's/^    0: x/    0: 0/' m3/cluster.yaml
	cp "$VECTORS/aws/aws_nitro_root_g1.der" m3/root.der
	refuses 3 request.json 5 'anchor: root with SHA-256 641a0321'
}

@test "share seal: a quorum key that is not the one that the member knows" {
	run -5 --separate-stderr env -C m1 "$BUILD/teectl" share seal --request ../request.json --yes \
		--key member1.secret --share member1.share --out bundle --quorum-key member2.pub
	has "$stderr" 'the quorum key is another than the one that you named'
	seal 0 1 request.json
	sed -i "s/\"quorumKey\":\"[0-9a-f]*\"/\"quorumKey\":\"$(cat m2/member2.pub)\"/" m1/member1.secret.seen
	refuses 1 request.json 5 'the quorum key is another than the one that your key knows of that namespace'
	sed -i 's/"nonce":1/"nonce":2/; s/,"quorumKey":"[0-9a-f]*"//' m1/member1.secret.seen
	refuses 1 request.json 5 'nonce 1 is below 2, the highest that this key has sealed to or approved'
}

@test "share seal: a genesis that is missing, changed, or of other members" {
	change request.json none.json 'del(.genesis)'
	refuses 1 none.json 5 'nobody has approved the manifest, and there is no genesis that made it'
	change request.json output.json '.genesis.output |= sub("00$"; "01") | .genesis.output |= sub("ee"; "ef")'
	refuses 1 output.json 5 'genesis: user_data is not the expected one'
	change request.json document.json '.genesis.document = .targets[0].document'
	refuses 1 document.json 5 'genesis: '
	sed -i 's/^  threshold: 2/&\n  drKey: member1.pub/' m1/cluster.yaml
	refuses 1 request.json 5 "genesis: the disaster-recovery key is not the cluster file's"
}

@test "share seal: a key with a passphrase is asked for it, and a wrong one says no more than that" {
	teectl member protect m1/member1.secret --passphrase-fd 0 <<<'correct horse' >/dev/null
	seal 0 1 request.json --passphrase-fd 3 3<<<'correct horse'
	seal 65 1 request.json --passphrase-fd 3 3<<<'wrong horse'
	has "$stderr" "key file 'member1.secret': the passphrase does not open it, or it was changed"
	hasnt "$stderr$output" horse
}

# A later manifest, as an upgrade makes one: nonce 2, approved by N members; the TEE holds it.
later() { # N...
	local i hash words=()
	jq -c '.manifestEnvelope | .manifest.namespace.nonce = 2' request.json >next.json
	for i in "$@"; do
		(cd "m$i" && teectl manifest approve ../next.json --key "member$i.secret" \
			--quorum-key "$BATS_FILE_TMPDIR/.teectl/own/quorum_key.pub" --yes --out "../$i.approval" >/dev/null)
		words+=("$i.approval")
	done
	teectl manifest collect next.json "${words[@]}" >/dev/null 2>&1 || true
	hash=$(teectl manifest show next.json -o json | jq -r .manifest_hash)
	change request.json later.json --slurpfile e next.json '.manifestEnvelope = $e[0]'
	reforge later.json later.json 0 own "user_data=$hash" commit=
}

@test "share seal: a later manifest needs its approvals, and a quorum key that the member knows" {
	later 1 2
	seal 0 1 later.json
	has "$output" 'approvals     ok      2 valid, 2 needed'
	has "$output" 'attested, and the quorum key is the one that it made'
	# He who has approved nothing, and sealed nothing, knows no key.
	refuses 3 later.json 66 'there is nothing to compare the quorum key with'
	seal 0 3 later.json --quorum-key "$BATS_FILE_TMPDIR/.teectl/own/quorum_key.pub"
	# And none goes back.
	refuses 3 request.json 5 'nonce 1 is below 2'
	# A quorum from QuorumOS has no genesis of ours.
	change later.json without.json 'del(.genesis)'
	refuses 1 without.json 5 'the request has no genesis to compare your share with'
	sed -i "s|^  threshold: 2|&\n  publicKey: $BATS_FILE_TMPDIR/.teectl/own/quorum_key.pub|" m1/cluster.yaml
	seal 0 1 without.json
	has "$output" 'none: the share is compared with nothing but its quorum'
}

@test "share seal: a genesis manifest that was approved since, as a restart needs it, is the genesis's still" {
	local i words=()
	jq -c .manifestEnvelope request.json >own.json
	for i in 1 2; do
		(cd "m$i" && teectl manifest approve ../own.json --key "member$i.secret" \
			--quorum-key "$BATS_FILE_TMPDIR/.teectl/own/quorum_key.pub" --yes --out "../$i.approval" >/dev/null)
		words+=("$i.approval")
	done
	teectl manifest collect own.json "${words[@]}" >/dev/null
	change request.json approved.json --slurpfile e own.json '.manifestEnvelope = $e[0]'
	same "$(jq '.manifestEnvelope.manifestSetApprovals | length' approved.json)" 2
	# Member 3 has approved nothing, and sealed nothing: the genesis tells him the quorum key.
	seal 0 3 approved.json
	has "$output" "none needed: it is the genesis'"
}

@test "share seal: too few approvals, and one that is not a member's" {
	later 1
	refuses 1 later.json 5 '1 of 2 approvals'
	change later.json forged.json '.manifestEnvelope.manifestSetApprovals[0].signature |= (.[1:] + .[:1])'
	refuses 1 forged.json 5 approval
}

@test "share seal: what is the member's own to mend is not blamed on the request" {
	teectl member protect m1/member1.secret --passphrase-fd 0 <<<'correct horse' >/dev/null
	seal 65 1 request.json --passphrase-fd 3 3<<<'wrong horse'
	has "$stderr" 'nothing was sealed; key, passphrase and share are your own: look for those of this quorum'
	hasnt "$stderr" 'ask whoever sent the request'
	run -64 --separate-stderr setsid env -C m1 "$BUILD/teectl" share seal --request ../request.json --yes \
		--key member1.secret --share member1.share --out bundle
	has "$stderr" 'nobody is there to ask for a passphrase: --passphrase-fd'
	hasnt "$stderr" 'ask whoever sent the request'
	cp m3/member3.share m2/member2.share
	seal 65 2 request.json
	has "$stderr" 'key, passphrase and share are your own'
	edit 3 's/root: root.der/root: simulated/'
	seal 2 3 request.json
	has "$stderr" 'hint: set attestation.root of your cluster file to the root.der that you were given'
	edit 3 's/root: simulated/root: root.der/'
	rm m3/member1.pub
	seal 66 3 request.json
	has "$stderr" "root.der and the members' .pub files have to be on this machine"
	# All that are missing, at once.
	rm m3/member2.pub
	seal 66 3 request.json
	has "$stderr" "'member1.pub': No such file or directory; nor is there one of member2 ('member2.pub')"
	hasnt "$stderr" member3
	cp own-members/member2.pub m3/
	chmod 644 m3/member3.secret
	cp m1/member1.pub m3/
	seal 65 3 request.json
	has "$stderr" "'member3.secret' is a private key, and its mode 0644 lets others at it: expected 0600 (chmod 600)"
	# The request's own faults are the sender's.
	change request.json time.json '.expires = "2020-01-01T00:00:00.000Z"'
	seal 65 2 time.json
	has "$stderr" 'ask whoever sent the request'
}
