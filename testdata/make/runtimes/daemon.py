"""States of containers that containerd and its shims made. Its daemon runs, until `down`."""

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

from .direct import signal_of, stopped
from .node import CACHE, FREEZER, HELD, MAKE, Failed, look, read, until

IMAGE = "images.example/app:1"
BUSYBOX = ["--mount", "type=bind,src=/usr/bin/busybox,dst=/busybox,options=rbind:ro"]


def up(node):
    """Starts the daemon, with an image."""
    node.box("daemon-start")
    shutil.copy(CACHE / "images/app.tar", node.dir / "tmp")
    ctr(node, "images", "import", "/tmp/app.tar")
    (node.dir / "tmp/app.tar").unlink()
    for verb in ("start", "create"):
        wrapper = node.dir / f"usr/sbin/runc-that-stops-{verb}"
        wrapper.write_text(f'#!/usr/bin/busybox sh\ncase " $* " in\n*" {verb} "*) exec ' + HELD
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


def scanner_hung(node, name):
    """Its program is one that a scanner must allow to be opened. (Not in a tree of which a tar is taken: tar would wait, too.)"""
    shutil.copy(CACHE / "programs/sleeper", node.dir / "mnt" / name)
    mount = f"type=bind,src=/mnt/{name},dst=/scanned,options=rbind:ro"
    node.held("scanner", f"/mnt/{name}")
    node.spawn("ctr", "run", "--detach", "--null-io", "--mount", mount, IMAGE, name, "/scanned")
    node.at(name, "fanotify_handle_event")


def at_limit(node, name):
    """It has all tasks that it may have, and what entered it was refused one."""
    ctr(node, "run", "--detach", "--null-io", *BUSYBOX, IMAGE, name)
    until(f"{name}'s workload", lambda: "sleeper" in node.seen(name))
    folder = next(each for base in (f"/sys/fs/cgroup/pids/{node.cgroup}", f"/sys/fs/cgroup/{node.cgroup}")
                  for each, _, _ in os.walk(base) if os.path.basename(each) == name)
    with open(f"{folder}/pids.max", "w") as limit:
        limit.write("1")
    ctr(node, "tasks", "exec", "--exec-id", "refused", name, "/busybox", "sh", "-c", "/busybox true; /busybox true", check=False)
    until("a task that was refused", lambda: read(f"{folder}/pids.events").split()[1:2] not in ([], ["0"]))


def held(node, name, program, *words):
    """Runs one of the helpers as a container."""
    mount = f"type=bind,src={HELD}/{program},dst=/{program},options=rbind:ro"
    ctr(node, "run", "--detach", "--null-io", "--mount", mount, IMAGE, name, f"/{program}", *words)


def child_held(node, name):
    """It waits in the kernel for a child that was stopped before it began its program (vfork)."""
    held(node, name, "child-held", "stopped")
    until("its child is stopped", lambda: any(look(pid).startswith("T ") for pid in node.pids(name)))


def dying_thread(node, name):
    """As `dying`, and its first thread had ended before: another one waits for the rest of the namespace."""
    held(node, name, "last-thread")
    until("the end of its first thread", lambda: node.seen(name).startswith("Z "))
    joined(node, name)


def dying(node, name):
    """Its init was killed, and waits for a process that joined its pid namespace: whose parent, outside, is stopped."""
    running(node, name)
    joined(node, name)


def joined(node, name):
    main = node.main_of(name)
    inside = str(node.inside(main))
    node.spawn("busybox", "nsenter", "-t", inside, "-p", "busybox", "sleep", "100000")
    for pid in until("what joined it", lambda: [each for each in node.processes("busybox", "nsenter", inside)
                                                if read(f"/proc/{each}/task/{each}/children").strip()]):
        signal_of(pid, signal.SIGSTOP)
        stopped(pid)
    os.kill(main, signal.SIGKILL)
    # The kernel takes it out of its cgroups before.
    until("it waits for that one", lambda: any("zap_pid_ns_processes" in read(f"/proc/{main}/task/{each}/wchan")
                                               for each in os.listdir(f"/proc/{main}/task")))


def killed_while_paused(node, name):
    """Its init was killed by its number while it is paused: the kernel ends nothing that is frozen (v1)."""
    paused(node, name)
    os.kill(node.main_of(name), signal.SIGKILL)


def outlived(node, name):
    """A process of the host was moved into its cgroups, and its init has ended."""
    running(node, name)
    other = node.spawn("busybox", "sleep", "300000")
    pid = until("the other process", lambda: node.processes("busybox", "sleep", "300000"))[-1]
    for base, _, _ in os.walk("/sys/fs/cgroup"):
        if os.path.basename(base) == name and node.cgroup in base:
            with contextlib.suppress(OSError), open(f"{base}/cgroup.procs", "w") as file:
                file.write(str(pid))
    main = node.main_of(name)
    os.kill(main, signal.SIGKILL)
    until("the end of its init", lambda: not read(f"/proc/{main}/stat") and other.poll() is None and pid in node.pids(name))


def rootfs_busy(node, name):
    """It has ended, and a process of the host has its working directory in its root file system."""
    running(node, name)
    root = f"/run/containerd/io.containerd.runtime.v2.task/default/{name}/rootfs"
    node.spawn("busybox", "sh", "-c", f"cd {root} && exec busybox sleep 200000")
    until("who is in it", lambda: node.processes("busybox", "sleep", "200000"))
    ctr(node, "tasks", "kill", "--signal", "KILL", name)
    until(f"{name}'s end", lambda: not node.pids(name))
    if ctr(node, "tasks", "delete", name, check=False).returncode == 0:
        raise Failed("the task could be deleted")


def unreachable(node, name):
    """The folder of its state was removed under it."""
    running(node, name)
    shutil.rmtree(node.dir / "run/containerd/runc/default" / name)


def not_read(node, name):
    """A stand-in, for Debian has no Kata: the name and arguments of its shim, a bundle, a sleeping process."""
    ctr(node, "containers", "create", "--runtime", "io.containerd.kata.v2", IMAGE, name)
    bundle = node.dir / "run/containerd/io.containerd.runtime.v2.task/default" / name
    (bundle / "rootfs").mkdir(parents=True)
    (bundle / "config.json").write_text("{\"ociVersion\":\"1.1.0\"}")
    program = node.dir / "usr/local/bin/containerd-shim-kata-v2"
    program.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(CACHE / "programs/sleeper", program)
    (bundle / "shim-binary-path").write_text("/usr/local/bin/containerd-shim-kata-v2")
    node.spawn("busybox", "sh", "-c", f"cd /run/containerd/io.containerd.runtime.v2.task/default/{name}; exec "
               f"/usr/local/bin/containerd-shim-kata-v2 -namespace default -address /run/containerd/containerd.sock -id {name}")
    until("its shim", lambda: node.processes("-id", name))


def gvisor(node, name):
    """gVisor, as Docker and containerd call it: by runc's shim. (Debian has no shim of gVisor's own.)"""
    subprocess.run([MAKE / "suites", f"neighbours-{node.release}"], check=True)
    wrapper = node.dir / "usr/local/bin/runsc"
    if not wrapper.exists():
        shutil.copy(CACHE / f"roots/neighbours-{node.release}/usr/bin/runsc", node.dir / "usr/bin")
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        wrapper.write_text('#!/usr/bin/busybox sh\nexec /usr/bin/runsc --network=none --ignore-cgroups "$@"\n')
        wrapper.chmod(0o755)
    node.must("ctr", "run", "--detach", "--null-io", "--runc-binary", "/usr/local/bin/runsc", IMAGE, name)
    if not any(name in line and "RUNNING" in line for line in ctr(node, "tasks", "ls").stdout.splitlines()):
        raise Failed("it does not run")


def gvisor_paused(node, name):
    gvisor(node, name)
    ctr(node, "tasks", "pause", name)


def outfit_youki(node):
    """$CORONER_YOUKI is one, for Debian has none."""
    program = node.dir / "usr/local/bin/youki"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.environ["CORONER_YOUKI"], program)


