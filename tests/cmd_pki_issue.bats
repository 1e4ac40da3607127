#!/usr/bin/env bats

load verb

setup() {
	cd "$BATS_TEST_TMPDIR"
	teectl pki init >/dev/null
}

names() { # of FILE: its alternative names
	openssl x509 -in "$1" -noout -ext subjectAltName | sed -n '2s/^ *//p'
}

@test "pki issue: a client's certificate names its roles, and is for clients" {
	umask 0
	try 0 pki issue alice --role operator --role observer
	prints 'pki/alice.pem and pki/alice.key'
	prints '  urn:teectl:role:operator'
	same "$(names pki/alice.pem)" 'URI:urn:teectl:role:operator, URI:urn:teectl:role:observer'
	same "$(stat -c %a pki/alice.key pki/alice.pem | xargs)" '600 644'
	run -0 openssl verify -x509_strict -purpose sslclient -CAfile pki/ca.pem pki/alice.pem
	run -2 openssl verify -purpose sslserver -CAfile pki/ca.pem pki/alice.pem
	run -0 openssl x509 -in pki/alice.pem -noout -text
	has "$output" 'CN = alice'
	has "$output" 'CA:FALSE'
	has "$output" 'Digital Signature'
	has "$output" 'TLS Web Client Authentication'
	hasnt "$output" 'TLS Web Server Authentication'
	same "$(openssl pkey -in pki/alice.key -pubout)" "$(openssl x509 -in pki/alice.pem -noout -pubkey)"
}

@test "pki issue: each role has its URI, and a member his aliases" {
	try 0 pki issue all --role observer,member,operator,peer,app --member m1 --member m2
	same "$(names pki/all.pem)" 'URI:urn:teectl:role:observer, URI:urn:teectl:role:member, URI:urn:teectl:role:operator, URI:urn:teectl:role:peer, URI:urn:teectl:role:app, URI:urn:teectl:member:m1, URI:urn:teectl:member:m2'
}

@test "pki issue: the longest that an enclave takes fits" {
	local long members=() i
	long=$(printf 'm%0125d' 1)
	for i in {10..25}; do members+=(--member "$long$i"); done
	try 0 pki issue many --role member "${members[@]}"
	same "$(names pki/many.pem | tr , '\n' | wc -l)" 17
	try 64 pki issue more --role member "${members[@]}" --member m
	says '--member: more than 16'
	try 64 pki issue more --role member --member "${long}123"
	says "expected 1 to 128 of A-Z a-z 0-9 . _ -"
}

@test "pki issue: a server's certificate names its hosts, and is for servers" {
	try 0 pki issue tee1 --server --host tee1.example --host 10.0.0.5 --host ::1
	same "$(names pki/tee1.pem)" 'DNS:tee1.example, IP Address:10.0.0.5, IP Address:0:0:0:0:0:0:0:1'
	run -0 openssl verify -x509_strict -purpose sslserver -verify_hostname tee1.example -CAfile pki/ca.pem pki/tee1.pem
	run -0 openssl verify -verify_ip 10.0.0.5 -CAfile pki/ca.pem pki/tee1.pem
	run -2 openssl verify -purpose sslclient -CAfile pki/ca.pem pki/tee1.pem
}

@test "pki issue: is valid for ninety days, or as many as one says, and not longer than its CA" {
	try 0 pki issue a --role app
	run -0 openssl x509 -in pki/a.pem -noout -checkend $((89 * 86400))
	run -1 openssl x509 -in pki/a.pem -noout -checkend $((91 * 86400))
	try 0 pki issue b --role app --days 1
	run -1 openssl x509 -in pki/b.pem -noout -checkend $((2 * 86400))
	try 64 pki issue c --role app --days 826
	says '--days must be a whole number from 1 to 825'
	teectl pki init --dir short --days 10 >/dev/null
	try 64 pki issue c --dir short --role app
	says '--days 90: the CA itself ends at '
	try 0 pki issue c --dir short --role app --days 9
}

