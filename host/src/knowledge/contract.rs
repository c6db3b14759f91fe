//! What a DataPoint should say beyond what its kind requires, so that answers can rely on it.
//!
//! [`check`] finds what is missing; [`Contracts`] says which of that refuses the DataPoint. The tier `demo` is
//! never held to the strict reading.

use serde_json::{Map, Value};

use super::datapoint::{DataPoint, Detail};
use super::lifecycle;
use super::tier::Tier;

/// How much a gap weighs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Warning,
    Error,
}

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Gap {
    /// Stable.
    pub code: &'static str,
    pub message: &'static str,
    pub severity: Severity,
    /// Where it is to be said.
    pub field: &'static str,
}

/// How contracts are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contracts {
    /// Warnings are errors, but for those about the lifecycle.
    pub strict: bool,
    /// Whatever is left as a warning refuses as well.
    pub fail_on_warnings: bool,
}

impl Default for Contracts {
    fn default() -> Self {
        Self {
            strict: true,
            fail_on_warnings: false,
        }
    }
}

impl Contracts {
    /// Whether a DataPoint with this gap is refused.
    pub fn refuse(self, gap: &Gap) -> bool {
        gap.severity == Severity::Error || self.fail_on_warnings
    }
}

/// What a DataPoint of a tier lacks, with the severity that it has there.
pub fn check(point: &DataPoint, tier: Tier, contracts: Contracts) -> Vec<Gap> {
    let strict = contracts.strict && tier != Tier::Demo;
    let mut gaps = Gaps {
        found: Vec::new(),
        usual: if strict {
            Severity::Error
        } else {
            Severity::Warning
        },
    };
    let metadata = &point.metadata;
    gaps.usual(
        said(metadata, &["grain"]),
        "missing_grain",
        "metadata.grain",
        "say what one row stands for, such as `one order line`",
    );
    gaps.usual(
        said(metadata, &["exclusions"]),
        "missing_exclusions",
        "metadata.exclusions",
        "say what is left out, or `none`",
    );
    gaps.usual(
        said(metadata, &["confidence_notes"]),
        "missing_confidence_notes",
        "metadata.confidence_notes",
        "say how far it can be relied on",
    );
    let fresh = |field: &str| !field.trim().is_empty() || said(metadata, &["freshness"]);
    match &point.detail {
        Detail::Schema(schema) => gaps.always(
            fresh(schema.freshness.as_deref().unwrap_or_default()),
            "missing_freshness",
            "freshness",
            "say how fresh the table is, such as `T-1`",
        ),
        Detail::Process(process) => gaps.always(
            fresh(&process.data_freshness),
            "missing_freshness",
            "data_freshness",
            "say when the data are there",
        ),
        Detail::Business(business) => {
            let unit = business.unit.as_deref().unwrap_or_default();
            gaps.always(
                !unit.trim().is_empty() || said(metadata, &["unit", "units"]),
                "missing_units",
                "unit",
                "say the unit, such as `USD` or `count`",
            );
            gaps.usual(
                fresh(""),
                "missing_freshness",
                "metadata.freshness",
                "say how fresh the metric is",
            );
        }
        Detail::Query(query) => gaps.usual(
            !query.related_tables.is_empty(),
            "missing_related_tables",
            "related_tables",
            "name the tables that the template reads",
        ),
    }
    if matches!(tier, Tier::Managed | Tier::User) {
        gaps.lifecycle(metadata);
    }
    gaps.found
}

/// Whether one of the names holds a text, or a list of them, that is not blank.
fn said(metadata: &Map<String, Value>, names: &[&str]) -> bool {
    let speaks = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    names
        .iter()
        .filter_map(|name| metadata.get(*name))
        .any(|value| match value {
            Value::Array(items) => items.iter().any(speaks),
            value => speaks(value),
        })
}

struct Gaps {
    found: Vec<Gap>,
    /// What the strict reading makes of a warning.
    usual: Severity,
}

impl Gaps {
    fn usual(
        &mut self,
        there: bool,
        code: &'static str,
        field: &'static str,
        message: &'static str,
    ) {
        let severity = self.usual;
        self.note(there, code, field, message, severity);
    }

    fn always(
        &mut self,
        there: bool,
        code: &'static str,
        field: &'static str,
        message: &'static str,
    ) {
        self.note(there, code, field, message, Severity::Error);
    }

    fn note(
        &mut self,
        there: bool,
        code: &'static str,
        field: &'static str,
        message: &'static str,
        severity: Severity,
    ) {
        if !there {
            self.found.push(Gap {
                code,
                message,
                severity,
                field,
            });
        }
    }

