//! Handles of C, and the calls that block.

use std::fmt;
use std::mem::zeroed;
use std::ptr::{null_mut, NonNull};
use std::sync::Arc;
use std::time::Duration;

use keywright_sys as sys;

use crate::convert::microseconds;
use crate::driver::native_of;
use crate::{Error, Result, Status};

/// A type of C's that is reached by a handle only.
pub(crate) trait Native {
    /// Gives the handle back.
    ///
    /// # Safety
    /// Nothing uses it afterwards.
    unsafe fn free(handle: *mut Self);
}

/// A result that C writes.
pub(crate) trait Record {
    type Native: Copy;

    fn from_native(native: &Self::Native) -> Self;

    /// From what came through completions.
    fn from_bytes(data: &[u8]) -> Self
    where
        Self: Sized,
    {
        Self::from_native(&native_of::<Self>(data))
    }

    /// The status that a result carries, if it is one that does.
    fn status(&self) -> Option<Status> {
        None
    }

    fn set_status(&mut self, _: Status) {}
}

/// The first so many of an array of records.
pub(crate) fn records<R: Record>(natives: &[R::Native], count: impl TryInto<usize>) -> Vec<R> {
    natives.iter().take(count.try_into().unwrap_or(0)).map(R::from_native).collect()
}

/// A handle whose operations hand something out, which goes back when nobody is there to take it.
pub(crate) trait GivesBack<R: Record>: Native {
    /// Whether there is something to give back.
    fn granted(answer: &R::Native) -> bool;

    /// Submits what takes it back from the key that it was granted to.
    ///
    /// # Safety
    /// The handle and the completions are alive.
    unsafe fn give_back(
        handle: *mut Self,
        completions: *mut sys::kw_completions,
        tag: u64,
        key: &[u8],
        answer: &R::Native,
        error: *mut sys::kw_error,
    ) -> sys::kw_status;
}

/// An operation without a result.
impl Record for () {
    type Native = ();
    fn from_native(_: &()) -> Self {}
}

/// Owns a handle. Which threads may use it is said where its type is made.
pub(crate) struct Raw<T: Native>(NonNull<T>);

impl<T: Native> Raw<T> {
    /// # Safety
    /// The handle, unless it is NULL, has no other owner.
    pub(crate) unsafe fn own(handle: *mut T) -> Result<Self> {
        NonNull::new(handle).map(Raw).ok_or_else(|| Error::of_status(Status::NO_MEMORY))
    }

    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T: Native> Drop for Raw<T> {
    fn drop(&mut self) {
        // SAFETY: this was its only owner.
        unsafe { T::free(self.0.as_ptr()) }
    }
}

/// A shared handle, and the timeout of the calls made through it.
pub(crate) struct Handle<T: Native> {
    raw: Arc<Raw<T>>,
    /// Of an object: its client, which closes when nobody holds it.
    client: Option<Arc<Raw<sys::kw_client>>>,
    pub(crate) timeout: i64,
}

impl<T: Native> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Handle { raw: self.raw.clone(), client: self.client.clone(), timeout: self.timeout }
    }
}

impl<T: Native> fmt::Debug for Handle<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Handle").field("timeout_us", &self.timeout).finish_non_exhaustive()
    }
}

impl<T: Native> Handle<T> {
    /// What `open` makes.
    pub(crate) fn open(open: impl FnOnce(*mut *mut T, *mut sys::kw_error) -> sys::kw_status) -> Result<Self> {
        let mut made = null_mut();
        check(|error| open(&mut made, error))?;
        // SAFETY: it was made just now, and nobody else has it.
        let raw = unsafe { Raw::own(made) }?;
        Ok(Handle { raw: Arc::new(raw), client: None, timeout: sys::KW_DEFAULT_TIMEOUT })
    }

    pub(crate) fn as_ptr(&self) -> *mut T {
        self.raw.as_ptr()
    }

    pub(crate) fn with_timeout(&self, timeout: Duration) -> Self {
        Handle { timeout: microseconds(timeout), ..self.clone() }
    }

