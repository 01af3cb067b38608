//! Lines that are broken at blanks, so that they fit a terminal.

/// How wide a text is on a terminal: its letters, without what colours them.
pub(crate) fn letters(text: &str) -> usize {
    let mut is_escape = false;
    let shown = text.chars().filter(|letter| {
        let was_escape = is_escape;
        is_escape = if was_escape {
            *letter != 'm'
        } else {
            *letter == '\x1b'
        };
        !was_escape && !is_escape
    });
    shown.count()
}

/// Whether two words are a number and its unit: `94 s)`, `1.0 MiB,`.
fn is_measure(number: &str, unit: &str) -> bool {
    const UNITS: &[&str] = &[
        "s", "ms", "min", "h", "d", "%", "B", "KiB", "MiB", "GiB", "TiB",
    ];
    let number = number.trim_start_matches('(');
    number.starts_with(|first: char| first.is_ascii_digit())
        && number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && UNITS.contains(&unit.trim_end_matches([')', ',', '.', ';', ':']))
}

/// The words of a line, each with the blanks before it. What stands between two backticks is one word:
/// a command that may be copied is not broken.
fn words(line: &str) -> Vec<(usize, String)> {
    let ticks = |text: &str| text.matches('`').count();
    let mut left = ticks(line);
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    let mut gap = 0_usize;
    for (number, word) in line.split(' ').enumerate() {
        gap = gap.saturating_add(usize::from(number > 0));
        if word.is_empty() {
            continue;
        }
        match all.last_mut().filter(|_| is_open) {
            Some((_, last)) => {
                last.push_str(&" ".repeat(gap));
                last.push_str(word);
            }
            None => all.push((gap, word.to_owned())),
        }
        gap = 0;
        left = left.saturating_sub(ticks(word));
        // A backtick that is never closed opens nothing.
        is_open = (is_open ^ !ticks(word).is_multiple_of(2)) && left > 0;
    }
    if gap > 0 {
        all.push((gap, String::new()));
    }
    // The steps of a path of buckets: no line holds only the sign between two of them. A number keeps its unit.
    let mut joined: Vec<(usize, String)> = Vec::with_capacity(all.len());
    for (gap, word) in all {
        let holds = |last: &str| last == ">" || gap == 1 && is_measure(last, &word);
        match joined.last_mut().filter(|(_, last)| holds(last)) {
            Some((_, last)) => {
                last.push_str(&" ".repeat(gap));
                last.push_str(&word);
            }
            None => joined.push((gap, word)),
        }
    }
    joined
}

/// The lines that `line` makes, each at most `width` wide; a word that is longer stays whole, so that a
/// path can be copied. All but the first begin with `hang` blanks.
pub(crate) fn wrap(line: &str, width: usize, hang: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut now = String::new();
    let mut has_word = false;
    // Blanks are kept: a name may have two of them, and columns are made of them.
    for (gap, word) in words(line) {
        let taken = letters(&now).saturating_add(gap);
        let is_over = taken.saturating_add(letters(&word)) > width;
        // A label is not left alone.
        if has_word && is_over && taken > hang {
            lines.push(std::mem::replace(&mut now, " ".repeat(hang)));
        } else {
            now.push_str(&" ".repeat(gap));
        }
        now.push_str(&word);
        has_word = true;
    }
    lines.push(now);
    lines
}

/// Labels are at most this wide, with the blanks after them.
const LABEL: usize = 24;

/// Where the second line of `line` begins: below what follows its label, if it has one (`  where   …`),
/// else two blanks further in than the first; a sentence goes on at its own margin.
pub(crate) fn hang(line: &str) -> usize {
    let is_blank = |letter: char| letter == ' ';
    let text = line.trim_start_matches(is_blank);
    let margin = line.len().saturating_sub(text.len());
    let label = text.find("  ").and_then(|end| {
        let (label, rest) = text.split_at_checked(end)?;
        let blanks = rest
            .len()
            .saturating_sub(rest.trim_start_matches(is_blank).len());
        Some(letters(label).saturating_add(blanks))
    });
    match label.map(|label| margin.saturating_add(label)) {
        Some(label) if label <= LABEL => label,
        _ if text.ends_with(['.', ':']) => margin,
        _ => margin.saturating_add(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_at_blanks_and_keeps_its_words() {
        assert_eq!(wrap("one two three", 8, 2), ["one two", "  three"]);
        assert_eq!(wrap("one two", 7, 2), ["one two"]);
        assert_eq!(wrap("  a  b  c", 6, 4), ["  a  b", "    c"]);
        assert_eq!(
            wrap("/a/long/path and more", 8, 2),
            ["/a/long/path", "  and", "  more"]
        );
        assert_eq!(wrap("", 8, 2), [""]);
        assert_eq!(wrap("a ", 8, 2), ["a "]);
    }

    #[test]
    fn a_step_keeps_the_sign_before_it() {
        assert_eq!(wrap("v1 > default", 5, 2), ["v1", "  > default"]);
        assert_eq!(wrap("a > b > c", 9, 2), ["a > b > c"]);
        assert_eq!(wrap("the end >", 20, 2), ["the end >"]);
    }

    #[test]
    fn a_number_keeps_its_unit() {
        assert_eq!(
            wrap("since then (94 s), or 12 more", 14, 0),
            ["since then", "(94 s), or 12", "more"]
        );
        assert_eq!(wrap("of 1.0 MiB", 6, 0), ["of", "1.0 MiB"]);
        assert_eq!(wrap("of 2 snapshots", 6, 0), ["of 2", "snapshots"]);
    }

    #[test]
    fn a_command_is_not_broken() {
        assert_eq!(wrap("run `a b c` now", 8, 0), ["run", "`a b c`", "now"]);
        assert_eq!(wrap("a ` is open", 6, 0), ["a ` is", "open"]);
    }

    #[test]
    fn colours_take_no_room() {
        let line = "\x1b[1mone\x1b[0m two";
        assert_eq!(letters(line), 7);
        assert_eq!(wrap(line, 7, 2), [line]);
    }

    #[test]
    fn what_follows_a_label_stays_below_it() {
        let line = "  where   /a/path bucket";
        assert_eq!(hang(line), 10);
        assert_eq!(
            wrap(line, 18, hang(line)),
            ["  where   /a/path", "          bucket"]
        );
        // A path that is too long stands beside its label.
        assert_eq!(
            wrap("  where   /a/longer/path", 12, 10),
            ["  where   /a/longer/path"]
        );
        assert_eq!(hang("A sentence, two words long."), 0);
        assert_eq!(hang("  a row"), 4);
    }
}
