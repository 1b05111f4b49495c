//! The links of the chain. Each row holds the HMAC-SHA256 of the hash before it and of its own words, under a key derived
//! from the store's (RFC 2104). Rows of older versions hold plain SHA-256 and are sealed by the first row with a key.

use super::super::key::Secret;
use crate::ports::AuditRow;
use ring::digest::{Context as Plain, SHA256};
use ring::hmac::{Context, Key, Tag};
use std::fmt::Write as _;

const PURPOSE: &[u8] = b"hospital-kiosk audit trail 1";

/// The key of the trail.
pub struct ChainKey(Key);

impl ChainKey {
    pub fn of(secret: &Secret) -> Self {
        Self(secret.derive(PURPOSE))
    }

    /// Each field with its length before it: no two different rows are the same bytes.
    pub(super) fn link(&self, before: &str, row: &AuditRow) -> String {
        let sequence = row.sequence.to_string();
        let AuditRow { at, who, act, about, result, was, became, .. } = row;
        self.tag(&["row", before, &sequence, at, who, act, about, result, was, became])
    }

    /// Of what stands beside the rows: where they end, where they begin, which of them is the seal.
    pub(super) fn mark(&self, what: &str, sequence: i64, hash: &str) -> String {
        self.tag(&["mark", what, &sequence.to_string(), hash])
    }

    fn tag(&self, fields: &[&str]) -> String {
        let mut context = Context::with_key(&self.0);
        for field in fields {
            context.update(&field.len().to_be_bytes());
            context.update(field.as_bytes());
        }
        hex(Tag::as_ref(&context.sign()))
    }
}

/// As older versions linked them.
pub(super) fn plain_link(before: &str, row: &AuditRow) -> String {
    let sequence = row.sequence.to_string();
    let mut context = Plain::new(&SHA256);
    for field in [before, &sequence, &row.at, &row.who, &row.act, &row.about, &row.result] {
        context.update(&field.len().to_be_bytes());
        context.update(field.as_bytes());
    }
    hex(context.finish().as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
