#!/usr/bin/env bats
# teectl watch: keeps the cluster as the file says, and names what people have to do.

load verb
load watch

setup() {
	cd "$BATS_TEST_TMPDIR"
	cluster=own
}

teardown() {
	watch_teardown
}

WATCH='watch: { interval: 500ms }'

@test "watch: a TEE that is killed is launched again and gets the key, with no word from people" {
	cluster own 3 2 3 "$WATCH"
	ok apply
	watch_start own
	until_ready 3
	same "$(jq .distance_to_ceremony <<<"$event")" 2
	kill_node own tee2
	until_event "$(of tee2 node 'gone: ')"
	until_ready 2
	same "$(jq -r .text <<<"$event")" '2 of 3 ready, 2 verified; 1 loss is left until people are needed'
	until_event "$(of tee2 done) and .step == \"launch\""
	until_event "$(of tee2 done 'from tee') and .step == \"forward\""
	until_event "$(of tee2 node ready)"
	until_ready 3
	# All but one at once: what is left is enough.
	kill_node own tee1
	kill_node own tee3
	until_ready 3
	watch_end TERM 0
	ok verify
	same "$(grep -c '"step":"genesis"' <(grep -o '"step":"[a-z]*","outcome":"done"' .teectl/own/journal) || true)" 1
}

@test "watch: nothing is done twice: one launch and one forward for each loss" {
	local before after
	cluster own 3 2 3 "$WATCH"
	ok apply
	count() { jq -rR 'fromjson? | select(.outcome == "done") | .step + " " + .node' .teectl/own/journal | grep -c "^$1 tee2$" || true; }
	before="$(count launch) $(count forward)"
	watch_start own
	until_ready 3
	kill_node own tee2
	until_event "$(of tee2 node ready)"
	watch_end INT 130
	after="$(count launch) $(count forward)"
	same "$before then $after" '1 1 then 2 2'
}

@test "watch: it never does a genesis, a boot or a share, and names what people have to do" {
	cluster own 2 2 3 "$WATCH"
	try 2 -f own.yaml watch --once
	prints 'tee1: launch: http'
	prints 'people are needed: there is no quorum key yet'
	prints 'next: teectl -f own.yaml genesis'
	hasnt "$(<.teectl/own/journal)" '"genesis"'
	ok genesis
	try 3 -f own.yaml watch --once
	prints 'tee1: waiting for people'
	prints 'next: teectl -f own.yaml inject'
	ok inject
	ok watch --once
	prints '2 of 2 ready, 2 verified; 1 loss is left until people are needed'
	# The key is lost: no boot-standard, though all shares are here.
	ok down --lose-key
	# As apply does where the members are not here.
	try 3 -f own.yaml watch --once
	says 'no TEE has the quorum key, and a watch opens no share: it waits for members to bring the key back'
	says 'hint: teectl -f own.yaml recover'
	prints 'people are needed: no TEE of this file has the quorum key'
	prints 'teectl -f own.yaml recover'
	same "$(jq -rR 'fromjson? | select(.step == "boot") | .step' .teectl/own/journal)" ''
}

@test "watch: --once heals and says how the cluster stands: 0, 4 with one out of reach, 5 with one refused" {
	cluster own 3 2 3 'retry: { attempts: 1 }'
	ok apply
	ok down tee3
	ok watch --once
	prints 'tee3: forward: from tee'
	same "$(tail -n 1 <<<"$output" | cut -d ' ' -f 2-)" '3 of 3 ready, 3 verified; 2 losses are left until people are needed'
	sed 's|{ name: tee3, listen: .*|{ name: tee3, url: "http://127.0.0.1:1" }|' own.yaml >far.yaml
	try 4 -f far.yaml watch --once
	prints 'tee3: gone: '
	mitm proxy --to "$(url own tee3)" live-attestation:flipped
	behind own lie tee3 "$proxy"
	try 5 -f lie.yaml watch --once
	prints 'tee3: quarantined: '
	prints 'signature'
}

