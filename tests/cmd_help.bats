#!/usr/bin/env bats

load verb

@test "help: lists every verb with its summary" {
	try 0 help
	prints "usage: teectl [OPTIONS] VERB [ARGUMENTS]"
	prints "  member keygen           make a member's key pair"
	[[ -z $stderr ]]
	local overview=$output
	try 0 --help
	[[ $output == "$overview" ]]
}

@test "help: explains a verb, as VERB --help does" {
	try 0 help member keygen
	prints "usage: teectl member keygen [--passphrase] [--passphrase-fd N] PREFIX ..."
	prints "Exit status:"
	local explained=$output
	try 0 member keygen --help
	[[ $output == "$explained" ]]
}

@test "help: no line is wider than 80 characters" {
	teectl help -o json | jq -r '.verbs[].name' >verbs
	while read -r verb; do
		teectl help $verb >text
		run awk 'length > 80 && !/^  teectl|^usage/' text
		[[ -z $output ]]
	done <verbs
}

@test "help: of a word that begins several verbs lists those" {
	try 0 help member
	prints "member keygen"
	prints "member protect"
	prints "member show"
	[[ ${#lines[@]} -eq 3 ]]
}

@test "help: a verb's own word may stand behind it, as where it is run" {
	local expected
	expected=$(teectl help recover)
	try 0 help recover drill
	same "$output" "$expected"
	try 0 help recover drill -o json
	json '.verbs[0].name' recover
	for word in 'recover dril' 'recover drill drill' 'recoverdrill' 'down drill'; do
		try 64 help $word
		says "no verb '$word'"
	done
}

@test "help: an unknown verb is told with the nearest one" {
	try 64 help valdate
	says "no verb 'valdate'; did you mean 'validate'?"
	try 64 help xyzzy
	says "no verb 'xyzzy'"
	says "hint: teectl help lists the verbs"
}

@test "help: all verbs and options as a document" {
	try 0 help -o json
	json '.verbs | map(select(.name == "member show")) | .[0].options[1].metavar' FILE
	try 0 help logs -o json
	json '.verbs | length' 1
	json '.verbs[0].exit_statuses | map(.status) | contains([0, 64, 66, 78])' true
}

@test "help: -o json has of a verb what its help says, as VERB --help does" {
	try 0 help member keygen -o json
	json '.verbs[0].synopsis' 'teectl member keygen [--passphrase] [--passphrase-fd N] PREFIX ...'
	json '.verbs[0].details | startswith("Writes PREFIX.secret")' true
	json '.verbs[0].examples[0].command' 'teectl member keygen alice'
	local explained=$output
	try 0 member keygen --help -o json
	same "$output" "$explained"
	try 0 help -o json
	local all=$output
	try 0 --help -o ndjson
	same "$(jq -cS . <<<"$output")" "$(jq -cS . <<<"$all")"
}

@test "help: -o json of a word that begins several verbs has those" {
	try 0 help member -o json
	json '.verbs | map(.name) | contains(["member keygen", "member show"])' true
	json '.verbs | map(select(.name | startswith("member ") | not)) | length' 0
}

@test "help: -o json of the manual pages is their names, or name and text" {
	try 0 help --pages
	local names=$output
	try 0 help --pages -o json
	same "$(jq -r '.pages[]' <<<"$output")" "$names"
	try 0 help --man teectl.1
	local text=$output
	try 0 help --man teectl.1 -o json
	json .page teectl.1
	same "$(jq -r .text <<<"$output")" "$text"
	try 64 help --man teectl.7 -o json
	json .error.name usage
}

@test "help: manual pages are printed by name" {
	try 0 help --pages
	prints teectl.1
	prints teectl-member-keygen.1
	try 0 help --man teectl-cluster.5
	prints ".Dt TEECTL-CLUSTER 5"
	try 64 help --man teectl.7
	says "no manual page 'teectl.7'"
}

@test "help: no verb at all is a mistake, and says where to look" {
	try 64
	says "which verb? none is given"
	says "teectl help lists the verbs"
	[[ -z $output ]]
}

@test "help: an unknown verb or option is one line with the nearest word" {
	try 64 validte
	says "unknown verb 'validte'; did you mean 'validate'?"
	# Two of five letters are no slip.
	try 64 bogus
	says "unknown verb 'bogus'"
	hasnt "$stderr" "did you mean"
	try 64 lgos
	says "unknown verb 'lgos'; did you mean 'logs'?"
	try 64 validate --fil x
	says "unknown option '--fil'; did you mean '--file'?"
	[[ $(wc -l <<<"$stderr") -eq 2 ]]
}

@test "help: a mistake is a document too, when one was asked for" {
	try 64 member show -o json
	json .error.name usage
	json .error.exit_status 64
	json .error.verb "member show"
	json .error.text "FILE is required"
	says "FILE is required"
	try 64 validate --xyzzy --output=ndjson
	[[ ${#lines[@]} -eq 1 ]]
	json .error.verb validate
}

@test "help: a word that is not UTF-8 is refused with its option, and no message is cut by it" {
	try 64 seed --type $'\xff'
	says "--type: '?' is not UTF-8"
	try 64 seed --data $'caf\xc3\xa9 \xe9' -o json
	json .error.text "--data: 'café ?' is not UTF-8"
	try 64 logs $'tee\xc0\xaf'
	says "NODE: 'tee??' is not UTF-8"
	TEECTL_TYPE=$'\xfe' try 64 seed
	says "TEECTL_TYPE: '?' is not UTF-8"
	try 64 $'x\xffyz'
	says "unknown verb 'x?yz'"
	try 66 validate -f $'no\xffsuch.yaml'
	says "no?such.yaml': No such file or directory"
}

@test "help: the environment is named when it is wrong" {
	TEECTL_TIMEOUT=5 try 64 validate
	says "TEECTL_TIMEOUT: '5' is not a duration"
	TEECTL_OUTPUT=json try 0 version
	json .version "$(<"$ROOT/VERSION")"
	TEECTL_OUTPUT=json try 0 version -o table
	prints "teectl "
}

@test "help: --json is -o json" {
	try 64 status --json
	says "unknown option '--json'; did you mean '-o json'?"
	try 64 status --jsno
	says "did you mean '-o json'?"
}

@test "help: output that can't be written is a failure" {
	run -1 --separate-stderr bash -c "'$BUILD/teectl' help >/dev/full"
	says "writing standard output: No space left on device"
	run -1 --separate-stderr bash -c "'$BUILD/teectl' help >&-"
	says "writing standard output: Bad file descriptor"
}

@test "help: a pipe whose reader has seen enough is no failure" {
	# What reads the pipe is gone before anything is written: it never opens its end for reading twice.
	mkfifo pipe
	exec {reader}<>pipe
	exec {writer}>pipe
	exec {reader}<&-
	run -0 --separate-stderr bash -c "'$BUILD/teectl' help >&$writer"
	[[ -z $stderr ]]
	# What the verb itself comes to stays.
	run -66 --separate-stderr bash -c "'$BUILD/teectl' status -o json >&$writer"
	exec {writer}>&-
	hasnt "$stderr" "standard output"
}

@test "help: no line of any verb is wider than a hundred columns, and no bracket is parted" {
	local verb
	while read -r verb; do
		run -0 teectl help $verb
		same "$verb: $(LC_ALL=C.UTF-8 grep -E '^.{101}' <<<"$output")" "$verb: "
		# The usage ends at the first empty line.
		same "$(sed '/^$/q' <<<"$output" | tr -cd '[' | wc -c)" "$(sed '/^$/q' <<<"$output" | tr -cd ']' | wc -c)"
		same "$(sed '/^$/q' <<<"$output" | grep -cE '\[-[^]]*$')" 0
	done < <("$BUILD/teectl" help -o json | jq -r '.verbs[].name')
	try 0 help simulate
	prints $'usage: teectl simulate [--nodes N] [--topology WAY] [--parallel N]\n'
}
