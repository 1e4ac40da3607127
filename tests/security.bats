#!/usr/bin/env bats
# Who can do what, and what stops them: changed programs, environments and libraries, debug enclaves;
# and that no secret is found in what was sent, written, or left in memory. Forged documents at the
# source are in contract_documents.bats, a man in the middle of teectl in genesis_trust.bats.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BUILD/teectl-enclave" image
	export IMAGE=$PWD/image
}

teardown() {
	stop_hvs
	down_all
}

# One byte of the image, in a word that it says: it still runs.
flip() { # FILE
	local at
	at=$(grep -obUa healthy "$1" | head -n 1 | cut -d : -f 1)
	printf H | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
	run ! cmp -s "$1" "$BUILD/teectl-enclave"
}

# refused_by_pcr INDEX NODE...: the last run was refused for that, with both values, and the nodes are
# stopped.
refused_by_pcr() {
	local index=$1 node
	shift
	[[ $stderr =~ PCR$index\ \([a-z\ ]+\)\ is\ ([0-9a-f]{96}),\ expected\ ([0-9a-f]{96}) ]] || fail "PCR$index"
	[[ ${BASH_REMATCH[1]} != "${BASH_REMATCH[2]}" ]]
	for node in "$@"; do
		has "$stderr" "$node: was stopped"
		[[ -z $(pids "$node") ]] || fail "$node is still running"
	done
}

# The hypervisors of this folder's node, and the enclave of one.
pids() {
	local process
	for process in /proc/[0-9]*; do
		if [[ $process/cwd -ef $PWD ]] && tr '\0' ' ' <"$process/cmdline" 2>/dev/null | grep -q -- "--instance[= ]$1 "; then
			printf '%s\n' "${process#/proc/}"
		fi
	done
}

enclave_of() {
	pgrep -P "$(pids "$1")"
}

# hypervisor SCRIPT: teectl of this folder, whose hypervisor is that script; $real is the true one.
hypervisor() {
	mkdir -p bin
	cp "$BUILD/teectl" bin/teectl
	printf '#!/usr/bin/env bash\nreal=%q\n%s\n' "$BUILD/teectl-hv" "$1" >bin/teectl-hv
	chmod +x bin/teectl-hv
}

@test "security: one flipped byte is refused by pinned PCRs, and the node is stopped" {
	cluster own 2 2 3
	teectl -f own.yaml measure --write >/dev/null
	flip image
	run -5 --separate-stderr teectl -f own.yaml up
	refused_by_pcr 0 tee1 tee2
	same "${BASH_REMATCH[2]}" "$(awk '$1 == "0:" { print $2 }' own.yaml)"
	same "${BASH_REMATCH[1]}" "$(openssl dgst -sha384 -binary image | { head -c 48 /dev/zero; cat; } | openssl dgst -sha384 -r | cut -d ' ' -f 1)"
	cp "$BUILD/teectl-enclave" image
	run -0 --separate-stderr teectl -f own.yaml up
}

@test "security: one flipped byte is refused by the manifest, and that node alone is stopped" {
	cluster own 2 2 3
	teectl -f own.yaml up
	teectl -f own.yaml genesis
	kill -KILL "$(pids tee2)"
	flip image
	run -5 --separate-stderr teectl -f own.yaml up
	refused_by_pcr 0 tee2
	[[ -n $(pids tee1) ]]
	run -2 --separate-stderr teectl -f own.yaml status -o json
	same "$(jq -c '[.nodes[] | .verified]' <<<"$output")" '[true,false]'
}

@test "security: an image that is swapped between measuring and start is refused, and stopped" {
	cluster own 1 2 2
	cp image swapped
	flip swapped
	hypervisor 'cp swapped image; exec "$real" "$@"'
	run -5 --separate-stderr bin/teectl -f own.yaml up
	refused_by_pcr 0 tee1
}

@test "security: an image that is swapped after its start changes nothing of what runs" {
	cluster own 1 2 2
	teectl -f own.yaml up
	cp image swapped
	flip swapped
	mv swapped image
	same "$(curl -s "$(url own tee1)/health" | jq -r .status)" healthy
	teectl -f own.yaml measure --write >/dev/null
	run -5 --separate-stderr teectl -f own.yaml verify
	has "$stderr" PCR0
}

