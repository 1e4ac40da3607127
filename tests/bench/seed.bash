# The script that users have: the seed's walk ("Single Command TEE-to-TEE Sharing" and the steps before
# it), a hop as it stands there: health, manifest, attestation, export, injection, and a seed phrase from
# both as the proof that they are at work. Its sleeps and its docker are left out, its ports are URLs.

# seed_hop SOURCE TARGET GENESIS-RESPONSE
seed_hop() {
	local source=$1 target=$2 genesis=$3
	local envelope attestation document export_response key signature

	curl -s -X GET "$target/health"
	envelope=$(echo "$genesis" | jq -r '.manifest_envelope')
	echo "$envelope" | jq 'keys'
	curl -s -X POST "$target/enclave/share-manifest" -H "Content-Type: application/json" \
		-d "{\"manifest_envelope\": $envelope}" | jq .

	attestation=$(curl -s -X POST "$target/enclave/generate-attestation" -H "Content-Type: application/json" \
		-d '{"manifest_hash": [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0], "pcr_values": [[],[],[],[]]}')
	document=$(echo "$attestation" | jq '.result.GenerateAttestationResponse.attestation_doc')
	echo "$document" | jq 'length'

	export_response=$(curl -s -X POST "$source/enclave/export-key" -H "Content-Type: application/json" \
		-d "{\"manifest_envelope\": $envelope, \"attestation_doc\": $document}")
	key=$(echo "$export_response" | jq '.result.ExportKeyResponse.encrypted_quorum_key')
	signature=$(echo "$export_response" | jq '.result.ExportKeyResponse.signature')
	echo "Encrypted key length: $(echo "$key" | jq 'length')"
	echo "Signature length: $(echo "$signature" | jq 'length')"

	curl -s -X POST "$target/enclave/inject-key" -H "Content-Type: application/json" \
		-d "{\"encrypted_quorum_key\": $key, \"signature\": $signature}" | jq .
	seed_phrase "$target" shared-seed
	seed_phrase "$source" source-verification
	seed_phrase "$target" target-verification
}

seed_phrase() { # URL TYPE
	curl -s -X POST "$1/generate-seed" -H "Content-Type: application/json" \
		-d "{\"seed_type\": \"$2\", \"seed_data\": \"test\"}" | jq .
}
