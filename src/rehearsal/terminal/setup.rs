//! What the simulated terminal and its card-holders are like, and the mistakes they make on demand.

/// What the next card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardAction {
    Approve,
    Decline,
    /// Booked, but the answer is lost.
    Silence,
    /// Booked and answered after `late_ms`.
    Late,
    /// The line vanishes during the payment and comes back after `away_ms`; booked if `unplug_books`.
    Unplug,
    /// Refused because the host did not answer; booked all the same if `time_out_books`.
    TimesOut,
    /// Booked if `reboot_books`; the terminal restarts instead of answering.
    Reboot,
}

/// One mistake on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The charge is refused with NAK and forgotten.
    NakCharge,
    /// The charge is taken, but its ACK arrives as NAK.
    FlipAck,
    /// The charge is taken, its ACK is lost.
    DropAck,
    /// ACK and answer arrive in one piece.
    GlueAck,
    NoiseBeforeAnswer,
    NoiseAfterAnswer,
    SplitAnswer,
    /// Events before, between and after the bytes of the dialogue.
    OddEvents,
    /// The answer's check byte is wrong the first time.
    CorruptAnswer,
    AnswerForOtherAmount,
    AnswerTwice,
    /// The answer repeats the sale before.
    AnswerIsOld,
}

/// What this terminal is like. Times are milliseconds.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Setup {
    pub present_ms: u64,
    pub host_ms: u64,
    pub late_ms: u64,
    pub away_ms: u64,
    pub reboot_ms: u64,
    /// An answer without ACK is repeated after this, three times in all.
    pub repeat_ms: u64,
    pub unplug_books: bool,
    pub reboot_books: bool,
    pub silence_books: bool,
    pub time_out_books: bool,
    /// The last transaction is kept over a restart.
    pub keeps_last: bool,
    /// If it is not kept: the sale before comes up in its place, rather than nothing. The nastiest kind of terminal.
    pub falls_back: bool,
    /// Says for the time being that it has no last transaction.
    pub hides_last: bool,
    /// A decline becomes the last transaction too.
    pub keeps_declines: bool,
    /// A cancellation tells the approval number of the sale, rather than one of its own.
    pub cancel_names_sale: bool,
    /// A charge called off before the card came is answered with a decline.
    pub answers_call_off: bool,
    pub decline_code: [u8; 2],
    pub host_up: bool,
    /// The card-holder forgets the card.
    pub card_stays: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            present_ms: 150,
            host_ms: 150,
            late_ms: 8_000,
            away_ms: 2_500,
            reboot_ms: 1_500,
            repeat_ms: 3_000,
            unplug_books: true,
            reboot_books: true,
            silence_books: true,
            time_out_books: true,
            keeps_last: true,
            falls_back: false,
            hides_last: false,
            keeps_declines: false,
            cancel_names_sale: true,
            answers_call_off: true,
            decline_code: *b"6B",
            host_up: true,
            card_stays: false,
        }
    }
}