@test "security: other launch options and another role are refused by their PCRs" {
	cluster own 1 2 2
	hypervisor 'exec "$real" "$@" --max-body 1000000'
	run -5 --separate-stderr bin/teectl -f own.yaml up
	refused_by_pcr 2 tee1
	hypervisor 'args=("$@"); for i in "${!args[@]}"; do [[ ${args[i]} != --role=* ]] || args[i]=--role=others; done; exec "$real" "${args[@]}"'
	run -5 --separate-stderr bin/teectl -f own.yaml up
	refused_by_pcr 3 tee1
}

@test "security: the environment of teectl and of the hypervisor does not reach the enclave" {
	cluster own 1 2 2
	echo 'static void __attribute__((constructor)) loaded(void) { } int marker_of_this_test;' | cc -shared -fPIC -x c - -o preload.so
	teectl -f own.yaml measure --write >/dev/null
	# gcc's AddressSanitizer is a library that would be the first.
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
	LD_PRELOAD=$PWD/preload.so LD_LIBRARY_PATH=$PWD LD_AUDIT= LD_DEBUG_OUTPUT=$PWD/debug GLIBC_TUNABLES=glibc.malloc.check=1 \
		OPENSSL_CONF=/nonexistent OPENSSL_MODULES=$PWD OPENSSL_ENGINES=$PWD MALLOC_PERTURB_=7 GCONV_PATH=$PWD \
		run -0 --separate-stderr teectl -f own.yaml up
	has "$stderr" 'tee1: verified'
	local enclave
	enclave=$(enclave_of tee1)
	[[ -r /proc/$enclave/environ ]] || skip "needs root, to look into the enclave's process"
	same "$(tr '\0' ' ' <"/proc/$enclave/environ")" ''
	run ! grep -q preload.so "/proc/$enclave/maps"
	# Nor does what a hypervisor is started with.
	teectl -f own.yaml down
	hypervisor 'export ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$PWD/preload.so LD_LIBRARY_PATH=$PWD GLIBC_TUNABLES=glibc.malloc.check=1 OPENSSL_CONF=/nonexistent; exec "$real" "$@"'
	run -0 --separate-stderr bin/teectl -f own.yaml up
	has "$stderr" 'tee1: verified'
	run -0 grep -q preload.so "/proc/$(pids tee1)/maps"
	enclave=$(enclave_of tee1)
	run ! grep -q preload.so "/proc/$enclave/maps"
	same "$(tr '\0' ' ' <"/proc/$enclave/environ")" ''
}

