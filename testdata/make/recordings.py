"""Trees of nodes as they were, and what real programs then did to them: kept once, judged as often as one likes.

A recording of starts is a folder with

    base.tar.zst       the tree that most starts began with
    starts.tar.zst     of each start NUMBER/tree.tar (what differs from the base, or all of it), NUMBER/removed, NUMBER/log
                       (what the daemon logged)
    truth.json         of each start what was done before, and what was seen of the daemon, by eyes other than coroner's

Nothing in it comes from coroner, and no verdict is kept: what coroner says is compared anew each time.
"""

import contextlib
import filecmp
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import tempfile

# Parts of a node's tree that a start of the daemon depends on.
PARTS = ("etc", "srv", "var/lib/containerd", "var/lib/cni", "var/lib/dpkg", "run/containerd")
TAR = ["--format=posix", "--pax-option=delete=atime,delete=ctime", "-S", "--xattrs", "--xattrs-include=*", "--numeric-owner"]


def copy_parts(tree, target):
    """A copy of these parts of a tree; nothing that is mounted inside them."""
    for part in PARTS:
        if (tree / part).exists():
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", "--sparse=always", "--one-file-system", "--", tree / part, target / part],
                           check=True, stderr=subprocess.DEVNULL)


def entries(tree):
    """Every path below a tree, with what identifies it."""
    found = {}
    for folder, folders, files in os.walk(tree):
        for name in folders + files:
            path = pathlib.Path(folder, name)
            about = path.lstat()
            more = os.readlink(path) if stat.S_ISLNK(about.st_mode) else ""
            xattrs = [(key, os.getxattr(path, key, follow_symlinks=False)) for key in sorted(os.listxattr(path, follow_symlinks=False))]
            size = about.st_size if stat.S_ISREG(about.st_mode) else about.st_rdev
            found[os.path.relpath(path, tree)] = (about.st_mode, about.st_uid, about.st_gid, size, about.st_mtime_ns, more, xattrs)
    return found


def is_socket(mode):
    return stat.S_ISSOCK(mode)


def sockets(tree):
    """Sockets, which tar leaves out: path, mode, owner."""
    return sorted([path, each[0], each[1], each[2]] for path, each in entries(tree).items() if is_socket(each[0]))


def differences(base, tree):
    """What is not in the tree any more, and what is in it and not (or not so) in the base."""
    old, new = entries(base), entries(tree)

    def same(path):
        if old.get(path) != new[path]:
            return False
        return not stat.S_ISREG(new[path][0]) or filecmp.cmp(base / path, tree / path, shallow=False)

    removed = [path for path in old if path not in new or stat.S_IFMT(old[path][0]) != stat.S_IFMT(new[path][0])]
    changed = [path for path in new if not is_socket(new[path][0]) and not same(path)]
    return sorted(removed), sorted(changed)


def pack(tree, out, paths=None):
    """A tar of a tree, or of these paths of it alone."""
    words = ["tar", "-C", tree, *TAR, "-cf", out]
    if paths is None:
        subprocess.run([*words, "--sort=name", "."], check=True, stderr=subprocess.DEVNULL)
        return
    with tempfile.NamedTemporaryFile() as listing:
        listing.write(b"".join(os.fsencode(path) + b"\0" for path in paths))
        listing.flush()
        subprocess.run([*words, "--no-recursion", "--null", "--verbatim-files-from", "-T", listing.name], check=True)


def unpack(tar, tree, *more):
    tree.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "-C", tree, "--xattrs", "--xattrs-include=*", "--numeric-owner", *more, "-xpf", tar], check=True)


def squeeze(folder, out):
    """A compressed tar of a folder: what its files share is stored once."""
    with open(out, "wb") as file:
        tar = subprocess.Popen(["tar", "-C", folder, "--format=posix", "--sort=name", "--mtime=@0", "--owner=0", "--group=0",
                                "--pax-option=delete=atime,delete=ctime,delete=mtime", "-cf", "-", "."], stdout=subprocess.PIPE)
        subprocess.run(["zstd", "-q", "-19", "--long=27", "-T2"], stdin=tar.stdout, stdout=file, check=True)
        if tar.wait():
            raise RuntimeError("tar failed")


