//! `residue models verify --exact`.

use serde_json::Value;

use super::place::{Place, golden, root};

#[test]
fn a_model_is_compared_with_the_reference() {
    let place = Place::new();
    let model = golden("nano");
    let told = place.ok(&["models", "verify", &model, "--exact"]);
    assert!(told.contains("in f32 gives"), "{told}");
    assert!(told.contains("a clip of speech") && told.contains("undecided"), "{told}");

    let clip = root().join("assets/clips/effects.flac").display().to_string();
    let arguments =
        ["models", "verify", &model, "--exact", &clip, "--precisions", "f32,int8", "--json"];
    let answer: Value = serde_json::from_str(&place.ok(&arguments)).unwrap();
    let exact = &answer["exact"];
    assert_eq!(exact["is_exact"], true, "{exact}");
    assert_eq!(exact["precisions"][0]["different_frames"], 0, "{exact}");
    assert_eq!(exact["precisions"][0]["agreement_by_layer"].as_array().unwrap().len(), 5);
    assert!(exact["precisions"][1]["agreement"].as_f64().unwrap() < 1.0, "{exact}");
    assert!(exact["precisions"][0]["latent_error"].as_f64().unwrap() < 1e-5, "{exact}");
    assert!(exact["verdict"].as_str().unwrap().contains("in f32 gives"), "{exact}");
}

#[test]
fn precisions_are_for_exact() {
    let output = Place::new().run(&["models", "verify", "embedded", "--precisions", "int8"]);
    assert_eq!(output.status.code(), Some(2));
}
