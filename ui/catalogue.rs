//! A catalogue of translations (gettext's PO), read by the build and by its test.

use std::collections::BTreeMap;

/// Between a context and its text in one key, as gettext itself joins them.
pub const CONTEXT_END: char = '\u{4}';

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Message {
    pub plural: String,
    pub translations: Vec<String>,
}

impl Message {
    /// Whether it says all of a text whose plural is `plural` (empty: it has none) in a language of so many `forms`.
    pub fn is_complete(&self, plural: &str, forms: usize) -> bool {
        let wanted = if plural.is_empty() { 1 } else { forms };
        self.plural == plural
            && self.translations.len() == wanted
            && self.translations.iter().all(|text| !text.is_empty())
    }
}

/// How many forms a count has in the language, as the header's `Plural-Forms` says: 1 in Korean, 3 in Russian, 6 in Arabic.
pub fn plural_forms(header: &str) -> Result<usize, String> {
    let rule = header.lines().find_map(|line| line.strip_prefix("Plural-Forms:"));
    let count = rule.and_then(|rule| rule.split(';').find_map(|part| part.trim().strip_prefix("nplurals=")));
    let count = count.and_then(|count| count.trim().parse().ok()).filter(|count| (1..=6).contains(count));
    count.ok_or_else(|| "its header lacks `Plural-Forms: nplurals=…; plural=…;`".to_owned())
}

/// Entries of a catalogue by msgid; the header is the empty one. Fuzzy and obsolete entries are not used.
pub fn parse(po: &str) -> Result<BTreeMap<String, Message>, String> {
    let mut all = BTreeMap::new();
    let mut id: Option<String> = None;
    let mut context = String::new();
    let mut message = Message::default();
    let mut field = "";
    let po = po.strip_prefix('\u{FEFF}').unwrap_or(po);
    for line in po.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (keyword, rest) = line.split_at(line.find('"').unwrap_or(line.len()));
        let Some((text, _)) = literal(rest) else {
            return Err(format!("cannot read {line:?}"));
        };
        match keyword.trim() {
            "msgctxt" => {
                if let Some(done) = id.take() {
                    all.insert(done, std::mem::take(&mut message));
                }
                context = format!("{text}{CONTEXT_END}");
                field = "context";
            }
            "msgid" => {
                if let Some(done) = id.replace(std::mem::take(&mut context) + &text) {
                    all.insert(done, std::mem::take(&mut message));
                }
                field = "id";
            }
            "msgid_plural" => {
                message.plural = text;
                field = "plural";
            }
            word if word.starts_with("msgstr") => {
                message.translations.push(text);
                field = "str";
            }
            "" => match field {
                "id" => id.get_or_insert_default().push_str(&text),
                "plural" => message.plural.push_str(&text),
                _ => {
                    if let Some(last) = message.translations.last_mut() {
                        last.push_str(&text);
                    }
                }
            },
            other => return Err(format!("unknown keyword {other:?}")),
        }
    }
    if let Some(done) = id {
        all.insert(done, message);
    }
    Ok(all)
}

/// The string literal that `source` begins with, unescaped, and what follows it.
pub fn literal(source: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = source.strip_prefix('"')?.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((text, &source[at + 2..])),
            '\\' => match chars.next()?.1 {
                'n' => text.push('\n'),
                other => text.push(other),
            },
            _ => text.push(c),
        }
    }
    None
}
