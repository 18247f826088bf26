//! The fallback to ffmpeg, with a program that stands for it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use residue_media::audio::{
    AudioFileError, DecodedFile, Ffmpeg, FfmpegLimits, ReadOptions, ReadWarning, read, read_with,
};

use crate::audio_read::fixture;
use crate::core_corpus::tone;
use crate::signals::largest_error;

fn options(max_samples: usize) -> ReadOptions {
    ReadOptions { ffmpeg: Some(Ffmpeg::at(fixture("fake-ffmpeg.sh"))), max_samples }
}

/// Reads WavPack in Matroska, which only ffmpeg decodes, under a name that says what the program does.
fn read_named(name: &str, max_samples: usize) -> Result<DecodedFile, AudioFileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::copy(fixture("wavpack.mkv"), &path).unwrap();
    read_with(&path, &options(max_samples))
}

#[test]
fn its_audio_is_taken_with_rate_speakers_and_a_note() {
    let decoded = read_named("good 'name' %d;$(x).mkv", 1 << 20).unwrap();
    let audio = &decoded.audio;
    assert_eq!((audio.rate, audio.channels.len(), audio.len()), (8000, 4, 800));
    assert_eq!(audio.speakers.bits(), 0x33);
    for (channel, found) in audio.channels.iter().enumerate() {
        assert!(largest_error(&tone(channel, 8000, 800), found) < 1e-6);
    }
    let [note] = &decoded.warnings[..] else { panic!("{:?}", decoded.warnings) };
    assert!(note.is_note());
    assert_eq!(
        note.to_string(),
        "decoded by ffmpeg, because this program does not decode WavPack itself"
    );
}

#[test]
fn what_it_reports_is_told() {
    let decoded = read_named("warns.mkv", 1 << 20).unwrap();
    let line = "Header missing".into();
    assert_eq!(decoded.warnings[1..], [ReadWarning::FfmpegReported { line }]);

    let decoded = read_named("breaks.mkv", 1 << 20).unwrap();
    assert!(decoded.audio.len() < 800);
    let [_, ReadWarning::Truncated { reason: Some(reason), .. }] = &decoded.warnings[..] else {
        panic!("{:?}", decoded.warnings)
    };
    assert_eq!(reason, "Input/output error");
}

#[test]
fn a_failure_names_both_reasons_and_no_escape_sequence() {
    let error = read_named("fails.mkv", 1 << 20).unwrap_err();
    let words = error.to_string();
    assert!(matches!(error, AudioFileError::Ffmpeg { .. }), "{words}");
    assert!(words.contains("WavPack") && words.ends_with("moov atom not found"), "{words}");
    assert!(!words.contains('\x1b'), "{words}");
    let error = read_named("nothing.mkv", 1 << 20).unwrap_err();
    assert!(error.to_string().contains("wrote no audio"), "{error}");
}

#[test]
fn output_without_end_is_cut_off_at_the_limit() {
    let error = read_named("endless.mkv", 1 << 20).unwrap_err();
    assert!(matches!(error, AudioFileError::TooLong { .. }), "{error}");
}

#[test]
fn it_is_ended_at_its_time_limits() {
    let (short, long) = (Duration::from_millis(300), Duration::from_secs(100));
    let folder = tempfile::tempdir().unwrap();
    for (name, limits) in [
        // Without a byte of output, and with output that never comes to an end.
        ("hangs.mkv", FfmpegLimits { duration: long, silence: short }),
        ("trickles.mkv", FfmpegLimits { duration: short, silence: long }),
    ] {
        let path = folder.path().join(name);
        fs::copy(fixture("wavpack.mkv"), &path).unwrap();
        let ffmpeg = Some(Ffmpeg::at(fixture("fake-ffmpeg.sh")).with_limits(limits));
        let began = Instant::now();
        let error = read_with(&path, &ReadOptions { ffmpeg, max_samples: 1 << 20 }).unwrap_err();
        assert!(error.to_string().contains("ffmpeg was ended after"), "{error}");
        assert!(began.elapsed() < long / 2, "{name}");
    }
}

#[test]
fn it_reads_one_local_file_and_no_playlist() {
    let words = read_named("arguments.mkv", 1 << 20).unwrap_err().to_string();
    for argument in
        ["-nostdin", "-protocol_whitelist file,pipe", "-format_whitelist aac", "-i file:/"]
    {
        assert!(words.contains(argument), "{words}");
    }
    for playlist in ["hls", "concat", "dash", "image2", "lavfi"] {
        assert!(!words.contains(playlist), "{words}");
    }
}

#[test]
fn it_is_not_asked_where_this_program_knows() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("good.flac");
    fs::copy(fixture("s16.flac"), &name).unwrap();
    let decoded = read_with(&name, &options(1 << 20)).unwrap();
    assert_eq!((decoded.audio.rate, decoded.warnings.len()), (44_100, 0));
    // No such file, a bound that is passed, and a form that nobody knows.
    let missing = read_with(Path::new("good-missing.mkv"), &options(1 << 20)).unwrap_err();
    assert!(matches!(missing, AudioFileError::NotFound { .. }), "{missing}");
    let long = read_with(&name, &options(1000)).unwrap_err();
    assert!(matches!(long, AudioFileError::TooLong { .. }), "{long}");
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let ffmpeg = Some(Ffmpeg::at("/nowhere/ffmpeg".into()));
    let options = ReadOptions { ffmpeg, ..ReadOptions::default() };
    let error = read_with(&fixture("wavpack.mkv"), &options).unwrap_err();
    assert!(error.to_string().contains("/nowhere/ffmpeg cannot be started"), "{error}");
}

#[test]
fn without_it_such_files_are_refused_with_a_remedy() {
    for (name, codec) in [("opus.ogg", "Opus"), ("ac3.mkv", "AC-3"), ("wavpack.mkv", "WavPack")] {
        let words = read(&fixture(name)).unwrap_err().to_string();
        assert!(words.contains(codec) && words.contains("install ffmpeg"), "{words}");
    }
}

#[test]
fn the_installed_ffmpeg_decodes_what_this_program_does_not() {
    let options = ReadOptions::with_installed_ffmpeg();
    if options.ffmpeg.is_none() {
        println!("skipped: no ffmpeg is installed");
        return;
    }
    for (name, rate) in [("opus.ogg", 48_000), ("ac3.mkv", 48_000), ("wavpack.mkv", 44_100)] {
        let decoded = read_with(&fixture(name), &options).unwrap();
        assert_eq!((decoded.audio.rate, decoded.audio.channels.len()), (rate, 2), "{name}");
        assert!(decoded.warnings.iter().any(ReadWarning::is_note), "{name}");
    }
    // A playlist that names another file is none of its formats.
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.ffconcat");
    fs::write(&list, "ffconcat version 1.0\nfile other.wav\n").unwrap();
    fs::copy(fixture("piped.wav"), folder.path().join("other.wav")).unwrap();
    assert!(matches!(read_with(&list, &options), Err(AudioFileError::Ffmpeg { .. })));
}
