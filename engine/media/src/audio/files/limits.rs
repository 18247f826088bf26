//! Bounds on what a file may become in memory.

use super::SUPPORTED_RATES;

/// Most samples, all channels together, that [`read`](super::read()) accepts, counted at 48 kHz where the file's
/// rate is lower: 70 minutes of stereo, 1.5 GiB.
///
/// A file of a low rate grows when it is converted for a model, which is why it counts at 48 kHz. A command holds the
/// decoded audio, a copy at the model's rate, and one more of its size for each depth that it decodes: a file at the
/// limit takes 6 GiB and more, and one that lies about its length no more than 2 GiB before it is refused.
pub const MAX_SAMPLES: usize = 3 << 27;

/// Most channels of a file: the 64 of a MADI link, twice. Each channel is a stream of the codec, with a state of its
/// own.
pub const MAX_CHANNELS: usize = 128;

/// Largest absolute sample. Floats of a 32-bit integer's size are still audio, if far too loud; beyond, a header
/// says float of something else, and a codec's sums would overflow.
pub const MAX_LEVEL: f32 = 4_294_967_296.0;

/// Most bytes that are taken from a pipe, which has to be held in memory.
pub(super) const MAX_PIPE_BYTES: u64 = 1 << 29;

/// Most bytes of a file whose packets are looked at as a whole (MPEG audio), and of an MP4 file's index.
pub(super) const MAX_HELD_BYTES: u64 = 1 << 29;

/// Files of lower rates count at this one, the highest of the known models, in hertz.
const COUNTED_RATE: u64 = 48_000;

/// Returns the most samples a channel that `max_samples` allow at `rate` with `channels`.
pub(super) fn max_frames(max_samples: usize, rate: u32, channels: usize) -> usize {
    let rate = u64::from(rate.clamp(*SUPPORTED_RATES.start(), *SUPPORTED_RATES.end()));
    let frames = max_samples as u128 * u128::from(rate.min(COUNTED_RATE));
    let counted = frames / u128::from(COUNTED_RATE) / channels.max(1) as u128;
    usize::try_from(counted).unwrap_or(usize::MAX)
}
