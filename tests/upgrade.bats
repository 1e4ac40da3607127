#!/usr/bin/env bats
# What may succeed a manifest is the enclave's own decision: each of the unlawful ones is sent by curl to a TEE
# of a living cluster of four, with a document of a TEE on the other image. teectl is not asked.

load upgrade
load contract

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	stop_hvs
	verb_teardown
}

# succeed CHANGE [MEMBER]...: the approved manifest changed, in the form of the contract, and approved by these.
succeed() {
	envelope=$(jq -c "$1" <<<"$lawful")
	approvals "${@:2}"
}

# refuses WORDS: the TEE is asked to export to the one of the document, and says no with these words.
refuses() {
	export_key "$source" "$document"
	refused 403 1008 'Manifest not approved' "$@"
}

@test "upgrade: the enclave itself refuses each successor that is not lawful, and the seeds stay" {
	living 4
	local source target own lawful document next
	source=$(url cluster tee2)
	ask "$source" GET /enclave/manifest
	own=$(jq -c .manifest_envelope.manifest <<<"$output")
	image upgraded
	by_hand target upgraded
	cp members/member?.secret members/member?.pub .
	# The other image, with its own PCRs, one nonce further.
	lawful=$(jq -c --argjson pcrs "$(jq -c '[.pcrs[].value | [scan("..")]]' measured)" '
		def bytes: map(ascii_downcase | explode | map(if . > 96 then . - 87 else . - 48 end) | .[0] * 16 + .[1]);
		{manifest: ., manifest_set_approvals: [], share_set_approvals: []}
		| .manifest.namespace.nonce += 1 | .manifest.enclave.pcr0 = ($pcrs[0] | bytes)
		| .manifest.enclave.pcr1 = ($pcrs[1] | bytes)' <<<"$own")
	[[ $(jq -c .manifest.enclave.pcr0 <<<"$lawful") != "$(jq -c .enclave.pcr0 <<<"$own")" ]]
	same "$(jq -c .manifest.enclave.pcr2 <<<"$lawful")" "$(bytes "$(jq -r '.pcrs[2].value' measured)")"
	envelope=$lawful
	approvals 1 3
	share_manifest "$target"
	document=$(document "$target")

	next=$(jq -c .namespace.nonce <<<"$own")
	succeed ".manifest.namespace.nonce = $next" 1 2
	refuses "nonce $next is not above $next"
	succeed ".manifest.namespace.nonce = $((next - 1))" 1 2 3
	refuses "nonce $((next - 1)) is not above $next"
	succeed '.manifest.manifest_set.threshold = 1' 1 2 3
	refuses 'another manifest set'
	succeed '.manifest.manifest_set.members |= .[:2]' 1 2
	refuses 'another manifest set'
	succeed '.manifest.share_set.threshold = 3' 1 2 3
	refuses 'another share set'
	succeed '.manifest.share_set.members |= .[:2]' 1 2 3
	refuses 'another share set'
	succeed '.manifest.enclave.pcr3[0] |= 255 - .' 1 2 3
	refuses 'another pcr3'
	succeed '.manifest.enclave.aws_root_certificate[9] |= 255 - .' 1 2 3
	refuses 'aws_root_certificate'
	succeed '.manifest.namespace.name = "another"' 1 2 3
	refuses 'another namespace name'
	succeed '.'
	refuses '0 of 2'
	succeed '.' 2
	refuses '1 of 2'
	succeed '.' 2 2
	refuses 'twice'
	succeed '.' 1 2 3
	envelope=$(jq -c '.manifest_set_approvals[2].signature[7] |= 255 - .' <<<"$envelope")
	refuses member3
	# Whoever is not of the set: in a set of his own, or as one more who approves.
	teectl member keygen member4 >/dev/null
	succeed '.' 1 2 4
	refuses member4
	succeed ".manifest.manifest_set = {threshold: 1, members: [{alias: \"member4\", pub_key: $(bytes "$(tr -d '\n' <member4.pub)")}]}" 4
	refuses 'another manifest set'
	same "$(phase_of "$target")" WaitingForForwardedKey
	same_seeds 4

	# And the lawful one is served, so none of it was for another reason.
	succeed '.' 1 3
	export_key "$source" "$document"
	accepted
	ask "$target" POST /enclave/inject-key "$(exported)"
	accepted
	same "$(phase_of "$target")" ApplicationReady
	ask "$target" POST /generate-seed '{"seed_type":"test","seed_data":"upgrade"}'
	accepted
	same "$(jq -r .seed_phrase <<<"$output")" "$seed"
	# From there no way leads back to the old image.
	ask "$source" GET /enclave/manifest
	envelope=$(jq -c .manifest_envelope <<<"$output")
	approvals 1 2 3
	by_hand old "$BUILD/teectl-enclave"
	share_manifest "$old"
	document=$(document "$old")
	export_key "$target" "$document"
	refused 403 1008 'Manifest not approved' "nonce $next is not above $((next + 1))"
	same_seeds 4
}
