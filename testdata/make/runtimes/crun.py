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


def creator(node, name):
    """crun's create: its init has the same words."""
    inits = node.pids(name)
    return [pid for pid in node.processes("crun", "create", f"/srv/{name}")
            if pid not in inits and read(f"/proc/{pid}/comm").strip() == "crun"]


def creator_died(node, name):
    """Killed, hook and all, before it answered init."""
    hook_host(node, name)
    for pid in creator(node, name):
        direct.kill_family(pid)
    gone(node, name)


def creator_stopped(node, name):
    """A hook stops whoever called it, and ends."""
    hung(node, name, hooks={"createRuntime": [direct.shell("kill -STOP $PPID")]})
    for pid in until("the creator", lambda: creator(node, name) if node.pids(name) else None):
        stopped(pid)


def start_died(node, name):
    """The start died after it had removed the FIFO, before it wrote to it."""
    create(node, name)
    fifo = node.dir / "run/crun" / name / "exec.fifo"
    with node.delayed("unlink,unlinkat", [], lambda: not fifo.exists(), *crun("start", name)):
        for pid in node.processes("crun", "start", name):
            if read(f"/proc/{pid}/comm").strip() == "crun":
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)


def start_died_early(node, name):
    os.kill(create(node, name), signal.SIGKILL)
    gone(node, name)


def workload_stopped(node, name):
    pid = run(node, name)
    os.kill(pid, signal.SIGSTOP)
    stopped(pid)


def frozen_ancestor_running(node, name):
    run(node, name, change=lambda spec: spec["linux"].update(cgroupsPath=f"/pod-{name}/{name}"))
    direct.freeze(node, f"pod-{name}")


def stdout_full(node, name):
    node.bundle(name, args=["busybox", "yes"])
    node.must("mkfifo", f"/srv/{name}.out")
    create = " ".join(crun("create", "--bundle", f"/srv/{name}", name)[6:])
    node.spawn("unshare", "-m", "sh", "-c", f"umount /sys/fs/cgroup/unified 2>/dev/null; sleep 100000 </srv/{name}.out & "
               f"exec {create} >/srv/{name}.out")
    until(f"{name} at its FIFO", lambda: (node.dir / "run/crun" / name / "status").exists() and node.pids(name))
    node.must(*crun("start", name))
    node.at(name, "pipe_write")


def storage_hung(node, name):
    bind = {"destination": "/data", "type": "bind", "source": f"{direct.mute(node, name)}/hang", "options": ["rbind", "rw"]}
    hung(node, name, change=lambda spec: spec["mounts"].append(bind))
    until(f"{name} in the dead file system", lambda: any("request_wait_answer" in read(f"/proc/{pid}/wchan")
                                                         for pid in [*node.pids(name), *node.processes("crun", "create", f"/srv/{name}")]))


def seccomp_wait(node, name):
    node.held("mute-agent", f"/srv/{name}.sock")
    rules = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": f"/srv/{name}.sock",
             "syscalls": [{"names": ["execve", "execveat"], "action": "SCMP_ACT_NOTIFY"}]}
    create(node, name, change=lambda spec: spec["linux"].update(seccomp=rules))
    node.must(*crun("start", name))
    node.at(name, "seccomp_do_user_notification")


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
