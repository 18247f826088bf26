//! The system's file dialogs, without waiting for them.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rfd::{AsyncFileDialog, FileHandle};

/// The purpose of a chosen path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogPurpose {
    /// Audio or codes to open.
    Open,
    /// A folder with a model.
    Model,
    /// A folder for recordings.
    Recordings,
}

/// The dialog that is open, and the paths that were chosen.
pub struct Dialogs {
    sender: Sender<(DialogPurpose, Option<PathBuf>)>,
    chosen: Receiver<(DialogPurpose, Option<PathBuf>)>,
    open: Option<DialogPurpose>,
}

impl Default for Dialogs {
    fn default() -> Self {
        let (sender, chosen) = channel();
        Self { sender, chosen, open: None }
    }
}

impl Dialogs {
    /// Opens a dialog, one at a time; `wake` is called when it is closed.
    pub fn open(&mut self, purpose: DialogPurpose, wake: impl FnOnce() + Send + 'static) {
        if self.open.is_some() {
            return;
        }
        // Some systems want dialogs to be made on the thread of the window.
        let dialog = AsyncFileDialog::new();
        type Answer = std::pin::Pin<Box<dyn Future<Output = Option<FileHandle>> + Send>>;
        let answer: Answer = match purpose {
            DialogPurpose::Open => Box::pin(dialog.set_title("Open audio or codes").pick_file()),
            DialogPurpose::Model => {
                Box::pin(dialog.set_title("Add a model's folder").pick_folder())
            }
            DialogPurpose::Recordings => Box::pin(dialog.set_title("Record into").pick_folder()),
        };
        let sender = self.sender.clone();
        let wait = move || {
            let path = pollster::block_on(answer).map(|file| file.path().to_owned());
            let _ = sender.send((purpose, path));
            wake();
        };
        if thread::Builder::new().name("residue-dialog".into()).spawn(wait).is_ok() {
            self.open = Some(purpose);
        }
    }

    /// The path that was chosen since the last call.
    pub fn chosen(&mut self) -> Option<(DialogPurpose, PathBuf)> {
        let (purpose, path) = self.chosen.try_recv().ok()?;
        self.open = None;
        path.map(|path| (purpose, path))
    }
}
