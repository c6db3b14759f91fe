//! DataPoints proposed from a profile.
//!
//! Most of it follows from names, comments, keys and counts; where these are silent, the proposal says that it doesn't
//! know. More metrics a language model may suggest (`suggested`). Each proposal satisfies the contracts, so that it can be approved as it is, and says in its
//! metadata what it was made from, so that whoever reviews it knows what to doubt.

mod ids;
mod measure;
mod metric;
mod schema;
mod suggested;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use self::ids::Ids;
use super::request::{Depth, GenerateRequest, names};
use super::running::{Ended, Progress};
use super::table::{TableProfile, TableStatus};
use crate::knowledge::{DataPoint, Scope};
use crate::llm::Client;
use crate::plugins::Dialect;
use crate::registry::{ENVIRONMENT_ID, format_time};
use crate::store::{NewProposal, ProfileRow, ScopeRef, Store};

/// Who answers for what nobody has taken on yet; `.invalid` is a domain that can't be.
const OWNER: &str = "unassigned@datachat.invalid";

/// The work of a generation.
pub struct Generation {
    pub job: Uuid,
    pub profile: ProfileRow,
    pub tables: Vec<TableProfile>,
    pub request: GenerateRequest,
    /// `None` while no installed connector serves the connection.
    pub dialect: Option<Dialect>,
    pub store: Store,
    pub progress: Progress,
    /// Of `metrics_full`: who suggests more, and for how long it is asked about a table.
    pub model: Option<(Arc<Client>, Duration)>,
}

/// A DataPoint that somebody is to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    pub point: DataPoint,
    /// Of 1000.
    pub confidence: i64,
}

impl Generation {
    /// Makes the proposals and stores them.
    ///
    /// # Errors
    /// Nothing is stored then.
    pub async fn run(self) -> Result<(), Ended> {
        self.progress.begin();
        let (chosen, skipped) = self.choose();
        let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
        let total = i64::try_from(chosen.len()).unwrap_or(i64::MAX);
        self.progress.count(|counts| {
            counts.total = total;
            counts.skipped = skipped;
        });
        let source = Source::of(&self.profile, self.dialect);
        let metrics = match self.request.depth {
            Depth::SchemaOnly => 0,
            Depth::MetricsBasic | Depth::MetricsFull => self.request.max_metrics_per_table,
        };
        let batch = usize::try_from(self.request.batch_size).unwrap_or(1).max(1);
        let mut ids = Ids::default();
        let mut proposals = Vec::new();
        for tables in chosen.chunks(batch) {
            for table in tables {
                let mut own = propose(&source, table, metrics, &mut ids);
                if let Some((model, time)) = &self.model {
                    let known: Vec<String> = own.iter().map(|own| own.point.name.clone()).collect();
                    let asked = suggested::suggest(
                        model,
                        *time,
                        &source,
                        table,
                        (metrics, &known),
                        &mut ids,
                    );
                    own.extend(
                        asked.await.map_err(|error| {
                            Ended::Failed(format!("{error}; nothing was stored"))
                        })?,
                    );
                }
                proposals.extend(own);
            }
            let done = i64::try_from(tables.len()).unwrap_or(i64::MAX);
            self.progress.count(|counts| counts.completed += done);
            tokio::task::yield_now().await;
        }
        let rows: Vec<NewProposal> = proposals.iter().map(row).collect();
        let connection = self.profile.connection_id;
        let scope = ScopeRef {
            key: String::new(),
            connection_id: Some(connection),
            needs_row: connection != ENVIRONMENT_ID,
        };
        self.store
            .complete_generation(
                self.job,
                self.profile.id,
                &scope,
                &rows,
                self.request.replace_existing,
                self.progress.counts(),
            )
            .await?;
        Ok(())
    }

    /// The tables that something is said of, and how many of those that were asked for are left out.
    fn choose(&self) -> (Vec<&TableProfile>, usize) {
        let wanted = self.request.tables.as_deref();
        let asked: Vec<&TableProfile> = self
            .tables
            .iter()
            .filter(|table| names(wanted, &table.schema_name, &table.table_name))
            .collect();
        let most = self.request.max_tables.unwrap_or(u64::MAX);
        let chosen: Vec<&TableProfile> = asked
            .iter()
            .copied()
            .filter(|table| table.status == TableStatus::Completed && !table.columns.is_empty())
            .take(usize::try_from(most).unwrap_or(usize::MAX))
            .collect();
        let skipped = asked.len() - chosen.len();
        (chosen, skipped)
    }
}

fn row(proposal: &Proposal) -> NewProposal {
    NewProposal {
        id: Uuid::new_v4(),
        datapoint_id: proposal.point.id.clone(),
        body: proposal.point.to_json().to_string(),
        confidence: proposal.confidence,
    }
}

