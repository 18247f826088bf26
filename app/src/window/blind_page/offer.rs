//! The file and the models that a test can be made with.

use std::path::PathBuf;

use residue_engine::models::ListedModel;

use crate::studio::{LoadedFile, Studio};

/// The file and the models that a test can be made with.
#[derive(Clone, Debug, Default)]
pub struct TestableSound {
    /// The open file.
    pub file: Option<LoadedFile>,
    /// The part of it that repeats, from second to second.
    pub loop_region: Option<(f64, f64)>,
    /// Models, those that are not here too.
    pub models: Vec<ListedModel>,
}

impl TestableSound {
    /// Those of a studio.
    pub fn of(studio: &Studio) -> Self {
        Self {
            file: studio.file().cloned(),
            loop_region: studio.transport().and_then(|transport| transport.loop_region),
            models: studio.library().to_vec(),
        }
    }

    /// Models that can be used, with their layers.
    pub(super) fn usable(&self) -> impl Iterator<Item = (&str, usize)> {
        self.models
            .iter()
            .filter(|model| model.here)
            .filter_map(|model| Some((model.id.as_str(), model.summary?.layers)))
    }

    /// Layers of a model that can be used.
    pub(super) fn layers(&self, model: &str) -> Option<usize> {
        self.usable().find(|(id, _)| *id == model).map(|(_, layers)| layers)
    }

    /// The default folder of reports.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        super::beside(&self.file.as_ref()?.path)
    }
}
