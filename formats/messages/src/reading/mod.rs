//! What a line shows by itself, whether or not its text is known: who wrote it (`said`), what it says that failed
//! (`act`), with which kind of end (`kind`), whose that is (`owner`), which names are in it (`names`), and what to look
//! at first (`look`). No cause is claimed by any of these.

mod act;
mod kind;
mod look;
mod names;
mod owner;
mod said;

use finding::Command;
use serde::Serialize;

pub use kind::Kind;
pub use names::{Name, NameOf};
pub use owner::Owner;
pub use said::Said;

use crate::chain::Chain;
use crate::failure;
use crate::peel::{LINE_LIMIT, peel};
use crate::scope::Line;
use crate::speaker::Speaker;

/// What a line shows by itself.
#[derive(Debug, Clone, Serialize)]
pub struct Reading {
    /// Who wrote it, by its form.
    pub said: Option<Said>,
    /// What it says that failed, in its own words.
    pub failed: Option<String>,
    /// With which kind of end.
    pub kind: Option<&'static Kind>,
    /// Whose it is, by the sockets, ports, paths and words of one part.
    pub owner: Option<&'static Owner>,
    /// The names in it.
    pub names: Vec<Name>,
    /// What to look at first; it only reads.
    pub look: Vec<Command>,
}

impl Reading {
    /// Whether it tells enough to go on: who wrote it, or whose it is.
    pub const fn is_telling(&self) -> bool {
        self.said.is_some() || self.owner.is_some()
    }

    /// Whether it tells nothing.
    pub const fn is_empty(&self) -> bool {
        self.said.is_none() && self.owner.is_none() && self.kind.is_none() && self.failed.is_none()
    }
}

/// Reads what `line` shows by itself.
pub fn read_line(line: &str) -> Reading {
    let mut end = line.len().min(LINE_LIMIT);
    while !line.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let line = line.get(..end).unwrap_or_default();
    let peeled = peel(line);
    let whole = Line::from_whole(line.to_ascii_lowercase());
    let speaker = Speaker::from_line(&peeled, &whole.whole);
    let chains: Vec<Chain> = peeled
        .said
        .iter()
        .map(|said| Chain::split_chain(said))
        .collect();
    let mut pieces = Vec::new();
    for chain in &chains {
        chain.collect_pieces(&mut pieces);
    }
    let lower: Vec<String> = pieces
        .iter()
        .map(|piece| piece.to_ascii_lowercase())
        .collect();
    // What says nowhere that something failed has no kind of end.
    let kind = failure::is_told(&whole.whole)
        .then(|| kind::of_pieces(lower.iter().map(String::as_str)))
        .flatten();
    let said = said::by_form(line, &whole.whole, &peeled, speaker.is_kubelets);
    let owner = owner::of_line(&whole.bare);
    let names = names::of_line(line);
    let look = look::of_names(
        &names,
        kind.map(|kind| kind.key),
        owner.map(|owner| owner.key),
        said.as_ref(),
        &whole.whole,
    );
    Reading {
        failed: act::of_pieces(pieces.iter().copied()),
        said,
        kind,
        owner,
        names,
        look,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_which_no_text_is_known_is_read() {
        let line = "Dec 07 23:47:01 node-1 frobd[757]: failed to frob the widget: open /var/lib/frob/a.db: permission denied";
        let reading = read_line(line);
        assert_eq!(
            reading.said.as_ref().map(|said| said.name.as_str()),
            Some("frobd")
        );
        assert_eq!(
            reading.failed.as_deref(),
            Some("failed to frob the widget: open /var/lib/frob/a.db")
        );
        assert_eq!(reading.kind.map(|kind| kind.key), Some("no-permission"));
        let look: Vec<String> = reading.look.iter().map(ToString::to_string).collect();
        assert_eq!(look, ["stat -- /var/lib/frob/a.db"]);
        assert!(reading.is_telling());
        assert!(read_line("quite another thing").is_empty());
    }
}
