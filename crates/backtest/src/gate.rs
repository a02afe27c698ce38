//! Conditions over scores: whether a change may be merged.
//!
//! ```text
//!  condition  = score (">" | ">=" | "<" | "<=" | "==" | "!=") term
//!  term       = factor { ("*" | "+" | "-") factor }        * before + and -
//!  factor     = number | "baseline" | score | contender "." score
//! ```
//!
//! `baseline` is the same score of the contender that is compared with; a score by its name is the candidate's own.

use std::fmt;

use crate::scores::{SCORES, ScoreInfo, Scores, score};

/// A condition such as `cost > 1.2 * baseline`.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    score: &'static ScoreInfo,
    comparison: Comparison,
    limit: Vec<(Sign, Vec<Factor>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
    Different,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
}

#[derive(Clone, Debug)]
enum Factor {
    Number(f64),
    Baseline,
    Own(&'static ScoreInfo),
    Of(String, &'static ScoreInfo),
}

/// What a condition came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether it is so.
    pub holds: bool,
    /// The candidate's score.
    pub value: f64,
    /// What it was compared with.
    pub limit: f64,
}

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConditionError {
    /// It is not written as conditions are.
    #[error(
        "{text:?}: expected {expected} at {found:?}; for example 'slo_violation_minutes > 10' or 'cost > \
         1.2 * baseline'"
    )]
    Malformed {
        /// The condition.
        text: String,
        /// What should stand there.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// There is no such score.
    #[error("{text:?}: there is no score {name:?}; there are {}", names())]
    NoScore {
        /// The condition.
        text: String,
        /// The name.
        name: String,
    },
    /// It needs a contender that is not there.
    #[error("{text:?}: there is no contender {name:?} to compare with; there are {}. Name it with --against \
             or --baseline", .known.join(", "))]
    NoContender {
        /// The condition.
        text: String,
        /// The name.
        name: String,
        /// Those that are there.
        known: Vec<String>,
    },
}

fn names() -> String {
    SCORES.iter().map(|score| score.name).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let mut words = Words { text, rest: text };
        let score = words.score()?;
        let comparison = words.comparison()?;
        let mut limit = Vec::new();
        let mut sign = Sign::Plus;
        loop {
            let mut factors = vec![words.factor()?];
            while words.take("*") {
                factors.push(words.factor()?);
            }
            limit.push((sign, factors));
            sign = if words.take("+") {
                Sign::Plus
            } else if words.take("-") {
                Sign::Minus
            } else {
                break;
            };
        }
        if words.rest.trim().is_empty() {
            Ok(Self { text: text.trim().to_owned(), score, comparison, limit })
        } else {
            Err(words.expected("an end, or one of * + -"))
        }
    }

    /// Whether it holds for `candidate`; `baseline` is whom it is compared with, and `all` are the contenders by name.
    ///
    /// # Errors
    /// Where it names a contender that is not there.
    pub fn judge(
        &self,
        candidate: &Scores,
        baseline: Option<&Scores>,
        all: &[(&str, &Scores)],
    ) -> Result<Verdict, ConditionError> {
        let mut limit = 0.0;
        for (sign, factors) in &self.limit {
            let mut product = 1.0;
            for factor in factors {
                product *= self.factor(factor, candidate, baseline, all)?;
            }
            limit += if *sign == Sign::Plus { product } else { -product };
        }
        let value = (self.score.value)(candidate);
        let holds = match self.comparison {
            Comparison::Above => value > limit,
            Comparison::AtLeast => value >= limit,
            Comparison::Below => value < limit,
            Comparison::AtMost => value <= limit,
            Comparison::Equal => value == limit,
            Comparison::Different => value != limit,
        };
        Ok(Verdict { holds, value, limit })
    }

    fn factor(
        &self,
        factor: &Factor,
        candidate: &Scores,
        baseline: Option<&Scores>,
        all: &[(&str, &Scores)],
    ) -> Result<f64, ConditionError> {
        let missing = |name: &str| ConditionError::NoContender {
            text: self.text.clone(),
            name: name.to_owned(),
            known: all.iter().map(|(name, _)| (*name).to_owned()).collect(),
        };
        match factor {
            Factor::Number(number) => Ok(*number),
            Factor::Baseline => baseline.map(self.score.value).ok_or_else(|| missing("baseline")),
            Factor::Own(score) => Ok((score.value)(candidate)),
            Factor::Of(name, score) => {
                let of = if name == "baseline" {
                    baseline
                } else {
                    all.iter().find(|(known, _)| known == name).map(|(_, scores)| *scores)
                };
                of.map(score.value).ok_or_else(|| missing(name))
            }
        }
    }
}

