use keywright_sys as sys;

use crate::handle::GivesBack;
use crate::{Decision, Status};

impl Decision {
    /// The answer: whether the hit was admitted.
    pub fn allowed(&self) -> bool {
        self.status == Status::OK
    }
}

impl GivesBack<Decision> for sys::kw_limiter {
    fn granted(answer: &sys::kw_decision) -> bool {
        answer.count > 0
    }

    unsafe fn give_back(
        handle: *mut Self,
        completions: *mut sys::kw_completions,
        tag: u64,
        key: &[u8],
        answer: &sys::kw_decision,
        error: *mut sys::kw_error,
    ) -> sys::kw_status {
        let (start, length, timeout) = (key.as_ptr().cast(), key.len(), sys::KW_DEFAULT_TIMEOUT);
        // SAFETY: the caller's, and C copies key and decision.
        unsafe {
            sys::kw_limiter_submit_refund(
                handle,
                completions,
                tag,
                start,
                length,
                answer,
                answer.count,
                timeout,
                error,
            )
        }
    }
}
