"""States of containers that runc made without a daemon. Each function makes one, and returns when it is there."""

import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from .node import CACHE, FREEZER, HELD, UNIFIED, Failed, look, read, until

SHELL = "/usr/bin/busybox"
FREEZE, THAW = 0xC0045877, 0xC0045878  # FIFREEZE, FITHAW


def shell(script):
    """A hook that runs a script."""
    return {"path": SHELL, "args": ["sh", "-c", script], "env": ["PATH=/usr/sbin:/usr/bin"]}


SLEEP = shell("exec sleep 100000")


def words(name, runtime="runc", root=None):
    return [runtime, *(["--root", root] if root else []), "create", "--bundle", f"/srv/{name}", "--pid-file", f"/srv/{name}/init.pid", name]


def create(node, name, **spec):
    node.bundle(name, **spec)
    node.must(*words(name))
    return node.main_of(name)


def run(node, name, **spec):
    pid = create(node, name, **spec)
    node.must("runc", "start", name)
    return pid


def hung(node, name, **spec):
    """A create that does not return."""
    node.bundle(name, **spec)
    return node.spawn(*words(name))


def signal_of(pid, sign):
    os.kill(pid, sign)


def stopped(pid):
    until(f"{pid} stopped", lambda: read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] in (["T"], ["t"]))


def gone(node, name):
    until(f"{name} without a process", lambda: not node.pids(name))


def links(pid):
    """What the descriptors of a process stand for."""
    found = []
    with contextlib.suppress(OSError):
        for each in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found.append(os.readlink(f"/proc/{pid}/fd/{each}"))
    return found


def fifo(node, name):
    return node.dir / "run/runc" / name / "exec.fifo"


# --- healthy ----------------------------------------------------------------------------------------------------------


def running(node, name):
    run(node, name)


def paused(node, name):
    run(node, name)
    node.must("runc", "pause", name)


def exited(node, name):
    os.kill(run(node, name), signal.SIGKILL)
    gone(node, name)


def updated(node, name):
    run(node, name)
    time.sleep(1.2)
    node.must("runc", "update", "--pids-limit", "100", name)


def busy_with_children(node, name):
    run(node, name, args=["busybox", "sh", "-c", "while :; do sleep 1; done"])


def execed(node, name):
    """An exec that goes on."""
    run(node, name)
    node.spawn("runc", "exec", name, "/usr/bin/busybox", "sleep", "100000")
    until("the exec", lambda: "hrtimer_nanosleep" in node.seen(name))


def host_pid(node, name):
    """In the host's pid namespace: its init is not 1 to itself."""
    def change(spec):
        spec["linux"]["namespaces"] = [each for each in spec["linux"]["namespaces"] if each["type"] != "pid"]
    run(node, name, change=change)


def own_pipe(node, name):
    """A pipe that is full, and is none of its output."""
    run(node, name, args=["busybox", "sh", "-c", "busybox yes | busybox sleep 100000"])
    until("a full pipe", lambda: "pipe_write" in node.seen(name))


def own_fifo(node, name):
    """A workload that waits at a FIFO of its own."""
    run(node, name, args=["busybox", "sh", "-c", "mkfifo /tmp/exec.fifo; exec busybox cat /tmp/exec.fifo"])
    node.at(name, "wait_for_partner", lambda: next((pid for pid in node.pids(name) if "cat" in read(f"/proc/{pid}/cmdline")), None))


def job_stopped(node, name):
    """A shell's stopped job."""
    run(node, name, args=["busybox", "sh", "-c", "busybox sleep 100000 & kill -STOP $!; wait"])
    until("a stopped job", lambda: "T do_signal_stop" in node.seen(name))


def creating(node, name):
    """A hook that takes its time: young, and not stuck."""
    hung(node, name, hooks={"createRuntime": [shell("exec sleep 60")]})
    until(f"{name}'s hook", fifo(node, name).exists)
    until(f"{name}'s init waits", lambda: re.search("unix_stream_read_generic|__skb_wait_for_more_packets", node.seen(name)))


# --- parked -----------------------------------------------------------------------------------------------------------


def parked(node, name):
    create(node, name)
    node.at(name, "wait_for_partner")


