//! With the feature `embed-plugins`, puts the built components into the binary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_EMBED_PLUGINS").is_none() {
        return;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
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
