//! Progress bars, on stderr and only where a person sees them.

use std::ops::ControlFlow;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Steps of a bar that counts shares.
const STEPS: u64 = 1000;

/// A bar that shows the share done; nothing where stderr is no terminal.
pub struct Share(ProgressBar);

impl Share {
    pub fn new(what: &str) -> Self {
        let bar = ProgressBar::new(STEPS).with_message(what.to_owned());
        bar.set_style(style("{msg:10} {bar:40} {percent:>3} %  {eta}"));
        Self(bar)
    }

    /// Shows that `share` (0 to 1) is done.
    pub fn set(&self, share: f64) -> ControlFlow<()> {
        self.0.set_position((share * STEPS as f64) as u64);
        ControlFlow::Continue(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A sign that something goes on, where nobody knows how far it is.
pub struct Waiting(ProgressBar);

impl Waiting {
    pub fn new(what: &str) -> Self {
        let sign = ProgressBar::new_spinner().with_message(what.to_owned());
        sign.set_style(style("{msg:10} {spinner} {elapsed}"));
        sign.enable_steady_tick(Duration::from_millis(200));
        Self(sign)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar that counts bytes; how many there are may come later.
pub fn bytes() -> ProgressBar {
    let bar = ProgressBar::new(0);
    bar.set_style(style("{msg:32!} {bar:30} {bytes:>10} of {total_bytes:10} {eta}"));
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
