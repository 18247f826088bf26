//! All models that can be had on this computer.

use std::path::{Path, PathBuf};

use residue_codec::PackedCache;

use super::known::{EMBEDDED, KNOWN};
use super::packed_folder::{PACKED, packed_folder};
use super::progress::OnProgress;
use super::pull::PullTarget;
use super::registry::{AddedModel, Registry};
use super::{
    HubSettings, KnownModel, ModelSource, ModelsError, PulledModel, embedded, env_path, folder,
    hub_cache, pull,
};

/// All models that can be had on this computer: the one inside the program, the published ones, and
/// the folders that the user added.
///
/// Every call reads the disk as it is; nothing is kept in memory. None is realtime-safe.
#[derive(Clone, Debug)]
pub struct ModelLibrary {
    home: PathBuf,
    packed: PathBuf,
    hub: HubSettings,
}

/// One line of [`ModelLibrary::list`].
#[derive(Debug)]
pub struct ModelEntry {
    /// The name to call it by.
    pub name: String,
    /// Its published facts, for a known model.
    pub known: Option<&'static KnownModel>,
    /// Where it is, or why it cannot be used, in words for the user.
    pub source: Result<ModelSource, ModelsError>,
    /// Bytes it takes up, if it is here.
    pub bytes: Option<u64>,
}

impl ModelLibrary {
    /// A library whose list of added folders is kept in `home`.
    pub fn new(home: impl Into<PathBuf>, hub: HubSettings) -> Self {
        let home = home.into();
        let packed = home.join(PACKED);
        Self { home, packed, hub }
    }

    /// The user's library: `RESIDUE_HOME`, or the platform's data folder with packed weights in its folder of
    /// caches, and [`HubSettings::from_env`]. Moves packed weights of earlier versions there.
    ///
    /// # Errors
    ///
    /// [`ModelsError::NoHome`] when neither a variable nor a home folder names a place.
    pub fn from_env() -> Result<Self, ModelsError> {
        let hub = HubSettings::from_env()?;
        if let Some(home) = std::env::var_os("RESIDUE_HOME").filter(|home| !home.is_empty()) {
            let variable = |name: &str| std::env::var_os(name);
            return Ok(Self::new(env_path::expand(&home, &variable, dirs::home_dir()), hub));
        }
        let no_home =
            ModelsError::NoHome { what: "the list of added models", variable: "RESIDUE_HOME" };
        let home = dirs::data_dir().map(|data| data.join("residue")).ok_or(no_home)?;
        let packed = packed_folder(&home, dirs::cache_dir());
        Ok(Self { home, packed, hub })
    }

    /// Every model: the embedded one, the published ones whether here or not, the added ones.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Registry`] or an error of reading, of the list of added folders only: what is
    /// wrong with one model is told in its entry.
    pub fn list(&self) -> Result<Vec<ModelEntry>, ModelsError> {
        let mut added = self.registry().read()?;
        let mut entries = vec![ModelEntry {
            name: EMBEDDED.to_owned(),
            known: None,
            source: Ok(ModelSource::Embedded),
            bytes: Some((embedded().config.len() + embedded().weights.len()) as u64),
        }];
        for known in &KNOWN {
            let own = added.iter().position(|model| model.name == known.name);
            let place = match own.map(|at| added.remove(at)) {
                Some(model) => check_added(model),
                None => hub_cache::find(&self.hub, known),
            };
            entries.push(entry(known.name.to_owned(), Some(known), place));
        }
        for model in added {
            entries.push(entry(model.name.clone(), None, check_added(model)));
        }
        Ok(entries)
    }

