#!/bin/bash
# runtime.sh [CONTAINERS [RELEASE]]: `coroner runtime stuck` on a live node of so many containers of a real runc (500, of
# bookworm): half of them created and never started, half sleeping. Inside a box; the median and the best of RUNS (9) runs,
# warm, and peak resident memory. Goal: 300 ms and 50 MiB. Then `coroner collect` of the same node.
# Needs root and what testdata/make/{suites,tools} make.
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-500} release=${2:-bookworm} runs=${RUNS:-9}
cargo build --release --quiet -p coroner
coroner=$(realpath "${CARGO_TARGET_DIR:-target}/release/coroner")
box=bench-runtime-$$
make=testdata/make
trap '$make/box remove "$box" >/dev/null' EXIT

$make/box start "$box" "$release"
dir=$($make/box state-dir "$box")
cp "$coroner" "$dir/usr/bin/"
mkdir -p "$dir/srv/b/rootfs"
cp "${CORONER_CACHE:-/var/cache/coroner-testdata}/programs/sleeper" "$dir/srv/b/rootfs/"
cat >"$dir/srv/make" <<'END'
cd /srv/b && runc spec
busybox sed -i -e 's/"terminal": true/"terminal": false/' -e 's/"sh"/"\/sleeper"/' config.json
n=0
while [ $n -lt "$1" ]; do
    n=$((n + 1))
    runc create --bundle /srv/b c$n </dev/null >/dev/null 2>&1 || exit 1
    [ $((n % 2)) = 0 ] || runc start c$n
done
END
begun=$SECONDS
$make/box exec "$box" busybox sh /srv/make "$count"
echo "$count containers made in $((SECONDS - begun)) s; $(find /proc -maxdepth 1 -name '[0-9]*' | wc -l) processes on the machine"
sleep 11

# measured WHAT COMMAND...: inside; exit 4 and 8 are answers. The clock runs inside; the peak is what the kernel tells of
# the command and whom it started (busybox's `time %M` says four times as much; below some 11 MiB it is python's own).
measured() {
    local what=$1 n
    shift
    cat >"$dir/srv/run" <<'END'
busybox time -f '%e' "$@" >/tmp/out 2>/tmp/err
code=$?
busybox tail -n 1 /tmp/err
[ $code -le 12 ] || { busybox cat /tmp/err >&2; exit 1; }
END
    for n in $(seq "$runs"); do
        python3 -c 'import os, sys
child = os.fork()
if child == 0: os.execvp(sys.argv[1], sys.argv[1:])
used = os.wait4(child, 0)
print("", used[2].ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(used[1]))' "$make/box" exec "$box" busybox sh /srv/run "$@" | tr -d '\n'
        echo
    done | sort -n | awk -v what="$what" '{ t[NR] = $1; if ($2 > m) m = $2 }
        END { printf "%-22s median %.2f s, best %.2f s, %.1f MiB\n", what, t[int((NR + 1) / 2)], t[1], m / 1024 }'
}
measured 'runtime stuck' coroner runtime stuck --quiet /
measured 'runtime stuck, JSON' coroner runtime stuck --all --quiet --format json /
measured 'runtime ls' coroner runtime ls --quiet /
measured 'collect' busybox sh -c 'rm -f /tmp/b; exec coroner collect --quiet -o /tmp/b /'
