# What the tests of the manifest verbs share: the quorum of QuorumOS's vectors, whose keys are there, in a
# cluster file of its own. No enclave, no state, no network.
load verb

OLD=$VECTORS/qos/manifest/old_manifest.v0.json
QUORUM_KEY=$VECTORS/qos/boot-e2e/quorum_key.pub

# qos_cluster: cluster.yaml and members/, of AWS's root, with its PCRs pinned.
qos_cluster() {
	local i
	mkdir -p -m 700 members
	for i in 1 2 3; do
		cp "$VECTORS/qos/boot-e2e/user$i.secret" "$VECTORS/qos/boot-e2e/user$i.pub" members/
	done
	chmod 600 members/*.secret
	cat >cluster.yaml <<-EOF
	apiVersion: teectl/v1
	kind: Cluster
	metadata: { name: prod }
	enclave:
	  role: operators
	  pcrs:
	    0: $(printf '%096d' 10)
	    1: $(printf '%096d' 11)
	    2: $(printf '%096d' 12)
	attestation: { root: aws-nitro }
	quorum:
	  threshold: 2
	  members:
	    - { name: user1, pub: members/user1.pub }
	    - { name: user2, pub: members/user2.pub }
	    - { name: user3, pub: members/user3.pub }
	manifest: { namespace: quit-coding-to-vape, nonce: 2, pivot: $(jq -r '"{ hash: \(.pivot.hash), args: \(.pivot.args | tojson) }"' "$OLD") }
	nodes:
	  - { name: tee1, url: "https://tee1.example:8443" }
	EOF
}

# draft FILE [OPTION]...: a successor of the vectors' manifest.
draft() {
	local file=$1
	shift
	teectl manifest new --from "$OLD" --out "$file" "$@" >/dev/null 2>&1
}

# approve FILE N: user N approves it; the approval is userN.approval.
approve() {
	rm -f "user$2.approval"
	teectl manifest approve "$1" --key "members/user$2.secret" --quorum-key "$QUORUM_KEY" --yes \
		--out "user$2.approval" >/dev/null
}

# change FILE FILTER: the JSON in FILE after jq.
change() {
	jq -c "$2" "$1" >changed && mv changed "$1"
}
