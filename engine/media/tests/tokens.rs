//! Code files and streams: arrays written by NumPy (`measure/make_npy.py`), damaged ones, streams.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use residue_media::tokens::{
    Codes, CodesError, FrameError, FrameErrorKind, FrameReader, NpyError, NpyErrorKind,
    StreamFormat, npy, write_frame,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/measure/npy").join(name)
}

/// Returns the codes of every valid fixture: 10 k + t in layer k at frame t.
fn codes() -> Codes {
    Codes::new(3, 5, (0..3).flat_map(|k| (0..5).map(move |t| 10 * k + t)).collect())
}

/// Returns a version 1.0 file with this dictionary and these data.
fn file(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let length = (dictionary.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], dictionary.as_bytes(), data].concat()
}

fn header(descr: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n")
}

fn problem(bytes: &[u8]) -> NpyErrorKind {
    npy::read_from(bytes, "test.npy").expect_err("this is malformed").problem
}

#[test]
fn every_shape_type_and_order_numpy_writes_is_read() {
    let mut read = 0;
    for entry in std::fs::read_dir(fixture("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("bad") && name != "empty_16.npy" {
            assert_eq!(npy::read(&path).unwrap(), codes(), "{name}");
            read += 1;
        }
    }
    assert_eq!(read, 21);
    assert_eq!(npy::read(&fixture("empty_16.npy")).unwrap(), Codes::empty(16));
}

#[test]
fn files_are_written_as_numpy_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.npy");
    for (codes, golden) in [(codes(), "kt_int64.npy"), (Codes::empty(16), "empty_16.npy")] {
        npy::write(&path, &codes).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(fixture(golden)).unwrap());
    }
}

#[test]
fn arrays_that_are_not_codes_are_named() {
    use NpyErrorKind as P;
    type Expected = fn(&P) -> bool;
    let cases: [(&str, Expected, &str); 11] = [
        ("float64", |p| matches!(p, P::Dtype { .. }), "'<f8'"),
        ("bool", |p| matches!(p, P::Dtype { .. }), "'|b1'"),
        ("text", |p| matches!(p, P::Dtype { .. }), "'<U2'"),
        ("record", |p| matches!(p, P::Dtype { .. }), "records"),
        ("rank0", |p| matches!(p, P::Rank(_)), "()"),
        ("rank1", |p| matches!(p, P::Rank(_)), "(5,)"),
        ("rank4", |p| matches!(p, P::Rank(_)), "(1, 1, 3, 5)"),
        ("batch", |p| matches!(p, P::Batch(_)), "(2, 3, 5)"),
        (
            "negative",
            |p| matches!(p, P::Negative { layer: 0, frame: 0, value: -12 }),
            "code -12 is negative",
        ),
        (
            "large",
            |p| matches!(p, P::TooLargeCode { layer: 0, frame: 0, value: 0x100_0000_0000 }),
            "larger than any codebook",
        ),
        ("no_layers", |p| matches!(p, P::NoLayers(_)), "(0, 5)"),
    ];
    for (name, expected, words) in cases {
        let path = fixture(&format!("bad_{name}.npy"));
        let error = npy::read(&path).unwrap_err();
        assert!(expected(&error.problem), "{name}: {error:?}");
        let message = error.to_string();
        assert!(message.starts_with(&path.display().to_string()), "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn damaged_files_are_named() {
    use NpyErrorKind as P;
    type Expected = fn(&P) -> bool;
    let good = file(&header("<i8", "(1, 2)"), &[0; 16]);
    let deep = format!("{{'descr': '<i8', 'shape': {}", "(".repeat(9000));
    let header_problem: Expected = |p| matches!(p, P::Header { .. });
    let cases: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("empty", vec![], |p| matches!(p, P::NotNpy { found: "it is empty" })),
        ("text", b"1 2 3\n4 5 6\n".to_vec(), |p| matches!(p, P::NotNpy { found: "it is text" })),
        ("npz", b"PK\x03\x04\0\0\0\0".to_vec(), |p| matches!(p, P::NotNpy { .. })),
        ("wav", b"RIFF\0\0\0\0WAVE".to_vec(), |p| matches!(p, P::NotNpy { .. })),
        ("magic only", b"\x93NUMPY".to_vec(), |p| {
            matches!(p, P::Truncated { after: 6, expected: 2, found: 0 })
        }),
        ("no length", b"\x93NUMPY\x01\x00v".to_vec(), |p| {
            matches!(p, P::Truncated { after: 8, expected: 2, found: 1 })
        }),
        ("version 9", b"\x93NUMPY\x09\x00v\x00".to_vec(), |p| {
            matches!(p, P::Version { major: 9, minor: 0 })
        }),
        ("4 GB header", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), |p| {
            matches!(p, P::HeaderTooLong { bytes: 0xffff_ffff, .. })
        }),
        ("header cut", good[..40].to_vec(), |p| {
            matches!(p, P::Truncated { after: 10, found: 30, .. })
        }),
        ("data cut", good[..good.len() - 1].to_vec(), |p| {
            matches!(p, P::Truncated { expected: 16, found: 15, .. })
        }),
        ("no data", file(&header("<i8", "(16, 99)"), &[]), |p| {
            matches!(p, P::Truncated { expected: 12_672, found: 0, .. })
        }),
        // The declared shapes would take 137 GB, or overflow.
        ("huge claim", file(&header("<i8", "(16, 1000000000)"), &[0; 99]), |p| {
            matches!(p, P::Truncated { expected: 128_000_000_000, found: 99, .. })
        }),
        (
            "huge claim, Fortran",
            {
                let text = header("<i8", "(16, 1000000000)").replace("False", "True");
                file(&text, &[0; 99])
            },
            |p| matches!(p, P::Truncated { found: 99, .. }),
        ),
        ("overflow", file(&header("<i8", "(4294967296, 4294967296)"), &[]), |p| {
            matches!(p, P::TooLarge(_))
        }),
        ("endless layers", file(&header("<i8", "(1099511627776, 0)"), &[]), |p| {
            matches!(p, P::TooLarge(_))
        }),
        ("beyond u64", file(&header("<i8", "(16, 99999999999999999999)"), &[]), header_problem),
        ("negative shape", file(&header("<i8", "(-1, 5)"), &[]), header_problem),
        ("float shape", file(&header("<i8", "(1.5, 5)"), &[]), header_problem),
        ("no dictionary", file("hello\n", &[]), header_problem),
        ("empty header", file("", &[]), header_problem),
        ("deep nesting", file(&deep, &[]), header_problem),
        ("open string", file("{'descr", &[]), header_problem),
        ("no shape", file("{'descr': '<i8', 'fortran_order': False}", &[]), header_problem),
        ("odd key", file("{'descr': '<i8', 'x': 1}", &[]), header_problem),
        ("odd flag", file("{'fortran_order': 1}", &[]), header_problem),
        ("more after", file(&(header("<i8", "(1, 2)") + "import os"), &[0; 16]), header_problem),
        ("not UTF-8", [&b"\x93NUMPY\x01\x00\x04\x00"[..], b"\xff\xfe{}"].concat(), header_problem),
        ("odd size", file(&header("<i3", "(1, 2)"), &[0; 16]), |p| matches!(p, P::Dtype { .. })),
        ("object", file(&header("|O", "(1, 2)"), &[0; 16]), |p| matches!(p, P::Dtype { .. })),
    ];
    for (name, bytes, expected) in cases {
        let found = problem(&bytes);
        assert!(expected(&found), "{name}: {found:?}");
        assert!(found.to_string().len() > 20, "{name}: {found}");
    }
}

