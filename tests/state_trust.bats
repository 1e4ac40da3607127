#!/usr/bin/env bats
# Whoever writes to the state folder, and answers at the nodes' addresses, gets no share and no key: the cluster
# file decides, by the keys and the image that it names.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	stop_hvs
	down_all
}

# born: a cluster of one with the key, whose file names `key:` alone and pins nothing; its TEE is gone again.
born() {
	cluster own 1 2 3
	sed -i 's/, pub: own-members[^ }]*//' own.yaml
	with_key own
	teectl -f own.yaml down --lose-key >/dev/null 2>&1
	local i
	for i in 1 2 3; do
		teectl member keygen "evil/member$i" >/dev/null
	done
	cp "$BUILD/teectl-enclave" evil/enclave
	printf evil >>evil/enclave
}

# evil_tee: of another image, under the same root; net.yaml is own.yaml with it in the place of tee1.
evil_tee() {
	IMAGE=$PWD/evil/enclave PKI=$PWD/.teectl/own/pki hv tee --role test-operators
	behind own net tee1 "$tee"
}

# forged [SIGNERS]: another manifest is the current one: of the evil TEE's PCRs, signed by members of the folder
# SIGNERS (default evil), whom it names as its manifest set; of own-members nobody signs.
forged() {
	local signers=${1:-evil} state=.teectl/own hash next i pcr member document
	hash=$(head -n 1 "$state/manifest.current")
	post "$tee" /enclave/live-attestation '{"nonce":[1]}'
	document=$(jq -c .result.LiveAttestationResponse.attestation_doc <<<"$output")
	jq -c '.manifest.namespace.nonce += 1 | .manifestSetApprovals = []' "$state/manifests/$hash.json" >next
	for i in 0 1 2 3; do
		pcr=$("$BUILD/forge" show "$state/pki/root.der" <<<"$document" | sed -n "s/^pcr$i //p")
		jq -c --arg v "$pcr" ".manifest.enclave.pcr$i = \$v" next >next2 && mv next2 next
	done
	for i in 1 2 3; do
		member=$(tr -d '\n' <"$signers/member$i.pub")
		jq -c --arg v "$member" ".manifest.manifestSet.members[$((i - 1))].pubKey = \$v" next >next2
		mv next2 next
	done
	next=$(teectl -f own.yaml manifest show next -o json | jq -r '.manifest_hash // .hash')
	[[ $signers == own-members ]] || for i in 1 2; do
		member=$("$BUILD/forge" sign "$signers/member$i.secret" "$next" |
			jq -r '.[]' | xargs printf '%02x')
		jq -c --arg v "$member" ".manifestSetApprovals += [{signature: \$v,
			member: .manifest.manifestSet.members[$((i - 1))]}]" next >next2
		mv next2 next
	done
	cp next "$state/manifests/$next.json"
	sed -i "1s/.*/$next/" "$state/manifest.current"
	rm -f "$state"/pids/*
}

sealed_nothing() {
	get "$tee" /status
	same "$(jq -r '.phase, .quorum_key_available' <<<"$output" | paste -sd ' ')" \
		'WaitingForBootInstruction false'
}

# recover is refused with these words; the others that seal have nothing to go on with either.
refused() { # FILE WORDS
	local verb
	run -5 --separate-stderr teectl -f "$1" recover
	has "$stderr" "$2"
	sealed_nothing
	for verb in inject apply upgrade; do
		run --separate-stderr teectl -f "$1" "$verb"
		((status == 2 || status == 5)) || fail "$verb ended otherwise"
		sealed_nothing
	done
}

@test "recover: a manifest that strangers put into the state is refused, by key: alone" {
	born
	evil_tee
	forged
	refused net.yaml "is not the public key that member 'member1' had in the genesis"
}

@test "recover: a manifest that strangers put into the state is refused, also of protected keys" {
	born
	evil_tee
	forged
	local i
	for i in 1 2 3; do
		teectl member protect "own-members/member$i.secret" --passphrase-fd 0 <<<one >/dev/null
	done
	refused net.yaml "is not the public key that member 'member1' had in the genesis"
	rm own-members/*.secret
	refused net.yaml "is not the public key that member 'member1' had in the genesis"
}

@test "recover: a manifest that strangers put into the state is refused, also under a root by file" {
	born
	evil_tee
	forged
	mv .teectl/own/pki away
	sed -i 's|root: simulated|root: away/root.der|' net.yaml
	refused net.yaml "is not the public key that member 'member1' had in the genesis"
}

@test "recover: without a key to compare with nothing is sealed, and status says so" {
	born
	teectl -f own.yaml up >/dev/null 2>&1
	mv own-members away
	run -5 --separate-stderr teectl -f own.yaml recover
	has "$stderr" 'nothing is sealed: no key of the share set is on this machine'
	same "$(did own tee1 boot-standard)" 0
	run --separate-stderr teectl -f own.yaml status
	has "$stderr" 'nothing would be sealed: no key of the share set is on this machine'
	has "$output" tee1
}

@test "recover: of a manifest that nobody has approved every member's key is compared, or nothing is sealed" {
	born
	teectl -f own.yaml up >/dev/null 2>&1
	mkdir away
	mv own-members/member3.* away/
	run -5 --separate-stderr teectl -f own.yaml recover
	has "$stderr" 'nothing is sealed: 2 of the 3 keys of the share set are on this machine, and nobody has approved the manifest that the state keeps'
	same "$(did own tee1 boot-standard)" 0
	run --separate-stderr teectl -f own.yaml status
	has "$stderr" 'nothing would be sealed: 2 of the 3 keys of the share set are on this machine'
	mv away/member3.pub own-members/
	run -0 --separate-stderr teectl -f own.yaml recover
}

@test "recover: of a manifest that nobody has approved the image is here or pinned, or nothing is sealed" {
	born
	teectl -f own.yaml up >/dev/null 2>&1
	behind own far tee1 "$(url own tee1)"
	sed -i 's|image: .*|image: nowhere|; s|root: simulated|root: .teectl/own/pki/root.der|' far.yaml
	run -5 --separate-stderr teectl -f far.yaml recover
	has "$stderr" 'nothing is sealed: nothing here says what PCR0 (image) must be, and nobody has approved the manifest that the state keeps: pin it (enclave.pcrs) or have the image'
	same "$(did own tee1 boot-standard)" 0
	teectl -f own.yaml measure --write >/dev/null
	behind own far tee1 "$(url own tee1)"
	sed -i 's|image: .*|image: nowhere|; s|root: simulated|root: .teectl/own/pki/root.der|' far.yaml
	run -0 --separate-stderr teectl -f far.yaml recover
}

@test "recover: a current manifest of another version, which no enclave can hold, is refused" {
	local current old
	born
	current=$(head -n 1 .teectl/own/manifest.current)
	jq -c 'del(.manifest.pivot.bridgeConfig, .manifest.pivot.debugMode)' ".teectl/own/manifests/$current.json" >old.json
	old=$(teectl manifest show old.json -o json | jq -r .manifest_hash)
	[[ $old =~ ^[0-9a-f]{64}$ && $old != "$current" ]]
	install -m 600 old.json ".teectl/own/manifests/$old.json"
	sed -i "1s/.*/$old/" .teectl/own/manifest.current
	run -65 --separate-stderr teectl -f own.yaml recover
	has "$stderr" "'manifests/$old.json' is a manifest of version 0, and enclaves take version 1"
}

