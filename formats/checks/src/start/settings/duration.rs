//! A duration, as Go reads one.

/// A duration as Go writes one: `1h30m`, `100ms`, `-1.5s`, `0`.
pub(crate) fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    if text == "0" {
        return true;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let number: usize = rest
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .map(char::len_utf8)
            .sum();
        let (digits, after) = rest.split_at_checked(number).unwrap_or((rest, ""));
        if !digits.contains(|c: char| c.is_ascii_digit()) || digits.matches('.').count() > 1 {
            return false;
        }
        let units = ["ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "m", "h"];
        let Some(left) = units.iter().find_map(|unit| {
            // `ms` before `m`: the longest that is followed by a digit or nothing.
            let left = after.strip_prefix(unit)?;
            let next = left.chars().next();
            next.is_none_or(|c| c.is_ascii_digit() || c == '.')
                .then_some(left)
        }) else {
            return false;
        };
        rest = left;
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_are_as_go_writes_them() {
        for (text, want) in [
            ("10s", true),
            ("1h30m", true),
            ("100ms", true),
            ("1.5s", true),
            ("-1s", true),
            ("0", true),
            ("0s", true),
            ("", false),
            ("soon", false),
            ("10", false),
            ("10 s", false),
            ("1.2.3s", false),
            ("s", false),
            ("10sx", false),
        ] {
            assert_eq!(super::is_duration(text), want, "{text}");
        }
    }
}
