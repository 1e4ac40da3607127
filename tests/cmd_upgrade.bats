#!/usr/bin/env bats
# A living cluster goes to another image, by approvals alone.

load upgrade

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# step_by_step ARGUMENT...: teectl; whenever a TEE went, came or got the key, all that run are asked for their
# seed. What it said is in $said, how it ended in $ended.
step_by_step() {
	local line pid fd
	mkfifo lines
	"$BUILD/teectl" "$@" >out 2>lines 3>&- 4>&- &
	pid=$!
	exec {fd}<lines
	said=''
	while read -r -u "$fd" line; do
		said+=$line$'\n'
		[[ $line != *": retired"* && $line != *": launched"* && $line != *": key forwarded"* ]] || same_seeds 1
	done
	exec {fd}<&-
	rm lines
	wait "$pid" && ended=0 || ended=$?
}

# killed_at LINE: teectl upgrade dies by SIGKILL as soon as it has said so many lines; false: it said fewer.
killed_at() {
	local pid fd line seen=0
	mkfifo lines
	"$BUILD/teectl" upgrade >out 2>lines 3>&- 4>&- &
	pid=$!
	exec {fd}<lines
	while ((seen < $1)) && read -r -u "$fd" line; do
		((++seen))
	done
	kill -KILL "$pid" 2>/dev/null || true
	exec {fd}<&-
	rm lines
	wait "$pid" || true
	((seen == $1))
}

@test "upgrade: a living cluster of four goes to another image by 2 of 3 approvals, one first, and its seeds stay" {
	living 4
	local old
	old=$(jq -r .manifest_hash <<<"$(teectl status -o json)")
	image upgraded
	adopted next.json 1 3
	same_seeds 4
	try 2 status -o json
	json '.nodes | map(.state) | unique | join(",")' "old manifest"
	json .missing "4 of 4 TEEs hold an older manifest"
	json .next "teectl upgrade"
	# plan and apply say the same, and name what does it.
	try 0 plan
	prints '4 of 4 TEEs hold an older manifest: apply leaves them to teectl upgrade'
	says 'next: teectl upgrade'
	hasnt "$output" 'nothing to do'
	try 2 plan --detailed-exitcode -o json
	json .outcome upgrade
	json .older 4
	json '.nodes | map(.missing) | unique | join(",")' 'current manifest'
	says 'hint: teectl upgrade'
	try 2 apply -o json
	json .error.name not-desired
	json .next 'teectl upgrade'
	says 'hint: teectl upgrade'
	hasnt "$stderr" 'nothing to do'
	# They hold the key all the while.
	json .distance_to_ceremony 3
	try 2 status
	prints '3 losses are left until people are needed'
	step_by_step upgrade
	same "$ended" 0
	has "$(<out)" "4 of 4 TEEs have the quorum key"
	same_seeds 4
	# One first: nobody else is stopped before it has proved the key, and that only after all others have.
	local order
	order=$(grep -o 'tee[1-4]: \(retired\|key proved\)' <<<"$said" | tr '\n' ',')
	[[ $order == "tee"?": key proved,tee"?": key proved,tee"?": key proved,tee1: retired,tee1: key proved,"* ]] || fail "$order"
	# Then two, since half of them stay; and the last.
	order=$(grep -o 'tee[1-4]: retired' <<<"$said" | tr '\n' ',')
	[[ $order =~ ^tee1:\ retired,tee[23]:\ retired,tee[23]:\ retired,tee4:\ retired,$ ]] || fail "$order"
	order=$(grep -o 'tee[234]: \(retired\|key forwarded\)' <<<"$said" | sort -s -t: -k1,1 | tr '\n' ',')
	same "$order" "tee2: retired,tee2: key forwarded,tee3: retired,tee3: key forwarded,tee4: retired,tee4: key forwarded,"
	order=$(grep -o 'tee[234]: \(retired\|key forwarded\)' <<<"$said" | tail -n 2 | tr '\n' ',')
	same "$order" "tee4: retired,tee4: key forwarded,"
	try 0 status -o json
	json '.nodes | map(.state) | unique | join(",")' ready
	[[ $(jq -r .manifest_hash <<<"$output") != "$old" ]]
	json '.nodes | map(.manifest_hash) | unique | length' 1
	json .manifest_hash "$(jq -r .manifest_hash <<<"$(teectl manifest show next.json -o json)")"
	try 0 verify
	try 0 upgrade -o json
	json .outcome "nothing to do"
	try 0 upgrade
	prints "nothing to do: every TEE holds the current manifest, and proved the quorum key"
}

