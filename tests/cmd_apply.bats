#!/usr/bin/env bats
# teectl apply: everything that is missing, by one verb.

load verb

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	stop_hvs
	down_all
}

@test "apply: from nothing to a cluster that shares its key, as a tree; then nothing is left to do" {
	cluster own 6 2 3
	ok apply
	same "$output" '6 of 6 TEEs have the quorum key'
	has "$stderr" 'tee1: genesis done'
	has "$stderr" 'tee6: key proved'
	ok apply
	same "${lines[0]}" 'nothing to do: every TEE runs and has the quorum key'
	ok verify
	same "$(jq -rR 'fromjson? | select(.step == "genesis" and .outcome == "done") | .node' .teectl/own/journal)" tee1
}

@test "apply: what is gone is launched again and gets the key, by every way" {
	local way
	cluster own 5 2 3
	ok apply
	for way in chain star tree auto; do
		ok down tee2 tee4
		ok apply --topology $way -o json
		same "$(jq -r '[.outcome, .ready_count, .verified_count] | join(" ")' <<<"$output")" 'done 5 5'
	done
	ok seed --type x --data y
}

@test "apply: all TEEs are gone: the shares bring the same key back" {
	local key
	cluster own 4 2 3
	ok apply -o json
	key=$(jq -r .quorum_public_key <<<"$output")
	ok down --lose-key
	ok apply -o json
	same "$(jq -r .quorum_public_key <<<"$output")" "$key"
	has "$stderr" 'tee1: restarted, by'
	ok verify
}

@test "apply: shares are missing: exit 3 and whose; the TEEs run, and it goes on when they come" {
	cluster own 3 2 3
	mkdir away
	mv own-members/member2.secret own-members/member3.secret away
	run -3 --separate-stderr teectl -f own.yaml apply
	has "$stderr" 'member2, member3'
	same "$(teectl -f own.yaml status -o json | jq .verified_count)" 3
	mv away/member3.secret own-members
	ok apply
	same "$output" '3 of 3 TEEs have the quorum key'
}

@test "apply: keys with a passphrase are asked for it, from a descriptor or on the terminal" {
	local who
	cluster own 2 2 2
	for who in 1 2; do
		teectl member protect "own-members/member$who.secret" --passphrase-fd 0 <<<"word $who" >/dev/null
	done
	run -64 --separate-stderr setsid -w "$BUILD/teectl" -f own.yaml apply
	has "$stderr" 'nobody is there to ask for a passphrase: --passphrase-fd reads it from a descriptor'
	run -3 --separate-stderr teectl -f own.yaml apply --passphrase-fd 3 3< <(printf 'word 1\nwrong\n')
	has "$stderr" "the share of member2 is wrong: key file 'own-members/member2.secret': the passphrase does not open it"
	ok apply --passphrase-fd 3 3<<<'word 2'
	same "$output" '2 of 2 TEEs have the quorum key'
}

@test "apply: a node that can't be helped does not hold up the rest: exit 4 and which" {
	cluster own 4 2 3
	ok apply
	printf '  - { name: far, url: "http://127.0.0.1:1" }\n' >tail
	sed -i '/name: tee4/r tail' own.yaml
	ok down tee3
	run -4 --separate-stderr teectl -f own.yaml apply
	has "$stderr" 'tee3: key forwarded'
	has "$stderr" 'far'
	run -64 --separate-stderr teectl -f own.yaml apply --topology ring
	has "$stderr" ring
}

@test "apply: it makes no second key beside one that may live" {
	cluster own 2 2 3
	ok apply
	mv .teectl/own/manifest.current .teectl/own/manifests .teectl/own/genesis* .teectl/own/quorum_key.pub .
	run -5 --separate-stderr teectl -f own.yaml apply
	has "$stderr" 'tee1 is occupied'
}

@test "apply: --only launches and forwards to the nodes chosen; a genesis only where its node is among them" {
	cluster own 4 2 3
	run -2 --separate-stderr teectl -f own.yaml apply --only tee2,tee3
	has "$stderr" 'it comes into the cluster by tee1, which is not among the nodes chosen'
	ok apply --only tee1,tee3
	same "$(teectl -f own.yaml status -o json | jq -r '[.nodes[].state] | join(" ")')" 'ready gone ready gone'
	# The others are left alone, also when they have the key.
	ok apply --only tee4
	same "$(jq -rR 'fromjson? | select(.step == "forward" and .outcome == "done") | .node' .teectl/own/journal | paste -sd ' ')" 'tee3 tee4'
	ok apply --only @ready
	same "${lines[0]}" 'nothing to do: every TEE asked for runs and has the quorum key'
}

@test "apply: with -o ndjson each event is a line, and the report the last; so it is with other verbs of the loop" {
	cluster own 3 2 3
	ok apply -o ndjson
	jq -s . <<<"$output" >events
	same "$(jq -r '[.[0].event, .[0].total, (.[-1] | .outcome, .ready_count)] | join(" ")' events)" 'planned 13 done 3'
	same "$(jq -r '[.[:-1][] | select(.event == "done") | .step] | group_by(.) | map(.[0] + ":" + (length | tostring)) | join(" ")' events)" \
		'forward:2 genesis:1 inject:1 launch:3 prove:3 verify:3'
	same "$(jq -r '[.[:-1][] | .event] | unique | join(" ")' events)" 'done planned started'
	same "$(jq -r '[.[:-1][] | select(.event == "done") | .elapsed_ms >= 0] | all' events)" true
	ok verify -o ndjson
	same "$(jq -rs '[.[] | select(.event == "done") | .step] | length' <<<"$output")" 6
}

