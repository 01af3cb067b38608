//! A time of a command line: absolute, or so long after another one.

use finding::Time;

/// RFC 3339, or `+24h` and its like.
pub fn time_after(text: &str, now: Time) -> Option<Time> {
    let Some(after) = text.strip_prefix('+') else {
        return Time::parse(text).ok();
    };
    let unit = after.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = after.split_at_checked(unit)?;
    let worth: i64 = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let seconds = number.parse::<i64>().ok()?.checked_mul(worth)?;
    Some(Time::new(now.seconds.checked_add(seconds)?, now.nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_after_the_capture() {
        let now = Time::new(1000, 5);
        assert_eq!(time_after("+24h", now), Some(Time::new(87_400, 5)));
        assert_eq!(time_after("+90m", now), Some(Time::new(6_400, 5)));
        assert_eq!(
            time_after("1970-01-01T00:00:07Z", now),
            Some(Time::new(7, 0))
        );
        for nonsense in [
            "",
            "+",
            "+h",
            "24h",
            "+24",
            "+1y",
            "+9999999999999999999d",
            "now",
        ] {
            assert_eq!(time_after(nonsense, now), None, "{nonsense}");
        }
    }
}
