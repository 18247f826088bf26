//! Loaded models, one copy a process however many instances run them.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;
use residue_engine::audio::MonoTreatment;
use residue_engine::codec::{Codec, CodecConfig, CodecOptions, Precision};
use residue_engine::live::{
    Allowance, AudioPort, CodecModel, OpenError, PortConfig, PortControl, open_port,
};
use residue_engine::models::{self, EMBEDDED, ModelLibrary, ModelSource, embedded};

use super::{LoadError, ModelChoice, OpenLibrary};

/// Up to so many parameters one thread is enough, and instances do not get in each other's way.
const SMALL: u64 = 15_000_000;

/// What the latency of a port depends on, besides the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortKey {
    /// Samples a second.
    pub rate: u32,
    /// Channels.
    pub channels: usize,
    /// Largest block.
    pub max_block: usize,
    /// How stereo goes through a mono model.
    pub treatment: MonoTreatment,
}

/// A loaded model. Lives as long as an instance holds it.
pub struct SharedModel {
    /// What to call it.
    pub name: String,
    source: ModelSource,
    codec: Codec,
    /// Once it is known.
    sum: Mutex<Option<String>>,
    allowances: Arc<Mutex<Allowances>>,
}

/// Measured once for all instances and activations in this process: a host that starts audio anew
/// because the latency has changed must find it unchanged.
type Allowances = HashMap<PortKey, usize>;

/// What is known of a model that was ever loaded here.
#[derive(Default)]
struct Known {
    /// Held while loading, so that others who want the same model wait for it and then share it.
    model: Mutex<Weak<SharedModel>>,
    allowances: Arc<Mutex<Allowances>>,
}

/// Where a model's files are, and how exactly they run: each is a copy of its own.
type ModelKey = (ModelSource, Precision);

static MODELS: LazyLock<Mutex<HashMap<ModelKey, Arc<Known>>>> = LazyLock::new(Mutex::default);

impl SharedModel {
    /// The model inside the program, in f32. Needs no library.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn embedded() -> Result<Arc<Self>, LoadError> {
        Self::at(ModelSource::Embedded, &ModelChoice::default(), None)
    }

    /// The model that is meant, loaded now or found loaded. Takes as long as it takes.
    ///
    /// # Errors
    /// If it is not on this computer, or damaged.
    pub fn get(choice: &ModelChoice, library: &OpenLibrary) -> Result<Arc<Self>, LoadError> {
        let library = library();
        // Without a home folder weights are packed anew each time.
        let cache = library.as_ref().ok().map(ModelLibrary::packed);
        let source = match choice.is_embedded() {
            true => ModelSource::Embedded,
            false => library?.locate(&choice.id)?,
        };
        Self::at(source, choice, cache)
    }

    fn at(
        source: ModelSource,
        choice: &ModelChoice,
        cache: Option<PathBuf>,
    ) -> Result<Arc<Self>, LoadError> {
        let source = canonical(source);
        let precision = choice.precision.runs_in();
        let key = (source.clone(), precision);
        let known = Arc::clone(MODELS.lock().entry(key).or_default());
        let mut shared = known.model.lock();
        if let Some(model) = shared.upgrade() {
            return Ok(model);
        }
        let model = Arc::new(Self {
            name: if choice.is_embedded() { EMBEDDED.to_owned() } else { choice.id.clone() },
            codec: load(&source, precision, cache)?,
            source,
            sum: Mutex::default(),
            allowances: Arc::clone(&known.allowances),
        });
        *shared = Arc::downgrade(&model);
        Ok(model)
    }

    /// The codec.
    pub fn codec(&self) -> &Codec {
        &self.codec
    }

    /// Opens a port that runs this model. The same key gives the same latency.
    ///
    /// # Errors
    /// If rate, channels or block are not supported, or the model cannot run.
    pub fn open(
        &self,
        key: PortKey,
        config: PortConfig,
    ) -> Result<(AudioPort, PortControl), OpenError> {
        // Held while measuring, so that instances which start together agree.
        let mut allowances = self.allowances.lock();
        let allowance = allowances.get(&key).map_or(Allowance::Auto, |&n| Allowance::Samples(n));
        let (port, control) =
            open_port(&PortConfig { allowance, ..config }, &CodecModel(self.codec.clone()))?;
        allowances.insert(key, control.latency().allowance);
        Ok((port, control))
    }

    /// The sum over its files; `None` for the embedded model, for files that cannot be read, and if
    /// `go_on` says no. Reads all of them the first time.
    pub fn sum(&self, go_on: &dyn Fn() -> bool) -> Option<String> {
        if self.source == ModelSource::Embedded {
            return None;
        }
        let mut known = self.sum.lock();
        if known.is_none() {
            let on_progress = &mut |_: models::Progress<'_>| match go_on() {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            };
            *known = models::model_checksum(&self.source, on_progress).ok();
        }
        known.clone()
    }
}

