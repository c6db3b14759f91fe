//! `/openapi.json`: the description of the API, kept by hand in the file beside this one.

use std::sync::LazyLock;

use axum::Json;
use serde_json::Value;

use super::problem::Code;
use super::system::VERSION;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    // The file is part of the program and a test reads it; an empty document is the harmless way out.
    let mut document: Value =
        serde_json::from_str(include_str!("openapi.json")).unwrap_or_default();
    if document.is_object() {
        document["info"]["version"] = VERSION.into();
        let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] = codes.into();
    }
    document
});

/// `GET /openapi.json`
pub async fn document() -> Json<&'static Value> {
    Json(&DOCUMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `$ref` in a document.
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member {
                        Value::String(target) if name == "$ref" => found.push(target),
                        _ => references(member, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let mut found = Vec::new();
        references(&DOCUMENT, &mut found);
        assert!(found.len() > 20);
        for target in found {
            let pointer = target.trim_start_matches('#');
            assert!(DOCUMENT.pointer(pointer).is_some(), "{target}");
        }
    }

    #[test]
    fn every_route_of_the_router_is_described_and_no_other() {
        let source = include_str!("mod.rs");
        let mut routes: Vec<&str> = source
            .split(".route(")
            .skip(1)
            .filter_map(|rest| rest.split('"').nth(1))
            .collect();
        routes.sort_unstable();
        let mut described: Vec<&str> = DOCUMENT["paths"]
            .as_object()
            .expect("paths")
            .keys()
            .map(|path| path.strip_prefix("/api/v1").unwrap_or(path))
            .collect();
        described.sort_unstable();
        assert_eq!(routes, described);
    }

    #[test]
    fn the_codes_are_those_of_the_server() {
        let codes = &DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
        assert_eq!(codes.as_array().map(Vec::len), Some(Code::ALL.len()));
    }
}
