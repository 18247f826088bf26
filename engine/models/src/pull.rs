//! A whole model from the hub into its cache.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use residue_codec::{MAX_CONFIG_BYTES, MAX_INDEX_BYTES};

use super::download::download;
use super::folder::{self, CONFIG, INDEX, WEIGHTS};
use super::hub::{Hub, RemoteFile};
use super::hub_cache::RepositoryCache;
use super::progress::{OnProgress, ProgressStage, ProgressTally};
use super::{HubSettings, KnownModel, ModelsError, hub_cache};

/// Bytes that the weights may have beyond their numbers in f32: headers.
const MARGIN: u64 = 64 << 20;

/// A model that was downloaded, or found complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledModel {
    /// The folder of its files.
    pub folder: PathBuf,
    /// The commit, in hexadecimal; empty if the hub was not asked.
    pub commit: String,
    /// True if all files were here already and nothing was written.
    pub was_complete: bool,
    /// Names of files whose content nothing vouches for but their size and the commit: no sum of them is built in,
    /// and the hub publishes none.
    pub unchecked: Vec<String>,
}

/// Downloads what is missing of `model`.
///
/// All files come from one commit: the pinned one, or the one that `main` is at when the pull starts.
pub(super) fn pull(
    settings: &HubSettings,
    model: &KnownModel,
    on_progress: &mut OnProgress<'_>,
) -> Result<PulledModel, ModelsError> {
    let mut tally = ProgressTally::new(on_progress);
    tally.report(ProgressStage::Asking, "", 0)?;
    let commit = model.pinned.map(|pinned| pinned.commit);
    let hub = Hub::new(settings, model.repository, commit);
    let listing = hub.listing()?;
    let mut pull = Pull {
        hub,
        model,
        cache: RepositoryCache::new(settings, model.repository),
        commit: listing.commit,
        names: listing.files,
        was_complete: true,
    };
    let files = pull.plan(&mut tally)?;
    tally.expect(files.iter().map(|file| file.size).fold(0, u64::saturating_add));
    for file in &files {
        pull.bring(file, &mut tally)?;
        tally.finish(ProgressStage::Checking, &file.name, file.size)?;
    }
    // A pinned commit is found by its own name. The branch may have gone on, as other tools know.
    if model.pinned.is_none() {
        pull.cache.set_current(&pull.commit)?;
    }
    let unchecked = files.into_iter().filter(|file| file.sha256().is_none());
    Ok(PulledModel {
        folder: pull.cache.snapshot(&pull.commit),
        unchecked: unchecked.map(|file| file.name).collect(),
        was_complete: pull.was_complete,
        commit: pull.commit,
    })
}

/// One pull: a repository at a commit.
struct Pull<'a> {
    hub: Hub<'a>,
    model: &'a KnownModel,
    cache: RepositoryCache,
    commit: String,
    names: BTreeSet<String>,
    was_complete: bool,
}

impl Pull<'_> {
    /// Finds out which files make up the model, and their sizes and sums.
    fn plan(&mut self, tally: &mut ProgressTally<'_>) -> Result<Vec<RemoteFile>, ModelsError> {
        let mut files = vec![self.describe(CONFIG, MAX_CONFIG_BYTES, tally)?];
        let mut left = self.model.f32_bytes() + MARGIN;
        if self.names.contains(WEIGHTS) || !self.names.contains(INDEX) {
            files.push(self.describe(WEIGHTS, left, tally)?);
            return Ok(files);
        }
        // Only the index knows the shards, so it has to be here before the sizes can be added up.
        let index = self.describe(INDEX, MAX_INDEX_BYTES, tally)?;
        self.bring(&index, tally)?;
        let path = self.cache.snapshot(&self.commit).join(INDEX);
        files.push(index);
        for shard in folder::read_index(&path)?.shards() {
            let shard = self.describe(shard, left, tally)?;
            left -= shard.size;
            files.push(shard);
        }
        Ok(files)
    }

    /// Asks for a file of at most `limit` bytes.
    fn describe(
        &self,
        name: &str,
        limit: u64,
        tally: &mut ProgressTally<'_>,
    ) -> Result<RemoteFile, ModelsError> {
        tally.report(ProgressStage::Asking, name, 0)?;
        let pinned = self.model.pinned.map(|pinned| pinned.sha256(name));
        // A file beside those that are pinned would be loaded unchecked.
        if !self.names.contains(name) || pinned == Some(None) {
            let (url, missing) = (self.hub.page(), name.to_owned());
            return Err(ModelsError::NoModelInRepository { url, missing });
        }
        let file =
            RemoteFile { pinned: pinned.flatten(), ..self.hub.describe(&self.commit, name)? };
        let announced = hub_cache::is_sha256(&file.etag).then_some(&file.etag);
        if let (Some(expected), Some(found)) = (file.pinned, announced)
            && expected != found
        {
            let (url, found) = (file.url, found.clone());
            return Err(ModelsError::Pinned { url, expected, found });
        }
        if file.size > limit {
            return Err(ModelsError::TooLarge { url: file.url, found: file.size, limit });
        }
        // A file without a known sum must at least be text that is checked as it is read.
        if file.sha256().is_none() && name.ends_with(".safetensors") {
            return Err(ModelsError::NoChecksum { url: file.url });
        }
        Ok(file)
    }

    /// Downloads a file unless it is here, and gives it its place in the snapshot.
    fn bring(
        &mut self,
        file: &RemoteFile,
        tally: &mut ProgressTally<'_>,
    ) -> Result<(), ModelsError> {
        let whole = |path| fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() == file.size);
        // Where links are not allowed the file lies in the snapshot itself and there is no blob.
        if whole(self.cache.snapshot(&self.commit).join(&file.name)) {
            return Ok(());
        }
        self.was_complete = false;
        let blob = self.cache.blob(&file.etag);
        if !whole(blob.clone()) {
            download(&self.hub, file, &blob, tally)?;
        }
        self.cache.link(&self.commit, &file.name, &file.etag)
    }
}
