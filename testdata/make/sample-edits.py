#!/usr/bin/env python3
"""sample-edits.py ROOT: looks at a node that populate filled and storm killed, and prints the edits that break it."""

import json
import os
import pathlib
import subprocess
import sys

CACHE = pathlib.Path(os.environ.get("CORONER_CACHE", "/var/cache/coroner-testdata"))
ROOT = pathlib.Path(sys.argv[1])
LIB = ROOT / "var/lib/containerd"
META = LIB / "io.containerd.metadata.v1.bolt/meta.db"
OVERLAY = LIB / "io.containerd.snapshotter.v1.overlayfs"
BLOBS = LIB / "io.containerd.content.v1.content/blobs/sha256"
PAGE = 4096


def dump(db):
    """Every line of a database's dump, by path: a tuple of names."""
    text = subprocess.run([CACHE / "boltedit", "dump", db], check=True, capture_output=True, text=True).stdout
    lines = {}
    for line in map(json.loads, text.splitlines()):
        path = tuple(bytes.fromhex(part).decode(errors="replace") for part in [*line["bucket"], line["key"]])
        lines[path] = line
    return lines


def value(lines, *path):
    return bytes.fromhex(lines[path]["value"])


def uvarint(octets):
    number = 0
    for shift, octet in enumerate(octets):
        number |= (octet & 0x7F) << 7 * shift
    return number


def layers(meta, image):
    """The layers of an image of namespace default: (blob's digest without its algorithm, chain id), bottom up."""
    import hashlib

    manifest = json.loads((BLOBS / value(meta, "v1", "default", "images", image, "target", "digest").decode()[7:]).read_text())
    config = json.loads((BLOBS / manifest["config"]["digest"][7:]).read_text())
    chain, found = "", []
    for layer, diff in zip(manifest["layers"], config["rootfs"]["diff_ids"]):
        chain = diff if not chain else "sha256:" + hashlib.sha256(f"{chain} {diff}".encode()).hexdigest()
        found.append((layer["digest"][7:], chain))
    return found


def directory(meta, key):
    """The overlayfs directory of a snapshot of namespace default."""
    backend = value(meta, "v1", "default", "snapshots", "overlayfs", key, "name").decode()
    number = uvarint(value(dump(OVERLAY / "metadata.db"), "v1", "snapshots", backend, "id"))
    return OVERLAY / "snapshots" / str(number)


def leaf(meta, *path):
    """The offset of the page that a bucket is on: it must have one of its own, and be that one leaf."""
    line = meta[path]
    if line["page"] != "leaf":
        sys.exit(f"sample-edits: {'/'.join(path)} stands on a {line['page']} page")
    return line["root"] * PAGE


def show(why, path, op, **fields):
    print("\n[[edit]]")
    print(f"path = {json.dumps(str(path.relative_to(ROOT)))}")
    print(f"op = {json.dumps(op)}")
    for key, given in fields.items():
        print(f"{key} = {json.dumps(given)}")
    print(f"why = {json.dumps(why)}")


def main():
    meta = dump(META)
    print("# What a failing disk did to good.tar.zst. Chosen by make/sample-edits.py, applied by make/edits.py.")
    print('base = "good.tar.zst"')

    show("power loss: the file grew, the page's data never reached the disk. It is the leaf that holds the images of "
         "namespace default, so their names are lost and containerd 1.7 panics when it opens the database",
         META, "bytes", at=leaf(meta, "v1", "default", "images"), zeroes=PAGE)

    app, odd, packed = (layers(meta, f"images.example/{name}:1") for name in ("app", "odd", "packed"))
    blob = BLOBS / app[-1][0]
    show("power loss soon after a pull: the second half of the file, and with it its size, never reached the disk",
         blob, "truncate", size=blob.stat().st_size // 2)
    blob = BLOBS / odd[-1][0]
    show("bit rot: same size, another hash; no containerd looks", blob, "bytes", at=blob.stat().st_size // 2, flip=3)
    show("a full disk cleaned by hand: somebody removed what looked like an old layer, and a container stands on it",
         directory(meta, packed[-1][1]), "remove")
    show("power loss after an unpack: overlayfs layers are not fsynced, so a file of a committed layer is empty",
         directory(meta, odd[-1][1]) / "fs/odd/capable", "truncate", size=0)

    state = ROOT / "run/containerd/runc/default/sleeper/state.json"
    show("/run was full when runc wrote it: runc can neither list, stop nor delete this container, which runs on",
         state, "truncate", size=state.stat().st_size // 3)
    show("/run was full: at its next start the daemon takes the shim for dead, and kills a healthy container",
         ROOT / "run/containerd/io.containerd.runtime.v2.task/tenant/worker/address", "truncate", size=0)

    for ingest in sorted((LIB / "io.containerd.content.v1.content/ingest").iterdir()):
        if not (ingest / "ref").exists() or not (ingest / "ref").read_text().endswith("/half-way"):
            continue
        for name in ("startedat", "updatedat"):
            show("a client that went away in September: nothing has been written since, nothing will remove it",
                 ingest / name, "replace", text="2026-09-30T21:04:05.123456789Z", mtime="2026-09-30T21:04:05Z")
        show("as above: the part that had come by then", ingest / "data", "truncate", size=700,
             mtime="2026-09-30T21:04:05Z")
    print("\n# Nothing had to be done for default/fresh: it was created and never started, as a client that dies leaves it.")


main()
