//! Reading files of scenarios, and refusing what is not made of known words.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::Object;
use crate::MODULES;

/// What scenarios of one module say.
pub struct Words {
    pub module: &'static str,
    pub must_open: &'static [&'static str],
    pub may_open: &'static [&'static str],
    pub operations: &'static [Operation],
    /// Of its answers.
    pub fields: &'static [&'static str],
    /// Those of them that are 0 unless told.
    pub zero: &'static [&'static str],
    /// The argument that names a kept answer.
    pub record: &'static str,
    pub open: fn(&crate::run::Client, &Value) -> keywright::Result<Box<dyn Object>>,
}

pub struct Operation {
    pub name: &'static str,
    pub arguments: Names,
    pub answers: bool,
    /// Of an operation for many: the arguments of each.
    pub item: Names,
    /// Of an operation that lists: the fields of each entry.
    pub entry: Names,
}

type Names = &'static [&'static str];

/// An operation that has an answer.
pub const fn asks(name: &'static str, arguments: Names) -> Operation {
    Operation { name, arguments, answers: true, item: &[], entry: &[] }
}

/// One that has none.
pub const fn does(name: &'static str, arguments: Names) -> Operation {
    Operation { name, arguments, answers: false, item: &[], entry: &[] }
}

/// One for many, whose items have these arguments.
pub const fn many(name: &'static str, item: Names) -> Operation {
    Operation { name, arguments: &["items"], answers: true, item, entry: &[] }
}

/// One that lists entries with these fields.
pub const fn lists(name: &'static str, arguments: Names, entry: Names) -> Operation {
    Operation { name, arguments, answers: true, item: &[], entry }
}

/// One that was seen to be made of known words.
pub struct Scenario {
    pub name: String,
    pub words: &'static Words,
    pub objects: BTreeMap<String, Value>,
    pub steps: Vec<Value>,
}

pub fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name].as_str().unwrap_or_default()
}

/// Bytes of a field, which may stand in hex.
pub fn bytes(item: &Value, name: &str) -> Vec<u8> {
    match item[&format!("{name}_hex")].as_str() {
        Some(digits) => (0..digits.len() / 2)
            .map(|place| u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).expect("hex"))
            .collect(),
        None => text(item, name).as_bytes().to_vec(),
    }
}

pub fn number(item: &Value, name: &str) -> i64 {
    item[name].as_i64().unwrap_or_default()
}

pub fn has(item: &Value, name: &str) -> bool {
    item.get(name).is_some()
}

pub fn list<'a>(item: &'a Value, name: &str) -> &'a [Value] {
    item[name].as_array().map_or(&[], Vec::as_slice)
}

/// What is expected of each answer.
pub fn expected(step: &Value) -> &[Value] {
    match &step["expect"] {
        Value::Array(all) => all,
        one if one.is_object() => std::slice::from_ref(one),
        _ => &[],
    }
}

/// Refuses what nobody would look at, and what lacks something.
fn known(item: &Value, must: &[&str], may: &[&str]) -> Result<(), String> {
    let object = item.as_object().ok_or("no object")?;
    let names: Vec<_> = object.keys().map(|name| name.strip_suffix("_hex").unwrap_or(name)).collect();
    if let Some(name) = names.iter().find(|name| !must.contains(name) && !may.contains(name)) {
        return Err(format!("unknown: {name}"));
    }
    match must.iter().find(|name| !names.contains(name)) {
        Some(name) => Err(format!("missing: {name}")),
        None => Ok(()),
    }
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    files
}

pub fn folder(folder: &Path) -> Result<Vec<Scenario>, String> {
    let mut all = Vec::new();
    for path in files(folder) {
        all.extend(file(&path).map_err(|why| format!("{}: {why}", path.display()))?);
    }
    if all.is_empty() {
        return Err(format!("{} has no file", folder.display()));
    }
    Ok(all)
}

