#!/usr/bin/env bash
# Breaks the running pair in every way of docs/reliability.md: chaos.sh [options]. The options go on to Tests/Chaos/chaos.py.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/deployment.sh"

program=$root/Tests/Chaos/chaos.py
venv=$state/venv

mkdir -p "$state"
exec 7>"$state/chaos.lock"
flock -n 7 || die "it runs already; two would kill each other's time"
[[ -x $venv/bin/python ]] || die "the harness' packages are missing: run deploy/install.sh test"
for argument in "$@"; do
    case $argument in
    -h | --help | --list) exec "$venv/bin/python" -B "$program" "$@" ;;
    esac
done
if [[ -z ${WHORL_BIN_DIR:-} && " $* " != *" --bin"* ]]; then
    for product in whorl whorl-gateway whorl-worker whorl-decoder whorl-scripted-worker; do
        (cd "$root" && swift build -c release --product "$product" 7>&- >&2)
    done
fi
# Programs that the harness starts do not inherit the lock.
exec "$venv/bin/python" -B "$program" "$@"
