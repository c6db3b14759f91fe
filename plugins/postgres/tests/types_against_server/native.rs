//! The same values as the native driver reads them: by its own types, and where it has none, by hand from the
//! bytes that it was sent.

use std::error::Error;
use std::fmt::Debug;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use tokio_postgres::types::{FromSql, FromSqlOwned, Type};
use uuid::Uuid;

use crate::by_hand::{self, Bytes};
use crate::wire::Client;

type Values<T> = Vec<Option<T>>;

/// The bytes of a value as they came.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

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
        self.equal_as(sql_type, values, |native: T| native, read);
    }

    /// For types that the native driver has no type for.
    fn equal_by_hand<T: PartialEq + Debug>(
        &mut self,
        sql_type: &str,
        values: &str,
        decode: impl Fn(&[u8]) -> T,
        read: impl Fn(&ArrayRef, usize) -> T,
    ) {
        self.equal_as(sql_type, values, |Raw(bytes)| decode(&bytes), read);
    }

    fn equal_as<N: FromSqlOwned, T: PartialEq + Debug>(
        &mut self,
        sql_type: &str,
        values: &str,
        convert: impl Fn(N) -> T,
        read: impl Fn(&ArrayRef, usize) -> T,
    ) {
        let sql = format!(
            "SELECT v::{sql_type} FROM unnest(ARRAY[{values}, NULL]::text[]) WITH ORDINALITY AS x(v, n) ORDER BY n"
        );
        let rows = self.runtime.block_on(self.native.query(&sql, &[])).unwrap();
        let native: Values<T> = rows
            .iter()
            .map(|row| row.get::<_, Option<N>>(0).map(&convert))
            .collect();
        assert!(native.len() > 1 && native[..native.len() - 1].iter().all(Option::is_some));
        let batch = self.ours.batch(&sql).unwrap();
        let column = batch.column(0);
        let ours: Values<T> = (0..batch.num_rows())
            .map(|row| column.is_valid(row).then(|| read(column, row)))
            .collect();
        assert_eq!(ours, native, "{sql_type}");
    }
}

/// Compares every type that there is a way for.
pub fn compare(client: &mut Client, port: u16) {
    let mut both = connect(client, port);
    by_its_own_types(&mut both);
    numbers_by_hand(&mut both);
    texts_by_hand(&mut both);
    geometry_by_hand(&mut both);
}

fn connect(client: &mut Client, port: u16) -> Comparison<'_> {
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
    Comparison {
        ours: client,
        native,
        runtime,
    }
}

