#!/usr/bin/env bats
# The committed completions and manual pages are those of the binary, and nothing in the tables lacks
# its words.

load verb

verbs() {
	teectl help -o json | jq -r '.verbs[].name'
}

@test "docs: the committed completions are what the binary prints (make docs)" {
	cmp <(teectl completion bash) "$ROOT/completions/teectl.bash"
	cmp <(teectl completion zsh) "$ROOT/completions/_teectl"
	cmp <(teectl completion fish) "$ROOT/completions/teectl.fish"
}

@test "docs: the committed manual pages are what the binary prints (make docs)" {
	teectl help --pages | sort >pages
	(cd "$ROOT/man" && printf '%s\n' *.[0-9] | sort) >committed
	diff pages committed
	while read -r page; do
		teectl help --man "$page" | cmp - "$ROOT/man/$page"
	done <pages
}

@test "docs: mandoc has no complaint about a page" {
	run -0 mandoc -T lint -W warning "$ROOT"/man/*.[0-9]
	[[ -z $output ]]
}

@test "docs: every page that another one refers to is there" {
	sed -n 's/^\.Xr \([^ ]*\) \([0-9]\).*/\1.\2/p' "$ROOT"/man/*.[0-9] | tr -d '\\' | sort -u >named
	[[ -s named ]]
	while read -r page; do
		[[ -e $ROOT/man/$page ]] || fail "no page $page"
	done <named
}

