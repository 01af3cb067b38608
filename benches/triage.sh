#!/bin/bash
# triage.sh: warm `coroner triage` of the embedded sample and of a real node, without hashing; median of 50 runs, and
# peak memory. There is no peer that does the same; for scale, the same run starts `tar t` over the node's bundle.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
cargo build --quiet --release --manifest-path "$root/Cargo.toml"
python3 - "$target/release/coroner" "$root/testdata/nodes/1.7-running/node.tar.zst" <<'END'
import os, statistics, subprocess, sys, time
coroner, node = sys.argv[1:]

def measure(name, command, runs=50):
    seconds, peak = [], 0
    for _ in range(runs):
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(child.pid, 0)
        seconds.append(time.perf_counter() - start)
        peak = max(peak, usage.ru_maxrss)
    print(f"{name:32} {statistics.median(seconds) * 1000:7.1f} ms   {peak / 1024:6.1f} MiB")
    return statistics.median(seconds)

measure("coroner triage --sample", [coroner, "triage", "--sample"])
ours = measure("coroner triage 1.7-running", [coroner, "triage", node])
theirs = measure("tar --zstd -t 1.7-running", ["tar", "--zstd", "-tf", node])
print(f"ratio to listing the same tar    {ours / theirs:7.1f}")
END
