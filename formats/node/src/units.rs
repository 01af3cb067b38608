//! Which units of systemd run a containerd, and start it again.

use std::path::Path;

use evidence::{Evidence, FileKind};
use finding::{Command, Draft, program};

use crate::unit::{UNIT_FOLDERS, Unit};

/// Where a link to `/dev/null` masks a unit in `/etc`, too, until the next boot: `mask --runtime` does not
/// reach that.
pub const CONTROL: &str = "/run/systemd/system.control";

/// A unit of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownUnit {
    /// Its name; without `.service`.
    pub name: &'static str,
    /// Whether its file is in the evidence; one that may lie where nothing was taken is named, too.
    pub is_seen: bool,
    /// Whether systemd starts it again when it ends.
    pub restarts: bool,
    /// Whether systemd starts it at boot; nothing where that is not known.
    pub enabled: Option<bool>,
    /// Whether `systemctl mask --runtime` holds for it.
    pub can_be_masked: bool,
    /// Whether it is masked on the disk.
    pub masked: bool,
    /// Whether it stays masked after a boot: then it is not for us to unmask.
    pub masked_for_good: bool,
}

/// The units that run an installation, in the order in which they are stopped; how they are stopped, kept
/// from being started, and started again.
///
/// Stopped first, masked then: a masked unit has no `KillMode` any more, and `mask --now` would end every
/// shim with it (seen with systemd 252 and 262).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Units {
    /// All of them.
    pub all: Vec<KnownUnit>,
    /// Whether one of them alone runs.
    pub is_one_of_several: bool,
    /// What starts programs in systemd's place, where the machine has no systemd.
    pub other_init: Option<&'static str>,
    /// Whether the units of the system itself are in the evidence, and so all that packages brought.
    pub is_whole: bool,
}

/// What only a machine with systemd has.
const SYSTEMD: &[&str] = &[
    "/run/systemd/system",
    "/usr/lib/systemd",
    "/lib/systemd",
    "/etc/systemd/system",
];

/// What other inits have, and what they are called.
const INITS: &[(&str, &str)] = &[
    ("/sbin/openrc-run", "OpenRC (`rc-service`)"),
    ("/usr/sbin/openrc-run", "OpenRC (`rc-service`)"),
    ("/etc/runlevels", "OpenRC (`rc-service`)"),
    ("/etc/runit", "runit (`sv`)"),
    ("/etc/s6-overlay", "s6 (`s6-svc`)"),
    ("/etc/s6", "s6 (`s6-svc`)"),
    ("/etc/dinit.d", "dinit (`dinitctl`)"),
    ("/etc/inittab", "its own init (scripts of /etc/init.d)"),
    ("/etc/rc.d/rc", "its own init (scripts of /etc/init.d)"),
];

/// What starts programs on a machine without systemd; nothing where it has one, or that is not known.
fn other_init(evidence: &Evidence) -> Option<&'static str> {
    let there = |path: &&str| evidence.stat(Path::new(path)).is_ok();
    if SYSTEMD.iter().any(there) {
        return None;
    }
    let found = INITS.iter().find(|(path, _)| there(path));
    let name = found.map(|(_, name)| *name);
    name.or_else(|| evidence.is_machine().then_some("whatever starts it there"))
}

/// The units that run an installation ([`Roots::whose`](crate::Roots::whose)), in the order in which they
/// are stopped; started again from the last to the first. None where a user's own systemd runs it.
pub fn unit_names(whose: &str) -> &'static [&'static str] {
    match whose {
        "k3s" => &["k3s", "k3s-agent"],
        "rke2" => &["rke2-server", "rke2-agent"],
        "k3s or rke2" => &["k3s", "k3s-agent", "rke2-server", "rke2-agent"],
        "docker" => &["docker.socket", "docker"],
        "docker (snap)" => &["snap.docker.dockerd"],
        "k0s" => &["k0scontroller", "k0sworker"],
        "microk8s" => &[
            "snap.microk8s.daemon-kubelite",
            "snap.microk8s.daemon-containerd",
        ],
        "host-containerd (Bottlerocket)" => &["host-containerd"],
        _ if whose.starts_with("rootless") => &[],
        // Docker's daemon uses the machine's containerd, and systemd stops it with that.
        _ => &["docker.socket", "docker", "kubelet", "containerd"],
    }
}

/// Of these installations one unit alone runs: a node is a server or an agent.
pub fn is_one_of_several(whose: &str) -> bool {
    matches!(whose, "k3s" | "rke2" | "k3s or rke2" | "k0s")
}

/// Units that are on a machine only together with the program that they start.
const OTHERS: &[&str] = &["docker.socket", "docker"];