@test "upgrade: an image that does not serve ends it at the first node, and the old ones stay" {
	living 4
	image broken "$(type -P false)"
	adopted broken.json 1 2
	local before
	before=$(pid_of tee2)$(pid_of tee3)$(pid_of tee4)
	try 4 upgrade
	says "tee1: launch failed"
	says "ended before it was ready"
	hasnt "$stderr" "tee2: retired"
	same_seeds 3
	same "$(pid_of tee2)$(pid_of tee3)$(pid_of tee4)" "$before"
	try 4 upgrade -o json
	json '.nodes | map(.state) | join(",")' "gone,old manifest,old manifest,old manifest"
	json '.nodes[1:] | map(.key_proved) | all' true
	same_seeds 3
	# The next manifest names one that does.
	image mended
	adopted mended.json 2 3
	try 0 upgrade
	same_seeds 4
	try 0 verify
}

@test "upgrade: an image that is not the manifest's is found before anything is stopped" {
	living 2
	image upgraded
	adopted next.json 1 2
	printf x >>upgraded
	local before
	before=$(pid_of tee1)$(pid_of tee2)
	try 5 upgrade
	says "PCR0 (image): what the cluster file would launch is not what the current manifest says: expected "
	says "; nothing was stopped (a manifest of it: teectl manifest new, approve, collect, adopt)"
	try 5 upgrade -o json
	json .error.reason pcr0
	same "$(pid_of tee1)$(pid_of tee2)" "$before"
	same_seeds 2
}

@test "upgrade: killed at whatever it says, the same command goes on, and the key is always somewhere" {
	living 3
	image upgraded
	adopted next.json 2 3
	local line=1
	while killed_at "$line"; do
		same_seeds 1
		((line += 1))
		((line < 60)) || fail "it never comes to its end"
	done
	try 0 upgrade
	same_seeds 3
	try 0 verify
	try 0 status -o json
	json '.nodes | map(.state) | unique | join(",")' ready
}

@test "upgrade: the only TEE with the key is not stopped, and one beside it takes the key first" {
	make_cluster --nodes 2
	sed '/name: tee2/d' cluster.yaml >alone.yaml
	local verb
	for verb in up genesis inject; do
		teectl -f alone.yaml "$verb" >/dev/null 2>&1
	done
	seed=$(seed_of tee1)
	image upgraded
	sed -i "s|^  image: .*|  image: upgraded|" alone.yaml
	adopted next.json 1 2
	local before
	before=$(pid_of tee1)
	try 2 -f alone.yaml upgrade
	says "tee1 is the only TEE that has the quorum key, and no other can take it: nothing was stopped; add a node to the cluster file"
	try 2 -f alone.yaml upgrade -o json
	json .error.reason last-holder
	json .missing "1 of 1 TEEs holds an older manifest; add a node to the cluster file, which takes the key from it"
	json .next ""
	same "$(pid_of tee1)" "$before"
	try 0 upgrade
	local order
	order=$(grep -o 'tee[12]: \(retired\|key proved\)' <<<"$stderr" | tr '\n' ',')
	[[ $order == "tee1: key proved,tee2: key proved,"*"tee1: retired,tee1: key proved,"* ]] || fail "$order"
	same_seeds 2
}

@test "upgrade: one that hangs, and may hold the key, is put right first" {
	living 2
	image upgraded
	adopted next.json 1 2
	local enclave
	enclave=$(pgrep -P "$(pid_of tee2)")
	kill -STOP "$enclave"
	try 69 upgrade
	says "tee2 does not answer"
	hasnt "$stderr" "tee1: retired"
	kill -CONT "$enclave"
	try 0 upgrade
	same_seeds 2
}

