//! Calls that are awaited: a thread for each client collects the answers and wakes the tasks.

use std::collections::VecDeque;
use std::fmt;
use std::future::{poll_fn, Future};
use std::marker::PhantomData;
use std::mem::{size_of, zeroed};
use std::pin::Pin;
use std::ptr::{copy_nonoverlapping, null_mut, read_unaligned};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use keywright_sys as sys;

use crate::client::close;
use crate::handle::{check, settled, GivesBack, Handle, Native, Raw, Record};
use crate::{Error, Result, Status};

/// How many answers are taken at once.
const BATCH: usize = 128;

/// How long a call waits for room where nobody said otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

impl Native for sys::kw_completions {
    unsafe fn free(handle: *mut Self) {
        unsafe { sys::kw_completions_free(handle) }
    }
}

/// What the thread and the calls share. The thread alone waits and drains; submit and cancel are for any thread.
struct Desk {
    completions: Raw<sys::kw_completions>,
    slots: Mutex<Slots>,
}

// SAFETY: see above: of what C asks to be done by one at a time, the thread does all.
unsafe impl Send for Desk {}
// SAFETY: as above.
unsafe impl Sync for Desk {}

#[derive(Default)]
struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Calls in flight.
    waiting: usize,
    /// Calls that found too many in flight.
    crowd: VecDeque<Waker>,
}

/// Where the answer of one call is laid down. The memory is used again; the tag tells whose it is.
struct Slot {
    tag: u64,
    state: State,
    status: sys::kw_status,
    data: Vec<u8>,
    undo: Option<Undo>,
}

/// Gives back what the answer granted, when nobody is there any more to take it.
type Undo = Box<dyn FnOnce(&Desk, &[u8]) + Send>;

enum State {
    Waiting(Option<Waker>),
    Answered,
    /// The future was dropped: what the answer grants is given back when it comes.
    Abandoned,
}

impl Desk {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Collects answers until the client is closed.
    fn run(&self) {
        // SAFETY: records of C hold numbers and pointers, for which zero is a value.
        let mut records: [sys::kw_record; BATCH] = unsafe { zeroed() };
        let (mut wakers, mut left) = (Vec::new(), Vec::new());
        loop {
            let completions = self.completions.as_ptr();
            // SAFETY: no other thread waits or drains.
            let waiting = unsafe { sys::kw_completions_wait(completions, sys::KW_FOREVER, null_mut()) };
            loop {
                // SAFETY: as above; there is room for a batch.
                let count = unsafe {
                    let stride = size_of::<sys::kw_record>();
                    sys::kw_completions_drain(completions, records.as_mut_ptr(), BATCH as i64, stride, null_mut())
                };
                let count = usize::try_from(count).unwrap_or(0);
                self.deliver(&records[..count], &mut wakers, &mut left);
                // Without the lock: a waker may run the task at once, and giving back is a call.
                wakers.drain(..).for_each(Waker::wake);
                left.drain(..).for_each(|(undo, data)| undo(self, &data));
                if count < BATCH {
                    break;
                }
            }
            if waiting < 0 {
                return;
            }
        }
    }

    fn deliver(&self, records: &[sys::kw_record], wakers: &mut Vec<Waker>, left: &mut Vec<(Undo, Vec<u8>)>) {
        let mut slots = self.slots();
        for record in records {
            let index = index_of(record.tag);
            let Some(slot) = slots.slots.get_mut(index as usize).filter(|slot| slot.tag == record.tag) else {
                continue;
            };
            slot.status = record.status;
            slot.data.clear();
            if !record.data.is_null() {
                // SAFETY: C says where the answer lies, until the next drain.
                slot.data.extend_from_slice(unsafe {
                    std::slice::from_raw_parts(record.data.cast::<u8>(), record.length)
                });
            }
            match std::mem::replace(&mut slot.state, State::Answered) {
                State::Waiting(waker) => wakers.extend(waker),
                State::Answered => continue,
                State::Abandoned => {
                    left.extend(slot.take_undo());
                    slots.release(index);
                }
            }
            wakers.extend(slots.ended(1));
        }
    }

