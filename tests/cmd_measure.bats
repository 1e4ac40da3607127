#!/usr/bin/env bats

load verb

@test "measure: the values are those that enclaves show" {
	make_cluster
	try 0 measure -o json
	json '.pcrs | length' 4
	json '.pcrs | map(.value | test("^[0-9a-f]{96}$")) | all' true
	json '.pcrs[0].measures' image
	json '.pcrs[0].pinned' null
	json .written false
	try 0 up
}

@test "measure: PCR0 is the image's, bit by bit" {
	make_cluster
	cp "$BUILD/teectl-enclave" enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	local expected
	expected=$({
		head -c 48 /dev/zero
		sha384sum enclave | cut -c1-96 | tr a-f A-F | basenc -d --base16
	} | sha384sum | cut -c1-96)
	try 0 measure -o json
	json '.pcrs[0].value' "$expected"
	printf x >>enclave
	try 0 measure -o json
	[[ $(jq -r '.pcrs[0].value' <<<"$output") != "$expected" ]]
	[[ $(jq -r '.pcrs[0].value' <<<"$output") =~ ^[0-9a-f]{96}$ ]]
}

@test "measure: PCR3 is the role's" {
	make_cluster
	local expected
	expected=$({
		head -c 48 /dev/zero
		printf demo-operators
	} | sha384sum | cut -c1-96)
	try 0 measure -o json
	json .role demo-operators
	json '.pcrs[3].value' "$expected"
}

@test "measure: --write pins, and leaves the rest of the file as it is" {
	make_cluster
	cp cluster.yaml before.yaml
	try 0 measure
	prints "0    image           no"
	says "next: teectl measure --write"
	try 0 measure --write
	says "PCR0 to 3 are pinned"
	prints "0    image           new"
	hasnt "$output" same
	says "next: teectl up"
	[[ $(diff before.yaml cluster.yaml | grep -c '^<') -eq 0 ]]
	try 0 validate
	says "next: teectl up"
	try 0 measure -o json
	[[ -z $stderr ]]
	json '.pcrs | map(.pinned == .value) | all' true
	try 0 measure
	prints "0    image           same"
	try 0 measure --write
	prints "0    image           same"
	sed -i 's/^  role: .*/  role: others/' cluster.yaml
	try 0 measure --write
	prints "0    image           same"
	prints "3    role            changed"
	rm before.yaml
}

@test "measure: the pins of the member sets are those that up passes" {
	make_cluster --nodes 1
	try 0 measure -o json
	local manifest share
	manifest=$(jq -r .manifest_set_pin <<<"$output") share=$(jq -r .share_set_pin <<<"$output")
	try 0 measure
	prints "--pin-manifest-set $manifest"
	prints "--pin-share-set $share"
	try 0 validate -o json
	json .manifest_set_pin "$manifest"
	json .share_set_pin "$share"
	try 0 up
	tr '\0' '\n' <"/proc/$(pgrep -P "$(cut -d' ' -f1 .teectl/demo/pids/tee1)")/cmdline" >options
	grep -q -e "--pin-manifest-set=$manifest" options
	grep -q -e "--pin-share-set=$share" options
}

le32() {
	printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x00\\x00"
}

@test "measure: PCR2 is of the options that are printed, the client CA's certificates among them" {
	make_cluster --nodes 1
	teectl pki init >/dev/null
	teectl pki issue server --server --host 127.0.0.1 >/dev/null
	sed -i '/insecureOpenSeed/d; /^tls:/,$d' cluster.yaml
	echo 'tls: { ca: pki/ca.pem, server: { cert: pki/server.pem, key: pki/server.key, clientCa: pki/ca.pem } }' >>cluster.yaml
	local ca expected name value
	ca=$(openssl x509 -in pki/ca.pem -outform der | sha256sum | cut -d ' ' -f 1)
	try 0 measure
	prints "PCR2 is of these options, in effect:"
	prints "--client-ca of the certificates with SHA-256 $ca"
	prints "--max-body 1048576"
	hasnt "$output" "--listen"
	hasnt "$output" "--tls-key"
	try 0 measure -o json
	json '.options[] | select(.name == "client-ca").value' "$ca"
	{
		le32 "$(jq '.options | length' <<<"$output")"
		while read -r name value; do
			le32 "${#name}"
			printf %s "$name"
			le32 "${#value}"
			printf %s "$value"
		done < <(jq -r '.options | sort_by(.name)[] | "\(.name) \(.value)"' <<<"$output")
	} >options
	expected=$({
		head -c 48 /dev/zero
		sha384sum options | cut -c1-96 | tr a-f A-F | basenc -d --base16
	} | sha384sum | cut -c1-96)
	json '.pcrs[2].value' "$expected"
	# An open seed is one of them, as a flag.
	rm -r cluster.yaml members
	make_cluster --nodes 1
	try 0 measure
	[[ $output == *$'\n--insecure-open-seed\n'* ]] || fail "no flag"
}

