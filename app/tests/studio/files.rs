//! Files: what is heard of them.

use residue_app::studio::{InputKind, Severity};
use residue_engine::audio::{Audio, resample};
use residue_engine::live::{ListeningSource, SOURCE_FADE};

use super::harness::{BLOCK, FRAME, RATE, StudioHarness, differs, roundtrip, settings, voice};

/// At the devices' rate and after conversion, mono and stereo: every sample of the file is heard as
/// `residue roundtrip` writes it, from the first to the last, and then the file stands at its end.
#[test]
fn a_file_is_heard_as_its_roundtrip() {
    for (rate, file_rate, channels) in [(RATE, RATE, 1), (RATE, RATE, 2), (48_000, 44_100, 2)] {
        let mut harness = StudioHarness::new(rate, |options| {
            options.settings = settings(ListeningSource::B, [32, 6])
        });
        let input: Vec<Vec<f32>> = (0..channels)
            .map(|seed| voice(file_rate, file_rate as usize / 2 + 77, seed + 1))
            .collect();
        let path = harness.file("voice.wav", file_rate, &input);
        harness.open(&path);
        let file = harness.studio.file().unwrap();
        assert_eq!((file.name.as_str(), file.rate()), ("voice.wav", file_rate));
        assert_eq!((file.channels(), file.sha256.len()), (channels as usize, 64));
        assert_eq!(harness.studio.input(), InputKind::File);
        assert!(!harness.studio.muted(), "a file does not feed back");
        assert!(!harness.studio.transport().unwrap().playing);

        let at_rate = resample(&Audio::new(file_rate, input), rate).unwrap().channels;
        let (_, decoded) = roundtrip(rate, &at_rate, &[6]);
        let (latency, length) = (harness.latency(), at_rate[0].len());
        harness.studio.play();
        let heard = harness.play(latency + length + 4 * BLOCK);
        for (channel, heard) in heard.iter().enumerate() {
            let expected = &decoded[0].channels[channel.min(channels as usize - 1)];
            assert!(heard[..latency].iter().all(|x| *x == 0.0));
            assert_eq!(differs(&heard[latency..latency + length], expected), None, "{rate} Hz");
            assert!(heard[latency + length..].iter().all(|x| *x == 0.0));
        }
        let transport = harness.studio.transport().unwrap();
        assert!(!transport.playing);
        assert!((transport.position_s - transport.length_s).abs() < 1e-4, "{transport:?}");

        // Once more, the same.
        harness.studio.play();
        let again = harness.play(latency + length);
        assert_eq!(differs(&again[0][..latency + length], &heard[0][..latency + length]), None);
    }
}

/// Dry is the file, bit for bit; a change of source crossfades from the block on before which it was
/// made, and a change of depth is heard a latency later, from the next frame on.
#[test]
fn sources_and_depths_change_in_place() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2])
    });
    let input = voice(RATE, 40_000, 3);
    let path = harness.file("voice.wav", RATE, std::slice::from_ref(&input));
    harness.open(&path);
    let (_, decoded) = roundtrip(RATE, std::slice::from_ref(&input), &[8, 2, 4]);
    let [a, b, deeper] = [0, 1, 2].map(|n| &decoded[n].channels[0]);
    let latency = harness.latency();
    harness.studio.play();
    let blocks = 30;
    let mut heard = harness.play(blocks * BLOCK)[0].clone();
    assert_eq!(differs(&heard[latency..], &input[..blocks * BLOCK - latency]), None);
    let mut from = blocks * BLOCK;
    let fade = (SOURCE_FADE.as_secs_f64() * f64::from(RATE)).ceil() as usize;
    for source in [ListeningSource::A, ListeningSource::B, ListeningSource::AMinusB] {
        harness.studio.set_settings(settings(source, [8, 2]));
        heard.extend_from_slice(&harness.play(20 * BLOCK)[0]);
        let lane = from - latency + fade..from - latency + 20 * BLOCK;
        let expected: Vec<f32> = match source {
            ListeningSource::A => a[lane].to_vec(),
            ListeningSource::B => b[lane].to_vec(),
            _ => a[lane.clone()].iter().zip(&b[lane]).map(|(a, b)| a - b).collect(),
        };
        assert_eq!(differs(&heard[from + fade..], &expected), None, "{source:?}");
        from += 20 * BLOCK;
    }
    harness.studio.set_settings(settings(ListeningSource::A, [8, 2]));
    harness.play(20 * BLOCK);
    from += 20 * BLOCK;
    harness.studio.set_settings(settings(ListeningSource::A, [4, 2]));
    let changed = harness.play(20 * BLOCK)[0].clone();
    // The change went in with sample `from` of the file, and so holds from the frame after it.
    let frame = from.next_multiple_of(FRAME);
    let before = frame - (from - latency);
    assert_eq!(differs(&changed[..before], &a[from - latency..frame]), None);
    let after = frame..from - latency + changed.len();
    // A decoder that changes its depth comes to agree with one that had it from the start.
    let differs_by =
        |x: &[f32], y: &[f32]| x.iter().zip(y).fold(0.0f32, |most, (x, y)| most.max((x - y).abs()));
    assert!(differs(&changed[before..], &a[after.clone()]).is_some());
    assert!(
        differs_by(&changed[before..], &deeper[after.clone()])
            < differs_by(&changed[before..], &a[after])
    );
}

