//! A loaded model, with the processing allowances that were measured for it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use residue_engine::audio::MonoTreatment;
use residue_engine::codec::{Codec, Precision};
use residue_engine::live::{
    Allowance, AudioPort, CodecModel, OpenError, PortConfig, PortControl, open_port,
};
use residue_engine::models::{EMBEDDED, ModelLoadError, ModelSource, ModelStore, unwatched};

use super::ModelChoice;

/// Up to so many parameters one thread is enough, and instances do not get in each other's way.
const SMALL: u64 = 15_000_000;

/// Properties of a port, besides the model, that its latency depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortKey {
    /// Sample rate in hertz.
    pub rate: u32,
    /// Channels.
    pub channels: usize,
    /// Largest block in samples.
    pub max_block: usize,
    /// How stereo goes through a mono model.
    pub treatment: MonoTreatment,
}

/// A loaded model, one copy a process however many instances run it: see [`ModelStore`]. Its weights
/// live as long as an instance holds them.
pub struct SharedModel {
    /// The name to show.
    pub name: String,
    source: ModelSource,
    codec: Codec,
    allowances: Arc<Mutex<Allowances>>,
}

/// Processing allowances in samples, measured once for all instances and activations in this process: a
/// host that starts audio anew because the latency has changed must find it unchanged.
type Allowances = HashMap<PortKey, usize>;

/// Location and precision of a model.
type ModelKey = (ModelSource, Precision);

static ALLOWANCES: LazyLock<Mutex<HashMap<ModelKey, Arc<Mutex<Allowances>>>>> =
    LazyLock::new(Mutex::default);

impl SharedModel {
    /// Loads the model inside the program, in the automatic precision. Needs no library.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn embedded() -> Result<Arc<Self>, ModelLoadError> {
        Self::load(&ModelChoice::automatic(EMBEDDED), &ModelStore::from_env())
    }

    /// Loads the chosen model, or shares it if it is loaded. Blocks as long as that takes.
    ///
    /// # Errors
    /// If it is not on this computer, or damaged.
    pub fn load(choice: &ModelChoice, store: &ModelStore) -> Result<Arc<Self>, ModelLoadError> {
        let source = store.locate(&choice.id)?.canonical();
        let threads = if source.config()?.parameters() <= SMALL { 1 } else { 0 };
        let precision = store.choose_precision(&source, choice.to_load(), threads)?.precision;
        let codec = store.load_from(&source, precision, threads, &unwatched)?;
        let key = (source.clone(), precision);
        let allowances = Arc::clone(ALLOWANCES.lock().entry(key).or_default());
        let name = if choice.is_embedded() { EMBEDDED.to_owned() } else { choice.id.clone() };
        Ok(Arc::new(Self { name, source, codec, allowances }))
    }

    /// The codec.
    pub fn codec(&self) -> &Codec {
        &self.codec
    }

    /// Returns true if both run the same copy of the weights.
    pub fn is_same(&self, other: &Self) -> bool {
        self.codec.is_same(&other.codec)
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
        let allowance = allowances.get(&key).map_or(Allowance::Auto, |&n| Allowance::Measured(n));
        let (port, control) =
            open_port(&PortConfig { allowance, ..config }, &CodecModel(self.codec.clone()))?;
        allowances.insert(key, control.latency().allowance);
        Ok((port, control))
    }

    /// Returns the checksum over its files; `None` for the embedded model, for files that cannot be
    /// read, and if `go_on` says no. Reads all of them the first time.
    pub fn checksum(&self, store: &ModelStore, go_on: &dyn Fn() -> bool) -> Option<String> {
        if self.source == ModelSource::Embedded {
            return None;
        }
        let on_progress = &mut |_: residue_engine::models::Progress<'_>| match go_on() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        store.checksum(&self.source, on_progress).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(choice: &ModelChoice) -> Result<Arc<SharedModel>, ModelLoadError> {
        SharedModel::load(choice, &ModelStore::from_env())
    }

    #[test]
    fn one_copy_for_all_and_none_when_nobody_needs_it() {
        // One that no other test holds meanwhile.
        let choice =
            ModelChoice::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/golden/v1"));
        let threads: Vec<_> = (0..4)
            .map(|_| choice.clone())
            .map(|choice| std::thread::spawn(move || load(&choice).unwrap()))
            .collect();
        let models: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(models.iter().all(|model| model.is_same(&models[0])));
        let weak = models[0].codec().downgrade();
        assert!(load(&choice).unwrap().is_same(&models[0]));
        drop(models);
        assert!(weak.upgrade().is_none());
    }

    /// Models by the folder they are in, however it is written.
    #[test]
    fn a_folder_is_one_model_by_any_path() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/golden/nano");
        let straight = std::fs::canonicalize(golden).unwrap();
        let one = load(&ModelChoice::new(straight.to_str().unwrap())).unwrap();
        let other = load(&ModelChoice::new(golden)).unwrap();
        assert!(one.is_same(&other) && Arc::ptr_eq(&one.allowances, &other.allowances));
        let store = ModelStore::from_env();
        let checksum = one.checksum(&store, &|| true).unwrap();
        assert_eq!(checksum.len(), 64);
        assert_eq!(other.checksum(&store, &|| false), Some(checksum), "known by now");
    }

    #[test]
    fn each_precision_is_a_model_of_its_own() {
        let exact = load(&ModelChoice::default()).unwrap();
        let packed = load(&ModelChoice::default().in_precision(Precision::Int8.into())).unwrap();
        assert!(!exact.is_same(&packed));
        let precisions = [&exact, &packed].map(|model| model.codec().precision());
        assert_eq!(precisions, [Precision::F32, Precision::Int8]);
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_it() {
        let error = load(&ModelChoice::new("/no/such/folder")).err().unwrap();
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }
}
