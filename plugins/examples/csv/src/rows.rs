//! Running a plan: one pass over the file, rows to Arrow as they come.
//!
//! A plan that neither sorts, groups nor looks for duplicates holds one batch, whatever the file's size. The
//! others hold what they must, and end with `resource-limit` beyond [`HELD_BYTES`]; an order with a limit
//! holds little more than that many rows.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use csv::{Reader, StringRecord};
use datachat_sdk::arrow::{BATCH_ROWS, IpcStream};
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;

use crate::error;
use crate::folder::{Table, check_time, unreadable};
use crate::sql::aggregate::Accumulator;
use crate::sql::expr::as_float;
use crate::sql::plan::{Item, Plan, Sort};
use crate::value::{Type, Value};

/// How much sorting, grouping and DISTINCT may hold, in bytes.
pub const HELD_BYTES: usize = 96 << 20;

/// The result of a statement.
pub struct Rows {
    plan: Plan,
    scan: Scan,
    stream: IpcStream,
    output: Output,
    deadline: Option<Instant>,
    /// Rows of the result that may still be produced, and that are still to be skipped.
    room: u64,
    skip: u64,
    seen: HashSet<Vec<Value>>,
    held: usize,
    /// Rows that had to be held back, in their final order, last first.
    ready: Option<Vec<Vec<Value>>>,
    done: bool,
}

/// The rows of the file, or one row of nothing.
enum Scan {
    File {
        reader: Reader<File>,
        record: StringRecord,
        table: std::rc::Rc<Table>,
        rows: u64,
    },
    OneRow(bool),
}

impl Rows {
    /// Starts a plan. `max_rows` is what the host wants at most.
    ///
    /// # Errors
    /// The file can't be opened.
    pub fn start(
        plan: Plan,
        max_rows: Option<u64>,
        deadline: Option<Instant>,
    ) -> Result<Self, DbError> {
        let output = Output::new(&plan.items);
        let stream = IpcStream::new(&output.schema).map_err(|error| unencodable(&error))?;
        let scan = match &plan.table {
            Some(table) => Scan::File {
                reader: table.scan()?,
                record: StringRecord::new(),
                table: std::rc::Rc::clone(table),
                rows: 0,
            },
            None => Scan::OneRow(true),
        };
        let room = plan
            .limit
            .unwrap_or(u64::MAX)
            .min(max_rows.unwrap_or(u64::MAX));
        Ok(Self {
            room,
            skip: plan.offset,
            scan,
            stream,
            output,
            deadline,
            seen: HashSet::new(),
            held: 0,
            ready: None,
            done: false,
            plan,
        })
    }

    /// The next bytes of the Arrow stream, about `max` of them; empty at its end.
    ///
    /// # Errors
    /// The file changed or broke, a value can't be computed, time or memory ran out.
    pub fn read(&mut self, max: usize) -> Result<Vec<u8>, DbError> {
        while !self.stream.has_bytes() && !self.done {
            self.advance()?;
        }
        Ok(self.stream.read(max))
    }

    /// Produces a batch, or the end.
    fn advance(&mut self) -> Result<(), DbError> {
        if self.plan.groups.is_some() || !self.plan.order.is_empty() {
            if self.ready.is_none() {
                let rows = if self.plan.groups.is_some() {
                    self.group()?
                } else {
                    self.collect()?
                };
                self.ready = Some(rows);
            }
            while self.room > 0 && !self.output.is_full(self.stream.batch_bytes()) {
                let Some(row) = self.ready.as_mut().and_then(Vec::pop) else {
                    return self.finish();
                };
                self.emit(&row)?;
            }
        } else {
            while self.room > 0 && !self.output.is_full(self.stream.batch_bytes()) {
                let Some(row) = self.scan.next(&self.plan.used, self.deadline)? else {
                    return self.finish();
                };
                if !passes(self.plan.filter.as_ref(), &row)? {
                    continue;
                }
                let row = project(&self.plan.items, &row)?;
                if !self.is_new(&row)? {
                    continue;
                }
                self.emit(&row)?;
            }
        }
        if self.room == 0 {
            return self.finish();
        }
        self.flush()
    }

    /// Whether DISTINCT lets a row through.
    fn is_new(&mut self, row: &[Value]) -> Result<bool, DbError> {
        if !self.plan.distinct {
            return Ok(true);
        }
        if self.seen.contains(row) {
            return Ok(false);
        }
        hold(&mut self.held, size(row))?;
        Ok(self.seen.insert(row.to_vec()))
    }

