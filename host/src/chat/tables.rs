//! Which table of the live database a name means.
//!
//! Exact names win over names that differ in case. Among equals a name that spells out its schema wins over one
//! in the default schema, and that over one anywhere. Two equals are ambiguous, and the answer asks.

use crate::plugins::{Dialect, PluginError, Relation, RelationFilter, Session};
use crate::query::identifier;
use crate::registry::Connection;

/// A table that was found.
#[derive(Debug, Clone)]
pub struct Table {
    pub relation: Relation,
    /// Whether a bare name reaches it.
    pub in_default_schema: bool,
}

impl Table {
    /// The name for people, with its schema where it is needed.
    pub fn name(&self) -> String {
        if self.in_default_schema {
            self.relation.name.clone()
        } else {
            format!("{}.{}", self.relation.schema, self.relation.name)
        }
    }

    /// The name as SQL, with its schema where it is needed and quotes where they are.
    pub fn sql(&self, dialect: Dialect) -> String {
        let name = identifier::quote(dialect, &self.relation.name);
        if self.in_default_schema || self.relation.schema.is_empty() {
            name
        } else {
            let schema = identifier::quote(dialect, &self.relation.schema);
            format!("{schema}.{name}")
        }
    }
}

/// What a name means.
#[derive(Debug)]
pub enum Lookup {
    Found(Table),
    /// Several fit equally well: their full names.
    Ambiguous(Vec<String>),
    Unknown,
}

/// The live tables of a connection, asked as they are needed.
pub struct Catalogue {
    session: Session,
    default_schema: Option<String>,
}

impl Catalogue {
    /// # Errors
    /// The connection gives no session, or the server does not say who it is.
    pub async fn open(connection: &Connection) -> Result<Self, PluginError> {
        let mut session = connection.session().await?;
        let default_schema = session.server().await?.default_schema;
        Ok(Self {
            session,
            default_schema,
        })
    }

    /// The schema in which the server looks for bare names.
    pub fn default_schema(&self) -> Option<&str> {
        self.default_schema.as_deref()
    }

    /// All tables, in the order of schema and name.
    ///
    /// # Errors
    /// The database's own.
    pub async fn all(&mut self) -> Result<Vec<Table>, PluginError> {
        let filter = RelationFilter {
            schema: None,
            name: None,
            columns: false,
        };
        let relations = self.session.relations(filter).await?;
        let mut tables: Vec<Table> = relations
            .into_iter()
            .map(|found| self.table(found))
            .collect();
        tables.sort_by(|a, b| {
            let key = |table: &Table| (table.relation.schema.clone(), table.relation.name.clone());
            key(a).cmp(&key(b))
        });
        Ok(tables)
    }

    /// The table that `name` means, with its columns.
    ///
    /// # Errors
    /// The database's own.
    pub async fn find(&mut self, name: &str) -> Result<Lookup, PluginError> {
        let mut candidates: Vec<(Rank, Relation)> = Vec::new();
        for reading in readings(name) {
            let filter = RelationFilter {
                schema: None,
                name: Some(reading.name.clone()),
                columns: true,
            };
            for relation in self.session.relations(filter).await? {
                if let Some(rank) = reading.rank(&relation, self.default_schema.as_deref()) {
                    candidates.push((rank, relation));
                }
            }
        }
        Ok(match best(candidates) {
            Best::None => Lookup::Unknown,
            Best::One(relation) => Lookup::Found(self.table(*relation)),
            Best::Several(names) => Lookup::Ambiguous(names),
        })
    }

    fn table(&self, relation: Relation) -> Table {
        Table {
            in_default_schema: self.default_schema.as_deref() == Some(relation.schema.as_str()),
            relation,
        }
    }
}

enum Best {
    None,
    One(Box<Relation>),
    Several(Vec<String>),
}

fn best(mut candidates: Vec<(Rank, Relation)>) -> Best {
    let Some(first) = candidates.iter().map(|(rank, _)| *rank).min() else {
        return Best::None;
    };
    candidates.retain(|(rank, _)| *rank == first);
    let full = |relation: &Relation| format!("{}.{}", relation.schema, relation.name);
    let mut names: Vec<String> = candidates.iter().map(|(_, found)| full(found)).collect();
    names.sort_unstable();
    names.dedup();
    match (names.len(), candidates.pop()) {
        (1, Some((_, relation))) => Best::One(Box::new(relation)),
        _ => Best::Several(names),
    }
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

/// One way to read a name.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    schema: Option<String>,
    name: String,
}

