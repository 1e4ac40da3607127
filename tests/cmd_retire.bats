#!/usr/bin/env bats
# Old TEEs give up the key, when others have proved that they hold it.

load upgrade

setup() {
	cd "$BATS_TEST_TMPDIR"
}

@test "retire: stops those that run here, once all others have proved the key" {
	living 3
	try 0 retire tee1 tee3
	local order
	order=$(grep -o 'tee[1-3]: \(retired, stopped\|key proved\)' <<<"$stderr" | tr '\n' ',')
	[[ $order =~ ^tee2:\ key\ proved,tee[13]:\ retired,\ stopped,tee[13]:\ retired,\ stopped,$ ]] || fail "$order"
	prints "1 of 3 TEEs has the quorum key"
	hasnt "$output$stderr" "next:"
	same_seeds 1
	# They were ended on purpose: nobody is told to start them again.
	try 2 status
	prints "missing: 2 of 3 TEEs have retired: out of the cluster file with them, or teectl up starts them anew"
	hasnt "$stderr" "hint:"
	try 2 status -o json
	json .next ""
	json '.nodes[0].note' "tee1 has retired and was stopped: teectl up starts it anew"
	try 0 retire tee1 -o json
	json .outcome "nothing to do"
	json '.nodes | map(.state) | join(",")' gone,ready,gone
	try 0 retire tee1
	prints "nothing to do: none of them holds anything"
	try 0 up --only tee1
	try 0 propagate --to tee1
	same_seeds 2
	# It lives again; one that is merely down is told apart from one that has retired.
	try 0 down tee1
	try 2 status
	prints "missing: 1 of 3 TEEs is not running, and 1 has retired"
	says "hint: teectl up --only tee1"
	try 0 up
	try 0 propagate
	same_seeds 3
	try 0 status
}

@test "retire: not the last that has the key, unless it is meant" {
	living 2
	local before key
	before=$(pid_of tee1)$(pid_of tee2)
	key=$(cut -c3-10 .teectl/demo/quorum_key.pub)
	try 2 retire tee1 tee2
	says "quorum key $key… would be gone, since no other TEE that answers has it; nothing was retired (--lose-key retires it all the same)"
	says 'hint: teectl status shows which TEEs have the key'
	hasnt "$stderr" 'teectl propagate'
	try 2 retire tee1 tee2 -o json
	json .error.reason last-holder
	same "$(pid_of tee1)$(pid_of tee2)" "$before"
	try 0 retire tee1
	try 2 retire tee2
	says "would be gone"
	same_seeds 1
	try 0 retire tee2 --lose-key
	says "tee2: retired, stopped"
	try 2 propagate
	says "no TEE of this file has the quorum key"
	# The members' shares bring it back.
	teectl up >/dev/null 2>&1
	try 0 recover
	same_seeds 1
}

@test "retire: nobody goes when one that stays does not prove the key" {
	living 2
	local before change
	before=$(pid_of tee1)
	for change in prove-key:flipped prove-key:signature; do
		cp cluster.yaml launched.yaml
		mitm liar --to "$(url cluster tee2)" "$change"
		elsewhere tee2 "$liar"
		try 5 retire tee1
		says "tee2: prove failed: "
		hasnt "$stderr" "tee1: retired"
		mv launched.yaml cluster.yaml
		stop_hvs
	done
	same "$(pid_of tee1)" "$before"
	same_seeds 2
}

@test "retire: one that others launched is named until it is gone, where nobody may tell it" {
	living 2
	by_hand tee3 "$BUILD/teectl-enclave"
	echo "  - { name: tee3, url: \"$tee3\" }" >tee3
	sed -i '/^nodes:/r tee3' cluster.yaml
	try 0 propagate
	same_seeds 3
	try 2 retire tee3
	says "tee3: launched elsewhere, and whoever launched it has to stop it: it can't be told to wipe ("
	says "Access denied"
	hasnt "$stderr" "retire failed"
	says "hint: once it is stopped, out of the cluster file with it"
	try 2 retire tee3 -o json
	json .error.reason elsewhere
	json .error.exit_status 2
	json .next ''
	same_seeds 3
	kill "$tee3_pid"
	wait "$tee3_pid" || true
	try 2 retire tee3
	says "tee3: launched elsewhere, and does not answer: whoever launched it sees to it that it is stopped"
	says "hint: once it is stopped, out of the cluster file with it"
	same_seeds 2
}

