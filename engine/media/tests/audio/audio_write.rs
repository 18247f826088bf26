//! Writing WAV files.

use std::{fs, io};

use residue_media::audio::{Audio, AudioFileError, SpeakerMask, read, write, write_to};

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
fn speakers_are_written_plainly_or_as_they_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.wav");
    // Format tag, and the mask of WAVE_FORMAT_EXTENSIBLE.
    for (channels, speakers, tag, mask) in [
        (1, None, 3, None),
        (2, None, 3, None),
        (4, Some(0x33), 0xFFFE, Some(0x33)),
        (8, Some(0x63F), 0xFFFE, Some(0x63F)),
        (4, None, 0xFFFE, Some(0)),
        (24, None, 0xFFFE, Some(0)),
    ] {
        let mut audio = Audio::new(48_000, vec![noise(100, 1); channels]);
        if let Some(bits) = speakers {
            audio.speakers = SpeakerMask::new(bits, channels).unwrap();
        }
        write(&path, &audio).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(&bytes[12..16], b"fmt ", "{channels}");
        assert_eq!(u16::from_le_bytes([bytes[20], bytes[21]]), tag, "{channels}");
        let found =
            (bytes[16] == 40).then(|| u32::from_le_bytes(bytes[40..44].try_into().unwrap()));
        assert_eq!(found, mask, "{channels}");
        // Another program's reader takes it.
        let reader = hound::WavReader::open(&path).unwrap();
        assert_eq!(usize::from(reader.spec().channels), channels);
        assert_eq!(reader.duration(), 100);
    }
}

#[test]
fn a_stream_has_the_same_samples() {
    let audio = Audio::new(44_100, vec![noise(70_000, 1), noise(70_000, 2)]);
    let mut bytes = Vec::new();
    write_to(&mut bytes, &audio).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.wav");
    write(&path, &audio).unwrap();
    assert!(fs::read(&path).unwrap() == bytes);
    let error = write_to(io::sink(), &Audio::new(0, vec![vec![]])).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn an_empty_buffer_is_a_valid_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.wav");
    write(&path, &Audio::silence(24_000, 1, 0)).unwrap();
    assert_eq!(hound::WavReader::open(&path).unwrap().duration(), 0);
}
