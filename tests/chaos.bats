#!/usr/bin/env bats
# A network that drops, resets, delays, truncates, refuses and babbles, and machines that die at any
# moment, teectl's among them: it always ends with all ready, one key, and a journal that is whole.
#
# make chaos SEEDS=10 runs it with 30 enclaves; among the other tests it is one seed and few of them.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	stop_hvs
	rm -f ./*.yaml # its enclaves were ours
	down_all
}

# enclave NAME: starts it where it has not run, or where it was killed. Its address is in NAME.at for the
# proxy, which looks again at every connection: nobody waits for it to be ready.
declare -gA enclaves
enclave() {
	"${launch[@]/=tee1/=$1}" </dev/null >"$1.at" 2>>"$1.log" 3>&- 4>&- &
	enclaves[$1]=$!
	HVS+=("$!")
}

# How teectl launches them: of one that it did.
learn_to_launch() {
	local pid rest
	cluster own 1 2 3
	teectl -f own.yaml up >/dev/null 2>&1
	read -r pid rest <.teectl/own/pids/tee1
	mapfile -d '' -t launch <"/proc/$pid/cmdline"
	teectl -f own.yaml down >/dev/null 2>&1
}

# Until FILE has a line.
until_line() {
	local line fd pid
	exec {fd}< <(exec tail -n +1 -F "$1" 2>/dev/null 3>&-)
	pid=$!
	read -r -t 15 -u "$fd" line || fail "nothing in $1: $(tail -n 1 "${1%.at}.log")"
	kill "$pid"
	exec {fd}<&-
}

# Until every enclave says where it listens.
await_enclaves() {
	local i
	for ((i = 1; i <= nodes; i++)); do until_line "tee$i.at"; done
}

# As a power cut. One that has died of itself is a fault.
kill_enclave() {
	local found=0
	kill -KILL "${enclaves[$1]}" 2>/dev/null || true
	wait "${enclaves[$1]}" 2>/dev/null || found=$?
	((found == 137)) || fail "$1 had ended with $found: $(tail -n 5 "$1.log")"
}

# faulty OPTION...: tests/faulty.c before all enclaves, and faulty.yaml, which has them there.
faulty() {
	local i name address fd words=()
	rm -f ports
	mkfifo ports
	for ((i = 1; i <= nodes; i++)); do
		words+=("tee$i=tee$i.at")
	done
	"$BUILD/faulty" "$@" "${words[@]}" >ports 2>>faults 3>&- 4>&- &
	HVS+=("$!")
	exec {fd}<ports
	words=()
	for ((i = 1; i <= nodes; i++)); do
		read -r -u "$fd" name address || fail "the proxy did not start: $(cat faults)"
		words+=("$name" "http://$address")
	done
	exec {fd}<&-
	behind own faulty "${words[@]}"
}

# Whom it hits, in $victim. Before the genesis is kept its TEE may be the only place where the key is.
draw_victim() {
	local first=1
	[[ -e .teectl/own/manifest.current ]] || first=2
	victim=tee$((first + RANDOM % (nodes - first + 1)))
}

# apply may end as its manual says: by the network, by machines that are not there, by its deadline, by the
# test's own kill. Not by a crash, and not by an internal fault.
lawful() { # STATUS FILE
	[[ " 0 2 3 4 5 69 75 137 " == *" $1 "* ]] || fail "apply ended with $1: $(tail -n 20 "$2")"
}

# What a sanitizer found, in whatever ran.
no_finding() {
	run -1 grep -E 'Sanitizer|runtime error' violence.log calm.log tee*.log
}

# One run of apply, in which by chance teectl is killed at some moment, and enclaves at some words of it.
violence() {
	local limit=30 left=$((RANDOM % (2 * nodes))) line victim pid fd found=0 down=()
	((RANDOM % 2)) || limit=$((RANDOM % 3)).$((100 + RANDOM % 900))
	rm -f words
	mkfifo words
	timeout -s KILL "$limit" "$BUILD/teectl" -f faulty.yaml apply --timeout 25s >words 2>&1 3>&- 4>&- &
	pid=$!
	exec {fd}<words
	while read -r -u "$fd" line; do
		printf '%s\n' "$line" >>violence.log
		((left-- > 0)) || {
			left=$((RANDOM % (4 * nodes)))
			draw_victim
			kill_enclave "$victim"
			if ((RANDOM % 2)); then enclave "$victim"; else down+=("$victim"); fi
		}
	done
	exec {fd}<&-
	wait "$pid" || found=$?
	lawful "$found" violence.log
	for victim in "${down[@]}"; do enclave "$victim"; done
}

births() {
	cat tee*.log | grep -c 'operation=genesis-boot phase=WaitingForBootInstruction .*outcome=ok'
}

# The network is as it was, but nobody dies any more.
until_ready() {
	local try found
	for ((try = 1; try <= 12; try++)); do
		found=0
		teectl -f faulty.yaml apply --timeout 60s >>calm.log 2>&1 || found=$?
		lawful "$found" calm.log
		((found)) || return 0
	done
	fail "not ready after 12 runs: $(tail -n 20 calm.log)"
}

# The enclaves themselves, without the network between.
check_end() {
	local i words=()
	for ((i = 1; i <= nodes; i++)); do
		words+=("tee$i" "http://$(sed 's/.* //' "tee$i.at")")
	done
	behind own direct "${words[@]}"
	run -0 --separate-stderr teectl -f direct.yaml verify -o json
	same "$(jq -r '[.ready_count, .verified_count] | join(" ")' <<<"$output")" "$nodes $nodes"
	same "$(jq -r .quorum_public_key <<<"$output")" "$(cat .teectl/own/quorum_key.pub)"
	same "births: $(births)" 'births: 1'
	run -0 --separate-stderr teectl -f direct.yaml audit fetch
	run -0 --separate-stderr teectl -f direct.yaml audit verify
}

chaos() { # SEED
	local i round
	rm -rf .teectl ./*.at ./*.log faults
	: >violence.log
	: >calm.log
	RANDOM=$1
	learn_to_launch
	cluster own "$nodes" 2 3 "timeouts: { connect: 1s, request: 3s }
retry: { attempts: 4, base: 20ms, max: 300ms }"
	for ((i = 1; i <= nodes; i++)); do enclave "tee$i"; done
	faulty --seed "$1" --slow-ms 300 --drop 8 --reset 15 --lose 15 --slow 20 --truncate 15 --rate 8 \
		--unavailable 8 --garbage 10
	for ((round = 1; round <= rounds; round++)); do violence; done
	await_enclaves
	until_ready
	check_end
	stop_hvs
	no_finding
	for i in drop reset lose slow truncate rate unavailable garbage; do
		((CHAOS_NODES < 30)) || grep -q " $i\$" faults || fail "seed $1: no $i"
	done
}

@test "chaos: a faulty network and dying machines: all ready, one key, one genesis, a journal that is whole" {
	local seed nodes=${CHAOS_NODES:-8} rounds=${CHAOS_ROUNDS:-4}
	for ((seed = ${CHAOS_FROM:-1}; seed < ${CHAOS_FROM:-1} + ${CHAOS_SEEDS:-1}; seed++)); do
		echo "seed $seed"
		chaos "$seed"
	done
}

# --- the proxy itself: what it logs it does

@test "chaos: the proxy cuts every answer that it says it cuts, and refuses more faults than there are questions" {
	local nodes=1 i a words
	run -64 --separate-stderr timeout 10 "$BUILD/faulty" --drop 600 --reset 401 a=b
	has "$stderr" 'faults of 1001 in 1000 questions'
	cluster own 1 2 3
	hv a
	echo "listening on ${a#http://}" >tee1.at
	faulty --seed 1 --truncate 1000
	read -r -a words < <(sed -n 's/.*name: tee1.*url: "\(.*\)".*/\1/p' faulty.yaml)
	for ((i = 0; i < 20; i++)); do
		: >answer
		curl -sS -o answer "${words[0]}/health" 2>curl.err || true
		# Partial, empty, or not even a whole head, which curl does not mind.
		hasnt "$(jq -r .status answer 2>/dev/null || true)" healthy
	done
	same "$(grep -c 'tee1 truncate' faults)" 20
}

