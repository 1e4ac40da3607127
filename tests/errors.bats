#!/usr/bin/env bats
# How errors are told, whatever the verb: in what shape, once, and with a hint that helps.

load verb

@test "errors: without the members' keys the hint makes them" {
	make_cluster
	rm members/member2.* members/member3.*
	try 66 up
	says "member 'member2'"
	says "hint: teectl member keygen members/member2 members/member3"
	same "$(grep -c "hint: " <<<"$stderr")" 1
}

@test "errors: what no repeating mends has another hint than the command itself" {
	make_cluster --nodes 1
	cp "$BUILD/teectl-enclave" enclave
	sed -i 's|image: .*|image: enclave|' cluster.yaml
	try 0 measure --write
	printf x >>enclave
	try 5 up -o json
	json .error.reason pcr0
	has "$(jq -r .error.hint <<<"$output")" "teectl measure shows what this machine measures beside what is expected. Where the image is meant to be another"
	says "cure: teectl measure shows"
	mv cluster.yaml other.yaml
	try 5 -f other.yaml up
	says "teectl -f other.yaml measure"
}

@test "errors: where there is nothing to say it to, nothing is said into a file of its own" {
	make_cluster --nodes 1
	run -1 bash -c "'$BUILD/teectl' up <&- >&- 2>&-"
	[[ -e .teectl/demo/lock ]]
	run ! grep -rlE 'launched|verified, no|next: |standard output' .teectl/demo --exclude-dir logs
	run -66 --separate-stderr bash -c "'$BUILD/teectl' manifest show - <&-"
	says "reading '-': Bad file descriptor"
	down_all
}

@test "errors: one shape in JSON, with a document of the verb's and without" {
	make_cluster
	rm members/member1.*
	try 66 up -o json
	local keys
	keys=$(jq -c '.error | keys' <<<"$output")
	json .error.verb up
	json .outcome failed
	try 64 up --xyzzy -o json
	same "$(jq -c '.error | keys' <<<"$output")" "$keys"
	same "$keys" '["cause","code","exit_status","hint","name","reason","text","verb"]'
}

@test "errors: what comes next names file and state only where they are not the usual ones" {
	make_cluster --nodes 1
	try 0 up
	says "next: teectl genesis"
	try 0 down
	try 0 -f "$PWD/cluster.yaml" --state other up
	says "next: teectl -f $PWD/cluster.yaml --state other genesis"
	try 0 --state other down
}

@test "errors: people who are waited for are no failure, and named once" {
	make_cluster --members 5 --threshold 3 --nodes 1
	try 0 up
	try 0 genesis
	mkdir away
	mv members/member{3,4,5}.secret away
	try 3 inject -o json
	says "tee1: 2 of 3 shares are in; waiting for one of: member3, member4, member5"
	same "$(grep -c member5 <<<"$stderr")" 1
	hasnt "$stderr" failed
	json .outcome waiting
	json .error.name waiting
}

@test "errors: a node is named once a line, and a sentence told once" {
	make_cluster --nodes 2
	try 0 up
	try 0 genesis
	try 0 inject
	try 0 propagate
	try 0 down tee2
	run --separate-stderr teectl verify
	says "tee2: verify failed: not running: teectl up"
	same "$(grep -c "^tee2.*not running" <<<"$stderr")" 1
	run grep -E '^(tee[0-9]): .*\1' <<<"$stderr"
	same "$output" ""
}

@test "errors: a hint can be typed as it stands, whatever the file is called" {
	mkdir "my clusters"
	teectl init -f "my clusters/it's.yaml" --port 0 --image "$BUILD/teectl-enclave" >/dev/null 2>said
	has "$(<said)" "teectl member keygen 'my clusters/members/member'{1..3}"
	eval "$(sed -n 's/^next: teectl/teectl/p' said)" >/dev/null
	eval "$(sed -n 's/^ *\(teectl .*up\)$/\1/p' said)" >said 2>&1
	grep -qF "next: teectl -f 'my clusters/it'\\''s.yaml' genesis" said
	eval "$(sed -n 's/^next: teectl/teectl/p' said)"
	try 0 -f "my clusters/it's.yaml" down
}

# A certificate for 127.0.0.1, and its key.
certificate() { # NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.pem" \
		-days 2 -subj "/CN=$1" -addext "subjectAltName=IP:127.0.0.1" 2>/dev/null
}

# suggestions: the commands in what was said, with the words that stand around them, one a line.
suggestions() {
	grep -o "teectl[^,;:()]*" <<<"$output"$'\n'"$stderr" | grep -v '^teectl$'
}

