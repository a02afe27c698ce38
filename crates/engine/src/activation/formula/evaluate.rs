//! The value of a formula.

use super::node::{Binary, Call, Function, Node};

/// Parts that are evaluated for one value: predicates within predicates multiply.
const MOST_STEPS: u32 = 20_000;

/// What a part of a formula comes to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Array(Vec<Value>),
}

/// The value of `node` by those of the triggers; without one, a trigger is nil.
pub(super) fn evaluate(node: &Node, values: &[Option<f64>]) -> Result<Value, String> {
    Evaluation { values, bound: vec![], elements: vec![], steps: 0 }.of(node)
}

struct Evaluation<'a> {
    values: &'a [Option<f64>],
    /// What `let` has bound, and the elements of the predicates around, innermost last.
    bound: Vec<Value>,
    elements: Vec<Value>,
    steps: u32,
}

impl Value {
    /// The result of a formula: a number, or nil.
    pub(super) fn number(&self) -> Result<Option<f64>, String> {
        if *self == Self::Nil { Ok(None) } else { self.float("the result").map(Some) }
    }

    fn float(&self, what: &str) -> Result<f64, String> {
        match self {
            Self::Int(value) => Ok(*value as f64),
            Self::Float(value) => Ok(*value),
            other => Err(format!("{what} takes numbers, not {}", other.name())),
        }
    }

    fn bool(&self, what: &str) -> Result<bool, String> {
        match self {
            Self::Bool(value) => Ok(*value),
            other => Err(format!("{what} takes true or false, not {}", other.name())),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Array(_) => "an array",
        }
    }

    /// Elements of an array, and of those in it.
    fn elements(&self) -> u32 {
        match self {
            Self::Array(items) => items.iter().map(|item| 1 + item.elements()).sum(),
            _ => 0,
        }
    }

    /// Whether both are the same; numbers by what they are worth.
    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(_) | Self::Float(_), Self::Int(_) | Self::Float(_)) => {
                self.float("").ok() == other.float("").ok()
            }
            (Self::Array(one), Self::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.equals(other))
            }
            (one, other) => one == other,
        }
    }

    /// Adds the numbers in it to `all`.
    fn flatten(&self, what: &str, all: &mut Vec<f64>) -> Result<(), String> {
        match self {
            Self::Array(items) => items.iter().try_for_each(|item| item.flatten(what, all)),
            other => other.float(what).map(|value| all.push(value)),
        }
    }
}

