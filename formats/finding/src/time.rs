//! Points in time, without a clock.

use core::fmt;

use serde::{Serialize, Serializer};

/// A point in time: seconds since 1970-01-01T00:00:00Z, and nanoseconds below one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds after that second, below 1,000,000,000.
    pub nanos: u32,
}

/// A text that is not an RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeError;

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an RFC 3339 time (such as 2026-11-21T03:36:00Z)")
    }
}

impl core::error::Error for TimeError {}

/// Days from 1970-01-01 to the first day of March of year 0, in the proleptic Gregorian calendar.
const MARCH_OF_YEAR_0: i64 = -719_468;
const DAYS_OF_400_YEARS: i64 = 146_097;
const DAY: i64 = 86_400;

impl Time {
    /// `seconds` and `nanos` after the epoch.
    pub const fn new(seconds: i64, nanos: u32) -> Self {
        Self { seconds, nanos }
    }

    /// From nanoseconds since the epoch.
    pub fn from_nanos(nanos: i64) -> Self {
        let below = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0);
        Self {
            seconds: nanos.div_euclid(1_000_000_000),
            nanos: below,
        }
    }

    /// Reads `2026-11-21T03:36:00.5+01:00`.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        Self::try_parse(text.as_bytes()).ok_or(TimeError)
    }

    /// Reads what Go's `time.Parse(time.RFC3339, …)` reads, which differs from the RFC: `T` and `Z`
    /// are capitals, an hour may have one digit, there is no 60th second.
    pub fn parse_go(text: &str) -> Result<Self, TimeError> {
        let (date, clock) = text.split_at_checked(10).ok_or(TimeError)?;
        let clock = clock.strip_prefix('T').ok_or(TimeError)?;
        let padded = match clock.find(':') {
            Some(1) => format!("{date}T0{clock}"),
            Some(2) => text.to_owned(),
            _ => return Err(TimeError),
        };
        // A lower-case z and a leap second pass where the RFC is the measure.
        if padded.get(17..19) == Some("60") || padded.ends_with('z') {
            return Err(TimeError);
        }
        Self::parse(&padded)
    }

    fn try_parse(text: &[u8]) -> Option<Self> {
        let digits = |from: usize, to: usize| -> Option<i64> {
            let part = text.get(from..to)?;
            part.iter().all(u8::is_ascii_digit).then_some(())?;
            core::str::from_utf8(part).ok()?.parse().ok()
        };
        let is = |at: usize, letters: &[u8]| text.get(at).is_some_and(|b| letters.contains(b));
        let punctuated =
            is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
        let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
        let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
        let sane = (1..=12).contains(&month)
            && (1..=days_of_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 61;
        if !punctuated || !sane {
            return None;
        }
        let mut at = 19_usize;
        let mut nanos = 0_u32;
        if is(at, b".,") {
            at = at.checked_add(1)?;
            let mut worth = 100_000_000_u32;
            let first = at;
            while let Some(digit) = text.get(at).filter(|byte| byte.is_ascii_digit()) {
                let digit = u32::from(digit.checked_sub(b'0')?);
                nanos = nanos.checked_add(digit.checked_mul(worth)?)?;
                worth = worth.checked_div(10)?;
                at = at.checked_add(1)?;
            }
            if at == first {
                return None;
            }
        }
        let offset = match text.get(at)? {
            b'Z' | b'z' if text.len() == at.checked_add(1)? => 0,
            sign @ (b'+' | b'-')
                if text.len() == at.checked_add(6)? && is(at.checked_add(3)?, b":") =>
            {
                let (hours, minutes) = (
                    digits(at.checked_add(1)?, at.checked_add(3)?)?,
                    digits(at.checked_add(4)?, at.checked_add(6)?)?,
                );
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let seconds = hours
                    .checked_mul(3600)?
                    .checked_add(minutes.checked_mul(60)?)?;
                if *sign == b'-' {
                    seconds.checked_neg()?
                } else {
                    seconds
                }
            }
            _ => return None,
        };
        let days = days_from_date(year, month, day)?;
        let clock = hour
            .checked_mul(3600)?
            .checked_add(minute.checked_mul(60)?)?
            .checked_add(second)?;
        let seconds = days
            .checked_mul(DAY)?
            .checked_add(clock)?
            .checked_sub(offset)?;
        Some(Self { seconds, nanos })
    }

    /// Seconds from `earlier` to this, negative if it is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.seconds.saturating_sub(earlier.seconds)
    }
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 (H. Hinnant's `days_from_civil`).
fn days_from_date(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = if month <= 2 {
        year.checked_sub(1)?
    } else {
        year
    };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let months_since_march = month.checked_add(9)?.rem_euclid(12);
    let day_of_year = 153_i64
        .checked_mul(months_since_march)?
        .checked_add(2)?
        .div_euclid(5)
        .checked_add(day)?
        .checked_sub(1)?;
    let day_of_era = year_of_era
        .checked_mul(365)?
        .checked_add(year_of_era.div_euclid(4))?
        .checked_sub(year_of_era.div_euclid(100))?
        .checked_add(day_of_year)?;
    era.checked_mul(DAYS_OF_400_YEARS)?
        .checked_add(day_of_era)?
        .checked_add(MARCH_OF_YEAR_0)
}

/// Year, month and day (H. Hinnant's `civil_from_days`).
fn date_from_days(days: i64) -> Option<(i64, i64, i64)> {
    let days = days.checked_sub(MARCH_OF_YEAR_0)?;
    let era = days.div_euclid(DAYS_OF_400_YEARS);
    let day_of_era = days.rem_euclid(DAYS_OF_400_YEARS);
    let year_of_era = day_of_era
        .checked_sub(day_of_era.div_euclid(1460))?
        .checked_add(day_of_era.div_euclid(36_524))?
        .checked_sub(day_of_era.div_euclid(146_096))?
        .div_euclid(365);
    let start = year_of_era
        .checked_mul(365)?
        .checked_add(year_of_era.div_euclid(4))?
        .checked_sub(year_of_era.div_euclid(100))?;
    let day_of_year = day_of_era.checked_sub(start)?;
    let march_month = day_of_year.checked_mul(5)?.checked_add(2)?.div_euclid(153);
    let first = march_month.checked_mul(153)?.checked_add(2)?.div_euclid(5);
    let day = day_of_year.checked_sub(first)?.checked_add(1)?;
    let month = if march_month < 10 {
        march_month.checked_add(3)?
    } else {
        march_month.checked_sub(9)?
    };
    let year = era.checked_mul(400)?.checked_add(year_of_era)?;
    Some((
        if month <= 2 {
            year.checked_add(1)?
        } else {
            year
        },
        month,
        day,
    ))
}

/// RFC 3339 in UTC, nanoseconds where there are any.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = self.seconds.rem_euclid(DAY);
        let Some((year, month, day)) = date_from_days(self.seconds.div_euclid(DAY)) else {
            return write!(f, "{}s", self.seconds);
        };
        let (hour, minute, second) = (
            clock.div_euclid(3600),
            clock.rem_euclid(3600).div_euclid(60),
            clock.rem_euclid(60),
        );
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        if self.nanos != 0 {
            let fraction = format!("{:09}", self.nanos);
            text.push('.');
            text.push_str(fraction.trim_end_matches('0'));
        }
        text.push('Z');
        f.pad(&text)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2026-11-21T03:36:00.123456789Z",
            "2000-02-29T23:59:59Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.5Z",
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Time::parse("1970-01-01T01:00:00+01:00").unwrap(),
            Time::new(0, 0)
        );
        assert_eq!(Time::from_nanos(-1), Time::new(-1, 999_999_999));
        assert_eq!(
            Time::parse("2026-11-21T03:36:00Z").unwrap().seconds,
            1_795_232_160
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-01T00:00:00",
            "x",
        ] {
            assert_eq!(Time::parse(text), Err(TimeError), "{text}");
        }
        // Years that no calendar has do not panic either.
        let _ = Time::new(i64::MAX, 0).to_string();
        let _ = Time::new(i64::MIN, 0).to_string();
    }

    #[test]
    fn times_are_read_as_go_reads_them() {
        for (text, is_time) in [
            ("2026-11-21T03:36:00Z", true),
            ("2026-11-21T03:36:00.123456789+01:00", true),
            ("2026-11-21T03:36:00,5Z", true),
            ("2026-11-21T3:36:00Z", true),
            ("2026-11-21t03:36:00Z", false),
            ("2026-11-21 03:36:00Z", false),
            ("2026-11-21T03:36:00z", false),
            ("2026-11-21T03:36:60Z", false),
            ("2026-11-21T03:36:00", false),
            ("2026-11-31T03:36:00Z", false),
            ("1795232160", false),
            ("", false),
            ("never", false),
        ] {
            assert_eq!(Time::parse_go(text).is_ok(), is_time, "{text}");
        }
    }
}