@test "errors: every command that is suggested has the file and the state that were given, in quotes" {
	local options="-f 'a b/c d.yaml' --state 'st ate'" line
	make_cluster --nodes 2
	mkdir 'a b'
	mv cluster.yaml 'a b/c d.yaml'
	mv members 'a b'
	for verb in status verify genesis inject propagate recover 'logs tee1' 'audit fetch' 'manifest show' \
		'share check --key x --share x' measure up 'up' genesis inject verify 'down tee1'; do
		run --separate-stderr teectl -f 'a b/c d.yaml' --state 'st ate' $verb
		while read -r line; do
			case $line in
			"teectl $options "*) ;;
			*) fail "after '$verb' incomplete: $line" ;;
			esac
		done < <(suggestions | grep -E '^teectl .*\b(up|down|genesis|inject|propagate|recover|status|logs|validate|measure|manifest show)\b')
	done
	says "hint: teectl $options propagate first; --lose-key stops it all the same"
	# What stands in JSON as well, notes of nodes and the error's own text.
	try 0 -f 'a b/c d.yaml' --state 'st ate' down
	try 2 -f 'a b/c d.yaml' --state 'st ate' verify -o json
	json '.nodes[0].note' "tee1 is not running: teectl $options up"
	has "$(jq -r .error.text <<<"$output")" "bring it back: teectl $options recover"
	json .error.hint "teectl $options up, then teectl $options recover"
	eval "$(jq -r '.error.hint | split(", then ")[0]' <<<"$output")"
	try 0 -f 'a b/c d.yaml' --state 'st ate' down
}

@test "errors: verbs that take no file are suggested without one, and keys in quotes" {
	make_cluster
	mkdir 'my keys'
	mv members/member1.pub 'my keys'
	sed -i "s|members/member1.secret|my keys/member1.secret|" cluster.yaml
	rm 'my keys/member1.pub'
	mv cluster.yaml other.yaml
	try 66 -f other.yaml validate
	says "hint: teectl member keygen 'my keys/member1'"
	try 64 -f other.yaml valdate
	says "hint: teectl help lists the verbs"
}

@test "errors: a fault of TLS on this side never has the key's holders stopped" {
	make_cluster --nodes 2
	certificate tee
	certificate other
	echo 'tls: { ca: tee.pem, server: { cert: tee.pem, key: tee.key } }' >>cluster.yaml
	try 0 up
	try 0 genesis
	try 0 inject
	try 0 propagate
	sed 's/ca: tee.pem/ca: other.pem/' cluster.yaml >wrong.yaml
	sed 's/ca: tee.pem, //' cluster.yaml >none.yaml
	sed '/^tls:/d' cluster.yaml >plain.yaml
	local file
	for file in wrong none plain; do
		try 69 -f $file.yaml status
		hasnt "$output$stderr" "teectl down"
		hasnt "$output$stderr" "-f $file.yaml down"
	done
	try 69 -f wrong.yaml status -o json
	has "$(jq -r .missing <<<"$output")" 'a fault on this side: see `tls:` and `nodes:`'
	try 69 -f wrong.yaml inject
	says "tee1 does not answer (SSL certificate problem"
	says "signed by \`tls.ca\` of the cluster file"
	try 0 status
}

@test "errors: a root that is lost is not replaced beside a living cluster" {
	make_cluster --nodes 2
	try 0 up
	try 0 genesis
	try 0 inject
	kill_node demo tee2
	mv .teectl/demo/pki .
	run --separate-stderr teectl up
	says "nothing is launched under a new root beside this cluster's old one: there is no simulated root in '.teectl/demo'"
	[[ ! -e .teectl/demo/pki ]]
	try 2 status
	says "bring pki/ back from a backup"
	mv pki .teectl/demo/pki
	try 0 up
}

@test "errors: a member without the operator's state is told to get it" {
	make_cluster --nodes 1
	try 0 up
	try 0 genesis
	sed "s|listen: \"127.0.0.1:0\"|url: \"$(url cluster tee1)\"|" cluster.yaml >member.yaml
	try 2 -f member.yaml --state mine inject
	says "tee1 holds a manifest, and the state folder here knows of no genesis: it was done with another one"
	says "have the operator hand over a copy"
	try 2 -f member.yaml --state .teectl/demo status
}

@test "errors: what is not ours to write is no fault of teectl's own" {
	[[ $EUID == 0 ]] || skip "needs root, to be another user"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_FILE_TMPDIR" . 2>/dev/null || true
	cp "$BUILD/teectl" .
	run -66 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups ./teectl init
	says "Permission denied"
	says "hint: make the file or folder that is named yours to read and write"
	hasnt "$stderr" "report it"
}

