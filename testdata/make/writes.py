#!/usr/bin/env python3
"""writes.py TRACE NAME BEFORE AFTER: the writes to a database, from strace's record, on standard output.

TRACE is what `strace -f -y -xx -s LARGE -o TRACE -e trace=pwrite64,fdatasync,fsync,ftruncate` wrote; NAME the end of
the file's path; BEFORE and AFTER the file as it was at the start and at the end. Fails unless BEFORE and the writes
give AFTER.

The result is a row of records, numbers little-endian:

    T size:u64                           the file gets this length
    W offset:u64 length:u32 bytes        a write
    S                                    a sync
    E sha256                             the end: what the file must be by now

BEFORE stands in it as a T, a W for each page that is not zero, and an S.
"""

import hashlib
import re
import struct
import sys

CALL = re.compile(r"^(\d+) +(\w+)\((\d+)<([^>]*)>(?:, (.*))?")
DATA = re.compile(r'"((?:\\x[0-9a-f]{2})*)", (\d+), (\d+)')
PAGE = 4096


def events(trace, name):
    """Calls in the order in which they began: one database has one writer, which waits for each."""
    with open(trace, encoding="ascii", errors="replace") as lines:
        for line in lines:
            call = CALL.match(line)
            if not call:
                continue
            # With -xx, strace writes the path in hex, too.
            path = bytes.fromhex(call[4].replace("\\x", "")).decode()
            if not path.endswith("/" + name):
                continue
            if " = -1 " in line:
                sys.exit(f"writes.py: a call failed: {line[:200]}")
            yield call[2], path, call[5] or ""


def main():
    trace, name, before, after = sys.argv[1:]
    out = sys.stdout.buffer
    with open(before, "rb") as file:
        state = bytearray(file.read())
    with open(after, "rb") as file:
        want = file.read()
    out.write(b"T" + struct.pack("<Q", len(state)))
    for at in range(0, len(state), PAGE):
        page = bytes(state[at : at + PAGE])
        if any(page):
            out.write(b"W" + struct.pack("<QI", at, len(page)) + page)
    out.write(b"S")
    counts, paths = {}, set()
    for call, path, rest in events(trace, name):
        counts[call] = counts.get(call, 0) + 1
        paths.add(path)
        if call == "ftruncate":
            size = int(re.match(r"(\d+)", rest)[1])
            state = state[:size] + bytes(max(0, size - len(state)))
            out.write(b"T" + struct.pack("<Q", size))
        elif call == "pwrite64":
            data = DATA.match(rest)
            text, length, at = data[1], int(data[2]), int(data[3])
            written = bytes.fromhex(text.replace("\\x", ""))
            if len(written) != length:
                sys.exit("writes.py: strace cut a write")
            state[len(state) :] = bytes(max(0, at + length - len(state)))
            state[at : at + length] = written
            out.write(b"W" + struct.pack("<QI", at, length) + written)
        else:
            out.write(b"S")
    if len(paths) != 1:
        sys.exit(f"writes.py: not one file: {paths}")
    if bytes(state) != want:
        sys.exit(f"writes.py: the writes do not give the file ({len(state)} and {len(want)} bytes)")
    out.write(b"E" + hashlib.sha256(state).digest())
    print(f"writes.py: {name}: {counts}, {len(state)} bytes, as the daemon left it", file=sys.stderr)


main()
