#!/usr/bin/env bats
# The contract's ground rules, by curl and raw sockets: headers, framing, malformed bodies, every limit
# (what reaches it passes, what exceeds it by one is refused), TLS, and how the program starts and ends.

load helper
load contract

# raw URL: what standard input holds, sent as it is; the answer in $output, its status in $http.
raw() {
	local fd address=${1#*://}
	exec {fd}<>"/dev/tcp/${address%:*}/${address#*:}"
	cat >&"$fd"
	output=$(timeout 5 cat <&"$fd")
	exec {fd}>&-
	http=${output#HTTP/1.1 }
	http=${http%% *}
	code='' error=''
	[[ ! $output =~ \"code\":([0-9]+) ]] || code=${BASH_REMATCH[1]}
	[[ ! $output =~ \"error\":\"([^\"]*) ]] || error=${BASH_REMATCH[1]}
}

# request METHOD PATH [HEADER...]: a request's head, with Host and Connection: close.
request() {
	printf '%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n' "$1" "$2"
	(($# < 3)) || printf '%s\r\n' "${@:3}"
	printf '\r\n'
}

padded() { # LENGTH: a good body of exactly that many bytes
	printf '{"seed_phrase":"a"%*s}' "$(($1 - 19))" ''
}

seconds() { # since the variable start, in tenths
	echo $((($(date +%s%N) - start) / 100000000))
}

# --- headers

@test "limits: every answer has an id and is not to be stored" {
	hv tee
	local id paths=('GET /status' 'GET /metrics' 'GET /nowhere' 'GET /enclave/genesis-boot' 'POST /validate-seed' 'POST /enclave/prove-key')
	for line in "${paths[@]}"; do
		ask "$tee" ${line} ''
		same "$(header Cache-Control)" no-store
		[[ $(header X-Request-Id) =~ ^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$ ]]
		id=$(header X-Request-Id)
		ask "$tee" ${line} '' -H 'X-Request-Id: Az_09-'
		same "$(header X-Request-Id)" Az_09-
	done
	ask "$tee" GET /status
	[[ $(header X-Request-Id) != "$id" ]]
}

@test "limits: a request id is echoed from 1 to 64 characters of its alphabet, else made anew" {
	hv tee
	local long
	long=$(printf 'a%.0s' {1..64})
	ask "$tee" GET /status '' -H "X-Request-Id: $long"
	same "$(header X-Request-Id)" "$long"
	ask "$tee" GET /status '' -H 'X-Request-Id: x'
	same "$(header X-Request-Id)" x
	for bad in "a$long" 'a b' 'a.b' 'a/b' 'é' 'a:b' '"a"'; do
		ask "$tee" GET /status '' -H "X-Request-Id: $bad"
		accepted
		[[ $(header X-Request-Id) =~ ^[0-9a-f-]{36}$ ]] || fail "$bad"
	done
	ask "$tee" GET /status '' -H 'X-Request-Id;'
	[[ $(header X-Request-Id) =~ ^[0-9a-f-]{36}$ ]]
}

@test "limits: a connection is kept alive" {
	hv tee
	run -0 curl -sS -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects}%{http_version} ' \
		"$tee/status" "$tee/nowhere" "$tee/status"
	same "$output" '11.1 01.1 01.1 '
}

@test "limits: a known path with another method is 405 with Allow" {
	hv tee
	local method path
	while read -r method path; do
		ask "$tee" "$([[ $method == GET ]] && echo POST || echo GET)" "$path"
		refused 405 405
		same "$(header Allow)" "$method"
		ask "$tee" DELETE "$path"
		refused 405 405
		same "$(header Allow)" "$method"
	done <<-'ROUTES'
	GET /health
	GET /status
	GET /metrics
	GET /enclave/manifest
	GET /enclave/receipts
	POST /enclave/live-attestation
	POST /enclave/genesis-boot
	POST /enclave/boot-standard
	POST /enclave/retire
	POST /enclave/inject-shares
	POST /enclave/share-manifest
	POST /enclave/generate-attestation
	POST /enclave/export-key
	POST /enclave/inject-key
	POST /enclave/prove-key
	POST /generate-seed
	POST /validate-seed
	ROUTES
}

@test "limits: an unknown path is 404, and a path is matched as it is" {
	hv tee
	for path in / /Status /status/ //status /enclave /enclave/ /enclave/Manifest /%73tatus /status%20 /enclave/../status; do
		ask "$tee" GET "$path" '' --path-as-is
		refused 404 404
	done
}

@test "limits: %00 in a path is 400" {
	hv tee
	for path in /status%00 /status%00x /%00 /nowhere%00/status; do
		ask "$tee" GET "$path" '' --path-as-is
		refused 400 1000 'Invalid request'
	done
}

@test "limits: bodies are application/json, whatever its parameters" {
	hv tee
	local body='{"seed_phrase":"a"}'
	for type in application/json 'application/json; charset=utf-8' 'Application/JSON' 'application/json;charset=utf-8'; do
		ask "$tee" POST /validate-seed '' -H "Content-Type: $type" -d "$body"
		accepted
	done
	for type in text/plain application/jsonx application/x-www-form-urlencoded 'text/json' 'application/json, text/plain'; do
		ask "$tee" POST /validate-seed '' -H "Content-Type: $type" -d "$body"
		refused 415 415
	done
	ask "$tee" POST /validate-seed '' -H 'Content-Type:' -d "$body"
	refused 415 415
}

@test "limits: Host is an address, localhost, or a name of --host-name" {
	hv tee --host-name tee.example --host-name OTHER.example
	for host in 127.0.0.1 127.0.0.1:1 10.0.0.1 '[::1]' '[::1]:80' localhost LOCALHOST:9000 tee.example Tee.Example:1 other.example; do
		ask "$tee" GET /health '' -H "Host: $host"
		[[ $http == 200 ]] || fail "$host: $http"
	done
	for host in elsewhere tee.example.org xtee.example localhost.example 127.0.0.1.example 127.1 '[::1' '::1' 'localhost:x' \
		'localhost@elsewhere' 'a,localhost'; do
		ask "$tee" GET /health '' -H "Host: $host"
		[[ $http/$code == 421/421 ]] || fail "$host: $http/$code"
	done
	ask "$tee" GET /health '' -H 'Host: elsewhere'
	refused 421 421
	raw "$tee" < <(request GET /health 'Host: localhost')
	same "$http" 421
}

@test "limits: a request of a web page is 403" {
	hv tee --debug
	for origin in http://127.0.0.1 null https://example.org; do
		ask "$tee" GET /status '' -H "Origin: $origin"
		refused 403 403 'Origin refused' 'web page'
	done
	ask "$tee" POST /enclave/genesis-boot '{}' -H 'Origin: http://127.0.0.1'
	refused 403 403 'Origin refused' 'web page'
	ask "$tee" GET /status '' -H 'Origin;'
	refused 403 403 'Origin refused' 'web page'
}

@test "limits: Transfer-Encoding is 411, whatever it says" {
	hv tee
	ask "$tee" POST /validate-seed '{"seed_phrase":"a"}' -H 'Transfer-Encoding: chunked'
	refused 411 411
	raw "$tee" < <(request POST /validate-seed 'Content-Type: application/json' 'Content-Length: 19' 'Transfer-Encoding: chunked')
	same "$http/$code" 411/411
	for encoding in identity gzip, 'gzip, chunked' xchunked; do
		raw "$tee" < <(request POST /validate-seed 'Content-Type: application/json' 'Content-Length: 19' "Transfer-Encoding: $encoding" &&
			printf '{"seed_phrase":"a"}')
		same "$http/$code" 411/411
	done
	raw "$tee" < <(request GET /status 'Transfer-Encoding: chunked' && printf '0\r\n\r\n')
	same "$http/$code" 411/411
	raw "$tee" < <(request POST /validate-seed 'Content-Type: application/json')
	same "$http/$code" 411/411
}

@test "limits: a repeated Content-Length is 400, equal or not" {
	hv tee
	for second in 19 18 20 0; do
		raw "$tee" < <(request POST /validate-seed 'Content-Type: application/json' 'Content-Length: 19' "Content-Length: $second" &&
			printf '{"seed_phrase":"a"}')
		same "$http/$code" 400/1000
		has "$error" Content-Length
	done
}

@test "limits: a folded header is 400" {
	hv tee
	raw "$tee" < <(request GET /status $'X-Long: a\r\n b')
	same "$http/$code" 400/1000
	raw "$tee" < <(request GET /status $'X-Long: a\r\n\tb')
	same "$http/$code" 400/1000
	raw "$tee" < <(request POST /validate-seed 'Content-Type: application/json' 'Content-Length: 19' $'X-Request-Id: a\r\n b' &&
		printf '{"seed_phrase":"a"}')
	same "$http/$code" 400/1000
}

@test "limits: what libmicrohttpd refuses by itself gets no further, and others are still served" {
	hv tee --idle-timeout 600 --request-timeout 600
	for head in 'nonsense\r\n\r\n' 'GET\r\n\r\n' '\r\n\r\n\r\n' 'GET /status HTTP/9.9\r\n\r\n' '\0\0\0\0' 'GET /status HTTP/1.1\r\n\r\n' \
		'GET /status HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n' 'GET /status HTTP/1.1\r\nHost a\r\n\r\n'; do
		raw "$tee" < <(printf "$head" && exec 1>&-) || true
		[[ $http != 200 ]] || fail "$head"
	done
	ask "$tee" GET /status
	accepted
}

# --- bodies

@test "limits: a byte is an integer from 0 to 255, and a wrong one is named before anything else" {
	hv tee
	for byte in 256 -1 1.5 1.0 '"1"' null true '[1]' 1e1 18446744073709551616 -0; do
		ask "$tee" POST /enclave/live-attestation "{\"nonce\":[0,255,$byte]}"
		refused 400 1000 'Invalid request' 'nonce[2]'
	done
	for value in '"AAEC"' 1 '{}' null true; do
		ask "$tee" POST /enclave/live-attestation "{\"nonce\":$value}"
		refused 400 1000 'Invalid request' nonce
	done
	# Before any cryptography, and before the phase.
	ask "$tee" POST /enclave/inject-key "{\"encrypted_quorum_key\":$(array 128 0),\"signature\":$ZERO64}"
	refused 400 1000 'Invalid request' encrypted_quorum_key
	ask "$tee" POST /enclave/prove-key "{\"challenge\":$(array 31 0)}"
	refused 400 1000 'Invalid request' challenge
	ask "$tee" POST /enclave/prove-key "{\"challenge\":$(array 33 0)}"
	refused 400 1000 'Invalid request' challenge
}

@test "limits: what is not JSON, or more than it, is 400 with the place" {
	hv tee
	local body
	while IFS= read -r body; do
		ask "$tee" POST /validate-seed "$(printf '%b' "$body")"
		refused 400 1000 'Invalid request' || fail "$body"
		[[ $error =~ (byte\ [0-9]+|seed_phras|extra|object|\\$) ]] || fail "no place: $error"
	done <<-'BODIES'
	{
	}
	[]
	"a"
	1
	null
	nonsense
	{"seed_phrase":"a"
	{"seed_phrase":"a"}x
	{"seed_phrase":"a"}{}
	{"seed_phrase":"a"},
	{"seed_phrase":"a",}
	{,"seed_phrase":"a"}
	{"seed_phrase":"a""extra":1}
	{"seed_phrase" "a"}
	{seed_phrase:"a"}
	{'seed_phrase':'a'}
	{"seed_phrase":'a'}
	{"seed_phrase":"a"} // comment
	/* comment */ {"seed_phrase":"a"}
	{"seed_phrase":"a" /* comment */}
	{"seed_phrase":"a","extra":1}
	{"seed_phrase":"a","extra":null}
	{"seed_phrase":"a","seed_phrase":"a"}
	{"seed_phrase":"a","seed_phras\\u0065":"b"}
	{"seed_phrase":"a\\u0000"}
	{"seed_phrase":"\\u0000"}
	{"seed_phrase":"\\ud800"}
	{"seed_phrase":"\\udc00"}
	{"seed_phrase":"\\ud800\\u0041"}
	{"seed_phrase":"\\ud83d"}
	{"seed_phrase":"\\u12"}
	{"seed_phrase":"\\x41"}
	{"seed_phrase":"\\'"}
	{"seed_phrase":"a\tb"}
	{"seed_phrase":"a\nb"}
	{"seed_phrase":"a
	{"seed_phrase":"\0377"}
	{"seed_phrase":"\0300\0200"}
	{"seed_phrase":"\0355\0240\0200"}
	{"seed_phrase":"\0364\0220\0200\0200"}
	{"seed_phrase":"\0303"}
	{"seed\0377":"a"}
	\0357\0273\0277{"seed_phrase":"a"}
	{"seed_phrase":NaN}
	{"seed_phrase":Infinity}
	{"seed_phrase":nul}
	{"seed_phrase":True}
	{"seed_phrase":1}
	{"seed_phrase":["a"]}
	{"seed_phrase":{}}
	{"seed_phrase":null}
	{"seed_phrase":undefined}
	{"extra":01,"seed_phrase":"a"}
	{"extra":+1,"seed_phrase":"a"}
	{"extra":.5,"seed_phrase":"a"}
	{"extra":0x10,"seed_phrase":"a"}
	{"extra":1.,"seed_phrase":"a"}
	{"":1,"seed_phrase":"a"}
	BODIES
	ask "$tee" POST /validate-seed '' -H 'Content-Type: application/json' --data-binary ''
	[[ $http == 400 && $code == 1000 ]] || fail "$http/$code"
	# A NUL byte, which no argument can hold.
	printf '{"seed_phrase":"a\0b"}' >body
	ask "$tee" POST /validate-seed '' -H 'Content-Type: application/json' --data-binary @body
	refused 400 1000 'Invalid request'
	printf '{"seed_phrase":"a"}\0' >body
	ask "$tee" POST /validate-seed '' -H 'Content-Type: application/json' --data-binary @body
	refused 400 1000 'Invalid request'
}

@test "limits: JSON that is unusual is JSON" {
	hv tee
	local body
	while IFS= read -r body; do
		ask "$tee" POST /validate-seed "$(printf '%b' "$body")"
		accepted || fail "$body"
	done <<-'BODIES'
	 {"seed_phrase":"a"} 
	\t\r\n{\n"seed_phrase"\t:\r"a"\n}\n
	{"seed\\u005fphrase":"a"}
	{"seed_phrase":"\\ud83d\\ude00"}
	{"seed_phrase":"é 😀 \\u00e9 \\/ \\" \\\\ \\b\\f\\n\\r\\t"}
	{"seed_phrase":""}
	BODIES
}

nested() { # DEPTH: an unknown field at that depth of containers, the object counted
	printf '{"seed_phrase":"a","extra":%s%s}' "$(printf '[%.0s' $(seq "$(($1 - 1))"))" "$(printf ']%.0s' $(seq "$(($1 - 1))"))"
}

@test "limits: nesting of 16 is read, of 17 refused" {
	hv tee
	ask "$tee" POST /validate-seed "$(nested 16)"
	refused 400 1000 'Invalid request' extra
	hasnt "$error" nested
	ask "$tee" POST /validate-seed "$(nested 17)"
	refused 400 1000 'Invalid request' extra nested
	ask "$tee" POST /validate-seed "$(nested 5000)"
	refused 400 1000 'Invalid request' nested
}

@test "limits: 200000 units are read, one more is refused" {
	hv tee
	# The object is 16, the array 16, the comma between the fields 1.
	units() { printf '{"seed_phrase":"a","extra":[%s]}' "$(yes 0 | head -n $((200001 - $1)) | paste -sd,)"; }
	units 33 >body
	ask "$tee" POST /validate-seed '' -H 'Content-Type: application/json' --data-binary @body
	refused 400 1000 'Invalid request' extra
	hasnt "$error" commas
	units 32 >body
	ask "$tee" POST /validate-seed '' -H 'Content-Type: application/json' --data-binary @body
	refused 400 1000 'Invalid request' extra commas
}

@test "limits: a body of 1 MiB is read, one byte more is 413 before it is sent" {
	hv tee
	padded 1048576 >body
	same "$(stat -c %s body)" 1048576
	ask "$tee" POST /validate-seed '' -H 'Content-Type: application/json' --data-binary @body
	accepted
	padded 1048577 >body
	ask "$tee" POST /validate-seed '' -H 'Content-Type: application/json' --data-binary @body
	same "$http/$code" 413/413
	raw "$tee" < <(request POST /validate-seed 'Content-Type: application/json' 'Content-Length: 1048577')
	same "$http/$code" 413/413
	raw "$tee" < <(request POST /validate-seed 'Content-Type: application/json' 'Content-Length: 9223372036854775807')
	same "$http/$code" 413/413
	hv small --max-body 1024
	ask "$small" POST /validate-seed "$(padded 1024)"
	accepted
	ask "$small" POST /validate-seed "$(padded 1025)"
	refused 413 413
}

@test "limits: a header block of 16 KiB is read, a larger one is 431" {
	hv tee
	local bare
	bare=$(request GET /status X: | wc -c)
	raw "$tee" < <(request GET /status "X: $(head -c $((16384 - bare - 1)) /dev/zero | tr '\0' a)")
	same "$http" 200
	# More than that without the request line.
	raw "$tee" < <(request GET /status "X: $(head -c 16384 /dev/zero | tr '\0' a)")
	same "$http/$code" 431/431
	raw "$tee" < <(request GET /status "X: $(head -c 30000 /dev/zero | tr '\0' a)")
	same "$http/$code" 431/431
	hv small --max-header 1024
	ask "$small" GET /status '' -H "X: $(head -c 700 /dev/zero | tr '\0' a)"
	accepted
	ask "$small" GET /status '' -H "X: $(head -c 1024 /dev/zero | tr '\0' a)"
	refused 431 431
}

@test "limits: a query is no part of a path, and only receipts takes one" {
	hv tee
	ask "$tee" GET '/enclave/receipts?from=0'
	accepted
	for query in '?from=-1' '?from=x' '?from=' '?from=0&from=0' '?other=1' '?from=0&other=1'; do
		ask "$tee" GET "/enclave/receipts$query"
		refused 400 1000 'Invalid request'
	done
	ask "$tee" GET '/nowhere?from=0'
	refused 404 404
}

# --- time

@test "limits: by default a request has 10 s, an idle connection 10 s, a handshake 3 s" {
	certificate localhost
	hv tee
	hv secure --tls-cert cert.pem --tls-key key.pem
	local fd start pids=()
	# The clock is read after the connection is there, and cat ends after the connection does: bounds
	# are wide, for a busy machine, and tell these defaults from one another all the same.
	measure() { # NAME URL: holds a connection on which standard input was sent until it is closed
		local fd address=${2#*://} start
		exec {fd}<>"/dev/tcp/${address%:*}/${address#*:}"
		start=$(date +%s%N)
		cat >&"$fd"
		timeout 60 cat <&"$fd" >/dev/null
		seconds >"$1"
	}
	measure idle "$tee" </dev/null 3>&- &
	pids+=($!)
	measure head "$tee" < <(printf 'GET /status HTTP/1.1\r\nHost: a') 3>&- &
	pids+=($!)
	measure body "$tee" < <(request POST /validate-seed 'Content-Type: application/json' 'Content-Length: 19' && printf '{') 3>&- &
	pids+=($!)
	measure handshake "$secure" </dev/null 3>&- &
	pids+=($!)
	wait "${pids[@]}"
	for name in idle head body; do
		(($(<$name) >= 80 && $(<$name) < 300)) || fail "$name: $(<$name) tenths of a second"
	done
	(($(<handshake) >= 15 && $(<handshake) < $(<idle))) || fail "handshake: $(<handshake) tenths"
}

@test "limits: byte by byte does not make a request's time longer" {
	hv tee --request-timeout 2000 --idle-timeout 60000
	local fd start address=${tee#*://} i
	exec {fd}<>"/dev/tcp/${address%:*}/${address#*:}"
	request POST /validate-seed 'Content-Type: application/json' 'Content-Length: 1000' >&"$fd"
	start=$(date +%s%N)
	# Nothing comes: it is read to pass the time between two bytes, until the end.
	for ((i = 0; i < 200; i++)); do
		printf ' ' 2>/dev/null >&"$fd" || break
		read -r -t 0.1 -u "$fd" _ || (($? > 128)) || break
	done
	exec {fd}>&-
	((i < 200)) || fail "the connection is still there"
	(($(seconds) >= 10)) || fail "$(seconds) tenths"
}

@test "limits: a connection between two requests may be idle for its time, and no longer" {
	hv tee --idle-timeout 1000 --request-timeout 60000
	local fd start address=${tee#*://}
	exec {fd}<>"/dev/tcp/${address%:*}/${address#*:}"
	start=$(date +%s%N)
	printf 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n' >&"$fd"
	timeout 30 cat <&"$fd" >answer
	exec {fd}>&-
	has "$(<answer)" healthy
	(($(seconds) >= 5 && $(seconds) < 300)) || fail "$(seconds) tenths"
}

@test "limits: nobody waits for a body that is still on its way" {
	hv tee --debug
	local fd address=${tee#*://} body
	body=$(genesis_request 2 2 keyless)
	exec {fd}<>"/dev/tcp/${address%:*}/${address#*:}"
	request POST /enclave/genesis-boot 'Content-Type: application/json' "Content-Length: ${#body}" >&"$fd"
	printf %s "${body:0:100}" >&"$fd"
	ask "$tee" GET /status
	same "$(jq -r .phase <<<"$output")" WaitingForBootInstruction
	boot "$tee" 2 3 keyless
	# What came first but was whole later is judged later.
	printf %s "${body:100}" >&"$fd"
	has "$(timeout 5 cat <&"$fd")" '"code":1006'
	exec {fd}>&-
}

# --- connections

hold() { # URL COUNT: that many connections, each of which has been answered once
	local i fd address=${1#*://} line
	for ((i = 0; i < $2; i++)); do
		exec {fd}<>"/dev/tcp/${address%:*}/${address#*:}"
		printf 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n' >&"$fd"
		read -r -t 5 -u "$fd" line || fail "connection $i was not answered"
		has "$line" '200 OK'
		HELD+=("$fd")
	done
}

release() {
	local fd
	for fd in "${HELD[@]}"; do
		exec {fd}>&-
	done
	HELD=()
}

@test "limits: 64 connections from one address are served, one more is not" {
	hv tee
	HELD=()
	hold "$tee" 64
	ask "$tee" GET /health
	same "$http" 000
	ask "$tee" GET /health '' --interface 127.0.0.9
	accepted
	release
	until ask "$tee" GET /health && [[ $http == 200 ]]; do :; done
}

@test "limits: 256 connections are served, one more is not" {
	hv tee --max-connections-per-address 1000
	HELD=()
	hold "$tee" 256
	ask "$tee" GET /health '' --interface 127.0.0.9 --max-time 2
	same "$http" 000
	release
	until ask "$tee" GET /health && [[ $http == 200 ]]; do :; done
}

@test "limits: 200 requests a second of one address may make the NSM work" {
	hv tee --debug
	boot "$tee" 2 2 keyless
	local body
	body="{\"manifest_hash\":$(array 32 1),\"pcr_values\":[[],[],[],[]]}"
	# Refused by their content, and so quick; genesis took one.
	seq 1 400 | sed "s|.*|url = \"$tee/enclave/generate-attestation\"\noutput = /dev/null|" >urls
	curl -sS -K urls -w '%{http_code}\n' -H 'Content-Type: application/json' -d "$body" >codes
	(($(grep -c 403 codes) >= 198)) || fail "$(sort codes | uniq -c)"
	[[ $(sed -n 190p codes) == 403 ]]
	[[ $(sort -u codes) == $'403\n429' ]] || fail "$(sort codes | uniq -c)"
}

# --- TLS

certificate() { # NAME: cert.pem and key.pem
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem \
		-days 2 -subj "/CN=$1" -addext "subjectAltName=DNS:$1,IP:127.0.0.1" 2>/dev/null
}

@test "limits: with a certificate it is TLS 1.3 and nothing else" {
	certificate tee.example
	hv tee --tls-cert cert.pem --tls-key key.pem
	local port=${tee##*:}
	run -0 curl -sS --cacert cert.pem "https://127.0.0.1:$port/health"
	has "$output" healthy
	run -0 bash -c "openssl s_client -connect 127.0.0.1:$port -CAfile cert.pem -brief </dev/null 2>&1"
	has "$output" 'TLSv1.3'
	run ! curl -sS --cacert cert.pem --tls-max 1.2 "https://127.0.0.1:$port/health"
	run -1 bash -c "openssl s_client -connect 127.0.0.1:$port -tls1_2 </dev/null 2>&1"
	run ! curl -sS "http://127.0.0.1:$port/health"
	hasnt "$output" healthy
}

@test "limits: a name in the certificate is a Host" {
	certificate tee.example
	hv tee --tls-cert cert.pem --tls-key key.pem
	local port=${tee##*:}
	run -0 curl -sS --cacert cert.pem --resolve "tee.example:$port:127.0.0.1" "https://tee.example:$port/health"
	has "$output" healthy
	run -0 curl -sS --cacert cert.pem -H 'Host: elsewhere' -o /dev/null -w '%{http_code}' "https://127.0.0.1:$port/health"
	same "$output" 421
}

@test "limits: a handshake has its own time" {
	certificate localhost
	hv tee --tls-cert cert.pem --tls-key key.pem --handshake-timeout 1000 --idle-timeout 60000
	local fd start address=${tee#*://}
	exec {fd}<>"/dev/tcp/${address%:*}/${address#*:}"
	start=$(date +%s%N)
	timeout 30 cat <&"$fd" >/dev/null
	exec {fd}>&-
	(($(seconds) >= 5 && $(seconds) < 300)) || fail "$(seconds) tenths"
}

@test "limits: certificate and key come as inherited descriptors too, and belong together" {
	certificate localhost
	hv tee --tls-cert fd:7 --tls-key fd:8 7<cert.pem 8<key.pem
	run -0 curl -sS --cacert cert.pem "https://localhost:${tee##*:}/health" --resolve "localhost:${tee##*:}:127.0.0.1"
	cp key.pem other.pem
	certificate localhost
	run -64 "$BUILD/teectl-hv" --image "$BUILD/teectl-enclave" --pki pki --listen 127.0.0.1:0 --tls-cert cert.pem
	has "$output" 'need each other'
	run ! "$BUILD/teectl-hv" --image "$BUILD/teectl-enclave" --pki pki --listen 127.0.0.1:0 --tls-cert cert.pem --tls-key other.pem
	has "$output" 'pair'
}

# --- the program

@test "limits: the enclave has no NSM of its own" {
	run -64 "$BUILD/teectl-enclave"
	has "$output" '--nsm is missing'
	run ! "$BUILD/teectl-enclave" --nsm fd:9
	run ! "$BUILD/teectl-enclave" --nsm device:/dev/null
	run ! "$BUILD/teectl-enclave" --nsm "$PWD/socket"
	run ! "$BUILD/teectl-enclave" --nsm fd:x
}

@test "limits: options that nobody knows, twice, or out of range are refused" {
	for option in --debug --quorum-key=1 --insecure-open-sed --max-body=0 --max-body=x --max-connections=0 --nsm-rate=0 \
		--pin-share-set=12 --insecure-open-seed=1 --log-level=loud operand '--max-body=1024 --max-body=1024'; do
		run ! "$BUILD/teectl-enclave" --nsm fd:9 $option
		[[ $status == 64 ]] || fail "$option"
	done
	for address in here 127.0.0.1 127.0.0.1:x 127.0.0.1:65536 localhost:0 :0; do
		run -64 "$BUILD/teectl-hv" --image "$BUILD/teectl-enclave" --pki pki --listen "$address"
		has "$output" listen
	done
}

@test "limits: when the NSM's socket is closed the enclave ends" {
	faulty tee close
	ask "$tee" GET /health
	accepted
	kill -USR1 "$tee_pid"
	status=0
	wait "$tee_pid" || status=$?
	HVS=()
	[[ $status == 69 ]] || fail
	run -0 grep 'the NSM is gone' tee.log
	ask "$tee" GET /health
	same "$http" 000
}

@test "limits: PCR0, 1 and 2 are all zero or none, else it does not start" {
	for zero in 1 2; do
		mkdir -p -m 700 pki
		run ! timeout 5 "$BUILD/faulty_nsm" pki "pcrs:$zero" "$BUILD/teectl-enclave" --listen 127.0.0.1:0
		has "$output" "$zero of PCR0..2 are zero"
		hasnt "$output" 'listening on'
	done
	faulty tee pcrs:3
	ask "$tee" GET /status
	same "$(jq .debug <<<"$output")" true
	faulty plain pcrs:0
	ask "$plain" GET /status
	same "$(jq .debug <<<"$output")" false
}

@test "limits: SIGTERM finishes what is in flight" {
	hv tee --request-timeout 60000 --idle-timeout 60000
	local fd idle address=${tee#*://}
	exec {idle}<>"/dev/tcp/${address%:*}/${address#*:}"
	exec {fd}<>"/dev/tcp/${address%:*}/${address#*:}"
	printf 'POST /validate-seed HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n{"seed' >&"$fd"
	# Answered after what was sent before it has been read.
	ask "$tee" GET /health
	kill -TERM "$tee_pid"
	timeout 30 cat <&"$idle" # its end is the first thing that happens
	# No other program here: what is in flight has one second.
	if { : <>"/dev/tcp/${address%:*}/${address#*:}"; } 2>/dev/null; then fail "it still listens"; fi
	printf '_phrase":"a"}' >&"$fd"
	timeout 30 cat <&"$fd" >answer
	has "$(<answer)" '"valid":false'
	status=0
	wait "$tee_pid" || status=$?
	HVS=()
	same "$status" 0
}

@test "limits: SIGTERM waits no longer than a second for who does not go on" {
	hv tee --request-timeout 60000 --idle-timeout 60000
	local fd start address=${tee#*://}
	exec {fd}<>"/dev/tcp/${address%:*}/${address#*:}"
	printf 'POST /validate-seed HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n{"seed' >&"$fd"
	ask "$tee" GET /health
	start=$(date +%s%N)
	kill -TERM "$tee_pid"
	wait "$tee_pid"
	HVS=()
	exec {fd}>&-
	# AddressSanitizer looks for leaks at the end.
	(($(seconds) < $([[ $BUILD == *asan* ]] && echo 100 || echo 10))) || fail "$(seconds) tenths"
}

@test "limits: SIGTERM ends an enclave that nobody talks to at once" {
	hv tee
	local start
	ask "$tee" GET /health
	start=$(date +%s%N)
	kill -TERM "$tee_pid"
	wait "$tee_pid"
	HVS=()
	(($(seconds) < $([[ $BUILD == *asan* ]] && echo 100 || echo 10))) || fail "$(seconds) tenths"
}

@test "limits: with the hypervisor stopped, health answers, the rest is refused, and all comes back" {
	hv stopped
	local url=$stopped pid=${HVS[-1]} asking=() i
	kill -STOP "$pid"
	for ((i = 0; i < 8; i++)); do
		curl -s -m 30 -o "answer$i" -w '%{http_code} ' -H 'Content-Type: application/json' -d '{"nonce":[1]}' \
			"$url/enclave/live-attestation" >"code$i" 3>&- &
		asking+=("$!")
	done
	for ((i = 0; i < 8; i++)); do
		curl -sS -m 5 "$url/health" >>health
	done
	wait "${asking[@]}"
	# What was asked has had its time; from now on nothing is, until those answers come.
	ask "$url" POST /enclave/live-attestation '{"nonce":[1]}'
	kill -CONT "$pid" # before anything can fail: else it does not hear that it shall end
	same "$(grep -o healthy health | wc -l)" 8
	[[ $(cat code?) =~ ^((500|503)\ )+$ ]] || fail "$(cat code?)"
	grep -q 503 code?
	refused 503 503 Unavailable 'the hypervisor does not'
	for ((i = 0; i < 50; i++)); do
		ask "$url" POST /enclave/live-attestation '{"nonce":[2]}'
		[[ $http == 503 ]] || break
	done
	accepted
}

@test "limits: an IPv6 address is served, and named in the line that says so" {
	[[ -e /proc/net/if_inet6 ]] && grep -q ' lo$' /proc/net/if_inet6 || skip "no IPv6 here"
	mkfifo fifo
	"$BUILD/teectl-hv" --image "$BUILD/teectl-enclave" --listen '[::1]:0' --pki pki >fifo 2>log 3>&- &
	HVS+=("$!")
	read -r line <fifo
	[[ $line =~ ^listening\ on\ \[::1\]:[0-9]+$ ]] || fail "$line"
	run -0 curl -sS "http://${line#listening on }/health"
	has "$output" healthy
}