    /// Every row of the result with its sort keys, sorted; last first.
    fn collect(&mut self) -> Result<Vec<Vec<Value>>, DbError> {
        let wanted = usize::try_from(self.room.saturating_add(self.skip)).unwrap_or(usize::MAX);
        let mut rows: Vec<(Vec<Value>, Vec<Value>)> = Vec::new();
        while let Some(row) = self.scan.next(&self.plan.used, self.deadline)? {
            if !passes(self.plan.filter.as_ref(), &row)? {
                continue;
            }
            let keys = sort_keys(&self.plan.order, &row)?;
            let row = project(&self.plan.items, &row)?;
            if !self.is_new(&row)? {
                continue;
            }
            hold(&mut self.held, size(&row) + size(&keys))?;
            rows.push((keys, row));
            // Twice the rows that are wanted: the worse half can go.
            if rows.len() / 2 > wanted.max(BATCH_ROWS / 64) {
                self.sort(&mut rows);
                for (keys, row) in rows.drain(wanted..) {
                    self.held = self.held.saturating_sub(size(&keys) + size(&row));
                }
            }
        }
        self.sort(&mut rows);
        Ok(rows.into_iter().rev().map(|(_, row)| row).collect())
    }

    /// One row a group, sorted; last first.
    fn group(&mut self) -> Result<Vec<Vec<Value>>, DbError> {
        let Some(groups) = self.plan.groups.take() else {
            return Ok(Vec::new());
        };
        let fresh =
            || -> Vec<Accumulator> { groups.aggregates.iter().map(Accumulator::new).collect() };
        let mut found: HashMap<Vec<Value>, Vec<Accumulator>> = HashMap::new();
        if groups.keys.is_empty() {
            // Aggregates without GROUP BY have a row also of no rows.
            found.insert(Vec::new(), fresh());
        }
        while let Some(row) = self.scan.next(&self.plan.used, self.deadline)? {
            if !passes(self.plan.filter.as_ref(), &row)? {
                continue;
            }
            let keys: Vec<Value> = groups
                .keys
                .iter()
                .map(|key| key.value(&row))
                .collect::<Result<_, _>>()?;
            if !found.contains_key(&keys) {
                hold(&mut self.held, size(&keys) + groups.aggregates.len() * 96)?;
            }
            let accumulators = found.entry(keys).or_insert_with(fresh);
            for (accumulator, aggregate) in accumulators.iter_mut().zip(&groups.aggregates) {
                let taken = accumulator.add(aggregate, &row)?;
                hold(&mut self.held, taken)?;
            }
        }
        let mut rows = Vec::with_capacity(found.len());
        for (mut group, accumulators) in found {
            let aggregates = accumulators.into_iter().zip(&groups.aggregates);
            group.extend(aggregates.map(|(accumulator, of)| accumulator.finish(of)));
            if passes(self.plan.having.as_ref(), &group)? {
                let keys = sort_keys(&self.plan.order, &group)?;
                let row = project(&self.plan.items, &group)?;
                if self.is_new(&row)? {
                    rows.push((keys, row));
                }
            }
        }
        self.plan.groups = Some(groups);
        self.sort(&mut rows);
        Ok(rows.into_iter().rev().map(|(_, row)| row).collect())
    }

    fn sort(&self, rows: &mut [(Vec<Value>, Vec<Value>)]) {
        rows.sort_by(|(a, _), (b, _)| order(&self.plan.order, a, b));
    }

    /// Puts a row into the batch, unless it is skipped.
    fn emit(&mut self, row: &[Value]) -> Result<(), DbError> {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        self.room -= 1;
        self.output.push(row)
    }

    fn flush(&mut self) -> Result<(), DbError> {
        if self.output.rows == 0 {
            return Ok(());
        }
        let batch = self.output.batch().map_err(|error| unencodable(&error))?;
        self.stream
            .push(&batch)
            .map_err(|error| unencodable(&error))
    }

    fn finish(&mut self) -> Result<(), DbError> {
        self.flush()?;
        self.done = true;
        self.ready = None;
        self.stream.finish().map_err(|error| unencodable(&error))
    }
}

impl Scan {
    /// The next row: the columns that are used, NULL in place of the others.
    fn next(
        &mut self,
        used: &[bool],
        deadline: Option<Instant>,
    ) -> Result<Option<Vec<Value>>, DbError> {
        let (reader, record, table, rows) = match self {
            Self::OneRow(left) => return Ok(std::mem::take(left).then(Vec::new)),
            Self::File {
                reader,
                record,
                table,
                rows,
            } => (reader, record, table, rows),
        };
        *rows += 1;
        check_time(*rows, deadline)?;
        if !reader
            .read_record(record)
            .map_err(|error| unreadable(&error))?
        {
            return Ok(None);
        }
        let cells = record.iter().zip(&table.columns).zip(used);
        cells
            .map(|((cell, column), used)| {
                if !used {
                    return Ok(Value::Null);
                }
                Value::parse(cell, column.kind).ok_or_else(|| {
                    error::data(format!(
                        "the file changed while it was read: row {rows} has no {} in column {}",
                        column.kind.name(),
                        column.name
                    ))
                })
            })
            .collect::<Result<Vec<Value>, DbError>>()
            .map(Some)
    }
}

fn passes(filter: Option<&crate::sql::expr::Expr>, row: &[Value]) -> Result<bool, DbError> {
    match filter {
        None => Ok(true),
        Some(filter) => Ok(filter.truth(row)? == Some(true)),
    }
}

fn project(items: &[Item], row: &[Value]) -> Result<Vec<Value>, DbError> {
    items.iter().map(|item| item.expr.value(row)).collect()
}

