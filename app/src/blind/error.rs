//! The reasons why a blind test does not take place.

use std::io;
use std::path::PathBuf;

use residue_engine::audio::AudioError;
use residue_engine::blind::{RandomError, RatingError};
use residue_engine::measure::MeasureError;
use residue_engine::models::{JobError, ModelLoadError};
use residue_engine::offline::OfflineError;

use super::material::{LONGEST_SECONDS, SHORTEST_SECONDS};

/// Any error of blind listening, in one line for a person.
#[derive(Debug, thiserror::Error)]
pub enum BlindError {
    /// The passage has no loudness to speak of.
    #[error(
        "the passage is {seconds:.2} s long; a blind test needs {SHORTEST_SECONDS} s or more: choose a longer loop"
    )]
    TooShort {
        /// Its length.
        seconds: f64,
    },
    /// The passage would take too much memory; a comparison needs seconds, not minutes.
    #[error(
        "the passage is {seconds:.0} s long; a blind test takes {LONGEST_SECONDS:.0} s or less: set a loop around what matters"
    )]
    TooLong {
        /// Its length.
        seconds: f64,
    },
    /// A model cannot be loaded.
    #[error("model {model}: {source}")]
    Model {
        /// Its name.
        model: String,
        /// Why.
        source: ModelLoadError,
    },
    /// The model has fewer layers.
    #[error("model {model} has {layers} layers, so depth {depth} is not possible")]
    Depth {
        /// Its name.
        model: String,
        /// Layers it has.
        layers: usize,
        /// The depth asked for.
        depth: usize,
    },
    /// A model did not do its part.
    #[error("model {model}: {source}")]
    Codec {
        /// Its name.
        model: String,
        /// Why.
        source: Box<OfflineError>,
    },
    /// A conventional codec did not do its part.
    #[error("{codec}: {source}")]
    Conventional {
        /// Its name.
        codec: String,
        /// Why.
        source: Box<OfflineError>,
    },
    /// The passage cannot be converted.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The loudness cannot be measured.
    #[error("the loudness of {name} cannot be measured: {source}")]
    Loudness {
        /// Of what.
        name: String,
        /// Why.
        source: MeasureError,
    },
    /// Nothing can be drawn.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// A rating was refused.
    #[error(transparent)]
    Rating(#[from] RatingError),
    /// A thread could not be started or ended without a result.
    #[error("{what} ended without a result; try again")]
    NoResult {
        /// The step that it was in.
        what: &'static str,
    },
    /// The person asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A report cannot be written.
    #[error("cannot write {}: {source}; choose another folder", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<JobError> for BlindError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Cancelled => Self::Cancelled,
            JobError::Panicked { .. } | JobError::Thread { .. } => {
                Self::NoResult { what: "rendering" }
            }
        }
    }
}
