//! Words of someone else's, before they stand in a status, a log or on a page of ours.

/// `words` as one line of at most `longest` characters that cannot disturb what it is printed in: what
/// steers a terminal, or the direction and the breaks of a text, is a space in it. What is cut ends in `…`.
pub fn one_line(words: &str, longest: usize) -> String {
    let shown = |character: char| match character {
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => ' ',
        character if character.is_control() => ' ',
        character => character,
    };
    let spaced: String = words.chars().map(shown).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    line.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_one_short_line() {
        for (words, shown) in [
            ("  more\n\tload \u{1b}[31mred\u{7} ", "more load [31mred"),
            ("a\u{202e}b\u{200b}c\u{2028}d\u{feff}", "a b c d"),
            ("", ""),
        ] {
            assert_eq!(one_line(words, 200), shown);
        }
        assert_eq!(one_line(&"ä".repeat(200), 200), "ä".repeat(200));
        let cut = one_line(&"ä".repeat(201), 200);
        assert_eq!((cut.chars().count(), cut.ends_with("ä…")), (200, true));
    }
}