def no_pid_file(node, name):
    node.bundle(name)
    with node.struck("rename,renameat,renameat2", [f"/srv/{name}/init.pid", f"/srv/{name}/.init.pid"], "KILL", *words(name)):
        until("the creator's end", lambda: not node.processes("runc", "create", f"/srv/{name}"))
    node.at(name, "wait_for_partner")
    if not (node.dir / "srv" / name / ".init.pid").exists():
        raise Failed("there is no .init.pid")


def fifo_missing(node, name):
    parked(node, name)
    fifo(node, name).unlink()


def state_cut(node, name):
    parked(node, name)
    path = node.dir / "run/runc" / name / "state.json"
    os.truncate(path, path.stat().st_size // 2)


def state_empty(node, name):
    parked(node, name)
    os.truncate(node.dir / "run/runc" / name / "state.json", 0)


def state_empty_running(node, name):
    run(node, name)
    os.truncate(node.dir / "run/runc" / name / "state.json", 0)


def pid_file_unwritten(node, name):
    """The creator died before it had begun the last step: nothing of a pid file is there."""
    node.bundle(name)
    with node.struck("openat", [f"/srv/{name}/.init.pid"], "KILL", *words(name)):
        until("the creator's end", lambda: not node.processes("runc", "create", f"/srv/{name}"))
    node.at(name, "wait_for_partner")
    if (node.dir / "srv" / name / ".init.pid").exists():
        raise Failed("there is a .init.pid")


# --- hooks, and the creator -------------------------------------------------------------------------------------------


def hook_host(node, name, kind="createRuntime"):
    hung(node, name, hooks={kind: [SLEEP]})
    until(f"{name}'s init", lambda: node.main_of(name))


def hook_prestart(node, name):
    hook_host(node, name, "prestart")


def hook_poststart(node, name):
    """In `runc create`, up to 1.5."""
    hung(node, name, hooks={"poststart": [SLEEP]})
    node.at(name, "wait_for_partner")


def hook_container(node, name):
    hung(node, name, hooks={"createContainer": [SLEEP]})
    until(f"{name}'s hook", lambda: len(node.pids(name)) > 1)


def hook_start(node, name):
    create(node, name, hooks={"startContainer": [SLEEP]})
    node.spawn("runc", "start", name)
    until(f"{name}'s hook", lambda: len(node.pids(name)) > 1)


def creator_stopped(node, name):
    """The creator is stopped while init runs a hook of its own; then init waits for it."""
    stop = shell(f"for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline) in *'create --bundle /srv/{name} '*)"
                 " kill -STOP ${p#/proc/} ;; esac; done")
    later = shell(f"(sleep 0.3; {stop['args'][2]}) >/dev/null 2>&1 </dev/null &")
    hung(node, name, hooks={"createRuntime": [later], "createContainer": [shell("sleep 1")]})
    for pid in until("the creator", lambda: node.processes("create", f"/srv/{name}", "runc")):
        stopped(pid)
    time.sleep(1)


def creator_stopped_saving(node, name):
    """Stopped when state.json was there, before init was answered: runc says `created`."""
    node.bundle(name)
    with node.struck("rename,renameat,renameat2", [f"/run/runc/{name}/state.json"], "STOP", *words(name)):
        for pid in until("the creator", lambda: [each for each in node.processes("runc", "create", f"/srv/{name}")
                                                 if read(f"/proc/{each}/comm").startswith("runc")]):
            stopped(pid)


def creator_died(node, name):
    """Killed, hook and all, before it answered init."""
    hook_host(node, name)
    for pid in node.processes("runc", "create", f"/srv/{name}"):
        if read(f"/proc/{pid}/comm").strip() == "runc":
            kill_family(pid)
    gone(node, name)


def creator_died_saving(node, name):
    node.bundle(name)
    with node.struck("rename,renameat,renameat2", [f"/run/runc/{name}/state.json"], "KILL", *words(name)) as made:
        until("the creator's end", lambda: made.poll() is not None)
    gone(node, name)


def state_saved(node, name):
    return (node.dir / "run/runc" / name / "state.json").exists()


def creator_died_saved(node, name):
    """state.json is there, and init was not answered any more."""
    node.bundle(name)
    paths = [f"/run/runc/{name}/state.json"]
    with node.delayed("rename,renameat,renameat2", paths, lambda: state_saved(node, name), *words(name)):
        for pid in node.processes("runc", "create", f"/srv/{name}"):
            if read(f"/proc/{pid}/comm").startswith("runc"):
                os.kill(pid, signal.SIGKILL)
        gone(node, name)


def creator_died_poststart(node, name):
    """Everything was done but the hook after it, and the pid file."""
    hook_poststart(node, name)
    for pid in node.processes("runc", "create", f"/srv/{name}"):
        if read(f"/proc/{pid}/comm").strip() == "runc":
            kill_family(pid)
    until("the creator's end", lambda: not node.processes("runc", "create", f"/srv/{name}"))


def creator_stopped_early(node, name):
    """Stopped before it has made anything."""
    node.bundle(name)
    node.spawn(HELD + "/stop-exec", *words(name))
    for pid in until("runc create", lambda: node.processes("runc", "create", f"/srv/{name}")):
        if read(f"/proc/{pid}/comm").startswith(("runc", "stop-exec")):
            stopped(pid)


def clone_left(node, name):
    """Init was killed while it had a copy of runc mounted in its folder (up to 1.1.14)."""
    node.bundle(name)
    log = node.logs / f"{name}.strace"
    traced = ["strace", "-f", "-qq", "-o", log, "-e", "trace=umount2", "-e", "inject=umount2:signal=KILL:when=1"]
    made = node.spawn(*words(name), before=traced)
    until("runc's end", lambda: made.poll() is not None)
    if not list((node.dir / "run/runc" / name).glob("runc.*")):
        raise Failed("no copy of runc was left")


def kill_family(pid):
    children = read(f"/proc/{pid}/task/{pid}/children").split()
    for task in os.listdir(f"/proc/{pid}/task"):
        children += read(f"/proc/{pid}/task/{task}/children").split()
    os.kill(pid, signal.SIGKILL)
    for child in set(children):
        if "sleep" in read(f"/proc/{child}/comm"):
            os.kill(int(child), signal.SIGKILL)


def leaked_init(node, name):
    """`runc delete --force` of a container without state.json."""
    hook_container(node, name)
    for pid in node.processes("runc", "create", f"/srv/{name}"):
        os.kill(pid, signal.SIGKILL)
    until("the creator's end", lambda: not node.processes("runc", "create", f"/srv/{name}"))
    node.must("runc", "delete", "--force", name)
    if not node.pids(name) or fifo(node, name).parent.exists():
        raise Failed("nothing leaked")


# --- frozen -----------------------------------------------------------------------------------------------------------


def freeze(node, path, value="FROZEN"):
    node.must("sh", "-c", f"echo {value} >{FREEZER}/{path}/freezer.state")


def frozen_v1(node, name):
    parked(node, name)
    freeze(node, f"states/{name}")


def frozen_ancestor(node, name):
    """Created in a pod that is frozen."""
    node.must("mkdir", "-p", f"{FREEZER}/pod-{name}")
    freeze(node, f"pod-{name}")
    hung(node, name, change=lambda spec: spec["linux"].update(cgroupsPath=f"/pod-{name}/{name}"))
    until(f"{name}'s init", lambda: node.pids(name))
    time.sleep(0.3)


def frozen_ancestor_running(node, name):
    run(node, name, change=lambda spec: spec["linux"].update(cgroupsPath=f"/pod-{name}/{name}"))
    freeze(node, f"pod-{name}")


def frozen_v2(node, name):
    parked(node, name)
    node.must("sh", "-c", f"echo 1 >{UNIFIED}/states/{name}/cgroup.freeze")


def mute(node, name):
    """A file system whose server hangs."""
    (node.dir / "mnt" / name).mkdir()
    node.held("mute-fs", f"/mnt/{name}")
    return f"/mnt/{name}"


def freezing(node, name):
    """A pause that cannot end: a task waits for a dead file system and cannot be frozen."""
    bind = {"destination": "/data", "type": "bind", "source": mute(node, name), "options": ["rbind", "rw"]}
    run(node, name, args=["busybox", "stat", "/data/hang"], change=lambda spec: spec["mounts"].append(bind))
    node.at(name, "request_wait_answer")
    freeze(node, f"states/{name}")
    until("FREEZING", lambda: "FREEZING" in node.run("cat", f"{FREEZER}/states/{name}/freezer.state").stdout)


# --- storage, seccomp, signals, memory, output ------------------------------------------------------------------------


def storage_hung(node, name):
    bind = {"destination": "/data", "type": "bind", "source": f"{mute(node, name)}/hang", "options": ["rbind", "rw"]}
    hung(node, name, change=lambda spec: spec["mounts"].append(bind))
    until(f"{name} in the dead file system", lambda: any("request_wait_answer" in read(f"/proc/{pid}/wchan")
                                                         for pid in [*node.pids(name), *node.processes("runc", "create", f"/srv/{name}")]))


def scanner_hung(node, name):
    """The program of it is one that a scanner must allow to be opened."""
    node.bundle(name, args=["/data/scanned"])
    shutil.copy(CACHE / "programs/sleeper", node.dir / "srv" / name / "rootfs/data/scanned")
    node.must(*words(name))
    node.held("scanner", f"/srv/{name}/rootfs/data/scanned")
    node.must("runc", "start", name)
    node.at(name, "fanotify_handle_event")


def child_held(node, name, how="stopped"):
    """It waits in the kernel for a child that was stopped before it began its program (vfork)."""
    node.bundle(name, args=[f"{HELD}/child-held", how])
    shutil.copy(CACHE / "programs/child-held", node.dir / "srv" / name / f"rootfs{HELD}")
    node.must(*words(name))
    node.must("runc", "start", name)
    until("its child is stopped", lambda: any(look(pid).startswith("T ") for pid in node.pids(name)))


def child_held_thread(node, name):
    """As before, and it is another thread that waits."""
    child_held(node, name, "thread")


def unthawed(node, name):
    """It writes to a file system that was frozen for a copy of the disk."""
    image = node.logs / f"{name}.img"
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    loop = subprocess.run(["losetup", "--find", "--show", image], check=True, capture_output=True, text=True).stdout.strip()
    node.undo.append(lambda: subprocess.run(["losetup", "--detach", loop], check=False))
    node.bundle(name, args=["/usr/bin/busybox", "sh", "-c", "while :; do echo >>/data/log; busybox sleep 0.1; done"])
    data = f"/srv/{name}/rootfs/data"
    node.must("mknod", f"/dev/{name}", "b", "7", loop.removeprefix("/dev/loop"))
    node.must("mount", "-t", "ext4", f"/dev/{name}", data)
    node.must(*words(name))
    node.must("runc", "start", name)
    until("it writes", lambda: (pathlib.Path(f"/proc/{node.box('pid').stdout.strip()}/root") / data[1:] / "log").exists())
    # Nobody can enter a box whose file system is frozen and which is being removed: first it is thawed.
    frozen = os.open(f"/proc/{node.box('pid').stdout.strip()}/root{data}", os.O_RDONLY)
    fcntl.ioctl(frozen, FREEZE, 0)
    node.undo.insert(0, lambda: (fcntl.ioctl(frozen, THAW, 0), os.close(frozen)))
    until("it waits", lambda: any(re.search(r"sb_start_write|percpu_rwsem", read(f"/proc/{pid}/wchan")) for pid in node.pids(name)))


def seccomp_wait(node, name):
    node.held("mute-agent", f"/srv/{name}.sock")
    rules = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": f"/srv/{name}.sock",
             "syscalls": [{"names": ["openat", "openat2"], "action": "SCMP_ACT_NOTIFY"}]}
    hung(node, name, change=lambda spec: spec["linux"].update(seccomp=rules))
    node.at(name, "seccomp_do_user_notification")


