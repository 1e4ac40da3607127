#!/usr/bin/env bats

load verb

# complete WORD...: what bash offers for the last word.
complete_bash() {
	PATH=$BUILD:$PATH bash --norc -c '
		source /dev/stdin
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		compopt() { :; }
		_teectl
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$@" < <(teectl completion bash -o table)
}

@test "completion: the scripts are what their shells can read" {
	teectl completion bash | bash -n
	if command -v zsh; then teectl completion zsh | zsh -n; fi
	if command -v fish; then teectl completion fish | fish -n; fi
}

@test "completion: bash offers verbs, and those of a group" {
	run -0 complete_bash teectl va
	[[ $output == validate ]]
	run -0 complete_bash teectl member ""
	[[ $output == $'keygen\nprotect\nshow' ]]
	run -0 complete_bash teectl -f x.yaml --output=json mem
	[[ $output == member ]]
}

@test "completion: bash offers both words of a verb after help, and the words of a value" {
	run -0 complete_bash teectl help mem
	[[ $output == member ]]
	run -0 complete_bash teectl help member ""
	[[ $output == $'keygen\nprotect\nshow' ]]
	run -0 complete_bash teectl seed --strength 1
	[[ $output == $'128\n160\n192' ]]
}

@test "completion: bash offers options and their values" {
	run -0 complete_bash teectl logs --fo
	[[ $output == --follow ]]
	run -0 complete_bash teectl status -o nd
	[[ $output == ndjson ]]
	run -0 complete_bash teectl status --output = js
	[[ $output == json ]]
	run -0 complete_bash teectl completion z
	[[ $output == zsh ]]
}

@test "completion: bash offers the nodes of the file that the line names" {
	make_cluster --nodes 2
	run -0 complete_bash teectl logs tee
	[[ $output == $'tee1\ntee2' ]]
	mv cluster.yaml other.yaml
	run -0 complete_bash teectl -f other.yaml logs tee
	[[ $output == $'tee1\ntee2' ]]
	run -0 complete_bash teectl --file = other.yaml down t
	[[ $output == $'tee1\ntee2' ]]
}

@test "completion: bash offers labels and states where a selector is wanted, and the values of a label" {
	make_cluster --nodes 2
	sed -i 's|name: tee1, |name: tee1, labels: { region: eu, role: canary }, |' cluster.yaml
	run -0 complete_bash teectl status --only r
	[[ $output == $'region=eu\nrole=canary' ]]
	run -0 complete_bash teectl down @f
	[[ $output == @failed ]]
	run -0 complete_bash teectl down region = ""
	[[ $output == eu ]]
	run -0 complete_bash teectl down region =
	[[ $output == eu ]]
	run -0 complete_bash teectl status --only role = c
	[[ $output == canary ]]
	run -0 complete_bash teectl status --only = tee2,role = c
	[[ $output == canary ]]
	run -0 complete_bash teectl propagate --to = te
	[[ $output == $'tee1\ntee2' ]]
}

@test "completion: bash offers files where files are wanted" {
	: >alice.pub
	run -0 complete_bash teectl member show al
	[[ $output == alice.pub ]]
}

@test "completion: fish offers verbs, options and nodes" {
	command -v fish || skip "there is no fish"
	make_cluster --nodes 2
	teectl completion fish >teectl.fish
	offers() {
		PATH=$BUILD:$PATH HOME=$PWD fish --no-config -c 'source teectl.fish; complete -C $argv[1]' "$1" | cut -f1
	}
	run -0 offers "teectl member "
	[[ $output == *keygen* && $output == *show* && $output != *validate* ]]
	run -0 offers "teectl -f cluster.yaml vali"
	[[ $output == validate ]]
	run -0 offers "teectl logs "
	[[ $output == *tee1* && $output == *tee2* ]]
	mv cluster.yaml other.yaml
	run -0 offers "teectl -f other.yaml down "
	[[ $output == *tee1* && $output == *tee2* ]]
	run -0 offers "teectl --file=other.yaml down "
	[[ $output == *tee1* && $output == *tee2* ]]
}

@test "completion: names the nodes of the cluster file" {
	make_cluster --nodes 2
	try 0 completion --nodes
	[[ $output == $'tee1\ntee2' ]]
	try 66 completion --nodes -f missing.yaml
}

@test "completion: -o json has the script, or the nodes, in an object" {
	try 0 completion zsh
	local script=$output
	try 0 completion zsh -o json
	json .shell zsh
	same "$(jq -r .text <<<"$output")" "$script"
	make_cluster --nodes 2
	try 0 completion --nodes -o json
	same "$(jq -c . <<<"$output")" '{"nodes":["tee1","tee2"]}'
}

@test "completion: the nodes are offered whatever TEECTL_OUTPUT says" {
	make_cluster --nodes 2
	TEECTL_OUTPUT=json run -0 complete_bash teectl logs tee
	[[ $output == $'tee1\ntee2' ]]
}

@test "completion: needs to know the shell" {
	try 64 completion
	says "SHELL is required"
	try 64 completion csh
	says "did you mean 'zsh'?"
	try 64 completion tcsh
}
