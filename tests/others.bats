#!/usr/bin/env bats
#
# What others on this machine may write to decides nothing: neither what is run nor who is believed.

load verb

@test "others: a cluster file that everybody may write to is refused" {
	make_cluster
	chmod 0666 cluster.yaml
	local verb
	for verb in validate status up plan measure; do
		try 65 "$verb"
		says "cluster.yaml' has mode 0666: whoever is on this machine may write to it (chmod o-w)"
	done
	[[ ! -e .teectl ]]
	chmod 0664 cluster.yaml
	try 0 validate
}

@test "others: a cluster file in a folder where everybody may replace it is refused" {
	make_cluster
	mkdir -m 0777 open
	chmod 0777 open
	cp cluster.yaml open/
	try 65 -f open/cluster.yaml validate
	says "its folder '$PWD/open' has mode 0777: whoever is on this machine may put another in its place (chmod o-w)"
	# By a link as well.
	ln -s open/cluster.yaml link.yaml
	try 65 -f link.yaml validate
	says "its folder '$PWD/open' has mode 0777"
	chmod 1777 open
	try 0 -f link.yaml measure
}

@test "others: a cluster file comes by a pipe as well" {
	make_cluster
	sed -i "s|members/|$PWD/members/|" cluster.yaml
	try 0 -f <(cat cluster.yaml) measure
	run -0 --separate-stderr "$BUILD/teectl" -f - measure <cluster.yaml
	mkfifo -m 0666 pipe
	chmod 0666 pipe
	try 65 -f pipe measure
	says "'pipe' has mode 0666: whoever is on this machine may write to it"
}

@test "others: a member's key that everybody may write to is refused" {
	make_cluster
	sed -i 's|key: members/member2.secret|pub: members/member2.pub|' cluster.yaml
	try 0 validate
	chmod 0666 members/member2.pub
	try 65 validate
	says "members/member2.pub' has mode 0666: whoever is on this machine may write to it"
	chmod 0644 members/member2.pub
	chmod 0777 members
	try 65 validate
	says "its folder '$PWD/members' has mode 0777: whoever is on this machine may put another in its place"
	try 65 up
	says "its folder '$PWD/members' has mode 0777"
	[[ ! -e .teectl/demo/pki ]]
}

