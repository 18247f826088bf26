//! The state that the sections of the editor share.

use residue_engine::models::PullStatus;

use super::host_params::HostParams;
use crate::instance::Instance;
use crate::model::ModelStatus;

/// The edited instance, and the editor's own state beside it.
pub(super) struct EditorContext {
    /// The edited instance.
    pub instance: Instance,
    /// Access to its parameters through the host.
    pub host: HostParams,
    /// The model's status, as of this frame.
    pub model: ModelStatus,
    /// The download that runs, or has ended and was not dismissed, as of this frame.
    pub download: Option<PullStatus>,
    /// The model dialog's state while it is open.
    pub dialog: Option<ModelDialogState>,
}

/// The state of the open model dialog.
#[derive(Default)]
pub(super) struct ModelDialogState {
    /// The folder that is being typed.
    pub folder: String,
}

impl EditorContext {
    /// Reads the model's status, and what the catalog's jobs have done.
    pub fn read(&mut self) {
        self.model = self.instance.model.status();
        let mut catalog = self.instance.catalog.lock();
        // The download's end is part of its status; the rest shows in the list.
        drop(catalog.poll());
        self.download = catalog.pull_status();
    }

    /// Opens the model dialog, and starts reading the list of models on this computer.
    pub fn open_model_dialog(&mut self) {
        self.instance.catalog.lock().refresh();
        self.dialog = Some(ModelDialogState::default());
    }
}
