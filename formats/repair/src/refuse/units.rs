//! Units of systemd that may be waiting to be started again.
//!
//! A unit that ended and has `Restart=` waits for some seconds. It has no process then, no control group and
//! nothing in `/run/systemd/units`: nothing on the disk tells it from one that was stopped (seen with systemd 252 and 262). So it
//! counts as running until a mask is in force. Masked, it ends its waiting at once; but only when systemd
//! reads its units again: a link alone is passed over. `systemctl mask` has them read.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::live;
use finding::Command;
use node::{KnownUnit, Units};

use crate::Refused;
use crate::disk::Folder;
use crate::plan::Plan;

/// Where systemd says that it manages this machine.
const BOOTED: &str = "run/systemd/system";

/// What systemd makes anew whenever it reads its units, and the folder in which it does.
const READ: &[&str] = &[
    "run/systemd",
    "run/systemd/generator",
    "run/systemd/generator.early",
    "run/systemd/generator.late",
];

/// What keeps systemd from starting a unit again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mask {
    /// The strongest file of its name is a link to `/dev/null`, and systemd has read that.
    InForce,
    /// It is, but systemd has not read its units since.
    Unread,
    /// Nothing.
    None,
}

/// Units of the plan that systemd would start again, where it manages the node: this machine, or a
/// container of it.
pub(super) fn waiting(node: &Folder, plan: &Plan) -> Vec<Refused> {
    let root = node.proc();
    if std::fs::metadata(root.join(BOOTED)).is_err() || !live::is_managed(node) {
        return Vec::new();
    }
    let units = plan.known_units();
    let waits = units.all.iter();
    let waits = waits.filter(|unit| unit.is_seen && (unit.restarts || unit.masked));
    waits
        .filter_map(|unit| refusal(unit, &units.only(unit.name), mask(&root, &unit.file_name())))
        .collect()
}

fn refusal(unit: &KnownUnit, alone: &Units, mask: Mask) -> Option<Refused> {
    let name = unit.file_name();
    let (why, hint) = match mask {
        Mask::InForce => return None,
        Mask::Unread => (
            format!(
                "{name} is masked, and systemd has not read that: it may be about to start it again"
            ),
            format!("have it read: {}", shown(node::reload())),
        ),
        Mask::None => (
            format!("{name} is not masked: systemd may be about to start it again"),
            format!(
                "stop it, and then keep it from starting until the next boot: {} (not `mask --now`: that ends the shims, too)",
                shown(alone.stopping())
            ),
        ),
    };
    Some(Refused::new(why, hint))
}

/// Commands as a shell takes them one after the other.
fn shown(commands: impl IntoIterator<Item = Command>) -> String {
    let lines: Vec<String> = commands.into_iter().map(|it| it.to_string()).collect();
    format!("`{}`", lines.join(" && "))
}

/// Whether a unit is masked in the tree at `root`.
fn mask(root: &Path, unit: &str) -> Mask {
    let mut folders = node::UNIT_FOLDERS.iter();
    let strongest = folders.find_map(|folder| {
        let file = root.join(folder.trim_start_matches('/')).join(unit);
        let meta = std::fs::symlink_metadata(&file).ok()?;
        Some((file, meta))
    });
    let Some((file, meta)) = strongest else {
        return Mask::None;
    };
    let leads = std::fs::read_link(&file).unwrap_or_default();
    if leads != Path::new("/dev/null") {
        return Mask::None;
    }
    let since = (meta.ctime(), meta.ctime_nsec());
    let read = READ.iter().filter_map(|folder| {
        let meta = std::fs::metadata(root.join(folder)).ok()?;
        Some((meta.mtime(), meta.mtime_nsec()))
    });
    // Without these folders nothing tells when: then the link has to do.
    match read.max() {
        Some(read) if read < since => Mask::Unread,
        _ => Mask::InForce,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_file_decides_and_systemd_must_have_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let make = |path: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        };
        let unit = make("etc/systemd/system/k3s.service");
        std::fs::write(unit, "[Service]\nRestart=always\n").unwrap();
        assert_eq!(mask(root, "k3s.service"), Mask::None);
        // `mask --runtime` does not reach a unit in /etc.
        let weak = make("run/systemd/system/k3s.service");
        std::os::unix::fs::symlink("/dev/null", weak).unwrap();
        assert_eq!(mask(root, "k3s.service"), Mask::None);
        let strong = make("run/systemd/system.control/k3s.service");
        std::os::unix::fs::symlink("/dev/null", strong).unwrap();
        let read = |seconds: i64| {
            let time = nix::sys::time::TimeVal::new(seconds, 0);
            for folder in READ.iter().take(1) {
                nix::sys::stat::utimes(&root.join(folder), &time, &time).unwrap();
            }
        };
        read(1);
        assert_eq!(mask(root, "k3s.service"), Mask::Unread);
        // Long after this test.
        read(1 << 33);
        assert_eq!(mask(root, "k3s.service"), Mask::InForce);
        assert_eq!(mask(root, "containerd.service"), Mask::None);
    }
}
