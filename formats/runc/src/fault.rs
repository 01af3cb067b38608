//! What can be wrong in one of the small files of the runtime.

use core::fmt;

use finding::{Code, Fault as _, Severity, Text};
use serde::Serialize;
use view::Span;

use crate::codes;
use json::Flaw;

/// Which kind of file a fault was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum File {
    /// runc's `state.json`.
    State,
    /// crun's `status`.
    CrunStatus,
    /// A bundle's `config.json`.
    Config,
    /// A bundle's `address`.
    Address,
    /// A bundle's `bootstrap.json`.
    Bootstrap,
    /// A bundle's `options.json`.
    Options,
    /// A bundle's `init.pid`.
    Pid,
    /// A bundle's `log.json`.
    Log,
    /// The CRI plugin's `containers/<id>/status`.
    CriStatus,
}

impl File {
    /// Its name in its folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::State => "state.json",
            Self::CrunStatus | Self::CriStatus => "status",
            Self::Config => "config.json",
            Self::Address => "address",
            Self::Bootstrap => "bootstrap.json",
            Self::Options => "options.json",
            Self::Pid => "init.pid",
            Self::Log => "log.json",
        }
    }

    /// The kind of finding that damage of it is.
    const fn code(self) -> &'static Code {
        match self {
            Self::State | Self::CrunStatus => &codes::STATE_DAMAGED,
            Self::Address | Self::Bootstrap => &codes::ADDRESS_DAMAGED,
            Self::CriStatus => &codes::STATUS_DAMAGED,
            Self::Config | Self::Options | Self::Pid | Self::Log => &codes::BUNDLE_FILE_DAMAGED,
        }
    }
}

/// What is wrong in one place of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The document is damaged as JSON.
    Flaw(File, Flaw),
    /// A key has a value of another type than its writer gives it.
    Type {
        /// The file.
        file: File,
        /// The way to the key, with dots.
        key: String,
        /// The bytes of the value.
        span: Span,
        /// The type that its writer gives it.
        want: &'static str,
        /// The type that stands there.
        found: &'static str,
    },
    /// A key, or the whole file, has a value that means nothing.
    Value {
        /// The file.
        file: File,
        /// The way to the key, with dots; empty for the whole file.
        key: String,
        /// The bytes of the value.
        span: Span,
        /// What it should be.
        want: String,
        /// What stands there.
        found: Text,
    },
    /// A key that its writer always writes is not there.
    Missing {
        /// The file.
        file: File,
        /// The way to the key, with dots.
        key: String,
    },
}

impl Fault {
    /// The file that it was found in.
    pub const fn file(&self) -> File {
        match self {
            Self::Flaw(file, _)
            | Self::Type { file, .. }
            | Self::Value { file, .. }
            | Self::Missing { file, .. } => *file,
        }
    }

    /// Whether the file merely ends too early: it is empty, or cut.
    pub const fn is_cut(&self) -> bool {
        matches!(self, Self::Flaw(_, Flaw::Empty | Flaw::Ends { .. }))
    }

    /// Whether the real reader refuses the whole file because of it.
    pub fn is_fatal_for_reader(&self) -> bool {
        self.severity() >= Severity::Damage
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.file().name();
        match self {
            Self::Flaw(_, flaw) => write!(f, "{name} {flaw}"),
            Self::Type {
                key, want, found, ..
            } => {
                write!(f, "{key} of {name} is {found}, not {want}")
            }
            Self::Value {
                key, want, found, ..
            } => {
                if key.is_empty() {
                    write!(f, "{name} holds \"{found}\", not {want}")
                } else {
                    write!(f, "{key} of {name} is \"{found}\", not {want}")
                }
            }
            Self::Missing { key, .. } => write!(f, "{name} has no {key}"),
        }
    }
}

impl finding::Fault for Fault {
    fn code(&self) -> &'static Code {
        match self {
            Self::Flaw(File::State | File::CrunStatus, Flaw::Empty | Flaw::Ends { .. }) => {
                &codes::STATE_TRUNCATED
            }
            _ => self.file().code(),
        }
    }

    fn severity(&self) -> Severity {
        match self {
            // Go takes the last of two equal names and goes on; the bound is ours, not theirs.
            Self::Flaw(_, Flaw::Twice { .. } | Flaw::Many { .. }) => Severity::Odd,
            // A log is cut where its writer was killed; the other two are read by nobody again.
            _ if self.file() == File::Log => Severity::Note,
            _ if matches!(self.file(), File::Options | File::Pid) => Severity::Odd,
            _ => self.code().severity,
        }
    }

    fn span(&self) -> Option<Span> {
        Some(match self {
            Self::Flaw(_, flaw) => flaw.span(),
            Self::Type { span, .. } | Self::Value { span, .. } => *span,
            Self::Missing { .. } => return None,
        })
    }

    fn want_found(&self) -> Option<(String, String)> {
        match self {
            Self::Flaw(_, Flaw::Syntax { want, found, .. }) => {
                Some(((*want).to_owned(), format!("{found:#04x}")))
            }
            Self::Flaw(..) | Self::Missing { .. } => None,
            Self::Type { want, found, .. } => Some(((*want).to_owned(), (*found).to_owned())),
            Self::Value { want, found, .. } => Some((want.clone(), found.to_string())),
        }
    }
}
