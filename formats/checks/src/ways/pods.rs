//! Pods, the CRI's files, and what runtimes leave.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use evidence::FileKind;
use finding::program::{CP, CRICTL, MKDIR};
use finding::{Action, Edit, Finding, Loss, Object, Remedy, Step, Text};
use node::path_text;
use runc::{Places, Seen};

use super::steps::{RUNNING, call, objects_of_kind, run};
use super::{Here, Table};

pub(super) const TABLE: Table = &[
    (&["cri/io-missing"], pipes),
    (&["cri/io-replaced"], restarted),
    (&["cri/pod-file-missing"], pod_file),
    (&["cri/log-folder-missing"], folder),
    (&["runtime/status-dir-missing"], status_folder),
    (&["cri/sandbox-gone"], status_forgotten),
    (
        &["runtime/status-missing", "runtime/status-damaged"],
        status_written,
    ),
    (&["container/incomplete"], incomplete),
    (&["cri/record-unusable"], record),
    (&["meta/identifier-invalid"], record),
    (&["cri/name-twice"], name_twice),
    (&["cni/config-broken", "cni/config-refused"], network_aside),
    (&["cri/sandbox-alone"], sandbox),
    (&["cri/sandbox-without-record"], sandbox_record),
    (
        &[
            "runtime/bundle-file-kind",
            "runtime/status-leftover",
            "runtime/status-orphan",
            "runtime/binary-leftover",
            "runtime/state-leftover",
            "cni/result-damaged",
            "cni/result-leftover",
        ],
        leftover,
    ),
];

/// Of two records of one name, the one that is not in use goes.
fn name_twice(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let mut way = here.repair(
        "`coroner repair` keeps the record that has a task or a bundle, or that containers belong to (of two without, \
         the newer one), and leaves out the other one, whose files a lease keeps. `coroner repair undo` takes it back.",
    );
    let records: Vec<&Object> = objects_of_kind(finding, "container").collect();
    let kept = crate::cri::kept_of(here.node, &records);
    let gone = records.into_iter().filter(|one| Some(*one) != kept);
    let records: Vec<Object> = gone.cloned().collect();
    if let Some(apply) = way.steps.iter_mut().find(|step| step.condition.is_some()) {
        apply.loses = Loss::Objects(records);
    }
    vec![way]
}

/// The folder of the pipes is made again, by the name that the shim holds.
fn pipes(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let Some(container) = objects_of_kind(finding, "container").next() else {
        return Vec::new();
    };
    let id = &container.name;
    let io = finding.location.file.clone().unwrap_or_default();
    // A link, or a file, where the folder was: it goes out of the way first.
    let runtime = here.node.runtime.read();
    let path = Path::new(OsStr::from_bytes(io.bytes()));
    let blocks = |path: &&Path| {
        let seen = runtime.map(|runtime| runtime.places.at(path));
        matches!(seen, Some(Seen::There(kind)) if kind != FileKind::Dir)
    };
    let in_the_way = path.ancestors().take(2).filter(blocks).last();
    let mut steps = in_the_way.map_or_else(Vec::new, |path| here.aside(&path_text(path)));
    let processes = here.node.processes.as_deref();
    let folder = processes.and_then(|all| {
        let mut files = all.iter().flat_map(process::Process::open_files);
        files.find_map(|file| pipe_folder(file.target.bytes(), io.bytes(), id))
    });
    match folder {
        Some(folder) => {
            let make = run(call(MKDIR).words(&["-m", "0700", "-p"]).path(folder));
            let output = Object::new("output", "k8s.io", id.clone());
            steps.extend(make.map(|step| step.loses(Loss::of_object(output)).undoable()));
        }
        None => {
            steps.push(Step::words(format!(
                "Find the folder's name: the shim of {id} has the pipes open (`ls -l /proc/*/fd` \
                 shows {io}/<number>/{id}-stdout). Make that folder with `mkdir -m 0700 -p`, before \
                 containerd is started."
            )));
        }
    }
    let why = "The next daemon makes new FIFOs in it, and attaches: the container keeps running. What \
        it writes from then on is lost, since its shim holds the old ones: recreate it in a quiet \
        moment.";
    vec![Remedy::new(why, steps)]
}

