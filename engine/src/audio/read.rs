//! Reading audio files.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use symphonia::core::codecs::audio::well_known as codec_id;
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::FORMAT_ID_WAVE;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{
    MediaSource, MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource,
};
use symphonia::core::meta::MetadataOptions;

use super::codec_name::codec_name;
use super::{Audio, AudioError, ReadWarning, SUPPORTED_RATES};

/// Samples, all channels together, that [`read`] accepts: 8 GiB, six hours of 48 kHz stereo.
pub const MAX_SAMPLES: usize = 1 << 31;

/// Missing samples that mean nothing where containers count in whole packets.
const PACKET_SLACK: u64 = 4096;

/// An audio file in memory.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The samples, at the file's own rate and channel count; every sample is finite.
    pub audio: Audio,
    /// What was wrong with the file; empty for a sound one. Show them.
    pub warnings: Vec<ReadWarning>,
}

/// Reads the first (or default) audio track of the file at `path`, whole.
///
/// The content decides what the file is; its name does not matter. Integer samples are scaled so
/// that full scale is ±1; float samples keep their values, also beyond ±1. Encoder delay and
/// padding are removed where the file states them in a way symphonia reads: MP3 with a LAME tag,
/// Ogg Vorbis, CAF. AAC in MP4 keeps its encoder's delay (1024 to 2112 samples of near silence).
/// Memory grows with what is decoded, never with what a header promises. Not realtime-safe.
///
/// # Errors
///
/// See [`AudioError`]; a damaged file of which something could be decoded is not an error: its
/// [`Decoded::warnings`] say what is missing.
pub fn read(path: &Path) -> Result<Decoded, AudioError> {
    read_with_limit(path, MAX_SAMPLES)
}

/// As [`read`], refusing more than `max_samples` samples (all channels together).
///
/// # Errors
///
/// As [`read`]; [`AudioError::TooLong`] as soon as the limit is passed.
pub fn read_with_limit(path: &Path, max_samples: usize) -> Result<Decoded, AudioError> {
    let file = open(path)?;
    // Damaged files have set off panics in decoders before. One of them must cost a message, not
    // the session of a person who dropped a file on the window.
    catch_unwind(AssertUnwindSafe(|| decode(path, file, max_samples)))
        .unwrap_or_else(|_| Err(AudioError::DecoderPanicked { path: path.to_owned() }))
}

fn open(path: &Path) -> Result<File, AudioError> {
    let failed = |source: io::Error| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => AudioError::NotFound { path },
            io::ErrorKind::IsADirectory => AudioError::IsDirectory { path },
            _ => AudioError::Open { path, source },
        }
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(AudioError::IsDirectory { path: path.to_owned() });
    }
    if metadata.is_file() && metadata.len() == 0 {
        return Err(AudioError::Empty { path: path.to_owned() });
    }
    File::open(path).map_err(failed)
}

fn decode(path: &Path, file: File, max_samples: usize) -> Result<Decoded, AudioError> {
    let mut format = probe(path, file)?;
    let (track, parameters) = choose_track(path, format.as_ref())?;
    let mut decoder = make_decoder(path, &parameters)?;
    check_declared(path, &parameters)?;

    let mut state = Collector::new(path, max_samples);
    let stop = collect(&mut state, format.as_mut(), &mut decoder, &track)?;
    // That is how a file of undeclared length ends.
    let stop = match stop {
        Stop::EndOfFile if has_open_end(format.as_ref(), &track, &parameters) => Stop::End,
        stop => stop,
    };
    state.finish(&track, &parameters, stop, other_tracks(format.as_ref()))
}

