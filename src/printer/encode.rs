//! Dots to ESC/POS bytes, through the crate `escpos` and a driver that only collects. Pure.
//!
//! A new crate printer for every job: a failed one keeps its instructions and would print them again.

use crate::ports::Raster;
use escpos::driver::Driver;
use escpos::errors::{PrinterError, Result as EscposResult};
use escpos::printer::Printer;
use escpos::utils::Protocol;
use std::cell::RefCell;
use std::rc::Rc;

/// Rows of one `GS v 0`: the least that every print buffer holds.
pub const BAND_ROWS: usize = 128;
/// `GS v 0 m xL xH yL yH`.
const BAND_HEAD_BYTES: usize = 8;
/// `GS a 0`: its bytes, sent unasked, could be taken for the proof of a job.
const AUTOMATIC_STATUS_OFF: [u8; 3] = [0x1D, b'a', 0];
/// Lines fed where there is no cutter, so that the end passes the tear bar (about 15 mm above the head).
const TEAR_LINES: u8 = 4;

/// The bytes of one document: start clean, the picture in bands, feed, cut.
///
/// # Errors
/// The picture's rows do not fit its size, or it is wider than `GS v 0` can say.
pub fn job(raster: &Raster, has_cutter: bool) -> Result<Vec<u8>, String> {
    let row_bytes = row_bytes(raster)?;
    let paper = Collected::default();
    let mut printer = Printer::new(paper.clone(), Protocol::default(), None);
    write_job(&mut printer, raster, row_bytes, has_cutter).map_err(|error| error.to_string())?;
    Ok(paper.0.take())
}

/// The most NULs that a picture cut off anywhere still swallows; beyond it they are ignored.
#[must_use]
pub const fn band_bytes_max(width_dots: u32) -> usize {
    BAND_HEAD_BYTES + BAND_ROWS * (width_dots as usize).div_ceil(8)
}

fn row_bytes(raster: &Raster) -> Result<u16, String> {
    let row_bytes = raster.width_dots.div_ceil(8);
    let wanted = u64::from(row_bytes) * u64::from(raster.height_dots);
    if row_bytes == 0 || wanted == 0 || wanted != raster.rows.len() as u64 {
        return Err(format!("a picture of {} bytes is not {wanted}", raster.rows.len()));
    }
    u16::try_from(row_bytes).map_err(|_| format!("{} dots are too wide to print", raster.width_dots))
}

fn write_job(printer: &mut Printer<Collected>, raster: &Raster, row_bytes: u16, has_cutter: bool) -> EscposResult<()> {
    printer.init()?;
    printer.custom(&AUTOMATIC_STATUS_OFF)?;
    for band in raster.rows.chunks(usize::from(row_bytes) * BAND_ROWS) {
        printer.custom(&band_bytes(band, row_bytes))?;
    }
    if has_cutter {
        printer.cut()?;
    } else {
        printer.feeds(TEAR_LINES)?;
    }
    printer.print()?;
    Ok(())
}

fn band_bytes(band: &[u8], row_bytes: u16) -> Vec<u8> {
    let rows = u16::try_from(band.len() / usize::from(row_bytes)).unwrap_or(u16::MAX);
    let ([x_low, x_high], [y_low, y_high]) = (row_bytes.to_le_bytes(), rows.to_le_bytes());
    let mut bytes = vec![0x1D, b'v', b'0', 0, x_low, x_high, y_low, y_high];
    bytes.extend_from_slice(band);
    bytes
}

/// What the crate wanted to send. Our own worker sends it, in pieces and against a deadline.
#[derive(Clone, Default)]
struct Collected(Rc<RefCell<Vec<u8>>>);

impl Driver for Collected {
    fn name(&self) -> String {
        "collected".into()
    }

    fn write(&self, data: &[u8]) -> EscposResult<()> {
        self.0.try_borrow_mut().map_err(PrinterError::from)?.extend_from_slice(data);
        Ok(())
    }

    fn read(&self, _: &mut [u8]) -> EscposResult<usize> {
        Ok(0)
    }

    fn flush(&self) -> EscposResult<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_picture_byte_by_byte() {
        let raster = Raster { width_dots: 16, height_dots: 2, rows: vec![0x80, 0x01, 0xFF, 0x00] };
        let with_cutter = job(&raster, true).expect("a good picture");
        assert_eq!(with_cutter, b"\x1B@\x1Da\x00\x1Dv0\x00\x02\x00\x02\x00\x80\x01\xFF\x00\x1DVA\x00");
        let without = job(&raster, false).expect("a good picture");
        assert!(without.ends_with(b"\xFF\x00\x1Bd\x04"));
    }

    #[test]
    fn bands_hold_128_rows_at_most() {
        let raster = Raster { width_dots: 576, height_dots: 300, rows: vec![0xAA; 72 * 300] };
        let bytes = job(&raster, true).expect("a good picture");
        let heads = [(5, 128), (5 + 9224, 128), (5 + 2 * 9224, 44)];
        for (at, rows) in heads {
            assert_eq!(bytes[at..at + 8], [0x1D, b'v', b'0', 0, 72, 0, rows, 0]);
        }
        assert_eq!(bytes.len(), 5 + 3 * 8 + 72 * 300 + 4);
        assert_eq!(band_bytes_max(576), 9224);
    }

    #[test]
    fn a_picture_that_does_not_fit_its_size_is_refused() {
        for (width_dots, height_dots, length) in [(16, 2, 3), (0, 0, 0), (16, 0, 0), (600_000, 1, 75_000)] {
            assert!(job(&Raster { width_dots, height_dots, rows: vec![0; length] }, true).is_err());
        }
    }
}
