//! Why a row could not become Arrow.

use datachat_sdk::strings::NotUtf8;
use thiserror::Error;

use crate::protocol::Malformed;

/// What is wrong with one value, without saying which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// The bytes break the wire format.
    #[error("{0}")]
    Malformed(&'static str),
    /// Text that the server could not convert to UTF-8, and sent all the same.
    #[error("the text is not valid UTF-8")]
    NotUtf8,
    /// A number with more digits than its column's type declares.
    #[error("the number does not fit the declared precision and scale")]
    DecimalRange,
    /// A date that is no day of the calendar.
    #[error("the date is no day of a calendar (0000-00-00, or a month or day that does not exist)")]
    NoDay,
    /// The batch would exceed what 32-bit offsets can address.
    #[error("the values are too large for one batch")]
    TooLarge,
}

impl From<NotUtf8> for Fault {
    fn from(NotUtf8: NotUtf8) -> Self {
        Self::NotUtf8
    }
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Malformed("the row ends early")
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
            Self::NotUtf8 => Some("select CAST(column AS BINARY) to get the bytes"),
            Self::DecimalRange => Some("cast the column to CHAR"),
            Self::NoDay => Some(
                "select CAST(column AS CHAR), or connect with the option zero_dates=null to read such dates as NULL",
            ),
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
