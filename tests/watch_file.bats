#!/usr/bin/env bats
# A teectl watch that runs while people change the cluster file and the manifest.

load upgrade
load watch

teardown() {
	local pid
	for pid in "${WATCHES[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	stop_hvs
	verb_teardown
}

# of_file WORDS: a filter.
of_file() {
	printf '.event == "file" and (.text | contains("%s"))' "$1"
}

# The image's change shows when it is renamed into place: no half of it is read.
change() { # SED-SCRIPT
	sed "$1" cluster.yaml >new.yaml
	mv new.yaml cluster.yaml
}

# none FILTER: no event so far.
none() {
	same "$(jq -c "select($1)" events)" ''
}

@test "watch: a cluster file that was changed is taken over; one that can't be is told once, and changes nothing" {
	living 2
	echo 'watch: { interval: 100ms }' >>cluster.yaml
	watch_start cluster
	until_ready 2
	# A node more: it is launched and gets the key.
	change 's|^  - { name: tee2, .*|&\n  - { name: tee3, listen: 127.0.0.1:0 }|'
	until_event "$(of_file 'the cluster file has changed: it goes by the new one from now on')"
	has "$(jq -r .text <<<"$event")" 'from now on; new: tee3'
	until_event "$(of tee3 done) and .step == \"forward\""
	until_ready 3
	# Half a file: the one before stays in force, and heals.
	cp cluster.yaml good.yaml
	change 's|^nodes:|nodez:|'
	until_event "$(of_file 'and the one before stays in force')"
	has "$(jq -r .text <<<"$event")" "nodez"
	kill "$(pid_of tee3)"
	until_event "$(of tee3 node gone)"
	until_event "$(of tee3 done) and .step == \"forward\""
	until_ready 3
	same "$(jq -rs 'map(select(.event == "file")) | length' events)" 2
	# And a node less, of a file that is whole again.
	sed '/name: tee3,/d' good.yaml >new.yaml
	mv new.yaml cluster.yaml
	until_event "$(of_file 'from now on')"
	has "$(jq -r .text <<<"$event")" 'from now on; no longer in it: tee3 (what runs here goes on: teectl -f cluster.yaml down --orphans stops it)'
	until_ready 2
	same "$(jq -r .node_count <<<"$event")" 2
	# Another cluster's file is none for it.
	change 's|name: demo$|name: other|'
	until_event "$(of_file "it is of cluster 'other'")"
	watch_end TERM 0
	none '.event == "quarantined"'
	cp good.yaml cluster.yaml
	same_seeds 2
}

@test "watch: a new image, from its pins to the upgrade, is no loss, and needs no new start" {
	living 2
	echo 'watch: { interval: 100ms }' >>cluster.yaml
	teectl measure --write >/dev/null 2>&1
	watch_start cluster
	until_ready 2
	# Pins of the next manifest: until it is adopted the file before is in force, and heals by its image.
	cp cluster.yaml next.yaml
	cp "$BUILD/teectl-enclave" upgraded
	printf upgraded >>upgraded
	sed -i 's|^  image: .*|  image: upgraded|' next.yaml
	teectl -f next.yaml measure --write --next >/dev/null 2>&1
	mv next.yaml cluster.yaml
	until_event "$(of_file 'stays in force')"
	has "$(jq -r .text <<<"$event")" 'PCR0 (image): the cluster file pins'
	kill "$(pid_of tee2)"
	until_event "$(of tee2 done) and .step == \"forward\""
	until_ready 2
	adopted next.json 1 3
	until_event "$(of_file 'it goes by the new one from now on')"
	until_event "$(of_file 'another manifest is the current one')"
	has "$(jq -r .text <<<"$event")" 'TEEs of the one before are judged by theirs'
	until_event '.event == "people" and (.next | endswith("upgrade"))'
	same "$(jq -r .text <<<"$event")" '2 of 2 TEEs hold an older manifest'
	# They are verified, and hold the key.
	same "$(jq -r '[.ready_count, .distance_to_ceremony] | join(" ")' <<<"$event")" '0 1'
	same_seeds 2
	try 0 upgrade
	until_ready 2
	watch_end TERM 0
	none '.event == "quarantined"'
	none '.text | contains("shares bring it back")'
	# While the upgrade ran it was the upgrade's, and then nobody's.
	same "$(jq -r 'select(.event == "people") | .next' events)" 'teectl -f cluster.yaml upgrade'
	same "$(jq -r 'select(.event == "nobody") | .event' events)" nobody
	has "$(jq -r 'select(.event == "busy") | .text' events)" ': upgrade)'
	same_seeds 2
	try 0 verify
}

