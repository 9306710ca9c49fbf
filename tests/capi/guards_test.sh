#!/usr/bin/env bash
# Goal: no exception crosses the C ABI. Method: the body of every function that returns a status is one guard() call.
set -euo pipefail
cd "$1"
functions=$(cat ./*.cpp | grep -cE '^consilia_status_t consilia_[a-z_]+\(' || true)
guarded=$(cat ./*.cpp | grep -cE '^    return guard\(out_error,' || true)
# consilia_error_status only reads a field.
if [ "$functions" -lt 100 ] || [ "$functions" -ne $((guarded + 1)) ]; then
    echo "$functions functions return a status, $guarded of them are guarded; all but consilia_error_status must be"
    exit 1
fi
