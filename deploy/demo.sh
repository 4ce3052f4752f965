#!/usr/bin/env bash
# Two real clips through the real gateway, Redis, a worker and PostgreSQL, and their verdicts with pictures.
# On a terminal it stays until Ctrl-C; without one it stops everything it started and exits.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/deployment.sh"

clips=("$root/samples/astronaut-real.mp4" "$root/samples/astronaut-blended.mp4")
output=$state/demo

stop_what_was_started() {
    local code=$?
    trap - EXIT INT TERM HUP
    if [[ -n $was_up ]]; then exit "$code"; fi
    "$root/deploy/down.sh" 7>&- || code=1
    exit "$code"
}

judge() {
    local clip=$1 name
    name=$(basename "$clip" .mp4)
    echo
    echo "$name"
    "$binaries/whorl" submit "$clip" --wait 7>&-
    "$binaries/whorl" analyze "$clip" --output "$output/$name" >/dev/null 7>&-
}

mkdir -p "$state"
exec 7>"$state/demo.lock"
flock -n 7 || die "a demo is running already"
was_up=
if is_up && [[ ! -e $state/started-by-demo ]]; then was_up=yes; fi
trap stop_what_was_started EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

"$root/deploy/up.sh" --for-demo 7>&-
set -a
# shellcheck source=/dev/null
source "$state/env"
set +a
mkdir -p "$output"
for clip in "${clips[@]}"; do judge "$clip"; done

echo
echo "Contact sheets:"
find "$output" -name '*contact*.png' | sort | sed 's/^/  /'
echo "API:        $WHORL_URL/api/jobs"
echo "Health:     $WHORL_URL/api/health"
if [[ -t 0 && -t 1 ]]; then
    echo
    echo "Ctrl-C stops everything."
    # Ctrl-C is how one leaves here, so it is no failure.
    trap 'exit 0' INT
    while is_up; do sleep 1; done
    die "something has stopped by itself; see $state/log"
fi