@test "others: a key set where everybody may put a key is refused" {
	make_cluster
	mkdir -m 0755 set
	cp members/*.pub set/
	echo 2 >set/quorum_threshold
	sed -e '/^  threshold:/d; /^  members:/d; /^    /{/name: member/d}' -e 's/^quorum:/&\n  keySet: set/' -i cluster.yaml
	try 0 validate
	chmod 1777 set
	try 65 validate
	says "key set 'set' has mode 1777: whoever is on this machine may make files there"
}

@test "others: a root that everybody may write to is none" {
	make_cluster
	try 0 up
	cp .teectl/demo/pki/root.der root.der
	teectl attest get tee1 -o document
	try 0 attest verify document --root root.der
	chmod 0666 root.der
	try 65 attest verify document --root root.der
	says "'root.der' has mode 0666: whoever is on this machine may write to it"
}

@test "others: a state is not kept where everybody may put another in its place" {
	make_cluster
	mkdir -m 0777 open
	chmod 0777 open
	local verb
	for verb in up status down plan; do
		try 65 --state open/state "$verb"
		says "its folder '$PWD/open' has mode 0777: whoever is on this machine may put another in its place"
	done
	[[ ! -e open/state ]]
	mkdir -m 0755 open/above
	try 65 --state open/above/state up
	says "its folder '$PWD/open' has mode 0777"
	[[ ! -e open/above/state ]]
	# Where each takes away only what is his own, one that is made is one's own; none may come from
	# others.
	chmod 1777 open
	try 65 --state open/state status
	says "state 'open/state': its folder '$PWD/open' has mode 1777: whoever is on this machine may make there what is looked for"
	try 0 --state open/state up
	try 0 --state open/state wait --for verified
	chmod 0777 open
	try 65 --state open/state status
	says "its folder '$PWD/open' has mode 0777"
	chmod 1777 open
	try 0 --state open/state down
}

@test "others: the hypervisor's own keys are not kept there either" {
	make_cluster
	mkdir -m 0777 open
	chmod 0777 open
	run -65 --separate-stderr "$BUILD/teectl-hv" --pki open/pki --image "$BUILD/teectl-enclave" --listen 127.0.0.1:0
	has "$stderr" "its folder '$PWD/open' has mode 0777: whoever is on this machine may put another in its place"
	[[ ! -e open/pki ]]
}

@test "others: a hypervisor that everybody may write to is not run" {
	make_cluster
	mkdir -p bin other
	cp "$BUILD/teectl" bin/
	cp "$BUILD/teectl-hv" bin/
	chmod 0757 bin/teectl-hv
	run -65 --separate-stderr bin/teectl up
	says "hypervisor '$PWD/bin/teectl-hv' has mode 0757: whoever is on this machine may write to it (chmod o-w)"
	run -65 --separate-stderr bin/teectl preflight
	has "$output" "hypervisor '$PWD/bin/teectl-hv' has mode 0757"
	# Elsewhere on the PATH.
	mv bin/teectl-hv other/
	PATH=$PWD/none:$PWD/other:$PATH run -65 --separate-stderr bin/teectl up
	says "hypervisor '$PWD/other/teectl-hv' has mode 0757"
	chmod 0755 other/teectl-hv
	chmod 0777 other
	PATH=$PWD/none:$PWD/other:$PATH run -65 --separate-stderr bin/teectl up
	says "its folder '$PWD/other' has mode 0777"
	chmod 0755 other
	PATH=$PWD/none:$PWD/other:$PATH run -0 --separate-stderr bin/teectl up
}

@test "others: without a hypervisor nothing is launched" {
	make_cluster
	mkdir bin
	cp "$BUILD/teectl" bin/
	PATH=$PWD/none:/usr/bin:/bin run -66 --separate-stderr bin/teectl up
	says "there is no 'teectl-hv' beside teectl or on the PATH"
}

# What another user has put at $1: who is not root can't give it away.
by_another() {
	chown -h 65534:65534 "$1"
}

@test "others: an output does not follow what another user has put there" {
	[[ $EUID == 0 ]] || skip "only root can give files away"
	local line
	make_cluster
	try 0 up
	mkdir -m 1777 open
	chmod 1777 open
	echo precious >victim
	for line in "attest get tee1 -o open/out" "plan --out open/out" "apply --trace open/out"; do
		ln -s ../victim open/out
		by_another open/out
		try 65 $line
		says "open/out': its folder '$PWD/open' has mode 1777: what is there is another user's"
		same "$(<victim)" precious
		rm open/out
		mkfifo open/out
		by_another open/out
		try 65 $line
		says "what is there is another user's"
		rm open/out
	done
	# One's own is followed, and a new file is one's own.
	ln -s ../victim open/out
	try 0 attest get tee1 -o open/out
	hasnt "$(tr -d '\0' <victim)" precious
	try 0 attest get tee1 -o open/new
}

@test "others: an output is not written where everybody may put a link in its place" {
	local line
	make_cluster
	try 0 up
	mkdir -m 0777 open
	chmod 0777 open
	for line in "attest get tee1 -o open/out" "plan --out open/out" "apply --trace open/out" \
		"member keygen open/key" "pki init --dir open/pki"; do
		try 65 $line
		says "its folder '$PWD/open' has mode 0777: whoever is on this machine may put another in its place"
		same "$(ls open)" ''
	done
	try 0 attest get tee1 -o /dev/null
}

@test "others: a path that begins where one is has come through the folders above" {
	make_cluster
	mkdir -p open/sub
	cp -r cluster.yaml members open/sub/
	cd open/sub
	try 0 validate
	chmod 0777 ..
	try 65 validate
	says "its folder '$BATS_TEST_TMPDIR/open' has mode 0777: whoever is on this machine may put another in its place"
	try 65 -f /proc/self/cwd/cluster.yaml validate
	says "its folder '$BATS_TEST_TMPDIR/open' has mode 0777"
	try 65 member show members/member1.pub
	says "has mode 0777"
	try 65 up
	[[ ! -e .teectl ]]
	chmod 1777 ..
	try 0 validate
	[[ $EUID == 0 ]] || return 0
	by_another .
	try 65 validate
	says "its folder '$BATS_TEST_TMPDIR/open' has mode 1777: what is there is another user's"
}

@test "others: what an auditor, a client and a hypervisor believe is as guarded" {
	make_cluster
	try 0 pki init --dir pki
	try 0 pki issue tee --server --host 127.0.0.1 --dir pki
	try 0 up
	try 0 genesis
	cp .teectl/demo/pki/root.der root.der
	chmod 0666 root.der
	try 65 audit verify --root root.der
	says "'root.der' has mode 0666: whoever is on this machine may write to it"
	try 65 lineage --root root.der
	says "'root.der' has mode 0666"
	try 0 plan --out saved
	chmod 0666 saved
	try 65 apply --plan saved
	says "'saved' has mode 0666"
	chmod 0666 pki/ca.pem
	try 65 pki issue other --server --host 127.0.0.1 --dir pki
	says "pki/ca.pem' has mode 0666: whoever is on this machine may write to it"
	sed 's|^nodes:|tls: { ca: pki/ca.pem }\n&|' cluster.yaml >tls.yaml
	try 65 -f tls.yaml --state .teectl/demo status
	says "tls.ca of the cluster file: 'pki/ca.pem' has mode 0666"
	run -65 --separate-stderr "$BUILD/teectl-hv" --pki own-pki --image "$BUILD/teectl-enclave" --listen 127.0.0.1:0 \
		--tls-cert pki/tee.pem --tls-key pki/tee.key --client-ca pki/ca.pem
	has "$stderr" "--client-ca 'pki/ca.pem' has mode 0666: whoever is on this machine may write to it"
}

@test "others: what a key has seen is its owner's word alone" {
	make_cluster
	try 0 up
	try 0 genesis
	try 0 share request --out request.json
	local seal=(share seal --request request.json --share .teectl/demo/shares/member1.share --key members/member1.secret -o bundle)
	try 0 "${seal[@]}" --yes
	chmod 0666 members/member1.secret.seen
	rm bundle
	try 65 "${seal[@]}" --yes
	says "members/member1.secret.seen' has mode 0666: whoever is on this machine may write to it"
	[[ ! -e bundle ]]
}

@test "others: a journal that is cut off while it is read ends the run as bad input" {
	local size cutter i ended
	make_cluster
	try 0 apply
	cp .teectl/demo/journal handed
	cp .teectl/demo/pki/root.der .
	size=$(stat -c %s handed)
	while [[ ! -e enough ]]; do truncate -s 300M handed && truncate -s "$size" handed; done 3>&- 4>&- &
	cutter=$!
	for i in {1..10}; do
		run --separate-stderr teectl audit verify handed --root root.der
		ended+=" $status"
		[[ $status == 0 || $status == 5 || $status == 65 ]] || break
	done
	touch enough
	wait "$cutter"
	[[ $ended =~ ^(\ (0|5|65)){10}$ ]] || fail "ended with$ended"
}

@test "others: another user's pipe holds nobody up" {
	[[ $EUID == 0 ]] || skip "only root can give files away"
	make_cluster
	mkfifo document
	by_another document
	exec {held}<>document
	try 66 attest show document
	says "'document' is another user's pipe; - is standard input"
	try 66 manifest adopt document
	says "another user's pipe"
	exec {held}>&-
}
