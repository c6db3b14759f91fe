//! What outlives a tool's call: whether something was cut off, and the last error that the tool was given.
//!
//! Errors cross to a component in the words of its contract. The original is kept here, so that an answer that
//! only repeats it loses nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::knowledge::reader::ReadError;
use crate::plugins::DbError;
use crate::plugins::tool::{ToolError, ToolErrorCode};
use crate::profiling::ProfilingError;
use crate::query::QueryError;

/// See the module. Cheap to clone; all clones are the same trace.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    truncated: Arc<AtomicBool>,
    last: Arc<Mutex<Option<Given>>>,
}

/// An error as the tool was given it, and what it was.
#[derive(Debug)]
enum Given {
    Query(DbError, Box<QueryError>),
    Read(String, ReadError),
    Profile(String, ProfilingError),
}

/// What it was.
#[derive(Debug)]
pub enum Original {
    Query(Box<QueryError>),
    Read(ReadError),
    Profile(ProfilingError),
}

impl Trace {
    /// Whether a result was cut off or left unread.
    pub fn truncated(&self) -> bool {
        self.truncated.load(Ordering::Relaxed)
    }

    /// Something was cut off or left unread.
    pub fn cut_off(&self) {
        self.truncated.store(true, Ordering::Relaxed);
    }

    /// A statement has failed, and the tool is told so.
    pub fn failed_to_query(&self, given: &DbError, error: QueryError) {
        self.keep(Given::Query(given.clone(), Box::new(error)));
    }

    /// DataPoints could not be read, and the tool is told so.
    pub fn failed_to_read(&self, message: &str, error: ReadError) {
        self.keep(Given::Read(message.to_owned(), error));
    }

    /// Tables could not be profiled, and the tool is told so.
    pub fn failed_to_profile(&self, message: &str, error: ProfilingError) {
        self.keep(Given::Profile(message.to_owned(), error));
    }

    /// The original of an error that the tool repeats, once.
    pub fn original(&self, error: &ToolError) -> Option<Original> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let repeats = |given: &str| error.code == ToolErrorCode::Failed && error.message == given;
        match last.take()? {
            Given::Query(given, original) => {
                (error.database.as_ref() == Some(&given)).then_some(Original::Query(original))
            }
            Given::Read(given, original) => repeats(&given).then_some(Original::Read(original)),
            Given::Profile(given, original) => {
                repeats(&given).then_some(Original::Profile(original))
            }
        }
    }

    fn keep(&self, given: Given) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(given);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::{ErrorCode, PluginError};

    fn tool_error(code: ToolErrorCode, message: &str, database: Option<DbError>) -> ToolError {
        ToolError {
            code,
            message: message.to_owned(),
            argument: None,
            candidates: Vec::new(),
            database,
        }
    }

    #[test]
    fn an_error_that_a_tool_repeats_is_traced_back_and_another_is_not() {
        let given = DbError {
            code: ErrorCode::Syntax,
            message: "two".to_owned(),
            vendor_code: None,
            detail: None,
            hint: None,
            position: Some(9),
            retryable: false,
        };
        let original = || QueryError::Plugin(PluginError::Database(given.clone()));
        let repeats =
            |database: &DbError| tool_error(ToolErrorCode::Database, "no", Some(database.clone()));
        let other = DbError {
            message: "something else".to_owned(),
            ..given.clone()
        };
        let trace = Trace::default();
        trace.failed_to_query(&given, original());
        assert!(trace.original(&repeats(&other)).is_none());
        trace.failed_to_query(&given, original());
        assert!(matches!(
            trace.original(&repeats(&given)),
            Some(Original::Query(error))
                if matches!(&*error, QueryError::Plugin(PluginError::Database(error)) if *error == given)
        ));
        assert!(trace.original(&repeats(&given)).is_none(), "once");
    }

    #[test]
    fn an_error_of_reading_is_known_by_its_words() {
        let trace = Trace::default();
        for (code, message, known) in [
            (ToolErrorCode::Failed, "gone", true),
            (ToolErrorCode::Failed, "other", false),
            (ToolErrorCode::InvalidArgument, "gone", false),
        ] {
            trace.failed_to_read("gone", ReadError::Place);
            let original = trace.original(&tool_error(code, message, None));
            assert_eq!(original.is_some(), known, "{code:?} {message}");
        }
    }
}
