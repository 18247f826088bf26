//! Latency-compensated bypass: the unprocessed input, delayed by the plugin's latency.

/// Length of the crossfade, in seconds. It is an equal-gain crossfade, because input and output are
/// correlated.
const CROSSFADE: f64 = 0.010;

/// Delays the unprocessed input and crossfades to it. Realtime-safe except for the constructor.
pub struct Bypass {
    /// By channel: the last `latency` input samples, as a ring buffer.
    delay_lines: Vec<Box<[f32]>>,
    /// By channel: the delayed input of the current block.
    delayed: Vec<Box<[f32]>>,
    latency: usize,
    /// Where the ring buffers are read and written next.
    position: usize,
    /// Gain of the delayed input, 0 to 1, and its change per sample.
    gain: f32,
    step: f32,
}

impl Bypass {
    /// Creates the bypass for blocks of at most `max_block` samples, with `latency` in samples; `on` is
    /// its initial state.
    pub fn new(channels: usize, latency: usize, max_block: usize, rate: u32, on: bool) -> Self {
        Self {
            delay_lines: vec![vec![0.0; latency.max(1)].into(); channels],
            delayed: vec![vec![0.0; max_block].into(); channels],
            latency,
            position: 0,
            gain: if on { 1.0 } else { 0.0 },
            step: (1.0 / (CROSSFADE * f64::from(rate))).min(1.0) as f32,
        }
    }

    /// Stores a block of input.
    pub fn push(&mut self, planes: &[&mut [f32]]) {
        let mut end = self.position;
        for ((plane, line), delayed) in
            planes.iter().zip(&mut self.delay_lines).zip(&mut self.delayed)
        {
            if self.latency == 0 {
                delayed[..plane.len()].copy_from_slice(plane);
                continue;
            }
            end = self.position;
            for (input, delayed) in plane.iter().zip(delayed.iter_mut()) {
                *delayed = std::mem::replace(&mut line[end], *input);
                end = if end + 1 == line.len() { 0 } else { end + 1 };
            }
        }
        self.position = end;
    }

    /// Mixes the delayed input of the last pushed block into its processed `planes`: all of it where the
    /// bypass is `on`, a share of it during the crossfade.
    pub fn mix(&mut self, on: bool, planes: &mut [&mut [f32]]) {
        let target = if on { 1.0 } else { 0.0 };
        let length = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
        let mut n = 0;
        while n < length && self.gain != target {
            self.gain = (self.gain + if on { self.step } else { -self.step }).clamp(0.0, 1.0);
            for (plane, delayed) in planes.iter_mut().zip(&self.delayed) {
                plane[n] += (delayed[n] - plane[n]) * self.gain;
            }
            n += 1;
        }
        if on {
            for (plane, delayed) in planes.iter_mut().zip(&self.delayed) {
                plane[n..length].copy_from_slice(&delayed[n..length]);
            }
        }
    }

    /// Clears the delayed input to silence.
    pub fn reset(&mut self) {
        self.delay_lines.iter_mut().for_each(|line| line.fill(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays `input` in blocks of these sizes in turn; the processed signal is the constant 10.
    fn run(bypass: &mut Bypass, on: bool, input: &[f32], blocks: &[usize]) -> Vec<f32> {
        let (mut out, mut at, mut count) = (Vec::new(), 0, 0);
        while at < input.len() {
            let end = input.len().min(at + blocks[count % blocks.len()]);
            let mut block = input[at..end].to_vec();
            bypass.push(&[&mut block]);
            block.fill(10.0);
            bypass.mix(on, &mut [&mut block]);
            out.extend(block);
            (at, count) = (end, count + 1);
        }
        out
    }

    #[test]
    fn bypassed_audio_is_the_delayed_input_bit_for_bit() {
        let input: Vec<f32> = (1..=100).map(|n| n as f32 * 0.1).collect();
        for latency in [0, 1, 7, 40] {
            let mut bypass = Bypass::new(1, latency, 64, 8000, true);
            let out = run(&mut bypass, true, &input, &[3, 64, 1]);
            assert!(out[..latency].iter().all(|x| *x == 0.0));
            assert_eq!(out[latency..], input[..100 - latency]);
        }
    }

    #[test]
    fn switching_crossfades_without_a_step() {
        let mut bypass = Bypass::new(1, 0, 64, 8000, false);
        let input = [0.0; 200];
        assert!(run(&mut bypass, false, &input, &[50]).iter().all(|x| *x == 10.0));
        let out = run(&mut bypass, true, &input, &[50, 7]);
        assert!(out.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.13), "no step");
        assert!(out[70] > 0.0 && out[81..].iter().all(|x| *x == 0.0));
        let out = run(&mut bypass, false, &input, &[50]);
        assert!(out[78] < 10.0 && out[81..].iter().all(|x| *x == 10.0));
    }

    #[test]
    fn a_reset_clears_the_delayed_input() {
        let mut bypass = Bypass::new(1, 5, 64, 8000, true);
        run(&mut bypass, true, &[1.0; 20], &[20]);
        bypass.reset();
        assert_eq!(
            run(&mut bypass, true, &[1.0; 8], &[8]),
            [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
        );
    }
}
