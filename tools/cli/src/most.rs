//! How much a verb that copies files takes.

/// How much is taken of a node's files. What is not is said, and the exit code has 8.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct MostArgs {
    /// Largest file that is taken: its data, holes do not count (4096, 64k, 2g)
    #[arg(long, alias = "limit", default_value = "16g", value_name = "SIZE", value_parser = bytes)]
    pub max_file: u64,
    /// Bytes that are taken of all files together
    #[arg(long, default_value = "128g", value_name = "SIZE", value_parser = bytes)]
    pub max_total: u64,
}

/// How much is written of one file.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct MostFileArgs {
    /// Largest file that is written (4096, 64k, 2g); to a file of -o only its data count, holes do not
    #[arg(long, default_value = "16g", value_name = "SIZE", value_parser = bytes)]
    pub max_file: u64,
}

impl MostFileArgs {
    /// Why a file of so many bytes is not written, if it is not.
    pub fn refuses(self, size: u64) -> Option<finding::Unread> {
        let limit = self.max_file;
        (size > limit).then_some(finding::Unread::TooLarge { size, limit })
    }
}

/// Bytes, or with one of the letters k, m, g, t as many times 1024.
fn bytes(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = lower.get(number.len()..).unwrap_or_default();
    let power = match unit {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        "t" | "tib" => 40,
        _ => return Err(format!("{unit} is no unit; for example 2g")),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "not a number; for example 2g".to_owned())?;
    number
        .checked_mul(1_u64 << power)
        .ok_or_else(|| "too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("2g"), Ok(2 << 30));
        assert_eq!(bytes("64KiB"), Ok(64 << 10));
        assert!(bytes("2x").is_err() && bytes("").is_err() && bytes("99999999t").is_err());
    }
}
