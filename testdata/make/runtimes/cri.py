"""States of containers that the CRI plugin of containerd made, in pods."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time

from .daemon import client, ctr
from .node import CACHE, Failed, until

RUNNING = 1  # a state of the CRI
LOST = 62  # seconds after which a start is not expected any more
BUSYBOX = {"host_path": "/usr/bin/busybox", "container_path": "/busybox", "readonly": True, "selinux_relabel": False,
           "propagation": 0, "uid_mappings": [], "gid_mappings": [], "recursive_read_only": False}


def cri(node, *words):
    done = subprocess.run(client(node, "cri", *words), capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Failed(f"cri {words[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


def ready(node):
    """Images, and a network."""
    if getattr(node, "cri_ready", False):
        return
    for name in ("pause", "app"):
        shutil.copy(CACHE / f"images/{name}.tar", node.dir / "tmp")
        ctr(node, "-n", "k8s.io", "images", "import", f"/tmp/{name}.tar")
        (node.dir / f"tmp/{name}.tar").unlink()
    def known():
        with contextlib.suppress(Failed):
            return all('"id"' in cri(node, "image", f"images.example/{name}:1") for name in ("pause", "app"))
    until("images in the CRI", known)
    cri(node, "ready")
    node.cri_ready = True


def pod(node, name):
    ready(node)
    config = {"metadata": {"name": name, "uid": f"{name}-uid", "namespace": "apps", "attempt": 0},
              "log_directory": f"/var/log/pods/apps_{name}_{name}-uid", "labels": {}, "annotations": {},
              "linux": {"security_context": {"namespace_options": {"network": 2, "pid": 1, "ipc": 0}}}}
    path = node.logs / f"{name}-pod.json"
    path.write_text(json.dumps(config))
    return cri(node, "pod", path), path


def create(node, name, command, **more):
    pod_id, pod_path = pod(node, name)
    path = node.logs / f"{name}.json"
    path.write_text(json.dumps({"metadata": {"name": name, "attempt": 0}, "image": {"image": "images.example/app:1"},
                                "command": command, "labels": {}, "log_path": f"{name}/0.log", "linux": {}, **more}))
    node.ids[name] = cri(node, "container", pod_id, pod_path, path)
    return node.ids[name]


def running(node, name):
    cri(node, "start", create(node, name, ["/bin/sleeper"]))


def created(node, name):
    """Between CreateContainer and StartContainer: a record, no task."""
    create(node, name, ["/bin/sleeper"])


def start_lost(node, name):
    """The daemon was killed between CreateContainer and StartContainer, and runs again: nobody asks for the start any more."""
    create(node, name, ["/bin/sleeper"])
    node.box("daemon-kill")
    node.box("daemon-start")
    time.sleep(LOST)


def end_missed(node, name):
    """It has ended, and the daemon cannot handle that: the runtime's `delete` fails each time."""
    create(node, name, ["/bin/sleeper"])
    runc = node.dir / "usr/sbin/runc"
    real = runc.with_name("runc.real")
    if not real.exists():
        runc.rename(real)
        runc.write_text('#!/usr/bin/busybox sh\ncase " $* " in\n*" delete "*)\n  for id in $(cat /tmp/undeletable); do\n'
                        '    case " $* " in *" $id "*) echo "no space left on device" >&2; exit 1 ;; esac\n  done ;;\nesac\n'
                        'exec /usr/sbin/runc.real "$@"\n')
        runc.chmod(0o755)
    with open(node.dir / "tmp/undeletable", "a") as file:
        file.write(node.ids[name] + "\n")
    cri(node, "start", node.ids[name])
    main = until("its workload", lambda: "sleeper" in node.seen(name) and node.main_of(name))
    os.kill(main, signal.SIGKILL)
    until("its end", lambda: not node.pids(name))
    time.sleep(3)
    listed = [each["listed"] for each in json.loads(cri(node, "list"))["containers"]]
    if [each["state"] for each in listed if each["id"] == node.ids[name]] != [RUNNING]:
        raise Failed(f"the CRI noticed its end: {listed}")


def exited(node, name):
    running(node, name)
    cri(node, "stop", node.ids[name])


def oom_killed(node, name):
    """It takes more memory than its limit, and the kernel kills it."""
    greedy = "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"
    resources = {"resources": {"memory_limit_in_bytes": 32 << 20, "cpu_period": 0, "cpu_quota": 0, "cpu_shares": 0, "oom_score_adj": 0,
                               "cpuset_cpus": "", "cpuset_mems": "", "hugepage_limits": [], "unified": {}, "memory_swap_limit_in_bytes": 0}}
    cri(node, "start", create(node, name, ["/busybox", "sh", "-c", greedy], mounts=[BUSYBOX], linux=resources))
    until("its end", lambda: not node.pids(name), 60)
    time.sleep(2)


def stdout_full(node, name):
    """Its output goes through a FIFO to the daemon; when that is down, nobody reads."""
    cri(node, "start", create(node, name, ["/busybox", "sh", "-c", "while :; do echo some line; done"], mounts=[BUSYBOX]))
    time.sleep(0.3)
