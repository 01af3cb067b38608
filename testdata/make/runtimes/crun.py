"""States of containers that crun made. It refuses hybrids of both versions of cgroups, so it is not shown the second."""

import os
import signal
import time

from . import direct
from .direct import SLEEP, gone, stopped
from .node import HELD, Failed, read, until

HIDE = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"'


def crun(*words):
    """A crun command, in a mount namespace without the second version."""
    return ["unshare", "-m", "sh", "-c", HIDE, "sh", "crun", "--cgroup-manager", "cgroupfs", *words]


def words(name):
    return crun("create", "--bundle", f"/srv/{name}", "--pid-file", f"/srv/{name}/init.pid", name)


def create(node, name, **spec):
    node.bundle(name, **spec)
    node.must(*words(name))
    return node.main_of(name)


def run(node, name, **spec):
    pid = create(node, name, **spec)
    node.must(*crun("start", name))
    return pid


def hung(node, name, **spec):
    node.bundle(name, **spec)
    return node.spawn(*words(name))


def parked(node, name):
    create(node, name)


def running(node, name):
    run(node, name)


def paused(node, name):
    run(node, name)
    node.must(*crun("pause", name))


def exited(node, name):
    os.kill(run(node, name), signal.SIGKILL)
    gone(node, name)


def hook_host(node, name):
    hung(node, name, hooks={"createRuntime": [SLEEP]})
    until(f"{name}'s init", lambda: node.pids(name))


def hook_container(node, name):
    hung(node, name, hooks={"createContainer": [SLEEP]})
    until(f"{name}'s hook", lambda: len(node.pids(name)) > 1)


def hook_start(node, name):
    create(node, name, hooks={"startContainer": [SLEEP]})
    node.spawn(*crun("start", name))
    until(f"{name}'s hook", lambda: len(node.pids(name)) > 1)


def frozen(node, name):
    create(node, name)
    direct.freeze(node, f"states/{name}")


def frozen_v2(node, name):
    """Its cgroup of the second version, by hand: crun made none."""
    pid = create(node, name)
    node.must("sh", "-c", f"mkdir -p /sys/fs/cgroup/unified/states/{name} && cd /sys/fs/cgroup/unified/states/{name} &&"
              f" echo {node.inside(pid)} >cgroup.procs && echo 1 >cgroup.freeze")


def init_stopped(node, name):
    pid = create(node, name)
    os.kill(pid, signal.SIGSTOP)
    stopped(pid)


def status_empty(node, name):
    create(node, name)
    os.truncate(node.dir / "run/crun" / name / "status", 0)


def fifo_missing(node, name):
    create(node, name)
    (node.dir / "run/crun" / name / "exec.fifo").unlink()


def creator_died(node, name):
    hook_host(node, name)
    for pid in node.processes("crun", "create", f"/srv/{name}"):
        if node.main_of(name) != pid and pid not in node.pids(name):
            os.kill(pid, signal.SIGKILL)
    for pid in node.processes("sleep", "100000"):
        pass
    time.sleep(0.5)


def pid_reused(node, name):
    pid = run(node, name)
    number = node.inside(pid)
    os.kill(pid, signal.SIGKILL)
    gone(node, name)
    until("the pid is free", lambda: node.tries(f"{HELD}/as-pid", str(number), "/usr/bin/busybox", "sleep", "100000"))


def zombie(node, name):
    node.bundle(name)
    node.held("no-reap", *words(name))
    node.must(*crun("start", name))
    pid = node.main_of(name)
    os.kill(pid, signal.SIGKILL)
    until("a zombie", lambda: read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] == ["Z"])
