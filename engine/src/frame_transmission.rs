//! Transmission of codes from encoder to decoder: packet loss with concealment, and freeze.

use residue_codec::{Codec, CodecError};
use residue_live::{FrameEffects, LossConcealment, LossModel};

/// Transmission of the codes of all streams of a port.
pub(super) struct FrameTransmission {
    loss_model: LossModel,
    /// Number of the frame that the loss model advances to next.
    next: u64,
    /// The codes of a silent frame at the start of a stream, by layer.
    silent: Vec<u32>,
    /// The codes that were delivered last, `[streams][layers]`.
    last: Vec<Vec<u32>>,
}

impl FrameTransmission {
    /// Returns the transmission of `streams` streams of a model's codes. Encodes a silent frame: not
    /// realtime-safe.
    ///
    /// # Errors
    /// If the model fails.
    pub fn new(codec: &Codec, streams: usize) -> Result<Self, CodecError> {
        let config = codec.config();
        let silence = vec![0.0; config.frame_samples];
        let planes = vec![&silence[..]; config.channels];
        let mut silent = vec![0; config.quantizer.layers];
        codec.encoder(1).encode_into(&planes, silent.len(), &mut silent)?;
        let last = vec![silent.clone(); streams];
        Ok(Self { loss_model: LossModel::default(), next: 0, last, silent })
    }

    /// Returns the codes of a silent frame, by layer.
    pub fn silent(&self) -> &[u32] {
        &self.silent
    }

    /// Returns the RVQ layers of a stream.
    pub fn layers(&self) -> usize {
        self.silent.len()
    }

    /// Transmits frame `t` of the `frames` in `codes`, `[streams][layers][frames]`, in place: frame
    /// `number` of the stream.
    pub fn transmit(
        &mut self,
        number: u64,
        codes: &mut [u32],
        t: usize,
        frames: usize,
        settings: &FrameEffects,
    ) {
        // The loss model advances for skipped and frozen frames too, so that the pattern is
        // reproducible.
        let mut lost = false;
        for frame in self.next..=number {
            lost = self.loss_model.is_lost(&settings.loss, frame);
        }
        self.next = number + 1;
        let repeats = settings.freeze || (lost && settings.loss.fill == LossConcealment::Repeat);
        let streams = codes.chunks_exact_mut(self.silent.len() * frames);
        for (last, codes) in self.last.iter_mut().zip(streams) {
            let codes = codes.iter_mut().skip(t).step_by(frames);
            for ((code, last), silent) in codes.zip(last).zip(&self.silent) {
                if repeats {
                    *code = *last;
                } else if lost {
                    *code = *silent;
                }
                *last = *code;
            }
        }
    }

    /// Returns to the start of a stream.
    pub fn reset(&mut self) {
        self.loss_model = LossModel::default();
        self.next = 0;
        self.last.iter_mut().for_each(|last| last.clone_from(&self.silent));
    }
}