# waves TEXT: the nodes that were taken at once, each wave's in alphabetical order, into $order.
waves() {
	local line wave=()
	order=''
	while read -r line; do
		if [[ $line == *": retired"* ]]; then
			wave+=("${line%%:*}")
		elif [[ $line == *": key forwarded"* ]] && ((${#wave[@]})); then
			order+=$(printf '%s\n' "${wave[@]}" | sort | tr '\n' ' ')'| '
			wave=()
		fi
	done <<<"$1"
	order=${order% }
}

@test "upgrade: --first and --parallel say how many, and the cluster file where they don't" {
	living 4
	image upgraded
	adopted next.json 1 2
	echo 'upgrade: { first: 2, parallel: 1 }' >>cluster.yaml
	try 0 upgrade
	local order
	waves "$stderr"
	same "$order" "tee1 tee2 | tee3 | tee4 |"
	image again
	adopted again.json 1 2
	try 0 upgrade --first 1 --parallel 2
	waves "$stderr"
	same "$order" "tee1 | tee2 tee3 | tee4 |"
	same_seeds 4
	try 64 upgrade --first 0
	says "--first"
	try 64 upgrade --parallel 65
	says "--parallel"
}

@test "upgrade: nodes that others launched are named with what to start and where, and it goes on when they are there" {
	living 3
	teectl down tee3 >/dev/null 2>&1
	by_hand tee3 "$BUILD/teectl-enclave"
	elsewhere tee3 "$tee3"
	teectl propagate >/dev/null 2>&1
	same_seeds 3
	image upgraded
	adopted next.json 1 2
	try 2 upgrade
	says "tee3: launched elsewhere: start the image of manifest $(teectl manifest show -o json | jq -r .manifest_hash | cut -c1-8)… (PCR0 $(teectl measure -o json | jq -r '.pcrs[0].value' | cut -c1-8)…) at $tee3 and upgrade again"
	says "; or take it out of the file where others stand for it, once it has no key: teectl retire"
	same_seeds 3
	try 2 upgrade -o json
	json .error.reason elsewhere
	json .error.exit_status 2
	json '.nodes | map(.state) | join(",")' "ready,ready,old manifest"
	kill "$tee3_pid"
	wait "$tee3_pid" || true
	try 2 upgrade
	says "tee3: launched elsewhere: start the image of manifest"
	by_hand tee3 upgraded
	elsewhere tee3 "$tee3"
	try 0 upgrade
	says "tee3: key forwarded"
	same_seeds 3
	try 0 upgrade
	prints "nothing to do"
}

@test "upgrade: one started elsewhere on another image is refused" {
	living 2
	teectl down tee2 >/dev/null 2>&1
	image upgraded
	adopted next.json 1 2
	by_hand tee2 "$BUILD/teectl-enclave"
	elsewhere tee2 "$tee2"
	try 5 upgrade
	says "tee2: verify failed: PCR0"
	hasnt "$stderr" "tee1: retired"
	same_seeds 1
}

@test "upgrade: without a genesis, or with a key that is lost, there is nothing to go on from" {
	make_cluster --nodes 2
	teectl up >/dev/null 2>&1
	try 2 upgrade
	says "there has been no genesis, so there is nothing to upgrade: teectl genesis"
	teectl genesis >/dev/null 2>&1
	teectl inject >/dev/null 2>&1
	teectl down --lose-key >/dev/null 2>&1
	teectl up >/dev/null 2>&1
	try 2 upgrade
	says "no TEE of this file has the quorum key of 'demo' any more"
	try 2 upgrade -o json
	json .error.reason key-lost
}

@test "upgrade: README's sequence for a new image, in a file that pins, each member with pins of his own" {
	living 2
	teectl measure --write >/dev/null 2>&1
	cp cluster.yaml member1.yaml
	cp cluster.yaml member2.yaml
	image upgraded
	try 2 manifest new --out next.json
	says "nothing was drafted: PCR0 (image): './cluster.yaml' pins $(teectl measure -o json 2>/dev/null | jq -r '.pcrs[0].pinned'), and what it names measures $(teectl measure -o json 2>/dev/null | jq -r '.pcrs[0].value')"
	says "for what 'upgraded' measures: teectl measure --write --next, then this again; for the pins: have enclave.image name the image that they are of, since nodes with \`listen:\` need one"
	[[ ! -e next.json ]]
	try 0 measure --write --next
	try 0 manifest new --out next.json -o json
	json '.diff.changes | map(.field) | join(",")' namespace.nonce,enclave.pcr0
	local member
	for member in 1 2; do
		# His pins are still the old image's.
		try 5 -f "member$member.yaml" manifest approve next.json --key "members/member$member.secret" --yes
		says "pcr0: image: "
		says "have enclave.image of your own file name it, run teectl -f member$member.yaml measure --write --next, and approve again"
		sed -i "s|^  image: .*|  image: upgraded|" "member$member.yaml"
		try 0 -f "member$member.yaml" measure --write --next
		try 0 -f "member$member.yaml" manifest approve next.json --key "members/member$member.secret" --yes
	done
	try 0 manifest collect next.json *.approval
	try 0 manifest adopt next.json
	try 0 upgrade
	try 0 verify
	same_seeds 2
}

@test "upgrade: --only goes to those chosen now, and the rest stay as they are until another day" {
	living 4
	image upgraded
	adopted next.json 1 3
	try 0 upgrade --only tee2,tee4
	hasnt "$stderr" 'tee1: retired'
	hasnt "$stderr" 'tee3: retired'
	try 2 status -o json
	json '[.nodes[] | .name + " " + .state] | sort | join(", ")' 'tee1 old manifest, tee2 ready, tee3 old manifest, tee4 ready'
	try 0 upgrade --only tee2
	prints 'nothing to do: every TEE asked for holds the current manifest, and proved the quorum key'
	try 0 upgrade --only @old
	try 0 status
}

@test "upgrade: --only of the one TEE that has the key is refused, though others could take it first" {
	living 2
	try 0 down tee2
	image upgraded
	adopted next.json 1 3
	try 2 upgrade --only tee1
	says 'tee1 is the only TEE that has the quorum key, and no other of those asked for can take it: nothing was stopped; choose one that lacks the key too'
	try 0 upgrade --only tee1,tee2
}