fn by_its_own_types(both: &mut Comparison<'_>) {
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

fn numbers_by_hand(both: &mut Comparison<'_>) {
    both.equal_by_hand(
        "float8",
        "'NaN','-0','Infinity','1e308','5e-324','0.1'",
        |bytes| Bytes(bytes).float(),
        |array, row| array.as_primitive::<Float64Type>().value(row).to_bits(),
    );
    both.equal_by_hand(
        "float4",
        "'NaN','-0','-Infinity','1.1'",
        |bytes| Bytes(bytes).i32().cast_unsigned(),
        |array, row| array.as_primitive::<Float32Type>().value(row).to_bits(),
    );
    both.equal_by_hand(
        "xid8",
        "'0','18446744073709551615'",
        |bytes| Bytes(bytes).u64(),
        |array, row| array.as_primitive::<UInt64Type>().value(row),
    );
    both.equal_by_hand(
        "numeric",
        "'0','0.00','-1.10','NaN','Infinity','-Infinity','1e-16383','1e131071','10000','99990000.0001','0.00010002',\
         '12345678901234567890123456789012345678901234567890.000000000000000000000000000000001'",
        by_hand::numeric,
        text,
    );
    both.equal_by_hand(
        "numeric(12,4)",
        "'0','1.1','-99999999.9999','0.0001','10000'",
        by_hand::numeric,
        |array, row| array.as_primitive::<Decimal128Type>().value_as_string(row),
    );
    both.equal_by_hand(
        "numeric(60,30)",
        "'123456789012345678901234567890.000000000000000000000000000001','-0.5'",
        by_hand::numeric,
        |array, row| array.as_primitive::<Decimal256Type>().value_as_string(row),
    );
    both.equal_by_hand(
        "interval",
        "'0','1 year 2 mons 3 days 04:05:06.789','-1 mon +2 days -00:00:00.000001','178000000 years',\
         '-2562047:47:16.854775'",
        by_hand::interval,
        |array, row| {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            (value.months, value.days, value.nanoseconds)
        },
    );
    // The end of the day has no place in the driver's type.
    both.equal_by_hand(
        "time",
        "'24:00:00','00:00:00.000001'",
        |bytes| Bytes(bytes).i64(),
        |array, row| array.as_primitive::<Time64MicrosecondType>().value(row),
    );
    both.equal_by_hand(
        "pair",
        r#"'(1,)','(,"")','(-5,"a ""b"" \\c")','(,)'"#,
        by_hand::pair,
        |array, row| {
            let (a, b) = (array.as_struct().column(0), array.as_struct().column(1));
            let a = a
                .is_valid(row)
                .then(|| a.as_primitive::<Int32Type>().value(row));
            (a, b.is_valid(row).then(|| text(b, row)))
        },
    );
}

fn texts_by_hand(both: &mut Comparison<'_>) {
    both.equal_by_hand(
        "timetz",
        "'00:00+15:59:59','24:00:00-15:59:59','12:00:00.000001+00','12:00+05:30','23:59:59.5-03'",
        by_hand::timetz,
        text,
    );
    both.equal_by_hand(
        "json",
        r#"'1.10','{"a":1,  "a":2}','"\u0000"','null','12345678901234567890'"#,
        by_hand::text,
        text,
    );
    both.equal_by_hand(
        "mood",
        "'sad','it''s ok','ha\"ppy','{odd, one}'",
        by_hand::text,
        text,
    );
    both.equal_by_hand(
        "int4range",
        "'empty','[1,10)','(,5)','[-7,)','(,)'",
        by_hand::int4range,
        text,
    );
    let addresses =
        "'::1/64','10.0.0.1','10.0.0.1/8','::','::ffff:1.2.3.4','2001:db8::/32','1:0:0:2:0:0:0:3'";
    both.equal_by_hand("inet", addresses, by_hand::network, text);
    both.equal_by_hand(
        "cidr",
        "'0.0.0.0/0','192.168.1.1/32','2001:db8::/32'",
        by_hand::network,
        text,
    );
    both.equal_by_hand("macaddr", "'08:00:2b:01:02:03'", by_hand::mac_address, text);
    both.equal_by_hand(
        "macaddr8",
        "'08:00:2b:01:02:03:04:ff'",
        by_hand::mac_address,
        text,
    );
    both.equal_by_hand("bit(9)", "'101000001'", by_hand::bits, text);
    both.equal_by_hand(
        "varbit",
        "'','1','101010101','1111000011110000111100001111000011110000111100001111000011110000111'",
        by_hand::bits,
        text,
    );
    both.equal_by_hand(
        "hstore",
        r#"'a=>1, "b c"=>NULL','','"q\"uote"=>"back\\slash"'"#,
        by_hand::hstore,
        text,
    );
}

/// The coordinates are compared, which have more than one text.
fn geometry_by_hand(both: &mut Comparison<'_>) {
    let numbers = |array: &ArrayRef, row: usize| -> Vec<u64> {
        text(array, row)
            .split(|c: char| "()[]{}<>,".contains(c))
            .filter(|number| !number.is_empty())
            .map(|number| number.parse::<f64>().unwrap().to_bits())
            .collect()
    };
    for (sql_type, values) in [
        (
            "point",
            "'(1,2)','(NaN,-0)','(1e300,0.1)','(Infinity,-1e-300)'",
        ),
        ("line", "'{1,-2,3.5}'"),
        ("lseg", "'[(0,0),(1,-1)]'"),
        ("box", "'((0,0),(1,Infinity))'"),
        ("circle", "'<(0,0),1e-300>'"),
    ] {
        both.equal_by_hand(sql_type, values, by_hand::coordinates, numbers);
    }
    both.equal_by_hand(
        "polygon",
        "'((0,0),(1,1),(1,0))'",
        by_hand::polygon,
        numbers,
    );
    both.equal_by_hand(
        "path",
        "'[(0,0),(1,1)]','((0,0),(1,1))'",
        by_hand::path,
        |array, row| (text(array, row).starts_with('('), numbers(array, row)),
    );
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
