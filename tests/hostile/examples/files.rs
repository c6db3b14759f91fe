//! Reads, writes and leaves the folder that it was granted, as a statement tells it: `VERB PATH`. Its answer is
//! what it has read, or `done`, or the error of the file system.

use std::cell::RefCell;

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::Transport;
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;
use datachat_sdk::wasip2::filesystem::preopens::get_directories;
use datachat_sdk::wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode as FileError, NewTimestamp, OpenFlags, PathFlags,
};

struct Files;

thread_local! {
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Attack for Files {
    const NAME: &'static str = "files";
    const TRANSPORT: Transport = Transport::Files;

    fn query(sql: &str) -> Result<(), DbError> {
        let (verb, path) = sql.split_once(' ').unwrap_or((sql, ""));
        let folders = get_directories();
        let answer = if verb == "folders" {
            let names: Vec<String> = folders.into_iter().map(|(_, name)| name).collect();
            names.join(" ").into_bytes()
        } else if let Some((folder, _)) = folders.first() {
            run(folder, verb, path).unwrap_or_else(|error| format!("{error:?}").into_bytes())
        } else {
            return Err(db_error(ErrorCode::Internal, "there is no folder"));
        };
        ANSWER.set(answer);
        Ok(())
    }

    fn read(n: u32) -> Result<Vec<u8>, DbError> {
        Ok(if n == 0 { ANSWER.take() } else { Vec::new() })
    }
}

fn run(folder: &Descriptor, verb: &str, path: &str) -> Result<Vec<u8>, FileError> {
    let follow = PathFlags::SYMLINK_FOLLOW;
    let stay = PathFlags::empty();
    let none = OpenFlags::empty();
    let (reading, writing) = (DescriptorFlags::READ, DescriptorFlags::WRITE);
    match verb {
        "read" => {
            let file = folder.open_at(follow, path, none, reading)?;
            return Ok(file.read(1 << 16, 0)?.0);
        }
        "stat" => drop(folder.stat_at(follow, path)?),
        "list" => {
            let open = folder.open_at(follow, path, OpenFlags::DIRECTORY, reading)?;
            drop(open.read_directory()?);
        }
        "create" => drop(folder.open_at(follow, path, OpenFlags::CREATE, writing)?),
        "truncate" => drop(folder.open_at(follow, path, OpenFlags::TRUNCATE, writing)?),
        "write" => {
            // Also by a handle that was opened for reading.
            let file = folder
                .open_at(follow, path, none, reading | writing)
                .or_else(|_| folder.open_at(follow, path, none, reading))?;
            file.write(b"overwritten", 0)?;
        }
        "shrink" => folder.open_at(follow, path, none, reading)?.set_size(0)?,
        "touch" => {
            folder.set_times_at(stay, path, NewTimestamp::Now, NewTimestamp::Now)?;
        }
        "mkdir" => folder.create_directory_at(path)?,
        "remove" => folder.unlink_file_at(path)?,
        "rename" => folder.rename_at(path, folder, "renamed")?,
        "link" => folder.link_at(stay, path, folder, "linked")?,
        "symlink" => folder.symlink_at(path, "planted")?,
        _ => return Err(FileError::Unsupported),
    }
    Ok(b"done".to_vec())
}

type Plugin = Hostile<Files>;
datachat_sdk::connector::export!(Plugin);