/// What proposals are made from.
#[derive(Debug, Clone)]
pub struct Source {
    connection: Uuid,
    profile: Uuid,
    /// RFC 3339.
    profiled_at: String,
    dialect: Option<Dialect>,
}

impl Source {
    fn of(profile: &ProfileRow, dialect: Option<Dialect>) -> Self {
        Self {
            connection: profile.connection_id,
            profile: profile.id,
            profiled_at: format_time(profile.created_at),
            dialect,
        }
    }

    /// What every proposal says of itself.
    fn metadata(&self, table: &TableProfile, doubts: &str) -> Map<String, Value> {
        let grain = match table.candidate_keys.first() {
            Some(key) => format!("one row per {}", key.columns.join(", ")),
            None => format!("one row of {}; no key is known", table.qualified_name()),
        };
        let rows = if table.sample_is_whole {
            format!("all {} rows", table.sampled_rows)
        } else {
            format!("a sample of {} rows", table.sampled_rows)
        };
        let mut metadata = Map::new();
        let mut say = |name: &str, value: Value| metadata.insert(name.to_owned(), value);
        say("grain", grain.into());
        say("exclusions", "none: every row counts".into());
        let notes = format!(
            "generated on {} from names, comments, keys and {rows}; {doubts}",
            self.profiled_at
        );
        say("confidence_notes", notes.into());
        let freshness = schema::freshness(table)
            .unwrap_or_else(|| "not known: no column says when a row was written".to_owned());
        say("freshness", freshness.into());
        say("generated", json!({ "profile_id": self.profile }));
        Scope::Connection(self.connection).write_into(&mut metadata);
        metadata
    }
}

/// The proposals of a table: its own, and those of at most `metrics` columns.
fn propose(source: &Source, table: &TableProfile, metrics: u64, ids: &mut Ids) -> Vec<Proposal> {
    let mut proposals = vec![schema::propose(source, table, ids)];
    proposals.extend(metric::propose(source, table, metrics, ids));
    let mut known = HashSet::new();
    proposals.retain(|proposal| known.insert(proposal.point.id.clone()));
    proposals
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::family::Family;
    use super::super::table::ColumnProfile;
    use super::super::testing::{column, table};
    use super::*;
    use crate::knowledge::{Contracts, Tier, contract, datapoint};

    pub fn source() -> Source {
        Source {
            connection: Uuid::from_u128(7),
            profile: Uuid::from_u128(8),
            profiled_at: "2026-11-28T08:00:00Z".to_owned(),
            dialect: Some(Dialect::Postgresql),
        }
    }

    fn families() -> impl Strategy<Value = Family> {
        prop::sample::select(vec![
            Family::Integer,
            Family::Number,
            Family::Boolean,
            Family::Text,
            Family::Date,
            Family::Timestamp,
            Family::Uuid,
            Family::Other,
        ])
    }

    fn columns() -> impl Strategy<Value = Vec<ColumnProfile>> {
        let name = prop_oneof![
            "\\PC{1,8}",
            prop::sample::select(vec![
                "amount_usd".to_owned(),
                "id".to_owned(),
                "quantity".to_owned(),
                "created_at".to_owned(),
            ]),
        ];
        prop::collection::vec((name, families(), prop::option::of("\\PC{0,20}")), 1..40).prop_map(
            |columns| {
                let columns = columns.into_iter();
                columns
                    .map(|(name, family, comment)| ColumnProfile {
                        comment,
                        ..column(&name, family)
                    })
                    .collect()
            },
        )
    }

    proptest! {
        #[test]
        fn whatever_a_table_is_called_its_proposals_are_valid_and_keep_the_contracts(
            name in "\\PC{1,130}",
            schema in "\\PC{0,70}",
            comment in prop::option::of("\\PC{0,30}"),
            columns in columns(),
        ) {
            let mut profile = table(&name, &columns);
            profile.schema_name = schema;
            profile.comment = comment;
            let proposals = propose(&source(), &profile, 3, &mut Ids::default());
            prop_assert!(!proposals.is_empty());
            for proposal in proposals {
                let text = proposal.point.to_json().to_string();
                let read = datapoint::read(&text);
                prop_assert!(read.is_ok(), "{text}: {read:?}");
                for strict in [false, true] {
                    let contracts = Contracts { strict, fail_on_warnings: false };
                    let gaps = contract::check(&proposal.point, Tier::Managed, contracts);
                    prop_assert!(!gaps.iter().any(|gap| contracts.refuse(gap)), "{text}: {gaps:?}");
                }
                prop_assert!((0..=1000).contains(&proposal.confidence));
                let scope = Scope::named_in(&proposal.point.metadata);
                prop_assert_eq!(scope, Ok(Scope::Connection(Uuid::from_u128(7))));
            }
        }
    }
}
