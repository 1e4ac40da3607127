#!/usr/bin/env bats
# Documents, and what is believed for their sake: genesis, the commitment, export-key's every refusal,
# proofs and receipts, pins and the anchor. What no enclave would say is signed by tests/forge.c, as
# whoever holds the simulated root could.

load helper
load contract

forge() {
	"$BUILD/forge" "$@"
}

# show < DOCUMENT: what it says, verified under the root, in the file seen.
show() {
	forge show "${PKI:-pki}/root.der" >seen
}

seen() {
	sed -n "s/^$1 //p" seen
}

live() { # URL
	ask "$1" POST /enclave/live-attestation '{"nonce":[1,2,3]}'
	accepted
	jq -c .result.LiveAttestationResponse.attestation_doc <<<"$output" | show
}

ZERO48=$(printf '00%.0s' {1..48})

# --- genesis

@test "documents: genesis answers with its fields, of their lengths" {
	hv tee --role operators
	keys 3
	boot "$tee" 2 3
	same "$(jq -r 'keys | join(" ")' <<<"$genesis")" \
		'encrypted_shares ephemeral_key genesis_attestation_doc genesis_output manifest_envelope quorum_public_key waiting_state'
	same "$(jq -c '[(.quorum_public_key | length), (.ephemeral_key | length), .waiting_state, (.encrypted_shares | length)]' <<<"$genesis")" \
		'[130,130,"GenesisBooted",3]'
	same "$(jq -c '[.encrypted_shares[] | [.share_set_member.alias, (keys | join(" ")), (.encrypted_quorum_key_share | length), (.share_hash | length)]] | unique | length' <<<"$genesis")" 3
	same "$(jq -c '.encrypted_shares[1] | [.share_set_member.alias, (keys | join(" ")), (.encrypted_quorum_key_share | length), (.share_hash | length)]' <<<"$genesis")" \
		'["member2","encrypted_quorum_key_share share_hash share_set_member",130,64]'
	same "$(jq -c '.manifest | [.namespace.name, .namespace.nonce, .pivot.restart, .pivot.bridge_config, .pivot.debug_mode, .patch_set, .enclave.qos_commit]' <<<"$envelope" | cut -c1-60)" \
		'["contract",7,"Never",[],false,{"threshold":0,"members":[]},'
	same "$(jq -c '[.manifest_set_approvals, .share_set_approvals]' <<<"$envelope")" '[[],[]]'
	same "$(jq -c .manifest.namespace.quorum_key <<<"$envelope")" "$(jq -c .quorum_public_key <<<"$genesis")"
	same "$(jq -c .manifest.enclave.aws_root_certificate <<<"$envelope" | hex)" "$(od -An -v -tx1 pki/root.der | tr -d ' \n')"
	ask "$tee" GET /enclave/manifest
	accepted
	same "$(jq -cS .manifest_envelope <<<"$output")" "$(jq -cS . <<<"$envelope")"
	# Each member's share is his own, and its hash is the one that was handed out.
	local i plain
	for i in 1 2 3; do
		plain=$(given "$i" | forge open "member$i.secret")
		same "$(jq -c '[length, .[0]]' <<<"$plain")" "[33,$i]"
		same "$(hex <<<"$plain" | tr a-f A-F | basenc -d --base16 | sha512sum | cut -d ' ' -f 1)" \
			"$(jq -c ".encrypted_shares[$((i - 1))].share_hash" <<<"$genesis" | hex)"
	done
}

@test "documents: genesis is vouched for before there is a commitment" {
	hv tee --role operators
	keys 2
	boot "$tee" 2 2
	jq -c .genesis_attestation_doc <<<"$genesis" | show
	same "$(seen user_data)" "$(jq -c .genesis_output <<<"$genesis" | hex | sha256)"
	same "$(seen public_key)/$(seen nonce)" /
	[[ -z $(seen pcr16) || $(seen pcr16) == "$ZERO48" ]]
	same "$(seen pcr15)" "$ZERO48"
	for i in 0 1 2 3; do
		same "$(seen "pcr$i")" "$(jq -c ".manifest.enclave.pcr$i" <<<"$envelope" | hex)"
	done
	same "$(seen pcr3)" "$({ head -c 48 /dev/zero; printf operators; } | openssl dgst -sha384 -r | cut -d ' ' -f 1)"
	# The output echoes the set, and no DR key: le32 threshold, then 00, then the key.
	has "$(jq -c .genesis_output <<<"$genesis" | hex)" "020000000082000000$(jq -c .quorum_public_key <<<"$genesis" | hex)"
}

