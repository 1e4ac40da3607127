# What the tests of members without network share: an operator with NAME.yaml and its enclaves, and
# members in folders of their own who have no more than their key, their share, the root, and their copy
# of the cluster file.
load helper

# operator NAME NODES THRESHOLD MEMBERS [EXTRA-YAML]: the cluster, pinned, after its genesis.
operator() {
	cluster "$@"
	teectl -f "$1.yaml" measure --write >/dev/null
	teectl -f "$1.yaml" up >/dev/null 2>&1
	teectl -f "$1.yaml" genesis >/dev/null 2>&1
}

# pki_of NAME: the simulated PKI of its enclaves, whose folder is `tees` where they are apart.
pki_of() {
	if [[ -d tees/.teectl/$1/pki ]]; then echo "tees/.teectl/$1/pki"; else echo ".teectl/$1/pki"; fi
}

# member_home CLUSTER N: the folder mN. PEOPLE is where the members' keys were made.
member_home() {
	local home=m$2 people=${PEOPLE:-.}
	mkdir -p -m 700 "$home"
	cp "$people/$1-members/member$2.secret" ".teectl/$1/shares/member$2.share" "$(pki_of "$1")/root.der" \
		"$people/$1-members/"*.pub "$home/"
	sed -e '/^  image:/d' -e "s/root: simulated/root: root.der/; s/root: $1-root.der/root: root.der/" \
		-e "s|key: $1-members/[^,]*, pub: |pub: |; s|pub: $1-members/|pub: |" \
		-e 's|{ name: tee\([0-9]*\), listen: .*|{ name: tee\1, url: "http://192.0.2.1:900\1" }|' \
		"$1.yaml" >"$home/cluster.yaml"
}

# request CLUSTER FILE [OPTION]...
request() {
	local name=$1 file=$2
	shift 2
	rm -f "$file"
	teectl -f "$name.yaml" share request --out "$file" "$@" >/dev/null 2>&1
}

# seal STATUS N REQUEST [OPTION]...: member N in his folder; the bundle is mN/bundle.
seal() {
	local expected=$1 home=m$2 member=$2 file=$PWD/$3
	shift 3
	rm -f "$home/bundle"
	run "-$expected" --separate-stderr env -C "$home" ${ISOLATED:-} "$BUILD/teectl" share seal \
		--request "$file" --key "member$member.secret" --share "member$member.share" \
		--out bundle --yes "$@"
	[[ $expected == 0 || ! -e $home/bundle ]] || fail "a bundle was written"
}

# refuses N REQUEST STATUS WORDS: member N does, with these words, and nothing is lost of his.
refuses() {
	local before after
	before=$(cat "m$1"/*.seen 2>/dev/null || true)
	seal "$3" "$1" "$2"
	has "$stderr" "$4"
	after=$(cat "m$1"/*.seen 2>/dev/null || true)
	same "$after" "$before"
}

# change FILE TO FILTER [ARGUMENT OF JQ]...: the JSON of FILE after the filter.
change() {
	local from=$1 to=$2
	shift 2
	jq -c "$@" "$from" >changed
	mv changed "$to"
}

hex_of() { # a JSON array of bytes on standard input
	printf '%02x' $(jq '.[]')
}

# reforge FROM TO INDEX CLUSTER KEY=VALUE...: the request with that document changed, and signed under the
# cluster's own simulated root, as only whoever holds that could.
reforge() {
	local from=$1 to=$2 index=$3 pki=$(pki_of "$4") document
	shift 4
	jq -r --argjson i "$index" '.targets[$i].document' "$from" >document.hex
	document=$(bytes_of document.hex | "$BUILD/forge" document "$pki" "$@" | hex_of)
	change "$from" "$to" --argjson i "$index" --arg d "$document" '.targets[$i].document = $d'
}

# setup_key REQUEST CLUSTER [INDEX]: of its first TEE, or another, in hex.
setup_key() {
	jq -r --argjson i "${3:-0}" '.targets[$i].document' "$1" >document.hex
	bytes_of document.hex | "$BUILD/forge" show "$(pki_of "$2")/root.der" | awk '$1 == "public_key" { print $2 }'
}

# secret_nowhere N PLACE...: neither the key nor the share of member N is in the clear in any of them.
secret_nowhere() {
	local member=$1 key share place
	shift
	key=$(tr -d '[:space:]' <"m$member/member$member.secret")
	share=$(bytes_of <(od -An -v -tx1 "m$member/member$member.share") |
		"$BUILD/forge" open "m$member/member$member.secret" | hex_of)
	same "${#share}" 66
	for place in "$@"; do
		run -1 grep -rqiF -e "$key" -e "$share" "$place"
		run -1 bash -c 'cat "$1"/* "$1" 2>/dev/null | od -An -v -tx1 | tr -d " \n" | grep -qF -e "$2" -e "$3"' \
			_ "$place" "$key" "$share"
	done
}

# worthless N REQUEST CLUSTER FROM TO: the bundle FROM of member N with something else than his share sealed
# to each of the TEEs, and signed, as only he could.
worthless() {
	local member=$1 request=$2 name=$3 from=$4 to=$5 i sealed hash signature
	cp "$from" "$to"
	for ((i = 0; i < $(jq '.shares | length' "$from"); i++)); do
		sealed=$("$BUILD/forge" seal "$(setup_key "$request" "$name" "$i")" <<<"[1$(printf ',7%.0s' {1..32})]" | hex_of)
		hash=$(xxd -r -p <<<"$sealed" | sha256sum | cut -d ' ' -f 1)
		signature=$("$BUILD/forge" sign "${PEOPLE:-.}/$name-members/member$member.secret" \
			"$(printf 'teectl-share-submit-v1\0\0' | xxd -p)$(jq -r --argjson i "$i" '.manifestHash + .shares[$i].setupKeyHash' "$from")$hash" | hex_of)
		change "$to" "$to" --argjson i "$i" --arg e "$sealed" --arg s "$signature" \
			'.shares[$i].encryptedShare = $e | .shares[$i].signature = $s'
	done
}

# lost NAME: a cluster of two nodes and 2 of 3 members, which had the key and lost it. Both of its TEEs have
# been restarted by the manifest that a chair approved, and wait for shares of members who live elsewhere;
# the key that is to come back is in $key.
lost() {
	cluster "$1" 2 2 3
	teectl member keygen "$1-members/chair" >/dev/null
	sed -i "s|^  threshold: 2|&\n  manifestSet: { threshold: 1, members: [ { name: chair, key: $1-members/chair.secret, pub: $1-members/chair.pub } ] }|" "$1.yaml"
	teectl -f "$1.yaml" measure --write >/dev/null
	with_key "$1"
	key=$(cat ".teectl/$1/quorum_key.pub")
	teectl -f "$1.yaml" down --lose-key >/dev/null 2>&1
	teectl -f "$1.yaml" up >/dev/null 2>&1
	sed -i "s|key: $1-members/member[0-9].secret, pub: |pub: |" "$1.yaml"
	run -3 --separate-stderr teectl -f "$1.yaml" recover
	has "$stderr" 'tee1: restarted, by 1 approvals'
	# teectl restarts a quorum on one TEE; whoever wants a second candidate sends that the same.
	post "$(url "$1" tee2)" /enclave/boot-standard "$(curl -sS "$(url "$1" tee1)/enclave/manifest")"
	same "$http" 200
}
