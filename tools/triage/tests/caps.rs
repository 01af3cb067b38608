//! What is read of a node has bounds: of the size of a file, of the number of things in a folder, of what an
//! archive may cost. What is beyond one is told in the coverage, or in the verdict, by its name; it is never
//! taken for absent, nor for damage. One row of a table for each bound, on a healthy node.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests panic where something is wrong"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use checks::{Measured, Start};
use evidence::{Budget, Evidence, Options};
use finding::Severity;
use node::{Node, Said};
use testcase::Tar;

const TASK: &str = "run/containerd/io.containerd.runtime.v2.task/default";
const MIB: usize = 1 << 20;

/// What a triage says: codes above a note, all that is not known, and whether a start is normal.
struct Told {
    codes: BTreeSet<&'static str>,
    unknown: String,
    start: Start,
}

fn told(packed: &[u8], options: &Options) -> Option<Told> {
    let evidence = Evidence::open_stream(packed, options).ok()?;
    let roots = node::discover(&evidence, &Said::default());
    let node = Node::open(&evidence, roots.first()?.clone(), node::Options::default());
    let report = checks::judge_all(&node, &Measured::default());
    let release = daemon::detect(&node.traces);
    let verdict = checks::verdict(&node, &report, &release, node.now);
    let report = checks::with_verdict(report, &verdict, &node);
    let worse = report.findings.iter();
    let worse = worse.filter(|finding| finding.severity > Severity::Note);
    let coverage = &report.coverage;
    let unread = coverage.unread.iter().filter(|one| !one.unread.is_absent());
    let unread = unread.map(|one| format!("{} {}", one.path, one.unread));
    let unknown = coverage.unknown.iter();
    let unknown = unknown.map(|one| format!("{}: {}", one.what, one.why));
    let abstained = coverage.abstained.iter();
    let abstained = abstained.map(|one| format!("{}: {}", one.code, one.because));
    let mut all: Vec<String> = unread.chain(unknown).chain(abstained).collect();
    all.push(verdict.sentence);
    Some(Told {
        codes: worse.map(|finding| finding.code.name).collect(),
        unknown: all.join("\n"),
        start: verdict.start,
    })
}

/// So many files, each of its number.
fn many(tar: &mut Tar, count: usize, file: impl Fn(usize) -> (String, Vec<u8>)) {
    let (path, bytes) = file(0);
    tar.add(&path, &bytes);
    // To look each of thousands up among the others would take minutes.
    let first = tar.members.last().expect("a member").clone();
    tar.members.extend((1..count).map(|number| {
        let (path, data) = file(number);
        let path = path.into_bytes();
        testcase::Member {
            path,
            data,
            ..first.clone()
        }
    }));
}

/// A bound: the words by which it is told, how much is within it and beyond it, what is put into a node, and codes
/// that are right then.
struct Bound {
    words: &'static str,
    within: usize,
    beyond: usize,
    make: fn(&mut Tar, usize),
    right: &'static [&'static str],
}

const fn bound(
    words: &'static str,
    within: usize,
    beyond: usize,
    make: fn(&mut Tar, usize),
) -> Bound {
    Bound {
        words,
        within,
        beyond,
        make,
        right: &[],
    }
}

/// A text of so many bytes of comments behind what it says.
fn long(says: &str, size: usize) -> Vec<u8> {
    let mut text = says.as_bytes().to_vec();
    text.extend_from_slice(b"\n");
    while text.len() < size {
        text.extend_from_slice(
            b"# a comment of no meaning at all, as long as a line may well be\n",
        );
    }
    text
}

/// A file in place of what is there.
fn put(tar: &mut Tar, path: &str, bytes: &[u8]) {
    tar.remove(path);
    tar.add(path, bytes);
}

