"""Random damage, for `preflight --random N`: what is done to the tree of a node, from a seed.

A state does one to three of these, each at a place that the seed picks from the tree as it is then:

    flip      one to eight bits in used pages of meta.db or of overlayfs' metadata.db
    zero      one to four pages of them in a row, or one sector of 512 bytes
    stale     a page of them holds what another one holds (a write that went astray)
    noise     a page, or a sector, of random bytes
    cut       the file ends earlier, at a page or anywhere
    remove    one to four files or folders below containerd's root, state or in its configuration
    shorten   one file there has no bytes, or half of them
    spoil     one to eight bits of one file there are flipped

Half of the pages are picked from those that the tree of the database uses, so that not all hits a free one. Mounts and
sockets are left alone. What was done is `told`, in words.
"""

import os
import pathlib
import random
import shutil
import stat

PAGE = 4096
META = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"
BACKEND = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db"
PLACES = ("var/lib/containerd", "run/containerd", "etc/containerd")
PAGES, FILES = ("flip", "flip", "zero", "zero", "stale", "noise", "cut"), ("remove", "remove", "shorten", "spoil")


class Hurt:
    def __init__(self, root, seed, used):
        """`used` gives the ids of the pages that the tree of a database uses."""
        self.root, self.dice, self.used, self.told = pathlib.Path(root), random.Random(seed), used, []

    def apply(self):
        for _ in range(self.dice.choice((1, 1, 1, 2, 2, 3))):
            op = self.dice.choice(self.dice.choice((PAGES, PAGES, FILES)))
            getattr(self, op)()
        return "; ".join(self.told)

    # --- databases ---

    def database(self):
        path = self.root / self.dice.choice((META, META, BACKEND))
        return path, ("meta.db" if path.name == "meta.db" else "metadata.db")

    def page(self, path):
        """A page below the end of what is used; half of the time one of the tree, sometimes a meta."""
        pages = path.stat().st_size // PAGE if path.is_file() else 0
        if not pages:
            return None
        tree = [each for each in self.used(path) if each < pages]
        if tree and self.dice.random() < 0.6:
            return self.dice.choice(tree)
        top = min(pages, max(tree, default=0) + 4)
        return self.dice.randrange(top)

    def write(self, path, at, data):
        status = path.stat()
        with open(path, "r+b") as file:
            file.seek(at)
            file.write(data)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def flip(self):
        path, name = self.database()
        page = self.page(path)
        if page is None:
            return
        held = bytearray(path.read_bytes()[page * PAGE : (page + 1) * PAGE])
        filled = max(len(held.rstrip(b"\0")), 16)
        ats = [self.dice.randrange(filled) for _ in range(self.dice.choice((1, 1, 2, 8)))]
        for at in ats:
            held[at] ^= 1 << self.dice.randrange(8)
        self.write(path, page * PAGE, held)
        self.told.append(f"{len(ats)} bits of page {page} of {name}")

    def zero(self):
        path, name = self.database()
        page = self.page(path)
        if page is None:
            return
        if self.dice.random() < 0.4:
            sector = self.dice.randrange(8)
            self.write(path, page * PAGE + sector * 512, bytes(512))
            self.told.append(f"sector {sector} of page {page} of {name} zeroed")
        else:
            count = min(self.dice.choice((1, 1, 2, 4)), path.stat().st_size // PAGE - page)
            self.write(path, page * PAGE, bytes(count * PAGE))
            self.told.append(f"{count} pages from {page} of {name} zeroed")

    def stale(self):
        path, name = self.database()
        page, other = self.page(path), self.page(path)
        if page is None or page == other:
            return
        self.write(path, page * PAGE, path.read_bytes()[other * PAGE : (other + 1) * PAGE])
        self.told.append(f"page {page} of {name} holds page {other}")

    def noise(self):
        path, name = self.database()
        page = self.page(path)
        if page is None:
            return
        sector = self.dice.choice((None, self.dice.randrange(8)))
        at, size = (page * PAGE, PAGE) if sector is None else (page * PAGE + sector * 512, 512)
        self.write(path, at, self.dice.randbytes(size))
        self.told.append(f"{'page' if sector is None else f'sector {sector} of page'} {page} of {name} is noise")

    def cut(self):
        path, name = self.database()
        if not path.is_file():
            return
        used = (max(self.used(path), default=1) + 1) * PAGE
        size = self.dice.randrange(used + PAGE)
        if self.dice.random() < 0.7:
            size = size // PAGE * PAGE
        os.truncate(path, size)
        self.told.append(f"{name} cut to {size} bytes")

    # --- the tree ---

    def entries(self, wanted):
        """What lies in the places, deepest layers left out; one in a random folder each, so that the many do not hide the few."""
        at = self.root / self.dice.choice((PLACES[0], PLACES[0], PLACES[0], PLACES[1], PLACES[2]))
        while True:
            if not at.is_dir() or at.is_symlink():
                return None
            names = sorted(os.listdir(at))
            kept = []
            for name in names:
                mode = (at / name).lstat().st_mode
                if not os.path.ismount(at / name) and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    kept.append((name, stat.S_ISDIR(mode)))
            if not kept:
                return None
            name, is_dir = self.dice.choice(kept)
            if not is_dir:
                return at / name
            at = at / name
            # A folder below state may have something mounted on it inside the box, which would go with it.
            is_plain = PLACES[1] not in str(at.relative_to(self.root))
            if wanted == "any" and is_plain and at.parent != self.root and self.dice.random() < 0.25:
                return at

    def some(self, wanted):
        for _ in range(50):
            found = self.entries(wanted)
            if found is not None:
                return found
        return None

    def short(self, path):
        return str(path.relative_to(self.root)).replace("io.containerd.", "").replace("var/lib/containerd", "ROOT")[:90]

    def remove(self):
        for _ in range(self.dice.choice((1, 1, 2, 4))):
            path = self.some("any")
            if path is None:
                return
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
            self.told.append(f"removed {self.short(path)}")

    def shorten(self):
        path = self.some("file")
        if path is None:
            return
        size = self.dice.choice((0, path.stat().st_size // 2))
        os.truncate(path, size)
        self.told.append(f"{self.short(path)} cut to {size} bytes")

    def spoil(self):
        path = self.some("file")
        if path is None or not path.stat().st_size or path.stat().st_size > 1 << 26:
            return
        held = bytearray(path.read_bytes())
        ats = [self.dice.randrange(len(held)) for _ in range(self.dice.choice((1, 2, 8)))]
        for at in ats:
            held[at] ^= 1 << self.dice.randrange(8)
        self.write(path, 0, held)
        self.told.append(f"{len(ats)} bits of {self.short(path)}")
