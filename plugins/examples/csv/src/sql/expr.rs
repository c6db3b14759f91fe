//! Expressions over a row, with SQL's three-valued logic.
//!
//! Types were checked when the expression was made; what can still go wrong is arithmetic.

use std::cmp::Ordering;

use datachat_sdk::connector::types::DbError;

use crate::error;
use crate::value::Value;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How two numbers are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Something that has a value for each row.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Of the row at hand: of the file, or of a group's keys and aggregates.
    Column(usize),
    Literal(Value),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Arithmetic(Operation, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IsNull(Box<Expr>),
    /// The pattern has `%` and `_`.
    Like {
        text: Box<Expr>,
        pattern: Box<Expr>,
        any_case: bool,
    },
    In(Box<Expr>, Vec<Expr>),
    /// The first branch whose condition is true, else the last expression.
    Case(Vec<(Expr, Expr)>, Box<Expr>),
}

impl Expr {
    /// The value for a row.
    ///
    /// # Errors
    /// A number is too large, or divided by zero.
    pub fn value(&self, row: &[Value]) -> Result<Value, DbError> {
        Ok(match self {
            Self::Column(index) => row.get(*index).cloned().unwrap_or(Value::Null),
            Self::Literal(value) => value.clone(),
            Self::Compare(how, a, b) => {
                let order = a.value(row)?.compare(&b.value(row)?);
                truth(order.map(|order| how.holds(order)))
            }
            Self::Arithmetic(operation, a, b) => operation.apply(&a.value(row)?, &b.value(row)?)?,
            Self::And(a, b) => match a.truth(row)? {
                Some(false) => Value::Boolean(false),
                first => match (first, b.truth(row)?) {
                    (_, Some(false)) => Value::Boolean(false),
                    (Some(true), Some(true)) => Value::Boolean(true),
                    _ => Value::Null,
                },
            },
            Self::Or(a, b) => match a.truth(row)? {
                Some(true) => Value::Boolean(true),
                first => match (first, b.truth(row)?) {
                    (_, Some(true)) => Value::Boolean(true),
                    (Some(false), Some(false)) => Value::Boolean(false),
                    _ => Value::Null,
                },
            },
            Self::Not(a) => truth(a.truth(row)?.map(|value| !value)),
            Self::IsNull(a) => Value::Boolean(matches!(a.value(row)?, Value::Null)),
            Self::Like {
                text,
                pattern,
                any_case,
            } => match (text.value(row)?, pattern.value(row)?) {
                (Value::Text(text), Value::Text(pattern)) if *any_case => {
                    Value::Boolean(like(&text.to_lowercase(), &pattern.to_lowercase()))
                }
                (Value::Text(text), Value::Text(pattern)) => Value::Boolean(like(&text, &pattern)),
                _ => Value::Null,
            },
            Self::In(a, list) => {
                let wanted = a.value(row)?;
                let mut unknown = false;
                for item in list {
                    match wanted.compare(&item.value(row)?) {
                        Some(Ordering::Equal) => return Ok(Value::Boolean(true)),
                        None => unknown = true,
                        Some(_) => {}
                    }
                }
                truth((!unknown).then_some(false))
            }
            Self::Case(branches, otherwise) => {
                for (condition, result) in branches {
                    if condition.truth(row)? == Some(true) {
                        return result.value(row);
                    }
                }
                otherwise.value(row)?
            }
        })
    }

    /// The value as a condition; none is unknown.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn truth(&self, row: &[Value]) -> Result<Option<bool>, DbError> {
        Ok(match self.value(row)? {
            Value::Boolean(value) => Some(value),
            _ => None,
        })
    }
}

