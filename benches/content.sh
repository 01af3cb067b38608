#!/bin/sh
# coroner content verify against openssl, both on all cores, warm, in one run.
#
# usage: benches/content.sh [MEBIBYTES [ROUNDS]]     (1024 and 5 if not given)
#
# Makes a content store of blobs of 4 KiB to 128 MiB in a temporary folder, then hashes all of it
# in turns: `coroner-content verify`, and `openssl dgst -sha256` in as many processes as there are
# cores. The best round of each counts; the ratio is openssl's time through ours, so that 1.00 is as
# fast as openssl and more is faster. openssl only computes; verify also compares, and opens the
# node's databases.
set -eu
mib=${1:-1024}
rounds=${2:-5}
cd "$(dirname "$0")/.."
cargo build --release --quiet -p coroner-content
target=${CARGO_TARGET_DIR:-target}
verify=$(realpath "$target/release/coroner-content")

node=$(mktemp -d)
trap 'rm -rf "$node"' EXIT INT TERM
blobs=$node/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256
mkdir -p "$blobs"

# Sizes of a real store: a few big layers, many small ones, and documents.
left=$mib
for size in 128 64 32 16 8 4 2 1; do
    share=$((mib / 8))
    while [ "$share" -ge "$size" ] && [ "$left" -ge "$size" ]; do
        echo "$size 1M"
        share=$((share - size))
        left=$((left - size))
    done
done > "$node/sizes"
i=0
while [ $i -lt 200 ]; do
    echo "1 4K"
    i=$((i + 1))
done >> "$node/sizes"
number=0
while read -r count unit; do
    number=$((number + 1))
    # Bytes that do not compress, made quickly and always the same.
    head -c "$(numfmt --from=iec "$((count))${unit#1}")" /dev/zero |
        openssl enc -aes-128-ctr -nosalt -pbkdf2 -pass "pass:$number" > "$node/blob"
    digest=$(openssl dgst -sha256 -r "$node/blob")
    mv "$node/blob" "$blobs/${digest%% *}"
done < "$node/sizes"

cores=$(nproc)
now() { date +%s%N; }
ours() { "$verify" verify "$node" --quiet > "$node/ours.txt" || [ $? -eq 4 ] || [ $? -eq 8 ] || [ $? -eq 12 ]; }
# Big blobs first and a few at a time, so that no core waits for the last one.
find "$blobs" -type f -size +1M -print0 > "$node/big"
find "$blobs" -type f ! -size +1M -print0 > "$node/small"
theirs() {
    xargs -0 -n 4 -P "$cores" openssl dgst -sha256 -r < "$node/big" > "$node/theirs.txt"
    xargs -0 -n 200 -P "$cores" openssl dgst -sha256 -r < "$node/small" >> "$node/theirs.txt"
}
# Seconds of processor time that the children of this shell have used.
used() { times > "$node/times"; awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); sum += t[1] * 60 + t[2] } print sum }' "$node/times"; }
best() { # NAME COMMAND: the shortest of its rounds in ns, and all its processor time in s
    used > "$node/before"
    start=$(now); "$2"; end=$(now)
    used > "$node/after"
    eval "old=\${$1:-0}; sum=\${$1_cpu:-0}"
    took=$((end - start))
    if [ "$old" -eq 0 ] || [ "$took" -lt "$old" ]; then eval "$1=$took"; fi
    eval "$1_cpu=$(cat "$node/before" "$node/after" | awk -v sum="$sum" 'NR == 1 { b = $1 } NR == 2 { print sum + $1 - b }')"
}
theirs
round=0
while [ $round -lt "$rounds" ]; do
    best coroner ours
    best openssl theirs
    round=$((round + 1))
done
head -n 1 "$node/ours.txt"
bytes=$(du -sb --apparent-size "$blobs" | cut -f 1)
awk -v b="$bytes" -v c="$coroner" -v o="$openssl" -v n="$cores" -v r="$rounds" \
    -v cc="$coroner_cpu" -v oc="$openssl_cpu" 'BEGIN {
    printf "coroner  %6.2f s  %6.0f MiB/s  %5.2f s of processor time\n", c / 1e9, b / 1048576 / (c / 1e9), cc / r
    printf "openssl  %6.2f s  %6.0f MiB/s  %5.2f s of processor time, %d processes\n", o / 1e9, b / 1048576 / (o / 1e9), oc / r, n
    printf "ratio    %6.2f by the clock, %.2f by processor time (goal 0.95)\n", o / c, oc / cc }'