@test "documents: a DR key is echoed, and opens the seed of the quorum key" {
	hv tee
	keys 2
	teectl member keygen dr >/dev/null
	local dr
	dr=$(bytes "$(tr -d '\n' <dr.pub)")
	ask "$tee" POST /enclave/genesis-boot "$(genesis_request 2 2 | jq -c --argjson dr "$dr" '.dr_key = $dr')"
	accepted
	genesis=$output
	same "$(jq -c '.dr_key_wrapped_quorum_key | length' <<<"$genesis")" 129
	has "$(jq -c .genesis_output <<<"$genesis" | hex)" "0182000000$(tr -d '\n' <dr.pub)"
	(umask 077 && jq -c .dr_key_wrapped_quorum_key <<<"$genesis" | forge open dr.secret | hex >recovered.secret)
	same "$(teectl member show recovered.secret -o json | jq -r .public_key)" "$(jq -c .quorum_public_key <<<"$genesis" | hex)"
}

hmac() { # KEY-HEX < hex, in hex
	tr a-f A-F | basenc -d --base16 | openssl dgst -sha512 -mac HMAC -macopt "hexkey:$1" -r | cut -d ' ' -f 1
}

of_text() {
	printf %s "$1" | od -An -v -tx1 | tr -d ' \n'
}

@test "documents: a seed is what the contract derives from the quorum's master seed" {
	hv tee --insecure-open-seed
	keys 2
	teectl member keygen dr >/dev/null
	local dr seed prk info
	dr=$(bytes "$(tr -d '\n' <dr.pub)")
	ask "$tee" POST /enclave/genesis-boot "$(genesis_request 2 2 | jq -c --argjson dr "$dr" '.dr_key = $dr')"
	accepted
	genesis=$output
	inject "$tee" 2
	seed=$(jq -c .dr_key_wrapped_quorum_key <<<"$genesis" | forge open dr.secret | hex)
	prk=$(hmac "$(of_text teectl-generate-seed-v1)" <<<"$seed")
	ask "$tee" POST /generate-seed '{"seed_type":"type","seed_data":"dat  ","strength":160}'
	accepted
	info=$(of_text bip39)0004000000$(of_text type)05000000$(of_text 'dat  ')a000
	same "$(jq -r .entropy <<<"$output")" "$(hmac "$prk" <<<"${info}01" | head -c 40)"
}

@test "documents: two geneses have nothing in common" {
	hv one
	hv two
	keys 2
	boot "$one" 2 2
	local first=$genesis
	boot "$two" 2 2
	for field in quorum_public_key ephemeral_key; do
		[[ $(jq -c ".$field" <<<"$first") != "$(jq -c ".$field" <<<"$genesis")" ]]
	done
	same "$(jq -c .manifest_envelope.manifest.enclave <<<"$first")" "$(jq -c .manifest_envelope.manifest.enclave <<<"$genesis")"
}

# --- what a document says in which phase

@test "documents: commitment, public_key and user_data come with the manifest; the key goes with provisioning" {
	hv tee
	keys 2
	live "$tee"
	same "$(seen nonce)" 010203
	same "$(seen user_data)/$(seen public_key)/$(seen pcr16)" //
	boot "$tee" 2 2
	local hash key commitment
	hash=$(forge hash <<<"$envelope")
	key=$(jq -c .ephemeral_key <<<"$genesis" | hex)
	commitment=$(printf '{"domain":"qos-setup-manifest-pcr-commitment-v1","ephemeralPublicKey":"%s","manifestHash":"%s"}' "$key" "$hash" |
		openssl dgst -sha384 -binary | { head -c 48 /dev/zero; cat; } | openssl dgst -sha384 -r | cut -d ' ' -f 1)
	live "$tee"
	same "$(seen user_data)" "$hash"
	same "$(seen public_key)" "$key"
	same "$(seen pcr16)" "$commitment"
	same "$(grep -c '^pcr' seen)" 32
	for i in {17..31}; do
		same "$(seen "pcr$i")" "$ZERO48"
	done
	inject "$tee" 1
	live "$tee"
	same "$(seen public_key)" "$key"
	inject "$tee" 2
	live "$tee"
	same "$(seen user_data)" "$hash"
	same "$(seen public_key)" ''
	same "$(seen pcr16)" "$commitment"
	ask "$tee" POST /enclave/prove-key "{\"challenge\":$(array 32 5)}"
	jq -c .result.ProveKeyResponse.attestation_doc <<<"$output" | show
	same "$(seen public_key)" ''
}

