#!/bin/bash
# Install what `make demo` and `make test` need: Debian packages and the virtual
# environment .venv.  Only what is missing is installed, so a second run is instant.
#
#   tests/rig/setup.sh            packages, then .venv
#   tests/rig/setup.sh packages   packages only (what the first form runs as root)
#
# Written in bash because a fresh Debian has it and may have no Python.
set -euo pipefail

cd "$(dirname "$0")/../.."

# hylafax-server brings ghostscript; libspandsp2 is the modem of the stand-in switch;
# python3-yaml and python3-filelock are for programs that run under Debian's own Python,
# as they do on a production machine; mandoc, groff-base and shellcheck look over man pages and scripts; dpkg-dev to
# lintian build and check the Debian package; strace and tcc (rig/clock.c) make accidents; chromium opens the report of
# `gofaxctl report --html`.
packages=(
    ca-certificates python3 python3-venv python3-yaml python3-filelock
    hylafax-server hylafax-client libtiff-tools libspandsp2
    mandoc groff-base shellcheck strace tcc
    dpkg-dev debhelper dh-python lintian
    chromium
)
python=/usr/bin/python3
venv=.venv
requirements=tests/requirements.txt
policy=/usr/sbin/policy-rc.d
self=tests/rig/setup.sh

say() { printf 'deps: %s\n' "$*"; }
die() { printf 'deps: %s\n' "$@" >&2; exit 1; }

missing_packages() {
    local name state
    for name in "${packages[@]}"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) || state=
        [ "$state" = installed ] || printf '%s\n' "$name"
    done
}

# Debian starts a daemon as soon as its package is installed.  A policy-rc.d that says 101
# forbids that (invoke-rc.d(8)).  One that the machine already has is left alone.
forbid_service_starts() {
    [ -e "$policy" ] && return
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

install_packages() {
    local names
    mapfile -t names < <(missing_packages)
    [ ${#names[@]} -gt 0 ] || return 0
    say "installing ${names[*]}"
    export DEBIAN_FRONTEND=noninteractive
    forbid_service_starts
    apt-get -q -o DPkg::Lock::Timeout=300 update ||
        say "the package lists could not be refreshed, going on with those at hand"
    apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${names[@]}" ||
        die "apt-get could not install: ${names[*]}" "its messages stand above"
}

packages_as_root() {
    local names
    mapfile -t names < <(missing_packages)
    [ ${#names[@]} -gt 0 ] || return 0
    if [ "$(id -u)" = 0 ]; then
        install_packages
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n bash "$self" packages
    else
        die "Debian packages are missing, and only root can install them." \
            "Run this as root, then start again:" \
            "    apt-get update && apt-get install --no-install-recommends ${names[*]}"
    fi
    mapfile -t names < <(missing_packages)
    [ ${#names[@]} -eq 0 ] || die "still missing after the installation: ${names[*]}"
}

make_venv() {
    local wanted
    wanted=$({ "$python" --version; pwd; cat "$requirements"; } | sha256sum)
    if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/made-from" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    say "making the virtual environment $venv"
    rm -rf "$venv"
    "$python" -m venv "$venv" || die "$python could not make $venv: is python3-venv installed?"
    "$venv/bin/python" -m pip --disable-pip-version-check install --quiet -r "$requirements" ||
        die "pip could not install $requirements into $venv: its messages stand above"
    printf '%s\n' "$wanted" >"$venv/made-from"
}

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    die "this needs Debian 12 or later (dpkg and apt-get were not found)"

if [ "${1:-}" = packages ]; then
    install_packages
    exit
fi
exec 9<"$self"             # two runs at once: the second waits for the first
flock 9
packages_as_root
make_venv
