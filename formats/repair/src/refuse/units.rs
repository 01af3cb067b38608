//! Units of systemd that may be waiting to be started again.
//!
//! A unit that ended and has `Restart=` waits for some seconds, and has no process then: nothing on the
//! disk tells it from one that was stopped. So it counts as running until it is masked.

use std::path::Path;

use crate::Refused;
use crate::disk::Folder;
use crate::plan::Plan;

/// Where a link to `/dev/null` masks a unit.
const MASKS: &[&str] = &["/run/systemd/system", "/etc/systemd/system"];

/// Where systemd says that it manages this machine.
const BOOTED: &str = "/run/systemd/system";

/// Units of the plan that systemd would start again, where the node is this machine.
pub(super) fn waiting(node: &Folder, plan: &Plan) -> Vec<Refused> {
    let is_here = {
        use std::os::unix::fs::MetadataExt;
        let here = std::fs::metadata("/").map(|meta| (meta.dev(), meta.ino()));
        let node = node.own().map(|stat| (stat.st_dev, stat.st_ino));
        matches!((here, node), (Ok(here), Ok(node)) if here == node)
    };
    if !is_here || std::fs::metadata(BOOTED).is_err() {
        return Vec::new();
    }
    let is_masked = |name: &str| {
        let mut links = MASKS.iter().map(|folder| Path::new(folder).join(name));
        links.any(|link| std::fs::read_link(link).is_ok_and(|to| to == Path::new("/dev/null")))
    };
    let waits = plan
        .units
        .iter()
        .filter(|unit| unit.restarts && unit.can_be_masked && !is_masked(&unit.name));
    let refuse = |unit: &crate::plan::PlanUnit| {
        Refused::new(
            format!(
                "{} is not masked: systemd may be about to start it again",
                unit.name
            ),
            "stop it and mask it until the next boot, as the plan says (`systemctl mask --runtime --now`)",
        )
    };
    waits.map(refuse).collect()
}
