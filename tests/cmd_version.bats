#!/usr/bin/env bats

load verb

@test "version: is the one of the file VERSION" {
	try 0 version
	[[ $output == "teectl $(<"$ROOT/VERSION")" ]]
	[[ -z $stderr ]]
}

@test "version: --version is the same, and so is -V" {
	try 0 --version
	[[ $output == "teectl $(<"$ROOT/VERSION")" ]]
	try 0 -V
	[[ $output == "teectl $(<"$ROOT/VERSION")" ]]
}

@test "version: as a document" {
	try 0 version -o json
	json .version "$(<"$ROOT/VERSION")"
	try 0 version -o ndjson
	[[ ${#lines[@]} -eq 1 ]]
}

@test "version: takes no operand" {
	try 64 version 2
	says "'2' is one argument too many"
	says "teectl help version"
}
