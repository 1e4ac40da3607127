#!/usr/bin/env bats
# teectl audit fetch: receipts of what other clients did with the quorum key.

load verb

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
	cluster own 2 2 3 'retry: { attempts: 1 }'
}

teardown() {
	stop_hvs
	down_all
}

# What a curl client does: tee1's key to tee2's document, so that tee1 has a receipt that teectl has not.
export_by_curl() {
	local document envelope
	envelope=$(curl -s "$(url own tee1)/enclave/manifest" | jq -c .manifest_envelope)
	post "$(url own tee2)" /enclave/share-manifest "{\"manifest_envelope\":$envelope}"
	post "$(url own tee2)" /enclave/generate-attestation \
		"$(jq -nc '{manifest_hash: [range(32) | 0], pcr_values: [[],[],[],[]]}')"
	document=$(jq -c .result.GenerateAttestationResponse.attestation_doc <<<"$output")
	post "$(url own tee1)" /enclave/export-key "{\"manifest_envelope\":$envelope,\"attestation_doc\":$document}"
	same "$http" 200
}

# The receipts in the journal, as NODE:KIND:SEQUENCE.
receipts() {
	jq -r 'select(.kind == "receipt") | .node + ":" + .body[1:2] + ":" + .body[9:10]' .teectl/own/journal | paste -sd ' '
}

@test "audit fetch: what is known already is not written down again" {
	with_key own
	same "$(receipts)" tee1:3:0
	try 0 -f own.yaml audit fetch -o json
	json .receipts 0
	same "$(receipts)" tee1:3:0
}

@test "audit fetch: another client's receipts are verified and written down" {
	with_key own
	export_by_curl
	try 0 -f own.yaml audit fetch
	prints '1 receipt is new, verified and written down'
	same "$(receipts)" 'tee1:3:0 tee1:1:1'
	try 0 -f own.yaml audit verify
	prints '1 receipt of an operation that teectl had no part in'
	try 0 -f own.yaml lineage
	prints '1 to TEEs without a document here'
}

@test "audit fetch: a step that meets a gap fetches what is missing by itself" {
	with_key own
	export_by_curl
	try 0 -f own.yaml propagate
	same "$(receipts)" 'tee1:3:0 tee1:1:1 tee1:1:2 tee2:2:0'
	try 0 -f own.yaml audit verify
}

@test "audit fetch: a receipt that was altered on its way is refused" {
	with_key own
	export_by_curl
	mitm proxy --to "$(url own tee1)" --pki .teectl/own/pki receipts:altered
	behind own lie tee1 "$proxy"
	try 5 -f lie.yaml audit fetch
	says 'tee1: receipt 1 is not signed by the quorum key, or does not follow the one before it'
	same "$(receipts)" tee1:3:0
}

# A TEE is one node: a relay at tee2's address gives what tee1 says, all of it or the receipts alone.
@test "audit fetch: another TEE's receipts are booked on nobody" {
	with_key own
	try 0 -f own.yaml propagate
	behind own lie tee2 "$(url own tee1)"
	try 5 -f lie.yaml audit fetch
	says 'tee2: the TEE that answers here is the one that answers for tee1, by the journal'
	mitm proxy --to "$(url own tee2)" --other "$(url own tee1)" --pki .teectl/own/pki receipts:elsewhere
	behind own lie tee2 "$proxy"
	try 5 -f lie.yaml audit fetch
	says 'tee2: its receipt is of another TEE than the one that answers here'
	same "$(receipts)" 'tee1:3:0 tee1:1:1 tee2:2:0'
}

