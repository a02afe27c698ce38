//! The grammar of expr-lang, as far as it is about numbers: an operator of a given strength takes what binds stronger.

use super::node::{Binary, Call, Function, Node, Strength};
use super::token::{Token, What, tokens};

/// Parts of a formula; what is evaluated is never deeper than that.
const MOST_NODES: usize = 500;

/// Brackets, branches and operators within each other.
const DEEPEST: usize = 50;

/// How strongly signs bind that stand before a value, and `??`.
const NOT: u32 = 50;
const SIGN: u32 = 90;
const COALESCE: u32 = 500;

/// Words that cannot name anything.
const WORDS: &[&str] = &["and", "false", "if", "else", "in", "let", "nil", "not", "or", "true"];

/// The formula `text` over triggers with these names.
pub(super) fn parse(text: &str, names: &[&str]) -> Result<Node, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens, next: 0, names, bound: vec![], nodes: 0, depth: 0, predicates: 0 };
    let node = parser.sequence()?;
    match parser.token().what {
        What::End => Ok(node),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    names: &'a [&'a str],
    /// What `let` has bound so far.
    bound: Vec<&'a str>,
    nodes: usize,
    depth: usize,
    /// Predicates around.
    predicates: usize,
}

impl<'a> Parser<'a> {
    fn token(&self) -> &Token<'a> {
        // The last one is the end, which is never passed.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn advance(&mut self) {
        self.next += 1;
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.token().what, What::Sign(text) if text == sign)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is = self.is(sign);
        if is {
            self.advance();
        }
        is
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is = self.token().what == What::Name(word);
        if is {
            self.advance();
        }
        is
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(format!("{}, {sign:?} is expected", self.unexpected())) }
    }

    fn fail(&self, why: impl std::fmt::Display) -> String {
        format!("at {}: {why}", self.token().at)
    }

    fn unexpected(&self) -> String {
        match self.token().what {
            What::End => self.fail("the formula ends too early"),
            What::Int(_) | What::Float(_) => self.fail("unexpected number"),
            What::Name(name) => self.fail(format_args!("unexpected {name:?}")),
            What::Sign(sign) => self.fail(format_args!("unexpected {sign:?}")),
        }
    }

    /// Counts one more part.
    fn made(&mut self, node: Node) -> Result<Node, String> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(format!("the formula has more than {MOST_NODES} parts"));
        }
        Ok(node)
    }

    /// `let x = …; …`, or an expression.
    fn sequence(&mut self) -> Result<Node, String> {
        if !self.takes_word("let") {
            return self.expression(0);
        }
        let What::Name(name) = self.token().what else { return Err(self.unexpected()) };
        if WORDS.contains(&name)
            || self.names.contains(&name)
            || Function::ALL.iter().any(|(known, _)| *known == name)
        {
            return Err(self.fail(format_args!("{name:?} cannot be bound, the name is taken")));
        }
        self.advance();
        self.expect("=")?;
        let value = self.expression(0)?;
        self.expect(";")?;
        self.bound.push(name);
        let body = self.deeper(Self::sequence)?;
        self.bound.pop();
        self.made(Node::Let(Box::new(value), Box::new(body)))
    }

    fn deeper<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.fail(format_args!("more than {DEEPEST} levels within each other")));
        }
        let part = part(self)?;
        self.depth -= 1;
        Ok(part)
    }

    /// An expression whose operators bind at least as strongly as `least`.
    fn expression(&mut self, least: u32) -> Result<Node, String> {
        self.deeper(|parser| parser.operators(least))
    }

    fn operators(&mut self, least: u32) -> Result<Node, String> {
        if least == 0 && self.takes_word("if") {
            return self.branches();
        }
        let mut left = self.primary()?;
        let mut was_coalesce = false;
        loop {
            if least == 0 && self.takes("|") {
                left = self.pipe(left)?;
                continue;
            }
            if least <= COALESCE && self.takes("??") {
                let right = self.expression(COALESCE + 1)?;
                left = self.made(Node::Coalesce(Box::new(left), Box::new(right)))?;
                was_coalesce = true;
                continue;
            }
            let Some(operator) = self.operator() else { break };
            let Strength { strength, from_right } = operator.strength();
            if strength < least {
                break;
            }
            if was_coalesce {
                let text = operator.text();
                return Err(self.fail(format_args!("{text:?} after ??: put brackets round either")));
            }
            self.advance();
            if operator.is_chained() {
                left = self.comparison(left, operator)?;
                continue;
            }
            let right = self.expression(if from_right { strength } else { strength + 1 })?;
            left = self.made(Node::Binary(operator, Box::new(left), Box::new(right)))?;
        }
        if least == 0 && self.takes("?") {
            let then = self.expression(0)?;
            self.expect(":")?;
            let otherwise = self.expression(0)?;
            return self.made(Node::If(Box::new(left), Box::new(then), Box::new(otherwise)));
        }
        Ok(left)
    }

    /// `if … { … } else { … }` behind the `if`, or with a further `if` behind the `else`.
    fn branches(&mut self) -> Result<Node, String> {
        let condition = self.expression(0)?;
        let then = self.block()?;
        if !self.takes_word("else") {
            return Err(format!("{}, \"else\" is expected", self.unexpected()));
        }
        let otherwise = if self.takes_word("if") { self.deeper(Self::branches)? } else { self.block()? };
        self.made(Node::If(Box::new(condition), Box::new(then), Box::new(otherwise)))
    }

    /// `{ … }`
    fn block(&mut self) -> Result<Node, String> {
        self.expect("{")?;
        let inner = self.deeper(Self::sequence)?;
        self.expect("}")?;
        Ok(inner)
    }

    fn operator(&self) -> Option<Binary> {
        match self.token().what {
            What::Sign(text) => Binary::of(text),
            What::Name(text) => Binary::of(text),
            What::Int(_) | What::Float(_) | What::End => None,
        }
    }

    /// `first < …`, and all that follows in the same way.
    fn comparison(&mut self, first: Node, mut operator: Binary) -> Result<Node, String> {
        let mut others = Vec::new();
        loop {
            others.push((operator, self.expression(operator.strength().strength + 1)?));
            match self.operator().filter(|next| next.is_chained()) {
                Some(next) => operator = next,
                None => return self.made(Node::Compare(Box::new(first), others)),
            }
            self.advance();
        }
    }

    /// `… | f()`: the value before is the first argument.
    fn pipe(&mut self, left: Node) -> Result<Node, String> {
        match self.token().what {
            What::Name(name) if !WORDS.contains(&name) => {
                self.advance();
                self.expect("(")?;
                self.call(name, vec![left])
            }
            _ => Err(self.unexpected()),
        }
    }

    fn primary(&mut self) -> Result<Node, String> {
        for (signs, strength) in [(["-", "+"], SIGN), (["!", "not"], NOT)] {
            let found = signs.into_iter().find(|sign| self.is(sign) || self.token().what == What::Name(sign));
            let Some(sign) = found else { continue };
            self.advance();
            let value = Box::new(self.expression(strength)?);
            return match sign {
                "-" => self.made(Node::Negative(value)),
                "+" => Ok(*value),
                _ => self.made(Node::Not(value)),
            };
        }
        let what = self.token().what;
        let node = match what {
            What::Int(value) => Node::Int(value),
            What::Float(value) => Node::Float(value),
            What::Name("true") => Node::Bool(true),
            What::Name("false") => Node::Bool(false),
            What::Name("nil") => Node::Nil,
            What::Name(name) => return self.name(name),
            What::Sign("#") if self.predicates > 0 => Node::Element,
            What::Sign("#") => return Err(self.fail("# stands for an element, in a predicate alone")),
            What::Sign("(") => {
                self.advance();
                let inner = self.sequence()?;
                self.expect(")")?;
                return Ok(inner);
            }
            What::Sign("[") => {
                self.advance();
                return self.array();
            }
            What::Sign("{") => return Err(self.fail("maps are not supported")),
            What::Sign(_) | What::End => return Err(self.unexpected()),
        };
        self.advance();
        self.made(node)
    }

    /// A call, what is bound, or a trigger.
    fn name(&mut self, name: &'a str) -> Result<Node, String> {
        if WORDS.contains(&name) {
            return Err(self.unexpected());
        }
        let place = self.next;
        self.advance();
        if self.takes("(") {
            return self.call(name, vec![]);
        }
        if let Some(bound) = self.bound.iter().rposition(|known| *known == name) {
            return self.made(Node::Bound(bound));
        }
        if let Some(trigger) = self.names.iter().position(|known| *known == name) {
            return self.made(Node::Trigger(trigger));
        }
        self.next = place;
        let known = if self.names.is_empty() {
            "no trigger has a name".to_owned()
        } else {
            format!("the triggers are {}", self.names.join(", "))
        };
        Err(self.fail(format_args!("unknown name {name:?}: {known}")))
    }

    fn array(&mut self) -> Result<Node, String> {
        let mut items = Vec::new();
        while !self.takes("]") {
            items.push(self.expression(0)?);
            if !self.is("]") {
                self.expect(",")?;
            }
        }
        self.made(Node::Array(items))
    }

    /// The arguments of the function `name` up to the bracket that ends them, behind those that it already has.
    fn call(&mut self, name: &str, mut arguments: Vec<Node>) -> Result<Node, String> {
        let Some(&(_, function)) = Function::ALL.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = Function::ALL.iter().map(|(name, _)| *name).collect();
            return Err(self.fail(format_args!("unknown function {name:?}: known are {}", known.join(", "))));
        };
        let mut predicate = None;
        while !self.takes(")") {
            if arguments.is_empty() || function.predicate().is_none() {
                arguments.push(self.expression(0)?);
            } else if predicate.is_none() {
                predicate = Some(Box::new(self.predicate()?));
            } else {
                return Err(self.unexpected());
            }
            if !self.is(")") {
                self.expect(",")?;
            }
        }
        if arguments.is_empty() || arguments.len() > function.most_arguments() {
            let most = if function.most_arguments() == 1 { "one argument" } else { "at least one argument" };
            return Err(self.fail(format_args!("{name} takes {most}, not {}", arguments.len())));
        }
        if predicate.is_none() && function.predicate() == Some(true) {
            return Err(
                self.fail(format_args!("{name} needs a predicate, for example {name}([a, b], {{# > 1}})"))
            );
        }
        self.made(Node::Call(Call { function, arguments, predicate }))
    }

    /// `{# > 1}` or `# > 1`.
    fn predicate(&mut self) -> Result<Node, String> {
        self.predicates += 1;
        let node = if self.is("{") { self.block()? } else { self.expression(0)? };
        self.predicates -= 1;
        Ok(node)
    }
}
