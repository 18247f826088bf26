//! Writing WAV files.

use std::fs;

use residue_media::audio::{Audio, AudioFileError, read, write};

use crate::signals::noise;

#[test]
fn written_files_read_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    for (channels, length) in [(1, 1), (2, 1000), (6, 77)] {
        let mut audio = Audio::silence(44_100, channels, 0);
        for (c, channel) in audio.channels.iter_mut().enumerate() {
            *channel = noise(length, c as u32 + 1);
            // Beyond full scale, denormal and negative zero must survive too.
            channel[0] = [7.25, -1e-42, -0.0][c % 3];
        }
        let path = folder.path().join("out.wav");
        // The second and third round replace a file.
        write(&path, &audio).unwrap();
        let back = read(&path).unwrap();
        assert_eq!(back.warnings, []);
        assert_eq!(back.audio.rate, audio.rate);
        for (back, channel) in back.audio.channels.iter().zip(&audio.channels) {
            assert!(back.iter().map(|x| x.to_bits()).eq(channel.iter().map(|x| x.to_bits())));
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "temporary files are left");
}

#[test]
fn failures_name_the_path_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let audio = Audio::silence(48_000, 2, 10);
    let nowhere = folder.path().join("missing/out.wav");
    let error = write(&nowhere, &audio).unwrap_err();
    assert!(matches!(error, AudioFileError::Write { .. }));
    assert!(error.to_string().contains("missing/out.wav"), "{error}");

    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    assert!(matches!(write(&taken, &audio), Err(AudioFileError::Write { .. })));
    assert!(write("".as_ref(), &audio).is_err());
    assert!(write("/".as_ref(), &audio).is_err());

    let path = folder.path().join("out.wav");
    for audio in [
        Audio::new(48_000, vec![]),
        Audio::new(0, vec![vec![0.0]]),
        Audio::new(48_000, vec![vec![0.0], vec![]]),
        Audio::new(768_000, vec![vec![0.0]; 2000]),
    ] {
        let error = write(&path, &audio).unwrap_err();
        assert!(matches!(error, AudioFileError::NotWritable { .. }), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_empty_buffer_is_a_valid_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.wav");
    write(&path, &Audio::silence(24_000, 1, 0)).unwrap();
    assert_eq!(hound::WavReader::open(&path).unwrap().duration(), 0);
}
