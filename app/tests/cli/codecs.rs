//! Any codec in a comparison and a round trip.

use residue_engine::audio::Audio;
use residue_engine::measure;
use serde_json::Value;

use super::place::{Place, golden, root};

fn clip() -> String {
    root().join("assets/clips/speech.flac").display().to_string()
}

fn report(place: &Place) -> Value {
    serde_json::from_str(&std::fs::read_to_string(place.path("out/report.json")).unwrap()).unwrap()
}

fn si_sdr(a: &Audio, b: &Audio) -> f64 {
    measure::si_sdr(a, b).unwrap().unwrap()
}

#[test]
fn codecs_are_compared_with_each_other() {
    let place = Place::new();
    let golden = format!("{}:2", golden("nano"));
    let with = ["opus:12", "opus-voice:24", "embedded:8", "embedded:16@int8", "alaw", &golden];
    let mut arguments = vec!["compare".to_owned(), clip(), "-o".to_owned(), "out".to_owned()];
    arguments.extend(with.iter().flat_map(|codec| ["--with".to_owned(), (*codec).to_owned()]));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let text = place.ok(&arguments);
    assert!(text.contains("opus-voice:24") && text.contains("NMR dB"), "{text}");
    let report = report(&place);
    assert!(report["depths"].as_array().unwrap().is_empty() && report["model"].is_null());
    let rows = report["with"].as_array().unwrap();
    assert_eq!(rows.len(), with.len());
    let original = place.read("out/original.wav");
    for (row, codec) in rows.iter().zip(with) {
        assert_eq!(row["codec"], codec);
        let wav = place.read(row["wav"].as_str().unwrap());
        assert_eq!(
            (wav.rate, wav.len(), wav.channels.len()),
            (44_100, original.len(), 1),
            "{codec}"
        );
        let nmr = row["distances"]["noise_to_mask"]["total_db"].as_f64().unwrap();
        assert!((-100.0..60.0).contains(&nmr), "{codec}: {nmr}");
        let peak = row["distances"]["other_headroom"]["true_peak_dbtp"].as_f64().unwrap();
        assert!(peak > -40.0 && peak < 6.0, "{codec}: {peak}");
    }
    let kbps = |n: usize| rows[n]["kbps"].as_f64().unwrap();
    assert_eq!([0, 1, 2, 3, 4].map(kbps), [12.0, 24.0, 8.0, 16.0, 64.0]);
    let carried = rows[0]["carried_kbps"].as_f64().unwrap();
    assert!((10.0..14.0).contains(&carried), "{carried}");
    for (name, least) in [("out/comparison.png", 1000), ("out/bitrate.png", 1000)] {
        let picture = std::fs::read(place.path(name)).unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(picture));
        assert!(decoder.read_info().unwrap().info().size().0 > least, "{name}");
    }

    // A comparison of depths into the same folder takes the codecs' files away.
    let wav = place.path("out/with-01-opus-12.wav");
    assert!(wav.exists());
    place.ok(&["compare", &clip(), "-o", "out", "--depths", "1"]);
    assert!(!wav.exists());
}

#[test]
fn depths_and_codecs_go_together() {
    let place = Place::new();
    let model = golden("v2");
    place.clip("in.wav", 48_000, 2);
    let arguments =
        ["compare", "in.wav", "--depths", "1,3", "--model", &model, "--with", "opus:64,mulaw"];
    place.ok(&[&arguments[..], &["-o", "out"]].concat());
    let report = report(&place);
    let [depths, with] = ["depths", "with"].map(|rows| report[rows].as_array().unwrap().clone());
    assert_eq!((depths.len(), with.len()), (2, 2));
    assert_eq!(depths[1]["depth"], 3);
    assert_eq!(depths[1]["codec"], format!("{model}:3"));
    // G.711 takes 64 kbps a channel.
    assert_eq!(with[1]["kbps"], 128.0);
}

#[test]
fn a_round_trip_takes_the_same_notation_and_stays_aligned() {
    let place = Place::new();
    for (rate, channels) in [(44_100, 2), (48_000, 1), (16_000, 1), (96_000, 2), (48_000, 3)] {
        let input = place.clip("in.wav", rate, channels);
        let said = place.ok(&["roundtrip", "in.wav", "-o", "out.wav", "--codec", "opus:96"]);
        assert!(said.contains("Opus at ") && said.contains(" used"), "{said}");
        let output = place.read("out.wav");
        assert_eq!((output.rate, output.len()), (rate, input.len()));
        assert_eq!(output.channels.len(), channels);
        // A shift of one sample would cost: the tones are the louder part.
        let here = si_sdr(&input, &output);
        for shift in [1, -1] {
            let mut moved = output.clone();
            for plane in &mut moved.channels {
                if shift > 0 { plane.rotate_right(1) } else { plane.rotate_left(1) }
            }
            assert!(si_sdr(&input, &moved) < here, "{rate} Hz, {channels} channels, {shift}");
        }
    }
    // A model in this notation is what --model, --depth and --precision give.
    place.ok(&["roundtrip", &clip(), "-o", "a.wav", "--codec", "embedded:4@int8"]);
    place.ok(&["roundtrip", &clip(), "-o", "b.wav", "--depth", "4", "--precision", "int8"]);
    place.ok(&["roundtrip", &clip(), "-o", "c.wav", "--codec", "embedded:4kbps@int8"]);
    assert!(place.read("a.wav") == place.read("b.wav"));
    assert!(place.read("a.wav") == place.read("c.wav"));
    // And in a comparison.
    let arguments = ["--with", "opus:24", "--with", "embedded:4@int8", "-o", "out"];
    place.ok(&[&["compare", &clip()][..], &arguments].concat());
    place.ok(&["roundtrip", &clip(), "-o", "opus.wav", "--codec", "opus:24"]);
    assert!(place.read("out/with-01-opus-24.wav") == place.read("opus.wav"));
    assert!(place.read("out/with-02-embedded-4-int8.wav") == place.read("a.wav"));
}

#[test]
fn rates_that_a_codec_has_not_are_told_before_the_work() {
    let place = Place::new();
    place.clip("in.wav", 24_000, 1);
    for (codec, parts) in [
        ("embedded:33", &["embedded has 32 layers", "33"][..]),
        ("embedded:0", &["32 layers"]),
        ("embedded:1.5kbps", &["no bitrate of 1.5 kbps", "steps of 1 kbps"]),
        ("no-such:8", &["no-such"]),
    ] {
        place.fails(&["compare", "in.wav", "--with", codec, "-o", "out"], parts);
        assert!(!place.path("out").exists(), "{codec}");
        place.fails(&["roundtrip", "in.wav", "-o", "out.wav", "--codec", codec], parts);
        assert!(!place.path("out.wav").exists(), "{codec}");
    }
    // Wrong usage.
    for (codec, part) in [
        ("opus:5", "6 to 256 kbps"),
        ("opus:x", "is no rate"),
        ("opus", "names no bitrate"),
        ("embedded:8@int9", "is no precision"),
        ("alaw:32", "64 kbps"),
    ] {
        let output = place.run(&["compare", "in.wav", "--with", codec]);
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains(part), "{codec}: {words}");
    }
    let output =
        place.run(&["roundtrip", "in.wav", "-o", "out.wav", "--codec", "opus:12", "--depth", "3"]);
    assert_eq!(output.status.code(), Some(2));
}