struct Words<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn expected(&self, expected: &'static str) -> ConditionError {
        let found = self.rest.trim();
        let found = if found.is_empty() { "the end" } else { found }.to_owned();
        ConditionError::Malformed { text: self.text.trim().to_owned(), expected, found }
    }

    fn take(&mut self, sign: &str) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The next word, of letters, digits and what else names of contenders have.
    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let is_part =
            |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | ':' | '/' | '\'');
        // A hyphen within a name is part of it; before a blank it is a minus.
        let end = rest
            .char_indices()
            .find(|(place, letter)| {
                let is_hyphen =
                    *letter == '-' && rest[place + 1..].starts_with(|next: char| next.is_alphanumeric());
                !(is_part(*letter) || is_hyphen && *place > 0)
            })
            .map_or(rest.len(), |(place, _)| place);
        self.rest = &rest[end..];
        &rest[..end]
    }

    fn find(&self, name: &str) -> Result<&'static ScoreInfo, ConditionError> {
        let no_score =
            || ConditionError::NoScore { text: self.text.trim().to_owned(), name: name.to_owned() };
        score(name).ok_or_else(no_score)
    }

    fn score(&mut self) -> Result<&'static ScoreInfo, ConditionError> {
        let before = self.rest;
        match self.word() {
            "" => {
                self.rest = before;
                Err(self.expected("a score"))
            }
            name => self.find(name),
        }
    }

    fn comparison(&mut self) -> Result<Comparison, ConditionError> {
        let signs = [
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            ("==", Comparison::Equal),
            ("!=", Comparison::Different),
            (">", Comparison::Above),
            ("<", Comparison::Below),
        ];
        let found = signs.into_iter().find(|(sign, _)| self.take(sign));
        found.map(|(_, comparison)| comparison).ok_or_else(|| self.expected("one of > >= < <= == !="))
    }

    fn factor(&mut self) -> Result<Factor, ConditionError> {
        let before = self.rest;
        let word = self.word();
        if word.is_empty() {
            self.rest = before;
            return Err(self.expected("a number, a score or baseline"));
        }
        if let Some(number) = word.parse().ok().filter(|number: &f64| number.is_finite()) {
            return Ok(Factor::Number(number));
        }
        match word.rsplit_once('.') {
            _ if word == "baseline" => Ok(Factor::Baseline),
            Some((name, of)) => Ok(Factor::Of(name.to_owned(), self.find(of)?)),
            None => self.find(word).map(Factor::Own),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Result<bool, String> {
        let scores = |cost, minutes| Scores { cost, slo_violation_minutes: minutes, ..Scores::default() };
        let (mine, theirs) = (scores(12.0, 5.0), scores(10.0, 8.0));
        let all = [("mine", &mine), ("static:4", &theirs), ("keda-like", &theirs)];
        let condition = Condition::parse(text).map_err(|error| error.to_string())?;
        let verdict = condition.judge(&mine, Some(&theirs), &all).map_err(|error| error.to_string())?;
        Ok(verdict.holds)
    }

    #[test]
    fn conditions_compare_scores_with_numbers_and_others() {
        for (text, expected) in [
            ("slo_violation_minutes > 10", false),
            ("slo_violation_minutes>4.9", true),
            ("cost > 1.2 * baseline", false),
            ("cost >= 1.2*baseline", true),
            ("cost > baseline + 1.5", true),
            ("cost > 2 * baseline - 9", true),
            ("cost == 12", true),
            ("cost != 12", false),
            ("cost < keda-like.cost", false),
            ("slo_violation_minutes <= static:4.slo_violation_minutes", true),
            ("cost > 2 * slo_violation_minutes + 1", true),
            ("cost > baseline.slo_violation_minutes", true),
        ] {
            assert_eq!(judged(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn mistakes_say_what_would_do() {
        for (text, part) in [
            ("", "expected a score at \"the end\""),
            ("price > 3", "there is no score \"price\"; there are accuracy_u,"),
            ("cost 3", "expected one of > >= < <= == != at \"3\""),
            ("cost >", "expected a number, a score or baseline"),
            ("cost > 3 3", "expected an end"),
            ("cost > baseline *", "expected a number"),
            ("cost > hpa.cost", "no contender \"hpa\" to compare with; there are mine, static:4, keda-like"),
            ("cost > hpa.price", "no score \"price\""),
            ("cost > inf", "no score \"inf\""),
        ] {
            let error = judged(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let condition = Condition::parse("cost > baseline").unwrap();
        let error = condition.judge(&Scores::default(), None, &[]).unwrap_err().to_string();
        assert!(error.contains("--baseline"), "{error}");
    }
}
