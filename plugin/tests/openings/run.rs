//! What is tried: openings by the dozen, or one for a picture.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use residue_ui_testing::Xvfb;

use crate::display::Display;
use crate::random::Random;
use crate::sound::RATE;
use crate::{clap_host, vst3_host};

/// Openings a format if nothing else is asked for.
const FEW: usize = 12;
/// Openings of one pair of instances, before both are freed.
const A_PAIR: usize = 5;
/// How long an editor stays open.
const OPEN: Duration = Duration::from_millis(220);
/// How long some hosts take before they show it.
const SLOW: Duration = Duration::from_millis(80);
/// When an editor that has drawn nothing counts as not opened.
const PATIENCE: Duration = Duration::from_secs(20);

/// An instance with an editor, in any format. All on the main thread.
pub trait Editor {
    /// Opens the editor in a window, with a pause before it is shown where the format knows one; its
    /// size in pixels.
    fn open(&mut self, parent: u32, scale: f64, pause: Duration) -> [u32; 2];
    /// Asks for another size; the size that it takes.
    fn resize(&mut self, width: u32, height: u32) -> [u32; 2];
    /// Does what the plugin asked for.
    fn serve(&mut self);
    /// Closes it.
    fn close(&mut self);
}

/// How parameters move.
#[derive(Clone, Copy)]
pub enum Motion {
    /// Three of them jump anywhere in every block.
    Wild,
    /// As somebody might listen: for pictures.
    Calm,
}

