//! The report of `residue listen` at its end.

use clap::ValueEnum;
use residue_engine::codec::Precision;
use residue_engine::live::{Latency, PortStatus};
use serde_json::{Value, json};

use super::super::args::ListenArgs;
use super::meters::ms;
use crate::device::{StreamCounts, StreamShape};

/// Why it is over.
pub enum ListenEnd {
    /// The time asked for is up.
    Seconds,
    /// Ctrl-C.
    Interrupted,
    /// A device or the model gave up.
    Failure(anyhow::Error),
}

/// All there is to say.
pub struct ListenReport<'a> {
    pub args: &'a ListenArgs,
    pub shape: &'a StreamShape,
    /// Layers of A and B.
    pub depths: [usize; 2],
    /// The precision that ran.
    pub precision: Precision,
    pub threads: usize,
    pub latency: Latency,
    /// Frames heard.
    pub frames: u64,
    pub status: PortStatus,
    pub peak_load: f32,
    pub counts: StreamCounts,
    pub ended: &'a ListenEnd,
}

impl ListenReport<'_> {
    /// One line for a person: what was wrong only where something was.
    pub fn line(&self) -> String {
        let seconds = self.frames as f64 / f64::from(self.shape.rate);
        let mut parts = vec![
            format!("{seconds:.1} s heard"),
            format!("peak load {:.0} %", self.peak_load() * 100.0),
            format!("{} late frames", self.status.late_frames),
            format!("{} dropped samples", self.status.dropped_samples),
        ];
        let counts = &self.counts;
        let non_finite = self.status.non_finite.iter().sum();
        let faults = [
            (non_finite, "samples that were no numbers"),
            (self.status.guarded.limited, "samples of A and B lowered to 12 dB over full scale"),
            (self.status.guarded.muted, "samples of A and B muted, as no sound is so loud"),
            (counts.guarded.limited, "samples lowered to the output's full scale"),
            (counts.guarded.muted, "samples muted before the output"),
            (counts.input_xruns, "dropouts of the input"),
            (counts.output_xruns, "dropouts of the output"),
            (counts.slips, "slips between the devices' clocks"),
            (counts.starved, "gaps in the input"),
            (counts.lost_frames, "samples lost before the output"),
        ];
        let faults = faults.iter().filter(|(count, _)| *count > 0);
        parts.extend(faults.map(|(count, what)| format!("{count} {what}")));
        parts.join(", ")
    }

    /// The report as JSON, in one line. Latencies are samples at `rate`.
    pub fn json(&self) -> Value {
        let Self { args, shape, latency, status, counts, .. } = self;
        let source = args.source.to_possible_value();
        json!({
            "host": shape.host,
            "input": shape.input,
            "output": shape.output,
            "rate": shape.rate,
            "buffer": shape.buffer,
            "channels": shape.channels,
            "model": args.model.model,
            "precision": self.precision.name(),
            "precision_request": args.model.live_precision().name(),
            "threads": self.threads,
            "depth": self.depths[0],
            "depth_b": self.depths[1],
            "source": source.as_ref().map(|value| value.get_name()),
            "latency": {
                "frame": latency.frame,
                "allowance": latency.allowance,
                "resampling": latency.resampling,
                "total": latency.total(),
            },
            "latency_ms": ms(latency.total(), shape.rate),
            "frames": self.frames,
            "codec_frames": status.frames,
            "late_frames": status.late_frames,
            "dropped_samples": status.dropped_samples,
            "non_finite": { "input": status.non_finite[0], "model": status.non_finite[1] },
            "guarded": { "limited": status.guarded.limited, "muted": status.guarded.muted },
            "peak_load": self.peak_load(),
            "devices": {
                "in_hand": counts.in_hand,
                "input_xruns": counts.input_xruns,
                "output_xruns": counts.output_xruns,
                "slips": counts.slips,
                "starved": counts.starved,
                "lost_samples": counts.lost_frames,
                "limited": counts.guarded.limited,
                "muted": counts.guarded.muted,
            },
            "ended": match self.ended {
                ListenEnd::Seconds => "seconds",
                ListenEnd::Interrupted => "interrupted",
                ListenEnd::Failure(_) => "failure",
            },
        })
    }

    fn peak_load(&self) -> f32 {
        self.peak_load.max(self.status.peak_load)
    }
}
