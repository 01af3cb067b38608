//! Which release wrote a node, and how that is known.

use node::Traces;
use serde::Serialize;

use crate::Release;

/// The releases that may have written a node, and from what that was concluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detected {
    /// The oldest that fits.
    pub from: Release,
    /// The newest that fits, of those known here.
    pub to: Release,
    /// What it was concluded from.
    pub because: Vec<String>,
    /// Traces that contradict each other: the node saw an upgrade or a downgrade.
    pub mixed: bool,
    /// The whole version, where it is known: of the installed package, or as it was given.
    pub version: Option<String>,
}

impl Detected {
    /// The release that somebody says it is: `1.6`, `1.7.24`, `v2.1.9`. Nothing where no such
    /// release is known.
    pub fn said(version: &str) -> Option<Self> {
        let release = Release::of_version(version)?;
        Some(Self {
            from: release,
            to: release,
            because: vec!["you said so".to_owned()],
            mixed: false,
            version: Some(version.to_owned()),
        })
    }

    /// The patch of the version: `1.6.20~ds1` has 20.
    pub fn patch(&self) -> Option<u64> {
        self.one()?;
        let version = self.version.as_deref()?;
        let version = version.rsplit(':').next().unwrap_or(version);
        let part = version.trim_start_matches('v').split('.').nth(2)?;
        let end = part
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(part.len());
        part.get(..end)?.parse().ok()
    }

    /// The version and why nothing is known here of it, if nothing is.
    pub fn beyond(&self) -> Option<(&str, &'static str)> {
        let version = self.version.as_deref()?;
        Some((version, Release::beyond(version)?))
    }

    /// Every release that fits.
    pub fn releases(&self) -> impl Iterator<Item = Release> + use<> {
        let (from, to) = (self.from, self.to);
        Release::ALL
            .into_iter()
            .filter(move |release| (from..=to).contains(release))
    }

    /// The release, where only one fits.
    pub fn one(&self) -> Option<Release> {
        (self.from == self.to).then_some(self.from)
    }

    /// `1.6`, or `1.6 to 1.7`.
    pub fn name(&self) -> String {
        match self.one() {
            Some(release) => release.to_string(),
            None => format!("{} to {}", self.from, self.to),
        }
    }
}

