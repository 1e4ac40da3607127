#!/usr/bin/env bats
# teectl simulate: a fleet before there is one.

load verb

@test "simulate: a thousand nodes, and it says that it is a simulation" {
	try 0 simulate --nodes 1000
	prints 'a simulation: no TEE was asked for anything'
	prints '1000 nodes, tree, 4 forwards of a source at once, seed 1'
	prints '1000 ready after '
	prints 'busiest source: tee'
	prints ' MB of memory'
	same "$(awk '/^forward / {print $2, $3, $4}' <<<"$output")" '999 999 0'
	[[ ! -e .teectl ]] || fail "a simulation wrote a state folder"
}

@test "simulate: as JSON, the same for the same seed" {
	local one other
	try 0 simulate --nodes 50 --fail 5% --death 1% --restart 2s --seed 7 -o json
	json .simulated true
	json .nodes 50
	json .topology tree
	json '(.steps | map(select(.step == "genesis")) | .[0].done)' 1
	[[ $(jq .retries <<<"$output") -gt 0 && $(jq .deaths <<<"$output") -gt 0 ]] || fail "nothing failed"
	one=$(jq 'del(.real_us, .plan_real_us, .max_rss_kb)' <<<"$output")
	try 0 simulate --nodes 50 --fail 5% --death 1% --restart 2s --seed 7 -o json
	other=$(jq 'del(.real_us, .plan_real_us, .max_rss_kb)' <<<"$output")
	same "$other" "$one"
	try 0 simulate --nodes 50 --fail 5% --death 1% --restart 2s --seed 8 -o json
	[[ $(jq .ready_us <<<"$output") != "$(jq .ready_us <<<"$one")" ]] || fail "another seed gave the same run"
}

@test "simulate: the nodes of a cluster file, and several runs" {
	cluster own 4 2 3 'propagate: { topology: star, parallel: 2 }'
	try 0 -f own.yaml simulate --runs 20 --fail 3% -o json
	json .nodes 4
	json .topology star
	json .parallel 2
	json .runs 20
	json .runs_whole 20
	json '.shortest_us <= .median_us and .median_us <= .ninth_us and .ninth_us <= .longest_us' true
	try 0 -f own.yaml simulate --runs 20
	prints '20 runs: shortest '
	try 66 -f absent.yaml simulate
	says "absent.yaml"
}

@test "simulate: a round trip between regions counts where teectl stands in it" {
	local near far
	try 0 simulate --nodes 60 --regions eu:1,us:1 --rtt 1ms,eu-us=200ms -o json
	far=$(jq .ready_us <<<"$output")
	try 0 simulate --nodes 60 --regions eu:1,us:1,asia:1 --rtt us-asia=200ms -o json
	near=$(jq .ready_us <<<"$output")
	((far > near + 1000000)) || fail "far $far, near $near"
	try 0 simulate --nodes 60 --regions eu:1,us:1 --rtt 200ms,eu-us=1ms --at us -o json
	((near < $(jq .ready_us <<<"$output"))) || fail "near $near"
}

@test "simulate: how often the key crosses between regions" {
	# A tree enters each of the two others once; all star's forwards begin at tee1.
	try 0 simulate --nodes 60 --regions eu:1,us:1,asia:1
	prints '3 regions; the key crossed between regions: 2 times'
	try 0 simulate --nodes 60 --regions eu:1,us:1,asia:1 --topology star -o json
	json .crossings 40
	json .region_count 3
	try 0 simulate --nodes 60 --regions eu:1,us:1 --topology chain
	prints 'crossed between regions: 1 time'
	try 0 simulate --nodes 60
	same "$(grep -c regions <<<"$output")" 0
}

@test "simulate: the nodes of a cluster file stand where their labels say" {
	local far
	cluster own 6 2 3
	sed -i -E 's/name: tee([1-3]), /name: tee\1, labels: { region: eu }, /; s/name: tee([4-6]), /name: tee\1, labels: { region: us }, /' own.yaml
	try 0 -f own.yaml simulate --rtt eu-us=500ms --topology tree -o json
	far=$(jq .ready_us <<<"$output")
	try 0 -f own.yaml simulate --topology tree -o json
	((far > $(jq .ready_us <<<"$output") + 2000000)) || fail "far $far"
	try 64 -f own.yaml simulate --at asia
	says "--at: there is no region 'asia'"
}

@test "simulate: costs are taken, and launches" {
	try 0 simulate --nodes 2 --cost forward=3000000,teectl=0 --launch --cost launch=7000000 -o json
	json '.ready_us > 10000000 and .ready_us < 11000000' true
	json '(.steps | map(.step) | join(" "))' 'launch verify genesis inject forward prove'
}

