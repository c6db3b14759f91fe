//! The policy for PostgreSQL, on PostgreSQL's own parse tree.
//!
//! Exactly one statement: `SELECT`, `VALUES`, `TABLE`, `SHOW`, or `EXPLAIN` of one of the first three. The
//! whole tree is walked against [`NODES`], a list of the node kinds and of their fields that a reading
//! statement is made of. A kind or a field that is not listed refuses the statement, so data-modifying
//! CTEs, `SELECT … INTO`, row locks and whatever grammar comes next need no rule of their own.
//!
//! Functions are judged by their normalised name, wherever a call can hide: in `FROM`, behind quotes and
//! `U&"…"` (the parser has resolved them), qualified, and as an attribute of their argument, `(x).f`.
//! `functions.rs` has the lists and the reasoning. Operators and casts are not judged: the built-in ones do
//! nothing but compute.
//!
//! A server may have `standard_conforming_strings` off, and then `'\'` is not the end of a literal. A text
//! with a backslash is therefore parsed both ways and must pass both.
//!
//! What the parse can't show is left to the engine's read-only transaction and to the role's rights: what
//! a view, a function of a user, an operator or a cast of a user does inside.

use pg_query::{Error, ParserOptions};

use super::functions;
use super::tree::Tree;
use super::{Reason, Refusal};

/// Statements up to this long are parsed on the caller's stack; a tree can be about half as deep as its
/// text is long.
const SHALLOW_BYTES: usize = 1 << 10;

/// Stack for the deepest tree that the parser lets through, 10,000 messages in one another.
const DEEP_STACK_BYTES: usize = 64 << 20;

/// Judges a statement.
pub fn judge(sql: &str) -> Result<(), Refusal> {
    if sql.len() <= SHALLOW_BYTES {
        return judge_here(sql);
    }
    let too_deep = || Refusal {
        reason: Reason::TooDeep,
        message: "The statement could not be judged: no memory for its parse.".to_owned(),
        position: None,
    };
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(DEEP_STACK_BYTES)
            .spawn_scoped(scope, || judge_here(sql))
            .map_err(|_| too_deep())?
            .join()
            .map_err(|_| too_deep())?
    })
}

fn judge_here(sql: &str) -> Result<(), Refusal> {
    judge_parse(sql, ParserOptions::DEFAULT)?;
    if !sql.contains('\\') {
        return Ok(());
    }
    match judge_parse(sql, ParserOptions::DISABLE_STANDARD_CONFORMING_STRINGS) {
        // A server that reads the text this way refuses it by itself.
        Err(Refusal {
            reason: Reason::Syntax | Reason::EmptySql,
            ..
        }) => Ok(()),
        other => other,
    }
}