#[test]
fn missing_files_and_folders_are_named() {
    let missing = npy::read(&fixture("no such file.npy")).unwrap_err();
    assert!(matches!(missing.problem, NpyErrorKind::Read(_)));
    assert!(missing.to_string().contains("no such file.npy: cannot be read"), "{missing}");
    let unwritable = npy::write(&fixture("no/such/folder.npy"), &codes()).unwrap_err();
    assert!(matches!(unwritable.problem, NpyErrorKind::Write(_)));
}

#[test]
fn python_2_headers_and_trailing_bytes_are_accepted() {
    let old = "{'shape': (1L, 2L), 'fortran_order': False, 'descr': '|u1'}   \n";
    let codes = npy::read_from(&file(old, &[3, 4, 99, 99])[..], "old").unwrap();
    assert_eq!(codes, Codes::new(1, 2, vec![3, 4]));
}

#[test]
fn a_frame_is_returned_as_soon_as_its_line_arrives() {
    /// Gives one piece at a time and fails where the test must not read yet.
    struct Pieces(Vec<&'static [u8]>);
    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "read ahead of what has arrived");
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }
    let input = Pieces(vec![b"# a comment\n1 ", b"2\n3", b" 4\n"]);
    let mut frames = FrameReader::new(BufReader::new(input), "stdin");
    assert_eq!(frames.next().unwrap().unwrap(), [1, 2]);
    assert_eq!(frames.next().unwrap().unwrap(), [3, 4]);
}

