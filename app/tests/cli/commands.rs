//! The commands as a user meets them: real files in, real files out.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use residue_engine::audio::{self, Audio};
use residue_engine::kernels::Isa;
use residue_engine::models::embedded_precision;
use residue_engine::tokens::npy;
use serde_json::Value;

use super::place::{Place, golden, root};

#[test]
fn roundtrip_is_the_same_whatever_the_chunk() {
    let place = Place::new();
    let clip = root().join("assets/clips/speech.flac");
    let clip = clip.to_str().unwrap();
    // The largest chunk takes the whole clip at once: that is offline.
    for chunk in ["1", "3", "8", "4096"] {
        let out = format!("{chunk}.wav");
        place.ok(&["roundtrip", clip, "-o", &out, "--chunk", chunk, "--depth", "8"]);
    }
    let original = audio::read(Path::new(clip)).unwrap().audio;
    let offline = place.read("4096.wav");
    assert_eq!(offline.rate, original.rate);
    assert_eq!(offline.channels.len(), original.channels.len());
    assert_eq!(offline.len(), original.len());
    for chunk in ["1", "3", "8"] {
        assert!(place.read(&format!("{chunk}.wav")) == offline, "chunks of {chunk} frames");
    }
}

#[test]
fn the_output_has_the_inputs_rate_channels_and_length() {
    let place = Place::new();
    for (rate, channels) in [(44_100, 2), (24_000, 1), (8_000, 1), (96_000, 2), (48_000, 3)] {
        let input = place.clip("in.wav", rate, channels);
        for model in ["v1", "v2"] {
            let model = golden(model);
            place.ok(&["roundtrip", "in.wav", "-o", "out.wav", "--model", &model]);
            let output = place.read("out.wav");
            assert_eq!(output.rate, rate);
            assert_eq!(output.channels.len(), channels);
            assert_eq!(output.len(), input.len());
        }
    }
}

/// A program that stands for ffmpeg writes four channels where its input's name holds `good`.
#[cfg(unix)]
#[test]
fn ffmpeg_decodes_what_residue_does_not_unless_told_not_to() {
    let place = Place::new();
    let fixtures = root().join("engine/media/tests/audio/fixtures");
    std::fs::copy(fixtures.join("wavpack.mkv"), place.path("good.mkv")).unwrap();
    let model = golden("v2");
    let arguments = ["roundtrip", "good.mkv", "-o", "out.wav", "--model", &model];
    let with = |ffmpeg: &Path, more: &[&str]| {
        let arguments = [&arguments[..], more].concat();
        place.residue(&arguments).env("RESIDUE_FFMPEG", ffmpeg).output().unwrap()
    };
    let fake = fixtures.join("fake-ffmpeg.sh");
    let output = with(&fake, &[]);
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{words}");
    assert!(words.contains("note: good.mkv: decoded by ffmpeg"), "{words}");
    let decoded = place.read("out.wav");
    assert_eq!((decoded.rate, decoded.channels.len(), decoded.len()), (8_000, 4, 800));

    for output in [with(&fake, &["--no-ffmpeg"]), with(Path::new(""), &[])] {
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("WavPack") && words.contains("install ffmpeg"), "{words}");
    }
}

