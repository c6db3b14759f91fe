//! Statements over a folder of files, from the text to the Arrow stream and back.

use std::path::Path;

use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_ipc::reader::StreamReader;
use datachat_example_csv::session::Session;
use datachat_sdk::connector::types::{
    DbError, ErrorCode, Parameters, RelationFilter, RelationKind, Value,
};
use datachat_sdk::connector::{Statement, Target, TlsMode};

const ORDERS: &str = "\
id,customer,amount,paid,placed,updated,note
1,ada,10.5,true,2024-01-01,2024-01-01 10:00:00,\"first, with a comma\"
2,bob,,false,2024-01-03,2024-01-03T12:30,
3,ada,7.25,true,2024-02-01,2024-02-01 00:00:00.5,\"a \"\"quote\"\"\"
4,eve,100,,2024-02-29,,007
";

struct Place {
    folder: tempfile::TempDir,
    session: Session,
}

fn target(database: Option<&str>, options: &[(&str, &str)]) -> Target {
    Target {
        host: "shop".to_owned(),
        port: 1,
        addresses: Vec::new(),
        database: database.map(str::to_owned),
        user: None,
        options: options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        tls: TlsMode::Disable,
        connect_timeout_ms: 1000,
    }
}

/// A session over these files of the folder `shop`.
fn open(files: &[(&str, &str)]) -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let path = folder.path().join("shop").join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, content).expect("written");
    }
    let session = Session::open(folder.path(), &target(None, &[])).expect("there");
    Place { folder, session }
}

fn statement(sql: &str, params: Vec<Value>) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: Parameters::Positional(params),
        read_only: true,
        max_rows: None,
        max_bytes: None,
        timeout_ms: 10_000,
    }
}

/// The column names and the rows of a result, as text.
fn run(session: &mut Session, request: Statement) -> Result<(Vec<String>, Vec<String>), DbError> {
    let mut rows = session.query(request)?;
    let mut bytes = Vec::new();
    loop {
        let piece = rows.read(64 * 1024)?;
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
    }
    let reader = StreamReader::try_new(bytes.as_slice(), None).expect("a stream");
    let schema = reader.schema();
    let names = schema.fields().iter().map(|field| field.name().clone());
    let names = names.collect();
    let options = FormatOptions::new().with_null("NULL");
    let mut lines = Vec::new();
    for batch in reader {
        let batch = batch.expect("a batch");
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options).expect("printable"))
            .collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            lines.push(cells.join("|"));
        }
    }
    Ok((names, lines))
}

fn rows(place: &mut Place, sql: &str) -> Vec<String> {
    run(&mut place.session, statement(sql, Vec::new()))
        .expect(sql)
        .1
}

fn refused(place: &mut Place, sql: &str) -> DbError {
    run(&mut place.session, statement(sql, Vec::new())).expect_err(sql)
}

#[test]
fn every_column_comes_with_its_inferred_type() {
    let mut place = open(&[("orders.csv", ORDERS)]);
    let (names, lines) = run(
        &mut place.session,
        statement("SELECT * FROM orders", Vec::new()),
    )
    .expect("rows");
    assert_eq!(
        names,
        [
            "id", "customer", "amount", "paid", "placed", "updated", "note"
        ]
    );
    assert_eq!(
        lines,
        [
            "1|ada|10.5|true|2024-01-01|2024-01-01T10:00:00|first, with a comma",
            "2|bob|NULL|false|2024-01-03|2024-01-03T12:30:00|NULL",
            "3|ada|7.25|true|2024-02-01|2024-02-01T00:00:00.500|a \"quote\"",
            "4|eve|100.0|NULL|2024-02-29|NULL|007",
        ]
    );
}

