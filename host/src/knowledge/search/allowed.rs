//! Whose entries a question may see.

use uuid::Uuid;

use crate::knowledge::Scope;

/// The scopes of one resolved connection: its own, those of connections to the very same database, and the
/// global one. There is no other way to make one, so no search goes without a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed(Vec<Scope>);

impl Allowed {
    /// `equivalent` are the connections that lead to the same database as `resolved`.
    #[must_use]
    pub fn new(resolved: Uuid, equivalent: impl IntoIterator<Item = Uuid>) -> Self {
        let mut scopes = vec![Scope::Connection(resolved)];
        for id in equivalent {
            let scope = Scope::Connection(id);
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes.push(Scope::Global);
        Self(scopes)
    }

    /// Nearest first: where two define the same thing, the earlier one wins.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.0
    }

    #[must_use]
    pub fn admits(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_come_first_and_the_global_one_last_each_once() {
        let [one, two] = [1, 2].map(Uuid::from_u128);
        let allowed = Allowed::new(two, [one, two]);
        let expected = [
            Scope::Connection(two),
            Scope::Connection(one),
            Scope::Global,
        ];
        assert_eq!(allowed.scopes(), expected);
        assert!(allowed.admits(Scope::Global));
        assert!(!allowed.admits(Scope::Unscoped));
        assert!(!allowed.admits(Scope::Connection(Uuid::from_u128(3))));
    }
}
