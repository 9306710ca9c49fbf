#!/usr/bin/env bash
# Goal: what a program was built against keeps its meaning. Method: abidiff of the library against the committed
# baseline: a function or a type that changed or went is refused, one that was added is not.
#
#     abi.sh check|renew LIBRARY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
headers=$here/../../capi/include
baseline=$here/baseline.xml
library=$2
case $1 in
check)
    if ! abidiff --no-added-syms "$baseline" "$library"; then
        echo "the C ABI differs from tests/abi/baseline.xml: where that is meant, run \`make abi\` and say so in CHANGELOG.md"
        exit 1
    fi
    ;;
renew)
    abidw --headers-dir "$headers" --drop-private-types --exported-interfaces-only --no-show-locs \
        --no-comp-dir-path --no-corpus-path "$library" |
        sed "s#path='/[^']*/capi/#path='capi/#" >"$baseline"
    ;;
esac
