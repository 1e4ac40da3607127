#!/usr/bin/env bats
# teectl wait

load manifest

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	stop_hvs
	down_all
}

# waits STATUS ARGUMENT...: teectl wait on own.yaml
waits() {
	local status_expected=$1
	shift
	try "$status_expected" -f own.yaml wait "$@"
}

# begin_wait ARGUMENT...: in the background; goes on when it has said its first line.
begin_wait() {
	local fd line
	mkfifo said
	"$BUILD/teectl" -f own.yaml wait "$@" >waited 2>said 3>&- 4>&- &
	waiter=$!
	exec {fd}<said
	read -r -u "$fd" line
	: >rest # whoever reads it may come before cat has begun
	cat <&"$fd" >>rest 3>&- 4>&- &
	exec {fd}<&-
	same "$line" "$first"
}

# until_said LINE: by event, of a wait in the background.
until_said() {
	local line fd pid
	exec {fd}< <(exec tail -n +1 -f rest 3>&-)
	pid=$!
	while read -r -u "$fd" line; do
		[[ $line != "$1" ]] || break
	done
	kill "$pid"
	exec {fd}<&-
}

end_wait() { # STATUS
	local found=0
	wait "$waiter" || found=$?
	same "$found" "$1"
}

@test "wait: ready and verified are shown by documents, and at once where it is so" {
	cluster own 2 2 3
	with_key own
	ok propagate
	waits 0 --for ready
	same "${lines[0]}" 'ready: 2 of 2'
	[[ ${lines[2]} =~ ^tee1\ +met\ +-$ ]]
	waits 0 --for verified tee2 -o json
	json '[.wanted, .mode, .outcome, .node_count, .met_count, .nodes[0].name, .nodes[0].verdict] | join(" ")' \
		'verified all met 1 1 tee2 met'
	json .error null
	json .met true
	waits 0 --for shares
	waits 0 --for ready --any
	prints 'ready: 2 of 2, one is enough'
	# Each node has proved its key, and not by its word.
	[[ $(did own tee2 prove-key) -ge 3 ]]
}

@test "wait: blocks until another run has brought it about, and tells what changes" {
	cluster own 2 2 3
	with_key own
	first='tee1: ready' begin_wait --for ready
	ok propagate
	end_wait 0
	has "$(cat waited)" 'ready: 2 of 2'
}

# A person or a watch may start it at any time: so it is waited for, and said what would.
@test "wait: one that is not running is waited for, and what to type meanwhile is said at once" {
	cluster own 2 2 3
	with_key own
	ok propagate
	ok down tee2
	rm -f said
	first='tee1: ready' begin_wait --for ready
	until_said 'tee2: not running: teectl -f own.yaml up'
	ok up
	until_said 'tee2: it has no manifest yet, and no key'
	ok propagate
	end_wait 0
	ok down tee2
	waits 75 --for verified tee2 --timeout 2s
	says 'the time is up: 0 of 1 verified; tee2: not running: teectl -f own.yaml up'
	says 'hint: teectl -f own.yaml up'
}

@test "wait: ends at once where no TEE has the key and none waits for shares" {
	cluster own 2 2 3
	ok up
	waits 2 --for ready
	says 'teectl: wait: 0 of 2 ready; tee1: no TEE of the cluster file has the quorum key, and none waits for shares: it can'\''t become ready by waiting'
	says 'hint: teectl -f own.yaml genesis'
	waits 2 --for shares
	says 'tee1: it does not wait for shares'
	waits 2 --for ready -o json
	json '[.outcome, .error.exit_status, .nodes[1].verdict, .error.hint] | join(" ")' \
		'cannot become so 2 never teectl -f own.yaml genesis'
}

@test "wait: what another run on this state folder may bring about is waited for" {
	cluster own 1 2 2
	ok up
	exec {fd}>>.teectl/own/lock
	flock "$fd"
	waits 75 --for ready --timeout 3s
	says 'the time is up: 0 of 1 ready; tee1: it has no manifest yet, and no key'
	exec {fd}>&-
	waits 2 --for ready --timeout 3s
}

@test "wait: of several verdicts the deadline names each node's last" {
	cluster own 3 2 3
	ok up --only tee1,tee2
	ok genesis
	waits 75 --for ready --timeout 3s -o json
	json '.error.text' 'the time is up: 0 of 3 ready; tee1: 0 of 2 shares are in; waiting for 2 of: member1, member2, member3; tee2: it has no manifest yet, and no key; tee3: not running: teectl -f own.yaml up'
	json '.waiting_for | join(" ")' 'member1 member2 member3'
	json '[.outcome, .error.reason, .nodes[2].met] | map(tostring) | join(" ")' 'timed out deadline false'
	[[ $(jq .elapsed_ms <<<"$output") -lt 9000 ]]
}

@test "wait: a refused attestation ends it with 5, whichever node it is of" {
	cluster own 2 2 3
	ok up
	sed -i 's/role: test-operators/role: others/' own.yaml
	waits 5 --for verified
	says 'teectl: wait: 0 of 2 verified; tee1: '
	says 'PCR'
	waits 5 --for verified -o json
	json .nodes[0].reason pcr3
	json .error.reason pcr3
	waits 5 --for ready tee1
	# With --any the other may still come, until it can't either.
	waits 5 --for verified --any
}

