//! The body of an answer, as HTTP and JSON peers send it: whole or compressed (RFC 9110, 8.4), with or without a byte
//! order mark, never larger than the limit, also once it is unpacked.

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use std::fmt;
use std::io::Read;

/// What we unpack. Some servers and proxies compress whatever is asked.
pub const CODINGS: &str = "gzip, deflate";
/// A page of a schedule is far smaller; a larger answer is asked for again in parts.
pub const BODY_MAX_BYTES: usize = 8 * 1024 * 1024;
/// A coding on top of a coding is rare, a third one is nobody's.
const CODINGS_MAX: usize = 3;
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// How a body says that it is written.
#[derive(Clone, Default)]
pub struct Form {
    /// `Content-Encoding`, in the order in which it was applied.
    codings: Vec<String>,
    /// The media type without its parameters.
    kind: String,
}

/// What a body is, as far as it shows: evidence of who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Content {
    /// A FHIR resource: only a FHIR server writes one.
    Resource,
    /// A JSON object that is no resource: a small server's, or an API gateway's.
    Object,
    /// HTML. No FHIR server answers a client with a web page, but whatever stands before it does.
    Page,
    Text,
    #[default]
    Nothing,
}

/// Why there is no JSON object in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    Empty,
    TooLarge,
    /// In a coding that nobody asked for.
    Coding(String),
    /// It says to be compressed and cannot be unpacked.
    Broken,
    NotUtf8,
    /// HTML.
    Page,
    /// A resource in XML, which nobody asked for.
    Xml,
    NotJson,
}

impl fmt::Display for Unread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("it is empty"),
            Self::TooLarge => out.write_str("it is too large once it is unpacked"),
            Self::Coding(coding) => write!(out, "it is compressed with {coding}, which nobody asked for"),
            Self::Broken => out.write_str("it says to be compressed and cannot be unpacked"),
            Self::NotUtf8 => out.write_str("it is not UTF-8"),
            Self::Page => out.write_str("it is a web page: a gateway's, a log-in or a portal's"),
            Self::Xml => out.write_str("it is FHIR in XML, which nobody asked for"),
            Self::NotJson => out.write_str("it is no JSON object"),
        }
    }
}

impl Form {
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let codings = text(CONTENT_ENCODING).flat_map(|value| value.split(',')).map(word);
        let codings = codings.filter(|coding| !coding.is_empty() && coding != "identity").collect();
        let kind = text(CONTENT_TYPE).next().and_then(|value| value.split(';').next()).map(word).unwrap_or_default();
        Self { codings, kind }
    }

    /// As `Content-Encoding` would name them, in the order in which they were applied.
    #[must_use]
    pub fn coded(codings: &[&str]) -> Self {
        Self { codings: codings.iter().map(|coding| (*coding).to_owned()).collect(), kind: String::new() }
    }

    /// For the log.
    #[must_use]
    pub fn kind(&self) -> &str {
        if self.kind.is_empty() { "no content type" } else { &self.kind }
    }

    #[must_use]
    pub fn is_compressed(&self) -> bool {
        !self.codings.is_empty()
    }

    /// What came, as `read` found it. The body is believed before its header.
    #[must_use]
    pub fn content(&self, read: Result<&Value, &Unread>) -> Content {
        match read {
            Ok(json) if json["resourceType"].is_string() => Content::Resource,
            Ok(_) => Content::Object,
            Err(Unread::Page) => Content::Page,
            Err(Unread::Xml) => Content::Resource,
            Err(_) if matches!(self.kind.as_str(), "text/html" | "application/xhtml+xml") => Content::Page,
            Err(_) if self.kind.contains("fhir") => Content::Resource,
            Err(Unread::Empty) => Content::Nothing,
            Err(Unread::TooLarge | Unread::Coding(_) | Unread::Broken | Unread::NotUtf8 | Unread::NotJson) => {
                Content::Text
            }
        }
    }
}

/// A word of a header that may stand in a log.
fn word(text: &str) -> String {
    let harmless = |c: &char| c.is_ascii_alphanumeric() || "/+.-".contains(*c);
    text.trim().chars().take(40).filter(harmless).map(|c| c.to_ascii_lowercase()).collect()
}

