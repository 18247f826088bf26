//! Outputs of commands: files, devices, or stdout.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Seek, SeekFrom, StdoutLock, Write, stdout};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use residue_engine::audio::{self, Audio, WavFormat, WavWriter};
use residue_engine::output_file::{OutputFile, is_same_file};

use crate::terminal::{self, name};

/// Names of stdout.
const STDOUT: [&str; 2] = ["-", "/dev/stdout"];
/// Time between two updates of the header of a file that grows.
const UPDATE: Duration = Duration::from_secs(1);

/// The output of a command. Created before its work, so that it is refused before.
pub enum Output {
    /// Stdout, which then gets nothing else.
    Stdout,
    /// Anything with a path.
    File { path: PathBuf, file: OutputFile },
}

impl Output {
    /// Opens an output to `path` for a command that reads `input`.
    pub fn create(path: &Path, input: &Path) -> Result<Self> {
        if STDOUT.iter().any(|stdout| path == Path::new(stdout)) {
            ensure!(
                !stdout().is_terminal(),
                "stdout is a terminal, which shows no audio or codes; send it to a file or a program, or name a file"
            );
            return Ok(Self::Stdout);
        }
        refuse_input(path, input)?;
        let file = OutputFile::create(path).map_err(|error| failed(path, &error))?;
        Ok(Self::File { path: path.to_owned(), file })
    }

    /// Refuses an output that will have `bytes` bytes if they have no room.
    pub fn expect(&self, bytes: u64) -> Result<()> {
        match self {
            Self::Stdout => Ok(()),
            Self::File { path, file } => file.expect(bytes).map_err(|error| failed(path, &error)),
        }
    }

    /// Writes everything at once with `fill`, and then tells what it was in a line: on stdout, or beside it where
    /// stdout is the output.
    pub fn write(
        self,
        line: &str,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let fill = |writer: &mut dyn Write| fill(writer).and_then(|()| writer.flush());
        match self {
            Self::Stdout => {
                fill(&mut BufWriter::new(stdout().lock())).map_err(|error| to_stdout(&error))?;
                terminal::tell(format_args!("stdout: {line}"));
                Ok(())
            }
            Self::File { path, file } => {
                let filled = fill(&mut BufWriter::new(file.file()));
                filled.and_then(|()| file.commit()).map_err(|error| failed(&path, &error))?;
                terminal::say(format_args!("{}: {line}", name(&path)))
            }
        }
    }

    /// Writes audio.
    pub fn write_audio(self, line: &str, audio: &Audio) -> Result<()> {
        self.write(line, |writer| audio::write_to(writer, audio))
    }

    /// Starts audio that is written as it comes.
    pub fn grow(self, format: WavFormat) -> Result<GrowingAudio> {
        let (sink, can_update) = match &self {
            Self::Stdout => (Ok(Sink::Stdout(stdout().lock())), false),
            Self::File { file, .. } => {
                (file.file().try_clone().map(Sink::File), file.is_seekable())
            }
        };
        let wav = sink.and_then(|sink| match can_update {
            true => WavWriter::growing(sink, format),
            false => WavWriter::stream(sink, format),
        });
        let wav = wav.map_err(|error| self.failed(&error))?;
        Ok(GrowingAudio { output: self, wav, can_update, updated: Instant::now() })
    }

    fn failed(&self, error: &io::Error) -> anyhow::Error {
        match self {
            Self::Stdout => to_stdout(error),
            Self::File { path, .. } => failed(path, error),
        }
    }
}

/// Audio that is written as it comes. A file has its name from the first samples on and is readable at any time,
/// also after the process was killed.
pub struct GrowingAudio {
    output: Output,
    wav: WavWriter<Sink>,
    /// Whether the header can be written again.
    can_update: bool,
    updated: Instant,
}

impl GrowingAudio {
    /// Appends samples, one plane a channel.
    pub fn write<P: AsRef<[f32]>>(&mut self, planes: &[P]) -> Result<()> {
        self.append(planes).map_err(|error| self.output.failed(&error))
    }

    fn append<P: AsRef<[f32]>>(&mut self, planes: &[P]) -> io::Result<()> {
        let is_first = self.wav.frames() == 0;
        self.wav.write_planes(planes)?;
        if self.can_update && (is_first || self.updated.elapsed() > UPDATE) {
            self.wav.update()?;
            self.updated = Instant::now();
        }
        match &mut self.output {
            Output::File { file, .. } if is_first => file.publish(),
            _ => Ok(()),
        }
    }

    /// Returns the number of sample frames written.
    pub fn frames(&self) -> u64 {
        self.wav.frames()
    }

    /// Finishes the output and tells in a line what it is.
    pub fn finish(self, line: &str) -> Result<()> {
        let Self { output, mut wav, can_update, .. } = self;
        let updated = if can_update { wav.update() } else { Ok(()) };
        let finished = updated.and_then(|()| wav.finish());
        finished.map_err(|error| output.failed(&error))?;
        // The samples are there already.
        output.write(line, |_| Ok(()))
    }
}

/// The bytes' way out.
enum Sink {
    Stdout(StdoutLock<'static>),
    File(File),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

impl Seek for Sink {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Stdout(_) => Err(io::ErrorKind::NotSeekable.into()),
            Self::File(file) => file.seek(to),
        }
    }
}

/// Returns the size of audio as it is written, in bytes, but for the header.
pub fn audio_bytes(samples: usize, channels: usize) -> u64 {
    4 * samples as u64 * channels as u64
}

/// Refuses to write onto the file that a command reads, under whatever name.
pub fn refuse_input(path: &Path, input: &Path) -> Result<()> {
    let is_input = path.is_file() && is_same_file(path, input);
    ensure!(
        !is_input,
        "cannot write {}: it is the input, {}; choose another name or folder",
        name(path),
        name(input)
    );
    Ok(())
}

/// Returns the error of an output to `path`.
pub fn failed(path: &Path, error: &io::Error) -> anyhow::Error {
    anyhow!("cannot write {}: {error}", path.display())
}

fn to_stdout(error: &io::Error) -> anyhow::Error {
    anyhow!("cannot write to stdout: {error}")
}
