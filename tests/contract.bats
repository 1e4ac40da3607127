#!/usr/bin/env bats
# The enclave's HTTP contract, by curl: every operation, every code, every phase with every route,
# replays, and the order of judgement. Limits and framing: contract_limits.bats. Documents and what
# they stand for: contract_documents.bats.

load helper
load contract

@test "contract: health is three fields" {
	hv tee
	ask "$tee" GET /health
	accepted
	same "$(jq -r 'keys | join(" ")' <<<"$output")" 'status timestamp version'
	same "$(jq -r '[.status, .version] | join(" ")' <<<"$output")" "healthy $(<"$ROOT/VERSION")"
	[[ $(jq -r .timestamp <<<"$output") =~ ^20[0-9-]{8}T[0-9:]{8}(\.[0-9]+)?Z$ ]]
	same "$(header Content-Type)" application/json
}

@test "contract: status has its fields in every phase, and null for what is not there" {
	hv tee
	keys 3
	ask "$tee" GET /status
	accepted
	same "$(jq -r 'keys | join(" ")' <<<"$output")" \
		'debug instance_id manifest_hash members namespace phase quorum_key_available quorum_public_key shares_missing shares_received status threshold timestamp uptime_ms version'
	same "$(jq -c '[.phase, .status, .quorum_key_available, .threshold, .members, .shares_received, .shares_missing,
		.manifest_hash, .quorum_public_key, .namespace, .debug]' <<<"$output")" \
		'["WaitingForBootInstruction","WaitingForBootInstruction",false,null,null,0,[],null,null,null,false]'
	boot "$tee" 2 3
	ask "$tee" GET /status
	same "$(jq -c '[.phase, .quorum_key_available, .threshold, .members, .shares_received, .shares_missing, .namespace]' <<<"$output")" \
		'["GenesisBooted",false,2,3,0,["member1","member2","member3"],{"name":"contract","nonce":7}]'
	same "$(jq -c .quorum_public_key <<<"$output")" "$(jq -c .quorum_public_key <<<"$genesis")"
	same "$(jq -c .manifest_hash <<<"$output" | hex)" "$("$BUILD/forge" hash <<<"$envelope")"
	inject "$tee" 1
	ask "$tee" GET /status
	same "$(jq -c '[.phase, .quorum_key_available, .shares_received, .shares_missing]' <<<"$output")" \
		'["WaitingForQuorumShards",false,1,["member2","member3"]]'
	inject "$tee" 2
	ask "$tee" GET /status
	same "$(jq -c '[.phase, .status, .quorum_key_available, .shares_received, .shares_missing]' <<<"$output")" \
		'["ApplicationReady","ApplicationReady",true,2,[]]'
}

@test "contract: an instance id is new at every start, and uptime begins again" {
	hv one
	hv two
	local first
	first=$(curl -s "$one/status" | jq -r .instance_id)
	same "$(curl -s "$one/status" | jq -r .instance_id)" "$first"
	[[ $(curl -s "$two/status" | jq -r .instance_id) != "$first" ]]
	(($(curl -s "$two/status" | jq .uptime_ms) < 10000))
}

@test "contract: metrics are Prometheus's text, and name nobody" {
	hv tee
	keys 2
	boot "$tee" 2 2
	inject "$tee" 2
	ask "$tee" GET /metrics
	accepted
	has "$(header Content-Type)" text/plain
	for words in 'operation="inject-shares",result="ok"} 2' 'operation="genesis-boot"' 'phase="ApplicationReady"} 1' \
		duration connections; do
		has "$output" "$words"
	done
	hasnt "$output" member1
	hasnt "$output" contract
	hasnt "$output" "$("$BUILD/forge" hash <<<"$envelope")"
	run -0 awk '!/^#/ && !/^[a-z_]+(\{[^}]*\})? -?[0-9.e+]+$/ { print }' <<<"$output"
	same "$output" ''
}

# One row a route: method, path, a well-formed body that changes nothing where it is allowed, and what
# it is answered with in the phases of contract.md's table ("allowed in"), in this order:
# WaitingForBootInstruction GenesisBooted WaitingForQuorumShards WaitingForForwardedKey ApplicationReady
# UnrecoverableError (without a manifest, and not in debug mode). JUNK: a manifest envelope that is not well
# formed.
ROUTES='
GET  /health                        -        200      200      200      200      200      503/503
GET  /status                        -        200      200      200      200      200      200
GET  /metrics                       -        200      200      200      200      200      200
GET  /enclave/manifest              -        409/1001 200      200      200      200      409/1001
GET  /enclave/receipts              -        200      200      200      200      200      200
POST /enclave/live-attestation      NONCE    200      200      200      200      200      200
POST /validate-seed                 PHRASE   200      200      200      200      200      200
POST /enclave/generate-attestation  ATTEST   409/1001 200      200      200      200      409/1001
POST /enclave/retire                RETIRE   409/1006 409/1006 409/1006 409/1006 409/1006 403/1011
POST /enclave/boot-standard         JUNK     400/1002 409/1006 409/1006 409/1006 409/1006 409/1006
POST /enclave/genesis-boot          BIRTH    400/1002 409/1006 409/1006 409/1006 409/1006 409/1006
POST /enclave/share-manifest        JUNK     400/1002 409/1006 409/1006 409/1006 409/1006 409/1006
POST /enclave/inject-shares         SHARE    409/1006 400/1001 400/1001 409/1006 409/1006 409/1006
POST /enclave/inject-key            KEY      409/1006 409/1006 409/1006 400/1007 409/1006 409/1006
POST /enclave/export-key            EXPORT   409/1006 409/1006 409/1006 409/1006 400/1002 409/1006
POST /enclave/prove-key             PROVE    409/1006 409/1006 409/1006 409/1006 200      409/1006
POST /generate-seed                 SEED     409/1006 409/1006 409/1006 409/1006 200      409/1006
'

