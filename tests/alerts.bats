#!/usr/bin/env bats
# configs/alerts.yaml: Prometheus rules over what an enclave's /metrics really has.

load helper
load contract
load watch

setup() {
	cd "$BATS_TEST_TMPDIR"
	"$BUILD/yaml_json" <"$ROOT/configs/alerts.yaml" >alerts.json
}

teardown() {
	watch_teardown
}

# The names of what a group's expressions look at, "up" being Prometheus's own.
named() { # GROUP
	jq -r --arg group "$1" '.groups[] | select(.name == $group) | .rules[].expr' alerts.json | grep -oE '\b(teectl_[a-z_]+|up\{)' | sort -u
}

# in_rules LABEL: each value that an expression compares it with.
in_rules() {
	jq -r '.groups[].rules[].expr' alerts.json | grep -oE "\b$1=~?\"[^\"]+\"" | cut -d '"' -f 2 | tr '|' '\n' | sort -u
}

@test "alerts: the rules are YAML of Prometheus's shape, and each says what is wrong and what to do" {
	run -0 jq -e '(keys == ["groups"]) and (.groups | length > 0) and all(.groups[];
		(keys == ["name", "rules"]) and (.rules | length > 0))' alerts.json
	run -0 jq -r '.groups[].rules[] | select(((keys - ["for"]) != ["alert", "annotations", "expr", "labels"])
		or (.alert | test("^Teectl[A-Za-z]+$") | not)
		or ((.for // "1m") | test("^[0-9]+[smh]$") | not)
		or (.labels | keys != ["severity"])
		or (.labels.severity | IN("critical", "warning", "info") | not)
		or (.annotations | keys != ["action", "summary"])) | .alert' alerts.json
	same "$output" ''
	run -0 jq -r '[.groups[].rules[].alert] | group_by(.) | map(select(length > 1)) | length' alerts.json
	same "$output" 0
}

@test "alerts: brackets and quotes of every expression close" {
	while IFS= read -r expression; do
		for pair in '()' '{}' '[]'; do
			same "$(tr -cd "${pair:0:1}" <<<"$expression" | wc -c)" "$(tr -cd "${pair:1:1}" <<<"$expression" | wc -c)"
		done
		same "$(($(tr -cd '"' <<<"$expression" | wc -c) % 2))" 0
	done < <(jq -r '.groups[].rules[].expr | gsub("\n"; " ")' alerts.json)
}

@test "alerts: each metric, operation, phase and result of the rules is one that an enclave has" {
	hv tee
	keys 2
	boot "$tee" 2 2
	# A refusal, so that there is a row of one.
	ask "$tee" POST /enclave/export-key '{}'
	ask "$tee" GET /metrics
	accepted
	local metrics=$output
	(($(named teectl-enclaves | wc -l) >= 6))
	for name in $(named teectl-enclaves); do
		[[ $name == 'up{' ]] || grep -qE "^$name(\{| )" <<<"$metrics" || fail "no metric $name"
	done
	for name in $(in_rules operation); do
		has "$metrics" "operation=\"$name\""
	done
	for name in $(in_rules phase); do
		has "$metrics" "phase=\"$name\""
	done
	for name in $(in_rules result); do
		[[ $name == ok ]] || has "$(grep -oE 'X\(ERR_[A-Z_]+, "[a-z-]+"' "$ROOT/lib/base/err.h")" "\"$name\""
	done
}

# expressions FILTER: of the rules for which jq's FILTER is true, each in one line.
expressions() {
	jq -r ".groups[] | .name as \$group | .rules[] | select($1) | .expr | gsub(\"\\\\s+\"; \" \")" alerts.json
}

@test "alerts: clusters are told apart, and of several watchers the one that leads counts" {
	local expression
	same "$(expressions '.expr | test("\\b(sum|max|min|count)\\(|by \\(job")')" ''
	while IFS= read -r expression; do
		has "$expression" 'and on (instance, cluster) teectl_watch_leader == 1'
	done < <(expressions '.expr | test("watch_(ready|keep_ready|distance|region)")')
	(($(expressions '.expr | test("leader == 1")' | wc -l) == 4))
}

@test "alerts: that nobody watches any more is seen without a row of a watcher's" {
	has "$(expressions '$group == "teectl-watch" and .alert == "TeectlNoWatcher"')" 'absent(teectl_watch_leader) or '
	same "$(expressions '.alert == "TeectlWatcherUnreachable"')" 'up{job="teectl-watch"} == 0'
	same "$(expressions '.alert == "TeectlEnclaveUnreachable"')" 'up{job="teectl"} == 0'
	run -0 jq -r '.groups[].rules[] | select(.expr | test("teectl-watch|absent")) | .annotations.action' alerts.json
	(($(grep -c 'teectl watch' <<<"$output") == 2))
}

@test "alerts: each metric and outcome of the rules for watch is one that it has" {
	cluster own 2 2 3 'watch: { interval: 200ms, metrics: "127.0.0.1:0" }'
	sed -i '/name: tee1/s/ }/, labels: { region: eu } }/' own.yaml
	teectl -f own.yaml apply >/dev/null 2>&1
	watch_start own
	until_ready 2
	kill_node own tee2
	until_ready 2
	# A round that has been told is in the metrics of the next one at the latest.
	kill_node own tee2
	until_event '.event == "node" and .node == "tee2"'
	metrics=$(curl -sS "$(sed -n 's,^metrics: ,,p' watch.err)")
	(($(named teectl-watch | wc -l) >= 10))
	for name in $(named teectl-watch); do
		[[ $name == 'up{' ]] || grep -qE "^$name(\{| )" <<<"$metrics" || fail "no metric $name in $metrics"
	done
	for name in $(in_rules outcome); do
		has "$metrics" "outcome=\"$name\""
	done
	watch_end TERM 0
}
