//! `/api/v1/plugins`: what is installed and how it is; installing, removing, granting. For administrators.
//!
//! A component is the body of its request as it is, so that `curl --data-binary @x.wasm` installs it. What
//! belongs to it stands in the query (`digest`, `name`) and in a header (`X-DataChat-Signature`: the file
//! `x.wasm.minisig` in base64, because it has lines).

use std::path::PathBuf;

use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::body::{media_type, read_bytes};
use super::convert::sentence;
use super::extract::{Admin, Object};
use super::problem::{Code, Problem};
use crate::app::App;
use crate::plugins::contract::ContractError;
use crate::plugins::folders::FolderError;
use crate::plugins::{ChangeError, Folders, Install, LoadError, PluginView};

/// Carries the text of a component's `.minisig` file in base64.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-datachat-signature");

/// `GET /plugins`
pub async fn list(State(app): State<App>, _: Admin) -> Json<Value> {
    Json(json!({ "plugins": app.plugins.list(), "next_cursor": null }))
}

/// The body and what belongs to it.
pub struct Component(Install);

impl FromRequest<App> for Component {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if media_type(&parts.headers) != "application/wasm" {
            return Err(
                Problem::new(Code::UnsupportedMediaType, "The body must be a component.")
                    .with("hint", "Send the header `Content-Type: application/wasm`."),
            );
        }
        let mut install = Install {
            signature: signature(&parts.headers)?,
            ..Install::default()
        };
        let query = parts.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "digest" => install.digest = Some(value.into_owned()),
                "name" => install.name = Some(value.into_owned()),
                _ => {}
            }
        }
        let limit = app.limits.plugin_wasm_bytes;
        install.wasm = read_bytes(body, limit, "plugin_wasm_bytes").await?.into();
        Ok(Self(install))
    }
}

fn signature(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(SIGNATURE) else {
        return Ok(None);
    };
    let text = STANDARD
        .decode(value.as_bytes())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Some).ok_or_else(|| {
        let message = "must be the text of a .minisig file in base64";
        Problem::field(SIGNATURE.as_str(), "value", message)
    })
}

/// `POST /plugins`: 201 for a new plugin, 200 for an upgrade.
pub async fn install(
    State(app): State<App>,
    Admin(caller): Admin,
    Component(new): Component,
) -> Result<(StatusCode, Json<PluginView>), Problem> {
    let (view, upgraded) = app.plugins.install(new).await?;
    tracing::info!(
        plugin = view.status.name,
        by = caller.name(),
        "plugin installed"
    );
    let status = if upgraded {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, Json(view)))
}

/// `DELETE /plugins/{name}`
pub async fn remove(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    app.plugins.remove(&name).await?;
    tracing::info!(plugin = name, by = caller.name(), "plugin removed");
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /plugins/{name}/grants`: all folders of the plugin; whether it is loaded.
pub async fn grant(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(name): Path<String>,
    Object(mut fields): Object,
) -> Result<Json<PluginView>, Problem> {
    let folders: Option<Folders> = fields
        .given::<std::collections::BTreeMap<String, PathBuf>>(
            "folders",
            "an object of absolute paths by name",
        )
        .value();
    let enabled = fields.flag("enabled");
    fields.finish()?;
    let changed = app.plugins.grant(&name, move |grants| {
        if let Some(folders) = folders {
            grants.folders = folders;
        }
        if let Some(enabled) = enabled {
            grants.enabled = enabled;
        }
    });
    let view = changed.await?;
    tracing::info!(
        plugin = name,
        by = caller.name(),
        "grants of a plugin changed"
    );
    Ok(Json(view))
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let text = sentence(&error);
        let refused = |reason: &str| Self::new(Code::PluginRefused, &text).with("reason", reason);
        match error {
            ChangeError::DigestForm { .. } => Self::field("digest", "value", text),
            ChangeError::Name { .. } => Self::field("name", "value", text),
            ChangeError::Digest { .. } => refused("digest_mismatch").with("field", "digest"),
            ChangeError::Refused(error) => match error {
                LoadError::Contract(ContractError::Unserved {
                    package,
                    versions,
                    served,
                }) => refused("version_not_served")
                    .with("package", package)
                    .with("versions", json!(versions))
                    .with("served", json!(served)),
                LoadError::Contract(ContractError::World) => refused("no_plugin"),
                LoadError::Ungranted { imports, .. } => {
                    refused("import_not_granted").with("imports", json!(imports))
                }
                LoadError::Refused(refusal) => refused(refusal.reason()),
                LoadError::Duplicate(_) => refused("already_served"),
                LoadError::TooLarge { .. } => {
                    refused("too_large").with("limit", "plugin_wasm_bytes")
                }
                LoadError::Memory { .. } => {
                    refused("too_large").with("limit", "plugin_memory_bytes")
                }
                LoadError::CompileTimeout { .. } => {
                    refused("too_slow").with("limit", "plugin_compile_ms")
                }
                LoadError::Invalid(_) | LoadError::Link(_) => refused("invalid_component"),
                LoadError::Describe(_) | LoadError::Description(_) => refused("no_description"),
                LoadError::Engine(_) | LoadError::Read(_) => {
                    tracing::error!(%error, "a plugin could not be installed");
                    Self::internal()
                }
            },
            ChangeError::Unknown { .. } => Self::new(Code::PluginNotFound, text),
            ChangeError::Shipped { .. } | ChangeError::Fixed => {
                Self::new(Code::PluginShipped, text)
            }
            ChangeError::Folder(error) => {
                let code = match error {
                    FolderError::Name { .. } => "name",
                    _ => "path",
                };
                Self::field("folders", code, text)
            }
            ChangeError::NoFolders { .. } | ChangeError::Unrecorded { .. } => {
                Self::field("folders", "value", text)
            }
            // Where the data folder lies is for administrators, and these are.
            ChangeError::Shelf(error) => {
                tracing::error!(%error, "the folder of plugins could not be used");
                Self::new(Code::Internal, text)
            }
        }
    }
}
