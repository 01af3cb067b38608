//! A message that is claimed with less than it has by itself: the rest of the line, or who speaks, stands against it.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use crate::message::{Component, Message, Sure};

/// Copies that were made, by what differs in them. There are no more of them than messages times what may differ.
type Copies = HashMap<Differs, &'static Message>;

/// The message's key and meaning, who says it, how sure it is, and its first command.
type Differs = (
    &'static str,
    &'static str,
    Component,
    Sure,
    Option<&'static &'static str>,
);

static COPIES: LazyLock<Mutex<Copies>> = LazyLock::new(Mutex::default);

/// `message`, as said by `who`, and as no more than likely unless the line `proves` it.
pub(crate) fn as_told(message: &'static Message, who: Component, proves: bool) -> &'static Message {
    let sure = match message.sure {
        Sure::Certain if !proves => Sure::Likely,
        sure => sure,
    };
    copy(message, who, sure)
}

/// `message`, as one of several that make the same words.
pub(crate) fn as_open(message: &'static Message) -> &'static Message {
    copy(message, message.who, Sure::Open)
}

/// `message`, of a registry, with what to look at where another than containerd asked it: each has settings of its own.
pub(crate) fn as_asked(message: &'static Message, asker: Component) -> &'static Message {
    const DOCKER: &[&str] = &[
        "docker info | grep -i -A5 -e proxy -e mirror -e insecure",
        "ls -R /etc/docker/certs.d",
        "curl -sSv -o /dev/null https://REGISTRY/v2/",
    ];
    const BUILDER: &[&str] = &[
        "docker buildx ls",
        "docker buildx inspect",
        "curl -sSv -o /dev/null https://REGISTRY/v2/",
    ];
    const ENGINE: &[&str] = &[
        "cat /etc/containers/registries.conf",
        "ls -R /etc/containers/certs.d",
        "curl -sSv -o /dev/null https://REGISTRY/v2/",
    ];
    let is_containerds = |command: &&str| {
        ["containerd", "ctr ", "crictl"]
            .iter()
            .any(|word| command.contains(word))
    };
    if message.who != Component::Registry || !message.first.iter().any(is_containerds) {
        return message;
    }
    let first = match asker {
        Component::Dockerd => DOCKER,
        Component::Buildkit => BUILDER,
        Component::OtherEngine => ENGINE,
        _ => return message,
    };
    copy_with(message, message.who, message.sure, first)
}

fn copy(message: &'static Message, who: Component, sure: Sure) -> &'static Message {
    copy_with(message, who, sure, message.first)
}

fn copy_with(
    message: &'static Message,
    who: Component,
    sure: Sure,
    first: &'static [&'static str],
) -> &'static Message {
    if who == message.who && sure == message.sure && first == message.first {
        return message;
    }
    let Ok(mut copies) = COPIES.lock() else {
        return message;
    };
    copies
        .entry((message.key, message.means, who, sure, first.first()))
        .or_insert_with(|| {
            Box::leak(Box::new(Message {
                who,
                sure,
                first,
                ..*message
            }))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_made_once() {
        let message = crate::messages()
            .find(|message| message.sure == Sure::Certain)
            .unwrap_or_else(|| unreachable!());
        assert!(core::ptr::eq(as_told(message, message.who, true), message));
        let likely = as_told(message, message.who, false);
        assert_eq!((likely.sure, likely.key), (Sure::Likely, message.key));
        assert!(core::ptr::eq(likely, as_told(message, message.who, false)));
        let other = as_told(message, Component::System, true);
        assert_eq!((other.sure, other.who), (Sure::Certain, Component::System));
    }
}
