//! The model service of plugin, app and command line.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use residue_codec::{
    Codec, CodecConfig, CodecError, CodecOptions, CodecParts, LoadProgress, PackedCache, Precision,
    WeakCodec,
};

use super::shared_values::SharedValues;
use super::source_stamp::SourceStamp;
use super::{
    AddedModel, ChosenPrecision, EMBEDDED, ListedModel, MachineSpeed, ModelLibrary, ModelLoadError,
    ModelRequest, ModelSource, ModelsError, OnProgress, PrecisionRequest, Progress, PulledModel,
    VerifyReport, automatic_precision, embedded, model_checksum, model_library, verify,
};

/// Opens the library of a [`ModelStore`]. Called whenever something is looked up, and not before.
pub type OpenLibrary = Arc<dyn Fn() -> Result<ModelLibrary, ModelsError> + Send + Sync>;

/// Files that were loaded and how: equal keys share one copy of the weights.
#[derive(Clone, PartialEq, Eq, Hash)]
struct CodecKey {
    stamp: SourceStamp,
    precision: Precision,
    threads: usize,
    parts: CodecParts,
}

/// Codecs that are loaded in this process, held by their users only.
static CODECS: LazyLock<SharedValues<CodecKey, WeakCodec>> = LazyLock::new(SharedValues::default);

/// Checksums of models that were read in this process.
static CHECKSUMS: LazyLock<SharedValues<SourceStamp, Option<String>>> =
    LazyLock::new(SharedValues::default);

/// Models on this computer and on the hub: listing, downloading, checking and loading.
///
/// All methods block for as long as disk, network or arithmetic take; windows call them in a
/// [`Job`](super::Job), or by way of a [`ModelCatalog`](super::ModelCatalog). None is realtime-safe.
///
/// Loaded codecs are shared by the whole process, also between stores: who asks for files that are
/// loaded already, in the same precision and with the same number of threads, gets the same weights.
/// Files are told apart by location, size and modification time. A codec is freed with its last user.
#[derive(Clone)]
pub struct ModelStore {
    open: OpenLibrary,
}

impl ModelStore {
    /// A store over a library that is opened whenever something is looked up.
    pub fn new(open: OpenLibrary) -> Self {
        Self { open }
    }

    /// The user's own store: [`ModelLibrary::from_env`].
    pub fn from_env() -> Self {
        Self::new(Arc::new(ModelLibrary::from_env))
    }

    /// Opens the library.
    ///
    /// # Errors
    /// [`ModelsError::NoHome`] on an account without a folder of its own.
    pub fn library(&self) -> Result<ModelLibrary, ModelsError> {
        (self.open)()
    }

    /// Lists every model: the embedded one, the published ones whether here or not, the added ones.
    ///
    /// # Errors
    /// As [`ModelLibrary::list`].
    pub fn list(&self) -> Result<Vec<ListedModel>, ModelsError> {
        Ok(self.library()?.list()?.into_iter().map(ListedModel::from).collect())
    }

    /// Finds the model that `id` means. The embedded one and a folder need no library, and so are found on an
    /// account without a folder of its own.
    ///
    /// # Errors
    /// As [`ModelLibrary::locate`].
    pub fn locate(&self, id: &str) -> Result<ModelSource, ModelsError> {
        if id.eq_ignore_ascii_case(EMBEDDED) {
            return Ok(ModelSource::Embedded);
        }
        if model_library::is_repository(id)
            && let Ok(library) = self.library()
            && let Some(source) = library.locate_pulled(id)?
        {
            return Ok(source);
        }
        if model_library::is_path(id) {
            return model_library::locate_folder(id);
        }
        self.library()?.locate(id)
    }

    /// Finds a model and loads it, or shares it if it is loaded. `progress` is told the share, 0 to 1.
    ///
    /// # Errors
    /// If it is not here or damaged; [`ModelLoadError::Cancelled`] if `progress` breaks.
    pub fn load(
        &self,
        request: &ModelRequest,
        progress: &LoadProgress<'_>,
    ) -> Result<Codec, ModelLoadError> {
        let source = self.locate(&request.id)?;
        let chosen = self.choose_precision(&source, request.precision, request.threads)?;
        self.load_from(&source, chosen.precision, request.threads, progress)
    }