#[test]
fn codes_in_a_file_or_on_stdin_decode_to_the_roundtrip() {
    let place = Place::new();
    let model = golden("v2");
    let model = ["--model", model.as_str()];
    let input = place.clip("in.wav", 48_000, 2);
    place.ok(&[&["roundtrip", "in.wav", "-o", "round.wav", "--depth", "3"][..], &model].concat());
    place.ok(&[&["encode", "in.wav", "-o", "codes.npy"][..], &model].concat());
    place.ok(&[&["decode", "codes.npy", "-o", "decoded.wav", "--depth", "3"][..], &model].concat());
    let round = place.read("round.wav");
    let trimmed = |audio: Audio| {
        let channels = audio.channels.iter().map(|c| c[..input.len()].to_vec()).collect();
        Audio::new(audio.rate, channels)
    };
    assert!(trimmed(place.read("decoded.wav")) == round, "from a file");

    let codes = npy::read(&place.path("codes.npy")).unwrap();
    assert_eq!(codes.layers(), 6);
    let lines: Vec<String> = (0..codes.frames())
        .map(|t| codes.frame(t).iter().map(u32::to_string).collect::<Vec<_>>().join(" "))
        .collect();
    let arguments = [&["decode", "-", "-o", "stdin.wav", "--depth", "3"][..], &model].concat();
    let feed = |text: &str| {
        let mut child = place
            .residue(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    assert!(feed(&lines.join("\n")).status.success());
    assert!(trimmed(place.read("stdin.wav")) == round, "from stdin");

    // Frames before a fault are kept, and the fault is reported.
    let output = feed(&format!("{}\nseven\n", lines[..2].join("\n")));
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 3"));
    assert_eq!(place.read("stdin.wav").len(), 2 * 3840);
}

#[test]
fn frames_first_arrays_are_told_and_taken_transposed() {
    let place = Place::new();
    let model = golden("v1");
    place.clip("in.wav", 24_000, 1);
    place.ok(&["encode", "in.wav", "-o", "codes.npy", "--model", &model]);
    let codes = npy::read(&place.path("codes.npy")).unwrap();
    npy::write(&place.path("turned.npy"), &codes.transposed()).unwrap();
    place.fails(
        &["decode", "turned.npy", "-o", "out.wav", "--model", &model],
        &["turned.npy", "frames first", "--transpose"],
    );
    assert!(!place.path("out.wav").exists());
    place.ok(&["decode", "codes.npy", "-o", "a.wav", "--model", &model]);
    place.ok(&["decode", "turned.npy", "-o", "b.wav", "--transpose", "--model", &model]);
    assert!(place.read("a.wav") == place.read("b.wav"));
}

#[test]
fn compare_writes_a_table_a_picture_and_audio() {
    let place = Place::new();
    let clip = root().join("assets/clips/speech.flac");
    let clip = clip.to_str().unwrap();
    let text = place.ok(&["compare", clip, "--depths", "1,4,32", "-o", "out"]);
    assert!(text.contains("SI-SDR") && text.contains("comparison.png"), "{text}");
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(place.path("out/report.json")).unwrap())
            .unwrap();
    let depths = report["depths"].as_array().unwrap();
    assert_eq!(depths.len(), 3);
    let mels: Vec<f64> = depths.iter().map(|d| d["distances"]["mel"].as_f64().unwrap()).collect();
    assert!(mels[0] > mels[1] && mels[1] > mels[2], "deeper is closer: {mels:?}");
    for name in ["out/original.wav", "out/depth-01.wav", "out/depth-04.wav", "out/depth-32.wav"] {
        assert_eq!(place.read(name).len(), place.read("out/original.wav").len(), "{name}");
    }
    let picture = std::fs::read(place.path("out/comparison.png")).unwrap();
    let decoder = png::Decoder::new(std::io::Cursor::new(picture));
    let info = decoder.read_info().unwrap().info().size();
    assert!(info.0 > 1000 && info.1 > 600, "{info:?}");
}

#[test]
fn models_are_listed_added_and_verified() {
    let place = Place::new();
    let listed: Value = serde_json::from_str(&place.ok(&["models", "--json"])).unwrap();
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["embedded", "nano", "v1", "v2"]);
    assert_eq!(listed[0]["here"], true);
    assert_eq!(listed[0]["sample_rate"], 24_000);
    assert_eq!(listed[0]["layers"], 32);
    assert_eq!(listed[1]["parameters"], 21_969_664);
    assert_eq!(listed[1]["here"], false);

    place.ok(&["models", "add", &golden("nano"), "--name", "mini"]);
    place.clip("in.wav", 48_000, 2);
    place.ok(&["roundtrip", "in.wav", "-o", "out.wav", "--model", "mini"]);
    let verified = place.ok(&["models", "verify", "mini"]);
    assert!(verified.contains("loads: ok"), "{verified}");
    place.ok(&["models", "verify", "embedded"]);

    place.fails(
        &["roundtrip", "in.wav", "-o", "o.wav", "--model", "nano"],
        &["not on this computer", "residue models pull nano"],
    );
    place.fails(&["roundtrip", "in.wav", "-o", "o.wav", "--model", "nanoo"], &["nanoo"]);
    std::fs::create_dir(place.path("empty")).unwrap();
    place.fails(&["models", "add", "empty"], &["config.json"]);
    let output =
        place.residue(&["models", "pull", "nano"]).env("HF_HUB_OFFLINE", "1").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("HF_HUB_OFFLINE"));
}