@test "recover: a manifest with the members' keys that nobody approved is refused" {
	born
	evil_tee
	forged own-members
	refused net.yaml PCR0
}

@test "recover: without keys a manifest of a stranger's set is no successor of the genesis's" {
	born
	evil_tee
	forged
	rm own-members/*
	refused net.yaml 'it follows from no manifest that the genesis made'
}

@test "inject: a whole other genesis in the state is refused, by its keys and by its image" {
	born
	mkdir other
	cp -r evil other/own-members
	rm other/own-members/enclave
	(
		cd other
		IMAGE=$PWD/../evil/enclave cluster own 1 2 3
		teectl -f own.yaml up
		teectl -f own.yaml genesis
	) >/dev/null 2>&1
	rm -r .teectl
	cp -r other/.teectl .
	run -5 --separate-stderr teectl -f own.yaml inject
	has "$stderr" "is not the public key that member 'member1' had in the genesis"
	# With the very members' public keys it is the image that tells.
	rm -r own-members
	cp -r other/own-members .
	run -5 --separate-stderr teectl -f own.yaml inject
	has "$stderr" 'nothing is sealed: PCR0 (image): expected '
	has "$stderr" "as the cluster file's image measures, found "
	same "$(did own tee1 inject-shares)" 0
	run --separate-stderr teectl -f own.yaml status
	has "$stderr" 'nothing would be sealed: PCR0 (image)'
	has "$output" tee1
	(cd other && teectl -f own.yaml down >/dev/null 2>&1)
}
