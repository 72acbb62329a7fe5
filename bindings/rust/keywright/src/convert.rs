//! Between C's microseconds and texts and Rust's.

use std::ffi::{c_char, CStr, CString};
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Error, Reason, Result, Status, NEVER};

/// Rounds up, so that a duration below one microsecond does not become zero, which means the default.
pub(crate) fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(i64::MAX)
}

pub(crate) fn duration(us: i64) -> Duration {
    match us {
        i64::MAX => NEVER,
        us => Duration::from_micros(us.try_into().unwrap_or(0)),
    }
}

/// What C says with 0, no moment, is none.
pub(crate) fn moment(us: i64) -> Option<SystemTime> {
    (us > 0).then(|| UNIX_EPOCH + Duration::from_micros(us.unsigned_abs()))
}

pub(crate) fn unix_microseconds(moment: Option<SystemTime>) -> i64 {
    moment.and_then(|moment| moment.duration_since(UNIX_EPOCH).ok()).map_or(0, microseconds)
}

/// What C takes of each.
pub(crate) fn natives<A, N>(items: &[A], native: impl Fn(&A) -> N) -> Vec<N> {
    items.iter().map(native).collect()
}

/// Reads a NUL-terminated array.
pub(crate) fn text(chars: &[c_char]) -> String {
    let bytes: Vec<u8> = chars.iter().map(|char| *char as u8).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads a NUL-terminated text that C owns.
///
/// # Safety
/// `text` points to one.
pub(crate) unsafe fn borrowed(text: *const c_char) -> String {
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Refuses a number, or a number of bytes, that lies outside of its range.
pub(crate) fn within(reason: Reason, name: &str, value: i64, range: RangeInclusive<i64>) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let bytes = if [Reason::KEY_LENGTH, Reason::NAME_LENGTH].contains(&reason) { " bytes long" } else { "" };
    let (least, most) = range.into_inner();
    let message = format!("{name} is {value}{bytes}: it must lie between {least} and {most}");
    Err(Error::out_of_range(reason, message))
}

/// The NUL-terminated texts of one call, alive as long as this is.
#[derive(Default)]
pub(crate) struct Texts(Vec<CString>);

impl Texts {
    pub(crate) fn of(&mut self, name: &str, text: &str) -> Result<*const c_char> {
        let text = CString::new(text).map_err(|error| {
            Error::new(Status::INVALID, format!("{name} holds a NUL byte")).at(error.nul_position())
        })?;
        self.0.push(text);
        Ok(self.0[self.0.len() - 1].as_ptr())
    }

    /// NULL, which means the default, where nothing is given.
    pub(crate) fn option(&mut self, name: &str, text: Option<&str>) -> Result<*const c_char> {
        text.map_or(Ok(std::ptr::null()), |text| self.of(name, text))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{duration, microseconds, moment, unix_microseconds};
    use crate::NEVER;

    #[test]
    fn durations_round_up() {
        for (nanoseconds, us) in [(0, 0), (1, 1), (1000, 1), (1001, 2), (1_000_000_000, 1_000_000)] {
            assert_eq!(microseconds(Duration::from_nanos(nanoseconds)), us);
        }
        assert_eq!(microseconds(Duration::MAX), i64::MAX);
        assert_eq!(duration(i64::MAX), NEVER);
        assert_eq!(duration(1500), Duration::from_micros(1500));
    }

    #[test]
    fn moments_come_back_as_they_were() {
        assert_eq!(moment(0), None);
        assert_eq!(unix_microseconds(None), 0);
        for us in [1, 1_700_000_000_123_456, 4_102_444_800_000_001] {
            assert_eq!(moment(us), Some(UNIX_EPOCH + Duration::from_micros(us as u64)));
            assert_eq!(unix_microseconds(moment(us)), us);
        }
    }
}
