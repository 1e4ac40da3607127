#!/usr/bin/env bats
# Which nodes a verb is about: selectors, labels and patterns on each verb that takes them, and tables of
# many nodes. The grammar itself: tests/unit/cluster_select.c and cluster_pattern.c.

load verb

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	stop_hvs
	down_all
}

# labelled: own.yaml of four nodes in two regions; one is a canary.
labelled() {
	cluster own 1 2 3
	sed -i '/^  - { name: tee1/d' own.yaml
	cat >>own.yaml <<-EOF2
	  - { name: "eu-[1-2]", listen: "127.0.0.1:0", labels: { region: eu } }
	  - { name: us-1, listen: "127.0.0.1:0", labels: { region: us, role: canary } }
	  - { name: us-2, listen: "127.0.0.1:0", labels: { region: us } }
	EOF2
}

# many COUNT: own.yaml of so many nodes elsewhere, three in four of them in region eu; nobody listens there.
many() {
	local eu=$(($1 * 3 / 4)) us=$(($1 / 4))
	cluster own 1 2 3
	sed -i '/^  - { name: tee1/d' own.yaml
	cat >>own.yaml <<-EOF2
	  - name: eu-[1-$eu]
	    url: http://127.1.[1-$((eu / 25))].[1-25]:1
	    labels: { region: eu }
	  - hosts: 127.2.[1-$((us / 25))].[1-25]
	    url: http://{host}:1
	    labels: { region: us, role: canary }
	EOF2
}

names() { # of the last report, with their states
	jq -r '[.nodes[] | "\(.name) \(.state)"] | join(", ")' <<<"$output"
}

@test "selectors: up, status, verify, propagate, logs and down are about the nodes chosen" {
	labelled
	ok up --only region=eu -o json
	same "$(names)" 'eu-1 not ready, eu-2 not ready'
	same "$(jq -c '[.node_count, .verified_count]' <<<"$output")" '[2,2]'
	[[ ! -e .teectl/own/pids/us-1 ]]
	ok up --only @gone
	has "$stderr" 'us-1: launched'
	has "$stderr" 'us-2: launched'
	hasnt "$stderr" 'eu-1: launched'
	ok genesis
	ok inject
	run -2 --separate-stderr teectl -f own.yaml status --only '@not-ready' -o json
	same "$(names)" 'eu-2 not ready, us-1 not ready, us-2 not ready'
	ok status --only eu-1 -o json
	same "$(names)" 'eu-1 ready'
	same "$(jq -r '[.missing, .next] | join("|")' <<<"$output")" '|'
	ok propagate --to region=us,role!=canary
	has "$stderr" 'us-2: key forwarded'
	hasnt "$stderr" 'us-1: key forwarded'
	ok verify -l @ready
	same "${lines[0]}" 'nothing to do: every TEE asked for proved that it holds the quorum key'
	same "${lines[1]}" 'cluster own, 2 of its 4 nodes: 2 of 2 ready, 2 verified, attestation simulated'
	same "${lines[2]}" 'region eu: 1 of 1 ready, 1 verified'
	same "${lines[3]}" 'region us: 1 of 1 ready, 1 verified'
	run -4 --separate-stderr teectl -f own.yaml verify --only region=us
	has "$stderr$output" 'us-1 has no quorum key yet'
	hasnt "$output" 'eu-1'
	ok lineage --only region=us
	same "$(sed -E 's/ \(i-[^)]*\).*//' <<<"$output")" $'eu-1\n  us-2'
	ok logs us-* -n 1
	same "${lines[0]}" '==> us-1 <=='
	same "${lines[2]}" '==> us-2 <=='
	ok logs 'region=us' -n 1 -o ndjson
	same "$(jq -rs '[.[].node] | join(" ")' <<<"$output")" 'us-1 us-2'
	ok down @not-ready -o json
	same "$(jq -r '[.nodes[] | "\(.name) \(.outcome)"] | join(", ")' <<<"$output")" 'eu-2 stopped, us-1 stopped'
	ok down region=us -o json
	same "$(jq -r '[.nodes[] | "\(.name) \(.outcome)"] | join(", ")' <<<"$output")" 'us-1 not running, us-2 stopped'
}

