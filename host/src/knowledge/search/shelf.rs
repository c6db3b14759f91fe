//! The volumes that are in force. A reader takes the set of one moment and sees nothing else.
//!
//! Volumes are built beside the shelf, then put there all at once: whoever searches meanwhile has the old set to
//! the end. Only the scopes that have changed are built anew; the others are shared between the sets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::volume::Volume;
use crate::knowledge::Scope;

/// All volumes of one moment. Whose of them a question may see is decided in [`super::retrieve()`], and nowhere
/// else is there a way to search.
#[derive(Debug, Default)]
pub struct Set {
    volumes: HashMap<Scope, Arc<Volume>>,
    generation: u64,
}

impl Set {
    /// Grows with every change.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many scopes hold something.
    #[must_use]
    pub fn scopes(&self) -> usize {
        self.volumes.len()
    }

    pub(super) fn volume(&self, scope: Scope) -> Option<&Volume> {
        self.volumes.get(&scope).map(Arc::as_ref)
    }
}

/// What happens to a scope.
#[derive(Debug)]
pub enum Change {
    /// All its entries are these.
    Replace(Box<Volume>),
    /// It holds nothing any more.
    Remove(Scope),
}

/// See the module.
#[derive(Debug, Default)]
pub struct Shelf {
    current: RwLock<Arc<Set>>,
    /// One writer at a time; readers don't wait for it.
    writer: Mutex<()>,
}

impl Shelf {
    /// The set of this moment.
    #[must_use]
    pub fn current(&self) -> Arc<Set> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts all changes in force at once, and gives the new set's generation. Of two changes of one scope the
    /// last one counts. Who changes one scope from two threads decides which of them comes last.
    pub fn publish(&self, changes: impl IntoIterator<Item = Change>) -> u64 {
        let _writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current();
        let mut volumes = before.volumes.clone();
        for change in changes {
            match change {
                Change::Replace(volume) if volume.is_empty() => {
                    volumes.remove(&volume.scope());
                }
                Change::Replace(volume) => {
                    volumes.insert(volume.scope(), Arc::from(volume));
                }
                Change::Remove(scope) => {
                    volumes.remove(&scope);
                }
            }
        }
        let generation = before.generation + 1;
        let set = Arc::new(Set {
            volumes,
            generation,
        });
        let replaced = std::mem::replace(
            &mut *self.current.write().unwrap_or_else(PoisonError::into_inner),
            set,
        );
        // What nobody reads any more is freed here, without the lock.
        drop(replaced);
        generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::search::testing::entry;
    use uuid::Uuid;

    fn volume(scope: Scope, id: &str) -> Box<Volume> {
        Box::new(Volume::build(scope, vec![entry(scope, id, "text")], None).unwrap())
    }

    fn holds(set: &Set, scope: Scope, id: &str) -> bool {
        set.volume(scope)
            .is_some_and(|volume| volume.with_id(id).is_some())
    }

    #[test]
    fn a_reader_keeps_its_set_while_others_are_published() {
        let shelf = Shelf::default();
        let (one, other) = (Scope::Global, Scope::Connection(Uuid::from_u128(1)));
        shelf.publish([
            Change::Replace(volume(one, "old")),
            Change::Replace(volume(other, "x")),
        ]);
        let reader = shelf.current();
        shelf.publish([Change::Replace(volume(one, "new")), Change::Remove(other)]);
        assert!(holds(&reader, one, "old") && holds(&reader, other, "x"));
        let now = shelf.current();
        assert!(holds(&now, one, "new") && !holds(&now, one, "old"));
        assert_eq!((now.scopes(), now.generation()), (1, 2));
    }

    #[test]
    fn a_scope_that_has_not_changed_is_not_built_again() {
        let shelf = Shelf::default();
        shelf.publish([Change::Replace(volume(Scope::Global, "a"))]);
        let before = shelf.current();
        shelf.publish([Change::Replace(volume(Scope::Unscoped, "b"))]);
        let after = shelf.current();
        let address = |set: &Set| std::ptr::from_ref(set.volume(Scope::Global).unwrap());
        assert_eq!(address(&before), address(&after));
    }

    #[test]
    fn a_scope_that_was_emptied_is_gone() {
        let shelf = Shelf::default();
        shelf.publish([Change::Replace(volume(Scope::Global, "a"))]);
        let empty = Box::new(Volume::build(Scope::Global, Vec::new(), None).unwrap());
        shelf.publish([Change::Replace(empty)]);
        assert_eq!(shelf.current().scopes(), 0);
    }
}
