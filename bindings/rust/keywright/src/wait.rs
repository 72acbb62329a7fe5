use std::time::Duration;

use crate::convert::microseconds;

/// Patience for a yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// So long at most.
    For(Duration),
    /// Without end.
    Forever,
}

impl From<Duration> for Wait {
    fn from(duration: Duration) -> Self {
        Wait::For(duration)
    }
}

impl Wait {
    pub(crate) fn native(self) -> i64 {
        match self {
            Wait::For(duration) => microseconds(duration),
            Wait::Forever => keywright_sys::KW_FOREVER,
        }
    }
}
