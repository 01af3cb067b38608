#!/usr/bin/env python3
"""edits.py EDITS.toml OUT.tar.zst: applies a readable list of edits to a capture, and bundles the result.

    base = "good.tar.zst"              # beside the list; a folder means its node.tar.zst
    [[edit]]
    path = "var/lib/..."               # in the bundle; path-hex = "..." instead, if it is not UTF-8
    op = "bytes"                       # write at an offset, the size stays:
    at = 20480                         #   hex = "00ff", or zeroes = 4096, or flip = 4 (inverts that bit, 0 to 7, of one byte)
    why = "what it imitates"

    op = "text"       from = "..." to = "..."                each of a text inside a file, of which there must be one
    op = "replace"    text = "..." or hex = "..."            the whole content of a file that is there; for this and add also
                      copy = "another path" or file = "beside the list" (unpacked if it is called .zst)
    op = "truncate"   size = 10
    op = "remove"     a file, or a directory with all in it
    op = "add"        text = "..." or hex = "...", mode = 0o644    a file that is not there (its directories are made)
    op = "directory"
    op = "mode"       mode = 0o644
    op = "device"     c 1:5                                  what is there is replaced
    op = "symlink"    target = "..."                         what is there is replaced
    op = "fifo"       mode = 0o622                           what is there is replaced
    op = "bolt"       changes = [{op = "delete", bucket = ["v1"], key = "k"}]    through bbolt, as boltedit has them;
                      new = true makes a database that is not there;
                      in testdata/cases file = "meta.db.zst" is what came of it, made by make/cases

A step of a path that holds a * is the first, in order, that it matches. `testdata/case` (Rust) applies the same lists in
memory. testdata/cases adds to a list what must be found: code, file, object, also, severity, exit, options.

Edits are applied in order. Times stay as they were, unless mtime = "2026-01-02T03:04:05Z" says otherwise (or
like = "another path", later = seconds): a disk that
loses a page does not touch the inode. Needs root (a capture holds devices) and boltedit for op = "bolt".
"""

import datetime
import fnmatch
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib

MAKE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("CORONER_CACHE", "/var/cache/coroner-testdata"))


def times(path):
    """Nanoseconds of a path and of its directory, to be put back."""
    kept = []
    for each in (path, path.parent):
        if os.path.lexists(each):
            status = os.lstat(each)
            kept.append((each, status.st_atime_ns, status.st_mtime_ns))
    return kept


def put_back(kept):
    for path, atime, mtime in kept:
        if os.path.lexists(path):
            os.utime(path, ns=(atime, mtime), follow_symlinks=False)


def resolve(root, text):
    """A path whose steps may hold a *: the first that each matches."""
    path = root
    for step in text.split("/"):
        if "*" in step:
            path = path / min(name for name in os.listdir(path) if fnmatch.fnmatchcase(name, step))
        else:
            path = path / step
    return path


def content(edit, root, beside):
    if "copy" in edit:
        return resolve(root, edit["copy"]).read_bytes()
    if "file" in edit:
        file = beside / edit["file"]
        if file.suffix == ".zst":
            return subprocess.run(["zstd", "-dcq", file], check=True, capture_output=True).stdout
        return file.read_bytes()
    return edit["text"].encode() if "text" in edit else bytes.fromhex(edit["hex"])


def clear(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


def write_at(path, edit):
    data = bytearray(path.read_bytes())
    at = edit["at"]
    if "zeroes" in edit:
        new = bytes(edit["zeroes"])
    elif "flip" in edit:
        new = bytes([data[at] ^ 1 << edit["flip"]])
    else:
        new = bytes.fromhex(edit["hex"])
    if at + len(new) > len(data):
        sys.exit(f"edits: {path}: {at}+{len(new)} is beyond its {len(data)} bytes")
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(new)


def through_bbolt(path, edit):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(edit["changes"], file)
        file.flush()
        options = ["--no-freelist-sync"] if edit.get("no-freelist-sync") else []
        subprocess.run([CACHE / "boltedit", "edit", *options, path, file.name], check=True)


def apply(root, edit, beside):
    path = resolve(root, edit["path"]) if "path" in edit else root / os.fsdecode(bytes.fromhex(edit["path-hex"]))
    kept = times(path)
    op = edit["op"]
    if op not in ("add", "directory", "device", "symlink", "fifo") and not edit.get("new") and not os.path.lexists(path):
        sys.exit(f"edits: {edit['path']} is not there")
    if op == "bytes":
        write_at(path, edit)
    elif op == "replace":
        with open(path, "r+b") as file:
            file.truncate()
            file.write(content(edit, root, beside))
    elif op == "text":
        data = path.read_bytes()
        if edit["from"].encode() not in data:
            sys.exit(f"edits: {path} does not hold {edit['from']}")
        path.write_bytes(data.replace(edit["from"].encode(), edit["to"].encode()))
    elif op == "truncate":
        os.truncate(path, edit["size"])
    elif op == "remove":
        clear(path)
    elif op == "add":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(edit, root, beside))
        path.chmod(edit.get("mode", 0o644))
    elif op == "directory":
        path.mkdir(parents=True)
    elif op == "mode":
        path.chmod(edit["mode"])
    elif op == "device":
        clear(path)
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    elif op == "symlink":
        clear(path)
        path.symlink_to(edit["target"])
    elif op == "fifo":
        clear(path)
        os.mkfifo(path)
        path.chmod(edit.get("mode", 0o644))
    elif op == "bolt":
        through_bbolt(path, edit)
    else:
        sys.exit(f"edits: no such op: {op}")
    put_back(kept)
    if "like" in edit:
        seconds = os.lstat(resolve(root, edit["like"])).st_mtime + edit.get("later", 0)
        os.utime(path, (seconds, seconds), follow_symlinks=False)
    if "mtime" in edit:
        seconds = datetime.datetime.fromisoformat(edit["mtime"]).timestamp()
        os.utime(path, (seconds, seconds), follow_symlinks=False)


def main():
    listing, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    edits = tomllib.loads(listing.read_text())
    base = listing.parent / edits["base"]
    if base.is_dir():
        base = base / "node.tar.zst"
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        tar = ["tar", "-C", folder, "--zstd", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", base]
        subprocess.run(tar, check=True, env={"PATH": os.environ["PATH"]})
        for edit in edits["edit"]:
            apply(root, edit, listing.parent)
        subprocess.run([MAKE / "capture", "--bundle", folder, out], check=True)


if __name__ == "__main__":
    main()
