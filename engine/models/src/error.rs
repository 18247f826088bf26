//! Errors of models on disk and on the hub. Each names the place and the remedy. As in `residue-codec`, an error's
//! text holds its cause, and no error has a source.

use std::io;
use std::path::{Path, PathBuf};

use residue_codec::{CodecError, ConfigError};

use super::JobError;

/// Any error of [`models`](super).
///
/// The text of each is one line for the user: the file or address, what was expected, what was
/// found, and the next step. No token and no signed address ever appears in it.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The name is neither a known model, nor an added one, nor a folder.
    #[error(
        "there is no model or folder called {spec}; known models: {known}; add your own with `residue models add DIR`, or in the window's list of models"
    )]
    UnknownModel {
        /// The name or path that was requested.
        spec: String,
        /// Names that would work, separated by commas.
        known: String,
    },
    /// A known model has not been downloaded.
    #[error(
        "model {name} is not on this computer: fetch it in the window's list of models, or with `residue models pull {name}`"
    )]
    NotHere {
        /// The model.
        name: &'static str,
    },
    /// A known model is in the cache without all of its files.
    #[error("model {name} is only partly on this computer ({} is missing): {}", missing.display(), how_to_fetch(name))]
    Incomplete {
        /// The model.
        name: &'static str,
        /// The first file that is missing.
        missing: PathBuf,
    },
    /// A folder lacks a file that every model has.
    #[error("{} is not a model folder: {missing} is missing; expected config.json and model.safetensors, or model.safetensors.index.json with its shards", folder.display())]
    NotAModelFolder {
        /// The folder.
        folder: PathBuf,
        /// The first file that is missing.
        missing: String,
    },
    /// An added folder has been moved or deleted.
    #[error("the folder of model {name} is gone: {}; put it back, or add the model again from where it is now", folder.display())]
    AddedFolderGone {
        /// The name it was added under.
        name: String,
        /// Where it was.
        folder: PathBuf,
    },
    /// A name that cannot be given to an added folder.
    #[error(
        "\"{name}\" cannot be the name of a model: {problem}; choose another (`--name` on the command line)"
    )]
    BadName {
        /// The name.
        name: String,
        /// Why not.
        problem: &'static str,
    },
    /// Another folder was added under this name.
    #[error("model {name} is already {}; choose another name (`--name` on the command line)", folder.display())]
    NameTaken {
        /// The name.
        name: String,
        /// The folder that has it.
        folder: PathBuf,
    },
    /// Nothing was added under this name.
    #[error(
        "no folder was added under the name {name}; `residue models list` shows those that were"
    )]
    NotAdded {
        /// The name.
        name: String,
    },
    /// Only models of the hub can be pulled.
    #[error(
        "model {name} cannot be downloaded; those that can are: {known}, and any repository of the hub as owner/name"
    )]
    NotPullable {
        /// The name or path that was requested.
        name: String,
        /// Names that would work, separated by commas.
        known: String,
    },
    /// The list of added folders cannot be understood. It is left as it is.
    #[error("{}: the list of added models is damaged: {problem}; nothing was changed: mend the file, or move it away and add the folders again", path.display())]
    Registry {
        /// The list.
        path: PathBuf,
        /// The defect.
        problem: String,
    },
    /// A shard index cannot be understood or names a file outside its folder.
    #[error("{}: not a usable shard index: {problem}; download the model again", path.display())]
    Index {
        /// The index file.
        path: PathBuf,
        /// The defect.
        problem: String,
    },
    /// No folder is known in which to keep something.
    #[error("this account has no home folder, so {what} has no place: set {variable}")]
    NoHome {
        /// The purpose of the folder.
        what: &'static str,
        /// The environment variable that names a place.
        variable: &'static str,
    },
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// `read`, `write`, `rename` and the like.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The account may not write there.
    #[error("cannot write {}: {cause}; make it writable or set {variable} to a folder that is", path.display())]
    NotWritable {
        /// The file or folder.
        path: PathBuf,
        /// The environment variable that names another place.
        variable: &'static str,
        /// Why.
        cause: io::Error,
    },
    /// The disk is full.
    #[error("the disk is full: {}; free some space, or set {variable} to a larger disk; what has arrived is kept and the download will go on from there", path.display())]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
        /// The environment variable that names another place.
        variable: &'static str,
    },
    /// Downloads are switched off.
    #[error(
        "model {name} cannot be downloaded in offline mode: unset HF_HUB_OFFLINE and try again"
    )]
    Offline {
        /// The model.
        name: String,
    },
    /// A revision that cannot be one.
    #[error("`{revision}` is no revision: give a commit, its 40 digits, or the name of a branch")]
    BadRevision {
        /// The revision requested.
        revision: String,
    },
    /// A request cannot be made from these settings.
    #[error("cannot use {what}: {problem}; check {variables}")]
    Settings {
        /// Which setting or address.
        what: String,
        /// The defect.
        problem: String,
        /// The environment variables that set it.
        variables: &'static str,
    },
    /// The server's certificate is not signed by anyone who is trusted here.
    #[error(
        "{url}: the server's certificate is not trusted ({problem}); in a network with a certificate authority of its own, set SSL_CERT_FILE to that authority's certificate in PEM format"
    )]
    Certificate {
        /// The address.
        url: String,
        /// Why.
        problem: String,
    },
    /// Nothing shows whether weights are the published ones, because the server publishes no sum of them.
    #[error(
        "{url}: the server gives no SHA-256 of this file, so that nothing shows whether it is the published one; unset HF_ENDPOINT to use the public hub, or get the folder by other means and use it by its path"
    )]
    NoChecksum {
        /// The address.
        url: String,
    },
    /// A file is larger than any of its kind.
    #[error(
        "{url}: the server announces {found} bytes, expected at most {limit}; check HF_ENDPOINT if it is set, or report this"
    )]
    TooLarge {
        /// The address.
        url: String,
        /// Bytes announced.
        found: u64,
        /// Most bytes of a file of this kind.
        limit: u64,
    },
    /// The hub refuses access.
    #[error("{url}: access refused (HTTP {status}); {}", token_advice(*had_token))]
    Refused {
        /// The address.
        url: String,
        /// 401 or 403.
        status: u16,
        /// Whether a token was sent.
        had_token: bool,
    },
    /// The hub does not have it.
    #[error("{url}: not found (HTTP 404); check the model's name, and HF_ENDPOINT if it is set")]
    NotFound {
        /// The address.
        url: String,
    },
    /// The hub answers with some other status than success.
    #[error("{url}: HTTP {status}, expected 200 or 206; try again later")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// The hub cannot be reached.
    #[error(
        "{url}: cannot reach the server: {problem}; check the network, and HF_ENDPOINT if it is set"
    )]
    Network {
        /// The address.
        url: String,
        /// Why.
        problem: String,
    },
    /// The connection broke or stalled and did not recover. What has arrived is kept.
    #[error(
        "{url}: the connection was lost after {found} of {expected} bytes ({problem}); run the same command again to go on from there"
    )]
    Interrupted {
        /// The address.
        url: String,
        /// Size of the file.
        expected: u64,
        /// Bytes on disk.
        found: u64,
        /// Why.
        problem: String,
    },
    /// The server's answer makes no sense.
    #[error(
        "{url}: unexpected answer: expected {expected}, found {found}; check HF_ENDPOINT if it is set, or report this"
    )]
    Answer {
        /// The address.
        url: String,
        /// The answer that a hub gives.
        expected: &'static str,
        /// The answer that came.
        found: String,
    },
    /// The server sends another size than it announced. No file was made of it.
    #[error(
        "{url}: wrong size: expected {expected} bytes as announced, the server sends {found} or more; try again later, and check HF_ENDPOINT if it is set"
    )]
    Size {
        /// The address.
        url: String,
        /// Size that was announced.
        expected: u64,
        /// Size that is sent.
        found: u64,
    },
    /// The bytes that arrived are not the published ones. They have been deleted.
    #[error(
        "{url}: wrong sha256: expected {expected}, found {found}; the download was damaged and has been deleted: run the same command again"
    )]
    Hash {
        /// The address.
        url: String,
        /// The published sum.
        expected: String,
        /// The sum of what arrived.
        found: String,
    },
    /// A file is not the one whose sum is built into this program. What had arrived of it has been deleted.
    #[error(
        "{url}: this is not the published file: its SHA-256 should be {expected} and is {found}; check HF_ENDPOINT if it is set, and do not use the file"
    )]
    Pinned {
        /// The address.
        url: String,
        /// The sum that is built in.
        expected: &'static str,
        /// The sum that the server announces, or that of what arrived.
        found: String,
    },
    /// The repository holds no model that can be loaded.
    #[error("{url}: the repository has no {missing}; it is not a model that Residue can load")]
    NoModelInRepository {
        /// The repository's address.
        url: String,
        /// The file that is missing.
        missing: String,
    },
    /// A background job ended without a result.
    #[error(transparent)]
    Job(JobError),
    /// The progress callback asked to stop. What has arrived is kept.
    #[error("stopped; what has arrived is kept and a later download will go on from there")]
    Cancelled,
}