/// The folder of a pipe of `id` below `io`, as an open file names it.
fn pipe_folder(target: &[u8], io: &[u8], id: &Text) -> Option<Text> {
    let rest = target.strip_prefix(io)?.strip_prefix(b"/")?;
    let mut names = rest.split(|byte| *byte == b'/');
    let (number, file) = (names.next()?, names.next()?);
    let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    let is_its = file.starts_with(id.bytes());
    (is_number && is_its).then(|| Text::from([io, b"/", number].concat()))
}

/// A container whose output is lost is made anew by the kubelet.
fn restarted(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let Some(container) = objects_of_kind(finding, "container").next() else {
        return Vec::new();
    };
    let ended = run(call(CRICTL).word("stop").operand(container.name.clone()));
    let step = ended.map(|step| {
        let step = step.loses(Loss::of_object(container.clone())).only(RUNNING);
        match here.extract(container, 1) {
            Some(save) => step.save_first(save),
            None => step,
        }
    });
    vec![Remedy::new(
        "The kubelet recreates the container, with pipes of its own.",
        step.into_iter().collect(),
    )]
}

/// The file comes back from another pod, or is written anew where its contents are known.
fn pod_file(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let Some(path) = finding.location.file.as_ref() else {
        return Vec::new();
    };
    let name = path
        .bytes()
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or_default();
    let mut steps = Vec::new();
    if finding.message.contains(" is a ") {
        steps.extend(here.aside(path));
    }
    if name == b"hostname" {
        let pod = objects_of_kind(finding, "pod").next();
        let short = pod.and_then(|pod| pod.name.bytes().rsplit(|byte| *byte == b'/').next());
        let Some(short) = short else {
            return Vec::new();
        };
        let contents = Text::from([short, b"\n"].concat());
        let edit = Step::new(Action::Edit(Edit {
            file: path.clone(),
            contents,
        }));
        steps.push(
            edit.undoable()
                .only("unless the pod was given another hostname"),
        );
    } else if let Some(other) = other_pods(here, path, name) {
        let copy = run(call(CP).word("-n").path(other).path(path.clone()));
        let condition = "if both pods have the same DNS policy and host aliases";
        steps.extend(copy.map(|step| step.undoable().only(condition)));
    } else {
        return Vec::new();
    }
    vec![Remedy::new(
        "The next container of the pod gets the file.",
        steps,
    )]
}

/// The same file of another pod.
fn other_pods(here: &Here<'_>, path: &Text, name: &[u8]) -> Option<Text> {
    let runtime = here.node.runtime.read()?;
    let wanted = Path::new(OsStr::from_bytes(path.bytes()));
    let name = OsStr::from_bytes(name);
    runtime.sandbox_dirs.iter().find_map(|id| {
        let other = Places::of_pod(&here.node.roots.root, id.bytes()).join(name);
        let is_there = runtime.places.at(&other) == Seen::There(evidence::FileKind::File);
        (is_there && other != wanted).then(|| node::path_text(&other))
    })
}

fn folder(_: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let path = finding.location.file.clone().unwrap_or_default();
    let make = run(call(MKDIR).word("-p").path(path)).map(Step::undoable);
    vec![Remedy::new(
        "What is logged from the next start on has a place.",
        make.into_iter().collect(),
    )]
}

/// With the folder, the CRI loads the container, and can remove it.
fn status_folder(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let containers = objects_of_kind(finding, "container").take(super::steps::SHOWN);
    let paths = containers.map(|container| {
        let folder = here.node.roots.root.join(runc::CRI).join("containers");
        node::path_text(&folder.join(OsStr::from_bytes(container.name.bytes())))
    });
    let draft = paths.fold(call(MKDIR).word("-p"), finding::Draft::path);
    let make = run(draft).map(Step::undoable);
    let steps = here.stop().into_iter().chain(make).chain(here.start());
    vec![Remedy::new(
        "The CRI loads the container again (as unknown, or exited), and can remove it. `coroner repair` makes the folder \
         with a status from the record and the bundle.",
        steps.collect(),
    )]
}

