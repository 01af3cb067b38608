"""Asks coroner of the containers of a box: live, from a bundle, and from files alone."""

import json
import subprocess

from .node import Failed

WAYS = ["live", "bundle", "disk"]
HEALTHY = ["running", "paused", "exited", "created", "creating", "no-task"]
# Where files alone are left. Sockets, and what containers hold, are not in it; nor is /proc or /sys.
TREES = ["run/runc", "run/crun", "run/containerd", "srv", "var/lib/containerd", "etc"]


def stuck(done):
    """The containers of an answer; exit codes are answers, too."""
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return None, f"exit {done.returncode}: {(done.stderr or done.stdout)[-300:]}"
    return answer.get("answer", answer).get("containers"), ""


class Answers:
    """What coroner says, each way once."""

    def __init__(self, node, coroner):
        self.node, self.coroner = node, coroner
        self.said, self.why = {}, {}
        for way in WAYS:
            try:
                self.said[way], self.why[way] = getattr(self, way)()
            except (Failed, subprocess.TimeoutExpired) as error:
                self.said[way], self.why[way] = None, str(error)
            if self.said[way] is None:
                print(f"no answer ({way}): {self.why[way].strip()[:400]}", flush=True)

    def live(self):
        """And a bundle at the same time, so that what is young is young in both."""
        done = self.node.run("coroner", "runtime", "stuck", "--all", "--quiet", "--format", "json", "/")
        self.collected = self.node.run("coroner", "collect", "--quiet", "-o", "/tmp/node.bundle", "/")
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

    def on_host(self, path):
        words = [self.coroner, "runtime", "stuck", "--all", "--quiet", "--format", "json", path]
        return subprocess.run(list(map(str, words)), capture_output=True, text=True, errors="replace", timeout=60)

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
        entries = self.entry(way, state["name"])
        if self.said[way] is None:
            return {"said": "-", "sure": True, "verdict": "not-asked"}
        if not entries:
            good = "nothing" in state.get("disk", []) and way == "disk"
            return {"said": "nothing", "sure": True, "verdict": "right" if good else "wrong"}
        worst = next((each for each in entries if each["state"] == state["say"]), entries[0])
        said, sure = worst["state"], worst["sure"]
        if len(entries) > 1:
            said_all = sorted({each["state"] for each in entries})
            others = [each for each in said_all if each != state["say"] and each not in HEALTHY]
            if others:
                said, sure = "+".join(said_all), False
        right = said == state["say"]
        if way == "disk":
            allowed = state.get("disk", ["unknowable", state["say"]])
            right = said in allowed and (not sure or said in (state["say"], "unknowable") or "disk" in state)
        return {"said": said, "sure": sure, "verdict": "right" if right else "wrong"}


def text(value):
    return value.get("text") if isinstance(value, dict) else value
