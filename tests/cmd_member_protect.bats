#!/usr/bin/env bats
# teectl member protect, and passphrases wherever a key is read.

load verb

setup() {
	cd "$BATS_TEST_TMPDIR"
	umask 022
	teectl member keygen alice >/dev/null
	cp alice.secret plain
}

# on_terminal STATUS COMMAND ANSWER...: each answer is typed when a question stands there; what is typed
# before is thrown away. What is seen is in $output.
on_terminal() {
	local expected=$1 command=$2 answer char in out pid
	shift 2
	output=
	coproc TERMINAL { exec script -qec "$command" /dev/null 3>&- 4>&-; }
	pid=$TERMINAL_PID
	exec {in}>&"${TERMINAL[1]}" {out}<&"${TERMINAL[0]}"
	for answer in "$@"; do
		while IFS= read -r -d '' -n 1 -u "$out" char; do
			output+=$char
			[[ $output != *"': " ]] || break
		done
		printf '%s' "$answer" >&"$in"
		output+=$'\n'
	done
	output+=$(cat <&"$out")
	wait "$pid" && status=0 || status=$?
	exec {in}>&- {out}<&-
	same "$status" "$expected"
}

@test "member protect: the file is one documented line that the passphrase opens" {
	local line
	try 0 member protect alice.secret --passphrase-fd 3 3<<<'correct horse'
	prints "alice.secret: is protected now"
	line=$(cat alice.secret)
	[[ $line =~ ^teectl-key-v1:scrypt:17:8:1:[0-9a-f]{32}:[0-9a-f]{24}:[0-9a-f]{96}$ ]] || fail "$line"
	same "$(stat -c %a alice.secret)" 600
	hasnt "$line" "$(cat plain)"
	try 0 member show alice.secret --passphrase-fd 3 -o json 3<<<'correct horse'
	json .public_key "$(cat alice.pub)"
	json .secret true
}

# By the page alone, with another program's scrypt and AES: decryption there is counter mode.
@test "member protect: openssl opens the file as its page describes it" {
	local tag kind ln r p salt nonce sealed key
	teectl member protect alice.secret --passphrase-fd 0 <<<'correct horse' >/dev/null
	IFS=: read -r tag kind ln r p salt nonce sealed <alice.secret
	key=$(openssl kdf -keylen 32 -kdfopt pass:'correct horse' -kdfopt hexsalt:"$salt" -kdfopt n:$((1 << ln)) \
		-kdfopt r:"$r" -kdfopt p:"$p" -kdfopt maxmem_bytes:268435456 -binary SCRYPT | xxd -p -c 64)
	same "$(xxd -r -p <<<"${sealed:0:64}" | openssl enc -d -aes-256-ctr -K "$key" -iv "${nonce}00000002" | xxd -p -c 64)" \
		"$(tr -d '[:space:]' <plain)"
}

@test "member protect: a wrong passphrase is 65, and says nothing of the right one" {
	teectl member protect alice.secret --passphrase-fd 0 <<<'correct horse' >/dev/null
	try 65 member show alice.secret --passphrase-fd 3 3<<<'wrong horse'
	says "'alice.secret': the passphrase does not open it, or it was changed"
	hasnt "$stderr$output" horse
	# A flipped cost is authenticated with the rest.
	sed -i 's/:17:8:1:/:16:8:1:/' alice.secret
	try 65 member show alice.secret --passphrase-fd 3 3<<<'correct horse'
	says "the passphrase does not open it, or it was changed"
}

@test "member protect: another passphrase takes the old one's place, and --remove takes it away" {
	teectl member protect alice.secret --passphrase-fd 0 <<<'old' >/dev/null
	try 0 member protect alice.secret --passphrase-fd 3 -o json 3< <(printf 'old\nnew\n')
	json '[.file, .was_protected, .is_protected] | join(" ")' "alice.secret true true"
	try 65 member protect --remove alice.secret --passphrase-fd 3 3<<<old
	try 0 member protect --remove alice.secret --passphrase-fd 3 3<<<new
	prints "alice.secret: is no longer protected"
	same "$(tr -d '[:space:]' <alice.secret)" "$(tr -d '[:space:]' <plain)"
	same "$(stat -c %a alice.secret)" 600
	try 0 member protect --remove alice.secret
	prints "nothing to do: it has no passphrase"
}

@test "member protect: an empty, a long and a missing passphrase change nothing" {
	try 65 member protect alice.secret --passphrase-fd 3 3<<<''
	says "the passphrase is empty"
	try 65 member protect alice.secret --passphrase-fd 3 3< <(head -c 1025 /dev/zero | tr '\0' x)
	says "the passphrase has more than 1024 bytes"
	try 66 member protect alice.secret --passphrase-fd 99
	says "--passphrase-fd 99: Bad file descriptor"
	try 66 member protect bob.secret --passphrase-fd 3 3<<<x
	says "'bob.secret'"
	run -64 --separate-stderr setsid -w "$BUILD/teectl" member protect alice.secret
	says "nobody is there to ask for a passphrase: --passphrase-fd reads it from a descriptor"
	cmp alice.secret plain
}