walk_routes() { # URL COLUMN PHASE
	local method path body cells expected before after junk failures=''
	junk=$(jq -c '.manifest.share_set.threshold = 0' <<<"$envelope")
	declare -A bodies=(
		[-]=''
		[NONCE]='{"nonce":[1,2,3]}'
		[PHRASE]='{"seed_phrase":"abandon"}'
		[ATTEST]="{\"manifest_hash\":$ZERO32,\"pcr_values\":[[],[],[],[]]}"
		[RETIRE]="{\"manifest_hash\":$ZERO32}"
		[JUNK]="{\"manifest_envelope\":$junk}"
		[BIRTH]=$(genesis_request 1 2 keyless)
		[SHARE]="{\"namespace_name\":\"other\",\"namespace_nonce\":7,\"shares\":[{\"member_alias\":\"member1\",\"encrypted_share\":$(array 130 0)}]}"
		[KEY]="{\"encrypted_quorum_key\":$(array 129 0),\"signature\":$ZERO64}"
		[EXPORT]="{\"manifest_envelope\":$junk,\"attestation_doc\":[0]}"
		[PROVE]="{\"challenge\":$ZERO32}"
		[SEED]='{}'
	)
	before=$(curl -s "$1/status" | jq -cS 'del(.timestamp, .uptime_ms)')
	same "$(jq -r .phase <<<"$before")" "$3"
	while read -r method path body cells; do
		[[ -n $method ]] || continue
		read -ra cells <<<"$cells"
		expected=${cells[$2]}
		ask "$1" "$method" "$path" "${bodies[$body]}"
		[[ $http${code:+/$code} == "$expected" ]] ||
			failures+="$3 $path: expected $expected, found $http/$code $error"$'\n'
		if [[ $code == 1006 ]]; then
			[[ $error == "Invalid state transition"*"${path##*/}"*"$3"* ]] || failures+="$3 $path: $error"$'\n'
		elif [[ $expected == 409/1001 ]]; then
			[[ $error == "Manifest envelope not found"* ]] || failures+="$3 $path: $error"$'\n'
		fi
	done <<<"$ROUTES"
	same "$failures" ''
	after=$(curl -s "$1/status" | jq -cS 'del(.timestamp, .uptime_ms)')
	same "$after" "$before"
}

@test "contract: every route in every phase" {
	hv tee --debug
	hv next --debug
	boot "$next" 2 2 keyless # an envelope to make junk of
	walk_routes "$tee" 0 WaitingForBootInstruction
	boot "$tee" 2 2 keyless
	walk_routes "$tee" 1 GenesisBooted
	inject "$tee" 1
	walk_routes "$tee" 2 WaitingForQuorumShards
	inject "$tee" 2
	walk_routes "$tee" 4 ApplicationReady
	hv target --debug
	share_manifest "$target"
	walk_routes "$target" 3 WaitingForForwardedKey
}

@test "contract: an NSM fault after ExtendPCR is the end: no operation but looking" {
	faulty lost LockPCRs:1 --insecure-open-seed
	hv other --debug
	boot "$other" 2 2 keyless
	keys 2
	ask "$lost" POST /enclave/genesis-boot "$(genesis_request 2 2)"
	refused 500 1010 'Internal error'
	walk_routes "$lost" 5 UnrecoverableError
}

@test "contract: an NSM fault before ExtendPCR changes nothing, and the next try succeeds" {
	keys 2
	faulty tee Attestation:2
	ask "$tee" POST /enclave/genesis-boot "$(genesis_request 2 2)"
	refused 500 1010 'Internal error'
	same "$(phase_of "$tee")" WaitingForBootInstruction
	boot "$tee" 2 2
	inject "$tee" 2
	ask "$tee" POST /enclave/prove-key "{\"challenge\":$ZERO32}"
	accepted
}

# --- errors: one test a row of the table; rows that other tests reach are there as well.

