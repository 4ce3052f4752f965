#!/usr/bin/env bash
# Runs every suite against servers of its own and ends with one line: N passed, N failed.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/deployment.sh"
# shellcheck source=swift-tests.sh
source "$root/deploy/swift-tests.sh"

servers=$state/test

stop_servers() {
    local code=$?
    trap - EXIT INT TERM HUP
    "$root/deploy/servers.sh" remove "$servers" || code=1
    exit "$code"
}

# Counts a command as one test.
check() {
    local name=$1 log
    shift
    if log=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "passed: $name"
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
        echo "$log"
    fi
}

run_swift_tests() {
    local events=$state/test-events.jsonl status=0
    rm -f "$events"
    cd "$root"
    if ! swift build -c release --build-tests; then
        echo "FAILED: swift build"
        failed=$((failed + 1))
        return
    fi
    # A hung test is a failed one.
    timeout --foreground --kill-after=30 1800 swift test -c release --skip-build --disable-xctest --no-parallel \
        --event-stream-output-path "$events" --event-stream-version 0 || status=$?
    count_swift_tests "$events" "$status"
}

check_deployment() {
    local file
    for file in "$root"/deploy/*.sh "$root"/.ci/run; do
        check "bash -n ${file#"$root"/}" bash -n "$file"
    done
    for file in "$root"/deploy/docker/*.Dockerfile; do
        check "hadolint ${file#"$root"/}" "$state/venv/bin/hadolint" "$file"
    done
    check "docker-compose config" "$root/deploy/check-compose.sh"
    check "deploy/servers.sh" "$root/deploy/test-servers.sh"
    check "make model" "$root/deploy/model.sh" --quick
}

# A harness counts for itself; its last line says how many. Takes its name, a bound in seconds, and the command.
run_harness() {
    local name=$1 seconds=$2 log=$state/$1.log status=0 counts
    shift 2
    timeout --foreground --kill-after=60 "$seconds" "$@" 2>&1 | tee "$log" || status=$?
    counts=$(sed -n "s/^$name: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p" "$log")
    local its_passed=${counts% *} its_failed=${counts#* }
    if [[ -z $counts ]] || ((status != 0 && its_failed == 0)); then
        echo "FAILED: $name ended with code $status"
        its_failed=$((${its_failed:-0} + 1))
    fi
    passed=$((passed + ${its_passed:-0}))
    failed=$((failed + its_failed))
}

run_harnesses() {
    run_harness chaos 900 "$root/deploy/chaos.sh" --quick --bin "$binaries"
    run_harness api 600 "$state/venv/bin/python" -B "$root/Tests/Api/conformance.py" --bin "$binaries" \
        --database-url "$WHORL_TEST_DATABASE_URL" --redis-url "$WHORL_TEST_REDIS_URL" --seed 5
    run_harness looks 600 "$state/venv/bin/python" -B "$root/Tests/Extension/looks/look.py" --output "$state/looks"
    run_harness extension 1800 "$state/venv/bin/python" -B "$root/Tests/Extension/browser.py" --bin "$binaries" \
        --database-url "$WHORL_TEST_DATABASE_URL" --redis-url "$WHORL_TEST_REDIS_URL" --seed 7
}

# node counts for itself as well, in the words of TAP.
run_node_tests() {
    local log=$state/node-tests.log status=0 its_passed its_failed
    timeout --foreground --kill-after=30 300 node --test --test-reporter=tap "$root"/Tests/Extension/unit/*.test.js >"$log" 2>&1 || status=$?
    its_passed=$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$log")
    its_failed=$(sed -n 's/^# fail \([0-9]*\)$/\1/p' "$log")
    if ((status != 0)) || [[ -z $its_passed ]]; then
        cat "$log"
        echo "FAILED: node --test ended with code $status"
        if ((${its_failed:-0} == 0)); then its_failed=1; fi
    fi
    echo "extension's units: ${its_passed:-0} passed, ${its_failed:-0} failed"
    passed=$((passed + ${its_passed:-0}))
    failed=$((failed + ${its_failed:-0}))
}

check_extension() {
    check "tsc extension" tsc --project "$root/extension/tsconfig.json"
    check "make extension" "$root/deploy/extension.sh" "$state/extension-test.zip"
    run_node_tests
}

trap stop_servers EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
mkdir -p "$state"
"$root/deploy/servers.sh" start "$servers"
# shellcheck source=/dev/null
source "$servers/env"
# The tests find their servers by these names only.
export WHORL_TEST_DATABASE_URL=$DATABASE_URL WHORL_TEST_REDIS_URL=$REDIS_URL
unset DATABASE_URL REDIS_URL

run_swift_tests
check_deployment
check_extension
run_harnesses
"$root/deploy/servers.sh" remove "$servers"
echo "$passed passed, $failed failed"
((failed == 0))
