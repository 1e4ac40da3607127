#!/usr/bin/env bats
# Several watchers: one leads by a lease in etcd, another takes its place, and nothing is done twice.
# Three members of etcd on loopback; nodes are launched "elsewhere", which is here, by the test.

load verb
load watch

ETCDS=()

setup() {
	command -v etcd >/dev/null || fail "there is no etcd: make deps-test installs it (Debian: etcd-server)"
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	cd "$BATS_TEST_TMPDIR" # a test may have gone elsewhere
	((${#ETCDS[@]} == 0)) || kill -KILL "${ETCDS[@]}" 2>/dev/null || true
	watch_teardown
}

# N free ports of loopback, below those that the kernel gives to whoever asks for any: until etcd listens, no
# connection or port 0 of another test can take one.
free_ports() {
	perl -MSocket -e 'open(my $r, "<", "/proc/sys/net/ipv4/ip_local_port_range") or die; my ($end) = split(" ", <$r>);
		for (my $try = 0; @all < $ARGV[0]; $try++) { $try < 1000 or die; socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
		bind($s, sockaddr_in(10000 + int(rand($end - 10000)), INADDR_LOOPBACK)) and push @all, $s; }
		print join(" ", map { (sockaddr_in(getsockname($_)))[0] } @all), "\n"' "$1"
}

# etcd_start [OPTION...]: three members, or as many as there are ports in $members; their URLs in $urls.
etcd_start() {
	local ports i scheme=${scheme:-http} peers=
	read -ra ports < <(free_ports 6)
	for i in 0 1 2; do peers+="${peers:+,}m$i=http://127.0.0.1:${ports[i + 3]}"; done
	urls=()
	for i in 0 1 2; do
		urls+=("$scheme://127.0.0.1:${ports[i]}")
		etcd --name "m$i" --data-dir "etcd$i" --listen-client-urls "${urls[i]}" --advertise-client-urls "${urls[i]}" \
			--listen-peer-urls "http://127.0.0.1:${ports[i + 3]}" --initial-advertise-peer-urls "http://127.0.0.1:${ports[i + 3]}" \
			--initial-cluster "$peers" --initial-cluster-state new --logger zap "$@" >"etcd$i.log" 2>&1 3>&- 4>&- &
		ETCDS+=("$!")
	done
	for i in 0 1 2; do until_in "etcd$i.log" 'serving client traffic'; done
	state="state: { etcd: [ \"${urls[0]}\", \"${urls[1]}\", \"${urls[2]}\" ], lease: 4s }"
}

# A cluster of N TEEs that has its key, in own.yaml, and far.yaml, where all of them are elsewhere; what
# every watcher needs is in etcd.
shared_cluster() { # N
	local i address words nodes=()
	cluster own "$1" 2 3 "watch: { interval: 300ms }
$state"
	ok apply
	for ((i = 1; i <= $1; i++)); do
		launched_as "tee$i"
		nodes+=("tee$i" "http://$address")
	done
	behind own far "${nodes[@]}"
	sed -i 's|root: simulated|root: .teectl/own/pki/root.der|' far.yaml
}

# watcher NAME: a watch of far.yaml with a state folder of its own; $watch_fd and $watch_pid are its.
watcher() {
	watch_start far --state "$1"
}

# How often a step of a node was done, by all journals of watchers.
done_by_all() { # STEP NODE
	cat ./*/journal | jq -rR "fromjson? | select(.step == \"$1\" and .node == \"$2\" and .outcome == \"done\") | .node" | wc -l
}

leads='.event == "leader" and .text == "leads"'
follows='.event == "leader" and (.text | startswith("follows "))'

@test "watch etcd: a watcher that dies is replaced within its lease, an etcd member and TEEs die beside it, and nothing is done twice" {
	local address words killed
	etcd_start
	shared_cluster 3
	watcher s1
	local fd1=$watch_fd pid1=$watch_pid
	until_event "$leads"
	until_ready 3
	watcher s2
	local fd2=$watch_fd pid2=$watch_pid
	until_event "$follows"
	until_ready 3
	# The leader heals, the other looks on.
	launched_as tee3
	kill_node own tee3
	watch_fd=$fd1
	until_event "$(of tee3 node gone)"
	relaunch
	until_event "$(of tee3 done) and .step == \"forward\""
	watch_fd=$fd2
	until_event "$(of tee3 node ready)"
	# Now the leader goes, and a member of etcd, and a TEE.
	launched_as tee2
	killed=$SECONDS
	kill -KILL "$pid1" "${ETCDS[0]}"
	kill_node own tee2
	relaunch
	until_event "$leads"
	until_event "$(of tee2 done) and .step == \"forward\""
	until_ready 3
	# The lease of 4 s, and what a busy machine takes for a few hops and etcd's own election.
	((SECONDS - killed <= 20)) || fail "it took $((SECONDS - killed)) s"
	same "$(done_by_all forward tee2) $(done_by_all forward tee3)" '1 1'
	watch_pid=$pid2
	watch_end TERM 0
}

@test "watch etcd: a leader that stood still finds another in its place, and does nothing more" {
	local address words
	etcd_start
	shared_cluster 2
	watcher s1
	local fd1=$watch_fd pid1=$watch_pid
	until_event "$leads"
	until_ready 2
	watcher s2
	local fd2=$watch_fd pid2=$watch_pid
	until_event "$follows"
	launched_as tee2
	kill -STOP "$pid1"
	kill_node own tee2
	relaunch
	until_event "$leads"
	until_event "$(of tee2 done) and .step == \"forward\""
	until_ready 2
	kill -CONT "$pid1"
	watch_fd=$fd1 watch_pid=$pid1
	until_event "$follows"
	watch_end TERM 0
	same "$(done_by_all forward tee2)" 1
	# One that ends in order lets the next lead at once.
	watcher s1
	until_event "$follows"
	local fd3=$watch_fd pid3=$watch_pid
	watch_fd=$fd2 watch_pid=$pid2
	watch_end TERM 0
	watch_fd=$fd3 watch_pid=$pid3
	until_event "$leads"
	watch_end TERM 0
}

@test "watch etcd: killed at every point of a heal, another ends it, and the TEE takes the key once" {
	local address words point found
	etcd_start
	shared_cluster 2
	launched_as tee2
	kill_node own tee2
	mitm target --to "http://$address" --victim victim share-manifest@1-1:kill-before share-manifest@2-2:kill-after \
		generate-attestation@1-1:kill-before generate-attestation@2-2:kill-after inject-key@1-1:kill-after
	mitm source --to "$(url own tee1)" --victim victim export-key@1-1:kill-before export-key@2-2:kill-after
	behind far via tee1 "$source" tee2 "$target"
	sed -i "s|url: \"$(url own tee1)\"|url: \"$source\"|; s|url: \"http://$address\"|url: \"$target\"|" via.yaml
	relaunch
	for point in {1..7}; do
		watch_start via --state "s$point"
		echo "$watch_pid" >victim
		# It dies by what the proxy does, and its events end.
		while read -r -t 60 -u "$watch_fd" event; do printf '%s\n' "$event" >>all; done
		found=0
		wait "$watch_pid" || found=$?
		same "point $point: $found" "point $point: 137"
	done
	watch_start via --state s8
	until_ready 2
	watch_end TERM 0
	same "$(grep 'operation=inject-key .*outcome=ok' far.log | grep -c -v replay)" 1
}

@test "watch etcd: a genesis that another watcher knows of is pulled, believed anew, and two quorums are told apart" {
	etcd_start
	shared_cluster 2
	# More than one answer holds: they come in pages.
	jq -nc '{ success: [range(100) | { request_put: { key: ("teectl/own/state/manifests/z\(.).json" | @base64), value: ("z\(.)" | @base64) } }] }' >many
	has "$(curl -sS -d @many "${urls[0]}/v3/kv/txn")" '"succeeded":true'
	try 0 -f far.yaml --state s1 watch --once
	# What no run reads is not taken.
	same "$(ls s1/manifests)" "$(ls .teectl/own/manifests)"
	cmp .teectl/own/manifest.current s1/manifest.current
	cmp .teectl/own/genesis_output s1/genesis_output
	cmp .teectl/own/shares/member1.share s1/shares/member1.share
	[[ ! -e s1/pki ]]
	# Another quorum under the same name.
	mkdir other
	cd other
	cluster own 1 2 3 "watch: { interval: 100ms }
$state"
	ok apply
	says 'warning: etcd was not given what this has changed: etcd keeps a manifest'
	ok watch --once
	prints 'failed: etcd keeps a manifest'
	prints 'they are of two quorums'
	# In each round, and told once.
	watch_start own --metrics 127.0.0.1:0
	until_rounds 5
	watch_end TERM 0
	same "$(grep -c 'they are of two quorums' events)" 1
	ok down --lose-key
}

@test "watch etcd: a watcher without a state of its own takes none from etcd while a member's key is missing" {
	etcd_start
	shared_cluster 1
	# Whoever writes to etcd puts others in the place of those that nobody can compare.
	mkdir away
	mv own-members/member3.* away/
	try 5 -f far.yaml --state s1 watch --once
	prints "the first state is taken from etcd only where each member's public key and the image or its pins are here: member 'member3'"
	[[ ! -e s1/manifest.current ]]
	mv away/member3.pub own-members/
	# Nor of an image that nothing here names.
	sed 's|image: .*|image: nowhere|' far.yaml >blind.yaml
	try 2 -f blind.yaml --state s1 watch --once
	prints "image 'nowhere': No such file or directory"
	[[ ! -e s1/manifest.current ]]
	try 0 -f far.yaml --state s1 watch --once
	cmp .teectl/own/manifest.current s1/manifest.current
}

@test "watch etcd: it takes client certificates, and without etcd nothing is healed" {
	teectl pki init >/dev/null
	teectl pki issue operator --role operator >/dev/null
	# etcd's gateway is itself a client of etcd's, by the same certificate.
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout pki/etcd.key -out etcd.csr -subj /CN=etcd 2>/dev/null
	openssl x509 -req -in etcd.csr -CA pki/ca.pem -CAkey pki/ca.key -CAcreateserial -days 2 -out pki/etcd.pem \
		-extfile <(printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n') 2>/dev/null
	scheme=https etcd_start --cert-file pki/etcd.pem --key-file pki/etcd.key --trusted-ca-file pki/ca.pem --client-cert-auth
	state=${state/lease/ca: pki/ca.pem, cert: pki/operator.pem, key: pki/operator.key, lease}
	cluster own 2 2 3 "watch: { interval: 300ms }
$state"
	ok apply
	ok down tee2
	sed '/^state/s/cert: .*key: [^,]*, //' own.yaml >bare.yaml
	try 69 -f bare.yaml watch --once
	prints 'failed: etcd: '
	prints 'this watcher follows nobody: etcd does not answer'
	says 'etcd does not answer, so nobody is known to lead and nothing was healed: etcd: '
	ok watch --once
	prints 'this watcher leads'
	prints 'tee2: forward: from tee1'
}

# put NAME FILE: that content is what etcd keeps under that name of the state.
put() {
	jq -nc --arg key "teectl/own/state/$1" --arg value "$(base64 -w 0 "$2")" '{ key: ($key | @base64), value: $value }' >"$BATS_TEST_TMPDIR/put"
	has "$(curl -sS -d @"$BATS_TEST_TMPDIR/put" "${urls[0]}/v3/kv/put")" '"revision"'
}

# get NAME: and what it keeps.
get() {
	jq -nc --arg key "teectl/own/state/$1" '{ key: ($key | @base64) }' >"$BATS_TEST_TMPDIR/get"
	curl -sS -d @"$BATS_TEST_TMPDIR/get" "${urls[0]}/v3/kv/range" | jq -r '.kvs[0].value | @base64d'
}

# What a watcher must not lose, in one hash.
kept() { # STATE
	(cd "$1" && find genesis_output genesis_attestation_doc quorum_key.pub manifest.current shares manifests -type f -exec sha256sum {} + | sort)
}

@test "watch etcd: who writes to etcd overwrites nothing: junk, and a draft that nobody has approved, are told and change nothing" {
	local before hash
	etcd_start
	cluster own 2 2 3 "watch: { interval: 100ms }
$state"
	ok apply
	before=$(kept .teectl/own)
	# Junk in the place of everything, and a current manifest of which we know nothing; that our own is
	# among etcd's manifests makes it look like one that has gone on from it.
	hash=$(printf 'f%.0s' {1..64})
	printf GONE >gone
	printf '%s\n' "$hash" >current
	for name in shares/member1.share shares/member2.share genesis_output "manifests/$hash.json"; do put "$name" gone; done
	put manifest.current current
	ok down tee2
	ok watch --once
	prints "failed: etcd keeps another '"
	prints 'nothing here is overwritten'
	prints 'tee2: forward: from tee1'
	same "$(kept .teectl/own)" "$before"
	# The genuine genesis again, and a manifest of it that loads: a draft of ours.
	sed 's/^manifest: .*/manifest: { namespace: own, nonce: 2 }/' own.yaml >next.yaml
	try 0 -f next.yaml --state .teectl/own manifest new --out draft.json
	hash=$(teectl -f own.yaml manifest show draft.json -o json | jq -r .manifest_hash)
	for name in shares/member1.share shares/member2.share genesis_output; do put "$name" ".teectl/own/$name"; done
	put "manifests/$hash.json" draft.json
	sed "1s/.*/$hash/" .teectl/own/manifest.current >current
	put manifest.current current
	ok watch --once
	prints "failed: etcd: what it keeps under 'teectl/own/state/' is not taken over: "
	same "$(kept .teectl/own)" "$before"
	[[ ! -e .teectl/own/etcd.pulled ]]
	# Nor does one that has nothing yet.
	sed 's|root: simulated|root: .teectl/own/pki/root.der|' own.yaml >far.yaml
	sed -i "s|listen: \"127.0.0.1:0\"|url: \"$(url own tee1)\"|; /name: tee2/d" far.yaml
	try 5 -f far.yaml --state s1 watch --once
	prints 'is not taken over: '
	[[ ! -e s1/manifest.current && ! -e s1/genesis_output ]]
	ok verify
}

@test "watch etcd: a verb gives etcd what it has changed; an older manifest in etcd does not come back; no etcd is a warning" {
	local before member
	etcd_start
	cluster own 1 2 3 "$state"
	ok apply -o json
	json .not_shared null
	same "$(get manifest.current)" "$(<.teectl/own/manifest.current)"
	cp .teectl/own/manifest.current old
	sed 's|root: simulated|root: .teectl/own/pki/root.der|' own.yaml >far.yaml
	sed -i "s|listen: \"127.0.0.1:0\"|url: \"$(url own tee1)\"|" far.yaml
	try 0 -f far.yaml --state s1 watch --once
	sed -i 's/^manifest: .*/manifest: { namespace: own, nonce: 2 }/' own.yaml
	ok manifest new --out next.json
	for member in 1 2; do
		teectl -f own.yaml manifest approve next.json --key "own-members/member$member.secret" --yes --out "m$member.approval" >/dev/null
	done
	ok manifest collect next.json m1.approval m2.approval
	ok manifest adopt next.json -o json
	json .changed true
	json .not_shared null
	before=$(kept .teectl/own)
	same "$(get manifest.current)" "$(<.teectl/own/manifest.current)"
	put manifest.current old
	try 2 -f own.yaml watch --once
	same "$(kept .teectl/own)" "$before"
	same "$(get manifest.current)" "$(<.teectl/own/manifest.current)"
	# Approved, the new one is taken over by one that knows the manifest before it.
	try 2 -f far.yaml --state s1 watch --once
	same "$(kept s1)" "$before"
	# And without etcd both go on, and say so.
	kill -KILL "${ETCDS[@]}"
	try 69 -f own.yaml preflight
	prints "${urls[1]}"
	says 'checks failed; etcd of http://127.0.0.1:'
	ok manifest adopt next.json -o json
	says 'warning: etcd was not given what this has changed: etcd: '
	says 'teectl -f own.yaml watch --once does it'
	has "$(jq -r .not_shared <<<"$output")" 'etcd: '
	try 69 -f own.yaml watch --once
	prints 'this watcher follows nobody: etcd does not answer'
}

@test "watch etcd: a watcher that could heal nothing says so, and leaves the lead to one that can" {
	local address words
	etcd_start
	cluster own 2 2 3 "watch: { interval: 200ms }
$state"
	ok apply
	# Of the same file with another state folder: it has no root to judge by.
	watch_start own --state s2
	until_event '.event == "leader" and (.text | startswith("can'"'"'t heal, and leaves that to others: "))'
	has "$(jq -r .text <<<"$event")" 'there is no simulated root'
	watch_end TERM 0
	same "$(jq -r 'select(.event == "crash-loop" or (.event == "leader" and .text == "leads")) | .text' events)" ''
	[[ ! -e s2/pids ]]
	# With a root, and nodes of this machine at ports of their own, that the other folder launched.
	launched_as tee1
	sed -e "/name: tee1/s|127.0.0.1:0|$address|" -e 's|root: simulated|root: .teectl/own/pki/root.der|' own.yaml >twin.yaml
	launched_as tee2
	sed -i "/name: tee2/s|127.0.0.1:0|$address|" twin.yaml
	watch_start twin --state s3
	local fd3=$watch_fd pid3=$watch_pid
	until_event '.event == "leader" and (.text | startswith("can'"'"'t heal, and leaves that to others: tee1 and 1 more were launched"))'
	# Whoever can, does, though it came later; and what ends is not launched by the first.
	watch_start own
	until_event "$leads"
	until_ready 2
	kill_node own tee2
	until_event "$(of tee2 done) and .step == \"forward\""
	until_ready 2
	# Two with one state folder: the second takes the first's place.
	local fd4=$watch_fd pid4=$watch_pid
	watch_start own
	until_event "$follows"
	until_ready 2
	kill -KILL "$pid4"
	until_event "$leads"
	kill_node own tee2
	until_event "$(of tee2 done) and .step == \"forward\""
	until_ready 2
	watch_end TERM 0
	exec {fd4}<&-
	: >events
	watch_fd=$fd3 watch_pid=$pid3
	watch_end TERM 0
	same "$(jq -r 'select(.event == "done" or .event == "crash-loop") | .text' events)" ''
	ok down --lose-key
}

@test "watch etcd: a state that is damaged while it watches is told once, and mended it goes on" {
	cluster own 1 2 3 'watch: { interval: 100ms }'
	ok apply
	watch_start own --metrics 127.0.0.1:0
	until_ready 1
	mv .teectl/own/manifest.current kept
	printf 'junk\n' >.teectl/own/manifest.current
	until_event '.event == "failed" and (.text | contains("state "))'
	mv kept .teectl/own/manifest.current
	kill_node own tee1
	until_event "$(of tee1 node gone)"
	# Another file is taken over, and told once.
	echo '# a remark' >>own.yaml
	until_event '.event == "file"'
	same "$(jq -r .text <<<"$event")" 'the cluster file has changed: it goes by the new one from now on'
	until_rounds 20
	watch_end TERM 0
	same "$(jq -rs 'map(.event | select(. == "file")) | length' events)" 1
	same "$(jq -rs 'map(select(.event == "failed" and (.text | contains("junk") or contains("bytes instead")))) | length' events)" 1
	ok down --lose-key
}