@test "pki issue: two certificates share neither serial nor key" {
	try 0 pki issue a --role app
	try 0 pki issue b --role app
	[[ $(openssl x509 -in pki/a.pem -noout -serial) != "$(openssl x509 -in pki/b.pem -noout -serial)" ]]
	run ! cmp pki/a.key pki/b.key
}

@test "pki issue: nothing is overwritten, and another place can be named" {
	try 0 pki issue a --role app
	cp -r pki before
	try 65 pki issue a --role operator
	says "'pki/a.pem' is there already, and nothing is overwritten"
	rm pki/a.pem before/a.pem
	try 65 pki issue a --role operator
	says "'pki/a.key' is there already"
	try 65 pki issue ca --role operator
	says "'pki/ca.pem' is there already"
	diff -r pki before
	try 0 pki issue a --role operator --out renewed -o json
	json .certificate renewed.pem
	json .key renewed.key
	json .fingerprint "$(openssl x509 -in renewed.pem -outform der | sha256sum | cut -d ' ' -f 1)"
	hasnt "$output$stderr" "$(sed -n 2p renewed.key)"
}

@test "pki issue: says what it can't make sense of" {
	try 64 pki issue
	says 'NAME is required'
	try 64 pki issue a
	says '--role ROLE is required, or --server'
	try 64 pki issue a --role oprator
	says "'oprator' is not known; did you mean 'operator'?"
	try 64 pki issue a --role Operator
	says "did you mean 'operator'?"
	try 64 pki issue a --role none
	says "is not"
	try 64 pki issue a --role app,app
	says '--role app is given twice'
	try 64 pki issue a --role member
	says '--role member needs --member ALIAS'
	try 64 pki issue a --role app --member m
	says '--member counts with --role member alone'
	try 64 pki issue a --role member --member 'm,URI:urn:teectl:role:operator'
	says "--member 'URI:urn:teectl:role:operator': expected"
	try 64 pki issue a --role member --member 'm x'
	says "--member 'm x': expected 1 to 128"
	try 64 pki issue ../a --role app
	says "NAME '../a': expected 1 to 64"
	try 64 pki issue a/b --role app
	says "NAME 'a/b': expected"
	try 64 pki issue a --role app --host h
	says '--host is for servers'
	try 64 pki issue a --server
	says '--server needs --host HOST'
	try 64 pki issue a --server --host h --role app
	says '--server excludes --role and --member'
	for host in 'a b' -a- a..b .a a. '*.example.org' 'a,DNS:b' 300.1.1.1 1.2.3 ::g "$(printf '%064d' 1)x.org"; do
		try 64 pki issue a --server "--host=$host"
		says '--host '
	done
	same "$(ls pki | xargs)" 'ca.key ca.pem'
}

@test "pki issue: without a CA it says how to make one" {
	try 66 pki issue a --role app --dir nowhere
	says "there is no CA: 'nowhere/ca.pem' is missing"
	says 'teectl pki init makes one'
}

@test "pki issue: a CA's key that others can read, or that is another's, signs nothing" {
	chmod 640 pki/ca.key
	try 65 pki issue a --role app
	says "'pki/ca.key' is a private key, and its mode 0640 lets others at it"
	chmod 600 pki/ca.key
	teectl pki init --dir other >/dev/null
	cp other/ca.key pki/ca.key
	try 65 pki issue a --role app
	says 'it belongs to another key'
	[[ ! -e pki/a.pem && ! -e pki/a.key ]]
}

@test "pki issue: signs with a CA that openssl made" {
	mkdir -m 700 own
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout own/ca.key -out own/ca.pem -days 365 \
		-subj /CN=own -addext keyUsage=critical,keyCertSign 2>/dev/null
	try 0 pki issue a --role app --dir own
	run -0 openssl verify -CAfile own/ca.pem own/a.pem
}
