//! Files and folders beside records that the CRI opens: pipes of output, files of pods.

use daemon::{start, told};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::FileKind;
use finding::{Code, Finding, Location, Object, Severity, Text};
use metadb::{Container, Row};
use node::path_text;
use runc::{Bundle, Places, Runtime, Seen};

use crate::cri_pod::{NAMESPACE, pods};
use crate::{Check, Judge};

/// The folder of a running container's pipes is not there, or the CRI cannot get into it.
pub(crate) const IO_MISSING: Check = Check {
    code: &Code {
        name: "cri/io-missing",
        rule: "K16",
        severity: Severity::Damage,
        title: "The folder of a running container's pipes is gone",
        explanation: "The output of a container of a pod goes through two FIFOs in \
            STATE/io.containerd.grpc.v1.cri/containers/<id>/io/<n>. The daemon that runs has them \
            open. The next one must open them by name: without the folder it cannot attach to the \
            task, and reports a running container as CONTAINER_UNKNOWN; the kubelet then kills it \
            and creates another one. Programs that clean /run remove such folders; a tmpfs mounted \
            over /run hides them. 1.6, 1.7 and 2.1 were seen to do so, also where a link or a file \
            is in the place of a folder. Where only a FIFO is missing they recreate it: see \
            cri/io-replaced.",
        remedy: "Make the folder again before containerd is started, by the name that its shim \
            still holds: then the next daemon attaches, and the container goes on running; its \
            output is lost from then on, as in cri/io-replaced. Or drain the pod first.",
    },
    needs: &[],
    run: io_missing,
};

/// A pipe that is not the one that the shim writes to.
pub(crate) const IO_REPLACED: Check = Check {
    code: &Code {
        name: "cri/io-replaced",
        rule: "K16",
        severity: Severity::Damage,
        title: "A pipe of a running container's output is not there",
        explanation: "The FIFO was deleted, or something else is in its place. The shim still has the old FIFO \
            open. The next daemon creates a new FIFO, or opens what is there, and no process writes \
            to it: the container's log ends at that start, and the container itself stops at a write \
            once the old FIFO is full (64 KiB). 1.6, 1.7 and 2.1 were seen to lose all output of the \
            stream from the start on, and to call the container CONTAINER_UNKNOWN where a broken \
            link is in its place.",
        remedy: "Restart the container in a quiet moment (drain the pod): nothing leads to the old \
            FIFO. Until then the daemon that runs still has it open: do not restart containerd \
            before.",
    },
    needs: &[],
    run: io_replaced,
};

/// A file that the containers of a pod are given.
pub(crate) const POD_FILE: Check = Check {
    code: &Code {
        name: "cri/pod-file-missing",
        rule: "K17",
        severity: Severity::Damage,
        title: "A file that a pod's containers are given is gone",
        explanation: "The CRI makes hostname, hosts and resolv.conf once, with the pod, and mounts them into \
            each container of it. Containers that run keep theirs. The next one that is made in the \
            pod gets an empty directory in its place from 1.6 and 1.7, and nothing from 2.1 (without \
            resolv.conf no name is resolved); with a broken link in its place, or a file in the \
            place of the folder, 1.6 and 1.7 cannot create the container at all. A start of the \
            daemon does not make them again. The folder of /dev/shm is made again, on the disk of \
            state.",
        remedy: "Write the file again from another pod of the same kind, or delete the pod, so \
            that its owner recreates it.",
    },
    needs: &[],
    run: pod_files,
};

/// What a shim opens in its bundle, and is something else.
pub(crate) const BUNDLE_KIND: Check = Check {
    code: &Code {
        name: "runtime/bundle-file-kind",
        rule: "R12",
        severity: Severity::Damage,
        title: "Something else is in the place of a file of a running task",
        explanation: "runc and the shim open the files of a bundle by name. A directory in the place of \
            log.json makes every call of runc fail: at their next start, 1.7 and 2.1 treat the task \
            as ended and remove its bundle, while its processes keep running. 1.6 keeps the task, \
            but can neither stop the container nor run anything in it.",
        remedy: "Move what is in its place aside before containerd is started; runc recreates \
            log.json.",
    },
    needs: &[],
    run: bundle_kind,
};

/// A container of a pod that runs, as far as files tell: its bundle is there.
struct Running<'n> {
    row: &'n Row<Container>,
    bundle: &'n Bundle,
}

