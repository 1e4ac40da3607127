#!/usr/bin/env bats

load verb

provisioned_source() {
	make_cluster "$@"
	try 0 up
	try 0 genesis
	try 0 inject
}

@test "propagate: the key goes along the chain, and then there is nothing to do" {
	provisioned_source
	try 0 propagate -o json
	says "tee2: key forwarded, from tee1"
	says "tee3: key forwarded, from tee2"
	json '.nodes | map(.phase) | unique | .[]' ApplicationReady
	try 0 propagate
	prints "nothing to do"
}

@test "propagate: --from and --to choose" {
	provisioned_source
	try 0 propagate --from tee1 --to tee3
	says "tee3: key forwarded, from tee1"
	try 2 status -o json
	json '.nodes[1].phase' WaitingForBootInstruction
	try 0 propagate --from tee3
	says "tee2: key forwarded"
}

@test "propagate: a node that is gone is named, and the others are done" {
	provisioned_source
	try 0 down tee2
	try 4 propagate
	says "tee2"
	says "tee3: key forwarded"
	try 0 up
	try 0 propagate
	says "tee2: key forwarded"
}

@test "propagate: before there is a key it says what comes first" {
	make_cluster
	try 0 up
	try 2 propagate
	says "genesis"
	try 64 propagate --to tee9
	says "has no node 'tee9'"
}
