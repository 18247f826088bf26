//! Commands of keys and panels to the window.

use super::dialogs::DialogPurpose;
use super::page::Page;
use crate::studio::UserNotice;

/// Something that a key or a panel asks the window for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowCommand {
    /// Shows a page.
    Show(Page),
    /// Opens a dialog of the system.
    Choose(DialogPurpose),
    /// Starts or ends a recording.
    Record,
    /// Tells a person something.
    Notify(UserNotice),
}