#[test]
fn streams_of_both_forms_give_the_same_frames() {
    let expected: Vec<Vec<u32>> = (0..5).map(|t| codes().frame(t)).collect();
    let (mut array, mut lines) = (Vec::new(), Vec::new());
    npy::write_to(&mut array, &codes()).unwrap();
    for frame in &expected {
        write_frame(&mut lines, frame).unwrap();
    }
    let json: String = expected.iter().map(|frame| format!("{frame:?}\r\n")).collect();
    for (bytes, format) in [
        (array, StreamFormat::Npy),
        (lines, StreamFormat::Lines),
        (json.trim_end().as_bytes().to_vec(), StreamFormat::Lines),
        ([b"\xEF\xBB\xBF", json.as_bytes()].concat(), StreamFormat::Lines),
    ] {
        // One byte at a time, since results must not depend on how bytes arrive.
        let mut frames = FrameReader::new(BufReader::with_capacity(1, &bytes[..]), "stdin");
        assert_eq!(frames.format().unwrap(), format);
        let frames: Vec<Vec<u32>> = frames.map(Result::unwrap).collect();
        assert_eq!(frames, expected);
        assert_eq!(Codes::from_frames(&frames), Ok(codes()));
    }
    assert_eq!(FrameReader::new(io::empty(), "stdin").count(), 0);
}

#[test]
fn bad_lines_are_named_and_end_the_stream() {
    let long = format!("{}\n", "1 ".repeat(40_000));
    for (text, line, problem) in [
        ("1 2\n3\n", 2, FrameErrorKind::LayerCount { found: 1, expected: 2 }),
        ("1 2\n\n# x\n1 -1\n1 2\n", 4, FrameErrorKind::Negative("-1".to_owned())),
        ("1 2\n1 2.5\n", 2, FrameErrorKind::NotAnInteger("2.5".to_owned())),
        ("[1, 2]\n[1, 2\n", 2, FrameErrorKind::Brackets),
        ("1 2 3 4\n", 1, FrameErrorKind::TooManyLayers { found: 4, layers: 3 }),
        ("1 2\n1 99\n", 2, FrameErrorKind::OutOfRange { layer: 1, value: 99, codebook_size: 50 }),
        ("1\0 2\0\n", 1, FrameErrorKind::NotText),
        (&long, 1, FrameErrorKind::TooLong { limit: 65_536 }),
    ] {
        let mut frames = FrameReader::new(text.as_bytes(), "stdin").for_model(3, 50);
        let error = frames.find_map(Result::err).expect("a line is bad");
        assert!(error.to_string().starts_with(&format!("stdin: line {line}: ")), "{error}");
        match error {
            FrameError::Line { problem: found, .. } => assert_eq!(found, problem),
            other => panic!("{other:?}"),
        }
        assert!(frames.next().is_none(), "nothing comes after an error");
    }
}

#[test]
fn arrays_on_a_stream_are_checked_too() {
    let mut array = Vec::new();
    npy::write_to(&mut array, &codes()).unwrap();
    let first_error = |bytes: &[u8]| {
        let mut frames = FrameReader::new(Cursor::new(bytes), "stdin").for_model(2, 50);
        let error = frames.next().expect("an error").expect_err("an error");
        assert!(frames.next().is_none());
        error
    };
    match first_error(&array) {
        FrameError::Codes { source, .. } => {
            assert!(matches!(source, CodesError::TooManyLayers { found: 3, layers: 2, .. }));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(first_error(&array[..200]), FrameError::Npy(_)));
}

#[test]
fn a_failing_input_is_named() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }
    let input = (&b"1 2\n"[..]).chain(BufReader::new(Broken));
    let mut frames = FrameReader::new(input, "stdin");
    assert!(frames.next().unwrap().is_ok());
    let error = frames.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "stdin: cannot be read after line 1: unplugged");
}

#[test]
fn one_dimension_of_1_may_stand_anywhere() {
    let expected = Codes::new(2, 3, (0..6).collect());
    let data: Vec<u8> = (0..6_i64).flat_map(i64::to_le_bytes).collect();
    for shape in ["(2, 3)", "(1, 2, 3)", "(2, 1, 3)", "(2, 3, 1)"] {
        let read = npy::read_from(&file(&header("<i8", shape), &data)[..], shape).unwrap();
        assert_eq!(read, expected, "{shape}");
    }
    // Of several the first is left out, so (1, T, K) of one frame or layer is read like (1, K, T).
    let read = npy::read_from(&file(&header("<i8", "(1, 1, 6)"), &data)[..], "").unwrap();
    assert_eq!((read.layers(), read.frames()), (1, 6));
    let read = npy::read_from(&file(&header("<i8", "(1, 6, 1)"), &data)[..], "").unwrap();
    assert_eq!((read.layers(), read.frames()), (6, 1));
}

