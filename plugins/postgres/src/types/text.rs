//! Binary values as the text that PostgreSQL itself would write.

use std::fmt::Write as _;

use super::error::Fault;
use super::wire::{Reader, exactly, utf8};
use super::{bits, network, numeric, range, temporal};

/// How the bytes of a type become text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TextForm {
    /// They are the text already.
    Plain,
    /// The text stands behind one byte of version, which is 1.
    Versioned,
    /// One byte.
    Char,
    Int16,
    Int32,
    Int64,
    Numeric,
    Date,
    Time,
    TimeTz,
    Timestamp {
        zoned: bool,
    },
    Uuid,
    Network,
    MacAddress,
    Bits,
    Lsn,
    Tid,
    /// A range with such bounds.
    Range(Box<TextForm>),
    /// Ranges with such bounds.
    Multirange(Box<TextForm>),
}

impl TextForm {
    /// Appends the text of a value. What an error leaves in `out` is of no use.
    pub(super) fn write(&self, value: &[u8], out: &mut String) -> Result<(), Fault> {
        match self {
            Self::Plain => out.push_str(utf8(value)?),
            Self::Versioned => match value.split_first() {
                Some((1, text)) => out.push_str(utf8(text)?),
                _ => return Err(Fault::Malformed("the version of a value is unknown")),
            },
            Self::Char => {
                let [byte] = exactly(value)?;
                match byte {
                    0 => {}
                    1..=0x7f => out.push(char::from(byte)),
                    _ => push(out, format_args!("\\{byte:03o}")),
                }
            }
            Self::Int16 => push(out, format_args!("{}", i16::from_be_bytes(exactly(value)?))),
            Self::Int32 => push(out, format_args!("{}", i32::from_be_bytes(exactly(value)?))),
            Self::Int64 => push(out, format_args!("{}", i64::from_be_bytes(exactly(value)?))),
            Self::Numeric => numeric::write(value, out)?,
            Self::Date => temporal::write_date(value, out)?,
            Self::Time => temporal::write_time(value, out)?,
            Self::TimeTz => temporal::write_timetz(value, out)?,
            Self::Timestamp { zoned } => temporal::write_timestamp(value, *zoned, out)?,
            Self::Uuid => {
                let bytes: [u8; 16] = exactly(value)?;
                for (index, byte) in bytes.iter().enumerate() {
                    if matches!(index, 4 | 6 | 8 | 10) {
                        out.push('-');
                    }
                    push(out, format_args!("{byte:02x}"));
                }
            }
            Self::Network => network::write(value, out)?,
            Self::MacAddress => network::write_mac(value, out)?,
            Self::Bits => bits::write(value, out)?,
            Self::Lsn => {
                let position = u64::from_be_bytes(exactly(value)?);
                let (high, low) = (position >> 32, position & 0xffff_ffff);
                push(out, format_args!("{high:X}/{low:X}"));
            }
            Self::Tid => {
                let mut reader = Reader::new(value);
                let (block, offset) = (reader.u32()?, reader.u16()?);
                reader.end()?;
                push(out, format_args!("({block},{offset})"));
            }
            Self::Range(bound) => range::write(value, bound, out)?,
            Self::Multirange(bound) => range::write_multirange(value, bound, out)?,
        }
        Ok(())
    }
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(arguments);
}
