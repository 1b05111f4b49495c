//! Reads tables key by key and remembers every fault with its place, so that one run tells all of them.
//! A faulty value is replaced by a stand-in and reading goes on; the stand-in is never used, because `load` fails.

use super::fault::{Faults, SourceFile};
use super::near::nearest;
use std::cell::RefCell;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What holds if a key is left out.
#[derive(Debug, Clone, Copy)]
pub enum Or<T> {
    Default(T),
    /// It must be there; this is an example of its value, as written in TOML.
    Needed(&'static str),
}

/// Longest text a key may hold, in bytes.
pub const TEXT_MAX: usize = 2_000;
/// Longest file, in bytes.
const FILE_MAX: u64 = 1_000_000;

/// Reads a file's text; `None` after adding the fault.
pub fn open(path: &Path, faults: &Faults) -> Option<SourceFile> {
    match read_file(path) {
        Ok(bytes) if bytes.len() as u64 > FILE_MAX => {
            faults.add_file(
                path,
                "the file is too long",
                format!("more than {FILE_MAX} bytes"),
                "a configuration file",
            );
            None
        }
        Ok(bytes) => text_of_file(path, &bytes, faults),
        Err(error) => {
            faults.add_file(path, "the file cannot be read", error.to_string(), "a readable file of UTF-8 text here");
            None
        }
    }
}

/// A pipe would be waited for, and a device has no end.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// UTF-8, with the mark before it that Windows' editors write, or UTF-16, as they call "Unicode"; `None` after adding the
/// fault of anything else, such as a Korean or Western code page.
fn text_of_file(path: &Path, bytes: &[u8], faults: &Faults) -> Option<SourceFile> {
    let (encoding, mark) = encoding_rs::Encoding::for_bom(bytes).unwrap_or((encoding_rs::UTF_8, 0));
    let path = path.to_owned();
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]) {
        return Some(SourceFile { path, text: text.into_owned() });
    }
    let good = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let file = SourceFile { path, text: String::from_utf8_lossy(bytes).into_owned() };
    let why = "this letter is not UTF-8: the file was saved in another encoding".to_owned();
    faults.add(&file, good, "the file cannot be read".to_owned(), why, "save the file as UTF-8".to_owned());
    None
}

/// The tables of a file; faults of the syntax are added.
pub fn parse<'a>(file: &'a SourceFile, faults: &Faults) -> Spanned<DeTable<'a>> {
    let (table, errors) = DeTable::parse_recoverable(&file.text);
    for error in errors {
        let byte = error.span().map_or(0, |span| span.start);
        let why = error.message().replace('\n', ", ");
        faults.add(file, byte, "this is not TOML".to_owned(), why, instead_of(&file.text, byte).to_owned());
    }
    table
}

/// What a line that is not TOML should have been, where its spelling is one of another program or country.
fn instead_of(text: &str, byte: usize) -> &'static str {
    let byte = text.floor_char_boundary(byte);
    let start = text[..byte].rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let value = line.split_once('=').map_or("", |(_, value)| value.split('#').next().unwrap_or_default().trim());
    let comma = value.split_once(',').filter(|(whole, rest)| is_digits(whole) && is_digits(rest));
    if line.contains(['\u{201C}', '\u{201D}', '\u{201E}', '\u{2018}', '\u{2019}', '\u{AB}', '\u{BB}']) {
        "straight quotes, as \"text\": a word processor has bent them"
    } else if comma.is_some() {
        "a point for decimals and nothing between thousands, as 24.0 and 100000"
    } else {
        "key = value, texts in \"quotes\""
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A table of a file while it is read. Every key that is asked for is known; `finish` reports the others.
pub struct Section<'a> {
    pub file: &'a SourceFile,
    pub faults: &'a Faults,
    /// `terminal`, `document[2].name`; empty for the file itself.
    path: String,
    table: Option<&'a DeTable<'a>>,
    /// First byte, where a missing key is reported.
    pub start: usize,
    known: RefCell<Vec<&'static str>>,
}

/// A value and where it stands.
pub type Found<'a> = (&'a DeValue<'a>, Range<usize>);