@test "measure: a pin that differs is shown" {
	make_cluster
	cp "$BUILD/teectl-enclave" enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	try 0 measure --write
	printf x >>enclave
	try 2 measure
	says "PCR0 (image): not as pinned in './cluster.yaml'"
	prints "0    image           differs"
	prints "1    runtime         same"
	try 5 up
	says "PCR0"
}

@test "measure: who starts teectl may ignore the end of its children" {
	make_cluster --nodes 1
	run -0 --separate-stderr env --ignore-signal=CHLD "$BUILD/teectl" measure
	run -0 --separate-stderr env --ignore-signal=CHLD "$BUILD/teectl" up
	says 'tee1: verified'
}

# library_image SONAME FLAG...: an image that needs ./l/NAME by that soname
library_image() {
	local name=${1##*/} soname=$1

	shift
	mkdir -p l
	echo 'int value(void) { return 1; }' >library.c
	echo 'int value(void); int main(void) { return value(); }' >image.c
	cc -shared -fPIC "-Wl,-soname,$soname" library.c -o "l/$name"
	cc image.c "l/$name" -Wl,--unresolved-symbols=ignore-all "$@" -o enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
}

# held_loader: the loader below process $1, by then held up by a library that is a FIFO: in $loader,
# and the FIFO open in $held.
held_loader() {
	local child=$1

	exec {held}>l/libvalue.so
	while [[ $child ]]; do
		loader=${child% }
		child=$(<"/proc/$loader/task/$loader/children")
	done
	has "$(tr '\0' ' ' <"/proc/$loader/cmdline")" "--list /proc/self/fd/3"
}

# An image, enclave, which needs a FIFO.
held_image() {
	library_image libvalue.so "-Wl,-rpath,$PWD/l"
	rm l/libvalue.so
	mkfifo l/libvalue.so
}

@test "measure: a loader that never ends is given up, has no descriptor of ours, and gets no new rights" {
	local verb held loader fd

	make_cluster
	held_image
	"$BUILD/teectl" measure 9<image.c 2>said >/dev/null 3>&- 4>&- &
	verb=$!
	held_loader "$verb"
	[[ $(sed -n 's/^NoNewPrivs:\s*//p' "/proc/$loader/status") == 1 ]]
	for fd in "/proc/$loader/fd/"*; do
		case $(readlink "$fd") in
		/dev/null | pipe:* | /memfd:* | "$PWD/l/libvalue.so") ;;
		*) fail "the loader has $(readlink "$fd")" ;;
		esac
	done
	wait "$verb" && fail "it was measured" || [[ $? == 65 ]]
	has "$(<said)" "the image's loader has not ended within 10 s"
	exec {held}>&-
}

@test "measure: the loader of an image that is measured ahead ends with teectl" {
	local verb held loader
	make_cluster --nodes 1
	held_image
	# A node that keeps it waiting meanwhile.
	mitm mute --to http://127.0.0.1:1 status:held
	sed -i 's|listen: .*|url: "'"$mute"'" }|' cluster.yaml
	"$BUILD/teectl" propagate >/dev/null 2>&1 3>&- 4>&- &
	verb=$!
	held_loader "$verb"
	kill -0 "$loader"
	kill -INT "$verb"
	wait "$verb" || true
	# One that has ended has none, though nobody may have waited for it.
	while [[ -e /proc/$loader/exe ]]; do :; done
	exec {held}>&-
	stop_hvs
}

@test "measure: a library that is called like the kernel's own is measured" {
	local before

	make_cluster
	library_image linux-vdso.so.9 "-Wl,-rpath,$PWD/l"
	try 0 measure -o json
	before=$(jq -r '.pcrs[1].value' <<<"$output")
	echo 'int value(void) { return 2; }' >library.c
	cc -shared -fPIC -Wl,-soname,linux-vdso.so.9 library.c -o l/linux-vdso.so.9
	try 0 measure -o json
	[[ $before =~ ^[0-9a-f]{96}$ ]]
	[[ $(jq -r '.pcrs[1].value' <<<"$output") != "$before" ]]
}

@test "measure: a library that is called like the loader is refused" {
	local loader

	make_cluster
	loader=$(readelf -l "$BUILD/teectl" | sed -n 's|.*interpreter: \(.*\)\]|\1|p')
	library_image "$PWD/l/${loader##*/}"
	try 65 measure
	says "the image has two libraries '${loader##*/}'"
}

