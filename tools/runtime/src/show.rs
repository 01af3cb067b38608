//! `coroner runtime show`

use std::collections::BTreeMap;
use std::io;

use checks::Measured;
use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Style, age};
use finding::{Finding, Severity, Text, Time};
use runc::{Bundle, CrunStatus, Doc, LogLine, Spec, State, Status};
use serde::Serialize;
use stuck::Diagnosis;
use tasks::{Parts, Task, judged, parts, pick};

#[derive(Serialize)]
struct Shown {
    now: Time,
    containers: Vec<One>,
}

#[derive(Serialize)]
struct One {
    #[serde(flatten)]
    task: Task,
    /// What its processes tell, where they are known.
    diagnosis: Option<Diagnosis>,
    /// When its machine was booted, as its state implies.
    implied_boot: Option<Time>,
    /// What became of each file that was looked for.
    files: Vec<FileNote>,
    state_json: Option<State>,
    crun_status: Option<CrunStatus>,
    spec: Option<Spec>,
    cri_status: Option<Status>,
    log: Vec<LogLine>,
    work: Option<Text>,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct FileNote {
    name: Text,
    is: &'static str,
    detail: Option<String>,
}

pub(crate) fn run(id: &str, args: &EvidenceArgs, out: &mut Out) -> Outcome {
    let case = Case::open_live(args, process::Depth::Diagnosis)?;
    let node = case.node()?;
    let judged = judged(&node);
    let found = pick(parts(&node), id, &node)?;
    let report = checks::judge(&node, &Measured::default());
    let containers = found
        .iter()
        .map(|(key, part)| {
            let ours = |finding: &&Finding| {
                finding.affects.iter().any(|object| {
                    matches!(object.kind, "task" | "container")
                        && object.name == key.1
                        && (object.namespace == key.0 || object.namespace.is_none())
                })
            };
            One {
                task: part.task(key).judged(&judged),
                diagnosis: judged
                    .iter()
                    .find(|one| one.id == key.1 && one.namespace == key.0)
                    .cloned()
                    .map(|mut one| {
                        case.from_here(&mut one.remedy);
                        one
                    }),
                implied_boot: part
                    .container
                    .and_then(|container| container.best_state()?.implied_boot()),
                files: files(part),
                state_json: part.container.and_then(|c| c.best_state().cloned()),
                crun_status: part.container.and_then(|c| c.status.get().cloned()),
                spec: part.bundle.and_then(|bundle| bundle.spec.get().cloned()),
                cri_status: part.cri.and_then(|cri| cri.status.get().cloned()),
                log: part
                    .bundle
                    .map(|b| b.log.get().cloned().unwrap_or_default())
                    .unwrap_or_default(),
                work: part
                    .bundle
                    .and_then(|bundle| Some(bundle.work.as_ref()?.0.clone())),
                findings: {
                    let own = report.findings.iter().filter(ours).cloned();
                    let mut own: Vec<Finding> = own.collect();
                    own.iter_mut()
                        .flat_map(|one| &mut one.ways)
                        .for_each(|way| case.from_here(way));
                    own
                },
            }
        })
        .collect();
    out.answer(&Shown {
        now: node.now,
        containers,
    })
}

fn note<T>(name: &str, doc: &Doc<T>) -> FileNote {
    let detail = match doc {
        Doc::Damaged(_, faults) => faults.first().map(ToString::to_string),
        Doc::Unread(why) => Some(format!("it {why}")),
        Doc::Absent | Doc::Whole(_) => None,
    };
    FileNote {
        name: Text::from(name),
        is: doc.word(),
        detail,
    }
}

fn files(part: &Parts<'_>) -> Vec<FileNote> {
    let mut files = Vec::new();
    if let Some(container) = part.container {
        match container.program {
            runc::Program::Runc => files.push(note("state.json", &container.state)),
            runc::Program::Crun => files.push(note("status (crun)", &container.status)),
            runc::Program::Youki => files.push(note("state.json (youki)", &container.youki)),
            runc::Program::Other => {}
        }
        files.push(FileNote {
            name: "exec.fifo".into(),
            is: if container.fifo.is_some() {
                "there"
            } else {
                "absent"
            },
            detail: container
                .fifo
                .as_ref()
                .map(|stat| format!("mtime {}", stat.mtime)),
        });
        for left in &container.leftovers {
            let mut note = note("", &left.state);
            note.name = left.name.clone();
            files.push(note);
        }
    }
    if let Some(bundle) = part.bundle {
        let Bundle {
            address,
            bootstrap,
            init_pid,
            spec,
            options,
            log,
            ..
        } = bundle;
        files.push(note("config.json", spec));
        files.push(note("address", address));
        files.push(note("bootstrap.json", bootstrap));
        files.push(note("init.pid", init_pid));
        files.push(note("options.json", options));
        files.push(note("log.json", log));
    }
    if let Some(cri) = part.cri {
        files.push(note("status (CRI)", &cri.status));
    }
    files
}

impl Answer for Shown {
    const SCHEMA: &'static str = "runtime-show/2";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for (number, one) in self.containers.iter().enumerate() {
            if number > 0 {
                pen.gap()?;
            }
            one.write_container(self.now, pen)?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        let bad = |finding: &Finding| finding.severity > Severity::Note;
        if self
            .containers
            .iter()
            .any(|one| one.findings.iter().any(bad))
        {
            Exit::FINDINGS
        } else {
            Exit::CLEAN
        }
    }
}