/// Files that are read as a whole, up to a size.
const SIZES: &[Bound] = &[
    bound("/etc/containerd/config.toml", 500, 2 * MIB, |tar, size| {
        put(
            tar,
            "etc/containerd/config.toml",
            &long("version = 2", size),
        );
    }),
    bound("/var/lib/kubelet/config.yaml", 500, 2 * MIB, |tar, size| {
        tar.add(
            "var/lib/kubelet/config.yaml",
            &long("cgroupDriver: systemd", size),
        );
    }),
    bound("/etc/default/kubelet", 500, 2 * MIB, |tar, size| {
        tar.add("etc/default/kubelet", &long("A=b", size));
    }),
    bound("/etc/sysctl.d/a.conf", 500, 2 * MIB, |tar, size| {
        tar.add(
            "etc/sysctl.d/a.conf",
            &long("kernel.core_pattern = core", size),
        );
    }),
    bound("/etc/rancher/k3s/config.yaml", 500, 2 * MIB, |tar, size| {
        tar.add("etc/rancher/k3s/config.yaml", &long("data-dir: /x", size));
    }),
    bound("/etc/docker/daemon.json", 500, 2 * MIB, |tar, size| {
        tar.add("etc/docker/daemon.json", &long("{}", size));
    }),
    bound("/etc/fstab", 500, 2 * MIB, |tar, size| {
        tar.add("etc/fstab", &long("", size));
    }),
    bound("x.example/hosts.toml", 500, 2 * MIB, |tar, size| {
        let says = "server = \"https://x.example\"";
        tar.add(
            "etc/containerd/certs.d/x.example/hosts.toml",
            &long(says, size),
        );
        let config = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/etc/containerd/certs.d\"\n";
        put(tar, "etc/containerd/config.toml", config.as_bytes());
    }),
    bound("containerd.service (has", 500, 128 << 10, |tar, size| {
        let says = "[Service]\nExecStart=/usr/bin/containerd";
        put(
            tar,
            "usr/lib/systemd/system/containerd.service",
            &long(says, size),
        );
    }),
    bound(
        "containerd.service.d/a.conf",
        500,
        128 << 10,
        |tar, size| {
            let says = b"[Service]\nExecStart=/usr/bin/containerd\n";
            put(tar, "usr/lib/systemd/system/containerd.service", says);
            let path = "etc/systemd/system/containerd.service.d/a.conf";
            tar.add(path, &long("[Service]\nNice=0", size));
        },
    ),
    bound("05-x.conflist", 500, 2 * MIB, |tar, size| {
        let says = r#"{"cniVersion":"1.0.0","name":"x","plugins":[{"type":"bridge"}],"x":""#;
        let text = format!("{says}{}\"}}", "a".repeat(size));
        tar.add("etc/cni/net.d/05-x.conflist", text.as_bytes());
    }),
    bound("sleeper/config.json", 500, 9 * MIB, |tar, size| {
        let path = format!("{TASK}/sleeper/config.json");
        let at = tar.member(&path);
        let text = String::from_utf8(at.data.clone()).expect("a spec");
        let rest = text.strip_prefix('{').expect("an object");
        at.data = format!("{{\"x\":\"{}\",{rest}", "a".repeat(size)).into_bytes();
    }),
    bound("/proc/filesystems", 500, 5 * MIB, |tar, size| {
        tar.add("proc/version", b"Linux version 6.1.0-18-amd64 (x) #1\n");
        tar.add(
            "proc/filesystems",
            "nodev\tproc\n\toverlay\n".repeat(size / 20).as_bytes(),
        );
    }),
    bound("web_sandbox:web.state", 500, 9 * MIB, |tar, size| {
        let text = format!("{{\"x\":\"{}\"}}", "a".repeat(size));
        tar.add(
            "run/containerd/runsc/k8s.io/web_sandbox:web.state",
            text.as_bytes(),
        );
    }),
];

