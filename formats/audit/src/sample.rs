//! A part of the blobs, picked by a seed.

use core::str::FromStr;

use content::{Blob, Digest};

/// `5%` of the blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent {
    /// In thousandths of a percent.
    thousandths: u64,
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a percentage between 0% and 100%, such as 5% or 0.5%".to_owned();
        let number = text.strip_suffix('%').ok_or_else(wrong)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || part.len() > 3 {
            return Err(wrong());
        }
        let padded = format!("{part:0<3}");
        let part: u64 = padded.parse().map_err(|_| wrong())?;
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let thousandths = whole
            .checked_mul(1_000)
            .and_then(|whole| whole.checked_add(part))
            .filter(|all| (1..=100_000).contains(all))
            .ok_or_else(wrong)?;
        Ok(Self { thousandths })
    }
}

impl core::fmt::Display for Percent {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (whole, part) = (
            self.thousandths.div_euclid(1_000),
            self.thousandths.rem_euclid(1_000),
        );
        let part = format!("{part:03}");
        match part.trim_end_matches('0') {
            "" => write!(f, "{whole}%"),
            part => write!(f, "{whole}.{part}%"),
        }
    }
}

impl Percent {
    /// So many of `blobs`, at least one, in an order that only `seed` and the digests decide: the
    /// same seed picks the same blobs, another one others.
    pub fn pick<'b>(self, seed: u64, blobs: &[&'b Blob]) -> Vec<&'b Blob> {
        let all = u64::try_from(blobs.len()).unwrap_or(u64::MAX);
        let most = all
            .saturating_mul(self.thousandths)
            .div_ceil(100_000)
            .min(all);
        let mut order: Vec<(Digest, &Blob)> = blobs
            .iter()
            .map(|blob| {
                let key = format!("{seed} {}", blob.digest);
                (Digest::sha256_of(key.as_bytes()), *blob)
            })
            .collect();
        order.sort_by(|one, other| one.0.cmp(&other.0));
        order.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        order.into_iter().map(|(_, blob)| blob).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages() {
        for (text, shown) in [
            ("5%", "5%"),
            ("0.5%", "0.5%"),
            ("100%", "100%"),
            ("12.250%", "12.25%"),
        ] {
            assert_eq!(text.parse::<Percent>().unwrap().to_string(), shown);
        }
        for text in [
            "5", "", "%", "0%", "101%", "-1%", "1.2345%", "1e2%", ".5%", "100.001%",
        ] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }
}
