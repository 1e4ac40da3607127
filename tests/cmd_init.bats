#!/usr/bin/env bats

load verb

@test "init: writes a file that validate accepts once the keys are there" {
	make_cluster
	try 0 validate
	prints "valid"
	prints "cluster demo: 3 nodes, 3 of them here; 2 of 3 members bring the key back"
}

@test "init: every key has a comment above it" {
	try 0 init -f -
	prints $'  # the enclave\'s executable'
	prints $'apiVersion: teectl/v1\nkind: Cluster'
	[[ ! -e cluster.yaml ]]
	awk 'length > 100 { exit 1 }' <<<"$output"
}

@test "init: takes names and numbers" {
	try 0 init -f own.yaml --name own --nodes 4 --members 5 --threshold 3 --port 7000 -o json
	json .file own.yaml
	json .nodes 4
	json .members 5
	json .threshold 3
	grep -q 'name: tee4, listen: "127.0.0.1:7003"' own.yaml
	grep -q 'name: member5, key: members/member5.secret, pub: members/member5.pub' own.yaml
}

@test "init: a member may take his key away, and what needs no share of his goes on" {
	teectl init --port 0 --nodes 1 --image "$BUILD/teectl-enclave" >/dev/null 2>&1
	teectl member keygen members/member{1,2,3} >/dev/null 2>&1
	rm members/member3.secret
	try 0 up
	try 0 genesis
	try 0 inject
	try 0 verify
}

@test "init: the threshold is more than half of the members" {
	for pair in 2:2 3:2 4:3 5:3 255:128; do
		teectl init -f - --members "${pair%:*}" >text
		grep -q "threshold: ${pair#*:}$" text
	done
}

@test "init: what it says comes next can be typed" {
	mkdir -p some/where bin
	ln -s "$BUILD/teectl" bin/teectl
	try 0 init -f some/where/cluster.yaml --port 0 --nodes 1 --members 5 --image "$BUILD/teectl-enclave"
	says "next: teectl member keygen some/where/members/member{1..5}"
	sed 's/^next: //' <<<"$stderr" >commands
	same "$(wc -l <commands)" 3
	PATH=$PWD/bin:$PATH run -0 bash -e commands
	has "$output" "1 of 1 TEEs is verified"
	PATH=$PWD/bin:$PATH teectl -f some/where/cluster.yaml down
	try 0 init -f -
	prints "topology: auto"
	prints "delete it for"
}

@test "init: a folder that is missing is named" {
	try 66 init -f nowhere/cluster.yaml
	says "there is no folder 'nowhere'"
	[[ ! -e nowhere ]]
}

@test "init: never overwrites a file" {
	echo mine >cluster.yaml
	try 65 init
	says "'./cluster.yaml' is there already"
	says "hint: teectl validate checks the one that is there; -f ./cluster-2.yaml writes another beside it"
	hasnt "$stderr" "correct or replace"
	try 65 -f cluster.yaml init
	says "hint: teectl -f cluster.yaml validate checks"
	[[ $(<cluster.yaml) == mine ]]
}

@test "init: refuses what can't be" {
	try 64 init --threshold 4
	says "--threshold 4 is above --members 3"
	try 64 init --threshold 1
	says "--threshold must be a whole number from 2 to 255"
	try 64 init --port 65535
	says "leaves no room for 3 nodes"
	try 64 init --name "a b: c"
	says "metadata.name"
	try 64 init --image 'a"b'
	says "quotes"
	[[ ! -e cluster.yaml ]]
}

@test "init: the image is named relative to the file where it is below it" {
	mkdir bin
	cp "$BUILD/teectl" bin/teectl
	: >bin/teectl-enclave
	bin/teectl init >/dev/null 2>&1
	grep -q 'image: "bin/teectl-enclave"' cluster.yaml
	mkdir other
	bin/teectl init -f other/cluster.yaml >/dev/null 2>&1
	grep -q "image: \"$(pwd -P)/bin/teectl-enclave\"" other/cluster.yaml
}

@test "init: an image that is not there is refused" {
	try 66 init --image nothere
	says "--image 'nothere': No such file or directory"
	try 66 init --image /nothere -f - -o json
	json .error.text "--image '/nothere': No such file or directory"
	[[ ! -e cluster.yaml ]]
}

@test "init: --image is a path from here, and written as the file needs it" {
	mkdir conf bin
	cp "$BUILD/teectl-enclave" bin/enclave
	try 0 init -f conf/cluster.yaml --image bin/enclave
	grep -q "image: \"$(pwd -P)/bin/enclave\"" conf/cluster.yaml
	try 0 init --image conf/../bin/enclave
	grep -q 'image: "bin/enclave"' cluster.yaml
	cd conf
	try 0 init -f ../other.yaml --image ../bin/enclave
	grep -q 'image: "bin/enclave"' ../other.yaml
}

@test "init: -f - with -o json has the text in an object" {
	try 0 init -f -
	local text=$output
	try 0 init -f - -o json
	json .nodes 3
	same "$(jq -r .text <<<"$output")" "$text"
	try 0 init -o json
	json .text null
}

@test "init: a name that YAML would take for something else stands between quotes" {
	local name
	teectl member keygen members/member1 members/member2 members/member3 >/dev/null
	for name in off true Null 123 0x1f y; do
		try 0 init --name "$name" -f "$name.yaml"
		grep -q "^  name: \"$name\"\$" "$name.yaml" || fail "$name is not quoted"
		try 0 -f "$name.yaml" validate
		prints "cluster $name:"
	done
	try 0 init --name offline -f offline.yaml
	grep -q '^  name: offline$' offline.yaml
}
