//! docs/containerd-does-not-start.md shows what coroner prints: the page is made here, from `night/page.md` and a captured node.
//!
//! `UPDATE=1 cargo test -p coroner --test night -- --ignored` writes it, as root. Times, the name of the plan and of the copy are other ones each time:
//! those of the page stand for them.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test reads what it wrote, and panics where something is wrong"
)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: &str = "docs/containerd-does-not-start.md";
const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
/// What the page has in place of what is another each time.
const COPY: &str = "2026-11-28T23-19-09Z";
const PLAN: &str = "2805b72abcc8";
const WHEN: &str = "2026-11-29T03:07:41Z";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The node of the page, and what is printed on it.
struct Night {
    node: tempfile::TempDir,
    outside: tempfile::TempDir,
    /// What is printed, and what the page has for it.
    names: Vec<(String, String)>,
}

impl Night {
    fn begin() -> Self {
        let (node, outside) = (
            tempfile::tempdir().expect("a folder"),
            tempfile::tempdir().expect("a folder"),
        );
        let tar = outside.path().join("node.tar");
        fs::write(&tar, testcase::node("1.7-stopped").write()).expect("a tar");
        let mut unpack = Command::new("tar");
        let unpack = unpack.args(["--xattrs", "--xattrs-include=*", "-xf"]);
        let done = unpack.arg(&tar).arg("-C").arg(node.path()).output();
        assert!(done.is_ok());
        fs::remove_file(tar).expect("the tar");
        let mut night = Self {
            node,
            outside,
            names: Vec::new(),
        };
        // The timer of an hour before.
        let into = night.outside.path().join("var/backups/containerd");
        let at = night.node.path().to_owned();
        Self::print(
            &["repair", "backup"],
            &[&at],
            &["--into".into(), into.clone().into()],
        );
        let copy = fs::read_dir(&into).expect("copies").next();
        let copy = copy.expect("a copy").expect("a copy").file_name();
        night
            .names
            .push((copy.to_str().expect("a name").to_owned(), COPY.to_owned()));
        fs::remove_file(night.node.path().join(META)).expect("meta.db");
        night
    }

    /// Runs a verb, and gives what it prints as the page shows it.
    fn print(verb: &[&str], node: &[&Path], more: &[OsString]) -> String {
        let mut words: Vec<OsString> = verb.iter().map(OsString::from).collect();
        words.extend(node.iter().map(|path| path.as_os_str().to_owned()));
        words.extend(more.iter().cloned());
        let whole = || cli::whole_command(coroner::ABOUT, coroner::EXAMPLES, coroner::TOOLS);
        let parsed = whole().try_get_matches_from([OsString::from("coroner")].iter().chain(&words));
        assert!(parsed.is_ok(), "{words:?}");
        let tool = coroner::TOOLS
            .iter()
            .find(|tool| Some(&tool.name) == verb.first());
        let (text, _) = cli::try_run(tool.expect("a tool"), words.iter().cloned());
        text
    }

    /// As the page shows it.
    fn shown(
        &self,
        verb: &[&str],
        node: &[&Path],
        more: &[OsString],
        heads: &[(&str, usize)],
    ) -> String {
        parts(&self.named(&Self::print(verb, node, more)), heads)
    }

    fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (own, shown) in &self.names {
            text = text.replace(own.as_str(), shown);
        }
        let outside = self.outside.path().to_str().expect("a path");
        let node = self.node.path().to_str().expect("a path");
        text = text.replace(outside, "").replace(&format!("{node}/"), "/");
        text.replace(node, "/")
    }
}

/// The lines of `text` that begin a paragraph with one of `heads`, with what is indented below it, at most so many lines; `…` for the
/// rest.
fn parts(text: &str, heads: &[(&str, usize)]) -> String {
    let mut shown: Vec<String> = Vec::new();
    let mut room = 0_usize;
    let mut is_cut = false;
    for line in text.lines() {
        // A sentence that is broken goes on in the first column.
        let goes_on = room > 0 && shown.last().is_some_and(|last| !last.ends_with(['.', ':']));
        let is_head = !line.starts_with(' ') && !line.is_empty() && !goes_on;
        let head = heads.iter().find(|(head, _)| line.starts_with(head));
        if let Some((_, most)) = head.filter(|_| is_head) {
            room = *most;
        } else if is_head {
            room = 0;
        }
        if room > 0 {
            room = room.saturating_sub(1);
            shown.push(line.trim_end().to_owned());
            is_cut = false;
        } else if !is_cut {
            shown.push("…".to_owned());
            is_cut = true;
        }
    }
    shown.join("\n")
}

