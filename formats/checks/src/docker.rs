//! Docker's daemon: what it refuses of its settings, and files of pids that keep it from starting.
//!
//! Which directives it knows, of which kind each is, and what it says of the rest was asked of dockerd
//! 26.1.5 and 28.5.2 (`dockerd --validate`), a directive at a time.

use finding::{Code, Finding, Location, Severity, Text, Unread};
use json::{Document, Value};
use node::{Docker, Node, Unit};
use view::View;

use crate::{Check, Judge};

/// daemon.json is refused.
pub(crate) const SETTINGS: Check = Check {
    code: &Code {
        name: "docker/settings-unusable",
        rule: "P55",
        severity: Severity::Odd,
        title: "The settings of Docker are refused: dockerd does not start",
        explanation: "dockerd ends at its start if daemon.json is not JSON, has a directive that dockerd does \
            not know, a value of another kind, or a directive that is a flag of its command, too (`hosts` and \
            `-H`, as most units have it). A containerd of its own unit is not touched; one that dockerd \
            starts itself is not started (reported as damage). A dockerd that runs goes on until its next \
            start. An empty file is taken by dockerd 26 and 28, with the built-in values (reported as a \
            note): what it said before, such as data-root, is lost.",
        remedy: "Correct the file and have dockerd check it: `dockerd --validate --config-file=FILE`. Then \
            start dockerd.",
    },
    needs: &[],
    run: settings,
};

/// A file of a pid names a process that is another one.
pub(crate) const PID: Check = Check {
    code: &Code {
        name: "docker/pid-stale",
        rule: "P56",
        severity: Severity::Odd,
        title: "A file of Docker's pids names another program: dockerd does not start",
        explanation: "dockerd believes any live process that docker.pid names to be a dockerd, and any that \
            containerd.pid names to be its containerd: it ends with `process with PID N is still running`, \
            or waits and ends with `timeout waiting for containerd to start`. Such a file is left by a \
            daemon that was killed, where /run outlasts it: in a container, or on a disk. Once the process \
            ends, dockerd starts again.",
        remedy: "Put the file aside while dockerd does not run, then start dockerd.",
    },
    needs: &[],
    run: pids,
};

/// Directives whose value is of one kind; null is taken for each.
const KINDS: &[(&str, &str)] = &[
    (
        "a bool",
        "allow-direct-routing cri-containerd debug experimental icc init ip-forward ip-forward-no-drop ip-masq \
         ip6tables iptables ipv6 live-restore no-new-privileges raw-logs rootless selinux-enabled tls \
         tlsverify userland-proxy",
    ),
    (
        "a number",
        "cpu-rt-period cpu-rt-runtime max-concurrent-downloads max-concurrent-uploads max-download-attempts \
         mtu network-control-plane-mtu network-diagnostic-port shutdown-timeout",
    ),
    (
        "a string",
        "api-cors-header bip bip6 bridge cgroup-parent containerd containerd-namespace data-root \
         default-cgroupns-mode default-gateway default-gateway-v6 default-ipc-mode default-runtime exec-root \
         fixed-cidr fixed-cidr-v6 group host-gateway-ip init-path ip log-driver log-format log-level \
         metrics-addr pidfile seccomp-profile storage-driver swarm-default-advertise-addr tlscacert tlscert \
         tlskey userland-proxy-path userns-remap",
    ),
    (
        "an array",
        "authorization-plugins cdi-spec-dirs default-address-pools dns dns-opts dns-search exec-opts \
         host-gateway-ips hosts insecure-registries labels node-generic-resources registry-mirrors \
         storage-opts",
    ),
    (
        "an object",
        "builder default-network-opts default-ulimits features log-opts runtimes",
    ),
    (
        "",
        "add-runtime allow-nondistributable-artifacts authorization-plugin cdi-spec-dir config-file \
         containerd-plugins-namespace default-address-pool default-network-opt default-shm-size \
         default-ulimit deprecated-key-path dns-opt exec-opt feature help host http-proxy https-proxy \
         insecure-registry label log-opt no-proxy node-generic-resource registry-mirror storage-opt validate \
         version",
    ),
];

/// Directives that neither knows, and another release does.
const OTHER_RELEASES: &str = "bridge-accept-fwmark cluster-advertise cluster-store cluster-store-opts \
    containerd-plugin-namespace disable-legacy-registry enable-cors firewall-backend graph \
    min-api-version nri-opts oom-score-adjust resolv-conf trust-key-path";

