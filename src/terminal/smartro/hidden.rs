//! A frame without what it tells of a card in the clear, of the same length: this is what leaves the dialogue, is kept in the
//! journal, and is shown to a technician.

use super::layout::Data;
use super::packet::Frame;
use crate::terminal::card;

/// Numbers of the transaction and of the merchant: they name no card, and may be as long as one.
const KEPT: [&str; 8] = [
    "approval_no",
    "unique_no",
    "merchant_no",
    "terminal_no",
    "sale_date",
    "sale_time",
    "original_date",
    "original_time",
];

/// The card's number as it may be shown, and no run of digits in a text, or in what no table knows, that could be one.
#[must_use]
pub fn hidden(frame: &Frame) -> Frame {
    let mut data = Data::decode(frame.job, &frame.data);
    data.change_texts(|name, raw| match name {
        "card_no" => card::hide_number(raw),
        name if KEPT.contains(&name) => {}
        _ => card::hide_runs(raw),
    });
    Frame { data: data.encode(), ..frame.clone() }
}

#[cfg(test)]
mod tests {
    use super::super::layout::{DECLINE_AT, SALE_BYTES};
    use super::super::transaction::read_last;
    use super::*;

    const PAN: &str = "9410123412341234";

    fn frame(job: u8, data: Vec<u8>) -> Frame {
        Frame { terminal_id: [0; 16], stamp: *b"20261125100000", job, response_code: 0, data }
    }

    fn sale() -> Vec<u8> {
        let sale = format!(
            "1I{PAN:<20}{:010}{:08}{:08}00{:<12}20261125100000{:<12}{:<15}{:<14}",
            5_100, 0, 0, "12345678", "123456789012", "123456789012345", "12345678901234"
        );
        format!("{sale:<117}{:<4}{:<16}{:<4}{:<16}", "0001", "KB card", "0002", "BC card").into_bytes()
    }

    fn tells(frame: &Frame) -> bool {
        frame.encode().windows(PAN.len()).any(|bytes| bytes == PAN.as_bytes())
    }

    #[test]
    fn a_number_in_the_clear_is_hidden_wherever_it_stands() {
        let mut in_the_message = sale();
        in_the_message[0] = b'X';
        in_the_message[DECLINE_AT..DECLINE_AT + 3].copy_from_slice(b"-61");
        in_the_message[DECLINE_AT + 5..DECLINE_AT + 5 + PAN.len()].copy_from_slice(PAN.as_bytes());
        let mut in_the_bank = sale();
        in_the_bank[121..121 + PAN.len()].copy_from_slice(PAN.as_bytes());
        let inquiry = format!("1C{PAN:<20}20261125100000{:08}{:08}O", 0, 0).into_bytes();
        for (job, data) in [
            (b'b', sale()),
            (b'l', sale()),
            (b'c', [&sale()[..], &[b' '; 30]].concat()),
            (b'b', [&sale()[..], PAN.as_bytes()].concat()),
            (b'b', sale()[..SALE_BYTES - 20].to_vec()),
            (b'b', in_the_message),
            (b'b', in_the_bank),
            (b'd', inquiry),
            (b'd', PAN.as_bytes().to_vec()),
            (b'z', format!("0{PAN}").into_bytes()),
        ] {
            let told = frame(job, data);
            assert!(tells(&told));
            let kept = hidden(&told);
            assert!(!tells(&kept), "{}", kept.encode().escape_ascii());
            assert_eq!(kept.encode().len(), told.encode().len());
            assert_eq!(Frame::parse(&kept.encode()).as_ref(), Ok(&kept), "it is a frame still");
        }
    }

    #[test]
    fn what_is_hidden_reads_as_before_and_what_was_hidden_stays() {
        let told = frame(b'l', sale());
        let kept = hidden(&told);
        assert_eq!(read_last(&kept), read_last(&told));
        assert_eq!(hidden(&kept), kept);
        let mut masked = sale();
        masked[2..22].copy_from_slice(b"941012**********    ");
        let masked = frame(b'b', masked);
        assert_eq!(hidden(&masked), masked);
    }
}
