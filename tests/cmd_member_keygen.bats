#!/usr/bin/env bats

load verb

@test "member keygen: writes a secret for its owner alone, and a public half" {
	umask 0
	try 0 member keygen alice
	[[ $output == "alice.secret and alice.pub" ]]
	[[ $(stat -c %a alice.secret) == 600 ]]
	[[ $(tr -d '\n' <alice.secret) =~ ^[0-9a-f]{64}$ ]]
	[[ $(tr -d '\n' <alice.pub) =~ ^(04[0-9a-f]{128}){2}$ ]]
}

@test "member keygen: makes several, and the folder that they go to" {
	try 0 member keygen people/a people/b -o json
	json '.keys | length' 2
	json '.keys[1].secret' people/b.secret
	json '.keys[1].public_key' "$(tr -d '\n' <people/b.pub)"
	[[ $(stat -c %a people) == 700 ]]
	run ! cmp people/a.secret people/b.secret
}

@test "member keygen: the document and the messages hold no secret" {
	try 0 member keygen alice -o json
	[[ $output$stderr != *"$(tr -d '\n' <alice.secret)"* ]]
}

@test "member keygen: never overwrites, and then makes nothing at all" {
	echo mine >bob.pub
	try 65 member keygen alice bob
	says "'bob.pub' is there without its '.secret'; a key is never overwritten"
	[[ ! -e alice.secret && ! -e bob.secret ]]
	[[ $(<bob.pub) == mine ]]
}

@test "member keygen: makes those that are missing, and keeps and names the others" {
	try 0 member keygen a
	cp a.secret before
	try 0 member keygen a b -o json
	json '[.keys[].kept] | join(" ")' "true false"
	json '.keys[0].public_key' "$(tr -d '\n' <a.pub)"
	cmp a.secret before
	try 0 member keygen a b
	prints "a.secret and a.pub (kept: there already)"
	prints "nothing to do: every key is there already"
}

@test "member keygen: needs to know where" {
	try 64 member keygen
	says "PREFIX is required"
	try 64 member
	says "'member' needs one of: keygen, protect, show"
}

@test "member keygen: a folder that can't be made is told" {
	: >file
	try 65 member keygen file/alice
	says "'file' is not a folder"
	[[ ! -e file/alice.secret ]]
}

@test "member keygen: says what comes next, where the cluster file is and where it is not" {
	try 0 member keygen "my key"
	says "keep the .secret with its member alone, and a copy of it and of the share in a safe place"
	says "next: teectl member show 'my key.pub'; the .pub goes to whoever writes the cluster file"
	teectl init -f other.yaml >/dev/null 2>&1
	try 0 member keygen members/member{1,2,3} -f other.yaml
	says "next: teectl -f other.yaml validate"
	try 0 -f other.yaml validate
	says "next: teectl -f other.yaml measure --write"
	try 0 member keygen alice -o json
	[[ -z $stderr ]]
}
