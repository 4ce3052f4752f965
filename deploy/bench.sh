#!/usr/bin/env bash
# Measures Whorl against its peers: bench.sh forward|train|decode|clip|queue|gateway [options]. The options go on to Benchmarks/bench_forward.py and so on.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/deployment.sh"

case ${1:-} in
forward | train | decode | clip)
    products=(whorl whorl-decoder)
    ;;
queue | gateway)
    products=(whorl whorl-gateway whorl-scripted-worker)
    ;;
*)
    echo "usage: deploy/bench.sh forward|train|decode|clip|queue|gateway [options]; each tells its own with --help" >&2
    exit 2
    ;;
esac
program=$root/Benchmarks/bench_$1.py
shift
requirements=$root/Benchmarks/requirements.txt
# Debian keeps nginx where only the system's own users look.
export PATH=$PATH:/usr/sbin

# The peers take gigabytes and serve every checkout, so they are not kept in the tree.
venv=${WHORL_BENCH_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/whorl/bench-venv}
stamp=$venv/whorl-requirements.txt

# pip itself knows what is there already; the stamp spares asking it every time.
install_peers() {
    if [[ ! -x $venv/bin/pip ]]; then
        echo "making $venv" >&2
        python3 -m venv "$venv"
    fi
    if cmp -s "$requirements" "$stamp"; then return; fi
    echo "installing the peers into $venv; the first time that is some gigabytes" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
    cp "$requirements" "$stamp"
}

# Wrong usage is told at once and not after a build.
python3 -B "$program" --list "$@" >/dev/null || exit
for argument in "$@"; do
    case $argument in
    -h | --help | --list) exec python3 -B "$program" "$@" ;;
    esac
done

mkdir -p "$(dirname "$venv")"
exec 7>"$venv.lock"
flock -n 7 || die "a benchmark is running already; two would measure each other"
install_peers
if [[ " $* " != *" --whorl"* ]]; then
    for product in "${products[@]}"; do
        (cd "$root" && swift build -c release --product "$product" 7>&- >&2)
    done
fi
exec "$venv/bin/python" -B "$program" "$@"
