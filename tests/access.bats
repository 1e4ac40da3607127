#!/usr/bin/env bats
# contract.md, "Access": mutual TLS and roles, by curl with certificates that openssl made, so that
# nothing of ours vouches for itself. The table of roles is written out here, not taken from the code.

load helper
load contract

CLIENT='extendedKeyUsage=clientAuth'

# ca NAME [EXTENSION...]: a CA of its own, NAME.pem and NAME.key.
ca() {
	local name=$1 extensions=()
	shift
	# A client has to sign with its key, and GnuTLS ends the handshake of one that may not.
	for extension in 'keyUsage=critical,keyCertSign,digitalSignature' "$@"; do
		extensions+=(-addext "$extension")
	done
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.pem" \
		-days 30 -subj "/CN=${CA_NAME:-$name}" "${extensions[@]}" 2>/dev/null
}

# issue CA NAME [EXTENSION...]: a certificate under that CA; from $FROM to $UNTIL (YYYYMMDDHHMMSSZ), of
# the subject $SUBJECT, with a key as $KEY says it.
issue() {
	local ca=$1 name=$2
	shift 2
	printf '%s\n' 'basicConstraints=CA:FALSE' 'subjectKeyIdentifier=hash' "$@" >extensions
	[[ ! ${BARE-} ]] || printf '%s\n' "$@" >extensions
	openssl req -new -newkey ${KEY:-ec -pkeyopt ec_paramgen_curve:P-256} -nodes -keyout "$name.key" -out request \
		-subj "${SUBJECT:-/CN=$name}" 2>/dev/null
	: >index
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\npolicy=p\nemail_in_dn=no\nunique_subject=no\n[p]\nCN=optional\n' >ca.conf
	openssl ca -batch -config ca.conf -cert "$ca.pem" -keyfile "$ca.key" -in request -out "$name.pem" -notext \
		-extfile extensions -md "${DIGEST:-sha256}" -startdate "${FROM:-$(at -1hour)}" -enddate "${UNTIL:-$(at +1day)}" >openssl.log 2>&1 ||
		fail "$(<openssl.log)"
}

at() { # OFFSET
	date -u -d "$1" +%Y%m%d%H%M%SZ
}

# roles ROLE... [member:ALIAS...]: the extension with their URIs.
roles() {
	local role list=()
	for role in "$@"; do
		[[ $role == *:* ]] && list+=("URI:urn:teectl:$role") || list+=("URI:urn:teectl:role:$role")
	done
	(IFS=,; echo "subjectAltName=${list[*]}")
}

# client NAME ROLE...: its certificate, by the CA clients.
client() {
	issue clients "$1" "$CLIENT" "$(roles "${@:2}")"
}

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	ca clients
	ca strangers
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.pem \
		-days 2 -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' 2>/dev/null
	local role
	for role in observer operator peer app; do
		client "$role" "$role"
	done
	client member member member:member1
	keys 3
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_FILE_TMPDIR"/* .
}

# tee NAME [OPTION...]: an enclave that asks for roles; its URL in $NAME.
tee() {
	hv "$1" --tls-cert server.pem --tls-key server.key --client-ca "${CLIENT_CA:-clients.pem}" "${@:2}"
	printf -v "$1" 'https://%s' "$(address "${!1}")"
}

address() {
	echo "${1#*://}"
}

# as CLIENT URL METHOD PATH [BODY]: asks with that certificate; "none" has none.
as() {
	local certificate=(--cacert server.pem)
	[[ $1 == none ]] || certificate+=(--cert "$1.pem" --key "$1.key")
	ask "$2" "$3" "$4" "${5-}" "${certificate[@]}"
}

# nobody CLIENT WORDS...: it has no role, and is told why; but it may see whether the enclave lives.
nobody() {
	as "$1" "$tee" GET /status
	refused 403 1011 'Access denied: a client without a role (' "${@:2}" 'may not use /status' 'needs role'
	as "$1" "$tee" GET /health
	accepted
}

somebody() { # CLIENT
	as "$1" "$tee" GET /status
	accepted
}

# contract.md's table, line by line: who may use the route.
TABLE='GET /health none observer member operator peer app
GET /status observer member operator peer app
GET /enclave/manifest observer member operator peer app
POST /enclave/live-attestation observer member operator peer app
POST /enclave/prove-key observer member operator peer app
GET /metrics observer operator
GET /enclave/receipts observer operator
POST /enclave/generate-attestation member operator peer
POST /enclave/inject-shares member operator
POST /enclave/genesis-boot operator
POST /enclave/boot-standard operator
POST /enclave/retire operator
POST /enclave/share-manifest operator peer
POST /enclave/export-key operator peer
POST /enclave/inject-key operator peer
POST /generate-seed app
POST /validate-seed operator app'

