//! Which imports a component of each world may have.
//!
//! Judged on the names in the component's type before anything is linked, so that a plugin that wants more
//! is refused with the names of what it wants. The version is left to the linker, which accepts any
//! compatible one.
//!
//! C libraries name socket and file interfaces in every program, if only to drop a handle. An interface
//! without a way to make its handles gives no power: `tcp` and `udp` are harmless without
//! `tcp-create-socket`, `udp-create-socket` and `instance-network`, and the file system has no folders.
//!
//! Whether a connector speaks over sockets or HTTP it says itself, and only once it can be called. It may
//! import both; `instance` gives it the one that it has said.

use super::PluginKind;

/// What every plugin may import.
const BASE: &[&str] = &[
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/udp",
    "datachat:plugin/types",
    "datachat:plugin/log",
];

const CONNECTOR: &[&str] = &[
    "wasi:sockets/instance-network",
    "wasi:sockets/tcp-create-socket",
    "wasi:http/types",
    "wasi:http/outgoing-handler",
    "datachat:plugin/secrets",
    "datachat:plugin/tls",
];

const TOOL: &[&str] = &[
    "datachat:plugin/database",
    "datachat:plugin/progress",
    "datachat:knowledge/knowledge",
    "datachat:knowledge/profiling",
];

/// The imports that a plugin of this kind may not have, in their order.
pub(crate) fn ungranted<'a>(
    kind: PluginKind,
    imports: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let extra = match kind {
        PluginKind::Connector => CONNECTOR,
        PluginKind::Tool => TOOL,
    };
    imports
        .into_iter()
        .filter(|name| {
            let interface = name.split('@').next().unwrap_or(name);
            !BASE.contains(&interface) && !extra.contains(&interface)
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_gets_tcp_and_http_but_neither_udp_nor_name_lookup_nor_what_tools_get() {
        let wanted = [
            "wasi:sockets/tcp-create-socket@0.2.3",
            "wasi:sockets/udp-create-socket@0.2.3",
            "wasi:sockets/ip-name-lookup@0.2.3",
            "wasi:http/outgoing-handler@0.2.3",
            "wasi:http/incoming-handler@0.2.3",
            "datachat:plugin/database@0.1.0",
            "datachat:knowledge/knowledge@0.1.0",
            "datachat:plugin/log@0.1.0",
        ];
        assert_eq!(
            ungranted(PluginKind::Connector, wanted),
            [
                "wasi:sockets/udp-create-socket@0.2.3",
                "wasi:sockets/ip-name-lookup@0.2.3",
                "wasi:http/incoming-handler@0.2.3",
                "datachat:plugin/database@0.1.0",
                "datachat:knowledge/knowledge@0.1.0",
            ]
        );
    }

    #[test]
    fn a_tool_gets_no_way_to_the_network_or_to_secrets() {
        let wanted = [
            "wasi:sockets/tcp-create-socket@0.2.3",
            "wasi:sockets/instance-network@0.2.3",
            "wasi:http/outgoing-handler@0.2.3",
            "datachat:plugin/secrets@0.1.0",
            "datachat:plugin/database@0.1.0",
            "datachat:knowledge/knowledge@0.1.0",
        ];
        assert_eq!(
            ungranted(PluginKind::Tool, wanted),
            wanted[..4]
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn an_interface_of_another_package_with_a_granted_name_is_refused() {
        assert_eq!(
            ungranted(PluginKind::Tool, ["evil:plugin/log@0.1.0"]),
            ["evil:plugin/log@0.1.0"]
        );
    }
}
