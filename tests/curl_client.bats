#!/usr/bin/env bats
# The seed's walk with curl and jq alone, on debug enclaves: genesis, shares in the clear, a chain of
# three. Its requests are those of the seed's script, to the letter; readiness is the line that an
# enclave prints.

load helper

teardown() {
	stop_hvs
}

GENESIS_REQUEST='{
	"namespace_name": "qos-namespace", "namespace_nonce": 12345,
	"manifest_members": [{"alias": "member1", "pub_key": []}, {"alias": "member2", "pub_key": []},
		{"alias": "member3", "pub_key": []}],
	"share_members": [{"alias": "member1", "pub_key": []}, {"alias": "member2", "pub_key": []},
		{"alias": "member3", "pub_key": []}],
	"manifest_threshold": 2, "share_threshold": 2,
	"pivot_hash": [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],
	"pivot_args": []
}'

phase() {
	curl -s "$1/status" | jq -r .phase
}

genesis_and_shares() { # SOURCE, as the seed's script does it
	GENESIS_RESPONSE=$(curl -s -X POST "$1/enclave/genesis-boot" -H "Content-Type: application/json" \
		-d "$GENESIS_REQUEST")
	same "$(jq -r .waiting_state <<<"$GENESIS_RESPONSE")" GenesisBooted
	SHARE1=$(echo "$GENESIS_RESPONSE" | jq -r '.encrypted_shares[0].encrypted_quorum_key_share')
	SHARE2=$(echo "$GENESIS_RESPONSE" | jq -r '.encrypted_shares[1].encrypted_quorum_key_share')
	SHARE3=$(echo "$GENESIS_RESPONSE" | jq -r '.encrypted_shares[2].encrypted_quorum_key_share')
	post "$1" /enclave/inject-shares "{
		\"namespace_name\": \"qos-namespace\", \"namespace_nonce\": 12345,
		\"shares\": [
			{\"member_alias\": \"member1\", \"decrypted_share\": $SHARE1},
			{\"member_alias\": \"member2\", \"decrypted_share\": $SHARE2},
			{\"member_alias\": \"member3\", \"decrypted_share\": $SHARE3}
		]}"
	same "$http" 200
	MANIFEST_ENVELOPE=$(echo "$GENESIS_RESPONSE" | jq -r '.manifest_envelope')
}

forward() { # FROM TO
	same "$(phase "$2")" WaitingForBootInstruction
	post "$2" /enclave/share-manifest "{\"manifest_envelope\": $MANIFEST_ENVELOPE}"
	same "$(jq -c .result <<<"$output")" '{"ShareManifestResponse":{"success":true}}'
	same "$(phase "$2")" WaitingForForwardedKey

	ATTESTATION_RESPONSE=$(curl -s -X POST "$2/enclave/generate-attestation" -H "Content-Type: application/json" \
		-d '{"manifest_hash": [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0], "pcr_values": [[],[],[],[]]}')
	ATTESTATION_DOC=$(echo "$ATTESTATION_RESPONSE" | jq '.result.GenerateAttestationResponse.attestation_doc')

	EXPORT_RESPONSE=$(curl -s -X POST "$1/enclave/export-key" -H "Content-Type: application/json" \
		-d "{\"manifest_envelope\": $MANIFEST_ENVELOPE, \"attestation_doc\": $ATTESTATION_DOC}")
	ENCRYPTED_KEY=$(echo "$EXPORT_RESPONSE" | jq '.result.ExportKeyResponse.encrypted_quorum_key')
	SIGNATURE=$(echo "$EXPORT_RESPONSE" | jq '.result.ExportKeyResponse.signature')
	same "$(jq length <<<"$ENCRYPTED_KEY") $(jq length <<<"$SIGNATURE")" '129 64'

	post "$2" /enclave/inject-key "{\"encrypted_quorum_key\": $ENCRYPTED_KEY, \"signature\": $SIGNATURE}"
	same "$(jq -c .result.InjectKeyResponse.success <<<"$output")" true
	same "$(phase "$2")" ApplicationReady
}

@test "curl client: the seed's script takes the key through a chain of three" {
	hv tee1 --debug
	hv tee2 --debug
	hv tee3 --debug
	genesis_and_shares "$tee1"
	same "$(jq -r 'keys | join(" ")' <<<"$MANIFEST_ENVELOPE")" \
		'manifest manifest_set_approvals share_set_approvals'
	same "$(phase "$tee1")" ApplicationReady
	forward "$tee1" "$tee2"
	forward "$tee2" "$tee3"

	local seeds=()
	for tee in "$tee1" "$tee2" "$tee3"; do
		post "$tee" /generate-seed '{"seed_type": "tee2-shared-seed", "seed_data": "tee2-test-data"}'
		same "$(jq -r '[.seed_phrase | split(" ") | length] + [(.entropy | length), .strength, .word_count]
			| join(" ")' <<<"$output")" '24 64 256 24'
		seeds+=("$(jq -r .seed_phrase <<<"$output")")
		post "$tee" /validate-seed "$(jq -c '{seed_phrase}' <<<"$output")"
		same "$output" '{"valid":true,"word_count":24}'
	done
	same "${seeds[1]}" "${seeds[0]}"
	same "${seeds[2]}" "${seeds[0]}"
}

@test "curl client: health says healthy in every phase of the walk" {
	hv tee1 --debug
	get "$tee1" /health
	same "$http $(jq -r .status <<<"$output")" '200 healthy'
	genesis_and_shares "$tee1"
	get "$tee1" /health
	same "$http $(jq -r .status <<<"$output")" '200 healthy'
}

@test "curl client: both phases after an injected key stand in the log" {
	hv tee1 --debug
	hv tee2 --debug
	genesis_and_shares "$tee1"
	forward "$tee1" "$tee2"
	run -0 grep 'operation=inject-key' "$BATS_TEST_TMPDIR/tee2.log"
	has "$output" QuorumKeyProvisioned
	has "$output" ApplicationReady
}

@test "curl client: before a manifest, an attestation is refused in the seed's words" {
	hv tee1 --debug
	post "$tee1" /enclave/generate-attestation \
		'{"manifest_hash": [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0], "pcr_values": [[],[],[],[]]}'
	same "$http $(jq .code <<<"$output")" '409 1001'
	has "$(jq -r .error <<<"$output")" 'Manifest envelope not found'
}

@test "curl client: a seed before there is a key is refused in the seed's words" {
	hv tee1 --debug
	post "$tee1" /generate-seed '{"seed_type": "test", "seed_data": "test"}'
	same "$http $(jq .code <<<"$output")" '409 1006'
	has "$(jq -r .error <<<"$output")" 'Invalid state transition'
}