/// A line of a name and a value, if there is one.
fn field(pen: &mut Pen<'_>, name: &str, value: Option<String>) -> io::Result<()> {
    match value {
        Some(value) => pen.line(format_args!("  {name:<12} {value}")),
        None => Ok(()),
    }
}

impl One {
    fn write_container(&self, now: Time, pen: &mut Pen<'_>) -> io::Result<()> {
        let task = &self.task;
        let shown = |text: &Option<Text>| text.as_ref().map(ToString::to_string);
        let at = |time: Time| format!("{time} ({} before the capture)", age(time, now));
        let namespace = shown(&task.namespace).unwrap_or_else(|| "no namespace".to_owned());
        pen.heading(format_args!("{namespace}/{}", task.id))?;
        let state = format!("{} ({}): {}", task.state, task.sure.word(), task.why);
        pen.paragraph("  state        ", &state)?;
        field(pen, "since", task.since.map(at))?;
        field(pen, "pod", shown(&task.pod))?;
        field(pen, "container", shown(&task.container))?;
        let pid = task.pid.map(|pid| {
            let ticks = task
                .start_ticks
                .map(|ticks| format!(", started {ticks} ticks after boot"));
            format!("{pid}{}", ticks.unwrap_or_default())
        });
        field(pen, "init pid", pid)?;
        field(
            pen,
            "boot",
            self.implied_boot
                .map(|boot| format!("{boot} (computed from the start of its init)")),
        )?;
        let recorded = task.recorded.map(|there| {
            if there {
                "has a record of it"
            } else {
                "has no record of it"
            }
        });
        field(pen, "meta.db", recorded.map(str::to_owned))?;
        field(pen, "CRI says", task.cri.map(|state| state.to_string()))?;
        field(pen, "state folder", shown(&task.state_dir))?;
        field(pen, "bundle", shown(&task.bundle))?;
        field(pen, "shim", shown(&task.shim))?;
        if let Some(spec) = &self.spec {
            let args: Vec<String> = spec.args.iter().map(|arg| format!("{arg:?}")).collect();
            field(pen, "args", Some(args.join(" ")))?;
            field(pen, "cwd", shown(&spec.cwd))?;
            for (kind, path) in &spec.hooks {
                field(pen, "hook", Some(format!("{kind}: {path}")))?;
            }
        }
        if let Some(state) = &self.state_json {
            // Of the old hierarchies most have one path.
            let mut by_path: BTreeMap<&Text, Vec<String>> = BTreeMap::new();
            for (controller, path) in &state.cgroup_paths {
                let name = if controller.is_empty() {
                    "unified".to_owned()
                } else {
                    controller.to_string()
                };
                by_path.entry(path).or_default().push(name);
            }
            for (path, names) in by_path {
                field(
                    pen,
                    "cgroup",
                    Some(format!("{path} ({})", names.join(", "))),
                )?;
            }
        }
        for line in &self.log {
            field(pen, "runc said", Some(line.message.to_string()))?;
        }
        pen.gap()?;
        for file in &self.files {
            let detail = file.detail.as_ref().map(|detail| format!(": {detail}"));
            let line = format!(
                "  {:<16} {}{}",
                file.name,
                file.is,
                detail.unwrap_or_default()
            );
            pen.line(line)?;
        }
        if let Some(diagnosis) = &self.diagnosis {
            pen.gap()?;
            crate::stuck::block(diagnosis, now, &mut std::collections::BTreeSet::new(), pen)?;
        }
        for finding in &self.findings {
            pen.gap()?;
            let title = format!("{} [{}]", finding.severity, finding.code.name);
            let title = pen.styled(Style::from(finding.severity), title).to_string();
            pen.paragraph("", &format!("{title} {}", finding.message))?;
            for start in &finding.at_start {
                pen.paragraph("  start   ", &format!("{}: {}", start.release, start.does))?;
            }
            pen.what_to_do("  fix     ", finding)?;
        }
        Ok(())
    }
}
