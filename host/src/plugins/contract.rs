//! Which versions of the contract this server serves, and which of its worlds a component targets.
//!
//! Decided by the names of what a component imports and exports, before anything is linked: each names its
//! interface of `datachat:plugin` with the version that the component was built for. A version that was
//! released is served as long as it stands in [`SERVED`]; its text is in `wit/<version>` and never changes.
//! Interfaces of other packages are for `grants`.

use super::PluginKind;

/// The versions of `datachat:plugin` that components may be built for, oldest first.
pub const SERVED: &[&str] = &["0.1.0"];

/// What every name of the contract begins with.
const PACKAGE: &str = "datachat:plugin/";

/// Why a component fits no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// It was built for a contract that this server does not know, or no longer.
    #[error("it was built for datachat:plugin@{}, this server serves {}", .versions.join(" and "), SERVED.join(", "))]
    Unserved { versions: Vec<String> },
    /// It is for something else.
    #[error("it exports neither a connector nor a tool of datachat:plugin, or both")]
    World,
}

/// The kind of a component and the version that it was built for.
///
/// # Errors
/// [`ContractError`]
pub fn judge<'a>(
    imports: impl IntoIterator<Item = &'a str>,
    exports: impl IntoIterator<Item = &'a str>,
) -> Result<(PluginKind, &'static str), ContractError> {
    let exports: Vec<(&str, &str)> = exports.into_iter().filter_map(parse).collect();
    let imports = imports.into_iter().filter_map(parse);
    let mut unserved: Vec<String> = imports
        .chain(exports.iter().copied())
        .filter(|(_, version)| !SERVED.contains(version))
        .map(|(_, version)| version.to_owned())
        .collect();
    if !unserved.is_empty() {
        unserved.sort();
        unserved.dedup();
        return Err(ContractError::Unserved { versions: unserved });
    }
    let exported = |interface: &str| {
        let found = exports.iter().find(|(name, _)| *name == interface);
        found.and_then(|(_, version)| SERVED.iter().find(|served| *served == version).copied())
    };
    match (exported("connector"), exported("tool")) {
        (Some(version), None) => Ok((PluginKind::Connector, version)),
        (None, Some(version)) => Ok((PluginKind::Tool, version)),
        _ => Err(ContractError::World),
    }
}

/// Interface and version of a name of ours; the version is empty where there is none.
fn parse(name: &str) -> Option<(&str, &str)> {
    let name = name.strip_prefix(PACKAGE)?;
    Some(name.split_once('@').unwrap_or((name, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_what_it_exports_at_a_served_version() {
        let imports = ["wasi:io/streams@0.2.12", "datachat:plugin/log@0.1.0"];
        for (export, kind) in [
            ("datachat:plugin/connector@0.1.0", PluginKind::Connector),
            ("datachat:plugin/tool@0.1.0", PluginKind::Tool),
        ] {
            assert_eq!(judge(imports, [export]), Ok((kind, "0.1.0")));
        }
        for exports in [
            &["wasi:cli/run@0.2.12"][..],
            &[],
            &[
                "datachat:plugin/connector@0.1.0",
                "datachat:plugin/tool@0.1.0",
            ],
        ] {
            assert_eq!(
                judge(imports, exports.iter().copied()),
                Err(ContractError::World)
            );
        }
    }

    #[test]
    fn a_version_that_is_not_served_is_refused_with_those_that_are() {
        let error = judge(
            ["datachat:plugin/log@0.2.0", "datachat:plugin/secrets"],
            ["datachat:plugin/connector@9.9.9"],
        )
        .expect_err("unserved");
        assert_eq!(
            error.to_string(),
            "it was built for datachat:plugin@ and 0.2.0 and 9.9.9, this server serves 0.1.0"
        );
        // One old import among served ones is enough.
        let mixed = judge(
            ["datachat:plugin/log@0.0.9"],
            ["datachat:plugin/tool@0.1.0"],
        );
        assert!(matches!(mixed, Err(ContractError::Unserved { .. })));
    }

    #[test]
    fn every_served_version_has_its_text() {
        for version in SERVED {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
            let world = std::path::Path::new(folder).join(version).join("world.wit");
            assert!(world.is_file(), "{}", world.display());
        }
    }
}
