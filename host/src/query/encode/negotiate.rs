//! Which format an answer has: the request's `format`, else its `Accept` header, else JSON.

use serde::{Deserialize, Serialize};

/// A format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Json,
    Ndjson,
    Csv,
    Arrow,
    Parquet,
}

/// `Accept` names nothing that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("none of the accepted media types can be given; there are {}", MEDIA_TYPES.join(", "))]
pub struct NotAcceptable;

const MEDIA_TYPES: [&str; 5] = [
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.parquet",
];

impl Format {
    /// In the order of preference where `Accept` has none.
    pub const ALL: [Self; 5] = [
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Arrow,
        Self::Parquet,
    ];

    /// Without parameters.
    pub const fn media_type(self) -> &'static str {
        MEDIA_TYPES[self as usize]
    }

    /// The value of `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            other => other.media_type(),
        }
    }

    /// Whether the answer itself says which database gave it and how it ended.
    pub const fn tells_outcome(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson)
    }
}

/// Chooses the format.
///
/// # Errors
/// `accept` excludes every format.
pub fn negotiate(format: Option<Format>, accept: Option<&str>) -> Result<Format, NotAcceptable> {
    if let Some(format) = format {
        return Ok(format);
    }
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
        return Ok(Format::Json);
    };
    let mut best: Option<(u16, Format)> = None;
    for format in Format::ALL {
        let quality = quality(accept, format.media_type());
        if quality > 0 && best.is_none_or(|(known, _)| quality > known) {
            best = Some((quality, format));
        }
    }
    best.map(|(_, format)| format).ok_or(NotAcceptable)
}

/// The quality, in thousandths, that a header gives a media type; its most specific range decides.
fn quality(accept: &str, media_type: &str) -> u16 {
    let (kind, _) = media_type.split_once('/').unwrap_or((media_type, ""));
    let mut found = (0, 0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let specificity = if name == media_type {
            3
        } else if name.strip_suffix("/*") == Some(kind) {
            2
        } else if name == "*/*" || name == "*" {
            1
        } else {
            continue;
        };
        let quality = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1000, thousandths);
        if specificity > found.0 {
            found = (specificity, quality);
        }
    }
    found.1
}

/// A malformed quality counts as 0: what can't be read is not asked for.
fn thousandths(text: &str) -> u16 {
    match text.trim().parse::<f32>() {
        // In range after the check; a fraction of a thousandth does not matter.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Ok(quality) if (0.0..=1.0).contains(&quality) => (quality * 1000.0).round() as u16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_wins_over_the_header_and_json_is_the_default() {
        assert_eq!(
            negotiate(Some(Format::Csv), Some("application/json")),
            Ok(Format::Csv)
        );
        assert_eq!(negotiate(None, None), Ok(Format::Json));
        assert_eq!(negotiate(None, Some("*/*")), Ok(Format::Json));
        assert_eq!(negotiate(None, Some("")), Ok(Format::Json));
    }

    #[test]
    fn the_best_quality_wins_and_the_most_specific_range_decides_it() {
        for (accept, expected) in [
            ("text/csv", Ok(Format::Csv)),
            ("text/*", Ok(Format::Csv)),
            ("Application/X-NDJSON; charset=utf-8", Ok(Format::Ndjson)),
            (
                "text/html, application/json;q=0.5, text/csv;q=0.9",
                Ok(Format::Csv),
            ),
            (
                "*/*;q=0.1, application/vnd.apache.parquet",
                Ok(Format::Parquet),
            ),
            (
                "application/*, application/json;q=0.2, application/x-ndjson;q=0.3",
                Ok(Format::Arrow),
            ),
            ("text/html", Err(NotAcceptable)),
            ("application/json;q=0", Err(NotAcceptable)),
            ("application/json;q=nonsense", Err(NotAcceptable)),
            ("*/*, application/json;q=0", Ok(Format::Ndjson)),
        ] {
            assert_eq!(negotiate(None, Some(accept)), expected, "{accept}");
        }
    }

    #[test]
    fn an_error_names_what_there_is() {
        assert!(NotAcceptable.to_string().contains("text/csv"));
    }
}
