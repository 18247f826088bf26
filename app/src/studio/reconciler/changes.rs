//! Changes of the source and the model.

use residue_engine::codec::Codec;
use residue_engine::live::CodecModel;

use super::Reconciler;
use crate::device::StreamShape;
use crate::studio::error::StudioError;
use crate::studio::shared::StudioEvent;
use crate::studio::sound::StartPosition;
use crate::studio::sources::{PlayingSource, SourceRequest, TokenStream};
use crate::studio::state::{ModelFacts, Severity};

impl Reconciler {
    /// Changes to another source; one that cannot be played leaves the old one playing.
    pub(super) fn install(&mut self, request: SourceRequest) {
        let codec = self.codec.as_ref().map(|(codec, _)| codec.clone());
        if let Some(SourceRequest::Codes(..)) = self.waiting.take() {
            // Another source was asked for before there was a model.
            self.shared().requests().change(|desired| desired.transport.opened());
        }
        if request.needs_model() && codec.is_none() {
            self.waiting = Some(request);
            return;
        }
        let source = match (request, &codec) {
            (SourceRequest::Codes(path, codes), Some(codec)) => {
                let quantizer = &codec.config().quantizer;
                if let Err(error) = codes.check(quantizer.layers, quantizer.codebook_size) {
                    self.notice(Severity::Error, format!("{}: {error}", path.display()));
                    self.shared().requests().change(|desired| desired.transport.opened());
                    self.shared().wake();
                    return;
                }
                PlayingSource::Codes(path, codes)
            }
            (SourceRequest::Feed(frames), Some(codec)) => {
                let ahead = self.setup.tokens_ahead;
                PlayingSource::Feed(TokenStream::start(self.shared(), codec.clone(), ahead, frames))
            }
            (SourceRequest::File(file), _) => PlayingSource::File(file),
            (SourceRequest::Microphone, _) => PlayingSource::Microphone,
            // Codes without a model have been put aside above.
            (SourceRequest::Codes(..) | SourceRequest::Feed(_), None) => return,
        };
        let had_input = self.source.needs_input();
        self.source = source;
        let (needs_input, is_seekable) = (self.source.needs_input(), self.source.is_seekable());
        let shown = self.source.shown(codec.as_ref());
        let mut requests = self.shared().requests();
        requests.follow();
        // The old player is not followed from here on.
        requests.forget_player();
        let starts = requests.change(|desired| {
            if is_seekable {
                desired.transport.opened();
            }
            if needs_input && !had_input {
                desired.mute_for_headphones();
            } else if !needs_input {
                desired.unmute_for_file();
            }
            let starts = desired.transport.change_source(is_seekable);
            if starts {
                desired.run_now();
            }
            starts
        });
        // Written before the lock is released: a reader that finds the file open finds it here too.
        self.shared().observed().source = shown;
        drop(requests);
        self.shared().wake();
        if starts {
            self.lost = None;
        }
        if had_input != needs_input {
            // With or without an input, these are other devices.
            self.close();
        } else if let Some(open) = &self.open {
            let (shape, offline) = (open.shape.clone(), open.offline);
            if let Err(error) = self.play(&shape, offline, StartPosition::At(0)) {
                self.lose(error.to_string());
            }
        }
    }

    /// Changes to another model while sound goes on; one that does not fit what plays is refused.
    pub(super) fn adopt(&mut self, codec: Codec, facts: ModelFacts) {
        if let Err(error) = self.source.check(&codec) {
            self.shared().tell(StudioEvent::ModelFailed(error.to_string()));
            return;
        }
        let old = self.codec.replace((codec, facts.clone()));
        if let Some(open) = &self.open {
            let (shape, offline) = (open.shape.clone(), open.offline);
            if let Err(error) = self.change_model(&shape, offline) {
                self.codec = old;
                self.shared().tell(StudioEvent::ModelFailed(error.to_string()));
                return;
            }
        }
        self.shared().tell(StudioEvent::Model(facts));
        if let (PlayingSource::Codes(..), Some((codec, _))) = (&self.source, &self.codec) {
            // Frames may have another length now.
            self.shared().observed().source = self.source.shown(Some(codec));
        }
        if let Some(source) = self.waiting.take() {
            self.install(source);
        }
    }

    /// Brings the new model into the stream.
    fn change_model(&mut self, shape: &StreamShape, offline: bool) -> Result<(), StudioError> {
        // A port of its own shows what latency it needs.
        let (player, control) = self.player(shape, offline, StartPosition::Resume)?;
        let needed = control.latency().total();
        if let (Some(current), Some((codec, _))) = (&self.current, &self.codec) {
            let reported = current.control.latency().total();
            // One that needs far less should not keep the latency of the one before.
            let fits = needed <= reported && reported < 2 * needed;
            if self.source.is_audio()
                && fits
                && current.control.change_model(&CodecModel(codec.clone())).is_ok()
            {
                return Ok(());
            }
            let ms = |samples: usize| samples as f64 / f64::from(shape.rate) * 1e3;
            let text = format!(
                "the latency is {:.0} ms with this model, it was {:.0} ms",
                ms(needed),
                ms(reported)
            );
            if needed != reported {
                self.notice(Severity::Info, text);
            }
        }
        self.hand_over(player, control);
        Ok(())
    }
}
