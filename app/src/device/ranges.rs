//! Ranges as people read them.

/// Rates as people read them: `44100, 48000..192000`.
pub fn show_rates(rates: &[(u32, u32)]) -> String {
    rates.iter().map(|&(least, most)| show_range(least, most)).collect::<Vec<_>>().join(", ")
}

/// A range as people read it: `16..8192`, or `256` where there is no choice.
pub fn show_range(least: u32, most: u32) -> String {
    if least == most { least.to_string() } else { format!("{least}..{most}") }
}
