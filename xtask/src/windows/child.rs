//! Programs that run beside the task.

use std::process::Child;

/// A program that is ended when this is dropped.
pub struct Beside(pub Child);

impl Beside {
    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
