//! What a column can be asked for, by its type.

use serde::{Deserialize, Serialize};

/// A family of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    Integer,
    /// Decimal or floating.
    Number,
    Boolean,
    Text,
    Date,
    /// A date with a time of day.
    Timestamp,
    Uuid,
    /// Bytes, JSON, lists, times of day and whatever else there is.
    Other,
}

impl Family {
    /// Of a result's column: its Arrow type as answers name it, and the database's own.
    pub fn of(arrow_type: &str, db_type: &str) -> Self {
        let own = db_type.trim().to_ascii_lowercase();
        // A decimal without bounds has no type in Arrow.
        if ["numeric", "decimal"]
            .iter()
            .any(|word| own.starts_with(word))
        {
            return Self::Number;
        }
        let arrow = arrow_type.trim_start_matches("dictionary<");
        let begins = |words: &[&str]| words.iter().any(|word| arrow.starts_with(word));
        if begins(&["int8", "int16", "int32", "int64", "uint"]) {
            Self::Integer
        } else if begins(&["float", "decimal"]) {
            Self::Number
        } else if begins(&["bool"]) {
            Self::Boolean
        } else if begins(&["utf8", "large_utf8"]) {
            Self::Text
        } else if begins(&["date"]) {
            Self::Date
        } else if begins(&["timestamp"]) {
            Self::Timestamp
        } else if begins(&["arrow.uuid"]) {
            Self::Uuid
        } else {
            Self::Other
        }
    }

    /// Whether least and greatest values say something.
    pub fn has_range(self) -> bool {
        matches!(
            self,
            Self::Integer | Self::Number | Self::Date | Self::Timestamp
        )
    }

    /// Whether a value may tell one row from another.
    pub fn identifies(self) -> bool {
        matches!(self, Self::Integer | Self::Text | Self::Uuid)
    }

    /// Whether values can be added up.
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Number)
    }

    pub fn is_temporal(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_of_results_fall_into_families() {
        for (arrow, own, expected) in [
            ("int32", "integer", Family::Integer),
            ("uint64", "UInt64", Family::Integer),
            ("decimal128(10,2)", "numeric(10,2)", Family::Number),
            ("utf8", "numeric", Family::Number),
            ("float64", "double", Family::Number),
            ("bool", "boolean", Family::Boolean),
            ("dictionary<utf8>", "enum('a')", Family::Text),
            ("large_utf8", "longtext", Family::Text),
            ("date32", "date", Family::Date),
            ("timestamp[us,UTC]", "timestamptz", Family::Timestamp),
            ("arrow.uuid", "uuid", Family::Uuid),
            ("arrow.json", "jsonb", Family::Other),
            ("time64[us]", "time", Family::Other),
            ("list<int32>", "integer[]", Family::Other),
            ("binary", "bytea", Family::Other),
            ("month_day_nano_interval", "interval", Family::Other),
        ] {
            assert_eq!(Family::of(arrow, own), expected, "{arrow} {own}");
        }
    }
}