    /// Submits a call whose answer nobody waits for. What cannot be sent is left to its own expiry.
    fn send_away(&self, send: impl FnOnce(*mut sys::kw_completions, u64, *mut sys::kw_error) -> sys::kw_status) {
        let tag = self.slots().reserve();
        self.slots().slot(tag).state = State::Abandoned;
        if check(|error| send(self.completions.as_ptr(), tag, error)).is_err() {
            self.not_sent(tag);
        }
    }

    /// Takes back the slot of a call that did not go out.
    fn not_sent(&self, tag: u64) {
        let mut slots = self.slots();
        slots.release(index_of(tag));
        let wakers = slots.ended(0);
        drop(slots);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Slots {
    /// A slot for a call that is about to be submitted. Its tag is none that was in use before.
    fn reserve(&mut self) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            let index = self.slots.len() as u32;
            self.slots.push(Slot {
                tag: u64::from(index),
                state: State::Answered,
                status: 0,
                data: Vec::new(),
                undo: None,
            });
            index
        });
        self.waiting += 1;
        let slot = &mut self.slots[index as usize];
        slot.tag = slot.tag.wrapping_add(1 << 32);
        slot.state = State::Waiting(None);
        slot.tag
    }

    fn release(&mut self, index: u32) {
        self.free.push(index);
    }

    fn slot(&mut self, tag: u64) -> &mut Slot {
        &mut self.slots[index_of(tag) as usize]
    }

    /// Says whether there is something to wait for: with no call of ours in flight nobody would be woken.
    fn join_crowd(&mut self, waker: &Waker) -> bool {
        if self.waiting > 0 {
            self.crowd.push_back(waker.clone());
        }
        self.waiting > 0
    }

    /// Whom to wake now that a call has ended and made room for so many: all, when none is left that could do so.
    fn ended(&mut self, room: usize) -> Vec<Waker> {
        self.waiting -= 1;
        let woken = if self.waiting == 0 { self.crowd.len() } else { room.min(self.crowd.len()) };
        self.crowd.drain(..woken).collect()
    }
}

impl Slot {
    fn read<R: Record>(&self) -> Result<(R, Status)> {
        if self.status < sys::KW_OK {
            // SAFETY: zero is a value of each field, and the memory is copied in where it has the right size.
            let error = unsafe {
                if self.data.len() == size_of::<sys::kw_error>() {
                    read_unaligned(self.data.as_ptr().cast::<sys::kw_error>())
                } else {
                    zeroed()
                }
            };
            return Err(Error::of(self.status, &error));
        }
        let mut result = R::from_bytes(&self.data);
        result.set_status(Status::from_native(self.status));
        Ok((result, Status::from_native(self.status)))
    }

    /// What is to be done without the lock with an answer that nobody took: it granted nothing unless it was a yes.
    fn take_undo(&mut self) -> Option<(Undo, Vec<u8>)> {
        let undo = self.undo.take()?;
        Some((undo, if self.status == sys::KW_OK { self.data.clone() } else { Vec::new() }))
    }
}

pub(crate) fn native_of<R: Record>(data: &[u8]) -> R::Native {
    // SAFETY: records of C hold numbers, bytes and pointers, for which zero is a value.
    let mut native: R::Native = unsafe { zeroed() };
    let length = data.len().min(size_of::<R::Native>());
    // SAFETY: no more is copied than either holds; the record is C's, which knows its layout as we do.
    unsafe { copy_nonoverlapping(data.as_ptr(), (&raw mut native).cast::<u8>(), length) };
    native
}

fn index_of(tag: u64) -> u32 {
    tag as u32
}

/// Keeps the thread running while somebody could call.
pub(crate) struct Driver {
    client: Handle<sys::kw_client>,
    desk: Arc<Desk>,
    patience: Duration,
}