/// Flags whose directive has another name: a flag may come more than once.
const PLURALS: &[(&str, &str)] = &[
    ("authorization-plugin", "authorization-plugins"),
    ("cdi-spec-dir", "cdi-spec-dirs"),
    ("default-address-pool", "default-address-pools"),
    ("default-network-opt", "default-network-opts"),
    ("default-ulimit", "default-ulimits"),
    ("dns-opt", "dns-opts"),
    ("exec-opt", "exec-opts"),
    ("host", "hosts"),
    ("insecure-registry", "insecure-registries"),
    ("label", "labels"),
    ("log-opt", "log-opts"),
    ("node-generic-resource", "node-generic-resources"),
    ("registry-mirror", "registry-mirrors"),
    ("storage-opt", "storage-opts"),
];

/// Flags of one letter.
const LETTERS: &[(&str, &str)] = &[
    ("-b", "bridge"),
    ("-D", "debug"),
    ("-G", "group"),
    ("-H", "hosts"),
    ("-l", "log-level"),
    ("-p", "pidfile"),
    ("-s", "storage-driver"),
];

/// Whether the containerd that is judged is started by dockerd.
pub(crate) fn starts_it(node: &Node) -> bool {
    node.roots.whose.starts_with("docker")
}

/// The kind that a directive's value must have; empty: any.
fn kind_of(key: &str) -> Option<&'static str> {
    let mut rows = KINDS.iter();
    let found = rows.find(|(_, keys)| keys.split_whitespace().any(|known| known == key));
    found.map(|(kind, _)| *kind)
}

/// The directive that a word of the command sets.
fn directive(word: &str) -> Option<&str> {
    let Some(name) = word.strip_prefix("--") else {
        let short = LETTERS.iter().find(|(letter, _)| word.starts_with(letter));
        return short.map(|(_, name)| *name);
    };
    let name = name.split('=').next().unwrap_or_default();
    let plural = PLURALS.iter().find(|(flag, _)| *flag == name);
    Some(plural.map_or(name, |(_, name)| *name))
}

/// What a value is, as [`KINDS`] names it.
const fn kind_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Why dockerd refuses its settings; the second says whether every release does.
pub(crate) fn refusal(docker: &Docker) -> Option<(String, bool)> {
    let bytes = match &docker.settings {
        Ok(bytes) => bytes.as_slice(),
        Err(Unread::Absent) if docker.is_named => {
            return Some((
                "it is not there, and the command of its unit names it".into(),
                true,
            ));
        }
        Err(Unread::Special(_)) => return Some(("it is no file".into(), true)),
        Err(_) => return None,
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return None;
    }
    let document = Document::parse(View::new(bytes));
    if let Some(flaw) = document.flaws.iter().find(|flaw| !flaw.is_harmless()) {
        return (!flaw.is_limit()).then(|| (format!("it {flaw}"), true));
    }
    let root = document.root?;
    match root.value {
        Value::Object(_) => {}
        Value::Null => return None,
        other => return Some((format!("it is {}, not an object", kind_word(&other)), true)),
    }
    let command = docker
        .unit
        .as_ref()
        .map_or(&[][..], |unit| unit.command.as_slice());
    let flags: Vec<&str> = command.iter().filter_map(|word| directive(word)).collect();
    let mut elsewhere = None;
    for member in root.members() {
        let key = member.key.to_string();
        let found = kind_word(&member.node.value);
        let kind = kind_of(&key).unwrap_or_default();
        if kind.is_empty() {
            // dockerd takes the names in an object for directives, but where it knows that object.
            let names = member
                .node
                .members()
                .iter()
                .map(|inner| inner.key.to_string());
            let names: Vec<String> = if found == "an object" {
                names.collect()
            } else {
                vec![key.clone()]
            };
            let is_other =
                |name: &String| OTHER_RELEASES.split_whitespace().any(|known| known == name);
            let unknown = names.iter().find(|name| kind_of(name).is_none());
            let why = unknown.map(|name| format!("dockerd does not know the directive {name}"));
            match why {
                Some(why) if unknown.is_some_and(is_other) => elsewhere = Some((why, false)),
                Some(why) => return Some((why, true)),
                None => {}
            }
        } else if found != kind && found != "null" {
            return Some((format!("{key} is {found}, and must be {kind}"), true));
        }
        // A runtime may be told in both.
        if key != "runtimes" && flags.contains(&key.as_str()) {
            let why = format!("{key} is set in it, and in the command of dockerd's unit");
            return Some((why, true));
        }
    }
    elsewhere
}

