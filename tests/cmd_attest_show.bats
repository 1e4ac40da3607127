#!/usr/bin/env bats
# What a document says, and that nobody has vouched for it.

load verb

aws=$VECTORS/aws
old=$aws/nautilus_2025_04_15.cose
words="NOT VERIFIED: these are the document's own words. Whether they are true, teectl attest verify says"

@test "attest show: a real document, word by word" {
	try 0 attest show "$old"
	diff - <(echo "$output") <<-'EOF'
	NOT VERIFIED: these are the document's own words. Whether they are true, teectl attest verify says
	document    raw, 4492 bytes, SHA-256 7e91645364199fec8fa8324b613e5a98cdf48c8df9fb659b9a2ccb10438fba3c
	module      i-06e4b98c6549ff803-enc0196373b195fb723
	timestamp   2025-04-15T02:25:23.696Z
	digest      SHA384
	debug       no
	public key  opaque, 32 bytes: e8e62201dbe293b703c759f653107acbc2c911fa1d2e66f2c747bec95971a2af
	user data   none
	nonce       none
	PCR  NAME         MEASURES                                   VALUE
	0    image        the whole enclave image file               cbe1afb6ed0ff89f10295af0b802247ec5670da8f886e71a4226373b032c322f4e42c9c98288e7211682b258684505a2
	1    kernel       kernel, command line and boot ramdisk      cbe1afb6ed0ff89f10295af0b802247ec5670da8f886e71a4226373b032c322f4e42c9c98288e7211682b258684505a2
	2    application  the application, without the boot ramdisk  21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c10edb30948c90ba67310f7b964fc500a
	3    role         the IAM role of the parent instance        9af4960cd10ff0ddb81dc6660d16bf92165923d7ce3cbc53b9e42257424049b55bf459ca68ba632f39ff510064293c5f
	4    instance     the id of the parent instance              f3e18816e8d0ba69088d034522e742f0e1909ab34d5e83a1f579ffb43c58f0f0f35d64401efc9426097565d0506a8a5f
	zero        PCR5 to PCR15
	not listed  PCR16 to PCR31
	CHAIN  VALID FROM            VALID UNTIL           SHA-256                                                           SUBJECT
	root   2019-10-28T13:28:05Z  2049-10-28T14:28:05Z  641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b  CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US
	CA     2025-04-11T16:32:55Z  2025-05-01T17:32:55Z  b0827b457e3d8ecbc0e6442edc96d828ead8776dae42d7b2f57433e9121c6861  CN=5a963172d3e5ac8b.us-east-1.aws.nitro-enclaves,OU=AWS,O=Amazon,C=US
	CA     2025-04-15T00:23:19Z  2025-04-20T18:23:19Z  f7d3dc44a22cb0c036b705037c63709691a0b665bab26e09eaccb49d7251b639  L=Seattle,ST=WA,C=US,O=Amazon,OU=AWS,CN=a83e7d1210d4135c.zonal.us-east-1.aws.nitro-enclaves
	CA     2025-04-15T01:43:38Z  2025-04-16T01:43:38Z  cc392bab46326a3090b35c3b4916cfa11ddd786f4e9274df7b5fef05b84b66f0  CN=i-06e4b98c6549ff803.us-east-1.aws.nitro-enclaves,OU=AWS,O=Amazon,L=Seattle,ST=Washington,C=US
	leaf   2025-04-15T02:17:47Z  2025-04-15T05:17:50Z  a96d3373dd7c88a6c9d8740faf60712526261eb5a0fe08ddecd885033cdd8897  CN=i-06e4b98c6549ff803-enc0196373b195fb723.us-east-1.aws,OU=AWS,O=Amazon,L=Seattle,ST=Washington,C=US
	built in    aws-nitro, CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US, SHA-256 641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b
	            the document was sent with that root
	NOT VERIFIED: these are the document's own words. Whether they are true, teectl attest verify says
	EOF
}

