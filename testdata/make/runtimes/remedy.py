"""Carries out what coroner tells to do about a container, and looks what became of it and of all others.

    works    the workload runs, or the container is gone, or it has ended; every other container lives as before
    failed   it is still stuck, or the commands failed
    harmed   a process of another container is gone
    none     nothing was to be done, or nothing that is safe
"""

import contextlib
import subprocess

from .ask import HEALTHY, commands, stuck, text
from .node import FREEZER, Failed, look, started, until

ROUNDS = 4  # a container that was thawed is parked, and then to be started


def ask(node, name):
    """What is said of one container now, if it is not healthy."""
    answer, why = stuck(node.run("coroner", "runtime", "stuck", "--all", "--quiet", "--format", "json", "/"))
    if answer is None:
        raise Failed(why)
    containers = answer["containers"]
    mine = [each for each in containers if text(each.get("id")) == node.ids.get(name, name)]
    return next((each for each in mine if each["state"] not in HEALTHY), None), mine


def alive(node, names):
    """The init of each of these containers that lives, by its number and start."""
    mains = {name: node.main_of(name) for name in names}
    return {(pid, started(pid)): name for name, pid in mains.items() if pid and started(pid)}


def became(node, name):
    """What the kernel and the runtime's folder say of a container now."""
    looks = [look(pid) for pid in node.pids(name)]
    workload = [each for each in looks if not each.split(" ", 2)[2].startswith(("runc", "exe", "crun", "youki:", "6", "memfd:"))]
    if any(each[0] in "SR" for each in workload) and not any("get_signal" in each for each in looks):
        return "running"
    if workload and all("request_wait_answer" in each for each in workload) and thawed(node, name):
        return "running, at its dead file system"
    if looks:
        return "still " + "; ".join(looks)
    folders = ["run/runc", "run/crun", "run/youki", "run/containerd/runc/default", "run/containerd/runc/k8s.io",
               "run/docker/runtime-runc/moby", "run/odd/place", "run/user/1000/runc"]
    there = any((node.dir / folder / node.ids.get(name, name)).exists() for folder in folders)
    return "exited" if there else "gone"


def thawed(node, name):
    state = node.run("cat", f"{FREEZER}/states/{name}/freezer.state").stdout
    return state.strip() == "THAWED"


def settle(node, name, seconds):
    """Waits, so long, until nothing of a container is about to end any more."""
    with contextlib.suppress(Failed):
        until("settled", lambda: not became(node, name).startswith("still"), seconds)


def carry_out(node, name, others):
    """Up to ROUNDS remedies, until nothing is said against it any more."""
    done, entry, risky = [], None, False
    for _ in range(ROUNDS):
        entry, mine = ask(node, name)
        if not entry:
            break
        remedy = entry.get("remedy") or {}
        if not commands(remedy):
            break
        risky = risky or not remedy.get("safe")
        for command in commands(remedy):
            try:
                # youki wants a working directory that has a name inside.
                ran = node.tries("sh", "-c", f"cd /; PATH=$PATH:/usr/local/bin; {command}", timeout=20)
            except subprocess.TimeoutExpired:
                ran = False
            done.append(command if ran else f"FAILED {command}")
        settle(node, name, 2)
    else:
        entry, mine = ask(node, name)
    if not done:
        return {"verdict": "none", "became": "", "commands": []}
    settle(node, name, 8)
    result = became(node, name)
    if entry and result == "running":
        result = f"still {entry['state']}"
    if not entry and [each["state"] for each in mine] == ["created"]:
        result = "created"  # its creation is done, and its start may come
    if not entry and [each["state"] for each in mine] == ["paused"]:
        result = "paused"  # as somebody wanted it
    if entry and result in ("gone", "exited"):
        result = f"still {entry['state']}"
    harmed = sorted({name for key, name in others.items() if started(key[0]) != key[1]})
    if risky:
        result += " (not without risk)"
    if harmed:
        return {"verdict": "harmed", "became": f"{result}; {', '.join(harmed)}", "commands": done}
    bad = result.startswith("still")
    return {"verdict": "failed" if bad else "works", "became": result, "commands": done}


def remedies(node, rows):
    names = [row["name"] for row in rows if not row.get("passes")] + node.neighbours
    stuck_ones = [row for row in rows if not row["not-made"] and row["made"] not in HEALTHY and not row.get("of-all")]
    # What is not without risk comes last: others may come to harm by it, and it is said so.
    for row in sorted(stuck_ones, key=lambda row: (not row.get("passes"), not row["safe"])):
        name = row["name"]
        others = alive(node, [each for each in names if each != name])
        try:
            row["remedy"] = carry_out(node, name, others)
        except (Failed, subprocess.TimeoutExpired) as error:
            row["remedy"] = {"verdict": "failed", "became": str(error)[:200], "commands": []}
        remedy = row["remedy"]
        print(f"{remedy['verdict']:9} {row['release']} {name:24} {remedy['became']}  {'; '.join(remedy['commands'])}", flush=True)
