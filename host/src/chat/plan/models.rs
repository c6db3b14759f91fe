//! The models that are in use, each made anew when what it was made of has changed.
//!
//! DataPoints count at once: their scopes' revisions are compared at every question. The live catalogue and the
//! values of its columns are asked for again when they have become old (`catalogue_fresh_ms`, `values_fresh_ms`).
//! Questions for one connection wait for each other here, those for others don't.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::lexicon::Lexicon;
use super::model::{Model, Value};
use super::{build, values};
use crate::chat::AskError;
use crate::chat::rows::Rows;
use crate::knowledge::library::{Library, Visible};
use crate::limits::Limits;
use crate::plugins::{ConnectionKey, Parameters, Relation, RelationFilter};
use crate::query::encode::Numbers;
use crate::query::{OnLimit, QueryLimits, QueryRequest, execute};
use crate::registry::Connection;

/// Connections whose models are kept.
const MOST_KEPT: usize = 128;

/// A model with its words.
#[derive(Debug)]
pub struct Known {
    pub model: Model,
    pub lexicon: Lexicon,
}

/// See the module. Cheap to clone.
#[derive(Clone, Default)]
pub struct Models(Arc<Mutex<HashMap<ConnectionKey, Slot>>>);

/// What is held of one connection, behind its own lock.
type Slot = Arc<tokio::sync::Mutex<Held>>;

#[derive(Default)]
struct Held {
    catalogue: Option<Catalogue>,
    visible: Option<Visible>,
    values: Option<Values>,
    known: Option<Arc<Known>>,
}

struct Catalogue {
    relations: Vec<Relation>,
    default_schema: Option<String>,
    read: Instant,
}

/// Values by schema, table and column, so that they outlive a model.
struct Values {
    found: Vec<([String; 3], Vec<Value>)>,
    read: Instant,
}

impl Models {
    /// The model of a connection as it is now.
    ///
    /// # Errors
    /// The catalogue can't be read.
    pub async fn get(
        &self,
        connection: &Connection,
        library: &Library,
        limits: &Limits,
    ) -> Result<Arc<Known>, AskError> {
        let slot = self.slot(connection.key);
        let mut held = slot.lock().await;
        let mut changed = held.known.is_none();
        let fresh = Duration::from_millis(limits.catalogue_fresh_ms);
        if held
            .catalogue
            .as_ref()
            .is_none_or(|catalogue| catalogue.read.elapsed() >= fresh)
        {
            let next = read_catalogue(connection).await?;
            let same = held.catalogue.as_ref().is_some_and(|before| {
                before.relations == next.relations && before.default_schema == next.default_schema
            });
            changed |= !same;
            held.catalogue = Some(next);
        }
        let before = held.visible.as_ref().map(|visible| &visible.version);
        match library.visible(connection, before).await {
            Ok(None) => {}
            Ok(Some(visible)) => {
                held.visible = Some(visible);
                changed = true;
            }
            // What was known stays known; without anything there are still tables.
            Err(error) => tracing::warn!(%error, "the DataPoints of a connection can't be read"),
        }
        let values_fresh = Duration::from_millis(limits.values_fresh_ms);
        let stale = held
            .values
            .as_ref()
            .is_none_or(|values| values.read.elapsed() >= values_fresh);
        if !changed
            && !stale
            && let Some(known) = &held.known
        {
            return Ok(Arc::clone(known));
        }
        let Held {
            catalogue: Some(catalogue),
            visible,
            values,
            ..
        } = &mut *held
        else {
            return Err(AskError::Retrieve(
                crate::knowledge::index::RetrieveError::NotReady,
            ));
        };
        let points = visible.as_ref().map_or(&[][..], |visible| &visible.points);
        let mut model = build(
            &catalogue.relations,
            catalogue.default_schema.as_deref(),
            points,
            connection.connector.info().dialect,
            &connection.database_type,
        );
        if stale {
            let found = read_values(connection, &model, limits).await;
            *values = Some(Values {
                found,
                read: Instant::now(),
            });
        }
        if let Some(values) = values {
            model.values = placed(&values.found, &model);
        }
        let lexicon = Lexicon::new(&model);
        let known = Arc::new(Known { model, lexicon });
        held.known = Some(Arc::clone(&known));
        Ok(known)
    }

    fn slot(&self, key: ConnectionKey) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MOST_KEPT && !slots.contains_key(&key) {
            // An older revision of the same connection, else any that nobody waits for.
            let victim = slots
                .iter()
                .filter(|(_, slot)| Arc::strong_count(slot) == 1)
                .max_by_key(|(other, _)| other.id == key.id)
                .map(|(other, _)| *other);
            if let Some(victim) = victim {
                slots.remove(&victim);
            }
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

async fn read_catalogue(connection: &Connection) -> Result<Catalogue, AskError> {
    let mut session = connection.session().await?;
    let default_schema = session.server().await?.default_schema;
    let relations = session
        .relations(RelationFilter {
            schema: None,
            name: None,
            columns: true,
        })
        .await?;
    Ok(Catalogue {
        relations,
        default_schema,
        read: Instant::now(),
    })
}

/// Asks for the values of text columns for as long as that may take. A column that can't be read has none.
async fn read_values(
    connection: &Connection,
    model: &Model,
    limits: &Limits,
) -> Vec<([String; 3], Vec<Value>)> {
    let budget = Duration::from_millis(limits.values_read_ms);
    let started = Instant::now();
    let mut all = Vec::new();
    for sample in values::samples(model) {
        let left = budget.saturating_sub(started.elapsed());
        if left.is_zero() {
            tracing::debug!(connection = %connection.key.id, "not all columns were looked at for their values");
            break;
        }
        let request = QueryRequest {
            sql: sample.sql.clone(),
            params: Parameters::Positional(Vec::new()),
            limits: QueryLimits {
                max_rows: values::MOST_VALUES as u64 + 1,
                timeout_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1),
                on_limit: OnLimit::Truncate,
                ..QueryLimits::unasked(limits)
            },
        };
        let found = async {
            let stream = execute(connection, request, limits).await?;
            Rows::read(stream, Numbers::default(), |_, _| {}).await
        };
        match found.await {
            Ok(rows) => {
                let texts = (0..rows.cells.len()).filter_map(|row| rows.text(row, 0));
                let values = values::index(&sample, texts.collect());
                let table = &model.tables[sample.table];
                let place = [table.schema.clone(), table.name.clone(), sample.column];
                all.push((place, values));
            }
            Err(error) => {
                tracing::debug!(%error, column = sample.column, "the values of a column can't be read");
            }
        }
    }
    all
}

/// The values where a model has their columns.
fn placed(found: &[([String; 3], Vec<Value>)], model: &Model) -> Vec<Value> {
    let mut values = Vec::new();
    for ([schema, table, column], own) in found {
        let at = model
            .tables
            .iter()
            .position(|known| known.schema == *schema && known.name == *table);
        let Some(at) = at.filter(|at| model.tables[*at].column(column).is_some()) else {
            continue;
        };
        values.extend(own.iter().map(|value| Value {
            table: at,
            ..value.clone()
        }));
    }
    values
}
