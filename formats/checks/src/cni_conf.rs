//! Configurations of CNI that are not loaded.
//!
//! What each says was seen of containerd 1.6.20, 1.7.24 and 2.1.9 (`testdata/make/networks`).

use std::collections::BTreeSet;

use cni::ConfFault;
use daemon::{start, told};
use finding::{Code, Finding, Location, Severity, Text, Unread};
use node::Node;
use node::network::{ConfFile, Folder};

use crate::cni_use::{Use, of_the_cri};
use crate::cri_pod::{NAMESPACE, pods};
use crate::{Check, Judge, version};

/// Nothing to load.
pub(crate) const NO_CONFIG: Check = Check {
    code: &Code {
        name: "cni/no-config",
        rule: "N01",
        severity: Severity::Damage,
        title: "There is no network configuration for pods",
        explanation: "The CRI looks into one folder (conf_dir of config.toml, /etc/cni/net.d) for files that \
            end in .conflist, .conf or .json, and found none. containerd starts and reports \
            NetworkReady=false, and the kubelet keeps the node NotReady. Only pods on the host's \
            network can be created, and no pod can be stopped. The file usually comes from the \
            network's own agent (calico, flannel, cilium …), which writes it when its pod starts. If \
            no pod was ever created here and no kubelet left traces, the node may not need a \
            network: then this is a note.",
        remedy: "See why the network's agent does not write the file (its pod is on the host's network, \
            so it can run without). containerd reloads when a file of the folder is written, renamed \
            or removed. It does not see a file that is moved in from another folder (1.6, 1.7 and \
            2.1): touch does not help, `cp` does. If the folder itself was removed, restart \
            containerd.",
    },
    needs: &[],
    run: no_config,
};

/// A file that keeps everything from being loaded.
pub(crate) const CONFIG_BROKEN: Check = Check {
    code: &Code {
        name: "cni/config-broken",
        rule: "N02",
        severity: Severity::Damage,
        title: "A network configuration cannot be loaded",
        explanation: "Files are loaded in the order of their names' bytes, as many as max_conf_num says (1). \
            containerd stops at the first invalid file: it loads nothing, not even a valid file \
            after it, and the node reports NetworkReady=false. A FIFO of such a name is worse: \
            containerd opens it, waits, and never listens.",
        remedy: "Correct the file, or move it out of the folder (or rename it to end in .bak). containerd \
            then reloads without a restart; after a FIFO, restart containerd.",
    },
    needs: &[],
    run: config_broken,
};

/// A configuration that comes too late.
pub(crate) const CONFIG_UNUSED: Check = Check {
    code: &Code {
        name: "cni/config-unused",
        rule: "N04",
        severity: Severity::Note,
        title: "A network configuration is never loaded",
        explanation: "max_conf_num files are loaded (1), in the order of their names' bytes: 10-a comes before \
            100-b, and both before 9-c. Others are not read. After a change of the network's agent \
            the file of the old agent often stays, and is the one that is loaded. Another program's file \
            (87-podman-bridge.conflist) that comes before that of the network takes all new pods over: \
            where the pods of the node are in the network that is not loaded, this is odd.",
        remedy: "If the wrong file is loaded, move it out of the folder, or rename it. Pods keep the \
            network that they were created with. When they end, they are removed only from the \
            loaded network: addresses of the old one stay reserved (cri/address-leaked).",
    },
    needs: &[],
    run: config_unused,
};

/// How bad what keeps pods from their network is; nothing where there is no CRI.
pub(crate) fn weight(node: &Node) -> Option<Severity> {
    match of_the_cri(node) {
        Use::Disabled => None,
        Use::Never => Some(Severity::Note),
        Use::Used => Some(Severity::Damage),
    }
}

/// The folders that may be judged, and how bad what is found in them is.
pub(crate) fn folders<'n>(judge: &mut Judge<'n>) -> Vec<(&'n Folder, Severity)> {
    let node = judge.node;
    let Some(weight) = weight(node) else {
        return Vec::new();
    };
    if !node.network.settings.is_known {
        judge.abstain("config.toml could not be read: it says where the configurations are");
        return Vec::new();
    }
    let mut known = Vec::new();
    for folder in &node.network.folders {
        match &folder.unread {
            None | Some(Unread::Absent | Unread::Special(_) | Unread::Dangling(_)) => {
                known.push((folder, weight));
            }
            Some(unread) => judge.abstain(format!("{} {unread}", folder.path)),
        }
    }
    known
}

