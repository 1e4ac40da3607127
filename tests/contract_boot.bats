#!/usr/bin/env bats
# boot-standard, the shares that follow it, and retire, by curl: contract.md.

load helper
load contract

# A quorum of THRESHOLD of COUNT that has lost its TEE, and its manifest approved by all; in $tee a fresh one.
lose() { # THRESHOLD COUNT [OPTION...]
	local i all=()
	keys "$2"
	for ((i = 1; i <= $2; i++)); do
		all+=("$i")
	done
	hv first "${@:3}"
	boot "$first" "$1" "$2"
	inject "$first" "$1"
	stop_hvs
	rm first.fifo
	approvals "${all[@]}"
	hv tee "${@:3}"
}

proves() { # URL: the key is the genesis's
	local challenge message seen
	challenge=$(array 32 7)
	ask "$1" POST /enclave/prove-key "{\"challenge\":$challenge}"
	accepted
	seen=$(jq -c .result.ProveKeyResponse <<<"$output")
	message=$(printf '%-48s' "$(printf teectl-prove-key-v1 | od -An -v -tx1 | tr -d ' \n')" | tr ' ' 0)
	message+=$("$BUILD/forge" hash <<<"$envelope")$(hex <<<"$challenge")$(jq -c .attestation_doc <<<"$seen" | hex | sha256)
	jq -c .signature <<<"$seen" | "$BUILD/forge" verify "$(jq -c .manifest.namespace.quorum_key <<<"$envelope" | hex)" "$message"
}

@test "contract: boot-standard and any threshold of shares bring the quorum key back" {
	lose 2 3
	boot_standard "$tee"
	same "$(jq -c '[(keys | join(" ")), (.result | keys[0])]' <<<"$output")" '["id result","BootStandardResponse"]'
	"$BUILD/forge" show pki/root.der <<<"$document" >seen
	same "$(sed -n 's/^user_data //p' seen)" "$("$BUILD/forge" hash <<<"$envelope")"
	same "$(sed -n 's/^nonce //p' seen)" ''
	ask "$tee" GET /status
	same "$(jq -c '[.phase, .quorum_key_available, .threshold, .members, .shares_received, .shares_missing]' <<<"$output")" \
		'["WaitingForQuorumShards",false,2,3,0,["member1","member2","member3"]]'
	submit "$tee" "$(own 3)"
	accepted
	same "$output" '{"reconstructed_quorum_key":[],"success":true,"shares_received":1,"threshold":2,"rejected":[],"unresolved":false}'
	ask "$tee" GET /status
	same "$(jq -c '[.phase, .shares_received, .shares_missing]' <<<"$output")" '["WaitingForQuorumShards",1,["member1","member2"]]'
	submit "$tee" "$(own 1)"
	accepted
	same "$(jq -c .reconstructed_quorum_key <<<"$output")" "$(jq -c .quorum_public_key <<<"$genesis")"
	same "$(jq -c '.receipt.body[:4]' <<<"$output")" '[3,0,0,0]'
	same "$(phase_of "$tee")" ApplicationReady
	proves "$tee"
	run -0 grep -E 'operation=boot-standard phase=WaitingForBootInstruction phase_after=WaitingForQuorumShards outcome=ok' tee.log
	ask "$tee" GET /metrics
	has "$output" 'operation="boot-standard",result="ok"} 1'
}

@test "contract: QuorumOS's own shares bring its quorum key back" {
	local i qos=$VECTORS/qos/boot-e2e set
	hv measured
	keys 2
	boot "$measured" 2 2 # for what a manifest here must measure
	set=$(for i in 1 2 3; do
		printf '{"alias":"user%s","pub_key":%s}\n' "$i" "$(bytes "$(tr -d '\n' <"$qos/user$i.pub")")"
	done | jq -sc '{threshold: 2, members: .}')
	envelope=$(jq -c --argjson set "$set" --argjson key "$(bytes "$(<"$qos/quorum_key.pub")")" \
		'.manifest |= (.share_set = $set | .manifest_set = $set | .namespace = {name: "vape", nonce: 4, quorum_key: $key})' <<<"$envelope")
	for i in 1 2 3; do
		cp "$qos/user$i.secret" "user$i.secret"
		approval[i]="{\"signature\":$("$BUILD/forge" sign "user$i.secret" "$("$BUILD/forge" hash <<<"$envelope")"),\"member\":$(jq -c ".members[$((i - 1))]" <<<"$set")}"
	done
	envelope=$(jq -c --argjson list "[${approval[1]},${approval[3]}]" '.manifest_set_approvals = $list' <<<"$envelope")
	hv tee
	boot_standard "$tee"
	for i in 2 3; do
		share[i]=$(candidate "user$i" "user$i.secret" "$(od -An -v -tu1 -w200 "$qos/user$i.share" | sed 's/^ *//; s/ \+/,/g' | "$BUILD/forge" open "user$i.secret")")
	done
	submit "$tee" "${share[2]}" "${share[3]}"
	accepted
	same "$(jq -c .reconstructed_quorum_key <<<"$output" | hex)" "$(<"$qos/quorum_key.pub")"
	proves "$tee"
}

