//! A program that ends when we end, however we end.
//!
//! A small shell stands between us and the program and watches a pipe. When our process goes away (even by
//! `kill -9`), the pipe closes, and the shell stops the program and removes its folder. The shell has a
//! process group of its own: Ctrl-C in a terminal reaches us alone, and the program ends in its turn.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::Owner;

/// `$1` signal, `$2` folder to remove, `$3` log, then the program and its arguments.
///
/// Says the program's process id, then exits as the program does. The watcher stays until the pipe says
/// `keep` or closes.
const SCRIPT: &str = r#"
signal=$1 folder=$2 log=$3
shift 3
exec 3<&0
"$@" </dev/null 3<&- >>"$log" 2>&1 &
program=$!
echo $program
exec >/dev/null
(
  read -r word <&3 || word=closed
  [ "$word" = keep ] && exit
  kill -$signal $program
  while kill -0 $program; do sleep 0.05; done
  [ -z "$folder" ] || rm -rf "$folder"
) 2>/dev/null &
exec 3<&-
wait $program
"#;

/// How a program is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
    Kill,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Terminate => "TERM",
            Self::Kill => "KILL",
        }
    }
}

/// A running program.
#[derive(Debug)]
pub struct Leash {
    shell: Child,
    process: u32,
    signal: Signal,
}

impl Leash {
    /// Starts `program` (with its arguments, environment and working folder) as `owner`; its output is
    /// appended to the file `log`. Ended by `signal`. If we go away without [`Leash::stop`], `folder` is
    /// removed too.
    ///
    /// # Errors
    /// When there is no shell. A program that can't be started shows as one that has ended at once.
    pub fn start(
        program: &Command,
        owner: Owner,
        signal: Signal,
        log: &Path,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", SCRIPT, "leash", signal.name()])
            .arg(folder.unwrap_or(Path::new("")))
            .arg(log)
            .arg(program.get_program())
            .args(program.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(current) = program.get_current_dir() {
            shell.current_dir(current);
        }
        owner.apply(&mut shell);
        let mut shell = shell.spawn().context("can't start /bin/sh")?;
        let mut line = String::new();
        if let Some(output) = shell.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let process = line.trim().parse().context("the shell named no process")?;
        Ok(Self {
            shell,
            process,
            signal,
        })
    }

    /// The program's process id.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// How the program ended, if it has (128 and the signal's number when by a signal).
    ///
    /// # Errors
    /// When the operating system won't say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.shell.try_wait()?)
    }

    /// Sends the program a signal.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn send(&self, signal: Signal) -> Result<()> {
        let status = Command::new("/bin/sh")
            .args(["-c", "kill -$1 $2", "kill", signal.name()])
            .arg(self.process.to_string())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            bail!("process {} is not there", self.process);
        }
        Ok(())
    }

    /// Waits for the program to end.
    ///
    /// # Errors
    /// When it still runs after `patience`.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + patience;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() > end {
                bail!("process {} does not end", self.process);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks the program to end, insists by signal 9 after `patience`, and leaves its folder alone.
    ///
    /// # Errors
    /// When it does not end even so.
    pub fn stop(mut self, patience: Duration) -> Result<ExitStatus> {
        let status = self.end(patience);
        if let Some(mut pipe) = self.shell.stdin.take() {
            // The watcher may have ended with the program: then nothing needs to be said.
            let _ = pipe.write_all(b"keep\n");
        }
        status
    }

    fn end(&mut self, patience: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        // It may end by itself in between.
        let _ = self.send(self.signal);
        self.wait(patience).or_else(|_| {
            let _ = self.send(Signal::Kill);
            self.wait(patience)
        })
    }
}

/// A temporary folder that is removed with its owner's last breath.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes a folder that only `owner` can enter. Its path is short, for a Unix socket's path has about
    /// 100 bytes.
    ///
    /// # Errors
    /// When the temporary folder can't be written.
    pub fn create(prefix: &str, owner: Owner) -> Result<Self> {
        let random = RandomState::new().build_hasher().finish();
        let folder = std::env::temp_dir().join(format!("{prefix}-{random:016x}"));
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        if let Owner::User { uid, gid } = owner {
            chown(&folder, Some(uid), Some(gid))?;
        }
        Ok(Self(folder))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str, folder: &Folder) -> Leash {
        let mut program = Command::new("/bin/sh");
        program.args(["-c", script]).env("WORD", "passed on");
        Leash::start(
            &program,
            Owner::Ourselves,
            Signal::Terminate,
            &folder.path().join("log"),
            Some(folder.path()),
        )
        .unwrap()
    }

    fn eventually(mut holds: impl FnMut() -> bool) -> bool {
        (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            holds()
        })
    }

    #[test]
    fn a_stopped_program_ends_by_its_signal_and_its_folder_stays() {
        let folder = Folder::create("datachat-leash", Owner::Ourselves).unwrap();
        let leash = start(
            "trap 'echo bye; exit 3' TERM; echo $WORD; while :; do sleep 0.01; done",
            &folder,
        );
        let log = folder.path().join("log");
        assert!(eventually(
            || fs::read_to_string(&log).unwrap() == "passed on\n"
        ));
        let status = leash.stop(Duration::from_secs(10)).unwrap();
        assert_eq!(status.code(), Some(3));
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(fs::read_to_string(&log).unwrap(), "passed on\nbye\n");
    }

    #[test]
    fn a_closed_pipe_ends_the_program_and_removes_the_folder() {
        let folder = Folder::create("datachat-leash", Owner::Ourselves).unwrap();
        let mut leash = start("while :; do sleep 0.01; done", &folder);
        // What the operating system does when our process dies.
        drop(leash.shell.stdin.take());
        let status = leash.wait(Duration::from_secs(10)).unwrap();
        assert_eq!(status.code(), Some(128 + 15));
        assert!(eventually(|| !folder.path().exists()));
    }

    #[test]
    fn a_program_that_ends_by_itself_is_seen_and_leaves_its_log() {
        let folder = Folder::create("datachat-leash", Owner::Ourselves).unwrap();
        let mut leash = start("echo done; exit 7", &folder);
        assert_eq!(leash.wait(Duration::from_secs(10)).unwrap().code(), Some(7));
        assert_eq!(
            fs::read_to_string(folder.path().join("log")).unwrap(),
            "done\n"
        );
        assert!(leash.send(Signal::Kill).is_err());
    }
}
