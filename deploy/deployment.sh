# shellcheck shell=bash
# Where the scripts beside this one, which source it, keep their things, and how they find the two processes.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
state=$root/.whorl
# shellcheck disable=SC2034 # The scripts that source this use it.
binaries=$root/.build/release

# shellcheck source=processes.sh
source "$root/deploy/processes.sh"

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Prints the process id of whorl-gateway or whorl-worker, if it is ours and runs.
program_pid() {
    local pid
    [[ -s $state/$1.pid ]] || return 1
    pid=$(<"$state/$1.pid")
    is_our_process "$pid" "$1" "$root" && echo "$pid"
}

is_up() {
    program_pid whorl-gateway >/dev/null && program_pid whorl-worker >/dev/null &&
        "$root/deploy/servers.sh" status "$state/servers" >/dev/null
}

# Prints the body of http://127.0.0.1:$1$2; fails unless the status is 200.
http_get() {
    local port=$1 path=$2 answer
    # shellcheck disable=SC2016 # The inner shell expands these.
    answer=$(timeout 5 bash -c '
        exec 3<>"/dev/tcp/127.0.0.1/$0"
        printf "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" "$1" >&3
        cat <&3' "$port" "$path" 2>/dev/null) || return 1
    [[ $answer == "HTTP/1.1 200 "* ]] || return 1
    echo "${answer#*$'\r\n\r\n'}"
}