@test "contract: boot-standard needs valid approvals of the threshold, and this enclave's manifest" {
	lose 2 3
	local good=$envelope
	while IFS='|' read -r http_expected code_expected words change; do
		ask "$tee" POST /enclave/boot-standard "{\"manifest_envelope\":$(jq -c "$change" <<<"$good")}"
		refused "$http_expected" "$code_expected" "$words" || fail "$change"
	done <<-'ROWS'
	403|1008|Manifest not approved: 0 of 2 approvals|.manifest_set_approvals = []
	403|1008|Manifest not approved: 1 of 2 approvals|.manifest_set_approvals |= .[:1]
	403|1008|Manifest not approved: the approval of 'member3'|.manifest_set_approvals[2].signature[5] |= 255 - .
	403|1008|Manifest not approved: 'nobody' is no member|.manifest_set_approvals[2].member.alias = "nobody"
	403|1008|Manifest not approved: 'member1' approves twice|.manifest_set_approvals[2] = .manifest_set_approvals[0]
	403|1008|Manifest not approved: the approval of 'member1'|.manifest.namespace.nonce = 8
	403|1008|Manifest not approved: manifest.enclave.aws_root|.manifest.enclave.aws_root_certificate[9] |= 255 - .
	403|1005|Attestation document verification failed: manifest.enclave.pcr0|.manifest.enclave.pcr0[0] |= 255 - .
	403|1005|Attestation document verification failed: manifest.enclave.pcr3|.manifest.enclave.pcr3[0] |= 255 - .
	400|1002|Invalid manifest|.manifest.namespace.quorum_key[64] |= 255 - .
	400|1000|Invalid request|.manifest.extra = 1
	ROWS
	same "$(phase_of "$tee")" WaitingForBootInstruction
	ask "$tee" GET /enclave/manifest
	refused 409 1001 'Manifest envelope not found'
	boot_standard "$tee"
}

@test "contract: boot-standard again is answered as before, by anybody but another manifest" {
	lose 2 2
	boot_standard "$tee"
	local before=$document
	boot_standard "$tee"
	same "$document" "$before"
	ask "$tee" POST /enclave/share-manifest "$(envelope_of)"
	refused 409 1006 'Invalid state transition' share-manifest WaitingForQuorumShards
	ask "$tee" POST /enclave/boot-standard "{\"manifest_envelope\":$(jq -c '.manifest.namespace.nonce = 9' <<<"$envelope")}"
	refused 409 1006 'Invalid state transition' boot-standard WaitingForQuorumShards
	submit "$tee" "$(own 1)" "$(own 2)"
	accepted
	boot_standard "$tee"
	same "$document" "$before"
	same "$(phase_of "$tee")" ApplicationReady
}

@test "contract: after boot-standard a share is its member's by his signature" {
	lose 2 3
	boot_standard "$tee"
	local one
	one=$(own 1)
	submit "$tee" "$(jq -c 'del(.signature)' <<<"$one")"
	refused 400 1003 'Share rejected' "'member1'" 'signature is missing'
	submit "$tee" "$(jq -c '.signature[0] |= 255 - .' <<<"$one")"
	refused 400 1003 'Share rejected' "'member1'" "signature is not its member's"
	submit "$tee" "$(jq -c '.member_alias = "member2"' <<<"$one")"
	refused 400 1003 'Share rejected' "'member2'" "signature is not its member's"
	# Signed for another boot of the same quorum.
	hv other
	boot_standard "$other"
	submit "$tee" "$(own 1)"
	refused 400 1003 'Share rejected' "'member1'" "signature is not its member's"
	boot_standard "$tee"
	submit "$tee" "$(candidate member1 member1.secret "$(array 33 0)")"
	refused 400 1003 'Share rejected' "'member1'" 'the first not 0'
	submit "$tee" "$(jq -c '.signature |= .[:63]' <<<"$one")"
	refused 400 1000 'Invalid request' 'shares[0].signature'
	submit "$tee" '{"member_alias":"member1","decrypted_share":'"$(array 33 1)}"
	refused 403 1011 'Access denied' inject-shares
	ask "$tee" GET /status
	same "$(jq -c '[.phase, .shares_received]' <<<"$output")" '["WaitingForQuorumShards",0]'
	submit "$tee" "$one" "$(jq -c '.signature[0] |= 255 - .' <<<"$(own 2)")" "$(own 3)"
	accepted
	same "$(jq -c '[.rejected, .shares_received]' <<<"$output")" '[["member2"],2]'
	same "$(phase_of "$tee")" ApplicationReady
}