@test "watch: a TEE whose document does not verify gives and gets nothing; said once, and again when it ends" {
	cluster own 2 2 3 'watch: { interval: 100ms, reattest: 100ms }
retry: { attempts: 1 }'
	ok apply
	mitm proxy --to "$(url own tee2)" live-attestation@1-8:flipped
	behind own lie tee2 "$proxy"
	sed -i '/{ name: tee2/a\  - { name: tee3, listen: "127.0.0.1:0" }' lie.yaml
	watch_start lie
	until_event "$(of tee2 quarantined signature)"
	until_event "$(of tee3 done 'from tee1') and .step == \"forward\""
	until_event "$(of tee2 released)"
	until_ready 3
	watch_end TERM 0
	same "$(jq -r 'select(.event == "quarantined") | .node' events)" tee2
	same "$(asked proxy export-key) $(asked proxy inject-key)" '0 0'
}

@test "watch: a quarantined TEE is no source though it alone has the key" {
	cluster own 2 2 3 'watch: { interval: 100ms }
retry: { attempts: 1 }'
	ok apply
	ok down tee1
	mitm proxy --to "$(url own tee2)" live-attestation:flipped
	behind own lie tee2 "$proxy"
	try 5 -f lie.yaml watch --once
	prints 'tee1: launch: '
	same "$(asked proxy export-key)" 0
	same "$(asked proxy inject-key)" 0
	prints 'warning: '
	prints 'below keepReady: 0 of 1 hold the key'
}

@test "watch: a TEE that says that it has the key and does not prove it counts for nothing, nor gives anything" {
	cluster own 2 2 3 'watch: { interval: 100ms, metrics: "127.0.0.1:0" }
retry: { attempts: 1 }'
	ok apply
	ok down tee2
	# Its document shows the setup key gone, as that of one that has retired does.
	mitm proxy --to "$(url own tee1)" prove-key:lost
	behind own lie tee1 "$proxy"
	watch_start lie
	until_rounds 3
	scrape /metrics
	has "$output" 'teectl_watch_nodes{cluster="own",state="ready"} 0'
	has "$output" 'teectl_watch_distance_to_ceremony{cluster="own"} -1'
	watch_end TERM 0
	same "$(jq -r 'select(.event == "cluster" and (.text | startswith("0 of 2 ready") | not)) | .text' events)" ''
	same "$(asked proxy export-key)" 0
	# A verb that looks goes by the document, and says that it is no proof.
	try 2 -f lie.yaml status -o json
	json '.nodes[0].key_proved' false
}

@test "watch: a TEE elsewhere that is replaced gets the key, attested first" {
	local address words
	cluster own 3 2 3 "$WATCH"
	ok apply
	launched_as tee3
	behind own far tee3 "http://$address"
	watch_start far
	until_ready 3
	kill_node own tee3
	until_event "$(of tee3 node gone)"
	relaunch
	until_event "$(of tee3 done 'from tee') and .step == \"forward\""
	until_ready 3
	watch_end TERM 0
	same "$(jq -r 'select(.step == "launch") | .node' events)" ''
}

@test "watch: one in UnrecoverableError that runs here is stopped and started, and gets the key" {
	teectl pki init >/dev/null
	teectl pki issue server --server --host 127.0.0.1 >/dev/null
	teectl pki issue operator --role operator >/dev/null
	cluster own 2 2 3 "$WATCH
tls: { ca: pki/ca.pem, cert: pki/operator.pem, key: pki/operator.key, server: { cert: pki/server.pem, key: pki/server.key, clientCa: pki/ca.pem } }"
	sed -i '/insecureOpenSeed/d' own.yaml
	ok apply
	local address
	address=$(url own tee1)
	retire() {
		curl -sS --cacert pki/ca.pem --cert pki/operator.pem --key pki/operator.key -H 'Content-Type: application/json' \
			-d "{\"manifest_hash\":[$(teectl -f own.yaml status -o json | jq -r .manifest_hash | sed 's/../0x& /g' | xargs printf '%d,' | sed 's/,$//')]}" \
			"https://${address#http://}/enclave/retire"
	}
	watch_start own
	until_ready 2
	has "$(retire)" '"success":true'
	until_event "$(of tee1 node failed)"
	until_event "$(of tee1 done) and .step == \"launch\""
	until_event "$(of tee1 done 'from tee2') and .step == \"forward\""
	until_ready 2
	watch_end TERM 0
}

