#!/usr/bin/env bats
# A ceremony of four parties that are kept apart: the enclaves with whoever launches them in one network
# namespace, the operator in another, with one wire to the enclaves, and each command of a member in one of
# its own without any interface that is up. What goes between them is files. Each has a folder: `tees`, this
# one, and m1, m2, …; `people` is where the members made their keys.

load ceremony

setup() {
	cd "$BATS_TEST_TMPDIR"
	unshare -rn true 2>/dev/null || skip "this machine lets nobody make a network namespace (unshare -rn)"
	export ISOLATED='unshare -rn' PEOPLE=people
	HOLDERS=()
	hold tees unshare -rn
	TEES="nsenter -t $tees_pid -U -n --preserve-credentials"
	hold oper nsenter -t "$tees_pid" -U --preserve-credentials unshare -n
	OPERATOR="nsenter -t $oper_pid -U -n --preserve-credentials"
	$TEES ip link add wire type veth peer name wire netns "$oper_pid" 2>no-wire ||
		skip "this machine lays no wire between two network namespaces: $(<no-wire)"
	up_wire "$TEES" 198.51.100.1
	up_wire "$OPERATOR" 198.51.100.2
}

teardown() {
	stop_hvs
	[[ ! -d tees ]] || (cd tees && down_all)
	((${#HOLDERS[@]} == 0)) || kill "${HOLDERS[@]}"
}

# hold NAME COMMAND...: COMMAND makes a namespace; it stays, with the process ${NAME}_pid in it.
hold() {
	local name=$1 fd
	shift
	mkfifo "$name.in" "$name.out"
	exec {fd}<>"$name.in"
	"$@" sh -c 'echo made; exec cat' <"$name.in" >"$name.out" 3>&- 4>&- &
	HOLDERS+=("$!")
	printf -v "${name}_pid" '%d' "$!"
	read -r _ <"$name.out"
}

up_wire() { # NAMESPACE ADDRESS
	$1 ip link set lo up
	$1 ip address add "$2/24" dev wire
	$1 ip link set wire up
}

# The operator's own; members' commands call the program itself, in their namespaces.
teectl() {
	$OPERATOR "$BUILD/teectl" "$@"
}

# operator NAME NODES THRESHOLD MEMBERS: the cluster after its genesis. NAME.yaml, the operator's, knows the
# enclaves by their addresses, and no key. EDIT: of the cluster file everywhere.
operator() {
	local name=$1 i words=(-e '/^  image:/d' -e "s/root: simulated/root: $1-root.der/")
	mkdir -p people tees
	(cd people && cluster "$@")
	for i in . tees; do
		mkdir -p "$i/$name-members"
		cp "people/$name-members/"*.pub "$i/$name-members/"
	done
	sed -e "s|key: $name-members/[^,]*, pub: |pub: |" -e 's/127.0.0.1:0/198.51.100.1:0/' ${EDIT:+-e "$EDIT"} \
		"people/$name.yaml" >"tees/$name.yaml"
	(
		cd tees
		$TEES "$BUILD/teectl" -f "$name.yaml" measure --write >/dev/null
		$TEES "$BUILD/teectl" -f "$name.yaml" up >/dev/null 2>&1
	)
	cp "$(pki_of "$name")/root.der" "$name-root.der"
	addresses "$name" "${words[@]}"
	teectl -f "$name.yaml" genesis >/dev/null 2>&1
}

# addresses NAME [SED-OPTION]...: the operator's file, with the enclaves where they serve now.
addresses() {
	local name=$1 node
	shift
	for node in "tees/.teectl/$name/pids/"*; do
		set -- "$@" -e "s|{ name: ${node##*/}, listen: .*|{ name: ${node##*/}, url: \"$(cd tees && url "$name" "${node##*/}")\" }|"
	done
	sed "$@" "tees/$name.yaml" >"$name.yaml"
}

submit() { # STATUS BUNDLE...
	local expected=$1
	shift
	run "-$expected" --separate-stderr teectl -f own.yaml share submit "$@"
}

@test "ceremony: members without network bring the key back, each in a folder of his own" {
	local who
	operator own 3 3 4
	run -0 $OPERATOR curl -sS "$(cd tees && url own tee1)/health"
	same "$(find . -path ./people -prune -o -name '*.secret' -print)" ''
	request own request.json --expires 1h
	for who in 1 2 4; do
		member_home own "$who"
		run -0 unshare -rn grep -o '^ *[a-z0-9]*:' /proc/net/dev
		same "$output" '    lo:'
		run -7 unshare -rn curl -sS "$(cd tees && url own tee1)/health"
		run -0 --separate-stderr env -C "m$who" unshare -rn "$BUILD/teectl" share check --request "$PWD/request.json" \
			--key "member$who.secret" --share "member$who.share"
		has "$output" 'is the one that the genesis attested'
		[[ ! -e m$who/member$who.secret.seen ]]
		seal 0 "$who" request.json
	done
	submit 3 m1/bundle
	has "$stderr" '1 of 3; waiting for: member2, member3, member4'
	submit 3 m1/bundle m4/bundle
	has "$stderr" '2 of 3; waiting for: member2, member3'
	submit 0 m2/bundle
	has "$stderr" 'tee1: key proved, holds the quorum key'
	run -0 --separate-stderr teectl -f own.yaml propagate
	run -0 --separate-stderr teectl -f own.yaml verify
	for who in 1 2 4; do
		secret_nowhere "$who" request.json
		secret_nowhere "$who" "m$who/bundle"
		secret_nowhere "$who" .teectl/own
		secret_nowhere "$who" tees
		secret_nowhere "$who" "m$who/member$who.secret.seen"
		# And the member's folder has nothing else.
		same "$(cd "m$who" && ls)" "$(printf '%s\n' bundle cluster.yaml member1.pub "member$who.secret" "member$who.secret.seen" \
			"member$who.secret.seen.lock" "member$who.share" member2.pub member3.pub member4.pub root.der | sort -u)"
	done
}

# restart: all enclaves are gone, and fresh ones run. Two members approve the manifest, each for himself;
# the operator restarts the quorum on tee1, and on tee2 as a second candidate.
restart() {
	local who words=()
	(
		cd tees
		"$BUILD/teectl" -f own.yaml down --lose-key >/dev/null 2>&1
		$TEES "$BUILD/teectl" -f own.yaml up >/dev/null 2>&1
	)
	addresses own -e '/^  image:/d' -e 's/root: simulated/root: own-root.der/'
	cp ".teectl/own/manifests/$(head -n 1 .teectl/own/manifest.current)"* manifest.json
	for who in 1 2; do
		run -0 --separate-stderr env -C "m$who" unshare -rn "$BUILD/teectl" manifest approve ../manifest.json \
			--key "member$who.secret" --quorum-key ../.teectl/own/quorum_key.pub --yes --out approval
		words+=("m$who/approval")
	done
	teectl manifest collect manifest.json "${words[@]}" >/dev/null
	run -0 --separate-stderr teectl -f own.yaml manifest adopt manifest.json
	run -3 --separate-stderr teectl -f own.yaml recover --to tee1,tee2
	has "$stderr" 'tee1: restarted, by 2 approvals'
	has "$stderr" 'tee2: restarted, by 2 approvals'
}

@test "ceremony: after a total loss one bundle a member serves every candidate, and the loss of one" {
	local who pid start address key
	operator own 2 2 3
	for who in 1 2 3; do member_home own "$who"; done
	key=$(<.teectl/own/quorum_key.pub)
	request own before.json
	seal 0 2 before.json
	mv m2/bundle before
	restart
	request own request.json
	same "$(jq -r '[.targets[].node] | join(" ")' request.json)" 'tee1 tee2'
	# Member 3 has approved nothing: the genesis tells him the key.
	for who in 2 3; do
		seal 0 "$who" request.json
		same "$(jq -r '[.shares[].node] | join(" ")' "m$who/bundle")" 'tee1 tee2'
		run ! cmp -s <(jq '.shares[0].encryptedShare' "m$who/bundle") <(jq '.shares[1].encryptedShare' "m$who/bundle")
	done
	submit 65 before
	has "$stderr" "'before': it is for no TEE that waits for shares now"
	submit 3 m2/bundle
	has "$stderr" 'tee1: 1 of 2; waiting for: member1, member3'
	has "$stderr" 'tee2: 1 of 2; waiting for: member1, member3'
	read -r pid start address <tees/.teectl/own/pids/tee1
	$OPERATOR bash -c 'exec 3<>"/dev/tcp/${2%:*}/${2##*:}"; kill -KILL "$1"; cat <&3 >/dev/null 2>&1 || true' _ "$pid" "$address"
	submit 0 m3/bundle
	has "$stderr" 'tee2: key proved, holds the quorum key'
	same "$(<.teectl/own/quorum_key.pub)" "$key"
	run -0 --separate-stderr teectl -f own.yaml audit verify
}

@test "ceremony: whatever is wrong with a request is refused by name, and nothing is lost" {
	operator own 2 2 3
	request own request.json
	for who in 1 2 3; do member_home own "$who"; done

	# A stale one: its documents are older than the member takes, or its time is over.
	sed -i 's/root: root.der/&, requestMaxAge: 30s/' m1/cluster.yaml
	reforge request.json stale.json 0 own age=50
	refuses 1 stale.json 5 "TEE 'tee1': freshness: the document is "
	sed -i 's/, requestMaxAge: 30s//' m1/cluster.yaml
	change request.json expired.json '.expires = "2026-01-01T00:00:00Z"'
	refuses 2 expired.json 65 'the request expired at 2026-01-01T00:00:00Z'

	# A foreign TEE among them: of another root, of another role, and one that is there twice.
	PKI=$PWD/foreign hv alien --role test-operators --insecure-open-seed
	post "$alien" /enclave/live-attestation '{"nonce":[1,2,3]}'
	alien=$(jq '.result.LiveAttestationResponse.attestation_doc' <<<"$output" | hex_of)
	change request.json foreign.json --arg d "$alien" '.targets += [{"node": "tee9", "document": $d}]'
	refuses 1 foreign.json 5 "TEE 'tee9': "
	has "$stderr" 'chain'
	reforge request.json role.json 0 own "pcr3=$(printf '%096d' 7)"
	refuses 1 role.json 5 "TEE 'tee1': PCR3 (role) is "
	change request.json twice.json '.targets += [.targets[0] | .node = "tee2"]'
	refuses 1 twice.json 5 "TEE 'tee2': it is the same TEE as 'tee1'"

	# A changed manifest: of another hash than the TEE's, and one that the TEE holds and the genesis did
	# not make.
	change request.json changed.json '.manifestEnvelope.manifest.pivot.args = ["more"]'
	refuses 1 changed.json 5 "pivot: arguments: 0 expected, 1 found (manifest.pivot.args)"
	change request.json changed.json '.manifestEnvelope.manifest.pivot.restart = "Always"'
	refuses 1 changed.json 5 "pivot_mode: restart Always, 0 bridges, debug mode off"
	change request.json nonce.json '.manifestEnvelope.manifest.namespace.nonce = 9'
	refuses 1 nonce.json 5 "genesis: the manifest's namespace is not the cluster file's"

	# Another quorum key.
	"$BUILD/teectl" member keygen stranger >/dev/null
	change request.json key.json --arg k "$(cat stranger.pub)" \
		'.manifestEnvelope.manifest.namespace.quorumKey = $k'
	refuses 2 key.json 5 "genesis: the manifest's quorum key is not the attested one"

	# A debug TEE.
	zero=$(printf '%096d' 0)
	reforge request.json debug.json 0 own "pcr0=$zero" "pcr1=$zero" "pcr2=$zero"
	refuses 1 debug.json 5 "TEE 'tee1': debug mode: PCR0, PCR1 and PCR2 are zero"

	# A swapped setup key: in the document as it was signed, and with a signature but no commitment.
	change request.json swapped.json --arg from "$(setup_key request.json own)" --arg to "$(cat own-members/member2.pub)" \
		'.targets[0].document |= sub($from; $to)'
	run ! cmp -s request.json swapped.json
	refuses 1 swapped.json 5 "TEE 'tee1': "
	has "$stderr" signature
	reforge request.json uncommitted.json 0 own "public_key=$(cat own-members/member2.pub)"
	refuses 1 uncommitted.json 5 "TEE 'tee1': PCR16 (commitment) is "

	# And after all that the good one is sealed, by each of them.
	for who in 1 2; do seal 0 "$who" request.json; done
	# A lower nonce than one that was sealed to.
	sed -i 's/"nonce":1/"nonce":5/' m1/member1.secret.seen
	refuses 1 request.json 5 'nonce 1 is below 5, the highest that this key has sealed to or approved'
	seal 0 3 request.json
	submit 0 m2/bundle m3/bundle
}

@test "ceremony: bundles that are expired, foreign, or sent again" {
	NAMESPACE=elsewhere operator other 1 2 2
	request other theirs.json
	member_home other 1
	seal 0 1 theirs.json
	mv m1 theirs
	operator own 1 2 2
	request own request.json
	for who in 1 2; do
		member_home own "$who"
		seal 0 "$who" request.json
	done
	change m1/bundle expired '.expires = "2026-01-01T00:00:00Z"'
	submit 65 expired
	has "$stderr" "'expired': it expired at 2026-01-01T00:00:00Z"
	submit 65 theirs/bundle
	has "$stderr" "of cluster 'other'; this cluster's is "
	submit 3 theirs/bundle expired m2/bundle
	has "$stderr" '1 of 2; waiting for: member1'
	submit 0 m2/bundle
	has "$stderr" 'already there'
	submit 0 m1/bundle
	submit 0 m1/bundle m2/bundle
	has "$output" 'already there: tee1 has the quorum key'
}

@test "ceremony: a key-set folder of QuorumOS's names the members" {
	mkdir people
	(cd people && cluster own 1 2 3)
	mkdir -p tees set
	cp people/own-members/*.pub set/
	echo 2 >set/quorum_threshold
	cp -r set tees/
	EDIT='/^  threshold:/d; /^  members:/d; /^    - { name: member/d; s/^quorum:/quorum: { keySet: set, manifestSet: { keySet: set } }/'
	operator own 1 2 3
	request own request.json
	for who in 1 3; do
		member_home own "$who"
		cp -r set "m$who/"
		seal 0 "$who" request.json
	done
	submit 0 m1/bundle m3/bundle
	# Another threshold in the member's own folder is another set.
	echo 3 >m1/set/quorum_threshold
	refuses 1 request.json 5 'share_set: threshold 3 expected, 2 found'
}
