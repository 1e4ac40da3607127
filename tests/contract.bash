# What the tests of the contract share beside helper.bash: requests by curl alone, and enclaves in each
# phase. load helper first.

# ask URL METHOD PATH [BODY [CURL-OPTION...]]: the body of the answer in $output, its status in $http,
# an error's code and sentence in $code and $error, the answer's head in the file head.
ask() {
	local url=$1 method=$2 path=$3 body=()
	shift 3
	if (($#)); then
		[[ -z $1 ]] || body=(-H 'Content-Type: application/json' --data-binary "$1")
		shift
	fi
	code='' error=''
	output=$(curl -sS --max-time 20 -X "$method" -D head -w '\n%{http_code}' "${body[@]}" "$@" "$url$path" 2>curl.err) ||
		output=$(cat curl.err)$'\n000'
	http=${output##*$'\n'}
	output=${output%$'\n'*}
	[[ ! $output =~ \"code\":([0-9]+) ]] || code=${BASH_REMATCH[1]}
	[[ ! $output =~ \"error\":\"([^\"]*) ]] || error=${BASH_REMATCH[1]}
}

# The value of a header of the last answer.
header() {
	tr -d '\r' <head | sed -n "s/^$1: //Ip"
}

# refused HTTP CODE [WORDS...]: the last answer is that error, its text begins with the first WORDS and
# has the others, and the body has the three fields of an error, and no more.
refused() {
	local words
	[[ $http/$code == "$1/$2" ]] || fail "expected $1/$2, found $http/$code: $error"
	shift 2
	[[ $error == "${1-}"* ]] || fail "expected '$1...', found '$error'"
	for words in "${@:2}"; do
		has "$error" "$words"
	done
	[[ $output =~ ^\{\"error\":\".*\",\"code\":$code,\"request_id\":\"([^\"]+)\"\}$ ]] || fail "not an error's body"
	same "${BASH_REMATCH[1]}" "$(header X-Request-Id)"
}

accepted() {
	[[ $http == 200 ]] || fail "expected 200, found $http $code: $error"
}

# JSON array of bytes <-> hex.
bytes() {
	printf %s "${1^^}" | basenc -d --base16 | od -An -v -tu1 -w100000 | sed 's/^ *//; s/ \+/,/g; s/.*/[&]/'
}

hex() { # standard input
	tr -d '[] \n' | tr , '\n' | awk '{ printf "%02x", $1 }'
}

array() { # LENGTH VALUE
	local text
	printf -v text "%$1s" ''
	text=${text// /$2,}
	printf '[%s]' "${text%,}"
}

ZERO32=$(array 32 0)
ZERO64=$(array 64 0)

sha256() { # of the hex on standard input, in hex
	tr a-f A-F | basenc -d --base16 | sha256sum | cut -d ' ' -f 1
}

# keys COUNT: member1.. of the current folder.
keys() {
	local i
	for ((i = 1; i <= $1; i++)); do
		[[ -e member$i.pub ]] || teectl member keygen "member$i" >/dev/null
	done
}

# members COUNT [keyless]: a set's members, with the keys of the current folder.
members() {
	local i list=()
	for ((i = 1; i <= $1; i++)); do
		list+=("{\"alias\":\"member$i\",\"pub_key\":$([[ ${2-} ]] && echo '[]' || bytes "$(tr -d '\n' <"member$i.pub")")}")
	done
	(IFS=,; printf '[%s]' "${list[*]}")
}

# genesis_request THRESHOLD COUNT [keyless]
genesis_request() {
	local set
	set=$(members "$2" "${3-}")
	printf '{"namespace_name":"contract","namespace_nonce":7,"manifest_members":%s,"manifest_threshold":%s,"share_members":%s,"share_threshold":%s,"pivot_hash":%s,"pivot_args":[]}' \
		"$set" "$1" "$set" "$1" "$ZERO32"
}

# share INDEX FIELD BYTES: a request that injects one share.
share() {
	printf '{"namespace_name":"contract","namespace_nonce":7,"shares":[{"member_alias":"member%s","%s":%s}]}' "$@"
}

# A share of the last genesis (its answer in $genesis), 1 for the first.
given() {
	jq -c ".encrypted_shares[$(($1 - 1))].encrypted_quorum_key_share" <<<"$genesis"
}

# The same, opened by its member and sealed to the setup key.
sealed() {
	given "$1" | "$BUILD/forge" open "member$1.secret" | "$BUILD/forge" seal "$(jq -c .ephemeral_key <<<"$genesis" | hex)"
}

boot() { # URL THRESHOLD COUNT [keyless]: genesis; its answer in $genesis, the envelope in $envelope
	ask "$1" POST /enclave/genesis-boot "$(genesis_request "${@:2}")"
	accepted
	genesis=$output
	envelope=$(jq -c .manifest_envelope <<<"$genesis")
}

# Gives the first COUNT shares.
inject() { # URL COUNT
	local i field
	for ((i = 1; i <= $2; i++)); do
		if [[ $(given "$i" | jq length) == 33 ]]; then
			ask "$1" POST /enclave/inject-shares "$(share "$i" decrypted_share "$(given "$i")")"
		else
			ask "$1" POST /enclave/inject-shares "$(share "$i" encrypted_share "$(sealed "$i")")"
		fi
		accepted
	done
}

envelope_of() { # BODY-FIELDS: {"manifest_envelope": $envelope, ...}
	printf '{"manifest_envelope":%s%s}' "$envelope" "${1:+,$1}"
}

approvals() { # MEMBER...: of $envelope, into it
	local i hash list=()
	hash=$("$BUILD/forge" hash <<<"$envelope")
	for i in "$@"; do
		list+=("{\"signature\":$("$BUILD/forge" sign "member$i.secret" "$hash"),\"member\":{\"alias\":\"member$i\",\"pub_key\":$(bytes "$(tr -d '\n' <"member$i.pub")")}}")
	done
	envelope=$(jq -c --argjson list "[$(IFS=,; printf %s "${list[*]}")]" '.manifest_set_approvals = $list' <<<"$envelope")
}

# boot_standard URL: restarts the quorum of $envelope; the document in $document, its setup key, in hex, in
# $setup.
boot_standard() {
	ask "$1" POST /enclave/boot-standard "$(envelope_of)"
	accepted
	document=$(jq -c .result.BootStandardResponse.attestation_doc <<<"$output")
	setup=$("$BUILD/forge" show "${PKI:-pki}/root.der" <<<"$document" | sed -n 's/^public_key //p')
}

# candidate ALIAS SECRET SHARE: one item of a request, the share (a JSON array) sealed to $setup and signed.
candidate() {
	local sealed message
	sealed=$("$BUILD/forge" seal "$setup" <<<"$3")
	message=$(printf '%-48s' "$(printf teectl-share-submit-v1 | od -An -v -tx1 | tr -d ' \n')" | tr ' ' 0)
	message+=$("$BUILD/forge" hash <<<"$envelope")$(sha256 <<<"$setup")$(hex <<<"$sealed" | sha256)
	printf '{"member_alias":"%s","encrypted_share":%s,"signature":%s}' "$1" "$sealed" "$("$BUILD/forge" sign "$2" "$message")"
}

# own INDEX: the share of the last genesis, opened by its member, as a candidate. junk INDEX [X]: one that is
# no share of its key.
own() {
	candidate "member$1" "member$1.secret" "$(given "$1" | "$BUILD/forge" open "member$1.secret")"
}

junk() {
	candidate "member$1" "member$1.secret" "[${2-$1},$(od -An -v -tu1 -N32 /dev/urandom | tr -s ' \n' , | sed 's/^,//; s/,$//')]"
}

submit() { # URL CANDIDATE...
	local url=$1
	shift
	ask "$url" POST /enclave/inject-shares "$(jq -c --argjson shares "[$(IFS=,; printf %s "$*")]" \
		'{namespace_name: .manifest.namespace.name, namespace_nonce: .manifest.namespace.nonce, shares: $shares}' <<<"$envelope")"
}

share_manifest() { # URL
	ask "$1" POST /enclave/share-manifest "$(envelope_of)"
	accepted
}

document() { # URL: what export-key takes, as a JSON array
	ask "$1" POST /enclave/generate-attestation "{\"manifest_hash\":$ZERO32,\"pcr_values\":[[],[],[],[]]}"
	accepted
	jq -c .result.GenerateAttestationResponse.attestation_doc <<<"$output"
}

export_key() { # URL DOCUMENT
	ask "$1" POST /enclave/export-key "$(envelope_of "\"attestation_doc\":$2")"
}

# The key in $output of export_key, for inject-key.
exported() {
	jq -c '.result.ExportKeyResponse | {encrypted_quorum_key, signature}' <<<"$output"
}

phase_of() {
	local http code error output
	ask "$1" GET /status
	jq -r .phase <<<"$output"
}

# faulty NAME FAULT [OPTION...]: an enclave whose NSM fails (tests/faulty_nsm.c), as hv starts one.
faulty() {
	local name=$1 fault=$2 line fd
	shift 2
	mkdir -p -m 700 pki
	mkfifo "$name.fifo"
	"$BUILD/faulty_nsm" pki "$fault" "$BUILD/teectl-enclave" --listen 127.0.0.1:0 "$@" \
		>"$name.fifo" 2>>"$name.log" 3>&- 4>&- &
	HVS+=("$!")
	printf -v "${name}_pid" '%d' "$!"
	exec {fd}<"$name.fifo"
	read -r -u "$fd" line || fail "$name did not start: $(<"$name.log")"
	exec {fd}<&-
	printf -v "$name" 'http://%s' "${line#listening on }"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	stop_hvs
}