impl Reading {
    fn rank(&self, relation: &Relation, default_schema: Option<&str>) -> Option<Rank> {
        let same = |a: &str, b: &str| a == b || a.to_lowercase() == b.to_lowercase();
        if !same(&self.name, &relation.name) {
            return None;
        }
        let (place, exact) = match &self.schema {
            Some(schema) if same(schema, &relation.schema) => {
                (Place::NamedSchema, *schema == relation.schema)
            }
            Some(_) => return None,
            None if default_schema == Some(relation.schema.as_str()) => {
                (Place::DefaultSchema, true)
            }
            None => (Place::Anywhere, true),
        };
        Some(Rank {
            ignores_case: !exact || self.name != relation.name,
            place,
        })
    }
}

/// The text as a bare name and, at every dot, as `schema.table`: a table's own name may have dots too.
fn readings(text: &str) -> Vec<Reading> {
    let mut readings = vec![Reading {
        schema: None,
        name: unquote(text).to_owned(),
    }];
    for (dot, _) in text.match_indices('.') {
        let (schema, name) = (unquote(&text[..dot]), unquote(&text[dot + 1..]));
        if !schema.is_empty() && !name.is_empty() {
            readings.push(Reading {
                schema: Some(schema.to_owned()),
                name: name.to_owned(),
            });
        }
    }
    readings
}

/// Without the quotes of any dialect around a part.
fn unquote(part: &str) -> &str {
    for quote in ['"', '`', '\''] {
        let inner = part
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner.filter(|inner| !inner.is_empty() && !inner.contains(quote)) {
            return inner;
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::RelationKind;

    fn relation(schema: &str, name: &str) -> Relation {
        Relation {
            schema: schema.to_owned(),
            name: name.to_owned(),
            kind: RelationKind::Table,
            comment: None,
            row_estimate: None,
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
        }
    }

    /// What a name means among tables; several with `|` between them.
    fn meaning(name: &str, tables: &[(&str, &str)]) -> String {
        let candidates = readings(name)
            .into_iter()
            .flat_map(|reading| {
                tables.iter().filter_map(move |(schema, table)| {
                    let relation = relation(schema, table);
                    Some((reading.rank(&relation, Some("public"))?, relation))
                })
            })
            .collect();
        match best(candidates) {
            Best::None => String::new(),
            Best::One(found) => format!("{}.{}", found.schema, found.name),
            Best::Several(names) => names.join("|"),
        }
    }

    #[test]
    fn exactness_comes_before_place_and_place_before_doubt() {
        let tables = [
            ("public", "orders"),
            ("sales", "orders"),
            ("sales", "Orders"),
            ("sales", "items"),
            ("stock", "items"),
            ("public", "a.b"),
            ("a", "b"),
        ];
        for (name, expected) in [
            ("orders", "public.orders"),
            ("Orders", "sales.Orders"),
            ("sales.orders", "sales.orders"),
            ("SALES.\"Orders\"", "sales.Orders|sales.orders"),
            ("sales.\"Orders\"", "sales.Orders"),
            ("items", "sales.items|stock.items"),
            // A name that spells out its schema wins over the table of that whole name.
            ("a.b", "a.b"),
            ("`stock`.`items`", "stock.items"),
            ("nothing", ""),
        ] {
            let found = meaning(name, &tables);
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn a_name_has_its_schema_and_quotes_only_where_they_are_needed() {
        let table = |schema: &str, name: &str| Table {
            in_default_schema: schema == "public",
            relation: relation(schema, name),
        };
        for (schema, name, dialect, expected) in [
            ("public", "orders", Dialect::Postgresql, "orders"),
            (
                "sales",
                "Order Items",
                Dialect::Postgresql,
                "sales.\"Order Items\"",
            ),
            ("shop", "orders", Dialect::Mysql, "shop.orders"),
            ("shop", "order", Dialect::Mysql, "shop.`order`"),
            ("public", "orders", Dialect::Clickhouse, "orders"),
            ("public", "a-b", Dialect::Clickhouse, "`a-b`"),
            ("public", "orders", Dialect::Generic, "\"orders\""),
        ] {
            assert_eq!(table(schema, name).sql(dialect), expected);
        }
    }
}
