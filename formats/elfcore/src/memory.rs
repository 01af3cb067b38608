//! The memory of a process.

/// The memory of a process: of a core, of one that runs.
pub trait Memory {
    /// Fills `into` with what stands from `at` on; how many bytes are there, without a hole.
    fn read_memory(&self, at: u64, into: &mut [u8]) -> usize;
}

impl dyn Memory + '_ {
    /// One byte.
    pub fn u8(&self, at: u64) -> Option<u8> {
        self.bytes_of::<1>(at).map(u8::from_le_bytes)
    }

    /// A word of 2 bytes.
    pub fn u16(&self, at: u64) -> Option<u16> {
        self.bytes_of(at).map(u16::from_le_bytes)
    }

    /// A word of 4 bytes.
    pub fn u32(&self, at: u64) -> Option<u32> {
        self.bytes_of(at).map(u32::from_le_bytes)
    }

    /// A word of 8 bytes.
    pub fn u64(&self, at: u64) -> Option<u64> {
        self.bytes_of(at).map(u64::from_le_bytes)
    }

    fn bytes_of<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.read_memory(at, &mut bytes) == N).then_some(bytes)
    }

    /// `len` bytes, or as many as are there; memory is taken as they come.
    pub fn some(&self, at: u64, len: u64) -> Vec<u8> {
        const STEP: usize = 1 << 20;
        let mut bytes = Vec::new();
        let mut at = at;
        let mut left = len;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(STEP).min(STEP);
            let mut piece = vec![0; step];
            let read = self.read_memory(at, &mut piece);
            piece.truncate(read);
            if bytes.is_empty() {
                bytes = piece;
            } else {
                bytes.extend_from_slice(&piece);
            }
            if read < step {
                break;
            }
            let read = u64::try_from(read).unwrap_or(left);
            left = left.saturating_sub(read);
            let Some(next) = at.checked_add(read) else {
                break;
            };
            at = next;
        }
        bytes
    }

    /// `len` bytes, if all of them are there.
    pub fn all(&self, at: u64, len: usize) -> Option<Vec<u8>> {
        let bytes = self.some(at, u64::try_from(len).ok()?);
        (bytes.len() == len).then_some(bytes)
    }
}
