#!/usr/bin/env bash
# Runs the suites of the leaf modules, which need no server, under AddressSanitizer and again under ThreadSanitizer; our C
# is under UndefinedBehaviorSanitizer both times. They are built apart from the rest, which stays as it is.
# The last line is: sanitize: N passed, N failed
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/deployment.sh"
# shellcheck source=swift-tests.sh
source "$root/deploy/swift-tests.sh"

package=$root/.build-sanitize
modules=(COpenBLAS CZlib CKernels JobModel ThreadExecutor Detector)
suites=(JobModelTests ThreadExecutorTests NeuralCoreTests DetectorTests)

usage() {
    cat <<'USAGE'
usage: deploy/sanitize.sh [address] [thread]

Without arguments both, one after the other.
USAGE
}

# A package of the leaf modules alone: links into the tree.
make_package() {
    local name
    rm -rf "$package/Sources" "$package/Tests"
    mkdir -p "$package/Sources" "$package/Tests"
    ln -sfn "$root/Tools/sanitize/Package.swift" "$package/Package.swift"
    ln -s "$root/Tools/sanitize/CVisibleMutex" "$package/Sources/"
    for name in "${modules[@]}"; do ln -s "$root/Sources/$name" "$package/Sources/"; done
    for name in "${suites[@]}"; do ln -s "$root/Tests/$name" "$package/Tests/"; done
    # Links to the files, so that one of them can be another.
    cp -rs "$root/Sources/NeuralCore" "$package/Sources/"
    ln -sf "$root/Tools/sanitize/AlignedMemory.swift" "$package/Sources/NeuralCore/"
}

run_under() {
    local sanitizer=$1 events=$package/$1-events.jsonl status=0
    local -a options=(-c release --sanitize "$sanitizer" --package-path "$package" --scratch-path "$package/$sanitizer")
    echo "under the $sanitizer sanitizer"
    if ! swift build "${options[@]}" --build-tests; then
        echo "FAILED: swift build --sanitize $sanitizer"
        failed=$((failed + 1))
        return
    fi
    # A process that dies before its first test leaves this as it is, and so counts as failed.
    : >"$events"
    # A hung test is a failed one. The sanitizers print Swift's names as the linker has them.
    timeout --foreground --kill-after=30 3600 swift test "${options[@]}" --skip-build --disable-xctest --no-parallel \
        --event-stream-output-path "$events" --event-stream-version 0 2>&1 | swift demangle --simplified || status=$?
    count_swift_tests "$events" "$status"
}

(($# > 0)) || set -- address thread
for sanitizer in "$@"; do
    case $sanitizer in
    address | thread) ;;
    -h | --help)
        usage
        exit
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
done

# Tests beside PyTorch look for the tree's Tools beside their own place, and a Python under test tells nothing here.
unset WHORL_TORCH_PYTHON
export UBSAN_OPTIONS=print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}
make_package
for sanitizer in "$@"; do run_under "$sanitizer"; done
echo "sanitize: $passed passed, $failed failed"
((failed == 0))
