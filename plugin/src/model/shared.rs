//! Loaded models, one copy a process however many instances run them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;
use residue_engine::audio::MonoTreatment;
use residue_engine::codec::{Codec, Config, Options};
use residue_engine::live::{Allowance, AudioPort, Control, OpenError, PortConfig, open};
use residue_engine::models::{EMBEDDED, ModelSource, embedded, locate};

use super::{LoadError, ModelChoice, sum};

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
    /// Measured once for all instances and activations: a host that starts audio anew because the
    /// latency has changed must find it unchanged.
    allowances: Mutex<HashMap<PortKey, usize>>,
}

/// All models that were ever loaded here, by where they come from. Loading holds the entry, so that
/// others who want the same model wait for it and then share it.
type Loaded = HashMap<ModelSource, Arc<Mutex<Weak<SharedModel>>>>;
static MODELS: LazyLock<Mutex<Loaded>> = LazyLock::new(Mutex::default);

impl SharedModel {
    /// The model that is meant, loaded now or found loaded. Takes as long as it takes.
    ///
    /// # Errors
    /// If it is not on this computer, or damaged.
    pub fn get(choice: &ModelChoice) -> Result<Arc<Self>, LoadError> {
        let source = if choice.is_embedded() { ModelSource::Embedded } else { locate(&choice.id)? };
        let entry = Arc::clone(MODELS.lock().entry(source.clone()).or_default());
        let mut entry = entry.lock();
        if let Some(model) = entry.upgrade() {
            return Ok(model);
        }
        let model = Arc::new(Self {
            name: if choice.is_embedded() { EMBEDDED.to_owned() } else { choice.id.clone() },
            codec: load(&source)?,
            source,
            sum: Mutex::default(),
            allowances: Mutex::default(),
        });
        *entry = Arc::downgrade(&model);
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
    ) -> Result<(AudioPort, Control), OpenError> {
        // Held while measuring, so that instances which start together agree.
        let mut allowances = self.allowances.lock();
        let allowance = allowances.get(&key).map_or(Allowance::Auto, |&n| Allowance::Samples(n));
        let (port, control) = open(&PortConfig { allowance, ..config }, &self.codec)?;
        allowances.insert(key, control.latency().allowance);
        Ok((port, control))
    }

    /// The sum over its files; `None` for the embedded model, for files that cannot be read, and if
    /// `go_on` says no. Reads all of them the first time.
    pub fn sum(&self, go_on: &dyn Fn() -> bool) -> Option<String> {
        let mut known = self.sum.lock();
        if known.is_none() {
            *known = sum::sum(&self.source, go_on);
        }
        known.clone()
    }
}

fn load(source: &ModelSource) -> Result<Codec, LoadError> {
    let model = embedded();
    let config = match source {
        ModelSource::Embedded => Config::parse(model.config)?,
        ModelSource::Folder(folder) => Config::read(folder)?,
    };
    let threads = if config.parameters() <= SMALL { 1 } else { 0 };
    let options = Options { threads, ..Options::default() };
    Ok(match source {
        ModelSource::Embedded => Codec::load_from_memory(model.config, model.weights, &options)?,
        ModelSource::Folder(folder) => Codec::load(folder, &options)?,
    })
}