/// Recognises the container.
fn probe(path: &Path, file: File) -> Result<Box<dyn FormatReader>, AudioError> {
    let recognise = |source: Box<dyn MediaSource>| {
        symphonia::default::get_probe().probe(
            &Hint::new(),
            MediaSourceStream::new(source, MediaSourceStreamOptions::default()),
            FormatOptions::default(),
            MetadataOptions::default(),
        )
    };
    recognise(Box::new(file)).or_else(|error| {
        // A file that is cut short ends before chunks that some readers look for behind the
        // samples, or contradicts its own sizes. In a stream they do not look, and find the
        // samples.
        let source = ReadOnlySource::new(open(path)?);
        recognise(Box::new(source)).map_err(|_| AudioError::NotAudio {
            path: path.to_owned(),
            reason: match error {
                error if is_end_of_file(&error) => {
                    "no known container found, or the file is cut inside its header".into()
                }
                error => error.to_string(),
            },
        })
    })
}

fn is_end_of_file(error: &SymphoniaError) -> bool {
    matches!(error, SymphoniaError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof)
}

fn choose_track(
    path: &Path,
    format: &dyn FormatReader,
) -> Result<(Track, AudioCodecParameters), AudioError> {
    let track = format.default_track(TrackType::Audio);
    // A track whose codec the demuxer does not even know counts: better a message about the codec
    // than one that says there is no audio.
    let track = track.or_else(|| format.first_track(TrackType::Audio));
    track
        .and_then(|track| {
            let parameters = track.codec_params.as_ref()?.audio()?;
            Some((track.clone(), parameters.clone()))
        })
        .ok_or_else(|| AudioError::NoAudioTrack {
            path: path.to_owned(),
            container: format.format_info().long_name.to_owned(),
        })
}

fn other_tracks(format: &dyn FormatReader) -> usize {
    let audio = |track: &&Track| track.track_type() == Some(TrackType::Audio);
    format.tracks().iter().filter(audio).count().saturating_sub(1)
}

fn make_decoder(
    path: &Path,
    parameters: &AudioCodecParameters,
) -> Result<Box<dyn AudioDecoder>, AudioError> {
    symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|error| match error {
            SymphoniaError::Unsupported(_) => AudioError::UnsupportedCodec {
                path: path.to_owned(),
                codec: codec_name(parameters.codec),
            },
            other => {
                AudioError::NothingDecoded { path: path.to_owned(), reason: other.to_string() }
            }
        })
}