fn made() -> String {
    let mut night = Night::begin();
    let node = night.node.path().to_owned();
    let node = node.as_path();
    let outside = night.outside.path().to_owned();
    let copy = fs::read_dir(outside.join("var/backups/containerd"))
        .expect("copies")
        .next()
        .expect("a copy")
        .expect("a copy")
        .path();
    let mut blocks: Vec<(&str, String)> = Vec::new();
    let heads = &[("Do not start", 4), ("What is wrong", 6)];
    let shown = night.shown(&["triage"], &[node], &[], heads);
    blocks.push(("triage", format!("# coroner triage /\n{shown}")));
    let bundle = outside.join("mnt/usb/before.tar.zst");
    fs::create_dir_all(bundle.parent().expect("a folder")).expect("a folder");
    // What it packed is said on standard error.
    let into = ["-o".into(), bundle.into()];
    Night::print(&["repair", "backup"], &[node], &into);
    blocks.push((
        "backup",
        "# coroner repair backup / -o /mnt/usb/before.tar.zst".to_owned(),
    ));
    let heads = &[
        ("Now", 3),
        ("After", 3),
        ("What is wrong", 4),
        ("What comes back", 3),
        ("Images", 7),
        ("Lost", 25),
    ];
    let shown = night.shown(&["repair"], &[node], &[], heads);
    blocks.push(("repair", format!("# coroner repair /\n{shown}")));
    let plan = outside.join("plan.json");
    let from = ["--names-from".into(), copy.into()];
    let text = Night::print(&["repair", "plan"], &[node], &from);
    fs::write(&plan, &text).expect("the plan");
    let json: serde_json::Value = serde_json::from_str(&text).expect("the plan");
    let own = |key: &str| json.get(key).and_then(|it| it.as_str()).expect("a text");
    night.names.push((own("id").to_owned(), PLAN.to_owned()));
    night
        .names
        .push((own("made_at").to_owned(), WHEN.to_owned()));
    let heads = &[
        ("Plan", 2),
        ("After", 4),
        ("What comes back", 3),
        ("Images", 4),
        ("Containers", 4),
        ("Lost", 24),
    ];
    let shown = night.shown(&["repair", "show"], &[&plan], &[], heads);
    blocks.push((
        "plan",
        format!(
            "# coroner repair plan / --names-from /var/backups/containerd/{COPY} -o plan.json\n\
             # coroner repair show plan.json\n{shown}"
        ),
    ));
    // The node is not this machine: its processes are not asked.
    let copied = &["--copy".into()];
    let all = &[("", 12)];
    let shown = night.shown(&["repair", "apply"], &[&plan], copied, all);
    blocks.push((
        "apply",
        format!("# coroner repair apply plan.json\n{shown}"),
    ));
    let heads = &[("containerd would", 3), ("Findings", 1)];
    let shown = night.shown(&["triage"], &[node], &[], heads);
    blocks.push(("after", format!("# coroner triage /\n{shown}")));
    let shown = night.shown(&["repair", "release"], &[node], &[], all);
    blocks.push(("release", format!("# coroner repair release /\n{shown}")));
    let shown = night.shown(&["repair", "purge"], &[node], &[], all);
    blocks.push(("purge", format!("# coroner repair purge /\n{shown}")));
    let shown = night.shown(&["repair", "undo"], &[node], copied, all);
    blocks.push(("undo", format!("# coroner repair undo /\n{shown}")));
    let started = repository().join("testdata/recorded/night.txt");
    let started = fs::read_to_string(started).expect("what was recorded");
    blocks.push(("started", started.trim_end().to_owned()));
    let mut page = include_str!("night/page.md").to_owned();
    for (name, block) in blocks {
        let place = format!("{{{{{name}}}}}");
        assert!(page.contains(&place), "{place}");
        page = page.replace(&place, &block);
    }
    assert!(!page.contains("{{"), "a block is not filled");
    page
}

/// Lines are broken where paths are long, and those of a test are.
fn words(page: &str) -> Vec<&str> {
    page.split_whitespace().collect()
}

#[test]
#[ignore = "needs root: extended attributes of layers"]
fn the_page_shows_what_is_printed() {
    let page = made();
    let path = repository().join(PAGE);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).expect("the page");
        return;
    }
    let old = fs::read_to_string(&path).unwrap_or_default();
    let (old, new) = (words(&old), words(&page));
    let at = old.iter().zip(&new).position(|(one, other)| one != other);
    let at = at.unwrap_or(old.len().min(new.len()));
    let from = at.saturating_sub(20);
    let around = |all: &[&str]| -> String {
        let all: Vec<&str> = all.iter().skip(from).take(40).copied().collect();
        all.join(" ")
    };
    assert!(
        old == new,
        "{PAGE} is stale (UPDATE=1 writes it):\n{}\n--- is printed:\n{}",
        around(&old),
        around(&new)
    );
}
