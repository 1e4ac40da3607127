#!/usr/bin/env bats
# teectl audit head.

load verb

# Three lines, the second of which has the hash of the first, and so on.
journal() {
	local prev=0000000000000000000000000000000000000000000000000000000000000000 line i
	for i in 1 2 3; do
		line="{\"seq\":$i,\"time\":\"2026-01-01T00:00:0$i.000Z\",\"kind\":\"step\",\"node\":\"tee1\",\"prev\":\"$prev\",\"step\":\"verify\",\"outcome\":\"done\"}"
		printf '%s\n' "$line"
		prev=$(printf %s "$line" | sha256sum | cut -d ' ' -f 1)
	done >journal
	head=$prev
}

@test "audit head: is the sequence and the SHA-256 of the last line" {
	journal
	try 0 audit head journal
	same "$output" "3:$head"
	try 0 audit head journal -o json
	json .sequence 3
	json .sha256 "$head"
	json .time 2026-01-01T00:00:03.000Z
	try 0 audit head - <journal
	same "$output" "3:$head"
}

@test "audit head: of a chain that is broken there is none" {
	journal
	sed -i 2d journal
	try 5 audit head journal
	says 'line 2: sequence 3, expected 2'
	echo hello >journal
	try 65 audit head journal
	says 'not a journal'
	try 66 audit head nowhere
}

@test "audit head: bytes behind the last line are told, and no part of it" {
	journal
	try 0 audit head journal
	same "$stderr" ''
	printf '{"seq":4' >>journal
	try 0 audit head journal
	same "$output" "3:$head"
	says 'the last 8 bytes are no line, cut short by a crash or added by hand'
}

@test "audit head: without a file it is the state's" {
	make_cluster
	try 66 audit head
	says 'journal'
	try 0 up
	try 0 audit head
	same "$output" "$(wc -l <.teectl/*/journal):$(tail -n 1 .teectl/*/journal | head -c -1 | sha256sum | cut -d ' ' -f 1)"
}