impl Evaluation<'_> {
    fn charge(&mut self, steps: u32) -> Result<(), String> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MOST_STEPS { Err(format!("it takes more than {MOST_STEPS} steps")) } else { Ok(()) }
    }

    /// A copy of an array costs as many steps as it has elements, so that none grows beyond the steps.
    fn copied(&mut self, value: Value) -> Result<Value, String> {
        self.charge(value.elements())?;
        Ok(value)
    }

    fn of(&mut self, node: &Node) -> Result<Value, String> {
        self.charge(1)?;
        Ok(match node {
            Node::Int(value) => Value::Int(*value),
            Node::Float(value) => Value::Float(*value),
            Node::Bool(value) => Value::Bool(*value),
            Node::Nil => Value::Nil,
            Node::Trigger(place) => {
                self.values.get(*place).copied().flatten().map_or(Value::Nil, Value::Float)
            }
            Node::Bound(place) => self.copied(self.bound[*place].clone())?,
            Node::Element => self.copied(self.elements.last().cloned().unwrap_or(Value::Nil))?,
            Node::Negative(value) => match self.of(value)? {
                Value::Int(value) => Value::Int(value.wrapping_neg()),
                other => Value::Float(-other.float("-")?),
            },
            Node::Not(value) => Value::Bool(!self.of(value)?.bool("not")?),
            Node::Binary(operator, left, right) => self.binary(*operator, left, right)?,
            Node::Compare(first, others) => Value::Bool(self.compare(first, others)?),
            Node::Coalesce(value, otherwise) => match self.of(value)? {
                Value::Nil => self.of(otherwise)?,
                value => value,
            },
            Node::If(test, then, otherwise) => {
                let branch = if self.of(test)?.bool("? :")? { then } else { otherwise };
                self.of(branch)?
            }
            Node::Let(value, body) => {
                let value = self.of(value)?;
                self.bound.push(value);
                let body = self.of(body);
                self.bound.pop();
                body?
            }
            Node::Array(items) => {
                Value::Array(items.iter().map(|item| self.of(item)).collect::<Result<_, _>>()?)
            }
            Node::Call(call) => self.call(call)?,
        })
    }

    fn binary(&mut self, operator: Binary, left: &Node, right: &Node) -> Result<Value, String> {
        let (text, left) = (operator.text(), self.of(left)?);
        if let Binary::And | Binary::Or = operator {
            let left = left.bool(text)?;
            let is_decided = left == (operator == Binary::Or);
            return Ok(Value::Bool(if is_decided { left } else { self.of(right)?.bool(text)? }));
        }
        let right = self.of(right)?;
        match operator {
            Binary::Equal => Ok(Value::Bool(left.equals(&right))),
            Binary::NotEqual => Ok(Value::Bool(!left.equals(&right))),
            Binary::In => match right {
                Value::Array(items) => Ok(Value::Bool(items.iter().any(|item| item.equals(&left)))),
                other => Err(format!("in looks into an array, not into {}", other.name())),
            },
            _ => arithmetic(operator, &left, &right),
        }
    }

    fn compare(&mut self, first: &Node, others: &[(Binary, Node)]) -> Result<bool, String> {
        let mut left = self.of(first)?.float("a comparison")?;
        for (operator, other) in others {
            let right = self.of(other)?.float("a comparison")?;
            let holds = match operator {
                Binary::Less => left < right,
                Binary::LessOrEqual => left <= right,
                Binary::Greater => left > right,
                _ => left >= right,
            };
            if !holds {
                return Ok(false);
            }
            left = right;
        }
        Ok(true)
    }

    fn call(&mut self, call: &Call) -> Result<Value, String> {
        use Function as F;
        let name = call.function.name();
        let arguments: Vec<Value> =
            call.arguments.iter().map(|argument| self.of(argument)).collect::<Result<_, _>>()?;
        if let F::Min | F::Max | F::Mean | F::Median = call.function {
            let mut all = Vec::new();
            arguments.iter().try_for_each(|argument| argument.flatten(name, &mut all))?;
            return Ok(statistic(call.function, all));
        }
        let argument = arguments.into_iter().next().unwrap_or(Value::Nil);
        match (call.function, argument) {
            (F::Abs, Value::Int(value)) => Ok(Value::Int(value.wrapping_abs())),
            (F::Int, Value::Int(value)) => Ok(Value::Int(value)),
            (F::Abs, value) => Ok(Value::Float(value.float(name)?.abs())),
            // Cut off, and at the ends of what a whole number holds.
            (F::Int, value) => Ok(Value::Int(value.float(name)? as i64)),
            (F::Ceil, value) => Ok(Value::Float(value.float(name)?.ceil())),
            (F::Floor, value) => Ok(Value::Float(value.float(name)?.floor())),
            (F::Round, value) => Ok(Value::Float(value.float(name)?.round())),
            (F::Float, value) => Ok(Value::Float(value.float(name)?)),
            (function, Value::Array(items)) => self.of_array(function, items, call.predicate.as_deref()),
            (_, other) => Err(format!("{name} takes an array, not {}", other.name())),
        }
    }

    fn of_array(
        &mut self,
        function: Function,
        items: Vec<Value>,
        asked: Option<&Node>,
    ) -> Result<Value, String> {
        use Function as F;
        let name = function.name();
        match function {
            F::Len => return Ok(Value::Int(items.len() as i64)),
            F::First => return Ok(items.into_iter().next().unwrap_or(Value::Nil)),
            F::Last => return Ok(items.into_iter().next_back().unwrap_or(Value::Nil)),
            _ => {}
        }
        let mut answers = Vec::with_capacity(items.len());
        for item in &items {
            answers.push(match asked {
                None => item.clone(),
                Some(asked) => {
                    self.elements.push(item.clone());
                    let answer = self.of(asked);
                    self.elements.pop();
                    answer?
                }
            });
        }
        match function {
            F::Map => return Ok(Value::Array(answers)),
            F::Sum => {
                let sum = |sum, answer: &Value| arithmetic(Binary::Add, &sum, answer);
                return answers.iter().try_fold(Value::Int(0), sum);
            }
            _ => {}
        }
        let holds: Vec<bool> = answers.iter().map(|answer| answer.bool(name)).collect::<Result<_, _>>()?;
        let count = holds.iter().filter(|holds| **holds).count();
        Ok(match function {
            F::All => Value::Bool(count == holds.len()),
            F::Any => Value::Bool(count > 0),
            F::None => Value::Bool(count == 0),
            F::One => Value::Bool(count == 1),
            F::Filter => Value::Array(
                items.into_iter().zip(holds).filter_map(|(item, holds)| holds.then_some(item)).collect(),
            ),
            _ => Value::Int(count as i64),
        })
    }
}

fn arithmetic(operator: Binary, left: &Value, right: &Value) -> Result<Value, String> {
    let text = operator.text();
    if let (Value::Int(left), Value::Int(right)) = (left, right) {
        match operator {
            Binary::Add => return Ok(Value::Int(left.wrapping_add(*right))),
            Binary::Subtract => return Ok(Value::Int(left.wrapping_sub(*right))),
            Binary::Multiply => return Ok(Value::Int(left.wrapping_mul(*right))),
            Binary::Modulo if *right == 0 => return Err("% by 0".to_owned()),
            Binary::Modulo => return Ok(Value::Int(left.wrapping_rem(*right))),
            _ => {}
        }
    }
    let (left, right) = (left.float(text)?, right.float(text)?);
    match operator {
        Binary::Add => Ok(Value::Float(left + right)),
        Binary::Subtract => Ok(Value::Float(left - right)),
        Binary::Multiply => Ok(Value::Float(left * right)),
        Binary::Divide => Ok(Value::Float(left / right)),
        Binary::Power => Ok(Value::Float(left.powf(right))),
        _ => Err("% takes whole numbers: write int(…)".to_owned()),
    }
}

/// Of no numbers, the least and the most are nil, and the others 0.
fn statistic(function: Function, mut all: Vec<f64>) -> Value {
    match function {
        Function::Min => all.into_iter().reduce(f64::min).map_or(Value::Nil, Value::Float),
        Function::Max => all.into_iter().reduce(f64::max).map_or(Value::Nil, Value::Float),
        _ if all.is_empty() => Value::Float(0.0),
        Function::Mean => Value::Float(all.iter().sum::<f64>() / all.len() as f64),
        _ => {
            all.sort_by(f64::total_cmp);
            let (middle, is_even) = (all.len() / 2, all.len().is_multiple_of(2));
            Value::Float(if is_even { (all[middle - 1] + all[middle]) / 2.0 } else { all[middle] })
        }
    }
}
