//! Where the codecs of a test come from.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use residue_engine::blind::ReportedModel;
use residue_engine::codec::{Codec, CodecError, Precision};
use residue_engine::models::{self, ModelLibrary, ModelSource, ModelsError};
use residue_engine::offline::OfflineError;

use super::{BlindError, Watch};
use crate::studio::{self, ModelWish};

/// Loads models for tests and knows their sums.
#[derive(Default)]
pub struct Shelf {
    library: Option<ModelLibrary>,
    /// Reading gigabytes once is enough.
    sums: Mutex<HashMap<ModelSource, String>>,
}

impl Shelf {
    /// Models of this library; `None`: the user's own.
    pub fn new(library: Option<ModelLibrary>) -> Self {
        Self { library, sums: Mutex::default() }
    }

    /// Loads a model and sums its files. Leaves a core to what plays meanwhile.
    ///
    /// # Errors
    /// If it is not here, is damaged, or the work was cancelled.
    pub(super) fn load(
        &self,
        model: &str,
        precision: Precision,
        watch: &Watch,
    ) -> Result<(Codec, ReportedModel), BlindError> {
        let failed = |problem: String| BlindError::Model { model: model.to_owned(), problem };
        let source = studio::models::locate(model, &self.library).map_err(failed)?;
        let sha256 = match self.sum(&source, model, watch) {
            Err(ModelsError::Cancelled) => return Err(BlindError::Cancelled),
            sum => sum.map_err(|error| failed(error.to_string()))?,
        };

        let wish = ModelWish { id: model.to_owned(), precision, threads: 0 };
        let library = studio::models::library(&self.library).ok();
        let options = studio::models::options(&wish, library.as_ref());
        let what = format!("Loading {model} in {precision}");
        watch.check(&what, 0.0)?;
        let on_load = |share| watch.at(&what, share);
        let codec = match studio::models::load_source(&source, &options, &on_load) {
            Err(CodecError::Cancelled) => return Err(BlindError::Cancelled),
            codec => codec.map_err(|error| failed(error.to_string()))?,
        };
        let name = model.to_owned();
        Ok((codec, ReportedModel { name, precision: precision.name().into(), sha256 }))
    }

    fn sum(&self, source: &ModelSource, model: &str, watch: &Watch) -> Result<String, ModelsError> {
        let sums = || self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sum) = sums().get(source) {
            return Ok(sum.clone());
        }
        let what = format!("Summing {model}");
        let on_progress = &mut |progress: models::Progress<'_>| -> ControlFlow<()> {
            watch.at(&what, progress.done as f64 / progress.total.max(1) as f64)
        };
        let sum = models::model_checksum(source, on_progress)?;
        sums().insert(source.clone(), sum.clone());
        Ok(sum)
    }
}

/// Cancelling is no failure of the codec's.
pub(super) fn or_cancelled(error: OfflineError) -> BlindError {
    match error {
        OfflineError::Cancelled => BlindError::Cancelled,
        other => BlindError::Codec(other),
    }
}
