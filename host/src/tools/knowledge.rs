//! What a tool may ask of the DataPoints of its request's database, as its contract has it.
//!
//! Answers stay below what a tool could pass on: a page ends earlier, and a search that loses hits for it marks the
//! whole answer as truncated. Of an error the original is kept beside, as for statements.

use crate::knowledge::index::RetrieveError;
use crate::knowledge::library::{LibraryError, Stored};
use crate::knowledge::reader::{Place, ReadError, Reader};
use crate::knowledge::search::{Hit, ScopeUsed, SignalKind, VectorUse};
use crate::knowledge::{Kind, Scope};
use crate::plugins::knowledge as contract;
use crate::plugins::knowledge::ToolKnowledge;
use crate::plugins::tool::BoxFuture;

use super::trace::Trace;

/// The most DataPoints of a page.
const PAGE: u32 = 500;

/// The DataPoints that the request's connection may read.
pub struct Knowledge {
    pub reader: Reader,
    /// The most hits of a search.
    pub max_hits: u32,
    /// How many bytes of DataPoints one answer may have, unless the first is larger.
    pub budget: u64,
    pub trace: Trace,
}

impl Knowledge {
    fn give(&self, error: ReadError) -> contract::Error {
        let (code, message) = match &error {
            ReadError::Place => (contract::ErrorCode::InvalidPlace, error.to_string()),
            ReadError::Retrieve(RetrieveError::NotReady)
            | ReadError::Library(LibraryError::Unavailable(_)) => {
                (contract::ErrorCode::Unavailable, error.to_string())
            }
            ReadError::Retrieve(RetrieveError::Index(_)) | ReadError::Library(_) => (
                contract::ErrorCode::Internal,
                "the DataPoints could not be searched".to_owned(),
            ),
        };
        self.trace.failed_to_read(&message, error);
        contract::Error { code, message }
    }

    async fn search(&self, question: &str, limit: u32) -> Result<contract::Findings, ReadError> {
        let limit = limit.clamp(1, self.max_hits);
        let top_k = usize::try_from(limit).unwrap_or(usize::MAX);
        let found = self.reader.search(question, top_k).await?;
        let mut left = Budget(self.budget);
        let mut hits = Vec::with_capacity(found.hits.len());
        for (hit, stored) in &found.hits {
            let datapoint = datapoint(stored);
            if !left.takes(&datapoint, hits.is_empty()) {
                self.trace.cut_off();
                break;
            }
            hits.push(contract::Hit {
                datapoint,
                score: hit.score,
                signals: signals(hit),
            });
        }
        Ok(contract::Findings {
            hits,
            scope_used: match found.scope_used {
                ScopeUsed::Connection => contract::ScopeUsed::Connection,
                ScopeUsed::Global => contract::ScopeUsed::Global,
                ScopeUsed::ConnectionAndGlobal => contract::ScopeUsed::ConnectionAndGlobal,
                ScopeUsed::LegacyFallback => contract::ScopeUsed::LegacyFallback,
                ScopeUsed::Nothing => contract::ScopeUsed::Nothing,
            },
            without_meaning: match found.vectors {
                VectorUse::Used => None,
                VectorUse::NoQuestion(why) => Some(why),
                VectorUse::NoEntries => Some("no DataPoint has a vector yet".to_owned()),
            },
        })
    }

    async fn list(&self, after: Option<&str>, limit: u32) -> Result<contract::Page, ReadError> {
        let after = after
            .map(Place::parse)
            .map(|place| place.ok_or(ReadError::Place));
        let after = after.transpose()?;
        let (found, next) = self
            .reader
            .page(after.as_ref(), limit.clamp(1, PAGE))
            .await?;
        let mut left = Budget(self.budget);
        let mut datapoints: Vec<contract::Datapoint> = Vec::with_capacity(found.len());
        let mut last = None;
        for stored in &found {
            let datapoint = datapoint(stored);
            if !left.takes(&datapoint, datapoints.is_empty()) {
                break;
            }
            last = Some(Place::behind(stored));
            datapoints.push(datapoint);
        }
        let next = if datapoints.len() < found.len() {
            last
        } else {
            next
        };
        Ok(contract::Page {
            datapoints,
            next: next.map(|place| place.to_string()),
        })
    }
}

impl ToolKnowledge for Knowledge {
    fn search(
        &self,
        question: String,
        limit: u32,
    ) -> BoxFuture<'_, Result<contract::Findings, contract::Error>> {
        Box::pin(async move {
            let found = self.search(&question, limit).await;
            found.map_err(|error| self.give(error))
        })
    }

    fn get(
        &self,
        id: String,
    ) -> BoxFuture<'_, Result<Option<contract::Datapoint>, contract::Error>> {
        Box::pin(async move {
            let found = self.reader.get(&id).await;
            let found = found.map_err(|error| self.give(error))?;
            Ok(found.as_ref().map(datapoint))
        })
    }

    fn list(
        &self,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<contract::Page, contract::Error>> {
        Box::pin(async move {
            let page = self.list(after.as_deref(), limit).await;
            page.map_err(|error| self.give(error))
        })
    }
}

/// Bytes that may still be handed out.
struct Budget(u64);

impl Budget {
    /// Takes a DataPoint's share. The first one is let through whatever it takes, or nothing ever would be.
    fn takes(&mut self, datapoint: &contract::Datapoint, first: bool) -> bool {
        let size = datapoint.body.len() as u64;
        let fits = first || size <= self.0;
        self.0 = self.0.saturating_sub(size);
        fits
    }
}

fn datapoint(stored: &Stored) -> contract::Datapoint {
    contract::Datapoint {
        id: stored.point.id.clone(),
        kind: match stored.point.kind() {
            Kind::Schema => contract::Kind::Schema,
            Kind::Business => contract::Kind::Business,
            Kind::Process => contract::Kind::Process,
            Kind::Query => contract::Kind::Query,
        },
        name: stored.point.name.clone(),
        scope: match stored.scope {
            Scope::Connection(_) => contract::Scope::Connection,
            Scope::Global => contract::Scope::Global,
            Scope::Unscoped => contract::Scope::Unscoped,
        },
        body: stored.point.to_json().to_string(),
    }
}

fn signals(hit: &Hit) -> Vec<contract::Signal> {
    let signals = hit.signals.iter();
    signals
        .map(|signal| contract::Signal {
            kind: match signal.signal {
                SignalKind::Lexical => contract::SignalKind::Lexical,
                SignalKind::Vector => contract::SignalKind::Vector,
                SignalKind::Relationship => contract::SignalKind::Relationship,
            },
            rank: signal.rank,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_size(size: usize) -> contract::Datapoint {
        contract::Datapoint {
            id: "metric_a".to_owned(),
            kind: contract::Kind::Business,
            name: "A".to_owned(),
            scope: contract::Scope::Global,
            body: "x".repeat(size),
        }
    }

    #[test]
    fn the_first_is_always_let_through_and_then_what_fits() {
        let mut left = Budget(10);
        assert!(left.takes(&of_size(6), true));
        assert!(left.takes(&of_size(4), false));
        assert!(!left.takes(&of_size(1), false));
        assert!(Budget(10).takes(&of_size(11), true));
    }
}
