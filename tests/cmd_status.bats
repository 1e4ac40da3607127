#!/usr/bin/env bats
# teectl status

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
	cluster own 2 2 3
}

teardown() {
	stop_hvs
	down_all
}

next_is() { # STATUS MISSING NEXT
	run "-$1" --separate-stderr teectl -f own.yaml status -o json
	same "$(jq -r '[.missing, .next] | join("|")' <<<"$output")" "$2|$3"
}

@test "status: in a folder that was removed a relative state is none" {
	local file=$PWD/own.yaml

	mkdir gone
	cd gone
	rmdir ../gone
	run -69 --separate-stderr "$BUILD/teectl" -f "$file" --state mine status
	cd ..
	has "$output" 'not running'
}

@test "status: says at each point what is missing and what to type next" {
	local lost="no TEE of this file has the quorum key of 'own' any more, and none waits for shares; the members' shares bring it back"
	next_is 69 '2 of 2 TEEs are not running' 'teectl -f own.yaml up'
	ok up
	next_is 2 'there is no quorum key yet' 'teectl -f own.yaml genesis'
	ok genesis
	next_is 2 'tee1 waits for shares: 0 of 2 are in' 'teectl -f own.yaml inject'
	# It names the manifest's quorum key already, and does not hold it.
	same "$(jq -c '.nodes[0] | [.phase, .quorum_public_key, .manifest_hash != null]' <<<"$output")" '["GenesisBooted",null,true]'
	ok inject
	next_is 2 '1 of 2 TEEs has no key' 'teectl -f own.yaml propagate'
	ok propagate
	next_is 0 '' ''
	kill_node own tee2
	next_is 2 '1 of 2 TEEs is not running' 'teectl -f own.yaml up'
	kill_node own tee1
	next_is 69 "$lost" 'teectl -f own.yaml up, then teectl -f own.yaml recover'
	ok up
	next_is 2 "$lost" 'teectl -f own.yaml recover'
	ok recover
	next_is 2 '1 of 2 TEEs has no key' 'teectl -f own.yaml propagate'
}

@test "status: one that is to be asked again after the time that there is is told with what it said" {
	local fd name address
	cluster own 1 2 3
	ok up
	address=$(url own tee1)
	echo "${address#http://}" >tee1.at
	mkfifo ports
	"$BUILD/faulty" --rate 1000 tee1=tee1.at >ports 2>faults 3>&- 4>&- &
	HVS+=("$!")
	exec {fd}<ports
	read -r -u "$fd" name address
	exec {fd}<&-
	behind own busy "$name" "http://$address"
	run -75 --separate-stderr teectl -f busy.yaml status --timeout 1s
	has "$output" "tee1: had not answered in the command's time (answered HTTP 429"
	has "$output" 'no time is left for attempt 2'
}

@test "status: --wide and -o json have the pid of what was launched here" {
	ok up
	ok down tee2
	local pid start address
	read -r pid start address <.teectl/own/pids/tee1
	run -2 --separate-stderr teectl -f own.yaml status --wide
	[[ ${lines[1]} =~ ^NODE\ +PHASE\ +VERIFIED\ +MANIFEST\ +QUORUM\ KEY\ +PID\ +STATE$ ]]
	[[ ${lines[2]} =~ ^tee1\ .*\ $pid\ +not\ ready$ ]]
	[[ ${lines[3]} =~ ^tee2\ .*\ -\ +gone$ ]]
	has "$output" $'\nrole of the enclaves, as PCR3 measures it: test-operators\nwhoever reaches a TEE gets seeds of it, without a certificate (enclave.insecureOpenSeed)\n'
	run -2 --separate-stderr teectl -f own.yaml status -o json
	same "$(jq -c '[.nodes[].pid]' <<<"$output")" "[$pid,null]"
	run -2 --separate-stderr teectl -f own.yaml status
	hasnt "$output" PID
}

@test "status: the table, whole" {
	with_key own
	run -2 --separate-stderr teectl -f own.yaml status
	same "${lines[0]}" 'cluster own: 1 of 2 ready, 2 verified, attestation simulated'
	[[ ${lines[1]} =~ ^NODE\ +PHASE\ +VERIFIED\ +MANIFEST\ +QUORUM\ KEY\ +STATE$ ]]
	[[ ${lines[2]} =~ ^tee1\ +ApplicationReady\ +verified\ +[0-9a-f]{8}\ +[0-9a-f]{8}\ +ready$ ]]
	[[ ${lines[3]} =~ ^tee2\ +WaitingForBootInstruction\ +verified\ +-\ +-\ +not\ ready$ ]]
	same "${lines[4]}" 'no loss is left until people are needed'
	same "${lines[5]}" 'missing: 1 of 2 TEEs has no key'
	has "$stderr" 'teectl: status: 1 of 2 TEEs is ready, 2 verified'
	has "$stderr" 'hint: teectl -f own.yaml propagate'
	hasnt "$output$stderr" $'\033'
}

@test "status: changes nothing, and needs no lock" {
	with_key own
	cp -r .teectl/own before
	flock .teectl/own/lock "$BUILD/teectl" -f own.yaml status >/dev/null 2>&1 || same $? 2
	diff -r before .teectl/own -x logs
}

