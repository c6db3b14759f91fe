//! PostgreSQL's parser, called so that a server can live with it.
//!
//! `pg_query` brings the parser as a C library. Its Rust interface reads parse trees by recursion, 25 KiB of
//! stack a level where code is not optimised, gives up on 45 operators in a row, and does not say where a
//! syntax error is. The C interface also writes the tree as JSON and gives the place, so this module calls
//! that one function itself. The C code bounds its own recursion at 100 KiB of stack.
//!
//! While it parses, the library points the process's standard error at a pipe, and two parsers at once would
//! mix up whose pipe it is: every call goes through [`exclusive`]. When the process is out of file
//! descriptors the library would free what it never allocated, so [`exclusive`] makes sure that there are
//! some.

use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::{Mutex, PoisonError};

// Links the C library.
use pg_query as _;

/// Which strings have backslash escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strings {
    /// Only `E'…'`, PostgreSQL's default.
    Standard,
    /// All: `standard_conforming_strings` is off.
    Backslashes,
}

/// Why there is no tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unparsed {
    pub message: String,
    /// 1-based, in characters.
    pub position: Option<u32>,
}

/// `standard_conforming_strings` off, and no warnings about it.
const BACKSLASHES: c_int = 32 | 64;

#[repr(C)]
struct CError {
    message: *mut c_char,
    funcname: *mut c_char,
    filename: *mut c_char,
    lineno: c_int,
    cursorpos: c_int,
    context: *mut c_char,
}

#[repr(C)]
struct CResult {
    parse_tree: *mut c_char,
    stderr_buffer: *mut c_char,
    error: *mut CError,
}

unsafe extern "C" {
    fn pg_query_parse_opts(input: *const c_char, options: c_int) -> CResult;
    fn pg_query_free_parse_result(result: CResult);
}

/// Runs something that uses the parser's library while nothing else does.
///
/// # Errors
/// The process has too few file descriptors left.
pub fn exclusive<T>(run: impl FnOnce() -> T) -> std::io::Result<T> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // A call needs three.
    let spare = (std::io::pipe()?, std::io::pipe()?);
    drop(spare);
    Ok(run())
}

/// Parses a text and gives its tree as JSON.
///
/// # Errors
/// The text does not parse, or is nested too deeply.
pub fn parse(sql: &str, strings: Strings) -> Result<String, Unparsed> {
    let unparsed = |message: &str| Unparsed {
        message: message.to_owned(),
        position: None,
    };
    let input = CString::new(sql).map_err(|_| unparsed("the text contains a NUL character"))?;
    let options = match strings {
        Strings::Standard => 0,
        Strings::Backslashes => BACKSLASHES,
    };
    exclusive(|| {
        // SAFETY: `input` is a C string and outlives the call; the structs are those of pg_query.h; the
        // result is read before it is freed, and freed once.
        unsafe {
            let result = pg_query_parse_opts(input.as_ptr(), options);
            let answer = if let Some(error) = result.error.as_ref() {
                Err(Unparsed {
                    message: text(error.message),
                    position: u32::try_from(error.cursorpos).ok().filter(|at| *at > 0),
                })
            } else {
                Ok(text(result.parse_tree))
            };
            pg_query_free_parse_result(result);
            answer
        }
    })
    .unwrap_or_else(|error| Err(unparsed(&format!("the parser can't run: {error}"))))
}

/// # Safety
/// `pointer` is NULL or a C string that lives as long as the call.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    unsafe { CStr::from_ptr(pointer) }
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_has_its_place_in_characters() {
        let error = parse("SELECT 'é' FROM FROM x", Strings::Standard).expect_err("syntax");
        assert_eq!(error.position, Some(17));
        assert!(error.message.contains("FROM"));
        let error = parse("SELECT 1 +", Strings::Standard).expect_err("syntax");
        assert_eq!(error.position, Some(11));
    }

    #[test]
    fn many_threads_may_parse_and_standard_error_is_what_it_was() {
        use std::os::fd::AsFd;
        let identity = || {
            let error = std::io::stderr()
                .as_fd()
                .try_clone_to_owned()
                .expect("a descriptor");
            std::fs::File::from(error).metadata().map(|m| {
                use std::os::unix::fs::MetadataExt;
                (m.dev(), m.ino())
            })
        };
        let before = exclusive(identity).expect("descriptors").expect("metadata");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        assert!(parse("SELECT 1", Strings::Standard).is_ok());
                    }
                });
            }
        });
        assert_eq!(
            exclusive(identity).expect("descriptors").expect("metadata"),
            before
        );
    }
}
