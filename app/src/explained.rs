//! Explanations of depth, bitrate and latency.

/// Three sentences each.
pub const TEXTS: [(&str, &str); 3] = [
    (
        "Depth",
        "The encoder describes each frame of sound by a vector, and the residual quantizer writes \
         that vector as a sum of codebook entries, one a layer, each of which corrects what the \
         layers before it left over. Depth is the number of layers that are kept: the first carry \
         what matters most, the rest ever finer detail. Lanes A and B decode the same codes at two \
         depths, and the residue is what a lane has lost against dry.",
    ),
    (
        "Bitrate",
        "Every layer costs the same: one entry of 1024, so ten bits, a frame and stream. The \
         bitrate is these bits times layers times frames a second, and says nothing of the sound by \
         itself. Entries that come often carry less than ten bits; the codebook view shows how many \
         the codes really carry.",
    ),
    (
        "Latency",
        "The codec codes whole frames, so the first sample of a frame waits for its last. To that \
         come the time to compute, the filters between two rates, and what the devices hold in \
         their buffers: the latency view shows each. Dry, A and B are late alike, to the sample, so \
         that switching between them compares the same moment.",
    ),
];

/// For the end of `--help`.
pub fn help() -> String {
    TEXTS.map(|(title, text)| format!("{title}: {text}")).join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_three_sentences() {
        for (title, text) in TEXTS {
            assert_eq!(text.matches(". ").count() + usize::from(text.ends_with('.')), 3, "{title}");
        }
    }
}
