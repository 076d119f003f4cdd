#!/usr/bin/env bash
# What the tests need beside Python packages: each only if it is missing, from the system's packages.
set -euo pipefail

have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }
have_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || have initdb; }

missing=()
have mosquitto || missing+=(mosquitto)
have_postgres || missing+=(postgresql)
have chromium || missing+=(chromium)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Some tests will be skipped. As root: apt-get install ${missing[*]}" >&2
    exit 0
fi
echo "installing for the tests: ${missing[*]}"
# The tests start clusters of their own; Debian need not make and start one for the machine.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
for package in "${missing[@]}"; do
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
        echo "could not install $package; the tests that need it will be skipped" >&2
done
