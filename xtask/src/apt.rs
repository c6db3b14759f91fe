//! Debian packages: installed where we may (as root, with apt), else named in an error.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command;

/// Installs packages, or says how to.
///
/// # Errors
/// Without root or apt: what to install and why. Else apt's own failure.
pub fn install(packages: &[&str], why: &str) -> Result<()> {
    if !may_install() {
        bail!(
            "{why}. On Debian or Ubuntu: sudo apt-get install {}",
            packages.join(" ")
        );
    }
    eprintln!("{why}: installing {}", packages.join(", "));
    // A failing update (one mirror of several is down) need not keep the installation from working.
    if let Err(error) = command::run(Command::new("apt-get").args(["update", "-qq"])) {
        eprintln!("warning: {error:#}");
    }
    command::run(
        Command::new("apt-get")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// Whether this is root on a machine with apt.
pub fn may_install() -> bool {
    Path::new("/usr/bin/apt-get").exists()
        && command::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