@test "contract: 1000 names the place" {
	hv tee
	ask "$tee" POST /enclave/live-attestation '{"nonce":[1,256]}'
	refused 400 1000 'Invalid request' 'nonce[1]'
	ask "$tee" POST /enclave/live-attestation '{}'
	refused 400 1000 'Invalid request' nonce
	ask "$tee" POST /enclave/inject-shares '{"namespace_name":"a","namespace_nonce":1,"shares":[{"member_alias":"b","signature":[1]}]}'
	refused 400 1000 'Invalid request' 'shares[0].signature'
}

@test "contract: 1001 is another namespace or nonce" {
	hv tee --debug
	boot "$tee" 2 2 keyless
	local good
	good=$(share 1 decrypted_share "$(given 1)")
	ask "$tee" POST /enclave/inject-shares "$(jq -c '.namespace_name = "contrac"' <<<"$good")"
	refused 400 1001 'Invalid namespace'
	ask "$tee" POST /enclave/inject-shares "$(jq -c '.namespace_nonce = 8' <<<"$good")"
	refused 400 1001 'Invalid namespace'
	same "$(phase_of "$tee")" GenesisBooted
}

@test "contract: 1002 is a threshold or a manifest that is not well formed, at genesis" {
	hv tee
	keys 3
	local good
	good=$(genesis_request 2 3)
	while IFS='|' read -r words change; do
		ask "$tee" POST /enclave/genesis-boot "$(jq -c "$change" <<<"$good")"
		refused 400 1002 "$words" || fail "$change"
	done <<-'ROWS'
	Invalid threshold|.share_threshold = 0
	Invalid threshold|.share_threshold = 1
	Invalid threshold|.share_threshold = 4
	Invalid threshold|.manifest_threshold = 0
	Invalid threshold|.manifest_threshold = 4
	Invalid threshold|.share_members = [] | .share_threshold = 2
	Invalid manifest|.share_members[1].alias = "member1"
	Invalid manifest|.manifest_members[2].alias = "member1"
	Invalid manifest|.share_members[1].pub_key = .share_members[0].pub_key
	Invalid manifest|.share_members[1].pub_key[:65] = .share_members[0].pub_key[:65]
	Invalid manifest|.share_members[1].pub_key[65:] = .share_members[0].pub_key[65:]
	Invalid manifest|.share_members[0].pub_key[64] = 255 - .share_members[0].pub_key[64]
	Invalid manifest|.share_members[0].pub_key[65] = 2
	Invalid manifest|.share_members[0].pub_key = []
	Invalid manifest|.namespace_nonce = 4294967295
	ROWS
	same "$(phase_of "$tee")" WaitingForBootInstruction
}

@test "contract: 1002 is a manifest that is not well formed, wherever it comes in" {
	hv tee
	hv target
	keys 3
	boot "$tee" 2 3
	inject "$tee" 2
	local junk
	while IFS='|' read -r words change; do
		junk=$(jq -c "$change" <<<"$envelope")
		ask "$target" POST /enclave/share-manifest "{\"manifest_envelope\":$junk}"
		refused 400 1002 "$words" || fail "share-manifest: $change"
		ask "$target" POST /enclave/boot-standard "{\"manifest_envelope\":$junk}"
		refused 400 1002 "$words" || fail "boot-standard: $change"
		ask "$tee" POST /enclave/export-key "{\"manifest_envelope\":$junk,\"attestation_doc\":[0]}"
		refused 400 1002 "$words" || fail "export-key: $change"
	done <<-'ROWS'
	Invalid threshold|.manifest.share_set.threshold = 1
	Invalid threshold|.manifest.share_set.threshold = 4
	Invalid threshold|.manifest.manifest_set.threshold = 0
	Invalid threshold|.manifest.manifest_set.threshold = 4
	Invalid manifest|.manifest.share_set.members[1].alias = "member1"
	Invalid manifest|.manifest.manifest_set.members[1].pub_key[:65] = .manifest.manifest_set.members[0].pub_key[:65]
	Invalid manifest|.manifest.manifest_set.members[1].pub_key[65:] = .manifest.manifest_set.members[0].pub_key[65:]
	Invalid manifest|.manifest.share_set.members[0].pub_key = []
	Invalid manifest|.manifest.share_set.members[0].pub_key[1] = 255 - .manifest.share_set.members[0].pub_key[1]
	Invalid manifest|.manifest.namespace.quorum_key[64] = 255 - .manifest.namespace.quorum_key[64]
	Invalid manifest|.manifest.namespace.quorum_key = .manifest.share_set.members[0].pub_key
	Invalid manifest|.manifest.namespace.quorum_key[65:] = .manifest.manifest_set.members[2].pub_key[65:]
	Invalid manifest|.manifest.namespace.nonce = 4294967295
	Invalid manifest|.manifest.patch_set.threshold = 1
	Invalid manifest|.share_set_approvals = [{"signature": [range(64) | 1], "member": .manifest.share_set.members[0]}]
	ROWS
	same "$(phase_of "$target")" WaitingForBootInstruction
	share_manifest "$target"
}

