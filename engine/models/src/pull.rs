//! A whole model from the hub into its cache.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use residue_codec::{MAX_CONFIG_BYTES, MAX_INDEX_BYTES, WeightFiles};

use super::download::download;
use super::folder::{self, CONFIG, INDEX, WEIGHTS};
use super::hub::{Hub, RemoteFile};
use super::hub_cache::RepositoryCache;
use super::progress::{OnProgress, ProgressStage, ProgressTally};
use super::{HubSettings, KnownModel, ModelsError, PinnedRevision, hub_cache};

/// Bytes that the weights may have beyond their numbers in f32: headers.
const MARGIN: u64 = 64 << 20;

/// Most bytes of weights of a repository that is not a known model's.
const MAX_FOREIGN_BYTES: u64 = 16 << 30;

/// A model that was downloaded, or found complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledModel {
    /// The name to call it by.
    pub name: String,
    /// The folder of its files.
    pub folder: PathBuf,
    /// The commit, in hexadecimal; empty if the hub was not asked.
    pub commit: String,
    /// True if all files were here already and nothing was written.
    pub was_complete: bool,
    /// Names of files whose content nothing vouches for but their size and the commit: no sum of them is built in,
    /// and the hub publishes none.
    pub unchecked: Vec<String>,
    /// The commit that the repository has gone on to since this one was downloaded. It is taken only when it is
    /// asked for.
    pub update: Option<String>,
}

/// A model to download: a repository, and which of its commits.
pub(super) struct PullTarget<'a> {
    /// The repository, `owner/name`.
    pub repository: &'a str,
    /// The commit or branch; `None` for the main branch.
    pub revision: Option<&'a str>,
    /// Sums of the files at that commit, if they are built in.
    pub pinned: Option<PinnedRevision>,
    /// Most bytes of its weights.
    pub limit: u64,
    /// Snapshot that stands for the model; the hub is only asked whether it has gone on.
    pub kept: Option<PathBuf>,
}

impl<'a> PullTarget<'a> {
    /// A known model: at its pinned commit, if it has one and no other is asked for.
    pub(super) fn known(model: &'a KnownModel, revision: Option<&'a str>) -> Self {
        let pinned = model.pinned.filter(|pin| revision.is_none_or(|asked| asked == pin.commit));
        Self {
            repository: model.repository,
            revision: revision.or(pinned.map(|pin| pin.commit)),
            pinned,
            limit: model.f32_bytes() + MARGIN,
            kept: None,
        }
    }

    /// Any repository.
    pub(super) fn repository(repository: &'a str, revision: Option<&'a str>) -> Self {
        Self { repository, revision, pinned: None, limit: MAX_FOREIGN_BYTES, kept: None }
    }
}

/// Downloads what is missing of a model.
///
/// All files come from one commit: the one that the target names, or the one that `main` is at when the pull starts.
pub(super) fn pull(
    settings: &HubSettings,
    target: &PullTarget<'_>,
    on_progress: &mut OnProgress<'_>,
) -> Result<PulledModel, ModelsError> {
    let mut tally = ProgressTally::new(on_progress);
    tally.report(ProgressStage::Asking, "", 0)?;
    let hub = Hub::new(settings, target.repository, target.revision);
    let listing = hub.listing()?;
    let cache = RepositoryCache::new(settings, target.repository);
    // A model stays what it was: results must not change because a repository has.
    if let Some(folder) = &target.kept
        && *folder != cache.snapshot(&listing.commit)
    {
        return Ok(PulledModel {
            name: String::new(),
            commit: commit_of(folder),
            folder: folder.clone(),
            was_complete: true,
            unchecked: Vec::new(),
            update: Some(listing.commit),
        });
    }
    let mut pull = Pull {
        hub,
        target,
        cache,
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
    // A commit that was named is found by its own name. The branch may have gone on, as other tools know.
    if target.revision.is_none() {
        pull.cache.set_current(&pull.commit)?;
    }
    let unchecked = files.into_iter().filter(|file| file.sha256().is_none());
    Ok(PulledModel {
        name: String::new(),
        folder: pull.cache.snapshot(&pull.commit),
        unchecked: unchecked.map(|file| file.name).collect(),
        was_complete: pull.was_complete,
        commit: pull.commit,
        update: None,
    })
}

/// Returns the commit of a snapshot, which is its folder's name.
pub(super) fn commit_of(snapshot: &Path) -> String {
    snapshot.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// One pull: a repository at a commit.
struct Pull<'a> {
    hub: Hub<'a>,
    target: &'a PullTarget<'a>,
    cache: RepositoryCache,
    commit: String,
    names: BTreeSet<String>,
    was_complete: bool,
}

impl Pull<'_> {
    /// Finds out which files make up the model, and their sizes and sums.
    fn plan(&mut self, tally: &mut ProgressTally<'_>) -> Result<Vec<RemoteFile>, ModelsError> {
        let mut files = vec![self.describe(CONFIG, MAX_CONFIG_BYTES, tally)?];
        let mut left = self.target.limit;
        match WeightFiles::among(self.names.iter().cloned()) {
            Some(WeightFiles::Indexed) => {}
            found => {
                let named = match found {
                    Some(WeightFiles::Named(names)) => names,
                    _ => vec![WEIGHTS.to_owned()],
                };
                for name in named {
                    let file = self.describe(&name, left, tally)?;
                    left -= file.size;
                    files.push(file);
                }
                return Ok(files);
            }
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
        let pinned = self.target.pinned.map(|pinned| pinned.sha256(name));
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
