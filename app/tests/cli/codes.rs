//! Arrays and lines of codes in the shapes that people have them.

use std::io::Write;
use std::process::{Output, Stdio};

use residue_engine::tokens::{Codes, npy};

use super::place::Place;

/// Codes whose first layer holds for some frames, as in held sound.
fn held(layers: u32, frames: u32) -> Codes {
    let code = |k: u32, t: u32| if k == 0 { t / 4 + 1 } else { (k * 331 + t * 197) % 1021 };
    let data = (0..layers).flat_map(|k| (0..frames).map(move |t| code(k, t))).collect();
    Codes::new(layers as usize, frames as usize, data)
}

/// Writes codes with a header of this shape.
fn shaped(place: &Place, name: &str, codes: &Codes, shape: &str) {
    let text = format!("{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}\n");
    let data = codes.data().iter().flat_map(|code| i64::from(*code).to_le_bytes());
    let length = (text.len() as u16).to_le_bytes();
    let file = [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes()].concat();
    std::fs::write(place.path(name), file.into_iter().chain(data).collect::<Vec<u8>>()).unwrap();
}

fn feed(place: &Place, arguments: &[&str], text: &[u8]) -> Output {
    let mut child = place
        .residue(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that has failed already reads nothing.
    let _ = child.stdin.take().unwrap().write_all(text);
    child.wait_with_output().unwrap()
}

#[test]
fn a_dimension_of_1_may_stand_anywhere_and_the_shape_is_told() {
    let place = Place::new();
    let codes = held(8, 20);
    npy::write(&place.path("plain.npy"), &codes).unwrap();
    let told = place.ok(&["decode", "plain.npy", "-o", "plain.wav"]);
    assert!(told.contains("from 8 layers x 20 frames"), "{told}");
    for (name, shape) in [("a", "(8, 20, 1)"), ("b", "(8, 1, 20)"), ("c", "(1, 8, 20)")] {
        shaped(&place, name, &codes, shape);
        place.ok(&["decode", name, "-o", "shaped.wav"]);
        assert!(place.read("shaped.wav") == place.read("plain.wav"), "{shape}");
    }
    // (1, T, K).
    shaped(&place, "d", &codes.transposed(), "(1, 20, 8)");
    place.ok(&["decode", "d", "-o", "shaped.wav", "--transpose"]);
    assert!(place.read("shaped.wav") == place.read("plain.wav"));
}

#[test]
fn codes_that_look_transposed_are_pointed_out() {
    let place = Place::new();
    npy::write(&place.path("right.npy"), &held(8, 20)).unwrap();
    npy::write(&place.path("turned.npy"), &held(8, 20).transposed()).unwrap();
    let run = |arguments: &[&str]| {
        let output = place.run(arguments);
        assert!(output.status.success());
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains(" layers x "), "{told}");
        (told, String::from_utf8(output.stderr).unwrap())
    };
    let (_, warnings) = run(&["decode", "right.npy", "-o", "o.wav"]);
    assert_eq!(warnings, "");
    let (told, warnings) = run(&["decode", "turned.npy", "-o", "o.wav"]);
    assert!(told.contains("20 layers x 8 frames"), "{told}");
    assert!(
        warnings.contains("read as 20 layers x 8 frames") && warnings.contains("with --transpose"),
        "{warnings}"
    );
    // The advice works.
    let (told, warnings) = run(&["decode", "turned.npy", "-o", "o.wav", "--transpose"]);
    assert!(told.contains("8 layers x 20 frames") && warnings.is_empty(), "{told}{warnings}");
    let (_, warnings) = run(&["decode", "right.npy", "-o", "o.wav", "--transpose"]);
    assert!(warnings.contains("without --transpose"), "{warnings}");
}