@test "contract: PCRs of another length are no manifest" {
	hv tee --debug
	boot "$tee" 2 2 keyless
	hv target --debug
	for change in '.manifest.enclave.pcr0 = []' '.manifest.enclave.pcr3 += [0]' '.manifest.enclave.pcr1 = .manifest.enclave.pcr1[:32]'; do
		ask "$target" POST /enclave/share-manifest "{\"manifest_envelope\":$(jq -c "$change" <<<"$envelope")}"
		[[ $http/$code == 400/1000 || $http/$code == 400/1002 ]] || fail "$change: $http/$code $error"
		has "$error" "pcr"
	done
}

@test "contract: 1003 names the member whose share is missing, repeated, foreign or wrong" {
	hv tee
	keys 3
	boot "$tee" 2 3
	local one two
	one=$(sealed 1) two=$(sealed 2)
	# None is accepted: the first is named.
	ask "$tee" POST /enclave/inject-shares "$(share 1 encrypted_share "$two")"
	refused 400 1003 'Share rejected' "'member1'"
	ask "$tee" POST /enclave/inject-shares "$(share 9 encrypted_share "$one")"
	refused 400 1003 'Share rejected' "'member9'"
	ask "$tee" POST /enclave/inject-shares "$(share 1 encrypted_share "$(given 1)")"
	refused 400 1003 'Share rejected' "'member1'"
	ask "$tee" POST /enclave/inject-shares '{"namespace_name":"contract","namespace_nonce":7,"shares":[{"member_alias":"member2"}]}'
	refused 400 1003 'Share rejected' "'member2'" missing
	same "$(phase_of "$tee")" GenesisBooted
	# Repeated in one request, after a good one; the good one counts.
	ask "$tee" POST /enclave/inject-shares "$(share 1 encrypted_share "$one" | jq -c '.shares += .shares')"
	accepted
	same "$(jq -c '[.rejected, .shares_received, .success]' <<<"$output")" '[["member1"],1,true]'
}

@test "contract: wrong shares are named in rejected, and the good ones count" {
	hv tee
	keys 3
	boot "$tee" 2 3
	local body
	body=$(share 1 encrypted_share "$(sealed 1)" | jq -c --argjson wrong "$(sealed 3)" --argjson good "$(sealed 3)" \
		'.shares += [{member_alias: "member2", encrypted_share: $wrong}, {member_alias: "member3", encrypted_share: $good}]')
	ask "$tee" POST /enclave/inject-shares "$body"
	accepted
	same "$(jq -r 'keys | join(" ")' <<<"$output")" \
		'receipt reconstructed_quorum_key rejected shares_received success threshold unresolved'
	same "$(jq -c '[.rejected, .shares_received, .threshold, .success, .unresolved, .receipt.body != null]' <<<"$output")" \
		'[["member2"],2,2,true,false,true]'
	same "$(jq -c .reconstructed_quorum_key <<<"$output")" "$(jq -c .quorum_public_key <<<"$genesis")"
	same "$(phase_of "$tee")" ApplicationReady
}

@test "contract: the key is empty until the threshold is met" {
	hv tee
	keys 3
	boot "$tee" 3 3
	ask "$tee" POST /enclave/inject-shares "$(share 2 encrypted_share "$(sealed 2)")"
	accepted
	same "$output" '{"reconstructed_quorum_key":[],"success":true,"shares_received":1,"threshold":3,"rejected":[],"unresolved":false}'
}

@test "contract: 1009 comes with Retry-After, for what makes the NSM work alone" {
	hv tee --nsm-rate 2
	local i ok=0
	for i in {1..30}; do
		ask "$tee" POST /enclave/live-attestation '{"nonce":[1]}'
		[[ $http != 200 ]] || ok=$((ok + 1))
		[[ $http == 200 ]] || break
	done
	((ok >= 2)) || fail "$ok of 2"
	refused 429 1009 'Too many requests'
	[[ $(header Retry-After) =~ ^[1-9][0-9]*$ ]]
	ask "$tee" GET /status
	accepted
	ask "$tee" POST /validate-seed '{"seed_phrase":"a"}'
	accepted
	# Of another address it is another count.
	ask "$tee" POST /enclave/live-attestation '{"nonce":[1]}' --interface 127.0.0.9
	accepted
}

@test "contract: 1011 is a share in the clear, in every mode but debug" {
	hv tee
	keys 2
	boot "$tee" 2 2
	local plain
	plain=$(given 1 | "$BUILD/forge" open member1.secret)
	ask "$tee" POST /enclave/inject-shares "$(share 1 decrypted_share "$plain")"
	refused 403 1011 'Access denied' inject-shares
	same "$(phase_of "$tee")" GenesisBooted
	ask "$tee" GET /status
	same "$(jq -c .shares_received <<<"$output")" 0
}

@test "contract: 1011 is generate-seed, unless the enclave was started open" {
	hv tee
	ask "$tee" POST /generate-seed '{}'
	refused 403 1011 'Access denied' /generate-seed
	hv open --insecure-open-seed
	ask "$open" POST /generate-seed '{}'
	refused 409 1006 'Invalid state transition'
}

