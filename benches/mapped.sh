#!/bin/bash
# mapped.sh FILE: a file (a core, a database) read through formats/mapped (memmap2) and with pread(2), at scattered
# places and in order, in pieces of 8 bytes to 256 KiB. Warm: each is run once before it is measured; medians of five.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[ $# = 1 ] || { echo "usage: mapped.sh FILE" >&2; exit 2; }
cargo run --quiet --release --manifest-path "$root/Cargo.toml" -p mapped --example pread -- "$1"
