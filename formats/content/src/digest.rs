//! Digests, as containerd's `digest.Digest` reads them.

use core::{borrow::Borrow, fmt, str::FromStr};

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// The algorithms that containerd's content store walks; directories of others it ignores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256, 64 hex digits: what everybody uses.
    Sha256,
    /// SHA-384, 96 hex digits.
    Sha384,
    /// SHA-512, 128 hex digits.
    Sha512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Its name, which is the name of its directory in `blobs/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// How many hex digits a digest has.
    pub const fn digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }

    /// The algorithm of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// The digest whose hex digits are `hex`: a file name in `blobs/<algorithm>/`.
    pub fn digest(self, hex: &str) -> Result<Digest, DigestError> {
        if hex.len() != self.digits() {
            return Err(DigestError::Length {
                want: self.digits(),
                found: hex.len(),
            });
        }
        if !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(DigestError::Format);
        }
        Ok(Digest {
            text: format!("{}:{hex}", self.name()).into_boxed_str(),
            algorithm: self,
        })
    }

    /// A hash that takes bytes as they come.
    pub fn hasher(self) -> Hasher {
        match self {
            Self::Sha256 => Hasher(Inner::Sha256(Sha256::new())),
            Self::Sha384 => Hasher(Inner::Sha384(Sha384::new())),
            Self::Sha512 => Hasher(Inner::Sha512(Sha512::new())),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A hash in the making.
#[derive(Debug, Clone)]
pub struct Hasher(Inner);

#[derive(Debug, Clone)]
enum Inner {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Inner::Sha256(hash) => hash.update(bytes),
            Inner::Sha384(hash) => hash.update(bytes),
            Inner::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> Digest {
        let (algorithm, hex) = match self.0 {
            Inner::Sha256(hash) => (Algorithm::Sha256, hex::encode(hash.finalize())),
            Inner::Sha384(hash) => (Algorithm::Sha384, hex::encode(hash.finalize())),
            Inner::Sha512(hash) => (Algorithm::Sha512, hex::encode(hash.finalize())),
        };
        Digest {
            text: format!("{algorithm}:{hex}").into_boxed_str(),
            algorithm,
        }
    }
}

/// A digest that containerd would accept: a known algorithm, a colon, and as many lower-case hex
/// digits as the algorithm has.
///
/// It can be looked up in a map by its text (`&str`).
#[derive(Clone)]
pub struct Digest {
    text: Box<str>,
    algorithm: Algorithm,
}

impl Digest {
    /// Reads `sha256:…` as strictly as containerd does.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text.split_once(':').ok_or(DigestError::Format)?;
        if algorithm.is_empty() || hex.is_empty() {
            return Err(DigestError::Format);
        }
        match Algorithm::named(algorithm) {
            Some(algorithm) => algorithm.digest(hex),
            None if looks_like_a_digest(algorithm, hex) => Err(DigestError::Unsupported),
            None => Err(DigestError::Format),
        }
    }

    /// As [`Digest::parse`], from bytes of evidence.
    pub fn parse_bytes(text: &[u8]) -> Result<Self, DigestError> {
        Self::parse(core::str::from_utf8(text).map_err(|_| DigestError::Format)?)
    }

    /// The SHA-256 of `bytes`.
    pub fn sha256_of(bytes: &[u8]) -> Self {
        let mut hasher = Algorithm::Sha256.hasher();
        hasher.update(bytes);
        hasher.finish()
    }

    /// The SHA-256 whose 32 bytes are already known.
    pub fn from_sha256(bytes: [u8; 32]) -> Self {
        Self {
            text: format!("sha256:{}", hex::encode(bytes)).into_boxed_str(),
            algorithm: Algorithm::Sha256,
        }
    }

    /// The digest of `bytes` by the same algorithm: what this digest claims to be.
    #[must_use]
    pub fn compute(&self, bytes: &[u8]) -> Self {
        let mut hasher = self.algorithm.hasher();
        hasher.update(bytes);
        hasher.finish()
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its hex digits: the name of the blob's file.
    pub fn hex(&self) -> &str {
        self.text.split_once(':').map_or("", |(_, hex)| hex)
    }

    /// `sha256:…`
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The algorithm and the first twelve digits, for tables.
    pub fn short(&self) -> &str {
        let end = self.algorithm.name().len().saturating_add(13);
        self.text.get(..end).unwrap_or(&self.text)
    }
}

/// `[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+`, go-digest's `DigestRegexp`.
fn looks_like_a_digest(algorithm: &str, encoded: &str) -> bool {
    algorithm.split(['.', '+', '_', '-']).all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    }) && encoded
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"=_-".contains(&b))
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::parse(text)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Digest {}

impl PartialOrd for Digest {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Digest {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl core::hash::Hash for Digest {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Borrow<str> for Digest {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Why a text is no digest, in containerd's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestError {
    /// No colon, nothing before or after it, or letters that do not belong.
    Format,
    /// An algorithm that containerd does not know.
    Unsupported,
    /// Too few or too many hex digits.
    Length {
        /// How many the algorithm has.
        want: usize,
        /// How many there are.
        found: usize,
    },
}

impl fmt::Display for DigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => write!(f, "invalid checksum digest format"),
            Self::Unsupported => write!(f, "unsupported digest algorithm"),
            Self::Length { want, found } => {
                write!(
                    f,
                    "invalid checksum digest length: {found} digits, not {want}"
                )
            }
        }
    }
}

impl core::error::Error for DigestError {}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    #[test]
    fn what_containerd_accepts_is_accepted_and_nothing_else() {
        let hex = "0".repeat(64);
        let good = Digest::parse(&format!("sha256:{hex}")).unwrap();
        assert_eq!(good.hex(), hex);
        assert_eq!(good.short(), "sha256:000000000000");
        assert!(Digest::parse(&format!("sha512:{}", "a".repeat(128))).is_ok());
        assert!(Digest::parse(&format!("sha384:{}", "9".repeat(96))).is_ok());
        let format = Err(DigestError::Format);
        for bad in [
            String::new(),
            ":".into(),
            hex.clone(),
            format!(":{hex}"),
            "sha256:".into(),
            format!("sha256:{}", "A".repeat(64)),
            format!("sha256:{}", "g".repeat(64)),
            format!("SHA256:{hex}"),
            format!("sha/256:{hex}"),
            format!("blake..3:{hex}"),
        ] {
            assert_eq!(Digest::parse(&bad), format, "{bad}");
        }
        assert_eq!(
            Digest::parse(&format!("sha256:{hex}0")),
            Err(DigestError::Length {
                want: 64,
                found: 65
            })
        );
        for unknown in ["md5:00", "blake3:abc", "multihash+base58:Qm_-="] {
            assert_eq!(
                Digest::parse(unknown),
                Err(DigestError::Unsupported),
                "{unknown}"
            );
        }
        assert_eq!(Digest::parse_bytes(b"\xff\xfe:00"), format);
    }

    #[test]
    fn a_digest_is_found_by_its_text() {
        let digest = Digest::sha256_of(b"");
        let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest.as_str(), text);
        assert_eq!(digest.compute(b""), digest);
        assert!(HashMap::from([(digest.clone(), 1)]).contains_key(text));
        assert!(BTreeMap::from([(digest, 1)]).contains_key(text));
    }
}
