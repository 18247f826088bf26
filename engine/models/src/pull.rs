//! A whole model from the hub into its cache.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::download::download;
use super::folder::{self, CONFIG, INDEX, WEIGHTS};
use super::hub::{Hub, RemoteFile};
use super::hub_cache::RepositoryCache;
use super::progress::{OnProgress, ProgressStage, ProgressTally};
use super::{HubSettings, KnownModel, ModelsError};

/// Downloads what is missing of `model` and gives the folder it is in.
///
/// All files come from one commit: the one that `main` is at when the pull starts.
pub(super) fn pull(
    settings: &HubSettings,
    model: &KnownModel,
    on_progress: &mut OnProgress<'_>,
) -> Result<PathBuf, ModelsError> {
    let mut tally = ProgressTally::new(on_progress);
    tally.report(ProgressStage::Asking, "", 0)?;
    let hub = Hub::new(settings, model.repository)?;
    let listing = hub.listing()?;
    let pull = Pull {
        hub,
        cache: RepositoryCache::new(settings, model.repository),
        commit: listing.sha,
        names: listing.siblings.into_iter().map(|file| file.rfilename).collect(),
    };
    let files = pull.plan(&mut tally)?;
    tally.expect(files.iter().map(|file| file.size).fold(0, u64::saturating_add));
    for file in &files {
        pull.bring(file, &mut tally)?;
        tally.finish(ProgressStage::Checking, &file.name, file.size)?;
    }
    pull.cache.set_current(&pull.commit)?;
    Ok(pull.cache.snapshot(&pull.commit))
}

/// One pull: a repository at a commit.
struct Pull<'a> {
    hub: Hub<'a>,
    cache: RepositoryCache,
    commit: String,
    names: BTreeSet<String>,
}

impl Pull<'_> {
    /// Finds out which files make up the model, and their sizes and sums.
    fn plan(&self, tally: &mut ProgressTally<'_>) -> Result<Vec<RemoteFile>, ModelsError> {
        let mut files = vec![self.describe(CONFIG, tally)?];
        if self.names.contains(WEIGHTS) || !self.names.contains(INDEX) {
            files.push(self.describe(WEIGHTS, tally)?);
            return Ok(files);
        }
        // Only the index knows the shards, so it has to be here before the sizes can be added up.
        let index = self.describe(INDEX, tally)?;
        self.bring(&index, tally)?;
        let path = self.cache.snapshot(&self.commit).join(INDEX);
        files.push(index);
        for shard in folder::read_index(&path)?.shards() {
            files.push(self.describe(shard, tally)?);
        }
        Ok(files)
    }

    fn describe(
        &self,
        name: &str,
        tally: &mut ProgressTally<'_>,
    ) -> Result<RemoteFile, ModelsError> {
        tally.report(ProgressStage::Asking, name, 0)?;
        if !self.names.contains(name) {
            let (url, missing) = (self.hub.page(), name.to_owned());
            return Err(ModelsError::NoModelInRepository { url, missing });
        }
        self.hub.describe(&self.commit, name)
    }

    /// Downloads a file unless it is here, and gives it its place in the snapshot.
    fn bring(&self, file: &RemoteFile, tally: &mut ProgressTally<'_>) -> Result<(), ModelsError> {
        let whole = |path| fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() == file.size);
        // Where links are not allowed the file lies in the snapshot itself and there is no blob.
        if whole(self.cache.snapshot(&self.commit).join(&file.name)) {
            return Ok(());
        }
        let blob = self.cache.blob(&file.etag);
        if !whole(blob.clone()) {
            download(&self.hub, file, &blob, tally)?;
        }
        self.cache.link(&self.commit, &file.name, &file.etag)
    }
}
