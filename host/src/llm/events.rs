//! Server-sent events, as far as the chat protocol uses them: lines of `data:`, ended by an empty line.
//!
//! Pieces come with any borders, also inside a character or a name. Comments (a `:` in front) keep a connection
//! alive and say nothing. Source: the HTML standard, "Server-sent events".

/// Takes an event stream apart.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The line that has begun.
    line: Vec<u8>,
    /// The lines of the event that has begun.
    data: Option<String>,
    /// Whether the last byte was a CR, whose LF is no line of its own.
    after_cr: bool,
}

/// A line is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line is not UTF-8")]
pub struct NotText;

impl Decoder {
    /// Takes the next piece, and gives the data of every event that it ends.
    ///
    /// # Errors
    /// [`NotText`].
    pub fn feed(&mut self, piece: &[u8]) -> Result<Vec<String>, NotText> {
        let mut ended = Vec::new();
        for byte in piece {
            let after_cr = std::mem::take(&mut self.after_cr);
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => {
                    self.after_cr = *byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    ended.extend(self.line(&line)?);
                }
                other => self.line.push(*other),
            }
        }
        Ok(ended)
    }

    /// The data of an event that the stream ended in the middle of: some servers leave out the last empty line.
    ///
    /// # Errors
    /// [`NotText`].
    pub fn finish(mut self) -> Result<Option<String>, NotText> {
        let line = std::mem::take(&mut self.line);
        let ended = self.line(&line)?;
        Ok(ended.or(self.data))
    }

    /// How many bytes wait for the rest of their event.
    pub fn held(&self) -> usize {
        self.line.len() + self.data.as_ref().map_or(0, String::len)
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<String>, NotText> {
        if line.is_empty() {
            return Ok(self.data.take());
        }
        let line = std::str::from_utf8(line).map_err(|_| NotText)?;
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if name == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    const STREAM: &str = ": keep-alive\r\ndata: {\"a\": \"Grüße 東京\"}\r\n\r\n\
                          event: x\ndata:one\ndata: two\nid: 7\n\n: alone\n\ndata: [DONE]\n\n";

    fn all(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for piece in pieces {
            found.extend(decoder.feed(piece).expect("text"));
        }
        found.extend(decoder.finish().expect("text"));
        found
    }

    #[test]
    fn events_are_their_data_and_nothing_else_is() {
        assert_eq!(
            all(&[STREAM.as_bytes()]),
            ["{\"a\": \"Grüße 東京\"}", "one\ntwo", "[DONE]"]
        );
    }

    #[test]
    fn the_last_event_may_lack_its_end() {
        assert_eq!(all(&[b"data: x\n\ndata: y"]), ["x", "y"]);
        assert_eq!(all(&[b"data: x\ndata: y\n"]), ["x\ny"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert_eq!(Decoder::default().feed(b"data: \xff\n"), Err(NotText));
    }

    proptest! {
        #[test]
        fn where_the_pieces_end_makes_no_difference(cuts in prop::collection::vec(0..STREAM.len(), 0..12)) {
            let bytes = STREAM.as_bytes();
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            pieces.push(&bytes[from..]);
            prop_assert_eq!(all(&pieces), all(&[bytes]));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::default();
            if decoder.feed(&bytes).is_ok() {
                let _ = decoder.finish();
            }
        }
    }
}
