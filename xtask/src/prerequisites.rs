//! What a machine needs besides Rust: libclang to build the host, PostgreSQL to test and to demonstrate,
//! MariaDB and ClickHouse to test.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use datachat_throwaway::{ClickHouse, Installation, MariaDb};

use crate::workspace::Workspace;
use crate::{apt, command};

/// Makes sure that PostgreSQL's grammar, which is C, can be bound: its build script loads libclang and
/// reads clang's own headers.
///
/// # Errors
/// When libclang is missing and can't be installed.
pub fn libclang() -> Result<()> {
    if has_libclang() {
        return Ok(());
    }
    apt::install(
        &["libclang-dev", "build-essential"],
        "building the server takes libclang (for PostgreSQL's own grammar)",
    )?;
    if !has_libclang() {
        bail!("libclang is installed, but not under /usr/lib; set LIBCLANG_PATH to its folder");
    }
    Ok(())
}

/// Makes sure that there is a PostgreSQL server to start.
///
/// # Errors
/// When it is missing and can't be installed.
pub fn postgres() -> Result<()> {
    if Installation::find().is_ok() {
        return Ok(());
    }
    apt::install(
        &["postgresql", "postgresql-contrib"],
        "tests and demo take a PostgreSQL server",
    )?;
    Installation::find().map(drop)
}

/// Makes sure that there is a MariaDB server to start.
///
/// # Errors
/// When it is missing and can't be installed.
pub fn mariadb() -> Result<()> {
    if MariaDb::is_installed() {
        return Ok(());
    }
    apt::install(&["mariadb-server"], "tests take a MariaDB server")?;
    if !MariaDb::is_installed() {
        bail!("MariaDB is installed, but neither in PATH nor under /usr/sbin");
    }
    Ok(())
}

/// Makes sure that there are the ClickHouse servers of the tests: Debian's old one, unpacked under the target
/// folder so that no service is installed with it, and today's engine, a library of Python.
///
/// # Errors
/// When one is missing and can't be installed.
pub fn clickhouse(workspace: &Workspace) -> Result<()> {
    let old = workspace.target.join("clickhouse-old");
    if ClickHouse::old_program().is_none() && !old.join("usr/sbin/clickhouse-server").exists() {
        // The library has the server in it, and brings what it needs.
        apt::install(
            &["clickhouse-common"],
            "tests take an old ClickHouse server",
        )?;
        std::fs::create_dir_all(&old)?;
        command::run(
            Command::new("apt-get")
                .args(["download", "-qq", "clickhouse-server"])
                .current_dir(&old),
        )?;
        for package in entries(&old) {
            if package.extension().is_some_and(|name| name == "deb") {
                command::run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&old))?;
            }
        }
    }
    let engine = workspace.target.join("clickhouse-engine");
    let ready = engine.join("ready");
    let installed = || std::fs::read_to_string(&ready).is_ok_and(|what| what == ENGINE.join(" "));
    if std::env::var_os("CLICKHOUSE_TEST_URL").is_none() && !installed() {
        let made = command::run(Command::new("python3").args(["-m", "venv"]).arg(&engine));
        if made.is_err() {
            apt::install(&["python3-venv"], "tests take a Python environment")?;
            command::run(Command::new("python3").args(["-m", "venv"]).arg(&engine))?;
        }
        command::run(
            Command::new(engine.join("bin/python3"))
                .args(["-m", "pip", "install", "--quiet"])
                .args(ENGINE),
        )?;
        // A broken download must not look like an installation.
        std::fs::write(ready, ENGINE.join(" "))?;
    }
    Ok(())
}

/// Today's engine, of the release that the tests were written against, and what compresses its answers.
const ENGINE: [&str; 2] = ["chdb-core==26.9.0", "lz4==4.4.5"];

/// The library and, beside it, the compiler's headers (`stddef.h`), as Debian, Ubuntu and Fedora lay them
/// out. A user who set `LIBCLANG_PATH` is believed.
fn has_libclang() -> bool {
    if std::env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    let library = |folder: &Path| {
        entries(folder).iter().any(|file| {
            file.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("libclang"))
                && file.to_string_lossy().contains(".so")
                && !file.to_string_lossy().contains("libclang-cpp")
        })
    };
    let headers = |clang: &Path| {
        entries(clang)
            .iter()
            .any(|version| version.join("include/stddef.h").exists())
    };
    let versioned = entries(Path::new("/usr/lib"))
        .into_iter()
        .filter(|folder| {
            folder
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("llvm"))
        })
        .any(|llvm| library(&llvm.join("lib")) && headers(&llvm.join("lib/clang")));
    versioned
        || ["/usr/lib64", "/usr/lib", "/opt/homebrew/opt/llvm/lib"]
            .iter()
            .map(Path::new)
            .any(|folder| {
                (library(folder) || folder.join("libclang.dylib").exists())
                    && headers(&folder.join("clang"))
            })
        // Xcode's tools bring both, and the build script knows where.
        || Path::new("/Library/Developer/CommandLineTools/usr/lib/libclang.dylib").exists()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .map(|files| files.flatten().map(|file| file.path()).collect())
        .unwrap_or_default()
}
