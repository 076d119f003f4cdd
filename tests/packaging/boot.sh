#!/bin/sh
# boot.sh LOWER SCRATCH CGROUP: a Debian that boots its own systemd as process 1, over the files in
# LOWER, which stay as they are. Everything is gone when that process ends: it has its own mounts,
# processes, host name, network (loopback alone) and control groups, and cannot set the clock.
set -e

if [ "$4" != inside ]; then
    echo $$ >"$3/cgroup.procs"
    exec unshare --pid --mount --uts --ipc --net --cgroup --fork --kill-child --propagation private \
        setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-syslog sh "$0" "$1" "$2" "$3" inside
fi
new=$2/new
mount -t tmpfs -o mode=755 tmpfs "$2"
mkdir "$2/upper" "$2/work" "$new"
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" overlay "$new"
mount -t proc proc "$new/proc"
mount --bind "$new/proc/sys" "$new/proc/sys"
mount -o remount,bind,ro "$new/proc/sys"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$new/sys"
mount -t cgroup2 cgroup "$new/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$new/run"
mount -t tmpfs -o mode=755 tmpfs "$new/dev"
for device in null zero full random urandom tty; do
    : >"$new/dev/$device"
    mount --bind "/dev/$device" "$new/dev/$device"
done
mkdir "$new/dev/pts" "$new/dev/shm" "$new/old"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$new/dev/pts"
ln -s pts/ptmx "$new/dev/ptmx"
mount -t tmpfs tmpfs "$new/dev/shm"
ln -s /proc/self/fd "$new/dev/fd"
for number in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${number%:*}" "$new/dev/${number#*:}"; done
ip link set lo up
cd "$new"
pivot_root . old
# As on any machine; a systemd that knows itself in a container leaves this to others, and without it
# no service gets its credentials.
exec chroot . sh -c 'umount -l /old && mount --make-rshared / && exec env -i container=zodra PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --log-target=journal'
