//! Pages that repeat what the source says, held against it. `BLESS=1 cargo test` writes them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use datachat::config::SETTINGS;
use datachat::limits::TABLE;

/// Compares a page with what it should be, or writes it.
fn check(page: &str, expected: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(page);
    if std::env::var_os("BLESS").is_some() {
        return Ok(fs::write(path, expected)?);
    }
    if fs::read_to_string(&path).unwrap_or_default() != expected {
        bail!(
            "docs/{page} is not what the source says; `BLESS=1 cargo test -p datachat-tests --test documentation` writes it"
        );
    }
    Ok(())
}

/// `1000000` as `1,000,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[test]
fn the_page_of_limits_is_the_table_of_limits() -> Result<()> {
    let mut page = "# Limits and timeouts\n\n\
        Every limit of the server, with the environment variable that changes it (a whole number from 1 up).\n\
        `datachat limits` prints what is in force. Rows and bytes of a result are cut there, and the answer says so;\n\
        reaching any other limit is an error that names it.\n\n\
        | Limit | Variable | Default | Why |\n|---|---|--:|---|\n"
        .to_owned();
    for limit in TABLE {
        writeln!(
            page,
            "| `{}` | `{}` | {} {} | {} |",
            limit.name,
            limit.variable,
            grouped(limit.default),
            limit.unit,
            limit.why
        )?;
    }
    check("limits.md", &page)
}

#[test]
fn the_page_of_settings_is_the_table_of_settings() -> Result<()> {
    let mut page = "# Configuration\n\n\
        Flags win over environment variables, these over a file `.env` in the current folder, this over defaults. A key\n\
        that nobody knows (in `.env` any, in the environment one that begins with `DATACHAT_` or `DATA_CHAT_`) is refused\n\
        with the nearest known name. Limits have variables of their own: [limits.md](limits.md).\n\n\
        | Variable | Default | What it does |\n|---|---|---|\n"
        .to_owned();
    for setting in SETTINGS {
        writeln!(
            page,
            "| `{}` | {} | {} |",
            setting.name, setting.default, setting.why
        )?;
    }
    check("configuration.md", &page)
}

#[test]
fn digits_are_grouped_by_three() {
    assert_eq!(
        [1, 999, 1_000, 67_108_864].map(grouped),
        ["1", "999", "1,000", "67,108,864"]
    );
}
