#![cfg_attr(not(feature = "window"), allow(dead_code, reason = "nothing to compile"))]
//! Compiles `ui/app.slint` with the catalogues of `ui/lang` bundled in.
//!
//! Adding a language = adding one folder: every `.po` in it is merged into one catalogue, and the build fails with the
//! language, the text and the file of each text that is missing. English is the language of the sources.

mod catalogue;

use catalogue::{CONTEXT_END, Message, literal, parse, plural_forms};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Between the syllables of a Korean word, so that lines break at spaces only.
const WORD_JOINER: char = '\u{2060}';

type Anything<T> = Result<T, Box<dyn std::error::Error>>;

#[cfg_attr(not(feature = "window"), expect(clippy::unnecessary_wraps, reason = "nothing is done that could fail"))]
fn main() -> Anything<()> {
    // Without the screen nothing here is wanted: `cargo build --no-default-features`.
    #[cfg(feature = "window")]
    compile()?;
    Ok(())
}

#[cfg(feature = "window")]
fn compile() -> Anything<()> {
    let ui = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("ui");
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("lang");
    let sources = files(&ui, "slint")?;
    let texts = texts_of(&sources)?;
    // The whole folder is watched, so that a new screen or catalogue is seen too.
    println!("cargo:rerun-if-changed=ui");
    for stale in folders(&out).unwrap_or_default() {
        fs::remove_dir_all(stale)?;
    }
    let mut missing = String::new();
    for folder in folders(&ui.join("lang"))? {
        merge(&folder, &out, &texts, &mut missing)?;
    }
    if !missing.is_empty() {
        return Err(format!("texts without a translation:\n{missing}").into());
    }
    write_complete_languages(&ui.join("lang"))?;
    write_wipe(&files(&ui.join("screens"), "slint")?)?;
    slint_build::compile_with_config(
        "ui/app.slint",
        slint_build::CompilerConfiguration::new()
            .with_debug_info(true)
            .with_bundled_translations(out)
            .with_default_translation_context(slint_build::DefaultTranslationContext::None),
    )?;
    Ok(())
}

/// What the configuration may offer: English and every language folder, which by now is known to be complete.
fn write_complete_languages(lang: &Path) -> Anything<()> {
    let mut names = vec!["Language::En".to_owned()];
    for folder in folders(lang)? {
        let code = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (first, rest) = code.split_at(1);
        names.push(format!("Language::{}{rest}", first.to_uppercase()));
    }
    let target = PathBuf::from(std::env::var("OUT_DIR")?).join("complete_languages.rs");
    fs::write(target, format!("&[{}]\n", names.join(", ")))?;
    Ok(())
}

/// A function that resets what the screens have of Rust: texts, lists, and words of lists (`enum`). Numbers and switches are
/// nobody's.
fn write_wipe(screens: &[PathBuf]) -> Anything<()> {
    let mut out = String::from("pub fn wipe(app: &ui::App) {\n");
    for file in screens {
        let mut global = None;
        for line in fs::read_to_string(file)?.lines() {
            if let Some(name) = line.strip_prefix("export global ") {
                global = Some(name.trim_end_matches([' ', '{']).to_owned());
            } else if line == "}" {
                global = None;
            }
            let property = line.trim().strip_prefix("in property <").or(line.trim().strip_prefix("in-out property <"));
            let (Some(global), Some((kind, name))) = (&global, property.and_then(|rest| rest.split_once("> "))) else {
                continue;
            };
            let named = kind.starts_with(|first: char| first.is_ascii_uppercase());
            if kind == "string" || kind.starts_with('[') || named {
                let name = name.split([':', ';']).next().unwrap_or_default().trim().replace('-', "_");
                writeln!(out, "    app.global::<ui::{global}>().set_{name}(Default::default());")?;
            }
        }
    }
    out.push_str("}\n");
    fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("wipe.rs"), out)?;
    Ok(())
}

