//! How the files of the corpus are made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How close a decoder has to come to ffmpeg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// To the sample.
    Lossless,
    /// To what decoders may differ in, after alignment.
    Lossy,
}

/// A file of the corpus.
pub struct CorpusFile {
    /// Its place.
    pub path: PathBuf,
    /// The file that ffmpeg decodes for comparison: the same, but where ffmpeg does not read it.
    pub reference: PathBuf,
    /// Container and codec, for the table.
    pub group: String,
    /// How exact its codec is.
    pub exactness: Exactness,
}

/// A container and a codec, with what they are made for.
struct Recipe {
    group: &'static str,
    extension: &'static str,
    /// Arguments of ffmpeg.
    arguments: &'static [&'static str],
    rates: &'static [u32],
    channels: &'static [usize],
    exactness: Exactness,
}

const fn recipe(
    group: &'static str,
    extension: &'static str,
    arguments: &'static [&'static str],
    rates: &'static [u32],
    channels: &'static [usize],
    exactness: Exactness,
) -> Recipe {
    Recipe { group, extension, arguments, rates, channels, exactness }
}

use Exactness::{Lossless, Lossy};

const USUAL: &[u32] = &[8_000, 44_100, 96_000];
const FEW: &[u32] = &[22_050, 48_000];
const MANY: &[usize] = &[1, 2, 3, 4, 5, 6, 8];
const SOME: &[usize] = &[1, 2, 6];
const STEREO: &[usize] = &[1, 2];

