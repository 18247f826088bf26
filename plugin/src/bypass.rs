//! The bypass: the input as it came, delayed by the latency.

use residue_engine::dsp::{DelayLine, SlewLimiter};

/// Seconds of the crossfade. Input and output are versions of one signal: their gains add up to one.
const FADE: f64 = 0.010;

/// Delays the untouched input and crossfades to it. Realtime-safe once made.
pub struct Bypass {
    /// By channel.
    delays: Vec<DelayLine>,
    /// By channel: the delayed input of the current block.
    raw: Vec<Box<[f32]>>,
    latency: usize,
    /// Number of the next input sample.
    position: u64,
    /// Share of the input in the output, 0 to 1.
    share: SlewLimiter,
}

impl Bypass {
    /// For blocks of at most `max_block` samples; `on` says where it starts.
    pub fn new(channels: usize, latency: usize, max_block: usize, rate: u32, on: bool) -> Self {
        Self {
            delays: (0..channels).map(|_| DelayLine::new(latency, max_block)).collect(),
            raw: vec![vec![0.0; max_block].into(); channels],
            latency,
            position: 0,
            share: SlewLimiter::new(
                if on { 1.0 } else { 0.0 },
                (1.0 / (FADE * f64::from(rate))).min(1.0) as f32,
            ),
        }
    }

    /// Takes a block of input.
    pub fn take(&mut self, planes: &[&mut [f32]]) {
        let delayed = self.position.wrapping_sub(self.latency as u64);
        for ((plane, delay), raw) in planes.iter().zip(&mut self.delays).zip(&mut self.raw) {
            delay.write(self.position, plane);
            delay.read(delayed, &mut raw[..plane.len()]);
        }
        self.position += planes.first().map_or(0, |plane| plane.len()) as u64;
    }

    /// Puts the delayed input in the place of what became of the block taken last, or some of it on
    /// the way there and back.
    pub fn mix(&mut self, on: bool, planes: &mut [&mut [f32]]) {
        let target = if on { 1.0 } else { 0.0 };
        let length = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
        let mut n = 0;
        while n < length && self.share.value() != target {
            let share = self.share.next(target);
            for (plane, raw) in planes.iter_mut().zip(&self.raw) {
                plane[n] += (raw[n] - plane[n]) * share;
            }
            n += 1;
        }
        if on {
            for (plane, raw) in planes.iter_mut().zip(&self.raw) {
                plane[n..length].copy_from_slice(&raw[n..length]);
            }
        }
    }

    /// Forgets the input: silence.
    pub fn reset(&mut self) {
        self.delays.iter_mut().for_each(DelayLine::reset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of different sizes; the wet signal is a constant.
    fn run(bypass: &mut Bypass, on: bool, input: &[f32], blocks: &[usize]) -> Vec<f32> {
        let (mut out, mut at, mut turn) = (Vec::new(), 0, 0);
        while at < input.len() {
            let end = input.len().min(at + blocks[turn % blocks.len()]);
            let mut block = input[at..end].to_vec();
            bypass.take(&[&mut block]);
            block.fill(10.0);
            bypass.mix(on, &mut [&mut block]);
            out.extend(block);
            (at, turn) = (end, turn + 1);
        }
        out
    }

    #[test]
    fn bypassed_audio_is_the_input_late_and_bit_for_bit() {
        let input: Vec<f32> = (1..=100).map(|n| n as f32 * 0.1).collect();
        for latency in [0, 1, 7, 40] {
            let mut bypass = Bypass::new(1, latency, 64, 8000, true);
            let out = run(&mut bypass, true, &input, &[3, 64, 1]);
            assert!(out[..latency].iter().all(|x| *x == 0.0));
            assert_eq!(out[latency..], input[..100 - latency]);
        }
    }

    #[test]
    fn switching_takes_its_time_and_then_is_over() {
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
    fn a_reset_forgets() {
        let mut bypass = Bypass::new(1, 5, 64, 8000, true);
        run(&mut bypass, true, &[1.0; 20], &[20]);
        bypass.reset();
        assert_eq!(
            run(&mut bypass, true, &[1.0; 8], &[8]),
            [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
        );
    }
}
