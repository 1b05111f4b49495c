//! What the simulated ZVT terminal is like, and the mistakes it makes on demand.

/// One mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The charge is refused with NAK and forgotten; on the network it is forgotten.
    NakCharge,
    /// The charge is taken, but its ACK arrives as NAK. On the network there is none.
    FlipAck,
    /// The charge is taken, its ACK is lost. The same.
    DropAck,
    /// The first command is answered with "ask me again in two seconds".
    BusyOnce,
    /// Its check bytes are wrong; on the network the connection ends in the middle of it.
    CorruptResult,
    ResultTwice,
    SplitResult,
    /// The result comes again although it was answered.
    ResultAgain,
    OtherAmount,
    /// The result is that of the sale before.
    OldResult,
    /// 06 20 is answered with 06 0F alone.
    EmptyLast,
    /// Told to book, it undoes the sale and breaks off.
    AbortAfterConfirm,
    RebootBeforeBooking,
    RebootAfterBooking,
    SilentAfterBooking,
    /// A reversal is carried out and never answered.
    SilentAfterUndo,
    /// The day is closed and its totals are never told.
    SilentAfterClosing,
}

/// What this terminal is like. Times are milliseconds.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Setup {
    /// It hangs on the network: bare messages, nothing acknowledged, nothing said twice.
    pub network: bool,
    pub present_ms: u64,
    pub host_ms: u64,
    pub late_ms: u64,
    pub away_ms: u64,
    pub reboot_ms: u64,
    /// A block without ACK or answer is repeated after this, three times in all; on the network the connection is closed.
    pub repeat_ms: u64,
    /// After `84 9C 00`.
    pub ask_again_ms: u64,
    pub asks_max: u8,
    pub decide_ms: u64,
    pub card_wait_ms: u64,
    /// Books although it restarts before the kiosk has heard of it: against the specification, but seen.
    pub reboot_books: bool,
    /// The last transaction is kept over a restart.
    pub keeps_last: bool,
    /// If it is not kept: the sale before comes up in its place, rather than nothing.
    pub falls_back: bool,
    pub keeps_declines: bool,
    /// 06 B0 ends a charge that waits for a card.
    pub heeds_abort: bool,
    /// Sends a line to print after the booking.
    pub prints: bool,
    pub decline_code: u8,
    /// ISO 4217 number, BCD: what it takes, whatever the kiosk asks for; `None`: what the kiosk is registered with.
    pub currency: Option<[u8; 2]>,
    /// It refuses a kiosk of another currency.
    pub checks_currency: bool,
    /// What 05 01 tells while no card is in.
    pub status: u8,
    /// The card-holder forgets the card.
    pub card_stays: bool,
    /// Reverses sales of a day that it has closed.
    pub finds_closed: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            network: false,
            present_ms: 150,
            host_ms: 150,
            late_ms: 8_000,
            away_ms: 2_500,
            reboot_ms: 1_500,
            repeat_ms: 5_000,
            ask_again_ms: 2_000,
            asks_max: 15,
            decide_ms: 30_000,
            card_wait_ms: 60_000,
            reboot_books: false,
            keeps_last: true,
            falls_back: false,
            keeps_declines: false,
            heeds_abort: true,
            prints: true,
            decline_code: 0x05,
            currency: None,
            checks_currency: true,
            status: 0x00,
            card_stays: false,
            finds_closed: true,
        }
    }
}