@test "audit fetch: a receipt whose predecessors are gone is told, kept as claimed, and stops nobody" {
	with_key own
	export_by_curl
	mitm proxy --to "$(url own tee1)" --pki .teectl/own/pki receipts:forgotten
	behind own few tee1 "$proxy"
	try 0 -f few.yaml propagate
	says 'tee1: receipt 2 is not verified, since the enclave no longer has those before it'
	same "$(receipts)" 'tee1:3:0 tee1:1:2 tee2:2:0'
	try 0 -f own.yaml audit verify
	prints '1 receipt whose predecessors nobody had any more'
	try 0 -f own.yaml lineage
	prints 'from tee1 (claimed)'
	# With the enclave itself they come after all.
	try 0 -f own.yaml audit fetch
	prints '2 receipts are new'
	try 0 -f own.yaml lineage
	hasnt "$output" claimed
}

@test "audit fetch: from a TEE with an older manifest, verified under its own" {
	local i
	with_key own
	teectl -f own.yaml manifest new --out next.json >/dev/null 2>&1
	for i in 1 2; do
		teectl -f own.yaml manifest approve next.json --key "own-members/member$i.secret" --yes --out "$i" >/dev/null
	done
	teectl manifest collect next.json 1 2 >/dev/null
	try 0 -f own.yaml manifest adopt next.json
	same "$(jq -r 'select(.kind == "manifest").node' .teectl/own/journal)" ''
	export_by_curl
	try 0 -f own.yaml audit fetch
	prints '1 receipt is new, verified and written down'
	same "$(receipts)" 'tee1:3:0 tee1:1:1'
	same "$(jq -r 'select(.kind == "receipt").manifest' .teectl/own/journal | sort -u | wc -l)" 1
	teectl -f own.yaml down tee2 >/dev/null 2>&1
	teectl -f own.yaml up >/dev/null 2>&1 || true
	try 0 -f own.yaml propagate
	same "$(jq -r 'select(.kind == "manifest").node' .teectl/own/journal | paste -sd,)" ,tee2
	try 0 -f own.yaml audit verify
	# Adopted, and given to tee2: one.
	prints '1 manifest: well formed'
	hasnt "$output" 'commit to a manifest that is not here'
}

@test "audit fetch: before genesis, and with a TEE gone" {
	try 2 -f own.yaml audit fetch
	says 'there has been no genesis, so there are no receipts'
	with_key own
	kill_node own tee2
	try 4 -f own.yaml audit fetch
	prints '0 receipts are new'
	says 'tee2 is not running'
	kill_node own tee1
	try 69 -f own.yaml audit fetch
}

@test "audit fetch: the others' receipts are fetched where one has retired or is gone" {
	with_key own
	teectl -f own.yaml propagate >/dev/null 2>&1
	try 0 -f own.yaml retire tee1
	cp .teectl/own/journal retired
	try 0 -f own.yaml audit fetch -o json
	json .receipts 0
	says 'tee1: has retired: its receipts are those in the journal'
	hasnt "$stderr" 'teectl up'
	# Started again it is one that has to be there.
	teectl -f own.yaml up >/dev/null 2>&1
	try 0 -f own.yaml audit fetch
	hasnt "$stderr" retired
	kill_node own tee1
	mv .teectl/own/journal away
	try 5 -f own.yaml audit fetch
	says 'tee2: no document in the journal shows the setup key that its receipts name'
	[[ ! -e .teectl/own/journal ]]
	# The journal's last word counts, and none of one that was altered.
	cp retired .teectl/own/journal
	try 0 -f own.yaml audit fetch
	says 'tee1: has retired'
	sed 2d retired >.teectl/own/journal
	try 5 -f own.yaml audit fetch
	says 'teectl -f own.yaml audit verify'
	hasnt "$stderr" 'tee1: has retired'
}

@test "audit fetch: it waits for no other run that changes the state, and appends nothing beside it" {
	with_key own
	local before
	before=$(wc -l <.teectl/own/journal)
	exec {lock}<.teectl/own/lock
	flock "$lock"
	try 75 -f own.yaml audit fetch
	says 'in use by another run'
	same "$(wc -l <.teectl/own/journal)" "$before"
	exec {lock}<&-
	try 0 -f own.yaml audit fetch
}