#[test]
fn more_layers_than_the_models_can_be_decoded_as_the_advice_says() {
    let place = Place::new();
    let codes = held(33, 20);
    npy::write(&place.path("k33.npy"), &codes).unwrap();
    npy::write(&place.path("long.npy"), &held(33, 50)).unwrap();
    place.fails(
        &["decode", "k33.npy", "-o", "o.wav"],
        &["33 layers and the model 32", "frames first, add --transpose", "add --depth 32"],
    );
    place.fails(&["decode", "long.npy", "-o", "o.wav"], &["model 32: to decode", "--depth 32"]);
    assert!(!place.path("o.wav").exists());
    let told = place.ok(&["decode", "k33.npy", "-o", "first.wav", "--depth", "32"]);
    assert!(told.contains("from 32 of 33 layers x 20 frames"), "{told}");
    place.ok(&["decode", "k33.npy", "-o", "turned.wav", "--transpose"]);
    npy::write(&place.path("k32.npy"), &codes.truncated(32)).unwrap();
    place.ok(&["decode", "k32.npy", "-o", "o.wav"]);
    assert!(place.read("o.wav") == place.read("first.wav"));

    let lines: Vec<String> = (0..20)
        .map(|t| codes.frame(t).iter().map(u32::to_string).collect::<Vec<_>>().join(","))
        .collect();
    let lines = lines.join("\n");
    let output = feed(&place, &["decode", "-", "-o", "stream.wav"], lines.as_bytes());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("add --depth 32"), "{errors}");
    let arguments = ["decode", "-", "-o", "stream.wav", "--depth", "32"];
    assert!(feed(&place, &arguments, lines.as_bytes()).status.success());
    assert!(place.read("stream.wav") == place.read("first.wav"));
}

#[test]
fn an_empty_stream_is_an_error_and_changes_nothing() {
    let place = Place::new();
    std::fs::write(place.path("o.wav"), "kept").unwrap();
    for text in ["", "\n\n# a comment\n"] {
        let output = feed(&place, &["decode", "-", "-o", "o.wav"], text.as_bytes());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains("no frames came") && output.stdout.is_empty(), "{errors}");
        assert_eq!(std::fs::read(place.path("o.wav")).unwrap(), b"kept");
    }
    assert_eq!(place.names(), ["o.wav"]);
}

#[test]
fn a_wrong_line_is_told_once() {
    let place = Place::new();
    let output = feed(&place, &["decode", "-", "-o", "o.wav"], b"1 2 3\n1 seven 3\n1 2 3\n");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors.matches("seven").count(), 1, "{errors}");
    assert_eq!(errors.trim_end().lines().count(), 1, "{errors}");
    assert!(errors.contains("stdin: line 2:"), "{errors}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("from 1 frame") && place.path("o.wav").exists(), "{told}");
}

/// Lays codes out in the delay pattern, padded with `padding`: (layers, frames + layers - 1).
fn delayed(codes: &Codes, padding: u32) -> Codes {
    let (layers, frames) = (codes.layers(), codes.frames());
    let code = |k: usize, row: usize| match row.checked_sub(k).filter(|t| *t < frames) {
        Some(t) => codes.get(k, t),
        None => padding,
    };
    let rows = frames + layers - 1;
    let data = (0..layers).flat_map(|k| (0..rows).map(move |row| code(k, row))).collect();
    Codes::new(layers, rows, data)
}

fn lines(codes: &Codes) -> Vec<u8> {
    let line = |t: usize| {
        let codes: Vec<String> = codes.frame(t).iter().map(u32::to_string).collect();
        codes.join(" ") + "\n"
    };
    (0..codes.frames()).map(line).collect::<String>().into_bytes()
}

#[test]
fn the_delay_pattern_is_aligned_in_streams_and_files() {
    let place = Place::new();
    let codes = held(8, 20);
    npy::write(&place.path("plain.npy"), &codes).unwrap();
    place.ok(&["decode", "plain.npy", "-o", "plain.wav"]);
    let plain = place.read("plain.wav");
    let stream = ["decode", "-", "-o", "stream.wav", "--pattern", "delay"];
    let output = feed(&place, &stream, &lines(&delayed(&codes, 1024)));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(place.read("stream.wav") == plain);
    npy::write(&place.path("delayed.npy"), &delayed(&codes, 2000)).unwrap();
    let file = ["decode", "delayed.npy", "-o", "file.wav", "--pattern", "delay"];
    let told = place.ok(&[&file[..], &["--padding", "2000"]].concat());
    assert!(told.contains("from 8 layers x 20 frames"), "{told}");
    assert!(place.read("file.wav") == plain);
    // The first four layers need no row of the others.
    place.ok(&["decode", "plain.npy", "-o", "four.wav", "--depth", "4"]);
    let output =
        feed(&place, &[&stream[..], &["--depth", "4"]].concat(), &lines(&delayed(&codes, 1024)));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(place.read("stream.wav") == place.read("four.wav"));
    place.fails(&["decode", "plain.npy", "-o", "x.wav", "--padding", "3"], &["--pattern delay"]);
}

