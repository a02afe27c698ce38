//! A terminal's screen as the demo leaves it, and the same as SVG. It knows the few escape
//! sequences that the demo uses.

use std::fmt::Write as _;

/// One character and how it is shown.
#[derive(Clone, Copy, PartialEq)]
struct Cell {
    character: char,
    style: Style,
}

#[derive(Clone, Copy, PartialEq, Default)]
struct Style {
    bold: bool,
    /// The colour's number, of which the demo uses green (32) and yellow (33).
    colour: u8,
}

/// What stands on the screen, line by line.
#[derive(Clone, Default)]
pub(crate) struct Screen {
    lines: Vec<Vec<Cell>>,
    row: usize,
    column: usize,
    style: Style,
}

impl Screen {
    /// The screen after all of `output` has been written to it.
    pub(crate) fn after(output: &str) -> Self {
        let mut screen = Self::default();
        // Of a sequence that has begun, what has come so far.
        let mut sequence: Option<String> = None;
        for character in output.chars() {
            match (&mut sequence, character) {
                (Some(begun), letter) if letter.is_ascii_alphabetic() => {
                    let begun = std::mem::take(begun);
                    screen.obey(begun.trim_start_matches('['), letter);
                    sequence = None;
                }
                (Some(begun), other) => begun.push(other),
                (None, '\u{1b}') => sequence = Some(String::new()),
                (None, '\r') => screen.column = 0,
                (None, '\n') => screen.row += 1,
                (None, other) => screen.put(other),
            }
        }
        screen
    }

    fn put(&mut self, character: char) {
        self.fill();
        let cell = Cell { character, style: self.style };
        let (line, column) = (&mut self.lines[self.row], self.column);
        if line.len() <= column {
            line.resize(column + 1, Cell { character: ' ', style: Style::default() });
        }
        line[column] = cell;
        self.column += 1;
    }

    fn obey(&mut self, parameter: &str, letter: char) {
        let number = parameter.parse().unwrap_or(0);
        match letter {
            'A' => self.row = self.row.saturating_sub(usize::from(number)),
            'K' => {
                self.fill();
                self.lines[self.row].truncate(self.column);
            }
            'm' => match number {
                0 => self.style = Style::default(),
                1 => self.style.bold = true,
                colour => self.style.colour = colour,
            },
            _ => {}
        }
    }

    fn fill(&mut self) {
        if self.lines.len() <= self.row {
            self.lines.resize(self.row + 1, Vec::new());
        }
    }

    /// What begins with the last line that begins with `text`.
    pub(crate) fn beginning_at(mut self, text: &str) -> Self {
        let begins = |line: &Vec<Cell>| characters(line).starts_with(text);
        let first = self.lines.iter().rposition(begins).unwrap_or(self.lines.len());
        self.lines.drain(..first);
        self
    }

    /// Columns of the longest line.
    pub(crate) fn columns(&self) -> usize {
        self.lines.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// The text of a line; empty where there is none.
    pub(crate) fn line(&self, index: usize) -> String {
        self.lines.get(index).map(|line| characters(line)).unwrap_or_default()
    }
}

fn characters(line: &[Cell]) -> String {
    line.iter().map(|cell| cell.character).collect()
}

/// Size of a character in pixels, and the room around the text.
const WIDTH: f64 = 8.0;
const HEIGHT: f64 = 19.0;
const MARGIN: f64 = 18.0;

/// The screen as a picture.
pub(crate) fn svg(screen: &Screen) -> String {
    let width = screen.columns() as f64 * WIDTH + 2.0 * MARGIN;
    let height = screen.lines.len() as f64 * HEIGHT + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\">\n\
         <title>The live table of polyscaler demo</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#12161c\"/>\n"
    );
    for (row, line) in screen.lines.iter().enumerate() {
        let y = MARGIN + (row as f64 + 0.75) * HEIGHT;
        let mut column = 0;
        for run in line.chunk_by(|one, other| one.style == other.style) {
            let (x, text) = (MARGIN + column as f64 * WIDTH, characters(run));
            column += run.len();
            if text.trim().is_empty() {
                continue;
            }
            let Style { bold, colour } = run[0].style;
            let fill = match colour {
                32 => "#58c58c",
                33 => "#f0c05a",
                _ => "#e6eaf0",
            };
            let weight = if bold { " font-weight=\"bold\"" } else { "" };
            // The length keeps columns in line whatever font there is.
            let _ = writeln!(
                svg,
                "<text x=\"{x}\" y=\"{y}\" fill=\"{fill}\"{weight} xml:space=\"preserve\" textLength=\"{}\" \
                 lengthAdjust=\"spacingAndGlyphs\">{}</text>",
                run.len() as f64 * WIDTH,
                text.replace('&', "&amp;").replace('<', "&lt;")
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}
