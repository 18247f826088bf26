//! Draws every widget and view with synthetic data into PNG files, without a GPU or a window, dark and
//! light, at one and two pixels per point: `cargo run -p residue-ui --example gallery -- FOLDER`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;

use residue_ui::Theme;
use support::scenes::{EDITOR, SCENES, SceneData, draw};

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(|| "target/gallery".into(), PathBuf::from);
    let mut data = SceneData::new();
    for (look, theme) in [("dark", Theme::DARK), ("light", Theme::LIGHT)] {
        for scale in [1.0, 2.0] {
            for scene in SCENES.iter().chain([&EDITOR]) {
                let picture = draw(scene, &mut data, &theme, scale);
                let path = folder.join(format!("{}-{look}-{scale}x.png", scene.name));
                picture.write(&path);
                println!("{}", path.display());
            }
        }
    }
}
