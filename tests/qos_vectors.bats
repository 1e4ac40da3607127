#!/usr/bin/env bats
# QuorumOS's vectors (tests/vectors/qos) through the commands that a person has. Those of single verbs'
# tests are not repeated: manifest/ and its stable vectors are cmd_manifest_show's and cmd_manifest_verify's
# (approvals), mock_pki/ and mock_nsm/ cmd_attest_show's and cmd_attest_verify's, the key pairs as files
# cmd_member_show's.
#
# No verb takes these, and the unit named holds them:
#   p256_vectors.json   derivations' scalars and AES key  crypto_key_set, crypto_envelope (a secret is never shown)
#                       client_sign_kat                   crypto_key_set (teectl signs nothing that it is handed)
#                       envelope_decrypt: the DR key      crypto_envelope (of preprod/ the files are not there)
#                       envelope_encrypt_fixed: sealing,
#                       and one longer than a share       crypto_envelope (randomness is the system's)
#                       symmetric_fixed                   crypto_envelope (no file that a verb reads has one)
#   shamir_vectors.json qos_old, gf256, the fixed_rng     crypto_shamir (only 32-byte secrets are keys; shares
#                       of 2 bytes                        are combined in a TEE alone: the rest, recover's, in
#                                                         foreign_quorum)
#   pcr_vectors.json    commitments                       attest_pcr (their key is no point; documents with
#                                                         PCR16: cmd_attest_verify)
#   qos_json_vectors.json hash, canon, key_order_utf16    proto_wire (manifest show takes manifests, not any
#                                                         JSON; the same rules on one are below)
#   genesis_output.json qos_hash, test message            proto_genesis, crypto_envelope (genesis alone
#                                                         compares them, with a TEE's document)

load manifest

QOS=$VECTORS/qos
KEYS=$QOS/p256_vectors.json

@test "QOS vectors: every seed derives its public key (member show)" {
	local name seed public count=0
	while IFS=$'\t' read -r name seed public; do
		(umask 077 && printf '%s' "$seed" >member.secret)
		try 0 member show member.secret -o json
		json .public_key "$public"
		hasnt "$output$stderr" "$seed"
		printf '%s\n' "$public" >member.pub
		try 0 member show member.pub -o json
		json .public_key "$public"
		((count += 1))
	done < <(jq -r '.derivations[] | [.secret, .seed, .public] | @tsv' "$KEYS")
	same "$count" "$(jq '.derivations | length' "$KEYS")"
	# The quorum key too.
	IFS=$'\t' read -r seed public < <(jq -r '[.master_seed, .quorum_pub] | @tsv' "$QOS/genesis_output.json")
	same "$public" "$(tr -d '[:space:]' <"$QOS/boot-e2e/quorum_key.pub")"
	(umask 077 && printf '%s' "$seed" >member.secret)
	try 0 member show member.secret -o json
	json .public_key "$public"
}

@test "QOS vectors: a public key's halves are points of 65 bytes, or it is refused (member show)" {
	local good bad other half key status words
	IFS=$'\t' read -r good bad other < <(jq -r '[.pubkey_validation.good, .pubkey_validation.bad_prefix,
		.derivations[0].public[130:]] | @tsv' "$KEYS")
	for half in encrypt sign; do
		while read -r key status words; do
			if [[ $half == encrypt ]]; then echo "$key$other"; else echo "$other$key"; fi >key.pub
			try "$status" member show key.pub
			if ((status)); then says "${words/HALF/$half}"; else prints "${key:0:64}"; fi
		done <<-EOF
		$good 0
		$bad 65 HALF half: a point must begin with 04, not 02
		${good%??} 65 130 bytes expected, 129 found
		${good}00 65 130 bytes expected, 131 found
		EOF
	done
}

@test "QOS vectors: a member's share opens, and is the one that the genesis attested (share check)" {
	local n next share envelope count=0
	qos_cluster
	while read -r n envelope; do
		share=$QOS/boot-e2e/user$n.share
		try 0 share check --key "members/user$n.secret" --share "$share" \
			--genesis-output "$QOS/boot-e2e/genesis_output" -o json
		json '[.member, .opens, .attested] | map(tostring) | join(" ")' "user$n true true"
		same "$(xxd -p -c 0 "$share")" "$envelope"
		next=$((n % 3 + 1))
		try 65 share check --key "members/user$next.secret" --share "$share" \
			--genesis-output "$QOS/boot-e2e/genesis_output"
		says 'not sealed to this key'
		((count += 1))
	done < <(jq -r '.decoded.member_outputs[] | .share_set_member.alias[4:] + " " + .encrypted_quorum_key_share' \
		"$QOS/genesis_output.json")
	same "$count" 3
}

