#!/usr/bin/env bats
# A quorum that was born elsewhere: QuorumOS's own keys, shares and manifest, and nothing else. No genesis
# of ours can exist; what stands in for it is said in words, and is all that is believed.

load manifest

setup() {
	cd "$BATS_TEST_TMPDIR"
	qos=$VECTORS/qos/boot-e2e
	mkdir -m 700 members
	cp "$qos"/user[123].* members/
	chmod 600 members/*.secret
	cp "$qos/quorum_key.pub" .
	# The envelope as QuorumOS's client writes it: version 0, whose keys are not camelCase.
	jq -c '{manifest: ., manifest_set_approvals: [], share_set_approvals: []}' "$OLD" >manifest_envelope
	cat >cluster.yaml <<-EOF
	apiVersion: teectl/v1
	kind: Cluster
	metadata: { name: ours }
	enclave: { image: $BUILD/teectl-enclave, role: operators, insecureOpenSeed: true }
	attestation: { root: simulated }
	quorum:
	  threshold: 2
	  publicKey: quorum_key.pub
	  members:
	    - { name: user1, key: members/user1.secret, pub: members/user1.pub }
	    - { name: user2, key: members/user2.secret, pub: members/user2.pub }
	    - { name: user3, key: members/user3.secret, pub: members/user3.pub }
	manifest: { namespace: quit-coding-to-vape, nonce: 2, pivot: $(jq -r '"{ hash: \(.pivot.hash), args: \(.pivot.args | tojson) }"' "$OLD") }
	nodes:
	  - { name: tee1, listen: "127.0.0.1:0" }
	  - { name: tee2, listen: "127.0.0.1:0" }
	EOF
	cluster=cluster
}

teardown() {
	stop_hvs
	down_all
}

# ours.json: their manifest as ours, approved by these users with the keys that they have.
ours() { # N...
	local i
	teectl up >/dev/null 2>&1
	[[ -e ours.json ]] || teectl manifest new --from manifest_envelope --out ours.json >/dev/null 2>&1
	for i in "$@"; do
		rm -f "user$i.approval"
		teectl manifest approve ours.json --key "members/user$i.secret" --yes --out "user$i.approval" >/dev/null
		teectl manifest collect ours.json "user$i.approval" >/dev/null 2>&1 || (($? == 3))
	done
}

kill_all() {
	kill_node ours tee1
	kill_node ours tee2
	ok up
}

@test "foreign quorum: their envelope, keys and shares bring their quorum key back, proven by our enclave" {
	try 0 up
	try 0 manifest new --from manifest_envelope --out ours.json
	says 'not carried over: patchSet'
	ours 1 3
	try 0 manifest adopt ours.json
	prints 'no genesis here attests its key'
	prints 'the cluster file says (quorum.publicKey, quorum.members)'
	prints '2 of the 3 members of the manifest set that it names have signed; 2 are needed'
	try 0 recover
	says 'tee1: the quorum was born elsewhere and no genesis here attests its key'
	says 'tee1: restarted, by 2 approvals'
	says 'tee1: shares in, 2 of 2 shares'
	says 'tee1: key proved, holds the quorum key'
	try 0 propagate
	try 0 verify -o json
	json .quorum_public_key "$(<"$qos/quorum_key.pub")"
	json '[.nodes[] | select(.key_proved and .verified)] | length' 2
	json .basis cluster-file
	try 0 status
	prints 'the quorum key is the cluster file'"'"'s word'
	# The seed of QuorumOS's key, as anybody computes it: contract.md, /generate-seed.
	same "$(ask_seed tee1)" "$(ask_seed tee2)"
	cp .teectl/ours/journal .teectl/ours/pki/root.der .
	run -0 --separate-stderr unshare -rn "$BUILD/teectl" audit verify journal --root root.der
	prints "quorum key  $(<"$qos/quorum_key.pub")"
	prints 'that the quorum key was born in a TEE, nor who may have had it before: no genesis is here'
	hasnt "$output" 'documents that commit to a manifest that is not here'
	prints '2 shares: signed by their members'
}

ask_seed() { # NODE
	curl -s -X POST -H 'Content-Type: application/json' -d '{"seed_type":"t","seed_data":"d"}' "$(url cluster "$1")/generate-seed" | jq -r .entropy
}

@test "foreign quorum: any two of them, or all, and none alone" {
	local subset seed=
	ours 1 2 3
	try 0 manifest adopt ours.json
	for subset in '1 2' '2 3' '1 2 3'; do
		rm -rf here
		mkdir -m 700 here
		for i in $subset; do
			cp members/user"$i".secret members/user"$i".share here/
		done
		sed 's|key: members|key: here|' cluster.yaml >with.yaml
		try 0 -f with.yaml recover -o json
		says 'tee1: restarted, by 3 approvals'
		json '.nodes[0] | "\(.key_proved) \(.quorum_public_key)"' "true $(<"$qos/quorum_key.pub")"
		[[ ! $seed || $seed == "$(ask_seed tee1)" ]] || fail "another seed by $subset"
		seed=$(ask_seed tee1)
		kill_all
	done
	rm here/user[23].*
	try 3 -f with.yaml recover
	says '1 of 2 shares are in; waiting for one of: user2, user3'
}

@test "foreign quorum: a garbage share, and one that is another's, name their members and stop nobody" {
	ours 1 2
	try 0 manifest adopt ours.json
	head -c 130 /dev/urandom >members/user1.share
	try 0 recover
	says 'tee1: the share of user1 is wrong'
	says 'tee1: shares in, 2 of 2 shares'
	kill_all
	# It opens, and is no share of this quorum: no hash is here that would tell, so the enclave must.
	printf '[%s]' "$(printf '1,%.0s' {1..32})1" | "$BUILD/forge" seal "$(<members/user1.pub)" | tr -d '[] \n' | tr , '\n' |
		awk '{ printf "%02X", $1 }' | basenc --base16 -d >members/user1.share
	try 0 recover
	says 'a share that came in before is wrong: all that are here are sent in one request'
	says 'tee1: the enclave rejected the share of user1'
	says 'tee1: key proved, holds the quorum key'
}

@test "foreign quorum: the cluster file must name the quorum key, and the manifest's must be it" {
	ours 1 2
	sed -i '/publicKey:/d' cluster.yaml
	try 2 manifest adopt ours.json
	says "there has been no genesis of 'ours', and the cluster file names no quorum key"
	says 'quorum: publicKey: quorum_key.pub'
	sed -i 's|^  threshold: 2|&\n  publicKey: members/user1.pub|' cluster.yaml
	try 5 manifest adopt ours.json -o json
	says "quorum_key: not the one that the cluster file names"
	json .error.reason quorum_key
	run -1 test -e .teectl/ours/manifest.current
	sed -i 's|publicKey: .*|publicKey: nowhere.pub|' cluster.yaml
	try 66 manifest adopt ours.json
	says 'quorum.publicKey'
}

@test "foreign quorum: too few approvals wait for people, a forged one is refused" {
	ours 2
	try 3 manifest adopt ours.json
	says '1 of 2 approvals; waiting for one of: user1, user3'
	jq -c '.manifestSetApprovals += [.manifestSetApprovals[0] | .member.alias = "user1"]' ours.json >forged.json
	try 5 manifest adopt forged.json
	run -1 test -e .teectl/ours/manifest.current
	try 2 recover
	says 'the manifest of the quorum key that the cluster file names is not here yet: teectl manifest adopt'
}

@test "foreign quorum: a genesis beside it is refused, and status says what comes next" {
	ours 1 2
	try 2 genesis
	says 'names a quorum key that is there already (quorum.publicKey), and a genesis would make another'
	try 2 apply
	says 'and a genesis would make another: teectl manifest adopt'
	run -1 grep -rq operation=genesis-boot .teectl/ours/logs
	try 2 status -o json
	json .next 'teectl manifest adopt FILE'
	try 0 manifest adopt ours.json
	try 2 genesis
	says 'a second genesis would make a second quorum key'
}

@test "foreign quorum: what was adopted is believed by whoever looks with his own file, or not at all" {
	ours 1 2
	try 0 manifest adopt ours.json
	sed '/publicKey:/d' cluster.yaml >other.yaml
	try 5 -f other.yaml recover
	says "no genesis here attests its quorum key, and the cluster file names none (quorum.publicKey)"
	sed 's|publicKey: .*|publicKey: members/user2.pub|' cluster.yaml >other.yaml
	try 5 -f other.yaml recover
	says 'not the one that the cluster file names'
	# Approvals that are taken away from the state are missed before any share is opened.
	jq -c '.manifestSetApprovals = []' .teectl/ours/manifests/*.json >fewer
	cat fewer >"$(echo .teectl/ours/manifests/*.json)"
	try 5 recover
	says '0 of 2 approvals'
	run -1 grep -rq operation=boot-standard .teectl/ours/logs
}

@test "foreign quorum: the state of a genesis is not taken for one by shortening it" {
	rm cluster.yaml
	make_cluster
	teectl up >/dev/null 2>&1
	teectl genesis >/dev/null 2>&1
	head -n 1 .teectl/demo/manifest.current >one
	cat one >.teectl/demo/manifest.current
	try 5 inject
	says 'no genesis here attests its quorum key'
}

@test "foreign quorum: its image is upgraded like any other's" {
	ours 1 2
	try 0 manifest adopt ours.json
	try 0 recover
	cp "$BUILD/teectl-enclave" upgraded
	printf x >>upgraded
	sed -i 's|image: [^,]*|image: upgraded|' cluster.yaml
	try 0 manifest new --out next.json
	for i in 1 2; do
		teectl manifest approve next.json --key "members/user$i.secret" --yes --out "next$i" >/dev/null
	done
	try 0 manifest collect next.json next1 next2
	try 0 manifest adopt next.json -o json
	json .basis cluster-file
	try 0 down tee2
	try 0 up
	try 0 propagate
	try 0 verify -o json
	json '[.nodes[] | select(.key_proved)] | length' 2
	try 0 audit verify
	prints '2 manifests: well formed'
}

@test "foreign quorum: a drill checks that the shares open, and says that nobody attests them" {
	ours 1 2
	try 0 manifest adopt ours.json
	try 0 recover drill
	prints 'the share opens; no genesis here says whether it is the one'
	try 2 share check --key members/user1.secret --share members/user1.share
	says 'no genesis here attests its shares: --genesis-output'
	try 0 share check --key members/user1.secret --share members/user1.share --genesis-output "$qos/genesis_output"
}

@test "foreign quorum: members without network seal to the quorum key that their own file names" {
	ours 1 2
	try 0 manifest adopt ours.json
	sed 's|key: [^,]*, ||' cluster.yaml >operator.yaml
	try 3 -f operator.yaml recover
	says '0 of 2 shares are in; waiting for more of: user1, user2, user3'
	try 0 -f operator.yaml share request --out request.json
	same "$(jq -c '.genesis' request.json)" null
	member() { # STATUS FILE KEY SHARE [OPTION]...
		rm -f bundle
		try "$1" -f "$2" share seal --request request.json --key "members/user$3.secret" --share "members/user$4.share" \
			--out bundle --yes "${@:5}"
		[[ $1 == 0 || ! -e bundle ]] || fail 'a bundle was written'
	}
	# Without a genesis his own file has to name the quorum key.
	sed '/publicKey:/d' operator.yaml >other.yaml
	member 5 other.yaml 3 3
	says 'the request has no genesis to compare your share with'
	sed 's|publicKey: .*|publicKey: members/user2.pub|' operator.yaml >other.yaml
	member 5 other.yaml 3 3
	says 'quorum_key: not the one that the cluster file names'
	member 65 operator.yaml 3 1
	says "'members/user1.share'"
	[[ ! -e members/user3.secret.seen ]] || fail 'a refusal was remembered'
	member 0 operator.yaml 3 3
	prints 'the one that your cluster file names'
	prints 'none: the share is compared with nothing but its quorum'
	mv bundle b3
	member 0 operator.yaml 1 1
	prints 'as your key knows it'
	try 3 -f operator.yaml share submit b3
	says '1 of 2; waiting for: user1, user2'
	try 0 -f operator.yaml share submit bundle
	says 'tee1: key proved, holds the quorum key'
	try 2 -f operator.yaml status -o json
	json .quorum_public_key "$(<"$qos/quorum_key.pub")"
	json .basis cluster-file
	try 0 -f operator.yaml audit verify
}

# split_quorum INDEX: the quorum whose key is a secret of QuorumOS's shamir_vectors.json, and whose members, with
# keys of their own, have the vector's shares. A chair approves its manifest.
split_quorum() {
	local i n k secret shares members= list=
	IFS=$'\t' read -r n k secret < <(jq -r ".fixed_rng[$1] | [.n, .k, .secret] | @tsv" "$VECTORS/qos/shamir_vectors.json")
	mapfile -t shares < <(jq -r ".fixed_rng[$1].shares[]" "$VECTORS/qos/shamir_vectors.json")
	same "${#shares[@]}" "$n"
	rm -rf members chair.* ours.json quorum_key.pub
	teectl member keygen chair $(printf 'members/m%d ' $(seq "$n")) >/dev/null
	(umask 077 && printf '%s' "$secret" >seed.secret)
	teectl member show seed.secret -o json | jq -r .public_key >quorum_key.pub
	for ((i = 1; i <= n; i++)); do
		members+="    - { name: m$i, key: members/m$i.secret, pub: members/m$i.pub }\n"
		list+=$(jq -nc --arg alias "m$i" --arg key "$(<"members/m$i.pub")" '{alias: $alias, pubKey: $key}')
		deal "m$i" "${shares[i - 1]}"
	done
	sed -i -e "s/^metadata: .*/metadata: { name: split$1 }/" -e "s/^  threshold: .*/  threshold: $k/" \
		-e '/name: user/d; /name: m[0-9]/d; /manifestSet:/d' \
		-e "s|^  members:|  manifestSet: { threshold: 1, members: [ { name: chair, key: chair.secret, pub: chair.pub } ] }\n&\n${members%\\n}|" \
		cluster.yaml
	jq -c --slurpfile members <(printf %s "$list") --argjson k "$k" --arg key "$(<quorum_key.pub)" --arg chair "$(<chair.pub)" \
		'.manifest.namespace.quorumKey = $key | .manifest.shareSet = {threshold: $k, members: $members}
		| .manifest.manifestSet = {threshold: 1, members: [{alias: "chair", pubKey: $chair}]}' manifest_envelope >theirs
	teectl up >/dev/null 2>&1
	teectl manifest new --from theirs --out ours.json >/dev/null 2>&1
	rm -f approval
	teectl manifest approve ours.json --key chair.secret --yes --out approval >/dev/null
	teectl manifest collect ours.json approval >/dev/null
	teectl manifest adopt ours.json >/dev/null
}

