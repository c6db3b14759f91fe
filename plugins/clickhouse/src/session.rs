//! A session: statements of one user on one server, each a request of its own.
//!
//! HTTP has no sessions, so nothing is left behind between statements: there is no transaction, no setting and
//! no temporary table to reset. What a session keeps is what the server said of itself and the columns of
//! statements that it has seen.
//!
//! The way to a result: an Arrow stream where the server has one and writes the columns' types into it, rows
//! in binary otherwise. An Arrow stream does not say ClickHouse's own types, so a new `SELECT` costs one more
//! request, in which the server describes it without reading a row.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::rc::Rc;
use std::time::Instant;

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::connector::{Statement, Target};
use datachat_sdk::error::db_error;
use datachat_sdk::http::{self, Body, Http, Method, Request, Response};

use crate::answer::Answer;
use crate::errors::{self, Exception, Phase};
use crate::facts::{self, Facts, Profile};
use crate::options::Options;
use crate::params;
use crate::request::Query;
use crate::rows::{ArrowRows, BinaryRows, Rows};
use crate::statement::{self, Kind, Plans};
use crate::types::{Geo, Plan, Type, parse, plan};

/// The most that is read of an error's text, in bytes.
const ERROR_TEXT: usize = 64 << 10;

/// The most that is kept of an answer to a question of our own, in bytes.
const OWN_ANSWER: usize = 64 << 20;

/// Gives the password whenever a request needs it, so that it is not kept here.
pub type Password = Box<dyn Fn() -> Option<String>>;

/// A session of one ClickHouse server.
pub struct Session<H: Http> {
    http: H,
    /// For messages: `db.example:8123`.
    origin: String,
    user: Option<String>,
    password: Password,
    database: Option<String>,
    options: Options,
    pub(crate) facts: Facts,
    queries: Queries,
    plans: Plans,
}

/// Names for statements, by which they are cancelled.
#[derive(Debug, Clone)]
struct Queries {
    prefix: String,
    count: u64,
}

impl Queries {
    fn new() -> Self {
        let random = || RandomState::new().build_hasher().finish();
        Self {
            prefix: format!("datachat-{:016x}{:016x}-", random(), random()),
            count: 0,
        }
    }

    fn next(&mut self) -> String {
        self.count += 1;
        format!("{}{}", self.prefix, self.count)
    }
}

impl<H: Http> Session<H> {
    /// Finds out what the server is, which also proves name and password.
    ///
    /// # Errors
    /// As the contract lists for `open`.
    pub fn open(
        http: H,
        target: &Target,
        password: Password,
        deadline: Instant,
    ) -> Result<Self, DbError> {
        let mut session = Self::unopened(http, target, password)?;
        session.http.set_deadline(Some(deadline));
        let rows = session.rows_of(&facts::question(), &[], Phase::Opening)?;
        session.facts = Facts::read(rows)?;
        session.http.set_deadline(None);
        Ok(session)
    }

    fn unopened(http: H, target: &Target, password: Password) -> Result<Self, DbError> {
        Ok(Self {
            http,
            origin: http::authority(target),
            user: target.user.clone(),
            password,
            database: target.database.clone(),
            options: Options::read(target)?,
            facts: Facts::unknown(),
            queries: Queries::new(),
            plans: Plans::default(),
        })
    }

    /// Stops the statements of the session that gave `token`.
    ///
    /// # Errors
    /// The server could not be asked, or the user may not.
    pub fn cancel(
        http: H,
        target: &Target,
        password: Password,
        token: &[u8],
        deadline: Instant,
    ) -> Result<(), DbError> {
        let token = std::str::from_utf8(token)
            .ok()
            .filter(|token| {
                token.starts_with("datachat-")
                    && token
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            })
            .ok_or_else(|| db_error(ErrorCode::Internal, "the token is none of this connector"))?;
        let mut session = Self::unopened(http, target, password)?;
        session.http.set_deadline(Some(deadline));
        // The token is of letters, digits and hyphens: it needs no escape.
        let sql = format!("KILL QUERY WHERE startsWith(query_id, '{token}') ASYNC");
        session.rows_of(&sql, &[], Phase::Statement).map(drop)
    }

    /// What [`Session::cancel`] needs.
    pub fn cancel_token(&self) -> Vec<u8> {
        self.queries.prefix.clone().into_bytes()
    }

    /// What the user's profile lets us decide.
    pub(crate) fn profile(&self) -> Profile {
        self.facts.profile()
    }

    /// The name that the session logged in by.
    pub(crate) fn user(&self) -> &str {
        self.user.as_deref().unwrap_or("default")
    }

