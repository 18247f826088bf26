//! Sound through WASAPI on a PulseAudio server without hardware.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::child::Beside;
use crate::wine::Wine;
use crate::{root, run};

/// Hz of the server's output: the embedded model's own, so that nothing is resampled.
const RATE: u32 = 24_000;
/// Samples by which a place in the recording is found.
const KNOWN: usize = 32;
/// Longest time until the server answers.
const STARTS: Duration = Duration::from_secs(20);

/// Plays a clip's codes through the default device of Windows, and finds the samples that `residue roundtrip`
/// writes in what came out of it.
pub fn compare(wine: &Wine, program: &Path) -> Result<()> {
    let folder = root()?.join("target/wine-sound");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let server = SoundServer::start(&folder)?;
    let [clip, codes, expected] =
        ["clip.wav", "codes.npy", "roundtrip.wav"].map(|name| folder.join(name));
    let make = |task: &str, from: &Path, to: &Path| {
        run(wine.command(program).arg(task).arg(from).arg("--output").arg(to))
    };
    // A clip at the model's own rate.
    make("encode", Path::new("assets/clips/speech.flac"), &codes)?;
    make("decode", &codes, &clip)?;
    make("encode", &clip, &codes)?;
    make("roundtrip", &clip, &expected)?;
    let expected = wav_samples(&fs::read(&expected).context("reading the round trip")?)?;

    let recorded = folder.join("recorded.raw");
    let probe = server.record(&recorded)?;
    let mut devices = wine.command(program);
    run(server.reach(&mut devices).arg("devices"))?;
    let mut play = wine.command(program);
    run(server.reach(&mut play).args(["decode", "--play"]).arg(&codes))?;
    sleep(Duration::from_secs(1));
    drop(probe);
    let recorded = fs::read(&recorded).context("reading the recording")?;
    let left = left_channel(&recorded);
    let Found { equal, gaps } = compare_samples(&left, &expected);
    println!(
        "WASAPI: {equal} of {} samples of the round trip came out of the device, in order and exact, with {gaps} gaps",
        expected.len()
    );
    // Not all of them on a busy machine, where frames come late and periods are lost. Those beyond full scale are
    // limited before the device.
    if equal < expected.len() / 2 {
        bail!("too few samples came out of the device as they were");
    }
    Ok(())
}

/// A PulseAudio server with one output that nobody hears.
struct SoundServer {
    _server: Beside,
    folder: PathBuf,
    address: String,
}

impl SoundServer {
    fn start(folder: &Path) -> Result<Self> {
        let socket = folder.join("socket");
        crate::bundle::remove(&socket)?;
        let script = folder.join("server.pa");
        let text = format!(
            "load-module module-native-protocol-unix auth-anonymous=1 socket={}\n\
             load-module module-null-sink sink_name=out rate={RATE} channels=2 format=float32le\n\
             set-default-sink out\nset-default-source out.monitor\n",
            socket.display()
        );
        fs::write(&script, text).context("writing the server's script")?;
        let mut command = Command::new("pulseaudio");
        command.args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "-F"]);
        command.arg(&script).env("XDG_RUNTIME_DIR", folder).env("HOME", folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = command.spawn().context("starting pulseaudio (Debian: pulseaudio)")?;
        let server = Self {
            _server: Beside(server),
            folder: folder.to_owned(),
            address: format!("unix:{}", socket.display()),
        };
        let began = Instant::now();
        while !server.answers() {
            if began.elapsed() > STARTS {
                bail!("pulseaudio does not answer");
            }
            sleep(Duration::from_millis(100));
        }
        Ok(server)
    }

    /// Makes a program play through the server.
    fn reach<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("PULSE_SERVER", &self.address).env("XDG_RUNTIME_DIR", &self.folder)
    }

    fn answers(&self) -> bool {
        let mut command = Command::new("pactl");
        let info = self.reach(&mut command).arg("info").stdout(Stdio::null()).stderr(Stdio::null());
        info.status().is_ok_and(|status| status.success())
    }

    /// Records the output's samples, 32-bit floats of two channels, until the recorder is dropped.
    fn record(&self, path: &Path) -> Result<Beside> {
        let file =
            fs::File::create(path).with_context(|| format!("creating {}", path.display()))?;
        let mut command = Command::new("parec");
        let rate = format!("--rate={RATE}");
        self.reach(&mut command).args([
            "--device=out.monitor",
            "--format=float32le",
            "--channels=2",
        ]);
        let recorder = command.args([&rate, "--raw"]).stdout(file).spawn();
        let recorder = Beside(recorder.context("starting parec (Debian: pulseaudio-utils)")?);
        sleep(Duration::from_secs(1));
        Ok(recorder)
    }
}

fn left_channel(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|frame| f32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]))
        .collect()
}

/// Returns the samples of a WAV file of 32-bit floats with one channel.
fn wav_samples(bytes: &[u8]) -> Result<Vec<f32>> {
    let mut at = 12;
    while let Some(header) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        if &header[..4] == b"data" {
            let data = &bytes[at + 8..];
            let data = data.get(..length).unwrap_or(data);
            return Ok(data.as_chunks::<4>().0.iter().map(|x| f32::from_le_bytes(*x)).collect());
        }
        at += 8 + length + length % 2;
    }
    bail!("the round trip has no samples")
}

/// Samples of an expected sound in a recording.
#[derive(Debug, PartialEq)]
struct Found {
    /// Those that are there, in order and exact.
    equal: usize,
    /// Times that something else lies between two of them: silence, where a busy machine was late.
    gaps: usize,
}

/// Finds an expected sound in a recording, sample by sample and in order.
fn compare_samples(recorded: &[f32], expected: &[f32]) -> Found {
    let mut found = Found { equal: 0, gaps: 0 };
    let (mut n, mut at) = (0, 0);
    while let Some(known) = expected.get(n..n + KNOWN) {
        let place = recorded[at..].windows(KNOWN).position(|window| window == known);
        let Some(place) = place else {
            n += 1;
            continue;
        };
        found.gaps += usize::from(found.equal > 0);
        at += place;
        let run = expected[n..].iter().zip(&recorded[at..]);
        let run = run.take_while(|(expected, recorded)| expected == recorded).count();
        found.equal += run;
        (n, at) = (n + run, at + run);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_found_in_its_recording() {
        let expected: Vec<f32> = (0..500).map(|n| (n as f32 / 9.0).sin() + n as f32).collect();
        let recorded = [&[0.0; 300], &expected[..], &[0.0; 9]].concat();
        assert_eq!(compare_samples(&recorded, &expected), Found { equal: 500, gaps: 0 });
        let late = [&[0.0; 30], &expected[..200], &[0.0; 80], &expected[200..]].concat();
        assert_eq!(compare_samples(&late, &expected), Found { equal: 500, gaps: 1 });
        let lost = [&expected[..200], &expected[220..]].concat();
        assert_eq!(compare_samples(&lost, &expected), Found { equal: 480, gaps: 1 });
        assert_eq!(compare_samples(&[0.0; 900], &expected), Found { equal: 0, gaps: 0 });
    }
}