# --- replays

@test "contract: the same genesis request has the very same answer, until a share came back" {
	hv tee
	keys 2
	boot "$tee" 2 2
	local first=$output id
	id=$(jq -c .manifest_hash < <(curl -s "$tee/status"))
	ask "$tee" POST /enclave/genesis-boot "$(genesis_request 2 2)"
	accepted
	same "$output" "$first"
	ask "$tee" POST /enclave/genesis-boot "$(genesis_request 2 2 | jq -c '.pivot_args = ["x"]')"
	refused 409 1006 'Invalid state transition'
	same "$(jq -c .manifest_hash < <(curl -s "$tee/status"))" "$id"
	inject "$tee" 1
	ask "$tee" POST /enclave/genesis-boot "$(genesis_request 2 2)"
	refused 409 1006 'Invalid state transition' genesis-boot WaitingForQuorumShards
	inject "$tee" 2
	ask "$tee" POST /enclave/genesis-boot "$(genesis_request 2 2)"
	refused 409 1006 'Invalid state transition' genesis-boot ApplicationReady
}

@test "contract: the same manifest, share and key succeed again in every later phase" {
	hv source
	hv target
	keys 3
	boot "$source" 2 3
	local one two key
	one=$(share 1 encrypted_share "$(sealed 1)") two=$(share 2 encrypted_share "$(sealed 2)")
	for body in "$one" "$one" "$two" "$two" "$one"; do
		ask "$source" POST /enclave/inject-shares "$body"
		accepted
	done
	same "$(jq -c '[.shares_received, .success, .rejected]' <<<"$output")" '[2,true,[]]'
	same "$(jq -c .reconstructed_quorum_key <<<"$output")" "$(jq -c .quorum_public_key <<<"$genesis")"
	same "$(jq -c '[.receipts | length]' < <(curl -s "$source/enclave/receipts"))" '[1]'
	ask "$source" POST /enclave/inject-shares "$(share 3 encrypted_share "$(sealed 3)")"
	refused 409 1006 'Invalid state transition'

	share_manifest "$target"
	share_manifest "$target"
	key=$(export_key "$source" "$(document "$target")" && exported)
	ask "$target" POST /enclave/inject-key "$key"
	accepted
	local first=$output
	ask "$target" POST /enclave/inject-key "$key"
	accepted
	same "$(jq -c .result <<<"$output")" "$(jq -c .result <<<"$first")"
	same "$(jq -c '[.receipts | length]' < <(curl -s "$target/enclave/receipts"))" '[1]'
	share_manifest "$target"
	same "$(phase_of "$target")" ApplicationReady
	# Different content: 409.
	ask "$target" POST /enclave/share-manifest "$(envelope_of | jq -c '.manifest_envelope.manifest.namespace.nonce = 8')"
	refused 409 1006
	ask "$target" POST /enclave/inject-key "$(jq -c '.encrypted_quorum_key[128] |= 255 - .' <<<"$key")"
	refused 409 1006
	ask "$source" POST /enclave/share-manifest "$(envelope_of | jq -c '.manifest_envelope.manifest.namespace.nonce = 8')"
	refused 409 1006
}

@test "contract: a replayed share in the clear is one too" {
	hv tee --debug
	boot "$tee" 2 3 keyless
	inject "$tee" 1
	local first=$output
	inject "$tee" 1
	same "$output" "$first"
	inject "$tee" 2
	inject "$tee" 1
	same "$(jq -c '[.shares_received, .rejected]' <<<"$output")" '[2,[]]'
	ask "$tee" POST /enclave/inject-shares "$(share 1 decrypted_share "$(given 2)")"
	refused 409 1006
}

@test "contract: a replay does not count against the NSM's rate, and asks it nothing" {
	hv tee --nsm-rate 1
	keys 2
	boot "$tee" 2 2
	for i in 1 2 3 4 5; do
		boot "$tee" 2 2
	done
}

# --- order of judgement

