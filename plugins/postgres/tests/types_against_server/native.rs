//! The same values as the native driver reads them.

use std::fmt::Debug;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType, UInt32Type,
};
use arrow_array::{Array, ArrayRef};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use tokio_postgres::types::FromSqlOwned;
use uuid::Uuid;

use crate::wire::Client;

type Values<T> = Vec<Option<T>>;

/// Reads every row of one column with both and compares.
struct Comparison<'a> {
    ours: &'a mut Client,
    native: tokio_postgres::Client,
    runtime: tokio::runtime::Runtime,
}

impl Comparison<'_> {
    fn equal<T: FromSqlOwned + PartialEq + Debug>(
        &mut self,
        sql_type: &str,
        values: &str,
        read: impl Fn(&ArrayRef, usize) -> T,
    ) {
        let sql = format!(
            "SELECT v::{sql_type} FROM unnest(ARRAY[{values}, NULL]::text[]) WITH ORDINALITY AS x(v, n) ORDER BY n"
        );
        let rows = self.runtime.block_on(self.native.query(&sql, &[])).unwrap();
        let native: Values<T> = rows.iter().map(|row| row.get(0)).collect();
        let batch = self.ours.batch(&sql).unwrap();
        let column = batch.column(0);
        let ours: Values<T> = (0..batch.num_rows())
            .map(|row| column.is_valid(row).then(|| read(column, row)))
            .collect();
        assert_eq!(ours, native, "{sql_type}");
    }
}

pub fn compare(client: &mut Client, port: u16) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = format!(
        "host=127.0.0.1 port={port} user={} dbname=postgres",
        crate::ROLE
    );
    let native = runtime.block_on(async {
        let (native, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        native
    });
    let mut both = Comparison {
        ours: client,
        native,
        runtime,
    };

    both.equal("bool", "'t','f'", |array, row| {
        array.as_boolean().value(row)
    });
    both.equal("int2", "'-32768','32767'", |array, row| {
        array.as_primitive::<Int16Type>().value(row)
    });
    both.equal("int4", "'-2147483648','2147483647'", |array, row| {
        array.as_primitive::<Int32Type>().value(row)
    });
    both.equal(
        "int8",
        "'-9223372036854775808','9007199254740993'",
        |array, row| array.as_primitive::<Int64Type>().value(row),
    );
    both.equal("oid", "'4294967295'", |array, row| {
        array.as_primitive::<UInt32Type>().value(row)
    });
    both.equal(
        "float4",
        "'Infinity','1e-45','-3.4028235e38'",
        |array, row| array.as_primitive::<Float32Type>().value(row),
    );
    both.equal("float8", "'-Infinity','5e-324','0.1'", |array, row| {
        array.as_primitive::<Float64Type>().value(row)
    });
    both.equal("text", "'',' a ','\u{1F600}'", text);
    both.equal("varchar(3)", "'abcdef'", text);
    both.equal("char(4)", "'ab'", text);
    both.equal("name", "'pg_class'", text);
    both.equal("citext", "'MiXed'", text);
    both.equal("ltree", "'a.b'", text);
    both.equal("bytea", r"'','\x00ff'", |array, row| {
        array.as_binary::<i32>().value(row).to_vec()
    });
    both.equal(
        "date",
        "'4713-01-01 BC','1970-01-01','9999-12-31'",
        |array, row| date(array.as_primitive::<Date32Type>().value(row)),
    );
    both.equal("time", "'00:00','23:59:59.999999'", |array, row| {
        NaiveTime::MIN
            + chrono::TimeDelta::microseconds(
                array.as_primitive::<Time64MicrosecondType>().value(row),
            )
    });
    both.equal::<NaiveDateTime>(
        "timestamp",
        "'4713-01-01 00:00 BC','2020-02-29 12:34:56.789'",
        |array, row| instant(array, row).naive_utc(),
    );
    both.equal(
        "timestamptz",
        "'1969-12-31 23:59:59.999999Z','2020-06-01 12:00+02'",
        instant,
    );
    both.equal(
        "uuid",
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
        |array, row| Uuid::from_slice(array.as_fixed_size_binary().value(row)).unwrap(),
    );
    both.equal::<serde_json::Value>("jsonb", r#"'{"a": [1.5, null]}','null'"#, |array, row| {
        serde_json::from_str(array.as_string::<i32>().value(row)).unwrap()
    });
    both.equal("int4[]", "'{1,NULL,3}','{}'", |array, row| {
        let list = array.as_struct().column(0).as_list::<i32>().value(row);
        list.as_primitive::<Int32Type>()
            .iter()
            .collect::<Values<i32>>()
    });
    both.equal("text[]", r#"'{a,NULL,"NULL",""}'"#, |array, row| {
        let list = array.as_struct().column(0).as_list::<i32>().value(row);
        list.as_string::<i32>()
            .iter()
            .map(|text| text.map(str::to_owned))
            .collect::<Values<String>>()
    });
}

fn text(array: &ArrayRef, row: usize) -> String {
    array.as_string::<i32>().value(row).to_owned()
}

fn date(days: i32) -> NaiveDate {
    DateTime::UNIX_EPOCH.date_naive() + chrono::TimeDelta::days(days.into())
}

fn instant(array: &ArrayRef, row: usize) -> DateTime<Utc> {
    let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
    DateTime::from_timestamp_micros(micros).unwrap()
}