@test "attest show: every vector that can be decoded is shown, and none is called good" {
	local sidecar reason refused=0
	for sidecar in "$aws"/*.json "$VECTORS"/qos/mock_nsm/*.json; do
		reason=$(jq -r .expected_reason_spec "$sidecar")
		case $reason in
		cose:structure | payload:*)
			try 5 attest show "${sidecar%.json}.cose"
			[[ -z $output ]]
			says "attestation document: "
			continue
			;;
		cose:alg | cose:siglen | cose:trailing | Invalid*) ;;
		*) reason=null ;;
		esac
		try 0 attest show "${sidecar%.json}.cose"
		# What verify refuses for its form is shown as that, and the very same reason.
		if [[ $reason == null ]]; then
			hasnt "$output" "refused     "
		else
			prints "refused     by teectl attest verify ($reason): attestation document: "
			run -5 --separate-stderr teectl attest verify "${sidecar%.json}.cose" --at document -o json
			json .error.reason "$reason"
			try 0 attest show "${sidecar%.json}.cose"
			((++refused))
		fi
		same "${lines[0]}" "$words"
		same "${lines[-1]}" "$words"
		# As it stands there, in capitals; no other word of praise.
		[[ ! ${output//$words/} =~ [Vv]erified|VERIFIED|genuine|valid\ document ]] || fail "praise"
		prints "built in    aws-nitro, CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US, SHA-256 641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"
		try 0 attest show "${sidecar%.json}.cose" -o json
		json .verified false
		json .refused.reason "$reason"
		[[ $(jq -r .expected "$sidecar") != accept ]] || json '.pcrs[0].value' "$(jq -r .pcr0 "$sidecar")"
		jq -e 'has("timestamp_ms") | not' "$sidecar" >/dev/null ||
			json '[.public_key, .user_data, .nonce, .module_id] | tojson' \
				"$(jq -r '[.public_key, .user_data, .nonce, .module_id] | tojson' "$sidecar")"
	done
	((refused >= 5))
}

@test "attest show: of a document that is refused for its form, what is wrong stands there as it is" {
	try 0 attest show "$aws/neg_digest_sha256.cose"
	same "${lines[1]}" "refused     by teectl attest verify (InvalidDigest): attestation document: digest is 'SHA256', expected SHA384"
	prints "digest      SHA256"
	try 0 attest show "$aws/neg_alg_es256.cose"
	same "${lines[1]}" "refused     by teectl attest verify (cose:alg): attestation document: the signature algorithm is -7, expected ES384 (-35)"
	try 0 attest show "$aws/neg_timestamp_zero.cose" -o json
	json .timestamp 1970-01-01T00:00:00.000Z
	json .refused.reason InvalidTimeStamp
	try 0 attest show "$aws/neg_trailing_byte.cose"
	prints "refused     by teectl attest verify (cose:trailing): attestation document: 1 bytes after its end"
}

@test "attest show: the chain with subjects, validity and fingerprints" {
	try 0 attest show "$old" -o json
	json '.certificates | length' 5
	json '.certificates[0].sha256' 641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b
	json '.certificates[0].not_after' 2049-10-28T14:28:05Z
	json '.certificates[4].subject' "CN=i-06e4b98c6549ff803-enc0196373b195fb723.us-east-1.aws,OU=AWS,O=Amazon,L=Seattle,ST=Washington,C=US"
	json '.certificates[4].not_before' 2025-04-15T02:17:47Z
	json .sent_under_aws_root true
	try 0 attest show "$VECTORS/qos/mock_nsm/setup_doc.cose"
	prints "the document was not sent with that root"
	prints "public key  a QuorumOS public key, 130 bytes: 0477c5"
	prints "zero        PCR4 to PCR15, PCR17 to PCR31"
	# openssl agrees on the fingerprint.
	same "$(teectl attest show "$VECTORS/qos/mock_nsm/setup_doc.cose" -o json | jq -r '.certificates[0].sha256')" \
		"$(openssl x509 -inform der -in "$VECTORS/qos/mock_pki/root.der" -noout -fingerprint -sha256 | cut -d= -f2 | tr -d : | tr A-F a-f)"
}

@test "attest show: debug mode, PEM keys and old documents" {
	try 0 attest show "$aws/qos_debug_mode_2022_05_17.cose"
	prints "debug       YES: PCR0, PCR1 and PCR2 are zero"
	prints "public key  PEM text, 800 bytes: 2d2d2d2d2d424547494e"
	prints "zero        PCR0 to PCR3, PCR5 to PCR15"
	try 0 attest show "$aws/qos_debug_mode_2022_05_17.cose" -o json
	json .debug true
	json .public_key_kind "PEM text"
}

# put MODULE-ID-HEX: the old document with that module_id of as many bytes, in ./changed.
put() {
	local text=i-06e4b98c6549ff803-enc0196373b195fb723 at
	at=$(grep -obUa "$text" "$old" | head -n 1 | cut -d: -f1)
	cp "$old" changed
	chmod u+w changed
	printf '%b' "$1" | dd of=changed bs=1 seek="$at" conv=notrunc status=none
}

@test "attest show: control characters in a document move no cursor" {
	put '\033[2J\007\r\n\342\200\256'
	try 0 attest show changed
	hasnt "$output" $'\033'
	hasnt "$output" $'\007'
	hasnt "$output" $'\r'
	hasnt "$output" $'\342\200\256'
	prints "module      ?[2J??????6549ff803-enc0196373b195fb723"
	try 0 attest show changed -o json
	json '.module_id | startswith("\u001b[2J")' true
	hasnt "$output" $'\033'
	try 5 attest verify changed --at document
	hasnt "$output$stderr" $'\033'
}

@test "attest show: reads the same forms, and says which it was" {
	base64 "$old" >text
	try 0 attest show text -o json
	json .form base64
	json .size 4492
	run -0 --separate-stderr bash -c "basenc --base16 '$old' | '$BUILD/teectl' attest show -"
	prints "document    hex, 4492 bytes"
	try 5 attest show "$ROOT/VERSION"
	says "neither raw nor text that stands for one"
	try 66 attest show missing
	try 64 attest show
}