@test "watch: what is launched again and again waits longer each time, and the rest is not held up" {
	cluster own 3 2 3 'watch: { interval: 200ms }'
	ok apply
	watch_start own
	until_ready 3
	kill_node own tee2
	until_event "$(of tee2 node ready)"
	kill_node own tee2
	until_event "$(of tee2 node ready)"
	kill_node own tee2
	until_event "$(of tee2 crash-loop 'launched 2 times in a row')"
	kill_node own tee3
	until_event "$(of tee3 node ready)"
	until_ready 3
	watch_end TERM 0
	same "$(jq -r 'select(.event == "crash-loop") | .node' events | sort -u)" tee2
}

@test "watch: other verbs run beside it, and while another holds the state nothing is healed" {
	cluster own 2 2 3 'watch: { interval: 200ms }'
	ok apply
	watch_start own
	until_ready 2
	ok status
	ok verify
	exec 7>>.teectl/own/lock
	flock 7
	kill_node own tee2
	until_event '.event == "busy"'
	has "$(jq -r .text <<<"$event")" 'is in use by another run (pid '
	try 75 -f own.yaml apply
	try 75 -f own.yaml watch --once
	says 'another run holds the state'
	exec 7>&-
	until_event "$(of tee2 node ready)"
	watch_end TERM 0
}

@test "watch: what a TEE shows in the middle of another run's genesis quarantines it only once that has ended" {
	local fd
	cluster own 1 2 3 'watch: { interval: 100ms, reattest: 1h }'
	ok up
	# A genesis that this state has not kept yet.
	cp -r .teectl/own kept
	behind own twin tee1 "$(url own tee1)"
	watch_start own
	until_event "$(of tee1 node)"
	exec {fd}>>.teectl/own/lock
	flock "$fd"
	try 0 -f twin.yaml --state kept genesis
	until_event "$(of tee1 node 'manifest hash: expected none')"
	same "$(jq -r .event events | grep -c quarantined)" 0
	exec {fd}>&-
	until_event "$(of tee1 quarantined 'manifest hash: expected none')"
	watch_end TERM 0
}

@test "watch: a TEE that does not settle before it is due again is quarantined, however long another run lasts" {
	local fd
	cluster own 1 2 3 'watch: { interval: 100ms, reattest: 100ms }'
	ok up
	cp -r .teectl/own kept
	behind own twin tee1 "$(url own tee1)"
	exec {fd}>>.teectl/own/lock
	flock "$fd"
	watch_start own
	until_event "$(of tee1 node)"
	try 0 -f twin.yaml --state kept genesis
	until_event "$(of tee1 quarantined 'manifest hash: expected none')"
	exec {fd}>&-
	watch_end TERM 0
}

@test "watch: a second one on a state names the first, and takes its place" {
	local first
	cluster own 2 2 3 'watch: { interval: 200ms }'
	ok apply
	watch_start own
	until_ready 2
	first=$watch_pid
	same "$(<.teectl/own/watch)" "$first"
	watch_start own
	until_event '.event == "leader"'
	same "$(jq -r .text <<<"$event")" "is not alone on '.teectl/own': another watch (pid $first) heals as well, one at a time"
	until_ready 2
	kill "$first"
	wait "$first"
	kill_node own tee2
	until_event "$(of tee2 node ready)"
	watch_end TERM 0
	same "$(jq -r 'select(.event == "leader") | .event' events)" leader
}

