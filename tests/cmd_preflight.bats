#!/usr/bin/env bats
# teectl preflight

load verb

teardown() {
	stop_hvs
	verb_teardown
}

# row CHECK SUBJECT FIELD: of the last try's JSON
row() {
	jq -r --arg check "$1" --arg of "$2" ".checks[] | select(.check == \$check and .subject == \$of) | .$3" <<<"$output"
}

# finds STATUS CHECK SUBJECT WORDS NEXT [ARGUMENT...]: that row has failed, and it decides the status.
finds() {
	local status_expected=$1 check=$2 of=$3 words=$4 next=$5
	shift 5
	try "$status_expected" preflight -o json "$@"
	same "$(row "$check" "$of" outcome)" failed
	has "$(row "$check" "$of" detail)" "$words"
	has "$(row "$check" "$of" next)" "$next"
	json .ready false
	json .error.exit_status "$status_expected"
}

# warns CHECK SUBJECT WORDS
warns() {
	try 0 preflight -o json
	same "$(row "$1" "$2" outcome)" warning
	has "$(row "$1" "$2" detail)" "$3"
	[[ $(jq .warnings <<<"$output") -ge 1 ]]
}

@test "preflight: makes every check, and changes nothing" {
	make_cluster
	try 0 preflight
	prints '0 failed'
	[[ ${lines[0]} =~ ^CHECK\ +OF\ +OUTCOME\ +FOUND\ +NEXT$ ]]
	[[ ! -e .teectl ]]
	try 0 preflight -o json
	json .ready true
	json .error null
	same "$(jq -r '[.checks[].check] | unique | join(" ")' <<<"$output")" 'certificates images keys limits ports state system'
	same "$(row ports 'nodes of this machine' detail)" '3 of 3: 3 free, 0 ours'
	same "$(row state folder detail)" 'made when it is needed'
	same "$(row keys 'share set' detail)" "3 of 3 members' keys are here, and well"
}

@test "preflight: what runs already is ours, and has shares and a manifest" {
	make_cluster
	teectl up >/dev/null 2>&1
	teectl genesis >/dev/null 2>&1
	try 0 preflight -o json
	same "$(row ports 'nodes of this machine' detail)" '3 of 3: 0 free, 3 ours'
	same "$(row images 'PCR0 to PCR3' detail)" 'as in the current manifest'
	same "$(row shares shares/ outcome)" ok
	rm .teectl/demo/shares/member2.share
	warns shares member2 'his encrypted share is not in the state folder'
	try 0 preflight -o json --only tee2
	same "$(row ports 'nodes of this machine' detail)" '1 of 1: 0 free, 1 ours'
	sed -i 's/^  role:.*/  role: others/' cluster.yaml
	finds 5 images PCR3 'the current manifest says' 'teectl measure'
}

@test "preflight: a state folder that others may write to, is a file, or is in use" {
	make_cluster
	mkdir -p -m 700 .teectl/demo
	chmod 777 .teectl/demo
	finds 65 state folder '.teectl/demo' 'mode 0700'
	touch file
	finds 65 state folder file '--state' --state file
	chmod 700 .teectl/demo
	echo 'pid 4711: up' >.teectl/demo/lock
	exec {fd}>>.teectl/demo/lock
	flock "$fd"
	finds 75 state lock 'is in use by another run (pid 4711: up)' 'wait until that run has ended'
	echo 'pid 4711: watch' >.teectl/demo/lock
	finds 75 state lock '(pid 4711: watch)' 'holds it only while it heals: try again in a moment'
	exec {fd}>&-
	try 0 preflight
}

@test "preflight: an image that is missing, is none, or is not as pinned" {
	make_cluster
	teectl measure --write >/dev/null
	try 0 preflight
	sed -i 's/^\( *0: .*\)[0-9a-f]\{4\}\(.*\)$/\1ffff\2/' cluster.yaml
	finds 5 images PCR0 'PCR0 (image): the cluster file says' 'teectl measure'
	sed -i 's|^  image:.*|  image: none|' cluster.yaml
	finds 66 images enclave.image none 'correct enclave.image'
	echo text >none
	finds 65 images enclave.image 'ELF' 'correct enclave.image'
}

@test "preflight: a hypervisor that is not there" {
	make_cluster
	mkdir alone
	cp "$BUILD/teectl" alone/
	PATH=/usr/bin:/bin run -66 --separate-stderr alone/teectl preflight -o json
	same "$(row images hypervisor detail)" "there is no 'teectl-hv' beside teectl or on the PATH"
	same "$(row images hypervisor next)" 'install it beside teectl'
}

@test "preflight: member keys of a wrong mode, with another's public half, or missing" {
	make_cluster
	chmod 644 members/member1.secret
	finds 65 keys member1 'members/member1.secret' 'mode 0600'
	chmod 600 members/member1.secret
	cp members/member2.pub members/member1.pub
	finds 65 keys member1 "is not the public half of 'members/member1.secret'" 'mode 0600'
	rm members/member1.*
	finds 66 keys member1 "there is no 'members/member1.secret'" 'teectl member keygen members/member1'
	# Where the public half is, the key is elsewhere.
	teectl member keygen members/member1 >/dev/null
	rm members/member1.secret
	finds 66 keys member1 "there is no 'members/member1.secret'" 'have the cluster file name its `pub:`'
	sed -i 's|key: members/member1.secret|pub: members/member1.pub|' cluster.yaml
	try 0 preflight -o json
	same "$(row keys 'share set' detail)" "2 of 3 members' keys are here, and well"
	echo 00 >members/member1.pub
	finds 65 keys member1 'members/member1.pub' 'send his .pub again'
}

