#!/usr/bin/env bats
# recover drill: a recovery that is practised, and touches nothing of the cluster.

load verb

teardown() {
	if [[ -d .teectl/demo/drill ]]; then
		stop_leftovers
	fi
	verb_teardown
}

stop_leftovers() {
	local file pid rest
	for file in .teectl/demo/drill/pids/*; do
		read -r pid rest <"$file" && kill "$pid" 2>/dev/null || true
	done
}

# Hypervisors of a drill of this folder.
drill_processes() {
	local process
	for process in /proc/[0-9]*; do
		if [[ $process/exe -ef $BUILD/teectl-hv && $process/cwd -ef $PWD ]] &&
			tr '\0' ' ' <"$process/cmdline" | grep -q 'demo/drill/pki'; then
			echo "${process#/proc/}"
		fi
	done
}

# A cluster of one node that has the key.
running() {
	make_cluster --nodes 1 "$@"
	try 0 up
	try 0 genesis
	try 0 inject
}

# All that the drill must leave as it is: the state, and what the cluster's TEE was asked.
snapshot() {
	find .teectl/demo -type f ! -name lock -exec sha256sum {} + | sort -k 2
	cat .teectl/demo/logs/*.log
}

@test "recover: drill checks each share, does it all with another key, and leaves nothing" {
	local before
	running
	before=$(snapshot)
	try 0 recover drill -o json
	json '[.cluster, .outcome, (.waiting_for | length)] | map(tostring) | join(" ")' 'demo done 0'
	json '[.steps[] | .step + (if .subject == "" then "" else ":" + .subject end)] | join(" ")' \
		'check:member1 check:member2 check:member3 launch genesis inject lose launch recover clear'
	json '[.steps[].state] | unique | join(" ")' done
	hasnt "$stderr" "$(cut -c3-18 .teectl/demo/quorum_key.pub)"
	same "$(snapshot)" "$before"
	[[ ! -e .teectl/demo/drill ]]
	same "$(drill_processes)" ''
}

@test "recover: drill is a table for people" {
	running
	try 0 recover drill
	[[ ${lines[0]} =~ ^STEP\ +MEMBER\ +RESULT\ +NOTE$ ]]
	prints 'the share opens, and is the one that the genesis attested'
	prints 'approved, restarted, and proved: the same key as before'
	prints 'nothing of the drill is left'
	says 'drill2: restarted, by 2 approvals'
	says 'drill2: key proved, holds the quorum key'
}

@test "recover: drill needs no TEE of the cluster to be there" {
	running
	try 0 down
	try 0 recover drill
	prints 'approved, restarted, and proved'
	try 2 recover drill --state elsewhere
	says 'there has been no genesis, so there is nothing to drill for'
}

@test "recover: drill waits for members whose keys are not here, and launches nothing" {
	running --members 4 --threshold 3
	sed -i 's|key: members/\(member[34]\).secret|pub: members/\1.pub|' cluster.yaml
	try 3 recover drill -o json
	says "2 of 3 members' keys for shares are here, and 2 of 3 for approvals: a drill needs as many as a recovery; waiting for: member3, member4"
	says 'hint: what those members can do: bring their keys to this machine for the drill'
	says 'or let each open his share where his key is: teectl share check'
	hasnt "$stderr" 'run the same command again'
	json '.waiting_for | join(" ")' 'member3 member4'
	json .outcome waiting
	json '[.steps[] | select(.state == "waiting for people") | .subject] | join(" ")' 'member3 member4'
	json '[.steps[].step] | unique | join(" ")' check
	[[ ! -e .teectl/demo/drill ]]
	# With one of them it goes through, and still says who is away.
	sed -i 's|pub: members/member3.pub|key: members/member3.secret|' cluster.yaml
	try 0 recover drill -o json
	json '[.outcome, (.waiting_for | join(" "))] | join(" ")' 'done member4'
}

@test "recover: drill finds a share that is wrong, though the others would do" {
	running
	head -c 130 /dev/urandom >.teectl/demo/shares/member2.share
	try 65 recover drill -o json
	says 'the share of member2: '
	json .outcome failed
	json '[.steps[] | select(.state == "failed") | .step + " " + .subject] | join(",")' 'check member2'
	json '.steps[-1].step' clear
	[[ ! -e .teectl/demo/drill ]]
}

@test "recover: drill clears away what one that was killed has left" {
	running
	coproc { exec "$BUILD/teectl" recover drill 2>&1 3>&-; }
	local pid=$COPROC_PID line
	while read -r -u "${COPROC[0]}" line && [[ $line != 'drill1: genesis done'* ]]; do :; done
	kill -KILL "$pid"
	wait "$pid" || true
	[[ $(drill_processes | wc -l) == 2 ]]
	try 0 recover drill
	[[ ! -e .teectl/demo/drill ]]
	same "$(drill_processes)" ''
}

@test "recover: drill that is interrupted clears away too" {
	running
	mkfifo said
	"$BUILD/teectl" recover drill >out 2>said 3>&- &
	local pid=$! line fd status=0
	exec {fd}<said
	while read -r -u "$fd" line && [[ $line != 'drill1: genesis done'* ]]; do :; done
	kill -INT "$pid"
	cat <&"$fd" >rest
	wait "$pid" || status=$?
	same "$status" 130
	same "$(drill_processes)" ''
	[[ ! -e .teectl/demo/drill ]]
}

protect_members() { # COUNT: member1's passphrase is `word 1`, and so on
	local i
	for ((i = 1; i <= $1; i++)); do
		teectl member protect "members/member$i.secret" --passphrase-fd 0 <<<"word $i" >/dev/null
	done
}

@test "recover: drill takes one line a key, however often it uses the key" {
	running
	protect_members 3
	try 0 recover drill --passphrase-fd 3 3< <(printf 'word %d\n' 1 2 3)
	prints 'approved, restarted, and proved: the same key as before'
	# One that does not open its key is not given again.
	try 65 recover drill --passphrase-fd 3 3< <(printf '%s\n' wrong 'word 2' 'word 3' 'word 1')
	says "the share of member1: key file 'members/member1.secret': the passphrase does not open it"
	prints 'approved, restarted, and proved: the same key as before'
}

@test "recover: drill that is given too few passphrases says that, and calls no share wrong" {
	running
	protect_members 3
	try 65 recover drill --passphrase-fd 3 3<<<'word 1'
	says "key file 'members/member2.secret': no passphrase is left on descriptor 3"
	says 'hint: one line for each key with a passphrase, in the order in which they are asked for'
	hasnt "$stderr$output" 'the share of'
	[[ ! -e .teectl/demo/drill ]]
}

@test "recover: two keys that approve and give their shares take two lines" {
	running
	protect_members 2
	try 0 down
	try 0 up
	try 65 recover --passphrase-fd 3 3<<<'word 1'
	says "key file 'members/member2.secret': no passphrase is left on descriptor 3"
	hasnt "$stderr" "can't approve"
	try 0 recover --passphrase-fd 3 3< <(printf 'word %d\n' 1 2)
	says 'tee1: restarted, by 2 approvals'
	says 'tee1: key proved'
}

@test "recover: drill that ends at the approvals names no file of its own" {
	make_cluster --nodes 1
	teectl member keygen members/op1 members/op2 >/dev/null
	teectl member protect members/op2.secret --passphrase-fd 0 <<<right >/dev/null
	sed -i 's|^quorum:|&\n  manifestSet: { threshold: 2, members: [ { name: op1, key: members/op1.secret }, { name: op2, key: members/op2.secret } ] }|' cluster.yaml
	try 0 up
	try 0 genesis
	try 3 recover drill --passphrase-fd 3 3<<<wrong
	says "op2 can't approve: key file 'members/op2.secret': the passphrase does not open it"
	says "1 of 2 approvals of the drill's manifest are here; waiting for one of: op2: a key that is here has to be the member's"
	hasnt "$stderr$output" /manifests/
	hasnt "$stderr$output" 'a copy of that file'
	prints 'nothing of the drill is left'
}

@test "recover: drill and --to do not go together" {
	running
	try 64 recover drill --to tee1
	says '--to is of a recovery: a drill has nodes of its own'
	try 64 recover drills
	says "drill"
}

@test "recover drill: another word is refused with the one that there is" {
	try 64 recover rehearsal
	says "'rehearsal' is not known; the only word here is 'drill'"
}