fn truth(value: Option<bool>) -> Value {
    value.map_or(Value::Null, Value::Boolean)
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Operation {
    fn apply(self, a: &Value, b: &Value) -> Result<Value, DbError> {
        let by_zero = || error::data("division by zero");
        let number = match (a, b) {
            (Value::Integer(a), Value::Integer(b)) => {
                let (a, b) = (*a, *b);
                if b == 0 && matches!(self, Self::Divide | Self::Remainder) {
                    return Err(by_zero());
                }
                let result = match self {
                    Self::Add => a.checked_add(b),
                    Self::Subtract => a.checked_sub(b),
                    Self::Multiply => a.checked_mul(b),
                    Self::Divide => a.checked_div(b),
                    Self::Remainder => Some(a.wrapping_rem(b)),
                };
                return result
                    .map(Value::Integer)
                    .ok_or_else(|| error::data("an integer is out of range"));
            }
            (a, b) => match (as_float(a), as_float(b)) {
                (Some(a), Some(b)) => (a, b),
                _ => return Ok(Value::Null),
            },
        };
        let (a, b) = number;
        if b == 0.0 && matches!(self, Self::Divide | Self::Remainder) {
            return Err(by_zero());
        }
        let result = match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Remainder => a % b,
        };
        if result.is_finite() {
            Ok(Value::Float(result))
        } else {
            Err(error::data("a number is out of range"))
        }
    }
}

/// A number as a double.
#[allow(clippy::cast_precision_loss)] // as SQL has it when an integer meets a double
pub fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

/// Whether a text fits a pattern of `%` (any text) and `_` (one character). Takes at most the product of
/// the lengths.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut of) = (0, 0);
    // Where the last `%` was, and how much of the text it took.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('%') => {
                star = Some((of, at));
                of += 1;
            }
            Some(&wanted) if wanted == '_' || wanted == text[at] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((of_star, taken)) = star else {
                    return false;
                };
                star = Some((of_star, taken + 1));
                at = taken + 1;
                of = of_star + 1;
            }
        }
    }
    pattern[of..].iter().all(|&left| left == '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::unnecessary_box_returns)] // as the expressions around it want it
    fn literal(value: Option<bool>) -> Box<Expr> {
        Box::new(Expr::Literal(truth(value)))
    }

    #[test]
    fn unknown_stays_unknown_unless_the_other_side_decides() {
        let all = [Some(true), Some(false), None];
        for a in all {
            for b in all {
                let and = Expr::And(literal(a), literal(b))
                    .truth(&[])
                    .expect("no arithmetic");
                let or = Expr::Or(literal(a), literal(b))
                    .truth(&[])
                    .expect("no arithmetic");
                let both = match (a, b) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                };
                let either = match (a, b) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                };
                assert_eq!((and, or), (both, either), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn patterns_match_as_sql_has_them() {
        for (text, pattern, fits) in [
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "_b_", true),
            ("abc", "b%", false),
            ("", "%", true),
            ("", "_", false),
            ("aXbXc", "a%b%c", true),
            ("größe", "gr__e", true),
            // A sign of two bytes is one character.
            ("größe", "gr___e", false),
            ("größe", "gr_ße", true),
            ("ab", "abc", false),
        ] {
            assert_eq!(like(text, pattern), fits, "{text} LIKE {pattern}");
        }
        // Many stars must not take exponential time.
        assert!(!like(&"a".repeat(2000), &format!("{}b", "%a".repeat(500))));
    }

    #[test]
    fn arithmetic_that_has_no_answer_is_an_error() {
        let integer = |n| Box::new(Expr::Literal(Value::Integer(n)));
        for (operation, a, b) in [
            (Operation::Divide, 1, 0),
            (Operation::Remainder, 1, 0),
            (Operation::Add, i64::MAX, 1),
            (Operation::Divide, i64::MIN, -1),
        ] {
            let expr = Expr::Arithmetic(operation, integer(a), integer(b));
            assert!(expr.value(&[]).is_err(), "{operation:?}");
        }
        let sum = Expr::Arithmetic(Operation::Add, integer(2), integer(3)).value(&[]);
        assert_eq!(sum.expect("a sum"), Value::Integer(5));
    }
}
