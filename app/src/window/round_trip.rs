//! The parts of the round-trip latency.

use egui::Ui;
use residue_ui::{LatencyPart, latency_parts};

use crate::studio::RoundTrip;

/// The parts, with what each is.
pub fn rows(round_trip: &RoundTrip) -> [LatencyPart<'static>; 5] {
    let part = |name, ms, meaning| LatencyPart { name, ms, meaning };
    let RoundTrip { device_ms, bridge_ms, frame_ms, compute_ms, resampling_ms } = *round_trip;
    [
        part("Frame", frame_ms, "the codec sees a whole frame before it codes it"),
        part("Compute", compute_ms, "time given to the codec and to the devices' blocks"),
        part("Resampling", resampling_ms, "what the rate converters look ahead"),
        part("Between", bridge_ms, "kept in hand between input and output"),
        part("Devices", device_ms, "converters and buffers, as the devices say themselves"),
    ]
}

/// Draws them.
pub fn show(ui: &mut Ui, round_trip: &RoundTrip) {
    latency_parts(ui, "Round trip", &rows(round_trip));
}

/// All parts in one line.
pub fn line(round_trip: &RoundTrip) -> String {
    let parts: Vec<String> = rows(round_trip)
        .iter()
        .map(|part| format!("{} {:.1} ms", part.name.to_lowercase(), part.ms))
        .collect();
    parts.join(", ")
}
