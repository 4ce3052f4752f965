#!/usr/bin/env bash
# Stops what up.sh started; nothing running is fine.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/deployment.sh"

stop_program() {
    local name=$1 pid
    if pid=$(program_pid "$name"); then
        kill -TERM "$pid"
        wait_until 300 fails program_pid "$name" || kill -KILL "$pid"
        wait_until 50 fails program_pid "$name" || die "$name (process $pid) does not end"
    fi
    rm -f "$state/$name.pid"
}

if [[ ! -d $state ]]; then exit; fi
exec 8>"$state/lock"
flock -w 120 8 || die "another up or down is at work"
# The worker first: it hands back what it cannot finish, for which it needs the others.
stop_program whorl-worker
stop_program whorl-gateway
"$root/deploy/servers.sh" stop "$state/servers" 8>&-
rm -f "$state/env" "$state/started-by-demo"