/// Things that are looked at up to a number.
const NUMBERS: &[Bound] = &[
    bound("folders of registries", 10, 600, |tar, count| {
        let config = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/etc/containerd/certs.d\"\n";
        put(tar, "etc/containerd/config.toml", config.as_bytes());
        many(tar, count, |number| {
            let path = format!("etc/containerd/certs.d/r{number}.example/hosts.toml");
            (path, b"server = \"https://a.example\"\n".to_vec())
        });
    }),
    bound("conf.d", 10, 300, |tar, count| {
        let config = b"version = 2\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n";
        put(tar, "etc/containerd/config.toml", config);
        many(tar, count, |number| {
            let path = format!("etc/containerd/conf.d/{number:03}.toml");
            (path, b"version = 2\n".to_vec())
        });
    }),
    bound("config.toml could not be read", 10, 21_000, |tar, count| {
        let keys = (0..count).map(|number| format!("k{number} = 1\n"));
        let text = format!("version = 2\n[debug]\n{}", keys.collect::<String>());
        put(tar, "etc/containerd/config.toml", text.as_bytes());
    }),
    bound("disks of /etc/fstab", 10, 200, |tar, count| {
        let lines = (0..count).map(|number| {
            format!("/dev/x{number} /var/lib/containerd/x{number} ext4 defaults 0 0\n")
        });
        tar.add("etc/fstab", lines.collect::<String>().as_bytes());
    }),
    bound(
        "entries of /var/lib/lost+found after",
        10,
        1_100,
        |tar, count| {
            many(tar, count, |number| {
                (format!("var/lib/lost+found/#{number}"), Vec::new())
            });
        },
    ),
    bound(
        "state of runtimes of the users after",
        10,
        70,
        |tar, count| {
            many(tar, count, |number| {
                (format!("run/user/{}/runc/a/x", 1_000 + number), Vec::new())
            });
        },
    ),
    bound(
        "only 1024 of the rules of modprobe",
        10,
        1_100,
        |tar, count| {
            tar.add("proc/version", b"Linux version 6.1.0-18-amd64 (x) #1\n");
            tar.add("proc/filesystems", b"nodev\tproc\n\text4\n");
            tar.add(
                "lib/modules/6.1.0-18-amd64/kernel/fs/overlayfs/overlay.ko",
                b"x",
            );
            many(tar, count, |number| {
                (
                    format!("etc/modprobe.d/{number:04}.conf"),
                    b"# x\n".to_vec(),
                )
            });
        },
    ),
    bound("state of runtimes in more places", 10, 80, |tar, count| {
        many(tar, count, |number| {
            let path = format!("proc/{}/cmdline", 5_000 + number);
            (
                path,
                format!("runc\0--root\0/run/other/{number}\0list\0").into_bytes(),
            )
        });
        many(tar, count, |number| {
            let pid = 5_000 + number;
            let path = format!("proc/{pid}/stat");
            let rest = "0 -1 4194560 9 0 0 0 1 1 0 0 20 0 1 0 7 9000 9 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0";
            (
                path,
                format!("{pid} (runc) S 1 {pid} {pid} {rest}\n").into_bytes(),
            )
        });
    }),
    bound(
        "entries of /run/containerd/runc/default after the first",
        10,
        20_100,
        |tar, count| {
            many(tar, count, |number| {
                (format!("run/containerd/runc/default/{number}"), Vec::new())
            });
        },
    ),
];

/// The paths of members that `to` has and `from` has not, or not so.
fn changed(from: &Tar, to: &Tar) -> BTreeSet<Vec<u8>> {
    let old: BTreeMap<&[u8], &[u8]> = from.members.iter().map(content).collect();
    let new = to.members.iter().map(content);
    let new = new.filter(|(path, data)| old.get(path) != Some(data));
    new.map(|(path, _)| path.to_vec()).collect()
}

fn content(member: &testcase::Member) -> (&[u8], &[u8]) {
    (&member.path, &member.data)
}

/// Nodes with little of everything: few, because a triage takes a second. What two bounds both change is in two.
fn within(whole: &Tar, bounds: &[Bound]) -> Vec<Tar> {
    let mut nodes: Vec<(Tar, BTreeSet<Vec<u8>>)> = Vec::new();
    for bound in bounds {
        let mut alone = whole.clone();
        (bound.make)(&mut alone, bound.within);
        let touched = changed(whole, &alone);
        let free = nodes
            .iter_mut()
            .find(|(_, taken)| taken.is_disjoint(&touched));
        match free {
            Some((node, taken)) => {
                (bound.make)(node, bound.within);
                taken.extend(touched);
            }
            None => nodes.push((alone, touched)),
        }
    }
    nodes.into_iter().map(|(node, _)| node).collect()
}