@test "QOS vectors: an envelope of fixed randomness opens with its receiver's key alone (share check)" {
	local public envelope count=0
	qos_cluster
	check() { # N
		try 65 share check --key "members/user$1.secret" --share file --genesis-output "$QOS/boot-e2e/genesis_output"
	}
	while IFS=$'\t' read -r public envelope; do
		same "$public" "$(head -c 130 members/user1.pub)"
		xxd -r -p <<<"$envelope" >file
		check 1
		says "'file' holds another share than the attested one"
		check 2
		says "'file': envelope: not sealed to this key"
		xxd -r -p <<<"${envelope%??}$(printf %02x $((0x${envelope: -2} ^ 1)))" >file
		check 1
		says "'file': envelope: not sealed to this key, or changed since"
		((count += 1))
	done < <(jq -r '.envelope_encrypt_fixed[] | select(.envelope | length <= 260) | [.receiver_public, .envelope] | @tsv' "$KEYS")
	same "$count" 2
}

@test "QOS vectors: a genesis output is read as a whole, and a share of another genesis is told (share check)" {
	local end hash
	qos_cluster
	check() { # STATUS
		try "$1" share check --key members/user1.secret --share "$QOS/boot-e2e/user1.share" --genesis-output genesis
	}
	{
		cat "$QOS/boot-e2e/genesis_output"
		printf x
	} >genesis
	check 65
	for end in 1 100 2139; do
		head -c "$end" "$QOS/boot-e2e/genesis_output" >genesis
		check 65
	done
	# The share's hash with one bit changed.
	hash=$(jq -r '.boot_e2e.share_sha512[0]' "$QOS/shamir_vectors.json")
	xxd -p -c 0 "$QOS/boot-e2e/genesis_output" >genesis.hex
	same "$(grep -c "$hash" genesis.hex)" 1
	sed "s/$hash/4${hash:1}/" genesis.hex | xxd -r -p >genesis
	check 65
	says "user1.share' holds another share than the attested one"
}

@test "QOS vectors: PCR3 is the role's, as IAM names it (measure)" {
	local role pcr3
	IFS=$'\t' read -r role pcr3 < <(jq -r '[.pcr3.role_arn, .pcr3.pcr3] | @tsv' "$QOS/pcr_vectors.json")
	same "$role" "$(head -n 1 "$QOS/boot-e2e/pcr3-preimage.txt")"
	make_cluster
	sed -i "s|^  role: .*|  role: \"$role\"|" cluster.yaml
	try 0 measure -o json
	json .role "$role"
	json '.pcrs[3].value' "$pcr3"
}

@test "QOS vectors: canonical JSON is the same however a v2 manifest is written (manifest show)" {
	local all=$QOS/manifest/v2_selfmade.json hash form
	hash=$(jq -r .manifest_hash "$all")
	same "$(jq -j .canonical "$all" | sha256sum | cut -d ' ' -f 1)" "$hash"
	jq -j .canonical "$all" >file
	try 0 manifest show file -o json
	json '[.manifest_hash, .version] | join(" ")' "$hash 2"
	# qos_json_vectors: the order of the keys, and of those within; integers as text; members that are null.
	for form in 'walk(if type == "object" then to_entries | sort_by(.key) | reverse | from_entries else . end)' \
		'.namespace.nonce |= tostring | .manifestSet.threshold |= tostring' \
		'.namespace.nonce |= tonumber | .manifestSet.threshold |= tonumber'; do
		jq ".manifest | $form" "$all" >file
		try 0 manifest show file -o json
		json .manifest_hash "$hash"
	done
	jq '.manifest | del(.dns)' "$all" >without
	jq '. + {dns: null}' without >null
	try 0 manifest show without -o json
	hash=$(jq -r .manifest_hash <<<"$output")
	try 0 manifest show null -o json
	json .manifest_hash "$hash"
	# What changes it.
	jq '.namespace.nonce = 99' without >file
	try 0 manifest show file -o json
	hasnt "$output" "$hash"
}

@test "QOS vectors: numbers that canonical JSON refuses are refused in a manifest (manifest show)" {
	local number count=0
	jq -c '.manifest | .namespace.nonce = 424242' "$QOS/manifest/v2_selfmade.json" >file
	try 0 manifest show file
	while read -r number; do
		sed "s/424242/$number/" file >wrong
		same "$(grep -cF ":$number," wrong)" 1
		try 65 manifest show wrong
		says 'namespace.nonce'
		((count += 1))
	done < <(jq -r '.reject[] | capture(":(?<n>.*)}").n' "$QOS/qos_json_vectors.json")
	same "$count" 3
}
