//! Each text of the table leads back to its message.

use crate::{LayerKnown, explain};

#[test]
fn each_text_of_a_message_leads_back_to_it() {
    let mut lost = Vec::new();
    for message in crate::messages() {
        for text in message.says {
            // Without these words its text may be another's.
            let word = message.within.first().copied().unwrap_or("it");
            let line = format!("{}: {}", word.replace('&', " "), filled(text));
            let explained = explain(&line);
            let is_it = explained.layers.iter().any(|layer| match layer.known {
                Some(LayerKnown::Message(found)) => {
                    // An error of a connection is a registry's only in a line about one.
                    found.says.contains(text)
                        || found.key == message.key
                        || crate::context::FAR.iter().any(|far| far.key == found.key)
                }
                _ => false,
            });
            let is_head = explained
                .head
                .and_then(|head| head.message())
                .is_some_and(|found| found.key == message.key);
            if !is_it && !is_head {
                lost.push(format!("{}: {line}", message.key));
            }
        }
    }
    assert!(
        lost.is_empty(),
        "{} texts are lost:\n{}",
        lost.len(),
        lost.join("\n")
    );
}

/// A line as a program would say it.
fn filled(text: &str) -> String {
    text.replace("{q}", "\"a-name\"")
        .replace("{n}", "7")
        .replace("{path}", "/some/path/")
        .replace("{id}", "an-id")
        .replace("{bare}", "a-name")
        .replace("{rest}", " more: of it ")
        .replace("{}", "thing")
}