pub fn file(path: &Path) -> Result<Vec<Scenario>, String> {
    let data = fs::read(path).map_err(|error| error.to_string())?;
    let told: Value = serde_json::from_slice(&data).map_err(|error| error.to_string())?;
    known(&told, &["about", "scenarios"], &[])?;
    let scenarios = list(&told, "scenarios");
    if scenarios.is_empty() {
        return Err("no scenario".into());
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    scenarios
        .iter()
        .map(|one| {
            let mut made = scenario(one).map_err(|why| format!("{}: {why}", text(one, "name")))?;
            made.name = format!("{stem}: {}", made.name);
            Ok(made)
        })
        .collect()
}

fn scenario(told: &Value) -> Result<Scenario, String> {
    known(told, &["name", "module", "objects", "steps"], &[])?;
    let words = MODULES
        .iter()
        .find(|words| words.module == text(told, "module"))
        .ok_or_else(|| format!("there is no module {}", told["module"]))?;
    let objects: BTreeMap<_, _> = told["objects"].as_object().cloned().unwrap_or_default().into_iter().collect();
    if objects.is_empty() {
        return Err("no object".into());
    }
    for object in objects.values() {
        known(object, words.must_open, words.may_open)?;
    }
    let made = Scenario { name: text(told, "name").into(), words, objects, steps: list(told, "steps").to_vec() };
    let mut looks = false;
    for (place, step) in made.steps.iter().enumerate() {
        looks |= made.check(place, step).map_err(|why| format!("step {place}, {step}: {why}"))?;
    }
    looks.then_some(made).ok_or("no step that looks at anything".into())
}

impl Scenario {
    /// Says whether the step looks at something.
    fn check(&self, place: usize, step: &Value) -> Result<bool, String> {
        if has(step, "fails") {
            known(&step["fails"], &["status"], &["reason", "position"])?;
        }
        match text(step, "do") {
            "clock" if has(step, "at_us") => known(step, &["do", "at_us"], &[]).map(|()| false),
            "clock" => known(step, &["do", "by_us"], &[]).map(|()| false),
            "command" => known(step, &["do", "words"], &["reply"]).map(|()| has(step, "reply")),
            "state" if step["value"].is_null() => known(step, &["do", "key", "value"], &[]).map(|()| true),
            "state" => known(step, &["do", "key", "value", "expires_at_ms"], &[]).map(|()| true),
            "open" => {
                let must = [self.words.must_open, &["do", "fails"]].concat();
                known(step, &must, self.words.may_open).map(|()| true)
            }
            _ => self.check_operation(place, step).map(|()| true),
        }
    }

    fn check_operation(&self, place: usize, step: &Value) -> Result<(), String> {
        let name = text(step, "do");
        let operation = self.words.operations.iter().find(|operation| operation.name == name);
        let operation = operation.ok_or_else(|| format!("nobody does {name}"))?;
        let (expects, fails) = (has(step, "expect"), has(step, "fails"));
        if operation.answers && expects == fails || !operation.answers && expects {
            return Err("it must expect an answer or fail".into());
        }
        let repeats: &[_] = if has(step, "repeat") { &["repeat", "admitted"] } else { &[] };
        let must = [operation.arguments, &["do"], repeats].concat();
        known(step, &must, &["on", "save", "expect", "fails"])?;
        list(step, "items").iter().try_for_each(|item| known(item, operation.item, &[]))?;
        let (must, may): (Names, Names) =
            if operation.entry.is_empty() { (&["status"], self.words.fields) } else { (operation.entry, &[]) };
        expected(step).iter().try_for_each(|fields| known(fields, must, may))?;
        if has(step, "on") != (self.objects.len() > 1) {
            return Err("it must say on which of several objects".into());
        }
        let saved = |name: &Value| self.steps[..place].iter().any(|before| &before["save"] == name);
        let kept = step.get(self.words.record).is_none_or(saved);
        if !self.objects.contains_key(self.on(step)) || !kept {
            return Err("nobody made that".into());
        }
        Ok(())
    }

    /// The name of the object that a step is about.
    pub fn on<'a>(&'a self, step: &'a Value) -> &'a str {
        step["on"].as_str().or(self.objects.keys().next().map(String::as_str)).unwrap_or_default()
    }
}
