#!/bin/sh
# Every fuzz target runs over its corpus without a complaint (TAP).
src=${NSGATE_SRCDIR:-.} build=${NSGATE_BUILDDIR:-.}
n=0
for corpus in "$src"/tests/fuzz/corpus/*/; do
    name=$(basename "$corpus")
    n=$((n + 1))
    if out=$("$build/tests/fuzz/fuzz_$name" "$corpus"* 2>&1); then
        echo "ok $n - fuzz_$name replays its corpus"
    else
        echo "$out" | sed 's/^/# /'
        echo "not ok $n - fuzz_$name replays its corpus"
    fi
done
echo "1..$n"
