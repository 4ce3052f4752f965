# shellcheck shell=bash
# Processes, ports and waiting, for the scripts beside this one; they source it.

# Process ids are given out again, so an id from a file counts only for a process of this name in this directory.
is_our_process() {
    local pid=$1 name=$2 directory=$3
    [[ $pid =~ ^[1-9][0-9]*$ && -r /proc/$pid/comm ]] || return 1
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$name"* ]] || return 1
    [[ $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$directory" ]]
}

port_is_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Below the range that the kernel gives to outgoing connections.
free_port() {
    local attempt port
    for attempt in {1..200}; do
        port=$((20000 + (RANDOM * 32768 + RANDOM + attempt) % 10000))
        if ! port_is_taken "$port"; then
            echo "$port"
            return
        fi
    done
    echo "no free port on 127.0.0.1 between 20000 and 29999" >&2
    return 1
}

# Waits up to $1 tenths of a second until the rest of the arguments, a command, succeeds.
wait_until() {
    local tenths=$1 attempt
    shift
    for ((attempt = 0; attempt < tenths; attempt++)); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    return 1
}

fails() {
    ! "$@"
}