deal() { # MEMBER SHARE-HEX: sealed to that member
	fold -w 2 <<<"$2" | sed 's/^/0x/' | xargs printf '%d,' | sed 's/^/[/; s/,$/]/' |
		"$BUILD/forge" seal "$(<"members/$1.pub")" | jq -r '.[]' | xargs printf '%02X' | basenc --base16 -d >"members/$1.share"
}

@test "foreign quorum: the shares of QuorumOS's vectors, of any number of members, are combined to their secret" {
	local i count=0
	sed -i '/name: tee2/d' cluster.yaml
	for i in $(jq -r '.fixed_rng | to_entries[] | select(.value.secret | length == 64).key' "$VECTORS/qos/shamir_vectors.json"); do
		split_quorum "$i"
		try 0 recover -o json
		json '.nodes[0] | "\(.key_proved) \(.quorum_public_key)"' "true $(<quorum_key.pub)"
		teectl down --lose-key >/dev/null 2>&1
		((count += 1))
	done
	same "$count" 4
}

@test "foreign quorum: shares that QuorumOS's combination refuses bring no key, and good ones do after them" {
	local name list texts i count=0
	local -A words=([SharingMinThreshold]='1 of 2 shares are in; waiting for one of: user2 (share file missing), user3'
		[SharingDuplicateIdentifier]='2 shares are in, and no 2 of them give the key'
		[SharingInvalidIdentifier]='the share of user1 is wrong'
		[InvalidShare]='0 of 2 shares are in; waiting for more of: user1 (wrong share), user2 (wrong share), user3')
	ours 1 3
	try 0 manifest adopt ours.json
	sed 's|key: members/user3.secret, ||' cluster.yaml >with.yaml
	while IFS=$'\t' read -r name list; do
		read -ra texts <<<"$list"
		rm -f members/user[12].share
		for i in "${!texts[@]}"; do
			deal "user$((i + 1))" "${texts[i]}"
		done
		try 3 -f with.yaml recover
		says "${words[$name]}"
		kill_all
		((count += 1))
	done < <(jq -r '.reject[] | [.error, (.shares | join(" "))] | @tsv' "$VECTORS/qos/shamir_vectors.json")
	same "$count" 5
	cp "$qos/user1.share" "$qos/user2.share" members/
	try 0 -f with.yaml recover
	says 'tee1: key proved, holds the quorum key'
}
