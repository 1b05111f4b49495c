//! How long to wait: full jitter, so that a thousand kiosks do not knock at the same moment.

use super::SyncSettings;

/// A wait between nothing and `base · 2^(failures − 1)`, at most the cap. `random` is any 64 bits.
#[must_use]
pub fn back_off_ms(settings: SyncSettings, failures: u32, random: u64) -> u64 {
    let doublings = failures.saturating_sub(1).min(40);
    let ceiling = settings.retry_base_ms.saturating_mul(1 << doublings).min(settings.retry_cap_ms);
    share(ceiling, random)
}

/// Uniform from 0 to `limit_ms` inclusive; without randomness the whole wait.
#[must_use]
pub fn random_below(limit_ms: u64) -> u64 {
    getrandom::u64().map_or(limit_ms, |random| share(limit_ms, random))
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
    fn the_largest_limit_does_not_wrap() {
        assert_eq!(share(u64::MAX, u64::MAX), u64::MAX);
        assert_eq!(share(0, u64::MAX), 0);
    }
}
