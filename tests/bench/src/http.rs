//! The whole way: the server program, a statement over HTTP, JSON back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use datachat_throwaway::{Folder, Leash, Owner, Signal, memory};

/// A running server with one connection, its default.
pub struct Server {
    // Dropped in this order: the program before its folder.
    leash: Leash,
    _folder: Folder,
    port: u16,
}

/// One answer.
pub struct Measured {
    pub first_byte: Duration,
    pub total: Duration,
    pub bytes: usize,
}

impl Server {
    /// Starts it as most starts are: with the components compiled by an earlier one, which ends before.
    pub fn start(program: &Path, database_url: &str) -> Result<Self> {
        let folder = Folder::create("datachat-bench", Owner::Ourselves)?;
        let (compiler, _) = launch(program, database_url, folder.path())?;
        stop(compiler)?;
        let (leash, port) = launch(program, database_url, folder.path())?;
        Ok(Self {
            leash,
            _folder: folder,
            port,
        })
    }

    /// Runs a statement and reads its JSON to the end.
    pub fn query(&self, sql: &str) -> Result<Measured> {
        query(self.port, sql)
    }
    /// What the server holds resident from here on counts for [`Server::peak_memory`]; gives what it holds now, in
    /// MiB.
    pub fn reset_peak_memory(&self) -> Result<u64> {
        memory::reset_peak(self.leash.process())?;
        Ok(memory::resident_kib(self.leash.process())? / 1024)
    }

    /// The most memory that the server has had resident since the reset, in MiB.
    pub fn peak_memory(&self) -> Result<u64> {
        Ok(memory::peak_kib(self.leash.process())? / 1024)
    }

    pub fn stop(self) -> Result<()> {
        stop(self.leash)
    }
}

/// Starts the program in `folder` on a free port and waits until it answers a statement.
fn launch(program: &Path, database_url: &str, folder: &Path) -> Result<(Leash, u16)> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let mut command = Command::new(program);
    command
        .args(["serve", "--host", "127.0.0.1", "--port", &port.to_string()])
        .env("DATACHAT_DATA_DIR", folder.join("data"))
        .env("DATABASE_URL", database_url)
        .current_dir(folder);
    let log = folder.join("log");
    let leash = Leash::start(
        &command,
        Owner::Ourselves,
        Signal::Terminate,
        &log,
        Some(folder),
    )?;
    let end = Instant::now() + Duration::from_mins(2);
    while query(port, "SELECT 1").is_err() {
        if Instant::now() > end {
            bail!(
                "the server did not start: {}",
                std::fs::read_to_string(&log)?
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok((leash, port))
}

fn stop(leash: Leash) -> Result<()> {
    leash.stop(Duration::from_secs(30)).map(drop)
}

fn query(port: u16, sql: &str) -> Result<Measured> {
    let body = format!(r#"{{"sql": "{sql}", "limits": {{"max_rows": 10000000}}}}"#);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let begin = Instant::now();
    stream.write_all(
        format!(
            "POST /api/v1/query HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            port,
            body.len()
        )
        .as_bytes(),
    )?;
    let mut buffer = vec![0; 1 << 20];
    let (mut bytes, mut first_byte, mut head) = (0, None, Vec::new());
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        first_byte.get_or_insert_with(|| begin.elapsed());
        if bytes == 0 {
            head.extend_from_slice(&buffer[..read.min(15)]);
        }
        bytes += read;
    }
    let total = begin.elapsed();
    if !head.starts_with(b"HTTP/1.1 200 OK") {
        bail!("the server answered {}", String::from_utf8_lossy(&head));
    }
    Ok(Measured {
        first_byte: first_byte.context("no answer")?,
        total,
        bytes,
    })
}
