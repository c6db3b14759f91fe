//! A server that somebody named in an environment variable, for the tests to run against it.
//!
//! It is not ours: it is neither started nor stopped, and its users stay as they are. Databases that tests make
//! there have names that nobody else uses, and go when we go, however we go: a small program waits for our end
//! and removes them.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::Owner;
use crate::leash::{Folder, Leash, Signal};

/// How long removing the databases may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Becomes another program when it is asked to end, once it has said that it is ready for that.
const WAIT: &str = r#"trap 'exec "$@"' TERM; echo ready; while :; do sleep 0.2; done"#;

/// Where a server is, and who we are there.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) database: Option<String>,
}

impl Address {
    /// What an environment variable says, if it is set: `scheme://user:password@host:port/database`.
    ///
    /// # Errors
    /// It is not of that form.
    pub(crate) fn named(variable: &str, scheme: &str) -> Result<Option<Self>> {
        let Ok(url) = std::env::var(variable) else {
            return Ok(None);
        };
        let address = Self::read(&url, scheme).with_context(|| {
            format!("{variable} is not of the form {scheme}://user:password@host:port/database")
        })?;
        Ok(Some(address))
    }

    fn read(url: &str, scheme: &str) -> Option<Self> {
        let rest = url.strip_prefix(scheme)?.strip_prefix("://")?;
        let (user, rest) = rest.rsplit_once('@')?;
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let (address, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = address.rsplit_once(':')?;
        Some(Self {
            host: host.to_owned(),
            port: port.parse().ok()?,
            user: user.to_owned(),
            password: password.to_owned(),
            database: (!database.is_empty()).then(|| database.to_owned()),
        })
    }
}

/// Our databases on a server that is not ours.
#[derive(Debug)]
pub(crate) struct Guests {
    prefix: String,
    // Dropped in this order: the folder is the log's.
    sweeper: Option<Leash>,
    _folder: Folder,
}

impl Guests {
    /// `sweep` gives the program that removes the databases whose names begin as it is told.
    ///
    /// # Errors
    /// There is no shell, or it does not start.
    pub(crate) fn new(sweep: impl FnOnce(&str) -> Command) -> Result<Self> {
        let random = RandomState::new().build_hasher().finish();
        let prefix = format!("datachat_{random:016x}_");
        let sweep = sweep(&prefix);
        let mut waiting = Command::new("/bin/sh");
        waiting
            .args(["-c", WAIT, "sweeper"])
            .arg(sweep.get_program())
            .args(sweep.get_args());
        for (name, value) in sweep.get_envs() {
            if let Some(value) = value {
                waiting.env(name, value);
            }
        }
        let folder = Folder::create("datachat-guests", Owner::Ourselves)?;
        let log = folder.path().join("log");
        let sweeper = Leash::start(
            &waiting,
            Owner::Ourselves,
            Signal::Terminate,
            &log,
            Some(folder.path()),
        )?;
        let end = Instant::now() + PATIENCE;
        // Asked before, it would end without sweeping.
        while fs::read_to_string(&log).unwrap_or_default().is_empty() {
            ensure!(Instant::now() < end, "a shell did not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Self {
            prefix,
            sweeper: Some(sweeper),
            _folder: folder,
        })
    }

    /// What a database of ours is called there.
    pub(crate) fn name_of(&self, database: &str) -> String {
        format!("{}{database}", self.prefix)
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        // Nobody is left to tell.
        if let Some(sweeper) = self.sweeper.take() {
            let _ = sweeper.stop(PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_with_its_password_and_database_or_without() {
        let read = |url| Address::read(url, "mysql");
        let whole = read("mysql://u:p@w@h:3306/d").expect("valid");
        assert_eq!((whole.user, whole.password), ("u".into(), "p@w".into()));
        assert_eq!((whole.host, whole.port), ("h".into(), 3306));
        assert_eq!(whole.database.as_deref(), Some("d"));
        let short = read("mysql://u@h:3306").expect("valid");
        assert_eq!((short.password, short.database), (String::new(), None));
        assert!(read("http://u@h:3306").is_none());
        assert!(read("mysql://u@h").is_none());
    }

    #[test]
    fn what_was_made_under_our_names_is_removed_at_our_end() {
        let folder = Folder::create("datachat-swept", Owner::Ourselves).expect("a folder");
        let guests = Guests::new(|prefix| {
            let mut sweep = Command::new("/bin/sh");
            let script = format!("rm {}/{prefix}*", folder.path().display());
            sweep.args(["-c", &script]);
            sweep
        })
        .expect("a sweeper");
        let [ours, other] = [guests.name_of("shop"), "datachat_shop".to_owned()]
            .map(|name| folder.path().join(name));
        for file in [&ours, &other] {
            fs::write(file, "").expect("a file");
        }
        drop(guests);
        assert!(!ours.exists() && other.exists());
    }
}
