#!/usr/bin/env bats

load verb

@test "pki init: makes a CA for its owner alone" {
	umask 0
	try 0 pki init
	prints 'pki/ca.pem and pki/ca.key'
	same "$(stat -c %a pki pki/ca.key pki/ca.pem | xargs)" '700 600 644'
	run -0 openssl x509 -in pki/ca.pem -noout -text
	has "$output" 'Signature Algorithm: ecdsa-with-SHA384'
	has "$output" 'CA:TRUE, pathlen:0'
	has "$output" 'Certificate Sign, CRL Sign'
	[[ $output =~ Subject:\ O\ =\ teectl,\ CN\ =\ teectl\ CA\ [0-9a-f]{8} ]]
	run -0 openssl pkey -in pki/ca.key -noout -check
	same "$(openssl pkey -in pki/ca.key -pubout)" "$(openssl x509 -in pki/ca.pem -noout -pubkey)"
	run -0 openssl verify -x509_strict -CAfile pki/ca.pem pki/ca.pem
}

@test "pki init: is valid for ten years, or for as many days as one says" {
	try 0 pki init
	run -0 openssl x509 -in pki/ca.pem -noout -checkend $((3652 * 86400))
	run -1 openssl x509 -in pki/ca.pem -noout -checkend $((3654 * 86400))
	try 0 pki init --dir short --days 2
	run -1 openssl x509 -in short/ca.pem -noout -checkend $((3 * 86400))
	try 64 pki init --dir x --days 7306
	says '--days must be a whole number from 1 to 7305'
	[[ ! -e x ]]
}

@test "pki init: again it keeps what is there" {
	try 0 pki init
	cp -r pki before
	try 0 pki init -o json
	json .kept true
	json .fingerprint "$(openssl x509 -in pki/ca.pem -outform der | sha256sum | cut -d ' ' -f 1)"
	try 0 pki init
	prints 'nothing to do: the CA is there already'
	diff -r pki before
}

@test "pki init: half a CA is neither made up for nor overwritten" {
	try 0 pki init
	mv pki/ca.key key
	try 65 pki init
	says "'pki/ca.pem' is there without 'pki/ca.key'; a CA is never overwritten"
	mv pki/ca.pem away
	mv key pki/ca.key
	try 65 pki init
	says "'pki/ca.key' is there without 'pki/ca.pem'"
	[[ ! -e pki/ca.pem ]]
}

@test "pki init: what is there has to serve" {
	try 0 pki init
	try 0 pki init --dir other
	chmod 644 pki/ca.key
	try 65 pki init
	says "'pki/ca.key' is a private key, and its mode 0644 lets others at it"
	chmod 600 pki/ca.key
	cp other/ca.pem pki/ca.pem
	try 65 pki init
	says 'it belongs to another key'
	echo junk >pki/ca.pem
	try 65 pki init
	says "'pki/ca.pem' holds no certificate in PEM"
	cp other/ca.pem pki/ca.pem
	echo junk >pki/ca.key
	try 65 pki init
	says "key file 'pki/ca.key': not PEM with one 'PRIVATE KEY'"
}

@test "pki init: has the name that one gives it" {
	try 0 pki init --name 'Bäckerei, Example=1'
	run -0 openssl x509 -in pki/ca.pem -noout -subject -nameopt utf8,-esc_msb
	has "$output" 'Bäckerei, Example=1'
	try 64 pki init --dir x --name "$(printf '%065d' 1)"
	says '--name: more than 64 bytes'
	try 64 pki init --dir x --name $'a\nb'
	says '--name: it has a control character'
	try 64 pki init --dir x --name $'\xff'
	says "--name: '?' is not UTF-8"
	[[ ! -e x ]]
}

@test "pki init: a folder that others may write to is refused" {
	mkdir -m 777 pki
	try 65 pki init
	says "'pki' belongs to another user or others may write to it"
}

@test "pki init: tells no secret" {
	try 0 pki init -o json
	json .certificate pki/ca.pem
	json .key pki/ca.key
	hasnt "$output$stderr" "$(sed -n 2p pki/ca.key)"
}