/// The JSON object in `body`.
///
/// # Errors
/// What it is instead.
pub fn read(body: Vec<u8>, form: &Form) -> Result<Value, Unread> {
    let mut body = body;
    for coding in form.codings.iter().rev().take(CODINGS_MAX) {
        body = unpacked(body, coding)?;
    }
    // A proxy may have dropped the header and left the body; no JSON begins so.
    if body.starts_with(&GZIP) {
        body = unpacked(body, "gzip")?;
    }
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&body);
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Unread::Empty);
    }
    if text.trim_ascii_start().starts_with(b"<") {
        return Err(marked_up(text));
    }
    let text = std::str::from_utf8(text).map_err(|_| Unread::NotUtf8)?;
    if values_in(text) > VALUES_MAX {
        return Err(Unread::TooLarge);
    }
    serde_json::from_str(text).ok().filter(Value::is_object).ok_or(Unread::NotJson)
}

/// Each takes some hundred bytes of memory, however few it has in the text: 200 appointments have about 20,000.
const VALUES_MAX: usize = 400_000;

/// How many values a text of JSON has at most: what separates them stands outside of strings.
fn values_in(text: &str) -> usize {
    let (mut values, mut in_string, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b':' | b'[' | b'{' if !in_string => values += 1,
            _ => {}
        }
    }
    values
}

/// As much of it is looked at as has a prologue.
const BEGINNING_BYTES: usize = 1_024;

/// In whatever code page it is written.
fn marked_up(text: &[u8]) -> Unread {
    let beginning = text[..text.len().min(BEGINNING_BYTES)].to_ascii_lowercase();
    let has = |what: &[u8]| beginning.windows(what.len()).any(|part| part == what);
    if [&b"<!doctype html"[..], b"<html", b"<head", b"<body"].into_iter().any(has) {
        Unread::Page
    } else if has(b"http://hl7.org/fhir\"") || has(b"http://hl7.org/fhir'") {
        Unread::Xml
    } else {
        Unread::NotJson
    }
}

fn unpacked(body: Vec<u8>, coding: &str) -> Result<Vec<u8>, Unread> {
    match coding {
        // Whatever the header says: what is not packed need not be unpacked.
        "gzip" | "x-gzip" if !body.starts_with(&GZIP) => Ok(body),
        "gzip" | "x-gzip" => all(MultiGzDecoder::new(body.as_slice())),
        // With the frame of RFC 1950 as it should be, or without, as some send it.
        "deflate" => match all(ZlibDecoder::new(body.as_slice())) {
            Err(Unread::Broken) => all(DeflateDecoder::new(body.as_slice())),
            read => read,
        },
        other => Err(Unread::Coding(other.to_owned())),
    }
}

