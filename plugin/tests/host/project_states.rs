//! States as projects hold them.

use std::path::Path;

/// CLAP states of nice-plug: the length in front of the text.
pub fn clap_state(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

/// A state with this field `model`.
pub fn with_model(model: &str) -> Vec<u8> {
    let model = serde_json::to_string(model).expect("text is JSON");
    clap_state(&format!(
        r#"{{"version":"0.1.0","params":{{"depa":{{"i32":3}}}},"fields":{{"model":{model}}}}}"#
    ))
}

/// The field `model` that asks for a model by its name or folder.
pub fn choice(id: &str) -> String {
    format!(r#"{{"version":1,"id":{}}}"#, serde_json::to_string(id).expect("text is JSON"))
}

/// The folder of a miniature checkpoint that the engine is tested with.
pub fn miniature(name: &str) -> String {
    // From the folder of any package of the workspace.
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut found = folders.map(|folder| folder.join("engine/tests/golden").join(name));
    let folder = found.find(|folder| folder.is_dir()).expect("the checkpoint is there");
    folder.to_str().expect("its path is text").to_owned()
}