impl Driver {
    pub(crate) fn start(client: Handle<sys::kw_client>, timeout: Option<Duration>) -> Result<Self> {
        let mut completions = null_mut();
        // SAFETY: the client is alive.
        check(|error| unsafe { sys::kw_completions_open(client.as_ptr(), &mut completions, error) })?;
        // SAFETY: they were made just now, and nobody else has them.
        let completions = unsafe { Raw::own(completions) }?;
        let desk = Arc::new(Desk { completions, slots: Mutex::default() });
        let thread = desk.clone();
        thread::Builder::new()
            .name("keywright".to_owned())
            .spawn(move || thread.run())
            .map_err(|error| Error::new(Status::NO_MEMORY, format!("no thread could be started: {error}")))?;
        Ok(Driver { client, desk, patience: timeout.unwrap_or(PATIENCE) })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The thread ends, and is not waited for: it may be this one.
        let _ = close(&self.client);
    }
}

/// A shared handle whose calls are awaited.
pub(crate) struct AsyncHandle<T: Native> {
    pub(crate) handle: Handle<T>,
    pub(crate) driver: Arc<Driver>,
}

impl<T: Native> Clone for AsyncHandle<T> {
    fn clone(&self) -> Self {
        AsyncHandle { handle: self.handle.clone(), driver: self.driver.clone() }
    }
}

impl<T: Native> fmt::Debug for AsyncHandle<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(out)
    }
}

impl<T: Native> AsyncHandle<T> {
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.handle.as_ptr()
    }

    pub(crate) fn with_timeout(&self, timeout: Duration) -> Self {
        AsyncHandle { handle: self.handle.with_timeout(timeout), driver: self.driver.clone() }
    }

    /// Sends a call on its way. Where too many are in flight it waits for room: those end by their own deadlines.
    pub(crate) async fn submit<R: Record>(
        &self,
        mut send: impl FnMut(*mut T, *mut sys::kw_completions, u64, i64, *mut sys::kw_error) -> sys::kw_status,
    ) -> Result<Call<R>> {
        let begun = Instant::now();
        poll_fn(|context| {
            let crowded = |sent: &Result<Call<R>>| {
                let overloaded = matches!(sent, Err(error) if error.status() == Status::OVERLOADED);
                overloaded && begun.elapsed() < self.patience()
            };
            let mut sent = self.try_submit(&mut send);
            if crowded(&sent) {
                let waits = self.driver.desk.slots().join_crowd(context.waker());
                // Asked again, for an answer that came in between woke nobody.
                sent = self.try_submit(&mut send);
                if waits && crowded(&sent) {
                    return Poll::Pending;
                }
            }
            Poll::Ready(sent)
        })
        .await
    }

    fn try_submit<R: Record>(
        &self,
        send: &mut impl FnMut(*mut T, *mut sys::kw_completions, u64, i64, *mut sys::kw_error) -> sys::kw_status,
    ) -> Result<Call<R>> {
        let desk = &self.driver.desk;
        let tag = desk.slots().reserve();
        let completions = desk.completions.as_ptr();
        let sent = check(|error| send(self.as_ptr(), completions, tag, self.handle.timeout, error));
        if let Err(error) = sent {
            desk.not_sent(tag);
            return Err(error);
        }
        Ok(Call { desk: desk.clone(), tag, taken: false, result: PhantomData })
    }

    fn patience(&self) -> Duration {
        match self.handle.timeout {
            sys::KW_DEFAULT_TIMEOUT => self.driver.patience,
            timeout => Duration::from_micros(timeout.unsigned_abs()),
        }
    }

    /// An operation that does something: a no is an error.
    pub(crate) async fn run(
        &self,
        send: impl FnMut(*mut T, *mut sys::kw_completions, u64, i64, *mut sys::kw_error) -> sys::kw_status,
    ) -> Result<()> {
        settled(self.submit::<()>(send).await?.await?.1, &[])
    }

    /// An operation that asks and has no more to say than yes or no.
    pub(crate) async fn told(
        &self,
        send: impl FnMut(*mut T, *mut sys::kw_completions, u64, i64, *mut sys::kw_error) -> sys::kw_status,
    ) -> Result<bool> {
        Ok(self.submit::<()>(send).await?.await?.1 == Status::OK)
    }

    /// An operation that asks: a no is an answer, told by the status.
    pub(crate) async fn ask<R: Record>(
        &self,
        send: impl FnMut(*mut T, *mut sys::kw_completions, u64, i64, *mut sys::kw_error) -> sys::kw_status,
    ) -> Result<(R, Status)> {
        self.submit(send).await?.await
    }

    /// An operation that asks and hands something out to a key: if nobody takes it, it goes back.
    pub(crate) async fn ask_granted<R: Record>(
        &self,
        key: &[u8],
        send: impl FnMut(*mut T, *mut sys::kw_completions, u64, i64, *mut sys::kw_error) -> sys::kw_status,
    ) -> Result<(R, Status)>
    where
        T: GivesBack<R> + 'static,
        Raw<T>: Send + Sync,
    {
        let call = self.submit::<R>(send).await?;
        let (handle, key) = (self.handle.clone(), key.to_vec());
        let undo = move |desk: &Desk, data: &[u8]| {
            let answer = native_of::<R>(data);
            if T::granted(&answer) {
                // SAFETY: the handle is held here, and the desk is alive.
                desk.send_away(|completions, tag, error| unsafe {
                    T::give_back(handle.as_ptr(), completions, tag, &key, &answer, error)
                });
            }
        };
        call.desk.slots().slot(call.tag).undo = Some(Box::new(undo));
        call.await
    }
}

