"""A node in a box that holds containers of runc, crun and containerd, and what its processes really do."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

MAKE = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("CORONER_CACHE", "/var/cache/coroner-testdata"))
BOXES = pathlib.Path(os.environ.get("CORONER_BOXES", "/var/tmp/coroner-boxes"))
# How much longer than on a quiet machine everything is waited for.
PATIENCE = float(os.environ.get("CORONER_PATIENCE", "1"))
HELPERS = ["as-pid", "child-held", "last-thread", "mute-agent", "mute-fs", "no-reap", "scanner", "stop-exec", "sleeper"]
HELD = "/usr/lib/held"  # where they are inside
FREEZER = "/sys/fs/cgroup/freezer"
UNIFIED = "/sys/fs/cgroup/unified"


class Failed(Exception):
    """A state could not be made."""


def until(what, holds, seconds=15.0):
    """Waits until it holds, and gives what it said."""
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        if value := holds():
            return value
        time.sleep(0.02)
    raise Failed(f"{what}: not within {seconds:.0f} s")


class Node:
    """A box. Paths inside are as in `run`; on the host they are below `dir`."""

    def __init__(self, release, coroner=None):
        self.release = release
        self.name = f"runtime-{release}-{os.getpid()}"
        self.dir = BOXES / self.name
        self.orphans = []  # shims to be killed
        self.ids = {}  # of those whose id is not ours to choose
        self.neighbours = []  # of those that are no state of their own: they must be found well
        self.held_open = []  # connections that are kept
        self.undo = []  # what must be put right before the box can be removed
        self.waiting, self.logs = [], pathlib.Path(tempfile.mkdtemp(prefix="runtime-"))
        self.box("remove", check=False)
        self.box("start", release)
        self.cgroup = (BOXES / f".{self.name}" / "cgroup").read_text().strip()
        self.outfit(coroner)

    def outfit(self, coroner):
        """busybox's commands, crun, what holds things up, coroner, /dev/fuse."""
        subprocess.run([MAKE / "suites", f"crun-{self.release}"], check=True)
        over = CACHE / "roots" / f"crun-{self.release}"
        subprocess.run(["cp", "-a", f"{over}/usr/.", self.dir / "usr"], check=True)
        (self.dir / "usr/lib/held").mkdir()
        if not all((CACHE / "programs" / each).exists() for each in HELPERS):
            subprocess.run([MAKE / "programs/build", CACHE / "programs"], check=True)
        for name in HELPERS:
            shutil.copy(CACHE / "programs" / name, self.dir / "usr/lib/held")
        if coroner:
            shutil.copy(coroner, self.dir / "usr/bin/coroner")
        # What systemd would do: the commands that are printed call it.
        systemctl = self.dir / "usr/bin/systemctl"
        systemctl.write_text("#!/usr/bin/busybox sh\n[ \"$1 $2\" = 'start containerd' ] || exit 1\n"
                             "setsid containerd </dev/null >>/log/containerd.log 2>&1 &\n"
                             "for n in $(seq 100); do ctr --timeout 2s version >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1\n")
        systemctl.chmod(0o755)
        # Debian's boxes have no crictl: the CRI's client asks the same.
        shutil.copy(CACHE / "node-client", self.dir / "usr/lib/held")
        crictl = self.dir / "usr/bin/crictl"
        crictl.write_text("#!/usr/bin/busybox sh\n[ \"$1 $2\" = 'rm --' ] || exit 1\n"
                          f"exec {HELD}/node-client /run/containerd/containerd.sock cri remove \"$3\"\n")
        crictl.chmod(0o755)
        self.must("busybox", "--install", "-s", "/usr/bin")
        self.must("mknod", "-m", "666", "/dev/fuse", "c", "10", "229")
        for folder in ("srv", "mnt"):
            (self.dir / folder).mkdir(parents=True, exist_ok=True)
        self.must("mount", "-t", "fusectl", "fusectl", "/sys/fs/fuse/connections")  # as systemd does
        self.must("runc", "spec", "--bundle", "/tmp")
        self.spec = json.loads((self.dir / "tmp/config.json").read_text())

    # --- commands -----------------------------------------------------------------------------------------------------

    def box(self, verb, *words, check=True, **more):
        done = subprocess.run([MAKE / "box", verb, self.name, *words], capture_output=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, **{"timeout": 60 * PATIENCE, **more})
        if check and done.returncode:
            raise Failed(f"box {verb} {' '.join(map(str, words))}: {done.stderr.strip()[-300:]}")
        return done

    def run(self, *words, **more):
        return self.box("exec", *words, check=False, **more)

    def must(self, *words, **more):
        """Runs a command inside whose output is nobody's, as a daemon would: a container that it makes may keep it."""
        log = tempfile.TemporaryFile()
        done = subprocess.run([MAKE / "box", "exec", self.name, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=log, **{"timeout": 60 * PATIENCE, **more})
        if done.returncode:
            log.seek(0)
            raise Failed(f"{' '.join(map(str, words))}: {log.read().decode(errors='replace').strip()[-300:]}")

    def tries(self, *words, **more):
        """Whether a command succeeds."""
        try:
            self.must(*words, **more)
            return True
        except Failed:
            return False

    def spawn(self, *words, before=()):
        """Runs a command inside that is not waited for; it ends with the box at the latest."""
        log = open(self.logs / f"{len(self.waiting)}", "w+b")
        process = subprocess.Popen([*before, MAKE / "box", "exec", self.name, *words], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, start_new_session=True)
        process.told = pathlib.Path(log.name)
        self.waiting.append(process)
        return process

    def held(self, *words):
        """Starts one of the helpers, and waits until it is ready."""
        process = self.spawn(f"{HELD}/{words[0]}", *words[1:])
        until(f"{words[0]} is ready", lambda: process.told.read_bytes().strip())
        return process

    @contextlib.contextmanager
    def struck(self, calls, paths, sign, *words):
        """Runs a command inside that gets a signal when it makes one of these calls on one of these paths. It is traced
        until the block ends, so the block waits until it was struck."""
        filters = [each for path in paths for each in ("-P", path)]
        log = self.logs / f"strace-{len(self.waiting)}"
        traced = ["strace", "-f", "-qq", "-o", log, *filters, "-e", f"trace={calls}", "-e", f"inject={calls}:signal={sign}:when=1"]
        process = self.spawn(*words, before=traced)
        try:
            until(f"{sign} at {calls} of {paths[0]}", lambda: log.exists() and f"SIG{sign}" in log.read_text(errors="replace")
                  or process.poll() is not None)
            yield process
        finally:
            # Its tracer alone: strace holds back what would end it politely. What is stopped stays so.
            process.kill()
            process.wait()

    @contextlib.contextmanager
    def delayed(self, calls, paths, done, *words):
        """Runs a command inside whose calls are done, and does not return for a while: the block runs then."""
        filters = [each for path in paths for each in ("-P", path)]
        log = self.logs / f"strace-{len(self.waiting)}"
        traced = ["strace", "-f", "-qq", "-o", log, *filters, "-e", f"trace={calls}", "-e", f"inject={calls}:delay_exit=1500000"]
        process = self.spawn(*words, before=traced)
        try:
            until(f"{calls} of {' '.join(words)} done", done)
            yield process
        finally:
            process.kill()
            process.wait()

    # --- bundles ------------------------------------------------------------------------------------------------------

    def bundle(self, name, args=(HELD + "/sleeper",), change=None, **spec):
        """A bundle in /srv/NAME with busybox and the helpers in it. `spec` replaces parts, `change` edits what came out."""
        folder = self.dir / "srv" / name
        for part in ("rootfs/usr/lib/held", "rootfs/usr/bin", "rootfs/proc", "rootfs/dev", "rootfs/tmp", "rootfs/data"):
            (folder / part).mkdir(parents=True)
        (folder / "rootfs/bin").symlink_to("usr/bin")
        os.link(self.dir / "usr/bin/busybox", folder / "rootfs/usr/bin/busybox")
        shutil.copy(CACHE / "programs/sleeper", folder / "rootfs/usr/lib/held")
        config = json.loads(json.dumps(self.spec))
        config["process"].update(terminal=False, args=list(args), env=["PATH=/usr/bin"])
        config["root"]["readonly"] = False
        config["linux"]["cgroupsPath"] = f"/states/{name}"
        config["linux"]["namespaces"] = [each for each in config["linux"]["namespaces"] if each["type"] != "cgroup"]
        config["linux"].pop("maskedPaths", None)
        config["linux"].pop("readonlyPaths", None)
        config["mounts"] = [each for each in config["mounts"] if each["type"] in ("proc", "tmpfs")]
        config.update(spec)
        if change:
            change(config)
        (folder / "config.json").write_text(json.dumps(config, indent=1))
        return name

    # --- what is really there -----------------------------------------------------------------------------------------

    def pids(self, name):
        """The processes in the cgroups of a container, as the host numbers them: nobody is asked but the kernel."""
        found, name = set(), self.ids.get(name, name)
        for base in (f"/sys/fs/cgroup/pids/{self.cgroup}", f"/sys/fs/cgroup/{self.cgroup}"):
            # Of what vanishes meanwhile, os.walk says nothing; rglob fails.
            for folder, _, _ in os.walk(base):
                if os.path.basename(folder) == name:
                    with contextlib.suppress(OSError):
                        found |= set(map(int, pathlib.Path(folder, "cgroup.procs").read_text().split()))
        return sorted(found)

    def inside(self, pid):
        """The number of a process inside the box, by its number on the host."""
        for line in read(f"/proc/{pid}/status").splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[2])
        raise Failed(f"{pid} is gone")

    def processes(self, *words):
        """Processes of the box whose command line holds these words."""
        found = []
        base = pathlib.Path(f"/proc/{self.box('pid').stdout.strip()}/ns/pid")
        own = os.readlink(base)
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if all(word in line for word in words) and os.readlink(folder / "ns/pid") == own:
                    found.append(int(folder.name))
        return sorted(found)

    def main_of(self, name):
        """The init of a container: of those in its cgroup the one that is 1 in its own namespace, else the first."""
        pids = self.pids(name)
        for pid in pids:
            if read(f"/proc/{pid}/status").partition("NSpid:")[2].partition("\n")[0].split()[-1:] == ["1"]:
                return pid
        return pids[0] if pids else None

    def at(self, name, wchan, which=None):
        """Waits until the init of a container (or `which` process) waits there."""
        def there():
            pid = which() if which else self.main_of(name)
            return pid if pid and wchan in read(f"/proc/{pid}/wchan") else None
        return until(f"{name} in {wchan} ({self.seen(name)})", there)

    def seen(self, name):
        """State, wchan and name of every process of a container, as text."""
        return "; ".join(look(pid) for pid in self.pids(name)) or "no process"

    # --- the end ------------------------------------------------------------------------------------------------------

    def close(self):
        for each in self.undo:
            each()
        # nsenter stops itself when its child is stopped, and then does not reap it: whole groups.
        for process in self.waiting:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        done = self.box("remove", check=False, timeout=120)
        if done.returncode:
            print(f"{self.name}: {done.stderr.strip()}", flush=True)
        for process in self.waiting:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        shutil.rmtree(self.logs, ignore_errors=True)


def read(path):
    try:
        return pathlib.Path(path).read_bytes().decode(errors="replace")
    except OSError:
        return ""


def look(pid):
    """`S wait_for_partner runc:[2:INIT]`"""
    stat = read(f"/proc/{pid}/stat")
    state = stat.rpartition(")")[2].split()[:1] or ["?"]
    return f"{state[0]} {read(f'/proc/{pid}/wchan') or '?'} {read(f'/proc/{pid}/comm').strip()}"


def started(pid):
    """When a process started, in ticks since boot: with its pid it names it for good."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] not in "ZX" else None
