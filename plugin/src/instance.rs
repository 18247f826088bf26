//! What all threads of one plugin instance share.

use std::sync::Arc;

use residue_engine::models::ModelLibrary;

use crate::model::{ModelSlot, OpenLibrary, Shelf};
use crate::params::ResidueParams;

/// An instance as everybody but the audio thread sees it; an editor holds one.
#[derive(Clone)]
pub struct Instance {
    /// The parameters.
    pub params: Arc<ResidueParams>,
    /// The model: status, choice, and the control of the port that runs.
    pub model: Arc<ModelSlot>,
    /// What models there are to choose from, and their downloads.
    pub shelf: Arc<Shelf>,
}

impl Instance {
    /// An instance with default parameters that has loaded nothing, for the user's models.
    pub fn new() -> Self {
        Self::with_library(Arc::new(ModelLibrary::from_env))
    }

    /// The same for the models of another library.
    pub fn with_library(open: OpenLibrary) -> Self {
        let model = ModelSlot::new(Arc::clone(&open));
        let params = Arc::new(ResidueParams::new(Arc::clone(&model)));
        Self { params, model, shelf: Shelf::new(open) }
    }

    /// The instance goes: threads that work for it end as soon as they can.
    pub fn stop(&self) {
        self.model.stop();
        self.shelf.stop();
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self::new()
    }
}