def expand(archive, folder):
    folder.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(["zstd", "-dcq", "--long=27", archive], stdout=subprocess.PIPE) as zstd:
        subprocess.run(["tar", "-C", folder, "-xf", "-"], stdin=zstd.stdout, check=True)


def make_sockets(tree, listing):
    for path, mode, uid, gid in listing:
        with contextlib.suppress(FileNotFoundError), socket.socket(socket.AF_UNIX) as one:
            # Names of sockets are short; a tree's may not be.
            folder = os.open(tree / os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
            try:
                at = f"/proc/self/fd/{folder}/{os.path.basename(path)}"
                one.bind(at)
                os.chmod(at, stat.S_IMODE(mode))
                os.chown(at, uid, gid)
            finally:
                os.close(folder)


class Recorder:
    """Starts of one release. Where some are kept already, those of the same names are made anew, and the rest stays."""

    def __init__(self, folder):
        self.folder, self.rows = pathlib.Path(folder), []
        self.stage = pathlib.Path(tempfile.mkdtemp(prefix="recorder-"))
        self.base, self.more = None, (self.folder / "truth.json").exists()
        if self.more:
            self.rows = json.loads((self.folder / "truth.json").read_text())
            expand(self.folder / "starts.tar.zst", self.stage / "starts")

    def keep_base(self, tree):
        if self.base is None and not self.more:
            self.base = self.stage / "base"
            copy_parts(tree, self.base)

    def keep(self, tree, whole, name):
        """Keeps a tree as it is before a start. Gives the row in which to say what came of it."""
        for row in [row for row in self.rows if row["state"] == name]:
            self.drop(row)
        whole = whole or self.base is None
        number = f"{max((int(row['number']) for row in self.rows), default=-1) + 1:03}"
        now, slot = self.stage / "now", self.stage / "starts" / number
        shutil.rmtree(now, ignore_errors=True)
        copy_parts(tree, now)
        slot.mkdir(parents=True)
        removed, changed = ([], None) if whole else differences(self.base, now)
        pack(now, slot / "tree.tar", changed)
        (slot / "removed").write_bytes(b"".join(os.fsencode(path) + b"\0" for path in removed))
        row = {"number": number, "state": name, "whole": whole, "sockets": sockets(now)}
        shutil.rmtree(now)
        self.rows.append(row)
        return row

    def drop(self, row):
        """A start that could not be made."""
        self.rows.remove(row)
        shutil.rmtree(self.stage / "starts" / row["number"])

    def log(self, row, text):
        (self.stage / "starts" / row["number"] / "log").write_text(text)

    def close(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.base is not None:
            with tempfile.TemporaryDirectory() as folder:
                pack(self.base, pathlib.Path(folder) / "base.tar")
                subprocess.run(["zstd", "-q", "-19", "-f", pathlib.Path(folder) / "base.tar", "-o", self.folder / "base.tar.zst"], check=True)
        squeeze(self.stage / "starts", self.folder / "starts.tar.zst")
        lines = ",\n".join(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in self.rows)
        (self.folder / "truth.json").write_text(f"[\n{lines}\n]\n")
        shutil.rmtree(self.stage)


class Recording:
    """What a `Recorder` kept."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.rows = json.loads((folder / "truth.json").read_text())
        self.stage = pathlib.Path(tempfile.mkdtemp(prefix="recording-"))
        expand(folder / "starts.tar.zst", self.stage / "starts")
        if (folder / "base.tar.zst").exists():
            subprocess.run(["zstd", "-dqf", folder / "base.tar.zst", "-o", self.stage / "base.tar"], check=True)

    def tree(self, row):
        """The tree as it was before a start."""
        tree, slot = self.stage / "tree", self.stage / "starts" / row["number"]
        subprocess.run(["rm", "-rf", "--one-file-system", "--", tree], check=True)
        tree.mkdir(mode=0o755)
        if not row["whole"]:
            unpack(self.stage / "base.tar", tree)
        for path in (slot / "removed").read_bytes().split(b"\0"):
            path = tree / os.fsdecode(path)
            if path == tree or not os.path.lexists(path):
                continue
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        unpack(slot / "tree.tar", tree)
        make_sockets(tree, row["sockets"])
        return tree

    def log(self, row):
        return (self.stage / "starts" / row["number"] / "log").read_text()

    def close(self):
        subprocess.run(["rm", "-rf", "--one-file-system", "--", self.stage], check=True)
