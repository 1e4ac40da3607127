# What the end-to-end tests share. load helper, and setup/teardown as they need.

[[ -z ${BATS_VERSION-} ]] || bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
BUILD=${TEECTL_BUILD:-build}
[[ $BUILD == /* ]] || BUILD=$ROOT/$BUILD
VECTORS=$ROOT/tests/vectors
export ROOT BUILD VECTORS
unset TEECTL_FILE TEECTL_STATE TEECTL_OUTPUT TEECTL_TIMEOUT TEECTL_LOG

teectl() {
	"$BUILD/teectl" "$@"
}

# Fails with what was seen, so that a failing test explains itself.
fail() {
	printf '%s\n' "$*" "status: ${status-}" "output: $(head -c 2000 <<<"${output-}")" "stderr: ${stderr-}" >&2
	return 1
}

# has TEXT WORDS: TEXT contains WORDS.
has() {
	[[ $1 == *"$2"* ]] || fail "expected '$2' in: $1"
}

hasnt() {
	[[ $1 != *"$2"* ]] || fail "unexpected '$2' in: $1"
}

# same FOUND EXPECTED
same() {
	[[ $1 == "$2" ]] || fail "expected '$2', found '$1'"
}

# cluster NAME NODES THRESHOLD MEMBERS [EXTRA-YAML]: writes NAME.yaml in the current folder, with keys
# under NAME-members/, nodes tee1.. on free ports. EXTRA stands at the end, at the top level.
cluster() {
	local name=$1 nodes=$2 threshold=$3 members=$4 extra=${5-} i
	mkdir -p -m 700 "$name-members"
	{
		cat <<-EOF
		apiVersion: teectl/v1
		kind: Cluster
		metadata: { name: $name }
		enclave:
		  image: ${IMAGE:-$BUILD/teectl-enclave}
		  role: ${ROLE:-test-operators}
		  insecureOpenSeed: true
		attestation: { root: simulated${ATTESTATION:+, $ATTESTATION} }
		quorum:
		  threshold: $threshold
		  members:
		EOF
		for ((i = 1; i <= members; i++)); do
			[[ -e $name-members/member$i.secret ]] ||
				teectl member keygen "$name-members/member$i" >/dev/null
			echo "    - { name: member$i, key: $name-members/member$i.secret, pub: $name-members/member$i.pub }"
		done
		echo "manifest: { namespace: ${NAMESPACE:-$name}, nonce: ${NONCE:-1} }"
		echo "nodes:"
		for ((i = 1; i <= nodes; i++)); do
			echo "  - { name: tee$i, listen: \"127.0.0.1:0\" }"
		done
		[[ -z $extra ]] || printf '%s\n' "$extra"
	} >"$name.yaml"
}

# url NAME NODE: where a node of the running cluster of NAME.yaml serves, as the state remembers it.
url() {
	local state pid start address
	state=$(sed -n "/^metadata:/,/name:/s/.*name: *\([^ ,}#]*\).*/\1/p" "$1.yaml" | head -n 1)
	read -r pid start address <".teectl/$state/pids/$2"
	echo "http://$address"
}

# hv NAME [OPTION...]: an enclave by hand; its URL in $NAME, its hypervisor's pid in ${NAME}_pid.
hv() {
	local name=$1 line fd fifo
	shift
	fifo=$BATS_TEST_TMPDIR/$name.fifo
	rm -f "$fifo"
	mkfifo "$fifo"
	"$BUILD/teectl-hv" --image "${IMAGE:-$BUILD/teectl-enclave}" --listen 127.0.0.1:0 \
		--pki "${PKI:-$BATS_TEST_TMPDIR/pki}" "$@" >"$fifo" 2>>"$BATS_TEST_TMPDIR/$name.log" 3>&- 4>&- &
	HVS+=("$!")
	printf -v "${name}_pid" '%d' "$!"
	exec {fd}<"$fifo"
	read -r -u "$fd" line || fail "$name did not start: $(cat "$BATS_TEST_TMPDIR/$name.log")"
	exec {fd}<&-
	printf -v "$name" 'http://%s' "${line#listening on }"
}

# Ends what hv started, and waits for the end.
stop_hvs() {
	((${#HVS[@]})) || return 0
	kill "${HVS[@]}" 2>/dev/null || true
	wait "${HVS[@]}" 2>/dev/null || true
	HVS=()
}
HVS=()

# post URL PATH JSON: the answer in $output, its HTTP status in $http.
post() {
	output=$(curl -sS -X POST -H 'Content-Type: application/json' -w '\n%{http_code}' -d "$3" "$1$2")
	http=${output##*$'\n'}
	output=${output%$'\n'*}
}

get() {
	output=$(curl -sS -w '\n%{http_code}' "$1$2")
	http=${output##*$'\n'}
	output=${output%$'\n'*}
}

# mitm NAME OPTION...: tests/mitm.c by hand; its URL in $NAME, what it was asked in NAME.log.
mitm() {
	local name=$1 line fd fifo
	shift
	fifo=$BATS_TEST_TMPDIR/$name.fifo
	rm -f "$fifo"
	mkfifo "$fifo"
	"$BUILD/mitm" "$@" >"$fifo" 2>"$BATS_TEST_TMPDIR/$name.log" 3>&- 4>&- &
	HVS+=("$!")
	exec {fd}<"$fifo"
	read -r -u "$fd" line || fail "$name did not start: $(cat "$BATS_TEST_TMPDIR/$name.log")"
	exec {fd}<&-
	printf -v "$name" 'http://%s' "${line#listening on }"
}

# asked MITM OPERATION: how often.
asked() {
	grep -cx "$2" "$BATS_TEST_TMPDIR/$1.log" || true
}

# behind NAME TWIN NODE URL...: TWIN.yaml is NAME.yaml, of the same state, with each NODE at its URL.
behind() {
	local name=$1 twin=$2 words=()
	shift 2
	while (($#)); do
		words+=(-e "s|{ name: $1, listen: .*|{ name: $1, url: \"$2\" }|")
		shift 2
	done
	sed "${words[@]}" "$name.yaml" >"$twin.yaml"
}

# Ends every cluster of this folder, and fails when a process of one is left.
down_all() {
	local file process left=()
	for file in *.yaml; do
		[[ ! -e $file ]] || teectl -f "$file" down >/dev/null 2>&1 || true
	done
	for process in /proc/[0-9]*; do
		if [[ $process/exe -ef $BUILD/teectl-hv && $process/cwd -ef $PWD ]]; then
			left+=("${process#/proc/}")
		fi
	done
	((${#left[@]} == 0)) || {
		kill -KILL "${left[@]}"
		fail "left running: ${left[*]}"
	}
}

# ok VERB...: the verb on $cluster, which must end with 0. try likewise with a status of its own.
ok() {
	run -0 --separate-stderr teectl -f "$cluster.yaml" "$@"
}

# with_key NAME...: a cluster brought as far as its first TEE having the key, quietly.
with_key() {
	teectl -f "$1.yaml" up >/dev/null 2>&1
	teectl -f "$1.yaml" genesis >/dev/null 2>&1
	teectl -f "$1.yaml" inject >/dev/null 2>&1
}

# Kills an enclave launched by up, as a power cut would, and waits for the end of a connection to it.
kill_node() { # NAME NODE
	local pid start address fd
	read -r pid start address <".teectl/$1/pids/$2"
	exec {fd}<>"/dev/tcp/${address%:*}/${address##*:}"
	kill -KILL "$pid"
	cat <&"$fd" >/dev/null 2>&1 || true
	exec {fd}<&-
}

# did NAME NODE OPERATION: how often the node did it, by its own log.
did() {
	grep "operation=$3 .*outcome=ok" ".teectl/$1/logs/$2.log" | grep -c -v replay || true
}

# until_asked MITM OPERATION [N]: waits, by event, until the proxy has been asked that often.
until_asked() {
	local seen=0 line fd pid
	exec {fd}< <(exec tail -n +1 -f "$BATS_TEST_TMPDIR/$1.log" 3>&-)
	pid=$!
	while read -r -u "$fd" line; do
		[[ $line != "$2" ]] || ((++seen < ${3:-1})) || break
	done
	kill "$pid"
	exec {fd}<&-
}

# bytes_of FILE: the hex in it as a JSON array.
bytes_of() {
	printf '[%s]\n' "$(tr -d '[:space:]' <"$1" | sed 's/../0x& /g' | xargs printf '%d,' | sed 's/,$//')"
}