def init_stopped(node, name):
    parked(node, name)
    pid = node.main_of(name)
    os.kill(pid, signal.SIGSTOP)
    stopped(pid)


def init_stopped_start(node, name):
    init_stopped(node, name)
    node.spawn("runc", "start", name)
    until("runc start at the FIFO", lambda: any("wait_for_partner" in each for each in starts(node, name)))


def workload_stopped(node, name):
    pid = run(node, name)
    os.kill(pid, signal.SIGSTOP)
    stopped(pid)


def oom_stall(node, name):
    """Over its limit, in a cgroup whose killer is switched off."""
    limits = {"limit": 16 << 20, "disableOOMKiller": True}
    eat = ["busybox", "awk", 'BEGIN { x = "0123456789abcdef"; while (1) x = x x }']
    create(node, name, args=eat, change=lambda spec: spec["linux"]["resources"].update(memory=limits))
    node.must("runc", "start", name)
    node.at(name, "mem_cgroup_oom")


def stdout_full(node, name):
    node.bundle(name, args=["busybox", "yes"])
    node.must("mkfifo", f"/srv/{name}.out")
    node.spawn("sh", "-c", f"sleep 100000 </srv/{name}.out & exec runc create --bundle /srv/{name} {name} >/srv/{name}.out")
    node.at(name, "wait_for_partner")
    node.must("runc", "start", name)
    node.at(name, "pipe_write")


