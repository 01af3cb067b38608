#!/bin/bash
# carve.sh: of the objects that were deleted last, how many `coroner bolt carve` brings back, on files that bbolt wrote
# (testdata/bolt/make/churns, from a fixed seed); and that nothing is called deleted
# that lives or never was: then it fails. Needs Go and bbolt of Debian's suites (testdata/make/suites fetches them).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=${BENCH_DIR:-${TMPDIR:-/tmp}/coroner-bench}/churn
rm -rf "$work"
"$root/testdata/bolt/make/churns" "$work"
CORONER_CHURN=$work cargo test --quiet --release --manifest-path "$root/Cargo.toml" -p bolt --test bolt -- \
    --ignored --nocapture --exact churn::shares_of_other_files
