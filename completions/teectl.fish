# fish completion of teectl, written by `make docs` from its table of verbs.

# The words of the verb so far, without options and their values.
function __teectl_words
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word $__teectl_valued
            set skip 1
        else if not string match -q -- '-*' $word
            echo $word
        end
    end
end

# Options before the verb that take a value.
set -g __teectl_valued --file -f --state --output -o --timeout
set -g __teectl_groups member share
function __teectl_is
    set -l words (__teectl_words)
    set -l verb $words[1]
    contains -- "$verb" $__teectl_groups; and set verb $words[1..2]
    test "$verb" = "$argv[1]"
end

# The nodes of the cluster file that the line names.
function __teectl_nodes
    set -l file
    set -l before
    for word in (commandline -opc)
        if contains -- "$before" -f --file
            set file -f $word
        else if string match -q -- '--file=*' $word
            set file $word
        end
        set before $word
    end
    teectl $file completion --nodes 2>/dev/null
end

complete -c teectl -f

function __teectl_verb_words
    switch (commandline -opc)[-1]
        case member
            string split ' ' 'keygen show'
        case share
            string split ' ' 'check'
        case '*'
            string split ' ' 'init validate up down logs measure member genesis share inject propagate status verify seed completion version help'
    end
end

complete -c teectl -s f -l file -r -F -d 'the cluster file'
complete -c teectl -l state -x -a '(__fish_complete_directories)' -d 'the state directory; .teectl/NAME beside the cluster file unless given'
complete -c teectl -s o -l output -x -a 'table json ndjson' -d 'how data is printed: table, json, or ndjson (a document a line)'
complete -c teectl -l timeout -x -d 'one deadline for the whole command: 500ms, 30s, 2m'
complete -c teectl -s h -l help -d 'show what the verb does and its options'
complete -c teectl -s V -l version -d 'show the version'
complete -c teectl -n '__teectl_is ""' -a 'init' -d 'write a commented cluster file'
complete -c teectl -n '__teectl_is "init"' -l name -x -d 'what the cluster is called'
complete -c teectl -n '__teectl_is "init"' -l nodes -x -d 'how many enclaves to launch here'
complete -c teectl -n '__teectl_is "init"' -l members -x -d 'how many people get a share'
complete -c teectl -n '__teectl_is "init"' -l threshold -x -d 'how many shares bring the key back; more than half unless given'
complete -c teectl -n '__teectl_is "init"' -l port -x -d 'the first node'\''s port, the others follow; 0 has the system choose them'
complete -c teectl -n '__teectl_is "init"' -l image -r -F -d 'the enclave'\''s executable; the teectl-enclave beside teectl unless given'
complete -c teectl -n '__teectl_is ""' -a 'validate' -d 'check the cluster file and what it points to'
complete -c teectl -n '__teectl_is ""' -a 'up' -d 'launch the enclaves of this machine and verify all'
complete -c teectl -n '__teectl_is ""' -a 'down' -d 'stop the enclaves that run here'
complete -c teectl -n '__teectl_is "down"' -x -a '(__teectl_nodes)' -d 'only these; all unless given'
complete -c teectl -n '__teectl_is ""' -a 'logs' -d 'show what an enclave launched here has logged'
complete -c teectl -n '__teectl_is "logs"' -s F -l follow -d 'go on with what is written, until interrupted'
complete -c teectl -n '__teectl_is "logs"' -s n -l lines -x -d 'only that many lines from the end'
complete -c teectl -n '__teectl_is "logs"' -x -a '(__teectl_nodes)' -d 'the node'
complete -c teectl -n '__teectl_is ""' -a 'measure' -d 'compute the PCRs that the enclaves must show'
complete -c teectl -n '__teectl_is "measure"' -s w -l write -d 'pin what was measured: write enclave.pcrs in the cluster file'
complete -c teectl -n '__teectl_is ""' -a 'member' -d 'several verbs'
complete -c teectl -n '__teectl_is "member"' -a 'keygen' -d 'make a member'\''s key pair'
complete -c teectl -n '__teectl_is "member keygen"' -r -F -d 'where to write: PREFIX.secret and PREFIX.pub'
complete -c teectl -n '__teectl_is "member"' -a 'show' -d 'show the public half of a member'\''s key'
complete -c teectl -n '__teectl_is "member show"' -r -F -d 'a member'\''s .secret or .pub, or the PREFIX of both; - is standard input'
complete -c teectl -n '__teectl_is ""' -a 'genesis' -d 'have the quorum key born in the source TEE'
complete -c teectl -n '__teectl_is ""' -a 'share' -d 'several verbs'
complete -c teectl -n '__teectl_is "share"' -a 'check' -d 'prove to yourself that a share still opens'
complete -c teectl -n '__teectl_is "share check"' -l key -r -F -d 'the member'\''s .secret'
complete -c teectl -n '__teectl_is "share check"' -l share -r -F -d 'the member'\''s .share'
complete -c teectl -n '__teectl_is "share check"' -l genesis-output -r -F -d 'the genesis_output; the state'\''s unless given'
complete -c teectl -n '__teectl_is ""' -a 'inject' -d 'give the TEE the members'\'' shares that are here'
complete -c teectl -n '__teectl_is ""' -a 'propagate' -d 'forward the key to the TEEs that lack it'
complete -c teectl -n '__teectl_is "propagate"' -l topology -x -a 'chain star tree' -d 'the key'\''s way; in this version: chain'
complete -c teectl -n '__teectl_is "propagate"' -l from -x -a '(__teectl_nodes)' -d 'the first source, which must have the key'
complete -c teectl -n '__teectl_is "propagate"' -l to -x -a '(__teectl_nodes)' -d 'only to these nodes'
complete -c teectl -n '__teectl_is ""' -a 'status' -d 'show every node, what is missing, what to type next'
complete -c teectl -n '__teectl_is ""' -a 'verify' -d 'prove by attestation that every TEE holds the key'
complete -c teectl -n '__teectl_is ""' -a 'seed' -d 'ask a TEE for a BIP-39 seed phrase'
complete -c teectl -n '__teectl_is "seed"' -l node -x -a '(__teectl_nodes)' -d 'the TEE to ask; the file'\''s source unless given'
complete -c teectl -n '__teectl_is "seed"' -l type -x -d 'what the phrase is for, 1 to 128 bytes'
complete -c teectl -n '__teectl_is "seed"' -l data -x -d 'which one of its type, at most 4096 bytes'
complete -c teectl -n '__teectl_is "seed"' -l strength -x -a '128 160 192 224 256' -d 'bits of the phrase'
complete -c teectl -n '__teectl_is ""' -a 'completion' -d 'print the completion script of a shell'
complete -c teectl -n '__teectl_is "completion"' -l nodes -d 'print the names of the cluster file'\''s nodes: the scripts ask for them'
complete -c teectl -n '__teectl_is "completion"' -x -a 'bash zsh fish' -d 'the shell'
complete -c teectl -n '__teectl_is ""' -a 'version' -d 'show the version of teectl'
complete -c teectl -n '__teectl_is ""' -a 'help' -d 'list the verbs, or explain one'
complete -c teectl -n '__teectl_is "help"' -l man -x -d 'print the source of a manual page, such as teectl.1'
complete -c teectl -n '__teectl_is "help"' -l pages -d 'print the names of all manual pages'
complete -c teectl -n '__teectl_is "help"' -x -a '(__teectl_verb_words)' -d 'the verb to explain; without one, all are listed'