#[track_caller]
fn hold(bounds: &[Bound]) {
    let whole = testcase::node("1.7-running");
    let judged = |tar: &Tar| told(&tar.write(), &Options::default()).expect("a node");
    let healthy = judged(&whole);
    let mut wrong = Vec::new();
    let little: Vec<Told> = within(&whole, bounds).iter().map(judged).collect();
    for bound in bounds {
        let of = |size: usize| {
            let mut tar = whole.clone();
            (bound.make)(&mut tar, size);
            judged(&tar)
        };
        let beyond = of(bound.beyond);
        if !beyond.unknown.contains(bound.words) {
            wrong.push(format!("{}: not told:\n{}", bound.words, beyond.unknown));
        }
        for within in &little {
            if within.unknown.contains(bound.words) {
                wrong.push(format!(
                    "{}: told of few:\n{}\nof many:\n{}",
                    bound.words, within.unknown, beyond.unknown
                ));
            }
        }
        let more = beyond.codes.difference(&healthy.codes);
        let more: Vec<_> = more.filter(|code| !bound.right.contains(code)).collect();
        // What little of it gives as well is not for its number.
        let few = if more.is_empty() {
            BTreeSet::new()
        } else {
            of(bound.within).codes
        };
        let more: Vec<_> = more
            .into_iter()
            .filter(|code| !few.contains(*code))
            .collect();
        if !more.is_empty() {
            wrong.push(format!("{}: {more:?} are taken for damage", bound.words));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_is_larger_than_what_is_read_is_told() {
    hold(SIZES);
}

#[test]
fn what_is_more_than_what_is_looked_at_is_told() {
    hold(NUMBERS);
}

/// Sets a bound.
type Set = fn(&mut Budget, u64);

/// Each bound of an archive, halved until nothing fits: what is left out is never missed, and never nothing.
#[test]
fn what_an_archive_has_no_room_for_is_told() {
    // That something could not be read, as it is.
    const RIGHT: [&str; 4] = [
        "config/unusable",
        "runtime/state-unread",
        "store/root-missing",
        "store/unreadable",
    ];
    let set: [(&str, Set); 8] = [
        ("memory", |budget, most| {
            (budget.memory, budget.free, budget.spool) = (most, most, 0);
        }),
        ("names", |budget, most| budget.names = most),
        ("member", |budget, most| {
            (budget.member, budget.spool) = (most, 0);
        }),
        ("blob", |budget, most| {
            (budget.blob, budget.spool) = (most, 0);
        }),
        ("entries", |budget, most| budget.entries = most),
        ("inflated", |budget, most| {
            (budget.inflated, budget.ratio) = (most, 0);
        }),
        ("depth", |budget, most| {
            budget.depth = u32::try_from(most).unwrap_or(u32::MAX);
        }),
        ("record", |budget, most| budget.record = most),
    ];
    let pack = |tar: &Tar| zstd::encode_all(tar.write().as_slice(), 1).expect("zstd");
    let node = testcase::node("1.7-running");
    // What an archive may hold grows with its size: names that are packed well are beyond it.
    let mut wide = node.clone();
    many(&mut wide, 3_000, |number| {
        (format!("opt/{number:03000}"), Vec::new())
    });
    let (node, wide) = (pack(&node), pack(&wide));
    let healthy = told(&node, &Options::default()).expect("a node");
    assert_eq!(healthy.start, Start::Yes, "{}", healthy.unknown);
    let mut wrong = Vec::new();
    for (name, set) in set {
        let mut cut = 0;
        let packed = if name == "names" { &wide } else { &node };
        let at = |power: u32| {
            let mut options = Options::default();
            let most = (1 << power) - 1;
            set(&mut options.budget, most);
            (power, most, told(packed, &options).map(Rc::new))
        };
        // Between two bounds of which the same is told there is nothing new.
        let mut open = vec![(at(0), at(25))];
        while let Some((low, high)) = open.pop() {
            let is_same = |low: &Option<Rc<Told>>, high: &Option<Rc<Told>>| match (low, high) {
                (Some(low), Some(high)) => low.unknown == high.unknown && low.codes == high.codes,
                (low, high) => low.is_none() && high.is_none(),
            };
            if high.0 - low.0 > 2 && !is_same(&low.2, &high.2) {
                let middle = at(low.0.midpoint(high.0));
                open.push((low, middle.clone()));
                open.push((middle, high));
                continue;
            }
            for (_, most, told) in [low, high] {
                // An archive that cannot be opened says so.
                let Some(told) = told else {
                    cut += 1;
                    continue;
                };
                let is_whole = told.unknown == healthy.unknown;
                cut += usize::from(!is_whole);
                let more = told.codes.difference(&healthy.codes);
                let more: Vec<_> = more.filter(|code| !RIGHT.contains(code)).collect();
                if !more.is_empty() {
                    wrong.push(format!("{name} {most}: {more:?}"));
                }
                if is_whole && told.codes != healthy.codes {
                    wrong.push(format!("{name} {most}: nothing is told"));
                }
            }
        }
        if cut == 0 {
            wrong.push(format!("{name}: never too little"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