#[test]
fn conditions_choose_rows() {
    let mut place = open(&[("orders.csv", ORDERS)]);
    for (condition, ids) in [
        ("amount > 8", "1,4"),
        ("amount > 8 AND paid", "1"),
        ("paid IS NULL OR NOT paid", "2,4"),
        ("NOT (amount > 8)", "3"),
        ("customer IN ('ada', 'eve')", "1,3,4"),
        ("customer NOT IN ('ada', NULL)", ""),
        ("placed >= '2024-02-01'", "3,4"),
        ("placed BETWEEN '2024-01-02' AND '2024-02-01'", "2,3"),
        ("updated < '2024-01-02'", "1"),
        ("updated = '2024-02-01T00:00:00.5'", "3"),
        ("note LIKE '%comma'", "1"),
        ("note ILIKE 'A \"Q%'", "3"),
        ("note = '007'", "4"),
        ("amount * 2 = 21 OR id % 2 = 0", "1,2,4"),
        ("orders.id = 1 OR shop.orders.id = 2", "1,2"),
        ("ID = 3", "3"),
        (
            "CASE WHEN amount IS NULL THEN true ELSE amount > 50 END",
            "2,4",
        ),
        ("CASE customer WHEN 'bob' THEN 1 ELSE 0 END = 1", "2"),
        ("-id < -3", "4"),
        ("false", ""),
    ] {
        let found = rows(
            &mut place,
            &format!("SELECT id FROM orders WHERE {condition}"),
        );
        assert_eq!(found.join(","), ids, "{condition}");
    }
}

#[test]
fn rows_are_grouped_sorted_and_cut() {
    let mut place = open(&[("orders.csv", ORDERS)]);
    for (sql, expected) in [
        (
            "SELECT count(*), count(amount), count(DISTINCT customer) FROM orders",
            vec!["4|3|3"],
        ),
        (
            "SELECT sum(id), avg(id), min(placed), max(note) FROM orders",
            vec!["10|2.5|2024-01-01|first, with a comma"],
        ),
        (
            "SELECT sum(amount), min(amount) FROM orders WHERE false",
            vec!["NULL|NULL"],
        ),
        (
            "SELECT customer, count(*) AS n, sum(amount) FROM orders GROUP BY customer ORDER BY n DESC, customer",
            vec!["ada|2|17.75", "bob|1|NULL", "eve|1|100.0"],
        ),
        (
            "SELECT customer FROM orders GROUP BY 1 HAVING count(*) > 1",
            vec!["ada"],
        ),
        (
            "SELECT id % 2 AS odd, max(id) FROM orders GROUP BY odd ORDER BY 1",
            vec!["0|4", "1|3"],
        ),
        (
            "SELECT DISTINCT customer FROM orders ORDER BY customer DESC",
            vec!["eve", "bob", "ada"],
        ),
        (
            "SELECT id FROM orders ORDER BY amount",
            vec!["3", "1", "4", "2"],
        ),
        (
            "SELECT id FROM orders ORDER BY amount DESC NULLS LAST LIMIT 2",
            vec!["4", "1"],
        ),
        (
            "SELECT id FROM orders ORDER BY id LIMIT 2 OFFSET 1",
            vec!["2", "3"],
        ),
        ("SELECT id FROM orders LIMIT 1", vec!["1"]),
        ("SELECT id FROM orders LIMIT 0", vec![]),
        (
            "SELECT sum(CASE WHEN amount < 10 THEN 1 ELSE 0 END), sum(CASE WHEN amount >= 10 THEN 1 ELSE 0 END) FROM orders",
            vec!["1|2"],
        ),
        ("SELECT max(id) - min(id) FROM orders", vec!["3"]),
        ("SELECT 1 + 1, NULL, 'x' AS \"a b\"", vec!["2|NULL|x"]),
    ] {
        assert_eq!(rows(&mut place, sql), expected, "{sql}");
    }
}