    fn lifecycle(&mut self, metadata: &Map<String, Value>) {
        for (name, code, field, message) in [
            (
                "version",
                "missing_lifecycle_version",
                "metadata.lifecycle.version",
                "say the version, such as `1.0.0`",
            ),
            (
                "changed_by",
                "missing_lifecycle_changed_by",
                "metadata.lifecycle.changed_by",
                "say who changed it",
            ),
            (
                "changed_reason",
                "missing_lifecycle_changed_reason",
                "metadata.lifecycle.changed_reason",
                "say why it was changed",
            ),
            (
                "reviewer",
                "missing_lifecycle_reviewer",
                "metadata.lifecycle.reviewer",
                "say who reviewed it",
            ),
        ] {
            let there = lifecycle::says(metadata, name).is_some();
            self.note(there, code, field, message, Severity::Warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::knowledge::Kind;
    use crate::knowledge::datapoint::tests::point;

    fn strict() -> Contracts {
        Contracts::default()
    }

    fn lenient() -> Contracts {
        Contracts {
            strict: false,
            ..strict()
        }
    }

    fn gaps(point: &DataPoint, tier: Tier, contracts: Contracts) -> Vec<(&'static str, Severity)> {
        let gaps = check(point, tier, contracts);
        gaps.iter().map(|gap| (gap.code, gap.severity)).collect()
    }

    fn with(kind: Kind, change: impl Fn(&mut Value)) -> DataPoint {
        point(kind, change)
    }

    #[test]
    fn a_complete_datapoint_of_any_kind_lacks_nothing() {
        for kind in Kind::ALL {
            assert_eq!(gaps(&with(kind, |_| ()), Tier::Custom, strict()), []);
        }
    }

    #[test]
    fn general_gaps_are_errors_when_strict_but_never_in_the_demo() {
        let point = with(Kind::Query, |json| {
            json["metadata"] = json!({"grain": " ", "exclusions": [""]});
            json["related_tables"] = json!([]);
        });
        let codes = [
            "missing_grain",
            "missing_exclusions",
            "missing_confidence_notes",
            "missing_related_tables",
        ];
        let all = |severity| codes.map(|code| (code, severity));
        for (tier, contracts, severity) in [
            (Tier::Examples, strict(), Severity::Error),
            (Tier::Custom, lenient(), Severity::Warning),
            (Tier::Demo, strict(), Severity::Warning),
        ] {
            assert_eq!(gaps(&point, tier, contracts), all(severity), "{tier:?}");
        }
    }

    #[test]
    fn freshness_and_units_are_errors_where_nothing_can_be_said_without_them() {
        let schema = with(Kind::Schema, |json| {
            json["freshness"] = Value::Null;
            json["metadata"]["freshness"] = json!(" ");
        });
        let freshness = [("missing_freshness", Severity::Error)];
        assert_eq!(gaps(&schema, Tier::Demo, lenient()), freshness);
        let elsewhere = with(Kind::Schema, |json| {
            json["freshness"] = Value::Null;
            json["metadata"]["freshness"] = json!("T-1");
        });
        assert_eq!(gaps(&elsewhere, Tier::Demo, lenient()), []);
        let business = with(Kind::Business, |json| {
            json["unit"] = Value::Null;
            json["metadata"]["freshness"] = Value::Null;
        });
        assert_eq!(
            gaps(&business, Tier::Custom, lenient()),
            [
                ("missing_units", Severity::Error),
                ("missing_freshness", Severity::Warning)
            ]
        );
        let elsewhere = with(Kind::Business, |json| {
            json["unit"] = Value::Null;
            json["metadata"]["units"] = json!(["USD"]);
        });
        assert_eq!(gaps(&elsewhere, Tier::Custom, lenient()), []);
    }

    #[test]
    fn gaps_of_the_lifecycle_are_warnings_of_the_kept_tiers_alone() {
        let point = with(Kind::Schema, |json| {
            json["metadata"]["lifecycle"] = json!({"version": "1.0.0"});
        });
        let expected = [
            ("missing_lifecycle_changed_by", Severity::Warning),
            ("missing_lifecycle_changed_reason", Severity::Warning),
            ("missing_lifecycle_reviewer", Severity::Warning),
        ];
        assert_eq!(gaps(&point, Tier::User, strict()), expected);
        assert_eq!(gaps(&point, Tier::Managed, strict()), expected);
        assert_eq!(gaps(&point, Tier::Examples, strict()), []);
    }

    proptest! {
        #[test]
        fn strictness_finds_the_same_gaps_and_only_weighs_them_more(
            kind in 0..4_usize,
            tier in 0..5_usize,
            gone in proptest::collection::vec(0..5_usize, 0..5),
        ) {
            let names = ["grain", "exclusions", "confidence_notes", "freshness", "lifecycle"];
            let point = with(Kind::ALL[kind], |json| {
                for at in &gone {
                    json["metadata"][names[*at]] = Value::Null;
                }
            });
            let tier = Tier::ALL[tier];
            let (mild, hard) = (check(&point, tier, lenient()), check(&point, tier, strict()));
            let codes = |gaps: &[Gap]| gaps.iter().map(|gap| gap.code).collect::<Vec<_>>();
            prop_assert_eq!(codes(&mild), codes(&hard));
            for (mild, hard) in mild.iter().zip(&hard) {
                prop_assert!(hard.severity >= mild.severity);
                prop_assert!(tier != Tier::Demo || hard.severity == mild.severity);
            }
        }
    }

    #[test]
    fn warnings_refuse_only_where_that_is_asked_for() {
        let gap = |severity| Gap {
            code: "missing_grain",
            message: "",
            severity,
            field: "",
        };
        let asked = Contracts {
            fail_on_warnings: true,
            ..strict()
        };
        assert!(strict().refuse(&gap(Severity::Error)));
        assert!(!strict().refuse(&gap(Severity::Warning)));
        assert!(asked.refuse(&gap(Severity::Warning)));
    }
}
