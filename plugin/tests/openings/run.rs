//! Repeated openings of the editor, or one for a picture.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use residue_ui_testing::Xvfb;

use crate::display::{Display, WindowId};
use crate::random::Random;
use crate::sound::RATE;
use crate::{clap_host, vst3_host};

/// Default number of openings per format.
const DEFAULT_COUNT: usize = 12;
/// Rounds of openings of one pair of instances, before both are dropped.
const ROUNDS: usize = 5;
/// Time that an editor stays open.
const OPEN_TIME: Duration = Duration::from_millis(220);
/// Time that slow hosts take to show an editor.
const SLOW_HOST: Duration = Duration::from_millis(80);
/// Longest time until an editor draws its first frame.
const MAX_FIRST_FRAME: Duration = Duration::from_secs(20);

/// An instance with an editor, in any format. All calls are made on the main thread.
pub trait EditorHost {
    /// Opens the editor in a window, with a pause before it is shown where the format has a call for that.
    /// Returns its size in pixels.
    fn open(&mut self, parent: WindowId, scale: f64, pause: Duration) -> [u32; 2];
    /// Requests another size; returns the size that the editor takes.
    fn resize(&mut self, width: u32, height: u32) -> [u32; 2];
    /// Handles the plugin's requests.
    fn serve(&mut self);
    /// Closes the editor.
    fn close(&mut self);
}

/// A color: red, green and blue.
pub type Corner = [u8; 3];

/// Returns whether the editor has drawn into a window's corner: nothing covers the background of the dark look
/// there.
fn has_drawn(corner: Corner) -> bool {
    corner.iter().zip([0x17, 0x1a, 0x1e]).all(|(a, b): (&u8, u8)| a.abs_diff(b) < 3)
}

/// Automation of parameters.
#[derive(Clone, Copy)]
pub enum Automation {
    /// Three parameters change at random in every block.
    Random,
    /// Two depths are set at the beginning: for pictures.
    Depths,
}

/// A reference to a parameter.
pub enum ParamRef {
    /// By its index.
    Index(usize),
    /// By its name.
    Name(&'static str),
}

impl Automation {
    /// Returns the changes in the block at `time`: parameters and normalized values.
    pub fn changes(self, time: u64, count: usize, random: &mut Random) -> Vec<(ParamRef, f64)> {
        match self {
            Self::Random => {
                (0..3).map(|_| (ParamRef::Index(random.below(count)), random.next())).collect()
            }
            Self::Depths if time == 0 => vec![
                // 8 and 2 layers of 32: 4 and 1 kbps.
                (ParamRef::Name("Depth A"), 7.0 / 31.0),
                (ParamRef::Name("Depth B"), 1.0 / 31.0),
            ],
            Self::Depths => Vec::new(),
        }
    }
}

/// Options of the command line.
struct OpeningOptions {
    count: usize,
    picture: Option<PathBuf>,
    seconds: f64,
    size: Option<[u32; 2]>,
    scale: f64,
    light: bool,
    /// The format of this process.
    format: Option<String>,
}

impl OpeningOptions {
    fn read() -> Self {
        let mut options = Self {
            count: DEFAULT_COUNT,
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
                "--count" => options.count = value().parse().expect("a number"),
                "--picture" => options.picture = Some(value().into()),
                "--seconds" => options.seconds = value().parse().expect("a number"),
                "--scale" => options.scale = value().parse().expect("a number"),
                "--format" => options.format = Some(value()),
                "--light" => options.light = true,
                "--size" => {
                    let text = value();
                    let sides = text.split_once('x').expect("a size, as 1060x720");
                    options.size =
                        Some([sides.0, sides.1].map(|side| side.parse().expect("a number")));
                }
                // Arguments for test harnesses: this program lists no tests, and matches no other name.
                "--list" => options.count = 0,
                name if !name.starts_with('-') && !"openings".contains(name) => options.count = 0,
                _ => {}
            }
        }
        options
    }
}

