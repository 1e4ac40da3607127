#!/usr/bin/env bats
# teectl-hv with build/probe as its image, which tells what an enclave sees.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/.."
	export BUILD=$PWD/${TEECTL_BUILD:-build}
	[[ ${TEECTL_BUILD:-} != /* ]] || export BUILD=$TEECTL_BUILD
	export ZERO48
	ZERO48=$(printf '0%.0s' {1..96})
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BUILD/probe" image
	unset TEECTL_LOG
}

# The probe's answer in $output, and hv's own words in $stderr.
probe() {
	run -42 --separate-stderr "$BUILD/teectl-hv" --pki "$PWD/pki" --image image "$@"
}

# One word of the probe's answer: value pcr0
value() {
	sed -n "s/^$1 //p" <<<"$output"
}

# Starts a probe in the background that waits for SIGTERM; $hv is its hypervisor. Its answer goes to
# the descriptor $answer, which ends with the last process that holds it.
start_waiting() {
	line=
	mkfifo answer
	"$BUILD/teectl-hv" --pki "$PWD/pki" --image image --host-name wait "$@" >answer 2>log 3>&- &
	hv=$!
	exec {answer}<answer
	until [[ $line == "listening on "* ]]; do
		read -r -u "$answer" line
	done
}

finish_waiting() {
	status=0
	output=$(cat <&"$answer")
	wait "$hv" || status=$?
}

# SHA384(48 zero bytes || standard input), as lower-case hex.
extend_zero() {
	{ head -c 48 /dev/zero; cat; } | openssl dgst -sha384 -r | cut -d ' ' -f 1
}

@test "hv: the enclave gets its options and its NSM, and no path" {
	probe --listen 127.0.0.1:0 --insecure-open-seed
	[[ $(value arg) == $'teectl-enclave\n--listen=127.0.0.1:0\n--insecure-open-seed\n--nsm=fd:3' ]]
	[[ $(value fd) == $'0\n1\n2\n3' ]]
}

@test "hv: who starts it may ignore the end of its children" {
	run -42 --separate-stderr env --ignore-signal=CHLD "$BUILD/teectl-hv" --pki "$PWD/pki" --image image --listen 127.0.0.1:0
	[[ -n $(value pcr1) ]]
}

@test "hv: a key file comes as an open copy" {
	echo -n secret >key
	probe --tls-key key
	[[ $(value key) == secret ]]
	[[ $(value arg) == *"--tls-key=fd:"* ]]
	[[ $(value arg) != *"--tls-key=key"* ]]
	exec {key}<key
	probe "--tls-key=fd:$key"
	[[ $(value key) == secret ]]
}

@test "hv: PCR0 is the image's bytes" {
	probe
	[[ $(value pcr0) == "$(openssl dgst -sha384 -binary image | extend_zero)" ]]
	first=$output
	printf x >>image
	probe
	[[ $(value pcr0) == "$(openssl dgst -sha384 -binary image | extend_zero)" ]]
	[[ $(value pcr0) != "$(sed -n 's/^pcr0 //p' <<<"$first")" ]]
	[[ $(value pcr1) == "$(sed -n 's/^pcr1 //p' <<<"$first")" ]]
}

@test "hv: what runs is what was measured, whatever the file becomes" {
	start_waiting
	expected=$(openssl dgst -sha384 -binary image | extend_zero)
	cp /bin/true image.new
	mv image.new image
	enclave=$(pgrep -P "$hv")
	if [[ $EUID == 0 ]]; then
		[[ $(openssl dgst -sha384 -binary "/proc/$enclave/exe" | extend_zero) == "$expected" ]]
		[[ $(readlink "/proc/$enclave/exe") == "/memfd:"* ]]
	fi
	kill -TERM "$hv"
	finish_waiting
	[[ $status == 42 ]]
	[[ $(value pcr0) == "$expected" ]]
}

@test "hv: the environment does not reach the enclave" {
	probe
	clean=$output
	echo 'int unused;' | cc -shared -x c - -o preload.so
	# gcc's AddressSanitizer is a library that would be the first.
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
	export LD_PRELOAD=$PWD/preload.so LD_LIBRARY_PATH=$PWD GLIBC_TUNABLES=glibc.malloc.check=1 OPENSSL_CONF=/nonexistent
	probe
	unset LD_PRELOAD LD_LIBRARY_PATH GLIBC_TUNABLES OPENSSL_CONF
	[[ -z $(value env) ]]
	[[ $output == "$clean" ]]
}

@test "hv: another library shows in PCR1 alone" {
	probe
	clean=$output
	library=$(ldd image | sed -n 's/.*libcbor[^ ]* => \([^ ]*\).*/\1/p')
	[[ -n $library ]]
	{ cat "$library"; printf x; } >changed.so
	unshare --mount true 2>/dev/null || skip "may not make a mount namespace"
	run -42 --separate-stderr unshare --mount bash -c 'mount --bind changed.so "$1" && shift && exec "$@"' - \
		"$(readlink -f "$library")" "$BUILD/teectl-hv" --pki "$PWD/pki" --image image
	[[ $(value pcr1) != "$(sed -n 's/^pcr1 //p' <<<"$clean")" ]]
	[[ $(value pcr0) == "$(sed -n 's/^pcr0 //p' <<<"$clean")" ]]
	[[ $(value pcr2) == "$(sed -n 's/^pcr2 //p' <<<"$clean")" ]]
}

@test "hv: PCR2 is what decides who may do what, not where" {
	probe
	plain=$(value pcr2)
	probe --listen 127.0.0.1:1 --host-name a --log-level debug
	[[ $(value pcr2) == "$plain" ]]
	TEECTL_LOG=debug probe
	[[ $(value pcr2) == "$plain" ]]
	probe --max-body 1048576
	[[ $(value pcr2) == "$plain" ]]
	probe --max-body 2048
	[[ $(value pcr2) != "$plain" ]]
	probe --insecure-open-seed
	[[ $(value pcr2) != "$plain" ]]
}

# borsh NAME VALUE...: the bytes of a Vec<(String, String)>, by printf alone.
borsh() {
	local word
	le32 $(($# / 2))
	for word in "$@"; do
		le32 ${#word}
		printf %s "$word"
	done
}

le32() {
	printf '%b' "$(printf '\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"
}

# SHA384 of standard input, as bytes: PCRn = SHA384(48 zero bytes || SHA384(content)).
content_hash() {
	openssl dgst -sha384 -binary
}

@test "hv: PCR2 is what the contract's formula gives, by openssl alone" {
	local limits=(handshake-timeout 3000 idle-timeout 10000 max-body 1048576 max-connections 256
		max-connections-per-address 64 max-header 16384 nsm-rate 200) after=(request-timeout 10000) pin ca
	probe
	[[ $(value pcr2) == "$(borsh "${limits[@]}" "${after[@]}" | content_hash | extend_zero)" ]]
	# Given otherwise, in another order, and with what is absent by default.
	pin=$(printf 'ab%.0s' {1..32})
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -subj /CN=ca -days 1 -out ca.pem 2>req.log
	ca=$(openssl x509 -in ca.pem -outform DER | openssl dgst -sha256 -r | cut -d ' ' -f 1)
	limits[5]=2048
	limits[13]=7
	probe --pin-share-set "$pin" --insecure-open-seed --nsm-rate 7 --max-body=2048
	[[ $(value pcr2) == "$(borsh "${limits[@]:0:4}" insecure-open-seed 1 "${limits[@]:4}" \
		pin-share-set "$pin" "${after[@]}" | content_hash | extend_zero)" ]]
	probe --max-body 2048 --client-ca ca.pem --tls-cert ca.pem --tls-key ca.key --nsm-rate=7
	[[ $(value pcr2) == "$(borsh client-ca "$ca" "${limits[@]}" "${after[@]}" | content_hash | extend_zero)" ]]
}

@test "hv: PCR3 is the role, PCR4 the instance" {
	probe --role demo-operators --instance tee1
	[[ $(value pcr3) == "$(printf demo-operators | extend_zero)" ]]
	[[ $(value pcr4) == "$(printf tee1 | extend_zero)" ]]
	probe
	[[ $(value pcr3) == "$ZERO48" ]]
	[[ $(value pcr4) == "$ZERO48" ]]
}

@test "hv: a document lists PCR0 to 15 before anything is locked" {
	probe
	[[ $(grep -c '^pcr' <<<"$output") == 16 ]]
	for i in {5..15}; do
		[[ $(value "pcr$i") == "$ZERO48" ]]
	done
}

@test "hv: with --debug PCR0, 1 and 2 read zero" {
	probe --debug --role r
	for i in 0 1 2; do
		[[ $(value "pcr$i") == "$ZERO48" ]]
	done
	[[ $(value pcr3) != "$ZERO48" ]]
}

@test "hv: enclaves of one folder share a root, others do not" {
	probe
	root=$(value root)
	[[ $(sha256sum <pki/root.der) == "$root "* ]]
	probe
	[[ $(value root) == "$root" ]]
	run -42 --separate-stderr "$BUILD/teectl-hv" --pki "$PWD/other" --image image
	[[ $(value root) != "$root" ]]
	openssl x509 -inform der -in pki/root.der -noout -subject | grep -q 'CN = teectl SIMULATED root '
}

@test "hv: many that start at once make one root" {
	for i in 1 2 3 4 5 6; do
		"$BUILD/teectl-hv" --pki "$PWD/pki" --image image >"out.$i" 2>/dev/null 3>&- &
	done
	wait
	[[ $(grep -h '^root ' out.* | wc -l) == 6 ]]
	[[ $(grep -h '^root ' out.* | sort -u) == "root $(sha256sum <pki/root.der | cut -d ' ' -f 1)" ]]
}

@test "hv: the folder is by default the user's state" {
	export HOME=$PWD/home XDG_STATE_HOME=
	run -42 "$BUILD/teectl-hv" --image image
	[[ $(stat -c %a home/.local/state/teectl/pki) == 700 ]]
	[[ $(stat -c %a home/.local/state/teectl/pki/root.key) == 600 ]]
	XDG_STATE_HOME=$PWD/state run -42 "$BUILD/teectl-hv" --image image
	[[ -f state/teectl/pki/root.der ]]
}

@test "hv: a folder that others may look into is refused" {
	mkdir -m 755 open
	run -65 "$BUILD/teectl-hv" --image image --pki open
	[[ $output == *"'open' has mode 0755: expected 0700"* ]]
}

@test "hv: the enclave's end is hv's end, with its status" {
	probe
	cp /bin/false image
	run -1 "$BUILD/teectl-hv" --pki pki --image image
}

@test "hv: SIGTERM, SIGINT and SIGHUP are the enclave's" {
	start_waiting
	kill -TERM "$hv"
	finish_waiting
	[[ $status == 42 ]]
	rm answer
	start_waiting
	kill -INT "$hv"
	finish_waiting
	[[ $status == 130 ]]
	rm answer
	start_waiting
	kill -HUP "$hv"
	finish_waiting
	[[ $status == 129 ]]
}

@test "hv: when hv is killed the enclave goes" {
	start_waiting
	kill -KILL "$hv"
	finish_waiting
	[[ $status == 137 ]]
	[[ -z $output ]]
}

@test "hv: when the enclave is killed hv goes" {
	start_waiting
	pkill -KILL -P "$hv"
	finish_waiting
	[[ $status == 137 ]]
}

@test "hv: a closed standard error does not end it" {
	run -42 bash -c "'$BUILD/teectl-hv' --pki pki --image image 2>&-"
	run -42 bash -c "'$BUILD/teectl-hv' --pki pki --image image 2> >(:)"
}

@test "hv: neither it nor the enclave can be read by its own user" {
	[[ $EUID == 0 ]] || skip "needs root, to be another user"
	[[ $BUILD != *asan* ]] || skip "AddressSanitizer's leak check reads its own process"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR/test"
	cp "$BUILD/teectl-hv" hv
	chmod 755 hv image
	install -d -o 65534 -g 65534 -m 700 nobody
	as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	mkfifo answer
	"${as_nobody[@]}" ./hv --pki nobody/pki --image image --host-name wait >answer 2>log 3>&- &
	hv=$!
	exec {answer}<answer
	until [[ $line == "listening on "* ]]; do
		read -r -u "$answer" line
		[[ $line != "dumpable 1" ]]
	done
	for pid in "$hv" "$(pgrep -P "$hv")"; do
		for file in mem maps environ; do
			run -1 "${as_nobody[@]}" head -c 1 "/proc/$pid/$file"
			[[ $output == *"ermission denied"* ]]
		done
		run ! "${as_nobody[@]}" readlink "/proc/$pid/exe"
		run grep -E '^Max core file size +0 +0 ' "/proc/$pid/limits"
		[[ $status == 0 ]]
	done
	kill -TERM "$hv"
	finish_waiting
	[[ $status == 42 ]]
}

@test "hv: a leftover lock of a killed run is no obstacle" {
	mkdir -m 700 pki
	touch pki/lock
	probe
}

@test "hv: a lock that somebody keeps is waited for 10 s, and named" {
	mkdir -m 700 pki
	local held start
	exec {held}>pki/lock
	flock "$held"
	start=$SECONDS
	run -75 timeout 60 "$BUILD/teectl-hv" --image image --pki pki {held}>&-
	((SECONDS - start >= 9))
	[[ $output == *"another process has held 'pki/lock' for 10000 ms"* ]]
	exec {held}>&-
	probe
}

@test "hv: what it can't use is refused, with the reason" {
	run -64 "$BUILD/teectl-hv"
	[[ $output == "teectl-hv: --image FILE is needed" ]]
	run -64 "$BUILD/teectl-hv" --image image --lisen 127.0.0.1:0
	[[ $output == *"unknown option --lisen, did you mean --listen?" ]]
	run -64 "$BUILD/teectl-hv" --image image --instanse a
	[[ $output == *"unknown option --instanse, did you mean --instance?" ]]
	run -64 "$BUILD/teectl-hv" --image image --nsm fd:3
	[[ $output == *"--nsm"* ]]
	run -64 "$BUILD/teectl-hv" --image image --max-body 1
	[[ $output == *"max-body must be"* ]]
	TEECTL_LOG=loud run -64 "$BUILD/teectl-hv" --image image
	[[ $output == *"TEECTL_LOG"* ]]
	run -66 "$BUILD/teectl-hv" --image nowhere --pki pki
	[[ $output == *"nowhere"* ]]
	run -66 "$BUILD/teectl-hv" --image . --pki pki
	[[ $output == *"Is a directory"* ]]
	echo nonsense >text
	run -65 "$BUILD/teectl-hv" --image text --pki pki
	[[ ! -e pki ]]
}

@test "hv: TEECTL_LOG is the enclave's log level unless one is given" {
	TEECTL_LOG=error probe
	[[ $(value arg) == *"--log-level=error"* ]]
	[[ -z $stderr ]]
	TEECTL_LOG=error probe --log-level info
	[[ $(value arg) == *"--log-level=info"* ]]
	[[ $stderr == *"enclave started"*"pcr0=$(value pcr0)"* ]]
}

@test "hv: --help and --version" {
	run -0 "$BUILD/teectl-hv" --help
	[[ $output == "usage: teectl-hv --image FILE"* ]]
	for option in image pki role instance debug help version listen insecure-open-seed; do
		[[ $output == *"--$option"* ]]
	done
	[[ $output != *"--nsm "* ]]
	run -0 "$BUILD/teectl-hv" --version
	[[ $output == "teectl-hv $(cat "$BATS_TEST_DIRNAME/../VERSION")" ]]
}

@test "hv: it stays small" {
	[[ $BUILD != *asan* ]] || skip "AddressSanitizer is not small"
	start_waiting
	rss=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$hv/status")
	kill -TERM "$hv"
	finish_waiting
	((rss > 0 && rss < 3072))
}

@test "hv: the real enclave serves, and both leave on SIGTERM" {
	cp "$BUILD/teectl-enclave" image
	start_waiting --listen 127.0.0.1:0
	[[ $line =~ ^listening\ on\ 127\.0\.0\.1:([1-9][0-9]*)$ ]]
	run -0 curl -sS "http://127.0.0.1:${BASH_REMATCH[1]}/health"
	[[ $output == *'"status":"healthy"'* ]]
	kill -TERM "$hv"
	finish_waiting
	[[ $status == 0 ]]
}