/// Before anything is downloaded, `models` says what runs live here in which precision: an estimate from limits that are
/// measured once, and in its place what `bench --live` has measured.
#[test]
fn models_say_what_runs_live() {
    let place = Place::new();
    let isa = Isa::best().name();
    let listed = || -> Value { serde_json::from_str(&place.ok(&["models", "--json"])).unwrap() };
    let models = listed();
    let kept = place.path(&format!("home/machine-{isa}.json"));
    let limits = std::fs::read(&kept).unwrap();
    for model in models.as_array().unwrap() {
        let name = model["name"].as_str().unwrap();
        let live = model["live"].as_array().unwrap();
        let precisions: Vec<&str> =
            live.iter().map(|entry| entry["precision"].as_str().unwrap()).collect();
        assert_eq!(precisions, ["f32", "bf16", "int8", "int4"], "{name}");
        let loads: Vec<f64> = live.iter().map(|entry| entry["load"].as_f64().unwrap()).collect();
        assert!(loads.iter().all(|load| *load > 0.0), "{name}: {loads:?}");
        // The same arithmetic on half the bytes, by the estimate.
        assert!(name == "embedded" || loads[0] >= loads[1], "{name}: {loads:?}");
        assert!(live.iter().all(|entry| entry["measured"] == false), "{name}");
        let automatic = model["automatic"].as_str().unwrap();
        assert!(precisions.contains(&automatic), "{name}: {automatic}");
    }
    assert_eq!(models[0]["automatic"], embedded_precision().precision.name());
    let table = place.ok(&["models"]);
    assert!(table.contains("load when live") && table.contains("~ is an estimate"), "{table}");
    assert_eq!(std::fs::read(&kept).unwrap(), limits, "measured once");

    // Without --precision and --threads a live stream runs as `listen` runs it.
    let text = place.ok(&["bench", "--live", "--json", "--seconds", "0.2"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    let automatic = embedded_precision().precision.name();
    assert_eq!(report["precision"], automatic);
    let models = listed();
    for entry in models[0]["live"].as_array().unwrap() {
        let measured = entry["precision"] == automatic;
        assert_eq!(entry["measured"], measured, "{entry}");
        assert!(!measured || entry["load"] == report["rtf"]);
    }
}

/// `auto` says what it came to, and the result is that of the precision.
#[test]
fn automatic_is_a_precision_of_every_command() {
    let place = Place::new();
    place.clip("in.wav", 24_000, 1);
    let precision = embedded_precision().precision.name();
    for (name, value) in [("auto.wav", "auto"), ("same.wav", precision), ("exact.wav", "f32")] {
        place.ok(&["roundtrip", "in.wav", "-o", name, "--precision", value]);
    }
    place.ok(&["roundtrip", "in.wav", "-o", "default.wav"]);
    assert!(place.read("auto.wav") == place.read("same.wav"));
    assert!(place.read("default.wav") == place.read("exact.wav"), "files are exact by default");
    assert!(place.read("auto.wav") != place.read("exact.wav"));
    let command = ["roundtrip", "in.wav", "-o", "auto.wav", "--precision", "auto"];
    let output = place.residue(&command).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("precision {precision}: the fastest")), "{said}");
    place.fails(
        &["bench", "--layout", "nano", "--random-weights", "--precision", "auto"],
        &["--layout needs --precision f32"],
    );
}