    /// The database that the URL names.
    pub(crate) fn named_database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The database of names without one.
    pub(crate) fn database(&self) -> Option<&str> {
        self.database
            .as_deref()
            .or(Some(self.facts.database.as_str()))
            .filter(|name| !name.is_empty())
    }

    /// Starts a statement.
    ///
    /// # Errors
    /// What the server says about the statement, or what is wrong with its parameters.
    pub fn query(&mut self, request: &Statement) -> Result<Rows<H::Body>, DbError> {
        let values = params::encode(&request.params, &self.facts.zone)?;
        if !values.is_empty() && !self.facts.has_parameters() {
            return Err(db_error(
                ErrorCode::Unsupported,
                format!("ClickHouse {} has no parameters", self.facts.version),
            ));
        }
        if statement::kind(&request.sql) == Kind::Answer {
            return self.answered(request, &values);
        }
        // A remembered plan may be out of date: once more, with a new one, then.
        let remembered = self.plans.find(&request.sql);
        let fresh = remembered.is_none();
        let plan = match remembered {
            Some(plan) => plan,
            None => match self.described(request, &values) {
                Ok(plan) => plan,
                // The brackets around it may be what the server does not like.
                Err(error) if error.code == ErrorCode::Syntax => {
                    return self.answered(request, &values);
                }
                Err(error) => return Err(error),
            },
        };
        match self.run(request, &values, &plan)? {
            Some(rows) => Ok(rows),
            // The server names a subquery anew each time that it sees it.
            None if fresh => self.answered(request, &values),
            None => {
                self.plans.forget(&request.sql);
                let plan = self.described(request, &values)?;
                match self.run(request, &values, &plan)? {
                    Some(rows) => Ok(rows),
                    None => self.answered(request, &values),
                }
            }
        }
    }

    /// The columns of a `SELECT`, which the server describes.
    fn described(
        &mut self,
        request: &Statement,
        values: &[(String, Vec<u8>)],
    ) -> Result<Rc<Plan>, DbError> {
        let rows = self.rows_of(&statement::describe(&request.sql), values, Phase::Statement)?;
        let columns = rows
            .into_iter()
            .map(|row| {
                let mut fields = row.into_iter();
                let (Some(name), Some(ty)) = (fields.next(), fields.next()) else {
                    return Err(errors::malformed("a column without a type"));
                };
                let parsed = parse(&ty).map_err(|error| errors::bad_type(&ty, &error))?;
                Ok((name, parsed))
            })
            .collect::<Result<Vec<_>, DbError>>()?;
        let plan = Rc::new(self.plan(columns)?);
        self.plans.insert(&request.sql, Rc::clone(&plan));
        Ok(plan)
    }

    fn plan(&self, columns: Vec<(String, Type)>) -> Result<Plan, DbError> {
        plan(columns, self.options.strings, &self.facts.zone)
            .map_err(|error| errors::unreadable(&error))
    }

    /// Runs a described statement; none if its columns turn out to be others.
    fn run(
        &mut self,
        request: &Statement,
        values: &[(String, Vec<u8>)],
        plan: &Rc<Plan>,
    ) -> Result<Option<Rows<H::Body>>, DbError> {
        // Who can't say that batches are not to be compressed gets rows.
        let arrow = self.facts.has_arrow()
            && self.facts.profile() != Profile::Closed
            && !plan.types.iter().any(|ty| ty.any(&beyond_arrow));
        // Where the server can't stop by itself after a row, we do.
        let max_rows = request.max_rows.filter(|_| !self.stops_by_itself());
        if arrow {
            let answer = self.execute(request, values, Kind::Select, "ArrowStream")?;
            return Ok(ArrowRows::open(answer, plan, max_rows)?.map(Rows::Arrow));
        }
        let answer = self.execute(request, values, Kind::Select, "RowBinary")?;
        let rows = BinaryRows::with_plan(answer, plan, max_rows)?;
        Ok(Some(Rows::Binary(Box::new(rows))))
    }

    fn stops_by_itself(&self) -> bool {
        self.facts.has_limit() && self.facts.may_set("limit")
    }

