# bash completion of teectl, written by `make docs` from its table of verbs.

# _teectl_reply -o OPTION COMPGEN-ARGUMENTS...
_teectl_reply() {
	compopt "$1" "$2"
	shift 2
	mapfile -t COMPREPLY < <(compgen "$@" -- "$word")
}

# The nodes of the cluster file that the line names.
_teectl_nodes() {
	"${COMP_WORDS[0]}" ${file:+-f "$file"} completion --nodes -o table 2>/dev/null
}

# Names, labels and states; of a label that was begun, its values: "=" is a word of its own.
_teectl_selectors() {
	local words
	words=$("${COMP_WORDS[0]}" ${file:+-f "$file"} completion --selectors -o table 2>/dev/null)
	[[ -z $label ]] || words=$(grep -F "$label=" <<<"$words" | cut -d= -f2)
	_teectl_reply -o default -W "$words"
}

_teectl_verb_words() {
	case $before in
	member) _teectl_reply -o default -W 'keygen protect show' ;;
	pki) _teectl_reply -o default -W 'init issue' ;;
	share) _teectl_reply -o default -W 'request seal submit check' ;;
	manifest) _teectl_reply -o default -W 'show new diff approve collect verify adopt' ;;
	attest) _teectl_reply -o default -W 'get verify show' ;;
	audit) _teectl_reply -o default -W 'head fetch verify' ;;
	*) _teectl_reply -o default -W 'init validate preflight plan apply simulate graph watch up down logs measure member pki genesis share inject recover manifest propagate upgrade retire status wait verify attest lineage audit seed completion version help' ;;
	esac
}

