//! Sample formats. Everything here is realtime-safe.

use cpal::{FromSample, Sample, SampleFormat, SizedSample};

/// Formats that are converted, best first; the device's first match is used.
pub const FORMATS: [SampleFormat; 12] = [
    SampleFormat::F32,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::F64,
    SampleFormat::I16,
    SampleFormat::U32,
    SampleFormat::U24,
    SampleFormat::U16,
    SampleFormat::I64,
    SampleFormat::U64,
    SampleFormat::I8,
    SampleFormat::U8,
];

/// The largest f32 below 1.0: full scale of every integer format, whose positive side is one step
/// short.
const FULL_SCALE: f32 = 1.0 - f32::EPSILON / 2.0;

/// A sample of the device's as f32, -1 to 1; f32 unchanged.
pub fn from_device<T>(sample: T) -> f32
where
    f32: FromSample<T>,
{
    f32::from_sample_(sample)
}

/// A sample for the device, from -1 to 1. Integers clip one step below 1; NaN becomes silence.
pub fn to_device<T: SizedSample + FromSample<f32>>(sample: f32) -> T {
    if T::FORMAT.is_float() {
        return T::from_sample_(sample);
    }
    let within = if sample.is_nan() { f32::EQUILIBRIUM } else { sample.clamp(-1.0, FULL_SCALE) };
    T::from_sample_(within)
}

/// Writes planes to interleaved frames of `width` channels: one plane goes to the first two
/// channels, two planes to one each; other channels are silent.
pub fn interleave<T>(planes: &[&mut [f32]], out: &mut [T], width: usize)
where
    T: SizedSample + FromSample<f32>,
{
    for (n, frame) in out.chunks_exact_mut(width).enumerate() {
        for (channel, sample) in frame.iter_mut().enumerate() {
            let plane = if channel < 2 { planes.get(channel.min(planes.len() - 1)) } else { None };
            *sample = plane.map_or(T::EQUILIBRIUM, |plane| to_device(plane[n]));
        }
    }
}

#[cfg(test)]
mod tests {
    use cpal::{I24, U24};

    use super::*;

    fn there_and_back<T: SizedSample + FromSample<f32>>(sample: f32) -> f32
    where
        f32: FromSample<T>,
    {
        from_device(to_device::<T>(sample))
    }

    #[test]
    fn f32_passes_unchanged() {
        for sample in [0.0_f32, -0.0, 1e-40, 0.1, -3.5, f32::MAX] {
            let out = from_device(to_device::<f32>(sample));
            assert_eq!(out.to_bits(), sample.to_bits());
        }
    }

    #[test]
    fn integers_keep_their_precision_and_clip() {
        for sample in [-1.0, -0.75, -1e-3, 0.0, 0.3, 0.999] {
            let near =
                |out: f32, step: f32| assert!((out - sample).abs() <= step, "{sample} {out}");
            near(there_and_back::<i8>(sample), 1.0 / 128.0);
            near(there_and_back::<u8>(sample), 1.0 / 128.0);
            near(there_and_back::<i16>(sample), 1.0 / 32_768.0);
            near(there_and_back::<u16>(sample), 1.0 / 32_768.0);
            near(there_and_back::<I24>(sample), 1.0 / 8_388_608.0);
            near(there_and_back::<U24>(sample), 1.0 / 8_388_608.0);
            near(there_and_back::<i32>(sample), 1.0 / 8_388_608.0);
            near(there_and_back::<u32>(sample), 1.0 / 8_388_608.0);
        }
        for (sample, full) in [(1.0, 1.0), (7.0, 1.0), (-7.0, -1.0), (f32::NAN, 0.0)] {
            let near = |out: f32| assert!((out - full).abs() <= 1.0 / 127.0, "{sample} {out}");
            near(there_and_back::<i8>(sample));
            near(there_and_back::<u8>(sample));
            near(there_and_back::<i16>(sample));
            near(there_and_back::<I24>(sample));
            near(there_and_back::<U24>(sample));
            near(there_and_back::<i32>(sample));
            near(there_and_back::<u64>(sample));
        }
    }

    #[test]
    fn planes_go_to_the_first_two_channels() {
        let (mut left, mut right) = ([1.0, 2.0], [3.0, 4.0]);
        let mut out = [9.0_f32; 6];
        interleave(&[&mut left[..]], &mut out, 3);
        assert_eq!(out, [1.0, 1.0, 0.0, 2.0, 2.0, 0.0]);
        interleave(&[&mut left[..], &mut right[..]], &mut out, 3);
        assert_eq!(out, [1.0, 3.0, 0.0, 2.0, 4.0, 0.0]);
        interleave(&[&mut left[..]], &mut out[..2], 1);
        assert_eq!(out[..2], [1.0, 2.0]);
    }
}