@test "measure: the loader by a path that others may lead elsewhere is refused" {
	local loader

	make_cluster
	loader=$(readelf -l "$BUILD/teectl" | sed -n 's|.*interpreter: \(.*\)\]|\1|p')
	library_image "$PWD/l/${loader##*/}"
	ln -sf "$(readlink -f "$loader")" "l/${loader##*/}"
	try 0 measure
	chmod 0777 l
	try 65 measure
	says "its folder '$PWD/l' has mode 0777: whoever is on this machine may put another in its place"
}

@test "measure: where libraries are looked for, nobody else may make one" {
	make_cluster --nodes 1
	mkdir -p open
	library_image libvalue.so "-Wl,-rpath,$PWD/none/lib:$PWD/open/none/lib:$PWD/l"
	try 0 measure
	chmod 1777 open
	try 65 measure
	says "its folder '$PWD/open' has mode 1777: whoever is on this machine may make there what is looked for"
	run -65 --separate-stderr "$BUILD/teectl-hv" --pki "$PWD/pki" --image enclave --listen 127.0.0.1:0
	has "$stderr" "whoever is on this machine may make there what is looked for"
	library_image libvalue.so "-Wl,-rpath,$PWD/open/\$LIB:$PWD/l"
	try 65 measure
	says "its search folder '$PWD/open/' has mode 1777: whoever is on this machine may make files there"
	chmod 0755 open
	try 0 measure
}

@test "measure: each name that is looked for, and each folder on the way to it, is nobody else's" {
	make_cluster
	mkdir -p open first/glibc-hwcaps
	library_image libvalue.so "-Wl,-rpath,$PWD/first:$PWD/l"
	try 0 measure
	chmod 1777 open
	ln -s "$PWD/open/none.so" first/libvalue.so
	try 65 measure
	says "the image's loader looks for '$PWD/first/libvalue.so': its folder '$PWD/open' has mode 1777: whoever is on this machine may make there what is looked for"
	rm first/libvalue.so
	chmod 1777 first/glibc-hwcaps
	try 65 measure
	says "its folder '$PWD/first/glibc-hwcaps' has mode 1777: whoever is on this machine may make there what is looked for"
	rm -r first/glibc-hwcaps
	ln -s "$PWD/open/none" first/glibc-hwcaps
	try 65 measure
	says "its folder '$PWD/open' has mode 1777"
	rm first/glibc-hwcaps
	# One of another machine is passed over now, and may become one of this.
	{ head -c 4 l/libvalue.so && printf '\1' && tail -c +6 l/libvalue.so; } >first/libvalue.so
	try 0 measure
	chmod 0666 first/libvalue.so
	try 65 measure
	says "the image's loader looks for '$PWD/first/libvalue.so'"
	says "has mode 0666: whoever is on this machine may write to it"
	rm first/libvalue.so
	try 0 measure
}

@test "measure: a library that names what the loader does not list is refused" {
	make_cluster
	library_image libvalue.so "-Wl,-rpath,$PWD/l"
	cc -shared -fPIC -Wl,-soname,libvalue.so library.c -o l/libvalue.so "-Wl,--auxiliary,$PWD/none.so"
	try 65 measure
	says "the image's library '$PWD/l/libvalue.so': its DT_AUXILIARY names what the loader's list does not show"
}

@test "measure: of a library also where it has others looked for" {
	make_cluster
	mkdir -p open
	library_image libvalue.so "-Wl,-rpath,$PWD/l"
	cc -shared -fPIC -Wl,-soname,libvalue.so library.c -o l/libvalue.so "-Wl,-rpath,\$ORIGIN/../open"
	try 0 measure
	chmod 1777 open
	try 65 measure
	says "the image's library '$PWD/l/libvalue.so': its search folder '$PWD/l/../open' has mode 1777"
	# What it needs is looked for where one is when it is started.
	cc -shared -fPIC -Wl,-soname,libother.so library.c -o l/libother.so
	cc -shared -fPIC -Wl,-soname,libvalue.so library.c -o l/libvalue.so -Wl,--no-as-needed l/libother.so "-Wl,-rpath,other:$PWD/l"
	try 65 measure
	says "the image's loader looks in 'other"
	says "which is another one when it is run"
}

@test "measure: an image that has libraries looked for beside itself, or where it is started, is refused" {
	local folder

	make_cluster
	for folder in '$ORIGIN/l' '${ORIGIN}/l' l ''; do
		library_image libvalue.so "-Wl,-rpath,$folder:$PWD/l"
		try 65 measure
		says "it has libraries looked for in '$folder', which is another folder when it is run"
	done
}

