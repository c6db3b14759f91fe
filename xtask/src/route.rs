//! How to compile for `wasm32-wasip2` on this machine.
//!
//! Two ways give the same components. *Rustup*: the target is installed, or rustup can fetch it; a plain
//! `cargo build --target` does. *Debian*: a machine that can't download toolchains takes a compiler with
//! the standard library's sources (`rustc-web`, `rust-web-src`) and a C library (`wasi-libc`) from Debian's
//! archive, and the linker from the toolchain that is there anyway. That C library has no sockets, so
//! guests use `wasi:sockets` directly and build on both.
//!
//! Everything is set per call; the user's cargo configuration is left alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, cargo};
use crate::{apt, command};

/// What components are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// Without a network rustup does not fail, it hangs.
const RUSTUP_PATIENCE: Duration = Duration::from_secs(30);

const DEBIAN_PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "wasi-libc"];

/// A way that works here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The toolchain in use has the target.
    Rustup,
    /// Debian's compiler, and the linkers of the toolchain in use.
    Debian {
        /// The folder with `wasm-component-ld`.
        linkers: PathBuf,
    },
}

/// Which way the caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Automatic,
    Rustup,
    Debian,
}

impl Route {
    /// Finds the way, installing what is missing where we may.
    ///
    /// # Errors
    /// When neither way is open: both remedies.
    pub fn find(workspace: &Workspace, choice: Choice) -> Result<Self> {
        let rustup = choice != Choice::Debian
            && (target_is_installed(workspace)
                || (add_target(workspace) && target_is_installed(workspace)));
        if rustup {
            return Ok(Self::Rustup);
        }
        let debian = if choice == Choice::Rustup {
            Err(anyhow::anyhow!("not asked for"))
        } else {
            debian(workspace)
        };
        debian.or_else(|error| {
            bail!(
                "no way to compile for {TARGET}:\n\
                 - rustup: `rustup target add {TARGET}` failed or took over {} s, or this toolchain is not rustup's\n\
                 - Debian: {error:#}\n\
                 Either run that rustup command where it can download, or install Debian's packages: \
                 sudo apt-get install {}",
                RUSTUP_PATIENCE.as_secs(),
                DEBIAN_PACKAGES.join(" ")
            )
        })
    }

    /// `cargo <subcommand>` for the components, with their own target folder: host and guests build with
    /// different flags and would invalidate each other's artifacts.
    pub fn cargo(&self, workspace: &Workspace, subcommand: &str) -> Command {
        let mut command = match self {
            Self::Rustup => cargo(),
            Self::Debian { linkers } => {
                let mut command = Command::new("/usr/bin/cargo");
                // `cargo run` put these here for the toolchain that runs us.
                for variable in [
                    "CARGO",
                    "RUSTUP_TOOLCHAIN",
                    "RUSTC_WORKSPACE_WRAPPER",
                    "LD_LIBRARY_PATH",
                    "CARGO_ENCODED_RUSTFLAGS",
                ] {
                    command.env_remove(variable);
                }
                let linker = linkers.join("wasm-component-ld");
                let wasm_ld = linkers.join("gcc-ld/wasm-ld");
                let mut path = linkers.clone().into_os_string();
                path.push(":/usr/bin:");
                path.push(std::env::var_os("PATH").unwrap_or_default());
                command
                    .env("PATH", path)
                    .env("RUSTC", "/usr/bin/rustc")
                    // Building the standard library from source is an unstable option.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env(
                        "RUSTFLAGS",
                        format!(
                            "-Clink-self-contained=no -Clinker={} -Clink-arg=--wasm-ld-path={} \
                             -L native=/usr/lib/wasm32-wasi",
                            linker.display(),
                            wasm_ld.display()
                        ),
                    );
                command
            }
        };
        command.arg(subcommand);
        if matches!(self, Self::Debian { .. }) {
            command.arg("-Zbuild-std=std,panic_abort");
        }
        command
            .args(["--target", TARGET, "--target-dir"])
            .arg(workspace.target.join("guests"))
            .current_dir(&workspace.root);
        command
    }
}

/// Whether the toolchain in use has the target's standard library.
fn target_is_installed(workspace: &Workspace) -> bool {
    command::output(
        Command::new("rustc")
            .args(["--print", "target-libdir", "--target", TARGET])
            .current_dir(&workspace.root),
    )
    .ok()
    .and_then(|folder| std::fs::read_dir(folder.trim()).ok())
    .is_some_and(|mut files| {
        files.any(|file| {
            file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
        })
    })
}

/// Asks rustup for the target. A failure is remembered for this compiler, so that only the first of many
/// runs without a network waits; `cargo clean` forgets it.
fn add_target(workspace: &Workspace) -> bool {
    let Ok(version) = command::output(Command::new("rustc").arg("-V").current_dir(&workspace.root))
    else {
        return false;
    };
    let stamp = workspace.target.join("xtask").join("rustup-target-failed");
    if std::fs::read_to_string(&stamp).is_ok_and(|failed_with| failed_with == version) {
        return false;
    }
    eprintln!(
        "$ rustup target add {TARGET}   (at most {} s)",
        RUSTUP_PATIENCE.as_secs()
    );
    let added = command::succeeds_within(
        Command::new("rustup")
            .args(["target", "add", TARGET])
            .current_dir(&workspace.root),
        RUSTUP_PATIENCE,
    );
    if !added {
        // Without the stamp the next run waits again: a pity, not an error.
        let _ = stamp
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&stamp, version));
    }
    added
}

/// Debian's way, its packages installed first if need be.
fn debian(workspace: &Workspace) -> Result<Route> {
    let sysroot = command::output(
        Command::new("rustc")
            .args(["--print", "sysroot"])
            .current_dir(&workspace.root),
    )?;
    let host = command::output(
        Command::new("rustc")
            .arg("-vV")
            .current_dir(&workspace.root),
    )?;
    let host = host
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("`rustc -vV` names no host")?;
    let linkers = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(host)
        .join("bin");
    if !linkers.join("wasm-component-ld").exists() {
        bail!(
            "{} has no wasm-component-ld, which every toolchain of rustup has",
            linkers.display()
        );
    }
    let complete = || {
        [
            "/usr/bin/cargo",
            "/usr/bin/rustc",
            "/usr/lib/wasm32-wasi/libc.a",
        ]
        .iter()
        .all(|file| Path::new(file).exists())
            && command::output(
                Command::new("/usr/bin/rustc")
                    .args(["--print", "sysroot"])
                    .env_remove("LD_LIBRARY_PATH"),
            )
            .is_ok_and(|sysroot| {
                Path::new(sysroot.trim())
                    .join("lib/rustlib/src/rust/library/std")
                    .exists()
            })
    };
    if !complete() {
        apt::install(
            DEBIAN_PACKAGES,
            &format!("rustup can't provide {TARGET}; Debian's compiler can"),
        )?;
        if !complete() {
            bail!(
                "its packages are installed, yet the compiler or its sources are not where they should be"
            );
        }
    }
    Ok(Route::Debian { linkers })
}
