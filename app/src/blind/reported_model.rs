//! Loading a test's models, with what a report says of them.

use residue_engine::blind::ReportedModel;
use residue_engine::codec::{Codec, Precision};
use residue_engine::models::{JobContext, ModelLoadError, ModelStore, ModelsError};
use residue_engine::offline::OfflineError;

use super::BlindError;

/// Loads a model and returns it with the checksum of its files. Leaves a core to what plays meanwhile.
///
/// # Errors
/// If it is not here, is damaged, or the job was cancelled.
pub(super) fn load(
    store: &ModelStore,
    model: &str,
    precision: Precision,
    context: &JobContext,
) -> Result<(Codec, ReportedModel), BlindError> {
    let failed = |source: ModelLoadError| match source {
        ModelLoadError::Cancelled | ModelLoadError::Models(ModelsError::Cancelled) => {
            BlindError::Cancelled
        }
        source => BlindError::Model { model: model.to_owned(), source },
    };
    let source = store.locate(model).map_err(|error| failed(error.into()))?;
    let step = format!("Summing {model}");
    let sha256 = store
        .checksum(&source, &mut |progress| {
            context.step(&step, progress.done as f64 / progress.total.max(1) as f64)
        })
        .map_err(|error| failed(error.into()))?;
    let step = format!("Loading {model} in {precision}");
    context.check_step(&step, 0.0)?;
    let codec = store
        .load_from(&source, precision, 0, &|share| context.step(&step, share))
        .map_err(failed)?;
    let name = model.to_owned();
    Ok((codec, ReportedModel { name, precision: precision.name().into(), sha256 }))
}

/// Tells cancellation from failures of the codec.
pub(super) fn or_cancelled(model: &str) -> impl Fn(OfflineError) -> BlindError {
    move |error| match error {
        OfflineError::Cancelled => BlindError::Cancelled,
        source => BlindError::Codec { model: model.to_owned(), source: Box::new(source) },
    }
}
