#!/usr/bin/env bats

load verb

@test "validate: describes a good file" {
	make_cluster --name own --nodes 4 --members 5 --threshold 3
	try 0 validate -o json
	json .name own
	json .nodes 4
	json .nodes_here 4
	json .members 5
	json .threshold 3
	json .manifest_threshold 3
	json .namespace_name own
}

@test "validate: the file may stand before the verb, after it, or in the environment" {
	make_cluster
	mv cluster.yaml other.yaml
	try 0 -f other.yaml validate
	try 0 validate --file=other.yaml
	TEECTL_FILE=other.yaml try 0 validate
	TEECTL_FILE=missing.yaml try 0 validate -f other.yaml
}

@test "validate: a tab is called one" {
	make_cluster
	sed -i $'s/^  threshold/\tthreshold/' cluster.yaml
	try 78 validate
	says "YAML, found a tab; indent with spaces"
}

@test "validate: a topology that this version lacks is refused" {
	make_cluster
	sed -i 's/topology: chain/topology: star/' cluster.yaml
	try 78 validate
	says "propagate.topology, expected chain, the only one of this version, found 'star': star and tree come in a later version"
}

@test "validate: a missing file says how to get one" {
	try 66 validate
	says "./cluster.yaml"
	says "teectl init writes a cluster file"
}

@test "validate: an error names line, column and the nearest key" {
	make_cluster
	sed -i 's/^  threshold:/  treshold:/' cluster.yaml
	try 78 validate
	local line
	line=$(grep -n treshold cluster.yaml | cut -d: -f1)
	says "cluster.yaml:$line:3: "
	says "threshold"
	try 78 validate -o json
	json .error.name config
	json .error.exit_status 78
}

@test "validate: a key file that is missing is named with its member" {
	make_cluster
	rm members/member2.secret
	try 66 validate
	says "member2"
	says 'name its `pub:`'
	rm members/member2.pub
	try 66 validate
	says "hint: teectl member keygen members/member2"
}

@test "validate: a FIFO or a device as a key file keeps nobody waiting" {
	make_cluster
	local name
	for name in member2.secret member2.pub; do
		rm "members/$name"
		mkfifo -m 600 "members/$name"
		try 66 validate
		says "'members/$name' is not a regular file"
		rm "members/$name"
		ln -s /dev/zero "members/$name"
		try 66 validate
		says "is not a regular file"
		rm "members/$name"
		# The .pub is read where no .secret is named.
		sed -i 's|key: members/member2.secret|pub: members/member2.pub|' cluster.yaml
	done
}

@test "validate: the cluster file may come from a pipe, and a FIFO without a writer is empty" {
	make_cluster
	sed -i "s|members/|$PWD/members/|g" cluster.yaml
	run -0 bash -c '"$BUILD/teectl" -f - validate <cluster.yaml'
	run -0 bash -c 'cat cluster.yaml | "$BUILD/teectl" -f /dev/stdin validate'
	run -0 bash -c '"$BUILD/teectl" -f <(cat cluster.yaml) validate'
	mkfifo fifo.yaml
	try 78 -f fifo.yaml validate
}

@test "validate: a key file that is no key is named with its member" {
	make_cluster
	echo nonsense >members/member3.secret
	chmod 600 members/member3.secret
	try 65 validate
	says "member3"
	[[ $stderr != *nonsense* ]]
}

@test "validate: two members with one key are refused" {
	make_cluster
	cp members/member1.secret members/member2.secret
	try 78 validate
	says "share_set"
}

@test "validate: an image that is missing is named" {
	make_cluster
	sed -i 's|image: .*|image: nowhere/enclave|' cluster.yaml
	try 66 validate
	says "enclave.image"
	says "nowhere/enclave"
}