# Who may use a route gets as far as its body, which is none that any takes: never 1011.
walk() {
	local method path allowed client body
	while read -r method path allowed; do
		for client in none observer member operator peer app; do
			[[ $method == POST ]] && body='{"x":1}' || body=
			as "$client" "$tee" "$method" "$path" "$body"
			if [[ " $allowed " == *" $client "* ]]; then
				[[ $code != 1011 && $http =~ ^(200|400|409)$ ]] || fail "$client $path: $http $error"
			else
				refused 403 1011 'Access denied: a client ' "may not use $path, which needs role"
				[[ $client == none ]] || has "$error" "a client of role $client may not"
			fi
		done
	done <<<"$TABLE"
}

@test "access: each role on each route, as the contract's table has it" {
	tee tee
	walk
}

@test "access: a debug enclave with a client CA asks for roles as well" {
	tee tee --debug
	walk
}

@test "access: the refusal names the roles that would do" {
	tee tee
	as observer "$tee" POST /enclave/genesis-boot '{}'
	same "$error" 'Access denied: a client of role observer may not use /enclave/genesis-boot, which needs role operator'
	as app "$tee" GET /metrics
	same "$error" 'Access denied: a client of role app may not use /metrics, which needs role observer or operator'
}

@test "access: without a certificate nobody has a role" {
	tee tee
	nobody none 'gave no certificate'
}

@test "access: a certificate counts when the client CA signed it, for clients, and it is valid" {
	tee tee
	issue strangers stranger "$CLIENT" "$(roles operator)"
	nobody stranger 'not signed by the client CA'
	ca self "$CLIENT" "$(roles operator)"
	nobody self 'not signed by the client CA'
	issue clients server-only extendedKeyUsage=serverAuth "$(roles operator)"
	nobody server-only 'not for client use'
	issue clients no-use "$(roles operator)"
	nobody no-use 'not for client use'
	issue clients any extendedKeyUsage=anyExtendedKeyUsage "$(roles operator)"
	nobody any 'not for client use'
	FROM=$(at -2day) UNTIL=20200102030405Z
	FROM=20200101000000Z issue clients old "$CLIENT" "$(roles operator)"
	nobody old 'its certificate expired at 2020-01-02T03:04:05Z'
	FROM=20900102030405Z UNTIL=20910101000000Z issue clients early "$CLIENT" "$(roles operator)"
	nobody early 'its certificate is not valid before 2090-01-02T03:04:05Z'
	unset FROM UNTIL
	issue clients both extendedKeyUsage=serverAuth,clientAuth "$(roles operator)"
	somebody both
}

@test "access: a CA that only has the same name signs nothing" {
	CA_NAME=clients ca twin
	issue twin impostor "$CLIENT" "$(roles operator)"
	tee tee
	nobody impostor 'not signed by the client CA'
}

@test "access: the certificate of the client CA itself is no client's" {
	ca clients "$CLIENT" "$(roles operator)"
	tee tee
	nobody clients "its certificate is a CA's"
}

