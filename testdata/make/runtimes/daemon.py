"""States of containers that containerd and its shims made. Its daemon runs, until `down`."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

from .direct import signal_of, stopped
from .node import CACHE, HELD, Failed, read, until

IMAGE = "images.example/app:1"
BUSYBOX = ["--mount", "type=bind,src=/usr/bin/busybox,dst=/busybox,options=rbind:ro"]


def up(node):
    """Starts the daemon, with an image."""
    node.box("daemon-start")
    shutil.copy(CACHE / "images/app.tar", node.dir / "tmp")
    ctr(node, "images", "import", "/tmp/app.tar")
    (node.dir / "tmp/app.tar").unlink()
    wrapper = node.dir / "usr/sbin/runc-that-stops"
    wrapper.write_text('#!/usr/bin/busybox sh\ncase " $* " in\n*" start "*) exec ' + HELD
                       + '/stop-exec /usr/sbin/runc "$@" ;;\nesac\nexec /usr/sbin/runc "$@"\n')
    wrapper.chmod(0o755)
    os.makedirs(node.dir / "run/containerd/fifo/held", exist_ok=True)


def down(node):
    with contextlib.suppress(Failed):
        node.box("daemon-kill")


def ctr(node, *words, check=True, **more):
    done = node.box("ctr", *words, check=False, **more)
    if check and done.returncode:
        raise Failed(f"ctr {' '.join(words)}: {done.stderr.strip()[-300:]}")
    return done


def client(node, *words):
    return [CACHE / "node-client", node.dir / "run/containerd/containerd.sock", *words]


def task(node, name, *stdio):
    """Creates a task, and does not start it."""
    done = subprocess.run(client(node, "task", "default", name, *stdio), capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise Failed(f"task {name}: {done.stderr[-300:]}")
    return int(done.stdout)


def shim(node, name):
    """The shim of a container that is alone in its group."""
    found = [pid for pid in node.processes("-id", name) if read(f"/proc/{pid}/comm").startswith("containerd-shim")]
    if not found:
        raise Failed(f"no shim of {name}")
    return found[0]


def container(node, name, *words):
    ctr(node, "containers", "create", *words[:-1] if words else (), IMAGE, name, *([words[-1]] if words else ()))


def running(node, name):
    ctr(node, "run", "--detach", "--null-io", IMAGE, name)
    until(f"{name}'s workload", lambda: "sleeper" in node.seen(name))


def paused(node, name):
    running(node, name)
    ctr(node, "tasks", "pause", name)


def exited(node, name):
    running(node, name)
    ctr(node, "tasks", "kill", "--signal", "KILL", name)
    until(f"{name}'s end", lambda: not node.pids(name))


def no_task(node, name):
    container(node, name)


def parked(node, name):
    container(node, name)
    task(node, name)
    node.at(name, "wait_for_partner")


def start_hung(node, name):
    """The shim waits for a `runc start` that is stopped."""
    node.spawn("ctr", "run", "--detach", "--null-io", "--runc-binary", "/usr/sbin/runc-that-stops", IMAGE, name)
    for pid in until("runc start", lambda: node.processes("start", name, "/usr/sbin/runc") or
                     [each for each in node.processes("start", name) if read(f"/proc/{each}/comm").strip() == "runc"]):
        stopped(pid)


def stdio(node, name):
    """The client that should read its output does not open the FIFOs. (When it dies, the daemon cleans up.)"""
    container(node, name)
    at = f"/run/containerd/fifo/held/{name}"
    for end in ("stdout", "stderr"):
        os.mkfifo(f"{node.dir}{at}-{end}", 0o600)
    asked = subprocess.Popen(client(node, "task", "default", name, at), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True)
    node.waiting.append(asked)
    node.at(name, "wait_for_partner")
    def waits():
        pid = shim(node, name)
        return any("wait_for_partner" in read(f"/proc/{pid}/task/{each}/wchan") for each in os.listdir(f"/proc/{pid}/task"))
    until("the shim at the FIFOs", waits)


def stdout_full(node, name):
    """Nobody reads what its client prints: the client waits, then the shim, then the workload."""
    node.spawn("sh", "-c", f"ctr run {' '.join(BUSYBOX)} {IMAGE} {name} /busybox yes | sleep 100000")
    node.at(name, "pipe_write")


def shim_stopped(node, name):
    running(node, name)
    signal_of(shim(node, name), signal.SIGSTOP)
    stopped(shim(node, name))


def shim_stopped_parked(node, name):
    parked(node, name)
    signal_of(shim(node, name), signal.SIGSTOP)
    stopped(shim(node, name))


def zombie(node, name):
    """Its end is not seen: the shim is stopped."""
    shim_stopped(node, name)
    pid = node.main_of(name)
    os.kill(pid, signal.SIGKILL)
    until("a zombie", lambda: read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] == ["Z"])


# Of these the daemon must be down; what is before `down` is made while it runs.


def orphan_parked(node, name):
    parked(node, name)
    node.orphans.append(shim(node, name))


def shim_died(node, name):
    running(node, name)
    node.orphans.append(shim(node, name))


def kill_orphans(node):
    """The daemon and these shims die; what they served lives on."""
    down(node)
    for pid in node.orphans:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.3)
