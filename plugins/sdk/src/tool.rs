//! The `tool-plugin` world: what a tool imports and exports.

#[doc(hidden)]
#[allow(clippy::all, clippy::pedantic, dead_code)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "tool-plugin",
        with: {
            "datachat:plugin/types@0.1.0": crate::connector::bindings::datachat::plugin::types,
            "datachat:plugin/log@0.1.0": crate::connector::bindings::datachat::plugin::log,
        },
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_tool",
        default_bindings_module: "datachat_sdk::tool::bindings",
    });
}

pub use crate::connector::{log, types};
pub use bindings::datachat::plugin::{database, progress};
pub use bindings::export_tool as export;
pub use bindings::exports::datachat::plugin::tool::{Definition, Guest, ToolError, ToolErrorCode};