@test "status: what a node suffers from stands below the table, which fits a terminal" {
	ok up
	ok genesis
	ok inject
	ok down tee2
	run -2 script -qec "stty cols 80; '$BUILD/teectl' -f own.yaml status 2>/dev/null" /dev/null
	output=$(sed 's/\x1b\[[0-9;]*m//g' <<<"$output" | tr -d '\r')
	has "$output" "VERIFIED"
	hasnt "$output" "…"
	has "$output" $'\ntee2: not running: teectl -f own.yaml up\n'
	grep -qE '^tee2 .* gone$' <<<"$output"
	run bash -c "'$BUILD/teectl' -f own.yaml status 2>&1 | tail -n 1"
	same "$output" "  hint: teectl -f own.yaml up"
}

@test "status: a threshold that was changed after the genesis is to be put back; logs tell nothing of it" {
	cluster=own
	cluster own 1 2 3
	teectl -f own.yaml up >/dev/null 2>&1
	teectl -f own.yaml genesis >/dev/null 2>&1
	sed -i 's/threshold: 2/threshold: 3/' own.yaml
	run -5 --separate-stderr teectl -f own.yaml status
	has "$stderr" 'the threshold is 3 in the cluster file, the genesis was for 2'
	has "$stderr" 'hint: put it back as it was at the genesis'
	hasnt "$output$stderr" 'logs tee1'
}

@test "status: one whose hypervisor hangs is to be stopped and started, where another has the key" {
	local pid rest
	cluster own 2 2 3 'timeouts: { connect: 1s, request: 3s }'
	teectl -f own.yaml apply >/dev/null 2>&1
	read -r pid rest <.teectl/own/pids/tee2
	kill -STOP "$pid"
	run --separate-stderr teectl -f own.yaml status
	kill -CONT "$pid"
	[[ $status != 0 ]]
	has "$output" 'missing: tee2 failed: see its note'
	has "$stderr" 'live-attestation: Unavailable: NSM: '
	has "$stderr" 'hint: teectl -f own.yaml down tee2, then teectl -f own.yaml apply'
}

@test "status: one that never answers when it is verified is told as that, not as one without a key" {
	local pid rest
	cluster own 2 2 3 'timeouts: { connect: 1s, request: 1s }
retry: { attempts: 1 }'
	teectl -f own.yaml apply >/dev/null 2>&1
	read -r pid rest <.teectl/own/pids/tee2
	kill -STOP "$pid"
	run --separate-stderr teectl -f own.yaml status
	kill -CONT "$pid"
	same "$status" 4
	has "$output" $'\ntee2: does not answer (live-attestation: Operation timed out'
	has "$output" 'missing: tee2 does not answer'
	hasnt "$output" 'no key'
	has "$stderr" 'hint: teectl -f own.yaml down tee2, then teectl -f own.yaml apply'
	kill -STOP "$pid"
	run --separate-stderr teectl -f own.yaml apply
	kill -CONT "$pid"
	[[ $status != 0 ]]
	has "$stderr" 'hint: teectl -f own.yaml down tee2, then teectl -f own.yaml apply'
}

@test "status: of one that others launched it says who starts it" {
	cluster own 1 2 3
	sed '$a\  - { name: far, url: "http://127.0.0.1:1" }' own.yaml >far.yaml
	teectl -f own.yaml apply >/dev/null 2>&1
	run -2 --separate-stderr teectl -f far.yaml --state .teectl/own status -o json
	same "$(jq -r .missing <<<"$output")" 'far does not answer; launched elsewhere: whoever did starts it again'
	same "$(jq -r .next <<<"$output")" 'teectl -f far.yaml --state .teectl/own up'
}

@test "status: of the members who are waited for it says how many are enough" {
	cluster own 2 3 5
	ok up
	ok genesis
	run -2 --separate-stderr teectl -f own.yaml status
	has "$output" $'waiting for 3 of: member1\n                  member2\n'
	rm own-members/member[345].secret
	run -3 --separate-stderr teectl -f own.yaml inject
	run -2 --separate-stderr teectl -f own.yaml status
	has "$output" $'waiting for one of: member3\n                    member4\n                    member5\n'
	# No more than are needed: all of them.
	cluster all 1 2 2
	cluster=all
	ok up
	ok genesis
	run -2 --separate-stderr teectl -f all.yaml status
	has "$output" $'waiting for: member1\n             member2\n'
}

@test "status: a threshold that was changed after the genesis is no reason to call people" {
	with_key own
	ok propagate
	sed -i 's/threshold: 2/threshold: 3/' own.yaml
	run -5 --separate-stderr teectl -f own.yaml status
	has "$stderr" 'the threshold is 3 in the cluster file, the genesis was for 2'
	has "$stderr" 'put it back as it was at the genesis'
	hasnt "$output$stderr" 'people are needed'
	hasnt "$output$stderr" keepReady
	run -5 --separate-stderr teectl -f own.yaml status -o json
	same "$(jq -c '[.distance_to_ceremony, .error.reason]' <<<"$output")" '[null,"share_set"]'
	sed -i 's/threshold: 3/threshold: 2/' own.yaml
	ok status
	has "$output" '1 loss is left until people are needed'
}
