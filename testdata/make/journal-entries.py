#!/usr/bin/env python3
"""Entries for systemd-journal-remote, in its export format: journal-entries.py COUNT SEED > FILE

Text, bytes that are no text, values that are long enough to be packed, names that come twice,
several boots: what a reader of journals has to bear.
"""
import os
import random
import sys

count, seed = int(sys.argv[1]), int(sys.argv[2])
random.seed(seed)
out = sys.stdout.buffer
UNITS = ["containerd", "kubelet", "ssh", "cron", "nginx", "docker"]


def field(name, value):
    value = value.encode() if isinstance(value, str) else value
    if all(32 <= byte < 127 for byte in value):
        out.write(name.encode() + b"=" + value + b"\n")
    else:
        out.write(name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n")


def message(number, unit):
    kind = random.random()
    if kind < 0.02:
        return random.randbytes(random.randint(1, 300))
    if kind < 0.05:
        return "x" * random.randint(600, 3000)
    if kind < 0.07:
        return f"two lines\nand a\ttab {number}"
    level = random.choice(["info", "error", "warning"])
    return (f'time="2026-11-28T14:18:06.423207489Z" level={level} '
            f'msg="message number {number} of {unit}" id={random.getrandbits(128):032x}')


time, since_boot, boot = 1764000000000000, 1000000, random.getrandbits(128)
for number in range(count):
    time += random.randint(1, 2000000)
    since_boot += random.randint(1, 2000000)
    if random.random() < 0.01:
        boot, since_boot = random.getrandbits(128), 1000000
    unit = random.choice(UNITS)
    out.write(f"__CURSOR=s=0;i={number}\n__REALTIME_TIMESTAMP={time}\n".encode())
    out.write(f"__MONOTONIC_TIMESTAMP={since_boot}\n_BOOT_ID={boot:032x}\n".encode())
    field("PRIORITY", "6")
    field("_SYSTEMD_UNIT", unit + ".service")
    field("_PID", str(random.randint(1, 32000)))
    field("SYSLOG_IDENTIFIER", unit)
    field("_TRANSPORT", "stdout")
    field("MESSAGE", message(number, unit))
    if random.random() < 0.1:
        field("EXTRA", "one")
        field("EXTRA", "two")
    out.write(b"\n")