@test "watch: while another run is about it nobody is called for; and it says when nobody is needed any more" {
	cluster own 3 2 3 'watch: { interval: 100ms }'
	ok apply
	# One that answers here and is launched elsewhere: no heal is due when it goes.
	launched_as tee3
	behind own far tee3 "http://$address"
	watch_start far
	until_ready 3
	exec 7>>.teectl/own/lock
	flock 7
	echo 'pid 4711: upgrade' >.teectl/own/lock
	kill_node own tee3
	until_event '.event == "busy"'
	has "$(jq -r .text <<<"$event")" 'is in use by another run (pid 4711: upgrade)'
	same "$(jq -c 'select(.event == "people")' events)" ''
	exec 7>&-
	until_event '.event == "people"'
	has "$(jq -r .text <<<"$event")" 'tee3 does not answer'
	relaunch
	until_event '.event == "nobody"'
	same "$(jq -r .text <<<"$event")" 'nobody is needed any more'
	watch_end TERM 0
	same "$(jq -rs 'map(select(.event == "busy")) | length' events)" 1
	same "$(jq -rs 'map(select(.event == "nobody")) | length' events)" 1
}

@test "watch: a step of its own that is still to be done calls for nobody" {
	cluster own 3 2 3 'watch: { interval: 100ms }'
	ok apply
	watch_start own
	until_ready 3
	kill_node own tee2
	until_event "$(of tee2 node ready)"
	kill_node own tee2
	until_event "$(of tee2 node ready)"
	# This launch waits for its time: it is the watch's own.
	kill_node own tee2
	until_event "$(of tee2 crash-loop)"
	until_event "$(of tee2 node ready)"
	until_ready 3
	watch_end TERM 0
	same "$(jq -c 'select(.event == "people" or .event == "nobody")' events)" ''
}

@test "watch: each line has its time, and the last says which signal ended it" {
	local line
	cluster own 1 2 3
	try 2 -f own.yaml watch --once
	same "$(grep -vcE '^20[0-9-]{8}T[0-9:.]{12}Z ' <<<"$output" || true)" 0
	prints 'Z next: teectl -f own.yaml genesis'
	ok apply
	mkfifo lines
	"$BUILD/teectl" -f own.yaml watch >lines 2>watch.err 3>&- 4>&- &
	watch_pid=$!
	WATCHES+=("$watch_pid")
	exec {watch_fd}<lines
	read -r -t 60 -u "$watch_fd" line
	grep -qE '^20[0-9-]{8}T[0-9:.]{12}Z 1 of 1 ready' <<<"$line" || fail "no time: $line"
	: >events
	watch_end TERM 0
	same "$(<watch.err)" 'stopped by SIGTERM; nothing is under way'
	watch_start own
	until_ready 1
	jq -e '.time | test("^20[0-9-]{8}T[0-9:.]{12}Z$")' <<<"$event" >/dev/null || fail "no time: $event"
	watch_end TERM 0
}

@test "watch: down says that what it stops is launched again; that is no crash loop" {
	local i
	cluster own 3 2 3 'watch: { interval: 100ms }'
	ok apply
	ok down tee2
	hasnt "$stderr$output" 'a watch'
	watch_start own
	until_ready 3
	for i in 1 2 3; do
		ok down tee2
		prints 'a watch launches it again'
		says "a watch runs on this state (pid $watch_pid): it launches again what its cluster file has; to stop them for good end the watch first, or take them out of the cluster file"
		until_event "$(of tee2 node ready)"
		until_ready 3
	done
	watch_end TERM 0
	same "$(jq -c 'select(.event == "crash-loop")' events)" ''
	ok down tee2
	hasnt "$stderr$output" 'a watch'
}

@test "watch: SIGTERM ends it with 0 and Ctrl-C with 130, and it takes no -o json" {
	cluster own 1 2 3
	ok apply
	watch_start own
	until_ready 1
	same "$(jq .distance_to_ceremony <<<"$event")" 0
	watch_end TERM 0
	watch_start own
	until_ready 1
	watch_end INT 130
	has "$(<watch.err)" 'interrupted; what was under way is finished'
	try 64 -f own.yaml watch -o json
	says 'a watch has no end, so it takes -o ndjson, not json'
}

