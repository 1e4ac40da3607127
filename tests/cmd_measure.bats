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
	try 0 measure --write
	says "PCR0 to 3 are pinned"
	[[ $(diff before.yaml cluster.yaml | grep -c '^<') -eq 0 ]]
	try 0 validate
	try 0 measure -o json
	json '.pcrs | map(.pinned == .value) | all' true
	try 0 measure
	prints "0    image           same"
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

@test "measure: an image whose audit library never ends is given up, with no new rights on the way" {
	make_cluster
	cat >audit.c <<-'EOF'
		#include <fcntl.h>
		#include <sys/prctl.h>
		#include <unistd.h>
		unsigned la_version(unsigned version)
		{
			(void)version;
			close(open(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? "bound" : "free", O_CREAT, 0600));
			for (;;)
				pause();
		}
	EOF
	echo 'int main(void) { return 0; }' >image.c
	cc -shared -fPIC audit.c -o audit.so
	cc image.c -Wl,--audit="$PWD/audit.so" -o enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	try 65 measure
	says "the image's loader has not ended within 10 s"
	[[ -e bound && ! -e free ]]
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
