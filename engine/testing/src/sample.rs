//! Small models to pull, add and verify, and the library that does it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use residue_engine::models::{HubSettings, ModelLibrary, OnProgress, Progress};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::hub_server::HubServer;

/// The repository that the hub has: the published one of `nano`.
pub const REPOSITORY: &str = "OpenMOSS-Team/MOSS-Audio-Tokenizer-Nano";
/// A configuration that says nothing but a rate.
pub const CONFIG: &str = r#"{"sampling_rate": 48000}"#;

/// A safetensors file with one tensor of `bytes` bytes that are not all alike.
pub fn weights(tensor: &str, bytes: usize) -> Vec<u8> {
    let header =
        format!(r#"{{"{tensor}":{{"dtype":"U8","shape":[{bytes}],"data_offsets":[0,{bytes}]}}}}"#);
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend((0..bytes).map(|i| (i * 31 % 251) as u8));
    file
}

/// The sum of `bytes`, in lowercase hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// The files of a model in one piece.
pub fn single(bytes: usize) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("config.json", CONFIG.into()),
        ("model.safetensors", weights("a", bytes)),
        ("README.md", b"not downloaded".into()),
    ]
}

/// The files of a model in two shards.
pub fn sharded() -> Vec<(&'static str, Vec<u8>)> {
    let index =
        r#"{"metadata":{},"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}}"#;
    vec![
        ("config.json", CONFIG.into()),
        ("model.safetensors.index.json", index.into()),
        ("model-1.safetensors", weights("a", 3000)),
        ("model-2.safetensors", weights("b", 5000)),
    ]
}

/// Writes files into a folder.
pub fn write(folder: &Path, files: &[(&str, Vec<u8>)]) {
    for (name, content) in files {
        std::fs::write(folder.join(name), content).unwrap();
    }
}

/// A cache, a home and the settings for a server, all gone when dropped.
pub struct PullFixture {
    /// Holds everything.
    pub folder: TempDir,
    /// Of the cache.
    pub settings: HubSettings,
}

impl PullFixture {
    /// An empty place, for what `server` has.
    pub fn new(server: &HubServer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = HubSettings {
            endpoint: Some(server.endpoint()),
            retries: 0,
            retry_pause: Duration::from_millis(1),
            patience: Duration::from_secs(5),
            ..HubSettings::new(folder.path().join("hub"))
        };
        Self { folder, settings }
    }

    /// The library there.
    pub fn library(&self) -> ModelLibrary {
        ModelLibrary::new(self.folder.path().join("home"), self.settings.clone())
    }

    /// Where the cache keeps the content of this sum.
    pub fn blob(&self, name: &str) -> PathBuf {
        let folder = format!("models--{}", REPOSITORY.replace('/', "--"));
        self.settings.cache.join(folder).join("blobs").join(name)
    }
}

/// A callback that never stops anything.
pub fn quiet() -> Box<OnProgress<'static>> {
    Box::new(|_: Progress<'_>| ControlFlow::Continue(()))
}
