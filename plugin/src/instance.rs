//! The state that all threads of one plugin instance share.

use std::sync::Arc;

use parking_lot::Mutex;
use residue_engine::models::{ModelCatalog, ModelStore};

use crate::model::InstanceModel;
use crate::params::ResidueParams;

/// A plugin instance without its audio session; the editor holds a clone.
#[derive(Clone)]
pub struct Instance {
    /// The parameters.
    pub params: Arc<ResidueParams>,
    /// The model: requested, loaded and running, and the control of the running port.
    pub model: Arc<InstanceModel>,
    /// The list of available models, and their downloads.
    pub catalog: Arc<Mutex<ModelCatalog>>,
}

impl Instance {
    /// Creates an instance with default parameters over the user's model store. Loads nothing.
    pub fn new() -> Self {
        Self::with_store(ModelStore::from_env())
    }

    /// Creates an instance over another model store.
    pub fn with_store(store: ModelStore) -> Self {
        let model = InstanceModel::new(store.clone());
        let params = Arc::new(ResidueParams::new(Arc::clone(&model)));
        // The editor looks by itself a few times a second.
        let catalog = ModelCatalog::new(store, Arc::new(|| ()));
        Self { params, model, catalog: Arc::new(Mutex::new(catalog)) }
    }

    /// Downloads a published model, unless a download runs. When it is here, the instance tries again to
    /// load the requested model if that was missing, also while no editor is open.
    pub fn download(&self, id: &str) {
        let model = Arc::clone(&self.model);
        self.catalog.lock().pull(id, move || model.retry());
    }

    /// Asks the instance's threads to end; does not wait for them.
    pub fn stop(&self) {
        self.model.stop();
        self.catalog.lock().close();
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self::new()
    }
}
