//! `datachat limits`

use serde_json::{Value, json};

use super::failure::Failure;
use super::only_here;
use super::output::Printer;
use crate::config::Config;
use crate::limits::TABLE;

pub fn run(config: &Config, printer: Printer) -> Result<(), Failure> {
    only_here(config, "`datachat limits`")?;
    let values: Vec<(&str, u64)> = config.limits.values();
    let records: Vec<Value> = TABLE
        .iter()
        .zip(values)
        .map(|(limit, (_, value))| {
            json!({
                "name": limit.name,
                "value": value,
                "default": limit.default,
                "unit": limit.unit,
                "variable": limit.variable,
                "why": limit.why,
            })
        })
        .collect();
    printer.records(
        &["name", "value", "unit", "variable", "why"],
        &json!(records),
    )?;
    Ok(())
}
