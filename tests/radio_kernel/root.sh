#!/bin/sh
# Called by mmdebstrap with the new system's folder, as its root: adds the kernel, its modules and
# the Python packages, and writes what QEMU boots. $2 holds `lib`, `initrd-init` and receives the rest.
# $3 is the release that the kernel is of, if it is another one.
set -eu
root=$1 to=$2 release=${3:-}
modules="virtio_pci virtio_blk ext4 virtio_rng"
# The kernel would ask for its source of random numbers by itself, but nobody loads modules in there;
# without it Bluetooth has no keys to pair with.
modules="$modules ctr sha512_generic jitterentropy_rng drbg"
modules="$modules bluetooth hci_vhci cmac ecb ccm algif_hash algif_skcipher algif_aead"

chroot "$root" /bin/sh -eu <<KERNEL
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir /kernel && cd /kernel
image=\$(apt-cache ${release:+-o APT::Default-Release=$release} depends linux-image-amd64 | sed -n 's/.*Depends: //p' | head -n 1)
apt-get download -qq "\$image"
# Not installed: it would make an initramfs of its own, for minutes.
dpkg-deb -x "\$image"*.deb .
version=\$(ls lib/modules)
depmod -b /kernel "\$version"
mkdir -p initrd/bin initrd/modules initrd/dev initrd/proc initrd/system
number=100
modprobe -d /kernel -S "\$version" -a --show-depends $modules | sed -n 's/^insmod //p' |
    awk '!seen[\$1]++ {print \$1}' >order
while read -r module; do
    name=\$number-\$(basename "\$module")
    case \$name in
    *.xz) busybox unxz <"\$module" >"initrd/modules/\${name%.xz}" ;;
    *) cp "\$module" "initrd/modules/\$name" ;;
    esac
    number=\$((number + 1))
done <order
cp /bin/busybox initrd/bin/
KERNEL

install -m 755 "$to/initrd-init" "$root/kernel/initrd/init"
chroot "$root" /bin/sh -c 'cd /kernel/initrd && find . | cpio --quiet -o -H newc | gzip -1' >"$to/initrd"
cp "$root"/kernel/boot/vmlinuz-* "$to/kernel"
rm -rf "$root/kernel" "$root/var/lib/apt/lists" "$root/var/cache/apt"
cp -r "$to/lib" "$root/lib-python"
# A Python that is emulated compiles for a minute.
chroot "$root" python3 -m compileall -q /lib-python || true
mkdir -p "$root/code"
# The agent runs here as on a Pi: under an account of its own.
chroot "$root" useradd --system --home /nonexistent --shell /usr/sbin/nologin zodra
chroot "$root" dpkg-query -W -f '${Package} ${Version}\n' bluez dbus-daemon python3 >"$to/versions"
PATH="$PATH:/usr/sbin:/sbin"
# A second view of it, without what is mounted inside.
mkdir "$to/tree"
mount --bind "$root" "$to/tree"
mke2fs -q -t ext4 -d "$to/tree" -m 0 -O ^has_journal "$to/disk" 900M
umount "$to/tree"
rmdir "$to/tree"
