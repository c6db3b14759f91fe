//! The demo as a person uses it: started, looked at, ended with Ctrl-C.
//!
//! A part of `cargo xtask ci`. The demo runs as a program of its own, with a temporary folder of its own, so that
//! whatever it leaves there is seen. What it says is passed on as it comes.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use datachat_throwaway::{Folder, Owner};

use crate::http;

/// How long the demo may take to be up: it may have to build everything first.
const START: Duration = Duration::from_mins(30);
/// How long it may take to tidy up.
const END: Duration = Duration::from_mins(1);

/// Starts the demo, waits until it is up, interrupts it, and looks for what it has left.
///
/// # Errors
/// When it does not come up, does not end well, or leaves a file or an open port.
pub fn run() -> Result<()> {
    let folder = Folder::create("demo", Owner::Ourselves)?;
    // The database server may run as another user, and has to reach its own folder in here.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
    let mut demo = Command::new(std::env::current_exe()?)
        .arg("demo")
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .context("can't start the demo")?;
    let ended = up_and_down(&mut demo);
    if ended.is_err() {
        // What it has started ends with it, and it may have ended itself.
        let _ = demo.kill();
        let _ = demo.wait();
    }
    let ports = ended?;

    let left: Vec<_> = std::fs::read_dir(folder.path())?
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    if !left.is_empty() {
        bail!("the demo left {left:?} behind");
    }
    for port in ports {
        TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("the demo left port {port} open"))?;
    }
    eprintln!("the demo came up, ended on an interrupt and left nothing behind");
    Ok(())
}

/// Gives the ports that the demo used, once it has ended well.
fn up_and_down(demo: &mut Child) -> Result<Vec<u16>> {
    let output = demo.stdout.take().context("the demo has no output")?;
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("{line}");
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut ports = Vec::new();
    let end = Instant::now() + START;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let line = lines
            .recv_timeout(left)
            .context("the demo ended or takes too long")?;
        if line.contains("Up and running") {
            break;
        }
        ports.extend(port_in(&line));
    }
    let [_database, server] = ports[..] else {
        bail!("the demo named other ports than its database's and its server's: {ports:?}");
    };
    if http::call(server, "GET", "/health", None)?.status != 200 {
        bail!("the demo is up, but its server is not");
    }

    let interrupted = Command::new("/bin/sh")
        .args(["-c", "kill -INT $1", "kill", &demo.id().to_string()])
        .status()?;
    if !interrupted.success() {
        bail!("the demo can't be interrupted ({interrupted})");
    }
    let end = Instant::now() + END;
    while Instant::now() < end {
        match demo.try_wait()? {
            Some(status) if status.success() => return Ok(ports),
            Some(status) => bail!("the demo ended badly ({status})"),
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
    bail!("the demo does not end on an interrupt")
}

/// The port of a line that says where something listens: `  port 5432, …` or `  http://127.0.0.1:8000 (log: …)`.
fn port_in(line: &str) -> Option<u16> {
    let rest = line
        .strip_prefix("  port ")
        .or_else(|| line.strip_prefix("  http://127.0.0.1:"))?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::port_in;

    #[test]
    fn the_ports_are_read_from_what_the_demo_says_of_its_servers_and_not_from_its_curl_lines() {
        assert_eq!(port_in("  port 41234, data loaded in 3.2 s"), Some(41_234));
        assert_eq!(
            port_in("  http://127.0.0.1:8000 (log: /tmp/x/server.log)"),
            Some(8000)
        );
        assert_eq!(port_in("curl -sS http://127.0.0.1:8000/api/v1/query"), None);
    }
}
