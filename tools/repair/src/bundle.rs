//! `coroner repair backup NODE -o FILE`: what a start of containerd would destroy at once, in one bundle.
//!
//! ```text
//! ROOT/io.containerd.metadata.v1.bolt         meta.db
//! ROOT/io.containerd.snapshotter.v1.*         metadata.db alone
//! ROOT/io.containerd.grpc.v1.cri              states of the CRI's containers: deleted at once without records
//! ROOT/io.containerd.runtime.v2.task          work folders of tasks
//! STATE                                       bundles: how each running container is run
//! /run/runc, /etc/containerd                  states of runc, configuration
//! ```
//!
//! Layers, blobs and files of containers are not in it: no start deletes them at once. It is a bundle as
//! `coroner collect` writes it: any tool reads it, and so does `repair plan --names-from`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use cli::{Case, EvidenceArgs, Exit, Failure, Out, Outcome};
use evidence::bundle::write::{Blobs, Collect, Helper, Prepared, Replaced, write_with};
use evidence::{Evidence, Stat};
use finding::Unread;
use node::{Copied, META_DIR, steady};

use crate::backup;

/// Below the root, what a start deletes or writes over at once.
const PARTS: &[&str] = &[
    META_DIR,
    "io.containerd.grpc.v1.cri",
    "io.containerd.runtime.v2.task",
];

/// Outside of root and state.
const BESIDE: &[&str] = &[
    "/etc/containerd",
    "/etc/os-release",
    "/run/runc",
    "/var/lib/dpkg/status",
];

/// A database is packed as one transaction left it, and only if nothing in it is damaged; a damaged one
/// is packed as it is, and told.
struct Sound<'e> {
    evidence: &'e Evidence,
    damaged: Vec<String>,
}

impl Helper for Sound<'_> {
    fn prepare(&mut self, path: &Path, stat: &Stat) -> Option<Result<Replaced, Unread>> {
        let name = path.file_name().and_then(|name| name.to_str());
        if !matches!(name, Some("meta.db" | "metadata.db")) || stat.size > backup::LIMIT {
            return None;
        }
        let mut prepared = Prepared {
            bytes: Vec::new(),
            changed: false,
            masked: 0,
            note: None,
        };
        match backup::sound(self.evidence, path) {
            Ok(bytes) => prepared.bytes = bytes,
            Err(why) => match steady(self.evidence, path, backup::LIMIT) {
                Ok((source, copied)) => {
                    self.damaged
                        .push(format!("{}: {why}", node::path_text(path)));
                    prepared.changed = copied == Copied::Torn;
                    prepared.note = Some(why);
                    prepared.bytes = source.into_bytes();
                }
                Err(why) => return Some(Err(why)),
            },
        }
        Some(Ok(Replaced::Bytes(prepared)))
    }
}

pub(crate) fn run(args: &EvidenceArgs, out: &mut Out) -> Outcome {
    if out.options().output.is_none() && std::io::stdout().is_terminal() {
        return Err(Failure::usage("a bundle is nothing for a terminal")
            .hint("name a file with -o, or a folder for copies of the databases with --into"));
    }
    coroner_collect::refuse_below(args, out.options().output.as_deref())?;
    let case = Case::open(args)?;
    let roots = case.roots.first().cloned();
    let roots = roots.ok_or_else(|| Failure::unread("no node was found in the evidence"))?;
    coroner_collect::refuse_inside(&args.evidence, &case, out.options().output.as_deref())?;
    let captured = case.evidence.captured_at().or_else(cli::now);
    let mut paths: Vec<PathBuf> = PARTS.iter().map(|part| roots.root.join(part)).collect();
    let entries = case.evidence.list(&roots.root);
    for entry in entries.read().into_iter().flatten() {
        let name = entry.name.utf8().unwrap_or_default();
        if name.starts_with("io.containerd.snapshotter.v1.") {
            paths.push(roots.root.join(name).join("metadata.db"));
        }
    }
    let config = roots.config.iter();
    let elsewhere = config
        .clone()
        .flat_map(|config| config.snapshotter_roots.values());
    paths.extend(elsewhere.map(|root| root.join("metadata.db")));
    let files = config.flat_map(|config| &config.files);
    paths.extend(files.filter_map(|file| file.utf8().map(PathBuf::from)));
    paths.push(roots.state.clone());
    paths.extend(BESIDE.iter().map(PathBuf::from));
    paths.retain(|path| !case.evidence.stat(path).is_err_and(|why| why.is_absent()));
    paths.sort();
    paths.dedup();
    let is_of_node =
        |path: &PathBuf| path.starts_with(&roots.root) || path.starts_with(&roots.state);
    if !paths.iter().any(is_of_node) {
        let root = node::path_text(&roots.root);
        let mut why =
            format!("nothing is kept: neither {root} nor the state has anything of containerd");
        for other in &roots.elsewhere {
            why.push_str("; stores are in ");
            why.push_str(&node::path_text(other).to_string());
        }
        let hint = "--root names another root, as `coroner triage` lists them";
        return Err(Failure::unread(why).hint(hint));
    }
    let meta = roots.root.join(META_DIR).join("meta.db");
    let lacks_meta = case.evidence.stat(&meta).is_err_and(|why| why.is_absent());
    let wanted = Collect {
        roots: paths,
        blobs: Blobs::None,
        tool: format!("coroner {}", env!("CARGO_PKG_VERSION")),
        captured: captured.unwrap_or(finding::Time::new(0, 0)),
        warnings: vec!["secrets are not masked".to_owned()],
        left_out: vec![
            "layers, blobs and files of containers: a start deletes none at once".to_owned(),
        ],
        ..Collect::default()
    };
    let mut sound = Sound {
        evidence: &case.evidence,
        damaged: Vec::new(),
    };
    let summary = write_with(&case.evidence, &wanted, &mut sound, out.writer())?;
    out.writer().flush()?;
    if !out.options().quiet {
        let mut errors = std::io::stderr().lock();
        writeln!(
            errors,
            "{} packed, {}",
            finding::Count(summary.files, "file"),
            cli::size(summary.bytes)
        )?;
        if lacks_meta {
            let meta = node::path_text(&meta);
            writeln!(
                errors,
                "{meta} is not there: the bundle keeps no record of images and containers"
            )?;
        }
        for other in &roots.elsewhere {
            let other = node::path_text(other);
            writeln!(
                errors,
                "{other} has stores, too, which are not kept: name it with --root"
            )?;
        }
        for line in &sound.damaged {
            writeln!(errors, "{line}: it is packed as it is")?;
        }
        for (path, why) in &summary.unread {
            writeln!(errors, "{path} {why}")?;
        }
        for path in summary.changed.iter().chain(&summary.replaced) {
            writeln!(errors, "{path} changed while it was copied")?;
        }
    }
    let is_whole =
        summary.unread.is_empty() && summary.changed.is_empty() && summary.replaced.is_empty();
    let is_sound = sound.damaged.is_empty() && !lacks_meta && roots.elsewhere.is_empty();
    Ok(match (is_whole, is_sound) {
        (false, _) => Exit::UNREAD,
        (true, false) => Exit::FINDINGS,
        (true, true) => Exit::CLEAN,
    })
}
