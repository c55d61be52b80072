#!/bin/bash
# What other programs know about our sources: format, shell scripts, manual
# pages, the unit file (TAP).
cd "$(dirname "$0")/../.." || exit 1
count=0 failures=0

# check NAME COMMAND...: an ok line, its output as comments when it fails.
check()
{
    local name=$1 output

    shift
    count=$((count + 1))
    if output=$("$@" 2>&1); then
        echo "ok $count - $name"
    else
        failures=$((failures + 1))
        echo "not ok $count - $name"
        printf '%s\n' "$output" | head -n 60 | sed 's/^/# /'
    fi
}

files()
{
    git ls-files -z --cached --others --exclude-standard -- "$@"
}

format()
{
    files '*.c' '*.h' | xargs -0 -r clang-format --dry-run -Werror
}

scripts()
{
    files '*.sh' dev .ci/run | xargs -0 -r shellcheck -e SC1091
}

manuals()
{
    local output

    output=$(files 'docs/man/*' | xargs -0 -r mandoc -Tlint -W warning) ||
        { printf '%s\n' "$output"; return 1; }
}

# The programs it names are not installed here.
unit_file()
{
    local output

    command -v systemd-analyze >/dev/null || return 0
    output=$(systemd-analyze verify --man=no \
        docs/examples/nsgated.service 2>&1 |
        grep -v -e 'is not executable' -e 'Failed to prepare filename')
    [ -z "$output" ] || { printf '%s\n' "$output"; return 1; }
}

check "C sources are formatted" format
check "shellcheck has nothing to say" scripts
check "mandoc has nothing to say" manuals
check "the unit file is sound" unit_file
echo "1..$count"
[ "$failures" -eq 0 ]