_teectl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local verb='' file='' label='' options i
	local globals='--file --state --output --timeout --help --version'

	COMPREPLY=()
	i=$((COMP_CWORD - 1))
	if [[ $word == = || $before == = ]]; then
		[[ $word != = ]] && ((--i)) || word=''
		before=${COMP_WORDS[i]}
		if [[ $before != -* ]]; then
			label=${before##*,} before=${COMP_WORDS[i - 1]}
			[[ $before != = ]] || before=${COMP_WORDS[i - 2]}
		fi
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
			pki) verb+=" ${COMP_WORDS[i]}" ;;
			share) verb+=" ${COMP_WORDS[i]}" ;;
			manifest) verb+=" ${COMP_WORDS[i]}" ;;
			attest) verb+=" ${COMP_WORDS[i]}" ;;
			audit) verb+=" ${COMP_WORDS[i]}" ;;
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
	'preflight':--only | 'preflight':-l)
		_teectl_selectors
		return ;;
	'plan':--only | 'plan':-l)
		_teectl_selectors
		return ;;
	'plan':--topology)
		_teectl_reply -o default -W 'chain star tree auto'
		return ;;
	'plan':--out)
		_teectl_reply -o filenames -f
		return ;;
	'apply':--only | 'apply':-l)
		_teectl_selectors
		return ;;
	'apply':--topology)
		_teectl_reply -o default -W 'chain star tree auto'
		return ;;
	'apply':--plan)
		_teectl_reply -o filenames -f
		return ;;
	'apply':--trace)
		_teectl_reply -o filenames -f
		return ;;
	'apply':--passphrase-fd)
		:
		return ;;
	'simulate':--nodes)
		:
		return ;;
	'simulate':--topology)
		_teectl_reply -o default -W 'chain star tree auto'
		return ;;
	'simulate':--parallel)
		:
		return ;;
	'simulate':--regions)
		:
		return ;;
	'simulate':--at)
		:
		return ;;
	'simulate':--rtt)
		:
		return ;;
	'simulate':--fail)
		:
		return ;;
	'simulate':--death)
		:
		return ;;
	'simulate':--restart)
		:
		return ;;
	'simulate':--forged)
		:
		return ;;
	'simulate':--refusing)
		:
		return ;;
	'simulate':--occupied)
		:
		return ;;
	'simulate':--ready)
		:
		return ;;
	'simulate':--cost)
		:
		return ;;
	'simulate':--seed)
		:
		return ;;
	'simulate':--runs)
		:
		return ;;
	'graph':--only | 'graph':-l)
		_teectl_selectors
		return ;;
	'graph':--topology)
		_teectl_reply -o default -W 'chain star tree auto'
		return ;;
	'watch':--metrics)
		:
		return ;;
	'watch':--topology)
		_teectl_reply -o default -W 'chain star tree auto'
		return ;;
	'up':--only | 'up':-l)
		_teectl_selectors
		return ;;
	'logs':--lines | 'logs':-n)
		:
		return ;;
	'member keygen':--passphrase-fd)
		:
		return ;;
	'member protect':--passphrase-fd)
		:
		return ;;
	'member show':--passphrase-fd)
		:
		return ;;
	'pki init':--dir)
		_teectl_reply -o filenames -d
		return ;;
	'pki init':--name)
		:
		return ;;
	'pki init':--days)
		:
		return ;;
	'pki issue':--role)
		:
		return ;;
	'pki issue':--member)
		:
		return ;;
	'pki issue':--host)
		:
		return ;;
	'pki issue':--dir)
		_teectl_reply -o filenames -d
		return ;;
	'pki issue':--days)
		:
		return ;;
	'pki issue':--out)
		_teectl_reply -o filenames -f
		return ;;
	'share request':--out)
		_teectl_reply -o filenames -f
		return ;;
	'share request':--expires)
		:
		return ;;
	'share seal':--request)
		_teectl_reply -o filenames -f
		return ;;
	'share seal':--share)
		_teectl_reply -o filenames -f
		return ;;
	'share seal':--key)
		_teectl_reply -o filenames -f
		return ;;
	'share seal':--quorum-key)
		_teectl_reply -o filenames -f
		return ;;
	'share seal':--out)
		_teectl_reply -o filenames -f
		return ;;
	'share seal':--passphrase-fd)
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
	'share check':--request)
		_teectl_reply -o filenames -f
		return ;;
	'share check':--passphrase-fd)
		:
		return ;;
	'inject':--only | 'inject':-l)
		_teectl_selectors
		return ;;
	'inject':--passphrase-fd)
		:
		return ;;
	'recover':--to)
		_teectl_selectors
		return ;;
	'recover':--only | 'recover':-l)
		_teectl_selectors
		return ;;
	'recover':--passphrase-fd)
		:
		return ;;
	'manifest new':--from)
		_teectl_reply -o filenames -f
		return ;;
	'manifest new':--node)
		_teectl_reply -o default -W "$(_teectl_nodes)"
		return ;;
	'manifest new':--nonce)
		:
		return ;;
	'manifest new':--image)
		_teectl_reply -o filenames -f
		return ;;
	'manifest new':--out)
		_teectl_reply -o filenames -f
		return ;;
	'manifest approve':--key)
		_teectl_reply -o filenames -f
		return ;;
	'manifest approve':--quorum-key)
		_teectl_reply -o filenames -f
		return ;;
	'manifest approve':--out)
		_teectl_reply -o filenames -f
		return ;;
	'manifest approve':--passphrase-fd)
		:
		return ;;
	'propagate':--topology)
		_teectl_reply -o default -W 'chain star tree auto'
		return ;;
	'propagate':--from)
		_teectl_reply -o default -W "$(_teectl_nodes)"
		return ;;
	'propagate':--to)
		_teectl_selectors
		return ;;
	'propagate':--only | 'propagate':-l)
		_teectl_selectors
		return ;;
	'propagate':--trace)
		_teectl_reply -o filenames -f
		return ;;
	'upgrade':--only | 'upgrade':-l)
		_teectl_selectors
		return ;;
	'upgrade':--first)
		:
		return ;;
	'upgrade':--parallel)
		:
		return ;;
	'status':--only | 'status':-l)
		_teectl_selectors
		return ;;
	'wait':--for)
		_teectl_reply -o default -W 'ready verified shares approvals gone'
		return ;;
	'wait':--manifest)
		_teectl_reply -o filenames -f
		return ;;
	'verify':--only | 'verify':-l)
		_teectl_selectors
		return ;;
	'attest get':--out)
		_teectl_reply -o filenames -f
		return ;;
	'attest verify':--root)
		_teectl_reply -o filenames -f
		return ;;
	'attest verify':--at)
		:
		return ;;
	'attest verify':--pcr)
		:
		return ;;
	'attest verify':--pcrs-from)
		_teectl_reply -o filenames -f
		return ;;
	'attest verify':--nonce)
		:
		return ;;
	'attest verify':--user-data)
		:
		return ;;
	'attest verify':--public-key)
		:
		return ;;
	'attest verify':--max-age)
		:
		return ;;
	'lineage':--from)
		_teectl_reply -o default -W "$(_teectl_nodes)"
		return ;;
	'lineage':--to)
		_teectl_reply -o default -W "$(_teectl_nodes)"
		return ;;
	'lineage':--only | 'lineage':-l)
		_teectl_selectors
		return ;;
	'lineage':--format)
		_teectl_reply -o default -W 'text dot'
		return ;;
	'lineage':--journal)
		_teectl_reply -o filenames -f
		return ;;
	'lineage':--root)
		_teectl_reply -o filenames -f
		return ;;
	'audit fetch':--only | 'audit fetch':-l)
		_teectl_selectors
		return ;;
	'audit verify':--root)
		_teectl_reply -o filenames -f
		return ;;
	'audit verify':--head)
		:
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
	'preflight')
		options="$globals --only"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'plan')
		options="$globals --only --topology --out --detailed-exitcode --wide"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'apply')
		options="$globals --only --topology --plan --trace --passphrase-fd"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'simulate')
		options="$globals --nodes --topology --parallel --regions --at --rtt --fail --death --restart --forged --refusing --occupied --ready --launch --cost --seed --runs"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'graph')
		options="$globals --dot --mermaid --svg --planned --history --only --topology"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'watch')
		options="$globals --once --metrics --topology"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'up')
		options="$globals --only"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_selectors
		fi ;;
	'down')
		options="$globals --lose-key --orphans"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_selectors
		fi ;;
	'logs')
		options="$globals --follow --lines"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_selectors
		fi ;;
	'measure')
		options="$globals --write --next"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'member')
		_teectl_reply -o default -W 'keygen protect show' ;;
	'member keygen')
		options="$globals --passphrase --passphrase-fd"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'member protect')
		options="$globals --remove --passphrase-fd"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'member show')
		options="$globals --passphrase-fd"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'pki')
		_teectl_reply -o default -W 'init issue' ;;
	'pki init')
		options="$globals --dir --name --days"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'pki issue')
		options="$globals --role --member --server --host --dir --days --out"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			:
		fi ;;
	'genesis')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'share')
		_teectl_reply -o default -W 'request seal submit check' ;;
	'share request')
		options="$globals --out --expires"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$(_teectl_nodes)"
		fi ;;
	'share seal')
		options="$globals --request --share --key --quorum-key --out --yes --passphrase-fd"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'share submit')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'share check')
		options="$globals --key --share --genesis-output --request --passphrase-fd"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'inject')
		options="$globals --only --passphrase-fd"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'recover')
		options="$globals --to --only --passphrase-fd"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W 'drill'
		fi ;;
	'manifest')
		_teectl_reply -o default -W 'show new diff approve collect verify adopt' ;;
	'manifest show')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'manifest new')
		options="$globals --from --node --nonce --image --out"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'manifest diff')
		options="$globals --detailed-exitcode"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'manifest approve')
		options="$globals --key --quorum-key --out --yes --passphrase-fd"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'manifest collect')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'manifest verify')
		options="$globals --alone"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'manifest adopt')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'propagate')
		options="$globals --topology --from --to --only --trace"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'upgrade')
		options="$globals --only --first --parallel --retire"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'retire')
		options="$globals --lose-key"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_selectors
		fi ;;
	'status')
		options="$globals --only --wide"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'wait')
		options="$globals --for --any --all --manifest --wide"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_selectors
		fi ;;
	'verify')
		options="$globals --only --wide"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'attest')
		_teectl_reply -o default -W 'get verify show' ;;
	'attest get')
		options="$globals --out"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$(_teectl_nodes)"
		fi ;;
	'attest verify')
		options="$globals --root --at --pcr --pcrs-from --nonce --user-data --public-key --max-age --refuse-debug"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'attest show')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'lineage')
		options="$globals --from --to --only --format --journal --root"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'audit')
		_teectl_reply -o default -W 'head fetch verify' ;;
	'audit head')
		options="$globals"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'audit fetch')
		options="$globals --only"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'audit verify')
		options="$globals --root --head"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o filenames -f
		fi ;;
	'seed')
		options="$globals --node --type --data --strength"
		if [[ $word == -* ]]; then
			_teectl_reply -o default -W "$options"
		else
			_teectl_reply -o default -W "$options"
		fi ;;
	'completion')
		options="$globals --nodes --selectors"
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
		_teectl_reply -o default -W "$globals init validate preflight plan apply simulate graph watch up down logs measure member pki genesis share inject recover manifest propagate upgrade retire status wait verify attest lineage audit seed completion version help" ;;
	esac
}

complete -F _teectl teectl
