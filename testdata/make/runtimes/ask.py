"""Asks coroner of the containers of a box: live, from a bundle, and from files alone."""

import json
import pathlib
import subprocess
import tempfile
import time

from .node import PATIENCE, Failed

WAYS = ["live", "bundle", "disk"]
HEALTHY = ["running", "paused", "exited", "created", "creating", "no-task"]
# Where files alone are left. Sockets, and what containers hold, are not in it; nor is /proc or /sys.
TREES = ["run/runc", "run/crun", "run/youki", "run/user", "run/docker", "run/k3s", "run/odd", "run/containerd", "srv", "var/lib/containerd", "var/lib/rancher", "etc"]


def stuck(done):
    """The containers of an answer; exit codes are answers, too."""
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return None, f"exit {done.returncode}: {(done.stderr or done.stdout)[-300:]}"
    return answer.get("answer", answer), ""


class Answers:
    """What coroner says, each way once."""

    ways = WAYS

    def __init__(self, node, coroner):
        self.node, self.coroner = node, coroner
        self.said, self.series, self.why = {}, {}, {}
        for way in self.ways:
            try:
                answer, self.why[way] = getattr(self, way)()
            except (Failed, subprocess.TimeoutExpired) as error:
                answer, self.why[way] = None, str(error)
            self.said[way] = answer and answer.get("containers")
            self.series[way] = answer and answer.get("series")
            if self.said[way] is None:
                print(f"no answer ({way}): {self.why[way].strip()[:400]}", flush=True)
        self.found = {}

    def live(self):
        """And a bundle at the same time, so that what is young is young in both."""
        done = self.node.run("coroner", "runtime", "stuck", "--all", "--quiet", "--format", "json", "/")
        self.collected = self.node.run("coroner", "collect", "--quiet", "-o", "/tmp/node.bundle", "/")
        self.asked = time.monotonic()
        return stuck(done)

    def bundle(self):
        path = self.node.dir / "tmp/node.bundle"
        if not path.exists():
            return None, f"collect: exit {self.collected.returncode}: {self.collected.stderr[-300:]}"
        return stuck(self.on_host(path))

    def disk(self):
        path = self.node.logs / "disk.tar"
        trees = [each for each in TREES if (self.node.dir / each).exists()]
        subprocess.run(["tar", "-C", self.node.dir, "-S", "--format=posix", "--numeric-owner", "--exclude=srv/*/rootfs",
                        "-cf", path, *trees], stderr=subprocess.DEVNULL)
        return stuck(self.on_host(path))

    def codes(self, way):
        """The codes that triage gives above a note. Of files alone nothing is known of a daemon."""
        if way not in self.found:
            words = ["triage", "--quiet", "--format", "json"]
            if way == "live":
                done = self.node.run("coroner", *words, "/")
            else:
                path = self.node.dir / "tmp/node.bundle" if way == "bundle" else self.node.tar
                done = self.call(*words, *(["--now", self.node.now] if way == "processes" else []), path)
            answer, why = stuck(done)
            if answer is None:
                raise Failed(f"triage ({way}): {why}")
            self.found[way] = {each["code"] for each in answer["findings"] if each["severity"] != "note"}
        return self.found[way]

    def on_host(self, path, *more):
        return self.call("runtime", "stuck", "--all", "--quiet", "--format", "json", *more, path)

    def call(self, *words):
        words = [self.coroner, *words]
        return subprocess.run(list(map(str, words)), capture_output=True, text=True, errors="replace", timeout=60 * PATIENCE)

    def entry(self, way, name):
        """All that is said of a container."""
        name = self.node.ids.get(name, name)
        return [each for each in self.said[way] or [] if text(each.get("id")) == name]

    def strangers(self, way, names):
        """What is said against containers that are just there."""
        known = {self.node.ids.get(name, name) for name in names}
        others = [each for each in self.said[way] or [] if text(each.get("id")) not in known]
        return [f"{text(each.get('id'))} {each['state']}" for each in others if each["state"] not in [*HEALTHY, "unknowable"]]

    def verdict(self, way, state):
        """Of a state whose daemon is at fault, the finding that says so is there, too."""
        told = self.of_container(way, state)
        if "code" in state and way != "disk" and told["verdict"] == "right" and state["code"] not in self.codes(way):
            return {"said": f"{told['said']}, and not {state['code']}", "sure": True, "verdict": "wrong"}
        return told

    def of_container(self, way, state):
        entries = self.entry(way, state["name"])
        if self.said[way] is None:
            return {"said": "-", "sure": True, "verdict": "not-asked"}
        if not entries:
            good = way == "disk" and disk(state, self.node.release) == "nothing"
            return {"said": "nothing", "sure": True, "verdict": "right" if good else "wrong"}
        say = state.get("recorded", state["say"]) if way == "processes" else state["say"]
        worst = next((each for each in entries if each["state"] == say), entries[0])
        if way == "disk":
            told = [of_files(each, state, self.node.release) for each in entries]
            return next((each for each in told if each["verdict"] == "right"), told[0])
        said, sure = worst["state"], worst["sure"]
        if "unsure" in state:
            right = (said, sure) == (state["unsure"], False) and state["say"] in worst["may_be"]
            return {"said": said, "sure": sure, "verdict": "right" if right else "wrong"}
        if "also" in state:
            said_all = sorted(each["state"] for each in entries)
            right = said_all == sorted([state["say"], *state["also"]])
            return {"said": "+".join(said_all), "sure": sure, "verdict": "right" if right else "wrong"}
        if len(entries) > 1:
            said_all = sorted({each["state"] for each in entries})
            others = [each for each in said_all if each != state["say"] and each not in HEALTHY]
            if others:
                said, sure = "+".join(said_all), False
        return {"said": said, "sure": sure, "verdict": "right" if said == say else "wrong"}

    def of_series(self, way, wanted):
        """Whether those that came one after the other are shown as what they are, and nothing else as such."""
        if self.series[way] is None:
            return {"said": "-", "sure": True, "verdict": "not-asked"}
        names = {name for state in wanted if "series" in state for name in [state["name"]]}
        of, told = {state["series"] for state in wanted if "series" in state}, []
        right = len(self.series[way]) == len(of)
        for each in self.series[way]:
            told.append(f"{each['count']} of {text(each['of'])}: {each['state']}")
            right = right and text(each["of"]) in of and 15 <= each["every"] <= 300 and each["state"] == "parked" and {text(id) for id in each["ids"]} == names
        return {"said": "; ".join(told) or "nothing", "sure": True, "verdict": "right" if right else "wrong"}


