//! When it may be said that a line is no fault: only where the whole line is that harmless message.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use crate::explain::{Head, Layer, LayerKnown};
use crate::message::{Message, Role, Sure, Whose};
use crate::peel::Peeled;

/// Words with which a line says that something failed, whatever else stands in it.
const FAILED: &[&str] = &[
    "fail",
    "unable",
    "cannot",
    "can't",
    "can not",
    "could not",
    "couldn't",
    "denied",
    "refused",
    "error",
    "fatal",
    "panic",
    "crash",
    "unexpected",
];

/// Levels of what a program itself gives as an error.
const ERRORS: &[&str] = &[
    "e", "f", "err", "erro", "error", "fata", "fatal", "pani", "panic", "crit", "critical",
    "alert", "emerg", "dpanic", "severe",
];

/// What a harmless message stands in as its own text: its key, and the frame.
const FRAMES: &[(&str, &str)] = &[
    ("plugin-skipped", "failed to load plugin"),
    ("plugin-skipped", "failed to initialize a tracing processor"),
    ("image-gc-early", "image garbage collection failed"),
    ("cadvisor-late", "failed to get system container stats"),
    ("cadvisor-late", "failed to get cgroup stats"),
    ("cadvisor-late", "failed to get container info"),
    ("cadvisor-late", "failed to get the info of the filesystem"),
    ("remote-snapshot-fallback", "failed to resolve layer"),
];

/// How far a line bears out that it is no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clears {
    /// It is that message and no more.
    Wholly,
    /// It is that message, but its program gave it as an error.
    ByItself,
    /// Something failed around it.
    Not,
}

/// How far the line bears out that `harmless` is no fault.
pub(crate) fn clears(harmless: &Message, layers: &[Layer], peeled: &Peeled, line: &str) -> Clears {
    let is_it = |layer: &Layer| matches!(layer.known, Some(LayerKnown::Message(message)) if message.key == harmless.key);
    let fails = |text: &str| {
        let text = text.to_ascii_lowercase();
        let is_its_own = FRAMES
            .iter()
            .any(|(key, frame)| *key == harmless.key && text.contains(frame));
        !is_its_own && FAILED.iter().any(|word| text.contains(word))
    };
    let Some(at) = layers.iter().position(is_it) else {
        // It stands in the middle of other words.
        return if is_error(peeled) || fails(line) {
            Clears::Not
        } else {
            Clears::Wholly
        };
    };
    let outer = layers.get(..at).unwrap_or_default();
    let mut outer = outer.iter().filter(|layer| match layer.known {
        Some(LayerKnown::Message(message)) => {
            !matches!(message.role, Role::Class) && message.whose != Whose::Nobody
        }
        _ => true,
    });
    if outer.any(|layer| fails(&layer.text)) {
        Clears::Not
    } else if is_error(peeled) {
        Clears::ByItself
    } else {
        Clears::Wholly
    }
}

/// Whether its program gave the line as an error.
fn is_error(peeled: &Peeled) -> bool {
    let level = peeled.level.as_deref().unwrap_or_default();
    ERRORS.contains(&level.to_ascii_lowercase().as_str())
}

/// Without what is harmless only by itself.
pub(crate) fn without_harmless(layers: &[Layer]) -> Vec<Layer> {
    let mut layers = layers.to_vec();
    for layer in &mut layers {
        if matches!(layer.known, Some(LayerKnown::Message(message)) if message.whose == Whose::Nobody)
        {
            layer.known = None;
        }
    }
    layers
}

/// What is said where a harmless message does not clear its line.
pub(crate) fn doubted(harmless: &'static Message) -> Head {
    Head::Act(unclear(harmless), None)
}

static COPIES: LazyLock<Mutex<HashMap<&'static str, &'static Message>>> =
    LazyLock::new(Mutex::default);

/// A harmless message without its all-clear. There are no more of them than messages.
fn unclear(harmless: &'static Message) -> &'static Message {
    const DOUBT: &str = "Mostly these words pass by themselves. But the line was given as an error, or says that something \
        failed beside them, so it alone does not clear anything: it matters where it comes again and again, or where \
        something does not work.";
    let Ok(mut copies) = COPIES.lock() else {
        return harmless;
    };
    copies.entry(harmless.key).or_insert_with(|| {
        let clears = |sentence: &&str| {
            let sentence = sentence.to_ascii_lowercase();
            ![
                "no fault",
                "nothing is wrong",
                "nothing in it is a fault",
                "not an error",
            ]
            .iter()
            .any(|word| sentence.contains(word))
        };
        let sentences = harmless.means.split_inclusive(". ").filter(clears);
        let mut means: String = sentences.collect();
        if !means.is_empty() && !means.ends_with(' ') {
            means.push(' ');
        }
        means.push_str(DOUBT);
        Box::leak(Box::new(Message {
            means: Box::leak(means.into_boxed_str()),
            whose: Whose::Unknown,
            sure: Sure::Open,
            ..*harmless
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_harmless_message_clears_an_error() {
        for message in crate::messages().filter(|message| message.whose == Whose::Nobody) {
            let Head::Act(copy, None) = doubted(message) else {
                unreachable!();
            };
            let means = copy.means.to_ascii_lowercase();
            assert_eq!((copy.key, copy.whose), (message.key, Whose::Unknown));
            assert!(
                !means.contains("no fault") && !means.contains("nothing is wrong"),
                "{means}"
            );
        }
    }

    #[test]
    fn the_whole_line_must_be_the_harmless_message() {
        let whose = |line: &str| crate::explain(line).head.map(|head| head.whose());
        let said = "Nameserver limits were exceeded, some nameservers have been omitted";
        let klog = |level: char, said: &str| {
            format!("{level}1128 12:00:00.123456    1234 dns.go:153] {said}")
        };
        assert_eq!(whose(said), Some(Whose::Nobody));
        assert_eq!(whose(&klog('W', said)), Some(Whose::Nobody));
        for line in [
            klog('E', said),
            format!("level=error msg=\"{said}\""),
            format!("level=fatal msg=\"{said}\""),
            format!("ERRO[0000] {said}"),
            format!("Failed to start the pod: {said}"),
            format!("level=info msg=\"cannot go on\" error=\"{said}\""),
            "kubelet.go:1312] Failed to start cAdvisor: Nameserver limits were exceeded".to_owned(),
        ] {
            assert_ne!(whose(&line), Some(Whose::Nobody), "{line}");
            assert!(crate::explain(&line).head.is_some(), "{line}");
        }
    }

    #[test]
    fn no_place_says_that_something_is_no_fault() {
        for place in crate::place::all() {
            assert_ne!(place.whose, Whose::Nobody, "{}", place.key);
        }
    }
}