@test "apply: what fails is an event with its error and reason" {
	cluster own 2 2 3
	ok apply
	sed '$a\  - { name: far, url: "http://127.0.0.1:1" }' own.yaml >far.yaml
	run -4 --separate-stderr teectl -f far.yaml --state .teectl/own apply -o ndjson
	same "$(jq -rs '[.[] | select(.event == "failed") | .step, .node, .error] | join(" ")' <<<"$output")" 'forward far unreachable'
	same "$(tail -n 1 <<<"$output" | jq -r .error.name)" partial
}

@test "apply: --trace writes steps and exchanges with their times, as an array; propagate too" {
	cluster own 3 2 3
	ok apply --trace trace.json
	same "$(jq -r 'type' trace.json)" array
	same "$(jq -r '[.[] | select(.cat == "step") | .name] | group_by(.) | map(.[0] + ":" + (length | tostring)) | join(" ")' trace.json)" \
		'forward:2 genesis:1 inject:1 launch:3 prove:3 verify:3'
	same "$(jq -r '[.[] | select(.cat == "exchange" and .name == "export-key") | .args.node] | length' trace.json)" 2
	same "$(jq -r '[.[] | select(.ph == "X") | .dur >= 0 and .ts > 0] | all' trace.json)" true
	same "$(jq -r '[.[] | select(.ph == "M" and .pid == 1) | .args.name] | join(" ")' trace.json)" 'tee1 tee2 tee3'
	# The exchanges of a forward are within it.
	same "$(jq -r '(.[] | select(.cat == "step" and .name == "forward" and .args.node == "tee3")) as $s |
		[.[] | select(.cat == "exchange" and .name == "inject-key" and .args.node == "tee3") |
		.ts >= $s.ts and .ts + .dur <= $s.ts + $s.dur] == [true]' trace.json)" true
	ok down tee3
	ok up
	ok propagate --trace again.json
	same "$(jq -r '[.[] | select(.cat == "step" and .name == "forward") | .args.node] | join(" ")' again.json)" tee3
	mkdir folder
	run -66 --separate-stderr teectl -f own.yaml apply --trace folder
	has "$stderr" "--trace: 'folder' can't be written: Is a directory"
}

@test "apply: where an output can't be written it says so, and nothing is begun (66)" {
	local verb
	cluster own 1 2 3
	for verb in 'apply --trace' 'propagate --trace'; do
		run -66 --separate-stderr teectl -f own.yaml $verb nowhere/file
		has "$stderr" "--trace: 'nowhere/file' can't be written: No such file or directory"
		has "$stderr" 'check the path, or name another file'
		same "$(compgen -G '.teectl/own/pids/*')" ''
	done
	ok apply
	for verb in 'plan --out' 'attest get tee1 --out' 'manifest new --out'; do
		run -66 --separate-stderr teectl -f own.yaml $verb nowhere/file
		has "$stderr" "'nowhere/file'"
		has "$stderr" 'No such file or directory'
		has "$stderr" 'check the path, or name another file'
	done
}

@test "apply: what an output option names and is no file is written into, and stays" {
	local fd verb
	cluster own 1 2 3
	ok apply
	mkfifo pipe
	ln -s pipe link
	for verb in 'apply --trace' 'plan --out' 'attest get tee1 --out'; do
		# Nobody reads it: said at once.
		run -65 --separate-stderr teectl -f own.yaml $verb pipe
		has "$stderr" "'pipe': nobody reads from it"
		exec {fd}<>pipe
		ok $verb link
		read -r -n 1 -t 10 -u "$fd"
		exec {fd}<&-
		[[ -p pipe && -L link ]] || fail "$verb has put a file in a pipe's place"
	done
	: >file
	ln -s file named
	ok plan --out named
	[[ -L named && -s file ]] || fail 'plan has put a file in a link'\''s place'
}

@test "apply: where shares are missing it is one TEE that has some, and the others wait for the key from it" {
	cluster own 4 3 5
	rm own-members/member[345].secret
	run -3 --separate-stderr teectl -f own.yaml apply
	has "$stderr" 'tee1: 2 of 3 shares are in; waiting for one of: member3, member4, member5'
	has "$stderr" 'waiting for the key, which tee1 has once its shares are in'
	same "$(grep -c '2 of 3 shares are in' <<<"$stderr")" 1
	hasnt "$stderr" 'failed'
	run -3 --separate-stderr teectl -f own.yaml apply -o json
	same "$(jq -r .error.text <<<"$output")" 'tee1: 2 of 3 shares are in; waiting for one of: member3, member4, member5'
}

@test "apply: of an enclave that hangs it is no help to run it again: down, then apply" {
	local pid
	cluster own 3 2 3
	ok apply
	ok down tee3
	pid=$(pgrep -P "$(cut -d' ' -f1 .teectl/own/pids/tee2)")
	kill -STOP "$pid"
	run -4 --separate-stderr teectl -f own.yaml apply
	has "$stderr" 'tee2: forward failed: does not answer'
	has "$stderr" 'hint: teectl -f own.yaml down tee2, then teectl -f own.yaml apply'
	hasnt "$stderr" 'run the same command again'
	ok down tee2
	ok apply
	same "$output" '3 of 3 TEEs have the quorum key'
}
