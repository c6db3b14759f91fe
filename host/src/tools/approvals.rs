//! Calls that wait for an administrator's consent, and consents that wait for their call.
//!
//! A consent is for one call: same caller, tool, arguments and connection, once. They are kept in memory, so a
//! restart forgets them and the caller asks again; the number and the age are bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::policy::Caller;
use crate::limits::Limits;

/// What makes two calls the same call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallDigest([u8; 32]);

impl CallDigest {
    /// Digests a call. `arguments` is compact JSON.
    pub fn of(caller: &Caller, tool: &str, arguments: &str, connection: Uuid) -> Self {
        let mut hash = Sha256::new();
        let caller = match caller {
            Caller::Local => "local".to_owned(),
            Caller::Loopback => "loopback".to_owned(),
            Caller::Key { name, .. } => format!("key {name}"),
            Caller::Nobody => "nobody".to_owned(),
        };
        for part in [&caller, tool, &connection.to_string(), arguments] {
            // With its length, so that no two lists of parts read the same.
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

struct Entry {
    call: CallDigest,
    tool: String,
    granted: bool,
    since: Instant,
}

/// The waiting calls. Cheap to clone.
#[derive(Clone)]
pub struct Approvals {
    entries: Arc<Mutex<HashMap<Uuid, Entry>>>,
    max: usize,
    lifetime: Duration,
}

impl Approvals {
    pub fn new(limits: &Limits) -> Self {
        Self {
            entries: Arc::default(),
            max: usize::try_from(limits.tool_approvals).unwrap_or(usize::MAX),
            lifetime: Duration::from_millis(limits.tool_approval_ms),
        }
    }

    /// Uses up the consent for a call, if there is one.
    pub fn take(&self, call: CallDigest) -> bool {
        self.with(|entries| {
            let found = entries
                .iter()
                .find(|(_, entry)| entry.call == call && entry.granted)
                .map(|(id, _)| *id);
            found.is_some_and(|id| entries.remove(&id).is_some())
        })
    }

    /// The id under which an administrator can grant a call; the same call keeps its id.
    pub fn request(&self, call: CallDigest, tool: &str) -> Uuid {
        self.with(|entries| {
            if let Some((id, _)) = entries.iter().find(|(_, entry)| entry.call == call) {
                return *id;
            }
            if entries.len() >= self.max {
                let oldest = entries.iter().min_by_key(|(_, entry)| entry.since);
                if let Some(id) = oldest.map(|(id, _)| *id) {
                    entries.remove(&id);
                }
            }
            let id = Uuid::new_v4();
            let entry = Entry {
                call,
                tool: tool.to_owned(),
                granted: false,
                since: Instant::now(),
            };
            entries.insert(id, entry);
            id
        })
    }

    /// Grants a waiting call and says which tool it is for; `None` if nothing waits under this id.
    pub fn grant(&self, id: Uuid) -> Option<String> {
        self.with(|entries| {
            let entry = entries.get_mut(&id)?;
            entry.granted = true;
            Some(entry.tool.clone())
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<Uuid, Entry>) -> T) -> T {
        // A panic elsewhere leaves whole entries behind: each change is one step.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| entry.since.elapsed() < self.lifetime);
        act(&mut entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approvals(max: u64, lifetime_ms: u64) -> Approvals {
        Approvals::new(&Limits {
            tool_approvals: max,
            tool_approval_ms: lifetime_ms,
            ..Limits::default()
        })
    }

    fn call(arguments: &str) -> CallDigest {
        CallDigest::of(&Caller::Loopback, "drop_it", arguments, Uuid::nil())
    }

    #[test]
    fn a_consent_is_for_that_very_call_and_for_once() {
        let approvals = approvals(10, 60_000);
        let id = approvals.request(call("{\"a\":1}"), "drop_it");
        assert!(!approvals.take(call("{\"a\":1}")), "not granted yet");
        assert_eq!(approvals.grant(id).as_deref(), Some("drop_it"));
        assert!(!approvals.take(call("{\"a\":2}")), "another call");
        assert!(approvals.take(call("{\"a\":1}")));
        assert!(!approvals.take(call("{\"a\":1}")), "used up");
        assert_eq!(approvals.grant(id), None);
    }

    #[test]
    fn asking_again_gives_the_same_id() {
        let approvals = approvals(10, 60_000);
        assert_eq!(
            approvals.request(call("1"), "t"),
            approvals.request(call("1"), "t")
        );
    }

    #[test]
    fn callers_and_connections_are_part_of_the_call() {
        let ann = Caller::Key {
            name: "ann".to_owned(),
            admin: true,
        };
        let one = CallDigest::of(&ann, "t", "{}", Uuid::nil());
        assert_ne!(one, CallDigest::of(&Caller::Local, "t", "{}", Uuid::nil()));
        assert_ne!(one, CallDigest::of(&ann, "t", "{}", Uuid::from_u128(1)));
        assert_ne!(one, CallDigest::of(&ann, "t{}", "", Uuid::nil()));
    }

    #[test]
    fn the_oldest_makes_room_and_age_ends_them_all() {
        let few = approvals(1, 60_000);
        let first = few.request(call("1"), "t");
        let second = few.request(call("2"), "t");
        assert_eq!(few.grant(first), None);
        assert!(few.grant(second).is_some());
        let short = approvals(10, 1);
        let id = short.request(call("1"), "t");
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(short.grant(id), None);
    }
}
