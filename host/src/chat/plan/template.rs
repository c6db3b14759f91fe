//! Whether a Query DataPoint is what a question asks for, and with which values.
//!
//! The name of the template must stand in the question, word by word, but for words that say nothing; or most of its
//! words must, in any order, and every other word in its description. Whatever else the question says must be a value
//! of one of its parameters: a number beside the parameter's unit or subject,
//! one of the values that it lists, a day, a known value for a text. A parameter that the question leaves open
//! takes its default, and the answer says so.

use serde_json::Value as Json;

use super::lexicon::{Lexicon, Meaning, Word};
use super::model::{Model, Template};
use super::words::{Token, TokenKind, stems, tokens};
use crate::knowledge::datapoint::{Detail, Parameter, ParameterType, Query};
use crate::knowledge::template as syntax;
use crate::plugins::{Dialect, Parameters, Value};

/// A template with its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// Among the model's templates.
    pub template: usize,
    /// In the order of their names.
    pub values: Vec<(String, Json)>,
    /// The parameters that took their default and change which rows count.
    pub defaulted: Vec<String>,
    /// Whether the question spells out the whole name, and not only most of it.
    pub whole: bool,
}

/// Why a template's text can't be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the parameter {name} stands inside a text or a name, where nothing can be bound")]
pub struct Misplaced {
    pub name: String,
}

/// The template that a question names, if it is exactly one.
pub fn find(question: &str, model: &Model, lexicon: &Lexicon) -> Option<Bound> {
    let tokens = tokens(question);
    let mut found: Vec<(usize, Bound)> = model
        .templates
        .iter()
        .enumerate()
        .filter_map(|(at, template)| fit(at, template, &tokens, model, lexicon))
        .collect();
    if found.iter().any(|(_, bound)| bound.whole) {
        found.retain(|(_, bound)| bound.whole);
    }
    let longest = found.iter().map(|(length, _)| *length).max()?;
    found.retain(|(length, _)| *length == longest);
    match found.len() {
        1 => found.pop().map(|(_, bound)| bound),
        _ => None,
    }
}

/// Words that a name may have and a question may lack, or the other way round.
fn says_nothing(token: &Token, lexicon: &Lexicon) -> bool {
    let Some(stem) = token.stem() else {
        return token.kind == TokenKind::Comma;
    };
    is_filler(stem)
        || lexicon
            .phrases(std::slice::from_ref(token))
            .any(|(_, meaning)| *meaning == Meaning::Word(Word::Neutral))
}

fn is_filler(stem: &str) -> bool {
    matches!(
        stem,
        "a" | "an" | "the" | "of" | "our" | "all" | "each" | "every"
    )
}

/// How many words of the name were found, and the values, if everything else of the question is one.
fn fit(
    at: usize,
    template: &Template,
    tokens: &[Token],
    model: &Model,
    lexicon: &Lexicon,
) -> Option<(usize, Bound)> {
    let Detail::Query(query) = &template.point.detail else {
        return None;
    };
    let name: Vec<String> = stems(&template.source.name)
        .into_iter()
        .filter(|stem| !is_filler(stem))
        .collect();
    let (named, whole) = match spelled(&name, tokens) {
        Some(named) => (named, true),
        None => (mostly(&name, tokens)?, false),
    };
    let rest: Vec<usize> = (0..tokens.len()).filter(|at| !named.contains(at)).collect();
    let description = if whole {
        Vec::new()
    } else {
        stems(&query.description)
    };
    let mut binder = Binder {
        query,
        model,
        tokens,
        lexicon,
        description,
        values: Vec::new(),
    };
    binder.bind(&rest)?;
    let mut defaulted = Vec::new();
    let mut values = binder.values;
    for (name, parameter) in &query.parameters {
        if values.iter().any(|(known, _)| known == name) {
            continue;
        }
        let default = parameter.default.clone();
        let value = match default {
            Some(value) => value,
            None if parameter.required => return None,
            None => Json::Null,
        };
        if !is_limit(query, name, &model.database_type) {
            defaulted.push(name.clone());
        }
        values.push((name.clone(), value));
    }
    values.sort_by(|(one, _), (other, _)| one.cmp(other));
    let bound = Bound {
        template: at,
        values,
        defaulted,
        whole,
    };
    Some((named.len(), bound))
}