@test "preflight: before the members have keys one command is named, which makes them all" {
	teectl init --port 0 --image "$BUILD/teectl-enclave" >/dev/null 2>&1
	finds 66 keys member2 "'members/member2.pub': No such file" 'teectl member keygen members/member2'
	same "$(row images enclave.image outcome)" warning
	same "$(jq -r .error.hint <<<"$output")" 'teectl member keygen members/member1 members/member2 members/member3'
	# Whose secret half is elsewhere sends the other one.
	sed -i 's|key: members/member2.secret, ||' cluster.yaml
	finds 66 keys member2 "'members/member2.pub': No such file" 'have the member send his .pub'
	hasnt "$(row keys member2 next)" again
}

@test "preflight: a key path that leads nowhere beside its .pub is no fault, and is named with its member" {
	make_cluster
	sed -i 's|key: members/member2.secret|key: members/membr2.secret, pub: members/member2.pub|' cluster.yaml
	try 0 preflight -o json
	same "$(row keys 'share set' detail)" \
		"2 of 3 members' keys are here, and well; the file names a \`key:\` that is not here: member2 ('members/membr2.secret')"
}

@test "preflight: manifest and share set of the same names and other public keys are two" {
	make_cluster
	for i in 1 2 3; do
		rm members/member$i.secret
		sed -i "s|key: members/member$i.secret|pub: members/member$i.pub|" cluster.yaml
	done
	try 0 preflight -o json
	same "$(row keys 'manifest set' outcome)" ''
	cp members/member1.pub members/other.pub
	sed -i '/^quorum:/a \  manifestSet: { threshold: 2, members: [{ name: member1, pub: members/other.pub }, { name: member2, pub: members/member2.pub }, { name: member3, pub: members/member3.pub }] }' cluster.yaml
	try 0 preflight -o json
	same "$(row keys 'manifest set' outcome)" ok
	echo 00 >members/other.pub
	finds 65 keys member1 'members/other.pub' 'send his .pub again'
}

@test "preflight: a key behind a passphrase is not opened; its public half has to be there" {
	make_cluster
	teectl member protect members/member1.secret --passphrase-fd 7 7< <(printf 'correct horse battery staple\n') >/dev/null
	try 0 preflight -o json </dev/null
	same "$(row keys 'share set' detail)" "3 of 3 members' keys are here, and well"
	rm members/member1.pub
	finds 66 keys member1 'members/member1.pub' 'beside its own .pub'
}

@test "preflight: keys that the file names and that are not there" {
	make_cluster
	sed -i 's|^  threshold:.*|&\n  drKey: dr.pub|' cluster.yaml
	finds 66 keys quorum.drKey dr.pub 'correct the path'
}

@test "preflight: every check is made, the worst gives the status, and its hint" {
	make_cluster
	teectl measure --write >/dev/null
	chmod 644 members/member1.secret
	sed -i 's/^\( *0: .*\)[0-9a-f]\{4\}\(.*\)$/\1ffff\2/' cluster.yaml
	chmod 644 members/member2.secret
	try 5 preflight -o json
	json .failed 3
	has "$(jq -r .error.text <<<"$output")" '3 of '
	has "$(jq -r .error.text <<<"$output")" 'checks failed; images of PCR0: PCR0 (image)'
	try 5 preflight
	says 'cure: teectl measure; the table'
	# What comes before it in the table is no reason to say how that is mended.
	mkdir -p -m 700 .teectl/demo
	chmod 777 .teectl/demo
	try 5 preflight
	says 'checks failed; images of PCR0: PCR0 (image)'
	says 'cure: teectl measure; the table'
}

# served: cluster.yaml with TLS of its own PKI
served() {
	make_cluster
	sed -i 's/insecureOpenSeed: true/insecureOpenSeed: false/' cluster.yaml
	teectl pki init >/dev/null
	teectl pki issue server --server --host 127.0.0.1 >/dev/null
	teectl pki issue operator --role operator >/dev/null
	cat >>cluster.yaml <<-EOF
	tls:
	  ca: pki/ca.pem
	  cert: pki/operator.pem
	  key: pki/operator.key
	  server: { cert: pki/server.pem, key: pki/server.key, clientCa: pki/ca.pem }
	EOF
}