fn running<'n>(judge: &Judge<'n>, runtime: &'n Runtime, kind: &str) -> Vec<Running<'n>> {
    let ours = judge.namespaces().iter().filter(|it| it.name == NAMESPACE);
    ours.flat_map(|namespace| namespace.containers.read().into_iter().flatten())
        .filter(|row| row.cri_kind() == Some(kind))
        .filter_map(|row| {
            let bundle = runtime.bundle(&Text::from(NAMESPACE), &row.key)?;
            // A member of no cgroup any more has ended: what nobody attaches to is not missed.
            let runs = kind != "container"
                || runtime
                    .status(&row.key)
                    .and_then(|cri| cri.status.get())
                    .is_none_or(|status| status.state() == runc::CriState::Running);
            runs.then_some(Running { row, bundle })
        })
        .collect()
}

fn said(
    judge: &Judge<'_>,
    code: &'static Code,
    path: &Path,
    id: &Text,
    message: String,
) -> Finding {
    let finding = Finding::new(code, Location::file(path_text(path)), message);
    let finding = finding.affects(Object::new("container", NAMESPACE, id.clone()));
    let namespaces = judge.namespaces().iter().filter(|it| it.name == NAMESPACE);
    let mut rows = namespaces.flat_map(|it| it.containers.read().into_iter().flatten());
    let pod = rows.find(|row| row.key == *id);
    let pod = pod.and_then(|row| crate::container::pod_of(judge, row));
    pod.into_iter().fold(finding, Finding::affects)
}

/// The folders of the pipes, those that lead nowhere first.
fn io_missing(judge: &mut Judge<'_>) {
    let Some(runtime) = judge.node.runtime.read() else {
        return;
    };
    let state = judge.node.roots.state.clone();
    for each in running(judge, runtime, "container") {
        let id = &each.row.key;
        let top = Places::of_container(&state, id.bytes());
        let io = top.join("io");
        let is = |path: &Path| runtime.places.at(path);
        let message = match (is(&top), is(&io)) {
            (Seen::Unknown, _) | (Seen::There(FileKind::Dir), Seen::Unknown) => {
                judge.abstain(format!("what is at {} is not known", path_text(&io)));
                continue;
            }
            (Seen::Absent, _) | (_, Seen::Absent) => "it is not there".to_owned(),
            (Seen::There(FileKind::Dir), Seen::There(FileKind::Dir)) => {
                match runtime.places.within(&io) {
                    Some(inner) if !inner.iter().any(|(_, kind)| *kind == FileKind::Dir) => {
                        "there is no folder in it".to_owned()
                    }
                    _ => continue,
                }
            }
            (Seen::There(FileKind::Dir), Seen::There(kind)) | (Seen::There(kind), _) => {
                format!("it is a {}", kind.word())
            }
        };
        let message = format!("the folder of the pipes of container {id}: {message}");
        let finding = said(judge, IO_MISSING.code, &io, id, message);
        judge.say(told(finding, &start::CONTAINER_UNATTACHED));
    }
}

/// The FIFOs of output in a container's folders of pipes, by folder.
fn io_folders(runtime: &Runtime, io: &Path) -> Vec<PathBuf> {
    let inner = runtime.places.within(io).unwrap_or_default();
    let inner = inner.iter().filter(|(_, kind)| *kind == FileKind::Dir);
    inner.map(|(name, _)| io.join(name)).collect()
}

fn io_replaced(judge: &mut Judge<'_>) {
    let Some(runtime) = judge.node.runtime.read() else {
        return;
    };
    let state = judge.node.roots.state.clone();
    for each in running(judge, runtime, "container") {
        let id = &each.row.key;
        // Copies often leave out all FIFOs: the shim's own says whether this one did.
        let bundle = Path::new(std::ffi::OsStr::from_bytes(each.bundle.path.bytes()));
        let keeps = runtime.places.at(&bundle.join("log")) == Seen::There(FileKind::Fifo);
        let io = Places::of_container(&state, id.bytes()).join("io");
        let mut stdout = Vec::new();
        let mut wrong = Vec::new();
        for folder in io_folders(runtime, &io) {
            for (name, kind) in runtime.places.within(&folder).unwrap_or_default() {
                let name = name.as_bytes();
                let is_ours = name.starts_with(id.bytes());
                let is_stream = name.ends_with(b"-stdout") || name.ends_with(b"-stderr");
                if !is_ours || !is_stream {
                    continue;
                }
                if name.ends_with(b"-stdout") {
                    stdout.push(folder.clone());
                }
                if kind != FileKind::Fifo {
                    let path = folder.join(std::ffi::OsStr::from_bytes(name));
                    wrong.push((path, Some(kind)));
                }
            }
        }
        let folders = io_folders(runtime, &io);
        if let (Some(folder), true) = (folders.first(), stdout.is_empty()) {
            if runtime.places.within(folder).is_none() || !keeps {
                judge.abstain("whether the evidence keeps FIFOs is not known");
            } else {
                let name = [id.bytes(), b"-stdout"].concat();
                wrong.push((folder.join(std::ffi::OsStr::from_bytes(&name)), None));
            }
        }
        for (path, kind) in wrong {
            let found = kind.map_or("nothing", FileKind::word);
            let is = kind.map_or_else(
                || "is not there".to_owned(),
                |kind| format!("is a {}", kind.word()),
            );
            let message = format!("a pipe of container {id} {is}");
            let finding = said(judge, IO_REPLACED.code, &path, id, message);
            let finding = finding.want("a FIFO").found(found);
            judge.say(if kind == Some(FileKind::Symlink) {
                told(finding, &start::CONTAINER_UNATTACHED)
            } else {
                told(finding, &start::OUTPUT_LOST)
            });
        }
    }
}