impl<'a> Section<'a> {
    #[must_use]
    pub fn root(file: &'a SourceFile, table: &'a DeTable<'a>, faults: &'a Faults) -> Self {
        Self { file, faults, path: String::new(), table: Some(table), start: 0, known: RefCell::default() }
    }

    /// `terminal.port`; a key that only quotes can hold, an empty one too, is shown in them.
    #[must_use]
    pub fn path_of(&self, key: &str) -> String {
        let is_bare = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
        let bare = !key.is_empty() && key.chars().all(is_bare);
        let key = if bare { key.to_owned() } else { format!("{key:?}") };
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }

    pub fn fault_at(&self, byte: usize, what: String, why: impl Display, instead: impl Display) {
        self.faults.add(self.file, byte, what, why.to_string(), instead.to_string());
    }

    /// A fault of the value of `key`, or of the table's head where the key is not written.
    pub fn fault(&self, key: &str, why: impl Display, instead: impl Display) {
        let byte = self.peek(key).map_or(self.start, |(_, span)| span.start);
        self.fault_at(byte, self.path_of(key), why, instead);
    }

    /// What still works and should be mended all the same.
    pub fn warning(&self, key: &str, why: impl Display, instead: impl Display) {
        let byte = self.peek(key).map_or(self.start, |(_, span)| span.start);
        self.faults.warn(self.file, byte, self.path_of(key), why.to_string(), instead.to_string());
    }

    /// The value of `key`, which is known from now on.
    pub fn find(&self, key: &'static str) -> Option<Found<'a>> {
        self.known.borrow_mut().push(key);
        self.peek(key)
    }

    /// Whether `key` is written.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.peek(key).is_some()
    }

