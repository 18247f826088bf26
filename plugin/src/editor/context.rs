//! The state that the sections of the editor share.

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
    /// The model dialog's state while it is open.
    pub dialog: Option<ModelDialogState>,
}

/// The state of the open model dialog.
#[derive(Default)]
pub(super) struct ModelDialogState {
    /// The folder that is being typed.
    pub folder: String,
    /// A download was running when the list was read; it is read again when the download has ended.
    pub fetching: bool,
}

impl EditorContext {
    /// Opens the model dialog, and starts reading the list of models on this computer.
    pub fn open_model_dialog(&mut self) {
        self.instance.shelf.refresh();
        self.dialog = Some(ModelDialogState::default());
    }
}
