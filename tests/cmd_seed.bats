#!/usr/bin/env bats

load verb

@test "seed: the same question has the same answer on every node, another question another" {
	make_cluster --nodes 2
	try 0 up
	try 0 genesis
	try 0 inject
	try 0 propagate
	try 0 seed --type wallet --data 7
	local phrase=$output
	same "$(wc -w <<<"$phrase")" 24
	try 0 seed --node tee2 --type wallet --data 7
	same "$output" "$phrase"
	try 0 seed --node tee2 --type wallet --data 8 -o json
	json .word_count 24
	[[ $(jq -r .seed_phrase <<<"$output") != "$phrase" ]]
	try 0 seed --type wallet --data 7 --strength 128
	same "$(wc -w <<<"$output")" 12
}

@test "seed: a node without the key is told" {
	make_cluster --nodes 1
	try 0 up
	run --separate-stderr teectl seed
	[[ $status -ne 0 ]]
	says "tee1"
	[[ -z $output ]]
}

@test "seed: type and data go together" {
	make_cluster --nodes 1
	try 64 seed --type wallet
	says "data"
}
