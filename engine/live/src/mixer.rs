//! From lanes to what is heard.

use std::time::Duration;

use super::settings::PortSettings;

/// How long a change of source or mix crossfades. The lanes are versions of one signal, so that
/// gains and not powers are what must add up to one.
pub const SOURCE_FADE: Duration = Duration::from_millis(10);

/// Gains of dry, A and B on their way from one source to another.
pub(super) struct Mixer {
    from: [f32; 3],
    target: [f32; 3],
    /// Samples of the crossfade, and how many of them have been mixed.
    fade: usize,
    done: usize,
}

impl Mixer {
    pub fn new(rate: u32, settings: &PortSettings) -> Self {
        let target = gains(settings);
        let fade = (f64::from(rate) * SOURCE_FADE.as_secs_f64()).ceil() as usize;
        Self { from: target, target, fade, done: fade }
    }

    /// Heads for other gains.
    pub fn set(&mut self, settings: &PortSettings) {
        let target = gains(settings);
        if target != self.target {
            self.from = self.gains(self.done);
            self.target = target;
            self.done = 0;
        }
    }

    /// Ends a crossfade.
    pub fn settle(&mut self) {
        self.done = self.fade;
    }

    /// Mixes a block: for each channel its dry, A and B lanes into `out`.
    pub fn mix<'a>(
        &mut self,
        count: usize,
        channels: impl Iterator<Item = ([&'a [f32]; 3], &'a mut [f32])>,
    ) {
        let fading = (self.fade - self.done).min(count);
        for (lanes, out) in channels {
            for (tick, out) in out[..fading].iter_mut().enumerate() {
                let gains = self.gains(self.done + tick + 1);
                *out = (0..3).map(|lane| gains[lane] * lanes[lane][tick]).sum();
            }
            mix_settled(
                self.target,
                lanes.map(|lane| &lane[fading..count]),
                &mut out[fading..count],
            );
        }
        self.done += fading;
    }

    /// Gains after `done` samples of the crossfade.
    fn gains(&self, done: usize) -> [f32; 3] {
        if done >= self.fade {
            return self.target;
        }
        let along = done as f32 / self.fade as f32;
        [0, 1, 2].map(|lane| self.from[lane] + (self.target[lane] - self.from[lane]) * along)
    }
}

/// A lane with gain 1 alone comes through bit for bit, also where another holds infinities.
fn mix_settled(gains: [f32; 3], lanes: [&[f32]; 3], out: &mut [f32]) {
    let mut heard = gains.into_iter().zip(lanes).filter(|(gain, _)| *gain != 0.0);
    match heard.next() {
        None => out.fill(0.0),
        Some((1.0, lane)) => out.copy_from_slice(lane),
        Some((gain, lane)) => out.iter_mut().zip(lane).for_each(|(out, x)| *out = gain * x),
    }
    for (gain, lane) in heard {
        out.iter_mut().zip(lane).for_each(|(out, x)| *out += gain * x);
    }
}

fn gains(settings: &PortSettings) -> [f32; 3] {
    let mix = if settings.mix.is_finite() { settings.mix.clamp(0.0, 1.0) } else { 1.0 };
    let mut gains = settings.source.gains().map(|gain| gain * mix);
    gains[0] += 1.0 - mix;
    gains
}
