//! Aggregate functions: what they are, and how they add up.

use std::collections::HashSet;

use datachat_sdk::connector::types::DbError;

use super::expr::{Expr, as_float};
use crate::error;
use crate::value::{Type, Value};

/// Which function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Count,
    Sum,
    Avg,
    Min,
    Max,
}

/// One aggregate of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub function: Function,
    /// None: `count(*)`.
    pub argument: Option<Expr>,
    /// The type of the argument; none where it is always NULL.
    pub kind: Option<Type>,
    pub distinct: bool,
}

impl Function {
    /// The function of a name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_lowercase().as_str() {
            "count" => Self::Count,
            "sum" => Self::Sum,
            "avg" => Self::Avg,
            "min" => Self::Min,
            "max" => Self::Max,
            _ => return None,
        })
    }
}

impl Aggregate {
    /// The type of the result.
    pub fn result(&self) -> Option<Type> {
        match self.function {
            Function::Count => Some(Type::Integer),
            Function::Avg => Some(Type::Float),
            Function::Sum | Function::Min | Function::Max => self.kind,
        }
    }
}

/// An aggregate of one group, on its way.
#[derive(Debug)]
pub struct Accumulator {
    count: i64,
    /// The sum, the least or the greatest.
    value: Value,
    seen: Option<HashSet<Value>>,
}

impl Accumulator {
    /// Of no rows.
    pub fn new(aggregate: &Aggregate) -> Self {
        Self {
            count: 0,
            value: Value::Null,
            seen: aggregate.distinct.then(HashSet::new),
        }
    }

    /// Adds a row; gives the memory that it took, in bytes.
    ///
    /// # Errors
    /// The sum is out of range, or an expression is.
    pub fn add(&mut self, aggregate: &Aggregate, row: &[Value]) -> Result<usize, DbError> {
        let Some(argument) = &aggregate.argument else {
            self.count += 1;
            return Ok(0);
        };
        let value = argument.value(row)?;
        if matches!(value, Value::Null) {
            return Ok(0);
        }
        let mut taken = 0;
        if let Some(seen) = &mut self.seen {
            if seen.contains(&value) {
                return Ok(0);
            }
            taken = 2 * value.size();
            seen.insert(value.clone());
        }
        self.count += 1;
        match aggregate.function {
            Function::Sum => self.value = sum(&self.value, &value)?,
            Function::Avg => {
                let value = as_float(&value).map_or(Value::Null, Value::Float);
                self.value = sum(&self.value, &value)?;
            }
            Function::Min
                if self
                    .value
                    .compare(&value)
                    .is_none_or(std::cmp::Ordering::is_gt) =>
            {
                self.value = value;
            }
            Function::Max
                if self
                    .value
                    .compare(&value)
                    .is_none_or(std::cmp::Ordering::is_lt) =>
            {
                self.value = value;
            }
            Function::Count | Function::Min | Function::Max => {}
        }
        Ok(taken)
    }

    /// The result.
    #[allow(clippy::cast_precision_loss)] // a count of rows
    pub fn finish(self, aggregate: &Aggregate) -> Value {
        match (aggregate.function, self.value) {
            (Function::Count, _) => Value::Integer(self.count),
            (Function::Avg, Value::Float(sum)) => Value::Float(sum / self.count as f64),
            (_, value) => value,
        }
    }
}

fn sum(so_far: &Value, value: &Value) -> Result<Value, DbError> {
    let out_of_range = || error::data("a sum is out of range");
    match (so_far, value) {
        (Value::Null, value) => Ok(value.clone()),
        (Value::Integer(a), Value::Integer(b)) => a
            .checked_add(*b)
            .map(Value::Integer)
            .ok_or_else(out_of_range),
        (a, b) => match (as_float(a), as_float(b)) {
            (Some(a), Some(b)) if (a + b).is_finite() => Ok(Value::Float(a + b)),
            _ => Err(out_of_range()),
        },
    }
}