@test "member protect: what a file asks of the machine is bounded, and its layout is strict" {
	local line
	teectl member protect alice.secret --passphrase-fd 0 <<<x >/dev/null
	line=$(cat alice.secret)
	wrong() { # SED-EXPRESSION WORDS
		sed "$1" <<<"$line" >wrong.secret
		try 65 member show wrong.secret --passphrase-fd 3 3<<<x
		says "$2"
	}
	wrong 's/:17:/:22:/' "takes 4096 MiB; at most 256"
	wrong 's/:17:8:1:/:17:8:64:/' "more than 2^22 steps"
	wrong 's/:17:/:63:/' "scrypt's ln: 1 to 24 expected"
	wrong 's/:17:/:017:/' "scrypt's ln: 1 to 24 expected"
	wrong 's/:17:8:/:17:0:/' "scrypt's r: 1 to 64 expected"
	wrong 's/.$//' "sealed seed: 96 hexadecimal digits expected"
	wrong 's/$/:/' "sealed seed: 96 hexadecimal digits expected"
	wrong 's/:1:../:1:/' "salt: 32 hexadecimal digits expected"
}

@test "member protect: asks twice on a terminal, which does not show what is typed" {
	on_terminal 0 "'$BUILD/teectl' member protect alice.secret" $'correct horse\n' $'correct horse\n'
	has "$output" "New passphrase of 'alice.secret': "
	has "$output" "The same again, of 'alice.secret': "
	has "$output" "is protected now"
	on_terminal 0 "'$BUILD/teectl' member show alice.secret" $'correct horse\n'
	has "$output" "Passphrase of 'alice.secret': "
	has "$output" "$(cat alice.pub)"
	cp alice.secret before
	on_terminal 65 "'$BUILD/teectl' member protect alice.secret" $'correct horse\n' $'one\n' $'other\n'
	has "$output" "the two passphrases differ: nothing was written"
	cmp alice.secret before
}

@test "member protect: keygen --passphrase writes protected keys alone" {
	try 0 member keygen bob carol --passphrase-fd 3 3< <(printf 'b\nc\n')
	try 0 member show bob.secret --passphrase-fd 3 -o json 3<<<b
	json .public_key "$(cat bob.pub)"
	try 0 member show carol.secret --passphrase-fd 3 -o json 3<<<c
	json .public_key "$(cat carol.pub)"
	on_terminal 0 "'$BUILD/teectl' member keygen --passphrase dave" $'x\n' $'x\n'
	grep -q '^teectl-key-v1:' dave.secret
	on_terminal 65 "'$BUILD/teectl' member keygen --passphrase erin" $'x\n' $'y\n'
	[[ ! -e erin.secret && ! -e erin.pub ]]
}

@test "member protect: inject asks for the passphrases of the keys that it opens, a line each" {
	make_cluster --members 2 --threshold 2
	teectl member protect members/member1.secret --passphrase-fd 0 <<<one >/dev/null
	teectl member protect members/member2.secret --passphrase-fd 0 <<<two >/dev/null
	try 0 up
	try 0 genesis
	run -64 --separate-stderr setsid -w "$BUILD/teectl" inject
	says "nobody is there to ask for a passphrase"
	# Too few are no word on a share.
	try 65 inject --passphrase-fd 3 3<<<one
	says "key file 'members/member2.secret': no passphrase is left on descriptor 3"
	says 'hint: one line for each key with a passphrase, in the order in which they are asked for'
	hasnt "$stderr" 'wrong share'
	try 3 inject --passphrase-fd 3 3< <(printf 'one\nwrong\n')
	says "the share of member2 is wrong: key file 'members/member2.secret': the passphrase does not open it"
	try 0 inject --passphrase-fd 3 3< <(printf 'two\n')
}

@test "member protect: on a terminal a key is asked for once, however often it is used" {
	make_cluster --members 2 --threshold 2 --nodes 1
	try 0 up
	try 0 genesis
	teectl member protect members/member1.secret --passphrase-fd 0 <<<one >/dev/null
	teectl member protect members/member2.secret --passphrase-fd 0 <<<two >/dev/null
	on_terminal 0 "'$BUILD/teectl' recover drill" $'one\n' $'two\n'
	has "$output" 'approved, restarted, and proved'
	same "$(grep -o "Passphrase of 'members/member.\.secret'" <<<"$output")" \
		"Passphrase of 'members/member1.secret'"$'\n'"Passphrase of 'members/member2.secret'"
}

# A signal at the question: the terminal shows again what is typed, and nothing was written.
@test "member protect: a terminal that is interrupted is as it was" {
	cp alice.secret before
	cat >session <<-EOF
	trap : INT
	stty -a | grep -o -- '-*echo ' | tr -d '\n' >echo.before
	'$BUILD/teectl' member protect alice.secret
	echo "status \$?"
	stty -a | grep -o -- '-*echo ' | tr -d '\n' >echo.after
	EOF
	on_terminal 0 'exec bash session' $'\003'
	has "$output" 'status 130'
	same "$(cat echo.after)" "$(cat echo.before)"
	same "$(cat echo.after)" 'echo '
	cmp alice.secret before
}

@test "member protect: a key that a link names is rewritten where it is" {
	mkdir -m 700 keys
	mv alice.secret keys/
	ln -s keys/alice.secret link
	try 0 member protect link --passphrase-fd 3 3<<<'correct horse'
	[[ -L link && ! -L keys/alice.secret ]] || fail 'the key is where the link was'
	has "$(<keys/alice.secret)" teectl-key-v1
	same "$(stat -c %a keys/alice.secret)" 600
}
