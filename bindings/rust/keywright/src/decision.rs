use crate::{Decision, Status};

impl Decision {
    /// The answer: whether the hit was admitted.
    pub fn allowed(&self) -> bool {
        self.status == Status::OK
    }
}