@test "security: the enclave gets no path, and no descriptor but its NSM's" {
	cluster own 1 2 2
	exec {leaked}<own-members/member1.secret
	teectl -f own.yaml up
	local enclave fds
	enclave=$(enclave_of tee1)
	[[ -r /proc/$enclave/fd ]] || skip "needs root, to look into the enclave's process"
	run -0 readlink "/proc/$enclave/exe"
	has "$output" /memfd:
	run ! grep -qaF "$PWD" "/proc/$enclave/cmdline"
	fds=$(readlink /proc/"$enclave"/fd/* | sort | tr '\n' ' ')
	hasnt "$fds" member1.secret
	hasnt "$fds" pki
	exec {leaked}<&-
}

@test "security: a changed shared library is refused by PCR1" {
	unshare --mount true 2>/dev/null || skip "may not make a mount namespace"
	local library
	library=$(ldd image | sed -n 's/.*libcbor[^ ]* => \([^ ]*\).*/\1/p')
	[[ -n $library ]] || skip "no library to change"
	library=$(readlink -f "$library")
	{ cat "$library"; printf x; } >changed.so
	cluster own 1 2 2
	hypervisor "exec unshare --mount bash -c 'mount --bind changed.so \"\$1\" && shift && exec \"\$@\"' - $library \"\$real\" \"\$@\""
	run -5 --separate-stderr bin/teectl -f own.yaml up
	refused_by_pcr 1 tee1
}

@test "security: a debug enclave is refused, unless the cluster file allows it" {
	cluster own 1 2 2
	hypervisor 'exec "$real" --debug "$@"'
	run -5 --separate-stderr bin/teectl -f own.yaml up
	has "$stderr" debug
	has "$stderr" PCR0
	has "$stderr" 'tee1: was stopped'
	[[ -z $(pids tee1) ]]
	ATTESTATION='allowDebug: true' cluster own 1 2 2
	run -0 --separate-stderr bin/teectl -f own.yaml up
	bin/teectl -f own.yaml genesis
	run --separate-stderr bin/teectl -f own.yaml status
	has "$output" DEBUG
	run --separate-stderr bin/teectl -f own.yaml status -o json
	same "$(jq -c '.nodes[0].debug' <<<"$output")" true
	# Its image measures as zeroes, and is held to nothing; its role is what the file says, or a change.
	bin/teectl -f own.yaml inject
	run -0 --separate-stderr bin/teectl -f own.yaml apply
	has "$output" 'nothing to do'
	sed -i 's/role: test-operators/role: others/' own.yaml
	run -2 --separate-stderr bin/teectl -f own.yaml apply
	has "$stderr" 'teectl: apply: PCR3 (role): the current manifest says '
	# What was allowed is not any more.
	cluster own 1 2 2
	run -5 --separate-stderr bin/teectl -f own.yaml verify
	has "$stderr" debug
}

@test "security: a node that is not launched here is refused for the same, and left alone" {
	cluster own 1 2 2
	teectl -f own.yaml up
	PKI=$PWD/.teectl/own/pki hv foreign --debug --role test-operators
	behind own twin tee1 "$foreign"
	run -5 --separate-stderr teectl -f twin.yaml --state .teectl/own verify
	has "$stderr" debug
	PKI=$PWD/elsewhere hv elsewhere --role test-operators
	behind own twin tee1 "$elsewhere"
	run -5 --separate-stderr teectl -f twin.yaml --state .teectl/own verify
	has "$stderr" chain
	same "$(curl -s "$elsewhere/health" | jq -r .status)" healthy
}

# --- secrets

# secrets NAME: what needles takes, of the members of NAME's genesis.
secrets() {
	local share member
	for share in ".teectl/$1"/shares/*.share; do
		member=$(basename "$share" .share)
		printf '%s\n' "$1-members/$member.secret=$share"
	done
}

# holds_nothing NAME FILE...
holds_nothing() {
	local sought
	mapfile -t sought < <(secrets "$1")
	run "$BUILD/needles" "${sought[@]}" -- "${@:2}"
	[[ $status == 0 && -z $output ]] || fail "$output"
}

# A recorder in front of each node; twin.yaml goes through them, and recording is all that passed.
recorded() { # NAME NODE...
	local node words=() line fd
	for node in "${@:2}"; do
		mkfifo "$node.fifo"
		"$BUILD/record" "$(url "$1" "$node" | sed 's|http://||')" recording >"$node.fifo" 3>&- 4>&- &
		HVS+=("$!")
		exec {fd}<"$node.fifo"
		read -r -u "$fd" line
		exec {fd}<&-
		words+=("$node" "http://${line#listening on }")
	done
	behind "$1" twin "${words[@]}"
}

@test "security: what looks for secrets finds them, in every form" {
	cluster own 1 2 3
	teectl -f own.yaml up
	teectl -f own.yaml genesis
	local sought
	mapfile -t sought < <(secrets own)
	same "${#sought[@]}" 3
	"$BUILD/needles" "${sought[@]}" --spell >all
	run -1 "$BUILD/needles" "${sought[@]}" -- all
	# Of each member seed, three derived keys and the share, of the quorum the first four; in halves and
	# nine forms.
	same "${#lines[@]}" $(((3 * 5 + 4) * 2 * 9))
	run -1 "$BUILD/needles" "${sought[@]}" -- own-members/member2.secret
	has "$output" 'member2.secret seed'
	tr -d '\n' <own-members/member1.secret | tr a-f A-F | basenc -d --base16 | base64 -w 0 >text
	run -1 "$BUILD/needles" "${sought[@]}" -- text
	has "$output" base64
}

@test "security: no secret is in what was sent, in the state, in the logs, or in what teectl says" {
	local i
	export TEECTL_LOG=debug
	cluster own 3 2 3
	{
		teectl -f own.yaml up
		recorded own tee1 tee2 tee3
		teectl -f twin.yaml --state .teectl/own genesis -o json
		teectl -f twin.yaml --state .teectl/own inject
		teectl -f twin.yaml --state .teectl/own propagate -o ndjson
		teectl -f twin.yaml --state .teectl/own verify
		teectl -f twin.yaml --state .teectl/own status -o json
		teectl -f own.yaml logs tee1
		teectl -f own.yaml down
	} >said 2>&1
	# All of it went through the recorder.
	for i in genesis-boot inject-shares share-manifest export-key inject-key prove-key; do
		grep -qa "POST /enclave/$i " recording || fail "$i was not recorded"
	done
	mapfile -t files < <(find .teectl -type f)
	((${#files[@]} > 10))
	# The journal among them, with all kinds of evidence.
	same "$(jq -r .kind .teectl/own/journal | sort -u | paste -sd ' ')" 'document export genesis proof receipt share step'
	holds_nothing own recording said "${files[@]}"
}

@test "security: the state is its owner's alone" {
	umask 0
	cluster own 1 2 2
	# Which the shell has written; such a one is refused.
	chmod 0644 own.yaml
	teectl -f own.yaml up
	teectl -f own.yaml genesis
	teectl -f own.yaml inject
	same "$(stat -c %a .teectl/own)" 700
	run find .teectl/own -type f -perm /077 ! -name '*.der' ! -name '*.pub'
	same "$output" ''
	run find .teectl/own -perm /022
	same "$output" ''
	same "$(stat -c %a .teectl/own/pki)" 700
}

# debugged ARGUMENT...: runs teectl under gdb by the commands on standard input, after some that each
# session needs.
debugged() {
	cat - >moments.own
	cat >moments - moments.own <<-GDB
	set pagination off
	set confirm off
	set debuginfod enabled off
	set startup-with-shell off
	handle SIGPIPE nostop noprint pass
	GDB
	gdb -batch -nx -x moments --args "$BUILD/teectl" "$@" >gdb.log 2>&1
	grep -q 'exited normally' gdb.log || fail "$(tail -n 5 gdb.log)"
}

# cores NAME MOST ARGUMENT...: writes NAME.0, NAME.1, .. wherever teectl handles a secret or sends, and
# at its end; no more than MOST. They have all that coredump_filter would leave out: nothing may be
# there that outlives a call.
cores() {
	debugged "${@:3}" <<-GDB
	set use-coredump-filter off
	set \$n = 0
	break key_set_read
	break key_set_derive
	break envelope_open
	break envelope_seal
	break key_set_drop
	catch syscall sendto
	catch syscall recvfrom
	catch syscall exit_group
	commands 1-8
	silent
	if \$n < $2
	eval "gcore $1.%d", \$n
	end
	set \$n = \$n + 1
	continue
	end
	run
	GDB
}

# cores_within NAME MOST STEP ARGUMENT...: the same inside of libcrypto's calls, where its working memory
# has secrets; at each STEPth moment from the first secret on. They are as the kernel would write them.
cores_within() {
	debugged "${@:4}" <<-GDB
	set \$n = 0
	set \$moment = 0
	break key_set_derive
	break envelope_open
	break envelope_seal
	run
	delete
	break OPENSSL_cleanse
	break BN_mod_mul
	break EC_POINT_mul
	break BN_bn2binpad
	break EVP_DigestUpdate
	break EVP_DigestFinal_ex
	break CRYPTO_free
	catch syscall getpid
	commands 4-11
	silent
	if \$moment % $3 == 0 && \$n < $2
	eval "gcore $1.%d", \$n
	set \$n = \$n + 1
	end
	set \$moment = \$moment + 1
	continue
	end
	continue
	GDB
}

debugger() {
	command -v gdb >/dev/null || skip "no gdb"
	[[ $BUILD != *asan* ]] || skip "a core of AddressSanitizer's shadow is too large"
	gdb -batch -nx -ex 'break main' -ex run --args /bin/true >/dev/null 2>&1 || skip "may not trace"
}

@test "security: a core image of teectl has no secret, at any moment of inject" {
	debugger
	cluster own 1 2 3
	teectl -f own.yaml up
	teectl -f own.yaml genesis
	cores core 48 -f own.yaml inject
	same "$(curl -s "$(url own tee1)/status" | jq -r .phase)" ApplicationReady
	(($(ls core.* | wc -l) > 20))
	holds_nothing own core.*
}

@test "security: a core image of teectl has no secret, at any moment of the other verbs" {
	debugger
	local verb at=0
	# The key that is made here is the member's in what follows.
	cores keygen 12 member keygen own-members/member1
	cluster own 2 2 2
	for verb in up genesis inject 'share check --key own-members/member1.secret --share .teectl/own/shares/member1.share' propagate \
		verify status 'seed --type a --data b' 'member show own-members/member1.secret' measure down; do
		cores "verb$((at++))" 12 -f own.yaml $verb
	done
	(($(ls keygen.* verb*.* | wc -l) > 60)) || fail "$(ls keygen.* verb*.*)"
	holds_nothing own keygen.* verb*.*
}

@test "security: a core image of teectl has no secret, inside of libcrypto either" {
	debugger
	cluster own 1 2 2
	teectl -f own.yaml up
	teectl -f own.yaml genesis
	teectl -f own.yaml share request -o request.json
	cores_within seal 40 11 -f own.yaml share seal --request request.json --key own-members/member1.secret \
		--share .teectl/own/shares/member1.share -o one.bundle --yes
	cores_within inject 40 11 -f own.yaml inject
	(($(ls seal.* inject.* | wc -l) > 60)) || fail "$(ls)"
	holds_nothing own seal.* inject.*
}

@test "security: a core with what is excluded from cores would have them" {
	debugger
	cluster own 1 2 2
	teectl -f own.yaml up
	teectl -f own.yaml genesis
	gdb -batch -nx -ex 'set debuginfod enabled off' -ex 'set use-coredump-filter off' -ex 'set dump-excluded-mappings on' -ex 'break envelope_seal' -ex run \
		-ex 'gcore core.all' -ex kill --args "$BUILD/teectl" -f own.yaml inject >gdb.log 2>&1 || true
	[[ -s core.all ]] || fail "$(tail -n 5 gdb.log)"
	local sought
	mapfile -t sought < <(secrets own)
	run -1 "$BUILD/needles" "${sought[@]}" -- core.all
	has "$output" 'share'
	has "$output" 'raw'
}

@test "security: even root's core image of an enclave has no secret outside what is excluded" {
	debugger
	[[ $EUID == 0 ]] || skip "needs root: nobody else may look at all"
	cluster own 2 2 3
	teectl -f own.yaml up
	teectl -f own.yaml genesis
	look() { # NAME NODE: what outlives a call would be in the first, and the kernel would write the second
		local enclave
		enclave=$(enclave_of "$2")
		gdb -batch -nx -ex 'set debuginfod enabled off' -ex 'set use-coredump-filter off' -p "$enclave" -ex "gcore $1.whole" >/dev/null 2>&1
		gcore -o "$1" "$enclave" >/dev/null 2>&1
	}
	look genesis tee1
	teectl -f own.yaml inject
	teectl -f own.yaml propagate
	look ready tee2
	(($(ls genesis.* ready.* | wc -l) == 4))
	(($(stat -c %s ready.whole) > 4 * $(stat -c %s ready.[0-9]*)))
	holds_nothing own genesis.* ready.*
}

@test "security: the enclave is not dumpable, and leaves no core" {
	[[ $EUID == 0 ]] || skip "needs root, to be another user"
	[[ $BUILD != *asan* ]] || skip "AddressSanitizer's leak check reads its own process"
	local enclave pid file as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
	cp "$BUILD/teectl-hv" hv
	chmod 755 hv image
	install -d -o 65534 -g 65534 -m 700 nobody
	mkfifo answer
	(
		ulimit -c unlimited
		exec "${as_nobody[@]}" ./hv --image image --pki nobody/pki --listen 127.0.0.1:0
	) >answer 2>log 3>&- &
	HVS+=("$!")
	read -r line <answer
	has "$line" 'listening on'
	enclave=$(pgrep -P "$!")
	for pid in "$!" "$enclave"; do
		for file in mem maps environ auxv; do
			run -1 "${as_nobody[@]}" head -c 1 "/proc/$pid/$file"
			has "$output" 'ermission denied'
		done
		run ! "${as_nobody[@]}" readlink "/proc/$pid/exe"
	done
	if command -v gcore >/dev/null; then
		cd nobody
		run ! "${as_nobody[@]}" gcore -o taken "$enclave"
		run ! compgen -G 'taken*'
		cd ..
	fi
	run -0 grep -E '^Max core file size +0 +0 ' "/proc/$enclave/limits"
	kill -ABRT "$enclave"
	wait "$!" || true
	run find . -name 'core*'
	same "$output" ''
}
