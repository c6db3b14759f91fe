//! What is refused, why, and that nothing of it is kept.

use anyhow::{Context, Result};
use datachat_tests::{Client, ServerOptions, TestServer};
use minisign::KeyPair;
use serde_json::{Value, json};

use crate::{PLUGINS, fixture, install, plugin, register, server, stored, until, variant};

/// The digest that the server says a component has.
async fn digest_of(client: &Client, wasm: Vec<u8>) -> Result<String> {
    let zeros = format!("digest=sha256:{}", "0".repeat(64));
    let refused = install(client, wasm, &zeros, &[]).await?;
    let refused = refused.problem(422, "plugin_refused")?;
    assert_eq!(refused["reason"], "digest_mismatch");
    let detail = refused["detail"].as_str().context("no detail")?;
    let at = detail.find("sha256:").context("no digest")?;
    Ok(detail[at..at + 71].to_owned())
}

#[tokio::test]
async fn a_component_is_installed_only_with_the_digest_that_was_asked_for() -> Result<()> {
    let server = server("plugin-digest").await?;
    let client = server.client();
    let wasm = fixture("neighbour")?;
    let digest = digest_of(client, wasm.clone()).await?;
    let malformed = install(client, wasm.clone(), "digest=md5:1", &[]).await?;
    malformed.problem(422, "validation_failed")?;
    assert!(stored(&server)?.is_empty());
    let query = format!("digest={digest}");
    let other = install(client, variant(&wasm, "x"), &query, &[]).await?;
    other.problem(422, "plugin_refused")?;
    let installed = install(client, wasm, &query, &[]).await?.expect(201)?;
    assert_eq!(installed["digest"], json!(digest));
    Ok(())
}

#[tokio::test]
async fn a_contract_that_is_not_served_is_named_with_those_that_are() -> Result<()> {
    let server = server("plugin-contract").await?;
    let client = server.client();
    let mut later = fixture("neighbour")?;
    for at in 0..later.len() - 6 {
        if &later[at..at + 6] == b"@0.1.0" {
            later[at..at + 6].copy_from_slice(b"@0.9.0");
        }
    }
    let refused = install(client, later, "", &[]).await?;
    let refused = refused.problem(422, "plugin_refused")?;
    assert_eq!(refused["reason"], "version_not_served");
    assert_eq!(refused["package"], "datachat:plugin");
    assert_eq!(refused["versions"], json!(["0.9.0"]));
    assert_eq!(refused["served"], json!(["0.1.0"]));
    let detail = refused["detail"].as_str().context("no detail")?;
    assert!(
        detail.contains("0.9.0") && detail.contains("serves 0.1.0"),
        "{detail}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_no_plugin_or_wants_too_much_is_refused_and_not_kept() -> Result<()> {
    let options =
        ServerOptions::new("plugin-refused").variable("DATACHAT_PLUGIN_WASM_BYTES", "8388608");
    let server = TestServer::start(options).await?;
    let client = server.client();
    let before = client.get(PLUGINS).await?.expect(200)?;
    let reason = async |wasm: Vec<u8>| -> Result<Value> {
        let refused = install(client, wasm, "", &[]).await?;
        refused.problem(422, "plugin_refused")
    };
    let network = reason(fixture("tool_with_network")?).await?;
    assert_eq!(network["reason"], "import_not_granted");
    let imports = network["imports"].as_array().context("no imports")?;
    let sockets = |import: &Value| {
        let name = import.as_str().unwrap_or_default();
        name.starts_with("wasi:sockets/")
    };
    assert!(imports.iter().any(sockets), "{network}");
    assert_eq!(
        reason(b"no component".to_vec()).await?["reason"],
        "invalid_component"
    );
    assert_eq!(
        reason(b"\0asm\x0d\0\x01\0".to_vec()).await?["reason"],
        "no_plugin"
    );
    let too_large = install(client, vec![0; 8_388_609], "", &[]).await?;
    let too_large = too_large.problem(413, "request_too_large")?;
    assert_eq!(too_large["limit"], "plugin_wasm_bytes");
    let nameless = install(client, fixture("tool_lists")?, "name=Up/er", &[]).await?;
    nameless.problem(422, "validation_failed")?;
    let json = client.post(PLUGINS, &json!({})).await?;
    json.problem(415, "unsupported_media_type")?;
    assert!(stored(&server)?.is_empty());
    assert_eq!(client.get(PLUGINS).await?.expect(200)?, before);
    Ok(())
}

#[tokio::test]
async fn only_administrators_see_and_change_plugins() -> Result<()> {
    let options = ServerOptions::new("plugin-keys")
        .variable("DATACHAT_API_KEYS", "ann:user:ann-key,root:admin:root-key");
    let server = TestServer::start(options).await?;
    let ann = server.client().with_key("ann-key");
    let root = server.client().with_key("root-key");
    let wasm = fixture("neighbour")?;
    let forbidden = install(&ann, wasm.clone(), "", &[]).await?;
    forbidden.problem(403, "forbidden")?;
    install(&root, wasm, "", &[]).await?.expect(201)?;
    let path = format!("{PLUGINS}/neighbour");
    ann.get(PLUGINS).await?.problem(403, "forbidden")?;
    ann.delete(&path).await?.problem(403, "forbidden")?;
    let grants = ann.put(&format!("{path}/grants"), &json!({})).await?;
    grants.problem(403, "forbidden")?;
    root.delete(&path).await?.expect(204)?;
    Ok(())
}

/// What `base64 -w0 x.wasm.minisig` prints, for a signature over `wasm`.
fn sign(pair: &KeyPair, wasm: &[u8]) -> Result<String> {
    let signature = minisign::sign(None, &pair.sk, wasm, None, None)?.into_string();
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in signature.as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            let padding = digit > chunk.len();
            text.push(if padding {
                '='
            } else {
                char::from(alphabet[index as usize])
            });
        }
    }
    Ok(text)
}

