# What the tests of watch share.

# watch_start FILE [OPTION...]: a watch of FILE.yaml in the background; its pid in $watch_pid, its events on
# descriptor $watch_fd, which until_event reads.
watch_start() {
	rm -f news
	mkfifo news
	"$BUILD/teectl" -f "$1.yaml" watch -o ndjson "${@:2}" >news 2>watch.err 3>&- 4>&- &
	watch_pid=$!
	WATCHES+=("$watch_pid")
	exec {watch_fd}<news
	: >events
}
WATCHES=()

# until_event FILTER: waits for an event for which jq's FILTER is true; it is in $event.
until_event() {
	while read -r -t 60 -u "$watch_fd" event; do
		printf '%s\n' "$event" >>events
		if jq -e "$1" <<<"$event" >/dev/null; then return 0; fi
	done
	fail "no event with $1: $(cat events watch.err)"
}

# of NODE EVENT [TEXT]: a filter.
of() {
	printf '.node == "%s" and .event == "%s" and (.text | contains("%s"))' "$1" "$2" "${3-}"
}

# until_ready N
until_ready() {
	until_event "(.event == \"cluster\" or .event == \"warning\") and (.text | startswith(\"$1 of \"))"
}

# Waits for WORDS in FILE, by event.
until_in() { # FILE WORDS
	local line fd pid found=
	exec {fd}< <(exec tail -n +1 -F "$1" 2>/dev/null 3>&-)
	pid=$!
	while read -r -t 60 -u "$fd" line; do
		if [[ $line == *"$2"* ]]; then found=1; break; fi
	done
	kill "$pid"
	exec {fd}<&-
	[[ $found ]] || fail "'$2' is not in $1: $(tail -n 5 "$1")"
}

# scrape PATH: the answer in $output, its status in $http.
scrape() {
	[[ -n ${served-} ]] || served=$(sed -n 's,^metrics: \(http.*\)/metrics$,\1,p' watch.err)
	output=$(curl -sS -w '\n%{http_code}' "${@:2}" "$served$1")
	http=${output##*$'\n'}
	output=${output%$'\n'*}
}

# until_rounds N: of a watch with --metrics, that was not asked before.
until_rounds() {
	local done=0
	SECONDS=0
	until_in watch.err 'metrics: '
	while ((done < $1)); do
		((SECONDS < 60)) || fail "only $done rounds: $(cat watch.err)"
		kill -0 "$watch_pid" || fail "it has ended: $(cat watch.err)"
		scrape /metrics
		done=$(sed -n 's/^teectl_watch_rounds_total{[^}]*} //p' <<<"$output")
	done
}

# watch_end SIGNAL STATUS
watch_end() {
	local found=0
	kill "-$1" "$watch_pid"
	cat <&"$watch_fd" >>events
	exec {watch_fd}<&-
	wait "$watch_pid" || found=$?
	same "$found" "$2"
}

# launched_as NODE: how the running node of own.yaml was launched, in the words of its hypervisor, and its
# address in $address. relaunch does what they say, as whoever launched it elsewhere would.
launched_as() {
	local pid start i
	read -r pid start address <".teectl/own/pids/$1"
	mapfile -d '' words <"/proc/$pid/cmdline"
	for i in "${!words[@]}"; do
		[[ ${words[i]} != --listen=* ]] || words[i]=--listen=$address
		[[ ${words[i]} != --listen ]] || words[i + 1]=$address
	done
}

relaunch() {
	local line
	rm -f again
	mkfifo again
	"${words[@]}" >again 2>>far.log 3>&- 4>&- &
	relaunched=$!
	HVS+=("$!")
	read -r line <again
}

watch_teardown() {
	local pid
	for pid in "${WATCHES[@]}"; do
		kill -CONT "$pid" 2>/dev/null || true
		kill "$pid" 2>/dev/null || true
	done
	stop_hvs
	down_all
}
