"""Random stores for `gc`: edits of meaning to the databases and directories of a real, stopped node.

Everything is read from `boltedit dump` and changed by `boltedit edit`: this shares no code with coroner.
"""
import json
import os
import struct
import subprocess
import time

EPOCH = 62135596800
META = "io.containerd.metadata.v1.bolt/meta.db"
CONTENT = "io.containerd.content.v1.content"
SNAPSHOTTER = "io.containerd.snapshotter.v1."
SNAPSHOTTERS = ["overlayfs", "native"]


def go_time(seconds):
    """Go's time.MarshalBinary."""
    return b"\x01" + struct.pack(">qih", int(seconds) + EPOCH, 0, -1)


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def uvarint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


class Bolt:
    """One database as nested dictionaries, and the edits to be made in it."""

    def __init__(self, boltedit, path, flags):
        self.boltedit, self.path, self.flags, self.edits = boltedit, path, flags, []
        self.tree = {}
        dump = subprocess.run([boltedit, "dump", path], check=True, capture_output=True, text=True).stdout
        for line in dump.splitlines():
            line = json.loads(line)
            at = self.tree
            for step in line["bucket"]:
                at = at[bytes.fromhex(step)]
            value = line["value"]
            at[bytes.fromhex(line["key"])] = {} if value is None else bytes.fromhex(value)

    @staticmethod
    def _hex(data):
        return "hex:" + (data if isinstance(data, bytes) else data.encode()).hex()

    def at(self, *path):
        at = self.tree
        for step in path:
            at = at.get(step if isinstance(step, bytes) else step.encode())
            if not isinstance(at, dict):
                return {}
        return at

    def _edit(self, op, path, key, value=b""):
        self.edits.append({"op": op, "bucket": [self._hex(step) for step in path], "key": self._hex(key), "value": self._hex(value)})

    def bucket(self, *path):
        """Makes every bucket on the way."""
        at = self.tree
        for depth, step in enumerate(path):
            step = step if isinstance(step, bytes) else step.encode()
            if step not in at:
                self._edit("create-bucket", path[:depth], step)
                at[step] = {}
            at = at[step]
        return at

    def put(self, path, key, value):
        key = key if isinstance(key, bytes) else key.encode()
        value = value if isinstance(value, bytes) else value.encode()
        self.bucket(*path)[key] = value
        self._edit("put", path, key, value)

    def delete(self, path, key):
        key = key if isinstance(key, bytes) else key.encode()
        gone = self.at(*path).pop(key)
        self._edit("delete-bucket" if isinstance(gone, dict) else "delete", path, key)

    def write(self):
        if not self.edits:
            return
        edits = self.path + ".edits"
        with open(edits, "w") as file:
            json.dump(self.edits, file)
        subprocess.run([self.boltedit, "edit", *self.flags, self.path, edits], check=True)
        os.remove(edits)
        self.edits = []


def records(meta):
    """(namespace, kind, key) of everything that a collection may delete."""
    found = set()
    for ns, bucket in meta.at("v1").items():
        if not isinstance(bucket, dict):
            continue
        ns_name = os.fsdecode(ns)
        plain = [("lease", ("leases",)), ("image", ("images",)), ("blob", ("content", "blob")), ("ingest", ("content", "ingests"))]
        for kind, way in plain:
            for key, value in meta.at("v1", ns, *way).items():
                if isinstance(value, dict):
                    found.add((ns_name, kind, os.fsdecode(key)))
        for ss, keys in meta.at("v1", ns, "snapshots").items():
            for key, value in keys.items() if isinstance(keys, dict) else []:
                if isinstance(value, dict):
                    found.add((ns_name, "snapshot", os.fsdecode(ss + b"/" + key)))
    return found


