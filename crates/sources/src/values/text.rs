//! Text as servers send it: with a byte order mark, in another encoding than UTF-8, with blanks around it.
//!
//! Services on .NET and Windows do all of that. It is no reason not to read a number.

use std::borrow::Cow;

const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a text is written down.
#[derive(Clone, Copy, Debug)]
enum Encoding {
    Utf8,
    Utf16(fn([u8; 2]) -> u16),
    /// One byte a character. What differs between its kinds is of no matter for numbers and their names.
    Latin1,
}

/// The text that `bytes` are, in UTF-8, without byte order mark and without blanks at its ends. `content_type` is
/// what the sender says of it. What is no text in any way that is known here is left as it is.
pub(crate) fn decoded<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Cow<'a, [u8]> {
    match encoding(bytes, content_type) {
        Encoding::Utf8 => Cow::Borrowed(trimmed(bytes)),
        Encoding::Latin1 => {
            let text: String = bytes.iter().copied().map(char::from).collect();
            Cow::Owned(trimmed(text.as_bytes()).to_vec())
        }
        Encoding::Utf16(unit) => {
            let (pairs, _) = bytes.as_chunks::<2>();
            let text = String::from_utf16_lossy(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>());
            Cow::Owned(trimmed(text.as_bytes()).to_vec())
        }
    }
}

fn encoding(bytes: &[u8], content_type: Option<&str>) -> Encoding {
    let (little, big) = (Encoding::Utf16(u16::from_le_bytes), Encoding::Utf16(u16::from_be_bytes));
    match bytes {
        [0xff, 0xfe, ..] => return little,
        [0xfe, 0xff, ..] => return big,
        // A text that begins with a sign of ASCII, as JSON and numbers do.
        [first, 0, ..] if *first != 0 => return little,
        [0, second, ..] if *second != 0 => return big,
        _ => {}
    }
    // Many say of all they send that it is in Latin-1, and send UTF-8.
    let is_latin = content_type.and_then(charset).is_some_and(|charset| {
        ["iso-8859-1", "iso-8859-15", "latin1", "windows-1252"]
            .iter()
            .any(|known| charset.eq_ignore_ascii_case(known))
    });
    if is_latin && std::str::from_utf8(bytes).is_err() { Encoding::Latin1 } else { Encoding::Utf8 }
}

/// The `charset` of a `Content-Type`.
fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.next().map(|(_, value)| value.trim().trim_matches('"'))
}

fn trimmed(mut bytes: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x0b);
    loop {
        let before = bytes.len();
        while let [first, rest @ ..] = bytes
            && is_blank(first)
        {
            bytes = rest;
        }
        while let [rest @ .., last] = bytes
            && is_blank(last)
        {
            bytes = rest;
        }
        bytes = bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes);
        bytes = bytes.strip_suffix(UTF_8_MARK).unwrap_or(bytes);
        if bytes.len() == before {
            return bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_way_to_send_a_number_is_read() {
        for (bytes, content_type) in [
            (b"{\"n\": 7}".to_vec(), None),
            (b"\xef\xbb\xbf{\"n\": 7}".to_vec(), None),
            (b"\xef\xbb\xbf\r\n{\"n\": 7}\r\n\0 \x0b".to_vec(), Some("application/json; charset=utf-8")),
            (b"\xef\xbb\xbf\xef\xbb\xbf{\"n\": 7}\xef\xbb\xbf".to_vec(), None),
            (utf_16("\u{feff}{\"n\": 7}\n", u16::to_le_bytes), Some("application/json; charset=utf-16")),
            (utf_16("\u{feff}{\"n\": 7}", u16::to_be_bytes), None),
            (utf_16("{\"n\": 7}", u16::to_le_bytes), Some("text/plain")),
            (utf_16("{\"n\": 7}", u16::to_be_bytes), None),
        ] {
            let text = decoded(&bytes, content_type);
            assert_eq!(String::from_utf8_lossy(&text), "{\"n\": 7}", "{bytes:?}");
        }
    }

    #[test]
    fn a_charset_is_believed_where_the_text_is_not_utf_8() {
        let latin = Some("text/plain; a=b; Charset=\"ISO-8859-1\"");
        assert_eq!(&*decoded(b"\"gr\xfc\xdfe\"", latin), "\"grüße\"".as_bytes());
        assert_eq!(&*decoded("\"grüße\"".as_bytes(), latin), "\"grüße\"".as_bytes());
        assert_eq!(&*decoded(b"\"gr\xfc\xdfe\"", None), b"\"gr\xfc\xdfe\"");
        assert_eq!(&*decoded(b" \n", None), b"");
        assert_eq!(&*decoded(b"", latin), b"");
    }
}
