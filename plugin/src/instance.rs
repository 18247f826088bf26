//! The state that all threads of one plugin instance share.

use std::sync::Arc;

use residue_engine::models::ModelLibrary;

use crate::model::{ModelSlot, OpenLibrary, Shelf};
use crate::params::ResidueParams;

/// A plugin instance without its audio session; the editor holds a clone.
#[derive(Clone)]
pub struct Instance {
    /// The parameters.
    pub params: Arc<ResidueParams>,
    /// The model: requested, loaded and running, and the control of the running port.
    pub model: Arc<ModelSlot>,
    /// The list of available models, and their downloads.
    pub shelf: Arc<Shelf>,
}

impl Instance {
    /// Creates an instance with default parameters over the user's model library. Loads nothing.
    pub fn new() -> Self {
        Self::with_library(Arc::new(ModelLibrary::from_env))
    }

    /// Creates an instance over another model library.
    pub fn with_library(open: OpenLibrary) -> Self {
        let model = ModelSlot::new(Arc::clone(&open));
        let params = Arc::new(ResidueParams::new(Arc::clone(&model)));
        Self { params, model, shelf: Shelf::new(open) }
    }

    /// Asks the instance's threads to end; does not wait for them.
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
