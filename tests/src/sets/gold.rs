//! Gold statements: which there are, and whether they order their rows.

use anyhow::{Result, ensure};

/// Columns of a set of braces; every further one doubles the statements.
const MOST_COLUMNS: usize = 8;

/// Whether a statement as a whole has an order, so that it is not one within parentheses.
pub fn is_ordered(sql: &str) -> bool {
    let plain = outside(sql);
    let words: Vec<String> = plain
        .split(|char: char| !char.is_alphanumeric() && char != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.windows(2).any(|pair| pair == ["order", "by"])
}

/// A statement without its quoted parts and without what is in parentheses.
fn outside(sql: &str) -> String {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut plain = String::new();
    for char in sql.chars() {
        match (quote, char) {
            (Some(end), _) => {
                if char == end {
                    quote = None;
                }
            }
            (None, '\'' | '"' | '`') => quote = Some(char),
            (None, '[') => quote = Some(']'),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth = depth.saturating_sub(1);
                plain.push(' ');
            }
            (None, _) if depth == 0 => plain.push(char),
            (None, _) => {}
        }
    }
    plain
}

/// The statements that stand for each other, as sql-eval writes them: several with semicolons between them, and in
/// braces columns of which any choice is right. `GROUP BY {}` takes the same choice.
///
/// # Errors
/// Too many columns to choose from.
pub fn alternatives(text: &str) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for statement in split(text) {
        let braces = statement
            .find('{')
            .and_then(|open| Some((open, open + statement[open..].find('}')?)))
            .filter(|(open, close)| close - open > 1);
        let Some((open, close)) = braces else {
            all.push(statement);
            continue;
        };
        let columns: Vec<&str> = statement[open + 1..close]
            .split(',')
            .map(str::trim)
            .collect();
        ensure!(
            columns.len() <= MOST_COLUMNS,
            "more than {MOST_COLUMNS} columns in braces"
        );
        for choice in 1_u32..1 << columns.len() {
            let chosen: Vec<&str> = (0..columns.len())
                .filter(|at| choice & (1 << at) != 0)
                .map(|at| columns[at])
                .collect();
            let chosen = chosen.join(", ");
            let rest = statement[close + 1..].replace("GROUP BY {}", &format!("GROUP BY {chosen}"));
            all.push(format!("{}{chosen}{rest}", &statement[..open]));
        }
    }
    Ok(all)
}

/// A text at its semicolons, those in quotes aside.
fn split(text: &str) -> Vec<String> {
    let mut quote = None;
    let mut parts = vec![String::new()];
    for char in text.chars() {
        match quote {
            Some(end) if char == end => quote = None,
            None if matches!(char, '\'' | '"') => quote = Some(char),
            None if char == ';' => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(char);
        }
    }
    parts
        .iter()
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_counts_only_if_it_is_that_of_the_whole_statement() {
        for (sql, ordered) in [
            ("SELECT a FROM t ORDER BY a", true),
            ("select a from t order\n by a desc limit 1", true),
            (
                "SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 1) x",
                false,
            ),
            ("SELECT 'order by' FROM t", false),
            ("SELECT \"order\", by FROM t", false),
            ("SELECT rank() OVER (ORDER BY a) FROM t", false),
            (
                "SELECT a FROM t WHERE b IN (SELECT b FROM u) ORDER BY a",
                true,
            ),
        ] {
            assert_eq!(is_ordered(sql), ordered, "{sql}");
        }
    }

    #[test]
    fn semicolons_and_braces_make_several_statements() -> Result<()> {
        assert_eq!(
            alternatives("SELECT ';' FROM t; SELECT 2 ;")?,
            ["SELECT ';' FROM t", "SELECT 2"]
        );
        assert_eq!(
            alternatives("SELECT {a.id, a.name}, COUNT(*) FROM a GROUP BY {}")?,
            [
                "SELECT a.id, COUNT(*) FROM a GROUP BY a.id",
                "SELECT a.name, COUNT(*) FROM a GROUP BY a.name",
                "SELECT a.id, a.name, COUNT(*) FROM a GROUP BY a.id, a.name",
            ]
        );
        assert!(alternatives("SELECT {a,b,c,d,e,f,g,h,i} FROM t").is_err());
        Ok(())
    }
}