pub fn main() -> ExitCode {
    let options = OpeningOptions::read();
    if let Some(format) = &options.format {
        in_format(format, &options);
        return ExitCode::SUCCESS;
    }
    if options.count == 0 {
        return ExitCode::SUCCESS;
    }
    // Large enough for two editors. Other systems have a display.
    let server = cfg!(target_os = "linux").then(|| Xvfb::start(2600, 1600));
    let formats: &[&str] = if options.picture.is_some() { &["clap"] } else { &["clap", "vst3"] };
    let mut failed = false;
    for format in formats {
        let mut host = Command::new(std::env::current_exe().expect("a path"));
        host.args(std::env::args().skip(1)).args(["--format", format]);
        if let Some(server) = &server {
            // The tested display is Xvfb, whatever the surrounding session has.
            host.env("DISPLAY", server.display()).env_remove("WAYLAND_DISPLAY");
        }
        let status = host.status().expect("it runs");
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
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let name = format!("{prefix}residue_plugin{suffix}");
    let beside = folder.with_file_name(&name);
    if beside.exists() { beside } else { Path::new(&folder).join("../..").join(name) }
}

fn in_format(format: &str, options: &OpeningOptions) {
    let (library, display) = (library(), Display::open());
    match format {
        "clap" => {
            let entry = clap_host::load(&library);
            let start =
                |automation, seed| clap_host::ClapEditorInstance::start(&entry, automation, seed);
            match &options.picture {
                Some(path) => picture(&display, options, path, &start),
                None => openings(&display, format, options.count, &start),
            }
        }
        "vst3" => {
            let host = vst3_host::Vst3EditorHost::load(&library);
            let start =
                |automation, seed| vst3_host::Vst3EditorInstance::start(&host, automation, seed);
            openings(&display, format, options.count, &start);
        }
        other => panic!("{other} is no format"),
    }
}

/// Opens the editors of two instances at once, again and again.
fn openings<E: EditorHost>(
    display: &Display,
    format: &str,
    count: usize,
    start: &dyn Fn(Automation, u64) -> E,
) {
    let paused = format == "clap";
    let (mut creation, mut first_frame) = (Vec::new(), Vec::new());
    let mut opened = 0;
    while opened < count {
        let mut pair = [1, 2].map(|n| start(Automation::Random, opened as u64 + n));
        for round in 0..ROUNDS {
            let mut windows = Vec::new();
            for (n, editor) in pair.iter_mut().enumerate() {
                let window = display.window(n as i16 * 1100, 0, 1060, 720);
                let began = Instant::now();
                // Slow and fast hosts alternate.
                let pause = if round % 2 == 0 { Duration::ZERO } else { SLOW_HOST };
                editor.open(window, 1.0, pause);
                let waited = if paused { pause } else { Duration::ZERO };
                creation.push(began.elapsed() - waited);
                while !has_drawn(display.corner(window)) {
                    assert!(began.elapsed() < MAX_FIRST_FRAME, "{format}: nothing is drawn");
                    editor.serve();
                    display.serve();
                    std::thread::sleep(Duration::from_millis(1));
                }
                first_frame.push(began.elapsed() - waited);
                opened += 1;
                windows.push(window);
            }
            let until = Instant::now() + OPEN_TIME;
            while Instant::now() < until {
                pair.iter_mut().for_each(EditorHost::serve);
                display.serve();
                std::thread::sleep(Duration::from_millis(2));
            }
            // Both orders of closing occur.
            if round % 2 == 1 {
                pair.reverse();
            }
            pair.iter_mut().for_each(EditorHost::close);
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

/// Plays for a while, and saves a picture of the editor.
fn picture<E: EditorHost>(
    display: &Display,
    options: &OpeningOptions,
    path: &Path,
    start: &dyn Fn(Automation, u64) -> E,
) {
    let mut editor = start(Automation::Depths, 1);
    let window = display.window(0, 0, 2560, 1560);
    let mut size = editor.open(window, options.scale, Duration::ZERO);
    if let Some([width, height]) = options.size {
        size = editor.resize(width, height);
    }
    let until = Instant::now() + Duration::from_secs_f64(options.seconds);
    while Instant::now() < until {
        editor.serve();
        display.serve();
        std::thread::sleep(Duration::from_millis(5));
    }
    display.picture(window, size[0] as u16, size[1] as u16).write(path);
    println!("{} ({} x {}, {RATE} Hz)", path.display(), size[0], size[1]);
    editor.close();
    display.destroy(window);
}
