//! Which table a name means.
//!
//! Exact names win over names that differ in case. Among equals, a name that spells out its schema wins over
//! one in the default schema, and that over one anywhere. Two equals are ambiguous: the caller must say which.

use datachat_sdk::tool::types::{Relation, RelationFilter};

use crate::database::Database;
use crate::failure::Failure;

/// A table that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub relation: Relation,
    /// Whether a bare name reaches it.
    pub in_default_schema: bool,
}

impl Found {
    /// The name, with its schema where it is needed.
    pub fn name(&self) -> String {
        if self.in_default_schema {
            self.relation.name.clone()
        } else {
            format!("{}.{}", self.relation.schema, self.relation.name)
        }
    }

    /// The name as SQL.
    pub fn sql(&self, database: &impl Database) -> String {
        format!(
            "{}.{}",
            database.quote_identifier(&self.relation.schema),
            database.quote_identifier(&self.relation.name)
        )
    }
}

/// Finds the table that `table` and `schema` mean.
///
/// # Errors
/// No such table, several equally good ones, or the database's own error.
pub fn find(
    database: &impl Database,
    table: &str,
    schema: Option<&str>,
    columns: bool,
) -> Result<Found, Failure> {
    let default_schema = database.describe()?.default_schema;
    let mut best: Option<(Rank, Vec<Relation>)> = None;
    for reading in readings(table, schema) {
        // The schema is compared here and not by the database, which knows exact comparison only.
        let filter = RelationFilter {
            schema: None,
            name: Some(reading.name.clone()),
            columns,
        };
        for relation in database.relations(&filter)? {
            let Some(rank) = reading.rank(&relation, default_schema.as_deref()) else {
                continue;
            };
            match &mut best {
                Some((best_rank, found)) if *best_rank == rank => {
                    if !found.contains(&relation) {
                        found.push(relation);
                    }
                }
                Some((best_rank, _)) if *best_rank < rank => {}
                _ => best = Some((rank, vec![relation])),
            }
        }
    }
    let (_, mut found) = best.ok_or_else(|| Failure::TableNotFound {
        table: table.to_owned(),
    })?;
    if found.len() > 1 {
        let candidates = found
            .iter()
            .map(|relation| format!("{}.{}", relation.schema, relation.name))
            .collect();
        return Err(Failure::AmbiguousTable {
            table: table.to_owned(),
            candidates,
        });
    }
    let relation = found.remove(0);
    Ok(Found {
        in_default_schema: default_schema.as_deref() == Some(relation.schema.as_str()),
        relation,
    })
}

/// How well a table fits; smaller is better. Exactness comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    ignores_case: bool,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    NamedSchema,
    DefaultSchema,
    Anywhere,
}

/// One way to read what was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    schema: Option<String>,
    name: String,
}

/// The argument as a bare name and, where it has dots, as `schema.table`; a table's own name may have dots too.
fn readings(table: &str, schema: Option<&str>) -> Vec<Reading> {
    let mut readings = vec![Reading {
        schema: schema.map(str::to_owned),
        name: unquote(table).to_owned(),
    }];
    if schema.is_none() {
        for (dot, _) in table.match_indices('.') {
            let (schema, name) = (unquote(&table[..dot]), unquote(&table[dot + 1..]));
            if !schema.is_empty() && !name.is_empty() {
                readings.push(Reading {
                    schema: Some(schema.to_owned()),
                    name: name.to_owned(),
                });
            }
        }
    }
    readings
}

/// Without the quotes that somebody who thinks in SQL put around it.
fn unquote(part: &str) -> &str {
    part.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|inner| !inner.is_empty() && !inner.contains('"'))
        .unwrap_or(part)
}

impl Reading {
    fn rank(&self, relation: &Relation, default_schema: Option<&str>) -> Option<Rank> {
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        if !same(&self.name, &relation.name) {
            return None;
        }
        let mut exact = self.name == relation.name;
        let place = match &self.schema {
            Some(schema) if same(schema, &relation.schema) => {
                exact &= *schema == relation.schema;
                Place::NamedSchema
            }
            Some(_) => return None,
            None if default_schema == Some(relation.schema.as_str()) => Place::DefaultSchema,
            None => Place::Anywhere,
        };
        Some(Rank {
            ignores_case: !exact,
            place,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::fake::{Fake, relation};

    fn fake() -> Fake {
        Fake::new(vec![
            relation("public", "orders"),
            relation("public", "Customer Notes"),
            relation("public", "a.b"),
            relation("risk", "orders"),
            relation("risk", "scores"),
            relation("Warehouse", "Scores"),
            relation("Warehouse", "items"),
            relation("archive", "items"),
        ])
    }

    fn name(table: &str, schema: Option<&str>) -> Result<String, Failure> {
        find(&fake(), table, schema, false)
            .map(|found| format!("{}/{}", found.relation.schema, found.relation.name))
    }

    #[test]
    fn the_default_schema_is_searched_before_the_others() {
        assert_eq!(name("orders", None), Ok("public/orders".to_owned()));
        assert_eq!(name("ORDERS", None), Ok("public/orders".to_owned()));
    }

    #[test]
    fn an_exact_name_elsewhere_wins_over_another_case() {
        assert_eq!(name("Scores", None), Ok("Warehouse/Scores".to_owned()));
        assert_eq!(name("scores", None), Ok("risk/scores".to_owned()));
    }

    #[test]
    fn a_schema_can_be_part_of_the_name_or_an_argument() {
        assert_eq!(name("risk.orders", None), Ok("risk/orders".to_owned()));
        assert_eq!(name("orders", Some("risk")), Ok("risk/orders".to_owned()));
        assert_eq!(
            name("warehouse.scores", None),
            Ok("Warehouse/Scores".to_owned())
        );
        assert_eq!(
            name("\"public\".\"Customer Notes\"", None),
            Ok("public/Customer Notes".to_owned())
        );
        assert_eq!(name("a.b", None), Ok("public/a.b".to_owned()));
    }

    #[test]
    fn equals_are_ambiguous_and_strangers_not_found() {
        assert_eq!(
            name("items", None),
            Err(Failure::AmbiguousTable {
                table: "items".to_owned(),
                candidates: vec!["Warehouse.items".to_owned(), "archive.items".to_owned()],
            })
        );
        for (table, schema) in [
            ("nothing", None),
            ("orders", Some("archive")),
            ("risk.items", None),
        ] {
            assert_eq!(
                name(table, schema),
                Err(Failure::TableNotFound {
                    table: table.to_owned()
                }),
                "{table}"
            );
        }
    }
}
