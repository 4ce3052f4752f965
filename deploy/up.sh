#!/usr/bin/env bash
# Starts PostgreSQL, Redis, a gateway and a worker in the background; what runs already stays as it is.
# Writes .whorl/env with DATABASE_URL, REDIS_URL and WHORL_URL.
# With --for-demo what it starts is marked as the demo's, to be stopped also by the next demo after a crash.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/deployment.sh"

# A port stays the same from one start to the next; the first time the given one is preferred.
choose_port() {
    local file=$state/$1-port port=$2
    if [[ -s $file ]]; then port=$(<"$file"); fi
    if port_is_taken "$port"; then port=$(free_port); fi
    echo "$port" >"$file"
}

# Starts a program of its own session, so that a Ctrl-C in this terminal is not also its end.
start_program() {
    local name=$1
    if program_pid "$name" >/dev/null; then return; fi
    (
        cd "$root"
        exec setsid "$binaries/$name" </dev/null >>"$state/log/$name.log" 2>&1 8>&-
    ) &
    echo "$!" >"$state/$name.pid"
}

has_ended() {
    ! kill -0 "$(<"$state/$1.pid")" 2>/dev/null
}

# Whether there is no more to wait for: it is ready, or it has ended.
gateway_has_settled() {
    http_get "$WHORL_OPERATORS_PORT" /readyz || has_ended whorl-gateway
}

worker_has_settled() {
    is_healthy || has_ended whorl-worker
}

# The worker has registered when the gateway says that all is well.
is_healthy() {
    [[ $(http_get "$WHORL_HTTP_PORT" /api/health) == *'"status":"ok"'* ]]
}

main() {
    local name
    for name in whorl whorl-gateway whorl-worker whorl-decoder; do
        [[ -x $binaries/$name ]] || die "$binaries/$name is missing: run make build"
    done
    mkdir -p "$state/log" "$state/uploads"
    exec 8>"$state/lock"
    flock -w 120 8 || die "another up or down is at work"

    if [[ $purpose != --for-demo ]]; then
        rm -f "$state/started-by-demo"
    elif ! is_up; then
        touch "$state/started-by-demo"
    fi
    "$root/deploy/servers.sh" start "$state/servers" 8>&-
    set -a
    # shellcheck source=/dev/null
    source "$state/servers/env"
    set +a
    export WHORL_UPLOADS_DIRECTORY=$state/uploads
    export WHORL_HTTP_HOST=127.0.0.1
    # Longer than one clip takes, shorter than down.sh waits.
    export WHORL_DRAIN_SECONDS=15

    (cd "$root" && "$binaries/whorl" migrate 8>&-)

    if ! program_pid whorl-gateway >/dev/null; then
        choose_port http 8080
        choose_port operators 8081
    fi
    WHORL_HTTP_PORT=$(<"$state/http-port")
    WHORL_OPERATORS_PORT=$(<"$state/operators-port")
    export WHORL_HTTP_PORT WHORL_OPERATORS_PORT
    start_program whorl-gateway
    start_program whorl-worker

    wait_until 300 gateway_has_settled || true
    http_get "$WHORL_OPERATORS_PORT" /readyz >/dev/null ||
        die "the gateway is not ready; see $state/log/whorl-gateway.log"
    wait_until 600 worker_has_settled || true
    is_healthy || die "the worker is not ready; see $state/log/whorl-worker.log"

    (
        umask 077
        {
            cat "$state/servers/env"
            echo "WHORL_URL=http://127.0.0.1:$WHORL_HTTP_PORT"
            echo "WHORL_OPERATORS_URL=http://127.0.0.1:$WHORL_OPERATORS_PORT"
        } >"$state/env.new"
    )
    mv "$state/env.new" "$state/env"
    echo "Whorl runs on http://127.0.0.1:$WHORL_HTTP_PORT (settings in $state/env, logs in $state/log)"
}

purpose=${1-}
main
