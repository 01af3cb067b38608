//! Who said a line and what was being done, where its text is not known: the narrowed answer.
//!
//! A place is told by marks: words that stand anywhere in a line, in its head (the program, klog's file, an event's
//! reason), in its fields or in what it says. It claims no cause; it names what can be one, and what tells them apart.

mod cri;
mod daemon;
mod elsewhere;
mod kernel;
mod kubelet;
mod network;
mod products;
mod pull;
mod runtime;
mod volumes;

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::message::{Component, Message, Whose, act};

/// A place in a program, and the marks of its lines.
pub(crate) struct Place {
    /// Each by itself tells the place; words joined by `&` must all be there. In lower case.
    marks: &'static [&'static str],
    message: Message,
}

impl Place {
    const fn or(mut self, causes: &'static [&'static str]) -> Self {
        self.message.or = causes;
        self
    }

    const fn first(mut self, commands: &'static [&'static str]) -> Self {
        self.message.first = commands;
        self
    }
}

const fn place(
    key: &'static str,
    who: Component,
    whose: Whose,
    marks: &'static [&'static str],
    means: &'static str,
) -> Place {
    Place {
        marks,
        message: act(key, who, whose, &[], means),
    }
}

/// All of them: of two that a line has the marks of, the one that comes first here is the narrower.
const PLACES: &[&[Place]] = &[
    elsewhere::FOREIGN,
    elsewhere::SERVERS,
    elsewhere::DRIVERS,
    elsewhere::SETUP,
    products::ALL,
    elsewhere::BUILD,
    elsewhere::SNAPSHOTTERS,
    pull::PULLS,
    elsewhere::GUESTS,
    network::PLUGINS,
    kernel::ALL,
    volumes::ALL,
    kubelet::ALL,
    network::GENERAL,
    pull::STORE,
    runtime::STAGES,
    elsewhere::ENGINES,
    cri::ALL,
    runtime::TASKS,
    daemon::ALL,
    elsewhere::PROGRAMS,
];

/// Whether it is that of a product with marks of its own: its lines need no other word of containers.
pub(crate) fn names_a_product(place: &Message) -> bool {
    products::ALL.iter().any(|own| own.message.key == place.key)
}

/// Every place.
pub(crate) fn all() -> impl Iterator<Item = &'static Message> + Clone {
    PLACES
        .iter()
        .flat_map(|places| places.iter().map(|place| &place.message))
}

/// Places that tell a program and no more, or that stand in many programs' lines: the program that the journal names
/// goes before them.
const PLAIN: &[&str] = &[
    "at-containerd",
    "at-dockerd",
    "at-dockerd-network",
    "at-k3s",
    "at-client",
    "at-mirror",
    "at-kubelet",
    "at-systemd",
    "at-kernel",
    "at-socket",
    "at-shim",
    "at-plugin",
    "at-nri",
];

/// A line without one of these is no runtime's: anybody has devices, mounts and users.
const OF_CONTAINERS: &[&str] = &[
    "runc",
    "oci",
    "crun",
    "container",
    "sandbox",
    "pod",
    "docker",
    "kube",
    "shim",
    "cgroup",
    "nsexec",
    "nsenter",
    "setns",
    "moby",
    "ttrpc",
    "libcontainer",
    "criu",
    "rootfs",
    "k3s",
    "rke2",
    "nerdctl",
    "apparmor",
    "seccomp",
];

/// The place of a program of which no more is known.
const fn of_program(program: Component) -> Option<&'static str> {
    Some(match program {
        Component::Containerd => "at-containerd",
        Component::Dockerd => "at-dockerd",
        Component::Kubelet => "at-kubelet",
        Component::K3s => "at-k3s",
        Component::Systemd => "at-systemd",
        Component::Kernel => "at-kernel",
        Component::Kubernetes => "at-klog",
        _ => return None,
    })
}

/// The place of the program that keeps a line.
pub(crate) fn of_own(program: Component) -> Option<&'static Message> {
    crate::message(of_program(program)?)
}