    fn peek(&self, key: &str) -> Option<Found<'a>> {
        self.table?.get(key).map(|value| (value.get_ref(), value.span()))
    }

    /// Every key with where it stands, for tables whose keys are names.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, usize, Found<'a>)> {
        let rows = self.table.into_iter().flat_map(|table| table.iter());
        rows.map(|(key, value)| (key.get_ref().as_ref(), key.span().start, (value.get_ref(), value.span())))
    }

    pub fn missing(&self, key: &str, example: &str) {
        let section =
            if self.path.is_empty() { "at the head of the file".to_owned() } else { format!("in [{}]", self.path) };
        let why = format!("this key is missing {section}");
        self.fault_at(self.start, self.path_of(key), why, format!("{key} = {example}"));
    }

    /// Reads `key` by `take`; a value `take` refuses is a fault saying what it should be.
    pub fn value<T>(
        &self,
        key: &'static str,
        or: Or<T>,
        stand_in: T,
        take: impl FnOnce(&'a DeValue<'a>) -> Result<T, String>,
    ) -> T {
        match (self.find(key), or) {
            (None, Or::Default(value)) => value,
            (None, Or::Needed(example)) => {
                self.missing(key, example);
                stand_in
            }
            (Some((value, _)), _) => take(value).unwrap_or_else(|should| {
                self.fault(key, format!("{} will not do here", shown(value)), should);
                stand_in
            }),
        }
    }

    pub fn text(&self, key: &'static str, or: Or<&str>) -> String {
        let or = match or {
            Or::Default(text) => Or::Default(text.to_owned()),
            Or::Needed(example) => Or::Needed(example),
        };
        self.value(key, or, String::new(), |value| text_of(value).map(str::to_owned))
    }

    /// A text that may not be empty.
    pub fn word(&self, key: &'static str, example: &'static str) -> String {
        self.value(key, Or::Needed(example), String::new(), |value| {
            text_of(value).ok().filter(|text| !text.trim().is_empty()).map(str::to_owned).ok_or(example.to_owned())
        })
    }

    /// A whole number within `range`.
    pub fn whole<T: TryFrom<i64> + Default>(&self, key: &'static str, range: RangeInclusive<i64>, or: Or<T>) -> T {
        self.value(key, or, T::default(), |value| {
            let number = whole_of(value).filter(|number| range.contains(number));
            let should = || format!("a whole number from {} to {}", range.start(), range.end());
            number.and_then(|number| T::try_from(number).ok()).ok_or_else(should)
        })
    }

    pub fn flag(&self, key: &'static str, or: Or<bool>) -> bool {
        self.value(key, or, false, |value| value.as_bool().ok_or_else(|| "true or false".to_owned()))
    }

    /// One of `words`.
    pub fn choice(&self, key: &'static str, words: &[&'static str], or: Or<&'static str>) -> &'static str {
        self.value(key, or, "", |value| {
            let found = value.as_str().and_then(|text| words.iter().copied().find(|word| *word == text));
            found.ok_or_else(|| format!("one of \"{}\"", words.join("\", \"")))
        })
    }

    /// A path; a relative one counts from the folder of this file. `None` if the text is empty.
    pub fn file_path(&self, key: &'static str, or: Or<&str>) -> Option<PathBuf> {
        let text = self.text(key, or);
        let folder = self.file.path.parent().unwrap_or(Path::new(""));
        (!text.is_empty()).then(|| folder.join(text))
    }

    /// The table `key`; an empty one, whose needed keys are then all missing, if it is not written.
    pub fn table(&self, key: &'static str) -> Section<'a> {
        let found = self.find(key);
        if let Some((value, _)) = &found
            && value.as_table().is_none()
        {
            self.fault(
                key,
                format!("{} will not do here", kind_of(value)),
                format!("a table: [{}]", self.path_of(key)),
            );
        }
        self.inner(self.path_of(key), found)
    }

    /// The tables of an array of tables.
    pub fn tables(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some((value, _)) = self.find(key) else { return Vec::new() };
        let Some(array) = value.as_array() else {
            self.fault(key, format!("{} will not do here", kind_of(value)), format!("[[{}]]", self.path_of(key)));
            return Vec::new();
        };
        let path = |index: usize| format!("{}[{}]", self.path_of(key), index + 1);
        let section = |(index, value): (usize, &'a Spanned<DeValue<'a>>)| {
            if value.get_ref().as_table().is_none() {
                self.fault_at(value.span().start, path(index), "this is not a table", "{ key = value }");
            }
            self.inner(path(index), Some((value.get_ref(), value.span())))
        };
        array.iter().enumerate().map(section).collect()
    }

    pub fn inner(&self, path: String, found: Option<Found<'a>>) -> Section<'a> {
        let start = found.as_ref().map_or(self.start, |(_, span)| span.start);
        let table = found.and_then(|(value, _)| value.as_table());
        Section { file: self.file, faults: self.faults, path, table, start, known: RefCell::default() }
    }

    /// Reports the keys nobody asked for, each with the known one that was probably meant.
    pub fn finish(self) {
        let known = self.known.borrow();
        for (key, byte, _) in self.entries().filter(|(key, ..)| !known.contains(key)) {
            let instead = match nearest(key, known.iter().copied()) {
                Some(meant) => meant.to_owned(),
                None => format!("leave it out; known here: {}", known.join(", ")),
            };
            self.fault_at(byte, self.path_of(key), "this key is not known", instead);
        }
    }
}

/// A text of bearable length.
///
/// # Errors
/// What it should be.
pub fn text_of<'a>(value: &'a DeValue<'a>) -> Result<&'a str, String> {
    let text = value.as_str().ok_or_else(|| "a text in \"quotes\"".to_owned())?;
    if text.len() > TEXT_MAX { Err(format!("a text of at most {TEXT_MAX} bytes")) } else { Ok(text) }
}

#[must_use]
pub fn whole_of(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A value as a fault repeats it, cut short: short texts and numbers as written, others by their kind.
fn shown(value: &DeValue<'_>) -> String {
    let text = value.as_str().map(|text| format!("\"{text}\""));
    let number = value.as_integer().map(|number| number.as_str().to_owned());
    text.or(number).map_or_else(|| kind_of(value).to_owned(), |text| text.chars().take(60).collect())
}

/// What kind of value was written, in words.
#[must_use]
pub fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