@test "selectors: inject, graph and audit fetch are about the nodes chosen" {
	labelled
	ok up
	ok graph --planned --only role=canary
	hasnt "$output" 'eu-2'
	hasnt "$output" 'us-2'
	has "$output" 'us-1 (round 1)'
	ok genesis
	run -2 --separate-stderr teectl -f own.yaml inject --only region=us
	has "$stderr" 'us-1 does not wait for shares: it is in WaitingForBootInstruction'
	ok inject --only @failed
	has "$output" 'nothing to do: no node is in the state that was asked for'
	ok inject --only region=eu
	has "$stderr" 'eu-1: shares in'
	ok propagate --topology chain
	ok graph --only eu-2 -o json
	same "$(jq -r '[.nodes[] | "\(.name)<\(.from)"] | join(" ")' <<<"$output")" 'eu-1<null eu-2<eu-1'
	ok graph --only @ready,role=canary -o json
	same "$(jq -r '[.nodes[].name] | join(" ")' <<<"$output")" 'eu-1 eu-2 us-1'
	ok down us-2
	ok graph --only @gone -o json
	same "$(jq -r '.nodes[-1].name' <<<"$output")" us-2
	run -4 teectl -f own.yaml audit fetch
	ok audit fetch --only region=eu
	has "$output" '0 receipts are new'
	ok audit fetch --only @failed
	has "$output" 'nothing to do: no node is in the state that was asked for'
}

@test "selectors: recover restarts the quorum on one of those chosen, and beside none that waits for shares" {
	labelled
	ok up
	ok genesis
	run -2 --separate-stderr teectl -f own.yaml recover --only region=us
	has "$stderr" 'eu-1 waits for shares already, and is none of the nodes asked for: choose it too, stop it first (teectl -f own.yaml down eu-1), or name the one to restart beside it'
	has "$stderr" 'teectl -f own.yaml down eu-1'
	ok inject
	ok down --lose-key
	ok up eu-1 us-1
	run -69 --separate-stderr teectl -f own.yaml recover --only us-2
	has "$stderr" 'us-2 is not running'
	run -64 --separate-stderr teectl -f own.yaml recover --only us-1 --to us-1
	has "$stderr" '--to names the TEEs to restart the quorum on, and --only those that it may be: one of the two'
	run -64 --separate-stderr teectl -f own.yaml recover drill --only us-1
	has "$stderr" '--only is of a recovery: a drill has nodes of its own'
	ok recover --only 'us-*'
	has "$stderr" 'us-1: restarted'
}

@test "selectors: up takes them as operands as well, and not both ways at once" {
	labelled
	ok up 'eu-1,role!=canary' us-2 -o json
	same "$(names)" 'eu-1 not ready, us-2 not ready'
	[[ ! -e .teectl/own/pids/eu-2 && ! -e .teectl/own/pids/us-1 ]]
	ok up @gone
	has "$stderr" 'us-1: launched'
	run -64 --separate-stderr teectl -f own.yaml up eu-1 --only us-1
	has "$stderr" 'nodes are named as operands or by --only, not both'
}

@test "selectors: one node may be named by what only it has" {
	labelled
	ok up
	ok attest get role=canary -o json
	ok genesis
	ok inject
	ok propagate --from 'eu-1' --to '@local,us-2'
	ok down --lose-key
	ok up
	ok recover --to 'role=canary'
	has "$stderr" 'us-1: restarted'
	ok seed --node 'role=canary'
}

@test "selectors: where one node is wanted, several or a state are refused" {
	labelled
	run -64 --separate-stderr teectl -f own.yaml attest get 'eu-*'
	has "$stderr" "'eu-*' chooses 2 nodes, and one is wanted: eu-1, eu-2"
	run -64 --separate-stderr teectl -f own.yaml seed --node @ready
	has "$stderr" "'@ready': one node is wanted, by name or label"
	run -64 --separate-stderr teectl -f own.yaml propagate --from 'us-?'
	has "$stderr" "'us-?' chooses 2 nodes"
	run -64 --separate-stderr teectl -f own.yaml logs --follow 'eu-*'
	has "$stderr" '--follow is of one node, and 2 are chosen'
	run -64 --separate-stderr teectl -f own.yaml logs -o json 'eu-*'
	has "$stderr" '2 nodes are chosen: their lines take -o ndjson, not json'
	run -64 --separate-stderr teectl -f own.yaml lineage --only @ready
	has "$stderr" 'a journal does not tell how nodes stand now'
}

