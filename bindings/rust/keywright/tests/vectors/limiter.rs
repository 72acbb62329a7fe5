//! What scenarios of limiters say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use keywright::{Algorithm, AsyncLimiter, Decision, Error, Limiter, LimiterHit, LimiterOptions, Result, NEVER};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::read::{bytes, has, list, number, text, Operation, Words};
use crate::run::{Client, Object, Outcome, Saved};

pub static WORDS: Words = Words {
    module: "limiter",
    must_open: &["name", "limits"],
    may_open: &["algorithm", "max_wait_us"],
    operations: &[
        Operation { name: "hit", arguments: &["key", "cost"], answers: true },
        Operation { name: "peek", arguments: &["key", "cost"], answers: true },
        Operation { name: "wait", arguments: &["key", "cost", "wait_us"], answers: true },
        Operation { name: "hit_many", arguments: &["items"], answers: true },
        Operation { name: "refund", arguments: &["key", "decision", "count"], answers: false },
        Operation { name: "reset", arguments: &["key"], answers: false },
    ],
    item: &["key", "cost"],
    fields: &[
        "status",
        "reason",
        "denied_by",
        "limits",
        "count",
        "limit",
        "remaining",
        "retry_after_us",
        "reset_after_us",
        "delay_us",
    ],
    zero: &["delay_us"],
    record: "decision",
    open,
};

const ALGORITHMS: &[(&str, Algorithm)] = &[("gcra", Algorithm::GCRA), ("fixed_window", Algorithm::FIXED_WINDOW)];

enum Either {
    Blocking(Limiter),
    Awaited(AsyncLimiter, Arc<Runtime>),
}

/// The same call, of whichever kind.
macro_rules! either {
    ($either:expr, $limiter:ident => $call:expr) => {
        match $either {
            Either::Blocking($limiter) => $call,
            Either::Awaited($limiter, runtime) => runtime.block_on($call),
        }
    };
}

fn open(client: &Client, spec: &Value) -> Result<Box<dyn Object>> {
    let mut options = LimiterOptions::new();
    if has(spec, "algorithm") {
        let named = ALGORITHMS.iter().find(|(name, _)| *name == text(spec, "algorithm"));
        options = options.algorithm(named.expect("an algorithm of that name").1);
    }
    if has(spec, "max_wait_us") {
        options = options.max_wait(us(spec, "max_wait_us"));
    }
    let (name, limits) = (bytes(spec, "name"), text(spec, "limits"));
    Ok(Box::new(match client {
        Client::Blocking(client) => Either::Blocking(client.limiter_with(name, limits, &options)?),
        Client::Awaited(client, runtime) => {
            Either::Awaited(client.limiter_with(name, limits, &options)?, runtime.clone())
        }
    }))
}

fn us(item: &Value, name: &str) -> Duration {
    Duration::from_micros(number(item, name).unsigned_abs())
}

impl Object for Either {
    fn call(&self, step: &Value, saved: &Saved) -> Result<Vec<Outcome>> {
        let (key, cost) = (bytes(step, "key"), number(step, "cost"));
        let decision = match text(step, "do") {
            "hit" => either!(self, limiter => limiter.hit_n(&key, cost)),
            "peek" => either!(self, limiter => limiter.peek_n(&key, cost)),
            "wait" => either!(self, limiter => limiter.wait_n(&key, cost, us(step, "wait_us"))),
            "hit_many" => return self.hit_many(list(step, "items")),
            "refund" => {
                let kept = saved[text(step, "decision")].downcast_ref::<Decision>().expect("a decision");
                either!(self, limiter => limiter.refund(&key, kept, number(step, "count")))?;
                return Ok(Vec::new());
            }
            "reset" => {
                either!(self, limiter => limiter.reset(&key))?;
                return Ok(Vec::new());
            }
            other => panic!("nobody does {other}"),
        };
        Ok(vec![outcome(decision?)])
    }
}

impl Either {
    /// Each its own answer or failure; but a failure that is all of theirs is that of the call.
    fn hit_many(&self, items: &[Value]) -> Result<Vec<Outcome>> {
        let keys: Vec<_> = items.iter().map(|item| bytes(item, "key")).collect();
        let items: Vec<_> =
            keys.iter().zip(items).map(|(key, item)| LimiterHit { key, cost: number(item, "cost") }).collect();
        let answers = either!(self, limiter => limiter.hit_many(&items));
        if !answers.is_empty()
            && answers.iter().all(|answer| matches!(answer, Err(error) if error.position().is_some()))
        {
            return answers.into_iter().map(|answer| answer.map(outcome)).collect();
        }
        Ok(answers.into_iter().map(|answer| answer.map_or_else(failed, outcome)).collect())
    }
}

fn failed(error: Error) -> Outcome {
    Outcome { kept: None, yes: false, fields: BTreeMap::from([("status", error.status().to_string().into())]) }
}

fn outcome(decision: Decision) -> Outcome {
    let fields = BTreeMap::from([
        ("status", decision.status.to_string().into()),
        ("reason", decision.reason.to_string().into()),
        ("denied_by", decision.denied_by.into()),
        ("limits", decision.limits.into()),
        ("count", decision.count.into()),
        ("limit", decision.limit.into()),
        ("remaining", decision.remaining.into()),
        ("retry_after_us", duration(decision.retry_after)),
        ("reset_after_us", duration(decision.reset_after)),
        ("delay_us", duration(decision.delay)),
    ]);
    Outcome { yes: decision.allowed(), kept: Some(Box::new(decision)), fields }
}

pub fn duration(duration: Duration) -> Value {
    match duration {
        NEVER => "never".into(),
        duration => i64::try_from(duration.as_micros()).expect("fewer than 2^63 us").into(),
    }
}
