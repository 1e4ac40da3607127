#!/usr/bin/env bats
# What an enclave leaves behind in its whole life: lines of a log, no file, little memory.

load helper
load contract

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	stop_hvs
}

# life: genesis at $tee, its key forwarded to $next and brought back at $lost, and all that can be asked
# of it.
life() {
	keys 3
	boot "$tee" 2 3
	ask "$tee" POST /enclave/live-attestation '{"nonce":[1,2,3]}' -H 'X-Request-Id: live-1'
	accepted
	document "$tee" >/dev/null
	inject "$tee" 2
	approvals 1 2
	share_manifest "$next"
	export_key "$tee" "$(document "$next")"
	accepted
	ask "$next" POST /enclave/inject-key "$(exported)"
	accepted
	boot_standard "$lost"
	submit "$lost" "$(own 1)" "$(own 2)"
	accepted
	for url in "$tee" "$next" "$lost"; do
		ask "$url" POST /enclave/prove-key "{\"challenge\":$ZERO32}"
		accepted
		ask "$url" POST /generate-seed '{"seed_type":"wallet","seed_data":"a"}'
		accepted
	done
	seed=$(jq -r .seed_phrase <<<"$output") entropy=$(jq -r .entropy <<<"$output")
	ask "$tee" POST /enclave/prove-key '{"challenge":[1]}'
	refused 400 1000 'Invalid request'
	ask "$next" POST /enclave/genesis-boot "$(genesis_request 2 3)"
	refused 409 1006 'Invalid state transition'
}

# enclave_of PID: the process that this hypervisor started.
enclave_of() {
	pgrep -P "$1" | head -n 1
}

# logged NAME OPERATION BEFORE AFTER OUTCOME [LEVEL]: NAME's log has such a line, with all of its parts.
logged() {
	local log=$1.log time='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z'
	grep -qE "^$time ${6-info} operation request=[A-Za-z0-9_-]{1,64} operation=$2 phase=$3 phase_after=$4 outcome=$5 duration_ms=[0-9]+\.[0-9]{3}( |\$)" \
		"$log" || fail "no such line: $* in $(grep "operation=$2" "$log")"
}

@test "enclave: every operation on the key is logged with all there is to know, and no secret" {
	local ready=ApplicationReady waiting=WaitingForBootInstruction
	hv tee --insecure-open-seed
	hv next --insecure-open-seed
	hv lost --insecure-open-seed
	life
	stop_hvs
	logged tee genesis-boot "$waiting" GenesisBooted ok
	logged tee live-attestation GenesisBooted GenesisBooted ok
	grep -q 'request=live-1 operation=live-attestation' tee.log
	logged tee generate-attestation GenesisBooted GenesisBooted ok
	logged tee inject-shares GenesisBooted WaitingForQuorumShards ok
	logged tee inject-shares WaitingForQuorumShards QuorumKeyProvisioned,ApplicationReady ok
	logged tee export-key "$ready" "$ready" ok
	logged tee prove-key "$ready" "$ready" ok
	logged tee generate-seed "$ready" "$ready" ok
	logged tee prove-key "$ready" "$ready" request warn
	logged next share-manifest "$waiting" WaitingForForwardedKey ok
	logged next inject-key WaitingForForwardedKey QuorumKeyProvisioned,ApplicationReady ok
	logged next genesis-boot "$ready" "$ready" phase warn
	logged lost boot-standard "$waiting" WaitingForQuorumShards ok
	logged lost inject-shares WaitingForQuorumShards QuorumKeyProvisioned,ApplicationReady ok
	# Of members' and quorum's keys and of the shares, in every form.
	local i sought=()
	for i in 1 2 3; do
		given "$i" | hex | tr a-f A-F | basenc -d --base16 >"member$i.share"
		sought+=("member$i.secret=member$i.share")
	done
	run "$BUILD/needles" "${sought[@]}" -- tee.log next.log lost.log
	[[ $status == 0 && -z $output ]] || fail "$output"
	for i in "$seed" "$entropy" "$(head -c 32 <<<"$entropy")" wallet; do
		run -1 grep -F -- "$i" tee.log next.log lost.log
	done
}

# enclave_of PID: the process that this hypervisor started.
enclave_of() {
	pgrep -P "$1" | head -n 1
}

# What a process has open that is a file and can be written.
writable() { # PID
	local fd file flags
	for fd in "/proc/$1"/fd/*; do
		file=$(readlink "$fd")
		[[ $file == /* && $file != /dev/null ]] && [[ -f $fd ]] || continue
		flags=$(sed -n 's/^flags:[^0-9]*//p' "/proc/$1/fdinfo/${fd##*/}")
		((!(flags & 3))) || echo "$file"
	done
}

@test "enclave: it writes no file" {
	local name pid pids=() readers=()
	mkdir empty
	for name in tee next lost; do
		mkfifo "$name.log" # else its standard error is a file
		cat "$name.log" >"$name.text" 3>&- 4>&- &
		readers+=("$!")
		cd empty
		hv "$name" --insecure-open-seed
		cd ..
		pid=${name}_pid
		pids+=("$(enclave_of "${!pid}")")
	done
	[[ -r /proc/${pids[0]}/fd ]] || skip "needs root, to look into the enclave's process"
	# A byte in any file ends it from now on, by SIGXFSZ.
	for pid in "${pids[@]}"; do
		prlimit --pid "$pid" --fsize=0:0
	done
	life
	for pid in "${pids[@]}"; do
		[[ -d /proc/$pid ]]
		run -0 writable "$pid"
		same "$output" ''
	done
	rmdir empty
	stop_hvs
	wait "${readers[@]}"
	rm tee.log
	mv tee.text tee.log
	logged tee genesis-boot WaitingForBootInstruction GenesisBooted ok
}

# The most memory that a program has had, in KiB, of which AddressSanitizer takes a lot.
small() {
	[[ $BUILD != *asan* ]] || skip "AddressSanitizer is not small"
}

@test "enclave: a whole life takes less than 12 MB" {
	small
	local name pid most
	hv tee --insecure-open-seed
	hv next --insecure-open-seed
	hv lost --insecure-open-seed
	life
	for name in tee next lost; do
		pid=${name}_pid
		most=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(enclave_of "${!pid}")/status")
		((most > 0 && most < 12 * 1024)) || fail "$name: $most KiB"
	done
}

# spends KIB COMMAND...: it succeeds, and takes less than that. ru_maxrss by getrusage(2) of children.
spends() {
	perl -e 'my ($limit, @command) = @ARGV; my ($usage, %number) = ("\0" x 256, x86_64 => 98, aarch64 => 165);
		chomp(my $machine = `uname -m`); system(@command) == 0 or die "@command: $?\n";
		syscall($number{$machine} // exit(0), -1, $usage) == 0 or die "getrusage\n";
		my $most = unpack("x32 q", $usage); $most > 0 && $most < $limit or die "@command: $most KiB\n"' "$@"
}

@test "enclave: no verb of the demo takes teectl 15 MB" {
	small
	cluster own 3 2 3
	local verb
	for verb in up genesis inject propagate verify status; do
		spends $((15 * 1024)) "$BUILD/teectl" -f own.yaml "$verb"
	done
	teectl -f own.yaml down
}
