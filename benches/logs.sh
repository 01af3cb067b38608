#!/bin/bash
# logs.sh [ENTRIES]: the lines of containerd's unit out of a journal of all units (1,900,000 entries: 800 MiB), read by coroner
# and by journalctl in turns. Prints seconds, user seconds and the peak of resident memory of each. Needs systemd-journal-remote,
# GNU time and python3. Measured 2026-11-29 (2 shared cores, systemd 257, release build, three turns): journalctl 4.51, 4.76, 4.91 s
# and 260 MiB; coroner 3.17, 2.08, 3.46 s (0.70, 0.44, 0.70 of it) and 62 MiB, all in the same run.
# Of 2,920,000 entries (1,054 MiB, in memory; systemd 252): journalctl 2.05, 2.58, 2.18 s and 255 MiB; coroner 1.89, 2.02, 2.04 s
# (0.92, 0.78, 0.94 of it; of user time 0.73, 0.65, 0.70) and 75 MiB.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=${BENCH_DIR:-${TMPDIR:-/tmp}/coroner-bench}/logs
target=${CARGO_TARGET_DIR:-$root/target}
machine=0123456789abcdef0123456789abcdef
folder=$work/node/var/log/journal/$machine
mkdir -p "$folder"

if [ -z "$(ls "$folder")" ]; then
    python3 - "${1:-1900000}" <<'PYTHON' | /usr/lib/systemd/systemd-journal-remote -o "$folder/system.journal" - 2>/dev/null
import random, sys
random.seed(7)
out = sys.stdout.buffer
units = [("containerd", 12), ("kubelet", 18), ("sshd", 10), ("cron", 10), ("app", 30), ("nginx", 20)]
names, weights = [name for name, _ in units], [weight for _, weight in units]
time = 1764300000_000000
for i in range(int(sys.argv[1])):
    time += random.randint(100, 90000)
    name = random.choices(names, weights)[0]
    key = "%032x" % random.getrandbits(128)
    if name == "containerd":
        level = random.choices(["info", "warning", "error"], [80, 12, 8])[0]
        said = 'time="2025-11-28T%02d:%02d:%02d.%09dZ" level=%s msg="StopPodSandbox for \\"%s\\"" error="rpc error %d"' % (
            i % 24, i % 60, i % 60, i, level, key, i)
    else:
        said = "request %d from 10.0.%d.%d took %d ms path=/a/%s status=200" % (i, i % 250, i % 200, i % 900, key)
    out.write((
        "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=00112233445566778899aabbccddeeff\n_TRANSPORT=stdout\n"
        "PRIORITY=6\nSYSLOG_IDENTIFIER=%s\n_PID=%d\n_UID=0\n_COMM=%s\n_SYSTEMD_UNIT=%s.service\n_HOSTNAME=node\nMESSAGE=%s\n\n"
        % (time, i * 1000 + 1, name, 1000 + len(name), name, name, said)).encode())
PYTHON
fi
cargo build --quiet --release --manifest-path "$root/Cargo.toml" -p logs --example filtered
du -sh "$folder"
for _ in 1 2 3; do
    command time -f "journalctl %e s, user %U s, %M KiB" journalctl -D "$folder" -u containerd -q --no-pager -o short >/dev/null
    command time -f "coroner    %e s, user %U s, %M KiB" "$target/release/examples/filtered" "$work/node"
done
