//! Telling a long operation's caller how far it is, and being told to stop.

use std::fmt;
use std::ops::ControlFlow;

use super::ModelsError;

/// What a long operation is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProgressStage {
    /// Asking the hub what there is.
    Asking,
    /// Another program is downloading the same file; waiting for it.
    Waiting,
    /// Bytes are arriving.
    Downloading,
    /// The connection broke; about to try again.
    Retrying,
    /// Summing bytes that are already on disk.
    Checking,
}

/// For a person.
impl fmt::Display for ProgressStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asking => "asking the hub",
            Self::Waiting => "waiting for another program's download",
            Self::Downloading => "downloading",
            Self::Retrying => "the connection broke, trying again",
            Self::Checking => "checking",
        })
    }
}

/// How far a long operation is.
///
/// Within one pull or verification `done` never decreases and ends at `total`; both are 0 until the
/// sizes are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is going on.
    pub stage: ProgressStage,
    /// The file's name in the repository or folder; empty where no single file is meant.
    pub file: &'a str,
    /// Bytes dealt with, of all files together.
    pub done: u64,
    /// Bytes there are, of all files together.
    pub total: u64,
}

/// Is called for every block that arrives, and every few hundredths of a second while waiting: keep
/// it cheap.
///
/// [`ControlFlow::Break`] stops the operation with [`ModelsError::Cancelled`]; a stalled connection
/// is noticed after [`HubSettings::patience`](super::HubSettings::patience) at the latest. It runs on
/// the thread that called the operation.
pub type OnProgress<'a> = dyn FnMut(Progress<'_>) -> ControlFlow<()> + 'a;

/// The bookkeeping between one operation's files and its callback.
pub(super) struct ProgressTally<'a> {
    callback: &'a mut OnProgress<'a>,
    total: u64,
    /// Bytes of files that are finished.
    finished: u64,
    /// The most ever reported: a file that has to start again must not run the bar backwards.
    reported: u64,
}

impl<'a> ProgressTally<'a> {
    pub(super) fn new(callback: &'a mut OnProgress<'a>) -> Self {
        Self { callback, total: 0, finished: 0, reported: 0 }
    }

    /// Sets what there is in all, once the sizes are known.
    pub(super) fn expect(&mut self, total: u64) {
        self.total = total;
    }

    /// Reports that `within` bytes of the current file are done.
    pub(super) fn report(
        &mut self,
        stage: ProgressStage,
        file: &str,
        within: u64,
    ) -> Result<(), ModelsError> {
        self.reported = self.reported.max((self.finished + within).min(self.total));
        let progress = Progress { stage, file, done: self.reported, total: self.total };
        match (self.callback)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ModelsError::Cancelled),
        }
    }

    /// Counts a whole file of `bytes` as done.
    pub(super) fn finish(
        &mut self,
        stage: ProgressStage,
        file: &str,
        bytes: u64,
    ) -> Result<(), ModelsError> {
        self.finished += bytes;
        self.report(stage, file, 0)
    }
}