@test "selectors: what no node has, and what is no selector, is refused on every verb before anything is asked" {
	labelled
	local verb words
	for verb in 'status --only' 'verify --only' up 'up --only' 'propagate --to' 'lineage --only' 'graph --only' 'inject --only' 'recover --only' 'upgrade --only' \
		'audit fetch --only' down logs; do
		run -64 --separate-stderr teectl -f own.yaml $verb region=eux
		has "$stderr" "no node of 'own.yaml' has region=eux; did you mean region=eu?"
		run -64 --separate-stderr teectl -f own.yaml $verb regoin=eu
		has "$stderr" "no node of 'own.yaml' has a label 'regoin'; did you mean 'region'?"
		run -64 --separate-stderr teectl -f own.yaml $verb eu-1,eu-3
		has "$stderr" "'own.yaml' has no node 'eu-3'; did you mean 'eu-1'?"
		run -64 --separate-stderr teectl -f own.yaml $verb 'ap-*'
		has "$stderr" "'own.yaml' has no node 'ap-*'"
		has "$stderr" 'hint: its nodes are eu-1, eu-2, '
		run -64 --separate-stderr teectl -f own.yaml $verb 'region=eu,role=canary'
		has "$stderr" "no node of 'own.yaml' matches 'region=eu,role=canary'"
		run -64 --separate-stderr teectl -f own.yaml $verb 'eu-1,,eu-2'
		has "$stderr" "selector 'eu-1,,eu-2', character 6: expected a node's name, a label, or a state, found nothing"
		run -64 --separate-stderr teectl -f own.yaml $verb @faild
		has "$stderr" "no state is called that; did you mean '@failed'?"
	done
	[[ ! -e .teectl/own/pids && ! -e .teectl/own/pki ]]
}

@test "selectors: where no node is in the state there is nothing to do" {
	labelled
	ok up
	local verb
	for verb in 'status --only' 'verify --only' 'up --only' logs; do
		ok $verb @failed
		has "$output" 'nothing to do: no node is in the state that was asked for'
	done
	ok status --only @failed -o json
	same "$(jq -c '[.outcome, .node_count, .nodes, .missing, .next]' <<<"$output")" '["nothing to do",0,[],"",""]'
	ok down @failed -o json
	same "$(jq -c .nodes <<<"$output")" '[]'
	ok genesis
	ok inject
	ok propagate --to @old
	has "$output" 'nothing to do: no node is in the state that was asked for'
}

@test "selectors: logs of several nodes tells of those without one, and shows the rest" {
	labelled
	ok up --only us-1
	run -4 --separate-stderr teectl -f own.yaml logs region=us -n 1
	has "$output" '==> us-1 <=='
	has "$stderr" "node 'us-2' has no log here: it was never launched"
	has "$stderr" '1 of 2 nodes have no log here'
	run -66 --separate-stderr teectl -f own.yaml logs region=eu
	has "$stderr" 'none of 2 nodes has a log here'
}

@test "selectors: every verb that takes one has it as --only -l, or as an operand" {
	teectl help -o json >help
	same "$(jq -r '[.verbs[] | select(any(.options[]; .name == "only")) | .name] | join(" ")' help)" \
		'preflight plan apply graph up inject recover propagate upgrade status verify lineage audit fetch'
	run -0 jq -r '.verbs[].options[] | select(.name == "only") | [.letter, .metavar, .doc] | join("|")' help
	same "$(sort -u <<<"$output" | wc -l)" 1
	has "$output" 'l|SELECTOR|'
}

