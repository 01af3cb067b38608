"""Damage to a meta.db, for `salvages`: every kind that a disk, a file system or a crash leaves, at places in use.

The pages in use are found by a small reader of its own, which shares nothing with coroner's. `older` is the same file as
it was some transactions before: what a page holds on which the newer write never arrived.
"""

import random
import struct

PAGE = 4096
SECTOR = 512
BRANCH, LEAF, META, FREELIST = 1, 2, 4, 16


def header(data, page):
    return struct.unpack_from("<QHHI", data, page * PAGE)


class Tree:
    """Which page is what in the newest tree of a whole file."""

    def __init__(self, data):
        self.data = data
        metas = [struct.unpack_from("<IIIIQQQQQQ", data, slot * PAGE + 16) for slot in (0, 1)]
        self.slot = 0 if metas[0][8] > metas[1][8] else 1
        _, _, _, _, self.root, _, self.freelist, self.end, self.txid, _ = metas[self.slot]
        self.kind, self.bucket = {}, {}
        self.walk()

    def walk(self):
        stack = [(self.root, ())]
        while stack:
            page, path = stack.pop()
            _, flags, count, overflow = header(self.data, page)
            self.kind[page] = "branch" if flags == BRANCH else "leaf"
            self.bucket[page] = path
            at = page * PAGE
            for index in range(count):
                element = at + 16 + 16 * index
                if flags == BRANCH:
                    stack.append((struct.unpack_from("<IIQ", self.data, element)[2], path))
                    continue
                bucket, pos, ksize, _ = struct.unpack_from("<IIII", self.data, element)
                if bucket & 1:
                    key = self.data[element + pos : element + pos + ksize]
                    (root,) = struct.unpack_from("<Q", self.data, element + pos + ksize)
                    if root:
                        stack.append((root, (*path, key)))
        self.kind[self.root] = "root"

    def of(self, *kinds):
        return sorted(page for page, kind in self.kind.items() if kind in kinds)

    def shared(self):
        """Pages that hold rows of collections, not single objects: the ones that hurt."""
        return sorted(page for page, path in self.bucket.items() if len(path) in (1, 2, 3, 4) and page != self.root
                      and (len(path) < 3 or path[2] in (b"images", b"containers", b"snapshots", b"leases", b"content")
                           and not (path[2] in (b"images", b"containers", b"leases") and len(path) > 3)))


def put(data, at, new):
    data[at : at + len(new)] = new


