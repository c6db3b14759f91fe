//! Looking up the types of a database that are not built in.
//!
//! One query per level of nesting, and at most [`MAX_LEVELS`] of them: an array of a composite with an enum
//! takes three, and is then known for the rest of the session. What can't be found stays unknown, and the
//! plan asks for it as text.

use datachat_sdk::connector::types::DbError;
use datachat_sdk::net::Transport;

use crate::session::Session;
use crate::types::{TypeInfo, TypeKind};

/// How deeply types may nest before the rest is left unknown.
const MAX_LEVELS: usize = 16;

/// From PostgreSQL 14 on a multirange names its range; before there are none.
const MULTIRANGE: &str =
    "(SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngmultitypid = t.oid)";

fn query(major_version: u32) -> String {
    let multirange = if major_version >= 14 {
        MULTIRANGE
    } else {
        "NULL"
    };
    format!(
        "SELECT t.oid, pg_catalog.format_type(t.oid, NULL), t.typtype, \
         CASE WHEN t.typcategory = 'A' AND t.typlen = -1 AND t.typelem <> 0 THEN t.typelem END, \
         t.typbasetype, \
         (SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid), \
         {multirange}, \
         CASE WHEN t.typtype = 'e' THEN (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder) \
          FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) END, \
         CASE WHEN t.typtype = 'c' THEN (SELECT pg_catalog.json_agg(\
           pg_catalog.json_build_array(a.attname, a.atttypid::pg_catalog.int8) ORDER BY a.attnum) \
          FROM pg_catalog.pg_attribute a \
          WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END \
         FROM pg_catalog.pg_type t WHERE t.oid = ANY ($1::pg_catalog.oid[])"
    )
}

impl<T: Transport> Session<T> {
    /// Makes sure that the catalog knows the types `oids`, as far as the database does.
    pub(crate) fn learn_types(&mut self, oids: &[u32]) -> Result<(), DbError> {
        let mut asked: Vec<u32> = Vec::new();
        for _ in 0..MAX_LEVELS {
            let mut missing = self.catalog.missing(oids);
            missing.retain(|oid| !asked.contains(oid));
            if missing.is_empty() {
                break;
            }
            let list: Vec<String> = missing.iter().map(u32::to_string).collect();
            let array = format!("{{{}}}", list.join(","));
            let sql = query(self.major_version());
            for row in self.fetch(&sql, &[Some(&array)])? {
                if let Some(info) = read(&row) {
                    self.catalog.add(info);
                }
            }
            asked.extend(missing);
        }
        Ok(())
    }
}

/// A row of the look-up; `None` when it is not what was asked for.
fn read(row: &[Option<String>]) -> Option<TypeInfo> {
    let text = |index: usize| row.get(index)?.as_deref();
    let oid = |index: usize| text(index)?.parse::<u32>().ok();
    let kind = match text(2)? {
        "e" => TypeKind::Enum {
            labels: serde_json::from_str(text(7).unwrap_or("[]")).ok()?,
        },
        "d" => TypeKind::Domain { base: oid(4)? },
        "c" => TypeKind::Composite {
            fields: serde_json::from_str(text(8).unwrap_or("[]")).ok()?,
        },
        "r" => TypeKind::Range { subtype: oid(5)? },
        "m" => TypeKind::Multirange { range: oid(6)? },
        "p" => TypeKind::Pseudo,
        _ => match oid(3) {
            Some(element) => TypeKind::Array { element },
            None => TypeKind::Base,
        },
    };
    Some(TypeInfo {
        oid: oid(0)?,
        name: text(1)?.to_owned(),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_each_kind_is_read() {
        let row = |kind: &str, index: usize, value: &str| {
            let mut row: Vec<Option<String>> = vec![None; 9];
            row[0] = Some("16500".to_owned());
            row[1] = Some("shop.\"Mood\"".to_owned());
            row[2] = Some(kind.to_owned());
            if index > 2 {
                row[index] = Some(value.to_owned());
            }
            read(&row).map(|info| info.kind)
        };
        assert_eq!(
            row("e", 7, r#"["a","it's \"b\""]"#),
            Some(TypeKind::Enum {
                labels: vec!["a".into(), "it's \"b\"".into()]
            })
        );
        assert_eq!(row("d", 4, "23"), Some(TypeKind::Domain { base: 23 }));
        assert_eq!(
            row("c", 8, r#"[["x",23],["Y z",16501]]"#),
            Some(TypeKind::Composite {
                fields: vec![("x".into(), 23), ("Y z".into(), 16501)]
            })
        );
        assert_eq!(
            row("c", 0, ""),
            Some(TypeKind::Composite { fields: vec![] })
        );
        assert_eq!(row("b", 3, "23"), Some(TypeKind::Array { element: 23 }));
        assert_eq!(row("b", 0, ""), Some(TypeKind::Base));
        assert_eq!(row("r", 5, "1082"), Some(TypeKind::Range { subtype: 1082 }));
        assert_eq!(
            row("m", 6, "3912"),
            Some(TypeKind::Multirange { range: 3912 })
        );
        assert_eq!(row("r", 0, ""), None);
    }
}