@test "selectors: a file of a thousand nodes is read, counted, and shown worst first with counts in front" {
	many 1000
	ok validate
	has "$output" 'cluster own: 1000 nodes of 2 entries, 0 of them here'
	ok validate -o json
	same "$(jq -c '[.nodes, .node_entries, .nodes_here]' <<<"$output")" '[1000,2,0]'
	run -69 --separate-stderr teectl -f own.yaml status
	same "${lines[0]}" 'cluster own: 0 of 1000 ready, 0 verified, attestation simulated'
	same "${lines[1]}" '1000 gone'
	same "${lines[2]}" 'region eu: 0 of 750 ready, 0 verified'
	same "${lines[3]}" 'region us: 0 of 250 ready, 0 verified'
	[[ ${lines[4]} =~ ^NODE\ +PHASE ]]
	[[ ${lines[44]} =~ ^eu-40\ .*\ gone$ ]]
	same "${lines[45]}" '960 nodes are not shown: --wide shows all'
	has "${lines[46]}" 'eu-1: does not answer ('
	same "${lines[56]}" '30 more notes: --wide shows them'
	same "${lines[57]}" 'missing: eu-1 does not answer, nor do 999 others; launched elsewhere: whoever did starts it again'
	((${#lines[@]} < 60)) || fail "${#lines[@]} lines"
	run -69 --separate-stderr teectl -f own.yaml status --wide
	same "$(grep -cE '^[^ ]+ +- .* gone$' <<<"$output")" 1000
	same "$(grep -c 'does not answer (' <<<"$output")" 1000
	hasnt "$output" '--wide'
	run -69 --separate-stderr teectl -f own.yaml status -o json
	same "$(jq -c '[.node_count, (.nodes | length), .nodes[0].name, .nodes[999].name, .nodes[999].labels]' <<<"$output")" \
		'[1000,1000,"eu-1","127.2.10.25",["region=us","role=canary"]]'
	run -69 --separate-stderr teectl -f own.yaml status --only 'region=us,127.2.1.2?'
	same "${lines[0]}" 'cluster own, 6 of its 1000 nodes: 0 of 6 ready, 0 verified, attestation simulated'
}

@test "selectors: of more than forty nodes those that are as they should be are only counted" {
	cluster own 4 2 3
	with_key own
	ok propagate
	cat >>own.yaml <<-'EOF2'
	  - name: far-[01-40]
	    url: http://127.1.1.[1-40]:1
	EOF2
	ok down tee3
	run -2 --separate-stderr teectl -f own.yaml status
	same "${lines[0]}" 'cluster own: 3 of 44 ready, 3 verified, attestation simulated'
	same "${lines[1]}" '41 gone, 3 ready'
	[[ ${lines[3]} =~ ^tee3\ .*\ gone$ ]]
	[[ ${lines[4]} =~ ^far-01\ .*\ gone$ ]]
	hasnt "$output" 'tee1'
	same "${lines[43]}" '4 nodes are not shown: --wide shows all'
	run -2 --separate-stderr teectl -f own.yaml status --wide
	[[ ${lines[44]} =~ ^tee1\ .*\ ready$ ]]
	run -2 --separate-stderr teectl -f own.yaml status --only 'tee*'
	[[ ${lines[2]} =~ ^tee1\ .*\ ready$ ]]
	[[ ${lines[4]} =~ ^tee3\ .*\ gone$ ]]
}

@test "selectors: names are offered, labels and states too" {
	labelled
	run -0 teectl -f own.yaml completion --selectors
	same "$output" $'eu-1\neu-2\nus-1\nus-2\nregion=eu\nregion=us\nrole=canary\n@ready\n@not-ready\n@waiting\n@failed\n@gone\n@old\n@local'
	run -0 teectl -f own.yaml completion --nodes
	same "$output" $'eu-1\neu-2\nus-1\nus-2'
}

@test "selectors: a node behind a verb that takes it by an option is refused with that option" {
	labelled
	run -64 --separate-stderr teectl -f own.yaml status eu-1
	has "$stderr" "'eu-1' is one argument too many; nodes are chosen by --only SELECTOR"
	run -64 --separate-stderr teectl -f own.yaml propagate eu-1
	has "$stderr" "'eu-1' is one argument too many; nodes are chosen by --to SELECTOR"
	run -64 --separate-stderr teectl -f own.yaml validate eu-1
	hasnt "$stderr" 'nodes are chosen'
}