    /// Returns the precision that a request comes to for a model on this many threads (0 chooses). For
    /// [`PrecisionRequest::Automatic`] and a model other than the embedded one it may measure this computer's limits,
    /// which takes about a second, once: see [`MachineSpeed::measure_limits`].
    ///
    /// # Errors
    /// If the model's configuration is missing or cannot be honoured.
    pub fn choose_precision(
        &self,
        source: &ModelSource,
        request: PrecisionRequest,
        threads: usize,
    ) -> Result<ChosenPrecision, ModelLoadError> {
        match (request, source) {
            (PrecisionRequest::Fixed(precision), _) => {
                Ok(ChosenPrecision { precision, reason: None })
            }
            (PrecisionRequest::Automatic, ModelSource::Embedded) => {
                Ok(automatic_precision::embedded_precision())
            }
            (PrecisionRequest::Automatic, ModelSource::Folder(_)) => {
                let config = source.config()?;
                let mut speed = self.machine_speed();
                if !automatic_precision::is_small(&config) {
                    // Where it cannot be measured, f32 is chosen.
                    let _ = speed.measure_limits(threads);
                }
                Ok(automatic_precision::of_unknown(&config, &speed, threads))
            }
        }
    }

    /// Returns what is known of this computer's speed.
    pub fn machine_speed(&self) -> MachineSpeed {
        MachineSpeed::read(self.library().ok().as_ref().map(ModelLibrary::local_home))
    }

