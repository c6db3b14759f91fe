//! Why a row could not become Arrow.

use datachat_sdk::strings::NotUtf8;
use thiserror::Error;

/// What is wrong with one value, without saying which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// The bytes break the wire format.
    #[error("{0}")]
    Malformed(&'static str),
    /// The server sent text that is not UTF-8, which a database of encoding `SQL_ASCII` can hold.
    #[error("the text is not valid UTF-8")]
    NotUtf8,
    /// A number with more digits than its column's type declares.
    #[error("the number does not fit the declared precision and scale")]
    DecimalRange,
    /// A date outside of 32 bits of days.
    #[error("the date is out of Arrow's range")]
    DateRange,
    /// A timestamp outside of 64 bits of microseconds around 1970.
    #[error("the timestamp is out of Arrow's range, which ends in the year 294247")]
    TimestampRange,
    /// An interval whose time part is outside of 64 bits of nanoseconds.
    #[error("the time part of the interval exceeds 292 years, the range of Arrow")]
    IntervalRange,
    /// The batch would exceed what 32-bit offsets can address.
    #[error("the values are too large for one batch")]
    TooLarge,
}

impl From<NotUtf8> for Fault {
    fn from(NotUtf8: NotUtf8) -> Self {
        Self::NotUtf8
    }
}

impl Fault {
    /// Whether the peer broke the protocol, as opposed to sending a value that Arrow cannot hold.
    #[must_use]
    pub const fn is_malformed(self) -> bool {
        matches!(self, Self::Malformed(_))
    }

    /// What the author of the statement can do about it.
    #[must_use]
    pub const fn hint(self) -> Option<&'static str> {
        match self {
            Self::Malformed(_) => None,
            Self::NotUtf8 => Some("select convert_to(column, 'SQL_ASCII') to get the bytes"),
            Self::DecimalRange | Self::DateRange | Self::TimestampRange => {
                Some("cast the column to text")
            }
            Self::IntervalRange => {
                Some("cast the column to text, or select extract(epoch from column)")
            }
            Self::TooLarge => Some("select fewer or shorter values"),
        }
    }
}

/// Why a row could not be decoded. It holds no data of the row.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The row itself is broken, or does not match the described columns.
    #[error("malformed row: {0}")]
    Row(&'static str),
    /// A value is broken, or has no image in Arrow.
    #[error("column {position} \"{name}\" of type {db_type}: {fault}")]
    Value {
        /// Counted from 1.
        position: usize,
        name: String,
        db_type: String,
        fault: Fault,
    },
    /// An earlier row failed; the decoder has stopped.
    #[error("an earlier row could not be decoded")]
    Stopped,
}

impl DecodeError {
    /// Whether the peer broke the protocol, as opposed to sending a value that Arrow cannot hold.
    #[must_use]
    pub const fn is_malformed(&self) -> bool {
        match self {
            Self::Row(_) | Self::Stopped => true,
            Self::Value { fault, .. } => fault.is_malformed(),
        }
    }

    /// What the author of the statement can do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Row(_) | Self::Stopped => None,
            Self::Value { fault, .. } => fault.hint(),
        }
    }
}
