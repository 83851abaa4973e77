# shellcheck shell=bash
# Completes walferry's verbs and options, as its own help lists them, and names of files.

_walferry_words() { # VERB...
	walferry "$@" --help 2>/dev/null | awk '
		/^Subcommands:/ { verbs = 1; next }
		/^[^ ]/ { verbs = 0 }
		verbs && /^  [a-z]/ { print $1 }
		{
			for (i = 1; i <= NF && match($i, /^(-[a-z],)?--[a-z-]+/); i++)
				print substr($i, index($i, "--"))
		}'
}

_walferry() {
	local word=${COMP_WORDS[COMP_CWORD]} verbs=() i
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} =~ ^[a-z]+$ ]] || break
		verbs+=("${COMP_WORDS[i]}")
	done
	mapfile -t COMPREPLY < <(compgen -W "$(_walferry_words "${verbs[@]}")" -- "$word")
	if ((${#verbs[@]} > 0)) && [[ $word != -* ]]; then
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X '!*.toml' -- "$word")
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$word")
	fi
}

complete -o filenames -F _walferry walferry