@test "contract: of two faults the earlier in the order is told" {
	hv tee
	hv seeds --insecure-open-seed
	keys 2
	boot "$tee" 2 2
	local huge=(-H 'Content-Length: 99999999') host=(-H 'Host: elsewhere') origin=(-H 'Origin: http://a') \
		chunked=(-H 'Transfer-Encoding: chunked') text=(-H 'Content-Type: text/plain')
	ask "$tee" POST /nowhere '{' "${host[@]}"
	refused 404 404
	ask "$tee" GET /enclave/genesis-boot '' "${host[@]}" "${origin[@]}"
	refused 405 405
	ask "$tee" POST /generate-seed '{}' "${host[@]}" "${origin[@]}"
	refused 421 421
	ask "$tee" POST /generate-seed '{}' "${origin[@]}" "${chunked[@]}"
	refused 403 403 'Origin refused'
	ask "$tee" POST /generate-seed '{}' "${chunked[@]}" "${text[@]}"
	refused 411 411
	ask "$tee" POST /generate-seed '' "${huge[@]}" "${text[@]}"
	refused 413 413
	ask "$tee" POST /generate-seed '' -H 'Content-Type: text/plain' -d '{}'
	refused 415 415
	ask "$tee" POST /generate-seed '{'
	refused 403 1011
	ask "$seeds" POST /generate-seed '{'
	refused 400 1000
	ask "$seeds" POST /generate-seed '{"seed_type":"a"}'
	refused 400 1000
	ask "$seeds" POST /generate-seed '{}'
	refused 409 1006
	# phase before mode, mode before content
	ask "$seeds" POST /enclave/inject-shares "$(share 1 decrypted_share "$(array 33 1)")"
	refused 409 1006
	ask "$tee" POST /enclave/inject-shares "$(share 1 decrypted_share "$(array 33 1)" | jq -c '.namespace_name = "x"')"
	refused 403 1011
	ask "$tee" POST /enclave/inject-shares "$(share 1 decrypted_share "$(array 32 1)")"
	refused 400 1000
}

# --- operations

@test "contract: live-attestation repeats the nonce, in an answer of its form" {
	hv tee
	ask "$tee" POST /enclave/live-attestation "{\"nonce\":$(array 512 9)}" -H 'X-Request-Id: abc'
	accepted
	same "$(jq -c '[(keys | join(" ")), .id, (.result | keys[0]), (.result.LiveAttestationResponse | keys[0])]' <<<"$output")" \
		'["id result","abc","LiveAttestationResponse","attestation_doc"]'
	jq -c .result.LiveAttestationResponse.attestation_doc <<<"$output" | "$BUILD/forge" show "$BATS_TEST_TMPDIR/pki/root.der" >seen
	same "$(sed -n 's/^nonce //p' seen)" "$(array 512 9 | hex)"
	ask "$tee" POST /enclave/live-attestation "{\"nonce\":$(array 513 9)}"
	refused 400 1000 'Invalid request' nonce
	ask "$tee" POST /enclave/live-attestation '{"nonce":[]}'
	refused 400 1000 'Invalid request' nonce
}

