//! What hangs in the printer, or out of it, of papers that were given up; it goes before anything else is asked or printed.

use crate::printer::{encode, status};

pub(super) struct Remains {
    /// NULs that finish a picture which was cut off; a printer that expects none ignores them.
    nuls: usize,
    /// Something of an abandoned job may hang out of the printer: cut it off.
    scrap: bool,
    /// A kiosk that lost its power while it printed may have left the printer inside a picture, where it takes every
    /// question for dots. Nobody remembers: the first thing this life sends ends and cuts off whatever there is.
    pub(super) inherited: bool,
}

/// `ESC @`, `GS V` 65 0: as new, and cut.
const CUT: &[u8] = b"\x1B@\x1DVA\x00";

impl Remains {
    pub(super) const fn inherited() -> Self {
        Self { nuls: 0, scrap: false, inherited: true }
    }

    /// Known ones: of before, only what was found out about.
    pub(super) const fn are_owed(&self) -> bool {
        self.scrap || self.nuls > 0
    }

    /// A job of which so much was sent, and so much not.
    pub(super) fn abandon(&mut self, sent: usize, rest: usize, width_dots: u32) {
        self.scrap |= sent > 0;
        self.nuls = self.nuls.max(rest.min(encode::band_bytes_max(width_dots)));
    }

    /// Whatever an earlier life may have left.
    pub(super) fn expect_the_worst(&mut self, width_dots: u32) {
        self.nuls = self.nuls.max(encode::band_bytes_max(width_dots));
        self.scrap = true;
    }

    /// What ends and cuts them off.
    pub(super) fn wipe(&self) -> Vec<u8> {
        let mut bytes = status::CLEAR.to_vec();
        bytes.resize(bytes.len() + self.nuls, 0);
        if self.scrap {
            bytes.extend_from_slice(CUT);
        }
        bytes
    }

    pub(super) const fn wiped(&mut self) {
        (self.nuls, self.scrap) = (0, false);
    }
}