#[rustfmt::skip]
const RECIPES: &[Recipe] = &[
    recipe("WAV PCM u8", "wav", &["-c:a", "pcm_u8"], USUAL, SOME, Lossless),
    recipe("WAV PCM 16", "wav", &["-c:a", "pcm_s16le"], USUAL, MANY, Lossless),
    recipe("WAV PCM 24", "wav", &["-c:a", "pcm_s24le"], USUAL, MANY, Lossless),
    recipe("WAV PCM 32", "wav", &["-c:a", "pcm_s32le"], FEW, SOME, Lossless),
    recipe("WAV float 32", "wav", &["-c:a", "pcm_f32le"], FEW, SOME, Lossless),
    recipe("WAV float 64", "wav", &["-c:a", "pcm_f64le"], FEW, SOME, Lossless),
    recipe("WAV A-law", "wav", &["-c:a", "pcm_alaw"], FEW, SOME, Lossless),
    recipe("WAV mu-law", "wav", &["-c:a", "pcm_mulaw"], FEW, SOME, Lossless),
    recipe("WAV MS ADPCM", "wav", &["-c:a", "adpcm_ms"], FEW, STEREO, Lossless),
    recipe("WAV IMA ADPCM", "wav", &["-c:a", "adpcm_ima_wav"], FEW, STEREO, Lossless),
    recipe("WAV MP3", "wav", &["-c:a", "libmp3lame"], FEW, STEREO, Lossy),
    recipe("WAV MP2", "wav", &["-c:a", "mp2"], FEW, STEREO, Lossy),
    recipe("RF64", "wav", &["-c:a", "pcm_s16le", "-rf64", "always"], FEW, SOME, Lossless),
    recipe("Wave64", "w64", &["-c:a", "pcm_s24le"], FEW, SOME, Lossless),
    recipe("AIFF 16", "aiff", &["-c:a", "pcm_s16be"], USUAL, SOME, Lossless),
    recipe("AIFF 24", "aiff", &["-c:a", "pcm_s24be"], FEW, SOME, Lossless),
    recipe("AIFF-C little-endian", "aiff", &["-c:a", "pcm_s16le"], FEW, SOME, Lossless),
    recipe("AIFF-C float", "aiff", &["-c:a", "pcm_f32be"], FEW, SOME, Lossless),
    recipe("AIFF-C mu-law", "aiff", &["-c:a", "pcm_mulaw"], FEW, STEREO, Lossless),
    recipe("CAF 16 big-endian", "caf", &["-c:a", "pcm_s16be"], FEW, MANY, Lossless),
    recipe("CAF 24 little-endian", "caf", &["-c:a", "pcm_s24le"], FEW, SOME, Lossless),
    recipe("CAF float", "caf", &["-c:a", "pcm_f32be"], FEW, SOME, Lossless),
    recipe("CAF A-law", "caf", &["-c:a", "pcm_alaw"], FEW, STEREO, Lossless),
    recipe("CAF ALAC", "caf", &["-c:a", "alac"], FEW, STEREO, Lossless),
    recipe("MOV 16 little-endian", "mov", &["-c:a", "pcm_s16le"], USUAL, MANY, Lossless),
    recipe("MOV 16 big-endian", "mov", &["-c:a", "pcm_s16be"], FEW, SOME, Lossless),
    recipe("MOV 24 big-endian", "mov", &["-c:a", "pcm_s24be"], USUAL, MANY, Lossless),
    recipe("MOV 24 little-endian", "mov", &["-c:a", "pcm_s24le"], FEW, SOME, Lossless),
    recipe("MOV 32 big-endian", "mov", &["-c:a", "pcm_s32be"], FEW, STEREO, Lossless),
    recipe("MOV float big-endian", "mov", &["-c:a", "pcm_f32be"], FEW, STEREO, Lossless),
    recipe("MOV float little-endian", "mov", &["-c:a", "pcm_f32le"], FEW, STEREO, Lossless),
    recipe("MOV float 64", "mov", &["-c:a", "pcm_f64be"], FEW, STEREO, Lossless),
    recipe("MOV mu-law", "mov", &["-c:a", "pcm_mulaw"], FEW, SOME, Lossless),
    recipe("MOV A-law", "mov", &["-c:a", "pcm_alaw"], FEW, SOME, Lossless),
    recipe("MOV ALAC", "mov", &["-c:a", "alac"], USUAL, SOME, Lossless),
    recipe("MOV AAC", "mov", &["-c:a", "aac"], FEW, SOME, Lossy),
    recipe("M4A ALAC", "m4a", &["-c:a", "alac"], USUAL, SOME, Lossless),
    recipe("M4A AAC", "m4a", &["-c:a", "aac"], &[11_025, 44_100, 48_000, 88_200, 96_000], SOME, Lossy),
    recipe("MP4 AAC fragmented", "mp4", &["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"], FEW, STEREO, Lossy),
    recipe("MP4 MP3", "mp4", &["-c:a", "libmp3lame"], FEW, STEREO, Lossy),
    recipe("MP4 FLAC", "mp4", &["-c:a", "flac", "-strict", "-2"], FEW, STEREO, Lossless),
    recipe("MP4 Opus", "mp4", &["-c:a", "libopus", "-strict", "-2"], &[48_000], STEREO, Lossy),
    recipe("MP4 AC-3", "mp4", &["-c:a", "ac3"], &[48_000], SOME, Lossy),
    recipe("FLAC 16", "flac", &["-c:a", "flac", "-sample_fmt", "s16"], USUAL, MANY, Lossless),
    recipe("FLAC 24", "flac", &["-c:a", "flac", "-sample_fmt", "s32"], USUAL, SOME, Lossless),
    recipe("Ogg FLAC", "ogg", &["-c:a", "flac", "-sample_fmt", "s16"], FEW, SOME, Lossless),
    recipe("Ogg Vorbis q1", "ogg", &["-c:a", "libvorbis", "-q:a", "1"], FEW, MANY, Lossy),
    recipe("Ogg Vorbis q6", "ogg", &["-c:a", "libvorbis", "-q:a", "6"], USUAL, MANY, Lossy),
    recipe("Ogg Opus", "opus", &["-c:a", "libopus"], &[48_000], SOME, Lossy),
    recipe("Ogg Speex", "spx", &["-c:a", "libspeex"], &[8_000], &[1], Lossy),
    recipe("MP3 128", "mp3", &["-c:a", "libmp3lame", "-b:a", "128k"], &[32_000, 44_100, 48_000], STEREO, Lossy),
    recipe("MP3 VBR", "mp3", &["-c:a", "libmp3lame", "-q:a", "3"], &[8_000, 16_000, 22_050, 44_100], STEREO, Lossy),
    recipe("MP3 bare", "mp3", &["-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0"], FEW, STEREO, Lossy),
    recipe("MP2", "mp2", &["-c:a", "mp2"], FEW, STEREO, Lossy),
    recipe("ADTS AAC", "aac", &["-c:a", "aac"], &[22_050, 44_100, 96_000], SOME, Lossy),
    recipe("MKV PCM", "mkv", &["-c:a", "pcm_s16le"], FEW, SOME, Lossless),
    recipe("MKV PCM 24", "mkv", &["-c:a", "pcm_s24le"], FEW, SOME, Lossless),
    recipe("MKV PCM big-endian", "mkv", &["-c:a", "pcm_s16be"], FEW, STEREO, Lossless),
    recipe("MKV float", "mkv", &["-c:a", "pcm_f32le"], FEW, STEREO, Lossless),
    recipe("MKV FLAC", "mkv", &["-c:a", "flac"], FEW, SOME, Lossless),
    recipe("MKV Vorbis", "mkv", &["-c:a", "libvorbis"], FEW, SOME, Lossy),
    recipe("MKV AAC", "mkv", &["-c:a", "aac"], FEW, SOME, Lossy),
    recipe("MKV MP3", "mkv", &["-c:a", "libmp3lame"], FEW, STEREO, Lossy),
    recipe("MKV ALAC", "mkv", &["-c:a", "alac"], FEW, STEREO, Lossless),
    recipe("MKV live", "mkv", &["-c:a", "flac", "-live", "1"], FEW, STEREO, Lossless),
    recipe("WebM Opus", "webm", &["-c:a", "libopus"], &[48_000], SOME, Lossy),
    recipe("MKV AC-3", "mkv", &["-c:a", "ac3"], &[48_000], SOME, Lossy),
    recipe("MKV WavPack", "mkv", &["-c:a", "wavpack"], FEW, STEREO, Lossless),
    recipe("WavPack", "wv", &["-c:a", "wavpack"], FEW, SOME, Lossless),
    recipe("TTA", "tta", &["-c:a", "tta"], FEW, SOME, Lossless),
    recipe("WMA", "wma", &["-c:a", "wmav2"], &[44_100], STEREO, Lossy),
    recipe("AC-3", "ac3", &["-c:a", "ac3"], &[48_000], SOME, Lossy),
    recipe("AU", "au", &["-c:a", "pcm_s16be"], FEW, SOME, Lossless),
    recipe("AVI MP3", "avi", &["-c:a", "libmp3lame"], &[44_100], STEREO, Lossy),
    recipe("MPEG-TS AAC", "ts", &["-c:a", "aac"], &[48_000], STEREO, Lossy),
];

