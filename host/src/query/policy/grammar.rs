//! What a reading statement of PostgreSQL is made of.
//!
//! The names are those of the parser's own structs and fields. A field whose value is a struct of one kind,
//! and therefore comes without the kind's name, has the kind after a colon. What is not here is refused,
//! whether it was left out on purpose or did not exist yet when this was written.

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
        "distinctClause", "targetList", "fromClause", "whereClause", "groupClause", "groupDistinct",
        "havingClause", "windowClause", "valuesLists", "sortClause", "limitOffset", "limitCount",
        "limitOption", "withClause:WithClause", "op", "all", "larg:SelectStmt", "rarg:SelectStmt",
    ]),
    ("VariableShowStmt", &["name"]),
    ("List", &["items"]),
    ("String", &["sval"]),
    ("Integer", &["ival"]),
    ("Float", &["fval"]),
    ("Boolean", &["boolval"]),
    ("BitString", &["bsval"]),
    ("A_Const", &[
        "ival:Integer", "fval:Float", "boolval:Boolean", "sval:String", "bsval:BitString", "isnull",
        "location",
    ]),
    ("A_Star", &[]),
    ("ParamRef", &["number", "location"]),
    ("ColumnRef", &["fields", "location"]),
    ("ResTarget", &["name", "val", "location"]),
    ("Alias", &["aliasname", "colnames"]),
    ("A_Expr", &["kind", "name", "lexpr", "rexpr", "rexpr_list_start", "rexpr_list_end", "location"]),
    ("A_Indices", &["is_slice", "lidx", "uidx"]),
    ("A_Indirection", &["arg", "indirection"]),
    ("A_ArrayExpr", &["elements", "list_start", "list_end", "location"]),
    ("BoolExpr", &["boolop", "args", "location"]),
    ("NullTest", &["arg", "nulltesttype", "argisrow", "location"]),
    ("BooleanTest", &["arg", "booltesttype", "location"]),
    ("CaseExpr", &["arg", "args", "defresult", "location"]),
    ("CaseWhen", &["expr", "result", "location"]),
    ("CoalesceExpr", &["args", "location"]),
    ("MinMaxExpr", &["op", "args", "location"]),
    ("RowExpr", &["args", "row_format", "colnames", "location"]),
    ("SubLink", &["subLinkType", "subLinkId", "testexpr", "operName", "subselect", "location"]),
    ("SQLValueFunction", &["op", "typmod", "location"]),
    ("TypeCast", &["arg", "typeName:TypeName", "location"]),
    ("TypeName", &["names", "typmods", "typemod", "arrayBounds", "location"]),
    ("CollateClause", &["arg", "collname", "location"]),
    ("FuncCall", &[
        "funcname", "args", "agg_order", "agg_filter", "over:WindowDef", "agg_within_group", "agg_star",
        "agg_distinct", "func_variadic", "funcformat", "location",
    ]),
    ("NamedArgExpr", &["arg", "name", "argnumber", "location"]),
    ("SortBy", &["node", "sortby_dir", "sortby_nulls", "useOp", "location"]),
    ("WindowDef", &[
        "name", "refname", "partitionClause", "orderClause", "frameOptions", "startOffset", "endOffset",
        "location",
    ]),
    ("GroupingSet", &["kind", "content", "location"]),
    ("GroupingFunc", &["args", "location"]),
    ("RangeVar", &[
        "catalogname", "schemaname", "relname", "inh", "relpersistence", "alias:Alias", "location",
    ]),
    ("RangeSubselect", &["lateral", "subquery", "alias:Alias"]),
    ("RangeFunction", &["lateral", "ordinality", "is_rowsfrom", "functions", "alias:Alias", "coldeflist"]),
    ("RangeTableSample", &["relation", "method", "args", "repeatable", "location"]),
    ("RangeTableFunc", &[
        "lateral", "docexpr", "rowexpr", "namespaces", "columns", "alias:Alias", "location",
    ]),
    ("RangeTableFuncCol", &[
        "colname", "typeName:TypeName", "for_ordinality", "is_not_null", "colexpr", "coldefexpr", "location",
    ]),
    ("ColumnDef", &["colname", "typeName:TypeName", "is_local", "collClause:CollateClause", "location"]),
    ("JoinExpr", &[
        "jointype", "isNatural", "larg", "rarg", "usingClause", "join_using_alias:Alias", "quals",
        "alias:Alias",
    ]),
    ("WithClause", &["ctes", "recursive", "location"]),
    ("CommonTableExpr", &[
        "ctename", "aliascolnames", "ctematerialized", "ctequery", "search_clause:CTESearchClause",
        "cycle_clause:CTECycleClause", "location",
    ]),
    ("CTESearchClause", &["search_col_list", "search_breadth_first", "search_seq_column", "location"]),
    ("CTECycleClause", &[
        "cycle_col_list", "cycle_mark_column", "cycle_mark_value", "cycle_mark_default", "cycle_path_column",
        "location",
    ]),
    ("XmlExpr", &["op", "name", "named_args", "arg_names", "args", "xmloption", "indent", "location"]),
    ("XmlSerialize", &["xmloption", "expr", "typeName:TypeName", "indent", "location"]),
    ("JsonFormat", &["format_type", "encoding", "location"]),
    ("JsonReturning", &["format:JsonFormat", "typmod"]),
    ("JsonValueExpr", &["raw_expr", "formatted_expr", "format:JsonFormat"]),
    ("JsonOutput", &["typeName:TypeName", "returning:JsonReturning"]),
    ("JsonArgument", &["val:JsonValueExpr", "name"]),
    ("JsonBehavior", &["btype", "expr", "coerce", "location"]),
    ("JsonFuncExpr", &[
        "op", "column_name", "context_item:JsonValueExpr", "pathspec", "passing", "output:JsonOutput",
        "on_empty:JsonBehavior", "on_error:JsonBehavior", "wrapper", "quotes", "location",
    ]),
    ("JsonTablePathSpec", &["string", "name", "name_location", "location"]),
    ("JsonTable", &[
        "context_item:JsonValueExpr", "pathspec:JsonTablePathSpec", "passing", "columns",
        "on_error:JsonBehavior", "alias:Alias", "lateral", "location",
    ]),
    ("JsonTableColumn", &[
        "coltype", "name", "typeName:TypeName", "pathspec:JsonTablePathSpec", "format:JsonFormat", "wrapper",
        "quotes", "columns", "on_empty:JsonBehavior", "on_error:JsonBehavior", "location",
    ]),
    ("JsonKeyValue", &["key", "value:JsonValueExpr"]),
    ("JsonParseExpr", &["expr:JsonValueExpr", "output:JsonOutput", "unique_keys", "location"]),
    ("JsonScalarExpr", &["expr", "output:JsonOutput", "location"]),
    ("JsonSerializeExpr", &["expr:JsonValueExpr", "output:JsonOutput", "location"]),
    ("JsonObjectConstructor", &["exprs", "output:JsonOutput", "absent_on_null", "unique", "location"]),
    ("JsonArrayConstructor", &["exprs", "output:JsonOutput", "absent_on_null", "location"]),
    ("JsonArrayQueryConstructor", &[
        "query", "output:JsonOutput", "format:JsonFormat", "absent_on_null", "location",
    ]),
    ("JsonAggConstructor", &["output:JsonOutput", "agg_filter", "agg_order", "over:WindowDef", "location"]),
    ("JsonObjectAgg", &["constructor:JsonAggConstructor", "arg:JsonKeyValue", "absent_on_null", "unique"]),
    ("JsonArrayAgg", &["constructor:JsonAggConstructor", "arg:JsonValueExpr", "absent_on_null"]),
    ("JsonIsPredicate", &["expr", "format:JsonFormat", "item_type", "unique_keys", "location"]),
];
