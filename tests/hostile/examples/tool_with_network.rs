//! A tool that wants to connect out. Tools get no network.

use datachat_hostile::connect;
use datachat_sdk::tool::{Definition, Guest, ToolError};

struct Tool;

impl Guest for Tool {
    fn definitions() -> Vec<Definition> {
        Vec::new()
    }

    fn call(_name: String, _arguments: String) -> Result<String, ToolError> {
        let _ = connect("127.0.0.1:1".parse().expect("an address"));
        Ok("{}".to_owned())
    }
}

datachat_sdk::tool::export!(Tool);
