//! Just enough of a client to get rows in the formats that a plan asks for.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

use arrow_array::RecordBatch;
use bytes::BytesMut;
use datachat_postgres::types::{
    ColumnSpec, DecodeError, Plan, RowDecoder, TypeCatalog, TypeInfo, TypeKind, plan,
};
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;

pub struct Client {
    stream: BufReader<TcpStream>,
    pub catalog: TypeCatalog,
}

/// What a statement gave, each value as bytes in the format that was asked for.
struct Answer {
    columns: Vec<ColumnSpec>,
    /// The bodies of the rows.
    rows: Vec<Vec<u8>>,
}

impl Client {
    /// Connects as a role that needs no password.
    pub fn connect(port: u16, role: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut client = Self {
            stream: BufReader::new(stream),
            catalog: TypeCatalog::new(),
        };
        let mut out = BytesMut::new();
        let parameters = [
            ("user", role),
            ("database", "postgres"),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO"),
            ("IntervalStyle", "iso_8601"),
            ("TimeZone", "UTC"),
            ("extra_float_digits", "1"),
        ];
        frontend::startup_message(parameters, &mut out).unwrap();
        client.exchange(&out);
        client
    }

    /// Runs statements whose result does not matter.
    pub fn execute(&mut self, sql: &str) {
        let mut out = BytesMut::new();
        frontend::query(sql, &mut out).unwrap();
        self.exchange(&out);
    }

    /// The result as PostgreSQL's own text.
    pub fn texts(&mut self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.run(sql, &[0])
            .rows
            .iter()
            .map(|body| split(body))
            .collect()
    }

    /// How the result is described.
    pub fn describe(&mut self, sql: &str) -> Vec<ColumnSpec> {
        let mut out = BytesMut::new();
        frontend::parse("", sql, [], &mut out).unwrap();
        frontend::describe(b'S', "", &mut out).unwrap();
        frontend::sync(&mut out);
        self.exchange(&out).columns
    }

    /// Plans a result, looking up the types that are not known yet.
    pub fn plan(&mut self, sql: &str) -> Plan {
        let columns = self.describe(sql);
        let oids: Vec<u32> = columns.iter().map(|column| column.type_oid).collect();
        loop {
            let missing = self.catalog.missing(&oids);
            if missing.is_empty() {
                return plan(&self.catalog, &columns);
            }
            self.look_up(&missing);
        }
    }

    /// The result as one batch.
    pub fn batch(&mut self, sql: &str) -> Result<RecordBatch, DecodeError> {
        let plan = self.plan(sql);
        let mut decoder = RowDecoder::new(&plan);
        for body in self.run(sql, &plan.formats()).rows {
            decoder.push(&body)?;
        }
        Ok(decoder.finish())
    }

    fn look_up(&mut self, oids: &[u32]) {
        let oids: Vec<String> = oids.iter().map(ToString::to_string).collect();
        let rows = self.texts(&format!(
            "SELECT t.oid, format_type(t.oid, NULL), t.typtype,
                t.typsubscript = 'array_subscript_handler'::regproc, t.typelem, t.typbasetype,
                coalesce(r.rngsubtype, 0), coalesce(m.rngtypid, 0),
                (SELECT string_agg(quote_ident(attname) || ' ' || atttypid, chr(10) ORDER BY attnum)
                   FROM pg_attribute
                  WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped)
               FROM pg_type t
               LEFT JOIN pg_range r ON r.rngtypid = t.oid
               LEFT JOIN pg_range m ON m.rngmultitypid = t.oid
              WHERE t.oid IN ({})",
            oids.join(",")
        ));
        for row in rows {
            let oid = |index: usize| row[index].as_deref().unwrap().parse::<u32>().unwrap();
            let kind = match (row[2].as_deref().unwrap(), row[3].as_deref().unwrap()) {
                ("e", _) => TypeKind::Enum { labels: vec![] },
                ("d", _) => TypeKind::Domain { base: oid(5) },
                ("r", _) => TypeKind::Range { subtype: oid(6) },
                ("m", _) => TypeKind::Multirange { range: oid(7) },
                ("c", _) => TypeKind::Composite {
                    fields: row[8].as_deref().map_or(vec![], fields),
                },
                ("p", _) => TypeKind::Pseudo,
                (_, "t") => TypeKind::Array { element: oid(4) },
                _ => TypeKind::Base,
            };
            self.catalog.add(TypeInfo {
                oid: oid(0),
                name: row[1].clone().unwrap(),
                kind,
            });
        }
    }

    fn run(&mut self, sql: &str, formats: &[i16]) -> Answer {
        let mut out = BytesMut::new();
        frontend::parse("", sql, [], &mut out).unwrap();
        let parameters: [(); 0] = [];
        frontend::bind(
            "",
            "",
            [],
            parameters,
            |(), _| Ok(IsNull::Yes),
            formats.iter().copied(),
            &mut out,
        )
        .map_err(|_| ())
        .unwrap();
        frontend::execute("", 0, &mut out).unwrap();
        frontend::sync(&mut out);
        self.exchange(&out)
    }

    /// Sends and reads until the server is ready again.
    fn exchange(&mut self, out: &[u8]) -> Answer {
        self.stream.get_mut().write_all(out).unwrap();
        let mut answer = Answer {
            columns: vec![],
            rows: vec![],
        };
        let mut error = None;
        loop {
            let mut head = [0; 5];
            self.stream.read_exact(&mut head).unwrap();
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
            let mut body = vec![0; usize::try_from(length).unwrap() - 4];
            self.stream.read_exact(&mut body).unwrap();
            match head[0] {
                b'T' => answer.columns = columns(&body),
                b'D' => answer.rows.push(body),
                b'E' => error = Some(String::from_utf8_lossy(&body).replace('\0', " ")),
                b'Z' => match error {
                    None => return answer,
                    Some(error) => panic!("{error}"),
                },
                _ => {}
            }
        }
    }
}

/// `"quoted name" 25`, one a line.
fn fields(text: &str) -> Vec<(String, u32)> {
    text.lines()
        .map(|line| {
            let (name, oid) = line.rsplit_once(' ').unwrap();
            (name.trim_matches('"').to_owned(), oid.parse().unwrap())
        })
        .collect()
}

fn columns(mut body: &[u8]) -> Vec<ColumnSpec> {
    let count = u16::from_be_bytes(take(&mut body));
    (0..count)
        .map(|_| {
            let end = body.iter().position(|byte| *byte == 0).unwrap();
            let name = String::from_utf8(body[..end].to_vec()).unwrap();
            body = &body[end + 1..];
            let _table_and_attribute: [u8; 6] = take(&mut body);
            let type_oid = u32::from_be_bytes(take(&mut body));
            let _size: [u8; 2] = take(&mut body);
            let type_modifier = i32::from_be_bytes(take(&mut body));
            let _format: [u8; 2] = take(&mut body);
            ColumnSpec {
                name,
                type_oid,
                type_modifier,
            }
        })
        .collect()
}

fn split(mut body: &[u8]) -> Vec<Option<String>> {
    let count = u16::from_be_bytes(take(&mut body));
    (0..count)
        .map(|_| {
            let length = usize::try_from(i32::from_be_bytes(take(&mut body))).ok()?;
            let (value, rest) = body.split_at(length);
            body = rest;
            Some(String::from_utf8(value.to_vec()).unwrap())
        })
        .collect()
}

fn take<const N: usize>(body: &mut &[u8]) -> [u8; N] {
    let (head, rest) = body.split_first_chunk().unwrap();
    *body = rest;
    *head
}
