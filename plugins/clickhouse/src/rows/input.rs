//! The bytes of an answer between their arrival and their use.

/// The most that is reserved because a message says that it has so many bytes.
const MOST_AT_ONCE: usize = 64 << 20;

/// Bytes that have arrived and have not been used.
#[derive(Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    at: usize,
}

impl Input {
    /// All of them.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// Makes room for so many bytes and no more: growing by doubling would take twice a large batch.
    pub(super) fn expect(&mut self, length: usize) {
        let missing = length.saturating_sub(self.rest().len());
        if self.at > 0 && missing > 0 {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.reserve_exact(missing.min(MOST_AT_ONCE));
    }

    /// More have arrived.
    pub(super) fn add(&mut self, piece: Vec<u8>) {
        if self.at == self.bytes.len() && self.bytes.capacity() <= piece.len() {
            self.bytes = piece;
            self.at = 0;
            return;
        }
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend(piece);
    }

    /// Leaves so many bytes behind.
    pub(super) fn skip(&mut self, length: usize) {
        self.at = self.bytes.len().min(self.at + length);
    }

    /// The next bytes, at most `max` of them; without a copy if these are all.
    pub(super) fn take(&mut self, max: usize) -> Vec<u8> {
        if self.at == 0 && self.bytes.len() <= max {
            return std::mem::take(&mut self.bytes);
        }
        let end = self.bytes.len().min(self.at + max);
        let taken = self.bytes[self.at..end].to_vec();
        self.at = end;
        taken
    }
}
