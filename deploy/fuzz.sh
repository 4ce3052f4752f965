#!/usr/bin/env bash
# Samples thousands of damaged and hostile clips, and feeds our own parsers under libFuzzer.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/deployment.sh"

usage() {
    cat <<'USAGE'
usage: deploy/fuzz.sh [--files N] [--seed N] [--seconds N] [clips|parsers]

  --files N    damaged clips (20000)
  --seed N     which ones (the time of day; printed)
  --seconds N  for each parser (120)

Without clips or parsers both. Ends with code 1 when anything was found; what libFuzzer found is under .whorl/fuzz/.
USAGE
}

files=20000 seed=$(date +%s) seconds=120 parts=()
while (($# > 0)); do
    case $1 in
    --files | --seed | --seconds)
        if [[ ! ${2-} =~ ^[0-9]+$ ]]; then
            usage >&2
            exit 2
        fi
        declare "${1#--}=$2"
        shift
        ;;
    clips | parsers) parts+=("$1") ;;
    -h | --help)
        usage
        exit
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    shift
done
((${#parts[@]} > 0)) || parts=(clips parsers)

fuzz_clips() {
    echo "$files clips, seed $seed"
    cd "$root"
    swift build -c release --build-tests
    WHORL_FUZZ_FILES=$files WHORL_FUZZ_SEED=$seed swift test -c release --skip-build --disable-xctest --no-parallel --filter FuzzTests
}

# A package of the parsers' own files: links into the tree.
package=$root/.build-fuzz
make_package() {
    local file
    rm -rf "$package/Sources"
    mkdir -p "$package/Sources"/{VideoProtocol,Multipart}
    ln -sfn "$root/Tools/fuzz/Package.swift" "$package/Package.swift"
    for file in AnswerParser DecoderLimits DecoderProtocol RGBImage SampledVideo SamplePlan SamplingRequest VideoError VideoInfo VideoWarning; do
        ln -s "$root/Sources/Video/$file.swift" "$package/Sources/VideoProtocol/"
    done
    ln -s "$root/Sources/GatewayApp/MultipartParser.swift" "$package/Sources/Multipart/"
    for file in COpenBLAS CZlib CKernels JobModel NeuralCore Detector; do ln -s "$root/Sources/$file" "$package/Sources/"; done
    for file in "$root"/Tools/fuzz/fuzz-* "$root"/Tools/fuzz/CFuzzDriver; do ln -s "$file" "$package/Sources/"; done
}

fuzz_parsers() {
    local target corpus failures=0
    make_package
    # Debug: in release the harnesses' checks would be optimised away with what they check.
    swift build -c debug --package-path "$package"
    for target in "$root"/Tools/fuzz/fuzz-*; do
        target=$(basename "$target")
        corpus=$state/fuzz/$target
        mkdir -p "$corpus" "$state/fuzz/found"
        echo "$target for $seconds s"
        "$package/.build/debug/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
            -artifact_prefix="$state/fuzz/found/$target-" "$corpus" "$root/Tools/fuzz/corpus/$target" \
            "$root/Tests/DetectorTests/Fixtures" || failures=$((failures + 1))
    done
    ((failures == 0))
}

status=0
for part in "${parts[@]}"; do ("fuzz_$part") || status=1; done
exit "$status"