impl KnownUnit {
    /// Nothing is known of it but its name.
    const fn unseen(name: &'static str) -> Self {
        Self {
            name,
            is_seen: false,
            restarts: false,
            enabled: None,
            can_be_masked: true,
            masked: false,
            masked_for_good: false,
        }
    }

    fn read_known(evidence: &Evidence, name: &'static str) -> Option<Self> {
        let unit = Unit::named(evidence, &file_name(name))?;
        let restart = unit.said.get("Restart").map(String::as_str);
        Some(Self {
            name,
            is_seen: true,
            restarts: !matches!(restart, None | Some("" | "no")),
            enabled: is_enabled(evidence, name),
            can_be_masked: !unit.outranks_mask,
            masked: unit.masked,
            masked_for_good: unit.masked_for_good,
        })
    }

    /// With its ending.
    pub fn file_name(&self) -> String {
        file_name(self.name)
    }
}

impl Units {
    /// The units of an installation, as far as the evidence tells which of them are there and are started
    /// at boot.
    pub(crate) fn read_units(evidence: &Evidence, whose: &str) -> Self {
        let other_init = other_init(evidence);
        if other_init.is_some() {
            return Self {
                other_init,
                ..Self::default()
            };
        }
        let names = unit_names(whose);
        let known = |name: &&'static str| KnownUnit::read_known(evidence, name);
        let here: Vec<KnownUnit> = names.iter().filter_map(known).collect();
        let is_one_of_several = is_one_of_several(whose);
        // Docker's and the kubelet's may lie where nothing was taken: the kubelet's is named until it is
        // known that there is none.
        let is_known = is_one_of_several || has_system_units(evidence);
        let mut all: Vec<KnownUnit> = Vec::new();
        for name in names {
            match here.iter().find(|unit| unit.name == *name) {
                Some(unit) => all.push(unit.clone()),
                None if !is_known && !OTHERS.contains(name) => all.push(KnownUnit::unseen(name)),
                None => {}
            }
        }
        if all.is_empty() {
            all = names.iter().copied().map(KnownUnit::unseen).collect();
        }
        Self {
            all,
            is_one_of_several,
            other_init: None,
            is_whole: has_system_units(evidence),
        }
    }

    /// Those of this name alone.
    #[must_use]
    pub fn only(&self, name: &str) -> Self {
        let own = self.all.iter().filter(|unit| unit.name == name);
        Self {
            all: own.cloned().collect(),
            is_one_of_several: self.is_one_of_several,
            other_init: self.other_init,
            is_whole: self.is_whole,
        }
    }

    /// The names, in the order in which they are stopped.
    pub fn names(&self) -> Vec<&'static str> {
        self.all.iter().map(|unit| unit.name).collect()
    }

    /// Those that are started again, in this order; none where it is not known which of them ran: an agent
    /// must not be started as a server.
    pub(crate) fn to_start(&self) -> Vec<&'static str> {
        let may = self.all.iter().rev().filter(|unit| !unit.masked_for_good);
        let may: Vec<&KnownUnit> = may.collect();
        let is_one = self.is_one_of_several && self.all.len() > 1;
        let enabled = may
            .iter()
            .filter(|unit| !is_one || unit.enabled == Some(true));
        enabled.map(|unit| unit.name).collect()
    }

    /// What stops them, and keeps systemd, a timer or a person from starting them again until the next boot.
    pub fn stopping(&self) -> Vec<Command> {
        let masks = self.all.iter().filter(|unit| !unit.masked_for_good);
        let (masked, linked): (Vec<&KnownUnit>, Vec<&KnownUnit>) =
            masks.partition(|unit| unit.can_be_masked);
        let mut all = vec![
            systemctl(&["stop"], &self.names()),
            systemctl(&["mask", "--runtime"], &names(&masked)),
        ];
        if !linked.is_empty() {
            let make = Draft::new(program::MKDIR).word("-p").path(CONTROL);
            all.push(make.command());
            for unit in &linked {
                let draft = Draft::new(program::LN).word("-sf").path("/dev/null");
                all.push(draft.path(link(unit)).command());
            }
            all.push(reload());
        }
        all.into_iter().flatten().collect()
    }

    /// The way back, up to the start itself where it is not known what ran (`to_start`).
    pub fn starting(&self) -> Vec<Command> {
        let masks = self.all.iter().filter(|unit| !unit.masked_for_good);
        let (masked, linked): (Vec<&KnownUnit>, Vec<&KnownUnit>) =
            masks.partition(|unit| unit.can_be_masked);
        let mut all = vec![systemctl(&["unmask", "--runtime"], &names(&masked))];
        if !linked.is_empty() {
            let draft = Draft::new(program::RM).word("-f");
            let draft = linked
                .iter()
                .fold(draft, |draft, unit| draft.path(link(unit)));
            all.push(draft.command());
            all.push(reload());
        }
        all.push(systemctl(&["start"], &self.to_start()));
        all.into_iter().flatten().collect()
    }

    /// What to do where no command is known to stop it.
    pub fn stopping_words(&self) -> Option<String> {
        if let Some(init) = self.other_init {
            return Some(format!(
                "Stop containerd, and first what starts it again or uses it (the kubelet, k3s, Docker), with \
                 {init}: this machine has no systemd. Leave the shims running."
            ));
        }
        let words = "Stop this containerd, and what starts it again: a user's own systemd runs it \
                     (`systemctl --user`), and not the machine's.";
        self.all.is_empty().then(|| words.to_owned())
    }

    /// What to do where it is not known what ran.
    pub fn starting_words(&self) -> Option<String> {
        if !self.to_start().is_empty() {
            return None;
        }
        let which = match self.names().as_slice() {
            [] => String::new(),
            several if self.is_one_of_several => format!(
                ", and nothing else: one of {}; an agent that is started as a server joins or makes \
                 another cluster",
                several.join(", ")
            ),
            several => format!(": {}", several.join(", ")),
        };
        Some(format!("Start again what ran before{which}."))
    }
}