@test "contract: hostile shares are named and stop nobody, whichever way they come" {
	lose 3 5
	boot_standard "$tee"
	submit "$tee" "$(junk 1)" "$(junk 4 2)"
	accepted
	submit "$tee" "$(own 2)"
	accepted
	same "$(jq -c '[.reconstructed_quorum_key, .success, .shares_received, .rejected, .unresolved]' <<<"$output")" '[[],true,3,[],true]'
	same "$(phase_of "$tee")" WaitingForQuorumShards
	# A member's later share replaces his earlier, and the earlier can't be put back.
	local bad
	bad=$(junk 3)
	submit "$tee" "$bad"
	same "$(jq -c '[.shares_received, .unresolved]' <<<"$output")" '[4,true]'
	submit "$tee" "$(own 3)"
	same "$(jq -c '[.shares_received, .unresolved]' <<<"$output")" '[4,true]'
	submit "$tee" "$bad"
	accepted
	submit "$tee" "$(own 5)"
	accepted
	same "$(jq -c '[.rejected, .shares_received, .unresolved]' <<<"$output")" '[["member1","member4"],3,false]'
	same "$(jq -c .reconstructed_quorum_key <<<"$output")" "$(jq -c .quorum_public_key <<<"$genesis")"
	proves "$tee"
	run -0 grep -E 'member=member4 reason="its share is none of the quorum' tee.log
	run -0 grep -E 'the candidates give the key.*candidates=5 tried=[0-9]+' tee.log
}

@test "contract: whoever brings enough good shares in one request is served, however much else is here" {
	local i members=() bad=() good=()
	keys 20
	for ((i = 1; i <= 20; i++)); do
		members+=("$i")
	done
	hv first
	boot "$first" 10 20
	approvals "${members[@]:0:10}"
	hv tee
	boot_standard "$tee"
	for i in "${members[@]}"; do
		bad+=("$(junk "$i")")
	done
	submit "$tee" "${bad[@]}"
	accepted
	same "$(jq -c '[.shares_received, .unresolved]' <<<"$output")" '[20,true]'
	run -0 grep -E 'no subset tried gives the key.*candidates=20 tried=2048' tee.log
	for i in 11 2 13 4 15 6 17 8 19 10; do
		good+=("$(own "$i")")
	done
	submit "$tee" "${good[@]}"
	accepted
	same "$(jq -c '[(.rejected | length), .shares_received, .unresolved]' <<<"$output")" '[10,10,false]'
	run -0 grep -E 'the candidates give the key.*candidates=20 tried=1$' tee.log
}

@test "contract: an NSM fault after ExtendPCR ends a boot-standard too" {
	keys 2
	hv first
	boot "$first" 2 2
	approvals 1 2
	# Another image measures other PCRs: the manifest must be of this one.
	faulty lost LockPCRs:1
	ask "$lost" GET /status
	for i in 0 1 2 3; do
		ask "$lost" POST /enclave/live-attestation '{"nonce":[1]}'
		pcr=$(jq -c .result.LiveAttestationResponse.attestation_doc <<<"$output" | "$BUILD/forge" show pki/root.der | sed -n "s/^pcr$i //p")
		envelope=$(jq -c --argjson pcr "$(bytes "$pcr")" ".manifest.enclave.pcr$i = \$pcr" <<<"$envelope")
	done
	approvals 1 2
	ask "$lost" POST /enclave/boot-standard "$(envelope_of)"
	refused 500 1010 'Internal error'
	same "$(phase_of "$lost")" UnrecoverableError
	faulty later Attestation:2
	ask "$later" POST /enclave/boot-standard "$(envelope_of)"
	refused 500 1010 'Internal error'
	same "$(phase_of "$later")" UnrecoverableError
}

# --- retire

