//! Why libcni does not take a configuration.

use core::fmt;

/// What is wrong with a file of a configuration: nothing of it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfFault {
    /// It is empty, or ends inside a value.
    Ends,
    /// It is not JSON.
    Syntax {
        /// The line, from one.
        line: usize,
        /// The byte in the line, from one.
        column: usize,
        /// What stands there.
        found: Option<char>,
    },
    /// The document is not an object.
    NotAnObject {
        /// Go's word for what it is.
        found: &'static str,
    },
    /// A list has no `name`.
    NoName,
    /// A value of a list has another type.
    Type {
        /// Its key.
        key: &'static str,
        /// Go's name of the type that it has.
        found: &'static str,
    },
    /// `plugins` is empty.
    NoPlugins,
    /// There is no `plugins`, and nothing in the folder that could stand for it.
    PluginsMissing,
    /// A plugin has no type.
    NoType {
        /// Which one of a list, from zero; nothing where the file is one plugin.
        index: Option<usize>,
        /// Whether the file is a list that is not named `.conflist`.
        is_list: bool,
    },
    /// A field of a plugin has another type.
    Field {
        /// Which one of a list, from zero; nothing where the file is one plugin.
        index: Option<usize>,
        /// The field.
        key: &'static str,
        /// What belongs there, as Go calls it.
        want: &'static str,
        /// Go's word for what stands there.
        found: &'static str,
    },
}

/// The beginning of each message about a list.
const LIST: &str = "error parsing configuration list";
/// The beginning of each message about a plugin.
const PLUGIN: &str = "error parsing configuration";

impl ConfFault {
    /// The part of libcni's message that stays the same in all releases.
    pub fn says(&self) -> String {
        let of = |index: &Option<usize>| match index {
            Some(index) => format!("failed to parse plugin config {index}: {PLUGIN}"),
            None => PLUGIN.to_owned(),
        };
        match self {
            Self::Ends => format!("{LIST}: unexpected end of JSON input"),
            Self::Syntax { found, .. } => match found {
                Some(found) => format!("invalid character '{}'", found.escape_default()),
                None => "invalid character".to_owned(),
            },
            Self::NotAnObject { found } => {
                format!("{LIST}: json: cannot unmarshal {found} into Go value of type map")
            }
            Self::NoName => format!("{LIST}: no name"),
            Self::Type { key, found } if *key == "plugins" => {
                format!("{LIST}: invalid 'plugins' type {found}")
            }
            Self::Type { key, found } => format!("{LIST}: invalid {key} type {found}"),
            Self::NoPlugins => format!("{LIST}: no plugins in list"),
            Self::PluginsMissing => format!("{LIST}: no 'plugins' key"),
            Self::NoType { index, .. } => format!("{}: missing 'type'", of(index)),
            Self::Field { index, found, .. } => {
                format!(
                    "{}: json: cannot unmarshal {found} into Go struct field",
                    of(index)
                )
            }
        }
    }
}

impl fmt::Display for ConfFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |index: &Option<usize>| match index {
            Some(index) => format!("plugin {} of the list", index.saturating_add(1)),
            None => "the plugin".to_owned(),
        };
        match self {
            Self::Ends => write!(f, "it is empty, or ends inside a value"),
            Self::Syntax {
                line,
                column,
                found,
            } => {
                write!(f, "it is not JSON: line {line}, byte {column}")?;
                match found {
                    Some('\u{feff}') => write!(f, " (a byte order mark)"),
                    Some(found) => write!(f, " ('{}')", found.escape_default()),
                    None => Ok(()),
                }
            }
            Self::NotAnObject { found } => write!(f, "the document is not an object: {found}"),
            Self::NoName => write!(f, "the list has no name"),
            Self::Type { key, found } => write!(f, "{key} of the list has the wrong type: {found}"),
            Self::NoPlugins => write!(f, "the list has no plugins in it"),
            Self::PluginsMissing => write!(f, "the list has no key plugins"),
            Self::NoType { is_list: true, .. } => write!(
                f,
                "it is a list of plugins, and its name does not end in .conflist: it is read as one \
                 plugin, which has no type"
            ),
            Self::NoType { index, .. } => write!(f, "{} has no type", of(index)),
            Self::Field {
                index,
                key,
                want,
                found,
            } => write!(f, "{key} of {} is not a {want}: {found}", of(index)),
        }
    }
}
