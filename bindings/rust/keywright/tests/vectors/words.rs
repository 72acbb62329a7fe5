//! What the words of all modules share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keywright::{Error, Result, NEVER};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::read::{has, number, text};
use crate::run::Outcome;

/// An object of either kind of calls.
pub enum Either<B, A> {
    Blocking(B),
    Awaited(A, Arc<Runtime>),
}

/// The same call, of whichever kind.
macro_rules! either {
    ($either:expr, $object:ident => $call:expr) => {
        match $either {
            $crate::words::Either::Blocking($object) => $call,
            $crate::words::Either::Awaited($object, runtime) => runtime.block_on($call),
        }
    };
}

/// The same constructor, of whichever kind of client.
macro_rules! opened {
    ($client:expr, $open:ident($($argument:expr),*)) => {
        match $client {
            $crate::run::Client::Blocking(client) => $crate::words::Either::Blocking(client.$open($($argument),*)?),
            $crate::run::Client::Awaited(client, runtime) => {
                $crate::words::Either::Awaited(client.$open($($argument),*)?, runtime.clone())
            }
        }
    };
}

pub(crate) use {either, opened};

/// The value of an enum by its name; None where it is not told.
pub fn named<T: Copy>(spec: &Value, field: &str, names: &[(&str, T)]) -> Option<T> {
    has(spec, field).then(|| names.iter().find(|(name, _)| *name == text(spec, field)).expect("a known name").1)
}

/// A duration of a step; nothing where it is not told.
pub fn us(item: &Value, name: &str) -> Duration {
    Duration::from_micros(number(item, name).unsigned_abs())
}

/// How a duration stands in a file.
pub fn duration(duration: Duration) -> Value {
    match duration {
        NEVER => "never".into(),
        duration => i64::try_from(duration.as_micros()).expect("fewer than 2^63 us").into(),
    }
}

/// How a moment stands in a file.
pub fn moment(at: Option<SystemTime>) -> Value {
    duration(at.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default())
}

/// Bytes that no text may carry.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Of many: each its own answer or failure; but a failure that is all of theirs is that of the call.
pub fn each<T>(answers: Vec<Result<T>>, outcome: fn(T) -> Outcome) -> Result<Vec<Outcome>> {
    let refused = |answer: &Result<T>| matches!(answer, Err(error) if error.position().is_some());
    if !answers.is_empty() && answers.iter().all(refused) {
        return answers.into_iter().map(|answer| answer.map(outcome)).collect();
    }
    Ok(answers.into_iter().map(|answer| answer.map_or_else(failed, outcome)).collect())
}

fn failed(error: Error) -> Outcome {
    Outcome { kept: None, yes: false, fields: BTreeMap::from([("status", error.status().to_string().into())]) }
}
