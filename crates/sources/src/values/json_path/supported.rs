//! What the grammar lets through and the evaluation does not do.
//!
//! Regular expressions are left out: they would be compiled for every node, and a
//! comparison says the same for names. The rest are the RFC's own typing rules.

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, FnArg, JpQuery, Segment, Selector, Test, TestFunction,
};

type Checked = Result<(), String>;

/// Whether every part of `query` can be evaluated, or which cannot.
pub(super) fn check(query: &JpQuery) -> Checked {
    segments(&query.segments)
}

fn segments(segments: &[Segment]) -> Checked {
    segments.iter().try_for_each(segment)
}

fn segment(segment: &Segment) -> Checked {
    match segment {
        Segment::Descendant(inner) => self::segment(inner),
        Segment::Selector(one) => selector(one),
        Segment::Selectors(several) => several.iter().try_for_each(selector),
    }
}

fn selector(selector: &Selector) -> Checked {
    match selector {
        Selector::Filter(inner) => filter(inner),
        Selector::Name(_) | Selector::Index(_) | Selector::Slice(..) | Selector::Wildcard => Ok(()),
    }
}

fn filter(filter: &Filter) -> Checked {
    match filter {
        Filter::Or(parts) | Filter::And(parts) => parts.iter().try_for_each(self::filter),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => self::filter(expr),
        Filter::Atom(FilterAtom::Test { expr, .. }) => match expr.as_ref() {
            Test::RelQuery(path) => segments(path),
            Test::AbsQuery(query) => check(query),
            Test::Function(function) => Err(match self::function(function) {
                Err(unsupported) => unsupported,
                Ok(()) => format!("must compare {function} with something"),
            }),
        },
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (left, right) = match comparison.as_ref() {
                Comparison::Eq(left, right)
                | Comparison::Ne(left, right)
                | Comparison::Gt(left, right)
                | Comparison::Gte(left, right)
                | Comparison::Lt(left, right)
                | Comparison::Lte(left, right) => (left, right),
            };
            comparable(left)?;
            comparable(right)
        }
    }
}

fn comparable(comparable: &Comparable) -> Checked {
    match comparable {
        Comparable::Function(function) => self::function(function),
        Comparable::Literal(_) | Comparable::SingularQuery(_) => Ok(()),
    }
}

fn function(function: &TestFunction) -> Checked {
    let unsupported =
        |name: &str| Err(format!("must not use the function {name}(): compare with == instead"));
    match function {
        TestFunction::Length(argument) => match argument.as_ref() {
            FnArg::Literal(_) => Ok(()),
            FnArg::Test(test) => match test.as_ref() {
                Test::RelQuery(path) => singular(path),
                Test::AbsQuery(query) => singular(&query.segments),
                Test::Function(inner) => self::function(inner),
            },
            FnArg::Filter(_) => Err("must not pass a condition to length()".into()),
        },
        TestFunction::Count(argument) | TestFunction::Value(argument) => match argument {
            FnArg::Test(test) => match test.as_ref() {
                Test::RelQuery(path) => segments(path),
                Test::AbsQuery(query) => check(query),
                Test::Function(_) => Err("must pass a path to count() and value()".into()),
            },
            FnArg::Literal(_) | FnArg::Filter(_) => Err("must pass a path to count() and value()".into()),
        },
        TestFunction::Search(..) => unsupported("search"),
        TestFunction::Match(..) => unsupported("match"),
        TestFunction::Custom(name, _) => unsupported(name),
    }
}

/// `length()` takes one value, so its path must not be able to select several.
fn singular(path: &[Segment]) -> Checked {
    let one =
        |segment: &Segment| matches!(segment, Segment::Selector(Selector::Name(_) | Selector::Index(_)));
    if path.iter().all(one) {
        return Ok(());
    }
    Err("must pass length() a path of names and indexes only".into())
}