    /// Runs a statement whose answer says its columns.
    fn answered(
        &mut self,
        request: &Statement,
        values: &[(String, Vec<u8>)],
    ) -> Result<Rows<H::Body>, DbError> {
        let rows = if self.facts.has_arrow() {
            let format = "RowBinaryWithNamesAndTypes";
            let answer = self.execute(request, values, Kind::Answer, format)?;
            let (strings, zone) = (self.options.strings, self.facts.zone.clone());
            BinaryRows::with_header(answer, strings, &zone, request.max_rows)?
        } else {
            // Asked twice: no other format of such servers says types. What has columns and is no SELECT only
            // reads what the server knows of itself.
            let format = "TabSeparatedWithNamesAndTypes";
            let answer = self.execute(request, values, Kind::Answer, format)?;
            let mut lines = read_rows(answer)?.into_iter();
            let names = lines.next().unwrap_or_default();
            let types = lines.next().unwrap_or_default();
            let columns = names
                .into_iter()
                .zip(types)
                .map(|(name, ty)| {
                    let parsed = parse(&ty).map_err(|error| errors::bad_type(&ty, &error))?;
                    Ok((name, parsed))
                })
                .collect::<Result<Vec<_>, DbError>>()?;
            let plan = Rc::new(self.plan(columns)?);
            if plan.types.is_empty() {
                return Ok(Rows::Nothing(Box::default()));
            }
            let answer = self.execute(request, values, Kind::Answer, "RowBinary")?;
            BinaryRows::with_plan(answer, &plan, request.max_rows)?
        };
        Ok(Rows::Binary(Box::new(rows)))
    }

    /// Sends a statement of the user's with its limits.
    fn execute(
        &mut self,
        request: &Statement,
        values: &[(String, Vec<u8>)],
        kind: Kind,
        format: &str,
    ) -> Result<Answer<H::Body>, DbError> {
        let mut query = Query::default();
        for (name, value) in self.settings(request, kind) {
            query = query.with(name, value);
        }
        for (name, value) in values {
            query = query.with(name, value);
        }
        let response = self.send(
            query,
            &request.sql,
            format,
            self.options.lz4,
            Phase::Statement,
        )?;
        if let Some(actual) = response.header("x-clickhouse-format")
            && actual != format
            && !(format.starts_with("RowBinary") && actual == "Null")
        {
            return Err(db_error(
                ErrorCode::Unsupported,
                "the statement has a FORMAT clause; leave it out",
            ));
        }
        let coding = response.header("content-encoding").map(str::to_owned);
        Answer::new(response.body, coding.as_deref(), &self.origin, &request.sql)
    }

    /// What limits a statement and fixes its format, as far as the server and the user's profile let us say
    /// it. `readonly` comes last: older servers refuse every setting that stands behind it.
    fn settings(&self, request: &Statement, kind: Kind) -> Vec<(&'static str, String)> {
        let flag = |on: bool| u8::from(on).to_string();
        let mut settings = vec![
            ("cancel_http_readonly_queries_on_client_close", flag(true)),
            ("http_write_exception_in_output_format", flag(false)),
            ("enable_http_compression", flag(self.options.lz4)),
            (
                "output_format_arrow_low_cardinality_as_dictionary",
                flag(true),
            ),
            (
                "output_format_arrow_string_as_string",
                flag(!self.options.strings.binary),
            ),
            (
                "output_format_arrow_fixed_string_as_fixed_byte_array",
                flag(true),
            ),
            ("output_format_arrow_compression_method", "none".to_owned()),
            ("output_format_arrow_date_as_uint16", flag(false)),
            ("output_format_binary_write_json_as_string", flag(true)),
        ];
        if request.timeout_ms > 0 {
            // Older servers take whole seconds only.
            let seconds = if self.facts.release >= (21, 1) {
                format!("{}", f64::from(request.timeout_ms) / 1000.0)
            } else {
                request.timeout_ms.div_ceil(1000).to_string()
            };
            settings.push(("max_execution_time", seconds));
            settings.push(("timeout_overflow_mode", "throw".to_owned()));
        }
        if self.stops_by_itself() {
            if let (Some(rows), Kind::Select) = (request.max_rows, kind) {
                settings.push(("limit", rows.to_string()));
            }
            if let Some(bytes) = request.max_bytes {
                // The server counts its own blocks: texts have 8 bytes more there than in Arrow.
                let bytes = bytes.saturating_mul(4).saturating_add(64 << 20);
                settings.push(("max_result_bytes", bytes.to_string()));
                settings.push(("result_overflow_mode", "throw".to_owned()));
            }
        } else if let Some(rows) = request.max_rows {
            // Whole blocks: what is more than asked for is cut off here.
            settings.push(("max_result_rows", rows.to_string()));
            settings.push(("result_overflow_mode", "break".to_owned()));
        }
        if request.read_only {
            settings.push(("readonly", "1".to_owned()));
        }
        settings.retain(|(name, _)| self.facts.may_set(name));
        settings
    }

