//! Stores that were given to another owner, files of images and containers with them.

use finding::{Code, Finding, Location, Severity};
use node::path_text;

use crate::{Check, Judge};

/// Root, the blobs and the snapshots belong to a user who is not root.
pub(crate) const CHANGED: Check = Check {
    code: &Code {
        name: "store/owner-changed",
        rule: "S09",
        severity: Severity::Damage,
        title: "The stores belong to another user than root, as after chown -R",
        explanation: "containerd makes root, the content store and the folders of snapshots as root. Here all of \
            them belong to another user, and the folder above root does not, as after `chown -R`. \
            The daemon starts and works. But the files of images and containers were given away, too: they \
            have lost their owners and their set-user-ID bits, and capabilities of programs are gone. \
            Containers that run as another user cannot read or write their own files, and that user of the \
            node can change the files of every container.",
        remedy: "Compare the layers with their blobs (`coroner triage --layers`): it names each one that \
            differs, and how to unpack it again. The owners of files that containers wrote are not in the \
            evidence: recreate those containers.",
    },
    needs: &[],
    run: changed,
};

fn changed(judge: &mut Judge<'_>) {
    let node = judge.node;
    let Some(owner) = node.around.owned_by else {
        return;
    };
    if node.roots.whose.starts_with("rootless") {
        return;
    }
    let root = path_text(&node.roots.root);
    let message = format!("it, its blobs and its snapshots belong to the user {owner}");
    let finding = Finding::new(CHANGED.code, Location::file(root), message);
    judge.say(finding.want("0").found(owner.to_string()));
}
