//! What stands before a line in a file: the time, the host, the program.

use finding::Time;

use crate::level::{find, is_klog};

/// A time as a line has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// With year and zone.
    Whole(Time),
    /// As a clock on the wall shows it, in a year that is not known: seconds since the beginning of
    /// a leap year, and nanoseconds.
    Wall(i64, u32),
}

/// A line of syslog, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefixed<'l> {
    pub(crate) stamp: Stamp,
    pub(crate) host: &'l [u8],
    pub(crate) program: &'l [u8],
    pub(crate) pid: Option<u32>,
    pub(crate) text: &'l [u8],
}

/// `Nov 28 14:18:11 node containerd[40]: text`, or with `2026-11-28T14:18:11.5+01:00` before it.
pub(crate) fn syslog(line: &[u8]) -> Option<Prefixed<'_>> {
    let (stamp, rest) = stamp(line)?;
    let rest = rest.strip_prefix(b" ")?;
    let (host, rest) = split(rest, b' ')?;
    let colon =
        find(rest, b": ").or_else(|| rest.ends_with(b":").then(|| rest.len().saturating_sub(1)))?;
    let (tag, text) = rest.split_at_checked(colon)?;
    let text = text.get(2..).unwrap_or_default();
    let (program, pid) = match tag.iter().position(|byte| *byte == b'[') {
        Some(at) => {
            let number = tag.get(at.checked_add(1)?..)?.strip_suffix(b"]")?;
            (
                tag.get(..at)?,
                number_of(number).and_then(|pid| u32::try_from(pid).ok()),
            )
        }
        None => (tag, None),
    };
    (program.len() <= 64 && !program.contains(&b' ')).then_some(Prefixed {
        stamp,
        host,
        program,
        pid,
        text,
    })
}

/// The time that stands at the beginning of a line, and what follows it.
fn stamp(line: &[u8]) -> Option<(Stamp, &[u8])> {
    if line.first().is_some_and(u8::is_ascii_digit) {
        let (word, rest) = split(line, b' ')?;
        let time = Time::parse(std::str::from_utf8(word).ok()?).ok()?;
        let rest_at = line.len().checked_sub(rest.len())?.checked_sub(1)?;
        return Some((Stamp::Whole(time), line.get(rest_at..)?));
    }
    let month = month(line.get(..3)?)?;
    let day = number_of(line.get(4..6)?)?;
    let seconds = clock(line.get(7..15)?)?;
    Some((Stamp::Wall(wall(month, day, seconds)?, 0), line.get(15..)?))
}

/// The time that a program puts into its own line: logrus, JSON, klog, or RFC 3339 at the
/// beginning.
pub(crate) fn own(text: &[u8]) -> Option<Stamp> {
    if is_klog(text) {
        let month = number_of(text.get(1..3)?)?;
        let day = number_of(text.get(3..5)?)?;
        let seconds = clock(text.get(6..14)?)?;
        let micros = text.get(15..21).and_then(number_of).unwrap_or(0);
        let nanos = u32::try_from(micros.saturating_mul(1000)).unwrap_or(0);
        return Some(Stamp::Wall(wall(month, day, seconds)?, nanos));
    }
    for key in [b"time=\"".as_slice(), b"\"time\":\"", b"\"ts\":\""] {
        if let Some(at) = find(text.get(..text.len().min(4096))?, key) {
            let value = text.get(at.checked_add(key.len())?..)?;
            let (word, _) = split(value, b'"')?;
            return Some(Stamp::Whole(
                Time::parse(std::str::from_utf8(word).ok()?).ok()?,
            ));
        }
    }
    let word = split(text, b' ')?.0;
    let time = Time::parse(std::str::from_utf8(word).ok()?).ok()?;
    Some(Stamp::Whole(time))
}

/// What stands before and after the first `at`.
fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    Some((text.get(..place)?, text.get(place.checked_add(1)?..)?))
}

