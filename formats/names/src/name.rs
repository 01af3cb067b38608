//! Which objects a name means, whatever they are.

use std::collections::BTreeSet;

use finding::{Escaped, Refused, Text};

/// What an object can be called by.
#[derive(Debug, Clone, Copy)]
pub struct Called<'o> {
    /// Its namespace; a namespace has none.
    pub namespace: Option<&'o Text>,
    /// Of a snapshot.
    pub snapshotter: Option<&'o Text>,
    /// Its name.
    pub name: &'o Text,
    /// Other names that it goes by.
    pub also: &'o [Text],
}

/// How well a name fits; the better is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It begins one of the names.
    Begins,
    /// It is the name, with what it stands in before it: `k8s.io/<id>`, `overlayfs/<key>`.
    Qualified,
    /// It is the name.
    Exact,
}

impl Called<'_> {
    fn fit(self, wanted: &[u8]) -> Option<Fit> {
        let own = std::iter::once(self.name).chain(self.also);
        let mut forms: Vec<Vec<u8>> = Vec::new();
        for name in own {
            let bytes = name.bytes();
            if bytes == wanted {
                return Some(Fit::Exact);
            }
            // A digest may be named without its algorithm.
            let hex = bytes.strip_prefix(b"sha256:");
            for bytes in [Some(bytes), hex].into_iter().flatten() {
                forms.push(bytes.to_vec());
                let inside = self.snapshotter.map(|outer| join(outer, bytes));
                if let Some(space) = self.namespace {
                    forms.extend(inside.as_ref().map(|inside| join(space, inside)));
                    forms.push(join(space, bytes));
                }
                forms.extend(inside);
            }
        }
        if forms.iter().any(|form| form == wanted) {
            Some(Fit::Qualified)
        } else {
            let begins = forms.iter().any(|form| form.starts_with(wanted));
            begins.then_some(Fit::Begins)
        }
    }
}

fn join(outer: &Text, inner: &[u8]) -> Vec<u8> {
    [outer.bytes(), b"/", inner].concat()
}

/// Those of `all` that `wanted` means: of this name, one in each namespace; else the only one whose
/// name begins so. None if there is none.
///
/// # Errors
/// It begins the names of several.
pub fn pick<T>(
    all: Vec<T>,
    wanted: &str,
    called: impl Fn(&T) -> Called<'_>,
) -> Result<Vec<T>, Refused> {
    let fits: Vec<(Fit, T)> = all
        .into_iter()
        .filter_map(|each| Some((called(&each).fit(wanted.as_bytes())?, each)))
        .collect();
    let best = fits.iter().map(|(fit, _)| *fit).max();
    let found: Vec<T> = fits
        .into_iter()
        .filter(|(fit, _)| Some(*fit) == best)
        .map(|(_, each)| each)
        .collect();
    if best == Some(Fit::Begins) {
        // By the name that begins so, if there is one.
        let names: BTreeSet<(&Text, &Text)> = found
            .iter()
            .map(|each| {
                let called = called(each);
                let begins = |name: &&Text| name.bytes().starts_with(wanted.as_bytes());
                let shown = called.also.iter().find(begins).unwrap_or(called.name);
                (called.name, shown)
            })
            .collect();
        if names.len() > 1 {
            let names = names.into_iter().take(5);
            let names: Vec<String> = names.map(|(_, shown)| shown.to_string()).collect();
            return Err(Refused::question(format!(
                "{} begins the names of several: {}",
                Escaped(wanted.as_bytes()),
                names.join(", ")
            ))
            .hint("give more of the name"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(wanted: &str) -> Result<Vec<(&'static str, &'static str)>, String> {
        let all = [
            ("default", "overlayfs", "web"),
            ("k8s.io", "overlayfs", "web"),
            ("k8s.io", "native", "web2"),
            ("default", "overlayfs", "sha256:4bcff6"),
            ("default", "overlayfs", "k8s.io/web"),
        ];
        let texts: Vec<_> = all
            .iter()
            .map(|(space, outer, name)| (Text::from(*space), Text::from(*outer), Text::from(*name)))
            .zip(all)
            .collect();
        pick(texts, wanted, |((space, outer, name), _)| Called {
            namespace: Some(space),
            snapshotter: Some(outer),
            name,
            also: &[],
        })
        .map(|found| {
            found
                .into_iter()
                .map(|(_, (space, _, name))| (space, name))
                .collect()
        })
        .map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn a_name_means_what_it_means_elsewhere() {
        let web = [("default", "web"), ("k8s.io", "web")];
        assert_eq!(picked("web").as_deref(), Ok(&web[..]));
        assert_eq!(picked("default/web").as_deref(), Ok(&web[..1]));
        assert_eq!(picked("overlayfs/web").as_deref(), Ok(&web[..]));
        assert_eq!(picked("default/overlayfs/web").as_deref(), Ok(&web[..1]));
        // What is called so comes before what stands so.
        assert_eq!(
            picked("k8s.io/web").as_deref(),
            Ok(&[("default", "k8s.io/web")][..])
        );
        assert_eq!(
            picked("k8s.io/native/w").as_deref(),
            Ok(&[("k8s.io", "web2")][..])
        );
        for digest in [
            "4bcff6",
            "4b",
            "sha256:4",
            "default/4bcff6",
            "default/sha256:4b",
        ] {
            assert_eq!(
                picked(digest).as_deref(),
                Ok(&[("default", "sha256:4bcff6")][..]),
                "{digest}"
            );
        }
        assert_eq!(picked("tenant/web").as_deref(), Ok(&[][..]));
        assert!(picked("k8s.io/").is_err_and(|why| why.contains("begins the names of several")));
    }
}
