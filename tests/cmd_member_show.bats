#!/usr/bin/env bats

load verb

@test "member show: the prefix that keygen was given is enough" {
	try 0 member keygen alice
	try 0 member show alice
	prints "alice.pub (public half)"
}

@test "member show: both halves of a pair have one public key and fingerprint" {
	teectl member keygen alice >/dev/null
	try 0 member show alice.secret -o json
	json .secret true
	json .public_key "$(tr -d '\n' <alice.pub)"
	local fingerprint
	fingerprint=$(tr -d '\n' <alice.pub | tr a-f A-F | basenc -d --base16 | sha256sum | cut -d' ' -f1)
	json .fingerprint "$fingerprint"
	try 0 member show alice.pub -o json
	json .secret false
	json .fingerprint "$fingerprint"
	try 0 member show alice.pub
	prints "fingerprint  $fingerprint"
}

@test "member show: never shows the secret half" {
	teectl member keygen alice >/dev/null
	try 0 member show alice.secret
	[[ $output$stderr != *"$(tr -d '\n' <alice.secret)"* ]]
	try 0 member show alice.secret -o json
	[[ $output$stderr != *"$(tr -d '\n' <alice.secret)"* ]]
}

@test "member show: reads standard input" {
	teectl member keygen alice >/dev/null
	run -0 --separate-stderr bash -c "'$BUILD/teectl' member show - -o json <alice.pub"
	json .public_key "$(tr -d '\n' <alice.pub)"
}

@test "member show: agrees with the keys of QuorumOS" {
	local pub secret
	for secret in "$ROOT"/tests/vectors/qos/*/*.secret; do
		pub=${secret%.secret}.pub
		[[ -e $pub ]] || continue
		try 0 member show "$secret" -o json
		json .public_key "$(tr -d '\n' <"$pub")"
	done
}

@test "member show: refuses what is no key, and does not repeat it" {
	echo "not a key at all" >file
	try 65 member show file
	says "'file'"
	[[ $stderr != *"not a key"* ]]
	printf '04%0258d' 7 >file
	try 65 member show file
	says "point"
	: >file
	try 65 member show file
	try 66 member show missing
	says "'missing'"
	head -c 5000 /dev/zero >file
	try 65 member show file
	says "1024 bytes"
}

# The share set of QuorumOS's own vectors, as its tools keep one.
qos_set() {
	mkdir set
	cp "$VECTORS/qos/boot-e2e/"user[123].pub set/
	printf ' 2 \nof three\n' >set/quorum_threshold
}

@test "member show: lists a key-set folder, by name, with its threshold" {
	qos_set
	touch set/._user1.pub set/README set/user9.secret
	try 0 member show set
	prints "set: 2 of 3"
	prints "user2   $(xxd -r -p set/user2.pub | sha256sum | cut -d ' ' -f 1)"
	try 0 member show set -o json
	json '[.threshold, (.members | map(.alias) | join(","))] | map(tostring) | join(" ")' "2 user1,user2,user3"
	json '.members[2].public_key' "$(tr -d '[:space:]' <set/user3.pub)"
}

@test "member show: a key-set folder that is not one is refused" {
	wrong() { # STATUS WORDS
		try "$1" member show set
		says "$2"
		rm -r set
	}
	qos_set
	rm set/quorum_threshold
	wrong 65 "'set': no quorum_threshold"
	qos_set
	cp set/quorum_threshold set/quorum_threshold.old
	wrong 65 "'set': two files of a quorum_threshold"
	qos_set
	echo 4 >set/quorum_threshold
	wrong 65 "'set': quorum_threshold must be"
	qos_set
	cp set/user1.pub set/user1.new.pub
	wrong 65 "'set': two keys of 'user1'"
	qos_set
	echo 04 >set/user2.pub
	wrong 65 "public key file 'set/user2.pub'"
	qos_set
	rm set/*.pub
	wrong 65 "'set': no NAME.pub"
	qos_set
	cp set/user1.pub 'set/two words.pub'
	wrong 65 "'two words.pub': no name for a member"
}