#[test]
fn bench_prints_every_figure() {
    let place = Place::new();
    let text = place.ok(&[
        "bench",
        "--model",
        &golden("v1"),
        "--json",
        "--seconds",
        "0.5",
        "--lanes",
        "2",
        "--threads",
        "1",
    ]);
    let report: Value = serde_json::from_str(&text).unwrap();
    for key in [
        "seconds",
        "rtf",
        "encode_rtf",
        "quantize_rtf",
        "decode_rtf",
        "chunk_ms_median",
        "chunk_ms_max",
    ] {
        assert!(report[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert_eq!(report["precision"], "f32");
    assert_eq!(report["threads"], 1);
    assert_eq!(report["lanes"], 2);
    assert_eq!(report["chunk_frames"], 1);
}

#[test]
fn bench_measures_live_frames_and_the_limits_of_the_machine() {
    let place = Place::new();
    let model = golden("v1");
    let command =
        ["bench", "--model", &model, "--json", "--seconds", "0.5", "--threads", "1", "--live"];
    let text = place.ok(&[&command[..], &["--limit"]].concat());
    let report: Value = serde_json::from_str(&text).unwrap();
    for key in
        ["rtf", "read_gb_per_s", "float_gmac_per_s", "int8_gmac_per_s", "floor_rtf", "times_floor"]
    {
        assert!(report[key].as_f64().unwrap() > 0.0, "{key}");
    }
    // A mono model in two lanes of a stereo host.
    let shape = ["chunk_frames", "lanes", "streams"].map(|key| report[key].as_u64().unwrap());
    assert_eq!(shape, [1, 2, 2]);
    assert!(report["encode_rtf"].is_null());
}

#[test]
fn bench_measures_instances_side_by_side() {
    let place = Place::new();
    let model = golden("v1");
    let command = ["bench", "--model", &model, "--json", "--seconds", "0.2", "--threads", "1"];
    let text = place.ok(&[&command[..], &["--instances", "3,2"]].concat());
    let report: Value = serde_json::from_str(&text).unwrap();
    let instances = report["instances"].as_array().unwrap();
    // One is measured in any case: it is the measure of the others.
    let counts: Vec<u64> = instances.iter().map(|i| i["instances"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 2, 3]);
    assert_eq!(instances[0]["shared_times_one"], 1.0);
    for key in ["shared_ms_median", "shared_ms_max", "shared_times_one", "separate_ms_median"] {
        assert!(instances[2][key].as_f64().unwrap() > 0.0, "{key}");
    }
}

#[test]
fn a_slower_instruction_set_is_named_by_the_environment() {
    let place = Place::new();
    let bench = |isa: &str| {
        let command = ["bench", "--model", &golden("v1"), "--json", "--seconds", "0.1"];
        place.residue(&command).env("RESIDUE_ISA", isa).output().unwrap()
    };
    let report: Value = serde_json::from_slice(&bench("portable").stdout).unwrap();
    assert_eq!(report["instruction_set"], "portable");
    let wrong = bench("avx9");
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success() && said.contains("`avx9`"), "{said}");
}

#[test]
fn every_precision_runs_and_is_measured() {
    let place = Place::new();
    place.clip("in.wav", 24_000, 1);
    for precision in ["f32", "bf16", "int8", "int4"] {
        let model = golden("v1");
        let options = ["--model", model.as_str(), "--precision", precision];
        place.ok(&[&["roundtrip", "in.wav", "-o", "o.wav"], &options[..]].concat());
        let bench = [&["bench", "--json", "--seconds", "0.2"], &options[..]].concat();
        let report: Value = serde_json::from_str(&place.ok(&bench)).unwrap();
        assert_eq!(report["precision"], precision);
    }
    let text = place.ok(&["precision", "in.wav", "--json", "--model", &golden("v1")]);
    let report: Value = serde_json::from_str(&text).unwrap();
    let costs = report["precisions"].as_array().unwrap();
    let names: Vec<&str> = costs.iter().map(|c| c["precision"].as_str().unwrap()).collect();
    assert_eq!(names, ["f32", "bf16", "int8", "int4"]);
    assert_eq!(costs[0]["agreement"], 1.0);
    assert_eq!(costs[0]["mel_from_f32"], 0.0);
    assert!(costs[2]["mel_from_f32"].as_f64().unwrap() > 0.0);
    let table =
        place.ok(&["precision", "in.wav", "--precisions", "int8", "--model", &golden("v1")]);
    assert!(table.contains("int8") && !table.contains("bf16"), "{table}");
}

#[test]
fn bad_input_is_one_line_that_says_what_to_do() {
    let place = Place::new();
    place.clip("in.wav", 24_000, 1);
    std::fs::write(place.path("text.wav"), "this is no audio").unwrap();
    std::fs::write(place.path("empty.wav"), "").unwrap();
    std::fs::write(place.path("text.npy"), "1 2 3").unwrap();
    place.fails(&["roundtrip", "gone.wav", "-o", "o.wav"], &["gone.wav"]);
    place.fails(&["roundtrip", "text.wav", "-o", "o.wav"], &["text.wav"]);
    place.fails(&["roundtrip", "empty.wav", "-o", "o.wav"], &["empty.wav", "empty"]);
    place.fails(&["roundtrip", ".", "-o", "o.wav"], &["folder"]);
    place.fails(&["roundtrip", "in.wav", "-o", "no/such/o.wav"], &["no/such"]);
    place.fails(&["roundtrip", "in.wav", "-o", "o.wav", "--depth", "0"], &["--depth 0"]);
    place.fails(&["roundtrip", "in.wav", "-o", "o.wav", "--depth", "33"], &["--depth 33", "32"]);
    place.fails(&["compare", "in.wav", "--depths", "4,99"], &["99"]);
    place.fails(&["decode", "text.npy", "-o", "o.wav"], &["text.npy"]);
    place.fails(&["decode", "gone.npy", "-o", "o.wav"], &["gone.npy"]);
    place.fails(&["decode", "gone.npy", "--play"], &["gone.npy"]);
    place.clip("surround.wav", 48_000, 6);
    place.fails(&["encode", "surround.wav", "-o", "c.npy"], &["6 channels"]);
    assert!(!place.path("o.wav").exists(), "a command that fails writes nothing");
    for wrong in [&["bench", "--layout", "v1"][..], &["roundtrip"], &["bench", "--lanes", "0"]] {
        assert_eq!(place.run(wrong).status.code(), Some(2), "{wrong:?} is a usage error");
    }
}