/// Never more than the limit: a small body may unpack to gigabytes.
fn all(packed: impl Read) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    let limit = u64::try_from(BODY_MAX_BYTES).unwrap_or(u64::MAX);
    packed.take(limit + 1).read_to_end(&mut body).map_err(|_| Unread::Broken)?;
    if body.len() > BODY_MAX_BYTES { Err(Unread::TooLarge) } else { Ok(body) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_body_is_read_as_its_peer_wrote_it() {
        let json = r#"{"a":"홍"}"#.as_bytes();
        let marked = [b"\xEF\xBB\xBF", json].concat();
        let halves = [gzip(&json[..4]), gzip(&json[4..])].concat();
        for (what, body, codings) in [
            ("plain", json.to_vec(), vec![]),
            ("with a byte order mark", marked.clone(), vec![]),
            ("gzip", gzip(json), vec!["gzip"]),
            ("gzip by its old name", gzip(json), vec!["x-gzip"]),
            ("gzip with a byte order mark", gzip(&marked), vec!["gzip"]),
            ("gzip in two members", halves, vec!["gzip"]),
            ("gzip that nobody declared", gzip(json), vec![]),
            ("declared gzip that is none", json.to_vec(), vec!["gzip"]),
            ("deflate", zlib(json), vec!["deflate"]),
            ("deflate without its frame", deflate(json), vec!["deflate"]),
            ("deflate in gzip", gzip(&zlib(json)), vec!["deflate", "gzip"]),
        ] {
            assert_eq!(read(body, &Form::coded(&codings)).unwrap()["a"], "홍", "{what}");
        }
    }

    #[test]
    fn a_body_of_nothing_but_brackets_is_too_large() {
        let form = Form::coded(&[]);
        for part in ["[],", "0,", "{\"a\":0},", "{},"] {
            let body = format!("{{\"entry\":[{}0]}}", part.repeat(VALUES_MAX));
            assert!(body.len() < BODY_MAX_BYTES, "{part} is within the other bound");
            assert_eq!(read(body.into_bytes(), &form).err(), Some(Unread::TooLarge), "{part}");
        }
        let text = format!("{{\"text\":\"{}\"}}", "a, b: [c] {d} \\\" ".repeat(100_000));
        assert!(read(text.into_bytes(), &form).is_ok(), "what stands in a text is no value");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let json = br#"{"a":1}"#;
        let bomb = gzip(&vec![b' '; BODY_MAX_BYTES + 1]);
        assert!(bomb.len() < 100_000);
        let utf16: Vec<u8> = r#"{"a":1}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (what, body, codings, why) in [
            ("nothing", vec![], vec![], Unread::Empty),
            ("blanks", b"\r\n ".to_vec(), vec![], Unread::Empty),
            ("a page", b"<html></html>".to_vec(), vec![], Unread::Page),
            ("a page in EUC-KR", b"\r\n<!DOCTYPE HTML><title>\xC1\xA2</title>".to_vec(), vec![], Unread::Page),
            (
                "FHIR in XML",
                br#"<?xml version="1.0"?><OperationOutcome xmlns="http://hl7.org/fhir">"#.to_vec(),
                vec![],
                Unread::Xml,
            ),
            ("a SOAP fault", b"<env:Fault/>".to_vec(), vec![], Unread::NotJson),
            ("a list", b"[]".to_vec(), vec![], Unread::NotJson),
            ("half an object", b"{\"a\":".to_vec(), vec![], Unread::NotJson),
            ("Latin-1", b"{\"a\":\"M\xFCller\"}".to_vec(), vec![], Unread::NotUtf8),
            ("UTF-16", [vec![0xFF, 0xFE], utf16].concat(), vec![], Unread::NotUtf8),
            ("half of gzip", gzip(json)[..15].to_vec(), vec!["gzip"], Unread::Broken),
            ("brotli", json.to_vec(), vec!["br"], Unread::Coding("br".to_owned())),
            ("a bomb", bomb.clone(), vec!["gzip"], Unread::TooLarge),
            ("a bomb in a bomb", gzip(&bomb), vec!["gzip", "gzip"], Unread::TooLarge),
        ] {
            assert_eq!(read(body, &Form::coded(&codings)), Err(why), "{what}");
        }
    }

    #[test]
    fn who_wrote_a_body_shows_in_the_body_first() {
        for (kind, body, content) in [
            ("application/fhir+json", r#"{"resourceType":"OperationOutcome"}"#, Content::Resource),
            ("text/html", r#"{"resourceType":"OperationOutcome"}"#, Content::Resource),
            ("application/json", r#"{"message":"Forbidden"}"#, Content::Object),
            ("application/fhir+json", "<html></html>", Content::Page),
            ("", "<!DOCTYPE html>", Content::Page),
            ("text/html", "Forbidden", Content::Page),
            ("text/html", "", Content::Page),
            ("text/plain", "404 page not found", Content::Text),
            ("application/fhir+json", "too many entries", Content::Resource),
            ("application/fhir+xml", r#"<OperationOutcome xmlns="http://hl7.org/fhir"/>"#, Content::Resource),
            ("text/xml", "<fault/>", Content::Text),
            ("application/json", "", Content::Nothing),
            ("application/fhir+json", "", Content::Resource),
        ] {
            let form = Form { codings: Vec::new(), kind: kind.to_owned() };
            let read = read(body.as_bytes().to_vec(), &form);
            assert_eq!(form.content(read.as_ref()), content, "{kind}: {body}");
        }
    }

    #[test]
    fn a_header_cannot_write_what_it_likes_into_the_log() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, "GZip, identity".parse().unwrap());
        headers.insert(CONTENT_TYPE, "Text/HTML; charset=utf-8".parse().unwrap());
        let form = Form::of(&headers);
        assert_eq!((form.codings.as_slice(), form.kind()), (&["gzip".to_owned()][..], "text/html"));
        headers.insert(CONTENT_TYPE, "Hong Gil-dong = 1 \u{7f}".parse().unwrap_or_else(|_| "a b = c".parse().unwrap()));
        assert!(!Form::of(&headers).kind().contains(' '));
    }
}