    /// Finds the model that `spec` means: `embedded`; a folder, if it is written with a slash; a name
    /// that was added; a published name, in the hub's cache; or a folder in the working directory.
    ///
    /// A folder that the user added under a published name comes before the hub's.
    ///
    /// # Errors
    ///
    /// [`ModelsError::NotHere`] and [`ModelsError::Incomplete`] for a published model to be pulled,
    /// [`ModelsError::UnknownModel`], [`ModelsError::NotAModelFolder`],
    /// [`ModelsError::AddedFolderGone`], [`ModelsError::Registry`].
    pub fn locate(&self, spec: &str) -> Result<ModelSource, ModelsError> {
        if spec.eq_ignore_ascii_case(EMBEDDED) {
            return Ok(ModelSource::Embedded);
        }
        if is_repository(spec)
            && let Some(source) = self.locate_pulled(spec)?
        {
            return Ok(source);
        }
        if is_path(spec) {
            return locate_folder(spec);
        }
        let known = KnownModel::find(spec);
        if let Some(model) = self.registry().find(known.map_or(spec, |known| known.name))? {
            return check_added(model).map(ModelSource::Folder);
        }
        match known {
            Some(known) => hub_cache::find(&self.hub, known).map(ModelSource::Folder),
            None => locate_folder(spec),
        }
    }

    /// Downloads a model into the hub's cache, or only what is missing of it: a published one by its name, or any
    /// repository by its id, `owner/name`. Nothing is written where all is there. In offline mode a model that is
    /// here is found, and nothing is asked.
    ///
    /// A model that is here stays at its commit: where the repository has gone on, [`PulledModel::update`] says so.
    /// A `revision`, a commit or a branch, is downloaded beside it, and found as `NAME@COMMIT`, with the first seven
    /// digits of the commit.
    ///
    /// Blocks until done: call it on a thread of its own, and stop it through `on_progress`. What has
    /// arrived is kept on every error but a wrong sum, and a later call goes on from there.
    ///
    /// # Errors
    ///
    /// [`ModelsError::NotPullable`], [`ModelsError::Offline`], [`ModelsError::Cancelled`], and the
    /// errors of network, hub and disk.
    pub fn pull(
        &self,
        name: &str,
        revision: Option<&str>,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<PulledModel, ModelsError> {
        let known = KnownModel::find(name);
        let not_pullable =
            || ModelsError::NotPullable { name: name.to_owned(), known: KnownModel::names() };
        if known.is_none() && (!is_repository(name) || name.contains('@')) {
            return Err(not_pullable());
        }
        if let Some(revision) = revision.filter(|revision| !is_revision(revision)) {
            return Err(ModelsError::BadRevision { revision: revision.to_owned() });
        }
        let own_name = known.map_or(name, |known| known.name);
        let kept = match (known, revision) {
            (_, Some(_)) => None,
            (Some(known), None) => hub_cache::find(&self.hub, known).ok(),
            (None, None) => self.added_folder(name)?,
        };
        if self.hub.offline {
            let folder = kept.ok_or_else(|| ModelsError::Offline { name: own_name.to_owned() })?;
            let (name, commit) = (own_name.to_owned(), String::new());
            let (unchecked, update) = (Vec::new(), None);
            return Ok(PulledModel { name, folder, commit, was_complete: true, unchecked, update });
        }
        let mut target = match known {
            Some(known) => PullTarget::known(known, revision),
            None => PullTarget::repository(name, revision),
        };
        // A pinned model is what it is; of another the hub is asked whether it has gone on.
        target.kept = kept.filter(|_| target.pinned.is_none());
        let mut pulled = pull::pull(&self.hub, &target, on_progress)?;
        let is_own = known.is_some_and(|_| revision.is_none() || target.pinned.is_some());
        pulled.name = own_name.to_owned();
        if !is_own && pulled.update.is_none() {
            if revision.is_some() {
                pulled.name = format!("{own_name}@{}", pulled.commit.get(..7).unwrap_or(""));
            }
            self.registry().add_pulled(&pulled.name, &pulled.folder)?;
        }
        Ok(pulled)
    }

    /// Returns the folder of a model that was added or pulled under this name, if it is whole.
    fn added_folder(&self, name: &str) -> Result<Option<PathBuf>, ModelsError> {
        Ok(self.registry().find(name)?.and_then(|model| check_added(model).ok()))
    }

    /// Finds a repository that was pulled, by its id.
    ///
    /// # Errors
    /// As [`ModelLibrary::locate`].
    pub(super) fn locate_pulled(&self, id: &str) -> Result<Option<ModelSource>, ModelsError> {
        let model = self.registry().find(id)?;
        model.map(|model| check_added(model).map(ModelSource::Folder)).transpose()
    }

    /// Adds a folder under a name, by default the folder's own. The files stay where they are.
    ///
    /// # Errors
    ///
    /// [`ModelsError::NotAModelFolder`], [`ModelsError::BadName`], [`ModelsError::NameTaken`],
    /// [`ModelsError::Registry`], and errors of writing.
    pub fn add(&self, folder: &Path, name: Option<&str>) -> Result<AddedModel, ModelsError> {
        self.registry().add(folder, name)
    }

    /// Forgets an added folder. The files stay where they are.
    ///
    /// # Errors
    ///
    /// [`ModelsError::NotAdded`], [`ModelsError::Registry`], and errors of writing.
    pub fn remove(&self, name: &str) -> Result<(), ModelsError> {
        self.registry().remove(name)
    }

    /// Folder for what this program remembers of a user.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Folder for what this program can make again, such as the speed of this computer. Other than
    /// [`home`](Self::home), it is not copied to a user's other computers.
    pub fn local_home(&self) -> &Path {
        self.packed.parent().unwrap_or(&self.home)
    }

    /// Packed weights, for [`CodecOptions::packed_cache`](residue_codec::CodecOptions::packed_cache). They can be
    /// deleted at any time: they are made again.
    pub fn packed(&self) -> PackedCache {
        PackedCache::new(&self.packed)
    }

    fn registry(&self) -> Registry {
        Registry::new(&self.home)
    }
}

/// Returns true if `spec` may be the id of a repository, `owner/name`, also with a commit, `owner/name@0123456`.
pub(super) fn is_repository(spec: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 96
            && part.chars().all(plain)
            && !part.starts_with(['.', '-'])
    };
    let (id, commit) = spec.split_once('@').map_or((spec, None), |(id, commit)| (id, Some(commit)));
    commit.is_none_or(part)
        && id.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name))
}

