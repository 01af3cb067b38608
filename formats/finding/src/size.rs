//! Sizes in words.

/// A size for people: `512 B`, `4.0 KiB`, `1.3 GiB`.
pub fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths of a unit, rounded to the nearest, of the first unit in which they read well.
    let tenths = |unit: u32| {
        let worth = 1024_u128.saturating_pow(unit);
        u128::from(bytes)
            .saturating_mul(10)
            .saturating_add(worth.div_euclid(2))
            .div_euclid(worth)
    };
    let numbered = (1_u32..).zip(UNITS);
    let (tenths, name) = numbered
        .map(|(unit, name)| (tenths(unit), name))
        .find(|(tenths, name)| *tenths < 10_235 || *name == "EiB")
        .unwrap_or_default();
    format!("{}.{} {name}", tenths.div_euclid(10), tenths.rem_euclid(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_576, "1.0 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size_text(bytes), text);
        }
    }
}