impl AsyncHandle<sys::kw_client> {
    /// An object of this client.
    pub(crate) fn make<T: Native>(
        &self,
        open: impl FnOnce(*mut sys::kw_client, *mut *mut T, *mut sys::kw_error) -> sys::kw_status,
    ) -> Result<AsyncHandle<T>> {
        Ok(AsyncHandle { handle: self.handle.make(open)?, driver: self.driver.clone() })
    }
}

/// A call on its way. Dropping it cancels it.
pub(crate) struct Call<R> {
    desk: Arc<Desk>,
    tag: u64,
    taken: bool,
    result: PhantomData<fn() -> R>,
}

impl<R: Record> Future for Call<R> {
    type Output = Result<(R, Status)>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let desk = self.desk.clone();
        let mut slots = desk.slots();
        let slot = slots.slot(self.tag);
        if let State::Waiting(waker) = &mut slot.state {
            match waker {
                Some(waker) => waker.clone_from(context.waker()),
                None => *waker = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        let outcome = slot.read();
        let undo = slot.undo.take();
        slots.release(index_of(self.tag));
        drop(slots);
        drop(undo); // without the lock: it holds the handle
        self.taken = true;
        Poll::Ready(outcome)
    }
}

impl<R> Drop for Call<R> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let mut slots = self.desk.slots();
        let slot = slots.slot(self.tag);
        if let State::Answered = slot.state {
            let left = slot.take_undo();
            slots.release(index_of(self.tag));
            drop(slots);
            if let Some((undo, data)) = left {
                undo(&self.desk, &data);
            }
            return;
        }
        slot.state = State::Abandoned;
        drop(slots);
        // SAFETY: cancel is for any thread, and the desk is alive.
        unsafe { sys::kw_completions_cancel(self.desk.completions.as_ptr(), self.tag, null_mut()) };
    }
}

/// Waits for many calls that are on their way already.
pub(crate) async fn answers<R: Record>(calls: Vec<Result<Call<R>>>) -> Vec<Result<R>> {
    let mut answers = Vec::with_capacity(calls.len());
    for call in calls {
        answers.push(match call {
            Ok(call) => call.await.map(|(result, _)| result),
            Err(error) => Err(error),
        });
    }
    answers
}
