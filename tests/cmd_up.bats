#!/usr/bin/env bats

load verb

@test "up: launches what the file names, verifies it, and then has nothing to do" {
	make_cluster
	try 0 up -o json
	json '.nodes | map(.phase) | unique | .[]' WaitingForBootInstruction
	json '.nodes | map(.verified) | all' true
	json .trust simulated
	try 0 up
	prints "nothing to do"
}

@test "up: launches again what has died" {
	make_cluster
	try 0 up
	try 0 down tee2
	try 0 up
	says "tee2: launched"
	[[ $stderr != *"tee1: launched"* ]]
}

@test "up: an image that differs from the pins is refused, named and stopped" {
	make_cluster --nodes 1
	cp "$BUILD/teectl-enclave" enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	try 0 measure --write
	printf x >>enclave
	try 5 up
	says "tee1"
	says "PCR0"
	try 0 down -o json
	json '.nodes[0].outcome' "not running"
}

@test "up: an image that does not start is told with its node" {
	make_cluster --nodes 1
	cp /bin/false enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	run --separate-stderr teectl up
	[[ $status -ne 0 ]]
	says "tee1"
}

@test "up: a missing image, a missing file, a broken file" {
	try 66 up
	says "teectl init"
	make_cluster
	sed -i 's|image: .*|image: nowhere|' cluster.yaml
	try 66 up
	says "nowhere"
	sed -i 's|^nodes:|nods:|' cluster.yaml
	try 78 up
	says "nods"
}