@test "contract: retire wipes the key, and leaves a receipt that the key has signed" {
	hv tee --debug
	boot "$tee" 2 2 keyless
	inject "$tee" 2
	local hash first previous message body
	hash=$("$BUILD/forge" hash <<<"$envelope")
	ask "$tee" POST /enclave/retire "{\"manifest_hash\":$ZERO32}"
	refused 409 1006 'Invalid state transition: retire names manifest 00000000' ApplicationReady
	same "$(phase_of "$tee")" ApplicationReady
	ask "$tee" POST /enclave/retire "{\"manifest_hash\":$(bytes "$hash")}"
	accepted
	first=$(jq -c .result.RetireResponse <<<"$output")
	same "$(jq -c '[.success, (keys | join(" ")), .receipt.body[0]]' <<<"$first")" '[true,"receipt success",4]'
	ask "$tee" GET /status
	same "$(jq -c '[.phase, .quorum_key_available]' <<<"$output")" '["UnrecoverableError",false]'
	ask "$tee" GET /health
	same "$http" 503
	ask "$tee" POST /enclave/prove-key "{\"challenge\":$ZERO32}"
	refused 409 1006 'Invalid state transition' prove-key UnrecoverableError
	# The receipts are still there; the last is chained to the one before.
	ask "$tee" GET /enclave/receipts
	accepted
	same "$(jq -c '.receipts | [length, .[1] == $last]' --argjson last "$(jq -c .receipt <<<"$first")" <<<"$output")" '[2,true]'
	tag=$(printf '%-48s' "$(printf teectl-receipt-v1 | od -An -v -tx1 | tr -d ' \n')" | tr ' ' 0)
	previous=$(printf '%s' "$tag$hash$(jq -c '.receipts[0].body' <<<"$output" | hex | sha256)$(printf '%064d' 0)" | sha256)
	body=$(jq -c '.receipts[1].body' <<<"$output" | hex | sha256)
	jq -c '.receipts[1].signature' <<<"$output" | "$BUILD/forge" verify "$(jq -c .quorum_public_key <<<"$genesis" | hex)" "$tag$hash$body$previous"
	# Again: the same, and nothing more.
	ask "$tee" POST /enclave/retire "{\"manifest_hash\":$(bytes "$hash")}"
	same "$(jq -c .result.RetireResponse <<<"$output")" "$first"
	ask "$tee" POST /enclave/retire "{\"manifest_hash\":$ZERO32}"
	refused 409 1006 'Invalid state transition' retire UnrecoverableError
	run -0 grep -E 'operation=retire phase=ApplicationReady phase_after=UnrecoverableError outcome=ok' tee.log
}

@test "contract: what is retired has no key and still says what it was: status, manifest, document, receipts" {
	hv tee --debug
	boot "$tee" 2 2 keyless
	inject "$tee" 2
	local hash
	hash=$("$BUILD/forge" hash <<<"$envelope")
	ask "$tee" POST /enclave/retire "{\"manifest_hash\":$(bytes "$hash")}"
	accepted
	ask "$tee" GET /status
	accepted
	same "$(jq -c '[.phase, .quorum_key_available, .manifest_hash]' <<<"$output")" \
		"[\"UnrecoverableError\",false,$(bytes "$hash")]"
	ask "$tee" GET /enclave/manifest
	accepted
	same "$(jq -S .manifest_envelope <<<"$output" | "$BUILD/forge" hash)" "$hash"
	ask "$tee" POST /enclave/live-attestation "{\"nonce\":$ZERO32}"
	accepted
	ask "$tee" POST /validate-seed '{"seed_phrase":"x"}'
	accepted
	ask "$tee" GET /enclave/receipts
	accepted
	same "$(jq '.receipts | length' <<<"$output")" 2
	ask "$tee" GET /metrics
	accepted
	has "$output" 'teectl_phase{phase="UnrecoverableError"} 1'
	# Nothing that needs the key, or would bring one.
	ask "$tee" POST /generate-seed '{"seed_type":"t","seed_data":"d"}'
	refused 409 1006 'Invalid state transition' generate-seed UnrecoverableError
	ask "$tee" POST /enclave/share-manifest "{\"manifest_envelope\":$envelope}"
	refused 409 1006 'Invalid state transition' share-manifest UnrecoverableError
}

@test "contract: nobody without a role retires a real enclave" {
	lose 2 2
	boot_standard "$tee"
	ask "$tee" POST /enclave/retire "{\"manifest_hash\":$(bytes "$("$BUILD/forge" hash <<<"$envelope")")}"
	refused 403 1011 'Access denied' /enclave/retire
	same "$(phase_of "$tee")" WaitingForQuorumShards
}

@test "contract: retire's request has its limits" {
	hv tee --debug
	ask "$tee" POST /enclave/retire "{\"manifest_hash\":$ZERO32}"
	refused 409 1006 'Invalid state transition' retire
	ask "$tee" POST /enclave/retire '{"manifest_hash":[1]}'
	refused 400 1000 'Invalid request' manifest_hash
	ask "$tee" POST /enclave/retire '{}'
	refused 400 1000 'Invalid request' manifest_hash
	ask "$tee" GET /enclave/retire
	refused 405 405
	same "$(header Allow)" POST
}
