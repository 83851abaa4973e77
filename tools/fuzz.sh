#!/usr/bin/env bash
# Runs each fuzz target of a build folder for some seconds: fuzz.sh BUILD_DIR SECONDS
# The corpus grows in BUILD_DIR/corpus; seeds come from applier/fuzz/corpus/TARGET if it is there.
set -euo pipefail

build=$(realpath "$1")
seconds=$2
top=$(realpath "$(dirname "$0")/..")

targets=0
for target in "$build"/fuzz_*; do
	[ -x "$target" ] || continue
	name=$(basename "$target")
	corpus=$build/corpus/$name
	seeds=$top/applier/fuzz/corpus/${name#fuzz_}
	mkdir -p "$corpus"
	folders=("$corpus")
	[ ! -d "$seeds" ] || folders+=("$seeds")
	echo "== $name, $seconds s"
	"$target" -max_total_time="$seconds" -rss_limit_mb=4096 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$build/" "${folders[@]}"
	targets=$((targets + 1))
done
if [ "$targets" -eq 0 ]; then
	echo "fuzz: no target in $build" >&2
	exit 1
fi
