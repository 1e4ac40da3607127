#!/usr/bin/env bats

load verb

@test "status: says at each stage what is missing and what to type next" {
	make_cluster
	try 2 status -o json
	json '.nodes | map(.state) | unique | length' 1
	json '.next | contains("up")' true
	try 0 up
	try 2 status -o json
	json '.next | endswith("genesis")' true
	try 0 genesis
	run --separate-stderr teectl status -o json
	json '.next | endswith("inject")' true
	try 0 inject
	try 2 status -o json
	json '.next | endswith("propagate")' true
	try 0 propagate
	try 0 status -o json
	json .next ""
	json .ready_count 3
}

@test "status: the table tells trust as it is" {
	make_cluster
	try 0 up
	try 2 status
	prints "verified (simulated)"
	prints "WaitingForBootInstruction"
	says "teectl"
}

@test "status: changes nothing, and needs no lock" {
	make_cluster
	try 0 up
	exec {lock}<.teectl/demo/lock
	flock -x "$lock"
	try 2 status
	exec {lock}<&-
}
