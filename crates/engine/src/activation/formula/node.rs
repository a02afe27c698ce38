//! What a formula is made of.

/// A part of a formula.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Int(i64),
    Float(f64),
    Bool(bool),
    Nil,
    /// The value of a trigger, by its place among the names.
    Trigger(usize),
    /// What `let` has bound, by its place among those around.
    Bound(usize),
    /// `#`: an element of the array that the predicate is about.
    Element,
    Negative(Box<Node>),
    Not(Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    /// `1 < a < 5`: each with the one before it.
    Compare(Box<Node>, Vec<(Binary, Node)>),
    Coalesce(Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    Let(Box<Node>, Box<Node>),
    Array(Vec<Node>),
    Call(Call),
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) arguments: Vec<Node>,
    /// What is asked of each element.
    pub(super) predicate: Option<Box<Node>>,
}

/// An operator between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    In,
}

/// How strongly an operator binds; an operator that binds from the right takes its own kind on its right side.
pub(super) struct Strength {
    pub(super) strength: u32,
    pub(super) from_right: bool,
}

impl Binary {
    /// The operator that is written so.
    pub(super) fn of(text: &str) -> Option<Self> {
        Some(match text {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Modulo,
            "^" | "**" => Self::Power,
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "&&" | "and" => Self::And,
            "||" | "or" => Self::Or,
            "in" => Self::In,
            _ => return None,
        })
    }

    /// As it is written in messages.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::And => "and",
            Self::Or => "or",
            Self::In => "in",
        }
    }

    /// As in expr-lang.
    pub(super) fn strength(self) -> Strength {
        let strength = match self {
            Self::Or => 10,
            Self::And => 15,
            Self::Equal | Self::NotEqual | Self::In => 20,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => 20,
            Self::Add | Self::Subtract => 30,
            Self::Multiply | Self::Divide | Self::Modulo => 60,
            Self::Power => 100,
        };
        Strength { strength, from_right: self == Self::Power }
    }

    /// Whether several of it in a row all hold: `1 < a < 5`.
    pub(super) fn is_chained(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual)
    }
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Ceil,
    Floor,
    Round,
    Int,
    Float,
    /// Of numbers and arrays of them.
    Min,
    Max,
    Mean,
    Median,
    /// Of an array; with a predicate of what that makes of its elements.
    Sum,
    Len,
    First,
    Last,
    /// Of an array and a predicate.
    Count,
    All,
    Any,
    None,
    One,
    Map,
    Filter,
}

impl Function {
    /// Every function, by its name.
    pub(super) const ALL: &[(&str, Self)] = &[
        ("abs", Self::Abs),
        ("all", Self::All),
        ("any", Self::Any),
        ("ceil", Self::Ceil),
        ("count", Self::Count),
        ("filter", Self::Filter),
        ("first", Self::First),
        ("float", Self::Float),
        ("floor", Self::Floor),
        ("int", Self::Int),
        ("last", Self::Last),
        ("len", Self::Len),
        ("map", Self::Map),
        ("max", Self::Max),
        ("mean", Self::Mean),
        ("median", Self::Median),
        ("min", Self::Min),
        ("none", Self::None),
        ("one", Self::One),
        ("round", Self::Round),
        ("sum", Self::Sum),
    ];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// Whether it takes a predicate: `Some(true)` where it must have one.
    pub(super) fn predicate(self) -> Option<bool> {
        match self {
            Self::All | Self::Any | Self::None | Self::One | Self::Map | Self::Filter => Some(true),
            Self::Count | Self::Sum => Some(false),
            _ => None,
        }
    }

    /// How many arguments it takes at most, a predicate apart; at least one.
    pub(super) fn most_arguments(self) -> usize {
        if matches!(self, Self::Min | Self::Max | Self::Mean | Self::Median) { usize::MAX } else { 1 }
    }
}
