"""Combinations of states, and containers where nobody looks for them: what the rules were not written for."""

import time

from . import crun
from .direct import create, exec_creator_stopped, freeze, parked, run, running, words
from .node import FREEZER

# --- one after the other ----------------------------------------------------------------------------------------------

GAP = 16  # seconds, at least, between two of a series


def again(node, name):
    """A pod whose container is made anew while the last one hangs."""
    last = getattr(node, "last_of_series", None)
    if last:
        time.sleep(max(0, last + GAP - time.monotonic()))
    kube = "io.kubernetes.cri."
    pod = {f"{kube}sandbox-namespace": "apps", f"{kube}sandbox-name": "web-0", f"{kube}container-name": "web",
           f"{kube}sandbox-id": f"pod-of-{name}"}
    create(node, name, annotations=pod)
    node.last_of_series = time.monotonic()


# --- combinations -----------------------------------------------------------------------------------------------------


def frozen_ancestor_parked(node, name):
    """Parked first, then its pod is frozen."""
    create(node, name, change=lambda spec: spec["linux"].update(cgroupsPath=f"/pod-{name}/{name}"))
    node.at(name, "wait_for_partner")
    freeze(node, f"pod-{name}")


def exec_stopped_frozen(node, name):
    exec_creator_stopped(node, name)
    freeze(node, f"states/{name}")


def inner(node, name):
    """It runs in a cgroup of its own making below its own."""
    pid = run(node, name)
    folder = f"{FREEZER}/states/{name}/inner"
    node.must("sh", "-c", f"mkdir {folder} && echo {node.inside(pid)} >{folder}/cgroup.procs")


def paused_inner(node, name):
    inner(node, name)
    node.must("runc", "pause", name)


def frozen_inner(node, name):
    inner(node, name)
    freeze(node, f"states/{name}/inner")


def user_namespace(spec):
    spec["linux"]["namespaces"].append({"type": "user"})
    mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    spec["linux"].update(uidMappings=mapping, gidMappings=mapping)


def userns_running(node, name):
    run(node, name, change=user_namespace)


def userns_parked(node, name):
    create(node, name, change=user_namespace)
    node.at(name, "wait_for_partner")


def at_root(node, name, root):
    node.bundle(name)
    node.must(*words(name, root=root))
    node.at(name, "wait_for_partner")


def docker_parked(node, name):
    at_root(node, name, "/run/docker/runtime-runc/moby")


def odd_parked(node, name):
    """Under a root that nobody told coroner of."""
    at_root(node, name, "/run/odd/place")


def rootless_parked(node, name):
    """Where a user's runc would keep it."""
    at_root(node, name, "/run/user/1000/runc")


def twin_parked(node, name):
    """Beside it one runs whose id begins with the same letters, all but the last."""
    running(node, name + "-2")
    node.neighbours.append(name + "-2")
    parked(node, name)


def twin_long(node, name):
    """Two ids of 64 digits, of which tools show the first twelve."""
    ids = [f"{0xc0ffee:060x}{end}" for end in ("0001", "0002")]
    running(node, ids[1])
    node.neighbours.append(ids[1])
    node.ids[name] = ids[0]
    parked(node, ids[0])


def same_id(node, name):
    """Under another root one of crun has the same id, and runs."""
    def elsewhere(spec):
        spec["linux"].update(cgroupsPath=f"/others/{name}-of-crun")
    node.bundle(f"{name}-of-crun", change=elsewhere)
    node.must(*crun.crun("run", "--detach", "--bundle", f"/srv/{name}-of-crun", name))
    parked(node, name)
