use std::fmt;

use keywright_sys as sys;

use crate::convert::text;
use crate::{Reason, Status};

/// What a call gives: its answer, or why there is none.
pub type Result<T> = std::result::Result<T, Error>;

/// The failure of a call.
#[derive(Clone, Debug)]
pub struct Error {
    status: Status,
    reason: Reason,
    retryable: bool,
    maybe_applied: bool,
    position: Option<usize>,
    message: String,
    server: String,
}

impl Error {
    /// What became of the call.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Tells failures of one status apart.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Whether trying the same call again can help and cannot do harm.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// Whether the server may have done what was asked.
    pub fn maybe_applied(&self) -> bool {
        self.maybe_applied
    }

    /// The offset of the offending byte of a text.
    pub fn position(&self) -> Option<usize> {
        self.position
    }

    /// What happened and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the server said, if it said anything.
    pub fn server(&self) -> Option<&str> {
        Some(self.server.as_str()).filter(|server| !server.is_empty())
    }

    pub(crate) fn new(status: Status, message: String) -> Self {
        Error {
            status,
            reason: Reason::NONE,
            retryable: false,
            maybe_applied: false,
            position: None,
            message,
            server: String::new(),
        }
    }

    pub(crate) fn out_of_range(reason: Reason, message: String) -> Self {
        Error { reason, ..Error::new(Status::INVALID, message) }
    }

    /// The same, with the place in a list.
    pub(crate) fn at(self, place: usize) -> Self {
        Error { position: Some(place), ..self }
    }

    /// A failure of which no more is known than its status.
    pub(crate) fn of_status(status: Status) -> Self {
        Error::new(status, status.text().to_owned())
    }

    pub(crate) fn of(status: sys::kw_status, native: &sys::kw_error) -> Self {
        if native.code == sys::KW_OK {
            return Error::of_status(Status::from_native(status));
        }
        Error {
            status: Status::from_native(native.code),
            reason: Reason::from_native(native.reason),
            retryable: native.retryable != 0,
            maybe_applied: native.maybe_applied != 0,
            position: usize::try_from(native.position).ok(),
            message: text(&native.message),
            server: text(&native.server),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        match self.server() {
            Some(server) if !self.message.contains(server) => write!(out, ": {server}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