    /// The rows of a small statement of our own, as texts.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) fn rows_of(
        &mut self,
        sql: &str,
        values: &[(String, Vec<u8>)],
        phase: Phase,
    ) -> Result<Vec<Vec<String>>, DbError> {
        let mut query = self.reading();
        for (name, value) in values {
            query = query.with(name, value);
        }
        let response = self.send(query, sql, "TabSeparated", false, phase)?;
        read_rows(Answer::new(response.body, None, &self.origin, sql)?)
    }

    /// The bytes of a statement of our own, as they come.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) fn stream_of(
        &mut self,
        sql: &str,
        format: &str,
    ) -> Result<Answer<H::Body>, DbError> {
        let response = self.send(self.reading(), sql, format, false, Phase::Statement)?;
        Answer::new(response.body, None, &self.origin, sql)
    }

    /// What our own statements ask of the server.
    fn reading(&self) -> Query {
        if self.facts.may_set("readonly") {
            Query::default().with("readonly", "1")
        } else {
            Query::default()
        }
    }

    /// Sends a statement; an answer that is no success becomes its error.
    fn send(
        &mut self,
        query: Query,
        sql: &str,
        format: &str,
        lz4: bool,
        phase: Phase,
    ) -> Result<Response<H::Body>, DbError> {
        let query = query
            .with_some("database", self.database.as_deref())
            .with("default_format", format)
            .with("query_id", self.queries.next());
        let password = (self.password)();
        let mut headers = vec![("content-type", "text/plain; charset=utf-8")];
        if let Some(user) = &self.user {
            headers.push(("x-clickhouse-user", user));
        }
        if let Some(password) = &password {
            headers.push(("x-clickhouse-key", password));
        }
        if lz4 {
            headers.push(("accept-encoding", "lz4"));
        }
        let mut response = self
            .http
            .send(Request {
                method: Method::Post,
                path_and_query: query.as_str(),
                headers: &headers,
                body: &mut std::iter::once(sql.as_bytes()),
            })
            .map_err(|error| errors::from_http(error, &self.origin))?;
        if response.status == 200 {
            return Ok(response);
        }
        let mut text = Vec::new();
        while text.len() < ERROR_TEXT {
            match response.body.read(ERROR_TEXT) {
                Ok(piece) if !piece.is_empty() => text.extend(piece),
                _ => break,
            }
        }
        Err(refusal(&response, &text, phase, sql, &self.origin))
    }
}

/// What an answer other than 200 says.
fn refusal<B>(
    response: &Response<B>,
    text: &[u8],
    phase: Phase,
    sql: &str,
    origin: &str,
) -> DbError {
    let text = String::from_utf8_lossy(text);
    let exception = Exception::read(&text).or_else(|| {
        let code = response.header("x-clickhouse-exception-code")?;
        Some(Exception {
            code: code.parse().ok()?,
            message: text.trim().to_owned(),
        })
    });
    if let Some(exception) = exception {
        return errors::from_exception(&exception, phase, sql);
    }
    let status = response.status;
    match status {
        401 | 403 => db_error(
            ErrorCode::AuthenticationFailed,
            "the server refused the user or the password",
        ),
        301 | 302 | 303 | 307 | 308 => db_error(
            ErrorCode::Protocol,
            format!("{origin} answers with a redirect (HTTP {status}); give the URL it leads to"),
        ),
        429 | 502..=504 => {
            let mut error = db_error(
                ErrorCode::ConnectionRefused,
                format!("{origin} is not available (HTTP {status})"),
            );
            error.retryable = true;
            error
        }
        _ => db_error(
            ErrorCode::Protocol,
            format!("{origin} does not answer as ClickHouse does (HTTP {status})"),
        ),
    }
}

/// All rows of an answer in `TabSeparated`.
fn read_rows<B: Body>(mut answer: Answer<B>) -> Result<Vec<Vec<String>>, DbError> {
    let mut bytes = Vec::new();
    loop {
        let piece = answer.read()?;
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
        if bytes.len() > OWN_ANSWER {
            return Err(errors::malformed("it is larger than such answers are"));
        }
    }
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let Some(lines) = bytes.strip_suffix(b"\n") else {
        return Err(answer.broken("its last line has no end"));
    };
    let rows: Vec<Vec<String>> = lines
        .split(|byte| *byte == b'\n')
        .map(|line| {
            line.split(|byte| *byte == b'\t')
                .map(|field| String::from_utf8_lossy(&params::unescape(field)).into_owned())
                .collect()
        })
        .collect();
    // In an answer of ours no line begins so, unless the server failed there.
    if let Some(exception) = rows
        .last()
        .and_then(|row| row.first())
        .filter(|field| field.contains("DB::"))
        .and_then(|field| Exception::read(field))
    {
        return Err(answer.blame(&exception));
    }
    Ok(rows)
}

/// What the server's Arrow writer can't write, or not in its whole range.
fn beyond_arrow(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Time | Type::Time64(_) | Type::Variant(_) | Type::QBit(..) | Type::Geo(Geo::Geometry)
    )
}
