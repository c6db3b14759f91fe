//! Puts files into the binary: what a new plugin is made of (the SDK's sources and the contract), and with the
//! feature `embed-plugins` the built components.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    if let Err(error) = vendored(&out) {
        println!("cargo::error=the sources for new plugins could not be embedded: {error}");
    }
    if env::var_os("CARGO_FEATURE_EMBED_PLUGINS").is_some() {
        embed_plugins(&out);
    }
}

fn embed_plugins(out: &Path) {
    let Some((folder, files)) = out.ancestors().skip(1).find_map(components) else {
        println!(
            "cargo::error=there are no built plugins to embed; run `cargo xtask plugins` first"
        );
        return;
    };
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut code = "const EMBEDDED: &[(&str, &[u8])] = &[\n".to_owned();
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        // As a string literal: quoted and escaped.
        let file = format!("{:?}", file.display().to_string());
        let _ = writeln!(code, "    ({name:?}, include_bytes!({file})),");
    }
    code.push_str("];\n");
    if let Err(error) = fs::write(out.join("embedded.rs"), code) {
        println!("cargo::error=the list of embedded plugins could not be written: {error}");
    }
}

/// The folder `plugins` in `folder`, if it has components.
fn components(folder: &Path) -> Option<(PathBuf, Vec<PathBuf>)> {
    let folder = folder.join("plugins");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "wasm"))
        .collect();
    files.sort();
    (!files.is_empty()).then_some((folder, files))
}

/// Writes `vendored.rs`: the files of SDK and contract by their path in a new plugin, and the dependencies of
/// both as lines of a manifest that has no workspace.
fn vendored(out: &Path) -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["plugins/sdk/src", "wit"] {
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut code = "const FILES: &[(&str, &str)] = &[\n".to_owned();
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        let inside = file.strip_prefix(&root).unwrap_or(&file);
        let inside = inside.strip_prefix("plugins").unwrap_or(inside);
        let (inside, file) = (inside.display().to_string(), file.display().to_string());
        let _ = writeln!(code, "    ({inside:?}, include_str!({file:?})),");
    }
    code.push_str("];\n");
    let manifest = |path: &str| {
        let path = root.join(path);
        println!("cargo::rerun-if-changed={}", path.display());
        fs::read_to_string(path)
    };
    let workspace = manifest("Cargo.toml")?;
    let line_of = |name: &str| {
        let line = workspace.lines().find(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.trim_start().starts_with('='))
        });
        line.map(str::to_owned).ok_or_else(|| {
            io::Error::other(format!(
                "no line of Cargo.toml says which version of {name}"
            ))
        })
    };
    let sdk = manifest("plugins/sdk/Cargo.toml")?;
    let dependencies: Vec<String> = sdk
        .lines()
        .filter_map(|line| line.strip_suffix(".workspace = true"))
        .filter(|name| !["version", "edition", "rust-version", "license", "publish"].contains(name))
        .map(line_of)
        .collect::<io::Result<_>>()?;
    let _ = writeln!(
        code,
        "const SDK_DEPENDENCIES: &str = {:?};",
        dependencies.join("\n")
    );
    for (name, constant) in [
        ("edition", "EDITION"),
        ("rust-version", "RUST_VERSION"),
        ("arrow-array", "ARROW_ARRAY"),
        ("arrow-schema", "ARROW_SCHEMA"),
        ("serde", "SERDE"),
        ("serde_json", "SERDE_JSON"),
    ] {
        let _ = writeln!(code, "const {constant}: &str = {:?};", line_of(name)?);
    }
    fs::write(out.join("vendored.rs"), code)
}

/// Every file under a folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