def youki(node, name):
    """youki by runc's shim."""
    outfit_youki(node)
    node.must("ctr", "run", "--detach", "--null-io", "--runc-binary", "/usr/local/bin/youki", IMAGE, name)
    until(f"{name}'s workload", lambda: "sleeper" in node.seen(name))


def youki_parked(node, name):
    """By hand: created, and not started. It wants a working directory that has a name inside."""
    outfit_youki(node)
    node.bundle(name)
    node.must("sh", "-c", f"cd / && exec /usr/local/bin/youki create --bundle /srv/{name} --pid-file /srv/{name}/init.pid {name}")
    until(f"{name}'s init", lambda: "youki:[2:INIT]" in node.seen(name))


def youki_stopped(node, name):
    youki_parked(node, name)
    signal_of(node.main_of(name), signal.SIGSTOP)
    stopped(node.main_of(name))


def youki_paused(node, name):
    youki(node, name)
    ctr(node, "tasks", "pause", name)


def of_daemon(node):
    return int(node.box("daemon-pid").stdout)


def daemon_at_limit(node, name):
    """The daemon has as many open files as it may have: its limit is the highest number in use, what is free below it is taken by
    connections. The hard limit stays: runc gives containers theirs below it."""
    running(node, name)
    pid = of_daemon(node)

    def numbers():
        return sorted(map(int, os.listdir(f"/proc/{pid}/fd")))

    most = numbers()[-1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most + 1, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))
    # Each begins to speak HTTP/2, or the daemon would hang up.
    hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
    for _ in range(2000):
        one = socket.socket(socket.AF_UNIX)
        one.settimeout(1)
        node.held_open.append(one)
        try:
            one.connect(f"/proc/{pid}/root/run/containerd/containerd.sock")
            one.send(hello)
        except OSError:
            break
        time.sleep(0.01)
        if len(numbers()) > most:
            break
    until("all its files are open", lambda: len(numbers()) >= most)
    if ctr(node, "run", "--detach", "--null-io", IMAGE, f"{name}-refused", check=False, timeout=15).returncode == 0:
        raise Failed("a container could be made")


