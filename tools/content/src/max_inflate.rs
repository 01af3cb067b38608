//! How much of one layer is inflated at most.

use std::str::FromStr;

use layer::Limits;

/// Bytes that may come out of one layer: `--max-inflate 16G`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MaxInflate(u64);

impl MaxInflate {
    /// The limits with this one.
    pub(crate) fn limits(self) -> Limits {
        Limits::inflating(self.0)
    }
}

impl FromStr for MaxInflate {
    type Err = String;

    /// A number of bytes, or one with `K`, `M`, `G` or `T` (powers of 1024) behind it.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a size is a number and K, M, G or T, such as 16G".to_owned();
        let (number, shift) = match text.strip_suffix(['K', 'M', 'G', 'T']) {
            None => (text, 0),
            Some(number) if text.ends_with('K') => (number, 10),
            Some(number) if text.ends_with('M') => (number, 20),
            Some(number) if text.ends_with('G') => (number, 30),
            Some(number) => (number, 40),
        };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let bytes = number.checked_mul(1 << shift).ok_or_else(wrong)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let read = |text: &str| text.parse::<MaxInflate>().map(|size| size.0).ok();
        assert_eq!(read("512"), Some(512));
        assert_eq!(read("3K"), Some(3 << 10));
        assert_eq!(read("16G"), Some(16 << 30));
        assert_eq!(read("1T"), Some(1 << 40));
        for text in ["", "G", "-1", "1.5G", "1k", "20000000T", "1GB"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