@test "chaos: the proxy passes on what a slow reader takes late" {
	local address port fd
	# 8 MiB, more than the sockets' buffers hold, to whoever connects; read once all of it waits.
	perl -MIO::Socket::INET -e '$| = 1; $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die;
		print "listening on 127.0.0.1:", $s->sockport, "\n"; $c = $s->accept; sysread($c, $q, 100);
		for (1 .. 128) { $b = chr($_) x 65536; while (length $b) { $n = syswrite($c, $b) or exit 1; substr($b, 0, $n) = ""; } }' >one.at 3>&- 4>&- &
	HVS+=("$!")
	until_line one.at
	mkfifo ports
	"$BUILD/faulty" one=one.at >ports 2>>faults 3>&- 4>&- &
	HVS+=("$!")
	read -r _ address <ports
	perl -MIO::Socket::INET -MDigest::SHA -e '$c = IO::Socket::INET->new($ARGV[0]) or die; print $c "q"; $c->flush;
		$d = Digest::SHA->new(256); $all = 0; while ($n = sysread($c, $b, 4096)) { $d->add($b); $all += $n; }
		print "$all ", $d->hexdigest, "\n"' "$address" >got
	same "$(<got)" "$((128 * 65536)) $(perl -e 'print chr($_) x 65536 for 1 .. 128' | sha256sum | cut -d' ' -f1)"
}