#[tokio::test]
async fn where_signatures_are_asked_for_only_those_of_trusted_keys_count() -> Result<()> {
    let (team, stranger) = (
        KeyPair::generate_unencrypted_keypair()?,
        KeyPair::generate_unencrypted_keypair()?,
    );
    let options = ServerOptions::new("plugin-signed")
        .variable("DATACHAT_PLUGIN_POLICY", "signed")
        .variable("DATACHAT_PLUGIN_TRUST", &team.pk.to_base64());
    let mut server = TestServer::start(options).await?;
    let client = server.client().clone();
    let wasm = fixture("neighbour")?;
    let with = async |signature: Option<&str>| {
        let header = signature.map(|signature| ("x-datachat-signature", signature));
        let headers: Vec<_> = header.into_iter().collect();
        install(&client, fixture("neighbour")?, "", &headers).await
    };
    for (signature, reason) in [
        (None, "unsigned"),
        (Some(sign(&stranger, &wasm)?), "unknown_signer"),
        (Some(sign(&team, b"other bytes")?), "bad_signature"),
        (Some("bm8gc2lnbmF0dXJl".to_owned()), "bad_signature"),
    ] {
        let refused = with(signature.as_deref()).await?;
        let refused = refused.problem(422, "plugin_refused")?;
        assert_eq!(refused["reason"], reason);
    }
    let garbled = with(Some("%%%")).await?;
    garbled.problem(422, "validation_failed")?;
    assert!(stored(&server)?.is_empty());

    let signature = sign(&team, &wasm)?;
    let installed = with(Some(&signature)).await?.expect(201)?;
    let id = installed["signer"]
        .as_str()
        .context("no signer")?
        .to_owned();
    assert_eq!(id.len(), 16);
    server.stop()?;
    server.launch().await?;
    assert_eq!(plugin(&client, "neighbour").await?, installed);

    // Verified at every load, not only when it was installed.
    let [file] = &stored(&server)?[..] else {
        anyhow::bail!("not one component");
    };
    std::fs::remove_file(format!("{}.minisig", file.display()))?;
    let failed = until(&client, "neighbour", |plugin| plugin["state"] == "failed").await?;
    let detail = failed["detail"].as_str().context("no detail")?;
    assert!(detail.contains("not signed"), "{detail}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_changed_or_that_nobody_recorded_is_refused_with_the_remedy() -> Result<()> {
    let mut server = server("plugin-changed").await?;
    let client = server.client().clone();
    let wasm = fixture("neighbour")?;
    let installed = install(&client, wasm.clone(), "", &[]).await?.expect(201)?;
    let [file] = &stored(&server)?[..] else {
        anyhow::bail!("not one component");
    };
    let changed = variant(&wasm, "changed");
    std::fs::write(file, &changed)?;
    let failed = |plugin: &Value| plugin["state"] == "failed";
    let refused = until(&client, "neighbour", failed).await?;
    let detail = refused["detail"].as_str().context("no detail")?;
    let now = digest_of(&client, changed.clone()).await?;
    assert!(
        detail.contains(installed["digest"].as_str().context("no digest")?),
        "{detail}"
    );
    assert!(
        detail.contains(&now) && detail.contains("install"),
        "{detail}"
    );
    let gone = register(&client, "neighbour", "neighbour://127.0.0.1:1/").await?;
    gone.problem(422, "unsupported_database_type")?;

    std::fs::write(file, &wasm)?;
    until(&client, "neighbour", |plugin| plugin["state"] == "ready").await?;

    let dropped = file.with_file_name("dropped.wasm");
    std::fs::write(&dropped, fixture("tool_lists")?)?;
    let refused = until(&client, "dropped", failed).await?;
    let detail = refused["detail"].as_str().context("no detail")?;
    assert!(detail.contains("datachat plugin install"), "{detail}");

    // The same folder where the operator lets anything in.
    server.stop()?;
    server.set_variable("DATACHAT_PLUGIN_POLICY", "any");
    server.launch().await?;
    assert_eq!(plugin(&client, "dropped").await?["state"], "ready");
    client
        .delete(&format!("{PLUGINS}/dropped"))
        .await?
        .expect(204)?;
    assert!(!dropped.exists());
    Ok(())
}