/// Whose folder it is, for a message.
pub(crate) fn folder_sentence(folder: &Folder) -> String {
    match &folder.runtime {
        None => String::new(),
        Some(runtime) => format!(" (of the runtime {runtime})"),
    }
}

/// What comes of a load that failed.
fn no_config(judge: &mut Judge<'_>) {
    if let Some(kubelet) = crate::clients::kubelet_of_another(judge.node) {
        return judge.abstain(format!(
            "the kubelet uses another runtime ({}, {})",
            kubelet.file,
            Text::from(kubelet.endpoint.as_str())
        ));
    }
    for (folder, weight) in folders(judge) {
        if !folder.files.is_empty() {
            continue;
        }
        let location = Location::file(folder.path.clone());
        let message = match &folder.unread {
            Some(Unread::Special(kind)) => {
                let message = format!("it is a {kind}, not a folder{}", folder_sentence(folder));
                let finding = Finding::new(NO_CONFIG.code, location, message);
                judge.say(told(finding.severity(weight), &start::NETWORK_NO_FOLDER));
                continue;
            }
            Some(unread) => format!("the folder {unread}{}", folder_sentence(folder)),
            None if folder.ignored.is_empty() => {
                format!("the folder is empty{}", folder_sentence(folder))
            }
            None => {
                let names: Vec<String> = folder
                    .ignored
                    .iter()
                    .take(4)
                    .map(ToString::to_string)
                    .collect();
                format!(
                    "no file in it{} ends in .conflist, .conf or .json: {}",
                    folder_sentence(folder),
                    names.join(", ")
                )
            }
        };
        let finding = Finding::new(NO_CONFIG.code, location, message);
        let settings = &judge.node.network.settings;
        let written_later = settings
            .template
            .as_ref()
            .filter(|_| folder.runtime.is_none());
        judge.say(match written_later {
            Some(template) => told(finding, &start::NETWORK_WRITTEN_LATER)
                .severity(Severity::Note)
                .remedy(format!(
                    "containerd creates it from {} (conf_template) when the kubelet sends the \
                     addresses of the node: check that the kubelet runs.",
                    Text::from(template.as_str())
                )),
            None => told(finding.severity(weight), &start::NETWORK_NOT_READY),
        });
    }
}

/// What keeps a file from being loaded: the message, what libcni says, and whether it hangs.
struct Broken {
    why: String,
    says: String,
    hangs: bool,
    /// Where the fault is, if that is another file.
    at: Option<Text>,
}

/// Why a file is not loaded; nothing where it is, or where that cannot be known.
fn broken(file: &ConfFile, release: Option<(u32, u32, u32)>) -> Option<Broken> {
    let told = |why: String, says: String| {
        Some(Broken {
            why,
            says,
            hangs: false,
            at: None,
        })
    };
    let fault = |fault: &ConfFault| told(fault.to_string(), fault.says());
    let list = match &file.list {
        Ok(Ok(list)) => list,
        Ok(Err(why)) => return fault(why),
        Err(Unread::Special("fifo")) => {
            return Some(Broken {
                hangs: true,
                ..told("it is a FIFO".to_owned(), String::new())?
            });
        }
        Err(unread @ Unread::Dangling(_)) => {
            let says = format!("open {}: no such file or directory", file.path);
            return told(format!("it {unread}"), says);
        }
        Err(unread @ Unread::Special("directory")) => {
            return told(format!("it {unread}"), "is a directory".to_owned());
        }
        Err(_) => return None,
    };
    let modern = release.map(|(major, minor, _)| (major, minor) >= (2, 1));
    if list.has_quoted_bool && modern == Some(false) {
        let key = "disableCheck";
        return fault(&ConfFault::Type {
            key,
            found: "string",
        });
    }
    if let Some((path, Err(why))) = file.more.iter().find(|(_, plugin)| plugin.is_err())
        && modern != Some(false)
    {
        return Some(Broken {
            at: Some(path.clone()),
            ..fault(why)?
        });
    }
    // 2.1 takes the plugins of a folder as well.
    let is_unknown = modern != Some(false) && !file.unread.is_empty();
    if list.plugins.is_none() && !is_unknown && (file.more.is_empty() || modern == Some(false)) {
        let mut broken = fault(&ConfFault::PluginsMissing)?;
        if modern == Some(true) {
            "no plugin configs found".clone_into(&mut broken.says);
        }
        return Some(broken);
    }
    None
}

