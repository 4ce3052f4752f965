#!/usr/bin/env bash
# Breaks the running pair in every way of docs/reliability.md: chaos.sh [options]. The options go on to Tests/Chaos/chaos.py.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/deployment.sh"

program=$root/Tests/Chaos/chaos.py
requirements=$root/Tests/Chaos/requirements.txt
venv=$state/venv
stamp=$venv/chaos-requirements.txt

# pip itself knows what is there already; the stamp spares asking it every time.
install_clients() {
    if [[ ! -x $venv/bin/pip ]]; then
        echo "making $venv" >&2
        python3 -m venv "$venv"
    fi
    if cmp -s "$requirements" "$stamp"; then return; fi
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
    cp "$requirements" "$stamp"
}

mkdir -p "$state"
exec 7>"$state/chaos.lock"
flock -n 7 || die "it runs already; two would kill each other's time"
install_clients
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
