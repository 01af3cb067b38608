#!/bin/bash
# core.sh [COUNT]: `coroner-core goroutines` against `dlv core` on one core, in one run: a Go program with COUNT goroutines
# (100000) that wait, its core taken by gcore. Prints the ratio, wall and processor time, and our peak memory. Needs a Go
# toolchain ($GO, else go), gdb's gcore, dlv of a release that knows that Go ($DLV), and hyperfine. Also the cores that are named in
# $CORES (core:program), such as those of a shim and a daemon, for which only our own time is told. $CORONER_CORE is a binary that
# is there; else it is built.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=${BENCH_DIR:-${TMPDIR:-/tmp}/coroner-bench}
target=${CARGO_TARGET_DIR:-$root/target}
go=${GO:-go}
runs=${RUNS:-10}
count=${1:-100000}
mkdir -p "$work/crowd"

ours=${CORONER_CORE:-$target/release/coroner-core}
[ -n "${CORONER_CORE:-}" ] || cargo build --quiet --release --manifest-path "$root/Cargo.toml" -p coroner-core

cat >"$work/crowd/main.go" <<'END'
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

//go:noinline
func wait(depth int, to chan int) {
	if depth > 0 {
		wait(depth-1, to)
		return
	}
	<-to
}

func main() {
	count, _ := strconv.Atoi(os.Args[1])
	var started sync.WaitGroup
	to := make(chan int)
	started.Add(count)
	for i := 0; i < count; i++ {
		go func() { started.Done(); wait(i%5, to) }()
	}
	started.Wait()
	fmt.Println("ready")
	// A program without a timer in which all others wait is ended by the runtime itself.
	for {
		time.Sleep(time.Hour)
	}
}
END
(cd "$work/crowd" && GO111MODULE=off CGO_ENABLED=0 GOTOOLCHAIN=local GOCACHE="$work/gocache" "$go" build -o crowd main.go)
program=$work/crowd/crowd
coproc "$program" "$count"
pid=$!
read -r ready <&"${COPROC[0]}"
[ "$ready" = ready ]
gcore -o "$work/crowd/core" "$pid" >/dev/null 2>&1
kill -KILL "$pid"
core=$work/crowd/core.$pid
trap 'rm -f "$core"' EXIT

printf 'goroutines -t\nexit\n' >"$work/crowd/list"
time_of() { # NAME RUNS COMMAND...: minimum and median
    local name=$1 times=$2
    shift 2
    hyperfine --style none --runs "$times" --warmup 1 --export-json "$work/$name.json" --shell none -i \
        "$(printf '%q ' "$@")" >/dev/null
}
time_of ours "$runs" "$ours" goroutines "$core" --exe "$program"
time_of theirs "${DLV_RUNS:-2}" "${DLV:-dlv}" core "$program" "$core" --allow-non-terminal-interactive=true \
    --check-go-version=false --init "$work/crowd/list" || true
found=$("$ours" goroutines "$core" --exe "$program" --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["answer"]["count"])')
python3 - "$work/ours.json" "$work/theirs.json" "$found" "$count" <<'END'
import json, sys
ours, theirs = (json.load(open(path))["results"][0] for path in sys.argv[1:3])
print(f"{sys.argv[3]} goroutines found, {sys.argv[4]} were started")
for name, r in [("coroner-core", ours), ("dlv", theirs)]:
    print(f"  {name:13} {r['median']:.3f} s (min {r['min']:.3f}); processor {r['user'] + r['system']:.3f} s")
of_processor = (theirs["user"] + theirs["system"]) / (ours["user"] + ours["system"])
print(f"  ratio         {theirs['median'] / ours['median']:.1f} of the medians, {theirs['min'] / ours['min']:.1f} of the minima, {of_processor:.1f} of processor time")
END
/usr/bin/time -f "  peak          %M KiB resident" "$ours" goroutines "$core" --exe "$program" --quiet >/dev/null || true

for pair in ${CORES:-}; do
    time_of own "$runs" "$ours" goroutines "${pair%%:*}" --exe "${pair#*:}"
    python3 - "$work/own.json" "$pair" <<'END'
import json, sys
r = json.load(open(sys.argv[1]))["results"][0]
print(f"{sys.argv[2]}: {r['median'] * 1000:.0f} ms (min {r['min'] * 1000:.0f}); processor {(r['user'] + r['system']) * 1000:.0f} ms")
END
done
