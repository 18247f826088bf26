//! Files that come through a pipe.

use std::fs;
use std::process::Command;
use std::thread;

use residue_media::audio::{AudioFileError, Ffmpeg, ReadOptions, read, read_with};

use crate::audio_read::fixture;
use crate::core_corpus::core_file;

#[test]
fn every_container_comes_through_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    if !Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        println!("skipped: there is no mkfifo");
        return;
    }
    // Longer than a pipe's buffer, with indices at the end, and one that ffmpeg is asked for.
    let fake = Ffmpeg::at(fixture("fake-ffmpeg.sh"));
    for file in [
        fixture("surround.flac"),
        fixture("alac.m4a"),
        fixture("alac.caf"),
        fixture("flac.mkv"),
        fixture("lame.mp3"),
        core_file("s24be-6.mov"),
        core_file("rf64.wav"),
    ] {
        let expected = read(&file).unwrap();
        let bytes = fs::read(&file).unwrap();
        let writer = thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, bytes)
        });
        let decoded = read(&pipe).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        writer.join().unwrap().unwrap();
        assert!(decoded.audio == expected.audio, "{}", file.display());
        assert_eq!(decoded.warnings, expected.warnings, "{}", file.display());
    }

    let writer = thread::spawn({
        let pipe = pipe.clone();
        move || fs::copy(fixture("wavpack.mkv"), pipe)
    });
    let options = ReadOptions { ffmpeg: Some(fake), ..ReadOptions::default() };
    let error = read_with(&pipe, &options).unwrap_err();
    writer.join().unwrap().unwrap();
    // It is given a copy, under a name of its own, and the error names the pipe.
    assert!(matches!(error, AudioFileError::Ffmpeg { .. }), "{error}");
    assert!(error.to_string().starts_with(&pipe.display().to_string()), "{error}");
}
