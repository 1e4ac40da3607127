# What the tests of single verbs share. Each test runs in a folder of its own.
load helper

# What the caller's environment says is no test's business.
for variable in "${!TEECTL_@}"; do
	[[ $variable == TEECTL_BUILD ]] || unset "$variable"
done
unset variable NO_COLOR

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# Whatever a test launched goes with it, also when the test fails.
teardown() {
	verb_teardown
}

verb_teardown() {
	local file
	[[ -d $BATS_TEST_TMPDIR/.teectl ]] || return 0
	for file in "$BATS_TEST_TMPDIR"/*.yaml; do
		teectl -f "$file" down >/dev/null 2>&1 || true
	done
}

# try STATUS ARGUMENT...: runs teectl, which must end with that status; fills $output and $stderr.
try() {
	local status_expected=$1
	shift
	run "-$status_expected" --separate-stderr teectl "$@"
}

# json FILTER VALUE: what the last try printed has that value.
json() {
	same "$1 = $(jq -r "$1" <<<"$output")" "$1 = $2"
}

# says WORDS: they are on the last try's standard error. prints: on its standard output.
says() {
	has "$stderr" "$1"
}

prints() {
	has "$output" "$1"
}

# make_cluster [OPTION OF init]...: cluster.yaml with ports that the system chooses, and the keys of its
# members, all of them here.
make_cluster() {
	teectl init --port 0 --image "$BUILD/teectl-enclave" "$@" >/dev/null 2>&1
	sed -i 's|, pub: members/[^ ]*||' cluster.yaml
	teectl member keygen $(sed -n 's/.*key: \(.*\)\.secret.*/\1/p' cluster.yaml) >/dev/null
}