/// The start itself writes a status anew; the container is then made anew by its owner.
fn status_forgotten(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let Some(container) = objects_of_kind(finding, "container").next() else {
        return Vec::new();
    };
    let remove = run(call(CRICTL)
        .words(&["rm", "--force"])
        .operand(container.name.clone()));
    let step = remove.map(|step| {
        let loss = Loss::of_object(Object::new("container", "k8s.io", container.name.clone()));
        let step = step.loses(loss).only("after containerd was started");
        match here.extract(container, 1) {
            Some(save) => step.save_first(save),
            None => step,
        }
    });
    vec![Remedy::new(
        "Its owner recreates the container.",
        step.into_iter().collect(),
    )]
}

/// What a status says stands in the record and the bundle, too.
fn status_written(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let mut ways = vec![here.repair(
        "coroner writes the status from the container's record and its bundle: the container stays.",
    )];
    ways.extend(status_forgotten(here, finding));
    ways
}

fn leftover(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    vec![here.set_aside(finding, "Nothing needs it.", true)]
}

/// The CRI takes the next configuration, or waits for one.
fn network_aside(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let why =
        "The CRI reads the folder again at once, and takes the next configuration that it can use.";
    let mut way = here.set_aside(finding, why, false);
    for step in &mut way.steps {
        let condition =
            "if another configuration is there, or the network's agent writes its own again";
        step.condition = Some(condition.to_owned());
    }
    vec![way]
}

/// The record goes; its owner makes the container anew.
fn record(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let mut steps = here.remove(finding, "container", &["containers", "rm"]);
    for (number, step) in steps.iter_mut().enumerate() {
        let Loss::Objects(objects) = &step.loses else {
            continue;
        };
        let save = objects
            .first()
            .and_then(|it| here.extract(it, number.saturating_add(1)));
        step.save_first.extend(save);
    }
    vec![Remedy::new(
        "Without the record, its owner recreates the container.",
        steps,
    )]
}

/// As [`record`], but what the container wrote is saved before anything else: a start may remove it.
fn incomplete(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let containers = objects_of_kind(finding, "container").take(super::steps::SHOWN);
    let saves = containers.zip(1_usize..).filter_map(|(container, number)| {
        let save = here.extract(container, number)?;
        Some(Step::new(save).undoable())
    });
    let mut steps: Vec<Step> = saves.collect();
    let count = objects_of_kind(finding, "container").count();
    super::steps::and_more(&mut steps, count, "Copy the files of");
    steps.extend(here.remove(finding, "container", &["containers", "rm"]));
    let why = "The first step comes before any start of containerd: it copies what the container wrote. \
        Without the record, its owner recreates the container.";
    let by_repair = " `coroner repair` takes the specification from the bundle where there is one.";
    let lacks_spec = finding.message.contains("has no specification");
    let why = format!("{why}{}", if lacks_spec { by_repair } else { "" });
    vec![Remedy::new(why, steps)]
}

/// The sandbox goes: the kubelet made another one long ago.
fn sandbox(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let sandboxes = objects_of_kind(finding, "sandbox").take(super::steps::SHOWN);
    let steps = sandboxes.filter_map(|sandbox| {
        let draft = call(CRICTL).words(&["rmp", "--force"]);
        let step = run(draft.operand(sandbox.name.clone()))?;
        let lost = std::iter::once(sandbox.clone()).chain(here.of_sandbox(sandbox));
        Some(step.loses(Loss::Objects(lost.collect())).only(RUNNING))
    });
    let mut steps: Vec<Step> = steps.collect();
    let count = objects_of_kind(finding, "sandbox").count();
    super::steps::and_more(&mut steps, count, "Remove");
    vec![Remedy::new("The sandbox is gone.", steps)]
}

/// One that the CRI does not load is removed behind its back.
fn sandbox_record(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let steps = here.remove(finding, "sandbox", &["sandboxes", "rm"]);
    vec![Remedy::new("The sandbox is gone.", steps)]
}