@test "errors: what another user's rights hide is not called missing" {
	[[ $EUID == 0 ]] || skip "needs root, to be another user"
	make_cluster --nodes 1
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_FILE_TMPDIR" . 2>/dev/null || true
	cp "$BUILD/teectl" "$BUILD/teectl-hv" .
	local verb as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	try 0 up
	for verb in status verify plan; do
		run -66 --separate-stderr "${as_nobody[@]}" ./teectl "$verb"
		says "'.teectl/demo': Permission denied"
		hasnt "$stderr$output" 'was lost'
	done
	# A folder of his own, in which there is one that he may not look into.
	install -d -o 65534 -g 65534 -m 700 his
	install -d -m 700 his/pids
	run -66 --separate-stderr "${as_nobody[@]}" ./teectl --state his status
	says 'his/pids'
	says 'Permission denied'
	run -66 --separate-stderr "${as_nobody[@]}" ./teectl preflight -o json
	same "$(jq -r '.checks[] | select(.check == "state") | "\(.subject) \(.outcome) \(.detail)"' <<<"$output")" \
		"folder failed '.teectl/demo': Permission denied"
	same "$(jq -r '[.checks[] | select(.check == "keys" and .outcome == "failed") | .detail] | join(" ")' <<<"$output")" \
		"'members/member1.secret': Permission denied 'members/member2.secret': Permission denied 'members/member3.secret': Permission denied"
}

@test "errors: a verb of two words is found by its second" {
	try 64 keygen
	says "unknown verb 'keygen'; did you mean 'member keygen'?"
}

@test "errors: what a node writes does not move the terminal, in JSON either" {
	make_cluster --nodes 1
	local port body
	printf -v body '{"status":"WaitingForBootInstruction","phase":"WaitingForBootInstruction","timestamp":"t","version":"v","uptime_ms":1,"quorum_key_available":false,"threshold":null,"members":null,"shares_received":0,"shares_missing":[],"manifest_hash":null,"quorum_public_key":null,"namespace":null,"debug":false,"instance_id":"\xe2\x80\xaeabc\xc2\x9b31m\xd8\x9c\xf3\xa0\x80\x81"}'
	# One answer to every question, by bash alone.
	coproc NODE { perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1"); $| = 1;
		print $s->sockport, "\n"; while ($c = $s->accept) { sysread($c, $q, 65536);
		syswrite($c, "HTTP/1.1 200 OK\r\nContent-Length: " . length($ARGV[0]) . "\r\n\r\n$ARGV[0]"); close $c }' "$body" 3>&- 4>&-; }
	read -r port <&"${NODE[0]}"
	sed -i "s|listen: \"127.0.0.1:0\"|url: \"http://127.0.0.1:$port\"|" cluster.yaml
	run --separate-stderr teectl status -o json
	kill "$NODE_PID"
	has "$output" '\u202eabc\u009b31m\u061c\udb40\udc01'
	jq -e . <<<"$output" >/dev/null
	for body in $'\xe2\x80\xae' $'\xc2\x9b' $'\xd8\x9c' $'\xf3\xa0'; do
		run ! grep -qaF "$body" <<<"$output$stderr"
	done
}

@test "errors: files of the state that are no files keep nobody waiting" {
	make_cluster --nodes 1
	try 0 up
	try 0 genesis
	try 0 down
	mkdir kept
	local name
	for name in logs/tee1.log manifest.current pki/root.der; do
		mv ".teectl/demo/$name" kept/
		mkfifo ".teectl/demo/$name"
		# Somebody holds it open, and writes nothing.
		exec {held}<>".teectl/demo/$name"
		run --separate-stderr timeout -s KILL 20 "$BUILD/teectl" up --timeout 10s
		[[ $status == @(4|5|65|66|69) ]] || fail "$name"
		has "$stderr" 'is not a regular file'
		exec {held}>&-
		rm ".teectl/demo/$name"
		mv "kept/${name##*/}" ".teectl/demo/$name"
	done
	try 0 up
}

@test "errors: a link in the state leads nothing of ours elsewhere" {
	make_cluster --nodes 1
	try 0 up
	try 0 down
	echo precious >precious
	ln -sf "$PWD/precious" .teectl/demo/logs/tee1.log
	run --separate-stderr teectl up
	[[ $status != 0 ]]
	same "$(<precious)" precious
	rm .teectl/demo/logs/tee1.log
	try 0 up
	mkdir -m 700 others
	ln -s "$PWD/others" .teectl/demo/shares
	run --separate-stderr teectl genesis
	[[ $status != 0 ]]
	says "is a link: expected a folder"
	same "$(ls others)" ''
}