/// The place of who speaks, of which no more is known.
pub(crate) fn of_speaker(who: Component) -> Option<&'static Message> {
    let key = match who {
        Component::Buildkit => "at-buildkit",
        Component::OtherEngine => "at-podman",
        Component::OtherSnapshotter => "at-remote-snapshotter",
        // Who is another client of the API server than kubelet.
        Component::Kubernetes => "at-api-server",
        _ => of_program(who)?,
    };
    crate::message(key)
}

/// Words of a line that passes on what a runtime or kubelet said, or is about them.
const PASSED_ON: &[&str] = &[
    "rpc error",
    "oci runtime",
    "runc",
    "containerd",
    "kubelet",
    "eviction manager",
    "sandbox",
    "pod",
    "volume",
    "probe failed",
];

/// Parts of kubelet whose files have one subject: where klog names one of them, that goes before words of the line.
const SUBJECTS: &[&str] = &[
    "at-static-pods",
    "at-eviction",
    "at-probe",
    "at-oom-watcher",
    "at-dns-config",
    "at-cpu-manager",
    "at-pod-folder",
];

/// What is told of a line of klog's form of which nothing else is known.
pub(crate) fn of_klog() -> Option<&'static Message> {
    crate::message("at-klog")
}

/// The place that a line comes from; the line is in lower case, and without names. `program`: who keeps it, where that
/// is known.
pub(crate) fn find(
    line: &str,
    program: Option<Component>,
    has_file: bool,
) -> Option<&'static Message> {
    let places = || PLACES.iter().flat_map(|places| places.iter());
    let words = Words::of_line(line);
    let is_of_containers = OF_CONTAINERS.iter().any(|word| line.contains(word));
    let mut found = places().filter(|place| {
        let is_runtimes = matches!(place.message.who, Component::Runc | Component::Shim);
        (is_of_containers || !is_runtimes)
            && place
                .marks
                .iter()
                .any(|mark| words.may_have(mark) && is_marked(line, mark))
    });
    let is_file = |mark: &&str| {
        let end = mark.trim_end_matches(':');
        end.strip_suffix(".go").is_some() || end.contains('_') && !end.contains(' ')
    };
    let subject = places().find(|place| {
        let mut files = place.marks.iter().filter(|mark| is_file(mark));
        program == Some(Component::Kubelet)
            && SUBJECTS.contains(&place.message.key)
            && files.any(|mark| is_klogs_file(line, mark))
    });
    let found = subject.or_else(|| found.next()).map(|place| &place.message);
    // A program of the cluster that is not kubelet has no runtime and no cgroups of containers; neither has k3s' own part,
    // which does not write in klog's form. Words that pass on what others say show it.
    let is_clusters_own = match program {
        None | Some(Component::Kubernetes) => has_file,
        Some(Component::K3s) => !has_file,
        Some(_) => false,
    };
    if let Some(found) = found
        && is_clusters_own
        && matches!(
            found.who,
            Component::Runc | Component::Shim | Component::Kubelet | Component::Cri
        )
        && !PASSED_ON.iter().any(|word| line.contains(word))
    {
        let own = program.and_then(of_program).unwrap_or("at-klog");
        return crate::message(own);
    }
    let own = program.and_then(of_program);
    let own = own.and_then(|key| places().find(|place| place.message.key == key));
    let own = own.map(|place| &place.message);
    match (found, own) {
        (Some(found), Some(own)) if found.who != own.who && is_beside(found, own) => Some(own),
        (Some(found), _) => Some(found),
        // The kernel and the first process tell of everything.
        (None, own) => own.filter(|own| !matches!(own.who, Component::Systemd | Component::Kernel)),
    }
}

/// The words of marks that stand in a line, found in one pass: few of the thousand do.
struct Words {
    there: HashSet<&'static str>,
}

