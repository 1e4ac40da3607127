#!/usr/bin/env bats
# Documents that others made, through the command; what they claim is judged offline.

load verb

aws=$VECTORS/aws
mock=$VECTORS/qos/mock_nsm/setup_doc.cose
mock_root=$VECTORS/qos/mock_pki/root.der
old=$aws/qos_mock_2022_07_06.cose
zero=$(printf '00%.0s' {1..48})
pcr0=f8bb0133c427bc49aa39f6811a01077ce9ab7e635fa1f5439c9c8bf99754f8230e41b09426b0e595eebdc4d6ed4bc3b6

# fate FILE WHAT: the command's status and reason are the sidecar's ($expected), of its document as it is
# written in FILE ($sidecar, $root, $at). The answer has one field a line.
fate() {
	local file=$1 what=$2 answer status=0 found reason='"([^"]*)"|null'
	answer=$(teectl attest verify "$file" --root "${sidecar%/*}/$root" --at "$at" -o json 2>refusal) || status=$?
	[[ $answer =~ $'\n  "reason": '($reason) ]] || fail "$what: no reason in $answer"
	found="$status ${BASH_REMATCH[2]:-null}"
	[[ $found == "$expected" ]] || fail "$what: expected '$expected', found '$found': $(cat refusal)"
	[[ $answer == *$'\n  "form": "'"${what##* }"'"'* ]] || fail "$what: not read as ${what##* }: $answer"
}

