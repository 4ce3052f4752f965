#!/usr/bin/env bash
# Tests servers.sh: start, start again, a crash of both servers, stop, stop again, and data that survives all of it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
directory=$(mktemp -d)
clean() {
    "$here/servers.sh" remove "$directory/servers" || true
    rm -rf "$directory"
}
trap clean EXIT

fail() {
    echo "test-servers.sh: $*" >&2
    exit 1
}

expect_status() {
    local code=0
    "$here/servers.sh" status "$directory/servers" >/dev/null || code=$?
    ((code == $1)) || fail "status is $code and not $1 $2"
}

process_ids() {
    "$here/servers.sh" status "$directory/servers" | sed -n 's/.* process \([0-9]*\) .*/\1/p'
}

"$here/servers.sh" stop "$directory/servers"
expect_status 3 "before the first start"
"$here/servers.sh" start "$directory/servers" >/dev/null
expect_status 0 "after start"
[[ $(stat -c %a "$directory/servers/env") == 600 ]] || fail "others can read the passwords"
before=$(process_ids)
"$here/servers.sh" start "$directory/servers" >/dev/null
[[ $(process_ids) == "$before" ]] || fail "a second start replaced the servers"

# shellcheck source=/dev/null
source "$directory/servers/env"
psql -X -q "$DATABASE_URL" -c 'CREATE TABLE kept (n int)'
# A process that is not ours but whose id stands in the file must survive.
sleep 600 &
bystander=$!
for pid in $before; do kill -KILL "$pid"; done
"$here/servers.sh" start "$directory/servers" >/dev/null
expect_status 0 "after a crash"
psql -X -q "$DATABASE_URL" -c 'SELECT n FROM kept' >/dev/null || fail "the table did not survive the crash"
for pid in $(process_ids); do kill -KILL "$pid"; done
pid_file=$(find "$directory/servers" "$(cat "$directory/servers/data-directory" 2>/dev/null || echo "$directory")" \
    -name redis.pid | head -n 1)
echo "$bystander" >"$pid_file"
"$here/servers.sh" stop "$directory/servers"
kill -0 "$bystander" || fail "stop ended a process that is not ours"
kill "$bystander"
expect_status 3 "after stop"
"$here/servers.sh" stop "$directory/servers"
