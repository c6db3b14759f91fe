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

use super::functions;
use super::grammar::{EXPLAIN_OPTIONS, NODES};
use super::parser::{self, Strings, Unparsed};
use super::tree::{Id, Tree, Value};
use super::{Reason, Refusal};

/// SQL text in an argument of a function in SQL text: nobody needs more than one of these.
const SQL_IN_SQL: u8 = 2;

/// Judges a statement.
pub fn judge(sql: &str) -> Result<(), Refusal> {
    judge_text(sql, SQL_IN_SQL)
}

fn judge_text(sql: &str, depth: u8) -> Result<(), Refusal> {
    judge_parse(sql, depth, Strings::Standard)?;
    if !sql.contains('\\') {
        return Ok(());
    }
    match judge_parse(sql, depth, Strings::Backslashes) {
        // A server that reads the text this way refuses it by itself.
        Err(Refusal {
            reason: Reason::Syntax | Reason::EmptySql,
            ..
        }) => Ok(()),
        other => other,
    }
}

fn judge_parse(sql: &str, depth: u8, strings: Strings) -> Result<(), Refusal> {
    let json = parser::parse(sql, strings).map_err(unparsed)?;
    let tree = Tree::read(&json).map_err(|error| Refusal {
        reason: Reason::Statement,
        message: format!("The statement can't be judged: {error}."),
        position: None,
    })?;
    let judge = Judge {
        sql,
        depth,
        tree: &tree,
    };
    let mut statements = tree.list(0, "stmts");
    match (statements.next(), statements.next()) {
        (None, _) => Err(judge.refusal(Reason::EmptySql, "There is no statement.", None)),
        (Some(statement), None) => judge.statement(statement),
        (Some(_), Some(second)) => Err(judge.refusal(
            Reason::MultipleStatements,
            "Only one statement may be run at a time.",
            Some(judge.start(second)),
        )),
    }
}

fn unparsed(error: Unparsed) -> Refusal {
    let depth = ["stack depth", "too deeply", "memory exhausted"];
    let (reason, message) = if depth.iter().any(|words| error.message.contains(words)) {
        (
            Reason::TooDeep,
            "The statement is nested too deeply.".to_owned(),
        )
    } else {
        (Reason::Syntax, error.message)
    };
    Refusal {
        reason,
        message,
        position: error.position,
    }
}

struct Judge<'a> {
    sql: &'a str,
    /// How many texts within texts may still be judged.
    depth: u8,
    tree: &'a Tree<'a>,
}

