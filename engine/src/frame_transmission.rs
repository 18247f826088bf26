//! What happens to codes on their way from an encoder to the decoder.

use residue_codec::{Codec, CodecError};
use residue_live::{FrameEffects, LossConcealment, LossModel};

/// The way of the codes of all streams of a port.
pub(super) struct FrameTransmission {
    loss_model: LossModel,
    /// The next frame on the line.
    next: u64,
    /// The codes of a silent frame at the start of a stream.
    silent: Vec<u32>,
    /// The codes that came out last, for each stream.
    last: Vec<Vec<u32>>,
}

impl FrameTransmission {
    /// For `streams` streams of a model's codes. Encodes a silent frame, which takes its time.
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

    /// The codes of a silent frame.
    pub fn silent(&self) -> &[u32] {
        &self.silent
    }

    /// RVQ layers of a stream.
    pub fn layers(&self) -> usize {
        self.silent.len()
    }

    /// Does to frame `t` of `frames`, which is number `number` of the stream, what is set. `codes`
    /// hold one a frame for each layer of each stream in turn.
    pub fn transmit(
        &mut self,
        number: u64,
        codes: &mut [u32],
        t: usize,
        frames: usize,
        settings: &FrameEffects,
    ) {
        // The line goes on losing frames while nobody listens: while frozen, and where frames that
        // were late were left out.
        let mut lost = false;
        for frame in self.next..=number {
            lost = self.loss_model.loses(&settings.loss, frame);
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

    /// Forgets what came.
    pub fn reset(&mut self) {
        self.loss_model = LossModel::default();
        self.next = 0;
        self.last.iter_mut().for_each(|last| last.clone_from(&self.silent));
    }
}
