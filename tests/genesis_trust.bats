#!/usr/bin/env bats
# Genesis is believed only by its document: whoever stands between teectl and the enclave, or in the
# enclave's place, is found out, and nothing is kept.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	stop_hvs
	down_all
}

PKI=.teectl/birth/pki

birth() { # [EXTRA-YAML]: a cluster of two, up
	NAMESPACE=births cluster birth 2 2 3 "retry: { attempts: 1 }${1:+
$1}"
	teectl -f birth.yaml up >/dev/null 2>&1
}

# But when it asked: nothing else of a genesis is in the state.
kept_nothing() {
	same "$(ls .teectl/birth | grep -vx genesis.asked)" "$(printf '%s\n' journal lock logs pids pki)"
}

# lie WORDS CHANGE...: genesis through a proxy that does that is refused with these words.
lie() {
	local words=$1
	shift
	mitm proxy --to "$(url birth tee1)" --other "$(url birth tee2)" --pki "$PKI" "$@"
	behind birth lie tee1 "$proxy"
	run -5 --separate-stderr teectl -f lie.yaml -o json genesis
	has "$stderr" "$words"
	has "$output" '"outcome": "failed"'
	has "$output" '"exit_status": 5'
	kept_nothing
	stop_hvs
}

restart() {
	teectl -f birth.yaml down >/dev/null 2>&1
	teectl -f birth.yaml up >/dev/null 2>&1
}

goes_through() {
	run -0 --separate-stderr teectl -f birth.yaml genesis
	has "$stderr" 'tee1: genesis done'
}

@test "genesis: a dr_key slipped into the request is refused, also when the answer hides it" {
	birth
	lie 'wrapped to a disaster-recovery key that the cluster file does not name' \
		genesis-boot:ask-dr-key
	restart
	lie 'wrapped to a disaster-recovery key that the cluster file does not name' \
		genesis-boot:ask-dr-key-hidden
	restart
	goes_through
}

@test "genesis: a dr_key left out, exchanged or whose wrap was altered is refused" {
	teectl member keygen recovery >/dev/null
	NAMESPACE=births cluster birth 2 2 3 "retry: { attempts: 1 }"
	sed -i 's/^  threshold: 2/&\n  drKey: recovery.pub/' birth.yaml
	teectl -f birth.yaml up >/dev/null 2>&1
	lie "the disaster-recovery key is not the cluster file's" genesis-boot:ask-no-dr-key
	restart
	lie "the disaster-recovery key is not the cluster file's" genesis-boot:ask-dr-key
	restart
	lie 'the wrapped quorum key is not the attested one' genesis-boot:dr-wrap
	goes_through
	[[ -s .teectl/birth/dr_wrapped_quorum_key ]]
}

@test "genesis: another question than the cluster file's is refused" {
	birth
	lie "the manifest's namespace is not the cluster file's" genesis-boot:ask-namespace
	restart
	lie "the manifest's pivot is not the cluster file's" genesis-boot:ask-pivot
	restart
	lie "the manifest's pivot is not the cluster file's" genesis-boot:ask-argument
	restart
	goes_through
}

@test "genesis: other members or thresholds are refused by the enclave's pins" {
	birth
	for change in threshold manifest-threshold member manifest-member; do
		lie 'Manifest not approved' genesis-boot:ask-$change
	done
	goes_through
}

# Without pins it is teectl that finds out: enclaves that somebody else launched.
@test "genesis: other members or thresholds are refused by teectl where nothing is pinned" {
	local change pcr2
	birth
	PKI=$PWD/$PKI hv lone --role test-operators --insecure-open-seed
	behind birth lone tee1 "$lone"
	run -5 --separate-stderr teectl -f lone.yaml status
	pcr2=$(sed -n "s|.*tee1: PCR2 (launch options) is \([0-9a-f]*\),.*|\1|p" <<<"$stderr" | head -n 1)
	sed -i "s/^  role: .*/&\n  pcrs: { 2: $pcr2 }/" birth.yaml
	for change in threshold:share manifest-threshold:manifest member:share manifest-member:manifest; do
		PKI=$PWD/$PKI hv lone --role test-operators --insecure-open-seed
		mitm proxy --to "$lone" genesis-boot:ask-${change%:*}
		behind birth lie tee1 "$proxy"
		run -5 --separate-stderr teectl -f lie.yaml genesis
		has "$stderr" "${change#*:} set is not the cluster file's"
		kept_nothing
		stop_hvs
	done
}