/// Refuses what a header declares and no audio file has.
fn check_declared(path: &Path, parameters: &AudioCodecParameters) -> Result<(), AudioError> {
    match parameters.sample_rate {
        Some(rate) if !SUPPORTED_RATES.contains(&rate) => {
            return Err(AudioError::FileRate { path: path.to_owned(), rate });
        }
        _ => {}
    }
    match &parameters.channels {
        Some(channels) if channels.count() == 0 => {
            Err(AudioError::NoChannels { path: path.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Why reading stopped.
enum Stop {
    /// The container says that it is over.
    End,
    /// The file is over before the container says so.
    EndOfFile,
    /// The file cannot be read on.
    Broken(String),
    /// Rate or channels differ from here on.
    FormatChange,
}

/// Decodes packets of `track` into `state` until something stops it.
fn collect(
    state: &mut Collector<'_>,
    format: &mut dyn FormatReader,
    decoder: &mut Box<dyn AudioDecoder>,
    track: &Track,
) -> Result<Stop, AudioError> {
    let mut track_id = track.id;
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(Stop::End),
            // Another stream begins, as in a chained Ogg file: its tracks are new.
            Err(SymphoniaError::ResetRequired) => {
                let Ok((next, parameters)) = choose_track(state.path, format) else {
                    return Ok(Stop::FormatChange);
                };
                let Ok(next_decoder) = make_decoder(state.path, &parameters) else {
                    return Ok(Stop::FormatChange);
                };
                track_id = next.id;
                *decoder = next_decoder;
                continue;
            }
            Err(error) if is_end_of_file(&error) => return Ok(Stop::EndOfFile),
            Err(error) => return Ok(Stop::Broken(error.to_string())),
        };
        if packet.track_id != track_id {
            continue;
        }
        match decoder.decode(&packet) {
            Ok(buffer) => {
                let (rate, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
                // Codecs that start up return empty buffers, before they know their channels.
                if buffer.frames() == 0 {
                    continue;
                }
                if !state.accepts(rate, channels)? {
                    return Ok(Stop::FormatChange);
                }
                buffer.copy_to_vecs_planar(&mut state.scratch);
                state.append()?;
            }
            Err(SymphoniaError::DecodeError(reason)) => state.corrupt(reason.to_owned()),
            Err(SymphoniaError::IoError(error)) => state.corrupt(error.to_string()),
            Err(SymphoniaError::ResetRequired) => decoder.reset(),
            Err(error) => return Ok(Stop::Broken(error.to_string())),
        }
    }
}

/// Gathers decoded samples and counts what was wrong with them.
struct Collector<'a> {
    path: &'a Path,
    max_samples: usize,
    audio: Option<Audio>,
    /// One packet, a vector a channel.
    scratch: Vec<Vec<f32>>,
    corrupt_packets: u64,
    first_corruption: Option<String>,
    non_finite: u64,
}

impl<'a> Collector<'a> {
    fn new(path: &'a Path, max_samples: usize) -> Self {
        Self {
            path,
            max_samples,
            audio: None,
            scratch: Vec::new(),
            corrupt_packets: 0,
            first_corruption: None,
            non_finite: 0,
        }
    }

    fn corrupt(&mut self, reason: String) {
        self.corrupt_packets += 1;
        self.first_corruption.get_or_insert(reason);
    }

    /// Takes the format of the first packet; false if a later packet differs from it.
    fn accepts(&mut self, rate: u32, channels: usize) -> Result<bool, AudioError> {
        let path = || self.path.to_owned();
        if channels == 0 {
            return Err(AudioError::NoChannels { path: path() });
        }
        if !SUPPORTED_RATES.contains(&rate) {
            return Err(AudioError::FileRate { path: path(), rate });
        }
        let audio = self.audio.get_or_insert_with(|| Audio::silence(rate, channels, 0));
        Ok(audio.rate == rate && audio.channels.len() == channels)
    }

    /// Moves the scratch packet to the end of the audio, with numbers only.
    fn append(&mut self) -> Result<(), AudioError> {
        let Some(audio) = &mut self.audio else { return Ok(()) };
        let added = self.scratch.first().map_or(0, Vec::len);
        if (audio.len() + added).saturating_mul(audio.channels.len()) > self.max_samples {
            return Err(AudioError::TooLong {
                path: self.path.to_owned(),
                limit: self.max_samples,
            });
        }
        for (channel, packet) in audio.channels.iter_mut().zip(&mut self.scratch) {
            for sample in packet.iter_mut().filter(|sample| !sample.is_finite()) {
                *sample = 0.0;
                self.non_finite += 1;
            }
            channel.extend_from_slice(packet);
        }
        Ok(())
    }

    fn finish(
        self,
        track: &Track,
        parameters: &AudioCodecParameters,
        stop: Stop,
        other_tracks: usize,
    ) -> Result<Decoded, AudioError> {
        let nothing =
            |reason: String| AudioError::NothingDecoded { path: self.path.to_owned(), reason };
        let mut audio = match self.audio {
            Some(audio) if !audio.is_empty() => audio,
            _ => {
                let reason = match (stop, self.first_corruption) {
                    (_, Some(reason)) | (Stop::Broken(reason), None) => reason,
                    _ => "the file holds no samples; export it again".into(),
                };
                return Err(nothing(reason));
            }
        };
        let read = audio.len() as u64;
        trim(&mut audio, track, parameters.codec);
        if audio.is_empty() {
            return Err(nothing("it ends inside the encoder's delay".into()));
        }

        let mut warnings = Vec::new();
        let declared = declared_frames(track, parameters);
        let short = declared.is_some_and(|frames| {
            frames > read + if counts_in_packets(parameters.codec) { PACKET_SLACK } else { 0 }
        });
        let rate = f64::from(audio.rate);
        let mut truncated = |reason: Option<String>| {
            warnings.push(ReadWarning::Truncated {
                decoded: audio.seconds(),
                declared: declared.filter(|_| short).map(|frames| frames as f64 / rate),
                reason,
            });
        };
        match stop {
            // Damaged packets explain missing samples; a file that also ends early says so itself.
            Stop::End if short && self.corrupt_packets == 0 => truncated(None),
            Stop::End => {}
            Stop::EndOfFile => truncated(None),
            Stop::Broken(reason) => truncated(Some(reason)),
            Stop::FormatChange => {
                warnings.push(ReadWarning::FormatChange { seconds: audio.seconds() });
            }
        }
        if self.corrupt_packets > 0 {
            warnings.push(ReadWarning::CorruptPackets { count: self.corrupt_packets });
        }
        if self.non_finite > 0 {
            warnings.push(ReadWarning::NonFinite { count: self.non_finite });
        }
        if other_tracks > 0 {
            warnings.push(ReadWarning::OtherTracks { count: other_tracks });
        }
        Ok(Decoded { audio, warnings })
    }
}

/// Removes the encoder's delay and padding that the container states and the decoder leaves in.
///
/// symphonia's MPEG and Vorbis decoders do it themselves, packet by packet; the others do not.
fn trim(audio: &mut Audio, track: &Track, codec: AudioCodecId) {
    let trims_itself = [
        codec_id::CODEC_ID_MP1,
        codec_id::CODEC_ID_MP2,
        codec_id::CODEC_ID_MP3,
        codec_id::CODEC_ID_VORBIS,
    ];
    if trims_itself.contains(&codec) || (track.delay.is_none() && track.padding.is_none()) {
        return;
    }
    let delay = track.delay.unwrap_or(0) as usize;
    let end = match track.num_frames.and_then(|frames| usize::try_from(frames).ok()) {
        Some(frames) => delay.saturating_add(frames),
        None => audio.len().saturating_sub(track.padding.unwrap_or(0) as usize),
    };
    for channel in &mut audio.channels {
        channel.truncate(end);
        channel.drain(..delay.min(channel.len()));
    }
}

/// Samples a channel that the file declares, where that number can be believed.
fn declared_frames(track: &Track, parameters: &AudioCodecParameters) -> Option<u64> {
    let frames = track.num_frames?;
    let mpeg = [codec_id::CODEC_ID_MP1, codec_id::CODEC_ID_MP2, codec_id::CODEC_ID_MP3];
    // Without a LAME tag, symphonia guesses the length from the bitrate.
    if mpeg.contains(&parameters.codec) && track.delay.is_none() {
        return None;
    }
    // Bare ADTS has no header for the whole file: a guess as well.
    if parameters.codec == codec_id::CODEC_ID_AAC && parameters.extra_data.is_none() {
        return None;
    }
    (!is_placeholder(track, parameters)).then_some(frames)
}

/// True for WAV files that were written without knowing how long they would get.
fn has_open_end(
    format: &dyn FormatReader,
    track: &Track,
    parameters: &AudioCodecParameters,
) -> bool {
    format.format_info().format == FORMAT_ID_WAVE
        && (track.num_frames.is_none() || is_placeholder(track, parameters))
}

/// True for the sizes that programs store when they write WAV to a pipe and cannot know the size.
fn is_placeholder(track: &Track, parameters: &AudioCodecParameters) -> bool {
    let Some(bits) = parameters.bits_per_coded_sample.or(parameters.bits_per_sample) else {
        return false;
    };
    let frames = track.num_frames.unwrap_or(0);
    let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
    let bytes = frames.saturating_mul(channels as u64).saturating_mul(u64::from(bits)) / 8;
    bytes >= 0xFFFF_F000 || (0x7FFF_E000..=0x8000_0000).contains(&bytes)
}

/// True for codecs whose files may declare the length of the last packet as if it were full.
fn counts_in_packets(codec: AudioCodecId) -> bool {
    let codecs = [
        codec_id::CODEC_ID_MP1,
        codec_id::CODEC_ID_MP2,
        codec_id::CODEC_ID_MP3,
        codec_id::CODEC_ID_AAC,
        codec_id::CODEC_ID_VORBIS,
        codec_id::CODEC_ID_ALAC,
    ];
    codecs.contains(&codec)
}