fn config_broken(judge: &mut Judge<'_>) {
    let release = version::installed(judge.node);
    for (folder, weight) in folders(judge) {
        let (loaded, late) = folder.loaded();
        let found = loaded
            .iter()
            .enumerate()
            .find_map(|(at, file)| Some((at, file, broken(file, release)?)));
        let Some((at, file, broken)) = found else {
            continue;
        };
        let after = loaded.iter().skip(at.saturating_add(1)).chain(late);
        let good = after.clone().find(|file| file.list().is_some());
        let mut message = format!("{}{}", broken.why, folder_sentence(folder));
        if let Some(good) = good {
            message = format!(
                "{message}; {}, which is whole, is not loaded either",
                good.path
            );
        }
        let location = Location::file(broken.at.unwrap_or_else(|| file.path.clone()));
        let mut finding = Finding::new(CONFIG_BROKEN.code, location, message);
        if broken.hangs {
            let finding = finding.severity(Severity::Fatal);
            judge.say(told(finding, &start::NETWORK_HANGS));
            continue;
        }
        if !broken.says.is_empty() {
            finding = finding.found(broken.says);
        }
        judge.say(told(finding.severity(weight), &start::NETWORK_NOT_READY));
    }
}

/// The files that are loaded, if all of them can be.
pub(crate) fn usable(folder: &Folder, release: Option<(u32, u32, u32)>) -> &[ConfFile] {
    let (loaded, _) = folder.loaded();
    let whole = loaded.iter().all(|file| {
        file.list().is_some() && file.unread.is_empty() && broken(file, release).is_none()
    });
    if whole { loaded } else { &[] }
}

/// The networks in which pods of the node are: of those that run, else of all that have a record.
fn networks_of_pods<'n>(judge: &Judge<'n>) -> BTreeSet<&'n Text> {
    let runtime = judge.node.runtime.read();
    let namespace = Text::from(NAMESPACE);
    let runs = |id: &Text| runtime.is_some_and(|it| it.bundle(&namespace, id).is_some());
    let ids: BTreeSet<&Text> = pods(judge).into_iter().map(|seen| seen.id).collect();
    let results = judge.node.network.results.iter();
    let of_pods = results.filter(|one| one.interface != "lo" && ids.contains(&one.container));
    let (running, others): (Vec<_>, Vec<_>) = of_pods.partition(|one| runs(&one.container));
    let all = if running.is_empty() { others } else { running };
    all.into_iter().map(|one| &one.network).collect()
}

fn config_unused(judge: &mut Judge<'_>) {
    let in_use = networks_of_pods(judge);
    let release = version::installed(judge.node);
    for (folder, _) in folders(judge) {
        let (_, late) = folder.loaded();
        let usable = usable(folder, release);
        let is_in_use = |file: &ConfFile| {
            let named = |list: &cni::List| in_use.contains(&Text::from(list.name.as_str()));
            file.list().is_some_and(named)
        };
        let takes_over = folder.runtime.is_none() && !usable.iter().any(is_in_use);
        let Some(wins) = usable.last() else {
            continue;
        };
        let name = wins.list().map(|list| Text::from(list.name.as_str()));
        for file in late.iter().take(8) {
            let location = Location::file(file.path.clone());
            let message = format!(
                "{} is loaded instead: its network {} comes first{}",
                wins.path,
                name.clone().unwrap_or_default(),
                folder_sentence(folder)
            );
            let mut finding = Finding::new(CONFIG_UNUSED.code, location, message);
            if takes_over && is_in_use(file) {
                finding.message.push_str("; the pods of the node are in the network of this file, new ones come into the other");
                finding = finding.severity(Severity::Odd);
            }
            judge.say(finding);
        }
    }
}
