//! What a reading statement of PostgreSQL is made of.
//!
//! The names are those of the parser's own structs and fields. What is not here is refused, whether it was
//! left out on purpose or did not exist yet when this was written.

/// Options of `EXPLAIN` that change what it shows, not what it does.
pub const EXPLAIN_OPTIONS: &[&str] = &[
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
pub const NODES: &[(&str, &[&str])] = &[
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
