use super::*;

/// The model, if this machine has it: `cargo xtask test` fetches it.
fn model() -> Option<MiniLm> {
    let named = std::env::var("DATACHAT_EMBED_MODEL")
        .ok()
        .map(PathBuf::from);
    let folder = named.or_else(|| cache(|name| std::env::var(name).ok()))?;
    if !folder.join(WEIGHTS).exists() {
        use std::io::Write as _;
        // Not `eprintln!`, which a passing test keeps to itself.
        let _ = writeln!(
            std::io::stderr(),
            "not tried: the model itself, which is not at {}",
            folder.display()
        );
        return None;
    }
    Some(MiniLm::open(&folder).expect("the model loads"))
}

fn cosine(model: &MiniLm, left: &str, right: &str) -> f32 {
    let embed = |text| model.embed_one(text).unwrap().vector;
    embed(left).cosine(&embed(right))
}

#[test]
fn tokens_are_those_of_the_published_tokenizer() {
    let Some(model) = model() else { return };
    let expected: Vec<(String, Vec<u32>)> =
        serde_json::from_str(include_str!("wordpiece.json")).unwrap();
    assert!(expected.len() > 60);
    for (text, tokens) in expected {
        assert_eq!(model.tokens.of(&text), tokens, "{text:?}");
    }
}

#[test]
fn a_special_token_in_a_text_is_a_text() {
    let Some(model) = model() else { return };
    let tokens = model.tokens.of("a [SEP] b");
    assert_eq!(tokens.iter().filter(|id| **id == 102).count(), 1);
}

#[test]
fn vectors_are_those_of_another_implementation() {
    let Some(model) = model() else { return };
    // Every 64th component, as candle calculates them.
    for (text, expected) in [
        (
            "This is an example sentence",
            [
                0.067_656_84,
                0.141_204_79,
                0.028_001_403,
                -0.031_553_57,
                -0.043_185_7,
                -0.016_799_813,
            ],
        ),
        (
            "How many customers closed their account last month?",
            [
                0.073_143_74,
                0.029_448_416,
                0.003_765_700_6,
                -0.082_120_21,
                0.024_030_937,
                0.031_431_027,
            ],
        ),
        (
            "Crédits à l'étranger, 顧客注文",
            [
                -0.128_216_2,
                -0.035_341_6,
                0.007_132_035_7,
                0.056_401_778,
                -0.061_411_396,
                -0.104_319_85,
            ],
        ),
    ] {
        let vector = model.embed_one(text).unwrap().vector;
        let components = vector.components().iter().step_by(64);
        for (got, expected) in components.zip(expected) {
            assert!(
                (got - expected).abs() < 1e-5,
                "{text}: {got}, not {expected}"
            );
        }
    }
}

#[test]
fn what_means_alike_is_near_and_what_does_not_is_below_the_floor() {
    let Some(model) = model() else { return };
    let near = cosine(&model, "clients who left us", "customer churn");
    assert!(near > TRUST.floor, "{near}");
    let far = cosine(
        &model,
        "a weather forecast for the Alps",
        "interest rate of a mortgage",
    );
    assert!(far < TRUST.floor, "{far}");
}

#[test]
fn many_texts_are_embedded_as_one_by_one() {
    let Some(model) = model() else { return };
    let texts: Vec<String> = (0..5)
        .map(|number| format!("account number {number}"))
        .collect();
    let together = model.embed(&texts).unwrap();
    for (text, embedding) in texts.iter().zip(together) {
        assert_eq!(embedding, model.embed_one(text).unwrap());
    }
    assert_eq!(model.embed(&[]).unwrap(), []);
}

#[test]
fn a_file_that_is_not_the_model_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let open = || MiniLm::open(folder.path()).unwrap_err().to_string();
    assert!(open().contains(VOCABULARY), "{}", open());
    std::fs::write(folder.path().join(VOCABULARY), "[UNK]\n[CLS]\n").unwrap();
    assert!(open().contains("it has no [SEP]"), "{}", open());
    std::fs::write(folder.path().join(VOCABULARY), "[UNK]\n[CLS]\n[SEP]\n").unwrap();
    assert!(open().contains(WEIGHTS), "{}", open());
    let tensor = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let file = |json: &str, data: &[u8]| {
        [&(json.len() as u64).to_le_bytes(), json.as_bytes(), data].concat()
    };
    for (bytes, words) in [
        (b"<html></html>".to_vec(), "no header"),
        (file("{", &[]), "not the model's file"),
        (
            file(&tensor.replace("[0,8]", "[4,12]"), &[0; 12]),
            "invalid offset",
        ),
        (file(tensor, &[0; 7]), "cut short"),
        (
            file(tensor, &[0; 8]),
            "it has no embeddings.word_embeddings.weight",
        ),
    ] {
        std::fs::write(folder.path().join(WEIGHTS), bytes).unwrap();
        assert!(open().contains(words), "{}", open());
    }
}

#[test]
fn the_cache_is_in_the_users_own_folder() {
    let of = |set: &str, value: &str| cache(|name| (name == set).then(|| value.to_owned()));
    let end = "datachat/models/all-MiniLM-L6-v2";
    assert_eq!(
        of("HOME", "/home/ann"),
        Some(format!("/home/ann/.cache/{end}").into())
    );
    assert_eq!(of("XDG_CACHE_HOME", "/c"), Some(format!("/c/{end}").into()));
    assert_eq!(of("XDG_CACHE_HOME", "relative"), None);
}