    /// A call that does something: a no is an error.
    pub(crate) fn run(&self, call: impl FnOnce(*mut T, i64, *mut sys::kw_error) -> sys::kw_status) -> Result<()> {
        settled(check(|error| call(self.as_ptr(), self.timeout, error))?, &[])
    }

    /// A call that asks and has no more to say than yes or no.
    pub(crate) fn told(&self, call: impl FnOnce(*mut T, i64, *mut sys::kw_error) -> sys::kw_status) -> Result<bool> {
        Ok(check(|error| call(self.as_ptr(), self.timeout, error))? == Status::OK)
    }

    /// A call that asks: a no is an answer, told by the status.
    pub(crate) fn ask<R: Record>(
        &self,
        call: impl FnOnce(*mut T, i64, *mut R::Native, *mut sys::kw_error) -> sys::kw_status,
    ) -> Result<(R, Status)> {
        // SAFETY: records of C hold numbers, bytes and pointers, for which zero is a value.
        let mut native = unsafe { zeroed() };
        let status = check(|error| call(self.as_ptr(), self.timeout, &mut native, error))?;
        Ok((R::from_native(&native), status))
    }

    /// Many calls in one: each answer with a status of its own.
    pub(crate) fn ask_many<A, R: Record>(
        &self,
        items: &[A],
        call: impl FnOnce(*mut T, *const A, usize, i64, *mut R::Native, *mut sys::kw_error) -> sys::kw_status,
    ) -> Vec<Result<R>> {
        // SAFETY: as in `ask`.
        let mut natives: Vec<R::Native> = vec![unsafe { zeroed() }; items.len()];
        let done = check(|error| {
            call(self.as_ptr(), items.as_ptr(), items.len(), self.timeout, natives.as_mut_ptr(), error)
        });
        let answers: Vec<R> = natives.iter().map(R::from_native).collect();
        let failure = |answer: &R| answer.status().filter(Status::is_failure);
        match done {
            // Refused as a whole, or all alike: the call's own error says more.
            Err(error) if answers.iter().all(|answer| failure(answer) == Some(error.status())) => {
                answers.iter().map(|_| Err(error.clone())).collect()
            }
            _ => answers
                .into_iter()
                .map(|answer| failure(&answer).map_or(Ok(answer), |status| Err(Error::of_status(status))))
                .collect(),
        }
    }
}

impl Handle<sys::kw_client> {
    /// An object of this client.
    pub(crate) fn make<T: Native>(
        &self,
        open: impl FnOnce(*mut sys::kw_client, *mut *mut T, *mut sys::kw_error) -> sys::kw_status,
    ) -> Result<Handle<T>> {
        let made = Handle::open(|out, error| open(self.as_ptr(), out, error))?;
        Ok(Handle { client: Some(self.raw.clone()), timeout: self.timeout, ..made })
    }
}

/// What many calls give when one of them is known to be wrong: the same error for all, its place told.
pub(crate) fn refused<A, R>(items: &[A], check: impl Fn(&A) -> Result<()>) -> Option<Vec<Result<R>>> {
    let (place, error) = items.iter().enumerate().find_map(|(place, item)| Some((place, check(item).err()?)))?;
    let error = error.at(place);
    Some(items.iter().map(|_| Err(error.clone())).collect())
}

/// Runs what can fail, and gives a status that is no failure.
pub(crate) fn check(call: impl FnOnce(*mut sys::kw_error) -> sys::kw_status) -> Result<Status> {
    // SAFETY: as in `ask`.
    let mut error: sys::kw_error = unsafe { zeroed() };
    let status = call(&mut error);
    if status < sys::KW_OK {
        return Err(Error::of(status, &error));
    }
    Ok(Status::from_native(status))
}

/// Makes an error of a no. What it means of the operation is said by `noes`, where they say it.
pub(crate) fn settled(status: Status, noes: &[(Status, &str)]) -> Result<()> {
    if status == Status::OK {
        return Ok(());
    }
    match noes.iter().find(|(no, _)| *no == status) {
        Some((_, text)) => Err(Error::new(status, (*text).to_owned())),
        None => Err(Error::of_status(status)),
    }
}
