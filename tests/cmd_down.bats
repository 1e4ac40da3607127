#!/usr/bin/env bats

load verb

@test "down: stops what up has launched and leaves no process behind" {
	make_cluster
	try 0 up
	local pid hypervisors enclaves
	hypervisors=$(awk '{ print $1 }' .teectl/demo/pids/*)
	for pid in $hypervisors; do
		enclaves+=" $(pgrep -P "$pid")"
	done
	same "$(wc -w <<<"$hypervisors $enclaves")" 6
	try 0 down -o json
	json '.nodes | map(.outcome) | unique | .[]' stopped
	for pid in $hypervisors $enclaves; do
		[[ ! -e /proc/$pid ]] || grep -q '^State:.*Z' "/proc/$pid/status"
	done
}

@test "down: tells when no TEE of a cluster with a key is left" {
	make_cluster --nodes 2
	try 0 up
	try 0 down
	hasnt "$stderr" "quorum key"
	try 0 up
	try 0 genesis
	try 0 inject
	try 0 down tee2
	hasnt "$stderr" "quorum key"
	try 0 down
	says "no TEE holds quorum key $(cut -c3-10 .teectl/demo/quorum_key.pub)… any more; teectl up and teectl recover bring it back"
	says "keep .teectl/demo and their keys"
	try 0 down
	[[ -z $stderr ]]
}

@test "down: what the file would launch now is another image: that is told of what was stopped" {
	make_cluster --nodes 2
	cp "$BUILD/teectl-enclave" enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	try 0 measure --write
	local words="warning: what was stopped can't come back as it was: the cluster file's image is not the one that"
	try 0 up
	try 0 down tee2
	hasnt "$stderr" warning
	printf x >>enclave
	try 0 down
	says "$words is pinned (pcr0): teectl measure"
	# Of nothing that was stopped nothing is told.
	try 0 down
	[[ -z $stderr ]]
	cp "$BUILD/teectl-enclave" enclave
	with_key cluster
	printf x >>enclave
	try 0 measure --write --next
	try 0 down tee2
	says "$words the current manifest names (pcr0): teectl measure"
	rm enclave
	try 0 down
	says "warning: what was stopped can't be started again: there is no 'enclave' (enclave.image)"
}

@test "down: has nothing to do where nothing runs" {
	make_cluster
	try 0 down
	prints "tee1  not running"
	try 0 down -o json
	json '.nodes | map(.outcome) | unique | .[]' "not running"
}

@test "down: stops only those named" {
	make_cluster
	try 0 up
	try 0 down tee2 -o json
	json '.nodes | length' 1
	json '.nodes[0].name' tee2
	json '.nodes[0].outcome' stopped
	try 0 down -o json
	json '.nodes | map(.outcome) | join(" ")' "stopped not running stopped"
}

@test "down: leaves nodes that others launched alone" {
	make_cluster
	sed -i 's|name: tee3, listen: .* }|name: tee3, url: "https://tee3.example:8443" }|' cluster.yaml
	try 0 down -o json
	json '.nodes[2].outcome' elsewhere
}

@test "down: an unknown node is told with the nearest name, and one named twice" {
	make_cluster
	try 64 down tee1 te2
	says "has no node 'te2'; did you mean"
	try 64 down tee1 tee1
	says "node 'tee1' is named twice"
}

@test "down: waits for no other run, but names it" {
	make_cluster
	try 0 down
	exec {lock}<.teectl/demo/lock
	flock -x "$lock"
	try 75 down
	says "teectl: down: '.teectl/demo' is in use by another run (pid "
	says ": down)"
	[[ $stderr != *--timeout* ]]
	: >.teectl/demo/lock
	try 75 down
	says "in use by another run (starting)"
	exec {lock}<&-
	try 0 down
}

@test "down: the last that has the key is not stopped while others would go on without it" {
	make_cluster --nodes 2
	try 0 up
	try 0 genesis
	try 0 inject
	try 2 down tee1
	says "quorum key $(cut -c3-10 .teectl/demo/quorum_key.pub)… would be gone, and the TEEs that go on have none; nothing was stopped"
	says "hint: teectl propagate first; --lose-key stops it all the same"
	try 2 down tee1 -o json
	json .error.reason last-holder
	try 0 propagate
	try 0 down tee1
	says "tee2: key proved"
	hasnt "$stderr" "would be gone"
	hasnt "$stderr" "no TEE"
	try 0 up
	try 2 down tee2
	try 0 down tee2 --lose-key
	says "no TEE holds quorum key"
	try 2 propagate
}

@test "down: one that is silent may be the last that has the key" {
	make_cluster --nodes 2
	try 0 up
	try 0 genesis
	try 0 inject
	local pid start address
	read -r pid start address <.teectl/demo/pids/tee1
	kill -STOP $(pgrep -P "$pid")
	try 2 down tee1
	says "no TEE that answers has quorum key"
	says "one that is silent may be the last that has it; nothing was stopped"
	try 2 status
	says "hint: teectl logs tee1"
	prints "tee1 does not answer, and may be the last that holds the quorum key: with it the key is gone; find out why before it is stopped"
	hasnt "$output$stderr" "teectl down"
	kill -CONT $(pgrep -P "$pid")
	try 0 propagate
	# Now another has it, and who hangs may go.
	kill -STOP $(pgrep -P "$pid")
	try 2 status
	says "hint: teectl down tee1, then teectl apply"
	try 0 down tee1
	says "tee2: key proved"
	hasnt "$stderr" "would be gone"
	hasnt "$stderr" "no TEE"
}

@test "down: where nobody can be asked, any may be the last: some are not stopped, all may be" {
	make_cluster --nodes 2
	try 0 up
	try 0 genesis
	try 0 inject
	sed -i '$a tls: { ca: nowhere.pem }' cluster.yaml
	try 2 down tee1
	says "who holds the quorum key could not be seen, so any may be the last that has it; nothing was stopped: "
	says "hint: correct what is named; or --lose-key stops it all the same"
	try 2 down tee1 -o json
	json .error.reason last-holder
	kill -0 "$(cut -d' ' -f1 .teectl/demo/pids/tee1)"
	try 0 down
	says "who holds the quorum key could not be seen: "
	prints "tee1  stopped"
}

@test "down: those that do not answer may have the key, and are not said to lack it" {
	make_cluster --nodes 2
	try 0 up
	try 0 genesis
	try 0 inject
	try 0 propagate
	local pid start address
	read -r pid start address <.teectl/demo/pids/tee2
	kill -STOP $(pgrep -P "$pid")
	try 2 down tee1
	says "would be gone, and the TEEs that go on have none; nothing was stopped"
	try 0 down tee1 --lose-key
	says "no TEE that answers holds quorum key"
	says "those that do not answer may have it: teectl status"
	kill -CONT $(pgrep -P "$pid")
	try 0 apply
}

@test "down: where the state is another, what answers is not called absent" {
	make_cluster --nodes 1
	try 0 up
	local port
	port=$(sed 's/.*:\([0-9]*\)$/\1/' .teectl/demo/pids/tee1)
	sed "s/listen: \"127.0.0.1:0\"/listen: \"127.0.0.1:$port\"/" cluster.yaml >other.yaml
	grep -q ":$port" other.yaml
	try 0 -f other.yaml --state elsewhere down
	prints "something answers on 127.0.0.1:$port that this state folder did not launch"
}

@test "down: none goes that would leave fewer TEEs with the key than keepReady; --lose-key stops it all the same" {
	cluster own 3 2 3 'keepReady: 2'
	try 0 -f own.yaml apply
	try 0 -f own.yaml down tee3
	try 2 -f own.yaml down tee2
	says "1 TEE would be left with the quorum key, and the cluster file wants 2 at any time (keepReady); nothing was stopped"
	says "or a lower keepReady; --lose-key stops it all the same"
	try 2 -f own.yaml down tee2 -o json
	json .error.reason keep-ready
	try 0 -f own.yaml verify --only tee1,tee2
	# One without the key may go at any time.
	try 0 -f own.yaml up
	try 0 -f own.yaml down tee3
	try 0 -f own.yaml down tee2 --lose-key
}

@test "down: one that the cluster file no longer has is named, and stopped with all or by --orphans" {
	cluster own 3 2 3
	sed '/name: tee3/d' own.yaml >fewer.yaml
	try 0 -f own.yaml apply
	try 0 -f fewer.yaml status -o json
	json '.orphans | map(.name) | join(" ")' tee3
	says "warning: tee3 runs here (pid $(cut -d' ' -f1 .teectl/own/pids/tee3)), and the cluster file does not launch it"
	says "teectl -f fewer.yaml down --orphans"
	try 64 -f fewer.yaml down --orphans tee1
	says "--orphans takes no nodes"
	# What is left of a write that was cut short is no enclave of its own.
	cp .teectl/own/pids/tee1 .teectl/own/pids/tee1.aB3xyZ
	try 0 -f fewer.yaml down --orphans
	prints "tee3  stopped  not in the cluster file"
	hasnt "$output" tee1
	try 0 -f fewer.yaml status -o json
	json '.orphans | length' 0
	try 0 -f own.yaml apply
	try 0 -f fewer.yaml down
	prints "tee3  stopped  not in the cluster file"
	[[ -z $(pgrep -f "teectl-hv.*$PWD" || true) ]]
}

# The same where tee1 says to teectl nothing at all, or what it is not.
@test "down: one that shows no document may be where another's address leads, nor for retire" {
	cluster own 2 2 3
	with_key own
	local pid start address lost verb code
	read -r pid start address <.teectl/own/pids/tee1
	behind own same tee2 "http://$address"
	for lost in status:held live-attestation:lost; do
		mitm mute --to "http://$address" "$lost" prove-key:lost
		echo "$pid $start ${mute#http://}" >.teectl/own/pids/tee1
		for verb in down retire; do
			rm -f .teectl/own/journal
			code=2
			[[ $verb == down ]] || code=4
			try "$code" -f same.yaml "$verb" tee1
			says 'tee2: key proved'
			says 'document, and none is in the journal'
			kill -0 "$pid"
		done
	done
	# Its own is in the journal: then the address is seen to lead to it.
	echo "$pid $start $address" >.teectl/own/pids/tee1
	rm -f .teectl/own/journal
	try 0 -f own.yaml verify --only tee1
	echo "$pid $start ${mute#http://}" >.teectl/own/pids/tee1
	try 2 -f same.yaml down tee1
	says 'the TEE that answers here is the one that answers for tee1, by the journal'
	kill -0 "$pid"
	echo "$pid $start $address" >.teectl/own/pids/tee1
	stop_hvs
}

@test "down: an orphan that may be the last with the key is not stopped unless --lose-key is given" {
	cluster own 2 2 3
	sed '/name: tee1/d' own.yaml >fewer.yaml
	for verb in up genesis inject; do try 0 -f own.yaml "$verb"; done
	try 2 -f fewer.yaml down --orphans
	says "tee1 may hold the quorum key, and of the cluster file's TEEs 0 do; nothing was stopped"
	try 0 -f own.yaml verify --only tee1
	try 0 -f fewer.yaml down --orphans --lose-key
	prints "tee1  stopped  not in the cluster file"
}

@test "down: one after the other, the last that has the key is not stopped; all at once are" {
	cluster own 2 2 3
	with_key own
	teectl -f own.yaml propagate >/dev/null 2>&1
	try 0 -f own.yaml down tee1
	try 2 -f own.yaml down tee2
	says 'would be gone: no other TEE has it now; nothing was stopped'
	says 'hint: teectl -f own.yaml up first, then teectl -f own.yaml propagate; teectl -f own.yaml down without names, or --lose-key'
	try 0 -f own.yaml status --only tee2
	try 0 -f own.yaml down
	says 'no TEE holds quorum key'
}

@test "down: that another has the key it proves, or the one that has it is not stopped" {
	cluster own 2 2 3
	with_key own
	local pid
	pid=$(cut -d' ' -f1 .teectl/own/pids/tee1)
	# It holds the manifest, and no key comes.
	mitm relay --to "$(url own tee2)" generate-attestation:nonce
	behind own lie tee2 "$relay"
	try 5 -f lie.yaml propagate
	mitm liar --to "$(url own tee2)" status:ready
	behind own lie tee2 "$liar"
	try 2 -f lie.yaml down tee1
	says 'of those that go on and say that they have the quorum key 0 proved it'
	says 'nothing was stopped'
	kill -0 "$pid"
	# It has it by now.
	teectl -f own.yaml propagate >/dev/null 2>&1
	try 0 -f lie.yaml down tee1
	prints 'tee1  stopped'
	stop_hvs
}

# same: tee2 is at an address that leads to tee1, and a journal that is new knows neither.
@test "down: an address that leads to the one that goes is none that goes on, nor for retire" {
	cluster own 2 2 3
	with_key own
	local pid verb code
	pid=$(cut -d' ' -f1 .teectl/own/pids/tee1)
	behind own same tee2 "$(url own tee1)"
	for verb in down retire; do
		rm -f .teectl/own/journal
		code=2
		[[ $verb == down ]] || code=4
		try "$code" -f same.yaml "$verb" tee1
		says 'the TEE that answers here is the one that answers for tee1, which was launched here'
		kill -0 "$pid"
	done
	says 'tee1 was not stopped, since one that goes on proved its key and not one of its own'
	# The journal knows by now.
	try 2 -f same.yaml down tee1
	try 0 -f same.yaml down tee1 --lose-key
	prints 'tee1  stopped'
	stop_hvs
}

@test "down: an orphan that may be the last with the key is not stopped with all, nor by another's word" {
	cluster own 2 2 3
	with_key own
	local pid url orphans file
	pid=$(cut -d' ' -f1 .teectl/own/pids/tee1)
	url=$(url own tee1)
	# tee2 holds the manifest, and no key comes.
	mitm relay --to "$(url own tee2)" generate-attestation:nonce
	behind own lie tee2 "$relay"
	try 5 -f lie.yaml propagate
	sed '/name: tee1/d' own.yaml >fewer.yaml
	behind fewer none tee2 "$(url own tee2)"
	behind fewer same tee2 "$url"
	mitm liar --to "$(url own tee2)" status:ready
	behind fewer lie tee2 "$liar"
	for orphans in "" --orphans; do
		try 2 -f none.yaml down $orphans
		says "may hold the quorum key, and of the cluster file's TEEs 0 do; nothing was stopped"
		for file in lie same; do
			try 2 -f $file.yaml down $orphans
			says 'of those that go on and say that they have the quorum key 0 proved it'
		done
		kill -0 "$pid"
	done
	sed '$a tls: { ca: nowhere.pem }' none.yaml >unseen.yaml
	try 2 -f unseen.yaml down --orphans
	says 'who holds the quorum key could not be seen, so any may be the last'
	kill -0 "$pid"
	stop_hvs
}

@test "down: one that the cluster file no longer has is named as what it is, and no other in its place" {
	cluster own 3 2 3
	sed '/name: tee3/d' own.yaml >fewer.yaml
	try 0 -f own.yaml up
	local pid
	pid=$(cut -d' ' -f1 .teectl/own/pids/tee3)
	for name in tee3 tee1,tee3; do
		try 64 -f fewer.yaml down "$name"
		says "'fewer.yaml' no longer launches 'tee3', which runs here (pid $pid); nothing was stopped"
		says "hint: teectl -f fewer.yaml down --orphans stops it"
		hasnt "$stderr" "did you mean"
	done
	kill -0 "$pid"
	try 0 -f fewer.yaml down --orphans
	# Now it is a name like any other.
	try 64 -f fewer.yaml down tee3
	says "has no node 'tee3'; did you mean"
	try 0 -f own.yaml down
}

@test "down: of one that waits the shares that it has are lost with it, and that is told" {
	local name verb
	for name in one two; do
		cluster "$name" 2 3 4
		for verb in up genesis; do try 0 -f "$name.yaml" "$verb"; done
		rm "$name"-members/member[34].secret
	done
	rm one-members/member2.secret
	try 3 -f one.yaml inject
	try 0 -f one.yaml down tee2
	hasnt "$stderr" "lost"
	try 0 -f one.yaml down tee1
	says "tee1 had 1 of 3 shares: that one is lost with it, and whoever gave it has to give it again"
	try 3 -f two.yaml inject
	try 0 -f two.yaml down
	says "tee1 had 2 of 3 shares: those are lost with it, and whoever gave one has to give his again"
	hasnt "$stderr" "tee2"
	try 0 -f two.yaml down
	[[ -z $stderr ]]
}