/// Merges all catalogues of one language and notes each text of the sources that it lacks.
fn merge(folder: &Path, out: &Path, texts: &BTreeMap<String, (String, PathBuf)>, missing: &mut String) -> Anything<()> {
    let language = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut header = String::new();
    let mut merged: BTreeMap<String, Message> = BTreeMap::new();
    for file in files(folder, "po")? {
        let all = parse(&fs::read_to_string(&file)?).map_err(|why| format!("{}: {why}", file.display()))?;
        for (id, message) in all {
            if id.is_empty() {
                header = message.translations.first().cloned().unwrap_or_default();
            } else {
                merged.insert(id, message);
            }
        }
    }
    let forms = plural_forms(&header).map_err(|why| format!("{}: {why}", folder.display()))?;
    for (id, (plural, source)) in texts {
        if !merged.get(id).is_some_and(|message| message.is_complete(plural, forms)) {
            writeln!(missing, "  {language}: {id:?} of {}", source.display())?;
        }
    }
    let mut po = format!("msgid \"\"\nmsgstr {}\n\n", quoted(&header));
    for (id, message) in &merged {
        write_message(&mut po, &language, id, message)?;
    }
    let target = out.join(&language).join("LC_MESSAGES");
    fs::create_dir_all(&target)?;
    let file = target.join(format!("{}.po", std::env::var("CARGO_PKG_NAME")?));
    fs::write(&file, po)?;
    // slint-build watches what it read. Files as new as this run would make cargo build again and again.
    for path in [file.as_path(), &target, &out.join(&language), out] {
        fs::File::open(path)?.set_modified(std::time::UNIX_EPOCH)?;
    }
    Ok(())
}

fn write_message(po: &mut String, language: &str, id: &str, message: &Message) -> Anything<()> {
    let joined = |text: &String| quoted(&if language == "ko" { keep_words(text) } else { text.clone() });
    let (context, id) = id.split_once(CONTEXT_END).map_or((None, id), |(context, id)| (Some(context), id));
    if let Some(context) = context {
        writeln!(po, "msgctxt {}", quoted(context))?;
    }
    writeln!(po, "msgid {}", quoted(id))?;
    if message.plural.is_empty() {
        writeln!(po, "msgstr {}\n", message.translations.first().map(joined).unwrap_or_default())?;
        return Ok(());
    }
    writeln!(po, "msgid_plural {}", quoted(&message.plural))?;
    for (form, text) in message.translations.iter().enumerate() {
        writeln!(po, "msgstr[{form}] {}", joined(text))?;
    }
    po.push('\n');
    Ok(())
}

/// The same rule as `domain::format::keep_words`; a build script cannot name the library it builds.
fn keep_words(text: &str) -> String {
    let hangul = |c: char| ('\u{AC00}'..='\u{D7A3}').contains(&c);
    let word = |c: char| hangul(c) || c.is_alphanumeric() || "{}%,.:-()".contains(c);
    let mut out = String::with_capacity(text.len() * 2);
    let mut before = ' ';
    for c in text.chars() {
        if word(before) && word(c) && (hangul(before) || hangul(c)) {
            out.push(WORD_JOINER);
        }
        out.push(c);
        before = c;
    }
    out
}

/// Every `@tr("…")` and `@tr("context" => "…")` of the sources: text to (plural, file).
fn texts_of(sources: &[PathBuf]) -> Anything<BTreeMap<String, (String, PathBuf)>> {
    let mut texts = BTreeMap::new();
    for file in sources {
        let source = fs::read_to_string(file)?;
        for (at, _) in source.match_indices("@tr(") {
            let rest = source[at + 4..].trim_start();
            let Some((mut id, mut after)) = literal(rest) else {
                return Err(format!("{}: @tr without a text", file.display()).into());
            };
            if let Some((text, rest)) =
                after.trim_start().strip_prefix("=>").and_then(|rest| literal(rest.trim_start()))
            {
                id = format!("{id}{CONTEXT_END}{text}");
                after = rest;
            }
            let plural = after.trim_start().strip_prefix('|').and_then(|rest| literal(rest.trim_start()));
            texts.insert(id, (plural.map(|(text, _)| text).unwrap_or_default(), file.clone()));
        }
    }
    Ok(texts)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn folders(path: &Path) -> Anything<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> = fs::read_dir(path)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    all.sort();
    Ok(all)
}

/// All files below `path` with that extension, sorted so that builds repeat.
fn files(path: &Path, extension: &str) -> Anything<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?.path();
        if entry.is_dir() {
            all.extend(files(&entry, extension)?);
        } else if entry.extension().is_some_and(|found| found == extension) {
            all.push(entry);
        }
    }
    all.sort();
    Ok(all)
}