#[test]
fn an_item_of_a_batch_is_decoded_to_its_length() {
    let place = Place::new();
    let items = [held(8, 20), held(8, 12)];
    for (i, codes) in items.iter().enumerate() {
        npy::write(&place.path(&format!("{i}.npy")), codes).unwrap();
        place.ok(&["decode", &format!("{i}.npy"), "-o", &format!("{i}.wav")]);
    }
    // The shorter one is padded to the length of the longer.
    let at =
        |b: usize, k: usize, t: usize| if t < items[b].frames() { items[b].get(k, t) } else { 0 };
    let array = |order: [usize; 3], name: &str, shape: &str| {
        let sizes = [2, 8, 20];
        let [x, y, z] = order.map(|axis| sizes[axis]);
        let mut data = Vec::new();
        for i in 0..x * y * z {
            let place = [i / (y * z), i / z % y, i % z];
            let mut at_axis = [0; 3];
            order.iter().zip(place).for_each(|(axis, place)| at_axis[*axis] = place);
            data.push(at(at_axis[0], at_axis[1], at_axis[2]));
        }
        shaped(&place, name, &Codes::new(x, y * z, data), shape);
    };
    for (axis, order, shape) in [
        ("0", [0, 1, 2], "(2, 8, 20)"),
        ("1", [1, 0, 2], "(8, 2, 20)"),
        ("2", [1, 2, 0], "(8, 20, 2)"),
    ] {
        array(order, "batch.npy", shape);
        place.ok(&["decode", "batch.npy", "-o", "o.wav", "--batch", axis]);
        assert!(place.read("o.wav") == place.read("0.wav"), "{shape}");
        let second = ["decode", "batch.npy", "-o", "o.wav", "--batch", axis, "--item", "1"];
        place.ok(&[&second[..], &["--length", "12"]].concat());
        assert!(place.read("o.wav") == place.read("1.wav"), "{shape}");
    }
    place.fails(&["decode", "batch.npy", "-o", "o.wav"], &["--item", "--batch"]);
    let absent = ["decode", "batch.npy", "-o", "o.wav", "--batch", "2", "--item", "2"];
    place.fails(&absent, &["the batch has 2 items along dimension 2, so --item 2 is not possible"]);
    place.fails(&["decode", "0.npy", "-o", "o.wav", "--batch", "0"], &["three dimensions"]);
    place.fails(&["decode", "0.npy", "-o", "o.wav", "--length", "21"], &["20 frames"]);
}

#[test]
fn half_the_layers_are_decoded_by_a_model_of_all() {
    let place = Place::new();
    let codes = held(16, 20);
    npy::write(&place.path("sixteen.npy"), &codes).unwrap();
    let told = place.ok(&["decode", "sixteen.npy", "-o", "file.wav"]);
    assert!(told.contains("from 16 layers x 20 frames"), "{told}");
    let output = feed(&place, &["decode", "-", "-o", "stream.wav"], &lines(&codes));
    assert!(output.status.success());
    assert!(place.read("stream.wav") == place.read("file.wav"));
}

#[test]
fn a_long_stream_gives_what_the_whole_file_gives() {
    let place = Place::new();
    let model = super::place::golden("v1");
    // Two minutes: more than any window holds, many times over.
    let (layers, frames) = (6, 1500);
    let data = (0..layers * frames).map(|i| (i * 40_503 % 1021) as u32 % 64);
    let codes = Codes::new(layers, frames, data.collect());
    npy::write(&place.path("codes.npy"), &codes).unwrap();
    place.ok(&["decode", "codes.npy", "-o", "file.wav", "--model", &model]);
    let output =
        feed(&place, &["decode", "-", "-o", "stream.wav", "--model", &model], &lines(&codes));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(place.read("stream.wav") == place.read("file.wav"));
}
