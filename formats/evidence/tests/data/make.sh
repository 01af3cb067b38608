#!/bin/sh
# Makes the captures in this folder, as root: the same small tree, packed by GNU tar, bsdtar and Go.
# Needs tar, bsdtar (libarchive-tools), go, zstd, setfattr (attr). Versions that made what is
# committed: GNU tar 1.34, bsdtar 3.6.2, go1.19.8, zstd 1.5.4 (Debian 12).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/t/var/dir"
cd "$work/t/var"
printf 'plain\n' > plain
ln plain also-plain
ln -s plain link
mkfifo -m 622 exec.fifo
mknod zero c 1 5
mknod gone c 0 0
printf x > "$(printf 'not \377 utf-8')"
truncate -s 1000003 sparse
for at in 0 131072 262144 393216 524288 655360; do
    printf data | dd of=sparse bs=1 seek="$at" conv=notrunc status=none
done
# A change of owner takes setuid and capabilities away: first the owner.
chown 100000:3000000 plain
setfattr -n trusted.overlay.opaque -v y dir
setfattr -n trusted.overlay.origin -v 0x00fb210a31322061 dir
setfattr -n security.capability -v 0x010000020a0a00000a00000000000000000a0000 plain
chmod 4751 plain
touch -d '2023-11-14T22:13:20.123456789Z' plain dir
cd ..
gnu() { tar -c --numeric-owner --xattrs --xattrs-include='*' "$@" var | zstd -19 -q; }
gnu --format=posix -S --sparse-version=0.0 > "$here/gnu-posix-0.0.tar.zst"
gnu --format=posix -S --sparse-version=0.1 > "$here/gnu-posix-0.1.tar.zst"
gnu --format=posix -S --sparse-version=1.0 > "$here/gnu-posix-1.0.tar.zst"
tar -c --numeric-owner --format=gnu -S var | zstd -19 -q > "$here/gnu-old.tar.zst"
bsdtar -c --format=pax --numeric-owner -f - var | zstd -19 -q > "$here/bsdtar-pax.tar.zst"
go run "$here/pack.go" var | zstd -19 -q > "$here/go-pax.tar.zst"
