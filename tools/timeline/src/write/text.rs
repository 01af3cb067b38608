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

/// `m.cb` for the times of a file, words for others.
fn words(whats: &[What]) -> String {
    let mut letters = ['.'; 4];
    let mut words: Vec<&str> = Vec::new();
    for what in whats {
        let place = what.letter().and_then(|letter| {
            let at = ['m', 'a', 'c', 'b']
                .iter()
                .position(|known| *known == letter)?;
            Some((letters.get_mut(at)?, letter))
        });
        match place {
            Some((place, letter)) => *place = letter,
            None => words.push(what.word()),
        }
    }
    let letters: String = letters.iter().collect();
    if letters != "...." {
        words.push(&letters);
    }
    words.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_mactime() {
        assert_eq!(words(&[What::Modified, What::Born]), "m..b");
        assert_eq!(words(&[What::Created, What::Updated]), "created,updated");
        assert_eq!(words(&[What::Rotated, What::Changed]), "rotated,..c.");
    }
}