class Damage:
    def __init__(self, data, older, dice):
        self.data, self.older, self.dice, self.tree, self.told = bytearray(data), older, dice, Tree(data), []

    def tell(self, text):
        self.told.append(text)

    def page(self, *kinds):
        pages = self.tree.of(*kinds)
        shared = [page for page in self.tree.shared() if self.tree.kind[page] in kinds]
        if shared and self.dice.random() < 0.7:
            pages = shared
        return self.dice.choice(pages)

    def name(self, page):
        path = " > ".join(part.decode(errors="replace") for part in self.tree.bucket.get(page, ()))
        return f"page {page} ({self.tree.kind.get(page, 'free')}{', ' + path if path else ''})"

    def zero(self, page, count=1):
        put(self.data, page * PAGE, bytes(count * PAGE))

    def truncate(self, share):
        size = int(self.tree.end * share) * PAGE
        del self.data[size:]
        self.tell(f"cut to {size} bytes, {share:.0%} of the pages in use")

    def lose(self, kind):
        page = self.page(kind)
        if self.dice.random() < 0.7:
            self.zero(page)
            self.tell(f"{self.name(page)} zeroed")
        else:
            put(self.data, page * PAGE, self.dice.randbytes(PAGE))
            self.tell(f"{self.name(page)} is noise")

    def leaf(self):
        self.lose("leaf")

    def branch(self):
        self.lose("branch" if self.tree.of("branch") else "leaf")

    def root(self):
        self.lose("root")

    def freelist(self):
        if self.tree.freelist < self.tree.end:
            self.zero(self.tree.freelist)
            self.tell("freelist zeroed")
        else:
            self.meta()

    def meta(self):
        how = self.dice.choice(("newest", "older", "magic", "sum", "both"))
        slots = {"newest": [self.tree.slot], "older": [1 - self.tree.slot], "both": [0, 1]}.get(how, [self.dice.randrange(2)])
        for slot in slots:
            at = slot * PAGE + 16
            if how == "magic":
                put(self.data, at, b"\0\0\0\0")
            elif how == "sum":
                self.data[at + 56] ^= 0x10
            else:
                self.zero(slot)
        self.tell(f"meta: {how} ({slots})")

    def swap(self):
        one, other = self.page("leaf", "branch"), self.page("leaf", "branch")
        first, second = (self.data[page * PAGE : (page + 1) * PAGE] for page in (one, other))
        put(self.data, one * PAGE, second)
        put(self.data, other * PAGE, first)
        self.tell(f"{self.name(one)} and {self.name(other)} swapped")

    def stale(self):
        changed = [page for page in self.tree.of("leaf", "branch", "root")
                   if (page + 1) * PAGE <= len(self.older) and self.older[page * PAGE : (page + 1) * PAGE] != self.data[page * PAGE : (page + 1) * PAGE]]
        page = self.dice.choice(changed)
        put(self.data, page * PAGE, self.older[page * PAGE : (page + 1) * PAGE])
        self.tell(f"{self.name(page)} holds what it held before")

    def hole(self):
        count = self.dice.choice((4, 16, 64))
        page = self.dice.randrange(2, max(3, self.tree.end - count))
        self.zero(page, min(count, len(self.data) // PAGE - page))
        self.tell(f"{count} pages from {page} punched out")

    def torn(self):
        page = self.page("leaf", "branch", "root")
        sectors = sorted(self.dice.sample(range(8), self.dice.choice((1, 2, 4))))
        how = self.dice.choice(("zero", "noise", "before"))
        for sector in sectors:
            at = page * PAGE + sector * SECTOR
            held = {"zero": bytes(SECTOR), "noise": self.dice.randbytes(SECTOR)}.get(how) or self.older[at : at + SECTOR]
            put(self.data, at, held)
        self.tell(f"sectors {sectors} of {self.name(page)}: {how}")

    def triple(self):
        for _ in range(3):
            getattr(self, self.dice.choice(("leaf", "branch", "meta", "swap", "stale", "hole", "torn", "freelist")))()


def checksum(data, slot):
    """Writes a meta's sum anew: FNV-1a, 64 bits."""
    at, value = slot * PAGE + 16, 0xCBF29CE484222325
    for byte in data[at : at + 56]:
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    struct.pack_into("<Q", data, at + 56, value)


def field(data, dice):
    """One field of one structure in use is another number: what a bit that flipped in memory, or a stray write, makes."""
    tree, data = Tree(data), bytearray(data)
    page = dice.choice(tree.of("leaf", "branch", "root"))
    at = page * PAGE
    count = header(data, page)[2]
    is_leaf = tree.kind[page] == "leaf" or header(data, page)[1] == LEAF
    element = at + 16 + 16 * dice.randrange(max(1, count))
    meta = dice.choice((0, 1)) * PAGE + 16
    fields = {"page id": (at, "<Q"), "page flags": (at + 8, "<H"), "page count": (at + 10, "<H"), "page overflow": (at + 12, "<I")}
    fields |= ({"element flags": (element, "<I"), "element position": (element + 4, "<I"), "key size": (element + 8, "<I"), "value size": (element + 12, "<I")}
               if is_leaf else {"element position": (element, "<I"), "key size": (element + 4, "<I"), "child": (element + 8, "<Q")})
    if is_leaf:
        flags, position, key, value = struct.unpack_from("<IIII", data, element)
        start = element + position
        fields |= {"first byte of a key": (start, "<B"), "last byte of a key": (start + max(0, key - 1), "<B")}
        if flags & 1:
            fields |= {"root of a bucket": (start + key, "<Q"), "sequence of a bucket": (start + key + 8, "<Q")}
            if value > 16:
                inner = start + key + 16
                fields |= {"id of an inline page": (inner, "<Q"), "flags of an inline page": (inner + 8, "<H"), "count of an inline page": (inner + 10, "<H"),
                           "element of an inline page": (inner + 16 + 4 * dice.randrange(4), "<I")}
    fields |= {f"meta: {name}": (meta + offset, kind) for name, offset, kind in [
        ("magic", 0, "<I"), ("version", 4, "<I"), ("page size", 8, "<I"), ("flags", 12, "<I"), ("root", 16, "<Q"), ("sequence", 24, "<Q"),
        ("freelist", 32, "<Q"), ("high water", 40, "<Q"), ("txid", 48, "<Q"), ("sum", 56, "<Q")]}
    if tree.freelist < tree.end and header(data, tree.freelist)[1] == FREELIST:
        free = tree.freelist * PAGE
        fields |= {"flags of the freelist": (free + 8, "<H"), "count of the freelist": (free + 10, "<H"),
                   "id of the freelist": (free + 16 + 8 * dice.randrange(max(1, header(data, tree.freelist)[2])), "<Q")}
    name = dice.choice(sorted(fields))
    where, kind = fields[name]
    (old,) = struct.unpack_from(kind, data, where)
    top = (1 << 8 * struct.calcsize(kind)) - 1
    new = dice.choice([0, 1, top, old ^ 1 << dice.randrange(8 * struct.calcsize(kind)), (old + 1) & top, (old - 1) & top, page, tree.root,
                       dice.randrange(tree.end), tree.end + 7]) & top
    struct.pack_into(kind, data, where, new)
    if name.startswith("meta: ") and name != "meta: sum" and dice.random() < 0.7:
        checksum(data, where // PAGE)
    return bytes(data), f"{name} of page {where // PAGE}: {old:#x} is {new:#x}"


KINDS = [*(f"truncate-{part}" for part in range(5, 101, 5)), *["leaf"] * 9, *["branch"] * 5, *["root"] * 2, "freelist",
         *["meta"] * 7, *["swap"] * 5, *["stale"] * 6, *["hole"] * 5, *["torn"] * 7, *["triple"] * 8]


def damaged(data, older, number, seed):
    """The bytes of damage `number`, and what it is."""
    kind = KINDS[number % len(KINDS)]
    damage = Damage(data, older, random.Random(f"{seed}/{number}"))
    if kind.startswith("truncate-"):
        damage.truncate((int(kind.removeprefix("truncate-")) - 2) / 100)
    else:
        getattr(damage, kind)()
    return bytes(damage.data), kind, "; ".join(damage.told)


class Rare:
    """Damages that hardly any field makes, each named as the code that tells it."""

    def __init__(self, data, dice):
        self.data, self.dice, self.tree = bytearray(data), dice, Tree(data)

    def leaf(self, least=2, below=None):
        """A leaf that is no root, with so many elements."""
        fits = [page for page in self.tree.of("leaf") if header(self.data, page)[1] == LEAF and header(self.data, page)[2] >= least]
        return self.dice.choice([page for page in fits if below is None or page in below])

    def element(self, page, index):
        """Where an element of a leaf is, and its fields: flags, position, size of the key, size of the value."""
        at = page * PAGE + 16 + 16 * index
        return at, struct.unpack_from("<IIII", self.data, at)

    def buckets(self, inline):
        """Where elements are whose value is a bucket, with the offset of the value and its size."""
        for page in self.tree.of("leaf", "root"):
            if header(self.data, page)[1] != LEAF:
                continue
            for index in range(header(self.data, page)[2]):
                at, (flags, position, key, value) = self.element(page, index)
                if flags & 1 and (struct.unpack_from("<Q", self.data, at + position + key)[0] == 0) == inline:
                    yield at, at + position + key, value

    def below_branches(self):
        """Leaves of branches, each with its place among its siblings and their number."""
        found = {}
        for page in self.tree.of("branch", "root"):
            if header(self.data, page)[1] == BRANCH:
                count = header(self.data, page)[2]
                for index in range(count):
                    child = struct.unpack_from("<IIQ", self.data, page * PAGE + 16 + 16 * index)[2]
                    if header(self.data, child)[1] == LEAF:
                        found[child] = (index, count)
        return found

    def append(self, pages):
        """Puts pages behind the last one that is used, and lets a bucket's root be the first."""
        end = self.tree.end
        del self.data[end * PAGE :]
        self.data += b"".join(pages)
        _, value, _ = self.dice.choice(list(self.buckets(False)))
        struct.pack_into("<Q", self.data, value, end)
        for slot in (0, 1):
            struct.pack_into("<Q", self.data, slot * PAGE + 16 + 40, len(self.data) // PAGE)
            checksum(self.data, slot)

    def file_short(self):
        del self.data[self.dice.randrange(self.tree.end // 2, self.tree.end) * PAGE :]

    def no_meta(self):
        put(self.data, 0, bytes(2 * PAGE))

    def not_bolt(self):
        self.data = bytearray(self.dice.randbytes(len(self.data)))

    def freelist_self(self):
        if self.tree.freelist >= self.tree.end:
            return False
        at = self.tree.freelist * PAGE
        count = header(self.data, self.tree.freelist)[2]
        ids = sorted([*struct.unpack_from(f"<{count - 1}Q", self.data, at + 16), self.tree.freelist]) if count else [self.tree.freelist]
        struct.pack_into("<H", self.data, at + 10, len(ids))
        struct.pack_into(f"<{len(ids)}Q", self.data, at + 16, *ids)

    def inline_length(self):
        found = []
        for _, value, _ in self.buckets(True):
            last = value + 16 + 16 + 16 * (self.inline(value) - 1)
            (length,) = struct.unpack_from("<I", self.data, last + 12)
            if self.inline(value) and length:
                found.append((last, length))
        last, length = self.dice.choice(found)
        struct.pack_into("<I", self.data, last + 12, length - 1)

    def inline(self, value):
        """How many elements an inline page has."""
        return struct.unpack_from("<H", self.data, value + 16 + 10)[0]

    def inline_nested(self):
        _, value, _ = self.dice.choice([each for each in self.buckets(True) if self.inline(each[1])])
        struct.pack_into("<I", self.data, value + 16 + 16, 1)

    def key_empty(self):
        page = self.leaf()
        at, (flags, position, key, value) = self.element(page, 0)
        struct.pack_into("<IIII", self.data, at, flags, position, 0, key + value)

    def key_past_branch(self):
        page = self.leaf(1, {page for page, (index, count) in self.below_branches().items() if index < count - 1})
        at, (_, position, _, _) = self.element(page, header(self.data, page)[2] - 1)
        self.data[at + position] = 0xFF

    def page_empty(self):
        page = self.leaf(1, self.below_branches())
        put(self.data, page * PAGE + 10, bytes(PAGE - 10))

    def page_zero(self):
        put(self.data, self.leaf(1) * PAGE, bytes(PAGE))

    def page_garbled(self):
        page = self.leaf(1)
        put(self.data, page * PAGE + 10, struct.pack("<H", 200))
        put(self.data, page * PAGE + 16, self.dice.randbytes(PAGE - 16))

    def key_long(self):
        end, key = self.tree.end, b"k" * 33000
        page = struct.pack("<QHHI", end, LEAF, 1, 8) + struct.pack("<IIII", 0, 16, len(key), 1) + key + b"v"
        self.append([page + bytes(9 * PAGE - len(page))])

    def lost_write(self, older):
        """A page that the newest transaction wrote holds what was there before it."""
        changed = [page for page in self.tree.of("leaf", "branch") if older[page * PAGE : (page + 1) * PAGE] != self.data[page * PAGE : (page + 1) * PAGE]]
        page = self.dice.choice([page for page in changed if header(older, page)[1] in (LEAF, BRANCH)] or changed)
        put(self.data, page * PAGE, older[page * PAGE : (page + 1) * PAGE])


RARE = [name for name in vars(Rare) if not name.startswith("_") and f"bolt/{name.replace('_', '-')}" in """
    bolt/file-short bolt/no-meta bolt/not-bolt bolt/freelist-self bolt/inline-length bolt/inline-nested bolt/key-empty
    bolt/key-past-branch bolt/page-empty bolt/page-zero bolt/page-garbled bolt/key-long bolt/lost-write""".split()]


def rare(data, older, name, dice):
    """The database with the rare damage `name`; `older` is the same file a transaction before. None: there is
    nothing to be damaged (daemons of 1.7 and later keep no freelist on the disk)."""
    damage = Rare(data, dice)
    made = getattr(damage, name)(*([older] if name == "lost_write" else []))
    return None if made is False else bytes(damage.data)