/// Concludes from the traces on disk; the version in the program that would be started is the surest
/// of them, then the package's.
///
/// The schema's version and the freelist are the last daemon's; `bootstrap.json` and `address` are
/// those of tasks, which live across an upgrade.
pub fn detect(traces: &Traces) -> Detected {
    let mut detected = Detected {
        from: Release::V1_6,
        to: Release::NEWEST,
        because: Vec::new(),
        mixed: false,
        version: None,
    };
    if let Some(program) = &traces.program {
        let version = program.version.as_ref();
        let known = version.and_then(|text| Some((Release::of_version(text.utf8()?)?, text)));
        if let Some((release, version)) = known {
            let because = format!("{} is containerd {version}", program.path);
            detected.narrow(release, release, because);
            detected.version = Some(version.to_string());
        }
    }
    // What no rule was made for is named all the same.
    let installed = traces.program.as_ref().and_then(|it| it.version.as_ref());
    let installed = installed.or(traces.package.as_ref());
    let installed = installed.and_then(|text| text.utf8());
    if let Some(version) = installed.filter(|version| Release::beyond(version).is_some()) {
        detected.version = Some(version.to_owned());
        if Release::of_version(version).is_none() {
            let because = format!("containerd {version} is installed, which is not known here");
            detected.because.push(because);
        }
    }
    let package = traces.package.as_ref().and_then(|text| {
        let release = Release::of_version(text.utf8()?)?;
        Some((release, text.to_string()))
    });
    if let Some((release, version)) = package {
        let because = format!("the package database has containerd {version}");
        detected.narrow(release, release, because);
        if detected.one() == Some(release) && !detected.mixed {
            detected.version.get_or_insert(version);
        }
    }
    if let Some((path, generation)) = traces
        .program
        .as_ref()
        .filter(|program| program.version.is_none())
        .and_then(|program| Some((&program.path, program.generation?)))
    {
        let because = format!("{path} is containerd {generation}");
        let (from, to) = match generation {
            1 => (Release::V1_6, Release::V1_7),
            _ => (Release::V2_0, Release::NEWEST),
        };
        detected.narrow(from, to, because);
    }
    match traces.schema {
        Some(4..) => {
            detected.narrow(
                Release::V2_0,
                Release::NEWEST,
                "meta.db has schema 4".to_owned(),
            );
        }
        // A database of schema 4 stays so after a downgrade; one of 3 was never opened by 2.x.
        Some(_) => {
            let because = "meta.db has no schema 4, which 2.0 brings at its first start";
            detected.narrow(Release::V1_6, Release::V1_7, because.to_owned());
        }
        None => {}
    }
    match traces.freelist_synced {
        Some(true) => {
            let because = "meta.db keeps its freelist, as only 1.6 does";
            detected.narrow(Release::V1_6, Release::V1_6, because.to_owned());
        }
        Some(false) => {
            let because = "meta.db keeps no freelist, as from 1.7 on";
            detected.narrow(Release::V1_7, Release::NEWEST, because.to_owned());
        }
        None => {}
    }
    if traces.bootstrap_files {
        let because = "a bundle has a bootstrap.json, which 2.0 brought";
        detected.narrow(Release::V2_0, Release::NEWEST, because.to_owned());
    } else if traces.address_files {
        let because = "bundles have an address, which 2.0 turns into a bootstrap.json";
        detected.narrow(Release::V1_6, Release::V1_7, because.to_owned());
    }
    match traces.config {
        Some(4) => {
            let because = "config.toml has version 4, which 2.3 brought";
            detected.narrow(Release::V2_3, Release::NEWEST, because.to_owned());
        }
        // A 1.x that is known by something surer does not start on it: that is a finding, and no other release.
        Some(3) if detected.to >= Release::V2_0 => {
            let because = "config.toml has version 3, which 2.0 brought";
            detected.narrow(Release::V2_0, Release::NEWEST, because.to_owned());
        }
        _ => {}
    }
    detected
}

impl Detected {
    /// Keeps what fits both; where nothing does, what was known before stays, and is mixed.
    fn narrow(&mut self, from: Release, to: Release, because: String) {
        let (low, high) = (self.from.max(from), self.to.min(to));
        if low <= high {
            if (low, high) != (self.from, self.to) || self.because.is_empty() {
                self.because.push(because);
            }
            (self.from, self.to) = (low, high);
        } else {
            self.mixed = true;
            self.because.push(format!("but {because}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_narrow_the_release() {
        let mut traces = Traces::default();
        assert_eq!(detect(&traces).name(), "1.6 to 2.3");
        traces.config = Some(3);
        assert_eq!(detect(&traces).name(), "2.0 to 2.3");
        traces.package = Some("1.7.24-1".into());
        let downgraded = detect(&traces);
        assert_eq!(
            (downgraded.one(), downgraded.mixed),
            (Some(Release::V1_7), false)
        );
        traces = Traces::default();
        traces.schema = Some(3);
        traces.freelist_synced = Some(false);
        assert_eq!(detect(&traces).one(), Some(Release::V1_7));
        traces.freelist_synced = Some(true);
        assert_eq!(detect(&traces).one(), Some(Release::V1_6));
        traces.schema = Some(4);
        let mixed = detect(&traces);
        assert!(mixed.mixed);
        assert_eq!(mixed.name(), "2.0 to 2.3");
        traces.package = Some("2.1.9-1".into());
        traces.freelist_synced = Some(false);
        let sure = detect(&traces);
        assert_eq!((sure.one(), sure.mixed), (Some(Release::V2_1), false));
        assert_eq!(sure.releases().count(), 1);
        assert_eq!(sure.patch(), Some(9));
        assert_eq!(mixed.patch(), None);
        let said = Detected::said("1:1.7.24~ds1-6").unwrap();
        assert_eq!((said.one(), said.patch()), (Some(Release::V1_7), Some(24)));
        assert_eq!(Detected::said("1.6").unwrap().patch(), None);
        assert_eq!(Detected::said("old"), None);
    }
}
