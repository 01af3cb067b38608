//! What stands in unfinished writes, and what the next pull of the same content makes of it.

use content::{Ingest, IngestFault, Why, Zeros};
use finding::{Code, Finding, Location, Object, Severity};
use node::{Node, path_text};

use crate::ingest::{about, ingests, named};
use crate::judge::affecting;
use crate::{Check, Judge};

/// A write that has all of its bytes.
pub(crate) const COMPLETE: Check = Check {
    code: &Code {
        name: "ingest/complete",
        rule: "G14",
        severity: Severity::Note,
        title: "A write into the content store has all of its bytes, and was not committed",
        explanation: "As many bytes are there as were announced, but the last step, the rename to \
            a blob, never came. Where the name of the write holds a digest and the bytes have it \
            (`--hash` looks at long ones), the blob is good: it can be promoted instead of being \
            downloaded again, or is all that is left of a blob that was lost. Where they have \
            another one, it is reported as ingest/blocks-pull.",
        remedy: "Where the bytes are right, a pull of the same content commits them, and downloads \
            nothing of it. `coroner repair` commits them without a pull.",
    },
    needs: &[],
    run: complete,
};

/// A write that no pull gets past.
pub(crate) const BLOCKS: Check = Check {
    code: &Code {
        name: "ingest/blocks-pull",
        rule: "G14",
        severity: Severity::Damage,
        title: "An unfinished write makes every pull of its blob fail",
        explanation: "A pull continues where the last one stopped: it keeps the bytes that are there, and \
            checks the digest only at the end. If they are not the blob's bytes (a power loss left \
            zeroes in their place), or there are too many, the commit fails and the write stays as \
            it is. Every later pull fails in the same way. 1.6, 1.7 and 2.1 were seen to do so; all \
            of them pulled the image after the folder of the write was gone. coroner hashes complete \
            writes (long ones with `--hash`); in an incomplete one it can only find zeroes.",
        remedy: "Put the folder of this write aside; the next pull downloads the blob from its \
            start. Pulling again, restarting containerd, and deleting the image do not help.",
    },
    needs: &[],
    run: blocking,
};

/// The last step of a write takes seconds.
const COMMIT: i64 = 120;

/// Whether its last bytes came just now.
fn is_young(judge: &Judge<'_>, ingest: &Ingest) -> bool {
    let last = ingest.updated_at.or(ingest.started_at);
    last.is_some_and(|last| judge.node.now.since(last) < COMMIT)
}

/// The digest that the name of a write promises: `layer-sha256:…`, as pulls call them.
fn promised(ingest: &Ingest) -> Option<content::Digest> {
    let bytes = ingest.reference.as_ref()?.bytes();
    let name = bytes.rsplit(|byte| *byte == b'/').next()?;
    let after_dash = name.splitn(2, |byte| *byte == b'-').nth(1);
    let digest = content::Digest::parse_bytes(name).ok();
    digest.or_else(|| content::Digest::parse_bytes(after_dash?).ok())
}

/// The write that has as many bytes as a blob that is gone, by the digest in its name, unless its bytes are
/// known to be others.
pub(crate) fn write_of<'n>(node: &'n Node, digest: &content::Digest) -> Option<&'n Ingest> {
    let mut ingests = node.content.read()?.ingests.iter();
    ingests.find(|ingest| {
        let others = ingest
            .computed
            .as_ref()
            .is_some_and(|known| known != digest);
        ingest.is_complete() && promised(ingest).as_ref() == Some(digest) && !others
    })
}

/// The digest of its bytes, where it was computed.
fn computed<'n>(judge: &Judge<'n>, ingest: &'n Ingest) -> Option<&'n content::Digest> {
    let hashes = judge.measured.ingests.as_ref();
    let measured = hashes.and_then(|hashes| hashes.get(&ingest.name));
    measured.or(ingest.computed.as_ref())
}

/// What of a write no pull gets past.
pub(crate) struct Block {
    what: String,
    want: String,
    found: String,
}

