#!/bin/bash
# snapshots.sh [FILES [ROUNDS]]: `coroner snapshots files` and `snapshots diff` of a container on eleven layers that hold FILES
# (264000) entries, beside `find -printf` on the kernel's own overlay mount of the same directories: warm, whole commands,
# in turns, the best and the median of ROUNDS (9) each. Both show mode, owner, size, time, path and link target of every
# entry, and the lists must be equal before anything is measured.
#
# diff is of the container against its image, and of the image against another one that stands on other layers (all of both
# trees is then different: the worst case); its peer is `find -printf` on the two mounts, sorted and given to comm(1).
# Needs root and room for FILES inodes; with BENCH_DIR the node is made there, and taken as it is if it is there already.
set -euo pipefail
files=${1:-264000}
rounds=${2:-9}
root=$(cd "$(dirname "$0")/.." && pwd)
work=${BENCH_DIR:-$(mktemp -d)}
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$work"
[ -n "${BENCH_DIR:-}" ] || trap 'rm -rf "$work"' EXIT
cargo build --quiet --release --manifest-path "$root/Cargo.toml" -p coroner -p chores
node=$work/chain-$files
# Two images of eleven layers, of which they share four, and a container; so many files in each chain.
[ -e "$node" ] || "$target/release/chores" big-node "$node" --images 2 --snapshots 25 --files $((files * 18 / 11)) >&2

unshare --mount python3 - "$target/release/coroner" "$node" "$rounds" "$work" <<'END'
import json, os, statistics, subprocess, sys, time
coroner, node, rounds, work = sys.argv[1:]
snapshots = os.path.join(node, "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots")
rows = json.loads(subprocess.run([coroner, "snapshots", "ls", "--format", "json", node], capture_output=True, check=True)
    .stdout)["answer"]["snapshotters"][0]["snapshots"]
by_name = {row["name"]: row for row in rows}

def chain(row):
    ids = []
    while row:
        ids.append(row["id"])
        row = by_name.get(row["parent"])
    return ids

parents = {row["parent"] for row in rows}
containers = [row for row in rows if row["kind"] == "active"]
container = max(containers, key=lambda row: (len(chain(row)), row["id"]))
images = [row for row in rows if row["kind"] == "committed" and (row["name"] == container["parent"]
    or row["name"] not in parents or any(one["parent"] == row["name"] for one in containers))]
image = by_name[container["parent"]]
other = next(row for row in images if row["name"] != image["name"] and len(chain(row)) == len(chain(image)))

def mount(row, name):
    at = os.path.join(work, name)
    os.makedirs(at, exist_ok=True)
    os.chdir(snapshots)                     # names of layers are relative: options of a mount have 4096 bytes
    lower = ":".join(f"{id}/fs" for id in chain(row))
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"ro,lowerdir={lower}", at], check=True)
    return at

at = {name: mount(row, name) for name, row in [("container", container), ("image", image), ("other", other)]}
FORMAT = r"%m\t%U\t%G\t%s\t%T@\t%P\t%l\n"
def find(name):
    return ["find", at[name], "-printf", FORMAT]
name = lambda row: f"overlayfs/{row['id']}"
files = [coroner, "snapshots", "files", node, name(container)]

# The same entries, in whatever order.
listed = set()
for line in subprocess.run(files + ["--format", "json"], capture_output=True, check=True).stdout.splitlines()[1:-1]:
    row = json.loads(line)
    seconds = row["mtime"]
    listed.add((row["path"].lstrip("/"), int(row["mode"], 8), row["uid"], row["gid"], row["size"] if row["kind"] != "dir" else 0,
        row.get("target") or ""))
shown = set()
for line in subprocess.run(find("container"), capture_output=True, check=True, text=True).stdout.splitlines():
    mode, uid, gid, size, _, path, link = line.split("\t")
    is_dir = os.path.isdir(os.path.join(at["container"], path)) and not link
    shown.add((path, int(mode, 8), int(uid), int(gid), 0 if is_dir else int(size), link))
assert listed == shown, f"not the same: {sorted(listed ^ shown)[:6]}"
print(f"{len(shown)} entries, {len(chain(container))} layers: the same in both", flush=True)

def run(command, output=subprocess.DEVNULL):
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=output, shell=isinstance(command, str), executable="/bin/bash" if isinstance(command, str) else None)
    _, status, usage = os.wait4(child.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 4), f"{command}: {code}"
    return time.perf_counter() - start, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime

def shell(command): return " ".join("'" + word.replace("\\", "\\\\").replace("\\\\", "\\") + "'" for word in command)
def two(one, other):
    return f"LC_ALL=C comm -3 <({shell(find(one))} | LC_ALL=C sort) <({shell(find(other))} | LC_ALL=C sort)"

def compare(what, ours, theirs, peer):
    mine, other = [], []
    run(ours), run(theirs)                  # warm
    for _ in range(int(rounds)):
        mine.append(run(ours))
        other.append(run(theirs))
    best, median = (lambda all: min(one[0] for one in all)), (lambda all: statistics.median(one[0] for one in all))
    print(f"{what:32} coroner {best(mine):6.3f} s (median {median(mine):6.3f}, {max(one[1] for one in mine):5.1f} MiB, "
        f"{statistics.median(one[2] for one in mine):5.2f} s of processor)   {peer} {best(other):6.3f} s (median {median(other):6.3f})   "
        f"ratio {best(mine) / best(other):5.2f}", flush=True)

compare("files", files, find("container"), "find")
compare("files --format json", files + ["--format", "json"], find("container"), "find")
compare("diff, container and image", [coroner, "snapshots", "diff", node, name(container)], two("image", "container"), "2 finds, comm")
compare("diff, two images", [coroner, "snapshots", "diff", node, name(image), "--with", name(other)], two("other", "image"), "2 finds, comm")
END
