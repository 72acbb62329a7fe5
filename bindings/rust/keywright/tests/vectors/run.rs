//! Doing a scenario step by step, and comparing.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use keywright::Error;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::read::{bytes, expected, has, list, number, text, Scenario};
use crate::server::Server;

/// Which of the two kinds of calls is taken.
pub enum Door {
    Blocking,
    Awaited(Arc<Runtime>),
}

impl fmt::Display for Door {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Door::Blocking => "blocking",
            Door::Awaited(_) => "awaited",
        })
    }
}

pub enum Client {
    Blocking(keywright::Client),
    Awaited(keywright::AsyncClient, Arc<Runtime>),
}

/// What answers are kept by, under their names.
pub type Saved = HashMap<String, Box<dyn Any>>;

pub trait Object {
    fn call(&self, step: &Value, saved: &Saved) -> keywright::Result<Vec<Outcome>>;
}

/// One answer.
pub struct Outcome {
    pub kept: Option<Box<dyn Any>>,
    pub yes: bool,
    pub fields: BTreeMap<&'static str, Value>,
}

pub fn run(server: &Server, door: &Door, scenario: &Scenario) -> Result<(), String> {
    server.command(&[b"FLUSHALL"]);
    let told = |error: Error| error.to_string();
    let client = match door {
        Door::Blocking => Client::Blocking(keywright::Client::open(&server.url).map_err(told)?),
        Door::Awaited(runtime) => {
            Client::Awaited(keywright::AsyncClient::open(&server.url).map_err(told)?, runtime.clone())
        }
    };
    let mut objects = BTreeMap::new();
    for (alias, spec) in &scenario.objects {
        objects.insert(alias.as_str(), (scenario.words.open)(&client, spec).map_err(told)?);
    }
    let (mut now, mut saved) = (0, Saved::new());
    for (place, step) in scenario.steps.iter().enumerate() {
        let done = match text(step, "do") {
            "clock" => {
                now = if has(step, "at_us") { number(step, "at_us") } else { now + number(step, "by_us") };
                move_to(server, scenario, now);
                Ok(())
            }
            "command" => command(server, step),
            "state" => state(server, step),
            "open" => failing((scenario.words.open)(&client, step).err(), &step["fails"]),
            _ => operate(scenario, objects[scenario.on(step)].as_ref(), step, &mut saved),
        };
        done.map_err(|why| format!("step {place}, {step}: {why}"))?;
    }
    Ok(())
}

/// Sets the clock and touches what the scenario looks at, so that an expired key is gone.
fn move_to(server: &Server, scenario: &Scenario, us: i64) {
    server.freeze(us);
    for step in scenario.steps.iter().filter(|step| text(step, "do") == "state") {
        server.command(&[b"TYPE", &bytes(step, "key")]);
    }
}

fn command(server: &Server, step: &Value) -> Result<(), String> {
    let words: Vec<_> = list(step, "words").iter().filter_map(Value::as_str).map(str::as_bytes).collect();
    let reply = server.command(&words);
    if has(step, "reply") {
        same(&reply, &step["reply"])?;
    }
    Ok(())
}

fn state(server: &Server, step: &Value) -> Result<(), String> {
    let key = bytes(step, "key");
    same(&server.command(&[b"GET", &key]), &step["value"])?;
    if step["value"].is_null() {
        return Ok(());
    }
    same(&server.command(&[b"PEXPIRETIME", &key]), &number(step, "expires_at_ms").to_string().into())
}

fn same(got: &Value, wanted: &Value) -> Result<(), String> {
    (got == wanted).then_some(()).ok_or_else(|| format!("{got} instead of {wanted}"))
}

/// Compares a failure with what a step says of it.
fn failing(error: Option<Error>, wanted: &Value) -> Result<(), String> {
    let error = error.ok_or("it did not fail")?;
    same(&error.status().to_string().into(), &wanted["status"])?;
    if has(wanted, "reason") {
        same(&error.reason().to_string().into(), &wanted["reason"])?;
    }
    if has(wanted, "position") {
        same(&error.position().into(), &wanted["position"])?;
    }
    Ok(())
}

fn operate(scenario: &Scenario, object: &dyn Object, step: &Value, saved: &mut Saved) -> Result<(), String> {
    let mut admitted = 0;
    let mut answers = Vec::new();
    for _ in 0..number(step, "repeat").max(1) {
        let called = object.call(step, saved);
        if has(step, "fails") {
            return failing(called.err(), &step["fails"]);
        }
        answers = called.map_err(|error| error.to_string())?;
        admitted += i64::from(answers.len() == 1 && answers[0].yes);
    }
    if has(step, "repeat") && admitted != number(step, "admitted") {
        return Err(format!("{admitted} were admitted"));
    }
    let wanted = expected(step);
    if answers.len() != wanted.len() {
        return Err(format!("{} answers instead of {}", answers.len(), wanted.len()));
    }
    for (answer, wanted) in answers.into_iter().zip(wanted) {
        compare(scenario, &answer, wanted)?;
        if let (Some(kept), Some(name)) = (answer.kept, step["save"].as_str()) {
            saved.insert(name.to_owned(), kept);
        }
    }
    Ok(())
}

fn compare(scenario: &Scenario, answer: &Outcome, wanted: &Value) -> Result<(), String> {
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let got = answer.fields.get(name.as_str()).unwrap_or(&Value::Null);
        same(got, value).map_err(|why| format!("{name}: {why}: {:?}", answer.fields))?;
    }
    for name in scenario.words.zero.iter().filter(|name| !has(wanted, name)) {
        if let Some(got) = answer.fields.get(name) {
            same(got, &0.into()).map_err(|why| format!("{name}: {why}"))?;
        }
    }
    Ok(())
}