@test "documents: the setup key is drawn once a boot" {
	hv one
	hv two
	keys 2
	boot "$one" 2 2
	share_manifest "$two"
	live "$two"
	local key
	key=$(seen public_key)
	[[ $key != "$(jq -c .ephemeral_key <<<"$genesis" | hex)" ]]
	share_manifest "$two"
	live "$two"
	same "$(seen public_key)" "$key"
	document "$two" | show
	same "$(seen public_key)/$(seen nonce)" "$key/"
}

# --- share-manifest

@test "documents: a manifest is taken when it is of these measurements, this anchor, and its approvals are valid" {
	hv source
	keys 3
	boot "$source" 2 3
	hv target
	local body
	for i in 0 1 2 3; do
		ask "$target" POST /enclave/share-manifest "{\"manifest_envelope\":$(jq -c ".manifest.enclave.pcr$i[7] |= 255 - ." <<<"$envelope")}"
		refused 403 1005 'Attestation document verification failed' "pcr$i"
	done
	ask "$target" POST /enclave/share-manifest "{\"manifest_envelope\":$(jq -c '.manifest.enclave.aws_root_certificate[9] |= 255 - .' <<<"$envelope")}"
	refused 403 1008 'Manifest not approved' aws_root_certificate
	ask "$target" POST /enclave/share-manifest "{\"manifest_envelope\":$(jq -c '.manifest.enclave.aws_root_certificate = []' <<<"$envelope")}"
	refused 403 1008 'Manifest not approved' aws_root_certificate
	# Approvals: all that are there must be valid, and none need be there.
	approvals 1 2
	for change in '.manifest_set_approvals[1].signature[0] |= 255 - .' '.manifest_set_approvals[1].member.alias = "member3"' \
		'.manifest_set_approvals[1].member.pub_key = .manifest_set_approvals[0].member.pub_key' \
		'.manifest_set_approvals[1] = .manifest_set_approvals[0]' '.manifest_set_approvals[1].member.alias = "nobody"' \
		'.manifest.pivot.args = ["x"]'; do
		ask "$target" POST /enclave/share-manifest "{\"manifest_envelope\":$(jq -c "$change" <<<"$envelope")}"
		refused 403 1008 'Manifest not approved' || fail "$change"
	done
	same "$(phase_of "$target")" WaitingForBootInstruction
	share_manifest "$target"
	same "$(phase_of "$target")" WaitingForForwardedKey
	ask "$target" GET /enclave/manifest
	same "$(jq -c '.manifest_envelope.manifest_set_approvals | length' <<<"$output")" 2
	# Equal are those whose hashes are: without its approvals it is a replay.
	envelope=$(jq -c '.manifest_set_approvals = []' <<<"$envelope")
	share_manifest "$target"
}

@test "documents: an enclave of another root does not take this one's manifest" {
	hv tee
	keys 2
	boot "$tee" 2 2
	PKI=$PWD/elsewhere hv foreign
	ask "$foreign" POST /enclave/share-manifest "$(envelope_of)"
	refused 403 1008 'Manifest not approved' aws_root_certificate
}

