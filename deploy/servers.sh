#!/usr/bin/env bash
# A PostgreSQL and a Redis of one's own, on free loopback ports. The system's own servers are not touched.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/processes.sh"

usage() {
    cat <<'USAGE'
usage: deploy/servers.sh start|stop|status|remove DIR

  start   create the servers' data where there is none, start what is not running, write DIR/env
  stop    stop what is running; nothing running is fine
  status  say what is running; exit code 0 if both servers are, else 3
  remove  stop, then delete the data and DIR/env

DIR/env holds DATABASE_URL and REDIS_URL with their passwords; only its owner can read it.
USAGE
}

die() {
    echo "servers.sh: $*" >&2
    exit 1
}

# PostgreSQL refuses to run as root, so root hands both servers to a user without rights.
choose_server_user() {
    server_user=
    if ((EUID != 0)); then return; fi
    local candidate
    for candidate in postgres nobody; do
        if id -u "$candidate" >/dev/null 2>&1; then
            server_user=$candidate
            return
        fi
    done
    die "neither of the users postgres and nobody exists, and PostgreSQL does not run as root"
}

# Descriptor 9 is the lock, which no server may inherit.
as_server_user() {
    if [[ -n $server_user ]]; then
        (cd / && exec runuser -u "$server_user" -- "$@" 9>&-)
    else
        "$@" 9>&-
    fi
}

# The data lies in DIR, unless the servers' user cannot get there (a clone under /root): then in /var/tmp, and
# DIR/data-directory says where.
find_data_directory() {
    data=
    if [[ -s $dir/data-directory ]]; then
        data=$(<"$dir/data-directory")
        if [[ -d $data ]]; then return; fi
        data=
    elif [[ -d $dir/data ]]; then
        data=$dir/data
    fi
}

make_data_directory() {
    find_data_directory
    if [[ -n $data ]] && as_server_user test -w "$data"; then return; fi
    if as_server_user test -x "$dir"; then
        data=$dir/data
        mkdir -p "$data"
        rm -f "$dir/data-directory"
    else
        data=$(mktemp -d /var/tmp/whorl-XXXXXXXX)
        echo "$data" >"$dir/data-directory"
    fi
    if [[ -n $server_user ]]; then chown -R "$server_user" "$data"; fi
    chmod 700 "$data"
}

random_word() {
    od -An -N18 -tx1 /dev/urandom | tr -d ' \n'
}

# Prints the text of a remembered setting, made by the rest of the arguments the first time.
remembered() {
    local file=$dir/$1
    shift
    if [[ ! -s $file ]]; then (umask 077 && "$@" >"$file"); fi
    cat "$file"
}

postgres_pid() {
    local pid
    [[ -n $data && -s $data/postgres/postmaster.pid ]] || return 1
    pid=$(head -n 1 "$data/postgres/postmaster.pid" 2>/dev/null) || return 1
    is_our_process "$pid" postgres "$data/postgres" && echo "$pid"
}

redis_pid() {
    local pid
    [[ -n $data && -s $data/redis/redis.pid ]] || return 1
    pid=$(head -n 1 "$data/redis/redis.pid" 2>/dev/null) || return 1
    is_our_process "$pid" redis-server "$data/redis" && echo "$pid"
}

# The binaries of the version that made the data, or else the newest.
postgres_binaries() {
    local version
    if [[ -s $data/postgres/PG_VERSION ]]; then
        version=$(<"$data/postgres/PG_VERSION")
    else
        version=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -V | tail -n 1)
    fi
    local bin=/usr/lib/postgresql/$version/bin
    if [[ ! -x $bin/initdb ]] && command -v pg_config >/dev/null; then bin=$(pg_config --bindir); fi
    [[ -x $bin/initdb ]] || die "no PostgreSQL server found; run deploy/install.sh run"
    echo "$bin"
}

create_postgres() {
    local bin=$1
    if [[ -s $data/postgres/PG_VERSION && -e $data/postgres.complete ]]; then return; fi
    # What an interrupted initdb left is of no use.
    as_server_user rm -rf "$data/postgres"
    remembered postgres-password random_word | as_server_user tee "$data/password" >/dev/null
    as_server_user "$bin/initdb" --pgdata="$data/postgres" --username=whorl --pwfile="$data/password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >"$dir/initdb.log" 2>&1 ||
        die "initdb failed; see $dir/initdb.log"
    as_server_user rm -f "$data/password"
    as_server_user touch "$data/postgres.complete"
}

