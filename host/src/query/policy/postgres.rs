//! The policy for PostgreSQL, on PostgreSQL's own parse tree.
//!
//! Exactly one statement: `SELECT`, `VALUES`, `TABLE`, `SHOW`, or `EXPLAIN` of one of the first three. The
//! whole tree is walked against `grammar.rs`, a list of the node kinds and of their fields that a reading
//! statement is made of. A kind or a field that is not listed refuses the statement, so data-modifying
//! CTEs, `SELECT … INTO`, row locks and whatever grammar comes next need no rule of their own.
//!
//! Functions are judged by their normalised name, wherever a call can hide: in `FROM`, behind quotes and
//! `U&"…"` (the parser has resolved them), qualified, and as an attribute of their argument, `(x).f`.
//! `functions.rs` has the lists and the reasoning. Operators and casts are not judged: the built-in ones do
//! nothing but compute.
//!
//! Functions that run SQL text may do so when it is a literal that passes this policy itself.
//!
//! A server may have `standard_conforming_strings` off, and then `'\'` is not the end of a literal. A text
//! with a backslash is therefore parsed both ways and must pass both.
//!
//! What the parse can't show is left to the engine's read-only transaction and to the role's rights: what
//! a view, a function of a user, an operator or a cast of a user does inside.

use pg_query::{Error, ParserOptions};

use super::functions;
use super::grammar::{EXPLAIN_OPTIONS, NODES};
use super::tree::Tree;
use super::{Reason, Refusal};

/// SQL text in an argument of a function in SQL text: nobody needs more than one of these.
const SQL_IN_SQL: u8 = 2;

/// Stack for the deepest tree that the parser lets through. A level takes up to 25 KiB where the code is not
/// optimised, so even a short statement can be too deep for the caller's stack.
const DEEP_STACK_BYTES: usize = 64 << 20;

/// Judges a statement.
pub fn judge(sql: &str) -> Result<(), Refusal> {
    let too_deep = || Refusal {
        reason: Reason::TooDeep,
        message: "The statement could not be judged: no memory for its parse.".to_owned(),
        position: None,
    };
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(DEEP_STACK_BYTES)
            .spawn_scoped(scope, || judge_text(sql, SQL_IN_SQL))
            .map_err(|_| too_deep())?
            .join()
            .map_err(|_| too_deep())?
    })
}

fn judge_text(sql: &str, depth: u8) -> Result<(), Refusal> {
    judge_parse(sql, depth, ParserOptions::DEFAULT)?;
    if !sql.contains('\\') {
        return Ok(());
    }
    match judge_parse(
        sql,
        depth,
        ParserOptions::DISABLE_STANDARD_CONFORMING_STRINGS,
    ) {
        // A server that reads the text this way refuses it by itself.
        Err(Refusal {
            reason: Reason::Syntax | Reason::EmptySql,
            ..
        }) => Ok(()),
        other => other,
    }
}

fn judge_parse(sql: &str, depth: u8, options: ParserOptions) -> Result<(), Refusal> {
    let parsed = pg_query::parse(sql, options).map_err(|error| unparsed(sql, &error))?;
    let parsed = Tree::of(&parsed.protobuf).map_err(|error| Refusal {
        reason: Reason::Statement,
        message: format!("The statement's parse can't be judged: {error}."),
        position: None,
    })?;
    let judge = Judge { sql, depth };
    match parsed.list("stmts") {
        [] => Err(judge.refusal(Reason::EmptySql, "There is no statement.".to_owned(), None)),
        [statement] => judge.statement(statement),
        [_, second, ..] => Err(judge.refusal(
            Reason::MultipleStatements,
            "Only one statement may be run at a time.".to_owned(),
            Some(start_of(second)),
        )),
    }
}

fn unparsed(sql: &str, error: &Error) -> Refusal {
    let (reason, message, position) = match error {
        Error::Parse(message) if is_depth(message) => (Reason::TooDeep, message.clone(), None),
        Error::Parse(message) => (
            Reason::Syntax,
            message.clone(),
            syntax_position(sql, message),
        ),
        Error::Decode(_) => (Reason::TooDeep, "nested too deeply".to_owned(), None),
        Error::Conversion(_) => (
            Reason::Syntax,
            "the text contains a NUL character".to_owned(),
            None,
        ),
        other => (Reason::Syntax, other.to_string(), None),
    };
    Refusal {
        reason,
        message,
        position,
    }
}

