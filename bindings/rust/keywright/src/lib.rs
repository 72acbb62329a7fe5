//! The Rust face of the C library keywright: rate limiters, and more to come, on Redis and Valkey.
//!
//! A [`Client`] is opened from a URL; objects are made from the client, and making one sends nothing. Its operations
//! block. Those of an [`AsyncClient`] bear the same names and are awaited, on any executor: one thread for each client
//! collects all answers and wakes the tasks. Dropping a future cancels its call.
//!
//! A definite no that was asked for is an answer ([`Decision::allowed`]); a failure is an [`Error`]. Every call has a
//! deadline, the client's unless [`Limiter::with_timeout`] and its like give another.
//!
//! ```no_run
//! # fn main() -> keywright::Result<()> {
//! let client = keywright::Client::open("redis://localhost:6379")?;
//! let api = client.limiter("api", "10/s burst 20")?;
//! let decision = api.hit("user:42")?;
//! if !decision.allowed() {
//!     println!("again in {:?}", decision.retry_after);
//! }
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod api;
mod client;
mod convert;
mod decision;
mod driver;
mod error;
mod handle;
mod held;
mod list;
#[cfg(feature = "tower")]
pub mod tower;
mod wait;

pub use api::*;
pub use client::{AsyncClient, Client};
pub use error::{Error, Result};
pub use held::{AsyncHeld, Held};
pub use wait::Wait;

/// The examples of the README are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
