//! Card numbers where a terminal tells one in the clear (PCI DSS 3.3 and 3.4): all but the first six and the last four digits
//! are hidden before anything else can see it, in what is read of an answer and in the answer itself as it is kept.

/// ISO/IEC 7812: shorter numbers are no payment cards; phone numbers of a service desk are.
pub const DIGITS_MIN: usize = 13;
/// What may be shown.
pub const CLEAR_FIRST: usize = 6;
pub const CLEAR_LAST: usize = 4;
const HIDDEN: u8 = b'*';

/// A text with every run of digits hidden that could be a card's, also one that is written in groups.
#[must_use]
pub fn hidden(text: &str) -> String {
    // Only digits are replaced, and by something that is one byte too.
    let mut bytes = text.as_bytes().to_vec();
    hide_runs(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The same in bytes of any code page that has ASCII's digits.
pub fn hide_runs(bytes: &mut [u8]) {
    let mut at = 0;
    while at < bytes.len() {
        let end = run_end(bytes, at);
        let digits = bytes[at..end].iter().filter(|byte| byte.is_ascii_digit()).count();
        if digits >= DIGITS_MIN {
            bytes[at..end].iter_mut().filter(|byte| byte.is_ascii_digit()).for_each(|byte| *byte = HIDDEN);
        }
        at = end.max(at + 1);
    }
}

/// Where the digits from `at` on end, with single spaces and hyphens between them.
fn run_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    for (place, byte) in bytes.iter().enumerate().skip(at) {
        let joins = matches!(byte, b' ' | b'-') && place > at && bytes[place - 1].is_ascii_digit();
        if byte.is_ascii_digit() {
            end = place + 1;
        } else if !joins {
            break;
        }
    }
    end
}

/// A field that holds a card's number alone, padded in front; hidden where the terminal has not hidden it.
pub fn hide_number(field: &mut [u8]) {
    let start = field.iter().take_while(|byte| matches!(byte, b'0' | b' ')).count();
    let end = field.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(start, |last| last + 1).max(start);
    let card = &mut field[start..end];
    // Also one that is written in groups, or of which the terminal hides too little.
    let digits = card.iter().filter(|byte| byte.is_ascii_digit()).count();
    let count = card.len();
    if digits > CLEAR_FIRST + CLEAR_LAST {
        let middle = CLEAR_FIRST..count.saturating_sub(CLEAR_LAST).max(CLEAR_FIRST);
        card[middle].fill(HIDDEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_card_number_is_hidden_in_a_text() {
        for (text, expected) in [
            ("4111111111111111 call 0800123456", "**************** call 0800123456"),
            ("card 4111 1111 1111 1111.", "card **** **** **** ****."),
            ("card 4111-1111-1111-1111", "card ****-****-****-****"),
            ("123456789012", "123456789012"),
            ("1234567890123", "*************"),
            ("1  2  3  4  5  6  7  8  9  0  1  2  3", "1  2  3  4  5  6  7  8  9  0  1  2  3"),
            ("카드 9410123412341234 승인", "카드 **************** 승인"),
            ("", ""),
        ] {
            assert_eq!(hidden(text), expected);
        }
    }

    #[test]
    fn of_a_card_number_the_first_six_and_the_last_four_digits_are_left() {
        for (field, expected) in [
            ("9410123412341234    ", "941012******1234    "),
            ("00009410123412341234", "0000941012******1234"),
            ("9410121234123       ", "941012***4123       "),
            ("941012**********    ", "941012**********    "),
            ("123456**********7890", "123456**********7890"),
            // An end of it hidden only.
            ("9410123412341***    ", "941012******1***    "),
            ("9410-1234-1234-1234 ", "9410-1*********1234 "),
            ("9410 1234 1234 1234 ", "9410 1*********1234 "),
            ("941012341234****    ", "941012**********    "),
            ("                    ", "                    "),
            ("0000000000000000    ", "0000000000000000    "),
        ] {
            let mut bytes = field.as_bytes().to_vec();
            hide_number(&mut bytes);
            assert_eq!(String::from_utf8_lossy(&bytes), expected);
        }
    }
}