@test "documents: pins refuse every other set, at genesis and at share-manifest" {
	keys 3
	local manifest_set share_set
	manifest_set=$(forge pin <<<"{\"threshold\":2,\"members\":$(members 3)}")
	share_set=$(forge pin <<<"{\"threshold\":2,\"members\":$(members 3 | jq -c reverse)}")
	same "$share_set" "$manifest_set"
	# The pin is SHA-256 of borsh: threshold, then members sorted by alias.
	local borsh=0200000003000000 i
	for i in 1 2 3; do
		borsh+=07000000$(printf "member$i" | od -An -v -tx1 | tr -d ' \n')82000000$(tr -d '\n' <"member$i.pub")
	done
	same "$(sha256 <<<"$borsh")" "$manifest_set"
	hv tee --pin-manifest-set "$manifest_set" --pin-share-set "$share_set"
	hv free
	for change in '.share_threshold = 3' '.manifest_threshold = 1' '.share_members |= .[:2]' '.manifest_members |= .[1:]' \
		'.share_members[0].alias = "x"' '.manifest_members[0].pub_key = .share_members[1].pub_key | .manifest_members[1].pub_key = .share_members[0].pub_key'; do
		ask "$tee" POST /enclave/genesis-boot "$(genesis_request 2 3 | jq -c "$change")"
		refused 403 1008 'Manifest not approved' pinned || fail "$change"
	done
	boot "$free" 3 3
	hv target --pin-share-set "$share_set"
	# Of the same measurements but for the pin, so that the pin decides.
	local pcr2
	live "$target"
	pcr2=$(bytes "$(seen pcr2)")
	ask "$target" POST /enclave/share-manifest "$(envelope_of | jq -c --argjson pcr2 "$pcr2" '.manifest_envelope.manifest.enclave.pcr2 = $pcr2')"
	refused 403 1008 'Manifest not approved' pinned
	boot "$tee" 2 3
}

# --- export-key

# forged PCRS... : export-key of a document that says what a target would, but for the changes.
export_forged() {
	export_key "$source" "$(forge document "${FORGE_PKI:-pki}" "$@" <base)"
}

provisioned() { # source provisioned by three members; base: the document of target, which holds its manifest
	hv source --role operators
	hv target --role operators
	keys 3
	boot "$source" 2 3
	inject "$source" 2
	share_manifest "$target"
	document "$target" >base
}

@test "documents: the forge's document is believed as the target's is, so what is refused below is refused for its change" {
	provisioned
	export_forged
	accepted
	export_forged nonce=0102 commit=
	accepted
	teectl member keygen thief >/dev/null
	# Whoever holds the root owns the cluster: the limit of what "simulated" means.
	export_forged "public_key=$(tr -d '\n' <thief.pub)" commit=
	accepted
	(umask 077 && jq -c .result.ExportKeyResponse.encrypted_quorum_key <<<"$output" | forge open thief.secret | hex >stolen.secret)
	same "$(teectl member show stolen.secret -o json | jq -r .public_key)" "$(jq -c .quorum_public_key <<<"$genesis" | hex)"
	jq -c .result.ExportKeyResponse.signature <<<"$output" | forge verify "$(jq -c .quorum_public_key <<<"$genesis" | hex)" \
		"$(jq -c .result.ExportKeyResponse.encrypted_quorum_key <<<"$output" | hex)"
}

@test "documents: export-key refuses an old document, one of the future, and one whose leaf has ended" {
	provisioned
	export_forged age=295
	accepted
	export_forged age=302
	refused 403 1005 'Attestation document verification failed' freshness old
	export_forged age=-25
	accepted
	export_forged age=-32
	refused 403 1005 'Attestation document verification failed' freshness ahead
	export_forged expired=
	refused 403 1005 'Attestation document verification failed' 'no longer valid'
}

@test "documents: export-key refuses another root and a broken signature" {
	provisioned
	PKI=$PWD/elsewhere hv foreign
	FORGE_PKI=elsewhere export_forged
	refused 403 1005 'Attestation document verification failed' chain
	export_key "$source" "$(jq -c '.[-1] |= 255 - .' <base)"
	refused 403 1005 'Attestation document verification failed' signature
	# In the module's name, which the signature covers.
	export_key "$source" "$(jq -c '.[30] |= 97' <base)"
	refused 403 1005 'Attestation document verification failed' signature
}

@test "documents: export-key refuses what can't be decoded as a document, as 1005 and not as JSON" {
	provisioned
	for bad in '[0]' '[132]' "$(jq -c '.[:-1]' <base)" "$(jq -c '. + [0]' <base)" "$(jq -c '.[1:]' <base)"; do
		export_key "$source" "$bad"
		refused 403 1005 'Attestation document verification failed'
	done
	export_key "$source" '[]'
	refused 400 1000 'Invalid request' attestation_doc
}

