#!/usr/bin/env bats
# What the documents promise: the README's walk runs as it stands, and whatever they name is there.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.."
	BUILD=${TEECTL_BUILD:-build}
	documents=(README.md ARCHITECTURE.md CONTRIBUTING.md SECURITY.md CHANGELOG.md)
}

# The blocks of README's walk that are fenced with the given language ("" for what they print).
walk() {
	awk -v fence="\`\`\`$1" '
		/^## / { inside = $0 == "## By hand, with curl" }
		!inside { next }
		/^```/ { open = !open; shown = open && $0 == fence; next }
		shown' README.md
}

# All but the last digit of three ports, 0 to 2, that nobody listens on. Whoever takes one in between makes the walk fail aloud.
free_ports() {
	local base i
	while :; do
		base=$((2000 + RANDOM % 1000)) # below the ports that the system gives to those who ask for any
		for i in 0 1 2; do
			if (exec 3<>"/dev/tcp/127.0.0.1/$base$i") 2>/dev/null; then continue 2; fi
		done
		echo "$base"
		return
	done
}

@test "readme: the walk with curl and jq prints what it says" {
	base=$(free_ports)
	walk bash >"$BATS_TEST_TMPDIR/walk"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/walk") -gt 20 ]]
	sed -i -E "s,\bbuild/,$BUILD/,g; s/\b900([0-2])\b/$base\1/g" "$BATS_TEST_TMPDIR/walk"
	run -0 bash -c ". '$BATS_TEST_TMPDIR/walk'" 3>&-
	output=$(sed -E "s/:$base([0-2])$/:900\1/" <<<"$output")
	diff <(walk "") - <<<"$output"
}

@test "readme: every file that the documents name is there" {
	names=$(grep -ohE '`(lib|cmd|enclave-stub|configs|tests|man|completions|\.ci)/[A-Za-z0-9_./-]+`' "${documents[@]}" |
		tr -d '`' | grep -vE 'NAME|LAYER|MODULE' | sort -u)
	[[ $(wc -l <<<"$names") -gt 20 ]]
	for name in $names; do
		[[ -e $name ]] || echo "no $name"
	done >"$BATS_TEST_TMPDIR/missing"
	cat "$BATS_TEST_TMPDIR/missing"
	[[ ! -s $BATS_TEST_TMPDIR/missing ]]
}

@test "readme: every verb that it shows is one" {
	verbs=$(grep -ohE '(^|`)teectl [a-z]+( [a-z]+)?' README.md SECURITY.md CHANGELOG.md | sed -E 's/^`?teectl //' | sort -u)
	[[ $(wc -l <<<"$verbs") -gt 10 ]]
	while read -r first rest; do
		"$BUILD/teectl" "$first" --help >/dev/null || "$BUILD/teectl" "$first" "$rest" --help >/dev/null
	done <<<"$verbs"
}

@test "readme: every link within the documents leads somewhere" {
	grep -oE '\]\([^)]*\)' "${documents[@]}" | sed -E 's/^([^:]*):\]\((.*)\)$/\1 \2/' | grep -v ' http' \
		>"$BATS_TEST_TMPDIR/links"
	while read -r from link; do
		file=${link%%#*} anchor=
		[[ $link != *"#"* ]] || anchor=${link#*#}
		[[ -e ${file:-$from} ]] || echo "$from: no $file"
		# As GitHub makes an anchor of a heading: lower case, no punctuation, hyphens for spaces.
		[[ -z $anchor ]] || sed -n 's/^##* //p' "${file:-$from}" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9\n_-' |
			grep -qx -- "$anchor" || echo "$from: no #$anchor in ${file:-$from}"
	done <"$BATS_TEST_TMPDIR/links" >"$BATS_TEST_TMPDIR/broken"
	cat "$BATS_TEST_TMPDIR/broken"
	[[ ! -s $BATS_TEST_TMPDIR/broken ]]
}

# In the column of SECURITY.md that names them: titles of bats files in quotes, functions of unit tests as code.
@test "readme: every test that the threat model names is in the file that it names" {
	rows=$(awk -F' [|] ' '/^[|] [*][*]/ { print $5 }' SECURITY.md | grep '`tests/')
	[[ $(wc -l <<<"$rows") -ge 10 ]]
	tokens=$(grep -oE '`tests/[a-z_/]+\.(bats|c)`|"[^"]+"|`[a-z0-9_]+`' <<<"$rows")
	while read -r token; do
		case $token in
		'`tests/'*) file=${token//'`'/} ;;
		'"'*) grep -qF "@test $token {" "$file" || echo "$file has no $token" ;;
		*) grep -qE "\(${token//'`'/}[,)]" "$file" || echo "$file has no $token" ;;
		esac
	done <<<"$tokens" >"$BATS_TEST_TMPDIR/missing"
	cat "$BATS_TEST_TMPDIR/missing"
	[[ $(wc -l <<<"$tokens") -gt 30 && ! -s $BATS_TEST_TMPDIR/missing ]]
}

@test "readme: where watch's metrics are served is the same wherever it is shown" {
	same=$(grep -ohE 'metrics:? 127\.0\.0\.1:[0-9]+' README.md configs/reference.yaml man/teectl-watch.1 | grep -oE '[0-9]+$' | sort | uniq -c)
	[[ $same =~ ^\ *([0-9]+)\ 9464$ && ${BASH_REMATCH[1]} -ge 3 ]] || { echo "$same" && false; }
}