@test "measure: a library that others may write to is refused, by who launches as well" {
	make_cluster --nodes 1
	library_image libvalue.so "-Wl,-rpath,$PWD/l"
	try 0 measure
	chmod o+w l/libvalue.so
	try 65 measure
	says "'$PWD/l/libvalue.so' has mode 0757: whoever is on this machine may write to it"
	run -65 --separate-stderr "$BUILD/teectl-hv" --pki "$PWD/pki" --image enclave --listen 127.0.0.1:0
	has "$stderr" "has mode 0757: whoever is on this machine may write to it"
	chmod o-w l/libvalue.so
	chmod 0777 l
	try 65 measure
	says "its search folder '$PWD/l' has mode 0777: whoever is on this machine may make files there"
}

@test "measure: an image that is missing or no program" {
	make_cluster
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	try 66 measure
	says "enclave"
	echo "no program" >enclave
	try 65 measure
	says "enclave"
}

@test "measure: a narrow terminal cuts the widest column, in colour unless NO_COLOR is set" {
	make_cluster
	on_terminal() { # of 50 columns
		script -qec "stty cols 50; '$BUILD/teectl' measure" /dev/null | tr -d '\r'
	}
	TERM=xterm run -0 on_terminal
	[[ ${lines[1]} == *$'\033[2mno\033[0m'* ]]
	[[ ${lines[1]} == *… ]]
	NO_COLOR=1 TERM=xterm run -0 on_terminal
	[[ $output != *$'\033'* ]]
	same "$(LC_ALL=C.UTF-8 bash -c 'echo ${#1}' _ "${lines[1]}")" 50
	teectl measure >file
	run ! grep -q … file
}

@test "measure: --write pins nothing that the cluster's manifest contradicts" {
	make_cluster --nodes 1
	try 0 up
	try 0 genesis
	sed -i 's/threshold: 2/threshold: 3/' cluster.yaml
	cp cluster.yaml before.yaml
	try 2 measure --write
	says "nothing was pinned: PCR2 (launch options) is not what this cluster's manifest says"
	says "put back what PCR2 (launch options) measures"
	cmp cluster.yaml before.yaml
	sed -i 's/threshold: 3/threshold: 2/' cluster.yaml
	try 0 measure --write
	try 2 status
}

@test "measure: --write --next pins for the manifest that is to follow, which has the same sets and role" {
	make_cluster --nodes 1
	cp "$BUILD/teectl-enclave" enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	try 0 measure --write
	try 0 up
	try 0 genesis
	try 64 measure --next
	says "--next says for whom --write pins: it needs --write"
	printf x >>enclave
	try 2 measure
	says "if what differs is what you mean to run next, teectl measure --write --next pins it"
	cp cluster.yaml before.yaml
	try 2 measure --write
	says "nothing was pinned: PCR0 (image) is not what this cluster's manifest says"
	says "expected $(sed -n 's/ *0: *"\?\([0-9a-f]*\)"\?.*/\1/p' cluster.yaml | tail -n 1), found "
	says "for the manifest that is to follow: teectl measure --write --next, then teectl manifest new"
	cmp cluster.yaml before.yaml
	try 0 measure --write --next
	says "PCR0 to 3 are pinned for the manifest that is to follow"
	says "next: teectl manifest new --out next.json"
	prints "0    image           changed"
	try 5 verify
	says "pins of the next image hold once its manifest is adopted: teectl manifest adopt"
	# What runs may have the only copy of the key, and none like it could be launched now.
	says "leave the TEEs as they are: where one has the key, none like it could be launched now"
	hasnt "$stderr" "teectl down"
	cp before.yaml cluster.yaml
	sed -i 's/threshold: 2/threshold: 3/' cluster.yaml
	cp cluster.yaml before.yaml
	try 2 measure --write --next
	says "nothing was pinned"
	says "put back what PCR0"
	sed -i -e 's/threshold: 3/threshold: 2/' -e 's/role: demo-operators/role: others/' cluster.yaml
	cp cluster.yaml before.yaml
	try 2 measure --write --next
	says "nothing was pinned"
	cmp cluster.yaml before.yaml
}

@test "measure: --write --next of a member's own folder, which keeps no genesis, is followed by his approval" {
	make_cluster --nodes 1
	try 0 measure --write --next
	says "next: teectl manifest approve FILE --key KEY"
	hasnt "$stderr" "teectl up"
}

@test "measure: behind up it is the genesis that comes next" {
	make_cluster --nodes 2
	try 0 measure --write
	says "next: teectl up"
	try 0 up
	try 0 measure --write
	says "next: teectl genesis"
	try 0 down tee2
	try 0 measure
	says "next: teectl up"
	try 0 up
	try 0 genesis
	try 0 measure
	says "next: teectl up"
}

@test "measure: on a machine with one member's key it is the operator who launches" {
	make_cluster --nodes 1
	sed -i 's|key: members/\(member[23]\).secret|pub: members/\1.pub|' cluster.yaml
	try 0 measure --write
	says "next: teectl up, by the operator"
	try 0 up
	try 0 measure
	says "next: teectl genesis"
}
