#!/usr/bin/env bash
# Checks docker-compose.yml: it is valid with its required variables, and refuses to start without them.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Instead of the operator's own .env.
empty=$(mktemp)
trap 'rm -f "$empty"' EXIT
compose=(docker-compose -f "$root/docker-compose.yml" --project-directory "$root" --env-file "$empty")

given=(POSTGRES_PASSWORD=p REDIS_PASSWORD=r)

env "${given[@]}" "${compose[@]}" config --quiet
for variable in "${given[@]}"; do
    if env "${given[@]}" "${variable%%=*}=" "${compose[@]}" config --quiet 2>/dev/null; then
        echo "docker-compose.yml is accepted without ${variable%%=*}" >&2
        exit 1
    fi
done