start_postgres() {
    local bin attempt port
    bin=$(postgres_binaries)
    create_postgres "$bin"
    if ! postgres_pid >/dev/null; then
        # The server refuses to start while this file names a living process, whatever process that is by now.
        as_server_user rm -f "$data/postgres/postmaster.pid"
        # After a kill -9 the server's children hold its shared memory for a moment.
        for attempt in {1..10}; do
            port=$(remembered postgres-port free_port)
            if port_is_taken "$port"; then
                rm -f "$dir/postgres-port"
                continue
            fi
            if as_server_user "$bin/pg_ctl" start --wait --timeout=60 --silent --pgdata="$data/postgres" \
                --log="$data/postgres.log" \
                --options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200" \
                >/dev/null 2>&1; then
                break
            fi
            sleep 1
        done
        postgres_pid >/dev/null || die "PostgreSQL does not start; see $data/postgres.log"
    fi
    PGPASSWORD=$(<"$dir/postgres-password")
    export PGPASSWORD
    local -a psql=("$bin/psql" -X -q -t -A -h 127.0.0.1 -p "$(<"$dir/postgres-port")" -U whorl -d postgres)
    if [[ $("${psql[@]}" -c "SELECT 1 FROM pg_database WHERE datname = 'whorl'") != 1 ]]; then
        "${psql[@]}" -c 'CREATE DATABASE whorl'
    fi
}

start_redis() {
    command -v redis-server >/dev/null || die "no Redis server found; run deploy/install.sh run"
    local attempt port
    REDISCLI_AUTH=$(remembered redis-password random_word)
    export REDISCLI_AUTH
    if ! redis_pid >/dev/null; then
        as_server_user mkdir -p "$data/redis"
        as_server_user rm -f "$data/redis/redis.pid"
        for attempt in {1..10}; do
            port=$(remembered redis-port free_port)
            if port_is_taken "$port"; then
                rm -f "$dir/redis-port"
                continue
            fi
            write_redis_configuration "$port"
            as_server_user redis-server "$data/redis/redis.conf" >/dev/null 2>&1 || true
            if wait_for_redis "$port"; then break; fi
        done
    fi
    wait_for_redis "$(<"$dir/redis-port")" || die "Redis does not start; see $data/redis.log"
}

write_redis_configuration() {
    as_server_user tee "$data/redis/redis.conf" >/dev/null <<CONFIGURATION
bind 127.0.0.1
port $1
dir "$data/redis"
daemonize yes
pidfile "$data/redis/redis.pid"
logfile "$data/redis.log"
requirepass $REDISCLI_AUTH
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
save ""
CONFIGURATION
    as_server_user chmod 600 "$data/redis/redis.conf"
}

# A large append-only file is loaded before the first PONG.
wait_for_redis() {
    local attempt
    for attempt in {1..300}; do
        if redis_pid >/dev/null && [[ $(redis-cli -h 127.0.0.1 -p "$1" ping 2>/dev/null) == PONG ]]; then return; fi
        if ((attempt > 20)) && ! redis_pid >/dev/null; then return 1; fi
        sleep 0.1
    done
    return 1
}

start() {
    mkdir -p "$dir"
    exec 9>"$dir/lock"
    flock -w 120 9 || die "another servers.sh works on $dir"
    make_data_directory
    start_postgres
    start_redis
    (
        umask 077
        {
            echo "DATABASE_URL=postgresql://whorl:$(<"$dir/postgres-password")@127.0.0.1:$(<"$dir/postgres-port")/whorl"
            echo "REDIS_URL=redis://:$(<"$dir/redis-password")@127.0.0.1:$(<"$dir/redis-port")/0"
        } >"$dir/env.new"
    )
    mv "$dir/env.new" "$dir/env"
    status
}

stop() {
    if [[ ! -d $dir ]]; then return; fi
    exec 9>"$dir/lock"
    flock -w 120 9 || die "another servers.sh works on $dir"
    find_data_directory
    local pid
    if pid=$(redis_pid); then
        kill -TERM "$pid"
        wait_until 300 fails redis_pid || kill -KILL "$pid"
        wait_until 50 fails redis_pid || die "Redis (process $pid) does not end"
    fi
    if pid=$(postgres_pid); then
        # SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one.
        kill -INT "$pid"
        wait_until 300 fails postgres_pid || kill -QUIT "$pid"
        wait_until 100 fails postgres_pid || die "PostgreSQL (process $pid) does not end"
    fi
}

status() {
    find_data_directory
    local code=0 pid
    if pid=$(postgres_pid); then
        echo "PostgreSQL runs as process $pid on 127.0.0.1:$(<"$dir/postgres-port")"
    else
        echo "PostgreSQL does not run"
        code=3
    fi
    if pid=$(redis_pid); then
        echo "Redis runs as process $pid on 127.0.0.1:$(<"$dir/redis-port")"
    else
        echo "Redis does not run"
        code=3
    fi
    return "$code"
}

remove() {
    stop
    find_data_directory
    if [[ -n $data ]]; then rm -rf "$data"; fi
    rm -rf "$dir/env" "$dir/data-directory" "$dir/postgres-port" "$dir/redis-port" "$dir/postgres-password" \
        "$dir/redis-password" "$dir/initdb.log" "$dir/lock"
}

if (($# != 2)); then
    usage >&2
    exit 2
fi
case $1 in
start | stop | status | remove) ;;
*)
    usage >&2
    exit 2
    ;;
esac
dir=$(realpath -m -- "$2")
choose_server_user
"$1"
