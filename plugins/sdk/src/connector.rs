//! The `connector-plugin` world: what a connector imports and exports.

#[doc(hidden)]
#[allow(clippy::all, clippy::pedantic, dead_code)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "connector-plugin",
        with: {
            "wasi:io/error@0.2.12": wasip2::io::error,
            "wasi:io/poll@0.2.12": wasip2::io::poll,
            "wasi:io/streams@0.2.12": wasip2::io::streams,
        },
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_connector",
        default_bindings_module: "datachat_sdk::connector::bindings",
    });
}

pub use bindings::datachat::plugin::{log, secrets, tls, types};
pub use bindings::export_connector as export;
pub use bindings::exports::datachat::plugin::connector::{
    Address, ConnectorInfo, Cursor, DangerousRight, DatabaseType, Dialect, Guest, GuestCursor,
    GuestRelationList, GuestSession, OptionSpec, RelationList, SchemeDefaults, ServerInfo, Session,
    Statement, Target, Template, TlsMode, Transport,
};