@test "documents: export-key refuses other measurements, each by its name" {
	provisioned
	for i in 0 1 2 3; do
		export_forged "pcr$i=$(printf 'ab%.0s' {1..48})"
		refused 403 1005 'Attestation document verification failed' "PCR$i" abababab
		export_forged "pcr$i="
		refused 403 1005 'Attestation document verification failed' "PCR$i"
	done
	for i in 4 16 17 31; do
		export_forged "pcr$i="
		refused 403 1005 'Attestation document verification failed' "PCR$i"
	done
}

@test "documents: export-key refuses another manifest hash, another public key, and none" {
	provisioned
	export_forged "user_data=$(printf 'cd%.0s' {1..32})"
	refused 403 1005 'Attestation document verification failed' 'manifest hash'
	export_forged "user_data=$(printf 'cd%.0s' {1..32})" commit=
	refused 403 1005 'Attestation document verification failed' 'manifest hash'
	export_forged user_data=
	refused 403 1005 'Attestation document verification failed' 'manifest hash'
	teectl member keygen thief >/dev/null
	export_forged "public_key=$(tr -d '\n' <thief.pub)"
	refused 403 1005 'Attestation document verification failed' PCR16
	export_forged public_key=
	refused 403 1005 'Attestation document verification failed' 'public_key'
	export_forged "public_key=$(printf '04%.0s' {1..130})"
	refused 403 1005 'Attestation document verification failed' 'public_key'
	export_forged "pcr16=$ZERO48"
	refused 403 1005 'Attestation document verification failed' PCR16
}

@test "documents: of two faults of a document the earlier in the contract's order is told" {
	provisioned
	local wrong other
	wrong=$(printf 'ab%.0s' {1..48}) other=$(printf 'cd%.0s' {1..32})
	export_forged age=302 "user_data=$other" "pcr0=$wrong"
	refused 403 1005 'Attestation document verification failed' freshness
	export_forged "user_data=$other" "pcr0=$wrong" pcr20=
	refused 403 1005 'Attestation document verification failed' 'manifest hash'
	export_forged "pcr0=$ZERO48" "pcr1=$ZERO48" "pcr2=$ZERO48" pcr20=
	refused 403 1005 'Attestation document verification failed' PCR0
	export_forged "pcr3=$wrong" pcr20= "pcr16=$ZERO48"
	refused 403 1005 'Attestation document verification failed' PCR3
	export_forged pcr20= "pcr16=$ZERO48"
	refused 403 1005 'Attestation document verification failed' PCR20
}

@test "documents: a document of the source itself, provisioned, is none to export to" {
	provisioned
	ask "$source" POST /enclave/generate-attestation "{\"manifest_hash\":$ZERO32,\"pcr_values\":[[],[],[],[]]}"
	export_key "$source" "$(jq -c .result.GenerateAttestationResponse.attestation_doc <<<"$output")"
	refused 403 1005 'Attestation document verification failed' public_key
	export_key "$source" "$(jq -c .genesis_attestation_doc <<<"$genesis")"
	refused 403 1005 'Attestation document verification failed' 'manifest hash'
}