@test "watch: etcd members that never answer do not keep it from ending" {
	local members= i port
	# Whoever connects is taken, and told nothing.
	perl -MIO::Socket::INET -e '$| = 1; $s = IO::Socket::INET->new(Listen => 64, LocalAddr => "0.0.0.0") or die;
		print $s->sockport, "\n"; while ($c = $s->accept) { push @all, $c; print "asked\n"; }' >silent 3>&- 4>&- &
	HVS+=("$!")
	until_in silent ''
	read -r port <silent
	for ((i = 1; i <= 16; i++)); do members+="${members:+,} \"http://127.0.0.$i:$port\""; done
	cluster own 1 2 3 "state: { etcd: [$members ], lease: 600s }"
	watch_start own
	until_in silent asked
	SECONDS=0
	watch_end TERM 0
	# Sixteen members have 2 s each.
	((SECONDS <= 10)) || fail "it took $SECONDS s"
}

@test "watch: an interrupt in the middle of a heal finishes what is under way" {
	cluster own 3 2 3 "$WATCH"
	ok apply
	ok down tee2 tee3
	watch_start own
	until_event "$(of tee2 done) and .step == \"launch\""
	watch_end TERM 0
	# Whatever was done is written down, and the next round goes on.
	same "$(jq -nrR '[inputs | fromjson? | select(.step)] | group_by(.step + .node)[]
		| select((map(select(.outcome == "begin")) | length) > (map(select(.outcome != "begin")) | length)) | .[0].step' \
		.teectl/own/journal)" ''
	ok watch --once
	same "$(tail -n 1 <<<"$output" | cut -d ' ' -f 2-)" '3 of 3 ready, 3 verified; 2 losses are left until people are needed'
}

@test "watch: below keepReady it warns, and so does status" {
	cluster own 2 2 3 "$WATCH
keepReady: 2"
	ok apply
	ok status
	prints '1 loss is left until people are needed'
	hasnt "$output" 'keepReady'
	json_of() { teectl -f own.yaml status -o json | jq -c "$1"; }
	same "$(json_of '[.distance_to_ceremony, .keep_ready]')" '[1,2]'
	watch_start own
	until_ready 2
	same "$(jq -r .event <<<"$event")" cluster
	kill_node own tee2
	until_event '.event == "warning"'
	has "$(jq -r .text <<<"$event")" 'below keepReady: 1 of 2 hold the key'
	until_event '.event == "cluster"'
	watch_end TERM 0
	ok down tee2 --lose-key
	try 2 -f own.yaml status
	prints 'warning: no loss is left until people are needed; below keepReady: 1 of 2 hold the key'
}

@test "watch: each region has a distance of its own" {
	cluster own 3 2 3
	sed -i -e '/name: tee1/s/ }/, labels: { region: eu } }/' -e '/name: tee[23]/s/ }/, labels: { region: us } }/' own.yaml
	ok apply
	same "$(teectl -f own.yaml status -o json | jq -c '[.regions[] | [.name, .node_count, .ready_count, .distance_to_ceremony]]')" \
		'[["eu",1,1,0],["us",2,2,1]]'
	same "$(teectl -f own.yaml status --only region=us -o json | jq -c '[.distance_to_ceremony, .regions]')" '[null,[]]'
}

@test "watch: more nodes than files may be open: it goes on" {
	local i
	cluster own 0 2 3 'watch: { interval: 100ms }
retry: { attempts: 1 }'
	for ((i = 1; i <= 300; i++)); do
		sed -i "/^nodes:/a\\  - { name: tee$i, url: \"http://127.0.$((i / 200 + 1)).$((i % 200 + 1)):1\" }" own.yaml
	done
	mkdir -p -m 700 .teectl
	(
		ulimit -S -n 256
		exec "$BUILD/teectl" -f own.yaml watch -o ndjson --metrics 127.0.0.1:0
	) >events 2>watch.err 3>&- 4>&- &
	watch_pid=$!
	WATCHES+=("$watch_pid")
	# Two rounds, with a wait between.
	until_rounds 2
	kill -TERM "$watch_pid"
	wait "$watch_pid"
}

