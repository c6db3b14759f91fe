//! Debian packages: installed where we may (as root, with apt), else named in an error.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
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
    let _guard = NoServices::enter();
    command::run(
        Command::new("apt-get")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// While it lives, packages that bring a server don't start it: throw-away servers are all that is wanted. Where
/// the machine has a policy of its own, that stays.
struct NoServices {
    ours: bool,
}

/// What Debian's packages ask before they start a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

impl NoServices {
    fn enter() -> Self {
        let made = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(POLICY)
            .and_then(|mut file| file.write_all(b"#!/bin/sh\nexit 101\n"));
        Self { ours: made.is_ok() }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}

/// Whether this is root on a machine with apt.
pub fn may_install() -> bool {
    Path::new("/usr/bin/apt-get").exists()
        && command::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
