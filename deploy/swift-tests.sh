# shellcheck shell=bash
# How the scripts beside this one, which source it after deployment.sh, count the tests of a run.

passed=0
failed=0

# Counts the tests in Swift Testing's event stream. A test that started and did not end was running when the process
# crashed: it failed. So did the whole when the process failed and no test says so.
count_swift_tests() {
    local events=$1 status=$2 counts
    # shellcheck disable=SC2154 # deployment.sh sets root.
    counts=$(python3 "$root/deploy/count-tests.py" "$events") || die "the tests' event stream cannot be read: $events"
    local swift_passed=${counts% *} swift_failed=${counts#* }
    if ((status != 0 && swift_failed == 0)) || ((swift_passed + swift_failed == 0)); then
        echo "FAILED: the test process ended with code $status after $swift_passed tests"
        swift_failed=$((swift_failed + 1))
    fi
    passed=$((passed + swift_passed))
    failed=$((failed + swift_failed))
}
