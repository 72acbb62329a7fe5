//! What a concurrent limit gave to a hit, renewed by a thread until it is given back.

use std::future::poll_fn;
use std::mem::take;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use keywright_sys as sys;

use crate::{AsyncLimiter, Decision, Error, Limiter, Result, Status};

/// How often a lease is renewed before it would end: twice may fail.
const RENEWALS: u32 = 3;

/// What a concurrent limit gave to a hit, made by [`Limiter::hold`]: a thread renews it, three times in each lease,
/// until it is released or dropped. Dropping it gives it back without waiting for that.
#[must_use = "what is not kept is given back at once"]
#[derive(Debug)]
pub struct Held {
    desk: Arc<Desk>,
}

/// What a concurrent limit gave to a hit, made by [`AsyncLimiter::hold`]: a thread renews it, three times in each
/// lease, until it is released or dropped. Dropping it gives it back without waiting for that.
#[must_use = "what is not kept is given back at once"]
#[derive(Debug)]
pub struct AsyncHeld {
    held: Held,
}

/// What the thread and the holder share.
#[derive(Debug, Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The holder holds it no more.
    over: bool,
    lost: bool,
    /// What became of the release.
    released: Option<Result<()>>,
    wakers: Vec<Waker>,
}

impl Limiter {
    /// Keeps what a concurrent limit gave to a hit until it is released or dropped. Call it as soon as the decision is
    /// there. A decision that holds nothing (a denial, or no limit is concurrent) is held without a thread.
    ///
    /// ```no_run
    /// # fn main() -> keywright::Result<()> {
    /// # let client = keywright::Client::open("redis://localhost:6379")?;
    /// let gpu = client.limiter("gpu", "2 concurrent")?;
    /// let decision = gpu.hit("machine:1")?;
    /// if decision.allowed() {
    ///     let held = gpu.hold("machine:1", &decision)?;
    ///     // ... the work; where it matters, held.is_held() says without a round trip whether it is held still ...
    ///     held.release()?; // or leave it to Drop
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// - `key`: the key that was hit (up to 1,024 bytes)
    /// - `decision`: the decision of that hit
    pub fn hold(&self, key: impl AsRef<[u8]>, decision: &Decision) -> Result<Held> {
        hold(self.clone(), (), key.as_ref(), decision)
    }

    fn lease(&self) -> Duration {
        // SAFETY: the handle is alive.
        let us = unsafe { sys::kw_limiter_lease_us(self.handle.as_ptr()) };
        Duration::from_micros(us.unsigned_abs())
    }
}

impl AsyncLimiter {
    /// Keeps what a concurrent limit gave to a hit until it is released or dropped. Call it as soon as the decision is
    /// there: it sends nothing itself. A decision that holds nothing (a denial, or no limit is concurrent) is held
    /// without a thread.
    ///
    /// - `key`: the key that was hit (up to 1,024 bytes)
    /// - `decision`: the decision of that hit
    pub fn hold(&self, key: impl AsRef<[u8]>, decision: &Decision) -> Result<AsyncHeld> {
        let limiter = Limiter { handle: self.handle.handle.clone() };
        // The thread's calls block, on a link of the same client, which it keeps open.
        hold(limiter, self.clone(), key.as_ref(), decision).map(|held| AsyncHeld { held })
    }
}

fn hold<K: Send + 'static>(limiter: Limiter, keeps: K, key: &[u8], decision: &Decision) -> Result<Held> {
    let desk = Arc::new(Desk::default());
    if !decision.allowed() || decision.lease == 0 {
        desk.state().released = Some(Ok(()));
        return Ok(Held { desk });
    }
    let keeper = Keeper { lease: limiter.lease(), limiter, key: key.to_vec(), decision: *decision };
    let shared = desk.clone();
    thread::Builder::new()
        .name("keywright held".to_owned())
        .spawn(move || {
            keeper.keep(&shared, Instant::now());
            let released = keeper.limiter.release(&keeper.key, &keeper.decision);
            shared.tell(|state| state.released = Some(released));
            drop((keeper, keeps));
        })
        .map_err(|error| Error::new(Status::NO_MEMORY, format!("no thread could be started: {error}")))?;
    Ok(Held { desk })
}

/// What the thread knows.
struct Keeper {
    limiter: Limiter,
    key: Vec<u8>,
    decision: Decision,
    lease: Duration,
}

impl Keeper {
    /// Renews until the holder holds it no more.
    fn keep(&self, desk: &Desk, mut began: Instant) {
        let interval = self.lease / RENEWALS;
        let limiter = self.limiter.with_timeout(interval);
        let mut next = began + interval;
        while !desk.over_by(next) {
            let sent = Instant::now();
            match limiter.renew(&self.key, &self.decision) {
                Ok(true) => began = sent,
                Err(error) if !is_final(&error) && began.elapsed() < self.lease => {}
                _ => {
                    desk.tell(|state| state.lost = true);
                    desk.until_over();
                    return;
                }
            }
            next = sent + interval;
        }
    }
}

/// Whether trying again is no use.
fn is_final(error: &Error) -> bool {
    matches!(error.status(), Status::CLOSED | Status::INVALID)
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes something, and wakes whoever waits for it.
    fn tell(&self, note: impl FnOnce(&mut State)) {
        let wakers = {
            let mut state = self.state();
            note(&mut state);
            take(&mut state.wakers)
        };
        self.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits until the holder holds it no more, or until that moment.
    fn over_by(&self, moment: Instant) -> bool {
        let left = moment.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(self.state(), left, |state| !state.over);
        waited.unwrap_or_else(PoisonError::into_inner).0.over
    }

    fn until_over(&self) {
        drop(self.changed.wait_while(self.state(), |state| !state.over).unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits for what became of the release.
    fn released(&self) -> Result<()> {
        let state = self.changed.wait_while(self.state(), |state| state.released.is_none());
        state.unwrap_or_else(PoisonError::into_inner).released.clone().unwrap_or(Ok(()))
    }

    /// Is woken when something is told, until it has found what it looks for.
    async fn wait_for<T>(&self, found: impl Fn(&State) -> Option<T>) -> T {
        poll_fn(|context| {
            let mut state = self.state();
            match found(&state) {
                Some(value) => Poll::Ready(value),
                None => {
                    state.wakers.retain(|waker| !waker.will_wake(context.waker()));
                    state.wakers.push(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Held {
    /// Whether it is held, as far as is known without a round trip. False once the server has said that the lease had
    /// ended, or nobody could renew it for a whole lease: then others may be at it too.
    pub fn is_held(&self) -> bool {
        !self.desk.state().lost
    }

    /// Gives it back, and waits for that. Where it fails, what was given comes back when its lease ends.
    pub fn release(self) -> Result<()> {
        self.end();
        self.desk.released()
    }

    fn end(&self) {
        self.desk.tell(|state| state.over = true);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.end();
    }
}

impl AsyncHeld {
    /// Whether it is held, as far as is known without a round trip. False once the server has said that the lease had
    /// ended, or nobody could renew it for a whole lease: then others may be at it too.
    pub fn is_held(&self) -> bool {
        self.held.is_held()
    }

    /// Ends when it is held no more, to be raced with the work: see [`AsyncHeld::is_held`]. One that holds nothing is
    /// never lost.
    pub async fn lost(&self) {
        self.held.desk.wait_for(|state| state.lost.then_some(())).await;
    }

    /// Gives it back, and waits for that. Where it fails, what was given comes back when its lease ends.
    pub async fn release(self) -> Result<()> {
        self.held.end();
        self.held.desk.wait_for(|state| state.released.clone()).await
    }
}
