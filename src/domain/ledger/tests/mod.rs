//! Every rule and every refusal as a line of text: what is kept, what is recorded, what is written. Request and card of
//! payment 1 are 1 unless it is said otherwise.

mod play;
mod words;

use play::play;
use words::Kept;

/// Each line `kept | recorded | written`; an empty part is nothing.
fn check(table: &str) {
    let mut wrong = Vec::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let [kept, recorded, written] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("three parts: {line}");
        };
        let is = play(&Kept::of(kept), recorded);
        if is != written {
            wrong.push(format!("{kept} | {recorded} | {is}\n    instead of {written}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_payment_begins_once_alone_and_for_a_request_that_is_unpaid() {
    check(
        "
                                     | intent 1          | new pay 1
        pay 1 intent                 | intent 1          |
        pay 1 intent                 | intent 1 amount 9 | no: a payment that is intent cannot become intent
        pay 1 intent                 | intent 1 of 2     | no: a payment that is intent cannot become intent
        pay 1 sent                   | intent 1          | no: a payment that is sent cannot become intent
        pay 1 intent                 | intent 2          | no: another payment is still open: no second one may begin
        pay 1 sent                   | intent 2          | no: another payment is still open: no second one may begin
        pay 1 answered               | intent 2          | no: another payment is still open: no second one may begin
        pay 1 in-doubt               | intent 2          | no: another payment is still open: no second one may begin
        pay 1 needs-staff            | intent 2          | new pay 2
        pay 1 committed              | intent 2          | new pay 2
        pay 1 committed, undo 1 intent      | intent 2   | no: a payment is being given back: nothing else may begin
        pay 1 committed, undo 1 sent        | intent 2   | no: a payment is being given back: nothing else may begin
        pay 1 committed, undo 1 answered    | intent 2   | no: a payment is being given back: nothing else may begin
        pay 1 committed, undo 1 in-doubt    | intent 2   | no: a payment is being given back: nothing else may begin
        pay 1 committed, undo 1 needs-staff | intent 2   | new pay 2
        pay 1 not-paid               | intent 2 of 1     | new pay 2
        pay 1 needs-staff            | intent 2 of 1     | no: this request has a payment that is not known to be unpaid: it may not be charged again
        pay 1 committed              | intent 2 of 1     | no: this request has a payment that is not known to be unpaid: it may not be charged again
        pay 1 settled                | intent 2 of 1     | no: this request has a payment that is not known to be unpaid: it may not be charged again
        pay 1 reversed               | intent 2 of 1     | no: this request has a payment that is not known to be unpaid: it may not be charged again
        pay 1 not-paid, pay 3 reversed of 1 | intent 2 of 1 | no: this request has a payment that is not known to be unpaid: it may not be charged again
        ",
    );
}

#[test]
fn a_payment_goes_only_along_its_arrows_and_is_open_alone() {
    check(
        "
                                     | sent 1            | no: the journal knows no such payment attempt
        pay 1 intent                 | sent 1            | pay 1 sent
        pay 1 sent                   | sent 1            | pay 1 sent
        pay 1 answered               | sent 1            | no: a payment that is answered cannot become sent
        pay 1 sent                   | in-doubt 1        | pay 1 in-doubt because silence
        pay 1 in-doubt because lost  | in-doubt 1        | pay 1 in-doubt because silence
        pay 1 committed              | in-doubt 1        | no: a payment that is committed cannot become in-doubt
        pay 1 needs-staff            | in-doubt 1        | pay 1 in-doubt because silence
        pay 1 needs-staff, pay 2 intent | in-doubt 1     | no: another payment is still open: no second one may begin
        pay 1 needs-staff, pay 2 committed, undo 2 sent | in-doubt 1 | no: a payment is being given back: nothing else may begin
        pay 1 needs-staff, undo 1 sent  | in-doubt 1     | no: a payment is being given back: nothing else may begin
        pay 1 intent, pay 2 in-doubt | sent 1            | no: another payment is still open: no second one may begin
        pay 1 intent because lost    | sent 1            | pay 1 sent because lost
        ",
    );
}

#[test]
fn an_answer_is_kept_once_and_no_booking_is_given_to_two_payments() {
    check(
        "
                                     | answered 1        | no: the journal knows no such payment attempt
        pay 1 sent                   | answered 1        | pay 1 answered, card 1, raw final
        pay 1 in-doubt because lost  | answered 1        | pay 1 answered because lost, card 1, raw final
        pay 1 answered               | answered 1        |
        pay 1 answered               | answered 1 unconfirmed |
        pay 1 answered               | answered 1 card 2 | no: the terminal's answer differs from the one already in the journal
        pay 1 committed              | answered 1        | no: a payment that is committed cannot become answered
        pay 1 sent, pay 2 in-doubt   | answered 1        | no: another payment is still open: no second one may begin
        pay 1 sent                   | answered 1 unconfirmed        | pay 1 answered, card 1, raw unconfirmed
        pay 1 sent, pay 2 committed  | answered 1 unconfirmed card 2 | no: this booking belongs to payment K3-0002 already
        pay 1 sent, pay 2 committed  | answered 1 card 2             | pay 1 answered, card 2, raw final
        pay 1 sent, pay 2 committed  | answered 1 unconfirmed card 2 declined | pay 1 answered, card 2 declined, raw unconfirmed
        pay 1 sent, pay 2 settled    | answered 1 unconfirmed card 2 | no: this booking belongs to payment K3-0002 already
        pay 1 sent, pay 2 reversed   | answered 1 unconfirmed card 2 | no: this booking belongs to payment K3-0002 already
        pay 1 sent, pay 2 needs-staff card 2 | answered 1 unconfirmed card 2 | no: this booking belongs to payment K3-0002 already
        pay 1 sent, pay 2 not-paid card 2    | answered 1 unconfirmed card 2 | pay 1 answered, card 2, raw unconfirmed
        pay 1 sent, pay 2 needs-staff card 2 declined | answered 1 unconfirmed card 2 | pay 1 answered, card 2, raw unconfirmed
        # The same approval number, of another card transaction.
        pay 1 sent, pay 2 committed  | answered 1 unconfirmed card 2 again | pay 1 answered, card 2 again, raw unconfirmed
        ",
    );
}

#[test]
fn what_is_paid_is_queued_and_carries_its_own_payment() {
    check(
        "
                                     | committed 1          | no: the journal knows no such payment attempt
        pay 1 answered because lost  | committed 1          | pay 1 committed, request 1 paid, receipt, card 1; new queue 1
        pay 1 in-doubt               | committed 1          | pay 1 committed, request 1 paid, receipt, card 1; new queue 1
        pay 1 needs-staff            | committed 1          | pay 1 committed, request 1 paid, receipt, card 1; new queue 1
        pay 1 sent                   | committed 1          | no: a payment that is sent cannot become committed
        pay 1 reversed               | committed 1          | no: a payment that is reversed cannot become committed
        pay 1 answered               | committed 1 of 2     | no: the request of a paid attempt must be its own and carry the payment
        pay 1 answered               | committed 1 unpaid   | no: the request of a paid attempt must be its own and carry the payment
        pay 1 answered               | committed 1 free     | no: the request of a paid attempt must be its own and carry the payment
        pay 1 answered               | committed 1 carries 2 | no: the request of a paid attempt must be its own and carry the payment
        pay 1 committed              | committed 1          |
        pay 1 settled                | committed 1          |
        pay 1 committed              | committed 1 card 2   | no: the terminal's answer differs from the one already in the journal
        pay 1 settled                | committed 1 card 2   | no: the terminal's answer differs from the one already in the journal
        pay 1 in-doubt, pay 2 settled | committed 1 card 2  | no: this booking belongs to payment K3-0002 already
        pay 1 answered, queue 1 waiting unpaid | committed 1 | no: another request is already queued under this identifier
        pay 1 answered, queue 1 sent | committed 1          | pay 1 committed, request 1 paid, receipt, card 1
        ",
    );
}

#[test]
fn what_is_not_paid_forgets_who_it_was_and_what_is_for_staff_says_why() {
    check(
        "
        pay 1 intent                 | not-paid 1           | pay 1 not-paid because declined, request 1 of nobody; erases
        pay 1 not-paid because lost  | not-paid 1           | pay 1 not-paid because declined, request 1 of nobody; erases
        pay 1 committed              | not-paid 1           | no: a payment that is committed cannot become not-paid
                                     | not-paid 1           | no: the journal knows no such payment attempt
        pay 1 in-doubt               | needs-staff 1        | pay 1 needs-staff because the terminal does not tell its last transaction
        pay 1 not-paid               | needs-staff 1 card 1 | pay 1 needs-staff because the terminal does not tell its last transaction, card 1
        pay 1 in-doubt card 1 declined | needs-staff 1 card 2 | pay 1 needs-staff because the terminal does not tell its last transaction, card 2
        pay 1 in-doubt card 1        | needs-staff 1 card 2 | pay 1 needs-staff because the terminal does not tell its last transaction
        pay 1 needs-staff            | needs-staff 1        | pay 1 needs-staff because the terminal does not tell its last transaction
        pay 1 sent                   | needs-staff 1        | no: a payment that is sent cannot become needs-staff
        pay 1 needs-staff            | evidence 1 list      | pay 1, evidence list
        pay 1 needs-staff evidence list | evidence 1 list   |
        pay 1 needs-staff evidence list | evidence 1 call   | pay 1, evidence list+call
        pay 1 in-doubt               | evidence 1 list      | no: a payment that is in-doubt needs no evidence
        pay 1 committed              | evidence 1 list      | no: a payment that is committed needs no evidence
        pay 1 committed, undo 1 needs-staff | evidence 1 list | pay 1, evidence list
                                     | evidence 1 list      | no: the journal knows no such payment attempt
        pay 1 committed              | printed 1            | pay 1, printed
        pay 1 settled                | printed 1            | pay 1, printed
        pay 1 reversed               | printed 1            | pay 1, printed
        pay 1 answered               | printed 1            | no: a payment that is answered has no receipt
        pay 1 not-paid               | printed 1            | no: a payment that is not-paid has no receipt
                                     | printed 1            | no: the journal knows no such payment attempt
        ",
    );
}

#[test]
fn only_a_booking_is_given_back_once_and_alone() {
    check(
        "
        pay 1 committed              | undo 1 intent        | new undo 1 of 1
        pay 1 settled                | undo 1 intent        | new undo 1 of 1
        pay 1 needs-staff card 1     | undo 1 intent        | new undo 1 of 1
                                     | undo 1 intent        | no: the journal knows no such payment attempt
        pay 1 answered               | undo 1 intent        | no: a payment that is answered cannot be given back now
        pay 1 not-paid               | undo 1 intent        | no: a payment that is not-paid cannot be given back now
        pay 1 reversed               | undo 1 intent        | no: a payment that is reversed cannot be given back now
        pay 1 committed              | undo 1 intent card 2 | no: only the booking of a payment can be given back
        pay 1 needs-staff            | undo 1 intent        | no: only the booking of a payment can be given back
        pay 1 needs-staff card 1 declined | undo 1 intent card 1 declined | no: only the booking of a payment can be given back
        pay 1 committed, undo 1 intent | undo 1 intent      |
        pay 1 committed, undo 1 intent | undo 1 intent with-card | no: an undo that is intent cannot become intent
        pay 1 committed, pay 2 settled, undo 1 intent | undo 1 intent of 2 card 1 | no: an undo that is intent cannot become intent
        pay 1 committed, undo 1 intent | undo 1 intent card 2 | no: an undo that is intent cannot become intent
        pay 1 committed, undo 1 sent | undo 1 intent        | no: an undo that is sent cannot become intent
        pay 1 committed, undo 1 sent | undo 2 intent of 1 card 1 | no: a payment that is committed cannot be given back now
        pay 1 committed, undo 1 needs-staff  | undo 2 intent of 1 card 1 | no: a payment that is committed cannot be given back now
        pay 1 committed, undo 1 not-reversed | undo 2 intent of 1 card 1 | new undo 2 of 1
        pay 1 committed, pay 2 intent | undo 1 intent       | no: another payment is still open: no second one may begin
        pay 1 committed, pay 2 committed, undo 2 sent | undo 1 intent | no: a payment is being given back: nothing else may begin
        pay 1 committed, pay 2 committed, undo 2 needs-staff | undo 1 intent | new undo 1 of 1
        ",
    );
}

#[test]
fn an_undo_goes_only_along_its_arrows() {
    check(
        "
                                     | undo 1 sent          | no: the journal knows no such undo
        pay 1 committed, undo 1 intent | undo 1 sent        | undo 1 sent
        pay 1 committed, undo 1 sent because lost | undo 1 sent | undo 1 sent because lost
        pay 1 committed, undo 1 answered | undo 1 sent      | no: an undo that is answered cannot become sent
        pay 1 committed, undo 1 intent | undo 1 not-reversed | undo 1 not-reversed because refused
        pay 1 committed, undo 1 sent | undo 1 in-doubt      | undo 1 in-doubt because refused
        pay 1 committed, undo 1 in-doubt | undo 1 needs-staff | undo 1 needs-staff because refused
        pay 1 committed, undo 1 sent | undo 1 needs-staff   | no: an undo that is sent cannot become needs-staff
        pay 1 committed, undo 1 reversed | undo 1 not-reversed | no: an undo that is reversed cannot become not-reversed
        pay 1 committed, undo 1 sent | undo 1 answered      | undo 1 answered, raw
        pay 1 committed, undo 1 needs-staff because lost | undo 1 answered | undo 1 answered because lost, raw
        pay 1 committed, undo 1 answered | undo 1 answered  |
        pay 1 committed, undo 1 answered | undo 1 answered otherwise | no: the terminal's answer differs from the one in the journal
        pay 1 committed, undo 1 intent | undo 1 answered    | no: an undo that is intent cannot become answered
                                     | undo 1 answered      | no: the journal knows no such undo
        # Not the payment's latest.
        pay 1 committed, undo 2 in-doubt of 1, undo 1 sent | undo 2 answered | undo 2 answered, raw
        ",
    );
}

#[test]
fn what_was_given_back_reverses_its_payment_and_is_told_to_the_hospital() {
    check(
        "
        pay 1 committed, undo 1 answered | undo 1 reversed         | undo 1 reversed; pay 1 reversed
        pay 1 settled, undo 1 answered   | undo 1 reversed cancels | undo 1 reversed; new queue 91; pay 1 reversed
        pay 1 needs-staff card 1, undo 1 answered | undo 1 reversed | undo 1 reversed; pay 1 reversed, request 1 of nobody; erases
        pay 1 reversed, undo 1 reversed, queue 91 waiting cancels | undo 1 reversed cancels | undo 1 reversed; pay 1 reversed
        pay 1 committed, undo 1 answered, queue 91 waiting unpaid | undo 1 reversed cancels | no: another request is already queued under this identifier
        pay 1 not-paid, undo 1 needs-staff | undo 1 reversed       | no: a payment that is not-paid cannot become reversed
        pay 1 committed, undo 1 sent     | undo 1 reversed         | no: an undo that is sent cannot become reversed
                                         | undo 1 reversed         | no: the journal knows no such undo
        undo 1 answered                  | undo 1 reversed         | no: the journal knows no such payment attempt
        ",
    );
}

#[test]
fn a_day_ends_once_and_beside_no_money_operation() {
    check(
        "
                                     | ask-totals 1         | new closing 1 after 0 and 0
        pay 1 settled, pay 2 reversed, undo 2 reversed | ask-totals 1 | new closing 1 after 2 and 1
        pay 1 sent                   | ask-totals 1         | no: another payment is still open: no second one may begin
        pay 1 in-doubt               | ask-totals 1         | no: another payment is still open: no second one may begin
        pay 1 committed, undo 1 sent | ask-totals 1         | no: a payment is being given back: nothing else may begin
        pay 1 needs-staff            | ask-totals 1         | new closing 1 after 1 and 0
        closing 1 asked              | ask-totals 1         |
        closing 1 asked, pay 1 sent  | ask-totals 1         |
        closing 1 told 5             | ask-totals 1         | no: this end of day has gone further
        closing 1 asked              | totals 1 5           | closing 1 told 5
        closing 1 told 5             | totals 1 5           |
        closing 1 told 5             | totals 1 6           | no: the terminal's totals differ from those already in the journal
        closing 2 asked              | totals 1 5           | no: the journal knows no such end of day
        ",
    );
}

#[test]
fn a_request_is_queued_once_under_its_identifier() {
    check(
        "
                                     | put 1                | new queue 1
        queue 2 waiting unpaid       | put 1                | new queue 1
        queue 1 waiting unpaid       | put 1                |
        queue 1 parked unpaid        | put 1                |
        queue 1 waiting paid         | put 1                | no: another request is already queued under this identifier
        queue 1 waiting unpaid other-bundle | put 1         | no: another request is already queued under this identifier
        queue 1 sent                 | put 1                |
        ",
    );
}

#[test]
fn a_try_that_nobody_saw_the_end_of_may_have_got_through() {
    check(
        "
        queue 1 waiting              | try 1                | queue 1 tries 1 in-try
        queue 1 waiting tries 3      | try 1                | queue 1 tries 4 in-try
        queue 1 waiting tries 3 in-try | try 1              | queue 1 tries 4 in-try maybe
        queue 1 waiting tries 3 maybe | try 1               | queue 1 tries 4 in-try maybe
        queue 1 parked               | try 1                | no: no such request is waiting in the queue
        queue 1 sent                 | try 1                | no: no such request is waiting in the queue
                                     | try 1                | no: no such request is waiting in the queue
        ",
    );
}

#[test]
fn a_try_leaves_what_it_met_and_takes_no_doubt_back() {
    check(
        "
        queue 1 waiting tries 1 in-try       | later 1       | queue 1 tries 1 because no-answer
        queue 1 waiting tries 1 in-try       | perhaps 1     | queue 1 tries 1 maybe because no-answer
        queue 1 waiting tries 2 in-try maybe | later 1       | queue 1 tries 2 maybe because no-answer
        queue 1 waiting tries 1 in-try       | park 1        | queue 1 tries 1 maybe parked because refused
        queue 1 waiting tries 1 in-try       | hold 1        | queue 1 tries 1 because kept-out
        queue 1 waiting tries 2 in-try maybe | hold 1        | queue 1 tries 2 maybe because kept-out
        queue 1 waiting tries 1 in-try       | busy 1        | queue 1 tries 1 because busy
        queue 1 waiting tries 2 in-try maybe | busy 1        | queue 1 tries 2 maybe because busy
        queue 1 waiting tries 2 in-try maybe | part 1 2      | queue 1 tries 2 taken 2 because in-parts, part FirstEntries
        queue 1 waiting tries 2 in-try maybe | part 1 0      | queue 1 tries 2 maybe taken 0 because in-parts, part FirstEntries
        queue 1 waiting tries 2 in-try part  | later 1       | queue 1 tries 2 because no-answer since then, part FirstEntries
        queue 1 waiting tries 2 in-try part  | park-apart 1  | queue 1 tries 2 maybe parked because apart, part TakenApart
        queue 1 parked tries 1               | later 1       | queue 1 tries 1 because no-answer
        queue 1 sent                         | later 1       |
        queue 1 sent                         | park 1        |
        queue 1 sent                         | done 1        |
                                             | later 1       | no: the queue knows no such request
        ",
    );
}

#[test]
fn what_the_hospital_has_is_erased_and_settles_what_paid_for_it() {
    check(
        "
        queue 1 waiting unpaid               | done 1        | over 1; erases
        queue 1 waiting unpaid               | done 1 twice  | over 1 told; erases
        queue 1 waiting paid                 | done 1        | over 1; erases
        queue 1 waiting paid, pay 1 committed because lost | done 1 | pay 1 settled because lost, request 1 of nobody; over 1; erases
        queue 1 waiting paid, pay 1 reversed | done 1        | pay 1, request 1 of nobody; over 1; erases
        queue 1 waiting unpaid, pay 1 committed | done 1     | over 1; erases
        queue 1 waiting paid, pay 1 needs-staff | done 1     | over 1; erases
        queue 1 waiting paid, pay 2 committed | done 1       | over 1; erases
        # Taken for unpaid, paid again, and the first one was booked after all and was given back.
        queue 1 waiting paid, pay 2 reversed of 1, pay 1 committed | done 1 | pay 2, request 1 of nobody; pay 1 settled, request 1 of nobody; over 1; erases
        ",
    );
}

#[test]
fn staff_send_again_or_close_only_what_is_parked() {
    check(
        "
        queue 1 parked tries 3 maybe         | retry 1       | queue 1 tries 3 maybe waiting taken 0
        queue 1 waiting                      | retry 1       | not parked
        queue 1 sent                         | retry 1       | not parked
                                             | retry 1       | not parked
        queue 1 parked paid, pay 1 committed | close 1       | pay 1 settled, request 1 of nobody; over 1 by hand: seen; erases
        queue 1 parked unpaid                | close 1       | over 1 by hand: seen; erases
        queue 1 waiting                      | close 1       | not parked
        queue 1 sent                         | close 1       | not parked
                                             | close 1       | not parked
        ",
    );
}
