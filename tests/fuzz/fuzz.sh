#!/usr/bin/env bash
# Runs the fuzz targets of a build with libFuzzer, or makes their committed corpora small again.
#
#   fuzz.sh run BUILD SECONDS [TARGET…]   each target for so long; ends at the first finding
#   fuzz.sh merge BUILD [TARGET…]         corpus/TARGET becomes the fewest inputs that reach what was reached
set -euo pipefail

here=$(dirname "$(realpath "$0")")
command=${1:?run or merge}
build=$(realpath "${2:?the build folder of the preset fuzz}")
shift 2
if [ "$command" = run ]; then
    seconds=${1:?seconds a target}
    shift
fi
targets=${*:-$(cd "$here/corpus" && ls)}

# Files of a target, which are many and short-lived, need no disk.
if [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi

# The longest input; beyond it the same code only runs longer.
max_len() {
    case $1 in
        expression) echo 2048 ;;
        *) echo 4096 ;;
    esac
}

run() {
    local target=$1 found=$build/findings/$1 log=$build/findings/$1.log
    local dictionary=$here/dictionary/$target.dict
    mkdir -p "$build/corpus/$target" "$found"
    local options=(-max_total_time="$seconds" -max_len="$(max_len "$target")" -timeout=25 -rss_limit_mb=1024
        -malloc_limit_mb=256 -detect_leaks=0 -print_final_stats=1 -artifact_prefix="$found/")
    if [ -f "$dictionary" ]; then options+=(-dict="$dictionary"); fi
    if ! "$build/tests/fuzz/${target}_fuzz" "${options[@]}" "$build/corpus/$target" "$here/corpus/$target" \
        >"$log" 2>&1; then
        tail -n 60 "$log"
        echo "fuzz: $target has a finding; its input is in $found, the log is $log" >&2
        exit 1
    fi
    local runs slowest coverage
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    slowest=$(sed -n 's/^stat::slowest_unit_time_sec: *//p' "$log")
    coverage=$(grep -ao 'cov: [0-9]*' "$log" | tail -n 1)
    echo "fuzz: $target ran $runs inputs in $seconds s, ${coverage:-cov: 0}, the slowest $slowest s, no finding"
}

merge() {
    local target=$1 smaller=$build/merged/$1
    rm -rf "$smaller"
    mkdir -p "$smaller" "$build/corpus/$target"
    "$build/tests/fuzz/${target}_fuzz" -merge=1 -timeout=25 -max_len="$(max_len "$target")" "$smaller" \
        "$here/corpus/$target" "$build/corpus/$target" 2>&1 | tail -n 1
    rm -rf "${here:?}/corpus/$target"
    cp -r "$smaller" "$here/corpus/$target"
    du -sh "$here/corpus/$target"
}

for target in $targets; do "$command" "$target"; done
