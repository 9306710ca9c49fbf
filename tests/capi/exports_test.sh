#!/usr/bin/env bash
# Goal: the shared library exports consilia_* and nothing else, and all that the headers declare.
set -euo pipefail
library=$1
headers=$(dirname "$0")/../../capi/include/consilia/c
exported=$(nm -D --defined-only "$library" | awk '$2 != "A" {print $3}' | sed 's/@.*//' | sort -u)
foreign=$(grep -v '^consilia_' <<<"$exported" || true)
if [ -n "$foreign" ]; then
    echo "exported, but not ours:" $foreign
    exit 1
fi
# What backends implement is not ours to export.
declared=$(find "$headers" -name '*.h' ! -name backend.h -exec cat {} + | tr '\n' ' ' |
    grep -oE 'CONSILIA_C_API [^;]*' | grep -oE 'consilia_[a-z_0-9]+\(' | tr -d '(' | sort -u)
[ "$(wc -l <<<"$declared")" -ge 130 ] || { echo "the headers were not understood"; exit 1; }
if ! diff <(echo "$declared") <(echo "$exported"); then
    echo "declared (<) and exported (>) differ"
    exit 1
fi
