//! For people: time, what happened, which store says so, to what.

use std::io::{self, Write};

use finding::Time;

use timeline::{Subject, What};

/// Writes a line, without its end.
pub(super) fn line(
    into: &mut Vec<u8>,
    time: Time,
    whats: &[What],
    subject: &Subject,
    message: &str,
) -> io::Result<()> {
    write!(
        into,
        "{time:<30}  {:<15}  {:<11}  {message}",
        words(whats),
        subject.store.word()
    )
}

/// What happened, in words; the letters of mactime are for its own format.
fn words(whats: &[What]) -> String {
    let words: Vec<&str> = whats.iter().map(|what| what.word()).collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_said_in_words() {
        assert_eq!(words(&[What::Modified, What::Born]), "modified,born");
        assert_eq!(words(&[What::Created, What::Updated]), "created,updated");
        assert_eq!(words(&[What::Rotated, What::Changed]), "rotated,changed");
    }
}
