#!/usr/bin/env bats
# teectl seed

load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	cluster own 2 2 3
	with_key own
	sed '/insecureOpenSeed/d' own.yaml >closed.yaml
	sed -i 's/name: own/name: closed/' closed.yaml
	with_key closed
}

teardown_file() {
	cd "$BATS_FILE_TMPDIR"
	down_all
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	cluster=own
}

@test "seed: prints the phrase alone on standard output, the same every time" {
	local first
	ok seed --type wallet --data 7
	first=$output
	same "$(wc -lw <<<"$first" | tr -s ' ')" ' 1 24'
	has "$stderr" 'tee1: key proved, holds the quorum key'
	ok seed --type wallet --data 7 -o json
	same "$(jq -r '[.seed_phrase, .strength, .word_count] | join("|")' <<<"$output")" "$first|256|24"
	ok seed --type wallet --data 8
	[[ $output != "$first" ]]
}

@test "seed: from a node elsewhere without TLS it is said who else may have written it" {
	behind "$cluster" elsewhere tee1 "$(url "$cluster" tee1)"
	run -0 --separate-stderr teectl -f elsewhere.yaml seed --type wallet --data 7
	has "$stderr" 'note: tee1 has no TLS: whoever is between it and here can read the phrase, and answer with one of his own'
}

@test "seed: each strength has its number of words" {
	local pair
	for pair in 128:12 160:15 192:18 224:21 256:24; do
		ok seed --type wallet --data 7 --strength ${pair%:*}
		same "$(wc -w <<<"$output")" "${pair#*:}"
	done
}

@test "seed: without type and data it is fresh each time" {
	local first
	ok seed
	first=$output
	ok seed
	same "$(wc -w <<<"$output")" 24
	[[ $output != "$first" ]]
}

@test "seed: a command line that makes no sense is refused before anybody is asked" {
	run -64 --separate-stderr teectl -f own.yaml seed --type wallet
	has "$stderr" '--type and --data go together'
	run -64 --separate-stderr teectl -f own.yaml seed --data 7
	has "$stderr" '--type and --data go together'
	run -64 --separate-stderr teectl -f own.yaml seed --strength 130
	has "$stderr" "--strength: '130' is not one of 128, 160, 192, 224, 256"
	run -64 --separate-stderr teectl -f own.yaml seed --strength 64
	run -64 --separate-stderr teectl -f own.yaml seed --node nobody
	has "$stderr" "has no node 'nobody'"
}

@test "seed: a type or data that is too long or empty is refused" {
	run -65 --separate-stderr teectl -f own.yaml seed --type "$(printf '%0129d' 0)" --data 7
	has "$stderr" 'seed_type'
	run -64 --separate-stderr teectl -f own.yaml seed --type '' --data 7
	run -65 --separate-stderr teectl -f own.yaml seed --type a --data "$(printf '%04097d' 0)"
	has "$stderr" 'seed_data'
	ok seed --type a --data ''
	same "$(wc -w <<<"$output")" 24
}

@test "seed: a TEE that has no key is not asked" {
	run -2 --separate-stderr teectl -f own.yaml seed --node tee2 --type wallet --data 7
	has "$stderr" 'tee2 has no quorum key yet: it is in WaitingForBootInstruction'
	same "$(did own tee2 generate-seed)" 0
}

@test "seed: an enclave without insecureOpenSeed and without certificates refuses" {
	run -77 --separate-stderr teectl -f closed.yaml seed --type wallet --data 7 -o json
	has "$stderr" 'Access denied'
	same "$(jq -r '.error | [.name, .exit_status, .code] | join(" ")' <<<"$output")" 'access 77 1011'
	same "$(grep -c "wallet" .teectl/closed/logs/tee1.log)" 0
}
