#!/usr/bin/env bats

load verb

teardown() {
	[[ -z ${follower:-} ]] || kill "$follower"
	verb_teardown
}

# Where the log of a node is.
log_path() {
	teectl logs "$1" -o json | jq -r .path
}

@test "logs: shows what the enclave has logged" {
	make_cluster
	try 0 up
	try 0 logs tee1
	prints "live-attestation"
	try 0 logs tee1 -o json
	json .node tee1
	json '.lines | map(select(test("operation=live-attestation"))) | length > 0' true
}

# What the seed asks of debug logging: RUST_LOG=debug there, TEECTL_LOG=debug here. That no line has a secret:
# security.bats, which runs with this level.
@test "logs: TEECTL_LOG=debug at up has every request and the steps within one written, info has not" {
	local level
	for level in info debug; do
		make_cluster --nodes 2
		TEECTL_LOG=$level try 0 up
		try 0 genesis
		try 0 inject
		try 0 propagate
		try 0 logs tee1
		grep -E '^[0-9T:.-]+Z info operation request=[0-9a-f-]+ operation=export-key phase=ApplicationReady ' <<<"$output" ||
			fail 'export-key is told at every level'
		grep -E ' debug | step | operation=status ' <<<"$output" >"$level" || [[ $level == info ]]
		try 0 down
		rm -rf .teectl cluster.yaml
	done
	same "$(cat info)" ''
	grep -E '^[0-9T:.-]+Z debug step request=[0-9a-f-]+ done="manifest judged"$' debug
	grep -E '^[0-9T:.-]+Z debug operation request=[0-9a-f-]+ operation=status phase=ApplicationReady ' debug
}

@test "logs: --lines shows the end" {
	make_cluster --nodes 1
	try 0 up
	try 0 down
	local path
	path=$(log_path tee1)
	seq 1 3000 >"$path"
	for count in 1 2 10 2999 3000 5000; do
		try 0 logs tee1 -n "$count"
		[[ $output == "$(tail -n "$count" "$path")" ]]
	done
	try 0 logs tee1 -n 0
	[[ -z $output ]]
	try 0 logs tee1
	[[ $output == "$(<"$path")" ]]
	printf 'without an end' >>"$path"
	try 0 logs tee1 -n 2
	[[ $output == $'3000\nwithout an end' ]]
}

@test "logs: --lines finds the end of lines that are longer than a read" {
	make_cluster --nodes 1
	try 0 up
	try 0 down
	local path
	path=$(log_path tee1)
	{
		echo first
		for letter in a b c; do
			head -c 70000 /dev/zero | tr '\0' "$letter"
			echo
		done
	} >"$path"
	teectl logs tee1 -n 3 | tr -d '\n' | cmp - <(tail -n 3 "$path" | tr -d '\n')
	teectl logs tee1 -n 4 | head -n 1 | grep -qx first
}

@test "logs: control characters reach no terminal" {
	make_cluster --nodes 1
	try 0 up
	try 0 down
	printf 'a\033[2Jb\r\n' >"$(log_path tee1)"
	try 0 logs tee1
	[[ $output == 'a?[2Jb?' ]]
}

@test "logs: --follow shows new lines, and goes over to a new file" {
	make_cluster --nodes 1
	try 0 up
	try 0 down
	local path line
	path=$(log_path tee1)
	echo one >"$path"
	mkfifo pipe
	# Not by the function: the signal has to reach teectl itself.
	"$BUILD/teectl" logs tee1 --follow -o ndjson >pipe 2>follow.err 3>&- &
	follower=$!
	exec {log}<pipe
	read -r -t 10 -u "$log" line
	[[ $(jq -r .line <<<"$line") == one ]]
	echo two >>"$path"
	read -r -t 10 -u "$log" line
	[[ $(jq -r .line <<<"$line") == two ]]
	echo three >new
	mv new "$path"
	read -r -t 10 -u "$log" line
	[[ $(jq -r .line <<<"$line") == three ]]
	kill -TERM "$follower"
	local status=0
	wait "$follower" || status=$?
	follower=
	same "$status" 0
	exec {log}<&-
	[[ ! -s follow.err ]]
}

@test "logs: --follow ends with its deadline, and takes no -o json" {
	make_cluster --nodes 1
	try 0 up
	try 0 down
	try 0 logs tee1 --follow --timeout 50ms
	try 64 logs tee1 --follow -o json
	says "ndjson"
}

@test "logs: a node without a log, one elsewhere, and one unknown" {
	make_cluster
	sed -i 's|name: tee3, listen: .* }|name: tee3, url: "https://tee3.example:8443" }|' cluster.yaml
	try 66 logs tee1
	says "node 'tee1' has no log here: it was never launched"
	says "teectl up"
	try 66 logs tee3
	says "launched elsewhere"
	try 64 logs tee9
	says "has no node 'tee9'; did you mean"
	try 64 logs
	says "NODE is required, one of: tee1, tee2, tee3"
	try 66 logs -f tee1
	says "hint: -f names the cluster file; -F is --follow"
}

@test "logs: of one that was killed, that its process is gone; of one that was stopped, nothing" {
	local pid rest
	make_cluster --nodes 2
	try 0 up
	read -r pid rest <.teectl/demo/pids/tee1
	kill -KILL "$pid"
	tail --pid="$pid" -f /dev/null
	try 0 logs tee1 -n 1
	says "tee1: its process, pid $pid, is gone, and was not stopped by teectl; teectl up starts it anew"
	try 2 status
	prints "tee1: not running: teectl up (its process, pid $pid, is gone, and was not stopped by teectl)"
	try 0 logs tee2
	[[ -z $stderr ]]
	try 0 down
	try 0 logs tee1
	[[ -z $stderr ]]
}
