//! Compiles `ui/app.slint` with the catalogues of `ui/lang` bundled in.

use slint_build::{CompilerConfiguration, DefaultTranslationContext};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=ui");
    let merged = PathBuf::from(env::var("OUT_DIR")?).join("lang");
    for entry in fs::read_dir("ui/lang")? {
        merge(&entry?.path(), &merged)?;
    }
    let config = CompilerConfiguration::new()
        .with_bundled_translations(merged)
        .with_default_translation_context(DefaultTranslationContext::None)
        .with_debug_info(true);
    slint_build::compile_with_config("ui/app.slint", config)?;
    Ok(())
}

/// Slint reads one catalogue a language; we keep one a subject. Only the first header is kept.
fn merge(folder: &Path, merged: &Path) -> io::Result<()> {
    let Some(code) = folder.file_name() else { return Ok(()) };
    let mut parts: Vec<PathBuf> = fs::read_dir(folder)?.filter_map(|file| file.ok().map(|file| file.path())).collect();
    parts.retain(|path| path.extension().is_some_and(|extension| extension == "po"));
    parts.sort();
    let mut whole = String::new();
    for (index, part) in parts.iter().enumerate() {
        let text = fs::read_to_string(part)?;
        let body = if index == 0 { text.as_str() } else { text.split_once("\n\n").map_or("", |(_, body)| body) };
        whole.push_str(body);
        whole.push('\n');
    }
    let target = merged.join(code).join("LC_MESSAGES");
    fs::create_dir_all(&target)?;
    fs::write(target.join("hospital-kiosk.po"), whole)
}
