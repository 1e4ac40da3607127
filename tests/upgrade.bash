# What the tests of upgrades share: a cluster with a key, another image, and its approved manifest. Each node's
# seed is asked for on the way.
load verb

# living NODES: a cluster of which every TEE has the key; the seed that they all give is in $seed.
living() {
	make_cluster --nodes "$1"
	sed -i 's/^  nonce: 0/  nonce: 7/' cluster.yaml
	local verb
	for verb in up genesis inject propagate; do
		teectl "$verb" >/dev/null 2>&1
	done
	seed=$(seed_of tee1)
	[[ $(wc -w <<<"$seed") -eq 24 ]]
	same_seeds "$1"
}

# By curl: it is asked at each of a hundred moments. Fails where nobody answers, or has no key.
seed_of() { # NODE
	local url pid start address answer
	url=$(sed -n "s|.*{ name: $1, url: \"\(.*\)\" }|\1|p" cluster.yaml)
	if [[ -z $url ]]; then
		[[ -e .teectl/demo/pids/$1 ]] || return 1
		read -r pid start address <".teectl/demo/pids/$1"
		url=http://$address
	fi
	answer=$(curl -sS --fail --max-time 60 -H 'Content-Type: application/json' \
		-d '{"seed_type":"test","seed_data":"upgrade"}' "$url/generate-seed" 2>/dev/null) || return 1
	jq -r .seed_phrase <<<"$answer"
}

# same_seeds LEAST: every TEE of cluster.yaml that gives a seed gives the one that it always was, and as many do
# at least.
same_seeds() {
	local node words count=0
	for node in $(sed -n 's/.*name: *\(tee[0-9]*\).*/\1/p' cluster.yaml); do
		words=$(seed_of "$node") || continue
		same "$node $words" "$node $seed"
		((++count))
	done
	((count >= $1)) || fail "$count TEEs gave the seed, $1 expected"
}

# image NAME [FROM]: another image, which the cluster file names from now on.
image() {
	cp "${2:-$BUILD/teectl-enclave}" "$1"
	printf '%s' "$1" >>"$1"
	sed -i "s|^  image: .*|  image: $1|" cluster.yaml
}

# adopted FILE MEMBER...: what the cluster file says now, as a manifest that these members approve, is the
# current one.
adopted() {
	local file=$1 member
	shift
	teectl manifest new --out "$file" >/dev/null 2>&1
	for member; do
		rm -f "member$member.approval"
		teectl manifest approve "$file" --key "members/member$member.secret" --yes --out "member$member.approval" >/dev/null
		teectl manifest collect "$file" "member$member.approval" >/dev/null 2>&1 || (($? == 3))
	done
	teectl manifest adopt "$file" >/dev/null
}

pid_of() { # NODE
	cut -d ' ' -f 1 ".teectl/demo/pids/$1"
}

# by_hand NAME IMAGE [OPTION...]: an enclave of the cluster that others launched, at its URL in $NAME.
by_hand() {
	local name=$1 options
	teectl measure -o json >measured 2>/dev/null || true
	options=(--role demo-operators --pin-manifest-set "$(jq -r .manifest_set_pin measured)"
		--pin-share-set "$(jq -r .share_set_pin measured)" --insecure-open-seed)
	IMAGE=$2 PKI=$PWD/.teectl/demo/pki hv "$name" --instance "$name" "${options[@]}" "${@:3}"
}

# elsewhere NODE URL: others launched it, there.
elsewhere() {
	sed -i "s|{ name: $1, .*|{ name: $1, url: \"$2\" }|" cluster.yaml
	grep -q "$2" cluster.yaml || fail "no node $1"
}

teardown() {
	stop_hvs
	verb_teardown
}
