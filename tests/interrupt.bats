#!/usr/bin/env bats
# Ctrl-C once: what is under way is finished and written down, status 130. Twice: at once. And nobody
# who does not answer holds teectl up for longer than its deadlines.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
	cluster own 2 2 3
}

teardown() {
	[[ ! -e stopped ]] || kill -CONT $(cat stopped)
	stop_hvs
	down_all
}

# under CHANGE NODE VERB...: the verb with a proxy that interrupts it; its status and words.
under() { # STATUS NODE CHANGE... -- VERB...
	local expected=$1 node=$2 changes=()
	shift 2
	while [[ $1 != -- ]]; do changes+=("$1"); shift; done
	shift
	mitm proxy --to "$(url own "$node")" --victim victim "${changes[@]}"
	behind own lie "$node" "$proxy"
	run "-$expected" --separate-stderr bash -c 'echo $$ >victim; exec "$0" -f lie.yaml "$@"' \
		"$BUILD/teectl" "$@"
	stop_hvs
	rm lie.yaml
}

# In the background, with its standard error on a descriptor: said WORDS waits for them there.
start_teectl() {
	mkfifo said
	"$BUILD/teectl" "$@" >out 2>said 3>&- &
	pid=$!
	exec 5<said
}

said() {
	local line
	while read -r -u 5 line; do
		[[ $line != *"$1"* ]] || return 0
	done
	fail "never said '$1'"
}

ends_with() {
	local status_found=0
	wait "$pid" || status_found=$?
	exec 5<&-
	same "$status_found" "$1"
}

@test "interrupt: genesis is finished and kept" {
	ok up
	under 0 tee1 genesis-boot:interrupt -- genesis
	has "$stderr" 'interrupted: what is under way is finished; again: it is given up'
	has "$stderr" 'genesis done'
	ok genesis
	has "$output" 'nothing to do'
}

@test "interrupt: propagate finishes its hop, leaves out the rest, and goes on when run again" {
	cluster own 3 2 3
	with_key own
	under 130 tee2 share-manifest:interrupt -- propagate
	has "$stderr" 'tee2: key forwarded, from tee1'
	has "$stderr" 'tee3: not begun, since you interrupted'
	has "$stderr" 'interrupted; what was under way is finished and written down'
	has "$stderr" 'hint: run the same command again: it goes on from there'
	ok propagate
	ok verify
}

@test "interrupt: with -o json the interruption is a document" {
	with_key own
	under 130 tee2 share-manifest:interrupt -- -o json propagate
	same "$(jq -r '.error | .name + " " + (.exit_status | tostring)' <<<"$output")" 'interrupted 130'
}

@test "interrupt: twice, what is under way is given up at once" {
	ok up
	mitm proxy --to "$(url own tee1)" genesis-boot:held
	behind own lie tee1 "$proxy"
	start_teectl -f lie.yaml genesis
	until_asked proxy genesis-boot
	kill -INT "$pid"
	said 'interrupted: what is under way is finished'
	kill -INT "$pid"
	ends_with 130
	stop_hvs
	ok genesis
}

# up_interrupted SIGNAL: while one is verified and another keeps us waiting, which it does until the
# second signal.
up_interrupted() {
	cluster own 3 2 3
	ok up
	mitm proxy --to "$(url own tee2)" live-attestation:held
	behind own lie tee2 "$proxy"
	ok down tee1 tee3
	sed -i '/name: tee3/d' lie.yaml
	echo '  - { name: tee3, listen: "127.0.0.1:0" }' >>lie.yaml
	start_teectl -f lie.yaml up
	until_asked proxy live-attestation
	# Both others, in whichever order.
	said ': verified, '
	said ': verified, '
	kill "-$1" "$pid"
	said 'interrupted: what is under way is finished; again: it is given up'
	kill "-$1" "$pid"
	said 'teectl: up: interrupted; running and verified: tee1, tee3; left running, not verified: tee2'
	said 'hint: teectl -f lie.yaml up goes on from there; teectl -f lie.yaml down stops those that run here'
	ends_with 130
	stop_hvs
	ok up
}

@test "interrupt: up says what is verified, what is left running, and what to type" {
	up_interrupted INT
}

