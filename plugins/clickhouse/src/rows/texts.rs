//! Whether the texts of a batch are text, looked at while the batch passes.
//!
//! The server calls any bytes a string. A batch of wide rows is larger than a component's memory may be, so it
//! is never held whole: what is kept of it is where its texts end, and the begun character at the end of a
//! piece. Whether the batch makes sense besides is the host's to check.

use std::ops::Range;

use arrow_ipc::RecordBatch as Header;
use arrow_schema::{DataType, Field, Schema};

/// The texts of one batch, of which some may have passed.
#[derive(Debug, Default)]
pub(super) struct TextCheck {
    texts: Vec<Texts>,
    /// How much of the batch's body has passed, in bytes.
    at: usize,
}

/// Bytes that are no text, in the column of this number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotText(pub(super) usize);

/// The texts of one array.
#[derive(Debug)]
struct Texts {
    column: usize,
    /// Where their ends and their bytes stand in the body.
    ends: Range<usize>,
    bytes: Range<usize>,
    /// The ends that have passed, four bytes each, and how many of them have been looked at.
    passed: Vec<u8>,
    looked_at: usize,
    /// The first bytes of a character.
    begun: Vec<u8>,
}

impl TextCheck {
    /// The texts of a batch of these columns; none if its buffers are not theirs.
    pub(super) fn new(schema: &Schema, batch: &Header<'_>) -> Option<Self> {
        let buffers = batch.buffers()?;
        let mut buffers = buffers.iter().map(|buffer| {
            let begin = usize::try_from(buffer.offset()).ok()?;
            Some(begin..begin.checked_add(usize::try_from(buffer.length()).ok()?)?)
        });
        let mut check = Self::default();
        for (column, field) in schema.fields().iter().enumerate() {
            check.find(column, field.data_type(), &mut || buffers.next()?)?;
        }
        Some(check)
    }

    /// Takes an array's buffers, and remembers those of texts.
    fn find(
        &mut self,
        column: usize,
        ty: &DataType,
        next: &mut impl FnMut() -> Option<Range<usize>>,
    ) -> Option<()> {
        if let DataType::Null = ty {
            return Some(());
        }
        // What is null.
        next()?;
        match ty {
            DataType::Utf8 => self.texts.push(Texts {
                column,
                ends: next()?,
                bytes: next()?,
                passed: Vec::new(),
                looked_at: 0,
                begun: Vec::new(),
            }),
            DataType::Binary => {
                next()?;
                next()?;
            }
            DataType::List(inner) | DataType::Map(inner, _) => {
                next()?;
                self.find(column, inner.data_type(), next)?;
            }
            DataType::FixedSizeList(inner, _) => self.find(column, inner.data_type(), next)?,
            DataType::Struct(fields) => {
                for field in fields {
                    self.find(column, field.data_type(), next)?;
                }
            }
            // Values of one length, or the keys of a dictionary.
            _ => {
                next()?;
            }
        }
        Some(())
    }

    /// Looks at the next piece of the body.
    ///
    /// # Errors
    /// [`NotText`].
    pub(super) fn look(&mut self, piece: &[u8]) -> Result<(), NotText> {
        let begin = self.at;
        self.at += piece.len();
        for texts in &mut self.texts {
            texts
                .passed
                .extend_from_slice(within(&texts.ends, begin, piece));
            let bytes = within(&texts.bytes, begin, piece);
            if !bytes.is_empty() {
                let from = begin.saturating_sub(texts.bytes.start);
                texts.check(bytes, from).ok_or(NotText(texts.column))?;
            }
        }
        Ok(())
    }
}

impl Texts {
    /// Whether the bytes of all texts, of which these begin at `from`, are text, and whole at each one's end.
    fn check(&mut self, bytes: &[u8], from: usize) -> Option<()> {
        let to = from + bytes.len();
        while let Some(end) = self.end(self.looked_at)
            && end < to
        {
            let next = end.checked_sub(from).and_then(|at| bytes.get(at));
            // In the middle of a character.
            if next.is_some_and(|byte| byte & 0xc0 == 0x80) {
                return None;
            }
            self.looked_at += 1;
        }
        let mut rest = bytes;
        while !self.begun.is_empty() {
            let (next, others) = rest.split_first()?;
            rest = others;
            self.begun.push(*next);
            match std::str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(error) if error.error_len().is_none() => {
                    if rest.is_empty() {
                        break;
                    }
                }
                Err(_) => return None,
            }
        }
        if let Err(error) = std::str::from_utf8(rest) {
            if error.error_len().is_some() {
                return None;
            }
            self.begun.extend_from_slice(&rest[error.valid_up_to()..]);
        }
        (self.begun.is_empty() || to < self.bytes.len()).then_some(())
    }

    fn end(&self, index: usize) -> Option<usize> {
        let bytes = self.passed.get(index * 4..index * 4 + 4)?;
        usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
    }
}