@test "documents: a debug enclave gets no key of one that is not" {
	hv source
	hv target --debug
	keys 2
	boot "$source" 2 2
	inject "$source" 2
	# A lawful successor whose measurements are the debug enclave's.
	envelope=$(jq -c '.manifest.namespace.nonce = 8 | .manifest.enclave.pcr0 = [range(48) | 0] | .manifest.enclave.pcr1 = [range(48) | 0]
		| .manifest.enclave.pcr2 = [range(48) | 0]' <<<"$envelope")
	approvals 1 2
	share_manifest "$target"
	export_key "$source" "$(document "$target")"
	refused 403 1005 'Attestation document verification failed' debug
}

# succeed CHANGE MEMBER...: the envelope changed, approved by these
succeed() {
	envelope=$(jq -c "$1" <<<"$original")
	approvals "${@:2}"
}

@test "documents: export-key serves a lawful successor, and no other manifest" {
	provisioned
	local original=$envelope
	while IFS='@' read -r words change; do
		succeed "$change" 1 2
		export_key "$source" "$(<base)"
		refused 403 1008 'Manifest not approved' "$words" || fail "$change"
	done <<-'ROWS'
	nonce@.manifest.pivot.args = ["x"]
	nonce@.manifest.namespace.nonce = 6
	namespace name@.manifest.namespace.nonce = 8 | .manifest.namespace.name = "other"
	share set@.manifest.namespace.nonce = 8 | .manifest.share_set.threshold = 3
	share set@.manifest.namespace.nonce = 8 | .manifest.share_set.members[0].alias = "other"
	manifest set@.manifest.namespace.nonce = 8 | .manifest.manifest_set.threshold = 1
	quorum key@.manifest.namespace.nonce = 8 | .manifest.namespace.quorum_key = [4,107,23,209,242,225,44,66,71,248,188,230,229,99,164,64,242,119,3,125,129,45,235,51,160,244,161,57,69,216,152,194,150,79,227,66,226,254,26,127,155,142,231,235,74,124,15,158,22,43,206,51,87,107,49,94,206,203,182,64,104,55,191,81,245,4,107,23,209,242,225,44,66,71,248,188,230,229,99,164,64,242,119,3,125,129,45,235,51,160,244,161,57,69,216,152,194,150,79,227,66,226,254,26,127,155,142,231,235,74,124,15,158,22,43,206,51,87,107,49,94,206,203,182,64,104,55,191,81,245]
	pcr3@.manifest.namespace.nonce = 8 | .manifest.enclave.pcr3[0] |= 255 - .
	aws_root_certificate@.manifest.namespace.nonce = 8 | .manifest.enclave.aws_root_certificate[0] |= 255 - .
	ROWS
	local next='.manifest.namespace.nonce = 8'
	succeed "$next"
	export_key "$source" "$(<base)"
	refused 403 1008 'Manifest not approved' '0 of 2'
	succeed "$next" 3
	export_key "$source" "$(<base)"
	refused 403 1008 'Manifest not approved' '1 of 2'
	succeed "$next" 3 3
	export_key "$source" "$(<base)"
	refused 403 1008 'Manifest not approved' twice
	succeed "$next" 1 2 3
	envelope=$(jq -c '.manifest_set_approvals[2].signature[5] |= 255 - .' <<<"$envelope")
	export_key "$source" "$(<base)"
	refused 403 1008 'Manifest not approved' member3

	# Approved, it needs a document of an enclave that holds it.
	succeed "$next" 1 3
	export_key "$source" "$(<base)"
	refused 403 1005 'Attestation document verification failed' 'manifest hash'
	hv later --role operators
	share_manifest "$later"
	export_key "$source" "$(document "$later")"
	accepted
	ask "$later" POST /enclave/inject-key "$(exported)"
	accepted
	# And it does not go back.
	envelope=$original
	export_key "$later" "$(<base)"
	refused 403 1008 'Manifest not approved' nonce
}

@test "documents: a successor's enclave may be another one, apart from the role" {
	provisioned
	hv later --role operators --insecure-open-seed
	live "$later"
	local original=$envelope pcr2
	pcr2=$(bytes "$(seen pcr2)")
	[[ $pcr2 != "$(jq -c .manifest.enclave.pcr2 <<<"$envelope")" ]]
	succeed ".manifest.namespace.nonce = 8 | .manifest.enclave.pcr2 = $pcr2 | .manifest.pivot.args = [\"--new\"]" 2 3
	share_manifest "$later"
	export_key "$source" "$(document "$later")"
	accepted
	ask "$later" POST /enclave/inject-key "$(exported)"
	accepted
	ask "$later" POST /generate-seed '{}'
	accepted
}

# --- what is signed

tagged() { # TAG A B: the 120 bytes that are signed, in hex
	printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'
	printf '00%.0s' $(seq $((24 - ${#1})))
	printf '%s%s%s' "$(forge hash <<<"$envelope")" "$2" "$3"
}

@test "documents: prove-key signs the challenge with a document of its own NSM" {
	provisioned
	ask "$source" POST /enclave/prove-key "{\"challenge\":$(array 32 9)}"
	accepted
	same "$(jq -c '[(keys | join(" ")), (.result.ProveKeyResponse | [(keys | join(" ")), (.signature | length)])]' <<<"$output")" \
		'["id result",["attestation_doc quorum_public_key signature",64]]'
	local document proof=$output key
	key=$(jq -c .quorum_public_key <<<"$genesis" | hex)
	same "$(jq -c .result.ProveKeyResponse.quorum_public_key <<<"$proof" | hex)" "$key"
	document=$(jq -c .result.ProveKeyResponse.attestation_doc <<<"$proof")
	show <<<"$document"
	same "$(seen nonce)" "$(array 32 9 | hex)"
	same "$(seen user_data)" "$(forge hash <<<"$envelope")"
	jq -c .result.ProveKeyResponse.signature <<<"$proof" |
		forge verify "$key" "$(tagged teectl-prove-key-v1 "$(array 32 9 | hex)" "$(hex <<<"$document" | sha256)")"
	run ! forge verify "$key" "$(tagged teectl-prove-key-v1 "$(array 32 8 | hex)" "$(hex <<<"$document" | sha256)")" \
		< <(jq -c .result.ProveKeyResponse.signature <<<"$proof")
}

@test "documents: receipts are a chain that the quorum key signed" {
	provisioned
	local key previous i body message
	key=$(jq -c .quorum_public_key <<<"$genesis" | hex)
	ask "$target" GET /enclave/receipts
	same "$output" '{"receipts":[]}'
	export_key "$source" "$(<base)"
	accepted
	local export_receipt
	export_receipt=$(jq -c .result.ExportKeyResponse.receipt <<<"$output")
	ask "$target" POST /enclave/inject-key "$(exported)"
	accepted
	local inject_receipt
	inject_receipt=$(jq -c .result.InjectKeyResponse.receipt <<<"$output")
	ask "$source" GET /enclave/receipts
	accepted
	same "$(jq -c '[.receipts | length, (.[] | [(.body | length), (.signature | length)])]' <<<"$output")" '[2,[84,64],[84,64]]'
	same "$(jq -c '.receipts[1]' <<<"$output")" "$export_receipt"
	previous=$(printf '00%.0s' {1..32})
	for i in 0 1; do
		body=$(jq -c ".receipts[$i].body" <<<"$output" | hex)
		# kind 3 (shares completed), then 1 (export); the sequence counts on.
		same "${body:0:24}" "0$((i ? 1 : 3))0000000$((i))00000000000000"
		same "${body:40:64}" "$(jq -c .ephemeral_key <<<"$genesis" | hex | sha256)"
		message=$(tagged teectl-receipt-v1 "$(sha256 <<<"$body")" "$previous")
		jq -c ".receipts[$i].signature" <<<"$output" | forge verify "$key" "$message"
		previous=$(sha256 <<<"$message")
	done
	same "${body:104:64}" "$(hex <base | sha256)"
	same "$(jq -c '.receipts[0].body[52:] | add' <<<"$output")" 0
	ask "$source" GET '/enclave/receipts?from=1'
	same "$(jq -c .receipts <<<"$output")" "[$export_receipt]"
	ask "$source" GET '/enclave/receipts?from=2'
	same "$output" '{"receipts":[]}'
	ask "$source" GET '/enclave/receipts?from=18446744073709551615'
	same "$output" '{"receipts":[]}'
	# The target's first: kind 2, of its own setup key.
	ask "$target" GET /enclave/receipts
	same "$(jq -c .receipts <<<"$output")" "[$inject_receipt]"
	body=$(jq -c '.receipts[0].body' <<<"$output" | hex)
	same "${body:0:24}" 020000000000000000000000
	show <base
	same "${body:40:64}" "$(seen public_key | sha256)"
	jq -c '.receipts[0].signature' <<<"$output" |
		forge verify "$key" "$(tagged teectl-receipt-v1 "$(sha256 <<<"$body")" "$(printf '00%.0s' {1..32})")"
}

@test "documents: the last 1024 receipts are kept" {
	hv source --nsm-rate 100000
	hv target --nsm-rate 100000
	keys 2
	boot "$source" 2 2
	inject "$source" 2
	share_manifest "$target"
	envelope_of "\"attestation_doc\":$(document "$target")" >body
	seq 1 1030 | sed "s|.*|url = \"$source/enclave/export-key\"\noutput = /dev/null|" >urls
	curl -sS -K urls -Z --parallel-max 4 -H 'Content-Type: application/json' --data-binary @body -w '%{http_code}\n' >codes
	same "$(sort codes | uniq -c | tr -d '\n' | tr -s ' ')" ' 1030 200'
	ask "$source" GET /enclave/receipts
	accepted
	same "$(jq -c '.receipts | [length, (.[0].body[4:8]), (.[-1].body[4:8])]' <<<"$output")" '[1024,[7,0,0,0],[6,4,0,0]]'
}