@test "watch: a file that is not fit for the manifest is a fault on this side: nobody is quarantined for it" {
	living 2
	echo 'watch: { interval: 100ms }' >>cluster.yaml
	teectl measure --write >/dev/null 2>&1
	# The watch has a copy, which nobody mends.
	sed 's|^  image: .*|  image: '"$BUILD"'/teectl-enclave|' cluster.yaml >copy.yaml
	watch_start copy
	until_ready 2
	image upgraded
	teectl measure --write --next >/dev/null 2>&1
	adopted next.json 1 3
	until_event "$(of_file 'no TEE can be judged, and nothing is healed: PCR0')"
	sed 's/demo$/demo/' cluster.yaml >new.yaml
	mv new.yaml copy.yaml
	until_event "$(of_file 'it goes by the new one from now on')"
	until_event '.event == "people" and (.next | endswith("upgrade"))'
	watch_end TERM 0
	none '.event == "quarantined"'
	same_seeds 2
}

@test "watch: --once says of pins that are ahead of the manifest what plan says, and calls nobody for the TEEs" {
	living 2
	teectl measure --write >/dev/null 2>&1
	image upgraded
	teectl measure --write --next >/dev/null 2>&1
	try 5 plan
	local planned=$(grep cure: <<<"$stderr")
	has "$planned" 'adopted'
	try 5 watch --once
	prints 'no TEE can be judged, and nothing is healed: PCR0 (image): the cluster file pins'
	hasnt "$output" quarantined
	hasnt "$output" 'people are needed'
	same "$(grep cure: <<<"$stderr")" "$planned"
	same_seeds 2
}

@test "watch: a file of which only the image is another is not taken over beside the pins of the one before" {
	living 2
	echo 'watch: { interval: 100ms }' >>cluster.yaml
	teectl measure --write >/dev/null 2>&1
	cp "$BUILD/teectl-enclave" upgraded
	printf upgraded >>upgraded
	watch_start cluster
	until_ready 2
	change 's|^  image: .*|  image: upgraded|'
	until_event "$(of_file 'and the one before stays in force: PCR0 (image): what the cluster file would launch is not what')"
	has "$(jq -r .text <<<"$event")" "; the new file is taken over once its image's manifest is adopted"
	# It heals by the image of before.
	kill "$(pid_of tee2)"
	until_event "$(of tee2 done) and .step == \"forward\""
	until_ready 2
	watch_end TERM 0
	same "$(jq -rs 'map(select(.event == "file")) | length' events)" 1
	none '.event == "failed"'
	same_seeds 2
}

@test "watch: a cluster file that is a pipe without words keeps it waiting for nothing" {
	living 2
	echo 'watch: { interval: 100ms }' >>cluster.yaml
	watch_start cluster
	until_ready 2
	mv cluster.yaml good.yaml
	mkfifo pipe
	# A writer that says nothing.
	exec 8<>pipe
	mv pipe cluster.yaml
	until_event "$(of_file "the cluster file can't be read now, and what it said stays in force: ")"
	kill "$(pid_of tee2)"
	until_event "$(of tee2 done) and .step == \"forward\""
	until_ready 2
	exec 8>&-
	mv good.yaml cluster.yaml
	watch_end TERM 0
	same "$(jq -rs 'map(select(.event == "file")) | length' events)" 1
}

@test "watch: a cluster file is taken over as it is at two looks, never as it was at one" {
	living 2
	# Looks come by what happens to TEEs: none by itself.
	echo 'watch: { interval: 1h }' >>cluster.yaml
	watch_start cluster
	until_ready 2
	# Half of it is a whole file with a node less.
	sed '/name: tee2,/d' cluster.yaml >half.yaml
	cp cluster.yaml whole.yaml
	sed 's|^  - { name: tee2, .*|&\n  - { name: tee3, listen: 127.0.0.1:0 }|' whole.yaml >longer.yaml
	mv half.yaml cluster.yaml
	kill "$(pid_of tee1)"
	until_event "$(of tee1 node ready)"
	mv longer.yaml cluster.yaml
	kill "$(pid_of tee2)"
	until_event "$(of tee2 node ready)"
	kill "$(pid_of tee1)"
	until_event "$(of_file 'from now on; new: tee3')"
	until_ready 3
	watch_end TERM 0
	same "$(jq -rs 'map(select(.event == "file")) | length' events)" 1
	same_seeds 3
}
