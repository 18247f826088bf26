//! Mixing the lanes to the output.

use std::time::Duration;

use residue_core::ramp::Ramp;

use super::settings::PortSettings;

/// Duration of the crossfade at a change of source or mix. The lanes are versions of one signal, so
/// that it has equal gain, not equal power.
pub const SOURCE_FADE: Duration = Duration::from_millis(10);

/// Gains of dry, A and B, crossfaded from one source to another. Realtime-safe once made.
pub(super) struct Mixer {
    /// They change together.
    gains: [Ramp; 3],
    target: [f32; 3],
}

impl Mixer {
    pub fn new(rate: u32, settings: &PortSettings) -> Self {
        let target = target_gains(settings);
        let fade = (f64::from(rate) * SOURCE_FADE.as_secs_f64()).ceil() as usize;
        Self { gains: target.map(|gain| Ramp::new(gain, fade)), target }
    }

    /// Begins a crossfade to the gains of `settings`, unless they are the target already.
    pub fn set(&mut self, settings: &PortSettings) {
        let target = target_gains(settings);
        if target != self.target {
            self.target = target;
            self.gains.iter_mut().zip(target).for_each(|(gain, target)| gain.set(target));
        }
    }

    /// Ends a crossfade at once.
    pub fn settle(&mut self) {
        self.gains.iter_mut().for_each(Ramp::settle);
    }

    /// Mixes a block of `count` samples: for each channel its dry, A and B lanes into the output.
    pub fn mix<'a>(
        &mut self,
        count: usize,
        channels: impl Iterator<Item = ([&'a [f32]; 3], &'a mut [f32])>,
    ) {
        let remaining = self.gains.iter().map(Ramp::remaining).max().unwrap_or(0);
        let fading = remaining.min(count);
        for (lanes, out) in channels {
            for (n, out) in out[..fading].iter_mut().enumerate() {
                let gained = |lane: usize| self.gains[lane].value_after(n + 1) * lanes[lane][n];
                *out = (0..3).map(gained).sum();
            }
            let rest = lanes.map(|lane| &lane[fading..count]);
            mix_constant(self.target, rest, &mut out[fading..count]);
        }
        self.gains.iter_mut().for_each(|gain| gain.advance(fading));
    }
}

/// Mixes at constant gains. A single lane at gain 1 is copied bit for bit, whatever the others hold.
fn mix_constant(gains: [f32; 3], lanes: [&[f32]; 3], out: &mut [f32]) {
    let mut audible = gains.into_iter().zip(lanes).filter(|(gain, _)| *gain != 0.0);
    match audible.next() {
        None => out.fill(0.0),
        Some((1.0, lane)) => out.copy_from_slice(lane),
        Some((gain, lane)) => out.iter_mut().zip(lane).for_each(|(out, x)| *out = gain * x),
    }
    for (gain, lane) in audible {
        out.iter_mut().zip(lane).for_each(|(out, x)| *out += gain * x);
    }
}

fn target_gains(settings: &PortSettings) -> [f32; 3] {
    let mix = if settings.mix.is_finite() { settings.mix.clamp(0.0, 1.0) } else { 1.0 };
    let mut gains = settings.source.gains().map(|gain| gain * mix);
    gains[0] += 1.0 - mix;
    gains
}
