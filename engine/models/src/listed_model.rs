//! A model as a window or a table lists it.

use residue_codec::{CodecConfig, Precision};

use super::{
    ChosenPrecision, EMBEDDED, KnownModel, LiveLoad, MachineSpeed, ModelEntry, ModelSource,
    automatic_precision,
};

/// A model of the list, whether it is on this computer or not: plain data.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedModel {
    /// The name to call it by.
    pub id: String,
    /// The repository, for published ones.
    pub repository: Option<&'static str>,
    /// True if it is on this computer and whole.
    pub here: bool,
    /// True if it is not here and can be downloaded.
    pub can_pull: bool,
    /// Where it is, or why it cannot be used.
    pub place: String,
    /// Its layout, as far as that is known.
    pub summary: Option<ModelSummary>,
    /// Its configuration, as far as that is known: what its speed follows from.
    pub config: Option<CodecConfig>,
    /// Bytes it takes up here.
    pub bytes: Option<u64>,
    /// Bytes to download, if it can be pulled.
    pub download_bytes: Option<u64>,
    /// Result of the last check in this session, with the first problem in words for the user.
    pub verified: Option<Result<(), String>>,
}

/// Layout of a model, as far as it is known without loading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelSummary {
    /// Sample rate in hertz.
    pub rate: u32,
    /// Audio channels.
    pub channels: usize,
    /// Quantizer layers, the greatest depth.
    pub layers: usize,
    /// Numbers in the model.
    pub parameters: u64,
}

impl ListedModel {
    /// Returns the precision that [`PrecisionRequest::Automatic`](super::PrecisionRequest::Automatic) comes to on this
    /// many threads, as far as `speed` is known; `None` for a model whose configuration is not known.
    pub fn automatic_precision(
        &self,
        speed: &MachineSpeed,
        threads: usize,
    ) -> Option<ChosenPrecision> {
        if self.id == EMBEDDED {
            return Some(automatic_precision::embedded_precision());
        }
        Some(automatic_precision::of_unknown(self.config.as_ref()?, speed, threads))
    }
}

impl ListedModel {
    /// Returns the load of its live stream on this many threads: see [`MachineSpeed::live_load`]. The embedded model's
    /// precisions are estimated by what they took relative to f32 where they were measured.
    pub fn live_load(
        &self,
        speed: &MachineSpeed,
        precision: Precision,
        threads: usize,
    ) -> Option<LiveLoad> {
        let config = self.config.as_ref()?;
        let load = speed.live_load(config, precision, threads)?;
        if self.id != EMBEDDED || load.measured {
            return Some(load);
        }
        let exact = speed.live_load(config, Precision::F32, threads)?;
        let load = exact.load * automatic_precision::embedded_time(precision);
        Some(LiveLoad { load, measured: false })
    }
}

impl From<ModelEntry> for ListedModel {
    fn from(entry: ModelEntry) -> Self {
        let own = entry.source.as_ref().ok().and_then(|source| source.config().ok());
        let config = own.or_else(|| entry.known.and_then(KnownModel::layout));
        let can_pull = entry.known.is_some() && entry.source.is_err();
        Self {
            repository: entry.known.map(|known| known.repository),
            here: entry.source.is_ok(),
            can_pull,
            place: match &entry.source {
                Ok(ModelSource::Embedded) => "built in".into(),
                Ok(ModelSource::Folder(folder)) => folder.display().to_string(),
                Err(error) => error.to_string(),
            },
            summary: summary(&entry, config.as_ref()),
            config,
            bytes: entry.bytes,
            download_bytes: entry.known.filter(|_| can_pull).map(KnownModel::f32_bytes),
            verified: None,
            id: entry.name,
        }
    }
}

/// From the model's configuration if that is known, else from what is published of it.
fn summary(entry: &ModelEntry, config: Option<&CodecConfig>) -> Option<ModelSummary> {
    let own = config.map(|config| ModelSummary {
        rate: config.sample_rate,
        channels: config.channels,
        layers: config.quantizer.layers,
        parameters: config.parameters(),
    });
    let published = entry.known.map(|known| ModelSummary {
        rate: known.rate,
        channels: known.channels,
        layers: known.layers,
        parameters: known.parameters,
    });
    own.or(published)
}