    /// As [`load`](Self::load), for a model that has been found.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_from(
        &self,
        source: &ModelSource,
        precision: Precision,
        threads: usize,
        progress: &LoadProgress<'_>,
    ) -> Result<Codec, ModelLoadError> {
        self.load_parts(source, precision, threads, CodecParts::Whole, progress)
    }

    /// As [`load_from`](Self::load_from), some parts of the model only. A whole model that is loaded is shared.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_parts(
        &self,
        source: &ModelSource,
        precision: Precision,
        threads: usize,
        parts: CodecParts,
        progress: &LoadProgress<'_>,
    ) -> Result<Codec, ModelLoadError> {
        if parts != CodecParts::Whole
            && let Ok(stamp) = SourceStamp::read(source)
        {
            let key = CodecKey { stamp, precision, threads, parts: CodecParts::Whole };
            if let Some(codec) = CODECS.get(&key, WeakCodec::upgrade).flatten() {
                return Ok(codec);
            }
        }
        let options = CodecOptions { parts, ..self.options(precision, threads) };
        self.load_shared(source, options, progress)
    }

    /// Loads a model, or shares one that was loaded with the same options.
    fn load_shared(
        &self,
        source: &ModelSource,
        options: CodecOptions,
        progress: &LoadProgress<'_>,
    ) -> Result<Codec, ModelLoadError> {
        // Files that cannot be stamped cannot be loaded either: the codec says best why.
        let Ok(stamp) = SourceStamp::read(source) else {
            return Ok(load_codec(source, &options, progress)?);
        };
        let CodecOptions { precision, threads, parts, .. } = options;
        let key = CodecKey { stamp, precision, threads, parts };
        let is_alive = |codec: &WeakCodec| codec.upgrade().is_some();
        let loaded = CODECS.with(
            key,
            is_alive,
            || progress(0.0),
            |shared| {
                if let Some(codec) = shared.upgrade() {
                    return Ok(codec);
                }
                let codec = load_codec(source, &options, progress)?;
                *shared = codec.downgrade();
                Ok(codec)
            },
        );
        loaded.unwrap_or(Err(ModelLoadError::Cancelled))
    }

    /// Loads a copy that is not shared, for measurements beside a codec that runs.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_copy(
        &self,
        source: &ModelSource,
        precision: Precision,
        threads: usize,
        progress: &LoadProgress<'_>,
    ) -> Result<Codec, ModelLoadError> {
        Ok(load_codec(source, &self.options(precision, threads), progress)?)
    }

    /// Loads a copy on candle, the oracle of the native kernels: in f32, on the CPU. `None` if this program was
    /// built without it ([`CodecOptions::reference`]).
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_reference(
        &self,
        source: &ModelSource,
        threads: usize,
        progress: &LoadProgress<'_>,
    ) -> Result<Option<Codec>, ModelLoadError> {
        let options = CodecOptions::reference(threads);
        Ok(options.map(|options| load_codec(source, &options, progress)).transpose()?)
    }

    fn options(&self, precision: Precision, threads: usize) -> CodecOptions {
        // An account without any folder of its own packs its models anew at each start.
        let packed_cache = self.library().ok();
        let packed_cache = packed_cache.map(|library| library.packed().folder().to_owned());
        CodecOptions { precision, threads, packed_cache, ..CodecOptions::default() }
    }

    /// Returns the checksum over a model's files, in lowercase hexadecimal: see [`model_checksum`].
    /// Reads every byte the first time, and again only after a file has changed.
    ///
    /// # Errors
    /// As [`model_checksum`].
    pub fn checksum(
        &self,
        source: &ModelSource,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<String, ModelsError> {
        let stamp = SourceStamp::read(source)?;
        let on_progress = std::cell::RefCell::new(on_progress);
        let waiting = || {
            let stage = super::ProgressStage::Checking;
            (*on_progress.borrow_mut())(Progress { stage, file: "", done: 0, total: 0 })
        };
        let checksum = CHECKSUMS.with(stamp, Option::is_some, waiting, |known| {
            if let Some(checksum) = known {
                return Ok(checksum.clone());
            }
            let checksum = model_checksum(source, &mut **on_progress.borrow_mut())?;
            Ok(known.insert(checksum).clone())
        });
        checksum.unwrap_or(Err(ModelsError::Cancelled))
    }

    /// Returns the packed weights that this store keeps.
    ///
    /// # Errors
    /// As [`library`](Self::library).
    pub fn packed(&self) -> Result<PackedCache, ModelsError> {
        Ok(self.library()?.packed())
    }

    /// Downloads a model: see [`ModelLibrary::pull`].
    ///
    /// # Errors
    /// As [`ModelLibrary::pull`].
    pub fn pull(
        &self,
        name: &str,
        revision: Option<&str>,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<PulledModel, ModelsError> {
        self.library()?.pull(name, revision, on_progress)
    }

    /// Adds a folder under a name, by default the folder's own, after loading it once: a folder that
    /// cannot be loaded is refused. Gives the model's configuration too.
    ///
    /// # Errors
    /// As [`load`](Self::load) and [`ModelLibrary::add`].
    pub fn add(
        &self,
        folder: &Path,
        name: Option<&str>,
        progress: &LoadProgress<'_>,
    ) -> Result<(AddedModel, CodecConfig), ModelLoadError> {
        let library = self.library()?;
        let source = ModelSource::Folder(folder.to_owned());
        let codec = load_codec(&source, &CodecOptions::default(), progress)?;
        Ok((library.add(folder, name)?, codec.config().clone()))
    }

    /// Forgets an added folder. The files stay where they are.
    ///
    /// # Errors
    /// As [`ModelLibrary::remove`].
    pub fn remove(&self, name: &str) -> Result<(), ModelsError> {
        self.library()?.remove(name)
    }

    /// Checks the files of a model and then, if they are good, loads it once. `on_progress` hears of
    /// the files, `on_load` of the loading.
    ///
    /// # Errors
    /// As [`locate`](Self::locate) and [`verify`]. What is wrong with files is in the report.
    pub fn verify(
        &self,
        id: &str,
        on_progress: &mut OnProgress<'_>,
        on_load: &LoadProgress<'_>,
    ) -> Result<VerifyReport, ModelsError> {
        let mut report = verify(&self.locate(id)?, on_progress)?;
        if report.is_ok() {
            match load_codec(&report.source, &CodecOptions::default(), on_load) {
                Err(CodecError::Cancelled) => return Err(ModelsError::Cancelled),
                loaded => report.load = Some(loaded.map(drop)),
            }
        }
        Ok(report)
    }
}

impl Default for ModelStore {
    fn default() -> Self {
        Self::from_env()
    }
}

impl From<ModelLibrary> for ModelStore {
    /// A store over this library.
    fn from(library: ModelLibrary) -> Self {
        Self::new(Arc::new(move || Ok(library.clone())))
    }
}

/// Progress that nobody watches, for [`ModelStore::load`].
pub fn unwatched(_share: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Loads a copy of its own.
fn load_codec(
    source: &ModelSource,
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
) -> Result<Codec, CodecError> {
    match source {
        ModelSource::Folder(folder) => Codec::load_with(folder, options, progress),
        ModelSource::Embedded => {
            let model = embedded();
            Codec::load_from_memory(model.config, model.weights, options)
        }
    }
}
