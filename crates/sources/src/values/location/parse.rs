//! Reads a location.

use super::condition::{Comparison, Condition};
use super::{Modifier, Run, Step};

/// Most steps of a location.
const MAX_STEPS: usize = 64;

/// How deep conditions may stand in conditions.
const MAX_DEPTH: usize = 8;

/// The runs of a location, or what it must be.
pub(super) fn location(text: &str) -> Result<Vec<Run>, String> {
    let mut runs = vec![Run::new()];
    let (mut rest, mut count) = (text, 0);
    loop {
        let (step, after) = step(rest, 0)?;
        count += 1;
        if count > MAX_STEPS {
            return Err(format!("must have at most {MAX_STEPS} steps"));
        }
        if let Some(run) = runs.last_mut() {
            run.push(step);
        }
        match after.chars().next() {
            None => return Ok(runs),
            Some('.') => rest = &after[1..],
            Some('|') => {
                runs.push(Run::new());
                rest = &after[1..];
            }
            Some(_) => return Err(format!("must have a dot between its steps, before {after:?}")),
        }
    }
}

/// The first step of a path, and what follows it.
fn step(text: &str, depth: usize) -> Result<(Step, &str), String> {
    if let Some(query) = text.strip_prefix("#(") {
        let end = outside(query, |letter| letter == ')').ok_or("must have a closing bracket for each #(")?;
        let condition = condition(&query[..end], depth + 1)?;
        let after = &query[end + 1..];
        return Ok(match after.strip_prefix('#') {
            Some(after) => (Step::All(condition), after),
            None => (Step::First(condition), after),
        });
    }
    if text.starts_with('#') && matches!(text.as_bytes().get(1), None | Some(b'.' | b'|')) {
        return Ok((Step::Each, &text[1..]));
    }
    if text.starts_with('@') {
        let end = text.find(['.', '|']).unwrap_or(text.len());
        let (name, after) = text.split_at(end);
        let known = Modifier::NAMES.iter().find(|(known, _)| *known == name);
        return known.map(|(_, modifier)| (Step::Modifier(*modifier), after)).ok_or_else(|| {
            let known: Vec<&str> = Modifier::NAMES.iter().map(|(name, _)| *name).collect();
            format!("must not have the modifier {name}; those that are known are {}", known.join(", "))
        });
    }
    name(text)
}

/// A step that is the name of a member, or what that is like.
fn name(text: &str) -> Result<(Step, &str), String> {
    // The name itself, and the same as a pattern, in which signs that are taken as they are stay marked.
    let (mut name, mut pattern, mut is_pattern) = (String::new(), String::new(), false);
    let mut letters = text.char_indices();
    let mut after = "";
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => {
                let (_, taken) = letters.next().ok_or("must have a sign after each \\")?;
                name.push(taken);
                pattern.extend(['\\', taken]);
            }
            '.' | '|' => {
                after = &text[at..];
                break;
            }
            '{' | '[' | '(' | '!' if at == 0 || letter != '!' => {
                return Err(format!("must not have {letter}, or have it as \\{letter}"));
            }
            other => {
                is_pattern |= matches!(other, '*' | '?');
                name.push(other);
                pattern.push(other);
            }
        }
    }
    match (name.is_empty(), is_pattern) {
        (true, _) => Err("must not have an empty step".to_owned()),
        (false, true) => Ok((Step::Like(pattern), after)),
        (false, false) => Ok((Step::Name(name), after)),
    }
}

/// Where the first sign is that `is_wanted`, outside of quotes and of brackets that open in `text`.
fn outside(text: &str, is_wanted: impl Fn(char) -> bool) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            _ if depth == 0 && is_wanted(letter) => return Some(at),
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn condition(text: &str, depth: usize) -> Result<Condition, String> {
    if depth > MAX_DEPTH {
        return Err(format!("must have at most {MAX_DEPTH} conditions within one another"));
    }
    let (left, right) = match outside(text, |letter| matches!(letter, '=' | '!' | '<' | '>' | '%')) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let of = match left.trim() {
        "" => Vec::new(),
        path => path_within(path, depth)?,
    };
    if right.is_empty() {
        return match of.is_empty() {
            true => Err("must have a condition in each #(…), such as #(name==\"a\")".to_owned()),
            false => Ok(Condition { of, comparison: None }),
        };
    }
    let found = Comparison::SIGNS.iter().find(|(sign, _)| right.starts_with(sign));
    let (sign, comparison) = found.ok_or("must have one of ==, !=, <, <=, >, >=, %, !% in each #(…)")?;
    let with = right[sign.len()..].trim();
    let with = match with.starts_with('"') {
        true => {
            serde_json::from_str(with).map_err(|_| "must compare with a text that ends with its quote")?
        }
        false => with.to_owned(),
    };
    Ok(Condition { of, comparison: Some((*comparison, with)) })
}

/// The steps within a condition.
fn path_within(text: &str, depth: usize) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let (step, after) = step(rest, depth)?;
        steps.push(step);
        match after.strip_prefix('.') {
            Some(_) if steps.len() >= MAX_STEPS => {
                return Err(format!("must have at most {MAX_STEPS} steps"));
            }
            Some(after) => rest = after,
            None if after.is_empty() => return Ok(steps),
            None => return Err(format!("must have a dot between its steps, before {after:?}")),
        }
    }
}