@test "docs: every verb has a bats file, a page, and a summary of at most 60 characters without full stop" {
	verbs >names
	[[ $(wc -l <names) -gt 10 ]]
	while read -r verb; do
		[[ -e $ROOT/tests/cmd_${verb// /_}.bats ]] || fail "$verb has no tests/cmd_${verb// /_}.bats"
		[[ -e $ROOT/man/teectl-${verb// /-}.1 ]] || fail "$verb has no page"
		grep -q "^@test \"$verb: " "$ROOT/tests/cmd_${verb// /_}.bats" || fail "$verb has no test"
	done <names
	run -0 jq -r '.verbs[] | select((.summary | length > 60) or (.summary | endswith(".")) or
		(.summary | test("^[A-Z][a-z]"))) | .name' <(teectl help -o json)
	[[ -z $output ]]
}

@test "docs: every option says what it is for, in one line without full stop" {
	run -0 jq -r '.verbs[] | .name as $verb | .options[] |
		select(.doc | (. == "") or endswith(".") or contains("\n")) | "\($verb): \(.name)"' \
		<(teectl help -o json)
	[[ -z $output ]]
}

@test "docs: a letter means the same option in every verb" {
	teectl help -o json | jq -r '.verbs[] | .options[] | select(.letter) | "\(.letter) \(.name)"' | sort -u >letters
	[[ -s letters ]]
	run -0 bash -c 'cut -d" " -f1 letters | uniq -d'
	[[ -z $output ]]
}

@test "docs: every exit status of the error table is in the manual, and none besides" {
	{
		echo 0
		sed -n 's/.*X(ERR_[A-Z_]*, "[^"]*", *[0-9]*, *[0-9]*, *\([0-9]*\), .*/\1/p' "$ROOT/lib/base/err.h"
	} | sort -nu >table
	[[ $(wc -l <table) -gt 10 ]]
	sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It \([0-9]*\)$/\1/p' "$ROOT/man/teectl.1" | sort -n >manual
	diff table manual
}

@test "docs: every exit status that a verb's tests expect is documented for it" {
	teectl help -o json >help
	verbs >names
	while read -r verb; do
		grep -oE '^[^#]*\btry [0-9]+ (-f [^ ]+ )?'"$verb"'( |$)' "$ROOT/tests/cmd_${verb// /_}.bats" |
			sed -E 's/.*try ([0-9]+) .*/\1/' | sort -u >expected || true
		while read -r number; do
			jq -e --arg verb "$verb" --argjson status "$number" '.verbs[] | select(.name == $verb) |
				.exit_statuses | map(.status) | contains([$status])' help >/dev/null ||
				fail "$verb ends with $number, which its manual does not say"
		done <expected
	done <names
}

@test "docs: what an enclave refuses has its cause and cure, in the words of the contract" {
	for words in "Attestation document verification failed" "Invalid state transition" \
		"Key injection failed" "Manifest envelope not found"; do
		grep -A3 "\"$words\"" "$ROOT/man/teectl.1" | grep -q "^Cause: "
		grep -A3 "\"$words\"" "$ROOT/man/teectl.1" | grep -q "^Cure: "
	done
	sed -n 's/.*X(ERR_[A-Z_]*, "[^"]*", *\([1-9][0-9]*\), .*/\1/p' "$ROOT/lib/base/err.h" | sort -u >codes
	sed -n 's/^\.It Em .* Pq \([0-9]*\)$/\1/p' "$ROOT/man/teectl.1" | sort -u >manual
	diff codes manual
}

@test "docs: the examples of a verb can be parsed" {
	sed -n 's/^\.Dl "teectl \([^|><(]*\).*"$/\1/p' "$ROOT"/man/*.1 | sed 's/\\-/-/g; s/ *$//' >examples
	[[ $(wc -l <examples) -gt 10 ]]
	while read -r example; do
		# --help stops it before it does anything, and after it has been read.
		teectl $example --help >/dev/null || fail "teectl $example"
	done <examples
}

# options FILE: the names of options that stand in a --help, in its order.
options() {
	sed -n 's/^  --\([a-z-]*\) .*/\1/p' "$1"
}

@test "docs: the pages of teectl-enclave and teectl-hv have each option that their --help has, and no other" {
	local program
	for program in teectl-enclave teectl-hv; do
		"$BUILD/$program" --help >help
		# Of the hypervisor's the enclave's follow, which have a page of their own.
		sed -i '/^options for the enclave:/,$d' help
		options help >told
		[[ $(wc -l <told) -ge 7 ]]
		grep -x help told
		grep -x version told
		diff told <(sed -n 's/^\.It Fl \\-\([a-z-]*\).*/\1/p' "$ROOT/man/$program.8")
		run -0 "$BUILD/$program" --version
		same "$output" "$program $(<"$ROOT/VERSION")"
	done
	"$BUILD/teectl-hv" --help | sed '1,/^options for the enclave:/d' >help
	diff <(options help) <("$BUILD/teectl-enclave" --help | sed -n 's/^  --\([a-z-]*\) .*/\1/p' | grep -vx -e nsm -e help -e version)
}

@test "docs: every key of the cluster file is in its manual page" {
	local key count=0
	# Of the table itself; maps have no entry of their own.
	while read -r key; do
		grep -qF ".It Ic \"$key\"" "$ROOT/man/teectl-cluster.5" || fail "no $key"
		count=$((count + 1))
	done < <(sed -n 's/^\t{ "\([^"]*\)", CONFIG_[A-Z]*,.*/\1/p' "$ROOT/lib/cluster/config_table.c")
	[[ $count -gt 50 ]]
}

@test "docs: the example in the cluster file's page is a cluster file" {
	sed -n '/^\.Bd -literal/,/^\.Ed/{/^\./d; s/\\-/-/g; p}' "$ROOT/man/teectl-cluster.5" >example.yaml
	[[ $(wc -l <example.yaml) -gt 10 ]]
	# The file is understood; the keys that it names are not here.
	try 66 validate -f example.yaml
	says "member 'alice'"
}

@test "docs: the cluster file's page says what a word may be" {
	for word in teectl/v1 Cluster chain simulated aws-nitro; do
		grep -A1 '^\.It Ic' "$ROOT/man/teectl-cluster.5" | tr -d '\\' | grep -q "[ :]$word" || fail "no $word"
	done
}