def trees(tar):
    """Of a recorded tar what comes before its processes."""
    at = 0
    while not tar[at:].startswith(b"proc/"):
        at += 512 + -(-int(tar[at + 124 : at + 136].rstrip(b"\0 ") or b"0", 8) // 512) * 512
    return tar[:at] + bytes(1024)


class Recorded(Answers):
    """What it says of a box that was recorded: with its processes, and of its files alone."""

    ways = ["processes", "disk"]

    def processes(self):
        return stuck(self.on_host(self.node.tar, "--now", self.node.now))

    def disk(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "disk.tar"
            path.write_bytes(trees(subprocess.run(["zstd", "-dcq", "--long=27", self.node.tar], check=True, capture_output=True).stdout))
            return stuck(self.on_host(path, "--now", self.node.now))


def commands(remedy):
    """The commands among the steps of a remedy, as a shell takes them."""
    steps = (remedy or {}).get("steps", [])
    return [text(step["command"]["rendered"]) for step in steps if "command" in step]


def disk(state, release):
    want = state["disk"]
    return want[release] if isinstance(want, dict) else want


def of_files(entry, state, release):
    """What is said of files alone must be exactly what they show."""
    want, phase = disk(state, release), entry.get("phase") or "bundle"
    may_be = entry.get("may_be", [])
    if entry["state"] != "unknowable":
        said, right = entry["state"], entry["state"] == want and entry["sure"] == (want != "not-read") and not may_be
    else:
        said = f"unknowable, {phase}"
        right = said == want and state["say"] in may_be and not entry["sure"] and not commands(entry["remedy"])
        if said == want and state["say"] not in may_be:
            said += f", and not {state['say']}"
    return {"said": said, "sure": True, "verdict": "right" if right else "wrong", "phase": phase, "may_be": may_be}


def text(value):
    return value.get("text") if isinstance(value, dict) else value
