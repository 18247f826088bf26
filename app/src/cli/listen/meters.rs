//! Levels, load and losses in one line that is drawn again and again, on stderr and only where a
//! person sees it.

use indicatif::{ProgressBar, ProgressStyle};
use residue_engine::live::{Latency, PortStatus};

use crate::device::StreamCounts;
use crate::terminal;

/// Cells of a level's bar: as many as leave the line within 80 columns.
const CELLS: usize = 8;
/// Bottom of a level's bar, dBFS.
const FLOOR: f32 = -60.0;

/// The line.
pub struct TerminalMeters {
    bar: ProgressBar,
    rate: u32,
    latency: Latency,
}

impl TerminalMeters {
    pub fn new(rate: u32, latency: Latency) -> Self {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self { bar, rate, latency }
    }

    /// Draws the line anew. Peaks are those since the status was last read.
    pub fn show(&self, status: &PortStatus, counts: StreamCounts) {
        if self.bar.is_hidden() {
            return;
        }
        let [input, output] = status.peaks.map(|[left, right]| level(left.max(right)));
        let devices = counts.input_xruns + counts.output_xruns + counts.slips + counts.starved;
        let total = self.latency.total() + counts.in_hand;
        self.bar.set_message(format!(
            "in {input}  out {output}  load {:3.0} %  late {}  faults {devices}  {:.0} ms",
            status.peak_load * 100.0,
            status.late_frames,
            ms(total, self.rate)
        ));
    }

    /// Says something above the line.
    pub fn remark(&self, text: &str) {
        self.bar.suspend(|| terminal::note(text));
    }

    /// Takes the line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A latency and what it is made of.
pub fn latency(latency: Latency, rate: u32) -> String {
    let ms = |samples| ms(samples, rate);
    format!(
        "latency {:.1} ms = frame {:.1} + time for the codec {:.1} + resampling {:.1}, \
         and that of the devices",
        ms(latency.total()),
        ms(latency.frame),
        ms(latency.allowance),
        ms(latency.resampling)
    )
}

/// Samples as milliseconds.
pub fn ms(samples: usize, rate: u32) -> f64 {
    samples as f64 * 1e3 / f64::from(rate)
}

/// A peak as a bar and a number in dBFS: `####----  -30.1`.
fn level(peak: f32) -> String {
    let db = 20.0 * peak.log10();
    let share = ((db - FLOOR) / -FLOOR).clamp(0.0, 1.0);
    let full = (share * CELLS as f32).round() as usize;
    let bar = "#".repeat(full) + &"-".repeat(CELLS - full);
    if db < FLOOR { format!("{bar}   -inf") } else { format!("{bar} {db:6.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_shown_on_a_decibel_scale() {
        assert_eq!(level(1.0), "########    0.0");
        assert_eq!(level(0.031_622_78), "####----  -30.0");
        assert_eq!(level(0.0), "--------   -inf");
        assert_eq!(level(4.0), "########   12.0");
    }

    #[test]
    fn a_latency_says_what_it_is_made_of() {
        let parts = Latency { frame: 960, resampling: 96, allowance: 480 };
        assert_eq!(
            latency(parts, 48_000),
            "latency 32.0 ms = frame 20.0 + time for the codec 10.0 + resampling 2.0, \
             and that of the devices"
        );
    }
}