fn sort_keys(order: &[Sort], row: &[Value]) -> Result<Vec<Value>, DbError> {
    order.iter().map(|sort| sort.expr.value(row)).collect()
}

fn order(sorts: &[Sort], a: &[Value], b: &[Value]) -> Ordering {
    for ((sort, a), b) in sorts.iter().zip(a).zip(b) {
        let order = match (a, b) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) if sort.nulls_first => Ordering::Less,
            (Value::Null, _) => Ordering::Greater,
            (_, Value::Null) if sort.nulls_first => Ordering::Greater,
            (_, Value::Null) => Ordering::Less,
            _ => {
                let order = a.compare(b).unwrap_or(Ordering::Equal);
                if sort.descending {
                    order.reverse()
                } else {
                    order
                }
            }
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn size(row: &[Value]) -> usize {
    row.iter().map(Value::size).sum::<usize>() + 2 * std::mem::size_of::<Vec<Value>>()
}

fn hold(held: &mut usize, more: usize) -> Result<(), DbError> {
    *held += more;
    if *held > HELD_BYTES {
        return Err(error::limit(format!(
            "sorting, grouping or DISTINCT would hold more than {HELD_BYTES} bytes; a condition or a LIMIT \
             makes it less"
        )));
    }
    Ok(())
}

/// The batch that is being filled.
struct Output {
    schema: Arc<Schema>,
    columns: Vec<Builder>,
    rows: usize,
    bytes: usize,
}

enum Builder {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Float(Float64Builder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

impl Output {
    fn new(items: &[Item]) -> Self {
        let fields: Vec<Field> = items
            .iter()
            .map(|item| {
                let metadata = [("datachat.db_type".to_owned(), item.kind.name().to_owned())];
                Field::new(&item.name, arrow_type(item.kind), item.nullable)
                    .with_metadata(HashMap::from(metadata))
            })
            .collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
            columns: items.iter().map(|item| Builder::new(item.kind)).collect(),
            rows: 0,
            bytes: 0,
        }
    }

    fn is_full(&self, bytes: usize) -> bool {
        self.bytes >= bytes || self.rows >= BATCH_ROWS
    }

    fn push(&mut self, row: &[Value]) -> Result<(), DbError> {
        for (builder, value) in self.columns.iter_mut().zip(row) {
            self.bytes += match value {
                Value::Text(text) => text.len() + 4,
                _ => 8,
            };
            builder.push(value)?;
        }
        self.rows += 1;
        Ok(())
    }

    fn batch(&mut self) -> Result<RecordBatch, ArrowError> {
        let columns = self.columns.iter_mut().map(Builder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
    }
}

impl Builder {
    fn new(kind: Type) -> Self {
        match kind {
            Type::Boolean => Self::Boolean(BooleanBuilder::new()),
            Type::Integer => Self::Integer(Int64Builder::new()),
            Type::Float => Self::Float(Float64Builder::new()),
            Type::Date => Self::Date(Date32Builder::new()),
            Type::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            Type::Text => Self::Text(StringBuilder::new()),
        }
    }

    fn push(&mut self, value: &Value) -> Result<(), DbError> {
        match (self, value) {
            (Self::Boolean(builder), Value::Boolean(value)) => builder.append_value(*value),
            (Self::Integer(builder), Value::Integer(value)) => builder.append_value(*value),
            (Self::Date(builder), Value::Date(value)) => builder.append_value(*value),
            (Self::Timestamp(builder), Value::Timestamp(value)) => builder.append_value(*value),
            (Self::Text(builder), Value::Text(value)) => builder.append_value(value),
            (Self::Float(builder), value @ (Value::Float(_) | Value::Integer(_))) => {
                builder.append_option(as_float(value));
            }
            (Self::Boolean(builder), Value::Null) => builder.append_null(),
            (Self::Integer(builder), Value::Null) => builder.append_null(),
            (Self::Float(builder), Value::Null) => builder.append_null(),
            (Self::Date(builder), Value::Null) => builder.append_null(),
            (Self::Timestamp(builder), Value::Null) => builder.append_null(),
            (Self::Text(builder), Value::Null) => builder.append_null(),
            _ => {
                return Err(db_error(
                    ErrorCode::Internal,
                    "a value is not of its column's type",
                ));
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(builder) => ArrayBuilder::finish(builder),
            Self::Integer(builder) => ArrayBuilder::finish(builder),
            Self::Float(builder) => ArrayBuilder::finish(builder),
            Self::Date(builder) => ArrayBuilder::finish(builder),
            Self::Timestamp(builder) => ArrayBuilder::finish(builder),
            Self::Text(builder) => ArrayBuilder::finish(builder),
        }
    }
}

fn arrow_type(kind: Type) -> DataType {
    match kind {
        Type::Boolean => DataType::Boolean,
        Type::Integer => DataType::Int64,
        Type::Float => DataType::Float64,
        Type::Date => DataType::Date32,
        Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::Text => DataType::Utf8,
    }
}

fn unencodable(error: &ArrowError) -> DbError {
    db_error(ErrorCode::Internal, format!("Arrow: {error}"))
}
