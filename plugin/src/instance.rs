//! What all threads of one plugin instance share.

use std::sync::Arc;

use crate::model::ModelSlot;
use crate::params::ResidueParams;

/// An instance as everybody but the audio thread sees it; an editor holds one.
#[derive(Clone)]
pub struct Instance {
    /// The parameters.
    pub params: Arc<ResidueParams>,
    /// The model: status, choice, and the control of the port that runs.
    pub model: Arc<ModelSlot>,
}

impl Instance {
    /// An instance with default parameters that has loaded nothing.
    pub fn new() -> Self {
        let model = ModelSlot::new();
        Self { params: Arc::new(ResidueParams::new(Arc::clone(&model))), model }
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self::new()
    }
}
