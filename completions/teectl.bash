# bash completion of teectl, written by `make docs` from its table of verbs.

# _teectl_reply -o OPTION COMPGEN-ARGUMENTS...
_teectl_reply() {
	compopt "$1" "$2"
	shift 2
	mapfile -t COMPREPLY < <(compgen "$@" -- "$word")
}

# The nodes of the cluster file that the line names.
_teectl_nodes() {
	"${COMP_WORDS[0]}" ${file:+-f "$file"} completion --nodes 2>/dev/null
}

_teectl_verb_words() {
	case $before in
	member) _teectl_reply -o default -W 'keygen show' ;;
	share) _teectl_reply -o default -W 'check' ;;
	*) _teectl_reply -o default -W 'init validate up down logs measure member genesis share inject propagate status verify seed completion version help' ;;
	esac
}

_teectl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local verb='' file='' options i
	local globals='--file --state --output --timeout --help --version'

	COMPREPLY=()
	if [[ $word == = ]]; then
		word=''
	elif [[ $before == = ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--file | -f)
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((++i))
			file=${COMP_WORDS[++i]} ;;
		--state)
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((++i))
			((++i)) ;;
		--output | -o)
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((++i))
			((++i)) ;;
		--timeout)
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((++i))
			((++i)) ;;
		=) ((++i)) ;;
		-*) ;;
		*)
			case $verb in
			'') verb=${COMP_WORDS[i]} ;;
			member) verb+=" ${COMP_WORDS[i]}" ;;
			share) verb+=" ${COMP_WORDS[i]}" ;;
			esac ;;
		esac
	done
	case $verb:$before in
	*:--file | *:-f)
		_teectl_reply -o filenames -f
		return ;;
	*:--state)
		_teectl_reply -o filenames -d
		return ;;
	*:--output | *:-o)
		_teectl_reply -o default -W 'table json ndjson'
		return ;;
	*:--timeout)
		:
		return ;;
	'init':--name)
		:
		return ;;
	'init':--nodes)
		:
		return ;;
	'init':--members)
		:
		return ;;
	'init':--threshold)
		:
		return ;;
	'init':--port)
		:
		return ;;
	'init':--image)
		_teectl_reply -o filenames -f
		return ;;
	'logs':--lines | 'logs':-n)
		:
		return ;;
	'share check':--key)
		_teectl_reply -o filenames -f
		return ;;
	'share check':--share)
		_teectl_reply -o filenames -f
		return ;;
	'share check':--genesis-output)
		_teectl_reply -o filenames -f
		return ;;
	'propagate':--topology)
		_teectl_reply -o default -W 'chain star tree'
		return ;;
	'propagate':--from)
		_teectl_reply -o default -W "$(_teectl_nodes)"
		return ;;
	'propagate':--to)
		_teectl_reply -o default -W "$(_teectl_nodes)"
		return ;;
	'seed':--node)
		_teectl_reply -o default -W "$(_teectl_nodes)"
		return ;;
	'seed':--type)
		:
		return ;;
	'seed':--data)
		:
		return ;;
	'seed':--strength)
		_teectl_reply -o default -W '128 160 192 224 256'
		return ;;
	'help':--man)
		:
		return ;;
	esac
	case $verb in
	'init')
		options="$globals --name --nodes --members --threshold --port --image"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'validate')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'up')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'down')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$(_teectl_nodes)"
		fi ;;
	'logs')
		options="$globals --follow --lines"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$(_teectl_nodes)"
		fi ;;
	'measure')
		options="$globals --write"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'member')
		_teectl_reply -o default -W 'keygen show' ;;
	'member keygen')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'member show')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'genesis')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'share')
		_teectl_reply -o default -W 'check' ;;
	'share check')
		options="$globals --key --share --genesis-output"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'inject')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'propagate')
		options="$globals --topology --from --to"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'status')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'verify')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'seed')
		options="$globals --node --type --data --strength"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'completion')
		options="$globals --nodes"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W 'bash zsh fish'
		fi ;;
	'version')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'help')
		options="$globals --man --pages"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_verb_words
		fi ;;
	'')
		_teectl_reply -o default -W "$globals init validate up down logs measure member genesis share inject propagate status verify seed completion version help" ;;
	esac
}

complete -F _teectl teectl