impl Words {
    fn of_line(line: &str) -> Self {
        /// All words of marks, and what finds them.
        static ALL: LazyLock<(Vec<&'static str>, Option<AhoCorasick>)> = LazyLock::new(|| {
            let marks = PLACES
                .iter()
                .flat_map(|places| places.iter().flat_map(|place| place.marks));
            let words: BTreeSet<&'static str> = marks.flat_map(|mark| mark.split('&')).collect();
            let words: Vec<_> = words.into_iter().collect();
            let automaton = AhoCorasick::new(&words).ok();
            (words, automaton)
        });
        let (words, automaton) = &*ALL;
        let there = match automaton {
            Some(automaton) => {
                let found = automaton.find_overlapping_iter(line);
                found
                    .filter_map(|found| words.get(found.pattern().as_usize()).copied())
                    .collect()
            }
            None => words.iter().copied().collect(),
        };
        Self { there }
    }

    fn may_have(&self, mark: &str) -> bool {
        mark.split('&').all(|word| self.there.contains(word))
    }
}

/// Whether `own`, the program that speaks, tells more than `found`.
fn is_beside(found: &Message, own: &Message) -> bool {
    // A socket or a plugin is another's as well as containerd's.
    let is_plain = PLAIN.contains(&found.key);
    // The first process and the kernel do not pass on what others say.
    let passes_nothing_on = matches!(own.who, Component::Systemd | Component::Kernel);
    let is_its_own = matches!(found.who, Component::Systemd | Component::Kernel);
    // containerd's journal holds what its shims, plugins and runtimes say.
    let is_within = own.who == Component::Containerd
        && matches!(found.key, "at-shim" | "at-socket" | "at-plugin" | "at-nri");
    // Another program of the cluster has no probes and no pods of its own.
    let is_clusters = own.who == Component::Kubernetes
        && matches!(found.who, Component::Kubelet | Component::Cri);
    is_clusters || (is_plain && !is_within) || (passes_nothing_on && !is_its_own && is_plain)
}

/// How a word goes on where it is still that word.
const ENDINGS: &[&str] = &[
    "s", "d", "ed", "er", "es", "ing", "ion", "al", "led", "error", "errors", "failed", "limits",
    "v1", "v2", "v3", "exec",
];

/// Whether `line` has every word of `mark`, each whole: a name that begins with one is another's; short ones have no endings.
fn is_marked(line: &str, mark: &str) -> bool {
    mark.split('&').all(|word| has_word(line, word))
}

/// Whether klog's head names that file: `eviction_manager.go:390] `.
fn is_klogs_file(line: &str, mark: &str) -> bool {
    line.split_once(']').is_some_and(|(head, _)| {
        let file = head.rsplit(' ').next().unwrap_or_default();
        file.contains(".go:") && file.starts_with(mark)
    })
}

/// Whether what begins at `at` lies within a path, not at its beginning: the names of folders tell nothing of who speaks.
fn is_in_path(line: &str, at: usize) -> bool {
    let before = line.get(..at).unwrap_or_default();
    let is_end = |letter: char| letter.is_whitespace() || "\"'`=(,[<>".contains(letter);
    let start = before.rfind(is_end).map_or(0, |end| end.saturating_add(1));
    let path = before.get(start..).unwrap_or_default();
    path.starts_with('/') || path.starts_with("\\/")
}