# raw_uri TEXT: the extension with that one URI, escapes of printf included, byte by byte.
raw_uri() {
	local bytes
	bytes=$(printf "$1" | od -An -v -tx1 -w200 | tr -d ' ')
	printf '2.5.29.17=DER:30%02x86%02x%s' $((${#bytes} / 2 + 2)) $((${#bytes} / 2)) "$bytes"
}

@test "access: roles are compared exactly, and are URIs alone" {
	tee tee
	local n=0 name
	for name in URI:urn:teectl:role:Operator URI:URN:teectl:role:operator URI:urn:teectl:role:operator2 \
		URI:urn:teectl:role:oper URI:urn:teectl:role: URI:urn:teectl:role:%6fperator \
		URI:xurn:teectl:role:operator URI:https://urn:teectl:role:operator DNS:urn:teectl:role:operator \
		DNS:operator email:urn:teectl:role:operator RID:1.2.3.4 URI:urn:teectl:role:none URI:urn:teectl:member:member1; do
		((++n))
		issue clients "like$n" "$CLIENT" "subjectAltName=$name"
		nobody "like$n" 'names no role'
	done
	SUBJECT=/CN=urn:teectl:role:operator issue clients by-name "$CLIENT"
	nobody by-name 'names no role'
	# What no tool of theirs would write.
	for name in 'urn:teectl:role:operator\0' 'urn:teectl:role:operator\0.example' 'urn:teectl:role:operator ' \
		'\nurn:teectl:role:operator' '\0urn:teectl:role:operator'; do
		issue clients odd "$CLIENT" "$(raw_uri "$name")"
		nobody odd 'names no role'
	done
	issue clients exact "$CLIENT" "$(raw_uri urn:teectl:role:operator)"
	somebody exact
}

@test "access: a certificate may have several roles, and no more names than the limit" {
	local many i
	client two observer app
	many=$(roles operator)
	for ((i = 1; i < 64; i++)); do many+=,DNS:n$i; done
	issue clients limit "$CLIENT" "$many"
	issue clients beyond "$CLIENT" "$many,DNS:n64"
	client sixteen operator member:m{1..16}
	client seventeen operator member:m{1..17}
	tee tee
	as two "$tee" GET /metrics
	accepted
	as two "$tee" POST /generate-seed '{}'
	refused 409 1006
	as two "$tee" POST /enclave/genesis-boot '{}'
	refused 403 1011 'Access denied: a client of role observer and app may not'
	somebody limit
	nobody beyond 'more than 64 names'
	somebody sixteen
	nobody seventeen 'more than 16 members'
}

# under CA NAME [EXTENSION...]: an intermediate CA.
under() {
	BARE=1 issue "$1" "$2" basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign subjectKeyIdentifier=hash \
		authorityKeyIdentifier=keyid "${@:3}"
}

chained() { # NAME CA...: the CAs behind the client's own certificate
	local file
	for file in "${@:2}"; do cat "$file.pem"; done >>"$1.pem"
}

@test "access: intermediate CAs come with the certificate, and are held to what they may do" {
	under clients middle
	issue middle far "$CLIENT" "$(roles operator)"
	cp far.pem alone.pem
	cp far.key alone.key
	chained far middle
	tee tee
	somebody far
	nobody alone 'not signed by the client CA'

	under clients servers extendedKeyUsage=serverAuth
	issue servers by-servers "$CLIENT" "$(roles operator)"
	chained by-servers servers
	nobody by-servers 'not for client use'

	under clients narrow 'nameConstraints=critical,permitted;URI:example.org'
	issue narrow by-narrow "$CLIENT" "$(roles operator)"
	chained by-narrow narrow
	nobody by-narrow 'a CA above its certificate may not sign it'

	issue clients no-ca "$CLIENT" "$(roles observer)"
	issue no-ca by-client "$CLIENT" "$(roles operator)"
	chained by-client no-ca
	nobody by-client 'its certificate'

	FROM=20200101000000Z UNTIL=20210101000000Z under clients gone
	issue gone by-gone "$CLIENT" "$(roles operator)"
	chained by-gone gone
	nobody by-gone 'a CA above its certificate expired at 2021-01-01T00:00:00Z'

	under middle m2
	under m2 m3
	under m3 m4
	issue m3 four "$CLIENT" "$(roles operator)"
	chained four m3 m2 middle
	somebody four
	issue m4 five "$CLIENT" "$(roles operator)"
	chained five m4 m3 m2 middle
	nobody five 'sent 5 certificates, at most 4'
}

@test "access: keys and signatures that are too weak are refused" {
	KEY=rsa:1024 issue clients short "$CLIENT" "$(roles operator)"
	DIGEST=sha1 issue clients sha1 "$CLIENT" "$(roles operator)"
	KEY=rsa:2048 issue clients rsa "$CLIENT" "$(roles operator)"
	tee tee
	# curl itself would not send them.
	printf '%s\n' 'openssl_conf=i' '[i]' 'ssl_conf=s' '[s]' 'system_default=d' '[d]' 'CipherString=DEFAULT:@SECLEVEL=0' >weak.conf
	export OPENSSL_CONF=weak.conf
	nobody short 'too weak'
	nobody sha1 'too weak'
	somebody rsa
}

@test "access: a member sends his own share, an operator any" {
	tee tee --debug
	local member1 member2
	as operator "$tee" POST /enclave/genesis-boot "$(genesis_request 2 3)"
	accepted
	genesis=$output
	member1=$(share 1 encrypted_share "$(sealed 1)")
	member2=$(share 2 encrypted_share "$(sealed 2)")
	as member "$tee" POST /enclave/inject-shares "$member2"
	refused 403 1011 'Access denied: ' "'member2'" 'for the members that its certificate names'
	as member "$tee" POST /enclave/inject-shares "$(jq -c --argjson other "$member2" '.shares += $other.shares' <<<"$member1")"
	refused 403 1011 'Access denied: ' "'member2'"
	client alias-only observer member:member1
	as alias-only "$tee" POST /enclave/inject-shares "$member1"
	refused 403 1011 'Access denied: a client of role observer'
	as member "$tee" POST /enclave/inject-shares "$member1"
	accepted
	same "$(jq -c '[.shares_received, .rejected]' <<<"$output")" '[1,[]]'
	as operator "$tee" POST /enclave/inject-shares "$member2"
	accepted
	as app "$tee" POST /generate-seed '{"seed_type":"t","seed_data":"d"}'
	accepted
	# Whose share it is comes before phase and replay: an answer would tell that it was accepted.
	as member "$tee" POST /enclave/inject-shares "$member1"
	accepted
	as operator "$tee" POST /enclave/inject-shares "$member2"
	accepted
	as member "$tee" POST /enclave/inject-shares "$member2"
	refused 403 1011 'Access denied: ' "'member2'"
	as member "$tee" POST /enclave/inject-shares "$(share 3 encrypted_share "$(array 130 4)")"
	refused 403 1011 'Access denied: ' "'member3'"
	as operator "$tee" POST /enclave/inject-shares "$(share 3 encrypted_share "$(array 130 4)")"
	refused 409 1006
}

@test "access: receipts are for observer and operator, and nobody else sees that there are any" {
	tee tee --debug
	local client words query
	as operator "$tee" POST /enclave/genesis-boot "$(genesis_request 2 3)"
	accepted
	genesis=$output
	as operator "$tee" POST /enclave/inject-shares "$(share 1 encrypted_share "$(sealed 1)")"
	as operator "$tee" POST /enclave/inject-shares "$(share 2 encrypted_share "$(sealed 2)")"
	accepted
	as operator "$tee" GET /metrics
	accepted
	for query in '' '?from=0' '?from=1'; do
		for client in none member peer app; do
			as "$client" "$tee" GET "/enclave/receipts$query"
			[[ $client == none ]] && words='a client without a role' || words="a client of role $client"
			refused 403 1011 "Access denied: $words" 'may not use /enclave/receipts, which needs role observer or operator'
			same "$(jq -c 'keys' <<<"$output")" '["code","error","request_id"]'
		done
		for client in observer operator; do
			as "$client" "$tee" GET "/enclave/receipts$query"
			accepted
			same "$query $(jq '.receipts | length' <<<"$output")" "$query $([[ $query == '?from=1' ]] && echo 0 || echo 1)"
		done
	done
}

@test "access: role comes after framing and media type, and before the body" {
	tee tee
	ask "$tee" POST /enclave/genesis-boot '{' --cacert server.pem
	refused 403 1011
	ask "$tee" POST /enclave/genesis-boot '' --cacert server.pem -H 'Content-Type: text/plain' -d x
	refused 415 415
	ask "$tee" GET /nothing '' --cacert server.pem
	refused 404 404
	ask "$tee" GET /status '' --cacert server.pem -H 'Host: elsewhere'
	refused 421 421
}

@test "access: the clock is the NSM's, and a long connection is judged at each request" {
	UNTIL=$(at +30min) issue clients brief "$CLIENT" "$(roles observer)"
	faulty fast clock:3600 --tls-cert server.pem --tls-key server.key --client-ca clients.pem
	tee=https://${fast#http://}
	nobody brief 'its certificate expired at'
	somebody observer

	# Its end is some seconds off: the first request comes before, a later one of the same connection after.
	tee tee
	UNTIL=$(at +4sec) issue clients ends "$CLIENT" "$(roles observer)"
	local urls=() i
	for ((i = 0; i < 60; i++)); do urls+=("$tee/status" -o /dev/null); done
	run -0 curl -sS --cacert server.pem --cert ends.pem --key ends.key --rate 600/m -w '%{http_code} %{num_connects}\n' "${urls[@]}"
	same "$(head -n 1 <<<"$output")" '200 1'
	same "$(tail -n 1 <<<"$output")" '403 0'
}

@test "access: nothing is resumed, so that every connection shows its certificate" {
	tee tee
	run bash -c "printf 'GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
		openssl s_client -connect '$(address "$tee")' -CAfile server.pem -cert observer.pem -key observer.key -sess_out session -ign_eof 2>&1"
	has "$output" 'HTTP/1.1 200'
	hasnt "$output" 'New Session Ticket arrived'
	[[ ! -s session ]]
}

@test "access: a chain beyond all measure ends the handshake" {
	tee tee
	local i
	for ((i = 0; i < 200; i++)); do cat clients.pem; done >>observer.pem
	run ! curl -sS --cacert server.pem --cert observer.pem --key observer.key "$tee/status"
	hasnt "$output" uptime_ms
	somebody operator
}

@test "access: the log names roles and a short fingerprint, and no more of who asked" {
	tee tee --log-level debug
	as operator "$tee" GET /status
	as none "$tee" GET /status
	as observer "$tee" POST /enclave/genesis-boot '{}'
	local print
	print=$(openssl x509 -in operator.pem -outform der | sha256sum | cut -c 1-16)
	run -0 cat tee.log
	has "$output" "roles=operator client=$print"
	has "$output" "roles=none error="
	has "$output" "roles=observer client="
	hasnt "$output" 'CN='
	hasnt "$output" "$(openssl x509 -in operator.pem -outform der | sha256sum | cut -c 1-18)"
}

@test "access: a client CA needs a server certificate, and leaves no open seed" {
	local hv=("$BUILD/teectl-hv" --image "$BUILD/teectl-enclave" --pki pki --listen 127.0.0.1:0)
	run -64 "${hv[@]}" --client-ca clients.pem
	has "$output" '--client-ca needs --tls-cert and --tls-key'
	run -64 "${hv[@]}" --client-ca clients.pem --tls-cert server.pem
	has "$output" '--client-ca needs --tls-cert and --tls-key'
	run -64 "${hv[@]}" --client-ca clients.pem --tls-cert server.pem --tls-key server.key --insecure-open-seed
	has "$output" '--insecure-open-seed and --client-ca exclude each other'
	run -64 "$BUILD/teectl-enclave" --nsm fd:3 --client-ca clients.pem
	has "$output" '--client-ca needs --tls-cert and --tls-key'
	hv+=(--tls-cert server.pem --tls-key server.key)
	run -66 "${hv[@]}" --client-ca nowhere.pem
	has "$output" "nowhere.pem"
	run -65 "${hv[@]}" --client-ca server.key
	has "$output" "'PRIVATE KEY' found, CERTIFICATE expected"
	run -65 "${hv[@]}" --client-ca observer.pem
	has "$output" "certificate 1: it is not a CA's"
	: >empty.pem
	run -65 "${hv[@]}" --client-ca empty.pem
	has "$output" 'no certificate, in PEM, is there'
	local i
	for ((i = 0; i < 17; i++)); do cat clients.pem; done >many.pem
	run -65 "${hv[@]}" --client-ca many.pem
	has "$output" 'more than 16 certificates'
}

# pcr2 URL CLIENT
pcr2() {
	local http code error
	as "$2" "$1" POST /enclave/live-attestation '{"nonce":[1]}'
	accepted
	jq -c .result.LiveAttestationResponse.attestation_doc <<<"$output" | hex >document
	run -0 sed -n 's/.*pcr2=\([0-9a-f]*\).*/\1/p' "$3.log"
	has "$(<document)" "$output"
}

@test "access: PCR2 names the set of certificates, however the file has them" {
	tee one
	cat strangers.pem clients.pem >two.pem
	{ echo comment; cat clients.pem strangers.pem clients.pem; } >same.pem
	CLIENT_CA=two.pem tee two
	CLIENT_CA=same.pem tee same
	local first second third
	pcr2 "$one" operator one
	first=$output
	pcr2 "$two" operator two
	second=$output
	pcr2 "$same" operator same
	third=$output
	same "$third" "$second"
	[[ $first != "$second" ]]
	issue strangers stranger "$CLIENT" "$(roles operator)"
	tee=$two
	somebody stranger
	tee=$same
	somebody stranger
	tee=$one
	nobody stranger 'not signed by the client CA'
}

@test "access: the client CA comes as an inherited descriptor too" {
	CLIENT_CA=fd:7 tee tee 7<clients.pem
	somebody operator
	nobody none 'gave no certificate'
}
