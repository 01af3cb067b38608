//! What is wrong in one place.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer, ser::SerializeMap};
use view::Span;

use crate::{Code, Fingerprint, Location, Logged, Object, Remedy, Severity};

/// What one format found wrong in one place of one source.
///
/// Each format has an enum of its faults; its `Display` is the message.
pub trait Fault: fmt::Debug + fmt::Display {
    /// The kind of fault.
    fn code(&self) -> &'static Code;

    /// How bad this one is.
    fn severity(&self) -> Severity {
        self.code().severity
    }

    /// Which bytes of the source.
    fn span(&self) -> Option<Span> {
        None
    }

    /// What should stand there, and what stands there.
    fn want_found(&self) -> Option<(String, String)> {
        None
    }

    /// This fault as a finding at `location`, whose span it fills in where it knows better.
    fn finding(&self, location: Location) -> Finding {
        let mut finding = Finding::new(self.code(), location, self.to_string());
        finding.severity = self.severity();
        if let Some(span) = self.span() {
            finding.location.span = Some(span);
        }
        if let Some((want, found)) = self.want_found() {
            finding = finding.want(want).found(found);
        }
        finding
    }
}

/// What a daemon of some release would do because of a finding, if it were started now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AtStart {
    /// Which releases: `1.6`, `1.7`, `2.x`, or `all`.
    pub release: String,
    /// What it would do.
    pub does: String,
}

/// The finding that another one follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Because {
    /// Its kind.
    pub code: &'static str,
    /// Where it is.
    pub location: Location,
}

/// A fault or a broken rule, addressed to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of finding.
    pub code: &'static Code,
    /// How bad this one is.
    pub severity: Severity,
    /// Where it is.
    pub location: Location,
    /// One sentence that says what is wrong, without the place.
    pub message: String,
    /// What should stand there.
    pub want: Option<String>,
    /// What stands there.
    pub found: Option<String>,
    /// What it breaks, as far as is known.
    pub affects: Vec<Object>,
    /// What is wrong by it: what else is wrong with one of these may follow from it. It is not told.
    pub about: Vec<Object>,
    /// How many findings of each kind follow from it.
    pub causes: BTreeMap<&'static str, u64>,
    /// What it follows from.
    pub because: Option<Because>,
    /// What would happen at a start.
    pub at_start: Vec<AtStart>,
    /// What to do about this one, where that differs from the code's remedy.
    pub remedy: Option<String>,
    /// Ways out, the least harmful first.
    pub ways: Vec<Remedy>,
    /// What the real daemons print when they meet it; from the table of messages.
    pub daemon_says: Vec<String>,
    /// What this node's own logs say of it.
    pub logged: Option<Logged>,
    /// What makes it the same in another report, once a report has told.
    pub fingerprint: Option<Fingerprint>,
}

impl Finding {
    /// A finding of this kind.
    pub fn new(code: &'static Code, location: Location, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity,
            location,
            message: message.into(),
            want: None,
            found: None,
            affects: Vec::new(),
            about: Vec::new(),
            causes: BTreeMap::new(),
            because: None,
            at_start: Vec::new(),
            remedy: None,
            ways: Vec::new(),
            daemon_says: Vec::new(),
            logged: None,
            fingerprint: None,
        }
    }

    /// With another severity than the usual.
    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// With what should stand there.
    #[must_use]
    pub fn want(mut self, want: impl Into<String>) -> Self {
        self.want = Some(want.into());
        self
    }

    /// With what stands there.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// Which breaks `object`, too.
    #[must_use]
    pub fn affects(mut self, object: Object) -> Self {
        if !self.affects.contains(&object) {
            self.affects.push(object);
        }
        self
    }

    /// Which breaks each of these, too.
    #[must_use]
    pub fn affecting(mut self, objects: &[Object]) -> Self {
        // A layer that hundreds of images share has that many users.
        let mut known: BTreeSet<Object> = self.affects.iter().cloned().collect();
        for object in objects {
            if known.insert(object.clone()) {
                self.affects.push(object.clone());
            }
        }
        self
    }

    /// With what another finding of the same is about, and affects.
    #[must_use]
    pub fn joined(self, other: &Self) -> Self {
        self.affecting(&other.affects)
            .about(other.about.iter().cloned())
    }

    /// With what is wrong by it.
    #[must_use]
    pub fn about(mut self, objects: impl IntoIterator<Item = Object>) -> Self {
        self.about.extend(objects);
        self
    }

    /// Which makes a daemon of `release` do something.
    #[must_use]
    pub fn at_start(mut self, release: impl Into<String>, does: impl Into<String>) -> Self {
        self.at_start.push(AtStart {
            release: release.into(),
            does: does.into(),
        });
        self
    }

    /// With a remedy of its own.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// With a way out, which stands behind those that harm less or as much.
    #[must_use]
    pub fn way(mut self, way: Remedy) -> Self {
        let harm = way.harm();
        let at = self.ways.partition_point(|other| other.harm() <= harm);
        self.ways.insert(at, way);
        self
    }

    /// What to do: its own remedy, else that of its kind.
    pub fn what_to_do(&self) -> &str {
        self.remedy.as_deref().unwrap_or(self.code.remedy)
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", self.code.name)?;
        if !self.code.rule.is_empty() {
            map.serialize_entry("rule", self.code.rule)?;
        }
        map.serialize_entry("severity", &self.severity)?;
        map.serialize_entry("location", &self.location)?;
        map.serialize_entry("message", &self.message)?;
        if let Some(want) = &self.want {
            map.serialize_entry("want", want)?;
        }
        if let Some(found) = &self.found {
            map.serialize_entry("found", found)?;
        }
        map.serialize_entry("affects", &self.affects)?;
        if !self.causes.is_empty() {
            map.serialize_entry("causes", &self.causes)?;
        }
        if let Some(because) = &self.because {
            map.serialize_entry("because", because)?;
        }
        if !self.at_start.is_empty() {
            map.serialize_entry("at_start", &self.at_start)?;
        }
        if !self.daemon_says.is_empty() {
            map.serialize_entry("daemon_says", &self.daemon_says)?;
        }
        if let Some(logged) = &self.logged {
            map.serialize_entry("logged", logged)?;
        }
        // What follows from another is mended by mending that.
        if self.because.is_none() {
            map.serialize_entry("remedy", self.what_to_do())?;
        }
        if !self.ways.is_empty() {
            map.serialize_entry("ways", &self.ways)?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            map.serialize_entry("fingerprint", fingerprint)?;
        }
        map.end()
    }
}
