//! Codes of a recording, appended to files as their frames are heard.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::ops::Range;
use std::path::PathBuf;

use residue_engine::live::{CodesReader, NO_CODE};
use residue_engine::tokens::npy::NpyAppender;

/// Names of the files: of one stream, and of two where a mono model runs once a channel.
pub const FILES: [&[&str]; 2] = [&["codes.npy"], &["codes-left.npy", "codes-right.npy"]];

/// The codes of the frames that are heard, in files that grow with them.
pub struct RecordedCodes {
    reader: CodesReader,
    folder: PathBuf,
    /// Frames that have been decoded and not been heard yet: where they are, and codes by stream.
    decoded: VecDeque<(u64, Vec<Vec<u32>>)>,
    /// Lane samples that were heard and whose frames have not been looked for.
    heard: VecDeque<Range<u64>>,
    /// One a stream, from the first frame on.
    files: Vec<NpyAppender<BufWriter<File>>>,
    /// Frames written.
    frames: u64,
    /// Why no more frames are taken.
    ended: Option<&'static str>,
}

impl RecordedCodes {
    /// Returns codes without a file: the first frame makes them in `folder`.
    pub fn new(reader: CodesReader, folder: PathBuf) -> Self {
        let (decoded, heard, files) = Default::default();
        Self { reader, folder, decoded, heard, files, frames: 0, ended: None }
    }

    /// Returns the number of frames written.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Returns the reason why no more frames are taken.
    pub fn ended(&self) -> Option<&'static str> {
        self.ended
    }

    /// Notes that lane samples have been heard.
    pub fn heard(&mut self, samples: Range<u64>) {
        match self.heard.back_mut() {
            Some(last) if last.end == samples.start => last.end = samples.end,
            _ => self.heard.push_back(samples),
        }
    }

    /// Writes the frames whose first sample has been heard.
    pub fn append(&mut self) -> io::Result<()> {
        let decoded = &mut self.decoded;
        self.reader.read(|frame| {
            let layers = frame.layers.min(frame.codes.len()).max(1);
            let streams = frame.codes.chunks_exact(layers).map(|codes| {
                codes.iter().copied().take_while(|code| *code != NO_CODE).collect::<Vec<u32>>()
            });
            decoded.push_back((frame.position, streams.collect()));
        });
        while let (Some((position, _)), Some(heard)) = (self.decoded.front(), self.heard.front()) {
            if *position >= heard.end {
                if self.heard.len() == 1 {
                    break;
                }
                self.heard.pop_front();
                continue;
            }
            let is_heard = heard.contains(position);
            let Some((_, streams)) = self.decoded.pop_front() else { break };
            // A frame without codes was a gap of a token stream.
            if is_heard && streams.iter().all(|codes| !codes.is_empty()) {
                self.take(&streams)?;
            }
        }
        Ok(())
    }

    /// Makes the headers state the frames that are there.
    pub fn update(&mut self) -> io::Result<()> {
        self.files.iter_mut().try_for_each(NpyAppender::update)
    }

    fn take(&mut self, streams: &[Vec<u32>]) -> io::Result<()> {
        if self.files.is_empty() {
            self.files = self.create(streams)?;
        }
        let fits = |(file, codes): (&NpyAppender<_>, &Vec<u32>)| file.layers() == codes.len();
        if self.files.len() != streams.len() || !self.files.iter().zip(streams).all(fits) {
            self.ended = Some("the model changed, and one file holds codes of one");
        }
        if self.ended.is_some() {
            return Ok(());
        }
        for (file, codes) in self.files.iter_mut().zip(streams) {
            file.push(codes)?;
        }
        self.frames += 1;
        Ok(())
    }

    /// Makes one file a stream.
    fn create(&self, streams: &[Vec<u32>]) -> io::Result<Vec<NpyAppender<BufWriter<File>>>> {
        let names = streams.len().checked_sub(1).and_then(|n| FILES.get(n));
        let names = names.ok_or_else(|| {
            io::Error::other(format!("codes of {} streams have no files", streams.len()))
        })?;
        let create = |(name, codes): (&&str, &Vec<u32>)| {
            let path = self.folder.join(name);
            let file = OpenOptions::new().write(true).create_new(true).open(path)?;
            NpyAppender::new(BufWriter::new(file), codes.len())
        };
        names.iter().zip(streams).map(create).collect()
    }
}
