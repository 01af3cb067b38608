#!/bin/bash
# bolt.sh [MIB...]: `coroner-bolt check` against bbolt's own check, in one run, on generated databases (1024 MiB if no
# size is given) with and without a freelist. Prints ratios; needs hyperfine, zstd, Go and bbolt of Debian's suites
# (testdata/make/suites fetches them). With COLD=1 (as root) the page cache is dropped before each run, and the file is
# also read from front to back by dd, which is as fast as anything can be. Growth: bolt.sh 64 256 1024 4096. Files of more
# than 1 GiB are removed at the end. On a machine that is not quiet, believe the minima and the cpu time.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=${BENCH_DIR:-${TMPDIR:-/tmp}/coroner-bench}
target=${CARGO_TARGET_DIR:-$root/target}
runs=${RUNS:-10}
[ $# -gt 0 ] || set -- 1024
mkdir -p "$work"

cargo build --quiet --release --manifest-path "$root/Cargo.toml" -p coroner-bolt -p chores
"$root/testdata/bolt/make/build" "$root/benches/bbolt-check/main.go" "$work/bbolt-check"

peak() { # COMMAND...: peak resident and peak anonymous memory in KiB
    "$@" >/dev/null &
    local pid=$! resident=0 anonymous=0 now
    while now=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
        [ "$now" -gt "$anonymous" ] && anonymous=$now
        now=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null || echo 0)
        [ "${now:-0}" -gt "$resident" ] && resident=$now
    done
    wait "$pid" || true
    echo "$((resident / 1024)) MiB resident, $((anonymous / 1024)) MiB anonymous"
}

for mib; do
    for mode in synced unsynced; do
        file=$work/big-$mib-$mode.db
        flag=
        [ "$mode" = synced ] || flag=--no-freelist-sync
        # shellcheck disable=SC2086  # no flag, or one
        [ -e "$file" ] || "$target/release/chores" big-db --mib "$mib" $flag "$file"
        prepare=(cat "$file")
        [ "${COLD:-0}" = 0 ] || prepare=(sh -c 'sync; echo 3 >/proc/sys/vm/drop_caches')
        ${prepare[0]} "${prepare[@]:1}" >/dev/null
        hyperfine --style none --runs "$runs" --export-json "$work/result.json" --shell none \
            ${COLD:+--prepare "$(printf '%q ' "${prepare[@]}")"} \
            "$target/release/coroner-bolt check --quiet $file" "$work/bbolt-check $file" \
            "dd if=$file of=/dev/null bs=4M status=none" >/dev/null
        echo "$mib MiB, freelist $mode:"
        python3 - "$work/result.json" <<'END'
import json, sys
ours, theirs, bound = json.load(open(sys.argv[1]))["results"]
line = lambda name, r: print(f"  {name:13} {r['median']:.3f} s (min {r['min']:.3f}), cpu {r['user'] + r['system']:.3f} s")
line("coroner-bolt", ours)
line("bbolt", theirs)
line("dd bs=4M", bound)
cpu = (theirs["user"] + theirs["system"]) / (ours["user"] + ours["system"])
print(f"  ratio         {theirs['median'] / ours['median']:.1f} of the medians, {theirs['min'] / ours['min']:.1f} of the"
      f" minima, {cpu:.1f} of cpu time")
print(f"  of dd         {ours['median'] / bound['median']:.2f} of the medians, {ours['min'] / bound['min']:.2f} of the"
      " minima")
END
        echo "  coroner-bolt  $(peak "$target/release/coroner-bolt" check --quiet "$file")"
        echo "  bbolt         $(peak "$work/bbolt-check" "$file")"
        [ "$mib" -le 1024 ] || rm "$file"
    done
done