@test "simulate: a fleet that lives is healed without a genesis" {
	try 0 simulate --nodes 200 --ready 97% -o json
	json '(.steps | map(.step) | join(" "))' 'verify forward prove'
	json .ready 200
}

@test "simulate: exit 2 and the reason, when not all can be helped" {
	try 2 simulate --nodes 5 --refusing 100%
	prints '1 ready when it gave up, after '
	says '1 of 1 simulated runs ended before all were ready: tee1: export-key: it refuses'
	try 2 simulate --nodes 5 --refusing 100% -o json
	json .reason 'tee1: export-key: it refuses'
	try 0 simulate --nodes 50 --forged 10%
	prints ' refused'
}

@test "simulate: where the key arrived though the answer was lost, it is told, and the sum is right" {
	local seed sum=0
	# Nobody dies: one genesis, and to each of the others one forward that was done, or arrived unseen.
	for seed in 1 2 3 4 5; do
		try 0 simulate --nodes 20 --fail 60% --seed $seed -o json
		json '(.steps | map({(.step): .}) | add) as $s | $s.inject.done + $s.forward.done + .unseen' 20
		sum=$((sum + $(jq .unseen <<<"$output")))
	done
	((sum > 0)) || fail "none was lost"
	try 0 simulate --nodes 20 --fail 60% --seed 2
	prints '1 of the failed brought the key all the same: only the answer was lost'
	try 0 simulate --nodes 20
	same "$(grep -c 'all the same' <<<"$output")" 0
}

@test "simulate: a time of minutes, hours and days is told in them, and in JSON in microseconds" {
	try 0 simulate --nodes 2 --launch --cost launch=600000000 --seed 1
	run -0 awk '/^launch / { print $5, $6, $7, $8 }' <<<"$output"
	same "$output" '10 min 0 s'
	# A chain of round trips of two seconds: four to a forward.
	try 0 simulate --nodes 3000 --topology chain --rtt 2s
	[[ $output =~ '3000 ready after 6 h '[0-9]+' min: 1 pass' ]] || fail "$output"
	run -0 awk '/^forward / { print $6 }' <<<"$output"
	same "$output" ms
	try 0 simulate --nodes 3000 --topology chain --rtt 2s -o json
	json '.ready_us > 21600000000 and (.steps | all(.mean_us | type == "number"))' true
	try 0 simulate --nodes 3000 --topology chain --rtt 10s --runs 2
	[[ $output =~ 'shortest 1 d '[0-9]+' h, median 1 d ' ]] || fail "$output"
}

@test "simulate: where nobody ever answers it says when it gave up, what it did, and the way" {
	try 2 simulate --nodes 1000 --fail 100%
	prints '1000 nodes, tree, '
	prints '8000 exchanges: 8000 looks and 0 of steps, 0 of them repeated'
	run -0 awk '/^0 ready when it gave up, after / { end = $8 } /own work: / { own = $4 } END { exit !(own > 0 && end >= own) }' <<<"$output"
	says 'hint: no TEE is touched by it: '
	same "$(grep -c STEP <<<"$output")" 0
	try 2 simulate --nodes 3 --fail 100% -o json
	json .topology chain
	json '.exchanges == .looks and .looks == 24 and .retries == 0' true
	json '.ended_us >= .own_us and .ready_us == 0' true
}

@test "simulate: what is no setting is refused (64), and why" {
	try 64 simulate --nodes 0
	says '--nodes must be'
	try 64 simulate --nodes 5 --fail 3
	says "--fail: '3' is no share of a hundred"
	try 64 simulate --nodes 5 --death 100.1%
	says "--death: '100.1%' is more than all"
	try 64 simulate --nodes 5 --regions eu
	says "--regions: 'eu' is no region: REGION:PARTS"
	try 64 simulate --nodes 5 --regions eu:1,eu:2
	says "--regions: 'eu' is there twice"
	try 64 simulate --nodes 5 --regions eu:1 --rtt eu-us=9ms
	says "--rtt: 'eu-us' is no pair of regions"
	try 64 simulate --nodes 5 --rtt fast
	says '--rtt: '
	try 64 simulate --nodes 5 --regions eu:1 --at us
	says "--at: there is no region 'us'"
	try 64 simulate --nodes 5 --cost fly=3
	says "--cost: there is no cost of a step 'fly': launch, verify, genesis, boot, inject, forward, prove, retire, or teectl"
	try 64 simulate --nodes 5 --topology ring
	says "'ring' is not"
}

@test "simulate: ten thousand nodes are planned in less than a second" {
	try 0 simulate --nodes 10000 -o json
	json .ready 10000
	json '.plan_real_us < 1000000' true
}
