//! Where PostgreSQL's programs are, and as whom the server may run.

use std::fs;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// As whom the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// As whoever runs us.
    Ourselves,
    /// We are root, which PostgreSQL refuses.
    User { uid: u32, gid: u32 },
}

impl Owner {
    /// Makes a command run as this user. The standard library drops root's supplementary groups with it.
    pub(crate) fn apply(self, command: &mut Command) {
        if let Self::User { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Writes a file that only the server's user can read.
    pub(crate) fn write(self, path: &Path, text: &str) -> Result<()> {
        use std::io::Write;
        // The old one may be another's.
        let _ = fs::remove_file(path);
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| path.display().to_string())?;
        if let Self::User { uid, gid } = self {
            chown(path, Some(uid), Some(gid))?;
        }
        Ok(())
    }
}

/// An installed PostgreSQL.
#[derive(Debug, Clone)]
pub struct Installation {
    programs: PathBuf,
    pub(crate) owner: Owner,
}

impl Installation {
    /// Looks where Debian puts its versions (the newest wins), then asks `pg_config`.
    ///
    /// # Errors
    /// When there is none, or we are root and there is no user `postgres`.
    pub fn find() -> Result<Self> {
        let programs = newest_of_debian()
            .or_else(from_pg_config)
            .context("PostgreSQL's server is not installed; on Debian or Ubuntu: sudo apt-get install postgresql postgresql-contrib")?;
        let owner = if fs::metadata("/proc/self").is_ok_and(|us| us.uid() == 0) {
            let users = fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
            user(&users, "postgres")
                .context("PostgreSQL refuses to run as root, and there is no user `postgres`")?
        } else {
            Owner::Ourselves
        };
        Ok(Self { programs, owner })
    }

    /// The path of one of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }
}

fn newest_of_debian() -> Option<PathBuf> {
    fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            let programs = version.path().join("bin");
            programs
                .join("initdb")
                .exists()
                .then_some((number, programs))
        })
        .max_by_key(|(number, _)| *number)
        .map(|(_, programs)| programs)
}

fn from_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let programs = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    programs.join("initdb").exists().then_some(programs)
}

/// A user's ids, from the text of `/etc/passwd`.
fn user(users: &str, name: &str) -> Option<Owner> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Owner::User { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users =
            "root:x:0:0::/root:/bin/sh\npostgresql:x:7:8::/:\npostgres:x:103:105:x:/var:/bin/sh\n";
        assert_eq!(
            user(users, "postgres"),
            Some(Owner::User { uid: 103, gid: 105 })
        );
        assert_eq!(user(users, "nobody"), None);
    }
}