/// A parameter.
pub enum Which {
    /// By its place in the list.
    Index(usize),
    /// By its name.
    Name(&'static str),
}

impl Motion {
    /// Which parameters go where (0 lowest, 1 highest) in the block at `time`.
    pub fn changes(self, time: u64, count: usize, random: &mut Random) -> Vec<(Which, f64)> {
        match self {
            Self::Wild => {
                (0..3).map(|_| (Which::Index(random.below(count)), random.next())).collect()
            }
            Self::Calm if time == 0 => vec![
                // 8 and 2 layers of 32: 4 and 1 kbps.
                (Which::Name("Depth A"), 7.0 / 31.0),
                (Which::Name("Depth B"), 1.0 / 31.0),
            ],
            Self::Calm => Vec::new(),
        }
    }
}

/// What was asked for.
struct Wish {
    count: usize,
    picture: Option<PathBuf>,
    seconds: f64,
    size: Option<[u32; 2]>,
    scale: f64,
    light: bool,
    /// In the process of a format.
    format: Option<String>,
}

impl Wish {
    fn read() -> Self {
        let mut wish = Self {
            count: FEW,
            picture: None,
            seconds: 9.0,
            size: None,
            scale: 1.0,
            light: false,
            format: None,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
            match arg.as_str() {
                "--count" => wish.count = value().parse().expect("a number"),
                "--picture" => wish.picture = Some(value().into()),
                "--seconds" => wish.seconds = value().parse().expect("a number"),
                "--scale" => wish.scale = value().parse().expect("a number"),
                "--format" => wish.format = Some(value()),
                "--light" => wish.light = true,
                "--size" => {
                    let text = value();
                    let sides = text.split_once('x').expect("a size, as 1060x720");
                    wish.size =
                        Some([sides.0, sides.1].map(|side| side.parse().expect("a number")));
                }
                // What people pass to all tests: this one lists none, and is no match for their names.
                "--list" => wish.count = 0,
                name if !name.starts_with('-') && !"openings".contains(name) => wish.count = 0,
                _ => {}
            }
        }
        wish
    }
}

pub fn main() -> ExitCode {
    let wish = Wish::read();
    if let Some(format) = &wish.format {
        in_format(format, &wish);
        return ExitCode::SUCCESS;
    }
    if wish.count == 0 {
        return ExitCode::SUCCESS;
    }
    // Large enough for two editors.
    let server = Xvfb::start(2600, 1600);
    let formats: &[&str] = if wish.picture.is_some() { &["clap"] } else { &["clap", "vst3"] };
    let mut failed = false;
    for format in formats {
        let status = Command::new(std::env::current_exe().expect("a path"))
            .args(std::env::args().skip(1))
            .args(["--format", format])
            .env("DISPLAY", server.display())
            // What a host's display has is no matter of the one it runs on.
            .env_remove("WAYLAND_DISPLAY")
            .status()
            .expect("it runs");
        if !status.success() {
            println!("{format}: the host ended with {status}");
            failed = true;
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The built library, beside the test or in the folder above.
fn library() -> PathBuf {
    let folder = std::env::current_exe().expect("the test has a path");
    let name = "libresidue_plugin.so";
    let beside = folder.with_file_name(name);
    if beside.exists() { beside } else { Path::new(&folder).join("../..").join(name) }
}

fn in_format(format: &str, wish: &Wish) {
    let (library, display) = (library(), Display::open());
    match format {
        "clap" => {
            let entry = clap_host::load(&library);
            let start = |motion, seed| clap_host::Instance::start(&entry, motion, seed);
            match &wish.picture {
                Some(path) => picture(&display, wish, path, &start),
                None => openings(&display, format, wish.count, &start),
            }
        }
        "vst3" => {
            let host = vst3_host::Host::load(&library);
            let start = |motion, seed| vst3_host::Instance::start(&host, motion, seed);
            openings(&display, format, wish.count, &start);
        }
        other => panic!("{other} is no format"),
    }
}

/// Opens the editors of two instances at once, again and again.
fn openings<E: Editor>(
    display: &Display,
    format: &str,
    count: usize,
    start: &dyn Fn(Motion, u64) -> E,
) {
    let paused = format == "clap";
    let (mut creation, mut first_frame) = (Vec::new(), Vec::new());
    let mut opened = 0;
    while opened < count {
        let mut pair = [1, 2].map(|n| start(Motion::Wild, opened as u64 + n));
        for round in 0..A_PAIR {
            let mut windows = Vec::new();
            for (n, editor) in pair.iter_mut().enumerate() {
                let window = display.window(n as i16 * 1100, 0, 1060, 720);
                let began = Instant::now();
                // Some hosts take their time.
                let pause = if round % 2 == 0 { Duration::ZERO } else { SLOW };
                editor.open(window, 1.0, pause);
                let waited = if paused { pause } else { Duration::ZERO };
                creation.push(began.elapsed() - waited);
                while !display.drawn(window) {
                    assert!(began.elapsed() < PATIENCE, "{format}: nothing is drawn");
                    editor.serve();
                    std::thread::sleep(Duration::from_millis(1));
                }
                first_frame.push(began.elapsed() - waited);
                opened += 1;
                windows.push(window);
            }
            let until = Instant::now() + OPEN;
            while Instant::now() < until {
                pair.iter_mut().for_each(Editor::serve);
                std::thread::sleep(Duration::from_millis(2));
            }
            // Each of them closes first now and then.
            if round % 2 == 1 {
                pair.reverse();
            }
            pair.iter_mut().for_each(Editor::close);
            windows.into_iter().for_each(|window| display.destroy(window));
            if opened >= count {
                break;
            }
        }
    }
    creation.sort();
    first_frame.sort();
    let ms = |time: &Duration| time.as_secs_f64() * 1000.0;
    let middle = |times: &[Duration]| ms(&times[times.len() / 2]);
    println!(
        "{format}: {opened} of {opened} openings, two at once, under automation; window and GL \
         {:.0} ms, first frame after {:.0} ms (median; {:.0} to {:.0})",
        middle(&creation),
        middle(&first_frame),
        ms(&first_frame[0]),
        ms(&first_frame[first_frame.len() - 1]),
    );
}

/// Plays for a while and keeps what the editor shows.
fn picture<E: Editor>(
    display: &Display,
    wish: &Wish,
    path: &Path,
    start: &dyn Fn(Motion, u64) -> E,
) {
    let mut editor = start(Motion::Calm, 1);
    let window = display.window(0, 0, 2560, 1560);
    let mut size = editor.open(window, wish.scale, Duration::ZERO);
    if let Some([width, height]) = wish.size {
        size = editor.resize(width, height);
    }
    let until = Instant::now() + Duration::from_secs_f64(wish.seconds);
    while Instant::now() < until {
        editor.serve();
        std::thread::sleep(Duration::from_millis(5));
    }
    display.picture(window, size[0] as u16, size[1] as u16).write(path);
    println!("{} ({} x {}, {RATE} Hz)", path.display(), size[0], size[1]);
    editor.close();
}
