#!/usr/bin/env bats

load verb

born() {
	make_cluster "$@"
	try 0 up
	try 0 genesis
}

@test "inject: with enough keys the source gets the quorum key, and then there is nothing to do" {
	born
	try 0 inject -o json
	json '.nodes[0].phase' ApplicationReady
	json .ready_count 1
	try 0 inject
	prints "nothing to do"
}

@test "inject: with too few it waits for people, names them, and goes on when one comes" {
	born --members 5 --threshold 3
	mkdir away
	for i in 3 4 5; do
		mv members/member$i.secret away/
		sed -i "s|key: members/member$i.secret|pub: members/member$i.pub|" cluster.yaml
	done
	try 3 inject -o json
	says "member3"
	says "member5"
	json '.waiting_for | sort | join(" ")' "member3 member4 member5"
	sed -i "s|pub: members/member4.pub|key: away/member4.secret|" cluster.yaml
	try 0 inject -o json
	json '.nodes[0].phase' ApplicationReady
}

@test "inject: before genesis it says what comes first" {
	make_cluster
	try 0 up
	try 2 inject
	says "genesis"
}
