//! Pictures of every widget and view, drawn without a GPU and compared with `tests/pictures`.
//!
//! `RESIDUE_UPDATE_PICTURES=1 cargo test -p residue-ui --test pictures` draws them again; look at every
//! change before committing it.

mod support;

use std::path::Path;

use residue_ui::Theme;
use residue_ui_testing::compare::{compare, report};
use support::scenes::{SCENES, SceneData, draw};

#[test]
fn every_scene_looks_as_it_did_dark_and_light() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut problems = Vec::new();
    let mut data = SceneData::new();
    for (look, theme) in [("dark", Theme::DARK), ("light", Theme::LIGHT)] {
        for scene in &SCENES {
            let picture = draw(scene, &mut data, &theme, 1.0);
            let name = format!("{}-{look}", scene.name);
            problems.extend(compare(&picture, &folder, &name, temporary).err());
        }
    }
    report(&problems);
}
