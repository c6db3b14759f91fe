//! .

#[cfg(target_arch = "wasm32")]
mod component {
    use datachat_sdk::tool::{Definition, Guest, ToolError, ToolErrorCode};
    struct T;
    impl Guest for T {
        fn definitions() -> Vec<Definition> {
            vec![]
        }
        fn call(name: String, _a: String) -> Result<String, ToolError> {
            Err(ToolError {
                code: ToolErrorCode::Failed,
                message: name,
                argument: None,
                candidates: vec![],
                database: None,
            })
        }
    }
    datachat_sdk::tool::export!(T with_types_in datachat_sdk::tool::bindings);
}
