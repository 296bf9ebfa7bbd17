//! The name under which unexpected content is kept.

use std::time::{SystemTime, UNIX_EPOCH};

use carrel_protocol::path::MAX_NAME_BYTES;

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// `main (conflict 2026-03-01 09.30.00).py`, in UTC; from the second attempt on with a number.
#[must_use]
pub fn conflict_name(name: &str, now: SystemTime, attempt: u32) -> String {
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    };
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = civil(seconds / DAY_SECONDS);
    let time = seconds % DAY_SECONDS;
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let number = if attempt > 1 { format!(" {attempt}") } else { String::new() };
    let marker = format!(" (conflict {year:04}-{month:02}-{day:02} {hour:02}.{minute:02}.{second:02}{number})");
    // An extension that leaves no room is no extension.
    let (stem, extension) = if extension.len() > 64 { (name, "") } else { (stem, extension) };
    let mut end = stem.len().min(MAX_NAME_BYTES.saturating_sub(marker.len() + extension.len()));
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{marker}{extension}", &stem[..end])
}

/// Year, month and day of a day since 1970 (Howard Hinnant's `civil_from_days`, for the days we live in).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[track_caller]
    fn check(name: &str, attempt: u32, expected: &str) {
        let now = UNIX_EPOCH + Duration::from_secs(1_772_357_405);
        assert_eq!(conflict_name(name, now, attempt), expected);
    }

    #[test]
    fn the_copy_keeps_its_extension() {
        check("main.py", 1, "main (conflict 2026-03-01 09.30.05).py");
        check("main.py", 3, "main (conflict 2026-03-01 09.30.05 3).py");
        check(".bashrc", 1, ".bashrc (conflict 2026-03-01 09.30.05)");
        check("Makefile", 1, "Makefile (conflict 2026-03-01 09.30.05)");
        check("a.tar.gz", 1, "a.tar (conflict 2026-03-01 09.30.05).gz");
    }

    #[test]
    fn the_name_never_outgrows_the_file_system() {
        for name in ["é".repeat(127), format!("{}.py", "x".repeat(252)), format!("a.{}", "y".repeat(253))] {
            let copy = conflict_name(&name, UNIX_EPOCH, 999);
            assert!(copy.len() <= MAX_NAME_BYTES && copy.contains("(conflict 1970-01-01 00.00.00 999)"), "{copy}");
        }
    }

    #[test]
    fn leap_days_exist() {
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(19_783), (2024, 3, 1));
    }
}