# --- starts -----------------------------------------------------------------------------------------------------------


def starts(node, name):
    """What the threads of `runc start` wait for."""
    return [read(f"/proc/{pid}/task/{task}/wchan") for pid in node.processes("runc", "start", name)
            for task in os.listdir(f"/proc/{pid}/task")]


def start_died_early(node, name):
    """The start opened the FIFO, and died before init had written to it: init is slow here."""
    parked(node, name)
    pid = node.main_of(name)
    slow = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=write", "-e", "inject=write:delay_enter=2s", "-p", str(pid)]
    slow = subprocess.Popen(slow, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    node.waiting.append(slow)
    until("the tracer", lambda: "TracerPid:\t0" not in read(f"/proc/{pid}/status"))
    node.spawn("runc", "start", name)
    at_it = until("runc start with the FIFO open", lambda: [each for each in node.processes("runc", "start", name)
                                                            if any("exec.fifo" in link for link in links(each))])
    for each in at_it:
        os.kill(each, signal.SIGKILL)
    gone(node, name)


def fifo_stale(node, name):
    """The start died between init's byte and the removal of the FIFO."""
    create(node, name)
    with node.struck("unlink,unlinkat", [f"/run/runc/{name}/exec.fifo"], "KILL", "runc", "start", name) as made:
        until("the start's end", lambda: made.poll() is not None)
    until("the workload", lambda: "sleeper" in node.seen(name))
    if not fifo(node, name).exists():
        raise Failed("the FIFO is gone")


def fifo_rescued(node, name):
    parked(node, name)
    node.must("cat", f"/run/runc/{name}/exec.fifo", timeout=5)
    until("the workload", lambda: "sleeper" in node.seen(name))


def second_start(node, name):
    fifo_rescued(node, name)
    node.spawn("runc", "start", name)
    until("the second start", lambda: any("wait_for_partner" in each for each in starts(node, name)))


# --- execs ------------------------------------------------------------------------------------------------------------


def exec_frozen(node, name):
    run(node, name)
    freeze(node, f"states/{name}")
    node.spawn("runc", "exec", "--ignore-paused", name, "/usr/bin/busybox", "sleep", "100000")
    until(f"{name}'s second process", lambda: len(node.pids(name)) > 1)
    time.sleep(0.3)


def exec_creator_stopped(node, name):
    run(node, name)
    inside = f"states/{name}/cgroup.procs"
    paths = [f"{base}{kind}/{inside}" for base in ("/sys/fs/cgroup/", "") for kind in ("pids", "devices", "memory")]
    with node.struck("openat,openat2", paths, "STOP", "runc", "exec", name, "/usr/bin/busybox", "sleep", "100000"):
        for pid in until("the exec", lambda: [each for each in node.processes("runc", "exec", name)
                                              if read(f"/proc/{each}/comm").startswith("runc")]):
            stopped(pid)


# --- runc itself, pids, zombies ---------------------------------------------------------------------------------------


def runtime_blocked(node, name):
    node.bundle(name)
    node.must("mkfifo", f"/srv/{name}/log")
    node.spawn("runc", "--log", f"/srv/{name}/log", "create", "--bundle", f"/srv/{name}", name)
    def waits():
        return any("wait_for_partner" in read(f"/proc/{pid}/wchan") for pid in node.processes("runc", "--log", name))
    until("runc at its log", waits)


def pid_reused(node, name):
    pid = run(node, name)
    number = node.inside(pid)
    os.kill(pid, signal.SIGKILL)
    gone(node, name)
    until("the pid is free", lambda: node.tries(f"{HELD}/as-pid", str(number), "/usr/bin/busybox", "sleep", "100000"))


def zombie(node, name):
    node.bundle(name)
    node.held("no-reap", *words(name))
    node.must("runc", "start", name)
    pid = node.main_of(name)
    os.kill(pid, signal.SIGKILL)
    until("a zombie", lambda: read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] == ["Z"])
