#!/usr/bin/env bats
# teectl up

load verb

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	stop_hvs
	down_all
}

@test "up: launches what does not run, verifies all, and says what comes next" {
	cluster own 2 2 3
	ok up -o json
	same "$(jq -r '[.cluster, .outcome, .trust, .node_count, .verified_count, .ready_count, .next] | join("|")' \
		<<<"$output")" 'own|done|simulated|2|2|0|teectl -f own.yaml genesis'
	same "$(jq -r '.nodes[] | [.name, .state, .phase, .verified, .debug] | join("|")' <<<"$output")" \
		$'tee1|not ready|WaitingForBootInstruction|true|false\ntee2|not ready|WaitingForBootInstruction|true|false'
	same "$(stat -c %a .teectl/own)" 700
	kill_node own tee2
	ok up
	hasnt "$stderr" 'tee1: launched'
	has "$stderr" 'tee2: launched'
	ok up
	has "$output" 'nothing to do: every TEE runs and is verified'
}

@test "up: a state folder that was lost while its enclaves run on is told before another key is made" {
	local pids words
	cluster own 2 2 3
	with_key own
	pids=$(awk '{ print $1 }' .teectl/own/pids/* | sort -n | paste -sd , | sed 's/,/, /')
	HVS+=($(tr -d , <<<"$pids"))
	words="warning: 2 enclaves run here (pid $pids), launched with the state folder '.teectl/own', which knows nothing of them: it was lost or replaced."
	mv .teectl lost
	run -69 --separate-stderr teectl -f own.yaml status
	has "$stderr" "$words"
	# By whichever path it was launched, and by whichever it is looked for.
	mkdir sub
	ln -s "$PWD" sub/link
	for folder in "$PWD/sub/.." sub/link; do
		run -69 --separate-stderr teectl -f "$folder/own.yaml" status
		has "$stderr" "launched with the state folder"
	done
	# Whoever is not root may not ask in which folder a hypervisor was started; and another
	# user's is whatever he calls it.
	if [[ $EUID == 0 ]]; then
		mkfifo wait
		setpriv --reuid 65534 --clear-groups bash -c 'exec -a teectl-hv bash -c "read -r" "$1"' \
			bash "--pki=$PWD/.teectl/own/pki" <>wait 3>&- 4>&- &
		HVS+=($!)
		until grep -q '^teectl-hv' "/proc/$!/cmdline"; do :; done
		run -69 --separate-stderr setpriv --inh-caps -sys_ptrace --bounding-set -sys_ptrace \
			"$BUILD/teectl" -f own.yaml status
		has "$stderr" "$words"
	fi
	ok up
	has "$stderr" "$words"
	has "$stderr" "Whether they hold the quorum key can't be seen without it, and teectl -f own.yaml genesis makes another key: put the folder back from a backup first"
	# Those that it has launched since are its own.
	ok genesis
	has "$(head -n 1 <<<"$stderr")" "$words"
	ok down
	rm -r .teectl
	mv lost .teectl
	run -2 --separate-stderr teectl -f own.yaml status
	hasnt "$stderr" 'launched with the state folder'
}

@test "up: one alone after a total loss is told who brings the key back" {
	cluster own 3 2 3
	with_key own
	ok propagate
	# As long as another runs it is asked for the key.
	ok down tee2
	ok up --only tee2
	has "$stderr" 'next: teectl -f own.yaml propagate'
	ok down
	ok up --only tee2
	has "$output" "missing: no TEE of this file has the quorum key of 'own' any more"
	has "$stderr" 'next: teectl -f own.yaml recover'
	run -2 --separate-stderr teectl -f own.yaml status --only tee2 -o json
	same "$(jq -r '[.next, .error.reason] | join("|")' <<<"$output")" 'teectl -f own.yaml recover|key-lost'
	ok recover
	ok up --only tee3
	has "$stderr" 'next: teectl -f own.yaml propagate'
}

@test "up: what is pinned and is not there: refused with PCR0, both values, and stopped" {
	local zeros
	cluster own 2 2 3
	zeros=$(printf '%096d' 1)
	sed -i "s/^  role: .*/&\n  pcrs: { 0: $zeros }/" own.yaml
	run -5 --separate-stderr teectl -f own.yaml up -o json
	has "$stderr" 'tee1: PCR0 (image) is '
	has "$stderr" "expected $zeros"
	has "$stderr" 'tee1: was stopped, since it could not be verified'
	has "$stderr" 'tee2: was stopped, since it could not be verified'
	same "$(jq -r '.error.reason' <<<"$output")" pcr0
	run -0 --separate-stderr teectl -f own.yaml down
	has "$output" 'not running'
}

@test "up: an enclave that ran before and is refused now is only named" {
	cluster own 1 2 3
	ok up
	sed -i "s/^  role: .*/&\n  pcrs: { 3: $(printf '%096d' 7) }/" own.yaml
	run -5 --separate-stderr teectl -f own.yaml up
	has "$stderr" 'PCR3 (role)'
	hasnt "$stderr" 'was stopped'
	run -0 --separate-stderr teectl -f own.yaml down
	has "$output" 'stopped'
}

@test "up: an address that another enclave has: which node, and the others are up" {
	hv taken
	cluster own 2 2 3
	sed -i "s|tee2, listen: .*|tee2, listen: \"${taken#http://}\" }|" own.yaml
	run -5 --separate-stderr teectl -f own.yaml up -o json
	has "$stderr" "tee2: something answers on ${taken#http://} that this state folder did not launch"
	has "$stderr" 'give that node another `listen:` or `url:` in the cluster file, or name the state folder of what runs there (--state)'
	same "$(jq -r '.nodes[] | .name + " " + (.verified | tostring)' <<<"$output")" $'tee1 true\ntee2 false'
}

@test "up: nodes that others launched are verified, not launched; a debug one is refused" {
	mkdir -p -m 700 .teectl/own
	PKI=$PWD/.teectl/own/pki hv there --role test-operators --insecure-open-seed --debug
	cluster own 1 2 3
	sed -i "s|tee1, listen: .*|tee1, url: \"$there\" }|" own.yaml
	run -5 --separate-stderr teectl -f own.yaml up -o json
	has "$stderr" 'debug'
	same "$(jq -r '.nodes[0] | [.state, .debug, .verified] | join(" ")' <<<"$output")" 'failed true false'
	sed -i 's/root: simulated/root: simulated, allowDebug: true/' own.yaml
	ok up
	has "$stderr" 'tee1: verified'
}

@test "up: a node that is not there" {
	hv gone
	cluster own 1 2 3
	ok up
	sed -i "s|tee1, listen: .*|tee1, url: \"$gone\" }|" own.yaml
	stop_hvs
	sed -i '$a retry: { attempts: 1 }' own.yaml
	run -69 --separate-stderr teectl -f own.yaml up
	has "$stderr" 'tee1: '
	# What the first launch left is for teardown to stop.
	sed -i "s|tee1, url: .*|tee1, listen: \"127.0.0.1:0\" }|" own.yaml
}

@test "up: no image, no cluster file, a damaged one" {
	cluster own 1 2 3
	IMAGE=$PWD/nowhere cluster none 1 2 3
	run -66 --separate-stderr teectl -f none.yaml up
	has "$stderr" 'nowhere'
	run -66 --separate-stderr teectl -f nothing.yaml up
	has "$stderr" 'teectl -f nothing.yaml init writes a cluster file'
	sed 's/threshold: 2/treshold: 2/' own.yaml >bad.yaml
	run -78 --separate-stderr teectl -f bad.yaml up
	has "$stderr" "bad.yaml:"
	has "$stderr" "'threshold'"
	rm none.yaml bad.yaml
}

@test "up: what several nodes fail of is told once, with their names" {
	IMAGE=$PWD/nowhere cluster none 3 2 3
	run -66 --separate-stderr teectl -f none.yaml up
	has "$stderr" "tee1, tee2, tee3: launch failed: image '$PWD/nowhere': No such file or directory"
	same "$(grep -c 'launch failed' <<<"$stderr")" 1
	run -69 --separate-stderr teectl -f none.yaml status
	has "$output" $'\ntee1, tee2, tee3: not running: teectl -f none.yaml up\n'
	run -69 --separate-stderr teectl -f none.yaml verify
	has "$stderr" 'tee1, tee2, tee3: verify failed: not running: teectl -f none.yaml up'
	same "$(grep -c 'verify failed' <<<"$stderr")" 1
	rm none.yaml
}

@test "up: -o json of a failure before anything was asked is a document too" {
	run -66 --separate-stderr teectl -f nothing.yaml up -o json
	same "$(jq -r '.error | [.name, .exit_status, .verb] | join(" ")' <<<"$output")" 'no-input 66 up'
}

@test "up: an image that differs from the pins is refused, named and stopped" {
	make_cluster --nodes 1
	cp "$BUILD/teectl-enclave" enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	try 0 measure --write
	printf x >>enclave
	try 5 up
	says "tee1"
	says "PCR0"
	try 0 down -o json
	json '.nodes[0].outcome' "not running"
}

@test "up: an image that does not start is told with its node" {
	make_cluster --nodes 1
	cp /bin/false enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	run --separate-stderr teectl up
	[[ $status -ne 0 ]]
	says "tee1"
}

@test "up: what a run that was killed while it wrote has left is cleared away by the next" {
	cluster own 1 2 3
	ok up
	touch .teectl/own/{,pids/,pki/,shares.}tee1.Ab12Cd.teectl~ .teectl/own/pids/tee.abcdef
	# Who only looks clears nothing.
	teectl -f own.yaml status >/dev/null 2>&1 || true
	[[ -e .teectl/own/pids/tee1.Ab12Cd.teectl~ ]]
	ok up
	same "$(find .teectl -name '*~')" ''
	[[ -e .teectl/own/pids/tee.abcdef ]]
	rm .teectl/own/pids/tee.abcdef
}