@test "genesis: an answer that is not what the document attests is refused" {
	birth
	lie "the share of 'member1' is not the attested one" genesis-boot:shares-swapped
	lie "the share of 'member2' is not the attested one" genesis-boot:share-hash
	lie 'there is not one share for each member' genesis-boot:share-dropped
	lie 'the quorum key is not the attested one' genesis-boot:quorum-key
	lie 'user_data' genesis-boot:output
	lie "the manifest's quorum key is not the attested one" genesis-boot:manifest-key
	lie "the manifest's namespace is not the cluster file's" genesis-boot:manifest-name
	lie "the manifest's share set is not the attested one" genesis-boot:manifest-threshold
	lie "the manifest set is not the cluster file's: the threshold is " genesis-boot:manifest-set-threshold
	lie "is not the public key that member 'member1' had in the genesis" genesis-boot:manifest-member
	lie "the manifest's pivot is not the cluster file's" genesis-boot:manifest-pivot
	lie "the manifest's pivot is not the cluster file's" genesis-boot:manifest-restart
	lie "the manifest's pivot is not the cluster file's" genesis-boot:manifest-debug
	lie "the manifest's PCR2 is not the one that was attested" genesis-boot:manifest-pcr
	lie 'the manifest names another trust anchor' genesis-boot:manifest-root
	lie 'the manifest names a QuorumOS commit' genesis-boot:manifest-commit
	lie 'the genesis manifest carries approvals' genesis-boot:manifest-approval
	goes_through
}

@test "genesis: a document that does not hold is refused, whichever of the three" {
	birth
	lie 'signature' live-attestation:flipped
	lie 'signature' genesis-boot:flipped
	lie 'signature' live-attestation@2:flipped
	lie 'PCR0' live-attestation:pcr0
	lie 'PCR1' genesis-boot:pcr1
	lie 'PCR2' live-attestation@2:pcr2
	lie 'PCR3' genesis-boot:pcr3
	lie 'debug' live-attestation:debug
	lie 'debug' genesis-boot:debug
	lie 'debug' live-attestation@2:debug
	lie 'before genesis' live-attestation:nonce
	lie 'nonce' live-attestation:no-nonce
	lie 'after genesis' live-attestation@2:nonce
	lie 'nonce' live-attestation:replayed
	lie 'old' live-attestation:old
	lie 'ahead' live-attestation:ahead
	lie 'nonce' genesis-boot:some-nonce
	lie 'public_key' genesis-boot:public-key
	lie 'user_data' genesis-boot:user-data
	lie 'PCR16' genesis-boot:pcr16
	lie 'older than the question' genesis-boot:early
	lie 'ahead' genesis-boot:ahead
	goes_through
}

@test "genesis: a setup key that is not the committed one is refused" {
	birth
	lie 'PCR16' live-attestation@2:public-key
	lie 'PCR16' live-attestation@2:pcr16
	lie 'public_key' live-attestation@2:no-public-key
	lie 'user_data' live-attestation@2:user-data
	goes_through
}

@test "genesis: documents under another root are refused" {
	birth
	for question in genesis-boot live-attestation live-attestation@2; do
		PKI=$PWD/elsewhere lie 'root' $question:resigned
	done
	goes_through
}

@test "genesis: an answer by another enclave of the same image is refused" {
	birth
	lie 'another TEE answers than the one that was asked' genesis-boot:elsewhere
}

@test "genesis: an answer by an enclave of another hypervisor is refused" {
	birth
	PKI=$PWD/elsewhere hv stranger --role test-operators --insecure-open-seed
	mitm proxy --to "$(url birth tee1)" --other "$stranger" genesis-boot:elsewhere
	behind birth lie tee1 "$proxy"
	run -5 --separate-stderr teectl -f lie.yaml genesis
	has "$stderr" root
	kept_nothing
}

