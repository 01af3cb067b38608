//! What follows from what is wrong with a shim, and what to do.

use finding::program::{CTR, KILL};
use finding::{Draft, Remedy, Step};

use super::{Condition, Shim};

impl Condition {
    /// What follows from it, and what to do.
    pub(super) fn way(self, shim: &Shim) -> Remedy {
        Remedy::new(self.follows(), self.steps(shim))
    }

    const fn follows(self) -> &'static str {
        match self {
            Self::BundleWithoutShim => {
                "The next start of containerd kills what is left of the tasks and removes the \
                 bundles. Nothing to do by hand: a running containerd has done so already, or does \
                 it at its next restart."
            }
            Self::ShimWithoutBundle => {
                "containerd does not know it and never cleans it up. Its processes are listed here \
                 and may do useful work. End them by their pids at a suitable time; then the shim \
                 ends, or can be ended. `runc delete --force` leaves processes behind if their state \
                 is gone."
            }
            Self::ShimWithoutProcesses => {
                "Its containers have ended. containerd 1.7 and later end such a shim at their next \
                 start; 1.6 keeps it."
            }
            Self::ShimLeftOver => {
                "Its bundle is gone and nothing runs under it. containerd finds shims by their \
                 bundles: no start ends this one. Look again after a minute, because a shim that is \
                 being started or removed looks the same. Where the list of tasks does not have it, it can \
                 be ended by its pid, and nothing is lost."
            }
            Self::ShimTwice => {
                "Two shims have the namespace and id of one group, and one socket. The other one \
                 has the container. Look again after a minute, because a start may be under way. \
                 Where this one has no child then, it can be ended by its pid; never end the other."
            }
            Self::ShimStopped => {
                "It answers no request: a start of containerd waits 5 s for it, then kills its \
                 containers and removes their bundles. Continue it before, and find out who stopped it."
            }
            Self::ShimHangs => "What it waits for is in `coroner runtime stuck`.",
            Self::ShimMute => {
                "Connections wait at its socket, and it accepts none of them. A start of containerd \
                 waits 5 s for each such shim, then kills its containers and removes their bundles. \
                 Until then they run on; what it waits for is in `coroner runtime stuck`."
            }
            Self::SocketMissing => {
                "containerd cannot reach the shim: its next start kills the containers. A socket \
                 that was removed cannot be brought back."
            }
            Self::SocketDead => "The shim that listened here has ended. The file does no harm.",
            Self::SocketLeaked => {
                "A shim that was killed leaves its socket. The file does no harm and may be removed."
            }
            Self::SocketForeign => {
                "It belongs to another containerd of this machine, or to a shim that names its \
                 socket in a way of its own. Leave it alone."
            }
        }
    }

    fn steps(self, shim: &Shim) -> Vec<Step> {
        let command = match (self, &shim.process, &shim.namespace) {
            (Self::ShimStopped, Some(process), _) if process.pid > 1 => {
                Draft::new(KILL).word("-CONT").number(process.pid).command()
            }
            (Self::ShimLeftOver, _, Some(namespace)) => {
                let ctr = Draft::new(CTR).value("--namespace", namespace.clone());
                ctr.words(&["tasks", "ls"]).command()
            }
            _ => None,
        };
        command.map(Step::from).into_iter().collect()
    }
}
