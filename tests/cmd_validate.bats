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

@test "validate: says what it has not looked at, and of a cluster that is there what does" {
	make_cluster --nodes 1
	try 0 validate
	prints "of the file alone: neither the manifest that the state keeps nor a node was looked at"
	says "next: teectl measure --write"
	try 0 up
	try 0 validate
	hasnt "$stderr" "teectl status"
	try 0 genesis
	try 0 validate
	says "next: teectl status"
	try 0 --state other validate
	says "next: teectl --state other measure --write"
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

@test "validate: every topology is one, and a word that is none is told with those that are" {
	local way
	make_cluster
	for way in star tree auto; do
		sed -i "s/topology: [a-z]*/topology: $way/" cluster.yaml
		try 0 validate
	done
	sed -i 's/topology: auto/topology: trea/' cluster.yaml
	try 78 validate
	says "propagate.topology, expected chain, star, tree or auto, found 'trea': did you mean 'tree'?"
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
	says 'hint: correct the file there; teectl-cluster(5) explains each key'
	try 78 validate -o json
	json .error.name config
	json .error.exit_status 78
}

@test "validate: YAML without its colon or its quotes is shown where it begins; a port has its range" {
	local bad words line
	for bad in 's/^quorum:/quorum/>^quorum>:1: YAML, ' 's/role: \(.*\)/role: "\1/>role: >:9: ' \
		's/"127.0.0.1:0"/"127.0.0.1:99999"/>99999>nodes[0].listen, expected a port from 0 (a free one) to 65535'; do
		IFS='>' read -r bad line words <<<"$bad"
		make_cluster
		sed -i "$bad" cluster.yaml
		try 78 validate
		says "cluster.yaml:$(grep -n -m 1 "$line" cluster.yaml | cut -d : -f 1):"
		says "$words"
		rm -r cluster.yaml members
	done
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

@test "validate: a key path that leads nowhere beside its .pub is no fault, and is named with its member" {
	make_cluster
	sed -i 's|key: members/member2.secret|key: members/membr2.secret, pub: members/member2.pub|' cluster.yaml
	try 0 validate
	prints "not here, as \`key:\` says: member2 ('members/membr2.secret'); right where the member has it elsewhere, else correct the path"
	hasnt "$output" 'member1 ('
	sed -i 's|membr2|member2|' cluster.yaml
	try 0 validate
	hasnt "$output" 'not here'
}

@test "validate: on a member's own machine the others' .pub files come from the operator" {
	teectl init --port 0 --image "$BUILD/teectl-enclave" >/dev/null 2>&1
	# Nobody has a key yet: they are made.
	try 66 validate
	says 'hint: teectl member keygen members/member1 members/member2 members/member3'
	teectl member keygen members/member1 >/dev/null
	try 66 validate
	says "hint: the members' .pub files have to be on this machine, where the cluster file says: get them from the operator"
	hasnt "$stderr" keygen
	sed -i 's|key: members/member[23].secret, ||' cluster.yaml
	try 66 validate
	says 'get them from the operator'
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

@test "validate: the wrong half of a key is called what it is, whatever its name" {
	make_cluster
	cp cluster.yaml good.yaml
	sed -i 's|members/member1.secret|members/member1.pub|' cluster.yaml
	cp members/member1.pub misnamed.secret
	try 65 validate
	says "key file 'members/member1.pub' holds a member's public key; the secret half is meant, the PREFIX.secret"
	sed -i 's|members/member1.pub|misnamed.secret|' cluster.yaml
	try 65 validate
	says "key file 'misnamed.secret' holds a member's public key"
	sed 's|key: members/member1.secret|pub: members/member1.secret|' good.yaml >cluster.yaml
	try 65 validate
	says "public key file 'members/member1.secret' holds a member's secret key; the public half is meant, the PREFIX.pub"
	hasnt "$output$stderr" "$(tr -d '\n' <members/member1.secret)"
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

@test "validate: trust anchor, certificates and image are read as what they should be" {
	make_cluster
	sed 's/root: simulated/root: aws/' cluster.yaml >aws.yaml
	grep -q 'root: aws' aws.yaml
	try 66 -f aws.yaml validate
	says "attestation.root: 'aws': No such file or directory"
	says "hint: did you mean aws-nitro?"
	sed 's/root: simulated/root: cluster.yaml/' cluster.yaml >root.yaml
	try 65 -f root.yaml validate
	says "attestation.root: 'cluster.yaml'"
	{ cat cluster.yaml; echo 'tls: { ca: nope.pem }'; } >ca.yaml
	try 66 -f ca.yaml validate
	says "tls.ca: 'nope.pem': No such file or directory"
	{ cat cluster.yaml; echo 'tls: { server: { cert: cluster.yaml, key: cluster.yaml } }'; } >cert.yaml
	try 65 -f cert.yaml validate
	says "tls.server.cert: 'cluster.yaml' has no '-----BEGIN CERTIFICATE-----'"
	sed 's|image: .*|image: cluster.yaml|' cluster.yaml >image.yaml
	try 65 -f image.yaml validate
	says "enclave.image 'cluster.yaml'"
	sed 's|image: .*|image: /tmp|' cluster.yaml >image.yaml
	try 66 -f image.yaml validate
	says "enclave.image: "
}

@test "validate: an address by name, a number in quotes, and Nitro's root over a simulated node are refused" {
	make_cluster --nodes 1
	sed 's/"127.0.0.1:0"/localhost:9000/' cluster.yaml >name.yaml
	try 78 -f name.yaml validate
	says "HOST:PORT with a numeric address, as 127.0.0.1:9000, found 'localhost:9000'"
	sed 's/threshold: 2/threshold: "2"/' cluster.yaml >quoted.yaml
	try 78 -f quoted.yaml validate
	says "a whole number from 2 to 255, without quotes, found '2'"
	sed 's/root: simulated/root: aws-nitro/' cluster.yaml >aws.yaml
	try 78 -f aws.yaml validate
	says "since 'tee1' is launched here; found 'aws-nitro'"
}

@test "validate: members and threshold come from a key-set folder, or stand in the file" {
	make_cluster --members 3 --threshold 2
	mkdir set
	cp members/*.pub set/
	echo 2 >set/quorum_threshold
	sed -e '/^  threshold:/d; /^  members:/d; /^    /{/name: member/d}' -e 's/^quorum:/&\n  keySet: set/' cluster.yaml >set.yaml
	try 0 validate -f set.yaml
	sed 's/  keySet: set/&\n  threshold: 2/' set.yaml >both.yaml
	try 78 validate -f both.yaml
	says "quorum.threshold, expected it in the folder of quorum.keySet alone, found both"
	sed '/  keySet: set/d' set.yaml >neither.yaml
	try 78 validate -f neither.yaml
	sed 's/keySet: set/keySet: elsewhere/' set.yaml >missing.yaml
	try 66 validate -f missing.yaml
	says "'elsewhere'"
	echo 1 >set/quorum_threshold
	try 65 validate -f set.yaml
	says "quorum_threshold must be"
}

@test "validate: a key that is not the certificate's is named with both files" {
	make_cluster
	teectl pki init >/dev/null
	teectl pki issue me --role operator >/dev/null
	teectl pki issue server --server --host 127.0.0.1 >/dev/null
	sed -i '/insecureOpenSeed/d' cluster.yaml
	{ cat cluster.yaml; echo 'tls: { ca: pki/ca.pem, cert: pki/me.pem, key: pki/me.key, server: { cert: pki/server.pem, key: pki/server.key, clientCa: pki/ca.pem } }'; } >tls.yaml
	try 0 -f tls.yaml validate
	sed 's|key: pki/server.key|key: pki/me.key|' tls.yaml >server.yaml
	try 65 -f server.yaml validate
	says "tls.server.key: 'pki/me.key' is not the key of the certificate 'pki/server.pem'"
	sed 's|key: pki/me.key|key: pki/server.key|' tls.yaml >client.yaml
	try 65 -f client.yaml validate
	says "tls.key: 'pki/server.key' is not the key of the certificate 'pki/me.pem'"
	try 65 -f client.yaml status
	says "tls.key of the cluster file: 'pki/server.key' is not the key of the certificate 'pki/me.pem'"
}

@test "validate: a member's secret that others may read is refused, by every verb that opens it" {
	cluster=own
	cluster own 1 2 3
	try 0 -f own.yaml up
	try 0 -f own.yaml genesis
	chmod 644 own-members/member1.secret
	local words="own-members/member1.secret' is a private key, and its mode 0644 lets others at it: expected 0600 (chmod 600)"
	try 65 -f own.yaml validate
	says "member 'member1': "
	says "$words"
	try 65 -f own.yaml inject
	says "$words"
	hasnt "$stderr" 'wrong share'
	try 65 -f own.yaml share check --key own-members/member1.secret --share .teectl/own/shares/member1.share
	says "$words"
	try 65 -f own.yaml recover drill
	says "$words"
	chmod 600 own-members/member1.secret
	try 0 -f own.yaml validate
	try 0 -f own.yaml inject
	try 0 -f own.yaml down --lose-key
	try 0 -f own.yaml up
	chmod 640 own-members/member1.secret
	try 65 -f own.yaml recover
	says 'mode 0640 lets others at it'
}