#[test]
fn parameters_are_values_and_never_text() {
    let mut place = open(&[("orders.csv", ORDERS)]);
    let mut ask = |sql: &str, params| run(&mut place.session, statement(sql, params));
    let evil = Value::Text("ada' OR 'a' = 'a".to_owned());
    let none = ask("SELECT id FROM orders WHERE customer = $1", vec![evil]).expect("rows");
    assert!(none.1.is_empty());
    let one = ask(
        "SELECT id FROM orders WHERE customer = $2 AND amount > $1",
        vec![
            Value::Decimal("8".to_owned()),
            Value::Text("ada".to_owned()),
        ],
    );
    assert_eq!(one.expect("rows").1, ["1"]);
    let date = ask(
        "SELECT id FROM orders WHERE placed = $1",
        vec![Value::Date(19_723)],
    );
    assert_eq!(date.expect("rows").1, ["1"]);
    let error = ask("SELECT id FROM orders WHERE id = $1", Vec::new()).expect_err("missing");
    assert_eq!(error.code, ErrorCode::Syntax);
}

#[test]
fn what_is_wrong_has_its_class_and_its_place() {
    let mut place = open(&[("orders.csv", ORDERS)]);
    for (sql, code, position) in [
        (
            "SELECT id FROM nowhere",
            ErrorCode::UndefinedObject,
            Some(16),
        ),
        (
            "SELECT id FROM other.orders",
            ErrorCode::UndefinedObject,
            Some(16),
        ),
        (
            "SELECT missing FROM orders",
            ErrorCode::UndefinedObject,
            Some(8),
        ),
        (
            "SELECT id FROM orders WHERE o.id = 1",
            ErrorCode::UndefinedObject,
            Some(29),
        ),
        ("SELECT id FROM orders WHERE", ErrorCode::Syntax, None),
        (
            "SELECT customer, count(*) FROM orders",
            ErrorCode::Syntax,
            Some(8),
        ),
        (
            "SELECT id FROM orders WHERE count(*) > 1",
            ErrorCode::Syntax,
            Some(29),
        ),
        (
            "SELECT id FROM orders WHERE id = 'x'",
            ErrorCode::DataException,
            Some(29),
        ),
        (
            "SELECT id FROM orders WHERE id",
            ErrorCode::DataException,
            Some(29),
        ),
        (
            "SELECT sum(customer) FROM orders",
            ErrorCode::DataException,
            Some(8),
        ),
        (
            "SELECT 1 / (id - 1) FROM orders",
            ErrorCode::DataException,
            None,
        ),
        (
            "SELECT upper(customer) FROM orders",
            ErrorCode::Unsupported,
            Some(8),
        ),
        (
            "SELECT id FROM orders a JOIN orders b ON true",
            ErrorCode::Unsupported,
            None,
        ),
    ] {
        let error = refused(&mut place, sql);
        assert_eq!(error.code, code, "{sql}: {error:?}");
        if position.is_some() {
            assert_eq!(error.position, position, "{sql}: {error:?}");
        }
    }
}

#[test]
fn relations_come_from_the_headers() {
    let mut place = open(&[
        ("orders.csv", ORDERS),
        ("Empty.csv", "a,b\n"),
        ("inner/deep.csv", "x\n1\n"),
    ]);
    let filter = |name: Option<&str>| RelationFilter {
        schema: None,
        name: name.map(str::to_owned),
        columns: true,
    };
    let all = place.session.relations(&filter(None)).expect("read");
    let names: Vec<&str> = all.iter().map(|relation| relation.name.as_str()).collect();
    assert_eq!(names, ["Empty", "orders"]);
    assert!(
        all.iter()
            .all(|r| r.kind == RelationKind::Table && r.schema == "shop")
    );
    assert_eq!(all[0].row_estimate, Some(0));
    let orders = place
        .session
        .relations(&filter(Some("ORDERS")))
        .expect("read");
    let columns: Vec<_> = orders[0]
        .columns
        .iter()
        .map(|column| {
            (
                column.name.as_str(),
                column.db_type.as_str(),
                column.nullable,
            )
        })
        .collect();
    assert_eq!(
        columns[..4],
        [
            ("id", "bigint", false),
            ("customer", "text", false),
            ("amount", "double", true),
            ("paid", "boolean", true),
        ]
    );
}

