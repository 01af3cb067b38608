//! A repair of our own that stopped half-way.

use finding::{Code, Finding, Location, Severity};
use node::path_text;

use crate::{Check, Judge};

/// A journal without its end.
pub(crate) const HALF_WAY: Check = Check {
    code: &Code {
        name: "store/repair-half-way",
        rule: "",
        severity: Severity::Fatal,
        title: "A repair stopped half-way",
        explanation: "`coroner repair apply` or `undo` was killed, or met an error, between its first \
            and its last step. While it is so, a directory has the name meta.db: containerd serves \
            nothing on it, and deletes nothing. Some stores may be new already, and others old.",
        remedy: "Do not start containerd. Run `coroner repair apply` with the same plan to go on, or \
            `coroner repair undo` to go back; both go on from what was done.",
    },
    needs: &[],
    run: half_way,
};

fn half_way(judge: &mut Judge<'_>) {
    for folder in &judge.node.around.half_repaired {
        let place = Location::file(path_text(folder));
        let message = "its journal is there, and does not say that the last step was done";
        judge.say(Finding::new(HALF_WAY.code, place, message.to_owned()));
    }
}
