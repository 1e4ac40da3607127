#!/usr/bin/env bats
# teectl graph: the key's way, planned and as it went.

load verb

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	cluster own 4 2 3
	teectl -f own.yaml graph --topology tree >planned 2>/dev/null
	teectl -f own.yaml graph >open 2>/dev/null
	teectl -f own.yaml apply --topology chain >/dev/null 2>&1
	teectl -f own.yaml down tee4 >/dev/null 2>&1
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	cluster=own
}

teardown_file() {
	cd "$BATS_FILE_TMPDIR"
	down_all
}

@test "graph: before the key has gone anywhere, the way that apply would take, with rounds" {
	same "$(<planned)" "tee1, from the members' shares
├─ tee2 (round 1)
├─ tee3 (round 1)
└─ tee4 (round 1)"
	same "$(<open)" "$(<planned)"
}

@test "graph: afterwards, the way as it went, with how long each hop took" {
	ok graph
	same "$(sed -E 's/[0-9]+ ms/N ms/' <<<"$output")" "tee1, from the members' shares
└─ tee2 (N ms)
   └─ tee3 (N ms)
      └─ tee4 (N ms)"
	ok graph -o json
	json '[.title, (.nodes[] | .name + "<" + (.from // "shares"))] | join(" ")' \
		'lineage tee1<shares tee2<tee1 tee3<tee2 tee4<tee3'
	json '[.nodes[1:][] | .took_ms > 0 and .proved and (.claimed | not)] | all' true
}

@test "graph: --planned draws what would be done now" {
	ok graph --planned --topology star
	same "$output" 'tee1
└─ tee4 (round 1)'
	ok graph --planned -o json
	json '.title' plan
}

@test "graph: DOT, Mermaid and SVG say the same" {
	ok graph --dot
	same "$(grep -oE '[a-z0-9]+ -> t[0-9]' <<<"$output" | paste -sd ,)" 'shares -> t0,t0 -> t1,t1 -> t2,t2 -> t3'
	same "${lines[0]}" 'digraph lineage {'
	ok graph --mermaid
	same "${lines[0]}" 'flowchart LR'
	same "$(grep -cE '^  t[0-9] -->\|[0-9]+ ms\| t[0-9]$' <<<"$output")" 3
	ok graph --svg
	same "$(grep -c '<rect class="tee proved"' <<<"$output")" 4
	same "$(grep -cE '<text class="label"[^>]*>[0-9]+ ms</text>' <<<"$output")" 3
	hasnt "$output" 'href'
	same "${lines[-1]}" '</svg>'
}

@test "graph: one drawing at a time; a journal that does not hold is not drawn" {
	run -64 --separate-stderr teectl -f own.yaml graph --dot --svg
	has "$stderr" '--dot, --mermaid and --svg exclude each other'
	cp -r .teectl/own "$BATS_TEST_TMPDIR/state"
	sed -i 3d "$BATS_TEST_TMPDIR/state/journal"
	run -5 --separate-stderr teectl -f own.yaml --state "$BATS_TEST_TMPDIR/state" graph
	has "$stderr" 'line 3: sequence 4, expected 3'
}

@test "graph: a life that ended is drawn only where one that lives has the key from it, or with --history" {
	ok down tee4
	ok apply
	ok graph -o json
	json '[.nodes[].name] | join(" ")' 'tee1 tee2 tee3 tee4'
	ok graph --history -o json
	json '[.nodes[].name] | sort | join(" ")' 'tee1 tee2 tee3 tee4 tee4'
	ok down tee2
	ok apply
	ok graph -o json
	json '[.nodes[].name] | sort | join(" ")' 'tee1 tee2 tee2 tee3 tee4'
	# Every drawing says which of the two is over.
	json '[.nodes[] | select(.earlier).name] | join(" ")' tee2
	for form in '' --dot --mermaid --svg; do
		ok graph $form
		same "$form $(grep -c earlier <<<"$output")" "$form 1"
	done
	ok graph
	grep -qE '─ tee2, earlier \([0-9]+ ms\)$' <<<"$output"
}
