#!/usr/bin/env bats
# teectl audit verify. Every mutation of every line: tests/unit/enclave_evidence.c.

load verb

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	cluster own 2 2 3
	with_key own
	teectl -f own.yaml propagate >/dev/null 2>&1
	teectl -f own.yaml verify >/dev/null 2>&1
	teectl -f own.yaml down >/dev/null 2>&1
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_FILE_TMPDIR/.teectl/own/journal" journal
	cp "$BATS_FILE_TMPDIR/.teectl/own/pki/root.der" root.der
}

# line KIND: the number of the first of that kind.
line() {
	jq -r .kind journal | grep -nx "$1" | head -n 1 | cut -d : -f 1
}

# chained: every line's seq and prev written anew, as somebody would who may write to the file.
chained() {
	local prev=0000000000000000000000000000000000000000000000000000000000000000 seq=0 text
	while IFS= read -r text; do
		((seq += 1))
		text=$(sed -E "s/^\{\"seq\":[0-9]+/{\"seq\":$seq/; s/\"prev\":\"[0-9a-f]{64}\"/\"prev\":\"$prev\"/" <<<"$text")
		printf '%s\n' "$text"
		prev=$(printf %s "$text" | sha256sum | cut -d ' ' -f 1)
	done <journal >chained
	mv chained journal
}

@test "audit verify: a file needs no state, no cluster file and no network" {
	run -0 --separate-stderr unshare -rn "$BUILD/teectl" audit verify journal --root root.der
	prints '1 genesis: its document attests the output'
	prints '5 key proofs'
	prints 'receipts: signed by the quorum key'
	hasnt "$output" 'the journal names'
	prints 'the root is simulated'
	prints "head        $(wc -l <journal):"
}

@test "audit verify: says what is shown and what is not, for machines too" {
	try 0 audit verify journal -o json
	json .lines "$(wc -l <journal)"
	json .simulated true
	json .root "$(sha256sum <root.der | cut -d ' ' -f 1)"
	json '.shown | map(select(test("^2 shares: "))) | length' 1
	json '.not_shown | map(select(test("--head"))) | length' 1
	json '.not_shown | map(select(test("which the journal names"))) | length' 1
}

@test "audit verify: without a file it is the state's, under the cluster's root" {
	cd "$BATS_FILE_TMPDIR"
	try 0 -f own.yaml audit verify
	hasnt "$output" 'the journal names'
	try 66 audit verify nowhere
	try 65 audit verify own.yaml
	says 'not a journal'
}

@test "audit verify: a line that is changed, dropped, repeated or moved is named" {
	local good
	good=$(<journal)
	sed -i '4s/"node":"tee./"node":"tee9/' journal
	try 5 audit verify journal
	says 'line 5: the line before it has SHA-256'
	printf '%s\n' "$good" | sed 4d >journal
	try 5 audit verify journal
	says 'line 4: sequence 5, expected 4'
	printf '%s\n' "$good" | sed 4p >journal
	try 5 audit verify journal
	says 'line 5: sequence 4, expected 5'
	printf '%s\n' "$good" | sed '4{h;d};5G' >journal
	try 5 audit verify journal -o json
	says 'line 4: sequence 5, expected 4'
	json .error.reason sequence
	printf '%s\n' "$good" | sed '4s/^{/[/' >journal
	try 5 audit verify journal
	says 'line 4: not a line of a journal'
}

@test "audit verify: a tail that was cut shows against a head that was noted" {
	local head
	head=$(teectl audit head journal)
	try 0 audit verify journal --head "$head"
	prints 'the head that was noted is one of them'
	try 0 audit verify journal --head "${head#*:}"
	sed -i '$d' journal
	try 0 audit verify journal
	try 5 audit verify journal --head "$head"
	says 'lines are missing at its end, or it was written anew'
	try 5 audit verify journal --head "1:${head#*:}"
	says 'line 1: sequence 1 has SHA-256'
	try 64 audit verify journal --head 12
	says '--head must be what teectl audit head prints'
}

@test "audit verify: a line that a crash cut short is named; and so is one that was mended" {
	head -c -20 journal >torn
	try 0 audit verify torn
	prints 'a line that was cut short, by a crash or by hand'
	# Against a head that was noted it is not passed over: it may as well have been added.
	local head
	head=$(teectl audit head torn 2>/dev/null)
	try 5 audit verify torn --head "$head"
	says "line $(wc -l <journal): $(($(tail -n 1 journal | wc -c) - 20)) bytes behind the last line are none: cut short by a crash"
	head=$(teectl audit head journal)
	printf x >>journal
	try 0 audit verify journal
	prints 'the last 1 byte: a line that was cut short'
	try 5 audit verify journal --head "$head" -o json
	json .error.reason torn
	# A newline alone does not make a line of it.
	printf '\n' >>journal
	try 5 audit verify journal
	says 'not a line of a journal'
}