@test "genesis: an answer that was lost is given again, and believed" {
	birth
	mitm proxy --to "$(url birth tee1)" genesis-boot:lost
	behind birth lie tee1 "$proxy"
	run -69 --separate-stderr teectl -f lie.yaml genesis
	has "$stderr" 'tee1: genesis-boot'
	kept_nothing
	goes_through
	run -0 --separate-stderr teectl -f birth.yaml genesis
	has "$output" 'nothing to do: genesis was done'
}

@test "genesis: one that was done before teectl asked is refused as older than the question" {
	birth
	mitm proxy --to "$(url birth tee1)" genesis-boot:lost
	behind birth lie tee1 "$proxy"
	run -69 --separate-stderr teectl -f lie.yaml genesis
	rm .teectl/birth/genesis.asked
	run -5 --separate-stderr teectl -f birth.yaml genesis
	has "$stderr" 'older than the question'
	has "$stderr" "cure: where that genesis is this cluster's, name the state folder"
	kept_nothing
	# Where nobody needs it, what is said helps.
	run -0 --separate-stderr teectl -f birth.yaml down tee1 --lose-key
	run -0 --separate-stderr teectl -f birth.yaml up
	run -0 --separate-stderr teectl -f birth.yaml genesis
}

# The state folder of somebody else's genesis, with the same members, image and pins.
@test "genesis: one that was done with another file in the same state is believed by no verb" {
	cluster own 1 2 2
	teectl -f own.yaml measure --write >/dev/null
	teectl member keygen elsewhere/dr >/dev/null
	sed 's|^quorum:|quorum:\n  drKey: elsewhere/dr.pub|' own.yaml >evil.yaml
	teectl -f evil.yaml up
	teectl -f evil.yaml genesis
	run -5 --separate-stderr teectl -f own.yaml inject
	same "$(did own tee1 inject-shares)" 0
	teectl -f evil.yaml inject
	local verb
	for verb in genesis inject propagate verify status up 'seed --type a --data b'; do
		run -5 --separate-stderr teectl -f own.yaml $verb
		has "$stderr" "the genesis kept in '.teectl/own': the quorum key was wrapped to a disaster-recovery key that the cluster file does not name"
	done
	run -0 --separate-stderr teectl -f evil.yaml verify
}

@test "genesis: a file that says something else than the genesis is told so by every verb" {
	cluster own 1 2 2
	teectl -f own.yaml up
	teectl -f own.yaml genesis
	teectl -f own.yaml inject
	local change words
	while IFS='|' read -r change words; do
		sed "$change" own.yaml >other.yaml
		run -0 diff -q own.yaml own.yaml
		run -5 --separate-stderr teectl -f other.yaml --state .teectl/own verify
		has "$stderr" "$words"
		has "$stderr" 'hint: put it back as it was at the genesis'
	done <<-'EOF'
	s/namespace: own/namespace: other/|the manifest's namespace is not the cluster file's: expected 'other' and nonce 1, found 'own' and nonce 1
	s/nonce: 1/nonce: 2/|the manifest's namespace is not the cluster file's: expected 'own' and nonce 2, found 'own' and nonce 1
	s/name: member2/name: member9/|member 2 is 'member9' in the cluster file
	EOF
}

@test "genesis: a document in the state that nobody signed is not believed" {
	cluster own 1 2 2
	teectl -f own.yaml up
	teectl -f own.yaml genesis
	# The last byte of its signature; the folder's own hashes are made to agree.
	local document=.teectl/own/genesis_attestation_doc size
	size=$(stat -c %s "$document")
	printf '\0\0' | dd of="$document" bs=1 seek=$((size - 2)) conv=notrunc status=none
	sed -i "3s/.*/$(sha256sum "$document" | cut -d ' ' -f 1)/" .teectl/own/manifest.current
	run -5 --separate-stderr teectl -f own.yaml inject
	has "$stderr" "the genesis kept in '.teectl/own'"
	has "$stderr" 'signature'
}