fn is_depth(message: &str) -> bool {
    message.contains("stack depth")
        || message.contains("too deeply")
        || message.contains("memory exhausted")
}

/// The parser names the token that it stumbled over, not its place; the place is known when the token
/// stands in the text only once.
fn syntax_position(sql: &str, message: &str) -> Option<u32> {
    if message.ends_with("at end of input") {
        return character(sql, sql.len());
    }
    let token = message.split_once(" at or near \"")?.1.strip_suffix('"')?;
    let mut places = sql.match_indices(token);
    let (place, _) = places.next()?;
    if places.next().is_some() {
        None
    } else {
        character(sql, place)
    }
}

/// The 1-based character of a byte offset.
fn character(sql: &str, byte: usize) -> Option<u32> {
    let before = sql.get(..byte)?;
    u32::try_from(before.chars().count() + 1).ok()
}

fn start_of(statement: &Tree) -> i64 {
    match statement.field("stmt_location") {
        Some(Tree::Number(at)) => *at,
        _ => 0,
    }
}

fn location(node: &Tree) -> Option<i64> {
    match node.field("location") {
        Some(Tree::Number(at)) if *at >= 0 => Some(*at),
        _ => None,
    }
}

struct Judge<'a> {
    sql: &'a str,
    /// How many texts within texts may still be judged.
    depth: u8,
}

impl Judge<'_> {
    fn refusal(&self, reason: Reason, message: String, byte: Option<i64>) -> Refusal {
        let byte = byte
            .and_then(|byte| usize::try_from(byte).ok())
            .map(|byte| {
                // A statement's place includes the space before it.
                let rest = self.sql.get(byte..).unwrap_or("");
                byte + rest.len() - rest.trim_start().len()
            });
        Refusal {
            reason,
            message,
            position: byte.and_then(|byte| character(self.sql, byte)),
        }
    }

    fn statement(&self, raw: &Tree) -> Result<(), Refusal> {
        let start = Some(start_of(raw));
        let Some(statement) = raw.field("stmt") else {
            return Err(self.refusal(Reason::EmptySql, "There is no statement.".to_owned(), None));
        };
        match statement.kind() {
            "SelectStmt" | "VariableShowStmt" => self.walk(statement, start),
            "ExplainStmt" => {
                for option in statement.list("options") {
                    let name = option.text("defname");
                    if !EXPLAIN_OPTIONS.contains(&name) {
                        let message = format!("EXPLAIN has no option {name:?} that is known here.");
                        return Err(self.refusal(Reason::Statement, message, location(option)));
                    }
                }
                match statement.field("query") {
                    Some(query) if query.kind() == "SelectStmt" => self.walk(query, start),
                    other => Err(self.not_reading(other.map_or("", Tree::kind), start)),
                }
            }
            kind => Err(self.not_reading(kind, start)),
        }
    }

    fn not_reading(&self, kind: &str, at: Option<i64>) -> Refusal {
        let message = format!(
            "Only a reading statement may be run (SELECT, VALUES, TABLE, SHOW, or EXPLAIN of one), not {}.",
            statement_name(kind)
        );
        self.refusal(Reason::Statement, message, at)
    }

    /// Walks a tree without recursion. Each node goes with the nearest known place around it.
    fn walk(&self, root: &Tree, start: Option<i64>) -> Result<(), Refusal> {
        let mut waiting = vec![(root, start)];
        while let Some((tree, place)) = waiting.pop() {
            match tree {
                Tree::List(items) => waiting.extend(items.iter().rev().map(|item| (item, place))),
                Tree::Node(kind, fields) => {
                    let place = location(tree).or(place);
                    self.node(tree, kind, fields, place)?;
                    waiting.extend(fields.iter().rev().map(|(_, field)| (field, place)));
                }
                Tree::Default | Tree::Number(_) | Tree::True | Tree::Text(_) => {}
            }
        }
        Ok(())
    }

    fn node(
        &self,
        node: &Tree,
        kind: &str,
        fields: &[(&'static str, Tree)],
        place: Option<i64>,
    ) -> Result<(), Refusal> {
        let Some((_, allowed)) = NODES.iter().find(|(name, _)| *name == kind) else {
            return Err(self.not_reading(kind, place));
        };
        for (name, value) in fields {
            if allowed.contains(name) {
                continue;
            }
            return Err(match *name {
                "locking_clause" => self.refusal(
                    Reason::Locking,
                    "Rows must not be locked: leave out FOR UPDATE, FOR SHARE and the like.".to_owned(),
                    place,
                ),
                "into_clause" => self.refusal(
                    Reason::Statement,
                    "SELECT … INTO makes a table.".to_owned(),
                    value.field("rel").and_then(location).or(place),
                ),
                name => self.refusal(
                    Reason::Statement,
                    format!("The statement uses something that is not known to only read ({kind}.{name})."),
                    place,
                ),
            });
        }
        match kind {
            "FuncCall" => {
                let path: Vec<_> = node
                    .list("funcname")
                    .iter()
                    .filter_map(Tree::string)
                    .collect();
                self.function(functions::refuse_call(&path), &path.join("."), place)?;
                let arguments = node.list("args");
                match functions::sql_arguments(&path, arguments.len()) {
                    Some(texts) => self.sql_arguments(&path.join("."), arguments, texts, place),
                    None => Ok(()),
                }
            }
            // A column of a table, or a function of one argument. The first name is never a function.
            "ColumnRef" => self.attributes(node.list("fields").iter().skip(1), place),
            "AIndirection" => self.attributes(node.list("indirection").iter(), place),
            "RangeVar" if functions::is_hidden(node.text("schemaname"), node.text("relname")) => {
                let message = format!(
                    "{} holds credentials or files of the server.",
                    node.text("relname")
                );
                Err(self.refusal(Reason::Relation, message, place))
            }
            _ => Ok(()),
        }
    }

    fn attributes<'t>(
        &self,
        names: impl Iterator<Item = &'t Tree>,
        place: Option<i64>,
    ) -> Result<(), Refusal> {
        for name in names.filter_map(Tree::string) {
            self.function(functions::refuse_attribute(name), name, place)?;
        }
        Ok(())
    }

    fn function(
        &self,
        refused: Option<&str>,
        name: &str,
        place: Option<i64>,
    ) -> Result<(), Refusal> {
        match refused {
            None => Ok(()),
            Some(what) => {
                let message = format!("The function {name} may not be called: it {what}.");
                Err(self.refusal(Reason::Function, message, place))
            }
        }
    }
}

