#!/usr/bin/env bats
# teectl lineage.

load verb

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	cluster own 3 2 3
	with_key own
	teectl -f own.yaml propagate >/dev/null 2>&1
	# tee2 is started again, and gets the key from another place in the chain.
	teectl -f own.yaml down tee2 >/dev/null 2>&1
	teectl -f own.yaml up >/dev/null 2>&1
	teectl -f own.yaml propagate --from tee3 --to tee2 >/dev/null 2>&1
	teectl -f own.yaml verify >/dev/null 2>&1
	teectl -f own.yaml down >/dev/null 2>&1
}

setup() {
	cd "$BATS_FILE_TMPDIR"
}

# The tree without module ids and times. All of them have been stopped: each last life says so.
tree() {
	same "$(grep -c ', does not run now$' <<<"$output")" "$(grep -cv ', earlier: ' <<<"$output")"
	sed -E 's/ \(i-[^)]*\)//; s/, 20[0-9T:.Z-]+//; s/, does not run now$//' <<<"$output"
}

@test "lineage: the tree begins with the members' shares; each start of a TEE is a line" {
	try 0 -f own.yaml lineage
	same "$(tree)" "tee1: from the members' shares, proved
  tee2: from tee1, proved, earlier: the node was started again since
    tee3: from tee2, proved
      tee2: from tee3, proved"
}

@test "lineage: what was stopped is told from what runs, and a journal alone tells of neither" {
	cp .teectl/own/journal journal
	try 0 -f own.yaml lineage --journal journal --root .teectl/own/pki/root.der
	hasnt "$output" 'does not run'
	try 0 -f own.yaml lineage --journal journal --root .teectl/own/pki/root.der --format dot
	hasnt "$output" 'does not run'
	cd "$BATS_TEST_TMPDIR"
	cluster one 2 2 3
	with_key one
	try 0 -f one.yaml lineage
	has "$output" 'tee1'
	hasnt "$output" 'does not run'
	teectl -f one.yaml down >/dev/null 2>&1
	try 0 -f one.yaml lineage
	has "$output" ', proved, does not run now'
}

@test "lineage: --to says from whom a node has the key, --from who has it from a node" {
	try 0 -f own.yaml lineage --to tee3
	same "$(tree)" "tee1: from the members' shares, proved
  tee2: from tee1, proved, earlier: the node was started again since
    tee3: from tee2, proved"
	try 0 -f own.yaml lineage --from tee3
	same "$(tree)" 'tee3: from tee2, proved
  tee2: from tee3, proved'
	# All lives of the node: whom a host gave the key to before it was started again is what matters of it.
	try 0 -f own.yaml lineage --from tee2
	same "$(tree)" "tee2: from tee1, proved, earlier: the node was started again since
  tee3: from tee2, proved
    tee2: from tee3, proved"
	# From whom a node has it is asked of its last life.
	try 0 -f own.yaml lineage --to tee2
	same "$(tree | tail -n 1)" '      tee2: from tee3, proved'
	try 65 -f own.yaml lineage --from tee9
	says "the journal does not show that 'tee9' ever had the key"
	try 65 -f own.yaml lineage --to tee9
	says "the journal does not show that 'tee9' ever had the key"
	try 64 -f own.yaml lineage --to tee2 --from tee1
	says 'exclude each other'
}

# Each TEE as NAME|MODULE|MARKS|whether it has proved the key, of what teectl has printed: JSON, and DOT.
of_json() {
	jq -r '.tees[] | [.node, .module_id, ([(select(.retired) | "retired"), (select(.earlier) | "earlier"), (select(.stopped) | "does not run now")] | join(", ")), (.proved | tostring)] | join("|")' <<<"$output"
}

of_dot() {
	local node='  t[0-9]+ \[label="([^"\\]*)\\n([^"\\]*)(\\n([^"\\]*))?"(, peripheries=2)?\];'
	sed -nE "s/^$node\$/\1|\2|\4|\5/p" <<<"$output" | sed -E 's/\|, peripheries=2$/|true/; s/\|$/|false/'
}

@test "lineage: JSON and DOT say the same" {
	local tees
	try 0 -f own.yaml lineage -o json
	json '[.tees[] | .node + "<" + (.source // .key)] | join(" ")' 'tee1<shares tee2<tee1 tee3<tee2 tee2<tee3'
	json '[.tees[] | .verified, .proved] | all' true
	json '[.tees[] | .earlier] | join(" ")' 'false true false false'
	json '[.tees[] | .stopped] | join(" ")' 'true false true true'
	json '[.tees[1:][] | .source_module_id] == [.tees[:-1][] | .module_id]' true
	tees=$(of_json)
	try 0 -f own.yaml lineage --format dot
	prints 'digraph lineage {'
	same "$(of_dot)" "$tees"
	same "$(grep -c '|earlier|true$' <<<"$tees") $(grep -c '|does not run now|true$' <<<"$tees")" '1 3'
	same "$(grep -oE '[a-z0-9]+ -> t[0-9] \[style=[a-z]+' <<<"$output" | paste -sd ' ')" \
		'shares -> t0 [style=solid t0 -> t1 [style=solid t1 -> t2 [style=solid t2 -> t3 [style=solid'
}

@test "lineage: a way without a receipt is claimed, never verified" {
	local prev=0000000000000000000000000000000000000000000000000000000000000000 seq=0 text
	# Without the source's receipts, and without the shares'.
	while IFS= read -r text; do
		[[ $text != *'"kind":"receipt","node":"tee1"'* ]] || continue
		((seq += 1))
		text=$(sed -E "s/^\{\"seq\":[0-9]+/{\"seq\":$seq/; s/\"prev\":\"[0-9a-f]{64}\"/\"prev\":\"$prev\"/" <<<"$text")
		printf '%s\n' "$text"
		prev=$(printf %s "$text" | sha256sum | cut -d ' ' -f 1)
	done <.teectl/own/journal >"$BATS_TEST_TMPDIR/journal"
	try 0 lineage --journal "$BATS_TEST_TMPDIR/journal"
	same "$(tree | head -n 2)" 'tee1: from where is not shown, proved
  tee2: from tee1 (claimed), proved, earlier: the node was started again since'
	try 0 lineage --journal "$BATS_TEST_TMPDIR/journal" --format dot
	prints 't0 -> t1 [style=dashed, label="claimed"];'
}

@test "lineage: a journal that does not hold is not drawn" {
	sed 3d .teectl/own/journal >"$BATS_TEST_TMPDIR/journal"
	try 5 lineage --journal "$BATS_TEST_TMPDIR/journal"
	says 'line 3: sequence 4, expected 3'
	same "$output" ''
}