class Spoiler:
    """One round of random changes."""

    def __init__(self, random, boltedit, root, release):
        self.random, self.root, self.release = random, root, release
        flags = [] if release == "bookworm" else ["--no-freelist-sync"]
        self.meta = Bolt(boltedit, os.path.join(root, META), flags)
        self.backends = {}
        for name in SNAPSHOTTERS:
            path = os.path.join(root, SNAPSHOTTER + name, "metadata.db")
            if os.path.exists(path):
                self.backends[name] = Bolt(boltedit, path, [])
        self.now = time.time()

    def chance(self, part):
        return self.random.random() < part

    def pick(self, items):
        items = sorted(items)
        return self.random.choice(items) if items else b"sha256:" + b"0" * 64

    def when(self):
        """A value for gc.expire: hours away from now, so that no clock matters; or nonsense."""
        away = self.random.choice([-90000, -3600, 3600, 90000])
        text = rfc3339(self.now + away)
        return self.random.choice([text, text, text, text[:-1] + ".123+00:00", "never", "", text.replace("T", " "), text.replace("T0", "T")])

    def keys(self, ns, *way):
        return [key for key, value in self.meta.at("v1", ns, *way).items() if isinstance(value, dict)]

    def reference(self, ns):
        """A label of the collector's, in one of its forms, to something that is there, or not."""
        blob, image = self.pick(self.keys(ns, "content", "blob")), self.pick(self.keys(ns, "images"))
        ss = self.random.choice(SNAPSHOTTERS)
        snapshot = self.pick(self.keys(ns, "snapshots", ss))
        forms = [
            ("gc.ref.content", blob), ("gc.ref.content.x", blob), ("gc.ref.content/x", blob), ("gc.ref.contentX", blob),
            ("gc.ref.snapshot." + ss, snapshot), ("gc.ref.snapshot." + ss + "/x", snapshot), ("gc.ref.snapshot", snapshot),
            ("gc.ref.image", image), ("gc.ref.image.x", image), ("gc.ref.images", image),
            ("gc.bref.image", image), ("gc.ref.content.gone", b"sha256:" + b"1" * 64), ("gc.root", b"x"), ("gc.root.x", b"x"),
            ("gc.expire", self.when().encode()), ("gc.flat", b"x"),
        ]
        label, value = self.random.choice(forms)
        return "containerd.io/" + label, value or b"-"

    def label(self, path, ns):
        label, value = self.reference(ns)
        self.meta.put((*path, "labels"), label, value)

    def spoil_labels(self, ns):
        kinds = [("images", 0.3), ("containers", 0.3)]
        ways = [(("v1", ns, kind), part) for kind, part in kinds] + [(("v1", ns, "content", "blob"), 0.15)]
        ways += [(("v1", ns, "snapshots", ss), 0.3) for ss in SNAPSHOTTERS]
        ways += [(("v1", ns, "sandboxes"), 0.8)]
        for way, part in ways:
            for key in list(self.keys(*way[1:])):
                path = (*way, key)
                for label in list(self.meta.at(*path, "labels")):
                    drop = 0.55 if label == b"containerd.io/gc.root" else 0.06
                    if label.startswith(b"containerd.io/gc.") and self.chance(drop):
                        self.meta.delete((*path, "labels"), label)
                if self.chance(part):
                    self.label(path, ns)
                if way[2] == "images" and self.chance(0.3):
                    self.meta.put((*path, "labels"), "containerd.io/gc.expire", self.when() or "x")

    def spoil_records(self, ns):
        for kind, part in [("images", 0.15), ("containers", 0.15), ("leases", 0.1)]:
            for key in list(self.keys(ns, kind)):
                if self.chance(part):
                    self.meta.delete(("v1", ns, kind), key)
        for ss in SNAPSHOTTERS:
            for key in list(self.keys(ns, "snapshots", ss)):
                if self.chance(0.04):
                    self.meta.delete(("v1", ns, "snapshots", ss), key)
        for key in list(self.keys(ns, "content", "blob")):
            if self.chance(0.03):
                self.meta.delete(("v1", ns, "content", "blob"), key)
        for ref in list(self.keys(ns, "content", "ingests")):
            path = ("v1", ns, "content", "ingests", ref)
            choice = self.random.choice(["past", "future", "none", "keep", "gone"])
            if choice in ("past", "future"):
                self.meta.put(path, "expireat", go_time(self.now + (3600 if choice == "future" else -3600)))
            elif choice == "none" and b"expireat" in self.meta.at(*path):
                self.meta.delete(path, "expireat")
            elif choice == "gone":
                self.meta.delete(path[:-1], ref)
            if choice != "gone" and self.chance(0.3):
                self.meta.put(path, "expected", self.pick(self.keys(ns, "content", "blob")))

    def add_leases(self, ns):
        for number in range(self.random.randrange(5)):
            path = ("v1", ns, "leases", f"random-{number}")
            self.meta.put(path, "createdat", go_time(self.now))
            if self.chance(0.7):
                self.meta.put((*path, "labels"), "containerd.io/gc.expire", self.when() or "x")
            if self.chance(0.4):
                self.meta.put((*path, "labels"), "containerd.io/gc.flat", self.random.choice(["", "true", "false"]) or "x")
            for _ in range(self.random.randrange(4)):
                self.meta.put((*path, "content"), self.pick(self.keys(ns, "content", "blob")), b"")
            for _ in range(self.random.randrange(4)):
                ss = self.random.choice(SNAPSHOTTERS)
                self.meta.put((*path, "snapshots", ss), self.pick(self.keys(ns, "snapshots", ss)), b"")
            if self.chance(0.3):
                self.meta.put((*path, "ingests"), self.pick(self.keys(ns, "content", "ingests")), b"")
            if self.chance(0.4):
                self.meta.put((*path, "images"), self.pick(self.keys(ns, "images")), b"")

    def add_containers(self, ns):
        for number in range(self.random.randrange(3)):
            ss = self.random.choice([*SNAPSHOTTERS, ""])
            path = ("v1", ns, "containers", f"random-{number}")
            for key, value in [("createdat", go_time(self.now)), ("updatedat", go_time(self.now)), ("image", b"none"),
                               ("snapshotter", ss.encode()), ("snapshotKey", self.pick(self.keys(ns, "snapshots", ss or "overlayfs")))]:
                self.meta.put(path, key, value)
            self.meta.put((*path, "runtime"), "name", "io.containerd.runc.v2")
            if self.chance(0.5):
                self.label(path, ns)

    def add_sandboxes(self, ns):
        """Where 2.x has them, and where 1.7 has them; with the schema of 1.7, 2.x takes the latter over."""
        old = self.meta.at("v1").get(b"version") == b"\x06"
        for way in [("v1", ns), (ns,)]:
            if not self.chance(0.5) or (way == (ns,) and not old):
                continue
            path = (*way, "sandboxes", f"random-{len(way)}")
            self.meta.put(path, "createdat", go_time(self.now))
            self.meta.put(path, "updatedat", go_time(self.now))
            self.meta.put((*path, "runtime"), "name", "io.containerd.runc.v2")
            self.label(path, ns)
            self.label(path, ns)

    def spoil_backends(self):
        for name, db in self.backends.items():
            rows = sorted(db.at("v1", "snapshots"))
            parents = sorted({row[b"parent"] for row in db.at("v1", "snapshots").values() if isinstance(row, dict) and row.get(b"parent")})
            if parents and self.chance(0.25):
                gone = self.random.choice(parents)  # its children hang off nothing from now on
                if gone in db.at("v1", "snapshots"):
                    db.delete(("v1", "snapshots"), gone)
            if rows and self.chance(0.25):
                row = db.at("v1", "snapshots", self.random.choice(rows))
                if b"id" in row:  # a child that is none
                    db.put(("v1", "parents"), row[b"id"] + b"\0" + uvarint(5000), b"nobody")
            if rows and self.chance(0.08):
                key = self.random.choice(rows)
                if key in db.at("v1", "snapshots"):
                    db.put(("v1", "snapshots", key), "createdat", b"\x07")
            db.write()

    def spoil_directories(self):
        for name in self.backends:
            folder = os.path.join(self.root, SNAPSHOTTER + name, "snapshots")
            for extra in ["new-123456", "rm-4", "rm-9", "8001", "0003", "stray"]:
                if self.chance(0.25):
                    inner = ["fs"] if self.chance(0.7) else []
                    os.makedirs(os.path.join(folder, extra, *inner), exist_ok=True)
            if self.chance(0.2):
                with open(os.path.join(folder, "a-file"), "w") as file:
                    file.write("x")
        blobs = os.path.join(self.root, CONTENT, "blobs", "sha256")
        for number in range(self.random.randrange(4)):
            with open(os.path.join(blobs, f"{number:x}" * 64), "w") as file:
                file.write("nobody's")
        if self.chance(0.15):  # the collection of content ends here
            with open(os.path.join(blobs, self.random.choice(["0", "7f-not-a-digest", "zz", "ABC"])), "w") as file:
                file.write("x")
        if self.chance(0.15):
            folder = os.path.join(blobs, self.random.choice("789f") * 64)
            os.makedirs(os.path.join(folder, "x") if self.chance(0.5) else folder, exist_ok=True)
        if self.chance(0.2):
            os.makedirs(os.path.join(self.root, CONTENT, "blobs", "md5", "x"), exist_ok=True)
        ingests = os.path.join(self.root, CONTENT, "ingest")
        for name, ref in [("a" * 64, None), ("b" * 64, "default/1/nobody")]:
            if self.chance(0.3):
                os.makedirs(os.path.join(ingests, name), exist_ok=True)
                if ref:
                    with open(os.path.join(ingests, name, "ref"), "w") as file:
                        file.write(ref)

    def all(self, fatal=False):
        if self.release == "sid" and self.chance(0.3):
            self.meta.put(("v1",), "version", b"\x06")
        for ns in sorted(self.meta.at("v1")):
            if not isinstance(self.meta.tree[b"v1"][ns], dict):
                continue
            ns = os.fsdecode(ns)
            for step in [self.add_sandboxes, self.spoil_records, self.spoil_labels, self.add_containers, self.add_leases]:
                step(ns)
        if fatal:
            path = ("v1", "default", "content", "ingests", "undecodable")
            self.meta.put(path, "ref", "default/1/undecodable")
            self.meta.put(path, "expireat", self.random.choice([b"", b"\x07", b"\x01\x00"]))
        self.meta.write()
        self.spoil_backends()
        self.spoil_directories()
