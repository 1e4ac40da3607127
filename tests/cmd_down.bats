#!/usr/bin/env bats

load verb

@test "down: stops what up has launched and leaves no process behind" {
	make_cluster
	try 0 up
	local pid hypervisors enclaves
	hypervisors=$(awk '{ print $1 }' .teectl/demo/pids/*)
	for pid in $hypervisors; do
		enclaves+=" $(pgrep -P "$pid")"
	done
	same "$(wc -w <<<"$hypervisors $enclaves")" 6
	try 0 down -o json
	json '.nodes | map(.outcome) | unique | .[]' stopped
	for pid in $hypervisors $enclaves; do
		[[ ! -e /proc/$pid ]] || grep -q '^State:.*Z' "/proc/$pid/status"
	done
}

@test "down: tells when no TEE of a cluster with a key is left" {
	make_cluster --nodes 2
	try 0 up
	try 0 down
	hasnt "$stderr" "quorum key"
	try 0 up
	try 0 genesis
	try 0 down tee2
	hasnt "$stderr" "quorum key"
	try 0 down
	says "no TEE holds quorum key $(cut -c3-10 .teectl/demo/quorum_key.pub)… any more; this version can't bring it back"
	says "keep .teectl/demo and the members' keys"
	try 0 down
	[[ -z $stderr ]]
}

@test "down: has nothing to do where nothing runs" {
	make_cluster
	try 0 down
	prints "tee1  not running"
	try 0 down -o json
	json '.nodes | map(.outcome) | unique | .[]' "not running"
}

@test "down: stops only those named" {
	make_cluster
	try 0 up
	try 0 down tee2 -o json
	json '.nodes | length' 1
	json '.nodes[0].name' tee2
	json '.nodes[0].outcome' stopped
	try 0 down -o json
	json '.nodes | map(.outcome) | join(" ")' "stopped not running stopped"
}

@test "down: leaves nodes that others launched alone" {
	make_cluster
	sed -i 's|name: tee3, listen: .* }|name: tee3, url: "https://tee3.example:8443" }|' cluster.yaml
	try 0 down -o json
	json '.nodes[2].outcome' elsewhere
}

@test "down: an unknown node is told with the nearest name, and one named twice" {
	make_cluster
	try 64 down tee1 te2
	says "has no node 'te2'; did you mean"
	try 64 down tee1 tee1
	says "node 'tee1' is named twice"
}

@test "down: waits for no other run, but names it" {
	make_cluster
	try 0 down
	exec {lock}<.teectl/demo/lock
	flock -x "$lock"
	try 75 down
	says "teectl: down: '.teectl/demo' is in use by another run (pid "
	says "teectl down)"
	[[ $stderr != *--timeout* ]]
	: >.teectl/demo/lock
	try 75 down
	says "in use by another run (starting)"
	exec {lock}<&-
	try 0 down
}
