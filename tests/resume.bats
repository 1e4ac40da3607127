#!/usr/bin/env bats
# Whoever dies, and whenever: the same command again goes on from there, and there is never a second
# genesis. A proxy kills at the question or at the answer; timed kills stand for all other moments.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	stop_hvs
	down_all
}

# killed CHANGE NODE VERB...: teectl dies by SIGKILL at that question of that node, or at its answer.
killed() {
	local change=$1 node=$2
	shift 2
	mitm reaper --to "$(url own "$node")" --victim victim "$change"
	behind own killed "$node" "$reaper"
	run -137 --separate-stderr bash -c 'echo $$ >victim; exec "$0" -f killed.yaml "$@"' \
		"$BUILD/teectl" "$@"
	stop_hvs
	# The twin is no cluster file of its own: teardown takes the nodes down by the other.
	rm killed.yaml
}

births() {
	cat .teectl/own/logs/*.log | grep -c 'operation=genesis-boot phase=WaitingForBootInstruction .*outcome=ok'
}

# The nodes whose genesis is done, a line of the journal each.
ends_of_genesis() {
	jq -rR 'fromjson? | select(.step == "genesis" and .outcome == "done") | .node' .teectl/own/journal
}

@test "resume: genesis after teectl was killed at each of its questions and answers, by one genesis" {
	local change
	for change in live-attestation:kill-before live-attestation:kill-after genesis-boot:kill-before \
		genesis-boot:kill-after live-attestation@2:kill-before live-attestation@2:kill-after; do
		rm -rf .teectl
		cluster own 1 2 3
		ok up
		killed $change tee1 genesis
		ok genesis
		has "$stderr" 'tee1: genesis done'
		same "$change $(births)" "$change 1"
		ok inject
		ok verify
		ok down
	done
}

@test "resume: apply after teectl was killed in the middle of its genesis, by one genesis" {
	local change
	# Its third document is the one after the birth.
	for change in genesis-boot:kill-before genesis-boot:kill-after live-attestation@3:kill-before \
		live-attestation@3:kill-after; do
		rm -rf .teectl
		cluster own 2 2 3
		ok up
		killed $change tee1 apply
		[[ $change == *-boot:kill-before ]] || {
			run -5 --separate-stderr teectl -f own.yaml status
			has "$output" 'it is occupied by another cluster, or in a genesis that was not ended'
			has "$stderr" 'teectl -f own.yaml genesis'
		}
		ok apply
		same "$change ${lines[0]}" "$change 2 of 2 TEEs have the quorum key"
		same "$change $(births)" "$change 1"
		same "$(ends_of_genesis)" tee1
		ok down --lose-key
	done
}

@test "resume: genesis killed twice, then completed by one genesis" {
	cluster own 2 2 3
	ok up
	killed genesis-boot:kill-after tee1 genesis
	killed live-attestation@2:kill-after tee1 genesis
	ok genesis
	same "$(births)" 1
	ok inject
	ok propagate
	ok verify
}

@test "resume: inject after teectl was killed at each of its questions and answers" {
	local change
	for change in live-attestation:kill-before live-attestation:kill-after inject-shares:kill-before \
		inject-shares:kill-after prove-key:kill-before prove-key:kill-after; do
		rm -rf .teectl
		cluster own 1 2 3
		ok up
		ok genesis
		killed $change tee1 inject
		ok inject
		ok verify
		same "$change $(births)" "$change 1"
		ok down
	done
}

@test "resume: propagate after teectl was killed at each question and answer, a node after the other" {
	local change node=2
	# Its forward goes on while one is proved: some are left behind the last that is killed.
	cluster own 12 2 3
	printf 'propagate: { topology: chain }\n' >>own.yaml
	with_key own
	killed export-key:kill-before tee1 propagate
	killed export-key:kill-after tee1 propagate
	for change in {share-manifest,generate-attestation,inject-key,prove-key}:{kill-before,kill-after}; do
		killed $change tee$node propagate
		((node++))
	done
	ok propagate
	same "$output" '12 of 12 TEEs have the quorum key'
	ok verify
	same "$(births)" 1
}

# reap NODE CHANGE: the twin broken.yaml, in which the enclave dies at that question.
reap() {
	sed -n 's/.*"enclave started" pid=\([0-9]*\) .*/\1/p' ".teectl/own/logs/$1.log" | tail -n 1 >victim
	mitm reaper --to "$(url own "$1")" --victim victim "$2"
	behind own broken "$1" "$reaper"
}

@test "resume: an enclave killed in the middle of propagate: status 4, its name, what next; and on" {
	cluster own 3 2 3
	with_key own
	reap tee2 inject-key:kill-before
	run -4 --separate-stderr teectl -f broken.yaml propagate --timeout 20s
	has "$stderr" 'tee2: forward failed: inject-key'
	has "$stderr" 'tee3: key forwarded, from tee1'
	has "$stderr" 'teectl: propagate: tee2: inject-key'
	has "$stderr" 'hint: teectl -f broken.yaml up'
	stop_hvs
	run -4 --separate-stderr teectl -f own.yaml propagate
	has "$stderr" 'teectl: propagate: tee2 is not running: teectl -f own.yaml up'
	has "$stderr" 'hint: teectl -f own.yaml up'
	ok up
	ok propagate
	has "$stderr" 'tee2: key forwarded, from tee1'
	ok verify
}

