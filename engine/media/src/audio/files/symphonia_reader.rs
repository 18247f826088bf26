//! Files whose container symphonia reads: FLAC, Ogg, Matroska, ADTS, and some codecs in WAV and fragmented MP4.

use std::path::Path;

use symphonia::core::codecs::audio::well_known as codec_id;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{
    MediaSource, MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource,
};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::collector::{FileFacts, SampleCollector, Stop};
use super::decoder::make_decoder;
use super::input::Section;
use super::packet_track::collect_buffer;
use super::vorbis::SurroundVorbis;
use super::{AudioFileError, DecodedFile};

/// Missing samples that are tolerated where containers count in whole packets.
const PACKET_SLACK: u64 = 4096;

/// Reads the default audio track, or the first, of the container that begins with `source`.
pub(super) fn read_with_symphonia(
    path: &Path,
    source: Section,
    max_samples: usize,
) -> Result<DecodedFile, AudioFileError> {
    let mut collector = SampleCollector::new(path, max_samples);
    let facts = collect_with_symphonia(source, &mut collector)?;
    collector.finish(facts)
}

/// Reads as [`read_with_symphonia`] does into `collector`, and leaves the judgement of the end to the caller.
pub(super) fn collect_with_symphonia(
    source: Section,
    collector: &mut SampleCollector<'_>,
) -> Result<FileFacts, AudioFileError> {
    let path = collector.path();
    let mut format = recognise(path, source)?;
    let (track, parameters) = choose_track(path, format.as_ref())?;
    let decoder = PacketDecoder::new(path, &parameters)?;
    let declared = declared_frames(&track, &parameters);
    if let (Some(frames), Some(rate), Some(channels)) =
        (declared, parameters.sample_rate, &parameters.channels)
    {
        collector.begin(rate, channels.count())?;
        collector.expect(frames)?;
    }
    let stop = Packets { format: format.as_mut(), decoder, track }.collect(collector)?;
    let slack = if counts_in_packets(&parameters) { PACKET_SLACK } else { 0 };
    let other_tracks = other_tracks(format.as_ref());
    Ok(FileFacts { stop, declared, slack, other_tracks, order: None })
}

fn recognise(path: &Path, source: Section) -> Result<Box<dyn FormatReader>, AudioFileError> {
    // A file that was cut lacks elements that some readers expect behind the samples. Given a stream, readers do not
    // look ahead, and find the samples.
    let stream = Box::new(ReadOnlySource::new(source.reopened()));
    probe(Box::new(source)).or_else(|error| probe(stream).map_err(|_| error)).map_err(|error| {
        match error {
            error if is_end_of_file(&error) => {
                AudioFileError::not_audio(path, "it is cut inside its header")
            }
            error => AudioFileError::not_audio(path, error.to_string()),
        }
    })
}

fn probe(source: Box<dyn MediaSource>) -> Result<Box<dyn FormatReader>, SymphoniaError> {
    symphonia::default::get_probe().probe(
        &Hint::new(),
        MediaSourceStream::new(source, MediaSourceStreamOptions::default()),
        FormatOptions::default(),
        MetadataOptions::default(),
    )
}

/// Returns true if the file ended inside an element.
fn is_end_of_file(error: &SymphoniaError) -> bool {
    matches!(error, SymphoniaError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof)
}

/// Returns the default audio track, or the first.
fn choose_track(
    path: &Path,
    format: &dyn FormatReader,
) -> Result<(Track, AudioCodecParameters), AudioFileError> {
    let track = format.default_track(TrackType::Audio);
    // Tracks of a codec unknown to the demuxer count, so that the error names the codec instead of
    // saying that there is no audio.
    let track = track.or_else(|| format.first_track(TrackType::Audio));
    track
        .and_then(|track| {
            let parameters = track.codec_params.as_ref()?.audio()?;
            Some((track.clone(), parameters.clone()))
        })
        .ok_or_else(|| AudioFileError::NoAudioTrack {
            path: path.to_owned(),
            container: format.format_info().long_name.to_owned(),
        })
}

/// Returns the number of audio tracks beside the chosen one.
fn other_tracks(format: &dyn FormatReader) -> usize {
    let audio = |track: &&Track| track.track_type() == Some(TrackType::Audio);
    format.tracks().iter().filter(audio).count().saturating_sub(1)
}

/// A decoder of packets.
enum PacketDecoder {
    Symphonia(Box<dyn AudioDecoder>),
    Vorbis(Box<SurroundVorbis>),
}

impl PacketDecoder {
    fn new(path: &Path, parameters: &AudioCodecParameters) -> Result<Self, AudioFileError> {
        // symphonia checks the sizes in Vorbis headers, before another decoder allocates by them.
        let decoder = make_decoder(path, parameters)?;
        let channels =
            decoder.codec_params().channels.as_ref().map_or(0, |channels| channels.count());
        if parameters.codec != codec_id::CODEC_ID_VORBIS || channels <= 2 {
            return Ok(Self::Symphonia(decoder));
        }
        let headers = parameters.extra_data.as_deref().unwrap_or(&[]);
        SurroundVorbis::new(headers)
            .map(|decoder| Self::Vorbis(decoder.into()))
            .map_err(|reason| AudioFileError::NothingDecoded { path: path.to_owned(), reason })
    }
}