/// Where the words of a name stand one after the other.
fn spelled(name: &[String], tokens: &[Token]) -> Option<Vec<usize>> {
    let words: Vec<usize> = (0..tokens.len())
        .filter(|at| {
            !tokens[*at].stem().is_some_and(is_filler) && tokens[*at].kind != TokenKind::Comma
        })
        .collect();
    let fits = |start: &usize| {
        let here = words.get(*start..start + name.len());
        here.is_some_and(|here| {
            here.iter()
                .zip(name)
                .all(|(at, stem)| tokens[*at].stem() == Some(stem))
        })
    };
    let start = (0..words.len()).find(fits)?;
    Some(words[start..start + name.len()].to_vec())
}

/// Where most of the words of a name stand, in any order: two of three at least, and never one alone.
fn mostly(name: &[String], tokens: &[Token]) -> Option<Vec<usize>> {
    let links = |stem: &str| matches!(stem, "by" | "and" | "in" | "with" | "per" | "for");
    let telling: Vec<&String> = name.iter().filter(|stem| !links(stem)).collect();
    let mut found = Vec::new();
    for stem in &telling {
        let at = tokens.iter().position(|token| token.stem() == Some(stem));
        found.extend(at.filter(|at| !found.contains(at)));
    }
    (found.len() >= 2 && found.len() * 3 >= telling.len() * 2).then_some(found)
}

/// Whether a parameter only says how many rows are shown.
fn is_limit(query: &Query, name: &str, database_type: &str) -> bool {
    let sql = query.template_for(database_type);
    let mut before = "";
    for piece in &syntax::Template::parse(sql).pieces {
        match piece {
            syntax::Piece::Sql(sql) => before = sql,
            syntax::Piece::Parameter { name: found, .. } if *found == name => {
                return before.trim_end().to_uppercase().ends_with("LIMIT");
            }
            syntax::Piece::Parameter { .. } => before = "",
        }
    }
    false
}

struct Binder<'a> {
    query: &'a Query,
    model: &'a Model,
    tokens: &'a [Token],
    lexicon: &'a Lexicon,
    /// Words that may stand in the question beside the name.
    description: Vec<String>,
    values: Vec<(String, Json)>,
}

