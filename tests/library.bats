#!/usr/bin/env bats
# libteectl: the example of teectl.h, what is visible, and what `make install` leaves.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	[[ ! -e lib.yaml ]] || teectl -f lib.yaml down >/dev/null 2>&1 || true
}

@test "library: the ten lines of the example bring a cluster to a proven key" {
	cluster lib 3 2 3
	run --separate-stderr -0 "$BUILD/example" lib.yaml
	same "$output" 'every enclave holds the quorum key'
	run --separate-stderr -0 teectl -f lib.yaml verify
	has "$output" '3 of 3 ready'
}

@test "library: an error carries the exit status and one sentence" {
	run --separate-stderr -66 "$BUILD/example" none.yaml
	has "$stderr" "none.yaml"
}

# The public names are those that teectl.h declares, no more and no fewer.
declared() {
	grep -oE '\bteectl_[a-z_]+\(' "$ROOT/lib/teectl.h" | tr -d '(' | sort -u
}

@test "library: the shared library shows its public functions alone" {
	run -0 bash -c "nm -D --defined-only '$BUILD/libteectl.so' | awk '\$2 == \"T\" || \$2 == \"D\" || \$2 == \"B\" {print \$3}' | sort -u"
	same "$output" "$(declared)"
}

@test "library: the static library shows its public functions alone" {
	run -0 bash -c "nm --defined-only '$BUILD/libteectl.a' | awk '\$2 ~ /^[A-Z]\$/ {print \$3}' | sort -u"
	same "$output" "$(declared)"
}

@test "library: installed, another program builds against it by pkg-config, shared and static" {
	[[ $BUILD != *-asan ]] || skip 'the program would need the sanitizers too'
	run -0 make -s -C "$ROOT" install BUILD="$BUILD" DESTDIR="$PWD/root" PREFIX=/opt/teectl
	export PKG_CONFIG_PATH=$PWD/root/opt/teectl/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$PWD/root
	run -0 bash -c "cc '$ROOT/tests/example.c' \$(pkg-config --cflags --libs teectl) -o shared"
	LD_LIBRARY_PATH=root/opt/teectl/lib run --separate-stderr -66 ./shared none.yaml
	run -0 bash -c "cc '$ROOT/tests/example.c' -Iroot/opt/teectl/include root/opt/teectl/lib/libteectl.a \
		\$(PKG_CONFIG_SYSROOT_DIR= pkg-config --libs libcurl json-c libcrypto yaml-0.1 libcbor) -lpthread -o static"
	run --separate-stderr -66 ./static none.yaml
	for file in bin/teectl bin/teectl-enclave bin/teectl-hv share/man/man1/teectl.1 share/man/man5/teectl-cluster.5 \
		share/man/man8/teectl-enclave.8 share/man/man8/teectl-hv.8 share/fish/vendor_completions.d/teectl.fish \
		share/bash-completion/completions/teectl share/zsh/site-functions/_teectl; do
		[[ -s root/opt/teectl/$file ]] || fail "$file is not installed"
	done
}

@test "library: the programs are hardened" {
	for program in teectl teectl-enclave teectl-hv; do
		run -0 readelf -hldW "$BUILD/$program"
		has "$output" 'DYN (Position-Independent Executable'
		has "$output" 'GNU_RELRO'
		has "$output" 'BIND_NOW'
		[[ ! $output =~ GNU_STACK[^\n]*RWE ]] || fail 'an executable stack'
	done
}
