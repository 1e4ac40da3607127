#!/usr/bin/env bats
# A live document for somebody else to verify.

load verb

teardown() {
	stop_hvs
	verb_teardown
}

@test "attest get: a document that verifies elsewhere, by the command that it prints" {
	make_cluster --nodes 2
	teectl up >/dev/null 2>&1
	try 0 attest get tee1 --out tee1.cose
	prints "tee1: verified; the document is in tee1.cose"
	says "nonce "
	says "elsewhere, within three hours:"
	# The command is the rest of what it says, as a shell reads it.
	sed -n '/elsewhere/,$p' <<<"$stderr" | tail -n +2 >command
	mkdir elsewhere
	cp tee1.cose elsewhere/
	mkdir -p elsewhere/.teectl/demo/pki
	cp .teectl/demo/pki/root.der elsewhere/.teectl/demo/pki/
	[[ $(grep -c -e '--pcr' command) -eq 4 ]]
	sed "s|^teectl|'$BUILD/teectl' |" command >run
	(cd elsewhere && bash -e ../run) >verdict
	grep -q "^VERIFIED" verdict
	grep -q "^nonce  *done" verdict
	grep -q "^pcr3  *done" verdict
	# Another nonce, or the document of another node, is not what was asked for.
	sed 's/--nonce [0-9a-f]\{8\}/--nonce 00000000/' run >other
	run -5 bash -c "cd elsewhere && bash -e ../other"
	has "$output" "nonce is not the expected one"
	teectl attest get tee2 --out elsewhere/tee1.cose 2>/dev/null
	run -5 bash -c "cd elsewhere && bash -e ../run"
	has "$output" "nonce is not the expected one"
}

@test "attest get: base64 alone on standard output, a fresh nonce each time, and JSON" {
	make_cluster --nodes 1
	teectl up >/dev/null 2>&1
	try 0 attest get tee1
	same "${#lines[@]}" 1
	base64 -d <<<"$output" >raw
	says "tee1: verified"
	try 0 attest show raw -o json
	local nonce
	nonce=$(jq -r .nonce <<<"$output")
	try 0 attest get tee1 -o json
	json .node tee1
	json .file null
	[[ $(jq -r .nonce <<<"$output") != "$nonce" ]]
	jq -r .document <<<"$output" | base64 -d >raw
	json .sha256 "$(sha256sum raw | cut -d' ' -f1)"
	bash -c "$(jq -r .verify <<<"$output" | sed "s|^teectl attest verify -|'$BUILD/teectl' attest verify raw|")" >verdict
	grep -q "^VERIFIED" verdict
	nonce=$(jq -r .nonce <<<"$output")
	try 0 attest show raw -o json
	json .nonce "$nonce"
}

@test "attest get: an enclave that the policy refuses is refused, and nothing is written" {
	make_cluster --nodes 1
	teectl up >/dev/null 2>&1
	printf x | cat "$BUILD/teectl-enclave" - >enclave
	chmod +x enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	try 5 attest get tee1 --out tee1.cose
	says "tee1: PCR0 (image) is "
	[[ ! -e tee1.cose ]]
	# The TEE of another cluster behind this one's address; down would not find what up launched there.
	teectl down >/dev/null 2>&1
	sed -i "s|image: .*|image: $BUILD/teectl-enclave|" cluster.yaml
	hv other --role demo-operators
	sed -i "s|listen: .*|url: \"$other\" }|" cluster.yaml
	try 5 attest get tee1 -o json
	json .error.reason chain:issuer@1
	hasnt "$output" '"document"'
}

@test "attest get: a debug enclave is fetched where the file allows it, without PCRs in the command" {
	ATTESTATION='allowDebug: true' cluster debug 1 2 2
	local cluster=debug
	hv tee1 --debug --role test-operators
	mkdir -p -m 700 .teectl/debug/pki
	cp pki/root.der .teectl/debug/pki/
	sed -i "s|name: tee1, listen: .*|name: tee1, url: \"$tee1\" }|" debug.yaml
	try 0 attest get -f debug.yaml tee1 -o json
	[[ $(jq -r .verify <<<"$output") != *--pcr* ]]
}

@test "attest get: nodes that are unknown, absent or unreachable" {
	make_cluster --nodes 1
	try 64 attest get tee2
	says "has no node 'tee2'; did you mean 'tee1'?"
	try 64 attest get
	try 2 attest get tee1
	teectl up >/dev/null 2>&1
	teectl down >/dev/null 2>&1
	try 69 attest get tee1
	says "tee1"
}
