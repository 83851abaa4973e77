#!/usr/bin/env bash
# Prints the manual page of PROGRAM, made from what it says of itself: its help, and that of each verb.
set -euo pipefail

program=$1
top=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

subcommands() { # VERB...
	"$program" "$@" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

section() { # VERB...
	local verb
	for verb in $(subcommands "$@"); do
		if [ -n "$(subcommands "$@" "$verb")" ]; then
			section "$@" "$verb"
			continue
		fi
		printf '.SS walferry %s\n.nf\n' "$*${*:+ }$verb"
		# A line that begins with a dot or a quote would be a request.
		"$program" "$@" "$verb" --help | sed -e '/^Exit codes/,$d' -e 's/\\/\\e/g' -e "s/^[.']/\\\\\&&/" -e 's/-/\\-/g'
		printf '.fi\n'
	done
}

{
	sed '/^\[signals\]/,$d' "$top/packaging/man.h2m"
	printf '[verbs]\n'
	section
	printf '\n'
	sed -n '/^\[signals\]/,$p' "$top/packaging/man.h2m"
} >"$work/man.h2m"
help2man --no-info --include="$work/man.h2m" "$program"