impl Judge<'_> {
    /// `byte`: where in the text, if that is known.
    fn refusal(&self, reason: Reason, message: impl Into<String>, byte: Option<i64>) -> Refusal {
        let position = byte
            .and_then(|byte| usize::try_from(byte).ok())
            .and_then(|byte| {
                // A statement's place includes the space before it.
                let (before, rest) = self.sql.split_at_checked(byte)?;
                let spaces = rest.chars().take_while(|char| char.is_whitespace()).count();
                u32::try_from(before.chars().count() + spaces + 1).ok()
            });
        Refusal {
            reason,
            message: message.into(),
            position,
        }
    }

    fn start(&self, statement: Id) -> i64 {
        self.tree.number(statement, "stmt_location").unwrap_or(0)
    }

    fn statement(&self, raw: Id) -> Result<(), Refusal> {
        let start = Some(self.start(raw));
        let statement = self.tree.member(raw, "stmt");
        let kind = |id: Option<Id>| {
            id.and_then(|id| self.tree.node(id))
                .map_or("", |(kind, _)| kind)
        };
        match (kind(statement), statement) {
            ("SelectStmt" | "VariableShowStmt", Some(statement)) => self.walk(statement, start),
            ("ExplainStmt", Some(statement)) => {
                let (_, explain) = self.tree.node(statement).unwrap_or(("", statement));
                for option in self.tree.list(explain, "options") {
                    let (_, option) = self.tree.node(option).unwrap_or(("", option));
                    let name = self.tree.text(option, "defname");
                    if !EXPLAIN_OPTIONS.contains(&name) {
                        let message = format!("EXPLAIN has no option {name:?} that is known here.");
                        return Err(self.refusal(
                            Reason::Statement,
                            message,
                            self.location(option),
                        ));
                    }
                }
                let query = self.tree.member(explain, "query");
                match (kind(query), query) {
                    ("SelectStmt", Some(query)) => self.walk(query, start),
                    (other, _) => Err(self.not_reading(other, start)),
                }
            }
            (other, _) => Err(self.not_reading(other, start)),
        }
    }

    fn not_reading(&self, kind: &str, at: Option<i64>) -> Refusal {
        let message = format!(
            "Only a reading statement may be run (SELECT, VALUES, TABLE, SHOW, or EXPLAIN of one), not {}.",
            statement_name(kind)
        );
        self.refusal(Reason::Statement, message, at)
    }

    fn location(&self, node: Id) -> Option<i64> {
        self.tree.number(node, "location").filter(|at| *at >= 0)
    }

    /// Walks a tree without recursion. Each value goes with the kind of struct that its field must hold, if
    /// it holds only one, and with the nearest known place around it.
    fn walk(&self, root: Id, start: Option<i64>) -> Result<(), Refusal> {
        let mut waiting = vec![(root, None, start)];
        let mut next = Vec::new();
        while let Some((id, expected, place)) = waiting.pop() {
            match self.tree.value(id) {
                Value::Text(_) | Value::Number(_) | Value::True | Value::Nothing => {}
                Value::List(_) => {
                    next.extend(self.tree.members(id).map(|item| (item, None, place)));
                }
                // An absent node in a list, as in `ROWS FROM (f())` without column definitions.
                Value::Object(_)
                    if expected.is_none() && self.tree.members(id).next().is_none() => {}
                Value::Object(_) => {
                    let node = expected
                        .map(|kind| (kind, id))
                        .or_else(|| self.tree.node(id));
                    let (kind, fields) = node.ok_or_else(|| self.not_reading("", place))?;
                    let place = self.location(fields).or(place);
                    for (field, expected) in self.node(kind, fields, place)? {
                        next.push((field, expected, place));
                    }
                }
            }
            // In the order of the text, so that the first offence is the one that is told.
            waiting.extend(next.drain(..).rev());
        }
        Ok(())
    }

    /// Judges a node by itself and gives its fields, each with the kind that it must hold.
    fn node(
        &self,
        kind: &str,
        node: Id,
        place: Option<i64>,
    ) -> Result<Vec<(Id, Option<&'static str>)>, Refusal> {
        let Some((_, allowed)) = NODES.iter().find(|(name, _)| *name == kind) else {
            return Err(self.not_reading(kind, place));
        };
        let mut fields = Vec::new();
        for field in self.tree.members(node) {
            let name = self.tree.key(field);
            let known = allowed.iter().find_map(|allowed| {
                let (allowed, kind) = allowed
                    .split_once(':')
                    .map_or((*allowed, None), |(f, k)| (f, Some(k)));
                (allowed == name).then_some(kind)
            });
            match known {
                Some(kind) => fields.push((field, kind)),
                None => return Err(self.unknown_field(kind, name, field, place)),
            }
        }
        let tree = self.tree;
        match kind {
            "FuncCall" => {
                let path: Vec<_> = tree
                    .list(node, "funcname")
                    .filter_map(|name| tree.string(name))
                    .collect();
                self.function(functions::refuse_call(&path), &path.join("."), place)?;
                let arguments: Vec<_> = tree.list(node, "args").collect();
                if let Some(texts) = functions::sql_arguments(&path, arguments.len()) {
                    self.sql_arguments(&path.join("."), &arguments, texts, place)?;
                }
            }
            // A column of a table, or a function of one argument. The first name is never a function.
            "ColumnRef" => self.attributes(tree.list(node, "fields").skip(1), place)?,
            "A_Indirection" => self.attributes(tree.list(node, "indirection"), place)?,
            "RangeVar" => {
                let relation = tree.text(node, "relname");
                if functions::is_hidden(tree.text(node, "schemaname"), relation) {
                    let message = format!("{relation} holds credentials or files of the server.");
                    return Err(self.refusal(Reason::Relation, message, place));
                }
            }
            _ => {}
        }
        Ok(fields)
    }

    fn unknown_field(&self, kind: &str, name: &str, field: Id, place: Option<i64>) -> Refusal {
        match name {
            "lockingClause" => self.refusal(
                Reason::Locking,
                "Rows must not be locked: leave out FOR UPDATE, FOR SHARE and the like.",
                place,
            ),
            "intoClause" => {
                let target = self
                    .tree
                    .member(field, "rel")
                    .and_then(|rel| self.location(rel));
                self.refusal(
                    Reason::Statement,
                    "SELECT … INTO makes a table.",
                    target.or(place),
                )
            }
            name => self.refusal(
                Reason::Statement,
                format!(
                    "The statement uses something that is not known to only read ({kind}.{name})."
                ),
                place,
            ),
        }
    }

    fn attributes(
        &self,
        names: impl Iterator<Item = Id>,
        place: Option<i64>,
    ) -> Result<(), Refusal> {
        for name in names.filter_map(|name| self.tree.string(name)) {
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

    /// Judges the literals that a function will run as SQL. Numbers are not SQL; anything else could be.
    fn sql_arguments(
        &self,
        name: &str,
        arguments: &[Id],
        texts: &[usize],
        place: Option<i64>,
    ) -> Result<(), Refusal> {
        let refused = |why: &str| {
            let message = format!("The function {name} may not be called: {why}");
            self.refusal(Reason::Function, message, place)
        };
        for argument in texts.iter().filter_map(|at| arguments.get(*at)) {
            let Some(("A_Const", literal)) = self.tree.node(*argument) else {
                return Err(refused("it runs SQL text that is not a literal."));
            };
            if self.tree.member(literal, "ival").is_some() {
                continue;
            }
            let Some(text) = self.tree.member(literal, "sval") else {
                return Err(refused("it runs SQL text that is not a literal."));
            };
            if self.depth == 0 {
                return Err(refused("it runs SQL text within SQL text."));
            }
            judge_text(self.tree.text(text, "sval"), self.depth - 1).map_err(|inner| {
                refused(&format!(
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