def daemon_replaced(node, name):
    """Another file stands where its program was, as after an upgrade without a restart."""
    running(node, name)
    program = node.dir / "usr/bin/containerd"
    shutil.copy(program, f"{program}.new")
    os.replace(f"{program}.new", program)
    if not os.readlink(f"/proc/{of_daemon(node)}/exe").endswith("(deleted)"):
        raise Failed("its program is still there")


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
    node.spawn("ctr", "run", "--detach", "--null-io", "--runc-binary", "/usr/sbin/runc-that-stops-start", IMAGE, name)
    for pid in until("runc start", lambda: node.processes("start", name, "/usr/sbin/runc") or
                     [each for each in node.processes("start", name) if read(f"/proc/{each}/comm").strip() == "runc"]):
        stopped(pid)


def create_stopped(node, name):
    """The shim waits for a `runc create` that was stopped before it had made anything."""
    node.spawn("ctr", "run", "--detach", "--null-io", "--runc-binary", "/usr/sbin/runc-that-stops-create", IMAGE, name)
    for pid in until("runc create", lambda: [each for each in node.processes("create", name) if read(f"/proc/{each}/comm").strip() == "runc"]):
        stopped(pid)


def paused_shim_stopped(node, name):
    paused(node, name)
    signal_of(shim(node, name), signal.SIGSTOP)
    stopped(shim(node, name))


def shim_frozen(node, name):
    """Its shim in a cgroup that is frozen."""
    running(node, name)
    folder = f"{FREEZER}/shims-{name}"
    node.must("sh", "-c", f"mkdir {folder} && echo {node.inside(shim(node, name))} >{folder}/cgroup.procs && echo FROZEN >{folder}/freezer.state")


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


def shim_mute(node, name):
    """Its shim has as many open files as it may have: it accepts no connection, and some wait."""
    running(node, name)
    pid = shim(node, name)

    def numbers():
        return sorted(map(int, os.listdir(f"/proc/{pid}/fd")))

    # The first number that is free is beyond the limit.
    free = next(each for each in range(1 << 16) if each not in numbers())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))
    task = f"/run/containerd/io.containerd.runtime.v2.task/default/{name}/"
    at = [read(f"{node.dir}{task}address"), read(f"{node.dir}{task}bootstrap.json")]
    path = re.search("unix://([^\"\\s]+)", " ".join(at))[1]
    # From inside: the kernel lists a connection in the network namespace of who made it.
    init = node.box("pid").stdout.strip()
    # Some are accepted where a file below the limit was closed meanwhile.
    script = ("import socket, time\nall = [socket.socket(socket.AF_UNIX) for _ in range(12)]\n"
              f"for one in all: one.connect('/proc/{init}/root{path}')\ntime.sleep(100000)")
    node.waiting.append(subprocess.Popen(["nsenter", "--target", init, "--net", "--", "python3", "-c", script], start_new_session=True))

    def waits():
        lines = (line.split() for line in read(f"/proc/{init}/net/unix").splitlines())
        return any(line[5:] == ["02", "0", path] for line in lines)
    until("a connection that is not accepted", waits)
    time.sleep(2)
    if not waits():
        raise Failed("it accepts")


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


# --- as k3s keeps them ------------------------------------------------------------------------------------------------

K3S = "/run/k3s/containerd/containerd.sock"


def up_k3s(node):
    """A containerd with k3s's paths, and none where containerd's own are."""
    own = node.dir / "etc/containerd/config.toml"
    base = node.dir / "var/lib/rancher/k3s/agent"
    (base / "etc/containerd").mkdir(parents=True)
    text = own.read_text().partition("\n")
    text = f'{text[0]}\nroot = "/var/lib/rancher/k3s/agent/containerd"\nstate = "/run/k3s/containerd"\n{text[2]}\n[grpc]\naddress = "{K3S}"\n'
    (base / "etc/containerd/config.toml").write_text(text)
    own.unlink()
    node.spawn("containerd", "-c", "/var/lib/rancher/k3s/agent/etc/containerd/config.toml")
    until("containerd of k3s", lambda: node.run("ctr", "-a", K3S, "--timeout", "2s", "version").returncode == 0, 20)
    shutil.copy(CACHE / "images/app.tar", node.dir / "tmp")
    node.must("ctr", "-a", K3S, "-n", "k8s.io", "images", "import", "/tmp/app.tar")


def k3s_running(node, name):
    node.must("ctr", "-a", K3S, "-n", "k8s.io", "run", "--detach", "--null-io", IMAGE, name)
    until(f"{name}'s workload", lambda: "sleeper" in node.seen(name))


def k3s_parked(node, name):
    node.must("ctr", "-a", K3S, "-n", "k8s.io", "containers", "create", IMAGE, name)
    asked = [CACHE / "node-client", node.dir / K3S[1:], "task", "k8s.io", name]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise Failed(f"task {name}: {done.stderr[-300:]}")
    node.at(name, "wait_for_partner")