/// Makes every file in `folder` that is not there yet.
pub fn make_all(folder: &Path) -> Result<Vec<CorpusFile>, String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files = Vec::new();
    for recipe in RECIPES {
        for &rate in recipe.rates {
            for &channels in recipe.channels {
                let name = recipe.group.replace(' ', "-");
                let path = folder.join(format!("{name}-{rate}-{channels}.{}", recipe.extension));
                let input = signal(rate, channels);
                let mut command = Command::new("ffmpeg");
                command.args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", &input]);
                command.args(recipe.arguments).args(["-ac", &channels.to_string()]);
                if made(&path, &mut command) {
                    let (group, exactness) = (recipe.group.to_owned(), recipe.exactness);
                    let reference = path.clone();
                    files.push(CorpusFile { path, reference, group, exactness });
                } else {
                    println!("not made: {}", path.display());
                }
            }
        }
    }
    files.extend(of_other_programs(folder));
    Ok(files)
}

/// Returns ffmpeg's description of 0.3 s of noise and tones, another tone in each channel.
fn signal(rate: u32, channels: usize) -> String {
    let tone = |channel: usize| {
        let hertz = 300 + 170 * channel;
        format!("0.4*sin(2*PI*{hertz}*t)*(0.6+0.4*sin(2*PI*7*t))+0.05*(random({channel})-0.5)")
    };
    let tones: Vec<String> = (0..channels).map(tone).collect();
    let layout = match channels {
        1 => "mono",
        2 => "stereo",
        3 => "3.0",
        4 => "quad",
        5 => "5.0",
        6 => "5.1",
        _ => "7.1",
    };
    format!("aevalsrc={}:s={rate}:d=0.3:c={layout}", tones.join("|"))
}

