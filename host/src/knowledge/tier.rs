//! How far a DataPoint is trusted: by the folder that its file lies in.

use std::path::{Component, Path};

/// Where a DataPoint comes from, as its folder says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Kept by a user.
    User,
    /// Kept by a team; also what came by the API or by approval.
    Managed,
    /// Of an example.
    Examples,
    /// Of the demonstration.
    Demo,
    /// Of a folder with another name.
    Custom,
}

impl Tier {
    pub const ALL: [Self; 5] = [
        Self::User,
        Self::Managed,
        Self::Examples,
        Self::Demo,
        Self::Custom,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Managed => "managed",
            Self::Examples => "examples",
            Self::Demo => "demo",
            Self::Custom => "custom",
        }
    }

    /// Reads what [`Self::name`] gives, exactly.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.name() == name)
    }

    /// The tier of a file at `path` below the folder `root` that is read.
    ///
    /// The outermost folder with a tier's name decides, but only below the last folder that is called
    /// `datapoints`, or else from `root` down: what lies above says nothing (`/home/user`).
    pub fn of(root: &Path, path: &Path) -> Self {
        let names = |path: &Path| -> Vec<String> {
            let normal = path.components().filter_map(|component| match component {
                Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
                _ => None,
            });
            normal.collect()
        };
        let above = names(root);
        let start = match above.iter().rposition(|name| name == "datapoints") {
            Some(at) => at + 1,
            None => above.len().saturating_sub(1),
        };
        let mut below = names(path);
        // The last is the file's own.
        below.pop();
        above[start..]
            .iter()
            .chain(&below)
            .find_map(|name| Self::from_name(name).filter(|tier| *tier != Self::Custom))
            .unwrap_or(Self::Custom)
    }

    /// Whether its DataPoints may say the same thing as others: examples stand beside the real ones.
    pub fn is_for_show(self) -> bool {
        matches!(self, Self::Examples | Self::Demo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outermost_folder_that_names_a_tier_decides() {
        for (root, path, tier) in [
            ("/srv/datapoints", "user/a.json", Tier::User),
            ("/srv/datapoints", "managed/demo/a.json", Tier::Managed),
            (
                "/srv/datapoints/examples/bank",
                "schema/a.json",
                Tier::Examples,
            ),
            ("/srv/datapoints/shared", "a.json", Tier::Custom),
            ("/srv/demo", "a.json", Tier::Demo),
            ("/home/user/work", "a.json", Tier::Custom),
            ("/home/user/datapoints", "a.json", Tier::Custom),
            ("/home/user/work", "managed.json", Tier::Custom),
            (
                "/home/datapoints/user/datapoints/demo",
                "a.json",
                Tier::Demo,
            ),
        ] {
            let found = Tier::of(Path::new(root), Path::new(path));
            assert_eq!(found, tier, "{root} {path}");
        }
    }

    #[test]
    fn a_name_names_its_tier_and_nothing_else_does() {
        for tier in Tier::ALL {
            assert_eq!(Tier::from_name(tier.name()), Some(tier));
        }
        assert_eq!(Tier::from_name("User"), None);
    }
}
