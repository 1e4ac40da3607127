#!/usr/bin/env bats
# The rules of style that a program can check. A failing test prints file and line.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/.."
	# Every source without comments and the contents of strings, line numbers kept.
	export BARE=$BATS_FILE_TMPDIR/bare
	local file
	while read -r file; do
		mkdir -p "$BARE/${file%/*}"
		strip "$file" >"$BARE/$file"
	done < <(sources)
}

setup() {
	cd "$BATS_TEST_DIRNAME/.."
}

sources() {
	git ls-files --cached --others --exclude-standard '*.c' '*.h'
}

strip() {
	perl -0pe 's{(/\*.*?\*/)|("(?:\\.|[^"\\\n])*")|('"'"'(?:\\.|[^'"'"'\\])+'"'"')}
		{ my ($c, $s) = ($1, $2 // $3); if (defined $c) { $c =~ s/[^\n]//g; $c } else { substr($s, 0, 1) x 2 } }gse' "$1"
}

# refuse REASON PATTERN FILE...: no line of those stripped files matches.
refuse() {
	local reason=$1 pattern=$2 found
	shift 2
	found=$(cd "$BARE" && grep -nP -e "$pattern" -- "$@" || true)
	[[ -z $found ]] || {
		printf '%s:\n%s\n' "$reason" "$found" >&2
		return 1
	}
}

product() { # sources that are not tests
	sources | grep -v '^tests/'
}

layer() { # sources of one
	sources | grep "^$1/"
}

@test "lint: no banned function" {
	refuse "use buf, text.h or snprintf" \
		'\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|strtol|strtoul|strtod|sscanf|alloca|system|popen|gets|rand|random)\s*\(' \
		$(product)
}

@test "lint: one function prints what comes next" {
	local found
	# What watch prints are its events, which are data.
	found=$(grep -n '"next: ' cmd/*.c | grep -v '^cmd/cmd_watch\.c:')
	[[ $found == cmd/print.c:* && $found != *$'\n'* ]] || {
		printf 'print_next prints it:\n%s\n' "$found" >&2
		return 1
	}
}

@test "lint: no goto" {
	refuse "AUTO makes it needless" '\bgoto\b' $(product)
}

@test "lint: only main leaves the program" {
	refuse "return an error" '(?<![_\w])exit\s*\(' $(product | grep -v '/main\.c$')
	refuse "return an error" '\babort\s*\(' $(product)
}

@test "lint: the library prints nothing" {
	refuse "only cmd/ and the servers' log print" '\b(printf|vprintf|fprintf|vfprintf|dprintf|puts|putchar|fputs|fputc|perror|stdout|stderr)\b' \
		$(layer lib | grep -v '^lib/cluster/launcher\.c$')
	# Between fork and exec standard error is the node's log.
	refuse "only to the child's log" '\b(printf|fprintf|puts|fputs|stdout)\b|dprintf\s*\((?!2,)' lib/cluster/launcher.c
}

@test "lint: includes point to the same folder or to a lower layer" {
	local layers=(base crypto attest proto client cluster orchestrate cmd) i
	for ((i = 0; i < ${#layers[@]}; i++)); do
		local allowed folder=lib/${layers[i]}
		allowed=$(IFS='|' && echo "${layers[*]:0:i+1}")
		[[ ${layers[i]} != cmd ]] || folder=cmd
		[[ ${layers[i]} != orchestrate ]] || allowed+='|teectl\.h'
		# A program's own folder needs no name.
		[[ ${layers[i]} != cmd ]] || allowed+='|[a-z_]+\.h'
		includes "$folder" "$allowed"
	done
	includes enclave-stub/enclave 'base|crypto|attest|proto|enclave'
	includes enclave-stub/hv 'base|crypto|attest|proto|hv'
}

includes() { # FOLDER ALLOWED
	local found
	found=$(layer "$1" | xargs grep -nE '^#include "' | grep -vE "#include \"($2)(/|\")" || true)
	[[ -z $found ]] || {
		printf '%s may not include:\n%s\n' "$1" "$found" >&2
		return 1
	}
}

@test "lint: a foreign header appears only where ARCHITECTURE.md's table says" {
	foreign json-c '^lib/proto/wire\.c$'
	foreign 'yaml\.h' '^lib/cluster/config\.c$'
	foreign 'curl/' '^lib/client/'
	foreign 'openssl/' '^lib/crypto/|^lib/attest/(cose\.c|chain\.c|chain_cache\.[ch])$|^lib/base/secret\.c$'
	foreign 'cbor' '^lib/attest/cbor\.c$'
	foreign 'microhttpd|gnutls/' '^enclave-stub/enclave/http(_peer\.[ch]|\.c)$|^cmd/metrics_server\.c$'
}

foreign() { # HEADER ALLOWED-FILES
	local found
	found=$(product | grep -vE "$2" | xargs grep -nE "^#include <($1)" || true)
	[[ -z $found ]] || {
		printf '%s only in %s:\n%s\n' "$1" "$2" "$found" >&2
		return 1
	}
}

@test "lint: no function is longer than 80 lines" {
	local long files
	files=$(product)
	long=$(cd "$BARE" && awk '
		FNR == 1 { start = 0 }
		/^\{/ { start = FNR }
		/^\}/ && start { length_ = FNR - start - 1; if (length_ > 60) print length_, FILENAME ":" start; start = 0 }' $files)
	[[ -z $long ]] || printf '# over 60 lines: %s\n' "$long" >&3
	[[ -z $(awk '$1 > 80' <<<"$long") ]]
}

@test "lint: what can fail is MUST_CHECK" {
	local found files
	files=$(product | grep '\.h$' | grep -v '^lib/base/err\.h$')
	found=$(cd "$BARE" && perl -0ne '
		while (/^((?:[a-zA-Z_][^;{}()#]*?)\b(\w+)\(([^;{}]*?struct err \*e\b[^;{}]*)\))[^;{}]*[;{]/mg) {
			my ($all, $name) = ($1, $2);
			print "$ARGV: $name\n" if $all =~ /^\s*(?:static inline )?int\b/ && $all !~ /MUST_CHECK|\.\.\.\)/; # makers of errors take a format
		}' $files)
	[[ -z $found ]] || {
		printf '%s\n' "$found" >&2
		return 1
	}
}

@test "lint: struct err is the last parameter" {
	refuse "e comes last; a format and its arguments may follow" 'struct err \*e, (?!.*format|enum err_code)' \
		$(product | grep '\.h$')
}

@test "lint: secrets are read by few" {
	# What sends, decides or prints has no business with a secret's bytes. The three: a key file whose half
	# is not known before it is read, the hash of a share, and a passphrase that is typed twice.
	refuse "leave the secret in its struct" '\bsecret_view\b' $(layer lib/client) $(layer lib/cluster) \
		$(layer lib/orchestrate | grep -v '/share\.c$') $(layer cmd | grep -vE '/(cmd_member_show|passphrase)\.c$')
}

@test "lint: no word about later" {
	local found
	found=$(git ls-files --cached --others --exclude-standard '*.c' '*.h' '*.bats' '*.bash' Makefile |
		grep -v '^tests/lint\.bats$' | xargs grep -nE '\b(TODO|FIXME|XXX|HACK)\b|[Ff]or now\b' || true)
	[[ -z $found ]] || {
		printf '%s\n' "$found" >&2
		return 1
	}
}

@test "lint: tests neither sleep nor poll by time" {
	local found
	found=$(git ls-files --cached --others --exclude-standard tests | grep -E '\.(bats|bash|c|h)$|/(run|demo)$' |
		grep -v '^tests/lint\.bats$' | xargs grep -nE '(^|[^[:alnum:]_."'"'"'])(sleep [0-9.$]|u?sleep\(|nanosleep\()' || true)
	[[ -z $found ]] || {
		printf '%s\n' "$found" >&2
		return 1
	}
}

@test "lint: no bare ! in bats, which fails only on a last line" {
	local found
	found=$(grep -nE '^\s*! ' tests/*.bats tests/*.bash || true)
	[[ -z $found ]] || {
		printf 'use run !, or [[ ! … ]]:\n%s\n' "$found" >&2
		return 1
	}
}

@test "lint: no port is fixed in a test" {
	local found
	found=$(grep -nE -e '--listen[ =]127.0.0.1:[1-9][0-9]{3}' tests/*.bats tests/*.bash || true)
	[[ -z $found ]] || {
		printf 'port 0 lets the system choose:\n%s\n' "$found" >&2
		return 1
	}
}

@test "lint: headers guard themselves by their path" {
	local file guard
	while read -r file; do
		guard=${file#lib/}
		guard=${guard#enclave-stub/}
		guard=TEECTL_$(tr 'a-z/.-' 'A-Z___' <<<"$guard")
		guard=${guard/TEECTL_TEECTL_H/TEECTL_H}
		grep -qx "#ifndef $guard" "$file" || {
			printf '%s: expected #ifndef %s\n' "$file" "$guard" >&2
			return 1
		}
	done < <(product | grep '\.h$')
}

@test "lint: sources are as clang-format has them" {
	local found
	# Each of its versions has ways of its own: this is the one that the tree was formatted by.
	[[ $(clang-format --version 2>/dev/null) == *' version 14.'* ]] || skip "clang-format 14 is not here"
	found=$(sources | xargs clang-format --dry-run 2>&1 | grep 'clang-format' || true)
	if [[ -n $found ]]; then
		printf '%s\n' "$found" "clang-format -i does what is wanted" >&2
		return 1
	fi
}
