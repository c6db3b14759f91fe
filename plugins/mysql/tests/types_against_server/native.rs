//! The same values, read by `mysql_async`.

use arrow_schema::{DataType, Field};
use datachat_mysql::types::DB_TYPE;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, Row, Value};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

use crate::render::{clock, digits, hex};

pub struct Client {
    runtime: Runtime,
    connection: Mutex<Conn>,
}

impl Client {
    pub fn connect(url: &str) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let connection = runtime.block_on(async {
            let mut connection = Conn::new(Opts::from_url(url).expect("a URL"))
                .await
                .expect("open");
            connection
                .query_drop("SET time_zone = '+00:00'")
                .await
                .expect("zone");
            connection
        });
        Self {
            runtime,
            connection: Mutex::new(connection),
        }
    }

    /// Runs statements, separated by semicolons; whether all of them could be run.
    pub fn try_execute(&self, sql: &str) -> bool {
        self.runtime.block_on(async {
            let mut connection = self.connection.lock().await;
            for sql in sql.split("; ") {
                if connection.query_drop(sql).await.is_err() {
                    return false;
                }
            }
            true
        })
    }

    /// The values of a result's only column as the server's text.
    pub fn texts(&self, sql: &str, field: &Field) -> Vec<Option<String>> {
        let rows: Vec<Row> = self.runtime.block_on(async {
            let mut connection = self.connection.lock().await;
            connection.exec(sql, ()).await.expect(sql)
        });
        rows.into_iter()
            .map(|row| text(row.unwrap().remove(0), field))
            .collect()
    }
}

fn text(value: Value, field: &Field) -> Option<String> {
    let is_bits = field.metadata()[DB_TYPE].starts_with("bit(");
    let is_geometry = field
        .metadata()
        .get("ARROW:extension:name")
        .is_some_and(|name| name == "geoarrow.wkb");
    Some(match value {
        Value::NULL => return None,
        Value::Bytes(bytes) if is_bits => bytes
            .iter()
            .fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte))
            .to_string(),
        // Behind the reference system.
        Value::Bytes(bytes) if is_geometry => hex(&bytes[4..]),
        Value::Bytes(bytes) if *field.data_type() == DataType::Binary => hex(&bytes),
        Value::Bytes(bytes) => {
            let text = String::from_utf8(bytes).expect("UTF-8");
            match field.data_type() {
                // Leading zeros of ZEROFILL.
                DataType::Decimal128(..) if field.metadata()[DB_TYPE].ends_with("zerofill") => {
                    text.trim_start_matches('0').to_owned()
                }
                _ => text,
            }
        }
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Float(number) => f64::from(number).to_string(),
        Value::Double(number) => number.to_string(),
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let date = format!("{year:04}-{month:02}-{day:02}");
            if *field.data_type() == DataType::Date32 {
                return Some(date);
            }
            let seconds = (u64::from(hour) * 60 + u64::from(minute)) * 60 + u64::from(second);
            let time = clock(seconds * 1_000_000 + u64::from(micros), digits(field));
            format!("{date} {time}")
        }
        Value::Time(negative, days, hour, minute, second, micros) => {
            let hours = u64::from(days) * 24 + u64::from(hour);
            let seconds = (hours * 60 + u64::from(minute)) * 60 + u64::from(second);
            let time = clock(seconds * 1_000_000 + u64::from(micros), digits(field));
            format!("{}{time}", if negative { "-" } else { "" })
        }
    })
}