impl Binder<'_> {
    /// Finds a parameter for everything that says something; `None` if there is something else.
    fn bind(&mut self, rest: &[usize]) -> Option<()> {
        let mut used = vec![false; self.tokens.len()];
        for &at in rest {
            match &self.tokens[at].kind {
                TokenKind::Number(digits) => {
                    let name = self.numeric(at)?;
                    let value = serde_json::from_str(digits).ok()?;
                    self.values.push((name, value));
                    used[at] = true;
                }
                TokenKind::Day(day) => {
                    let name = self.only(|kind| kind == ParameterType::Timestamp)?;
                    let value = format!("{day}T00:00:00Z");
                    self.values.push((name, value.into()));
                    used[at] = true;
                }
                TokenKind::Quoted(text) => {
                    let name = self.only(|kind| kind == ParameterType::String)?;
                    self.values.push((name, text.clone().into()));
                    used[at] = true;
                }
                TokenKind::Word(_) | TokenKind::Sign(_) | TokenKind::Comma => {}
            }
        }
        for &at in rest {
            if used[at] {
                continue;
            }
            if let Some((name, value, length)) = self.listed(at).or_else(|| self.known(at)) {
                self.values.push((name, value));
                for taken in used.iter_mut().skip(at).take(length) {
                    *taken = true;
                }
            }
        }
        let left = rest.iter().filter(|at| !used[**at]);
        for &at in left {
            let described = self.tokens[at]
                .stem()
                .is_some_and(|stem| self.description.iter().any(|own| own == stem));
            if !described && !self.belongs(at) && !says_nothing(&self.tokens[at], self.lexicon) {
                return None;
            }
        }
        Some(())
    }

    fn free(&self) -> impl Iterator<Item = (&String, &Parameter)> {
        self.query
            .parameters
            .iter()
            .filter(|(name, _)| !self.values.iter().any(|(known, _)| known == *name))
    }

    fn only(&self, fits: impl Fn(ParameterType) -> bool) -> Option<String> {
        let mut free = self.free().filter(|(_, parameter)| fits(parameter.kind));
        let found = free.next()?.0.clone();
        free.next().is_none().then_some(found)
    }

    /// The parameter of a number: the one that the words beside it name, in its name or after it as its unit.
    fn numeric(&self, at: usize) -> Option<String> {
        let numeric =
            |kind: ParameterType| matches!(kind, ParameterType::Integer | ParameterType::Float);
        let stem_of = |at: Option<usize>| at.and_then(|at| self.tokens.get(at)?.stem());
        let (before, after) = (stem_of(at.checked_sub(1)), stem_of(Some(at + 1)));
        let candidates: Vec<(&String, Vec<String>)> = self
            .free()
            .filter(|(_, parameter)| numeric(parameter.kind))
            .map(|(name, _)| (name, stems(name)))
            .collect();
        let named = |stem: Option<&str>| {
            let stem = stem?;
            let mut fits = candidates
                .iter()
                .filter(|(_, stems)| stems.iter().any(|own| own == stem));
            let found = fits.next()?;
            fits.next().is_none().then(|| found.0.clone())
        };
        let ranked = matches!(before, Some("top" | "first" | "best" | "bottom" | "last"));
        let limit = || {
            let mut limits = candidates
                .iter()
                .filter(|(name, _)| is_limit(self.query, name, &self.model.database_type));
            Some(limits.next()?.0.clone())
        };
        named(after)
            .or_else(|| named(before))
            .or_else(|| if ranked { limit() } else { None })
    }

    /// One of the values that a parameter lists, or a truth.
    fn listed(&self, at: usize) -> Option<(String, Json, usize)> {
        for (name, parameter) in self.free() {
            if parameter.kind != ParameterType::Enum {
                continue;
            }
            for value in &parameter.values {
                let wanted = stems(value);
                let here = self.tokens.get(at..at + wanted.len());
                let same = here.is_some_and(|here| {
                    here.iter()
                        .zip(&wanted)
                        .all(|(token, stem)| token.stem() == Some(stem))
                });
                if same && !wanted.is_empty() {
                    return Some((name.clone(), value.clone().into(), wanted.len()));
                }
            }
        }
        None
    }

    /// A value that the database is known to hold, for the only text.
    fn known(&self, at: usize) -> Option<(String, Json, usize)> {
        let name = self.only(|kind| kind == ParameterType::String)?;
        let mut phrases = self.lexicon.phrases(&self.tokens[at..]);
        phrases.find_map(|(length, meaning)| match meaning {
            Meaning::Value(values) => {
                let value = &self.model.values[*values.first()?];
                Some((name.clone(), value.text.clone().into(), length))
            }
            _ => None,
        })
    }

    /// Whether a word is beside a value that was bound: `last` and `days` of `the last 30 days`, the name of the
    /// parameter, what its description says.
    fn belongs(&self, at: usize) -> bool {
        let Some(stem) = self.tokens[at].stem() else {
            return false;
        };
        if self.values.is_empty() {
            return false;
        }
        let glue = matches!(
            stem,
            "last" | "past" | "previous" | "top" | "first" | "since" | "with" | "only" | "within"
        );
        let of_parameter = self.values.iter().any(|(name, _)| {
            let mut own = stems(name);
            let description = self
                .query
                .parameters
                .get(name)
                .and_then(|parameter| parameter.description.as_deref());
            own.extend(stems(description.unwrap_or_default()));
            own.iter().any(|own| own == stem)
        });
        glue || of_parameter
    }
}

/// The statement of a bound template in the words of a dialect, and its values.
///
/// # Errors
/// A parameter stands where nothing can be bound.
pub fn statement(
    bound: &Bound,
    query: &Query,
    database_type: &str,
    dialect: Dialect,
) -> Result<(String, Parameters), Misplaced> {
    let template = syntax::Template::parse(query.template_for(database_type));
    let mut order: Vec<String> = Vec::new();
    let mut sql = String::new();
    for piece in &template.pieces {
        match piece {
            syntax::Piece::Sql(text) => sql.push_str(text),
            syntax::Piece::Parameter { name, place } => {
                if *place != syntax::Place::Value {
                    return Err(Misplaced {
                        name: (*name).to_owned(),
                    });
                }
                let kind = query.parameters.get(*name).map(|parameter| parameter.kind);
                sql.push_str(&placeholder(dialect, name, kind, &mut order));
            }
        }
    }
    let value = |name: &str| {
        let found = bound.values.iter().find(|(known, _)| known == name);
        found.map_or(Value::Null, |(_, json)| scalar(json))
    };
    let parameters = match dialect {
        Dialect::Clickhouse => Parameters::Named(
            bound
                .values
                .iter()
                .map(|(name, json)| (name.clone(), scalar(json)))
                .collect(),
        ),
        _ => Parameters::Positional(order.iter().map(|name| value(name)).collect()),
    };
    Ok((sql, parameters))
}

