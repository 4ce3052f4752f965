#!/usr/bin/env bash
# Installs what is missing of Debian's packages for one purpose, and nothing else. Ubuntu's are named the same.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: deploy/install.sh build|run|test|bench|model

  build  what the compiler and the linker need
  run    the servers: PostgreSQL and Redis; none of the system's own is set up or started
  test   what the tests need besides: ffmpeg, Python, docker-compose, hadolint, Spin
  bench  what the benchmarks need: Python, a compiler for torch.compile, ffmpeg with its libraries, wrk and nginx
  model  what checks the model of the job's protocol: Spin, a compiler for its output, Python
USAGE
}

die() {
    echo "install.sh: $*" >&2
    exit 1
}

is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Runs a command as root.
as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo "$@"
    fi
}

# Debian's server packages would each set up and start a server of the system. For the time of the installation
# policy-rc.d forbids starting anything, and PostgreSQL's own setting forbids making a cluster; a file that is there
# already is somebody else's and stays as it is.
policy=/usr/sbin/policy-rc.d
cluster_settings=/etc/postgresql-common/createcluster.d
wrote_policy=
wrote_cluster_setting=

hold_servers_back() {
    # A file with our mark was left by an installation that was killed.
    if [[ ! -e $policy ]] || grep -qs '^# whorl$' "$policy"; then
        wrote_policy=yes
        printf '#!/bin/sh\n# whorl\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    wrote_cluster_setting=yes
    as_root mkdir -p "$cluster_settings"
    echo 'create_main_cluster = false' | as_root tee "$cluster_settings/whorl.conf" >/dev/null
}

release_servers() {
    if [[ -n $wrote_policy ]]; then as_root rm -f "$policy"; fi
    if [[ -n $wrote_cluster_setting ]]; then
        as_root rm -f "$cluster_settings/whorl.conf"
        as_root rmdir --ignore-fail-on-non-empty -p "$cluster_settings" 2>/dev/null || true
    fi
    wrote_policy=
    wrote_cluster_setting=
}

install_missing() {
    local package
    local -a missing=()
    for package in "$@"; do
        if ! is_installed "$package"; then missing+=("$package"); fi
    done
    if grep -qs '^# whorl$' "$policy"; then
        wrote_policy=yes
        wrote_cluster_setting=yes
        release_servers
    fi
    if ((${#missing[@]} == 0)); then return; fi

    command -v apt-get >/dev/null || die "missing, and there is no apt-get to install them with: ${missing[*]}"
    if ((EUID != 0)) && ! command -v sudo >/dev/null; then
        die "missing: ${missing[*]}; install them as root: apt-get install ${missing[*]}"
    fi
    echo "installing ${missing[*]}"
    trap release_servers EXIT
    hold_servers_back
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
    release_servers
    local server
    for server in redis-server nginx; do
        # Nobody asked for one that starts with the machine.
        if [[ " ${missing[*]} " == *" $server "* ]]; then as_root update-rc.d "$server" disable >/dev/null 2>&1 || true; fi
    done
}

check_swift() {
    command -v swift >/dev/null ||
        die "Swift 6.2 or later is missing: install it from https://www.swift.org/install/linux/ and run this again"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    if [[ -z $version || $(printf '%s\n' 6.2 "$version" | sort -V | head -n 1) != 6.2 ]]; then
        die "Swift 6.2 or later is needed, this is ${version:-of an unknown version}: see https://www.swift.org/install/linux/"
    fi
}

# The tests' tools from PyPI. pip knows what is there already; the stamp spares asking it every time.
install_python_tools() {
    local root venv stamp wanted
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    venv=$root/.whorl/venv
    stamp=$venv/requirements.txt
    wanted=$(cat "$root"/Tests/requirements.txt "$root"/Tests/*/requirements.txt)
    if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then return; fi
    if [[ ! -x $venv/bin/pip ]]; then python3 -m venv "$venv"; fi
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$root/Tests/requirements.txt"
    echo "$wanted" >"$stamp"
}

if (($# != 1)); then
    usage >&2
    exit 2
fi
case $1 in
build)
    check_swift
    install_missing libpq-dev libhiredis-dev libavcodec-dev libavformat-dev libavutil-dev libswscale-dev \
        libopenblas-pthread-dev libopenblas-dev libseccomp-dev zlib1g-dev pkg-config make git
    ;;
run)
    install_missing postgresql redis-server
    ;;
test)
    install_missing ffmpeg python3 python3-venv docker-compose spin gcc curl openssl \
        nodejs node-typescript chromium fonts-dejavu-core
    install_python_tools
    ;;
bench)
    install_missing python3 python3-dev python3-venv g++ ffmpeg wrk nginx
    ;;
model)
    install_missing spin gcc python3
    ;;
*)
    usage >&2
    exit 2
    ;;
esac