/// Whether a column holds texts, at any depth.
pub(super) fn has_text(field: &Field) -> bool {
    fn within(ty: &DataType) -> bool {
        match ty {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
            DataType::Dictionary(_, values) => within(values),
            DataType::List(field) | DataType::Map(field, _) => within(field.data_type()),
            DataType::Struct(fields) => fields.iter().any(|field| within(field.data_type())),
            _ => false,
        }
    }
    within(field.data_type())
}

/// The same columns with texts as bytes.
pub(super) fn without_text(schema: &Schema) -> Schema {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Utf8 => field.as_ref().clone().with_data_type(DataType::Binary),
            _ => field.as_ref().clone(),
        })
        .collect();
    Schema::new(fields)
}

/// The part of a piece, which begins at `begin`, that stands in a range.
fn within<'a>(range: &Range<usize>, begin: usize, piece: &'a [u8]) -> &'a [u8] {
    let from = range.start.saturating_sub(begin).min(piece.len());
    let to = range.end.saturating_sub(begin).min(piece.len());
    piece.get(from..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StructArray};
    use arrow_ipc::convert::MessageBuffer;
    use datachat_sdk::arrow::IpcStream;
    use proptest::prelude::*;

    use super::*;

    /// Looks at a batch in pieces of a size. Its binary columns are called texts, as the server calls them.
    fn looked_at(batch: &RecordBatch, size: usize) -> Result<(), NotText> {
        let schema = batch.schema();
        let mut stream = IpcStream::new(&schema).expect("a schema");
        stream.push(batch).expect("a batch");
        let mut bytes = stream.read(usize::MAX / 4);
        let length =
            |bytes: &[u8]| u32::from_le_bytes(bytes[4..8].try_into().expect("4")) as usize + 8;
        // The schema's message has no body.
        bytes.drain(..length(&bytes));
        let head = length(&bytes);
        let message = MessageBuffer::try_new(bytes[8..head].into()).expect("a message");
        let header = message.as_ref().header_as_record_batch().expect("a batch");
        let text = |field: &Arc<Field>| match field.data_type() {
            DataType::Binary => field.as_ref().clone().with_data_type(DataType::Utf8),
            _ => field.as_ref().clone(),
        };
        let called: Vec<Field> = schema.fields().iter().map(text).collect();
        let mut check = TextCheck::new(&Schema::new(called), &header).expect("its buffers");
        bytes[head..]
            .chunks(size)
            .try_for_each(|piece| check.look(piece))
    }

    fn of(values: &[&[u8]]) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7; values.len()]));
        let texts: ArrayRef = Arc::new(BinaryArray::from_iter_values(values));
        RecordBatch::try_from_iter([("n", numbers), ("t", texts)]).expect("a batch")
    }

    #[test]
    fn bytes_that_are_no_text_are_seen_in_pieces_of_any_size() {
        let cases: [&[&[u8]]; 5] = [
            &[b"fine", &[0xff]],
            // A character that goes on in the next text.
            &[&[0xc3], &[0xa9]],
            // One that never ends.
            &["é".as_bytes(), &[0xf0, 0x9f, 0x9a]],
            // A surrogate.
            &[&[0xed, 0xa0, 0x80], b"x"],
            &[&[0x80]],
        ];
        for values in cases {
            for size in [1, 2, 3, 7, 64, 4096] {
                assert_eq!(looked_at(&of(values), size), Err(NotText(1)), "{values:?}");
            }
        }
    }

    #[test]
    fn texts_within_other_values_are_looked_at_too() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("é"), None, Some("🚀")]);
        lists.append_null();
        let lists: ArrayRef = Arc::new(lists.finish());
        let field = Arc::new(Field::new("l", lists.data_type().clone(), true));
        let structs: ArrayRef = Arc::new(StructArray::from(vec![(field, Arc::clone(&lists))]));
        let columns = [("l", lists), ("s", structs)];
        let batch = RecordBatch::try_from_iter(columns).expect("a batch");
        for size in [1, 5, 4096] {
            assert_eq!(looked_at(&batch, size), Ok(()));
        }
    }

    proptest! {
        #[test]
        fn exactly_those_batches_pass_whose_every_value_is_text(
            values in proptest::collection::vec(
                prop_oneof![
                    "\\PC{0,6}".prop_map(String::into_bytes),
                    proptest::collection::vec(any::<u8>(), 0..4),
                ],
                1..6,
            ),
            size in 1_usize..20,
        ) {
            let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            let all = values.iter().all(|value| std::str::from_utf8(value).is_ok());
            prop_assert_eq!(looked_at(&of(&values), size).is_ok(), all);
        }
    }
}
