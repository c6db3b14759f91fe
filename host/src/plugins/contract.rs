//! Which versions of the contract this server serves, and which of its worlds a component targets.
//!
//! Decided by the names of what a component imports and exports, before anything is linked: each names its
//! interface of one of our packages with the version that the component was built for. `datachat:plugin` has
//! the worlds; what tools may import beside has packages, and so versions, of its own. A version that was
//! released is served as long as it stands in [`SERVED`] or [`KNOWLEDGE`]; its text is in `wit/<version>` or
//! `wit/knowledge/<version>` and never changes. Interfaces of other packages are for `grants`.

use super::PluginKind;

/// The versions of `datachat:plugin` that components may be built for, oldest first.
pub const SERVED: &[&str] = &["0.1.0"];

/// The versions of `datachat:knowledge` that tools may be built for, oldest first.
pub const KNOWLEDGE: &[&str] = &["0.1.0"];

/// The package of the worlds.
const PLUGIN: &str = "datachat:plugin";

/// Every package of ours, with what is served of it.
const PACKAGES: &[(&str, &[&str])] = &[(PLUGIN, SERVED), ("datachat:knowledge", KNOWLEDGE)];

/// Why a component fits no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// It was built for a contract that this server does not know, or no longer.
    #[error("it was built for {package}@{}, this server serves {}", .versions.join(" and "), .served.join(", "))]
    Unserved {
        package: &'static str,
        versions: Vec<String>,
        served: &'static [&'static str],
    },
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
    let exports: Vec<&str> = exports.into_iter().collect();
    let names: Vec<&str> = imports.into_iter().chain(exports.iter().copied()).collect();
    for (package, served) in PACKAGES {
        let of_package = names.iter().filter_map(|name| parse(package, name));
        let mut unserved: Vec<String> = of_package
            .filter(|(_, version)| !served.contains(version))
            .map(|(_, version)| version.to_owned())
            .collect();
        if !unserved.is_empty() {
            unserved.sort();
            unserved.dedup();
            return Err(ContractError::Unserved {
                package,
                versions: unserved,
                served,
            });
        }
    }
    let exported = |interface: &str| {
        let mut exports = exports.iter().filter_map(|name| parse(PLUGIN, name));
        let (_, version) = exports.find(|(name, _)| *name == interface)?;
        SERVED.iter().find(|served| **served == version).copied()
    };
    match (exported("connector"), exported("tool")) {
        (Some(version), None) => Ok((PluginKind::Connector, version)),
        (None, Some(version)) => Ok((PluginKind::Tool, version)),
        _ => Err(ContractError::World),
    }
}

/// Interface and version of a name of a package; the version is empty where there is none.
fn parse<'a>(package: &str, name: &'a str) -> Option<(&'a str, &'a str)> {
    let name = name.strip_prefix(package)?.strip_prefix('/')?;
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
    fn each_package_has_versions_of_its_own() {
        let tool = ["datachat:plugin/tool@0.1.0"];
        let import = |name| judge([name], tool);
        assert_eq!(
            import("datachat:knowledge/knowledge@0.1.0"),
            Ok((PluginKind::Tool, "0.1.0"))
        );
        let refused = import("datachat:knowledge/knowledge@7.0.0").expect_err("unserved");
        assert_eq!(
            refused.to_string(),
            "it was built for datachat:knowledge@7.0.0, this server serves 0.1.0"
        );
        // Not ours; the grants know nothing of it.
        assert!(import("datachat:knowledgeable/knowledge@7.0.0").is_ok());
    }

    #[test]
    fn every_served_version_has_its_text() {
        for version in SERVED {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
            let world = std::path::Path::new(folder).join(version).join("world.wit");
            assert!(world.is_file(), "{}", world.display());
        }
        for version in KNOWLEDGE {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/knowledge");
            let text = std::path::Path::new(folder)
                .join(version)
                .join("knowledge.wit");
            assert!(text.is_file(), "{}", text.display());
        }
    }
}
