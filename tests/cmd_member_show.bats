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
