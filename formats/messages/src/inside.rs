//! What stands inside of a message: an error of another decides.

use crate::explain::{Layer, LayerKnown};
use crate::message::{Message, Role};

/// What stands inside of a message that wraps another error.
pub(crate) enum Inside {
    /// Nothing, or no more than the class of an answer.
    Nothing,
    /// What it says itself.
    Fits,
    /// Something else, perhaps a word of the system.
    Another(Option<&'static Message>),
}

pub(crate) fn inside_of(layers: &[Layer], cause: &'static Message) -> Inside {
    let Some(holds) = cause.wraps else {
        return Inside::Nothing;
    };
    let is_it = |layer: &Layer| matches!(layer.known, Some(LayerKnown::Message(message)) if message.key == cause.key);
    let Some(at) = layers.iter().rposition(is_it) else {
        return Inside::Nothing;
    };
    let inner = layers.get(at.saturating_add(1)..).unwrap_or_default();
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