/// Why every pull of its blob fails, if that is so.
pub(crate) fn blocks(judge: &Judge<'_>, ingest: &Ingest) -> Option<Block> {
    let block = |what: String, want: &str, found: &str| {
        let (want, found) = (want.to_owned(), found.to_owned());
        Some(Block { what, want, found })
    };
    let is_folder =
        |fault: &IngestFault| matches!(fault, IngestFault::NotAFile("data", "directory"));
    if ingest.faults.iter().any(is_folder) {
        return block(
            "its data is a directory".to_owned(),
            "a file",
            "a directory",
        );
    }
    // Whoever opens a FIFO waits for its other end: here for ever.
    let fifo = ingest.faults.iter().find_map(|fault| match fault {
        IngestFault::NotAFile(name, "fifo") => Some(*name),
        _ => None,
    });
    if let Some(name) = fifo {
        let what = format!("its {name} is a FIFO: a pull that opens it waits without end");
        return block(what, "a file", "a FIFO");
    }
    let size = ingest.data_size?;
    // That holds for a write of any name: its end compares the sizes.
    if let Some(total) = ingest.total.filter(|total| *total > 0 && size > *total) {
        let what = format!("it has {size} bytes, and the blob {total}");
        return block(
            what,
            &format!("{total} bytes or less"),
            &format!("{size} bytes"),
        );
    }
    let digest = promised(ingest)?;
    if is_young(judge, ingest) {
        return None;
    }
    let known = computed(judge, ingest).filter(|other| other.algorithm() == digest.algorithm());
    if let Some(known) = known.filter(|known| ingest.is_complete() && **known != digest) {
        let zeros = if ingest.zeros.is_some() {
            " (there are zeroes in them)"
        } else {
            ""
        };
        let what =
            format!("all of its {size} bytes are there, and are not those of the blob{zeros}");
        return block(what, &digest.to_string(), &known.to_string());
    }
    if known == Some(&digest) {
        return None;
    }
    let of = ingest
        .total
        .map_or_else(String::new, |total| format!(" of {total}"));
    match ingest.zeros? {
        Zeros::Start => block(
            format!("its {size}{of} bytes begin with zeroes, as no layer does"),
            "the bytes of the blob",
            "zeroes",
        ),
        Zeros::End => block(
            format!("its {size}{of} bytes end with zeroes, as no compressed layer does"),
            "the bytes of the blob",
            "zeroes",
        ),
    }
}

fn blocking(judge: &mut Judge<'_>) {
    for ingest in ingests(judge) {
        let Some(block) = blocks(judge, ingest) else {
            continue;
        };
        let location = Location::file(path_text(&ingest.path)).place("ingest", named(ingest));
        let message = format!("the write {}: {}", named(ingest), block.what);
        let mut finding = Finding::new(BLOCKS.code, location, message)
            .want(block.want)
            .found(block.found)
            .about([about(ingest)])
            .affects(Object::global("ingest", named(ingest)));
        if let Some(digest) = promised(ingest) {
            finding = finding.affects(Object::global("blob", digest.as_str()));
            let is_there = judge.files().contains_key(&digest);
            // Nobody pulls what is there.
            if is_there {
                finding = finding.severity(Severity::Note);
                finding
                    .message
                    .push_str("; the blob itself is there, so no pull meets it");
            } else {
                finding = affecting(finding, &judge.graph.users_of_blob(&digest));
            }
        } else {
            // Pulls name their writes after digests: another client gave this name.
            finding = finding.severity(Severity::Odd);
            finding
                .message
                .push_str("; each new write of this name fails, until the folder is gone");
        }
        judge.say(finding);
    }
    in_the_way(judge);
}

/// What stands in the place of a write's folder and is none.
fn in_the_way(judge: &mut Judge<'_>) {
    let strays = judge
        .node
        .content
        .read()
        .map_or(&[][..], |store| &store.others);
    for stray in strays {
        let Why::NotAnIngest(kind) = stray.why else {
            continue;
        };
        let name = stray.path.file_name().and_then(|name| name.to_str());
        let is_digest =
            |name: &str| name.len() == 64 && name.bytes().all(|it| it.is_ascii_hexdigit());
        if name.is_some_and(is_digest) {
            let message = format!("a {} is in the place of a write's folder", kind.word());
            let location = Location::file(path_text(&stray.path));
            let finding = Finding::new(BLOCKS.code, location, message);
            judge.say(finding.want("a directory").found(kind.word()));
        }
    }
}

fn complete(judge: &mut Judge<'_>) {
    for ingest in ingests(judge).iter().filter(|ingest| ingest.is_complete()) {
        if is_young(judge, ingest) || blocks(judge, ingest).is_some() {
            continue;
        }
        let size = ingest.data_size.unwrap_or_default();
        let finding_of = |verdict: String| {
            let message = format!(
                "the write {} has all of its {size} bytes; {verdict}",
                named(ingest)
            );
            let location = Location::file(path_text(&ingest.path)).place("ingest", named(ingest));
            Finding::new(COMPLETE.code, location, message)
                .about([about(ingest)])
                .affects(Object::global("ingest", named(ingest)))
        };
        let finding = match (promised(ingest), computed(judge, ingest)) {
            (Some(digest), Some(computed)) if digest == *computed => {
                let files = judge.files();
                let users = judge.graph.users_of_blob(&digest);
                let is_there = files.contains_key(&digest);
                let is_lost = !is_there && !users.is_empty();
                let finding = finding_of(if is_lost {
                    "they are right, and the blob is missing: it can be promoted".to_owned()
                } else if is_there {
                    "they are right, and the blob is there, too".to_owned()
                } else {
                    "they are right: it can be promoted".to_owned()
                });
                let finding = finding.affects(Object::global("blob", digest.as_str()));
                if is_lost {
                    affecting(finding, &users)
                } else {
                    finding
                }
            }
            (None, Some(computed)) => finding_of(format!(
                "its name holds no digest; the bytes have {computed}"
            )),
            _ => finding_of(
                "whether they are right is not known (--hash checks it): if not, every pull of it fails"
                    .to_owned(),
            ),
        };
        judge.say(finding);
    }
}