/// Returns true if `revision` may be a commit or a branch.
fn is_revision(revision: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&revision.len())
        && revision.chars().all(plain)
        && !revision.starts_with(['.', '-'])
        && !revision.contains("..")
}

/// Returns true if `spec` is written as a path, and not as a name.
pub(super) fn is_path(spec: &str) -> bool {
    let parts = Path::new(spec).components().count();
    KnownModel::find(spec).is_none() && parts > 1 || matches!(spec, "." | "..")
}

/// Finds the model in a folder, which needs no library.
pub(super) fn locate_folder(spec: &str) -> Result<ModelSource, ModelsError> {
    // An empty path has no absolute form, and is no folder either.
    let folder = std::path::absolute(spec).ok().filter(|folder| folder.is_dir());
    let Some(folder) = folder else {
        let known = format!("{EMBEDDED}, {}", KnownModel::names());
        return Err(ModelsError::UnknownModel { spec: spec.to_owned(), known });
    };
    folder::model_files(&folder).map(|_| ModelSource::Folder(folder))
}

fn entry(
    name: String,
    known: Option<&'static KnownModel>,
    place: Result<PathBuf, ModelsError>,
) -> ModelEntry {
    let bytes = place.as_ref().ok().and_then(|place| folder::model_bytes(place).ok());
    ModelEntry { name, known, source: place.map(ModelSource::Folder), bytes }
}

/// The folder of an added model, if it still holds one.
fn check_added(model: AddedModel) -> Result<PathBuf, ModelsError> {
    let AddedModel { name, folder } = model;
    if !folder.is_dir() {
        return Err(ModelsError::AddedFolderGone { name, folder });
    }
    folder::model_files(&folder)?;
    Ok(folder)
}