fn placeholder(
    dialect: Dialect,
    name: &str,
    kind: Option<ParameterType>,
    order: &mut Vec<String>,
) -> String {
    match dialect {
        Dialect::Clickhouse => {
            let kind = match kind {
                Some(ParameterType::Integer) => "Int64",
                Some(ParameterType::Float) => "Float64",
                Some(ParameterType::Boolean) => "Bool",
                _ => "String",
            };
            format!("{{{name}:{kind}}}")
        }
        Dialect::Postgresql => {
            let at = order.iter().position(|known| known == name);
            let at = at.unwrap_or_else(|| {
                order.push(name.to_owned());
                order.len() - 1
            });
            format!("${}", at + 1)
        }
        Dialect::Mysql | Dialect::Generic => {
            order.push(name.to_owned());
            "?".to_owned()
        }
    }
}

fn scalar(json: &Json) -> Value {
    match json {
        Json::Null | Json::Array(_) | Json::Object(_) => Value::Null,
        Json::Bool(truth) => Value::Boolean(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::Integer(integer),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::Decimal(number.to_string()),
        },
        Json::String(text) => Value::Text(text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::shop;
    use super::*;

    /// Id, values, parameters by default, whether the whole name was found.
    type Found = (String, Vec<(String, Json)>, Vec<String>, bool);

    fn found(question: &str) -> Option<Found> {
        let (model, lexicon) = shop(Dialect::Postgresql);
        let bound = find(question, &model, &lexicon)?;
        let id = model.templates[bound.template].source.id.clone();
        Some((id, bound.values, bound.defaulted, bound.whole))
    }

    #[test]
    fn a_template_is_named_in_full_or_for_the_most_part_and_everything_else_is_a_value() {
        for question in [
            "Purchase history of customer 42",
            "Show me the purchase history of the customer 42, please",
        ] {
            let (id, values, defaulted, whole) = found(question).expect(question);
            assert_eq!(id, "query_history_001", "{question}");
            let expected = [("customer_id", json!(42)), ("limit", json!(20))];
            let expected = expected.map(|(name, value)| (name.to_owned(), value));
            assert_eq!(values, expected, "{question}");
            assert_eq!((defaulted.is_empty(), whole), (true, true), "{question}");
        }
        let (_, values, defaulted, whole) =
            found("Recent orders by channel till in the last 7 days").expect("a template");
        assert_eq!(
            values,
            [
                ("channel".to_owned(), json!("till")),
                ("days".to_owned(), json!(7))
            ]
        );
        assert_eq!((defaulted, whole), (Vec::new(), true));
        let (_, _, defaulted, _) = found("recent orders by channel").expect("a template");
        assert_eq!(defaulted, ["channel", "days"]);
        let (id, .., whole) = found("history of purchases of customer 7").expect("a template");
        assert_eq!((id.as_str(), whole), ("query_history_001", false));
    }

    #[test]
    fn a_word_that_is_no_value_or_a_value_that_is_missing_makes_it_another_question() {
        for question in [
            "Purchase history of a customer",
            "Purchase history of customer 42 in Paris",
            "Purchase history of supplier 42",
            "history 42",
            "Recent orders by channel and city",
        ] {
            assert_eq!(found(question), None, "{question}");
        }
    }

    #[test]
    fn values_are_bound_and_never_put_into_the_text() {
        let (model, lexicon) = shop(Dialect::Postgresql);
        let bound = find("Purchase history of customer 42", &model, &lexicon).expect("a template");
        let Detail::Query(query) = &model.templates[bound.template].point.detail else {
            panic!("no query");
        };
        let statement = |dialect| statement(&bound, query, "any", dialect).expect("a statement");
        let (sql, parameters) = statement(Dialect::Postgresql);
        assert!(
            sql.contains("customer_id = $1 ") && sql.ends_with("LIMIT $2"),
            "{sql}"
        );
        let values = vec![Value::Integer(42), Value::Integer(20)];
        assert!(
            matches!(parameters, Parameters::Positional(found) if format!("{found:?}") == format!("{values:?}"))
        );
        let (sql, parameters) = statement(Dialect::Clickhouse);
        assert!(sql.contains("customer_id = {customer_id:Int64} "), "{sql}");
        assert!(matches!(parameters, Parameters::Named(found) if found.len() == 2));
        let (sql, _) = statement(Dialect::Mysql);
        assert!(sql.ends_with("LIMIT ?"), "{sql}");
    }
}