/// Appends the planes of a Vorbis packet without what its container trims.
fn collect_vorbis(
    rate: u32,
    planes: Vec<Vec<f32>>,
    packet: &Packet,
    collector: &mut SampleCollector<'_>,
) -> Result<(), AudioFileError> {
    let length = planes.first().map_or(0, Vec::len);
    let start = (packet.trim_start.get() as usize).min(length);
    let end = length - (packet.trim_end.get() as usize).min(length - start);
    if start == end {
        return Ok(());
    }
    collector.begin(rate, planes.len())?;
    collector.append_with(end - start, |channel, samples| {
        samples.extend_from_slice(&planes[channel][start..end]);
    })
}

/// The packets of a container on their way through a decoder.
struct Packets<'a> {
    format: &'a mut dyn FormatReader,
    decoder: PacketDecoder,
    track: Track,
}

impl Packets<'_> {
    /// Decodes the packets of the track, and of those that follow it in a chained file; returns why it stopped.
    fn collect(&mut self, collector: &mut SampleCollector<'_>) -> Result<Stop, AudioFileError> {
        let mut mark = collector.mark();
        let stop = loop {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => break Stop::End,
                // Another stream begins, as in a chained Ogg file, with tracks of its own.
                Err(SymphoniaError::ResetRequired) => {
                    self.trim(collector, mark);
                    mark = collector.mark();
                    let (track, parameters) = choose_track(collector.path(), self.format)?;
                    self.decoder = PacketDecoder::new(collector.path(), &parameters)?;
                    self.track = track;
                    continue;
                }
                Err(error) if is_end_of_file(&error) => break Stop::EndOfFile,
                Err(error) => break Stop::Broken(error.to_string()),
            };
            if packet.track_id != self.track.id {
                continue;
            }
            let decoder = match &mut self.decoder {
                PacketDecoder::Symphonia(decoder) => decoder,
                PacketDecoder::Vorbis(decoder) => {
                    match decoder.decode(&packet.data) {
                        Ok(planes) => collect_vorbis(decoder.rate(), planes, &packet, collector)?,
                        Err(reason) => collector.corrupt(reason),
                    }
                    collector.decoder_order(|| decoder.order());
                    continue;
                }
            };
            match decoder.decode(&packet) {
                // Some codecs return empty buffers first, before they know their channels.
                Ok(buffer) if buffer.frames() == 0 => {}
                Ok(buffer) => collect_buffer(&buffer, collector)?,
                Err(SymphoniaError::DecodeError(reason)) => collector.corrupt(reason.to_owned()),
                Err(SymphoniaError::IoError(error)) => collector.corrupt(error.to_string()),
                Err(SymphoniaError::ResetRequired) => decoder.reset(),
                Err(error) => break Stop::Broken(error.to_string()),
            }
        };
        self.trim(collector, mark);
        Ok(stop)
    }

    /// Removes the encoder's delay and padding that the container states and the decoder leaves in: symphonia's
    /// Vorbis and MPEG decoders remove them packet by packet, its others do not.
    fn trim(&self, collector: &mut SampleCollector<'_>, mark: super::collector::Mark) {
        let trims_itself = [
            codec_id::CODEC_ID_MP1,
            codec_id::CODEC_ID_MP2,
            codec_id::CODEC_ID_MP3,
            codec_id::CODEC_ID_VORBIS,
        ];
        let PacketDecoder::Symphonia(decoder) = &self.decoder else { return };
        let track = &self.track;
        let untold = track.delay.is_none() && track.padding.is_none();
        if trims_itself.contains(&decoder.codec_params().codec) || untold {
            return;
        }
        let mark = collector.mark_follows(mark);
        let count = collector.since(mark) as u64;
        let delay = u64::from(track.delay.unwrap_or(0));
        let padding = u64::from(track.padding.unwrap_or(0));
        let length = track.num_frames.unwrap_or_else(|| count.saturating_sub(delay + padding));
        collector.trim(mark, delay, Some(length));
    }
}

/// Returns the declared samples of a channel, none where the number is a guess.
fn declared_frames(track: &Track, parameters: &AudioCodecParameters) -> Option<u64> {
    let frames = track.num_frames?;
    // Without an encoder's tag, symphonia guesses the length of MPEG audio from the bitrate.
    let mpeg = [codec_id::CODEC_ID_MP1, codec_id::CODEC_ID_MP2, codec_id::CODEC_ID_MP3];
    // Bare ADTS has no header for the whole file, so that its length is a guess too.
    let adts = parameters.codec == codec_id::CODEC_ID_AAC && parameters.extra_data.is_none();
    // Ogg counts from the first granule position, which is negative in a stream cut at its start.
    let vorbis = parameters.codec == codec_id::CODEC_ID_VORBIS;
    (!mpeg.contains(&parameters.codec) && !adts && !vorbis).then_some(frames)
}

/// Returns true for codecs whose files may count the last packet as if it were full.
fn counts_in_packets(parameters: &AudioCodecParameters) -> bool {
    [codec_id::CODEC_ID_AAC, codec_id::CODEC_ID_ALAC, codec_id::CODEC_ID_MP3]
        .contains(&parameters.codec)
}