fn settings(judge: &mut Judge<'_>) {
    let Some(docker) = &judge.node.docker else {
        return;
    };
    let at = Location::file(docker.file.clone());
    if docker
        .settings
        .as_ref()
        .is_ok_and(|bytes| bytes.trim_ascii().is_empty())
    {
        let message =
            "it is empty: dockerd 26 and 28 start with their built-in values; what it said is lost";
        judge.say(Finding::new(SETTINGS.code, at, message).severity(Severity::Note));
        return;
    }
    let is_known = |why: &Unread| match why {
        Unread::Absent | Unread::Special(_) => true,
        Unread::NotCollected => !docker.is_named,
        _ => false,
    };
    if let Some(why) = docker.settings.as_ref().err().filter(|why| !is_known(why)) {
        judge.abstain(format!("{} cannot be known: {why}", docker.file));
    }
    let Some((why, by_all)) = refusal(docker) else {
        return;
    };
    let severity = match (by_all, starts_it(judge.node)) {
        (false, _) => Severity::Note,
        (true, true) => Severity::Damage,
        (true, false) => Severity::Odd,
    };
    let message = if by_all {
        why
    } else {
        format!("{why}, unless it is older than 26 or newer than 28")
    };
    let mut finding = Finding::new(SETTINGS.code, at, message).severity(severity);
    if let Some(file) = docker.unit.as_ref().and_then(|unit| unit.files.first()) {
        finding = finding.found(format!("its unit is {file}"));
    }
    judge.say(finding);
}

/// Whether dockerd is told of a containerd, and starts none.
fn is_told_of_another(docker: &Docker) -> bool {
    let by_flag = docker
        .unit
        .as_ref()
        .and_then(|unit| Unit::flag(unit, "--containerd"));
    let settings = docker.settings.as_deref().unwrap_or_default();
    let root = Document::parse(View::new(settings)).root;
    by_flag.is_some() || root.is_some_and(|root| root.member("containerd").is_some())
}

/// A file of a pid that names another program's process.
pub(crate) struct Stale {
    pub(crate) file: Text,
    /// What follows its name.
    pub(crate) says: String,
}

/// Those that name a live process of another program. One that has ended is no harm: dockerd writes the
/// file again.
pub(crate) fn stale_pids(node: &Node) -> Vec<Stale> {
    let (Some(docker), Some(processes)) = (&node.docker, node.processes.as_deref()) else {
        return Vec::new();
    };
    let stale = |(file, pid, program): (&Text, u32, &str)| {
        let words = processes.get(pid)?.cmdline.as_ref()?;
        let first = words.first()?;
        let name = first.bytes().rsplit(|byte| *byte == b'/').next()?;
        let says = format!("names pid {pid}, which is {first}, not {program}");
        let file = file.clone();
        (!name.ends_with(program.as_bytes())).then_some(Stale { file, says })
    };
    named_pids(node, docker).filter_map(stale).collect()
}

/// Files of pids that count at a start of dockerd: the pid, and whose it should be. That of containerd counts
/// where dockerd starts its own: it takes the node's, where that listens.
fn named_pids<'n>(
    node: &'n Node,
    docker: &'n Docker,
) -> impl Iterator<Item = (&'n Text, u32, &'static str)> {
    let all = docker.pids.iter().zip(["dockerd", "containerd"]);
    let counts =
        move |program: &str| program == "dockerd" || starts_it(node) && !is_told_of_another(docker);
    all.filter_map(move |((file, pid), program)| {
        Some((file, (*pid)?, program)).filter(|_| counts(program))
    })
}

fn pids(judge: &mut Judge<'_>) {
    let node = judge.node;
    let Some(docker) = &node.docker else {
        return;
    };
    if node.processes.is_none() {
        for (file, pid, _) in named_pids(node, docker) {
            judge.abstain(format!(
                "whether pid {pid}, which {file} names, is alive cannot be known: processes are not in the evidence"
            ));
        }
    }
    for Stale { file, says } in stale_pids(node) {
        let finding = Finding::new(PID.code, Location::file(file), format!("it {says}"));
        let severity = if starts_it(node) {
            Severity::Damage
        } else {
            Severity::Odd
        };
        judge.say(finding.severity(severity));
    }
}