/// The same for all ways to write it.
fn canonical(source: ModelSource) -> ModelSource {
    match source {
        ModelSource::Folder(folder) => {
            ModelSource::Folder(std::fs::canonicalize(&folder).unwrap_or(folder))
        }
        ModelSource::Embedded => source,
    }
}

fn load(
    source: &ModelSource,
    precision: Precision,
    cache: Option<PathBuf>,
) -> Result<Codec, LoadError> {
    let model = embedded();
    let config = match source {
        ModelSource::Embedded => CodecConfig::parse(model.config)?,
        ModelSource::Folder(folder) => CodecConfig::read(folder)?,
    };
    let threads = if config.parameters() <= SMALL { 1 } else { 0 };
    let options = CodecOptions { precision, threads, cache, ..CodecOptions::default() };
    Ok(match source {
        ModelSource::Embedded => Codec::load_from_memory(model.config, model.weights, &options)?,
        ModelSource::Folder(folder) => Codec::load(folder, &options)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(choice: &ModelChoice) -> Result<Arc<SharedModel>, LoadError> {
        SharedModel::get(choice, &(Arc::new(ModelLibrary::from_env) as OpenLibrary))
    }

    #[test]
    fn one_copy_for_all_and_none_when_nobody_needs_it() {
        // One that no other test holds meanwhile.
        let choice =
            ModelChoice::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/golden/v1"));
        let threads: Vec<_> = (0..4)
            .map(|_| choice.clone())
            .map(|choice| std::thread::spawn(move || get(&choice).unwrap()))
            .collect();
        let models: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(models.iter().all(|model| Arc::ptr_eq(model, &models[0])));
        let weak = Arc::downgrade(&models[0]);
        assert!(Arc::ptr_eq(&get(&choice).unwrap(), &models[0]));
        drop(models);
        assert!(weak.upgrade().is_none());
    }

    /// Models by the folder they are in, however it is written.
    #[test]
    fn a_folder_is_one_model_by_any_path() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/golden/nano");
        let straight = std::fs::canonicalize(golden).unwrap();
        let one = get(&ModelChoice::new(straight.to_str().unwrap())).unwrap();
        let again = get(&ModelChoice::new(straight.to_str().unwrap())).unwrap();
        let other = get(&ModelChoice::new(golden)).unwrap();
        assert!(Arc::ptr_eq(&one, &again) && Arc::ptr_eq(&one, &other));
        assert_eq!(one.sum(&|| false), None, "asked to stop");
        let sum = one.sum(&|| true).unwrap();
        assert_eq!(sum.len(), 64);
        assert_eq!(one.sum(&|| false), Some(sum), "known by now");
    }

    #[test]
    fn each_precision_is_a_model_of_its_own() {
        let exact = get(&ModelChoice::default()).unwrap();
        let choice = ModelChoice::default().in_precision(Precision::Int8);
        let packed = get(&choice).unwrap();
        assert!(!Arc::ptr_eq(&exact, &packed));
        let precisions = [&exact, &packed].map(|model| model.codec().precision());
        assert_eq!(precisions, [Precision::F32, Precision::Int8]);
    }

    #[test]
    fn what_is_not_there_is_an_error_that_names_it() {
        let error = get(&ModelChoice::new("/no/such/folder")).err().unwrap();
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }
}
