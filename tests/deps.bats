#!/usr/bin/env bats
# What a fresh machine meets first: .ci/deps, on Debian and elsewhere. The package tools are stood in for;
# what they were asked is in the file asked.

load helper

# machine TOOL...: a folder bin with what every machine has, and those tools, which write down what they
# are asked and end with the status in the file TOOL.status, if there is one.
machine() {
	local tool
	mkdir -p bin
	for tool in bash cat env; do
		ln -s "$(type -P "$tool")" "bin/$tool"
	done
	for tool in "$@"; do
		printf '#!/usr/bin/env bash\necho "%s $*" >>asked\n[[ ! -e %s.words ]] || cat %s.words\nread -r status 2>/dev/null <%s.status || status=0\nexit "$status"\n' \
			"$tool" "$tool" "$tool" "$tool" >"bin/$tool"
		chmod +x "bin/$tool"
	done
}

deps() { # STATUS SET...
	local expected=$1
	shift
	run "-$expected" --separate-stderr env PATH="$PWD/bin" "$ROOT/.ci/deps" "$@"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
}

BUILDS=(gcc make libcurl4-openssl-dev libjson-c-dev libssl-dev libyaml-dev libcbor-dev libmicrohttpd-dev libgnutls28-dev)

@test "deps: on Debian what is missing is installed by apt-get, and nothing else" {
	machine dpkg-query apt-get sudo
	echo installed >dpkg-query.words
	deps 0 build test check
	same "$stderr" ''
	run ! grep apt-get asked
	rm dpkg-query.words
	deps 0 build
	has "$stderr" 'installing: gcc make'
	run -0 grep -E '^(apt-get|sudo apt-get) install -y --no-install-recommends gcc make' asked
	for package in "${BUILDS[@]}"; do
		grep -q "install.* $package" asked || fail "$package"
	done
}

@test "deps: where the lists of packages are old they are fetched, and a failure is one" {
	machine dpkg-query apt-get sudo
	echo 100 >apt-get.status
	echo 100 >sudo.status
	deps 100 build
	run -0 grep -c 'apt-get update' asked
	same "$output" 1
}

@test "deps: elsewhere the missing packages are named, and nothing is done" {
	machine
	deps 1 build test
	has "$stderr" 'neither Debian nor Ubuntu'
	for package in "${BUILDS[@]}" bats libcmocka-dev jq; do
		has "$stderr" $'\n  '"$package"
	done
	hasnt "$stderr" valgrind
}

@test "deps: elsewhere what is there under another name is seen" {
	machine gcc make pkg-config
	deps 0 build
	deps 1 build test
	has "$stderr" $'\n  bats'
	hasnt "$stderr" libcurl
	hasnt "$stderr" libcmocka
	echo 1 >pkg-config.status
	deps 1 build
	has "$stderr" $'\n  libcurl4-openssl-dev'
	hasnt "$stderr" $'\n  gcc'
}
