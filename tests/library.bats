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
	[[ $BUILD != *asan* && $BUILD != *coverage* ]] || skip 'the program would need what the library is built with'
	run -0 make -s -C "$ROOT" install BUILD="$BUILD" DESTDIR="$PWD/root" PREFIX=/opt/teectl
	export PKG_CONFIG_PATH=$PWD/root/opt/teectl/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$PWD/root
	same "$(ls root/opt/teectl/include)" teectl
	same "$(ls root/opt/teectl/include/teectl)" teectl.h
	run -0 bash -c "cc '$ROOT/tests/example.c' \$(pkg-config --cflags --libs teectl) -o shared"
	LD_LIBRARY_PATH=root/opt/teectl/lib run --separate-stderr -66 ./shared none.yaml
	run -0 bash -c "cc '$ROOT/tests/example.c' -Iroot/opt/teectl/include/teectl root/opt/teectl/lib/libteectl.a \
		\$(PKG_CONFIG_SYSROOT_DIR= pkg-config --libs libcurl json-c libcrypto yaml-0.1 libcbor) -lpthread -o static"
	run --separate-stderr -66 ./static none.yaml
	# By the folder's name too.
	printf '#include <teectl/teectl.h>\nint main(void) { return !*teectl_version(); }\n' >named.c
	run -0 bash -c "cc named.c \$(pkg-config --cflags --libs teectl) -o named"
	LD_LIBRARY_PATH=root/opt/teectl/lib run -0 ./named
	for file in bin/teectl bin/teectl-enclave bin/teectl-hv share/man/man1/teectl.1 share/man/man5/teectl-cluster.5 \
		share/man/man8/teectl-enclave.8 share/man/man8/teectl-hv.8 share/fish/vendor_completions.d/teectl.fish \
		share/teectl/alerts.yaml share/bash-completion/completions/teectl share/zsh/site-functions/_teectl; do
		[[ -s root/opt/teectl/$file ]] || fail "$file is not installed"
	done
}

@test "library: every function of teectl.h does what it says, and refuses with status, name and words" {
	cluster lib 3 2 3
	run "$BUILD/every_call" lib.yaml
	same "$output" 'every call did what it says'
	# None is left out.
	for name in $(declared); do
		grep -q "\b$name(" "$ROOT/tests/every_call.c" || fail "$name is not called"
	done
}

@test "library: programs and library are hardened" {
	local dynamic
	for file in teectl teectl-enclave teectl-hv libteectl.so; do
		run -0 readelf -hldW "$BUILD/$file"
		dynamic=$output
		has "$dynamic" 'DYN ('
		has "$dynamic" 'GNU_RELRO'
		has "$dynamic" 'BIND_NOW'
		has "$dynamic" 'GNU_STACK'
		run ! grep -E 'GNU_STACK.*E +0x' <<<"$dynamic"
		# No segment that can be written and executed.
		run ! grep -E '^ +LOAD .* RWE ' <<<"$dynamic"
		hasnt "$dynamic" TEXTREL
		hasnt "$dynamic" RUNPATH
		hasnt "$dynamic" RPATH
	done
	for program in teectl teectl-enclave teectl-hv; do
		run -0 readelf -dW "$BUILD/$program"
		has "$output" 'PIE'
	done
}

@test "library: stack protector and fortified calls are in all of them" {
	local file symbols
	[[ $BUILD != *asan* ]] || skip 'the sanitizers take the place of _FORTIFY_SOURCE'
	for file in teectl teectl-enclave teectl-hv libteectl.so; do
		symbols=$(nm -D --undefined-only "$BUILD/$file")
		for name in __stack_chk_fail __vsnprintf_chk; do
			grep -q " $name@" <<<"$symbols" || fail "$file does not use $name"
		done
		# What a fortified build never calls by itself.
		run ! grep -E ' (vsnprintf|vfprintf)@' <<<"$symbols"
	done
}
