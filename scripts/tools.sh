#!/usr/bin/env bash
# What the tests need beside Python packages: each only if it is missing, from the system's packages.
# `scripts/tools.sh faults` also brings what only `make faults` uses; `check`, `deb`, `deb-test`
# and `radio-kernel` bring only what the targets of these names use.
set -euo pipefail

have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }
have_library() { ldconfig -p 2>/dev/null | grep -q "$1" || /sbin/ldconfig -p 2>/dev/null | grep -q "$1"; }
have_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || have initdb; }

missing=()
case "${1:-}" in
deb)
    have dpkg-deb || missing+=(dpkg)
    # What takes the debuggers' part out of compiled modules, of either processor on either.
    have x86_64-linux-gnu-strip || missing+=(binutils-x86-64-linux-gnu)
    have aarch64-linux-gnu-strip || missing+=(binutils-aarch64-linux-gnu)
    ;;
deb-test)
    have debootstrap || missing+=(debootstrap)
    have qemu-aarch64-static || missing+=(qemu-user-static)
    have lintian || missing+=(lintian)
    have mosquitto || missing+=(mosquitto)
    have strace || missing+=(strace)
    have ip || missing+=(iproute2)
    have nsenter || missing+=(util-linux)
    ;;
radio-kernel)
    have qemu-system-x86_64 || missing+=(qemu-system-x86)
    have mmdebstrap || missing+=(mmdebstrap)
    have mke2fs || missing+=(e2fsprogs)
    ;;
*)
    # Its `systemd-analyze` says how closed the gateway's service is; it need not run here.
    have systemd-analyze || missing+=(systemd)
    have dbus-daemon || missing+=(dbus-daemon)
    ;;
esac
if [[ "${1:-}" != @(check|deb|deb-test|radio-kernel) ]]; then
    have mosquitto || missing+=(mosquitto)
    have_postgres || missing+=(postgresql)
    have chromium || missing+=(chromium)
    # The browser tests' driver links to it, and a minimal Debian does not have it.
    have_library libatomic.so.1 || missing+=(libatomic1)
    have setpriv || missing+=(util-linux)
fi
if [ "${1:-}" = faults ]; then
    have strace || missing+=(strace)
    have mkfs.ext4 || missing+=(e2fsprogs)
    compgen -G '/usr/lib/*-linux-gnu*/faketime/libfaketime.so.1' >/dev/null || missing+=(faketime)
fi
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