fn names(units: &[&KnownUnit]) -> Vec<&'static str> {
    units.iter().map(|unit| unit.name).collect()
}

fn systemctl(words: &[&'static str], names: &[&'static str]) -> Option<Command> {
    let draft = Draft::new(program::SYSTEMCTL).words(words).words(names);
    draft.command().filter(|_| !names.is_empty())
}

/// Has systemd read its units again.
pub fn reload() -> Option<Command> {
    let draft = Draft::new(program::SYSTEMCTL).word("daemon-reload");
    draft.command()
}

/// The link that masks a unit in `/etc`.
fn link(unit: &KnownUnit) -> String {
    format!("{CONTROL}/{}", unit.file_name())
}

/// Whether the units of the system itself are in the evidence, and so all that packages brought.
fn has_system_units(evidence: &Evidence) -> bool {
    let mut folders = ["/usr/lib/systemd/system", "/lib/systemd/system"].into_iter();
    folders.any(|folder| {
        let unit = Path::new(folder).join("systemd-journald.service");
        evidence.stat(&unit).is_ok()
    })
}

/// Whether a user's own systemd has a unit for a root below the user's home.
fn has_user_unit(evidence: &Evidence, root: &Path) -> bool {
    let mut above = root.ancestors();
    let Some(home) = above
        .find(|path| path.ends_with(".local"))
        .and_then(Path::parent)
    else {
        return true;
    };
    ["containerd.service", "docker.service"].iter().any(|name| {
        evidence
            .stat(&home.join(".config/systemd/user").join(name))
            .is_ok()
    })
}

/// Whether anything of the evidence starts an installation, or has it running: a folder below its state,
/// a unit of its own. `true` where that cannot be told. What a machine only keeps (of a k3s that was
/// removed, of a user, of a volume) is no danger to it.
pub fn may_be_in_use(evidence: &Evidence, roots: &crate::Roots, first: &crate::Roots) -> bool {
    let state = evidence.list(&roots.state);
    let has_state = state.read().is_some_and(|entries| !entries.is_empty());
    // The same state may be another daemon's.
    if has_state && roots.state != first.state {
        return true;
    }
    let is_here = |name: &&str| Unit::named(evidence, &file_name(name)).is_some();
    let has_unit = |whose: &str| unit_names(whose).iter().any(is_here);
    // Where one unit is, others would be, too.
    match roots.whose {
        "kind or minikube (volume)" => false,
        whose if whose.starts_with("rootless") => has_user_unit(evidence, &roots.root),
        whose => has_unit(whose) || !has_unit(first.whose),
    }
}

/// `docker.socket` is a whole name, `docker` that of a service.
fn file_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, "socket")) => name.to_owned(),
        _ => format!("{name}.service"),
    }
}

/// Whether systemd starts a unit at boot; nothing where its folders are not in the evidence.
fn is_enabled(evidence: &Evidence, name: &str) -> Option<bool> {
    let name = file_name(name);
    let mut is_known = false;
    for folder in UNIT_FOLDERS.iter().map(Path::new) {
        let list = evidence.list(folder);
        let Some(entries) = list.read() else { continue };
        is_known |= folder.starts_with("/etc/systemd/system");
        for entry in entries
            .iter()
            .filter(|entry| entry.stat.kind == FileKind::Dir)
        {
            let wants = entry.name.utf8().filter(|name| {
                let end = name.rsplit_once('.').map(|(_, end)| end);
                matches!(end, Some("wants" | "requires"))
            });
            if wants.is_some_and(|wants| evidence.stat(&folder.join(wants).join(&name)).is_ok()) {
                return Some(true);
            }
        }
    }
    is_known.then_some(false)
}