/// Runs `command` with the path of its output; returns true if the file is there.
fn made(path: &Path, command: &mut Command) -> bool {
    if path.exists() {
        return true;
    }
    let done = command.arg(path).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let done = done.is_ok_and(|status| status.success());
    if !done {
        // A file that was begun would count as made the next time.
        let _ = fs::remove_file(path);
    }
    done
}

/// Makes files with sox, flac, lame and oggenc, from a WAV.
fn of_other_programs(folder: &Path) -> Vec<CorpusFile> {
    let mut files = Vec::new();
    for (rate, channels) in [(44_100, 2), (48_000, 1), (22_050, 2)] {
        let source = folder.join(format!("WAV-PCM-16-source-{rate}-{channels}.wav"));
        let input = signal(rate, channels);
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", &input, "-c:a", "pcm_s16le"]);
        if !made(&source, &mut command) {
            continue;
        }
        let source = source.as_os_str();
        let mut add = |group: &str, extension: &str, exactness, command: &mut Command| {
            let name = group.replace(' ', "-");
            let path = folder.join(format!("{name}-{rate}-{channels}.{extension}"));
            if made(&path, command) {
                // ffmpeg reads RIFX as if it were RIFF.
                let foreign = group == "sox RIFX";
                let reference = if foreign { PathBuf::from(source) } else { path.clone() };
                files.push(CorpusFile { path, reference, group: group.to_owned(), exactness });
            } else {
                println!("not made: {}", path.display());
            }
        };
        let program = |name: &str, arguments: &[&str]| {
            let mut command = Command::new(name);
            command.args(arguments);
            command
        };
        for (group, extension, options) in [
            ("sox WAV 24", "wav", &["-b", "24"][..]),
            ("sox WAV 32", "wav", &["-b", "32"]),
            ("sox WAV float", "wav", &["-e", "floating-point", "-b", "32"]),
            ("sox RIFX", "wav", &["-B", "-t", "wav"]),
            ("sox WAV mu-law", "wav", &["-e", "mu-law"]),
            ("sox AIFF", "aiff", &["-b", "24"]),
            ("sox AIFF-C", "aifc", &["-b", "16"]),
            ("sox AIFF 8", "aiff", &["-b", "8"]),
            ("sox Wave64", "w64", &["-b", "16"]),
            ("sox CAF", "caf", &["-b", "24"]),
            ("sox FLAC", "flac", &["-C", "8"]),
        ] {
            add(group, extension, Lossless, program("sox", &["-D"]).arg(source).args(options));
        }
        add(
            "flac -8",
            "flac",
            Lossless,
            program("flac", &["-s", "-8", "-f"]).arg(source).arg("-o"),
        );
        add(
            "flac --ogg",
            "oga",
            Lossless,
            program("flac", &["-s", "--ogg", "-f"]).arg(source).arg("-o"),
        );
        add("lame VBR", "mp3", Lossy, program("lame", &["--quiet", "-V", "4"]).arg(source));
        add("lame CBR", "mp3", Lossy, program("lame", &["--quiet", "-b", "96", "-t"]).arg(source));
        add("oggenc", "ogg", Lossy, program("oggenc", &["-Q", "-q", "4"]).arg(source).arg("-o"));
    }
    files
}