fn number_of(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

fn month(name: &[u8]) -> Option<i64> {
    const NAMES: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let place = NAMES.iter().position(|known| *known == name)?;
    i64::try_from(place.checked_add(1)?).ok()
}

/// Seconds of `14:18:11`.
fn clock(text: &[u8]) -> Option<i64> {
    let part = |from: usize| number_of(text.get(from..from.checked_add(2)?)?);
    let (hour, minute, second) = (part(0)?, part(3)?, part(6)?);
    let is_clock = text.get(2) == Some(&b':') && text.get(5) == Some(&b':');
    (is_clock && hour < 24 && minute < 60 && second < 61).then(|| {
        hour.saturating_mul(3600)
            .saturating_add(minute.saturating_mul(60))
            .saturating_add(second)
    })
}

/// Seconds since the beginning of the leap year 2000.
fn wall(month: i64, day: i64, seconds: i64) -> Option<i64> {
    let text = format!("2000-{month:02}-{day:02}T00:00:00Z");
    let start = Time::parse("2000-01-01T00:00:00Z").ok()?;
    let day = Time::parse(&text).ok()?;
    Some(day.since(start).saturating_add(seconds))
}

/// Seconds from the beginning of a leap year to the day after its 28th and 29th of February.
const LEAP_DAY: i64 = 60 * 86_400;

/// The time on that wall in that year, as if the zone were UTC.
pub(crate) fn in_year(wall: i64, nanos: u32, year: i64) -> Option<Time> {
    let start = Time::parse(&format!("{year:04}-01-01T00:00:00Z")).ok()?;
    let leap = Time::parse(&format!("{year:04}-02-29T00:00:00Z")).is_ok();
    // After the 28th of February a year that has no 29th is a day shorter.
    let seconds = if !leap && wall >= LEAP_DAY {
        wall.saturating_sub(86_400)
    } else {
        wall
    };
    Some(Time::new(start.seconds.saturating_add(seconds), nanos))
}

/// The year of a time.
pub(crate) fn year(time: Time) -> i64 {
    time.to_string()
        .get(..4)
        .and_then(|year| year.parse().ok())
        .unwrap_or(1970)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_syslog_is_taken_apart() {
        let line = b"Nov  8 14:18:11 node containerd[40]: time=\"x\" level=info";
        let read = syslog(line).unwrap();
        assert_eq!(
            (read.program, read.pid),
            (b"containerd".as_slice(), Some(40))
        );
        assert_eq!(read.text, b"time=\"x\" level=info");
        let Stamp::Wall(wall, 0) = read.stamp else {
            panic!("{:?}", read.stamp)
        };
        let time = in_year(wall, 0, 2026).unwrap();
        assert_eq!(time, Time::parse("2026-11-08T14:18:11Z").unwrap());

        let line = b"2026-11-28T14:18:11.5+01:00 node kernel: [  1.5] oom-kill:";
        let read = syslog(line).unwrap();
        assert_eq!(read.program, b"kernel");
        assert_eq!(
            read.stamp,
            Stamp::Whole(Time::parse("2026-11-28T13:18:11.5Z").unwrap())
        );
        assert_eq!(syslog(b"2026-99-28T14:18:11Z a b: c"), None);
        assert_eq!(syslog(b""), None);
        assert_eq!(syslog(b"Feb 30 00:00:00 a b: c"), None);
    }

    #[test]
    fn programs_put_times_into_their_lines() {
        let whole = |text: &str| Some(Stamp::Whole(Time::parse(text).unwrap()));
        assert_eq!(
            own(br#"time="2026-11-28T14:18:06Z" level=info"#),
            whole("2026-11-28T14:18:06Z")
        );
        assert_eq!(
            own(br#"{"level":"error","time":"2026-11-28T14:18:06Z"}"#),
            whole("2026-11-28T14:18:06Z")
        );
        assert_eq!(
            own(b"2026-11-28T14:18:06Z stderr F x"),
            whole("2026-11-28T14:18:06Z")
        );
        let Some(Stamp::Wall(wall, nanos)) = own(b"E1128 12:00:00.123456    1234 f.go:1] x") else {
            panic!("no stamp")
        };
        assert_eq!(nanos, 123_456_000);
        assert_eq!(
            in_year(wall, 0, 2026),
            Time::parse("2026-11-28T12:00:00Z").ok()
        );
        assert_eq!(own(b"containerd: no"), None);
    }
}