@test "watch: it follows as many processes as the limit on open files leaves, and the rest by looks" {
	cluster own 3 2 3 'watch: { interval: 100ms }'
	ok apply
	ulimit -S -n 165
	watch_start own --metrics 127.0.0.1:0
	ulimit -S -n "$(ulimit -H -n)"
	until_ready 3
	until_rounds 2
	# 160 for all else, and a connection a node.
	same "$(find "/proc/$watch_pid/fd" -lname '*pidfd*' | wc -l)" 2
	kill_node own tee3
	until_event "$(of tee3 node ready)"
	watch_end TERM 0
}

@test "watch: a state that can't be opened is told as that, and is no other run's" {
	cluster own 2 2 3
	ok apply
	ok down tee2
	rm -f .teectl/own/lock
	mkdir .teectl/own/lock
	try 1 -f own.yaml watch --once
	says "what is missing was not healed: opening lock '"
	prints "failed: opening lock '"
	hasnt "$stderr$output" 'another run'
	rmdir .teectl/own/lock
	ok watch --once
}

@test "watch: --metrics serves what Prometheus reads, and nothing else" {
	cluster own 2 2 3 'watch: { interval: 200ms, metrics: "127.0.0.1:0" }'
	ok apply
	watch_start own
	until_ready 2
	kill_node own tee2
	until_event "$(of tee2 node ready)"
	# The round that brought it back has been told; the next event comes after its metrics.
	kill_node own tee1
	until_event "$(of tee1 node ready)"
	scrape /metrics
	same "$http" 200
	for line in 'teectl_watch_nodes{cluster="own",state="ready"} [12]' 'teectl_watch_leader{cluster="own"} 1' 'teectl_watch_forwards_total{cluster="own"} [12]' \
		'teectl_watch_forward_duration_seconds_bucket{cluster="own",le="+Inf"} [12]' 'teectl_watch_info{cluster="own",version="[0-9.]*"} 1'; do
		grep -qx "$line" <<<"$output" || fail "no line $line"
	done
	# The text format: comments, and NAME{LABELS} VALUE.
	run -1 grep -vE '^(# (HELP|TYPE) teectl_watch_[a-z_]+ .*|teectl_watch_[a-z_]+\{cluster="own"(,[a-z]+="[^"]*")*\} -?[0-9.]+(e[+-][0-9]+)?)$' <(printf %s "$output")
	scrape /healthz
	same "$http ${output%$'\n'}" '200 ok'
	scrape /
	same "$http" 404
	scrape /metrics -X POST -d x
	same "$http" 405
	scrape /metrics -H "X: $(printf '%9000s' | tr ' ' x)"
	((http >= 400)) || fail "a head of 9000 bytes is taken: $http"
	try 69 -f own.yaml watch --metrics "${served#http://}"
	says 'Address already in use'
	says 'hint: end what listens there, or name another port: --metrics HOST:PORT'
	# No web page reads them, by whatever name it calls this machine.
	scrape /metrics -H 'Host: evil.example'
	same "$http" 421
	scrape /metrics -H 'Host: [::1]:9464'
	same "$http" 200
	scrape /metrics -H 'Host: LOCALHOST:1'
	same "$http" 200
	scrape /metrics -H 'Host: 127.0.0.1.evil.example'
	same "$http" 421
	scrape /metrics -H 'Origin: http://127.0.0.1'
	same "$http" 403
	try 64 -f own.yaml watch --metrics localhost
	says '--metrics must be HOST:PORT'
	watch_end TERM 0
}

