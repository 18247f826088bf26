//! Sound through WASAPI on a PulseAudio server without hardware.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::child::Beside;
use super::wine::Wine;
use crate::{root, run};

/// Hz of the server's output: the embedded model's own, so that nothing is resampled.
const RATE: u32 = 24_000;
/// Samples by which the place of the output in the recording is found.
const KNOWN: usize = 64;
/// Longest time until the server answers.
const STARTS: Duration = Duration::from_secs(20);

/// Plays a clip's codes through the default device of Windows, and finds the samples that `residue roundtrip`
/// writes in what came out of it.
pub fn compare(wine: &Wine, program: &Path) -> Result<()> {
    let folder = root()?.join("target/wine-sound");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let server = SoundServer::start(&folder)?;
    let clip = "assets/clips/speech.flac";
    let (codes, expected) = (folder.join("codes.npy"), folder.join("roundtrip.wav"));
    run(wine.command(program).args(["encode", clip, "--output"]).arg(&codes))?;
    run(wine.command(program).args(["roundtrip", clip, "--output"]).arg(&expected))?;
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
    let found = compare_samples(&left, &expected)?;
    println!(
        "WASAPI: {} of {} samples of the round trip came out of the device, the longest run {} samples",
        found.equal,
        expected.len(),
        found.longest
    );
    if found.equal < expected.len() {
        bail!("the device played {} samples otherwise", expected.len() - found.equal);
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

/// Samples of the expected sound in a recording.
#[derive(Debug, PartialEq)]
struct Found {
    equal: usize,
    longest: usize,
}

/// Finds the expected sound by its first loud samples and compares all of it, sample by sample.
fn compare_samples(recorded: &[f32], expected: &[f32]) -> Result<Found> {
    let loud = expected.iter().position(|x| x.abs() > 0.05).context("the clip is not silent")?;
    let known = expected.get(loud..loud + KNOWN).context("the clip is long enough")?;
    let place = recorded.windows(KNOWN).position(|window| window == known);
    let heard = recorded.iter().filter(|x| **x != 0.0).count();
    let Some(start) = place.and_then(|place| place.checked_sub(loud)) else {
        bail!(
            "the round trip is not in the recording of {} samples, of which {heard} are not silent",
            recorded.len()
        );
    };
    let (mut equal, mut run, mut longest) = (0, 0, 0);
    for (n, sample) in expected.iter().enumerate() {
        if recorded.get(start + n) == Some(sample) {
            (equal, run) = (equal + 1, run + 1);
            longest = longest.max(run);
        } else {
            run = 0;
        }
    }
    Ok(Found { equal, longest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_found_in_its_recording() {
        let expected: Vec<f32> = (0..500).map(|n| (n as f32 / 9.0).sin()).collect();
        let mut recorded = vec![0.0; 300];
        recorded.extend(&expected);
        let all = Found { equal: 500, longest: 500 };
        assert_eq!(compare_samples(&recorded, &expected).unwrap(), all);
        recorded[300 + 400] += 0.5;
        let but_one = Found { equal: 499, longest: 400 };
        assert_eq!(compare_samples(&recorded, &expected).unwrap(), but_one);
        assert!(compare_samples(&[0.0; 900], &expected).is_err());
    }
}