@test "audit verify: how many lines a head does not cover is said" {
	local head last
	head=$(teectl audit head journal)
	try 0 audit verify journal --head "$head"
	hasnt "$output" 'after the head'
	last=$(($(wc -l <journal) - 1))
	head -n "$last" journal >earlier
	head=$(teectl audit head earlier)
	try 0 audit verify journal --head "$head"
	prints 'that the 1 line after the head that was noted is as written, and that none is missing after it'
	sed 5q journal >earlier
	try 0 audit verify journal --head "$(teectl audit head earlier)"
	prints "that the $((last - 4)) lines after the head that was noted are as written, and that none is missing after them"
}

@test "audit verify: a forged chain does not forge what is signed" {
	local good kind words
	good=$(<journal)
	while read -r kind field words; do
		printf '%s\n' "$good" >journal
		# The tenth digit of the field is another.
		sed -i -E "$(line "$kind")s/(\"$field\":\".{9})(.)/\1@\2/; s/@[0]/1/; s/@[1-9a-f]/0/" journal
		chained
		run ! cmp -s journal <(printf '%s\n' "$good")
		try 5 audit verify journal
		says "line $(line "$kind") ($kind, tee"
		says "$words"
	done <<-'END'
		document nonce nonce is not the expected one
		share signature the share is not signed by its member
		share sealed the share is not signed by its member
		export sealed what was exported is not signed by the quorum key
		export peer no document here attests the TEE that the key is for
		receipt body is not signed by the quorum key
		receipt signature is not signed by the quorum key
		receipt manifest it names a manifest that is not in the journal
		proof challenge nonce is not the expected one
		proof signature the key proof is not signed by the quorum key
	END
}

@test "audit verify: a receipt that is missing in a forged chain is missed" {
	same "$(jq -r 'select(.kind == "receipt") | .node' journal | paste -sd ' ')" 'tee1 tee1 tee2'
	sed -i "$(line receipt)d" journal
	chained
	try 5 audit verify journal
	says 'receipt 1 of this boot, expected 0: one is missing, or stands twice'
}

@test "audit verify: another root is refused" {
	try 5 audit verify journal --root aws-nitro
	says 'line'
	says 'chain'
	echo hello >root.pem
	try 65 audit verify journal --root root.pem
	grep -v '"genesis"' journal | head -n 4 >few
	try 64 audit verify few
	says 'names a root: --root'
}

@test "audit verify: says to which disaster-recovery key the quorum key was wrapped, and so does status" {
	local dr
	cd "$BATS_TEST_TMPDIR"
	cluster dr 1 2 2
	teectl member keygen recovery >/dev/null
	sed -i 's/^  threshold: 2/&\n  drKey: recovery.pub/' dr.yaml
	teectl -f dr.yaml up >/dev/null 2>&1
	teectl -f dr.yaml genesis >/dev/null 2>&1
	dr=$(xxd -r -p recovery.pub | sha256sum | cut -d ' ' -f 1)
	run -0 --separate-stderr teectl -f dr.yaml audit verify
	has "$output" "the quorum key was also wrapped to the disaster-recovery key with SHA-256 $dr: whoever has"
	hasnt "$output" 'the manifest set: the genesis attests the share set alone'
	run -0 --separate-stderr teectl -f dr.yaml audit verify -o json
	same "$(jq -r .dr_key_sha256 <<<"$output")" "$dr"
	run --separate-stderr teectl -f dr.yaml status -o json
	same "$(jq -r .dr_key_sha256 <<<"$output")" "$dr"
	# Up to the genesis no document commits to what came of it.
	sed '/"kind":"genesis"/q' .teectl/dr/journal >cut
	run -0 --separate-stderr teectl audit verify cut
	has "$output" 'the manifest set: the genesis attests the share set alone, and no document'
	teectl -f dr.yaml down >/dev/null 2>&1
}

@test "audit verify: without a file and without a state it says to name one" {
	try 66 audit verify
	says 'cluster.yaml'
	says 'hint: without FILE it is the journal of the cluster file'"'"'s state; another'"'"'s: teectl audit verify FILE'
	try 66 audit verify nowhere
	hasnt "$stderr" 'without FILE'
}

@test "audit verify: one of a kind is told as one" {
	(cat journal; printf x) >torn
	try 0 audit verify torn
	prints 'the last 1 byte: a line that was cut short'
	prints '1 export: signed by the quorum key'
	prints '1 genesis: its document attests the output'
	try 5 audit verify torn --head "$(teectl audit head torn 2>/dev/null)"
	says '1 byte behind the last line is none'
}
