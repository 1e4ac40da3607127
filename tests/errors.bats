#!/usr/bin/env bats
# How errors are told, whatever the verb: in what shape, once, and with a hint that helps.

load verb

@test "errors: without the members' keys the hint makes them" {
	make_cluster
	rm members/member2.* members/member3.*
	try 66 up
	says "member 'member2'"
	says "hint: teectl member keygen members/member2 members/member3"
	same "$(grep -c "hint: " <<<"$stderr")" 1
}

@test "errors: what no repeating mends has another hint than the command itself" {
	make_cluster --nodes 1
	cp "$BUILD/teectl-enclave" enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	try 0 measure --write
	printf x >>enclave
	try 5 up -o json
	json .error.reason pcr0
	json .error.hint "teectl measure shows what this machine measures beside what is expected"
	says "cure: teectl measure shows"
	mv cluster.yaml other.yaml
	try 5 -f other.yaml up
	says "teectl -f other.yaml measure"
}

@test "errors: one shape in JSON, with a document of the verb's and without" {
	make_cluster
	rm members/member1.*
	try 66 up -o json
	local keys
	keys=$(jq -c '.error | keys' <<<"$output")
	json .error.verb up
	json .outcome failed
	try 64 up --xyzzy -o json
	same "$(jq -c '.error | keys' <<<"$output")" "$keys"
	same "$keys" '["cause","code","exit_status","hint","name","reason","text","verb"]'
}

@test "errors: what comes next names file and state only where they are not the usual ones" {
	make_cluster --nodes 1
	try 0 up
	prints "next: teectl genesis"
	try 0 down
	try 0 -f "$PWD/cluster.yaml" --state other up
	prints "next: teectl -f $PWD/cluster.yaml --state other genesis"
	try 0 --state other down
}

@test "errors: people who are waited for are no failure, and named once" {
	make_cluster --members 5 --threshold 3 --nodes 1
	try 0 up
	try 0 genesis
	mkdir away
	mv members/member{3,4,5}.secret away
	try 3 inject -o json
	says "tee1: 2 of 3 shares are in; waiting for one of: member3, member4, member5"
	same "$(grep -c member5 <<<"$stderr")" 1
	hasnt "$stderr" failed
	json .outcome waiting
	json .error.name waiting
}

@test "errors: a node is named once a line, and a sentence told once" {
	make_cluster --nodes 2
	try 0 up
	try 0 genesis
	try 0 inject
	try 0 propagate
	try 0 down tee2
	run --separate-stderr teectl verify
	says "tee2: verify failed: not running: teectl up"
	same "$(grep -c "^tee2.*not running" <<<"$stderr")" 1
	run grep -E '^(tee[0-9]): .*\1' <<<"$stderr"
	same "$output" ""
}