/// A part repeats to the sample, a jump starts at the sample, and a pause goes on where it was.
#[test]
fn loops_jumps_and_pauses_are_exact() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2])
    });
    let input = voice(RATE, 48_000, 5);
    let path = harness.file("voice.wav", RATE, std::slice::from_ref(&input));
    harness.open(&path);
    let latency = harness.latency();
    let at = |sample: usize| sample as f64 / f64::from(RATE);
    harness.studio.set_loop(Some((at(1000), at(3001))));
    harness.studio.play();
    let heard = harness.play(latency + 12_000)[0].clone();
    let looped = |n: usize| if n < 3001 { n } else { 1000 + (n - 3001) % 2001 };
    let expected: Vec<f32> = (0..12_000).map(|n| input[looped(n)]).collect();
    assert_eq!(differs(&heard[latency..latency + 12_000], &expected), None);
    let position = harness.studio.transport().unwrap().position_s;
    assert!((position - at(looped(heard.len() - latency))).abs() < 1e-9, "{position}");

    harness.studio.set_loop(None);
    harness.studio.seek(at(20_000));
    assert!((harness.studio.transport().unwrap().position_s - at(20_000)).abs() < 1e-9);
    let heard = harness.play(latency + 10 * BLOCK)[0].clone();
    // The old place fades out, the new one comes a latency later and fades in.
    let fade = RATE as usize / 200;
    let begin = fade + latency;
    let new = &heard[begin..];
    assert_eq!(differs(&new[fade..], &input[20_000..][fade..new.len()]), None);
    assert!(heard[fade..begin].iter().all(|x| *x == 0.0));
    let step = heard.windows(2).fold(0.0f32, |most, x| most.max((x[1] - x[0]).abs()));
    let most = input.windows(2).fold(0.0f32, |most, x| most.max((x[1] - x[0]).abs()));
    assert!(step < most + 0.02, "a click of {step}, the file's own steps are {most}");

    harness.studio.pause();
    let pausing = harness.play(4 * BLOCK)[0].clone();
    assert!(pausing[fade..].iter().all(|x| *x == 0.0));
    let position = harness.studio.transport().unwrap().position_s;
    let sample = (position * f64::from(RATE)).round() as usize;
    harness.studio.play();
    let resumed = harness.play(4 * BLOCK)[0].clone();
    assert_eq!(differs(&resumed[fade..], &input[sample + fade..sample + 4 * BLOCK]), None);
    assert!(harness.studio.transport().unwrap().playing);

    // Paused, a jump is shown at once and heard when it goes on.
    harness.studio.pause();
    harness.play(2 * BLOCK);
    harness.studio.seek(at(7_000));
    harness.play(2 * BLOCK);
    assert!((harness.studio.transport().unwrap().position_s - at(7_000)).abs() < 1e-9);
    harness.studio.play();
    let heard = harness.play(latency + 4 * BLOCK)[0].clone();
    assert_eq!(
        differs(&heard[latency + fade..], &input[7_000 + fade..7_000 + heard.len() - latency]),
        None
    );
}

