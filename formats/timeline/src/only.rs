//! Which subjects and times are wanted.

use finding::{Text, Time};

use crate::subject::{Store, Subject};

/// One filter, `KEY=VALUE`.
#[derive(Debug, Clone)]
pub enum Only {
    /// Of a container whose id begins so.
    Container(Text),
    /// Of a namespace.
    Namespace(Text),
    /// Of an image whose name begins so.
    Image(Text),
    /// Of a kind.
    Kind(String),
    /// Of a store.
    Store(Store),
    /// A file at or below a path.
    Path(Text),
}

impl Only {
    /// Reads `container=web-1`.
    pub fn parse(text: &str) -> Result<Self, String> {
        const KEYS: &str = "container, namespace, image, kind, store or path";
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| format!("KEY=VALUE is wanted, KEY being one of {KEYS}"))?;
        if value.is_empty() {
            return Err("the value after = is empty".to_owned());
        }
        Ok(match key {
            "container" => Self::Container(Text::from(value)),
            "namespace" => Self::Namespace(Text::from(value)),
            "image" => Self::Image(Text::from(value)),
            "kind" => Self::Kind(value.to_owned()),
            "path" => Self::Path(Text::from(value)),
            "store" => {
                let mut all = Store::ALL.into_iter();
                let store = all.find(|store| store.word() == value);
                Self::Store(store.ok_or_else(|| {
                    let words = Store::ALL.map(Store::word);
                    format!("a store is one of {}", words.join(", "))
                })?)
            }
            other => return Err(format!("{other} is not one of {KEYS}")),
        })
    }

    fn fits(&self, subject: &Subject) -> bool {
        let begins = |value: Option<&Text>, wanted: &Text| {
            value.is_some_and(|value| value.bytes().starts_with(wanted.bytes()))
        };
        match self {
            Self::Container(id) => begins(subject.container.as_ref(), id),
            Self::Namespace(name) => subject.namespace.as_ref() == Some(name),
            Self::Image(name) => begins(subject.image.as_ref(), name),
            Self::Kind(kind) => subject.kind == kind,
            Self::Store(store) => subject.store == *store,
            Self::Path(path) => subject.stat.is_some() && is_below(&subject.name, path),
        }
    }

    const fn key(&self) -> u8 {
        match self {
            Self::Container(_) => 0,
            Self::Namespace(_) => 1,
            Self::Image(_) => 2,
            Self::Kind(_) => 3,
            Self::Store(_) => 4,
            Self::Path(_) => 5,
        }
    }
}

/// Whether `path` is `folder` or lies below it.
fn is_below(path: &Text, folder: &Text) -> bool {
    let folder = folder.bytes();
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    let rest = path.bytes().strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// All that was asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Nothing before this.
    pub from: Option<Time>,
    /// Nothing at this time or later.
    pub to: Option<Time>,
    /// Only what is of these.
    pub only: Vec<Only>,
}

impl Wanted {
    /// Whether this time is between the two, the latter not included.
    pub fn has_time(&self, time: Time) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
    }

    /// Whether a subject is wanted: of several filters with one key, one must fit; of each key, one.
    pub fn has(&self, subject: &Subject) -> bool {
        (0..6).all(|key| {
            let mut of_key = self.only.iter().filter(|only| only.key() == key).peekable();
            of_key.peek().is_none() || of_key.any(|only| only.fits(subject))
        })
    }

    /// Whether anything of this store may be wanted.
    pub fn may(&self, store: Store) -> bool {
        let stores = self.only.iter().filter_map(|only| match only {
            Only::Store(store) => Some(*store),
            _ => None,
        });
        let stores: Vec<Store> = stores.collect();
        stores.is_empty() || stores.contains(&store)
    }

    /// Whether files of this container may be wanted: trees of others need not be walked.
    pub(crate) fn may_container(&self, namespace: Option<&Text>, container: Option<&Text>) -> bool {
        let fits = |only: &Only| match only {
            Only::Container(id) => container.is_some_and(|own| own.bytes().starts_with(id.bytes())),
            Only::Namespace(name) => namespace == Some(name),
            _ => true,
        };
        (0..2).all(|key| {
            let mut of_key = self.only.iter().filter(|only| only.key() == key).peekable();
            of_key.peek().is_none() || of_key.any(fits)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_one_key_add_and_keys_restrict() {
        let mut subject = Subject::new(Store::Meta, "container", "web-1");
        subject.container = Some(Text::from("web-1"));
        subject.namespace = Some(Text::from("k8s.io"));
        let wanted = |only: &[&str]| {
            let only = only.iter().map(|only| Only::parse(only).unwrap()).collect();
            let wanted = Wanted {
                only,
                ..Wanted::default()
            };
            (
                wanted.has(&subject),
                wanted.may(Store::Meta),
                wanted.may(Store::Files),
            )
        };
        assert_eq!(wanted(&[]), (true, true, true));
        assert_eq!(wanted(&["container=web"]), (true, true, true));
        assert_eq!(
            wanted(&["container=x", "container=web"]),
            (true, true, true)
        );
        assert_eq!(
            wanted(&["container=web", "namespace=default"]),
            (false, true, true)
        );
        assert_eq!(wanted(&["store=files"]), (false, false, true));
        assert_eq!(wanted(&["store=files", "store=meta"]), (true, true, true));
        assert_eq!(wanted(&["kind=image"]), (false, true, true));
        for bad in ["", "container", "container=", "store=nowhere", "colour=red"] {
            assert!(Only::parse(bad).is_err(), "{bad}");
        }
        assert!(is_below(&Text::from("/etc/passwd"), &Text::from("/etc")));
        assert!(!is_below(&Text::from("/etcetera"), &Text::from("/etc")));
    }
}