@test "preflight: certificates near their end, of another key, missing or none" {
	served
	try 0 preflight -o json
	has "$(row certificates tls.cert detail)" 'valid until 20'
	cp pki/server.key pki/operator.key
	finds 65 certificates tls.cert "'pki/operator.key' is not the key of 'pki/operator.pem'" 'pki issue'
	chmod 644 pki/operator.key
	finds 65 certificates tls.cert pki/operator.key 'pki issue'
	mv pki/ca.pem kept
	echo text >pki/ca.pem
	finds 65 certificates tls.ca 'holds no certificate in PEM' 'pki issue'
	mv kept pki/ca.pem
	chmod 600 pki/operator.key
	mv pki/server.pem kept
	teectl pki issue operator2 --role operator >/dev/null
	sed -i 's|pki/operator\.|pki/operator2.|' cluster.yaml
	finds 66 certificates tls.server.cert pki/server.pem 'pki issue'
	mv kept pki/server.pem
	teectl pki init --dir short --days 20 >/dev/null
	sed -i 's|^  ca: pki/|  ca: short/|' cluster.yaml
	warns certificates tls.ca ' days, on 20'
	[[ $(row certificates tls.ca detail) =~ ^ends\ in\ (19|20)\ days,\ on\ 20 ]]
}

@test "preflight: a certificate that is expired" {
	served
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\npolicy=p\n[p]\nCN=optional\n' >ca.conf
	: >index
	rm pki/operator.*
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout pki/operator.key -out request -subj /CN=old 2>/dev/null
	chmod 600 pki/operator.key
	openssl ca -batch -config ca.conf -cert pki/ca.pem -keyfile pki/ca.key -in request -out pki/operator.pem -notext \
		-md sha384 -startdate 20200101000000Z -enddate 20210101000000Z >/dev/null 2>&1
	finds 65 certificates tls.cert '1 of 1 certificates is expired' 'pki issue'
}

@test "preflight: a port that somebody else has" {
	make_cluster
	hv other
	sed -i "s|name: tee2, listen: .* }|name: tee2, listen: \"${other#http://}\" }|" cluster.yaml
	# It may hold a key: nobody is told to end it.
	finds 5 ports tee2 "something answers on ${other#http://} that this state folder did not launch: another cluster's enclave" \
		'give the node another `listen:`, or name the state folder of what runs there (--state)'
	json .error.reason occupied
	hasnt "$output$stderr" 'end what listens'
	finds 5 ports tee2 'something answers' 'another `listen:`' --state elsewhere
	kill -STOP "$(pgrep -P "$other_pid")"
	finds 2 ports tee2 "listening on '${other#http://}': Address already in use" 'end what listens there, if it is no enclave'
	kill -CONT "$(pgrep -P "$other_pid")"
	same "$(row ports 'nodes of this machine' detail)" '2 of 3: 2 free, 0 ours'
	try 0 preflight --only tee1,tee3
	sed -i "s|name: tee2, listen: .* }|name: tee2, listen: \"192.0.2.1:0\" }|" cluster.yaml
	finds 2 ports tee2 "listening on '192.0.2.1:0': " 'the node'\''s `listen`'
}

@test "preflight: limits that are too low, and cores that are written" {
	make_cluster
	run -2 --separate-stderr bash -c "ulimit -Sn 50; '$BUILD/teectl' preflight -o json"
	same "$(row limits 'open files' detail)" '50 open files are allowed, and 76 are needed'
	same "$(row limits 'open files' next)" 'ulimit -n 4096'
	run -0 --separate-stderr bash -c "ulimit -Sc 0; '$BUILD/teectl' preflight -o json"
	same "$(row limits 'core files' outcome)" ok
	[[ $(ulimit -Hc) != 0 ]] || skip "no core files may be allowed here"
	# Which writes none by itself unless told to.
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:disable_coredump=0
	run -0 --separate-stderr bash -c "ulimit -Sc unlimited; '$BUILD/teectl' preflight -o json"
	same "$(row limits 'core files' detail)" 'allowed: written without memory'
}

@test "preflight: nodes elsewhere answer, or not, with their clocks" {
	local closed
	make_cluster
	teectl up --only tee1 >/dev/null 2>&1
	PKI=.teectl/demo/pki hv far
	sed -i "s|name: tee2, listen: .* }|name: tee2, url: \"$far\" }|" cluster.yaml
	try 0 preflight -o json
	same "$(row reach 'nodes elsewhere' detail)" '1 of 1 answer'
	same "$(row clock 'nodes elsewhere' detail)" "1 of 1 go with this machine's"
	stop_hvs
	finds 69 reach tee2 'tee2 does not answer' 'have who launched it look'
	try 0 preflight --only @local
}

@test "preflight: a state can't be asked for" {
	make_cluster
	try 64 preflight --only @failed
	says 'preflight looks before anything runs: choose nodes by name or label'
	try 64 preflight --only tee9
	says "has no node 'tee9'"
}

@test "preflight: where a .pub is missing on the operator's machine it comes from its member" {
	make_cluster
	sed -i 's|key: members/\(member.\).secret|pub: members/\1.pub|' cluster.yaml
	rm members/member2.pub
	try 66 preflight
	says "members' .pub files have to be on this machine, where the cluster file says: get each from its member"
	hasnt "$stderr" 'from the operator'
	# Who is a member too.
	sed -i 's|pub: members/member1.pub|key: members/member1.secret|' cluster.yaml
	try 66 preflight
	says "get each from its member"
}