@test "contract: a genesis makes no manifest that another enclave could not be given" {
	hv any --debug
	local widest
	keys 3
	boot "$any" 2 3
	# The largest request that holds it, export-key'"'"'s: all have approved, and every byte has three digits.
	widest=$(jq -c 'def wide($n): [range($n) | 255];
		.manifest.namespace.quorum_key = wide(130) |
		.manifest_set_approvals = [.manifest.manifest_set.members[] | {signature: wide(64), member: .}] |
		{manifest_envelope: ., attestation_doc: wide(16384)}' <<<"$envelope" | tr -d '\n' | wc -c)
	hv tee --debug --max-body "$((widest + 5))"
	# An argument of n bytes takes n + 2 as the first.
	ask "$tee" POST /enclave/genesis-boot "$(genesis_request 2 3 | jq -c '.pivot_args = ["abcd"]')"
	refused 400 1002 'Invalid manifest' "$((widest + 6)) bytes" "max-body is $((widest + 5))"
	same "$(phase_of "$tee")" WaitingForBootInstruction
	ask "$tee" POST /enclave/genesis-boot "$(genesis_request 2 3 | jq -c '.pivot_args = ["abc"]')"
	accepted
	# So it is forwarded, whole.
	genesis=$output envelope=$(jq -c .manifest_envelope <<<"$output")
	hv next --debug --max-body "$((widest + 5))"
	approvals 1 2 3
	inject "$tee" 2
	share_manifest "$next"
	export_key "$tee" "$(document "$next")"
	accepted
	ask "$next" POST /enclave/inject-key "$(exported)"
	accepted
	same "$(phase_of "$next")" ApplicationReady
}

@test "contract: genesis-boot's request has its limits" {
	hv tee --debug
	local good
	good=$(genesis_request 2 3 keyless)
	while IFS='|' read -r place change; do
		ask "$tee" POST /enclave/genesis-boot "$(jq -c "$change" <<<"$good")"
		refused 400 1000 'Invalid request' "$place" || fail "$change"
	done <<-'ROWS'
	namespace_name|.namespace_name = ""
	namespace_name|.namespace_name = ("a" * 129)
	namespace_name|.namespace_name = "a b"
	namespace_name|.namespace_name = "é"
	namespace_name|.namespace_name = 1
	namespace_nonce|.namespace_nonce = -1
	namespace_nonce|.namespace_nonce = 4294967296
	namespace_nonce|.namespace_nonce = "7"
	namespace_nonce|.namespace_nonce = null
	pivot_hash|.pivot_hash = .pivot_hash[:31]
	pivot_hash|.pivot_hash += [0]
	pivot_args[0]|.pivot_args = [1]
	pivot_args|del(.pivot_args)
	share_threshold|.share_threshold = -1
	share_members|.share_members = {}
	share_members[0].alias|del(.share_members[0].alias)
	share_members[1].pub_key|.share_members[1].pub_key = "04"
	dr_key|.dr_key = [1]
	dr_key|.dr_key = [range(130) | 4]
	extra|.extra = 1
	share_members[0].extra|.share_members[0].extra = 1
	ROWS
	# A list longer than any set.
	ask "$tee" POST /enclave/genesis-boot "$(jq -c '.share_members = [range(256) | {alias: "m\(.)", pub_key: []}]' <<<"$good")"
	refused 400 1002 'Invalid threshold' 'share set has 256 members'
	ask "$tee" POST /enclave/genesis-boot "$(jq -c '.namespace_name = ("a" * 126 + "/-") | .namespace_nonce = 4294967294
		| .share_members = [range(255) | {alias: "m\(.)", pub_key: []}] | .share_threshold = 255 | .pivot_args = ["é", ""]' <<<"$good")"
	accepted
	same "$(jq -c '[(.encrypted_shares | length), .manifest_envelope.manifest.pivot.args]' <<<"$output")" '[255,["é",""]]'
}

@test "contract: generate-attestation never repeats a claim" {
	hv tee
	ask "$tee" POST /enclave/generate-attestation "{\"manifest_hash\":$ZERO32,\"pcr_values\":[[],[],[],[]]}"
	refused 409 1001 'Manifest envelope not found'
	keys 2
	boot "$tee" 2 2
	local hash good
	hash=$(bytes "$("$BUILD/forge" hash <<<"$envelope")")
	good=$(jq -c --argjson hash "$hash" '.manifest.enclave | {manifest_hash: $hash, pcr_values: [.pcr0, .pcr1, .pcr2, .pcr3]}' <<<"$envelope")
	ask "$tee" POST /enclave/generate-attestation "$good"
	accepted
	same "$(jq -c '[(keys | join(" ")), (.result | keys[0])]' <<<"$output")" '["id result","GenerateAttestationResponse"]'
	ask "$tee" POST /enclave/generate-attestation "$(jq -c '.manifest_hash[0] |= 255 - .' <<<"$good")"
	same "$http" 403
	refused 403 1005 'Attestation document verification failed' 'manifest hash'
	for i in 0 1 2 3; do
		ask "$tee" POST /enclave/generate-attestation "$(jq -c ".pcr_values[$i][0] |= 255 - ." <<<"$good")"
		refused 403 1005 'Attestation document verification failed' "PCR$i"
		ask "$tee" POST /enclave/generate-attestation "$(jq -c ".pcr_values[$i] |= .[:47]" <<<"$good")"
		refused 400 1000 'Invalid request' "pcr_values[$i]"
	done
	ask "$tee" POST /enclave/generate-attestation "$(jq -c '.pcr_values |= .[:3]' <<<"$good")"
	refused 400 1000 'Invalid request' pcr_values
	ask "$tee" POST /enclave/generate-attestation "$(jq -c '.nonce = [1, 2]' <<<"$good")"
	accepted
	jq -c .result.GenerateAttestationResponse.attestation_doc <<<"$output" | "$BUILD/forge" show pki/root.der >seen
	same "$(sed -n 's/^nonce //p' seen)" 0102
}

@test "contract: 1007 is a key or a signature that is not the quorum's" {
	hv source
	hv target
	keys 2
	boot "$source" 2 2
	inject "$source" 2
	share_manifest "$target"
	export_key "$source" "$(document "$target")"
	accepted
	same "$(jq -c '[(keys | join(" ")), (.result | keys[0]), (.result.ExportKeyResponse | [(keys | join(" ")), (.encrypted_quorum_key | length), (.signature | length)])]' <<<"$output")" \
		'["id result","ExportKeyResponse",["encrypted_quorum_key receipt signature",129,64]]'
	local good
	good=$(exported)
	for change in '.signature[63] |= 255 - .' '.encrypted_quorum_key[128] |= 255 - .' '.signature = [range(64) | 0]' \
		'.signature = [range(64) | 255]'; do
		ask "$target" POST /enclave/inject-key "$(jq -c "$change" <<<"$good")"
		refused 400 1007 'Key injection failed' || fail "$change"
	done
	for change in '.signature |= .[:63]' '.signature += [0]' '.encrypted_quorum_key |= .[:128]' '.encrypted_quorum_key += [0]'; do
		ask "$target" POST /enclave/inject-key "$(jq -c "$change" <<<"$good")"
		refused 400 1000 'Invalid request' || fail "$change"
	done
	same "$(phase_of "$target")" WaitingForForwardedKey
	# Sealed to somebody else, rightly signed.
	hv other
	share_manifest "$other"
	export_key "$source" "$(document "$other")"
	accepted
	ask "$target" POST /enclave/inject-key "$(exported)"
	refused 400 1007 'Key injection failed'
	ask "$target" POST /enclave/inject-key "$good"
	accepted
	same "$(jq -c '[(keys | join(" ")), (.result.InjectKeyResponse | [(keys | join(" ")), .success])]' <<<"$output")" \
		'["id result",["receipt success",true]]'
	ask "$target" GET /status
	same "$(jq -c '[.phase, .quorum_key_available]' <<<"$output")" '["ApplicationReady",true]'
}

@test "contract: seeds are the same on every TEE of the quorum, and as strong as asked" {
	hv source --insecure-open-seed
	hv target --insecure-open-seed
	keys 2
	boot "$source" 2 2
	inject "$source" 2
	share_manifest "$target"
	ask "$target" POST /enclave/inject-key "$(export_key "$source" "$(document "$target")" && exported)"
	accepted
	local strength words first
	for strength in 128:12 160:15 192:18 224:21 256:24; do
		words=${strength#*:} strength=${strength%:*}
		ask "$source" POST /generate-seed "{\"seed_type\":\"t\",\"seed_data\":\"d\",\"strength\":$strength}"
		accepted
		first=$output
		same "$(jq -c '[(.seed_phrase | split(" ") | length), (.entropy | length), .strength, .word_count]' <<<"$output")" \
			"[$words,$((strength / 4)),$strength,$words]"
		ask "$target" POST /generate-seed "{\"seed_type\":\"t\",\"seed_data\":\"d\",\"strength\":$strength}"
		same "$output" "$first"
		ask "$target" POST /validate-seed "$(jq -c '{seed_phrase}' <<<"$first")"
		same "$output" "{\"valid\":true,\"word_count\":$words}"
	done
	ask "$source" POST /generate-seed '{"seed_type":"t","seed_data":"d"}'
	same "$output" "$first"
	ask "$source" POST /generate-seed '{"seed_type":"td","seed_data":""}'
	accepted
	[[ $output != "$first" ]]
	ask "$source" POST /generate-seed '{}'
	accepted
	first=$output
	ask "$source" POST /generate-seed '{}'
	[[ $output != "$first" ]]
	while IFS='|' read -r place body; do
		ask "$source" POST /generate-seed "$body"
		refused 400 1000 'Invalid request' "$place" || fail "$body"
	done <<-ROWS
	seed_type|{"seed_data":"a"}
	seed_data|{"seed_type":"a"}
	seed_type|{"seed_type":"","seed_data":"a"}
	seed_type|{"seed_type":"$(head -c 129 /dev/zero | tr '\0' a)","seed_data":"a"}
	seed_data|{"seed_type":"a","seed_data":"$(head -c 4097 /dev/zero | tr '\0' a)"}
	strength|{"strength":129}
	strength|{"strength":0}
	strength|{"strength":288}
	ROWS
	ask "$source" POST /generate-seed "{\"seed_type\":\"$(head -c 128 /dev/zero | tr '\0' a)\",\"seed_data\":\"$(head -c 4096 /dev/zero | tr '\0' a)\"}"
	accepted
	run ! grep -iE 'aaaaaaa|"d"|seed_phrase' source.log
}

@test "contract: validate-seed judges words and checksum" {
	hv tee
	local twelve='abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon'
	ask "$tee" POST /validate-seed "{\"seed_phrase\":\"$twelve about\"}"
	same "$output" '{"valid":true,"word_count":12}'
	ask "$tee" POST /validate-seed "{\"seed_phrase\":\"$twelve abandon\"}"
	same "$output" '{"valid":false,"word_count":12}'
	ask "$tee" POST /validate-seed '{"seed_phrase":"xyzzy"}'
	same "$(jq -c .valid <<<"$output")" false
	ask "$tee" POST /validate-seed '{"seed_phrase":""}'
	same "$output" '{"valid":false,"word_count":0}'
}

# --- the log

@test "contract: every key operation is logged, with phases, outcome and duration, and no secret" {
	hv source --log-level debug
	hv target
	keys 2
	boot "$source" 2 2
	inject "$source" 2
	share_manifest "$target"
	ask "$target" POST /enclave/inject-key "$(export_key "$source" "$(document "$target")" && exported)" -H 'X-Request-Id: the-last-one'
	ask "$source" POST /enclave/genesis-boot "$(genesis_request 2 2 | jq -c '.pivot_args = ["x"]')"
	stop_hvs
	for operation in genesis-boot inject-shares export-key; do
		run -0 grep -E "^20[0-9-]{8}T[0-9:]{8}\.[0-9]+Z .*request=[0-9a-f-]{36} .*operation=$operation phase=[A-Za-z]+ phase_after=[A-Za-z,]+ outcome=ok duration_ms=[0-9.]+" source.log
	done
	run -0 grep -E 'request=the-last-one operation=inject-key phase=WaitingForForwardedKey phase_after=QuorumKeyProvisioned,ApplicationReady outcome=ok' target.log
	run -0 grep -E 'operation=genesis-boot phase=ApplicationReady .*outcome=phase' source.log
	run -0 grep -E 'operation=inject-shares phase=GenesisBooted phase_after=WaitingForQuorumShards' source.log
}