#[test]
fn afolder_inside_and_another_delimiter_are_part_of_the_url() {
    let place = open(&[("inner/deep.csv", "x;y\n1;2,5\n")]);
    let root: &Path = place.folder.path();
    let target = target(Some("inner"), &[("delimiter", "semicolon")]);
    let mut session = Session::open(root, &target).expect("there");
    let (_, lines) = run(
        &mut session,
        statement("SELECT * FROM inner.deep", Vec::new()),
    )
    .expect("rows");
    assert_eq!(lines, ["1|2,5"]);
}

#[test]
fn a_name_that_leads_out_of_thefolder_is_refused() {
    let place = open(&[("a.csv", "x\n1\n")]);
    for inner in ["..", "../shop", ".", "a/b", "/"] {
        let error = Session::open(place.folder.path(), &target(Some(inner), &[])).map(drop);
        assert_eq!(
            error.expect_err(inner).code,
            ErrorCode::DatabaseMissing,
            "{inner}"
        );
    }
    let mut place = place;
    let error = refused(&mut place, "SELECT * FROM \"../shop/a\"");
    assert_eq!(error.code, ErrorCode::UndefinedObject);
}

#[test]
fn a_large_file_streams_and_the_hosts_row_limit_ends_it() {
    use std::fmt::Write as _;
    let mut content = "n,text\n".to_owned();
    for n in 0..200_000 {
        writeln!(content, "{n},row number {n}").expect("written");
    }
    let mut place = open(&[("big.csv", &content)]);
    assert_eq!(
        rows(&mut place, "SELECT count(*), sum(n) FROM big"),
        ["200000|19999900000"]
    );
    assert_eq!(
        rows(&mut place, "SELECT n FROM big ORDER BY n DESC LIMIT 3"),
        ["199999", "199998", "199997"]
    );
    let request = Statement {
        max_rows: Some(70_001),
        ..statement("SELECT * FROM big", Vec::new())
    };
    let (_, lines) = run(&mut place.session, request).expect("rows");
    assert_eq!(lines.len(), 70_001);
    assert_eq!(lines[70_000], "70000|row number 70000");
}

#[test]
fn time_ends_a_statement() {
    let lines = "1\n".repeat(300_000);
    let mut place = open(&[("long.csv", &format!("n\n{lines}"))]);
    let request = Statement {
        timeout_ms: 1,
        ..statement("SELECT count(*) FROM long", Vec::new())
    };
    let error = run(&mut place.session, request).expect_err("too slow");
    assert_eq!(error.code, ErrorCode::Timeout);
}

/// Words that statements are made of, and some that they are not.
const WORDS: [&str; 36] = [
    "SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "LIMIT", "HAVING", "DISTINCT", "CASE",
    "WHEN", "THEN", "END", "AND", "OR", "NOT", "IN", "IS NULL", "LIKE", "BETWEEN", "orders", "id",
    "amount", "note", "'x'", "1", "-2.5", "$1", "(", ")", ",", "*", "=", "<", "+", "count", "sum",
];

proptest::proptest! {
    #[test]
    fn no_statement_and_no_file_panics(
        words in proptest::collection::vec(0..WORDS.len(), 0..30),
        content in "[a-z0-9,\"\n.:-]{0,80}",
    ) {
        let sql: Vec<&str> = words.into_iter().map(|word| WORDS[word]).collect();
        let mut place = open(&[("orders.csv", ORDERS), ("odd.csv", &content)]);
        let parameter = Value::Integer(1);
        let _ = run(&mut place.session, statement(&sql.join(" "), vec![parameter]));
        let _ = run(&mut place.session, statement("SELECT * FROM odd ORDER BY 1", Vec::new()));
    }
}