# Without its own deadline teectl would wait for as long as the cluster file's timeouts and attempts say: over a
# minute. timeout's own status is 124.
@test "resume: an enclave that hangs in the middle of propagate: status 4 by --timeout, its name, and on" {
	cluster own 3 2 3
	with_key own
	mitm holder --to "$(url own tee2)" inject-key:held
	behind own broken tee2 "$holder"
	sed -i '$a timeouts: { request: 60s }' broken.yaml
	run -4 --separate-stderr timeout -k 1 40 "$BUILD/teectl" -f broken.yaml propagate --timeout 6s -o json
	has "$stderr" 'tee2: forward failed: inject-key: the time is up'
	same "$(jq -r '[.error.exit_status, .error.name] | join(" ")' <<<"$output")" '4 partial'
	same "$(jq -r '.nodes[1] | [.name, .phase] | join(" ")' <<<"$output")" 'tee2 WaitingForForwardedKey'
	stop_hvs
	rm broken.yaml
	ok propagate
	has "$stderr" 'tee2: key forwarded, from tee1'
	ok verify
}

@test "resume: a TEE that dies when it is to be the source: status 4, and another takes its place" {
	cluster own 3 2 3
	with_key own
	reap tee2 export-key:kill-before
	run -4 --separate-stderr teectl -f broken.yaml propagate
	has "$stderr" 'tee3: tee2 does not answer, so the key comes from tee1'
	has "$stderr" 'tee3: key forwarded, from tee1'
	has "$stderr" 'teectl: propagate: tee2: '
	has "$stderr" 'hint: teectl -f broken.yaml up'
	stop_hvs
	ok up
	ok propagate
	has "$stderr" 'tee2: key forwarded, from tee1'
	ok verify
}

@test "resume: the only source dies in the middle of propagate: status 4, its name, what next" {
	cluster own 2 2 3
	with_key own
	reap tee1 export-key:kill-before
	run -4 --separate-stderr teectl -f broken.yaml propagate
	has "$stderr" 'tee2: forward failed: tee1: export-key'
	has "$stderr" 'hint: teectl -f broken.yaml up'
}

# swept VERB: killed after 10 ms, 31 ms, .. until it gets through; on a busy machine that takes long.
swept() {
	local ms=10
	while timeout -s KILL "$((ms / 1000)).$(printf %03d $((ms % 1000)))" "$BUILD/teectl" -f own.yaml "$1" \
		>/dev/null 2>&1 3>&-; (($? == 137)); do
		((ms += 20 + ms / 16, ms < 60000)) || fail "$1 does not get through in a minute"
	done
	ok "$1"
}

@test "resume: every verb after SIGKILLs at moments swept over its run; nothing is left behind" {
	cluster own 3 2 3
	swept up
	swept genesis
	swept inject
	swept propagate
	swept verify
	same "$(births)" 1
	ok verify
	# Also of the evidence, whatever was cut short.
	ok audit fetch
	ok audit verify
	ok lineage
	hasnt "$output" claimed
	hasnt "$output" 'not shown'
	swept down
	same "$(jq -rR 'fromjson? | select(.kind == "genesis") | .node' .teectl/own/journal | sort -u)" tee1
	same "$(ends_of_genesis)" tee1
}

# Between keeping the genesis and the line that its step is done is one question: how the node is now.
@test "resume: genesis killed after it was kept: the next run writes that its step is done, once" {
	local change
	for change in status@2:kill-before status@2:kill-after; do
		rm -rf .teectl
		cluster own 1 2 3
		ok up
		killed $change tee1 genesis
		same "$change $(jq -r 'select(.kind == "genesis") | .node' .teectl/own/journal)" "$change tee1"
		same "$(ends_of_genesis)" ''
		# Who only looks writes nothing.
		run -2 --separate-stderr teectl -f own.yaml status
		same "$(ends_of_genesis)" ''
		ok genesis
		has "$output" 'nothing to do'
		same "$(ends_of_genesis)" tee1
		ok inject
		ok genesis
		same "$(ends_of_genesis)" tee1
		ok audit verify
		same "$(births)" 1
		ok down
	done
}

@test "resume: up killed between a start and writing down where it serves, with a port of its own" {
	command -v gdb >/dev/null || skip "no gdb"
	gdb -batch -nx -ex 'break main' -ex run --args /bin/true >/dev/null 2>&1 || skip "may not trace"
	cluster own 1 2 2
	# A port that was free a moment ago.
	hv lent
	stop_hvs
	sed -i "s|127.0.0.1:0|${lent#http://}|" own.yaml
	gdb -batch -nx -ex 'set debuginfod enabled off' -ex 'set startup-with-shell off' -ex 'break launcher.c:remember if address[0] != 45' \
		-ex run -ex kill --args "$BUILD/teectl" -f own.yaml up >gdb.log 2>&1
	grep -q 'Breakpoint 1[.,]' gdb.log || skip "no symbols"
	run -0 --separate-stderr teectl -f own.yaml up
	has "$stderr" 'tee1: verified'
}