@test "watch: the files for etcd are looked at before etcd is, as those for nodes are" {
	teectl pki init >/dev/null
	teectl pki issue operator --role operator >/dev/null
	teectl pki issue other --role operator >/dev/null
	local bad words etcd='etcd: [ "https://127.0.0.1:1" ], ca: pki/ca.pem, cert: pki/operator.pem, key: pki/operator.key'
	for bad in 'ca: pki/ca.pem>ca: pki/none.pem>66' 'cert: pki/operator.pem>cert: pki/none.pem>66' \
		'key: pki/operator.key>key: pki/none.key>66' 'key: pki/operator.key>key: pki/open.key>65' \
		'key: pki/operator.key>key: pki/other.key>65'; do
		IFS='>' read -r bad words status <<<"$bad"
		cp pki/operator.key pki/open.key
		chmod 644 pki/open.key
		cluster own 1 2 3 "state: { ${etcd/$bad/$words} }"
		try "$status" -f own.yaml watch --once
		says "state.${words%%:*} of the cluster file: "
		[[ $words != *open* ]] || says 'its mode 0644 lets others at it'
	done
}

@test "watch: who sends the metrics server a byte now and then holds no place of it" {
	local fd line
	cluster own 1 2 3 'watch: { interval: 200ms, metrics: "127.0.0.1:0" }'
	ok apply
	watch_start own
	until_ready 1
	until_rounds 1
	# All places of this address, each with a byte each two seconds: no silence of five.
	perl -MIO::Socket::INET -MIO::Select -e '$| = 1; my ($to) = @ARGV; $SIG{PIPE} = "IGNORE";
		my @all = map { IO::Socket::INET->new(PeerAddr => $to) or die "no place\n" } 1 .. 16;
		print $_ "GET /metrics HTTP/1.1\r\nX: " for @all; $_->flush for @all; print "held\n"; my $left = 16; my $from = time;
		while ($left) { for my $s (IO::Select->new(grep { defined } @all)->can_read(2)) {
			sysread($s, my $x, 4096) or do { @all = map { defined && $_ == $s ? undef : $_ } @all; $left--; } }
			for (@all) { syswrite($_, "x") if defined }; die "still there\n" if time - $from > 40 }
		print "cut\n"' "${served#http://}" >drip 2>&1 3>&- 4>&- &
	HVS+=("$!")
	until_in drip held
	until_in drip cut
	hasnt "$(<drip)" 'still there'
	scrape /healthz
	same "$http" 200
	watch_end TERM 0
}

@test "watch: of many TEEs with one long fault the cause is printed once, and is in each line of JSON" {
	cluster own 3 2 3 'retry: { attempts: 1 }'
	ok apply
	# A refusal with both values of a measurement.
	for name in one two three; do PKI=.teectl/own/pki hv "$name" --role other; done
	behind own lie tee1 "$one" tee2 "$two" tee3 "$three"
	run --separate-stderr teectl -f lie.yaml watch --once
	same "$(grep -c 'PCR2 (launch options)' <<<"$output")" 1
	has "$output" 'the same as told of tee1'
	hasnt "$output" 'see its note'
	hasnt "$output" 'see their notes'
	run --separate-stderr teectl -f lie.yaml watch --once -o ndjson
	same "$(jq -r 'select(.event == "node" and (.text | contains("PCR2 (launch options)"))) | .node' <<<"$output" | sort | xargs)" 'tee1 tee2 tee3'
}

@test "watch: one of this machine that stands still is named with its cure" {
	local pid start address
	cluster own 2 2 3 'retry: { attempts: 1 }
timeouts: { request: 1s }'
	ok apply
	read -r pid start address <.teectl/own/pids/tee2
	pkill -STOP -P "$pid"
	kill -STOP "$pid"
	try 4 -f own.yaml watch --once
	pkill -CONT -P "$pid"
	kill -CONT "$pid"
	prints 'tee2: gone: '
	prints 'next: teectl -f own.yaml down tee2, then teectl -f own.yaml apply'
	says 'hint: teectl -f own.yaml down tee2, then teectl -f own.yaml apply'
}