@test "interrupt: up that is to end by SIGTERM says the same" {
	up_interrupted TERM
}

@test "interrupt: an enclave that is not ready yet is stopped and named, also in JSON" {
	ok up
	ok down tee2
	mkdir bin
	mkfifo begun
	cp "$BUILD/teectl" bin
	printf '#!/bin/sh\necho >%q\nexec tail -f /dev/null\n' "$PWD/begun" >bin/teectl-hv
	chmod +x bin/teectl-hv
	bin/teectl -f own.yaml -o json up >out 2>said 3>&- 4>&- &
	pid=$!
	read -r <begun
	kill -INT "$pid"
	local status_found=0
	wait "$pid" || status_found=$?
	same "$status_found" 130
	same "$(jq -r .error.text <out)" 'interrupted; running and verified: tee1; not running: tee2'
	has "$(<said)" 'tee2: was not ready when you interrupted, and was stopped'
}

@test "interrupt: up while the nodes are asked has begun nothing" {
	ok up
	mitm proxy --to "$(url own tee1)" status:held
	behind own lie tee1 "$proxy"
	start_teectl -f lie.yaml up
	until_asked proxy status
	kill -TERM "$pid"
	said 'teectl: up: interrupted while the nodes were asked how they are; nothing was begun'
	ends_with 130
}

@test "interrupt: a look at nodes that do not answer ends at once" {
	ok up
	mitm proxy --to "$(url own tee1)" status:held
	behind own lie tee1 "$proxy"
	start_teectl -f lie.yaml status
	until_asked proxy status
	kill -INT "$pid"
	ends_with 130
}

@test "deadline: an enclave that stands still is named, and the others are as they are" {
	local started=$SECONDS
	with_key own
	sed -n 's/.*"enclave started" pid=\([0-9]*\) .*/\1/p' .teectl/own/logs/tee2.log >stopped
	kill -STOP $(cat stopped)
	run -2 --separate-stderr teectl -f own.yaml status -o json
	same "$(jq -r '.nodes[] | .name + " " + .state' <<<"$output")" $'tee1 ready\ntee2 gone'
	run -4 --separate-stderr teectl -f own.yaml propagate
	has "$stderr" 'tee2'
	((SECONDS - started < 100)) # a command may take 300
	kill -CONT $(cat stopped)
	ok propagate
}

@test "deadline: a step that takes longer than the whole command may is status 75" {
	ok up
	mitm proxy --to "$(url own tee1)" genesis-boot:held
	behind own lie tee1 "$proxy"
	run -75 --separate-stderr teectl -f lie.yaml genesis --timeout 1s -o json
	has "$stderr" 'tee1: genesis-boot: the time is up'
	has "$stderr" '--timeout gives it longer'
	same "$(jq -r '.nodes[] | .name + " " + .phase' <<<"$output")" \
		$'tee1 WaitingForBootInstruction\ntee2 WaitingForBootInstruction'
	stop_hvs
	ok genesis
}

@test "deadline: where the command's own time is up, that is said, and status 75, by every verb that asks" {
	with_key own
	for verb in status verify propagate genesis inject up seed 'audit fetch'; do
		run -75 --separate-stderr teectl -f own.yaml $verb --timeout 1ms
		has "$stderr" "teectl: $verb: tee1 had not answered when the command's time was up"
		has "$stderr" 'hint: run the same command again; --timeout gives it longer'
		hasnt "$stderr" 'does not answer'
	done
	run -75 --separate-stderr teectl -f own.yaml status --timeout 1ms -o json
	same "$(jq -r '.nodes[0].reason + " " + .error.name' <<<"$output")" 'deadline try-again'
	hasnt "$(jq -r .next <<<"$output")" 'down'
}

@test "deadline: a look that the command's time cuts short is no verdict on the node that was slow" {
	with_key own
	mitm proxy --to "$(url own tee1)" status:held
	behind own lie tee1 "$proxy"
	run -75 --separate-stderr teectl -f lie.yaml status --timeout 3s -o json
	same "$(jq -r '.nodes[0].reason, .nodes[1].verified' <<<"$output")" $'deadline\ntrue'
	stop_hvs
}