fn judge_parse(sql: &str, options: ParserOptions) -> Result<(), Refusal> {
    let parsed = pg_query::parse(sql, options).map_err(|error| unparsed(sql, &error))?;
    let parsed = Tree::of(&parsed.protobuf).map_err(|error| Refusal {
        reason: Reason::Statement,
        message: format!("The statement's parse can't be judged: {error}."),
        position: None,
    })?;
    let judge = Judge { sql };
    match parsed.list("stmts") {
        [] => Err(judge.refusal(Reason::EmptySql, "There is no statement.".to_owned(), None)),
        [statement] => judge.statement(statement),
        [_, second, ..] => Err(judge.refusal(
            Reason::MultipleStatements,
            "Only one statement may be run at a time.".to_owned(),
            start_of(second),
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

fn start_of(statement: &Tree) -> Option<i64> {
    match statement.field("stmt_location") {
        Some(Tree::Number(at)) => Some(*at),
        _ => Some(0),
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
        let start = start_of(raw);
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
                let refused = functions::refuse_call(&path)
                    .or_else(|| functions::refuse_arguments(&path, node.list("args").len()));
                self.function(refused, &path.join("."), place)
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

/// Options of `EXPLAIN` that change what it shows, not what it does.
const EXPLAIN_OPTIONS: &[&str] = &[
    "analyze",
    "buffers",
    "costs",
    "format",
    "generic_plan",
    "memory",
    "serialize",
    "settings",
    "summary",
    "timing",
    "verbose",
    "wal",
];

/// What a reading statement is made of: node kinds, and their fields that may be set. Fields that only the
/// analyser sets (type ids and the like) are not listed, for the parser never sets them.
#[rustfmt::skip]
const NODES: &[(&str, &[&str])] = &[
    ("SelectStmt", &[
        "distinct_clause", "target_list", "from_clause", "where_clause", "group_clause", "group_distinct",
        "having_clause", "window_clause", "values_lists", "sort_clause", "limit_offset", "limit_count",
        "limit_option", "with_clause", "op", "all", "larg", "rarg",
    ]),
    ("VariableShowStmt", &["name"]),
    ("List", &["items"]),
    ("String", &["sval"]),
    ("Integer", &["ival"]),
    ("Float", &["fval"]),
    ("Boolean", &["boolval"]),
    ("BitString", &["bsval"]),
    ("AConst", &["isnull", "location", "val"]),
    ("AStar", &[]),
    ("ParamRef", &["number", "location"]),
    ("ColumnRef", &["fields", "location"]),
    ("ResTarget", &["name", "val", "location"]),
    ("Alias", &["aliasname", "colnames"]),
    ("AExpr", &["kind", "name", "lexpr", "rexpr", "rexpr_list_start", "rexpr_list_end", "location"]),
    ("AIndices", &["is_slice", "lidx", "uidx"]),
    ("AIndirection", &["arg", "indirection"]),
    ("AArrayExpr", &["elements", "list_start", "list_end", "location"]),
    ("BoolExpr", &["boolop", "args", "location"]),
    ("NullTest", &["arg", "nulltesttype", "argisrow", "location"]),
    ("BooleanTest", &["arg", "booltesttype", "location"]),
    ("CaseExpr", &["arg", "args", "defresult", "location"]),
    ("CaseWhen", &["expr", "result", "location"]),
    ("CoalesceExpr", &["args", "location"]),
    ("MinMaxExpr", &["op", "args", "location"]),
    ("RowExpr", &["args", "row_format", "colnames", "location"]),
    ("SubLink", &["sub_link_type", "sub_link_id", "testexpr", "oper_name", "subselect", "location"]),
    ("SqlValueFunction", &["op", "typmod", "location"]),
    ("TypeCast", &["arg", "type_name", "location"]),
    ("TypeName", &["names", "typmods", "typemod", "array_bounds", "location"]),
    ("CollateClause", &["arg", "collname", "location"]),
    ("FuncCall", &[
        "funcname", "args", "agg_order", "agg_filter", "over", "agg_within_group", "agg_star",
        "agg_distinct", "func_variadic", "funcformat", "location",
    ]),
    ("NamedArgExpr", &["arg", "name", "argnumber", "location"]),
    ("SortBy", &["node", "sortby_dir", "sortby_nulls", "use_op", "location"]),
    ("WindowDef", &[
        "name", "refname", "partition_clause", "order_clause", "frame_options", "start_offset",
        "end_offset", "location",
    ]),
    ("GroupingSet", &["kind", "content", "location"]),
    ("GroupingFunc", &["args", "location"]),
    ("RangeVar", &["catalogname", "schemaname", "relname", "inh", "relpersistence", "alias", "location"]),
    ("RangeSubselect", &["lateral", "subquery", "alias"]),
    ("RangeFunction", &["lateral", "ordinality", "is_rowsfrom", "functions", "alias", "coldeflist"]),
    ("RangeTableSample", &["relation", "method", "args", "repeatable", "location"]),
    ("RangeTableFunc", &["lateral", "docexpr", "rowexpr", "namespaces", "columns", "alias", "location"]),
    ("RangeTableFuncCol", &[
        "colname", "type_name", "for_ordinality", "is_not_null", "colexpr", "coldefexpr", "location",
    ]),
    // The columns of a function in FROM: `AS t(a int, b text)`.
    ("ColumnDef", &["colname", "type_name", "is_local", "coll_clause", "location"]),
    ("JoinExpr", &[
        "jointype", "is_natural", "larg", "rarg", "using_clause", "join_using_alias", "quals", "alias",
    ]),
    ("WithClause", &["ctes", "recursive", "location"]),
    ("CommonTableExpr", &[
        "ctename", "aliascolnames", "ctematerialized", "ctequery", "search_clause", "cycle_clause", "location",
    ]),
    ("CteSearchClause", &["search_col_list", "search_breadth_first", "search_seq_column", "location"]),
    ("CteCycleClause", &[
        "cycle_col_list", "cycle_mark_column", "cycle_mark_value", "cycle_mark_default",
        "cycle_path_column", "location",
    ]),
    ("XmlExpr", &["op", "name", "named_args", "arg_names", "args", "xmloption", "indent", "location"]),
    ("XmlSerialize", &["xmloption", "expr", "type_name", "indent", "location"]),
    ("JsonFormat", &["format_type", "encoding", "location"]),
    ("JsonReturning", &["format", "typmod"]),
    ("JsonValueExpr", &["raw_expr", "formatted_expr", "format"]),
    ("JsonOutput", &["type_name", "returning"]),
    ("JsonArgument", &["val", "name"]),
    ("JsonBehavior", &["btype", "expr", "coerce", "location"]),
    ("JsonFuncExpr", &[
        "op", "column_name", "context_item", "pathspec", "passing", "output", "on_empty", "on_error",
        "wrapper", "quotes", "location",
    ]),
    ("JsonTablePathSpec", &["string", "name", "name_location", "location"]),
    ("JsonTable", &[
        "context_item", "pathspec", "passing", "columns", "on_error", "alias", "lateral", "location",
    ]),
    ("JsonTableColumn", &[
        "coltype", "name", "type_name", "pathspec", "format", "wrapper", "quotes", "columns", "on_empty",
        "on_error", "location",
    ]),
    ("JsonKeyValue", &["key", "value"]),
    ("JsonParseExpr", &["expr", "output", "unique_keys", "location"]),
    ("JsonScalarExpr", &["expr", "output", "location"]),
    ("JsonSerializeExpr", &["expr", "output", "location"]),
    ("JsonObjectConstructor", &["exprs", "output", "absent_on_null", "unique", "location"]),
    ("JsonArrayConstructor", &["exprs", "output", "absent_on_null", "location"]),
    ("JsonArrayQueryConstructor", &["query", "output", "format", "absent_on_null", "location"]),
    ("JsonAggConstructor", &["output", "agg_filter", "agg_order", "over", "location"]),
    ("JsonObjectAgg", &["constructor", "arg", "absent_on_null", "unique"]),
    ("JsonArrayAgg", &["constructor", "arg", "absent_on_null"]),
    ("JsonIsPredicate", &["expr", "format", "item_type", "unique_keys", "location"]),
];
