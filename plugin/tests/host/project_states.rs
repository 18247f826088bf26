//! CLAP states as projects hold them.

/// Returns a CLAP state of nice-plug: the text behind its length.
pub fn clap_state(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

/// Returns a state with this field `model`.
pub fn with_model(model: &str) -> Vec<u8> {
    let model = serde_json::to_string(model).expect("text is JSON");
    clap_state(&format!(
        r#"{{"version":"0.1.0","params":{{"depa":{{"i32":3}}}},"fields":{{"model":{model}}}}}"#
    ))
}

/// Returns the field `model` with a model's name or folder.
pub fn choice(id: &str) -> String {
    format!(r#"{{"version":1,"id":{}}}"#, serde_json::to_string(id).expect("text is JSON"))
}

/// Returns the folder of a miniature checkpoint of the engine's tests.
pub fn miniature(name: &str) -> String {
    // Found from the folder of any package of the workspace; absolute also where it was built on another system.
    let package =
        std::path::absolute(env!("CARGO_MANIFEST_DIR")).expect("there is a working folder");
    let folders = package.ancestors();
    let mut found = folders.map(|folder| folder.join("engine/tests/golden").join(name));
    let folder = found.find(|folder| folder.is_dir()).expect("the checkpoint is there");
    folder.to_str().expect("its path is text").to_owned()
}