impl From<JobError> for ModelsError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Cancelled => Self::Cancelled,
            other => Self::Job(other),
        }
    }
}

/// Any error of loading a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelLoadError {
    /// It is not on this computer, or cannot be added.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// Its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its weights.
    #[error(transparent)]
    Codec(CodecError),
    /// The job that loads it ended without a result.
    #[error(transparent)]
    Job(JobError),
    /// The caller stopped loading.
    #[error("cancelled")]
    Cancelled,
}

impl From<CodecError> for ModelLoadError {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Cancelled => Self::Cancelled,
            other => Self::Codec(other),
        }
    }
}

impl From<JobError> for ModelLoadError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Cancelled => Self::Cancelled,
            other => Self::Job(other),
        }
    }
}

fn token_advice(had_token: bool) -> &'static str {
    if had_token {
        "the token in HF_TOKEN (or the token file) has no access to it: check the token, and accept the model's terms on its page"
    } else {
        "set HF_TOKEN to an access token, or check the model's name: the hub answers so for repositories that do not exist"
    }
}

impl ModelsError {
    /// An address that no request can be made to.
    pub(super) fn address(url: &str, problem: String) -> Self {
        Self::Settings { what: url.to_owned(), problem, variables: "HF_ENDPOINT and HF_TOKEN" }
    }

