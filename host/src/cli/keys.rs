//! `datachat keys`

use std::io::Write;

use serde_json::json;

use super::failure::Failure;
use super::only_here;
use super::output::{Format, Printer};
use crate::app::App;
use crate::config::Config;
use crate::registry::credentials;

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Print a new key for `DATABASE_CREDENTIALS_KEY`
    Generate,
    /// Encrypt every stored URL with the first key again
    Rotate,
}

pub async fn run(config: Config, args: &Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::Generate => {
            let key = credentials::generate_key();
            // The one place that prints a secret: making it known is its purpose.
            if printer.format == Format::Json {
                Printer::json(&json!({ "key": key.reveal() }))?;
            } else {
                writeln!(std::io::stdout().lock(), "{}", key.reveal())?;
            }
        }
        Args::Rotate => {
            only_here(&config, "`datachat keys rotate`")?;
            let app = App::open(config, None).await?;
            let rotation = app.registry.rotate_keys().await;
            app.close().await;
            let rotation = rotation?;
            printer.record(&json!(rotation))?;
            if rotation.unreadable > 0 {
                return Err(Failure::new(format!(
                    "{} connection(s) can be opened by none of the keys",
                    rotation.unreadable
                ))
                .hint("Add the old key to DATABASE_CREDENTIALS_KEY after the new one, or set their URLs again."));
            }
        }
    }
    Ok(())
}
