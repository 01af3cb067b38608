//! A network and the plugins that make it.
//!
//! `libcni/conf.go`: `NetworkConfFromBytes`, `NetworkPluginConfFromBytes`.

use json::{Node, Value};

use crate::document::{parse_document, string_field};
use crate::files::needed_files;
use crate::ipam::Ipam;
use crate::{ConfFault, version};

/// Extensions of files that are configurations.
pub const EXTENSIONS: &[&[u8]] = &[b".conf", b".conflist", b".json"];

/// The extension of a file's name with its dot, as Go's `filepath.Ext` gives it.
pub fn extension(name: &[u8]) -> &[u8] {
    let dot = name.iter().rposition(|byte| *byte == b'.');
    dot.and_then(|dot| name.get(dot..)).unwrap_or_default()
}

/// Whether libcni takes this for the name of a network.
pub fn is_network_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Whether libcni takes this for the id of a container; the rule is that of networks.
pub(crate) fn is_container_id(id: &[u8]) -> bool {
    core::str::from_utf8(id).is_ok_and(is_network_name)
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Its name. Of one plugin alone it may be empty, which is only met when a pod is made.
    pub name: String,
    /// `cniVersion`; empty is 0.1.0.
    pub version: String,
    /// Its plugins in their order; nothing where the key is not there, which libcni 1.3 allows if
    /// there is a folder with the network's name.
    pub plugins: Option<Vec<Plugin>>,
    /// Whether `disableCheck` is no boolean but a string that says one: libcni 1.3 takes that, those
    /// before refuse the file.
    pub has_quoted_bool: bool,
    /// `loadOnlyInlinedPlugins`: libcni 1.3 does not look into that folder.
    pub inline_only: bool,
}

/// One plugin of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// `type`: the name of its program.
    pub kind: String,
    /// Who gives addresses away, where the plugin has one for that.
    pub ipam: Option<Ipam>,
    /// Files that its program reads each time, and fails without.
    pub files: Vec<String>,
}

impl List {
    /// A file that ends in `.conflist`.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfFault> {
        let list = parse_document(bytes)?;
        if !matches!(list.value, Value::Object(_)) {
            let found = list.go_kind();
            return Err(ConfFault::NotAnObject { found });
        }
        // Here the case of keys counts, and null is a value.
        let wrong = |key, node: &Node| ConfFault::Type {
            key,
            found: node.go_type(),
        };
        let string = |key: &'static str| match list.member(key) {
            None => Ok(None),
            Some(node) => match node.string() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(wrong(key, node)),
            },
        };
        let name = string("name")?.ok_or(ConfFault::NoName)?;
        let mut newest = string("cniVersion")?.unwrap_or_default();
        if let Some(versions) = list.member("cniVersions").and_then(Node::items) {
            let all = versions.iter().filter_map(Node::string);
            newest = version::newest_known(all, &newest);
        }
        let mut has_quoted_bool = false;
        if let Some(check) = list.member("disableCheck") {
            let text = check.string().map(str::to_lowercase);
            has_quoted_bool = matches!(text.as_deref(), Some("true" | "false"));
            if !has_quoted_bool && !matches!(check.value, Value::Bool(_)) {
                return Err(wrong("disableCheck", check));
            }
        }
        let inline_only = list
            .member("loadOnlyInlinedPlugins")
            .is_some_and(|only| only.value == Value::Bool(true));
        let plugins = match list.member("plugins") {
            None => None,
            Some(plugins) => match plugins.items() {
                Some([]) => return Err(ConfFault::NoPlugins),
                Some(plugins) => {
                    let plugins = plugins.iter().enumerate();
                    let plugins =
                        plugins.map(|(index, plugin)| Plugin::parse_plugin(plugin, Some(index)));
                    Some(plugins.collect::<Result<Vec<_>, _>>()?)
                }
                None => return Err(wrong("plugins", plugins)),
            },
        };
        Ok(Self {
            name,
            version: newest,
            plugins,
            has_quoted_bool,
            inline_only,
        })
    }

    /// A file that ends in `.conf` or `.json`: one plugin.
    pub fn parse_single(bytes: &[u8]) -> Result<Self, ConfFault> {
        let single = parse_document(bytes)?;
        let plugin = Plugin::parse_plugin(&single, None)?;
        let string = |key| string_field(&single, key).ok().flatten();
        Ok(Self {
            name: string("name").unwrap_or_default().to_owned(),
            version: string("cniVersion").unwrap_or_default().to_owned(),
            plugins: Some(vec![plugin]),
            has_quoted_bool: false,
            inline_only: true,
        })
    }
}

impl Plugin {
    /// A file in the folder of a network.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfFault> {
        Self::parse_plugin(&parse_document(bytes)?, None)
    }

    fn parse_plugin(node: &Node, index: Option<usize>) -> Result<Self, ConfFault> {
        match node.value {
            Value::Object(_) => {}
            // Go leaves a structure as it is where null stands for it.
            Value::Null => {
                return Err(ConfFault::NoType {
                    index,
                    is_list: false,
                });
            }
            _ => {
                return Err(ConfFault::Field {
                    index,
                    key: "all",
                    want: "plugin",
                    found: node.go_kind(),
                });
            }
        }
        let wrong = |key, want, found| ConfFault::Field {
            index,
            key,
            want,
            found,
        };
        for key in ["name", "cniVersion"] {
            string_field(node, key).map_err(|found| wrong(key, "string", found))?;
        }
        if let Some(all) = node.field("capabilities") {
            let mut members = all.members().iter().map(|member| &member.node);
            let other = if matches!(all.value, Value::Object(_)) {
                members.find(|one| !matches!(one.value, Value::Bool(_) | Value::Null))
            } else {
                Some(all)
            };
            if let Some(other) = other {
                let found = other.go_kind();
                return Err(wrong("capabilities", "map of booleans", found));
            }
        }
        for key in ["dns", "prevResult", "ipam"] {
            if let Some(other) = node.field(key)
                && !matches!(other.value, Value::Object(_))
            {
                return Err(wrong(key, "object", other.go_kind()));
            }
        }
        let ipam = match node.field("ipam") {
            None => None,
            Some(ipam) => {
                string_field(ipam, "type").map_err(|found| wrong("ipam.type", "string", found))?;
                Ipam::parse_ipam(ipam)
            }
        };
        let plugin = string_field(node, "type").map_err(|found| wrong("type", "string", found))?;
        match plugin.filter(|kind| !kind.is_empty()) {
            Some(plugin) => Ok(Self {
                kind: plugin.to_owned(),
                ipam,
                files: needed_files(plugin, node),
            }),
            None => Err(ConfFault::NoType {
                index,
                is_list: index.is_none() && is_list(node),
            }),
        }
    }

    /// The programs that it needs: its own, and that of who gives addresses away.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        let ipam = self.ipam.as_ref().map(|ipam| ipam.kind.as_str());
        core::iter::once(self.kind.as_str()).chain(ipam)
    }
}

fn is_list(node: &Node) -> bool {
    node.member("plugins").and_then(Node::items).is_some()
}