    /// An error of reading or writing in the hub's cache, told apart by what the user can do.
    pub(super) fn in_cache(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::on_disk(action, path, "HF_HOME", cause)
    }

    /// An error of reading or writing in Residue's own folder.
    pub(super) fn in_home(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::on_disk(action, path, "RESIDUE_HOME", cause)
    }

    fn on_disk(
        action: &'static str,
        path: &Path,
        variable: &'static str,
        cause: io::Error,
    ) -> Self {
        use io::ErrorKind::{
            PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull, WriteZero,
        };
        let path = path.to_owned();
        match cause.kind() {
            StorageFull | QuotaExceeded | WriteZero => Self::DiskFull { path, variable },
            PermissionDenied | ReadOnlyFilesystem if action != "read" => {
                Self::NotWritable { path, variable, cause }
            }
            _ => Self::Io { action, path, cause },
        }
    }
}

/// Returns the remedy for a known model that is not, or not completely, on this computer.
fn how_to_fetch(name: &str) -> String {
    format!("fetch it in the window's list of models, or with `residue models pull {name}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_can_do_decides_the_error() {
        let of = |action, kind: io::ErrorKind| {
            ModelsError::in_cache(action, Path::new("/cache/blob.part"), kind.into())
        };
        let full = of("write", io::ErrorKind::StorageFull);
        assert!(matches!(full, ModelsError::DiskFull { .. }), "{full}");
        assert!(
            full.to_string().contains("/cache/blob.part") && full.to_string().contains("HF_HOME")
        );
        let denied = of("write", io::ErrorKind::PermissionDenied);
        assert!(matches!(denied, ModelsError::NotWritable { .. }), "{denied}");
        let denied = of("read", io::ErrorKind::PermissionDenied);
        assert!(matches!(denied, ModelsError::Io { .. }), "{denied}");
    }

    #[test]
    fn a_cause_is_told_once() {
        use std::error::Error;
        let io = || io::Error::other("the cause");
        let path = || PathBuf::from("x");
        let models = || ModelsError::Io { action: "read", path: path(), cause: io() };
        let thread = || JobError::Thread { cause: io() };
        let config = || ConfigError::Read { path: path(), cause: io() };
        let errors: Vec<Box<dyn Error>> = vec![
            Box::new(models()),
            Box::new(ModelsError::NotWritable { path: path(), variable: "X", cause: io() }),
            Box::new(thread()),
            Box::new(ModelsError::from(thread())),
            Box::new(ModelLoadError::from(thread())),
            Box::new(ModelLoadError::from(models())),
            Box::new(ModelLoadError::from(config())),
            Box::new(ModelLoadError::from(CodecError::from(config()))),
        ];
        for error in errors {
            let mut told = error.to_string();
            let mut next = error.source();
            while let Some(source) = next {
                told = format!("{told}: {source}");
                next = source.source();
            }
            assert_eq!(told.matches("the cause").count(), 1, "{told}");
        }
    }
}