@test "attest verify: every vector meets its fate, raw, in base64, url alphabet, hex and tagged" {
	local sidecar expected root at document name count=0
	while IFS=$'\t' read -r sidecar expected root at; do
		document=${sidecar%.json}.cose name=${sidecar##*/}
		[[ -e $document ]] || continue
		fate "$document" "$name raw"
		base64 "$document" >text
		fate text "$name base64"
		base64 -w0 "$document" | tr '+/' '-_' | tr -d = >text
		fate text "$name base64"
		basenc --base16 "$document" | tr A-F a-f >text
		fate text "$name hex"
		{
			printf '\xd8\x12'
			cat "$document"
		} >tagged
		# The one that is tagged already is then tagged twice, which is another document.
		[[ $(head -c 1 "$document") == $'\xd2' ]] || fate tagged "$name raw"
		count=$((count + 1))
	done < <(find "$VECTORS" -name '*.cose' | sed 's/cose$/json/' | xargs jq -r '[input_filename,
		(if .expected == "accept" then "0 null" else "5 " + .expected_reason_spec end), .root, .verify_at] | @tsv')
	same "$count" "$(find "$VECTORS" -name '*.cose' | wc -l)"
	[[ $count -gt 20 ]]
}

# judged SIDECAR ARGUMENT...: at that time, under its root.
judged() {
	local sidecar=$1
	shift
	run --separate-stderr teectl attest verify "${sidecar%.json}.cose" --root "${sidecar%/*}/$(jq -r .root "$sidecar")" -o json "$@"
}

# refused_for REASON WHAT: the last one was.
refused_for() {
	[[ $status == 5 && $(jq -r .reason <<<"$output") == $1 ]] || fail "$2: expected $1"
}

@test "attest verify: whatever a sidecar says of a document is found, to the second and to the byte" {
	local sidecar arguments time
	while read -r sidecar; do
		# What a later sidecar says besides must not be passed over in silence.
		same "$(jq -r 'keys - ["accept_from", "accept_until", "against_aws_root", "cabundle_lens", "change", "derived_from",
			"ephemeral_secret", "expected", "expected_qos_error", "expected_reason_spec", "file", "high_s", "leaf_len",
			"leaf_not_after", "leaf_not_before", "manifest", "manifest_hash", "module_id", "nonce", "note", "npcrs",
			"payload_first_byte", "pcr0", "pcr1", "pcr2", "pcr3", "pcr4", "pcr16", "public_key", "root", "sha256", "size",
			"source_commit", "source_path", "source_repo", "timestamp_ms", "user_data", "verify_at"] | join(" ")' "$sidecar")" ''
		[[ $(jq -r .expected "$sidecar") == accept ]] || continue
		mapfile -t arguments < <(jq -r 'to_entries[] | if .key | test("^pcr[0-9]+$") then "--pcr", "\(.key[3:])=\(.value)"
			elif .key == "manifest_hash" then "--user-data", .value
			elif .key | IN("user_data", "nonce", "public_key") then "--\(.key | sub("_"; "-"))", (.value // "none") else empty end' "$sidecar")
		judged "$sidecar" --at "$(jq .verify_at "$sidecar")" "${arguments[@]}"
		[[ $status == 0 ]] || fail "$sidecar"
		jq -e --slurpfile s "$sidecar" '$s[0] as $s | .document as $d |
			($s.module_id == null or $s.module_id == $d.module_id) and ($s.npcrs == null or $s.npcrs == ($d.pcrs | length))' <<<"$output" >/dev/null ||
			fail "$sidecar: module or PCRs"
		if time=$(jq -e .accept_from "$sidecar"); then
			judged "$sidecar" --at "$time"
			[[ $status == 0 ]] || fail "$sidecar: from"
			judged "$sidecar" --at $((time - 1))
			refused_for 'chain:time@*' "$sidecar: before"
			time=$(jq .accept_until "$sidecar")
			judged "$sidecar" --at "$time"
			[[ $status == 0 ]] || fail "$sidecar: until"
			judged "$sidecar" --at $((time + 1))
			refused_for 'chain:time@*' "$sidecar: after"
		fi
		if jq -e .against_aws_root "$sidecar" >/dev/null; then
			run --separate-stderr teectl attest verify "${sidecar%.json}.cose" --at "$(jq .verify_at "$sidecar")" -o json
			refused_for "$(jq -r '.against_aws_root | sub("^reject: "; "")' "$sidecar")" "$sidecar: AWS"
		fi
	done < <(find "$VECTORS" -name '*.cose' | sed 's/cose$/json/')
}

@test "attest verify: the hint of what was altered is another than that of what is cut off" {
	local at
	at=$(jq .verify_at "$VECTORS/aws/neg_signature_bit.json")
	try 5 attest verify "$VECTORS/aws/neg_signature_bit.cose" --at "$at"
	says "hint: it was altered, or another's key has signed it"
	hasnt "$stderr" 'whole document'
	head -c 500 "$VECTORS/aws/neg_signature_bit.cose" >cut
	try 5 attest verify cut --at "$at"
	says 'hint: is it a whole document'
}

@test "attest verify: a document may be quoted, in a PEM block, a JSON array, or on standard input" {
	base64 -w0 "$old" | jq -R . >text
	try 0 attest verify text --at document
	sed 's,/,\\/,g' text >escaped
	try 0 attest verify escaped --at document
	{
		echo '-----BEGIN ATTESTATION DOCUMENT-----'
		base64 "$old"
		echo '-----END ATTESTATION DOCUMENT-----'
	} >text
	try 0 attest verify text --at document
	printf '0x%s\n' "$(basenc --base16 -w0 "$old")" >text
	try 0 attest verify text --at document
	od -An -v -tu1 "$old" | jq -s . >text
	try 0 attest verify text --at document -o json
	json .form array
	run -0 --separate-stderr bash -c "base64 '$old' | '$BUILD/teectl' attest verify - --at document"
	prints "VERIFIED: the document is genuine at its own time, under the root of AWS Nitro Enclaves"
}

@test "attest verify: text that stands for no document is refused like any other" {
	local text
	for text in '' '{}' 'hEShATgi!' '84 4' '"hESh' 'hEShATgi+-' '[132, 256]' '[132,]' '[' '"\u0068"' \
		'-----BEGIN A-----' $'-----BEGIN A-----\nhESh\n-----END B-----' hEShATgioFk 8443a1; do
		printf '%s' "$text" >text
		try 5 attest verify text -o json
		json .reason cose:structure
		json .verified false
		json '.checks[0] | "\(.check) \(.outcome)"' "structure failed"
		says "attestation document: "
	done
	head -c 300000 /dev/zero >text
	try 5 attest verify text -o json
	json .reason cose:structure
	says "more than 262144 bytes"
}

@test "attest verify: each check is listed, and what was not checked is said in words" {
	try 0 attest verify "$old" --at document
	prints "root        aws-nitro, CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US, SHA-256 641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"
	prints "not checked: any PCR: it says nothing of what runs in the enclave"
	prints "not checked: a nonce: the document may be an old one, sent again"
	prints "not checked: what user_data is"
	prints "not checked: how old the document may be"
	try 0 attest verify "$old" --at document -o json
	json '[.checks[] | select(.outcome == "done") | .check] | join(",")' \
		"structure,algorithm,fields,certificates,certificate 0,certificate 1,certificate 2,certificate 3,certificate 4,signature"
	json '[.checks[] | select(.outcome == "not asked") | .check] | join(",")' \
		"freshness,debug,pcrs,nonce,user_data,public_key"
	json .document.module_id i-07e25f3bada361dec-enc0181d3dff86da785
	json .document.timestamp 2022-07-06T14:18:22.484Z
	json .document.debug false
	json '.document.pcrs[0].value' "$pcr0"
	json '.document.public_key | length' 1600
	json .root.name aws-nitro
	json .at null
	try 5 attest verify "$aws/neg_leaf_cert_sig_bit.cose" --at 1657117192 -o json
	json '[.checks[] | select(.outcome != "not asked") | "\(.check) \(.outcome)"][3:] | join(",")' \
		"certificates done,certificate 0 done,certificate 1 done,certificate 2 done,certificate 3 done,certificate 4 failed,signature not reached"
	json .document null
	json .error.exit_status 5
}

@test "attest verify: the first check that failed is named with expected and found" {
	try 5 attest verify "$aws/neg_alg_es256.cose" --at 1657117192
	prints "REFUSED (cose:alg): attestation document: the signature algorithm is -7, expected ES384 (-35)"
	try 5 attest verify "$aws/neg_digest_sha256.cose" --at 1657117192
	says "digest is 'SHA256', expected SHA384"
	try 5 attest verify "$aws/neg_signature_short.cose" --at 1657117192
	says "the signature has 95 bytes, expected 96"
	try 5 attest verify "$old" --root "$mock_root" --at 1657117192
	says "its issuer is 'CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US', expected the subject of the certificate before it, 'CN=QOS Mock NSM Root CA,O=QOS Mock NSM'"
	says "hint: it is under another root"
}

@test "attest verify: the time is now unless told otherwise" {
	try 5 attest verify "$old" -o json
	json .reason chain:time@1
	says "no longer valid: valid from 2022-07-05T22:07:45Z until 2022-07-25T23:07:45Z"
	says "--at document"
	try 0 attest verify "$old" --at 2022-07-06T17:18:22Z -o json
	json .at 2022-07-06T17:18:22.000Z
	try 5 attest verify "$old" --at 2022-07-06T17:18:23Z -o json
	json .reason chain:time@4
	try 0 attest verify "$old" --at 1657117192 --max-age 5m
	try 5 attest verify "$old" --at 1657117192 --max-age 1m -o json
	json .reason freshness
	says "the document is 89516 ms old, at most 60000"
	try 64 attest verify "$old" --at document --max-age 1m
	says "--max-age has no meaning with --at document"
	try 64 attest verify "$old" --at yesterday
	says "'yesterday' is not a time"
}

@test "attest verify: nonce, user data and public key are compared whole" {
	local data=a2ec4272c44690b2dc32ed89d4bdd266ec2b0e753dff2f25f08b5d2a15cfe2e6 key
	try 0 attest verify "$old" --at document --user-data "$data" --nonce none -o json
	json '[.checks[] | select(.check == "user_data" or .check == "nonce").outcome] | join(",")' "done,done"
	try 5 attest verify "$old" --at document --user-data "${data%e6}" -o json
	json .reason user_data
	says "user_data is not the expected one: 32 bytes, $data; expected 31 bytes, ${data%e6}"
	try 5 attest verify "$old" --at document --user-data none
	says "user_data is there, expected none"
	try 5 attest verify "$old" --at document --nonce 00 -o json
	json .reason nonce
	says "nonce is missing, expected 1 bytes, 00"
	key=$(jq -r .public_key "$aws/qos_mock_2022_07_06.json")
	try 0 attest verify "$old" --at document --public-key "$key"
	try 5 attest verify "$old" --at document --public-key "$key"00 -o json
	json .reason public_key
	try 0 attest verify "$aws/evervault_2022_10_13.cose" --at document --nonce "$(jq -r .nonce "$aws/evervault_2022_10_13.json")"
	try 64 attest verify "$old" --nonce 0x0
	says "--nonce: expected \`none\` or at most 512 bytes: hex: an odd number of digits"
	try 64 attest verify "$old" --user-data "$(printf '00%.0s' {1..513})"
	says "--user-data"
}

@test "attest verify: a PCR that differs names the part that moved, and how to pin the new one" {
	local other=${pcr0/f8/f9} pins
	try 0 attest verify "$old" --at document --pcr "0=$pcr0" --pcr "3=$zero"
	prints "pcr0           done     image: as expected"
	hasnt "$output" "not checked: any PCR"
	try 5 attest verify "$old" --at document --pcr "0=$other,2=$zero" --pcr "8=$zero" -o json
	json .reason pcr0
	says "PCR0 (image) is $pcr0, expected $other; also different: PCR2 (application)"
	json '[.moved[] | "\(.index) \(.name)"] | join(",")' "0 image,2 application"
	json '.moved[0].expected' "$other"
	json '.moved[0].found' "$pcr0"
	pins=$(jq -r .pin <<<"$output")
	says "hint: do not believe it, unless this is the build that you mean: then below \`enclave:\` of the cluster file, and in the manifest's pcr0 to pcr3: $pins"
	# The line is what the cluster file takes, and what --pcrs-from takes from there.
	teectl init >/dev/null 2>&1
	sed -i "s|^enclave:.*|&\n  $pins|" cluster.yaml
	try 0 attest verify "$old" --at document --pcrs-from cluster.yaml
	try 5 attest verify "$old" --at document --pcr "16=$zero" -o json
	json .reason pcr16
	says "PCR16 (commitment) is not in the document"
	says 'hint: no PCR16 is in the document'
	json .pin null
	json '[.moved[] | "\(.index) \(.name) \(.found)"] | join(",")' "16 commitment "
	try 5 attest verify "$old" --at document --pcr "4=$zero" -o json
	says "PCR4 (instance) is 7021a4"
	says "hint: no manifest and no cluster file holds that PCR; if what was found is meant: --pcr 4=$(jq -r '.moved[0].found' <<<"$output")"
	json '[.moved[] | "\(.index) \(.name)"] | join(",")' "4 instance"
	try 0 attest verify "$old" --at document --pcr "4=$(jq -r '.moved[0].found' <<<"$output")"
	try 5 attest verify "$aws/evervault_2022_10_13.cose" --at document --pcr "8=$zero" -o json
	says "PCR8 (signer) is 8790eb3c"
	json '[.moved[] | "\(.index) \(.name)"] | join(",")' "8 signer"
	try 5 attest verify "$old" --at document --pcr "1=$(printf 'ff%.0s' {1..32})"
	says "PCR1 (kernel) is bcdf05fe"
}

@test "attest verify: expected PCRs come from a release's list, from nitro-cli, from an image" {
	local list=$VECTORS/qos/boot-e2e/aws-x86_64.pcrs
	try 0 attest verify "$mock" --root "$mock_root" --at document --pcrs-from "$list"
	prints "pcr2           done     application: as expected"
	prints "under a root of your own choice, not that of AWS"
	awk 'BEGIN { printf "Enclave Image successfully created.\n{\"Measurements\":{\"HashAlgorithm\":\"Sha384 { ... }\"" }
		{ printf ",\"%s\":\"%s\"", $2, $1 } END { print "}}" }' "$list" >eif.json
	try 0 attest verify "$mock" --root "$mock_root" --at document --pcrs-from eif.json -o json
	json '[.checks[] | select(.check | startswith("pcr")).outcome] | join(",")' done,done,done
	try 5 attest verify "$old" --at document --pcrs-from eif.json -o json
	json .reason pcr0
	run -0 --separate-stderr bash -c "'$BUILD/teectl' attest verify '$mock' --root '$mock_root' --at document --pcrs-from - <'$list'"
	try 5 attest verify "$old" --at document --pcrs-from "$BUILD/teectl-enclave" -o json
	json '[.moved[].index] | join(",")' 0,1
	# Both places must agree: neither is passed over.
	try 64 attest verify "$mock" --root "$mock_root" --pcrs-from "$list" --pcr "0=$zero"
	says "--pcr: PCR0 is there twice, with two values"
	try 64 attest verify - --pcrs-from -
	says "standard input can't be both"
}

@test "attest verify: what holds no PCRs is refused with its reason" {
	source() { # TEXT WORDS
		printf '%s' "$1" >source
		try 65 attest verify "$old" --pcrs-from source
		says "$2"
	}
	source '' "'source' has no PCR"
	source '{"Measurements":{}}' "has no PCR"
	source '{"Metadata":{"PCR0":"00"}}' "has no PCR"
	source '{"Measurements":{"PCR0":"00"}}' "PCR0: 1 bytes, expected 32, 48 or 64"
	source '{"Measurements":{"PCR32":"00"}}' "there is no PCR32"
	source '{"Measurements":{"PCR0":' "'source': "
	source "[{\"Measurements\":{\"PCR0\":\"$zero\"}},{}]" "'source': "
	source "$zero PCR0"$'\n'"${zero/00/01} PCR0" "line 2: PCR0 is there twice, with two values"
	source "$zero PCRx" "line 1: expected HEX PCRn"
	source '.eif....' "nitro-cli describe-eif"
	teectl init >/dev/null 2>&1
	source "$(cat cluster.yaml)" "has no PCR"
	source "$(cat cluster.yaml; echo 'unknown: 1')" "unknown"
	try 66 attest verify "$old" --pcrs-from missing
	says "'missing'"
}

@test "attest verify: debug mode is genuine, said, and refused where somebody asks what runs" {
	local debug=$aws/qos_debug_mode_2022_05_17.cose
	try 0 attest verify "$debug" --at document
	prints "debug       YES: PCR0, PCR1 and PCR2 are zero"
	says "warning: the enclave is in debug mode"
	try 0 attest verify "$debug" --at document -o json
	json .document.debug true
	try 5 attest verify "$debug" --at document --refuse-debug -o json
	json .reason debug
	says "debug mode: PCR0, PCR1 and PCR2 are zero"
	try 5 attest verify "$debug" --at document --pcr "3=$zero" -o json
	json .reason debug
	try 5 attest verify "$debug" --at document --pcr "0=$pcr0" -o json
	json .reason pcr0
	json .pin null
	says "it is in debug mode"
	says "hint: that of a debug enclave, for which nothing is known of what runs, is not to be pinned; if what was found is meant: --pcr 0=$zero"
	try 0 attest verify "$debug" --at document --pcr "0=$zero,1=$zero,2=$zero"
	try 0 attest verify "$old" --at document --refuse-debug
}

@test "attest verify: a byte that is flipped anywhere is found" {
	local size at byte status
	size=$(stat -c %s "$old")
	for ((at = 0; at < size; at += 97)); do
		cp "$old" flipped
		chmod u+w flipped
		byte=$(od -An -tu1 -j "$at" -N 1 "$old")
		printf "\\x$(printf %02x $((byte ^ 1 << at % 8)))" | dd of=flipped bs=1 seek="$at" conv=notrunc status=none
		status=0
		teectl attest verify flipped --at 1657117192 >answer 2>&1 || status=$?
		# What cabundle[0] says is not looked at: the root is the pinned one. The signature covers it.
		((status == 5)) || fail "byte $at: status $status: $(cat answer)"
	done
	for at in 0 1 5 100 4000 $((size - 1)); do
		head -c "$at" "$old" >cut
		try 5 attest verify cut --at 1657117192
	done
}

@test "attest verify: a document of a simulated enclave says so" {
	make_cluster --nodes 1
	teectl up >/dev/null 2>&1
	teectl attest get tee1 --out tee1.cose 2>/dev/null
	try 0 attest verify tee1.cose --root .teectl/demo/pki/root.der
	prints "under a simulated root: whoever reads its key can forge documents"
	prints "root        simulated, CN=teectl SIMULATED root"
	try 0 attest verify tee1.cose --root .teectl/demo/pki/root.der --pcrs-from "$BUILD/teectl-enclave"
	prints "not checked: PCR2 (launch options)"
	hasnt "$output" "not checked: PCR0"
	try 5 attest verify tee1.cose -o json
	json .reason chain:issuer@1
	try 5 attest verify tee1.cose --root .teectl/demo/pki/root.der --pcr "2=$zero"
	says "PCR2 (launch options) is "
}

@test "attest verify: arguments and files that are wrong" {
	try 64 attest verify
	says "FILE"
	try 66 attest verify missing
	says "'missing'"
	try 66 attest verify "$old" --root missing
	says "'missing'"
	echo no certificate >root
	try 65 attest verify "$old" --root root
	says "root 'root': not a certificate, neither PEM nor DER"
	try 64 attest verify "$old" --pcr 0
	says "--pcr: expected N=HEX, found '0'"
	try 64 attest verify "$old" --pcr "32=$zero"
	says "there is no PCR32, but PCR0 to PCR31"
	try 64 attest verify "$old" --pcr 0=00
	says "PCR0: 1 bytes, expected 32, 48 or 64"
	try 64 attest verify "$old" --pcr 0=xy
	says "PCR0: not 32, 48 or 64 bytes in hex"
}
