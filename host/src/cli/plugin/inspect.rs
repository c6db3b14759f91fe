//! `datachat plugin inspect`

use std::path::PathBuf;

use serde_json::{Value, json};

use super::installed::read_signature;
use super::read;
use crate::app::plugin_options;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, Printer};
use crate::config::Config;
use crate::plugins::contract::SERVED;
use crate::plugins::inspect::{Import, Inspection, Says, inspect};
use crate::plugins::{Components, ConnectorInfo, Dialect, Transport};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The component
    file: PathBuf,
    /// Its minisign signature; without it, FILE.minisig if that is there
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
}

pub async fn run(config: &Config, args: &Args, printer: Printer) -> Result<(), Failure> {
    let wasm = read(&args.file)?;
    let signature = read_signature(&args.file, args.signature.clone())?;
    let options = plugin_options(config, Components::default())?;
    let seen = inspect(wasm, signature.as_deref(), options)
        .await
        .map_err(|error| Failure::new(error.to_string()))?;
    if printer.format == Format::Json {
        Printer::json(&as_json(&seen))?;
    } else {
        printer.record(&as_record(&seen))?;
    }
    Ok(())
}

/// Everything, for programs.
fn as_json(seen: &Inspection) -> Value {
    let imports: Vec<Value> = seen
        .imports
        .iter()
        .map(|import| {
            json!({
                "name": import.name,
                "asks_for": import.words,
                "granted": import.granted,
            })
        })
        .collect();
    let says = match &seen.says {
        None => Value::Null,
        Some(Says::Connector(info)) => connector(info),
        Some(Says::Tools(tools)) => tools
            .iter()
            .map(|tool| {
                json!({
                    "name": tool.name,
                    "description": tool.description,
                    "category": tool.category,
                    "requires_approval": tool.requires_approval,
                    "parameters": schema(&tool.parameters),
                    "returns": schema(&tool.returns),
                })
            })
            .collect(),
    };
    json!({
        "kind": seen.kind.map(crate::plugins::PluginKind::as_str),
        "contract": seen.contract,
        "served": SERVED,
        "digest": seen.digest,
        "size": seen.size,
        "memory_bytes": seen.memory_bytes,
        "signature": seen.signature,
        "loadable": seen.refused.is_none(),
        "refused": seen.refused,
        "imports": imports,
        "exports": seen.exports,
        "says": says,
    })
}

/// The gist, for people: one line a fact.
fn as_record(seen: &Inspection) -> Value {
    let mut record = serde_json::Map::new();
    let mut add = |name: &str, value: String| record.insert(name.to_owned(), value.into());
    add(
        "loadable",
        match &seen.refused {
            None => "yes".to_owned(),
            Some(why) => format!("no: {why}"),
        },
    );
    add(
        "kind",
        seen.kind
            .map_or("none that is served", |kind| kind.as_str())
            .to_owned(),
    );
    let contract = seen
        .contract
        .map(|version| format!("datachat:plugin@{version}"));
    add(
        "contract",
        contract.unwrap_or_else(|| format!("none that is served ({})", SERVED.join(", "))),
    );
    add("digest", seen.digest.clone());
    add("size", format!("{} KiB", seen.size.div_ceil(1024)));
    if let Some(memory) = seen.memory_bytes {
        add("memory", format!("{} KiB before it runs", memory >> 10));
    }
    add(
        "signature",
        seen.signature.clone().unwrap_or_else(|| "none".to_owned()),
    );
    add("asks for", groups(&seen.imports, true));
    let refused = groups(&seen.imports, false);
    if !refused.is_empty() {
        add("is not given", refused);
    }
    match &seen.says {
        None => {}
        Some(Says::Connector(info)) => {
            add("name", format!("{} {}", info.name, info.version));
            let types: Vec<String> = info
                .database_types
                .iter()
                .map(|ty| {
                    let names: Vec<&str> = std::iter::once(&ty.name)
                        .chain(&ty.aliases)
                        .map(String::as_str)
                        .collect();
                    format!("{} ({})", names.join(", "), ty.title)
                })
                .collect();
            add("database types", types.join("; "));
            add("URL", info.url_form.clone());
            add("URL schemes", info.url_schemes.join(", "));
            add("dialect", dialect(info.dialect).to_owned());
            add("transport", transport(info.transport).to_owned());
            let options: Vec<String> = info
                .options
                .iter()
                .map(|option| format!("{}: {}", option.name, option.description))
                .collect();
            add("options", options.join("\n"));
            add("help", info.help.clone());
        }
        Some(Says::Tools(tools)) => {
            for tool in tools {
                add(&format!("tool {}", tool.name), tool.description.clone());
            }
        }
    }
    record.into()
}

/// What imports are good for, each once, with the packages that they are from.
fn groups(imports: &[Import], granted: bool) -> String {
    let mut lines: Vec<(&str, Vec<&str>)> = Vec::new();
    for import in imports.iter().filter(|import| import.granted == granted) {
        let name = import.name.split('@').next().unwrap_or(&import.name);
        match lines.iter_mut().find(|(words, _)| *words == import.words) {
            Some((_, names)) => names.push(name),
            None => lines.push((import.words, vec![name])),
        }
    }
    lines
        .into_iter()
        .map(|(words, names)| format!("{words} ({})", names.join(", ")))
        .collect::<Vec<_>>()
        .join("\n")
}

fn connector(info: &ConnectorInfo) -> Value {
    json!({
        "name": info.name,
        "version": info.version,
        "database_types": info.database_types.iter().map(|ty| json!({
            "name": ty.name, "aliases": ty.aliases, "title": ty.title,
        })).collect::<Vec<_>>(),
        "url_schemes": info.url_schemes,
        "url_form": info.url_form,
        "default_port": info.default_port,
        "scheme_defaults": info.scheme_defaults.iter().map(|scheme| json!({
            "scheme": scheme.scheme, "port": scheme.port,
        })).collect::<Vec<_>>(),
        "dialect": dialect(info.dialect),
        "transport": transport(info.transport),
        "tls_option": info.tls_option,
        "options": info.options.iter().map(|option| json!({
            "name": option.name,
            "description": option.description,
            "values": option.values,
            "default": option.default,
        })).collect::<Vec<_>>(),
        "credentials_schema": schema(&info.credentials_schema),
        "help": info.help,
    })
}

/// A component's JSON, or its text where it is none.
fn schema(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn dialect(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgresql => "postgresql",
        Dialect::Mysql => "mysql",
        Dialect::Clickhouse => "clickhouse",
        Dialect::Generic => "generic",
    }
}

fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::Http => "http",
        Transport::Files => "files",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_told_by_what_they_are_good_for() {
        let import = |name: &str, words, granted| Import {
            name: name.to_owned(),
            words,
            granted,
        };
        let imports = [
            import("wasi:io/poll@0.2.12", "streams", true),
            import("wasi:io/streams@0.2.12", "streams", true),
            import("evil:x/y@1.0.0", "something", false),
        ];
        assert_eq!(
            groups(&imports, true),
            "streams (wasi:io/poll, wasi:io/streams)"
        );
        assert_eq!(groups(&imports, false), "something (evil:x/y)");
    }
}
