//! How long to wait: full jitter, so that a thousand kiosks do not knock at the same moment.

use super::SyncSettings;

/// A wait between nothing and `base · 2^(failures − 1)`, at most the cap. `random` is any 64 bits.
#[must_use]
pub fn back_off_ms(settings: SyncSettings, failures: u32, random: u64) -> u64 {
    let doublings = failures.saturating_sub(1).min(40);
    let ceiling = settings.retry_base_ms.saturating_mul(1 << doublings).min(settings.retry_cap_ms);
    share(ceiling, random)
}

/// The time the server named, and never less (RFC 9110, 10.2.3), up to the cap of any other wait: a header that names a day, of
/// a maintenance page perhaps, would keep check-ins until tomorrow. It names the same time to everybody: the longer the wait, the
/// wider they spread.
#[must_use]
pub fn named_wait_ms(settings: SyncSettings, after_s: u64, random: u64) -> u64 {
    let named = after_s.saturating_mul(1000).min(settings.retry_cap_ms);
    let spread = settings.network_return_wait_ms.min(named).max(settings.retry_base_ms);
    named.saturating_add(share(spread, random))
}

/// Any 64 bits; without randomness all ones, which is the longest wait.
pub(super) fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX)
}

/// Uniform from 0 to `limit_ms` inclusive; without randomness the whole wait.
#[must_use]
pub fn random_below(limit_ms: u64) -> u64 {
    share(limit_ms, random())
}

pub(super) fn share(limit: u64, random: u64) -> u64 {
    let scaled = ((u128::from(limit) + 1) * u128::from(random)) >> 64;
    u64::try_from(scaled).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: SyncSettings = SyncSettings {
        retry_base_ms: 2_000,
        retry_cap_ms: 900_000,
        network_return_wait_ms: 10_000,
        schedule_refresh_s: 600,
    };

    #[test]
    fn back_off_is_full_jitter_under_a_cap() {
        let (low, middle, high) = (0, 1 << 63, u64::MAX);
        for (failures, random, ms) in [
            (0, high, 2_000),
            (1, low, 0),
            (1, middle, 1_000),
            (1, high, 2_000),
            (2, high, 4_000),
            (5, high, 32_000),
            (9, high, 512_000),
            (10, high, 900_000),
            (10, middle, 450_000),
            (u32::MAX, high, 900_000),
            (u32::MAX, low, 0),
        ] {
            assert_eq!(back_off_ms(SETTINGS, failures, random), ms, "{failures} failures, {random}");
        }
    }

    #[test]
    fn the_time_the_server_named_is_kept_and_spread() {
        let fleet = SyncSettings { network_return_wait_ms: 900_000, ..SETTINGS };
        for (settings, after_s, random, ms) in [
            (SETTINGS, 0, 0, 0),
            (SETTINGS, 0, u64::MAX, 2_000),
            (SETTINGS, 7, 0, 7_000),
            (SETTINGS, 7, u64::MAX, 14_000),
            (SETTINGS, 120, u64::MAX, 130_000),
            (fleet, 120, u64::MAX, 240_000),
            (fleet, 900, 0, 900_000),
            (fleet, 7_200, 0, 900_000),
            (fleet, 7_200, u64::MAX, 1_800_000),
            (fleet, u64::MAX, u64::MAX, 1_800_000),
            (SETTINGS, 86_400, u64::MAX, 910_000),
        ] {
            assert_eq!(named_wait_ms(settings, after_s, random), ms, "{after_s} {random}");
        }
    }

    #[test]
    fn the_largest_limit_does_not_wrap() {
        assert_eq!(share(u64::MAX, u64::MAX), u64::MAX);
        assert_eq!(share(0, u64::MAX), 0);
    }
}
