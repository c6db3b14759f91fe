//! The dependency rule of `docs/architecture.md`, held against the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Which modules each module may use, and the order of the table's rows.
struct Rule {
    order: Vec<String>,
    may_use: BTreeMap<String, BTreeSet<String>>,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Reads the table: rows of `| module | … | uses |`, names in backticks.
fn rule() -> Result<Rule> {
    let page = fs::read_to_string(root().join("docs/architecture.md"))?;
    let table = page
        .split("## The dependency rule")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .context("the page has no dependency rule")?;
    let names = |cell: &str| -> Vec<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let mut rule = Rule {
        order: Vec::new(),
        may_use: BTreeMap::new(),
    };
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let [module, _, uses] = cells.as_slice() else {
            anyhow::bail!("not three cells: {row}");
        };
        let module = names(module).pop().context("a row without a module")?;
        rule.may_use
            .insert(module.clone(), names(uses).into_iter().collect());
        rule.order.push(module);
    }
    Ok(rule)
}

/// Every source file under a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// The top-level modules that a source text reaches by `crate::…`, wherever in the text: `use` lines,
/// groups (`crate::{a, b::c}`) and paths in code. Comments don't count.
fn used_modules(source: &str) -> BTreeSet<String> {
    let code: String = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    let identifier = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(identifier(rest));
            continue;
        };
        let (mut depth, mut begins) = (0, true);
        for (at, character) in group.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                c if c.is_whitespace() => {}
                _ => {
                    if std::mem::take(&mut begins) {
                        found.insert(identifier(&group[at..]));
                    }
                }
            }
        }
    }
    found
}

#[test]
fn every_module_uses_only_what_its_row_names() -> Result<()> {
    let rule = rule()?;
    let host = root().join("host/src");
    let mut files = Vec::new();
    sources(&host, &mut files)?;
    let mut offences = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files {
        let path = file.strip_prefix(&host)?;
        let first = path.iter().next().context("a file without a name")?;
        let module = Path::new(first)
            .file_stem()
            .context("a file without a name")?
            .to_string_lossy()
            .into_owned();
        if module == "main" || module == "lib" {
            continue;
        }
        seen.insert(module.clone());
        let Some(may_use) = rule.may_use.get(&module) else {
            offences.push(format!("{module} has no row"));
            continue;
        };
        for used in used_modules(&fs::read_to_string(&file)?) {
            if used != module && rule.may_use.contains_key(&used) && !may_use.contains(&used) {
                offences.push(format!("{}: {module} uses {used}", path.display()));
            }
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
    let rows: BTreeSet<String> = rule.order.into_iter().collect();
    assert_eq!(rows, seen, "rows of the table, modules of the source");
    Ok(())
}

#[test]
fn a_row_names_only_rows_above_it() -> Result<()> {
    let rule = rule()?;
    for (at, module) in rule.order.iter().enumerate() {
        for used in &rule.may_use[module] {
            assert!(
                rule.order[..at].contains(used),
                "{module} may use {used}, which does not stand above it"
            );
        }
    }
    Ok(())
}

#[test]
fn components_know_nothing_of_the_host_and_the_host_nothing_of_components() -> Result<()> {
    let dependencies = |path: &str| -> Result<Vec<String>> {
        Ok(fs::read_to_string(root().join(path))?
            .lines()
            .filter(|line| line.starts_with("datachat"))
            .map(|line| {
                line.split(['.', ' ', '='])
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect())
    };
    for component in [
        "sdk",
        "postgres",
        "sql-tools",
        "knowledge-tools",
        "profiling-tools",
        "examples/csv",
        "examples/column-stats",
    ] {
        let found = dependencies(&format!("plugins/{component}/Cargo.toml"))?;
        assert!(
            !found.contains(&"datachat".to_owned()),
            "{component}: {found:?}"
        );
    }
    let found = dependencies("host/Cargo.toml")?;
    for component in [
        "datachat-sdk",
        "datachat-postgres",
        "datachat-sql-tools",
        "datachat-knowledge-tools",
        "datachat-profiling-tools",
    ] {
        assert!(!found.contains(&component.to_owned()), "host: {found:?}");
    }
    Ok(())
}

#[test]
fn modules_are_found_in_lines_groups_and_paths_but_not_in_comments() {
    let source = "use crate::a::X;\nuse crate::{b, c::{d, e::F},\n    g::H};\n// crate::no\nlet x = crate::i::J;";
    let found: Vec<String> = used_modules(source).into_iter().collect();
    assert_eq!(found, ["a", "b", "c", "g", "i"]);
}
