//! What follows from what is left, and what to do.

use finding::program::{IP, SYSTEMCTL, UMOUNT};
use finding::{Draft, Remedy, Step, Text};

use super::Left;

impl Left {
    /// What follows from it, and what to do with the mount, name or unit.
    pub(super) fn way(self, name: &Text) -> Remedy {
        Remedy::new(self.follows(), self.steps(name))
    }

    /// Of each of these.
    pub(super) fn ways(all: &[Self], name: &Text) -> Vec<Remedy> {
        all.iter().map(|it| it.way(name)).collect()
    }

    const fn follows(self) -> &'static str {
        match self {
            Self::RootfsLeft => {
                "Its snapshot cannot be removed while it is mounted. Once it is not, containerd removes \
                 the rest."
            }
            Self::DirectoryGone => {
                "What the kernel holds can still be read through the mount, and is lost when it is \
                 unmounted: copy what is needed first. The container cannot be started again."
            }
            Self::SnapshotUnknown => {
                "The snapshotter's database has no such snapshot: it was removed under the mount, \
                 or the mount is older than the database."
            }
            Self::TmpmountLeft => {
                "containerd unmounts these at its next start (1.7 and later); it may be done now. It is \
                 read-only or holds half an image."
            }
            Self::ShmLeft => {
                "meta.db has no pod of this id. Once it is unmounted, the folder of the pod may be removed."
            }
            Self::RuncBinaryLeft => {
                "`runc delete` fails with \"device or resource busy\" until it is unmounted. Then delete \
                 the container."
            }
            Self::NetnsLeft => {
                "Its interfaces and addresses are still taken, until the name is deleted. The leases of its \
                 addresses are below /var/lib/cni."
            }
            Self::NetnsIdle => {
                "The pod's sandbox is not running, or runs elsewhere. Stop the pod through the \
                 kubelet or `crictl stopp`: that gives its addresses back."
            }
            Self::NetnsUnmounted => "An empty file that a node restart left; it may be removed.",
            Self::CgroupLeft => {
                "Its folders may be removed with rmdir, the deepest first. It holds nothing."
            }
            Self::CgroupLeaked => {
                "A container that was deleted while it was made. Look at `coroner runtime stuck`; \
                 end its processes through the cgroup (cgroup.kill, or cgroup.procs), then remove its folders \
                 with rmdir."
            }
            Self::UnitLeft => {
                "systemd keeps the unit of a container that is gone, usually because it ended with a \
                 failure. A container of the same id cannot be made beside it (\"was already loaded or \
                 has a fragment file\"). A unit that is not failed is stopped instead of reset."
            }
        }
    }

    fn steps(self, name: &Text) -> Vec<Step> {
        let umount = |when: &str| {
            let command = Draft::new(UMOUNT).path(name.clone()).command();
            let step = command.map(|it| Step::from(it).only(when));
            step.into_iter().collect()
        };
        let unit = |verb| {
            Draft::new(SYSTEMCTL)
                .word(verb)
                .operand(name.clone())
                .command()
        };
        match self {
            Self::RootfsLeft => umount("where no process has it as its root"),
            Self::TmpmountLeft => umount("where no program that unpacks or builds images runs"),
            Self::ShmLeft => umount("where no container of that pod runs"),
            Self::RuncBinaryLeft => umount("where no process of that container runs"),
            Self::NetnsLeft => {
                let short = name.bytes().rsplit(|byte| *byte == b'/').next();
                let draft = Draft::new(IP).words(&["netns", "delete"]);
                let command = draft
                    .operand(Text::from(short.unwrap_or_default()))
                    .command();
                command.map(Step::from).into_iter().collect()
            }
            Self::UnitLeft => {
                let look = unit("status").map(Step::from);
                let reset =
                    unit("reset-failed").map(|it| Step::from(it).only("where it shows no process"));
                look.into_iter().chain(reset).collect()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(left: Left, name: &str) -> Vec<String> {
        let way = left.way(&Text::from(name));
        way.commands().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_is_a_single_word_and_never_an_option() {
        assert_eq!(
            commands(Left::NetnsLeft, "/run/netns/cni-1"),
            ["ip netns delete cni-1"]
        );
        assert!(commands(Left::NetnsLeft, "/run/netns/-all").is_empty());
        assert_eq!(
            commands(Left::RootfsLeft, "/run/a b;reboot/rootfs"),
            ["umount -- '/run/a b;reboot/rootfs'"]
        );
        assert_eq!(
            commands(Left::UnitLeft, "--all"),
            [
                "systemctl status -- --all",
                "systemctl reset-failed -- --all"
            ]
        );
    }

    #[test]
    fn what_runs_is_not_ended_without_a_word() {
        for left in [
            Left::RootfsLeft,
            Left::TmpmountLeft,
            Left::ShmLeft,
            Left::RuncBinaryLeft,
        ] {
            let way = left.way(&Text::from("/run/mounted"));
            assert_eq!(way.commands().count(), 1, "{left:?}");
            assert!(way.steps.iter().all(|step| step.condition.is_some()));
        }
        assert!(commands(Left::CgroupLeaked, "/sys/fs/cgroup/k8s.io/a").is_empty());
        assert!(commands(Left::DirectoryGone, "/run/rootfs").is_empty());
    }
}