/// Mute and volume move without steps, and full volume is exact.
#[test]
fn mute_and_volume_do_not_click() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2])
    });
    let tone: Vec<f32> = (0..96_000).map(|n| 0.5 * (n as f32 * 0.02).sin()).collect();
    let path = harness.file("tone.wav", RATE, std::slice::from_ref(&tone));
    harness.open(&path);
    let latency = harness.latency();
    harness.studio.play();
    let mut heard = harness.play(latency + 8 * BLOCK)[0][latency..].to_vec();
    let change = |harness: &mut StudioHarness, heard: &mut Vec<f32>| {
        heard.extend_from_slice(&harness.play(8 * BLOCK)[0]);
        heard.len()
    };
    harness.studio.set_muted(true);
    let muted = change(&mut harness, &mut heard);
    assert!(heard[muted - 6 * BLOCK..].iter().all(|x| *x == 0.0));
    harness.studio.set_muted(false);
    change(&mut harness, &mut heard);
    harness.studio.set_volume_db(-6.0);
    let quiet = change(&mut harness, &mut heard);
    let gain = heard[quiet - 1] / tone[quiet - 1];
    assert!((gain - 0.501).abs() < 1e-3, "{gain}");
    harness.studio.set_volume_db(0.0);
    let full = change(&mut harness, &mut heard);
    assert_eq!(differs(&heard[full - 6 * BLOCK..], &tone[full - 6 * BLOCK..full]), None);
    harness.studio.set_volume_db(-1e9);
    let silent = change(&mut harness, &mut heard);
    assert!(heard[silent - 6 * BLOCK..].iter().all(|x| *x == 0.0));
    let step = heard.windows(2).fold(0.0f32, |most, x| most.max((x[1] - x[0]).abs()));
    assert!(step < 0.0115, "a step of {step}");
}

/// A file that cannot be played is reported, and playback continues.
#[test]
fn bad_files_are_told_and_disturb_nothing() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2])
    });
    let input = voice(RATE, 48_000, 7);
    let path = harness.file("voice.wav", RATE, std::slice::from_ref(&input));
    harness.open(&path);
    let latency = harness.latency();
    harness.studio.play();
    let mut heard = harness.play(10 * BLOCK)[0].clone();
    let surround =
        harness.file("surround.wav", RATE, &[vec![0.1; 100], vec![0.1; 100], vec![0.1; 100]]);
    let empty = harness.file("empty.wav", RATE, &[vec![]]);
    let text = harness.path("text.npy");
    std::fs::write(&text, "no codes").unwrap();
    for (path, words) in
        [(surround, "3 channels"), (harness.path("gone.wav"), "gone.wav"), (empty, "empty.wav")]
    {
        harness.studio.open_file(path);
        harness.notice(Severity::Error, words);
        harness.until("opening ends", |studio| !studio.is_opening());
        heard.extend_from_slice(&harness.play(BLOCK)[0]);
    }
    harness.studio.open_tokens(text);
    harness.notice(Severity::Error, "text.npy");
    harness.studio.open_tokens(harness.path("gone.npy"));
    harness.notice(Severity::Error, "gone.npy");
    heard.extend_from_slice(&harness.play(10 * BLOCK)[0]);
    assert_eq!(differs(&heard[latency..], &input[..heard.len() - latency]), None);
    assert_eq!(harness.studio.file().unwrap().name, "voice.wav");
}

/// Opening another file while one plays plays it from its start.
#[test]
fn another_file_goes_on_playing() {
    let mut harness =
        StudioHarness::new(RATE, |options| options.settings = settings(ListeningSource::A, [8, 2]));
    let (mono, left, right) =
        (voice(RATE, 20_000, 8), voice(RATE, 20_000, 9), voice(RATE, 20_000, 10));
    let first = harness.file("mono.wav", RATE, &[mono]);
    let second = harness.file("stereo.wav", RATE, &[left.clone(), right.clone()]);
    harness.studio.open_file(first);
    harness.studio.play();
    harness.until("the file opens", |studio| studio.file().is_some());
    harness.ready();
    assert!(harness.studio.transport().unwrap().playing);
    harness.play(20 * BLOCK);
    let epoch = harness.studio.port_epoch();
    harness.studio.open_file(second);
    harness.until("the other opens", |studio| studio.port_epoch() != epoch);
    let (_, decoded) = roundtrip(RATE, &[left, right], &[8]);
    let latency = harness.latency();
    let fade = RATE as usize / 200;
    let heard = harness.play(fade + latency + 20_000);
    for (channel, heard) in heard.iter().enumerate() {
        let played = &heard[fade + latency..][..20_000];
        assert_eq!(differs(played, &decoded[0].channels[channel]), None, "{channel}");
    }
}