/// Files of a pod, by name.
const POD_FILES: &[&str] = &["hosts", "resolv.conf", "hostname"];

fn pod_files(judge: &mut Judge<'_>) {
    let Some(runtime) = judge.node.runtime.read() else {
        return;
    };
    let (root, state) = (
        judge.node.roots.root.clone(),
        judge.node.roots.state.clone(),
    );
    for seen in pods(judge) {
        // A pod that is not running gets no container any more: what it lacks is only noted.
        let runs = runtime.bundle(&Text::from(NAMESPACE), seen.id).is_some();
        let folder = Places::of_pod(&root, seen.id.bytes());
        let pod = Object::global("pod", format!("{}/{}", seen.pod.namespace, seen.pod.pod));
        let mut say = |path: &Path, message: String, severity: Severity| {
            let location = Location::file(path_text(path));
            let finding = Finding::new(POD_FILE.code, location, message).affects(pod.clone());
            judge.say(if runs {
                told(finding.severity(severity), &start::POD_FILE_LEFT_OUT)
            } else {
                finding.severity(Severity::Note)
            });
        };
        match runtime.places.at(&folder) {
            Seen::Unknown => continue,
            Seen::There(FileKind::Dir) => {}
            Seen::Absent => {
                say(
                    &folder,
                    "the pod's folder is not there".to_owned(),
                    Severity::Damage,
                );
                continue;
            }
            Seen::There(kind) => {
                let message = format!("in the place of the pod's folder is a {}", kind.word());
                say(&folder, message, Severity::Damage);
                continue;
            }
        }
        for name in POD_FILES {
            let path = folder.join(name);
            match runtime.places.at(&path) {
                Seen::Unknown | Seen::There(FileKind::File) => {}
                Seen::Absent => say(&path, format!("{name} is not there"), Severity::Damage),
                Seen::There(kind) => {
                    say(
                        &path,
                        format!("{name} is a {}", kind.word()),
                        Severity::Damage,
                    );
                }
            }
        }
        let shm = Places::of_pod(&state, seen.id.bytes()).join("shm");
        if runs && !seen.pod.on_host_ipc && runtime.places.at(&shm) == Seen::Absent {
            let message = "the folder of the pod's /dev/shm is not there".to_owned();
            say(&shm, message, Severity::Odd);
        }
    }
}

fn bundle_kind(judge: &mut Judge<'_>) {
    let Some(runtime) = judge.node.runtime.read() else {
        return;
    };
    for bundle in runtime.bundles.iter().filter(|bundle| !bundle.hidden) {
        let folder = Path::new(std::ffi::OsStr::from_bytes(bundle.path.bytes()));
        let path = folder.join("log.json");
        let Seen::There(kind) = runtime.places.at(&path) else {
            continue;
        };
        if kind == FileKind::File {
            continue;
        }
        let message = format!("log.json is a {}", kind.word());
        let location = Location::file(path_text(&path)).place("container", bundle.id.clone());
        let finding = Finding::new(BUNDLE_KIND.code, location, message)
            .want("a file")
            .found(kind.word())
            .affects(Object::new(
                "task",
                bundle.namespace.clone(),
                bundle.id.clone(),
            ));
        judge.say(if kind == FileKind::Dir {
            daemon::with_start(finding)
        } else {
            finding.severity(Severity::Odd)
        });
    }
}