#[test]
fn appended_frames_are_a_whole_file_after_every_update() {
    let mut bytes = Cursor::new(Vec::new());
    let mut appender = npy::NpyAppender::new(&mut bytes, 3).unwrap();
    for frame in 0..5 {
        appender.push(&codes().frame(frame)).unwrap();
    }
    appender.update().unwrap();
    // As numpy.save writes this array in Fortran order.
    assert_eq!(bytes.get_ref(), &std::fs::read(fixture("kt_fortran.npy")).unwrap());

    let mut bytes = Cursor::new(Vec::new());
    let mut appender = npy::NpyAppender::new(&mut bytes, 3).unwrap();
    let mut sizes = Vec::new();
    for frame in 0..1200 {
        appender.push(&codes().frame(frame % 5)).unwrap();
        if [9, 99, 999, 1199].contains(&frame) {
            appender.update().unwrap();
            sizes.push(frame + 1);
        }
    }
    assert_eq!(sizes.len(), 4);
    let read = npy::read_from(bytes.get_ref().as_slice(), "").unwrap();
    assert_eq!((read.layers(), read.frames()), (3, 1200));
    assert_eq!(read.frame(1199), codes().frame(4));
}

#[test]
fn a_stream_of_more_layers_than_the_model_has_gives_its_first_ones() {
    let text = "1 2 99\n3 4 99\n";
    let all = FrameReader::new(text.as_bytes(), "stdin").for_model(2, 50).next().unwrap();
    assert!(all.unwrap_err().to_string().contains("send the first 2"));
    let first = FrameReader::new(text.as_bytes(), "stdin").for_model(2, 50).first_layers(2);
    let first: Vec<_> = first.map(Result::unwrap).collect();
    assert_eq!(first, [[1, 2], [3, 4]]);
    // Every line must have as many codes as the first all the same.
    let ragged = FrameReader::new("1 2 9\n1 2\n".as_bytes(), "stdin").first_layers(2);
    assert!(ragged.last().unwrap().is_err());
    let mut array = Vec::new();
    npy::write_to(&mut array, &codes()).unwrap();
    let mut frames = FrameReader::new(&array[..], "stdin").for_model(2, 50).first_layers(2);
    assert_eq!(frames.next().unwrap().unwrap(), codes().truncated(2).frame(0));
}

/// Windows show an error's own message only, so it holds the message of its cause, once.
#[test]
fn messages_hold_their_cause_once() {
    use std::error::Error;
    let failure = || io::Error::other("unplugged");
    let line = |problem| FrameError::Line { name: "stdin".into(), line: 3, problem };
    let errors: Vec<Box<dyn Error>> = vec![
        Box::new(NpyError { name: "x.npy".into(), problem: NpyErrorKind::Read(failure()) }),
        Box::new(NpyError { name: "x.npy".into(), problem: NpyErrorKind::Write(failure()) }),
        Box::new(NpyError { name: "x.npy".into(), problem: NpyErrorKind::NoLayers(vec![0, 5]) }),
        Box::new(FrameError::Read { name: "stdin".into(), line: 3, source: failure() }),
        Box::new(line(FrameErrorKind::NotText)),
        Box::new(FrameError::from(NpyError {
            name: "x.npy".into(),
            problem: NpyErrorKind::Read(failure()),
        })),
        Box::new(FrameError::Codes {
            name: "stdin".into(),
            source: CodesError::NoLayers { layers: 4 },
        }),
    ];
    for error in errors {
        let message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            assert_eq!(message.matches(&inner.to_string()).count(), 1, "{message}");
            cause = inner.source();
        }
    }
}

proptest! {
    #[test]
    fn any_codes_survive_both_forms(layers in 1_usize..6, frames in 0_usize..9, seed: u32) {
        let code = |i: usize| (i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed);
        let codes = Codes::new(layers, frames, (0..layers * frames).map(code).collect());
        let (mut array, mut lines) = (Vec::new(), Vec::new());
        npy::write_to(&mut array, &codes).unwrap();
        prop_assert_eq!(&npy::read_from(&array[..], "array").unwrap(), &codes);
        for frame in 0..frames {
            write_frame(&mut lines, &codes.frame(frame)).unwrap();
        }
        let read: Result<Vec<_>, _> = FrameReader::new(&lines[..], "lines").collect();
        if frames > 0 {
            prop_assert_eq!(Codes::from_frames(&read.unwrap()).unwrap(), codes);
        }
    }

    #[test]
    fn no_bytes_make_the_readers_panic(
        start in 0_usize..4,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cut in 0_usize..300,
        flip in 0_usize..300,
    ) {
        let mut array = Vec::new();
        npy::write_to(&mut array, &codes()).unwrap();
        let mut input = match start {
            0 => bytes,
            1 => [&b"\x93NUMPY\x01\x00"[..], &bytes].concat(),
            2 => file(&String::from_utf8_lossy(&bytes), &[0; 40]),
            _ => array,
        };
        input.truncate(cut);
        if let Some(byte) = input.get_mut(flip) {
            *byte ^= 0x55;
        }
        let _ = npy::read_from(&input[..], "fuzz");
        let mut lines = FrameReader::new(&input[..], "fuzz");
        while let Some(Ok(_)) = lines.next() {}
        prop_assert!((&input[..]).fill_buf().is_ok());
    }
}
