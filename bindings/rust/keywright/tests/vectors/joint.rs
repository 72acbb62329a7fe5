//! What scenarios of joint limiters say. Of an answer the first is that of the whole, then come its limiters'.

use std::collections::BTreeMap;

use keywright::{AsyncJoint, AsyncLimiter, Joint, JointDecision, Limiter, LimiterHit, LimiterOptions, Result};
use serde_json::Value;

use crate::limiter::{outcome, ALGORITHMS};
use crate::read::{bytes, does, list, number, text, Operation, Words};
use crate::run::{Client, Object, Outcome, Saved};
use crate::words::{duration, either, opened, Either};

pub static WORDS: Words = Words {
    module: "joint",
    must_open: &["limiters", "limits", "algorithms"],
    may_open: &[],
    operations: &[asks_all("hit"), asks_all("peek"), does("refund", &["limiter", "key", "decision", "count"])],
    fields: &[
        "status",
        "reason",
        "denied_by",
        "limits",
        "limiters",
        "binding",
        "decided_at_us",
        "lease",
        "count",
        "limit",
        "remaining",
        "retry_after_us",
        "reset_after_us",
    ],
    zero: &[],
    record: "decision",
    open,
};

const fn asks_all(name: &'static str) -> Operation {
    crate::read::many(name, &["key", "cost"])
}

/// A joint limiter, and its limiters for what they do alone.
struct Made {
    joint: Either<Joint, AsyncJoint>,
    limiters: Vec<Either<Limiter, AsyncLimiter>>,
}

fn open(client: &Client, spec: &Value) -> Result<Box<dyn Object>> {
    let mut limiters = Vec::new();
    for (place, name) in list(spec, "limiters").iter().enumerate() {
        let of = |field: &str| list(spec, field)[place].as_str().expect("a text").to_owned();
        let algorithm = ALGORITHMS.iter().find(|(known, _)| *known == of("algorithms")).expect("a known name").1;
        let options = LimiterOptions::new().algorithm(algorithm);
        let name = name.as_str().expect("a text");
        limiters.push(opened!(client, limiter_with(name, &of("limits"), &options)));
    }
    let joint = match client {
        Client::Blocking(client) => {
            let own: Vec<_> = limiters.iter().filter_map(blocking).collect();
            Either::Blocking(client.joint(&own)?)
        }
        Client::Awaited(client, runtime) => {
            let own: Vec<_> = limiters.iter().filter_map(awaited).collect();
            Either::Awaited(client.joint(&own)?, runtime.clone())
        }
    };
    Ok(Box::new(Made { joint, limiters }))
}

fn blocking(limiter: &Either<Limiter, AsyncLimiter>) -> Option<&Limiter> {
    match limiter {
        Either::Blocking(limiter) => Some(limiter),
        Either::Awaited(..) => None,
    }
}

fn awaited(limiter: &Either<Limiter, AsyncLimiter>) -> Option<&AsyncLimiter> {
    match limiter {
        Either::Blocking(_) => None,
        Either::Awaited(limiter, _) => Some(limiter),
    }
}

impl Object for Made {
    fn call(&self, step: &Value, saved: &Saved) -> Result<Vec<Outcome>> {
        if text(step, "do") == "refund" {
            let which = usize::try_from(number(step, "limiter")).expect("a place");
            let told = saved[text(step, "decision")].downcast_ref::<JointDecision>().expect("a decision");
            let (key, decision) = (bytes(step, "key"), &told.decisions[which]);
            either!(&self.limiters[which], limiter => limiter.refund(&key, decision, number(step, "count")))?;
            return Ok(Vec::new());
        }
        let keys: Vec<_> = list(step, "items").iter().map(|item| bytes(item, "key")).collect();
        let costs = list(step, "items").iter().map(|item| number(item, "cost"));
        let hits: Vec<_> = keys.iter().zip(costs).map(|(key, cost)| LimiterHit { key, cost }).collect();
        let told = match text(step, "do") {
            "hit" => either!(&self.joint, joint => joint.hit(&hits))?,
            "peek" => either!(&self.joint, joint => joint.peek(&hits))?,
            other => panic!("nobody does {other}"),
        };
        let mut answers = vec![whole(&told)];
        answers.extend(told.decisions.iter().map(|decision| outcome(*decision)));
        for answer in &mut answers {
            answer.kept = Some(Box::new(told.clone()));
        }
        Ok(answers)
    }
}

fn whole(told: &JointDecision) -> Outcome {
    let fields = BTreeMap::from([
        ("status", told.status.to_string().into()),
        ("reason", told.reason.to_string().into()),
        ("denied_by", told.denied_by.into()),
        ("limiters", told.limiters.into()),
        ("retry_after_us", duration(told.retry_after)),
    ]);
    Outcome { kept: None, yes: told.status == keywright::Status::OK, fields }
}
