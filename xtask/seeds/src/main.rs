//! Seeds of the fuzz targets, from real evidence: `seeds FOLDER TARGET...` writes them below FOLDER.
//! A program of its own, so that `cargo xtask fuzz` does not wait for what reads testdata.

use std::path::Path;
use std::process::ExitCode;

/// What writing them ends with.
type Done = Result<(), String>;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(folder) = words.next() else {
        return ExitCode::FAILURE;
    };
    for target in words {
        if let Err(why) = seed(&target, &Path::new(&folder).join(&target)) {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "seeds: {why}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// A parked init of runc, as `fuzz_targets/process.rs` takes its files apart.
fn parked() -> Vec<u8> {
    let stat = "2 (runc:[2:INIT]) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 5 0 77 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 \
        17 1 0 0 0 0 0 0 0 0 0 0 0";
    let files: [(u8, &str); 12] = [
        (0, stat),
        (1, "NSpid:\t2\t1\nTracerPid:\t0\n"),
        (2, "runc\0init\0"),
        (3, "7:freezer:/web\n0::/web\n"),
        (4, "wait_for_partner"),
        (5, "257 0xffffffffffffff9c 0xc0 0x80001 0x0 0x0 0x0 0x7 0x4"),
        (7, "_LIBCONTAINER_INITTYPE=standard\0"),
        (8, "flags:\t012000000\nino:\t77\n"),
        (13, "900.00 1.0\n"),
        (
            14,
            "36 35 0:30 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n",
        ),
        (16, "THAWED\n"),
        (30, "/run/runc/web/exec.fifo (deleted)"),
    ];
    let pieces = files.map(|(which, text)| [&[which], text.as_bytes()].concat());
    pieces.join(&0xFE)
}

/// Seeds from real evidence, made anew at each run: whole nodes as tars, their databases, their
/// small blobs and runtime files.
#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "containerd's names"
)]
fn seed(target: &str, seeds: &Path) -> Done {
    if matches!(target, "bolt" | "carve" | "salvage") {
        let goods = testcase::bolt_goods().into_iter();
        let goods = goods.map(|name| (name.clone(), testcase::bolt_good(&name)));
        let cases = testcase::bolt_cases().into_iter();
        for (name, mut bytes) in goods.chain(cases.map(|(name, _, bytes)| (name, bytes))) {
            // Zeroes at the end only make it slower.
            let end = bytes
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |at| at.saturating_add(1));
            bytes.truncate(end.next_multiple_of(4096));
            let path = seeds.join(format!("bolt-{name}"));
            std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    if target == "process" {
        let path = seeds.join("parked");
        std::fs::write(&path, parked()).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if target == "bundle" {
        // Any node as a tar is a bundle of somebody else's making.
        let path = seeds.join("empty");
        std::fs::write(&path, [0_u8; 1024])
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if target == "gobuild" {
        for name in ["debian-bookworm", "debian-sid", "upstream", "k3s"] {
            let bytes = testcase::program(&format!("{name}.elf"));
            let path = seeds.join(name);
            std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    if target == "journal" {
        for name in ["zstd-compact", "lz4-compact", "xz-unkeyed"] {
            let plain = testcase::journal(name);
            // The header, the tables, and the first entries.
            let start = plain.get(..1 << 19).unwrap_or(&plain);
            let path = seeds.join(name);
            std::fs::write(&path, start).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    if target == "merged" {
        // layer, kind, name, attribute, length of a value
        let chains: [&[[u8; 5]]; 3] = [
            &[[0, 6, 0, 11, 0], [1, 3, 0, 11, 0], [2, 0, 64, 0, 0]],
            &[[0, 0, 0, 3, 1], [1, 0, 1, 11, 0], [1, 3, 65, 11, 0]],
            &[
                [0, 4, 0, 5, 0],
                [1, 3, 0, 11, 0],
                [0, 4, 64, 7, 0],
                [0, 0, 1, 1, 0],
            ],
        ];
        for (number, chain) in chains.iter().enumerate() {
            let path = seeds.join(format!("chain-{number}"));
            std::fs::write(&path, chain.concat())
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    for name in testcase::nodes()
        .iter()
        .filter(|name| name.ends_with("-stopped"))
    {
        let tar = testcase::node(name);
        let mut chosen: Vec<(String, Vec<u8>)> = Vec::new();
        if matches!(target, "triage" | "evidence_tar" | "bundle") {
            chosen.push(("node".to_owned(), tar.write()));
        }
        if target == "triage" {
            // Without the layers' files: a small store is tried a hundred times as often.
            let mut small = tar.clone();
            small.members.retain(|member| {
                let path = String::from_utf8_lossy(&member.path);
                !path.contains("/fs/") && !path.contains("/work/") && member.data.len() < 1 << 16
            });
            chosen.push(("small".to_owned(), small.write()));
        }
        for (number, member) in tar.members.iter().enumerate() {
            let path = String::from_utf8_lossy(&member.path).into_owned();
            let wanted = match target {
                "bolt" | "carve" | "metadb" | "salvage" => path.ends_with(".db"),
                "document" => path.contains("/blobs/sha256/") && member.data.starts_with(b"{"),
                "runc" => {
                    path.ends_with(".json")
                        || path.ends_with("/status")
                        || path.ends_with("/address")
                }
                "config" => path.ends_with(".toml"),
                "redact" => redacted(&path) && member.data.len() <= 1 << 16,
                "explain" => path.ends_with("/log.json"),
                "cni" => path.starts_with("etc/cni/") || path.starts_with("var/lib/cni/"),
                // Layers: gzip, zstd and plain; with PAX records, sparse files and whiteouts.
                "inflate" => {
                    path.contains("/blobs/sha256/")
                        && !member.data.starts_with(b"{")
                        && member.data.len() <= 1 << 18
                }
                _ => false,
            };
            if target == "cri" && path.ends_with("/meta.db") {
                for (at, record) in records(&member.data).enumerate() {
                    chosen.push((format!("{number}-{at}"), record.to_vec()));
                }
            }
            if wanted && target == "redact" {
                // Which form it has is told by its first byte.
                let form = FORMS
                    .iter()
                    .position(|ending| path.ends_with(ending))
                    .unwrap_or(0);
                let form = u8::try_from(form).unwrap_or(0);
                chosen.push((number.to_string(), [&[form][..], &member.data].concat()));
            } else if wanted {
                chosen.push((number.to_string(), member.data.clone()));
            }
        }
        for (what, bytes) in chosen {
            let path = seeds.join(format!("{name}-{what}"));
            std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// The CRI's records in a meta.db: whatever begins like one, up to the brace that closes it.
fn records(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let begin: &[u8] = br#"{"Version":"v1","Metadata":{"#;
    let starts = bytes
        .windows(begin.len())
        .enumerate()
        .filter(move |(_, window)| *window == begin);
    starts.filter_map(|(at, _)| {
        let rest = bytes.get(at..)?;
        let mut depth = 0_usize;
        let end = rest.iter().position(|byte| {
            match byte {
                b'{' => depth = depth.saturating_add(1),
                b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        });
        rest.get(..=end?)
    })
}

/// Endings of names by which a file's form is told, as `fuzz_targets/redact.rs` has them.
const FORMS: [&str; 6] = [
    ".json",
    ".toml",
    ".db",
    ".conflist",
    "os-release",
    "hostname",
];

fn redacted(path: &str) -> bool {
    FORMS.iter().any(|ending| path.ends_with(ending))
}