@test "wait: shares are counted, and the members who are missing named" {
	cluster own 1 2 3
	ok up
	ok genesis
	waits 75 --for shares --timeout 2s
	# It is TEEs that are counted here, and shares there.
	says 'the time is up: 0 of 1 TEEs have their shares; tee1: 0 of 2 shares are in'
	prints 'shares: 0 of 1 TEEs'
	says 'tee1: 0 of 2 shares are in; waiting for 2 of: member1, member2, member3'
	first='tee1: 0 of 2 shares are in; waiting for 2 of: member1, member2, member3' begin_wait --for shares
	ok inject
	end_wait 0
	grep -qE '^tee1 +met' waited
}

@test "wait: approvals are of a manifest, and the envelope is read again at each look" {
	qos_cluster
	cp cluster.yaml own.yaml
	draft next.json
	approve next.json 1
	approve next.json 2
	waits 75 --for approvals --manifest next.json --timeout 300ms -o json
	json '[.have, .need, .outcome] | join(" ")' '0 2 timed out'
	json '.waiting_for | join(" ")' 'user1 user2 user3'
	says 'the time is up: 0 of 2 approvals; waiting for 2 of: user1, user2, user3'
	says 'then teectl manifest collect'
	first='0 of 2 approvals; waiting for 2 of: user1, user2, user3' begin_wait --for approvals --manifest next.json
	teectl manifest collect next.json user1.approval user2.approval >/dev/null
	end_wait 0
	same "$(cat waited)" '2 of 2 approvals'
	waits 0 --for approvals --manifest next.json -o json
	json '[.have, .need, .met] | map(tostring) | join(" ")' '2 2 true'
}

# retry.base is longer than the wait: what ends it is the event, not the next look.
@test "wait: an envelope that is written, and a process that ends, are looked at at once" {
	qos_cluster
	draft next.json
	approve next.json 1
	approve next.json 2
	{ cat cluster.yaml; echo 'retry: { base: 1h, max: 1h }'; } >own.yaml
	first='0 of 2 approvals; waiting for 2 of: user1, user2, user3' begin_wait --for approvals --manifest next.json --timeout 9s
	teectl manifest collect next.json user1.approval user2.approval >/dev/null
	end_wait 0
	rm said
	cluster own 1 2 3 'retry: { base: 1h, max: 1h }'
	ok up
	first='tee1: it answers, and is in WaitingForBootInstruction' begin_wait --for gone --timeout 9s
	kill_node own tee1
	end_wait 0
}

@test "wait: approvals that can't become enough end it" {
	qos_cluster
	cp cluster.yaml own.yaml
	waits 2 --for approvals
	says "there has been no genesis of 'prod': the state has no manifest"
	waits 66 --for approvals --manifest none.json
	says none.json
	waits 64 --for approvals tee1
	says 'approvals are of a manifest, not of nodes: no SELECTOR goes with --for approvals'
	echo '{' >bad.json
	waits 65 --for approvals --manifest bad.json
	says bad.json
	draft next.json
	approve next.json 1
	teectl manifest collect next.json user1.approval >/dev/null 2>&1 || same $? 3
	change next.json '.manifestSetApprovals[0].signature = ("00" * 64)'
	waits 5 --for approvals --manifest next.json
	says user1
}

@test "wait: gone is not running, or no answer from elsewhere; who answers is told with his phase" {
	cluster own 2 2 3
	ok up
	waits 75 --for gone --timeout 2s
	says 'tee1: it answers, and is in WaitingForBootInstruction'
	ok down tee1
	waits 0 --for gone --any
	first='tee2: it answers, and is in WaitingForBootInstruction' begin_wait --for gone tee2
	kill_node own tee2
	end_wait 0
	waits 0 --for gone
}

# stop_tee NODE: it takes connections, and never answers.
stop_tee() {
	local pid rest
	read -r pid rest <".teectl/own/pids/$1"
	kill -STOP $(pgrep -P "$pid")
}

@test "wait: a TEE that takes connections and never answers is found in a short time, and told since when" {
	cluster own 2 2 3
	ok up
	stop_tee tee1
	waits 75 --for verified --timeout 4s
	[[ $stderr =~ 'the time is up: 1 of 2 verified; tee1: no answer since 20'[-0-9:T.]+Z ]]
	same "$(grep -c '^tee1: no answer since' <<<"$stderr")" 1
	# Its process lives: it may go on, with all that it has.
	waits 75 --for gone tee1 --timeout 4s
	says 'tee1: no answer since 20'
	# Of one that others launched no answer is all there is to see.
	behind own far tee1 "$(url own tee1)"
	try 0 -f far.yaml wait --for gone tee1 --timeout 4s
	prints 'gone: 1 of 1'
	ok down tee1
	waits 0 --for gone tee1
}

@test "wait: a node that the file does not have, and options that do not go together" {
	cluster own 2 2 3
	waits 64 --for gone tee9
	says "'own.yaml' has no node 'tee9'"
	waits 64 --for gone --any --all
	says '--any and --all: one of the two'
	waits 64 --for gone --manifest x
	says '--manifest goes with --for approvals alone'
	waits 64 --for peace
	says "--for: 'peace' is not one of ready, verified, shares, approvals, gone"
	waits 64
	says '--for'
}

@test "wait: interrupted it ends with 130 and has changed nothing" {
	cluster own 1 2 2
	ok up
	first='tee1: it answers, and is in WaitingForBootInstruction' begin_wait --for gone
	kill -TERM "$waiter" # a shell has its children in the background ignore SIGINT
	end_wait 130
	same "$(cat waited)" ''
}

@test "wait: off a terminal it says every ten seconds that it still waits" {
	cluster own 1 2 2
	ok up
	waits 75 --for gone --timeout 10500ms
	same "$(grep -c '^still waiting, 10 s: 0 of 1 gone; tee1: it answers' <<<"$stderr")" 1
}
