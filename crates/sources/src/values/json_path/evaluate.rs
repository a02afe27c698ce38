//! Walks a document along a parsed path, counting steps.
//!
//! Recursion is as deep as the document and the path's brackets nest; the JSON parser
//! bounds the one, the path's own check the other.

use std::cell::Cell;

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, FnArg, Segment, Selector, SingularQuery,
    SingularQuerySegment, Test, TestFunction,
};
use serde_json::Value;

use super::TooManySteps;
use super::operand::{Operand, text_steps};

/// One evaluation of one path over one document.
pub(super) struct Evaluation<'a> {
    document: &'a Value,
    steps_left: Cell<usize>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(document: &'a Value, max_steps: usize) -> Self {
        Self { document, steps_left: Cell::new(max_steps) }
    }

    /// The nodes that `segments` select, beginning at `start`.
    pub(super) fn nodes(
        &self,
        segments: &'a [Segment],
        start: &'a Value,
    ) -> Result<Vec<&'a Value>, TooManySteps> {
        let mut nodes = vec![start];
        for segment in segments {
            let mut next = Vec::new();
            for node in nodes {
                self.apply(segment, node, &mut next)?;
            }
            nodes = next;
        }
        Ok(nodes)
    }

    fn spend(&self, steps: usize) -> Result<(), TooManySteps> {
        self.steps_left.set(self.steps_left.get().checked_sub(steps).ok_or(TooManySteps)?);
        Ok(())
    }

    fn apply(
        &self,
        segment: &'a Segment,
        node: &'a Value,
        found: &mut Vec<&'a Value>,
    ) -> Result<(), TooManySteps> {
        match segment {
            Segment::Selector(selector) => self.pick(selector, node, found),
            Segment::Selectors(selectors) => {
                selectors.iter().try_for_each(|selector| self.pick(selector, node, found))
            }
            Segment::Descendant(inner) => {
                self.apply(inner, node, found)?;
                children(node).try_for_each(|child| self.apply(segment, child, found))
            }
        }
    }

    fn pick(
        &self,
        selector: &'a Selector,
        node: &'a Value,
        found: &mut Vec<&'a Value>,
    ) -> Result<(), TooManySteps> {
        self.spend(1)?;
        match selector {
            Selector::Name(name) => found.extend(node.get(name)),
            Selector::Index(index) => found.extend(element(node, *index)),
            Selector::Wildcard => {
                for child in children(node) {
                    self.spend(1)?;
                    found.push(child);
                }
            }
            Selector::Slice(start, end, step) => {
                for index in slice(node.as_array().map_or(0, Vec::len), *start, *end, *step) {
                    self.spend(1)?;
                    found.extend(element(node, index));
                }
            }
            Selector::Filter(filter) => {
                for child in children(node) {
                    if self.holds(filter, child)? {
                        found.push(child);
                    }
                }
            }
        }
        Ok(())
    }

    fn holds(&self, filter: &'a Filter, current: &'a Value) -> Result<bool, TooManySteps> {
        self.spend(1)?;
        match filter {
            Filter::Or(parts) => {
                for part in parts {
                    if self.holds(part, current)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::And(parts) => {
                for part in parts {
                    if !self.holds(part, current)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Atom(FilterAtom::Filter { expr, not }) => Ok(self.holds(expr, current)? != *not),
            Filter::Atom(FilterAtom::Test { expr, not }) => {
                Ok(self.selected(expr, current)?.is_empty() == *not)
            }
            Filter::Atom(FilterAtom::Comparison(comparison)) => self.compares(comparison, current),
        }
    }

    fn selected(&self, test: &'a Test, current: &'a Value) -> Result<Vec<&'a Value>, TooManySteps> {
        match test {
            Test::RelQuery(segments) => self.nodes(segments, current),
            Test::AbsQuery(query) => self.nodes(&query.segments, self.document),
            Test::Function(_) => Ok(Vec::new()),
        }
    }

    fn compares(&self, comparison: &'a Comparison, current: &'a Value) -> Result<bool, TooManySteps> {
        let operand = |side| self.operand(side, current);
        match comparison {
            Comparison::Eq(left, right) => self.equal(operand(left)?, operand(right)?),
            Comparison::Ne(left, right) => Ok(!self.equal(operand(left)?, operand(right)?)?),
            Comparison::Lt(left, right) => self.less(operand(left)?, operand(right)?),
            Comparison::Gt(left, right) => self.less(operand(right)?, operand(left)?),
            Comparison::Lte(left, right) => self.at_most(operand(left)?, operand(right)?),
            Comparison::Gte(left, right) => self.at_most(operand(right)?, operand(left)?),
        }
    }

    fn operand(&self, side: &'a Comparable, current: &'a Value) -> Result<Operand<'a>, TooManySteps> {
        match side {
            Comparable::Literal(literal) => Ok(Operand::of_literal(literal)),
            Comparable::Function(function) => self.call(function, current),
            Comparable::SingularQuery(query) => {
                let (mut node, steps) = match query {
                    SingularQuery::Current(steps) => (Some(current), steps),
                    SingularQuery::Root(steps) => (Some(self.document), steps),
                };
                for step in steps {
                    self.spend(1)?;
                    node = node.and_then(|node| match step {
                        SingularQuerySegment::Name(name) => node.get(name),
                        SingularQuerySegment::Index(index) => element(node, *index),
                    });
                }
                Ok(node.map_or(Operand::Nothing, Operand::of_value))
            }
        }
    }

    fn call(&self, function: &'a TestFunction, current: &'a Value) -> Result<Operand<'a>, TooManySteps> {
        match function {
            TestFunction::Length(argument) => self.length(self.argument(argument, current)?),
            TestFunction::Value(argument) => self.argument(argument, current),
            TestFunction::Count(FnArg::Test(test)) => {
                Ok(Operand::Number(self.selected(test, current)?.len() as f64))
            }
            // Refused when the path was checked.
            TestFunction::Count(_)
            | TestFunction::Search(..)
            | TestFunction::Match(..)
            | TestFunction::Custom(..) => Ok(Operand::Nothing),
        }
    }

    /// The one value of an argument; nothing where there is none or more.
    fn argument(&self, argument: &'a FnArg, current: &'a Value) -> Result<Operand<'a>, TooManySteps> {
        match argument {
            FnArg::Literal(literal) => Ok(Operand::of_literal(literal)),
            FnArg::Filter(_) => Ok(Operand::Nothing),
            FnArg::Test(test) => match test.as_ref() {
                Test::Function(function) => self.call(function, current),
                Test::RelQuery(_) | Test::AbsQuery(_) => match self.selected(test, current)?.as_slice() {
                    [one] => Ok(Operand::of_value(one)),
                    _ => Ok(Operand::Nothing),
                },
            },
        }
    }

    fn length(&self, value: Operand<'a>) -> Result<Operand<'a>, TooManySteps> {
        Ok(match value {
            Operand::Text(text) => {
                self.spend(text_steps(text))?;
                Operand::Number(text.chars().count() as f64)
            }
            Operand::Container(Value::Array(items)) => Operand::Number(items.len() as f64),
            Operand::Container(Value::Object(members)) => Operand::Number(members.len() as f64),
            _ => Operand::Nothing,
        })
    }

    fn at_most(&self, left: Operand<'a>, right: Operand<'a>) -> Result<bool, TooManySteps> {
        Ok(self.less(left, right)? || self.equal(left, right)?)
    }

    fn less(&self, left: Operand<'a>, right: Operand<'a>) -> Result<bool, TooManySteps> {
        match (left, right) {
            (Operand::Number(left), Operand::Number(right)) => Ok(left < right),
            (Operand::Text(left), Operand::Text(right)) => {
                self.spend(text_steps(left).min(text_steps(right)))?;
                Ok(left < right)
            }
            _ => Ok(false),
        }
    }

    fn equal(&self, left: Operand<'a>, right: Operand<'a>) -> Result<bool, TooManySteps> {
        self.spend(1)?;
        Ok(match (left, right) {
            (Operand::Nothing, Operand::Nothing) | (Operand::Null, Operand::Null) => true,
            (Operand::Bool(left), Operand::Bool(right)) => left == right,
            (Operand::Number(left), Operand::Number(right)) => left == right,
            (Operand::Text(left), Operand::Text(right)) => {
                self.spend(text_steps(left).min(text_steps(right)))?;
                left == right
            }
            (Operand::Container(Value::Array(left)), Operand::Container(Value::Array(right))) => {
                left.len() == right.len() && self.all_equal(left.iter().zip(right.iter().map(Some)))?
            }
            (Operand::Container(Value::Object(left)), Operand::Container(Value::Object(right))) => {
                let pairs = left.iter().map(|(name, value)| (value, right.get(name)));
                left.len() == right.len() && self.all_equal(pairs)?
            }
            _ => false,
        })
    }

    fn all_equal(
        &self,
        pairs: impl Iterator<Item = (&'a Value, Option<&'a Value>)>,
    ) -> Result<bool, TooManySteps> {
        for (left, right) in pairs {
            let right = right.map_or(Operand::Nothing, Operand::of_value);
            if !self.equal(Operand::of_value(left), right)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The direct children of a list or an object.
fn children(node: &Value) -> impl Iterator<Item = &Value> {
    let items = node.as_array().into_iter().flatten();
    items.chain(node.as_object().into_iter().flat_map(|members| members.values()))
}

/// The element at `index`, counted from the end where negative.
fn element(node: &Value, index: i64) -> Option<&Value> {
    let items = node.as_array()?;
    let index = if index < 0 { index.checked_add(i64::try_from(items.len()).ok()?)? } else { index };
    items.get(usize::try_from(index).ok()?)
}

/// The indexes of a slice, as RFC 9535 section 2.3.4.2 defines them.
fn slice(len: usize, start: Option<i64>, end: Option<i64>, step: Option<i64>) -> impl Iterator<Item = i64> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let step = step.unwrap_or(1);
    let from_front = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
    let (first, last) = if step < 0 {
        (start.map_or(len - 1, from_front).clamp(-1, len - 1), end.map_or(-1, from_front).clamp(-1, len - 1))
    } else {
        (start.map_or(0, from_front).clamp(0, len), end.map_or(len, from_front).clamp(0, len))
    };
    let inside = move |index: &i64| if step < 0 { *index > last } else { step > 0 && *index < last };
    std::iter::successors(Some(first), move |index| index.checked_add(step)).take_while(inside)
}
