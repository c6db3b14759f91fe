use std::sync::Arc;

use super::testing::{FakeRuntime, add, bench, bench_in, new, seal, url};
use super::{ConnectionStatus, Credentials, Registry, RegistryOptions};
use crate::limits::Limits;
use crate::secret::Secret;

#[tokio::test]
async fn rotation_encrypts_every_readable_row_with_the_new_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = super::credentials::generate_key();
    let new_key = super::credentials::generate_key();
    let base = bench_in(folder, FakeRuntime::new(), None).await;
    let with_keys = async |keys: String| {
        Registry::open(RegistryOptions {
            store: base.store.clone(),
            credentials: Credentials::load(Some(&Secret::new(keys)), None),
            plugins: base.runtime.clone(),
            environment_url: None,
            limits: Arc::new(Limits::default()),
        })
        .await
    };
    let registry = with_keys(old.reveal().clone()).await;
    for name in ["one", "two", "lost"] {
        let connection = new(name, "postgresql", &url(&format!("{name}.example")));
        registry.create(connection).await.expect("stored");
    }
    seal(&base, "lost").await;
    let both = format!("{},{}", new_key.reveal(), old.reveal());
    let rotation = with_keys(both).await.rotate_keys().await.expect("rotated");
    assert_eq!((rotation.rotated, rotation.unreadable), (2, 1));
    let registry = with_keys(new_key.reveal().clone()).await;
    let (views, _) = registry.list(None, None).await.expect("listed");
    let readable = views
        .iter()
        .filter(|view| view.status == ConnectionStatus::Ok);
    assert_eq!(readable.count(), 2);
}

#[tokio::test]
async fn rotation_of_a_key_file_leaves_every_row_readable() {
    let bench = bench(None).await;
    let id = add(&bench, "one").await.connection_id;
    let key_file = bench.folder.path().join("credentials.key");
    let before = std::fs::read_to_string(&key_file).expect("there");
    for _ in 0..3 {
        let rotation = bench.registry.rotate_keys().await.expect("rotated");
        assert_eq!((rotation.rotated, rotation.unreadable), (1, 0));
    }
    let after = std::fs::read_to_string(&key_file).expect("there");
    assert!(!after.contains(before.trim()));
    let view = bench.registry.get(id).await.expect("there");
    assert_eq!(view.status, ConnectionStatus::Ok);
}