impl Judge<'_> {
    /// Judges the literals that a function will run as SQL. Numbers are not SQL; anything else could be.
    fn sql_arguments(
        &self,
        name: &str,
        arguments: &[Tree],
        texts: &[usize],
        place: Option<i64>,
    ) -> Result<(), Refusal> {
        let refused = |why: String| {
            let message = format!("The function {name} may not be called: {why}");
            self.refusal(Reason::Function, message, place)
        };
        for argument in texts.iter().filter_map(|at| arguments.get(*at)) {
            let literal = argument.field("val").map_or("", Tree::kind);
            let text = match (argument.kind(), literal) {
                ("AConst", "String") => argument.field("val").map_or("", |val| val.text("sval")),
                ("AConst", "Integer") => continue,
                _ => {
                    return Err(refused(
                        "it runs SQL text that is not a literal.".to_owned(),
                    ));
                }
            };
            if self.depth == 0 {
                return Err(refused("it runs SQL text within SQL text.".to_owned()));
            }
            judge_text(text, self.depth - 1).map_err(|inner| {
                refused(format!(
                    "it runs a text that may not run: {}",
                    inner.message
                ))
            })?;
        }
        Ok(())
    }
}

/// `InsertStmt` → `INSERT`, `CreateTableAsStmt` → `CREATE TABLE AS`.
fn statement_name(kind: &str) -> String {
    let known = match kind {
        "" => return "nothing".to_owned(),
        "CreateStmt" => "CREATE TABLE",
        "VariableSetStmt" => "SET or RESET",
        "TransactionStmt" => "a transaction command",
        "DeclareCursorStmt" => "DECLARE",
        "IndexStmt" => "CREATE INDEX",
        "ViewStmt" => "CREATE VIEW",
        "CreatedbStmt" => "CREATE DATABASE",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let mut name = String::new();
    for letter in kind.strip_suffix("Stmt").unwrap_or(kind).chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push(' ');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}
