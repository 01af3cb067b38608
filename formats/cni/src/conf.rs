//! A network and the plugins that make it.
//!
//! `libcni/conf.go`: `NetworkConfFromBytes`, `NetworkPluginConfFromBytes`.

use serde_json::{Map, Value};

use crate::ipam::Ipam;
use crate::json::{self, field, go_type, kind};
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
pub fn is_container_id(id: &[u8]) -> bool {
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
}

impl List {
    /// A file that ends in `.conflist`.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfFault> {
        let value = json::parse(bytes)?;
        let Value::Object(map) = &value else {
            let found = kind(&value);
            return Err(ConfFault::NotAnObject { found });
        };
        // Here the case of keys counts, and null is a value.
        let string = |key: &'static str| match map.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(ConfFault::Type {
                key,
                found: go_type(other),
            }),
        };
        let name = string("name")?.ok_or(ConfFault::NoName)?;
        let mut newest = string("cniVersion")?.unwrap_or_default();
        if let Some(Value::Array(versions)) = map.get("cniVersions") {
            let all = versions.iter().filter_map(Value::as_str);
            newest = version::newest_known(all, &newest);
        }
        let mut has_quoted_bool = false;
        match map.get("disableCheck") {
            None | Some(Value::Bool(_)) => {}
            Some(Value::String(text))
                if ["true", "false"].contains(&text.to_lowercase().as_str()) =>
            {
                has_quoted_bool = true;
            }
            Some(other) => {
                let (key, found) = ("disableCheck", go_type(other));
                return Err(ConfFault::Type { key, found });
            }
        }
        let inline_only = matches!(map.get("loadOnlyInlinedPlugins"), Some(Value::Bool(true)));
        let plugins = match map.get("plugins") {
            None => None,
            Some(Value::Array(plugins)) if plugins.is_empty() => return Err(ConfFault::NoPlugins),
            Some(Value::Array(plugins)) => Some(
                plugins
                    .iter()
                    .enumerate()
                    .map(|(index, plugin)| Plugin::parse_plugin(plugin, Some(index)))
                    .collect::<Result<Vec<_>, _>>()?,
            ),
            Some(other) => {
                let (key, found) = ("plugins", go_type(other));
                return Err(ConfFault::Type { key, found });
            }
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
        let value = json::parse(bytes)?;
        let plugin = Plugin::parse_plugin(&value, None)?;
        let map = value.as_object();
        let string = |key| map.and_then(|map| json::string(map, key).ok().flatten());
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
        Self::parse_plugin(&json::parse(bytes)?, None)
    }

    fn parse_plugin(value: &Value, index: Option<usize>) -> Result<Self, ConfFault> {
        let Value::Object(map) = value else {
            // Go leaves a structure as it is where null stands for it.
            return Err(match value {
                Value::Null => ConfFault::NoType {
                    index,
                    is_list: false,
                },
                other => ConfFault::Field {
                    index,
                    key: "all",
                    want: "plugin",
                    found: kind(other),
                },
            });
        };
        let wrong = |key, want, found| ConfFault::Field {
            index,
            key,
            want,
            found,
        };
        for key in ["name", "cniVersion"] {
            json::string(map, key).map_err(|found| wrong(key, "string", found))?;
        }
        match field(map, "capabilities") {
            None => {}
            Some(Value::Object(all)) => {
                let mut other = all
                    .values()
                    .filter(|value| !value.is_boolean() && !value.is_null());
                if let Some(other) = other.next() {
                    return Err(wrong("capabilities", "map of booleans", kind(other)));
                }
            }
            Some(other) => return Err(wrong("capabilities", "map of booleans", kind(other))),
        }
        for key in ["dns", "prevResult"] {
            if let Some(other) = field(map, key).filter(|value| !value.is_object()) {
                return Err(wrong(key, "object", kind(other)));
            }
        }
        let ipam = match field(map, "ipam") {
            None => None,
            Some(Value::Object(ipam)) => {
                json::string(ipam, "type").map_err(|found| wrong("ipam.type", "string", found))?;
                Ipam::parse_ipam(ipam)
            }
            Some(other) => return Err(wrong("ipam", "object", kind(other))),
        };
        let plugin = json::string(map, "type").map_err(|found| wrong("type", "string", found))?;
        match plugin.filter(|kind| !kind.is_empty()) {
            Some(plugin) => Ok(Self {
                kind: plugin.to_owned(),
                ipam,
            }),
            None => Err(ConfFault::NoType {
                index,
                is_list: index.is_none() && is_list(map),
            }),
        }
    }

    /// The programs that it needs: its own, and that of who gives addresses away.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        let ipam = self.ipam.as_ref().map(|ipam| ipam.kind.as_str());
        core::iter::once(self.kind.as_str()).chain(ipam)
    }
}

fn is_list(map: &Map<String, Value>) -> bool {
    matches!(map.get("plugins"), Some(Value::Array(_)))
}
