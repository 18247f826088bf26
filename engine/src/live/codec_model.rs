//! The codec as a model of the live path: encode, do to the frames what is asked, decode both lanes
//! in one batch.

use super::loss::Channel;
use super::model::{Format, Frames, LANES, Model, Processed, Processor};
use super::settings::{FrameSettings, LossFill};
use crate::codec::{Codec, Decoder, Encoder, Layers};

impl Model for Codec {
    fn format(&self) -> Format {
        let config = self.config();
        Format {
            rate: config.sample_rate,
            channels: config.channels,
            frame: config.frame_samples,
            layers: config.quantizer.layers,
        }
    }

    fn processor(&self, streams: usize) -> Result<Box<dyn Processor>, String> {
        let format = Model::format(self);
        let silence = vec![0.0; format.frame];
        let planes = vec![&silence[..]; format.channels];
        let silent = self.encoder(1).encode(&planes, format.layers).map_err(|e| e.to_string())?;
        let silent = silent[0].frame(0);
        Ok(Box::new(CodecProcessor {
            encoder: self.encoder(streams),
            decoder: self.decoder(LANES * streams),
            channel: Channel::default(),
            last: vec![silent.clone(); streams],
            silent,
            channels: format.channels,
            frame: format.frame,
        }))
    }
}

struct CodecProcessor {
    encoder: Encoder,
    decoder: Decoder,
    channel: Channel,
    /// The codes of a silent frame at the start of a stream.
    silent: Vec<u32>,
    /// The codes last decoded, for each stream.
    last: Vec<Vec<u32>>,
    channels: usize,
    /// Samples of a frame and channel.
    frame: usize,
}

impl CodecProcessor {
    /// Does to the codes of one frame what happens to them on their way: `codes` holds those of all
    /// streams, layers and `frames` frames.
    fn transmit(
        &mut self,
        number: u64,
        codes: &mut [u32],
        t: usize,
        frames: usize,
        s: &FrameSettings,
    ) {
        // The line goes on losing frames while nobody listens to them.
        let lost = self.channel.loses(&s.loss, number);
        let repeats = s.freeze || (lost && s.loss.fill == LossFill::Repeat);
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
}

impl Processor for CodecProcessor {
    fn process(&mut self, frames: &Frames<'_>, out: &mut Processed) -> Result<(), String> {
        let (settings, count, layers) = (frames.settings, frames.count, self.silent.len());
        let streams = self.last.len();
        out.codes.resize(streams * layers * count, 0);
        self.encoder
            .encode_into(frames.planes, layers, &mut out.codes)
            .map_err(|error| error.to_string())?;
        for t in 0..count {
            self.transmit(frames.first + t as u64, &mut out.codes, t, count, settings);
        }
        let lanes: Vec<(&[u32], Layers)> = settings
            .depths
            .iter()
            .flat_map(|depth| {
                let depth = (*depth).clamp(1, layers);
                let heard = Layers { depth, muted: settings.muted_layers };
                out.codes.chunks_exact(layers * count).map(move |codes| (codes, heard))
            })
            .collect();
        out.audio.resize(lanes.len() * self.channels * count * self.frame, 0.0);
        self.decoder.decode_into(&lanes, count, &mut out.audio).map_err(|error| error.to_string())
    }

    fn reset(&mut self) {
        self.encoder.reset();
        self.decoder.reset();
        self.channel = Channel::default();
        self.last.iter_mut().for_each(|last| last.clone_from(&self.silent));
    }
}