# secure: four nodes that ask for roles. tee3 and tee4 are reached by their URLs, as nodes that others launched,
# in cluster.yaml; launched.yaml has them as this machine's own.
secure() {
	teectl pki init >/dev/null
	teectl pki issue server --server --host 127.0.0.1 >/dev/null
	teectl pki issue operator --role operator >/dev/null
	teectl pki issue observer --role observer >/dev/null
	teectl pki issue app --role app >/dev/null
	make_cluster --nodes 4
	sed -i '/insecureOpenSeed/d; /^tls:/,$d' cluster.yaml
	echo 'tls: { ca: pki/ca.pem, cert: pki/operator.pem, key: pki/operator.key, server: { cert: pki/server.pem, key: pki/server.key, clientCa: pki/ca.pem } }' >>cluster.yaml
	mv cluster.yaml launched.yaml
	local verb
	for verb in up genesis inject propagate; do
		teectl -f launched.yaml "$verb" >/dev/null 2>&1
	done
	cp launched.yaml cluster.yaml
	elsewhere tee3 "$(url launched tee3 | sed s/http:/https:/)"
	elsewhere tee4 "$(url launched tee4 | sed s/http:/https:/)"
}

@test "retire: with mutual TLS one that others launched is told to wipe, and its receipt is kept" {
	secure
	sed 's/operator/observer/g' cluster.yaml >observer.yaml
	try 2 -f observer.yaml retire tee3
	says "a client of role observer may not use /enclave/retire, which needs role operator"
	rm observer.yaml
	try 0 retire tee3
	says "tee2: key proved"
	says "tee4: key proved"
	says "tee3: retired, wiped"
	prints "3 of 4 TEEs have the quorum key"
	try 2 status -o json
	json '.nodes[2].phase' UnrecoverableError
	json '.nodes[2].note' "retired or broken: it says that it has no key any more"
	[[ $(grep -c '"kind":"receipt","node":"tee3"' .teectl/demo/journal) -ge 2 ]] || fail "$(grep -o '"kind":"receipt"[^}]*' .teectl/demo/journal | cut -c1-200)"
	try 0 lineage -o json
	[[ $(jq '[.. | objects | select(.retired? == true)] | length' <<<"$output") -eq 1 ]] || fail "nobody is retired"
	try 0 lineage --format dot
	same "$(grep -c 'label="tee3\\n[^"]*\\nretired"' <<<"$output")" 1
	# Again it is the same answer.
	try 0 retire tee3
	says "tee3: retired, wiped"
	try 0 audit verify .teectl/demo/journal
}

@test "retire: an upgrade tells old nodes elsewhere to wipe where that is asked for, and ends with the file without them" {
	secure
	image upgraded
	sed -i 's|^  image: .*|  image: upgraded|' launched.yaml
	adopted next.json 1 3
	try 2 upgrade
	says "tee3: launched elsewhere: start the image of manifest"
	hasnt "$stderr" "tee3: retired"
	try 2 upgrade --retire
	says "tee3: retired, wiped"
	says "tee4: retired, wiped"
	says "tee3: launched elsewhere: start the image of manifest"
	hasnt "$stderr" "once it has no key"
	# Nobody stands for them: the file goes on without.
	sed -i '/name: tee[34]/d' cluster.yaml
	try 0 upgrade
	prints "nothing to do: every TEE holds the current manifest"
	try 0 status
}

@test "retire: names nodes of the file" {
	make_cluster --nodes 2
	try 64 retire
	try 64 retire tee9
	says "has no node 'tee9'"
	try 2 retire tee1
	says "there has been no genesis, so there is nothing to retire: teectl genesis"
}
