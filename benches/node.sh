#!/bin/bash
# node.sh [TENTHS...]: `coroner triage` of generated healthy nodes (`cargo xtask big-node`) of so many tenths of 200
# images, 2,000 snapshots and 1,000,000 files; 1, 10 and 30 tenths if none is given. Warm, without hashing, the median of
# RUNS (9) runs, and peak resident memory; then with --usage, which walks every layer, beside `du -s` of the same
# directories in turn; then `coroner df` beside `du -s` of containerd's root, whose bytes and inodes must be equal. What
# the node holds is counted with find and with `coroner meta ls`, not taken from what made it. Needs some 5 GiB and 4 million inodes for 30 tenths; each node is deleted after it was measured,
# unless KEEP=1. With BENCH_DIR they are made there, and a node that is there already is taken as it is.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=${BENCH_DIR:-${TMPDIR:-/tmp}/coroner-bench}
target=${CARGO_TARGET_DIR:-$root/target}
[ $# -gt 0 ] || set -- 1 10 30
mkdir -p "$work"
cargo build --quiet --release --manifest-path "$root/Cargo.toml" -p coroner -p chores

for tenths; do
    node=$work/node-$tenths
    [ -e "$node" ] || nice "$target/release/chores" big-node "$node" --images $((20 * tenths)) \
        --snapshots $((200 * tenths)) --files $((100000 * tenths)) >&2
    python3 - "$target/release/coroner" "$node" "$tenths" "${RUNS:-9}" <<'END'
import json, os, statistics, subprocess, sys, time
coroner, node, tenths, runs = sys.argv[1:]

def run(command):
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    return time.perf_counter() - start, os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024

def measure(command, runs):
    results = [run(command) for _ in range(runs)]
    codes = {code for _, code, _ in results}
    assert codes == {0}, f"{command}: {codes}: not healthy"
    return statistics.median(r[0] for r in results), max(r[2] for r in results)

answer = json.loads(subprocess.run([coroner, "triage", "--format", "json", node], capture_output=True).stdout)["answer"]
above = [f["code"] for f in answer["findings"] if f["severity"] != "note"]
assert not above, above
snapshots = os.path.join(node, "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots")
measure(["du", "-s", snapshots], 1)                 # warm
plain, plain_peak = measure([coroner, "triage", node], int(runs))
few = max(3, int(runs) // 3)
usage, usage_peak = measure([coroner, "triage", "--usage", node], few)
du, _ = measure(["du", "-s", snapshots], few)

# What is really there, and that all of it was judged.
root = os.path.join(node, "var/lib/containerd")
listed = lambda kind: len(json.loads(subprocess.run([coroner, "meta", "ls", kind, "--format", "json", node],
    capture_output=True, check=True).stdout)["answer"]["objects"])
targets = {each["target"] for each in json.loads(subprocess.run([coroner, "df", "--no-usage", "--format", "json", node],
    capture_output=True, check=True).stdout)["answer"]["images"]}
files = sum(len(names) for _, _, names in os.walk(snapshots))
covered = answer["coverage"]
assert not covered["unread"] and not covered["unknown"], covered
assert {each["code"] for each in covered["abstained"]} <= {"blob/altered", "snapshot/usage-differs"}, covered["abstained"]
print(f"{int(tenths) / 10:5.1f} x  {len(targets)} images, {listed('snapshots')} rows of snapshots, {len(os.listdir(snapshots))} "
      f"directories, {files} files and links in them", flush=True)

df_json = lambda: json.loads(subprocess.run([coroner, "df", "--format", "json", node], capture_output=True, check=True).stdout)
total = df_json()["answer"]["total"]
du_of = lambda *options: int(subprocess.run(["du", "-s", *options, root], capture_output=True, check=True).stdout.split()[0])
theirs = {"allocated": du_of("--block-size=1"), "inodes": du_of("--inodes")}
ours = {key: total[key] for key in theirs}
assert ours == theirs, f"df {ours}, du {theirs}"
df, df_peak = measure([coroner, "df", node], few)
du_all, _ = measure(["du", "-s", root], few)
print(f"{int(tenths) / 10:5.1f} x  df {df:6.2f} s  {df_peak:6.1f} MiB   du -s {du_all:6.2f} s   both {ours['allocated']} bytes, "
      f"{ours['inodes']} inodes", flush=True)
print(f"{int(tenths) / 10:5.1f} x  {len(os.listdir(snapshots)):6} snapshots  triage {plain:6.2f} s  {plain_peak:6.1f} MiB"
      f"   --usage {usage:6.2f} s  {usage_peak:6.1f} MiB   du -s {du:6.2f} s")
END
    [ "${KEEP:-0}" = 1 ] || rm -rf "$node"
done
