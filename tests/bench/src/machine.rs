//! Where the figures come from.

use std::fs;
use std::process::Command;

use datachat_throwaway::Postgres;

/// A sentence on the machine and one on the versions.
pub fn describe(postgres: &Postgres, rivals: &[String]) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |line| {
            line.trim_start_matches([' ', '\t', ':'])
        });
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().next()?.split_whitespace().nth(1)?;
            Some(line.parse::<u64>().ok()? / 1024 / 1024)
        })
        .unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let rustc = Command::new("rustc")
        .arg("-V")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    let server = postgres
        .psql("postgres", "SHOW server_version")
        .unwrap_or_default();
    let rivals = if rivals.is_empty() {
        "nothing in Python".to_owned()
    } else {
        rivals.join("; ")
    };
    format!(
        "Machine: {model}, {cores} cores, {memory} GiB, load {load} at the end.\n\
         Versions: {rustc}; PostgreSQL {server} on the same machine, over loopback; {rivals}.\n"
    )
}
