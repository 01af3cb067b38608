//! What stands inside of a message: an error of another decides.

use std::collections::HashSet;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::context;
use crate::explain::{Layer, LayerKnown};
use crate::message::{Component, Message, Role};

/// What stands inside of a message.
pub(crate) enum Inside {
    /// Nothing, or no more than the class of an answer.
    Nothing,
    /// What it says itself.
    Fits,
    /// Something else, perhaps a word of the system.
    Another(Option<&'static Message>),
}

/// What stands inside of `cause`, which is the innermost of `layers` that is one.
pub(crate) fn inside_of(layers: &[Layer], cause: &'static Message) -> Inside {
    let is_it = |layer: &Layer| matches!(layer.known, Some(LayerKnown::Message(message)) if message.key == cause.key);
    let Some(at) = layers.iter().rposition(is_it) else {
        return Inside::Nothing;
    };
    let inner = layers.get(at.saturating_add(1)..).unwrap_or_default();
    let found = match cause.wraps {
        Some(holds) => wrapped(inner, holds),
        None => left_over(layers.get(at), inner, cause),
    };
    match found {
        // A connection's error that is no registry's is a word of the system.
        Inside::Another(Some(word)) if word.role == Role::Cause => {
            Inside::Another(context::is_far(word).then(|| context::far(word)))
        }
        found => found,
    }
}

/// Of a message that says which words of the system it holds.
fn wrapped(inner: &[Layer], holds: &[&str]) -> Inside {
    let mut found = Inside::Nothing;
    for layer in inner {
        match layer.known {
            Some(LayerKnown::Message(message)) => match message.role {
                Role::Class | Role::Wrapper => {}
                _ if holds.contains(&message.key) => return Inside::Fits,
                _ => found = Inside::Another(Some(message)),
            },
            _ if matches!(found, Inside::Nothing) => found = Inside::Another(None),
            _ => {}
        }
    }
    found
}

/// Of any other message: what the line says after its text, and its text does not tell of. A cause is claimed with a word of
/// the system only where that pair was seen in a line whose cause is known (`held.tsv`).
fn left_over(own: Option<&Layer>, inner: &[Layer], cause: &'static Message) -> Inside {
    let in_rest = || own.and_then(|layer| words_in_rest(layer, cause));
    let of_inner = inner.iter().filter_map(|layer| match layer.known {
        Some(LayerKnown::Message(message)) => Some(message),
        _ => None,
    });
    // A connection's error that is no registry's is a word of the system.
    let of_inner = of_inner.map(|message| {
        if message.role == Role::Cause && context::is_far(message) {
            context::far(message)
        } else {
            message
        }
    });
    let mut of_inner = of_inner.filter(|message| {
        let is_systems = message.role == Role::Consequence && message.who == Component::System;
        message.role == Role::Errno || is_systems
    });
    if let Some(word) = of_inner.next_back().or_else(in_rest) {
        return if is_held(cause, word.key) {
            Inside::Nothing
        } else {
            Inside::Another(Some(word))
        };
    }
    // What is not known, and says more than a name; a line of the kernel is one sentence.
    let is_more = cause.who != Component::Kernel && inner.iter().any(is_content);
    if is_more && !is_held(cause, "-") {
        Inside::Another(None)
    } else {
        Inside::Nothing
    }
}

/// Whether a piece that is not known says something of its own.
fn is_content(layer: &Layer) -> bool {
    const LEAST: usize = 4;
    let is_known = match layer.known {
        Some(LayerKnown::Message(_)) => true,
        Some(LayerKnown::Text(_)) | None => false,
    };
    !is_known && words_of(&layer.text).count() >= LEAST
}

/// The plain words of a text: no names, numbers or paths.
pub(crate) fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| {
        word.len() > 1
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || b"'-,.".contains(&byte))
    })
}

/// Whether `cause` was seen with that word; `-`: with others that are not known.
pub(crate) fn is_held(cause: &Message, word: &str) -> bool {
    static HELD: LazyLock<HashSet<(&str, &str)>> = LazyLock::new(|| {
        include_str!("held.tsv")
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .collect()
    });
    HELD.contains(&(cause.key, word))
}

/// Words of the system in what a text takes in, whatever that is; those that the text has itself are told of.
fn words_in_rest(layer: &Layer, cause: &Message) -> Option<&'static Message> {
    type Words = (
        Vec<&'static Message>,
        Vec<&'static str>,
        Option<AhoCorasick>,
    );
    static WORDS: LazyLock<Words> = LazyLock::new(|| {
        let errnos = crate::messages().filter(|message| message.role == Role::Errno);
        let texts =
            errnos.flat_map(|message| message.says.iter().map(move |text| (message, *text)));
        let plain = texts.filter(|(_, text)| !text.contains('{') && text.contains(' '));
        let (messages, texts): (Vec<_>, Vec<_>) = plain.unzip();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&texts)
            .ok();
        (messages, texts, automaton)
    });
    if !layer.takes_the_rest {
        return None;
    }
    let rest = layer.holes.last()?;
    let (messages, _, automaton) = &*WORDS;
    let found = automaton.as_ref()?.find_iter(rest.as_str()).last()?;
    let word = messages.get(found.pattern().as_usize()).copied()?;
    let is_its_own = |own: &str| {
        cause
            .says
            .iter()
            .any(|says| says.to_ascii_lowercase().contains(own))
    };
    let is_told = word
        .says
        .iter()
        .any(|text| !text.contains('{') && is_its_own(&text.to_ascii_lowercase()));
    (!is_told).then_some(word)
}

/// Whether a program that the line names between `cause` and its outside says it: what a plugin answered is not kubelet's, what
/// a runtime refused no client's.
pub(crate) fn is_quoted(layers: &[Layer], cause: &'static Message) -> bool {
    let is_it = |layer: &Layer| matches!(layer.known, Some(LayerKnown::Message(message)) if message.key == cause.key);
    let Some(at) = layers.iter().rposition(is_it) else {
        return false;
    };
    // A text that begins with a hole has the frame in its own piece.
    let outer = layers.get(..=at).unwrap_or_default();
    let frame = outer.iter().rev().find_map(|layer| frame(&layer.text));
    let is_outer = |who: Component| {
        matches!(
            who,
            Component::Kubelet
                | Component::Client
                | Component::Dockerd
                | Component::K3s
                | Component::Systemd
        )
    };
    match frame {
        Some(Component::Cni) => {
            is_outer(cause.who) || matches!(cause.who, Component::Runc | Component::Shim)
        }
        Some(_) => is_outer(cause.who) || cause.who == Component::Cni,
        None => false,
    }
}

/// Who says what follows such a piece.
fn frame(piece: &str) -> Option<Component> {
    let piece = piece.to_ascii_lowercase();
    let is_plugins = [
        "plugin type=",
        "networkplugin cni failed",
        "failed (add)",
        "failed (delete)",
    ]
    .iter()
    .any(|word| piece.contains(word));
    let is_runtimes = [
        "oci runtime ",
        "runc create failed",
        "runc exec failed",
        "container_linux.go:",
    ]
    .iter()
    .any(|word| piece.starts_with(word));
    if is_plugins {
        Some(Component::Cni)
    } else {
        is_runtimes.then_some(Component::Runc)
    }
}
