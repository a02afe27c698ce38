//! The types of a formula, so that what can never come to a number is refused before it is asked for.

use super::node::{Binary, Call, Function, Node};

/// What a part of a formula can come to, as far as that is known without values.
#[derive(Clone, Debug, PartialEq)]
enum Type {
    Int,
    Float,
    Bool,
    Nil,
    Array(Box<Type>),
    /// One of several.
    Any,
}

/// Checks that `node` can come to a number, or to nil, by what it is made of.
pub(super) fn check(node: &Node) -> Result<(), String> {
    match Types::default().of(node)? {
        Type::Int | Type::Float | Type::Nil | Type::Any => Ok(()),
        Type::Bool => Err("the result is true or false and no number: write `… ? 1 : 0`".to_owned()),
        Type::Array(_) => Err("the result is an array and no number".to_owned()),
    }
}

#[derive(Default)]
struct Types {
    /// Of what `let` binds.
    bound: Vec<Type>,
    /// Of `#`, innermost last.
    elements: Vec<Type>,
}

impl Type {
    fn name(&self) -> &'static str {
        match self {
            Self::Int | Self::Float => "a number",
            Self::Bool => "true or false",
            Self::Nil => "nil",
            Self::Array(_) => "an array",
            Self::Any => "a value",
        }
    }

    fn may_be_number(&self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Any)
    }

    fn may_be_bool(&self) -> bool {
        matches!(self, Self::Bool | Self::Any)
    }

    /// What holds for both.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Nil, other) | (other, Self::Nil) => other,
            (Self::Int | Self::Float, Self::Int | Self::Float) => Self::Float,
            _ => Self::Any,
        }
    }
}

impl Types {
    fn of(&mut self, node: &Node) -> Result<Type, String> {
        Ok(match node {
            Node::Int(_) => Type::Int,
            Node::Float(_) | Node::Trigger(_) => Type::Float,
            Node::Bool(_) => Type::Bool,
            Node::Nil => Type::Nil,
            Node::Bound(place) => self.bound[*place].clone(),
            Node::Element => self.elements.last().cloned().unwrap_or(Type::Any),
            Node::Negative(value) => {
                let of = self.of(value)?;
                number("-", &of)?;
                of
            }
            Node::Not(value) => condition("not", &self.of(value)?)?,
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.of(left)?, self.of(right)?);
                binary(*operator, &left, &right)?
            }
            Node::Compare(first, others) => {
                number("a comparison", &self.of(first)?)?;
                for (_, other) in others {
                    number("a comparison", &self.of(other)?)?;
                }
                Type::Bool
            }
            Node::Coalesce(value, otherwise) => self.of(value)?.or(self.of(otherwise)?),
            Node::If(test, then, otherwise) => {
                condition("? :", &self.of(test)?)?;
                self.of(then)?.or(self.of(otherwise)?)
            }
            Node::Let(value, body) => {
                let value = self.of(value)?;
                self.bound.push(value);
                let body = self.of(body)?;
                self.bound.pop();
                body
            }
            Node::Array(items) => Type::Array(Box::new(self.all(items)?)),
            Node::Call(call) => self.call(call)?,
        })
    }

    /// What all of `items` are.
    fn all(&mut self, items: &[Node]) -> Result<Type, String> {
        let mut of: Option<Type> = None;
        for item in items {
            let item = self.of(item)?;
            of = Some(of.map_or(item.clone(), |of| of.or(item)));
        }
        Ok(of.unwrap_or(Type::Any))
    }

    fn call(&mut self, call: &Call) -> Result<Type, String> {
        use Function as F;
        let (function, name) = (call.function, call.function.name());
        if matches!(function, F::Min | F::Max | F::Mean | F::Median) {
            for argument in &call.arguments {
                let of = self.of(argument)?;
                numbers(name, &of)?;
            }
            return Ok(Type::Float);
        }
        let argument = self.all(&call.arguments)?;
        if matches!(function, F::Abs | F::Ceil | F::Floor | F::Round | F::Int | F::Float) {
            number(name, &argument)?;
            return Ok(match function {
                F::Int => Type::Int,
                F::Abs => argument,
                _ => Type::Float,
            });
        }
        let element = match argument {
            Type::Array(element) => *element,
            Type::Any => Type::Any,
            other => return Err(format!("{name} takes an array, not {}", other.name())),
        };
        let asked = match &call.predicate {
            None => element.clone(),
            Some(predicate) => {
                self.elements.push(element.clone());
                let asked = self.of(predicate)?;
                self.elements.pop();
                asked
            }
        };
        Ok(match function {
            F::All | F::Any | F::None | F::One => condition(name, &asked)?,
            F::Count => condition(name, &asked).map(|_| Type::Int)?,
            F::Sum => {
                number(name, &asked)?;
                asked
            }
            F::Map => Type::Array(Box::new(asked)),
            F::Filter => condition(name, &asked).map(|_| Type::Array(Box::new(element)))?,
            F::Len => Type::Int,
            _ => element,
        })
    }
}

fn binary(operator: Binary, left: &Type, right: &Type) -> Result<Type, String> {
    let text = operator.text();
    match operator {
        Binary::And | Binary::Or => {
            condition(text, left)?;
            condition(text, right)
        }
        Binary::Equal | Binary::NotEqual => Ok(Type::Bool),
        Binary::In => match right {
            Type::Array(_) | Type::Any => Ok(Type::Bool),
            other => Err(format!("in looks into an array, not into {}", other.name())),
        },
        _ => {
            number(text, left)?;
            number(text, right)?;
            let is_whole = *left == Type::Int && *right == Type::Int;
            match operator {
                Binary::Modulo if *left == Type::Float || *right == Type::Float => {
                    Err("% takes whole numbers: write int(…)".to_owned())
                }
                Binary::Modulo => Ok(Type::Int),
                Binary::Divide | Binary::Power => Ok(Type::Float),
                _ => Ok(if is_whole { Type::Int } else { Type::Float }),
            }
        }
    }
}

fn number(what: &str, of: &Type) -> Result<(), String> {
    if of.may_be_number() { Ok(()) } else { Err(format!("{what} takes numbers, not {}", of.name())) }
}

fn numbers(what: &str, of: &Type) -> Result<(), String> {
    match of {
        Type::Array(element) => numbers(what, element),
        other => number(what, other),
    }
}

fn condition(what: &str, of: &Type) -> Result<Type, String> {
    if of.may_be_bool() {
        Ok(Type::Bool)
    } else {
        Err(format!("{what} takes true or false, not {}", of.name()))
    }
}