fn has_word(line: &str, word: &str) -> bool {
    /// Shorter words stand in others.
    const SHORT: usize = 3;
    let is_letter = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let starts = is_letter(word.chars().next());
    let letters = word.chars().filter(|letter| letter.is_alphanumeric());
    let is_short = letters.count() <= SHORT;
    let ends = is_letter(word.chars().next_back());
    // The name of a file, or a part of a path itself.
    let is_path = !word.ends_with('.') && word.trim_matches(['/', ':']).contains(['.', '/'])
        || word.starts_with('/');
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = at.saturating_add(word.len());
        let after = line.get(after..).unwrap_or_default();
        let end = after
            .find(|letter: char| !letter.is_alphanumeric())
            .unwrap_or(after.len());
        let ending = after.get(..end).unwrap_or_default();
        // The name of a file of a source, which klog has in each line's head.
        let is_file = ends && after.starts_with(".go:");
        let is_whole = !is_file && (ending.is_empty() || !is_short && ENDINGS.contains(&ending));
        !(starts && is_letter(before) || ends && !is_whole) && (is_path || !is_in_path(line, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_keeps_a_line_goes_before_words_of_others() {
        let key =
            |line: &str, program| find(line, program, line.contains(".go:")).map(|place| place.key);
        let line = "container not cleaned up from containerd from previous run";
        assert_eq!(key(line, None), Some("at-containerd"));
        assert_eq!(key(line, Some(Component::Dockerd)), Some("at-dockerd"));
        assert_eq!(
            key("so and so", Some(Component::Kubelet)),
            Some("at-kubelet")
        );
        assert_eq!(key("so and so", None), None);
        let line = "du: cannot access '/var/lib/docker/aufs/diff/b3f6'";
        assert_eq!(key(line, Some(Component::Kubelet)), Some("at-kubelet"));
        // The file that klog names goes before words of the line.
        let line = "e0506 1:2:3.4 1 file_linux.go:113] cannot read a: failed to pull image b";
        assert_eq!(key(line, Some(Component::Kubelet)), Some("at-static-pods"));
        // A program of the cluster has no probes.
        let line = "the liveness probe of the machine: no answer";
        assert_eq!(key(line, Some(Component::Kubernetes)), Some("at-klog"));
        // Another's file of klog's, and k3s' own part, have no cgroups of containers.
        let line = "w1 1:2:3.4 1 server.go:86] failed: mkdir /sys/fs/cgroup/blkio/x: read-only";
        assert_eq!(key(line, None), Some("at-klog"));
        let line = "polling: get /readyz failed: liveness of the cgroup";
        assert_eq!(key(line, Some(Component::K3s)), Some("at-k3s"));
        // What tells more than a program stays.
        let line = "rpc error: failed to setup network for sandbox";
        assert_eq!(
            key(line, Some(Component::Kubelet)),
            Some("at-network-setup")
        );
        assert_eq!(
            key("a shim ended", Some(Component::Containerd)),
            Some("at-shim")
        );
    }

    #[test]
    fn places_are_told_by_marks_in_lower_case_and_say_what_to_run() {
        let mut keys = std::collections::BTreeSet::new();
        for place in PLACES.iter().flat_map(|places| places.iter()) {
            let Place { marks, message } = place;
            assert!(keys.insert(message.key), "{} twice", message.key);
            assert!(message.key.starts_with("at-"), "{}", message.key);
            assert!(!message.first.is_empty(), "{}", message.key);
            assert!(!marks.is_empty(), "{}", message.key);
            for mark in *marks {
                assert_eq!(*mark, mark.to_ascii_lowercase(), "{}", message.key);
                assert!(mark.len() >= 3, "{}: {mark}", message.key);
            }
        }
        assert!(keys.len() > 80);
    }

    #[test]
    fn a_line_has_a_mark_if_it_has_all_its_words_from_their_beginning() {
        assert!(is_marked("a cat and a dog", "cat&dog"));
        assert!(!is_marked("a cat", "cat&dog"));
        assert!(!is_marked("released", "lease"));
        assert!(is_marked("the leases", "lease"));
        assert!(!is_marked("a scsi disk", "csi"));
        assert!(!is_marked("gputools", "gpu"));
        // A name that begins as a word does.
        assert!(!is_marked("qemubr0: received packet", "qemu"));
        assert!(!is_marked("calico2 is a cat", "calico"));
        assert!(is_marked("createcontainererror", "createcontainer"));
        assert!(is_marked("kubernetes.io/csi: no", "csi"));
        assert!(is_marked("a gofer/dog", "/dog"));
        // The folders of a path, and the path itself.
        assert!(!is_marked("/var/lib/x/tls/etcd/ca.key is older", "etcd/"));
        assert!(!is_marked(
            "open \"/etc/origin/manifests/a.swp\"",
            "manifests/"
        ));
        assert!(is_marked(
            "open /run/containerd/containerd.sock",
            "containerd.sock"
        ));
        assert!(is_marked(
            "rm /var/lib/kubelet/pods/1",
            "/var/lib/kubelet/pods"
        ));
        assert!(is_marked("get https://a.b/v2/x/manifests/1", "manifests/"));
        // A file of a source is named as many things are.
        assert!(!is_marked("docker.go:305] images", "docker"));
        assert!(is_marked("cni.go:305] images", "cni.go"));
    }
}
